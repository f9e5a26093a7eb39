//! What many tests need: rows made behind the program's back, and proof that nothing was written.

use std::fmt::Write as _;

use axum::http::Method;
use serde_json::Value;
use testkit::{Answer, Client, Request};

use crate::support::{INTERNAL_KEY, Person, TestApp};

/// An id that nobody has.
pub(crate) const NOBODY: &str = "00000000-0000-4000-8000-000000000404";

/// Makes `$2` accounts numbered from `$3` in the tenant `$1`, with many equal sort keys, and with the NULLs and gaps
/// that old rows have (T-42, T-43).
pub(crate) const PEOPLE: &str = "
    WITH numbered AS (SELECT n, ('00000000-0000-4000-8000-' || lpad(n::text, 12, '0'))::uuid AS id
                      FROM generate_series($3::int, $3::int + $2::int - 1) n),
    made AS (INSERT INTO users (id, email, password_hash, first_name, last_name, role, tenant_id, is_active,
                                email_verified, created_at, updated_at, last_login_at)
        SELECT id, CASE WHEN n % 2 = 0 THEN 'Person' ELSE 'person' END || n || '@example.com', '!', 'First' || n % 5,
            'Last', CASE WHEN n % 7 = 0 THEN 'moderator' ELSE 'user' END, $1::text::uuid,
            CASE n % 11 WHEN 0 THEN NULL WHEN 1 THEN false ELSE true END,
            CASE n % 13 WHEN 0 THEN NULL WHEN 1 THEN true ELSE false END,
            CASE WHEN n % 17 = 0 THEN NULL ELSE '2026-01-01Z'::timestamptz + n % 10 * interval '1 day' END,
            CASE WHEN n % 19 = 0 THEN NULL ELSE '2026-02-01Z'::timestamptz + n % 3 * interval '1 microsecond' END,
            CASE WHEN n % 3 = 0 THEN NULL ELSE '2026-02-02Z'::timestamptz + n % 4 * interval '1 hour' END
        FROM numbered)
    INSERT INTO user_profiles (id, user_id, email, first_name, last_name, display_name, tenant_id, is_active,
                               phone_verified, preferences, metadata, created_at, updated_at)
    SELECT gen_random_uuid(), id, 'person' || n || '@example.com', '', '',
        CASE WHEN n % 5 = 0 THEN NULL ELSE 'Display ' || n END, $1::text::uuid, NULL, NULL,
        CASE n % 3 WHEN 0 THEN NULL WHEN 1 THEN 'null' ELSE '{}' END::jsonb, 'null', NULL, NULL
    FROM numbered WHERE n % 4 <> 0";

impl TestApp {
    /// One text that changes whenever any row of any table does, whoever may see it.
    pub(crate) async fn all_rows(&self) -> String {
        let database = self.db.superuser().await;
        let tables = database
            .query(
                "SELECT c.oid::regclass::text FROM pg_class c
                 WHERE c.relkind IN ('r', 'p') AND c.relnamespace::regnamespace::text !~ '^(pg_|information_schema)'
                 ORDER BY 1",
                &[],
            )
            .await
            .unwrap();
        let mut all = String::new();
        for table in &tables {
            let table: &str = table.get(0);
            let sql =
                format!("SELECT count(*), md5(coalesce(string_agg(t::text, ' ' ORDER BY t::text), '')) FROM {table} t");
            let row = database.query_one(&sql, &[]).await.unwrap();
            let _ = writeln!(all, "{table}: {} rows {}", row.get::<_, i64>(0), row.get::<_, &str>(1));
        }
        assert!(all.contains("users: "), "{all}");
        all
    }

    /// Runs one statement as superuser; text parameters only.
    pub(crate) async fn sql(&self, statement: &str) {
        self.db.superuser().await.batch_execute(statement).await.unwrap();
    }

    /// Makes `count` accounts as old programs left them.
    pub(crate) async fn old_people(&self, tenant: &str, first: i32, count: i32) {
        self.db.superuser().await.execute(PEOPLE, &[&tenant, &count, &first]).await.unwrap();
    }

    /// Undoes what deleting, deactivating and logging out did to a tenant's people and their log-ins.
    pub(crate) async fn revive(&self, tenant: &str) {
        self.sql(&format!(
            "UPDATE users SET is_active = true WHERE tenant_id = '{tenant}';
             UPDATE user_profiles SET is_active = true, deleted_at = NULL WHERE tenant_id = '{tenant}';
             UPDATE login_sessions SET revoked_at = NULL WHERE tenant_id = '{tenant}';
             UPDATE refresh_tokens t SET revoked_at = NULL FROM users u
             WHERE u.id = t.user_id AND u.tenant_id = '{tenant}'"
        ))
        .await;
    }

    /// A request of a service that shows the internal key.
    pub(crate) fn internal(&self, method: Method, path: &str) -> Request {
        self.http.request(method, path).header("x-api-key", INTERNAL_KEY)
    }

    /// A tenant with its admin and a member, and another tenant's admin.
    pub(crate) async fn cast(&self) -> (Person, Person, Person) {
        let admin = self.admin("ada@example.com").await;
        let member = self.member(&admin, "grace@example.com").await;
        (admin, member, self.admin("eve@example.com").await)
    }
}

/// Sends a request as `client`, with a body if there is one.
pub(crate) async fn send(client: &Client, method: Method, path: &str, body: Option<&Value>) -> Answer {
    let request = client.request(method, path);
    match body {
        Some(body) => request.json(body).send().await,
        None => request.send().await,
    }
}

/// One operation, sent in turn by people who may not.
pub(crate) struct Refusals<'a> {
    pub(crate) app: &'a TestApp,
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) body: Option<Value>,
}

impl Refusals<'_> {
    /// Fails unless `client` gets this answer and nothing changes in the database.
    pub(crate) async fn expect(&self, client: &Client, status: u16, error: &str, code: &str) -> &Self {
        let before = self.app.all_rows().await;
        let answer = send(client, self.method.clone(), &self.path, self.body.as_ref()).await;
        answer.expect_error(status, error, code);
        assert_eq!(self.app.all_rows().await, before, "a refused request wrote something");
        self
    }

    /// Nobody, and holders of what is no valid token, get 401.
    pub(crate) async fn logged_out(&self, missing: &str) {
        let public = &self.app.http;
        self.expect(public, 401, missing, "UNAUTHORIZED").await;
        self.expect(&public.with_bearer("forged"), 401, "Invalid or expired token", "UNAUTHORIZED").await;
        self.expect(&public.with_bearer(""), 401, "Invalid Authorization header format", "UNAUTHORIZED").await;
    }
}
