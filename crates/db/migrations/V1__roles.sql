-- The two roles that requests run as, and the function that puts a table behind row-level security.

DO $$
DECLARE
    role_name text;
    schema_name name;
    membership text := CASE WHEN current_setting('server_version_num')::int >= 160000 THEN 'SET' ELSE 'MEMBER' END;
BEGIN
    -- Roles belong to the whole server; another database, or another replica, may be creating them right now.
    BEGIN
        IF to_regrole('pyairtable_app') IS NULL THEN
            CREATE ROLE pyairtable_app NOLOGIN;
        END IF;
        IF to_regrole('pyairtable_system') IS NULL THEN
            CREATE ROLE pyairtable_system NOLOGIN;
        END IF;
    EXCEPTION WHEN duplicate_object OR unique_violation THEN
        NULL;
    END;
    -- A superuser may become any role; anyone else must be a member. From version 16 on, whoever creates a role is a
    -- member that still may not become it.
    FOREACH role_name IN ARRAY ARRAY['pyairtable_app', 'pyairtable_system'] LOOP
        IF NOT pg_has_role(current_user, role_name, membership) THEN
            EXECUTE format('GRANT %I TO %I', role_name, current_user);
        END IF;
    END LOOP;
    -- Old tables may stand in a schema for each service (contract 2.1).
    FOREACH schema_name IN ARRAY current_schemas(false) LOOP
        IF NOT has_schema_privilege('pyairtable_app', schema_name, 'USAGE')
            OR NOT has_schema_privilege('pyairtable_system', schema_name, 'USAGE') THEN
            EXECUTE format('GRANT USAGE ON SCHEMA %I TO pyairtable_app, pyairtable_system', schema_name);
        END IF;
    END LOOP;
END
$$;

-- Puts a table behind row-level security: pyairtable_app sees only rows whose tenant column equals app.tenant_id.
-- Legacy roles keep seeing everything they saw (a permissive policy for all, none where policies exist already).
-- The comparison follows the column's type, because old tables hold tenant ids as uuid or as text (T-01).
CREATE OR REPLACE FUNCTION platform_protect(relation text, tenant_column text) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    target regclass := to_regclass(relation);
    kind "char";
    had_policies boolean;
    column_type regtype;
    predicate text;
BEGIN
    SELECT c.relkind, c.relrowsecurity INTO kind, had_policies FROM pg_class c WHERE c.oid = target;
    IF kind IS DISTINCT FROM 'r' AND kind IS DISTINCT FROM 'p' THEN
        RETURN; -- a view (T-41) has no policies of its own
    END IF;
    SELECT a.atttypid::regtype INTO column_type FROM pg_attribute a
        WHERE a.attrelid = target AND a.attname = tenant_column AND NOT a.attisdropped;
    IF column_type = 'uuid'::regtype THEN
        predicate := format('%I = nullif(current_setting(''app.tenant_id'', true), '''')::uuid', tenant_column);
    ELSE
        predicate := format('%I::text = current_setting(''app.tenant_id'', true)', tenant_column);
    END IF;
    IF EXISTS (SELECT FROM pg_policy WHERE polrelid = target AND polname = 'platform_tenant') THEN
        RETURN;
    END IF;
    EXECUTE format('CREATE POLICY platform_access ON %s AS PERMISSIVE FOR ALL TO %s USING (true) WITH CHECK (true)',
        target, CASE WHEN had_policies THEN 'pyairtable_app, pyairtable_system' ELSE 'PUBLIC' END);
    EXECUTE format('CREATE POLICY platform_tenant ON %s AS RESTRICTIVE FOR ALL TO pyairtable_app USING (%s) WITH CHECK (%s)',
        target, predicate, predicate);
    EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', target);
END
$$;
