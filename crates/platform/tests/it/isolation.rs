//! No tenant sees or touches another's rows: not through any operation, and not through the database alone.

use axum::http::Method;
use serde_json::{Value, json};
use testkit::Answer;
use tokio_postgres::Client;
use tokio_postgres::error::SqlState;

use crate::coverage::{Operation, operations};
use crate::fixtures::send;
use crate::support::{Person, TestApp};

/// Stands in every text of the other tenant's rows and nowhere else.
const MARKER: &str = "zqxjkvbw";

/// Tables with rows of tenants, and the column that says whose.
async fn tenant_tables(database: &Client) -> Vec<(String, String)> {
    let rows = database
        .query(
            "SELECT c.oid::regclass::text, a.attname::text FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
             WHERE c.relkind IN ('r', 'p') AND c.relnamespace::regnamespace::text !~ '^(pg_|information_schema)'
               AND NOT a.attisdropped
               AND c.relname NOT IN ('invitations', 'tenant_suspended_users', 'workspaces')
               AND (a.attname = 'tenant_id' OR (c.relname = 'tenants' AND a.attname = 'id')) ORDER BY 1",
            &[],
        )
        .await
        .unwrap();
    let tables: Vec<_> = rows.iter().map(|row| (row.get(0), row.get(1))).collect();
    assert!(tables.len() >= 5, "{tables:?}");
    tables
}

/// Writes the marker into every text and JSON column of the tenant's rows.
async fn mark(database: &Client, tenant: &str) {
    for (table, whose) in tenant_tables(database).await {
        let columns = database
            .query(
                "SELECT attname::text, atttypid::regtype::text FROM pg_attribute
                 WHERE attrelid = $1::text::regclass AND attnum > 0 AND NOT attisdropped
                   AND atttypid::regtype::text IN ('text', 'character varying', 'json', 'jsonb')",
                &[&table],
            )
            .await
            .unwrap();
        for column in &columns {
            let (name, kind): (&str, &str) = (column.get(0), column.get(1));
            let value = match (name, kind) {
                (_, "json" | "jsonb") => format!("'{{\"username\": \"{MARKER}\"}}'::{kind}"),
                ("email", _) => format!("'{MARKER}.' || id || '@example.com'"),
                _ => format!("'{MARKER}'"),
            };
            let sql = format!("UPDATE {table} SET {name} = {value} WHERE {whose}::text = '{tenant}'");
            database.batch_execute(&sql).await.unwrap();
        }
        assert!(rows_of(database, &table, &whose, tenant).await.contains(MARKER), "{table} has no row to mark");
    }
}

async fn rows_of(database: &Client, table: &str, whose: &str, tenant: &str) -> String {
    let sql = format!(
        "SELECT coalesce(string_agg(t::text, E'\\n' ORDER BY t::text), '') FROM {table} t WHERE {whose}::text = $1"
    );
    database.query_one(&sql, &[&tenant]).await.unwrap().get(0)
}

async fn all_rows_of(database: &Client, tenant: &str) -> String {
    let mut all = String::new();
    for (table, whose) in tenant_tables(database).await {
        all += &rows_of(database, &table, &whose, tenant).await;
    }
    let tokens = "SELECT string_agg(t::text, ' ' ORDER BY t.id) FROM refresh_tokens t JOIN users u ON u.id = t.user_id
        WHERE u.tenant_id::text = $1";
    all + database.query_one(tokens, &[&tenant]).await.unwrap().get(0)
}

#[track_caller]
fn assert_unmarked(answer: &Answer, request: &str) {
    let seen = format!("{:?} {}", answer.headers, String::from_utf8_lossy(&answer.bytes));
    assert!(!seen.contains(MARKER), "{request}: {seen}");
    assert!(!answer.status.is_server_error(), "{request}: {seen}");
}

/// The body of `operation` with the other tenant's ids wherever an id or an address stands.
fn aimed_at(operation: &Operation, victim: &Person, email: &str) -> Option<Value> {
    fn replace(value: &mut Value, victim: &Person, email: &str) {
        match value {
            Value::Object(fields) => {
                for (name, value) in fields {
                    match name.as_str() {
                        "id" | "user_id" => *value = json!(victim.id),
                        "tenant_id" => *value = json!(victim.tenant),
                        "email" | "username" => *value = json!(email),
                        "refresh_token" => *value = json!(victim.refresh_token),
                        _ => replace(value, victim, email),
                    }
                }
            }
            Value::Array(items) => items.iter_mut().for_each(|item| replace(item, victim, email)),
            _ => {}
        }
    }
    let mut body = operation.body.clone();
    replace(&mut body, victim, email);
    Some(body).filter(|body| !body.is_null())
}

