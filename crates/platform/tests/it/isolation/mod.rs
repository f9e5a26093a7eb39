//! No tenant sees or touches another's rows: not through any operation, and not through the database alone.

mod layers;
mod matrix;
mod tables;

use tokio_postgres::Client;
use tokio_postgres::error::SqlState;

use self::tables::{MARKER, Table, all_rows_of, mark, tenant_tables};
use crate::support::TestApp;

/// A connection as tenant transactions have it.
async fn as_tenant(app: &TestApp, tenant: &str) -> Client {
    let database = app.db.superuser().await;
    database.batch_execute(&format!("SET ROLE pyairtable_app; SET app.tenant_id = '{tenant}'")).await.unwrap();
    database
}

/// Tables that tenant transactions may read at all: refresh tokens they may not.
async fn readable_tables(database: &Client) -> Vec<Table> {
    tenant_tables(database).await.into_iter().filter(|table| table.name != "refresh_tokens").collect()
}

/// The columns the role may read: for `users` all but the password.
async fn readable(database: &Client, table: &str) -> String {
    let row = database
        .query_one(
            "SELECT string_agg(quote_ident(attname), ', ' ORDER BY attnum) FROM pg_attribute
             WHERE attrelid = $1::text::regclass AND attnum > 0 AND NOT attisdropped
               AND has_column_privilege('pyairtable_app', attrelid, attnum, 'SELECT')",
            &[&table],
        )
        .await
        .unwrap();
    row.get::<_, Option<String>>(0).unwrap_or_else(|| panic!("nothing of {table} is readable"))
}

fn code(result: Result<u64, tokio_postgres::Error>) -> Option<SqlState> {
    result.err().map(|error| error.code().cloned().unwrap_or_else(|| panic!("{error}")))
}

#[tokio::test]
async fn database_alone_shows_a_tenant_its_own_rows_only() {
    let app = TestApp::new().await;
    let (home, victim) = (app.belongings("home.example").await, app.belongings("away.example").await);
    let superuser = app.db.superuser().await;
    mark(&superuser, victim.tenant()).await;
    let database = as_tenant(&app, home.tenant()).await;
    for Table { name, whose, .. } in readable_tables(&superuser).await {
        let columns = readable(&superuser, &name).await;
        let owners = format!("SELECT {whose} FROM {name} t");
        let seen = database.query(&owners, &[]).await.unwrap();
        assert!(!seen.is_empty(), "{name}: not even the own rows");
        assert!(seen.iter().all(|row| row.get::<_, &str>(0) == home.tenant()), "{name}");
        let sql = format!("SELECT count(*) FROM (SELECT {columns} FROM {name}) t WHERE t::text LIKE '%{MARKER}%'");
        assert_eq!(database.query_one(&sql, &[]).await.unwrap().get::<_, i64>(0), 0, "{name}");
        // No tenant, nobody's tenant and nonsense see nothing.
        for tenant in [uuid::Uuid::nil().to_string(), String::new()] {
            let nobody = as_tenant(&app, &tenant).await;
            assert!(nobody.query(&owners, &[]).await.unwrap().is_empty(), "{name} with {tenant:?}");
        }
    }
}

#[tokio::test]
async fn database_alone_refuses_writes_into_another_tenant() {
    let app = TestApp::new().await;
    let (home, victim) = (app.belongings("home.example").await, app.belongings("away.example").await);
    let superuser = app.db.superuser().await;
    let before = all_rows_of(&superuser, victim.tenant()).await;
    let database = as_tenant(&app, home.tenant()).await;
    let refused = Some(SqlState::INSUFFICIENT_PRIVILEGE);
    for table in readable_tables(&superuser).await {
        let name = &table.name;
        // What makes a row somebody's: their tenant's id, or their workspace's, or their project's.
        let (column, mine, theirs) = match (table.column, name.as_str()) {
            (Some(column), _) => (column, home.tenant(), victim.tenant()),
            (None, "airtable_bases") => ("project_id", home.project.as_str(), victim.project.as_str()),
            (None, _) => ("workspace_id", home.workspace.as_str(), victim.workspace.as_str()),
        };
        let move_away = format!("UPDATE {name} SET {column} = '{theirs}' WHERE {column} = '{mine}'");
        assert_eq!(code(database.execute(&move_away, &[]).await), refused, "{name}");
        for sql in [
            format!("UPDATE {name} SET {column} = '{mine}' WHERE {column} = '{theirs}'"),
            format!("DELETE FROM {name} WHERE {column} = '{theirs}'"),
        ] {
            match database.execute(&sql, &[]).await {
                Ok(rows) => assert_eq!(rows, 0, "{sql}"),
                Err(error) => assert_eq!(error.code(), refused.as_ref(), "{sql}"),
            }
        }
        // One of their rows, offered again: as theirs it is refused, as one's own it is only a duplicate, or new where
        // nothing but the owner tells it from theirs.
        let row = format!("SELECT to_jsonb(t)::text FROM {name} t WHERE {column}::text = $1 LIMIT 1");
        let row: String = superuser.query_one(&row, &[&theirs]).await.unwrap().get(0);
        let insert = format!("INSERT INTO {name} SELECT * FROM jsonb_populate_record(NULL::{name}, $1::text::jsonb)");
        assert_eq!(code(database.execute(&insert, &[&row]).await), refused, "{name}");
        let may_insert = format!("SELECT has_table_privilege('pyairtable_app', '{name}', 'INSERT')");
        if name != "tenants" && superuser.query_one(&may_insert, &[]).await.unwrap().get(0) {
            let own = row.replace(theirs, mine);
            let by_person = ["feeds", "preferences", "digests", "digest_items"].map(|of| format!("notification_{of}"));
            let keyed = row.contains("\"id\":") || by_person.contains(name);
            let duplicate = keyed.then_some(SqlState::UNIQUE_VIOLATION);
            assert_eq!(code(database.execute(&insert, &[&own]).await), duplicate, "{name}");
        }
        assert!(code(database.execute(&format!("TRUNCATE {name}"), &[]).await).is_some(), "{name}");
    }
    assert_eq!(all_rows_of(&superuser, victim.tenant()).await, before);
}

