//! One value that changes with any change of the schema.

use sha2::{Digest as _, Sha256};
use tokio_postgres::Client;

use crate::{Error, Result};

/// Every line is an object of the schema as PostgreSQL would write it. Order, ids and sizes have no part in it, nor has
/// the change log, which comes and goes with the take-over.
const SQL: &str = "
    WITH ours AS (SELECT oid, nspname FROM pg_catalog.pg_namespace
        WHERE nspname !~ '^pg_' AND nspname NOT IN ('information_schema', 'pyairtable_cutover')),
    relations AS (SELECT c.*, o.nspname FROM pg_catalog.pg_class c JOIN ours o ON o.oid = c.relnamespace
        WHERE c.relpersistence <> 't')
    SELECT line FROM (
        SELECT 'schema ' || nspname AS line FROM ours
        UNION ALL
        SELECT pg_catalog.format('relation %s.%s %s owner %s rls %s %s', nspname, relname, relkind,
            pg_catalog.pg_get_userbyid(relowner), relrowsecurity, relforcerowsecurity)
            FROM relations WHERE relkind IN ('r', 'v', 'm', 'p', 'S', 'f')
        UNION ALL
        SELECT pg_catalog.format('column %s.%s.%s %s null %s identity %s generated %s default %s collation %s', nspname,
            relname, attname, pg_catalog.format_type(atttypid, atttypmod), NOT attnotnull, attidentity, attgenerated,
            pg_catalog.pg_get_expr(adbin, adrelid), attcollation::pg_catalog.regcollation)
            FROM relations r JOIN pg_catalog.pg_attribute a ON a.attrelid = r.oid AND attnum > 0 AND NOT attisdropped
            LEFT JOIN pg_catalog.pg_attrdef d ON d.adrelid = r.oid AND d.adnum = attnum
            WHERE relkind IN ('r', 'v', 'm', 'p', 'f')
        UNION ALL
        SELECT pg_catalog.format('constraint %s.%s %s %s valid %s', nspname, relname, conname,
            pg_catalog.pg_get_constraintdef(k.oid), convalidated)
            FROM relations r JOIN pg_catalog.pg_constraint k ON k.conrelid = r.oid
        UNION ALL
        SELECT pg_catalog.format('index %s valid %s', pg_catalog.pg_get_indexdef(indexrelid), indisvalid)
            FROM relations r JOIN pg_catalog.pg_index i ON i.indrelid = r.oid
        UNION ALL
        SELECT 'trigger ' || pg_catalog.pg_get_triggerdef(t.oid) || ' ' || tgenabled::pg_catalog.text
            FROM relations r JOIN pg_catalog.pg_trigger t ON t.tgrelid = r.oid WHERE NOT tgisinternal
            AND tgname !~ '^!pyairtable_capture'
        UNION ALL
        SELECT pg_catalog.format('policy %s.%s %s %s %s %s using %s check %s', nspname, relname, polname, polcmd,
            polpermissive, (SELECT pg_catalog.array_agg(CASE role WHEN 0 THEN 'public'
                ELSE pg_catalog.pg_get_userbyid(role)::text END ORDER BY 1) FROM pg_catalog.unnest(polroles) role),
            pg_catalog.pg_get_expr(polqual, polrelid), pg_catalog.pg_get_expr(polwithcheck, polrelid))
            FROM relations r JOIN pg_catalog.pg_policy p ON p.polrelid = r.oid
        UNION ALL
        SELECT pg_catalog.format('view %s.%s %s', nspname, relname, pg_catalog.pg_get_viewdef(oid))
            FROM relations WHERE relkind IN ('v', 'm')
        UNION ALL
        SELECT pg_catalog.format('rule %s', pg_catalog.pg_get_ruledef(w.oid))
            FROM relations r JOIN pg_catalog.pg_rewrite w ON w.ev_class = r.oid WHERE w.rulename <> '_RETURN'
        UNION ALL
        SELECT 'function ' || pg_catalog.pg_get_functiondef(f.oid) FROM pg_catalog.pg_proc f
            JOIN ours o ON o.oid = f.pronamespace WHERE f.prokind IN ('f', 'p')
            AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d WHERE d.objid = f.oid AND d.deptype = 'e')
        UNION ALL
        SELECT pg_catalog.format('type %s.%s %s %s', o.nspname, typname, typtype,
            (SELECT pg_catalog.string_agg(enumlabel, ',' ORDER BY enumsortorder) FROM pg_catalog.pg_enum
                WHERE enumtypid = t.oid))
            FROM pg_catalog.pg_type t JOIN ours o ON o.oid = t.typnamespace WHERE typtype IN ('e', 'd')
        UNION ALL
        SELECT pg_catalog.format('grant %s.%s %s', nspname, relname, grantee_rights)
            FROM relations r, LATERAL (SELECT pg_catalog.format('%s %s %s', CASE grantee WHEN 0 THEN 'public'
                ELSE pg_catalog.pg_get_userbyid(grantee)::text END, privilege_type, is_grantable) AS grantee_rights
                FROM pg_catalog.aclexplode(coalesce(relacl,
                pg_catalog.acldefault(CASE relkind WHEN 'S' THEN 's' ELSE 'r' END::\"char\", relowner)))) rights
            WHERE relkind IN ('r', 'v', 'm', 'p', 'S', 'f')
        UNION ALL
        SELECT pg_catalog.format('extension %s %s', extname, extversion) FROM pg_catalog.pg_extension
    ) lines ORDER BY line COLLATE \"C\"";

/// The schema as text, a line an object. The session must be set up as [`crate::digest::SESSION`] does it, or names that
/// the search path finds lose their schema.
pub async fn schema(client: &Client) -> Result<Vec<String>> {
    let rows = client.query(SQL, &[]).await.map_err(Error::sql("reading the schema"))?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}

/// A line of the schema without casts, parentheses and spaces. PostgreSQL writes an expression down otherwise once it has
/// read what it wrote before: `(ARRAY['a'::varchar])::text[]` becomes `ARRAY[('a'::varchar)::text]`. Only for comparing
/// what was dumped with what was restored.
pub(crate) fn bare(line: &str) -> String {
    let mut text = String::with_capacity(line.len());
    let mut rest = line;
    while let Some(letter) = rest.chars().next() {
        if let Some(cast) = rest.strip_prefix("::") {
            // Types are written in small letters, and the keywords that may follow them in capitals.
            let kind = |letter: char| letter.is_ascii_lowercase() || "_. []\"".contains(letter);
            rest = cast.trim_start_matches(kind);
            continue;
        }
        if !"() ".contains(letter) {
            text.push(letter);
        }
        rest = &rest[letter.len_utf8()..];
    }
    text
}

/// SHA-256 of the schema as text.
pub fn fingerprint(schema: &[String]) -> String {
    let mut hash = Sha256::new();
    for line in schema {
        hash.update(line.as_bytes());
        hash.update(b"\n");
    }
    crate::files::hex(&hash.finalize())
}

#[cfg(test)]
mod tests {
    use super::bare;

    #[test]
    fn expressions_are_the_same_once_read_again() {
        let once = "CHECK (((status)::text = ANY ((ARRAY['a'::character varying, 'b'::character varying])::text[])))";
        let twice =
            "CHECK (((status)::text = ANY (ARRAY[('a'::character varying)::text, ('b'::character varying)::text])))";
        assert_eq!(bare(once), bare(twice));
        assert_ne!(bare(once), bare(&once.replace("'b'", "'c'")));
        assert_eq!(bare("x::text AND y"), "xANDy");
    }
}
