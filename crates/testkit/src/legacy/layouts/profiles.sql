-- user-service's migration (contract 2.4). No running code reads this table. Its policies let nobody insert who does
-- not own it. The trigger on updated_at is missing, because the function it names stands in another schema.
CREATE TABLE user_profiles (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(), user_id uuid UNIQUE NOT NULL, email varchar(255) UNIQUE NOT NULL,
    first_name varchar(100) NOT NULL, last_name varchar(100) NOT NULL, display_name varchar(200), avatar text, bio text,
    phone varchar(50), tenant_id uuid NOT NULL, role varchar(50) NOT NULL DEFAULT 'user', is_active boolean DEFAULT true,
    email_verified boolean DEFAULT false, phone_verified boolean DEFAULT false, preferences jsonb DEFAULT '{}',
    metadata jsonb DEFAULT '{}', last_login_at timestamptz, deleted_at timestamptz, created_at timestamptz DEFAULT now(),
    updated_at timestamptz DEFAULT now());
CREATE INDEX idx_user_profiles_tenant_id ON user_profiles (tenant_id);
CREATE INDEX idx_user_profiles_role ON user_profiles (role);
CREATE INDEX idx_user_profiles_created_at ON user_profiles (created_at DESC);
CREATE INDEX idx_user_profiles_is_active ON user_profiles (is_active) WHERE deleted_at IS NULL;
CREATE INDEX idx_user_profiles_search ON user_profiles USING gin (to_tsvector('english',
    first_name || ' ' || last_name || ' ' || coalesce(display_name, '') || ' ' || email));
ALTER TABLE user_profiles ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_read ON user_profiles FOR SELECT USING (user_id = current_setting('app.current_user_id')::uuid);
CREATE POLICY tenant_read ON user_profiles FOR SELECT
    USING (tenant_id = current_setting('app.current_tenant_id')::uuid);
CREATE POLICY own_update ON user_profiles FOR UPDATE USING (user_id = current_setting('app.current_user_id')::uuid);
