//! What the tests of authentication share: looking behind the program's back, and many clients at once.

use serde_json::{Value, json};
use testkit::{Answer, Request};
use tokio_postgres::types::ToSql;

use crate::support::{PASSWORD, Person, TestApp};

/// Every row of every table: equal dumps mean that nothing was written.
pub(super) async fn dump(app: &TestApp) -> Value {
    let database = app.db.superuser().await;
    let tables = "SELECT relname::text FROM pg_class
        WHERE relkind = 'r' AND relnamespace = current_schema()::regnamespace ORDER BY 1";
    let table = |row: &tokio_postgres::Row| {
        let name: &str = row.get(0);
        format!("'{name}', (SELECT coalesce(jsonb_agg(to_jsonb(t) ORDER BY t::text), '[]') FROM {name} t)")
    };
    let tables: Vec<String> = database.query(tables, &[]).await.unwrap().iter().map(table).collect();
    let sql = format!("SELECT jsonb_build_object({})::text", tables.join(", "));
    let text: String = database.query_one(&sql, &[]).await.unwrap().get(0);
    serde_json::from_str(&text).unwrap()
}

/// A [`dump`] without the audit trail and the events, which also tell of what changed nothing.
pub(super) async fn dump_unaudited(app: &TestApp) -> Value {
    with(dump(app).await, &json!({ "audit_events": null, "jobs": null }))
}

/// The number of rows in each of `tables` of a [`dump`].
pub(super) fn rows(dump: &Value, tables: &[&str]) -> Vec<usize> {
    tables.iter().map(|table| dump[table].as_array().unwrap().len()).collect()
}

/// Runs a statement as superuser.
pub(super) async fn execute(app: &TestApp, sql: &str, params: &[&(dyn ToSql + Sync)]) -> u64 {
    app.db.superuser().await.execute(sql, params).await.unwrap()
}

/// The row of `users` with this address.
pub(super) async fn user_row(app: &TestApp, email: &str) -> Value {
    let dump = dump(app).await;
    let found = dump["users"].as_array().unwrap().iter().find(|row| row["email"] == email);
    found.unwrap_or_else(|| panic!("no row of {email}")).clone()
}

/// Stores a password hash, whatever it is worth.
pub(super) async fn set_hash(app: &TestApp, email: &str, hash: &str) {
    let sql = "UPDATE users SET password_hash = $2 WHERE email = $1";
    assert_eq!(execute(app, sql, &[&email, &hash]).await, 1);
}

/// Switches an account off the way an old service would: in the row alone.
pub(super) async fn switch_off(app: &TestApp, email: &str) {
    assert_eq!(execute(app, "UPDATE users SET is_active = false WHERE email = $1", &[&email]).await, 1);
}

/// Marks an account deleted the way an old service would: in the profile alone (T-55).
pub(super) async fn mark_deleted(app: &TestApp, email: &str) {
    assert_eq!(execute(app, "UPDATE user_profiles SET deleted_at = now() WHERE email = $1", &[&email]).await, 1);
}

/// A log-in attempt.
pub(super) async fn log_in(app: &TestApp, name: &str, password: &str) -> Answer {
    app.http.post("/auth/login").json(&json!({ "email": name, "password": password })).send().await
}

/// An exchange of a refresh token.
pub(super) async fn refresh(app: &TestApp, token: &str) -> Answer {
    app.http.post("/auth/refresh").json(&json!({ "refresh_token": token })).send().await
}

/// The status of the person's own account with their access token.
pub(super) async fn me_status(person: &Person) -> u16 {
    person.http.get("/auth/me").send().await.status.as_u16()
}

/// Sends all requests at the same time, each from a task of its own. Needs the multi-threaded runtime to be worth it.
pub(super) async fn at_once(requests: impl IntoIterator<Item = Request>) -> Vec<Answer> {
    let tasks: Vec<_> = requests.into_iter().map(|request| tokio::spawn(request.send())).collect();
    let mut answers = Vec::with_capacity(tasks.len());
    for task in tasks {
        answers.push(task.await.unwrap());
    }
    answers
}

/// How many of `answers` have `status`.
pub(super) fn count(answers: &[Answer], status: u16) -> usize {
    answers.iter().filter(|answer| answer.status.as_u16() == status).count()
}

/// Bodies that are no JSON object with fields of the right types (T-04), with the content type they are sent as.
/// `field` is a text field of the operation.
pub(super) fn unreadable_bodies(field: &str) -> Vec<(&'static str, Vec<u8>)> {
    let json = "application/json";
    let mut bodies: Vec<(&'static str, Vec<u8>)> =
        ["{", "[]", "7", "\"text\"", "null x", "{\"a\":}", "{'a':1}", "\u{feff}{}", "[{}]"]
            .map(|text| (json, text.as_bytes().to_vec()))
            .to_vec();
    for value in ["7", "true", "[]", "{}", "[\"text\"]", "1e400", "\"\\u0000\"", "\"\\ud800\""] {
        bodies.push((json, format!("{{\"{field}\": {value}}}").into_bytes()));
    }
    bodies.push((json, b"{\"a\": \"\xff\xfe\"}".to_vec()));
    bodies.push((json, [b"[".repeat(100_000), b"]".repeat(100_000)].concat()));
    bodies.push(("text/plain", b"{}".to_vec()));
    bodies.push(("", b"{}".to_vec()));
    bodies
}

/// Sends every unreadable body and expects 400 `Invalid request body`, and nothing written.
pub(super) async fn refuses_unreadable_bodies(app: &TestApp, field: &str, request: impl Fn() -> Request) {
    let before = dump(app).await;
    for (content_type, body) in unreadable_bodies(field) {
        let answer = request().body(content_type, body).send().await;
        answer.expect_error(400, "Invalid request body", "VALIDATION_ERROR");
    }
    let too_large = vec![b' '; 4 * 1024 * 1024 + 1];
    let answer = request().body("application/json", too_large).send().await;
    answer.expect_error(413, "Request Entity Too Large", "PAYLOAD_TOO_LARGE");
    assert_eq!(dump(app).await, before);
}

/// Expects the operation to answer 401 to nobody, to a bad token and to a malformed header; and nothing written.
pub(super) async fn refuses_strangers(app: &TestApp, missing: &str, refused: &str, request: impl Fn() -> Request) {
    let before = dump(app).await;
    request().send().await.expect_error(401, missing, "UNAUTHORIZED");
    let bad = request().header("authorization", "Bearer a.b.c").send().await;
    bad.expect_error(401, refused, "UNAUTHORIZED");
    let malformed = request().header("authorization", "Basic YTpi").send().await;
    malformed.expect_error(401, "Invalid Authorization header format", "UNAUTHORIZED");
    assert_eq!(dump(app).await, before);
}

/// A registration form that is good.
pub(super) fn form(email: &str) -> Value {
    json!({ "email": email, "password": PASSWORD, "first_name": "Ada", "last_name": "Lovelace" })
}

/// `base` with some fields replaced; `null` removes.
pub(super) fn with(mut base: Value, changes: &Value) -> Value {
    let fields = base.as_object_mut().unwrap();
    for (name, value) in changes.as_object().unwrap() {
        if value.is_null() {
            fields.remove(name);
        } else {
            fields.insert(name.clone(), value.clone());
        }
    }
    base
}