#[tokio::test]
async fn no_operation_shows_or_changes_rows_of_another_tenant() {
    let app = TestApp::new().await;
    let (admin, member, victim) = app.cast().await;
    let colleague = app.member(&victim, "trent@example.com").await;
    let database = app.db.superuser().await;
    mark(&database, &victim.tenant).await;
    let session: String = database
        .query_one("SELECT id::text FROM login_sessions WHERE user_id::text = $1 LIMIT 1", &[&colleague.id])
        .await
        .unwrap()
        .get(0);
    let email = format!("{MARKER}.{}@example.com", victim.id);
    let before = all_rows_of(&database, &victim.tenant).await;
    // A write shows, if only by its time.
    app.clock.advance(jiff::SignedDuration::from_secs(60));

    for operation in operations() {
        // Whoever holds a refresh token may use it; that is no matter of tenants.
        if ["refresh", "logout"].contains(&operation.id.as_str()) {
            continue;
        }
        let body = aimed_at(&operation, &victim, &email);
        for caller in [&admin, &member] {
            for id in [&victim.id, &colleague.id, &victim.tenant, &session] {
                let mut paths = vec![operation.path_with(id)];
                for name in &operation.query {
                    for value in [id, MARKER] {
                        paths.push(format!("{}?{name}={value}", operation.path_with(id)));
                    }
                }
                for path in paths {
                    // The caller's account and log-ins as they were, whatever the operation did to them.
                    app.revive(&admin.tenant).await;
                    let answer = send(&caller.http, operation.method.clone(), &path, body.as_ref()).await;
                    assert_unmarked(&answer, &format!("{} {path}", operation.method));
                }
            }
        }
    }
    app.revive(&admin.tenant).await;
    assert_eq!(all_rows_of(&database, &victim.tenant).await, before, "somebody else's rows changed");

    // Whoever may see them does, so the marker can be seen at all.
    let root = app.super_admin().await;
    let answer = root.http.get(&format!("/users?tenant_id={}", victim.tenant)).send().await.expect(200);
    assert!(String::from_utf8_lossy(&answer.bytes).contains(MARKER));
    let answer = root.http.request(Method::GET, &format!("/users/{}", victim.id)).send().await.expect(200);
    assert!(String::from_utf8_lossy(&answer.bytes).contains(MARKER));
}

/// A connection as tenant transactions have it.
async fn as_tenant(app: &TestApp, tenant: &str) -> Client {
    let database = app.db.superuser().await;
    database.batch_execute(&format!("SET ROLE pyairtable_app; SET app.tenant_id = '{tenant}'")).await.unwrap();
    database
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
    let (admin, _, victim) = app.cast().await;
    let superuser = app.db.superuser().await;
    mark(&superuser, &victim.tenant).await;
    let database = as_tenant(&app, &admin.tenant).await;
    for (table, whose) in tenant_tables(&superuser).await {
        let columns = readable(&superuser, &table).await;
        let seen = database.query(&format!("SELECT {whose}::text FROM {table}"), &[]).await.unwrap();
        assert!(!seen.is_empty(), "{table}: not even the own rows");
        assert!(seen.iter().all(|row| row.get::<_, &str>(0) == admin.tenant), "{table}");
        let sql = format!("SELECT count(*) FROM (SELECT {columns} FROM {table}) t WHERE t::text LIKE '%{MARKER}%'");
        assert_eq!(database.query_one(&sql, &[]).await.unwrap().get::<_, i64>(0), 0, "{table}");
        // No tenant, nobody's tenant and nonsense see nothing.
        for tenant in [uuid::Uuid::nil().to_string(), String::new()] {
            let nobody = as_tenant(&app, &tenant).await;
            let rows = nobody.query(&format!("SELECT {whose} FROM {table}"), &[]).await.unwrap();
            assert!(rows.is_empty(), "{table} with {tenant:?}");
        }
    }
}

#[tokio::test]
async fn database_alone_refuses_writes_into_another_tenant() {
    let app = TestApp::new().await;
    let (admin, _, victim) = app.cast().await;
    let superuser = app.db.superuser().await;
    let before = all_rows_of(&superuser, &victim.tenant).await;
    let database = as_tenant(&app, &admin.tenant).await;
    let refused = Some(SqlState::INSUFFICIENT_PRIVILEGE);
    for (table, whose) in tenant_tables(&superuser).await {
        let (mine, theirs) = (&admin.tenant, &victim.tenant);
        let move_away = format!("UPDATE {table} SET {whose} = '{theirs}' WHERE {whose} = '{mine}'");
        assert_eq!(code(database.execute(&move_away, &[]).await), refused, "{table}");
        for sql in [
            format!("UPDATE {table} SET {whose} = '{mine}' WHERE {whose} = '{theirs}'"),
            format!("DELETE FROM {table} WHERE {whose} = '{theirs}'"),
        ] {
            match database.execute(&sql, &[]).await {
                Ok(rows) => assert_eq!(rows, 0, "{sql}"),
                Err(error) => assert_eq!(error.code(), refused.as_ref(), "{sql}"),
            }
        }
        // One of their rows, offered again: as theirs it is refused, as one's own it is only a duplicate.
        let row = format!("SELECT to_jsonb(t)::text FROM {table} t WHERE {whose}::text = $1 LIMIT 1");
        let row: String = superuser.query_one(&row, &[theirs]).await.unwrap().get(0);
        let insert = format!("INSERT INTO {table} SELECT * FROM jsonb_populate_record(NULL::{table}, $1::text::jsonb)");
        assert_eq!(code(database.execute(&insert, &[&row]).await), refused, "{table}");
        let may_insert = format!("SELECT has_table_privilege('pyairtable_app', '{table}', 'INSERT')");
        if table != "tenants" && superuser.query_one(&may_insert, &[]).await.unwrap().get(0) {
            let own = row.replace(theirs.as_str(), mine);
            assert_eq!(code(database.execute(&insert, &[&own]).await), Some(SqlState::UNIQUE_VIOLATION), "{table}");
        }
        assert!(code(database.execute(&format!("TRUNCATE {table}"), &[]).await).is_some(), "{table}");
    }
    assert_eq!(all_rows_of(&superuser, &victim.tenant).await, before);
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
    for (table, _) in tenant_tables(&database).await {
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
