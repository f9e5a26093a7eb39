//! Sequences that would give out what is taken: after a restore by hand, the next insert fails.

use super::session::{Session, failed};
use super::verdict::Verdict;

const CHECK: &str = "sequences";

const OWNED: &str =
    "SELECT format('SELECT format(%L, s.last_value, m.most) FROM (SELECT max(%I) AS most FROM %s) m, %s s
            WHERE m.most > s.last_value OR m.most = s.last_value AND NOT s.is_called',
            format('%s is at %%s and %s.%s has %%s', s.oid::regclass, t.oid::regclass, a.attname), a.attname,
            t.oid::regclass, s.oid::regclass)
        FROM pg_class s JOIN pg_depend d ON d.classid = 'pg_class'::regclass AND d.objid = s.oid
            AND d.refclassid = 'pg_class'::regclass AND d.deptype IN ('a', 'i')
        JOIN pg_class t ON t.oid = d.refobjid JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = d.refobjsubid
        WHERE s.relkind = 'S' AND t.relkind IN ('r', 'p') AND s.relpersistence <> 't' ORDER BY 1 LIMIT 500";

pub(super) async fn check(session: &Session) -> Verdict {
    let statements = match session.rows(OWNED, &[]).await {
        Ok(rows) => rows,
        Err(error) => return failed(CHECK, &error),
    };
    let mut behind = Vec::new();
    for row in &statements {
        match session.text(row.get(0)).await {
            Ok(found) => behind.extend(found),
            Err(error) => return failed(CHECK, &error),
        }
    }
    if behind.is_empty() {
        return Verdict::ok(CHECK, format!("{} are ahead of their columns", statements.len()));
    }
    Verdict::stop(CHECK, behind.join("; "), "SELECT setval('<sequence>', (SELECT max(<column>) FROM <table>))")
}
