-- The orders that long lists are read in. Without them every page would read and sort the whole list.

-- The audit trail of a tenant by time; its key is by sequence number.
CREATE INDEX IF NOT EXISTS audit_events_tenant_at_idx ON audit_events (tenant_id, at DESC, id DESC);

-- All tenants, for super admins. The table may be somebody else's, so it is built only where that takes a moment; on a
-- large live one it is built without blocking writers by the expand step of a take-over.
DO $$
BEGIN
    IF (SELECT relkind FROM pg_class WHERE oid = to_regclass('tenants')) = 'r' THEN
        IF pg_relation_size(to_regclass('tenants')) < 64 * 1024 * 1024 THEN
            -- Old rows may have no created_at; as NULLs they would fall out of keyset paging (T-43).
            CREATE INDEX IF NOT EXISTS tenants_created_idx ON tenants
                ((coalesce(created_at, to_timestamp(0))) DESC, id DESC);
        END IF;
    END IF;
END
$$;
