-- A deployment in which nothing is wrong: `$people` people, ten a tenant, two workspaces a tenant.
INSERT INTO tenants (id, name, slug)
    SELECT md5('t' || n)::uuid, 'Tenant ' || n, 'tenant-' || n FROM generate_series(0, $people / 10 - 1) n;
INSERT INTO users (id, email, password_hash, first_name, last_name, tenant_id, is_active, email_verified)
    SELECT md5('u' || n)::uuid, 'person' || n || '@example.com',
        '$2a$10$' || left(md5('h' || n) || md5('i' || n), 53), 'Ada', 'Lovelace', md5('t' || n / 10)::uuid, true, true
    FROM generate_series(0, $people - 1) n;
INSERT INTO user_profiles (user_id, email, first_name, last_name, tenant_id)
    SELECT id, email, first_name, last_name, tenant_id FROM users;
INSERT INTO workspaces (id, tenant_id, name, created_by)
    SELECT md5('w' || n)::uuid, md5('t' || n / 2)::uuid::text, 'Workspace ' || n, md5('u' || n * 5)::uuid::text
    FROM generate_series(0, $people / 5 - 1) n;
INSERT INTO workspace_members (workspace_id, user_id, role)
    SELECT md5('w' || n)::uuid, md5('u' || n * 5 + k)::uuid::text, CASE k WHEN 0 THEN 'owner' ELSE 'member' END
    FROM generate_series(0, $people / 5 - 1) n, generate_series(0, 2) k;
INSERT INTO projects (id, workspace_id, name, created_by)
    SELECT md5('p' || n)::uuid, md5('w' || n / 2)::uuid, 'Project ' || n, md5('u' || n / 2 * 5)::uuid::text
    FROM generate_series(0, $people / 5 * 2 - 1) n;
INSERT INTO airtable_bases (project_id, base_id, name)
    SELECT md5('p' || n)::uuid, 'app' || n, 'Base ' || n FROM generate_series(0, $people / 5 * 2 - 1) n;
INSERT INTO refresh_tokens (token_hash, user_id, expires_at) SELECT 'hash' || id, id, now() FROM users;
INSERT INTO examples (name) VALUES ('one'), ('two');
ANALYZE;
