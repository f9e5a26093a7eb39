//! What belongs to a database and is in no dump: its owner, who may connect, how many, and its settings as they are now.

use tokio_postgres::Client;

use crate::backup::call;
use crate::run::Call;
use crate::{Error, Result};

/// The statements that give `into` what `from` has. Run in any database.
pub(super) async fn statements(client: &Client, from: &str, into: &str) -> Result<Vec<Call>> {
    let doing = || Error::sql("reading what belongs to the database");
    let name = call::name(into);
    let sql = "SELECT pg_catalog.pg_get_userbyid(datdba)::text, datconnlimit, datacl IS NOT NULL,
            coalesce((SELECT array_agg(coalesce(r.rolname, '') || '|' || setting ORDER BY 1)
                FROM pg_catalog.pg_db_role_setting s LEFT JOIN pg_catalog.pg_roles r ON r.oid = s.setrole,
                LATERAL pg_catalog.unnest(s.setconfig) setting WHERE s.setdatabase = d.oid), '{}'),
            coalesce((SELECT array_agg(DISTINCT coalesce(r.rolname, '')) FROM pg_catalog.pg_db_role_setting s
                LEFT JOIN pg_catalog.pg_roles r ON r.oid = s.setrole
                WHERE s.setdatabase = (SELECT oid FROM pg_catalog.pg_database WHERE datname = $2)), '{}')
        FROM pg_catalog.pg_database d WHERE datname = $1";
    let row = client.query_one(sql, &[&from, &into]).await.map_err(doing())?;
    let (owner, limit): (String, i32) = (row.get(0), row.get(1));
    let mut all = vec![
        Call::sql(from, format!("ALTER DATABASE {name} OWNER TO {}", call::name(&owner))),
        Call::sql(from, format!("ALTER DATABASE {name} CONNECTION LIMIT {limit}")),
    ];
    for role in row.get::<_, Vec<String>>(4) {
        let sql = if role.is_empty() {
            format!("ALTER DATABASE {name} RESET ALL")
        } else {
            format!("ALTER ROLE {} IN DATABASE {name} RESET ALL", call::name(&role))
        };
        all.push(Call::sql(from, sql));
    }
    all.extend(call::settings(from, &row.get::<_, Vec<String>>(3), into));
    if row.get(2) {
        all.push(Call::sql(from, format!("REVOKE ALL ON DATABASE {name} FROM PUBLIC")));
        let sql = "SELECT CASE a.grantee WHEN 0 THEN NULL ELSE pg_catalog.pg_get_userbyid(a.grantee)::text END,
                a.privilege_type, a.is_grantable
            FROM pg_catalog.pg_database d, LATERAL pg_catalog.aclexplode(d.datacl) a WHERE d.datname = $1 ORDER BY 1, 2";
        for row in client.query(sql, &[&from]).await.map_err(doing())? {
            let who = row.get::<_, Option<String>>(0).map_or_else(|| "PUBLIC".to_owned(), |who| call::name(&who));
            let option = if row.get(2) { " WITH GRANT OPTION" } else { "" };
            all.push(Call::sql(from, format!("GRANT {} ON DATABASE {name} TO {who}{option}", row.get::<_, &str>(1))));
        }
    }
    Ok(all)
}