#[tokio::test]
async fn database_alone_hides_passwords_and_refresh_tokens() {
    let app = TestApp::new().await;
    let admin = app.admin("ada@example.com").await;
    let database = as_tenant(&app, &admin.tenant).await;
    // Of a grant without the right to it PostgreSQL only warns.
    database.batch_execute("GRANT SELECT ON users TO pyairtable_app").await.unwrap();
    for sql in [
        "SELECT password_hash FROM users",
        "SELECT * FROM users",
        "SELECT count(*) FROM users WHERE password_hash LIKE '$%'",
        "SELECT u FROM users u",
        "UPDATE users SET first_name = password_hash",
        "UPDATE users SET is_active = true RETURNING password_hash",
        "SELECT * FROM refresh_tokens",
        "SELECT count(*) FROM refresh_tokens",
        "INSERT INTO tenants (id, name, slug) VALUES (gen_random_uuid(), 'x', 'x')",
        "DELETE FROM audit_events",
        "UPDATE audit_events SET action = 'x'",
        "ALTER TABLE users DISABLE ROW LEVEL SECURITY",
        "DROP POLICY platform_tenant ON users",
        "CREATE TABLE mine ()",
    ] {
        let result = database.batch_execute(sql).await;
        let code = result.err().and_then(|error| error.code().cloned());
        assert_eq!(code, Some(SqlState::INSUFFICIENT_PRIVILEGE), "{sql}");
    }
}

#[tokio::test]
async fn every_table_of_tenants_has_its_policy() {
    let app = TestApp::new().await;
    let database = app.db.superuser().await;
    let policy = |table: String| {
        let database = &database;
        async move {
            let row = database
                .query_one(
                    "SELECT c.relrowsecurity AND EXISTS (SELECT FROM pg_policy p WHERE p.polrelid = c.oid
                         AND NOT p.polpermissive AND p.polcmd = '*' AND 'pyairtable_app'::regrole = ANY (p.polroles)
                         AND pg_get_expr(p.polqual, c.oid) LIKE '%app.tenant_id%'
                         AND pg_get_expr(p.polwithcheck, c.oid) LIKE '%app.tenant_id%')
                     FROM pg_class c WHERE c.oid = $1::text::regclass",
                    &[&table],
                )
                .await;
            row.unwrap().get::<_, bool>(0)
        }
    };
    for Table { name: table, .. } in readable_tables(&database).await {
        assert!(policy(table.clone()).await, "{table} is not protected: call platform_protect in its migration");
    }
    // The question is answered with no where it should be.
    database.batch_execute("CREATE TABLE forgotten (tenant_id uuid)").await.unwrap();
    assert!(!policy("forgotten".to_owned()).await);
}

#[tokio::test]
async fn roles_of_requests_can_do_no_more_than_they_need() {
    let app = TestApp::new().await;
    let database = app.db.superuser().await;
    for role in ["pyairtable_app", "pyairtable_system"] {
        let row = database
            .query_one(
                "SELECT rolsuper OR rolbypassrls OR rolcreaterole OR rolcreatedb OR rolreplication OR rolcanlogin,
                     (SELECT count(*) FROM pg_shdepend WHERE refobjid = r.oid AND deptype = 'o'),
                     (SELECT count(*) FROM pg_auth_members WHERE member = r.oid)
                 FROM pg_roles r WHERE rolname = $1",
                &[&role],
            )
            .await
            .unwrap();
        assert!(!row.get::<_, bool>(0), "{role} has an attribute it should not have");
        assert_eq!((row.get::<_, i64>(1), row.get::<_, i64>(2)), (0, 0), "{role} owns or inherits something");
    }
}
