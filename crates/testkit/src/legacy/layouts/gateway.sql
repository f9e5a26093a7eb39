-- The gateway's tables (contract 2.10). Nothing reads or writes them; they stand beside the others.
CREATE TABLE api_logs (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(), request_id varchar(100) NOT NULL, method varchar(10) NOT NULL,
    path text NOT NULL, query_params jsonb, headers jsonb, request_body jsonb, response_body jsonb, response_status int,
    response_time_ms int, user_id uuid, tenant_id uuid, ip_address inet, user_agent text, service_name varchar(100),
    error_message text, created_at timestamptz DEFAULT now(), updated_at timestamptz DEFAULT now());
CREATE TABLE rate_limits (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(), identifier varchar(255) NOT NULL, endpoint varchar(255) NOT NULL,
    window_start timestamptz NOT NULL, request_count int DEFAULT 1, created_at timestamptz DEFAULT now(),
    updated_at timestamptz DEFAULT now(), UNIQUE (identifier, endpoint, window_start));
CREATE TABLE circuit_breakers (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(), service_name varchar(100) NOT NULL, endpoint varchar(255) NOT NULL,
    state varchar(20) DEFAULT 'closed', failure_count int DEFAULT 0, success_count int DEFAULT 0,
    last_failure_time timestamptz, next_retry_time timestamptz, created_at timestamptz DEFAULT now(),
    updated_at timestamptz DEFAULT now(), UNIQUE (service_name, endpoint));
