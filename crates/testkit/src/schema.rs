//! What a database consists of, apart from its rows.

use tokio_postgres::Client;

/// Everything in a database's own schemas, a line for each: relations with owner, rights and row-level security, columns,
/// constraints, indexes, triggers, policies, functions, sequences and types. Two databases with the same lines are built
/// the same.
pub async fn lines(client: &Client) -> Vec<String> {
    let rows = client.query(LINES, &[]).await.expect("the catalogs can be read");
    rows.iter().map(|row| row.get(0)).collect()
}

const LINES: &str = "
    WITH own AS (SELECT oid, nspname FROM pg_namespace WHERE nspname !~ '^pg_' AND nspname <> 'information_schema'),
    relations AS (SELECT c.*, own.nspname || '.' || c.relname AS name FROM pg_class c JOIN own ON own.oid = c.relnamespace)
    SELECT line FROM (
        SELECT format('relation %s %s owner %s rights %s rls %s %s', name, relkind, pg_get_userbyid(relowner), relacl,
            relrowsecurity, relforcerowsecurity) AS line FROM relations
        UNION ALL SELECT format('view %s %s', name, pg_get_viewdef(oid)) FROM relations WHERE relkind IN ('v', 'm')
        UNION ALL SELECT format('column %s.%s %s %s not null %s default %s rights %s', r.name, a.attname, a.attnum,
                format_type(a.atttypid, a.atttypmod), a.attnotnull, pg_get_expr(d.adbin, d.adrelid), a.attacl)
            FROM relations r JOIN pg_attribute a ON a.attrelid = r.oid
            LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
            WHERE a.attnum > 0 AND r.relkind IN ('r', 'p', 'v', 'm')
        UNION ALL SELECT format('constraint %s %s %s valid %s', r.name, k.conname, pg_get_constraintdef(k.oid), k.convalidated)
            FROM relations r JOIN pg_constraint k ON k.conrelid = r.oid
        UNION ALL SELECT format('index %s valid %s', pg_get_indexdef(i.indexrelid), i.indisvalid)
            FROM relations r JOIN pg_index i ON i.indrelid = r.oid
        UNION ALL SELECT format('trigger %s enabled %s', pg_get_triggerdef(t.oid), t.tgenabled)
            FROM relations r JOIN pg_trigger t ON t.tgrelid = r.oid WHERE NOT t.tgisinternal
        UNION ALL SELECT format('policy %s %s permissive %s for %s to %s using %s check %s', r.name, p.polname,
                p.polpermissive, p.polcmd, (SELECT string_agg(CASE o WHEN 0 THEN 'public' ELSE pg_get_userbyid(o)::text END,
                ',' ORDER BY o) FROM unnest(p.polroles) o), pg_get_expr(p.polqual, p.polrelid),
                pg_get_expr(p.polwithcheck, p.polrelid))
            FROM relations r JOIN pg_policy p ON p.polrelid = r.oid
        UNION ALL SELECT format('function %s owner %s rights %s', pg_get_functiondef(f.oid), pg_get_userbyid(f.proowner),
                f.proacl)
            FROM pg_proc f JOIN own ON own.oid = f.pronamespace WHERE f.prokind IN ('f', 'p')
        UNION ALL SELECT format('type %s.%s %s %s', own.nspname, t.typname, t.typtype, (SELECT string_agg(enumlabel, ','
                ORDER BY enumsortorder) FROM pg_enum WHERE enumtypid = t.oid))
            FROM pg_type t JOIN own ON own.oid = t.typnamespace WHERE t.typtype IN ('e', 'd')
        UNION ALL SELECT format('schema %s rights %s', n.nspname, n.nspacl) FROM pg_namespace n JOIN own ON own.oid = n.oid
        UNION ALL SELECT format('setting %s %s', coalesce(d.datname, '*'), array_to_string(s.setconfig, ', '))
            FROM pg_db_role_setting s LEFT JOIN pg_database d ON d.oid = s.setdatabase
            WHERE d.datname = current_database()
        UNION ALL SELECT format('extension %s %s', extname, extversion) FROM pg_extension
    ) lines ORDER BY line COLLATE \"C\"";
