//! A POST with an `Idempotency-Key` is carried out once, however often and however badly timed it is sent.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use axum::http::Method;
use db::idempotency::{Claim, Request};
use jiff::SignedDuration;
use kernel::{Conditions, Ctx};
use serde_json::{Value, json};
use testkit::{Answer, Client};

use crate::coverage::operations;
use crate::notifications::mail_server::MailServer;
use crate::support::{INTERNAL_KEY, JWT_SECRET, PASSWORD, TestApp};

/// Sends with `key`.
async fn keyed(client: &Client, key: &str, path: &str, body: &Value) -> Answer {
    let request = client.post(path).header("idempotency-key", key).json(body);
    // For services only, as `every_post_sent_again_is_answered_as_before` needs it.
    let request = if path == "/users/bulk" { request.header("x-api-key", INTERNAL_KEY) } else { request };
    request.send().await
}

fn was_replayed(answer: &Answer) -> bool {
    answer.headers.get("idempotent-replayed").is_some_and(|value| value == "true")
}

/// Sends every operation twice and remembers which were sent.
struct Twice<'a> {
    app: &'a TestApp,
    sent: BTreeSet<&'static str>,
}

impl Twice<'_> {
    /// How much every change adds to.
    async fn trail(&self) -> String {
        self.app.one("SELECT (SELECT count(*) FROM audit_events) + (SELECT count(*) FROM workspace_audit_logs)").await
    }

    async fn post(&mut self, operation: &'static str, client: &Client, path: &str, body: Value) -> Answer {
        self.sent.insert(operation);
        let before = self.trail().await;
        let first = keyed(client, operation, path, &body).await;
        assert!(first.status.is_success(), "{operation}: {}", first.body);
        assert!(!was_replayed(&first), "{operation}");
        let after = self.trail().await;
        let again = keyed(client, operation, path, &body).await;
        assert_eq!((again.status, &again.bytes), (first.status, &first.bytes), "{operation}");
        for header in ["content-type", "etag", "location"] {
            assert_eq!(again.headers.get(header), first.headers.get(header), "{operation}: {header}");
        }
        assert!(was_replayed(&again), "{operation}");
        assert_eq!(self.trail().await, after, "{operation} was carried out twice");
        // Exchanging a token is no change of anything that is on record.
        assert_eq!(before == after, operation == "refresh", "{operation}");
        first
    }
}

#[tokio::test]
async fn every_post_sent_again_is_answered_as_before() {
    let server = MailServer::start().await;
    let app = server.app().await;
    let mut twice = Twice { app: &app, sent: BTreeSet::new() };
    let nobody = &app.http;
    let person = |email: &str| json!({ "email": email, "password": PASSWORD, "first_name": "A", "last_name": "B" });

    let founder = twice.post("register", nobody, "/auth/register", person("ada@example.com")).await;
    let (tenant, id) = (founder.text("tenant_id"), founder.text("user_id"));
    let login = json!({ "email": "ada@example.com", "password": PASSWORD });
    let session = twice.post("login", nobody, "/auth/login", login).await;
    let refresh = json!({ "refresh_token": session.text("refresh_token") });
    let renewed = twice.post("refresh", nobody, "/auth/refresh", refresh).await;
    let leaving = app.login("ada@example.com").await;
    let logout = json!({ "refresh_token": leaving.refresh_token });
    // It ends what it was sent with, so the caller is nobody the second time; it can be done twice anyway.
    let [first, again] = ["a", "a"].map(|key| keyed(&leaving.http, key, "/auth/logout", &logout));
    assert_eq!(first.await.expect(200).bytes, again.await.expect(200).bytes);
    let admin = app.http.with_bearer(&renewed.text("access_token"));
    let root = app.super_admin().await;
    let login = json!({ "email": "root@example.com", "password": PASSWORD });
    twice.post("admin_login", nobody, "/auth/admin/login", login).await;

    app.sql("UPDATE tenants SET plan = 'enterprise'").await;
    let user = twice.post("create_user", &admin, "/users", person("grace@example.com")).await.text("id");
    let users =
        json!(["one", "two"].map(|name| json!({ "email": format!("{name}@example.com"), "tenant_id": tenant })));
    twice.post("bulk_create_users", nobody, "/users/bulk", users).await;
    let at = |rest: &str| format!("/users/{user}/{rest}");
    twice.post("deactivate_user", &admin, &at("deactivate"), json!({})).await;
    twice.post("reactivate_user", &admin, &at("reactivate"), json!({})).await;
    admin.delete(&format!("/users/{user}")).send().await.expect(200);
    twice.post("restore_user", &admin, &at("restore"), json!({})).await;

    twice.post("admin_create_user", &admin, "/admin/users", person("five@example.com")).await;
    let at = |rest: &str| format!("/admin/users/{user}/{rest}");
    twice.post("admin_suspend_user", &admin, &at("suspend"), json!({})).await;
    twice.post("admin_reactivate_user", &admin, &at("reactivate"), json!({})).await;

    let at = |rest: &str| format!("/tenants/{tenant}/{rest}");
    let invite = json!({ "email": "guest@example.com" });
    let invited = twice.post("create_invitation", &admin, &at("invitations"), invite).await;
    let resend = at(&format!("invitations/{}/resend", invited.text("id")));
    let token = twice.post("resend_invitation", &admin, &resend, json!({})).await.text("token");
    let bulk = json!([{ "email": "three@example.com" }]);
    twice.post("bulk_create_invitations", &root.http, &at("invitations/bulk"), bulk).await;
    let invite = json!({ "email": "four@example.com" });
    twice.post("invite_own_member", &admin, "/tenant/members/invite", invite).await;
    let accept = json!({ "token": token, "password": PASSWORD, "first_name": "G", "last_name": "H" });
    twice.post("accept_invitation", nobody, "/public/invitations/accept", accept).await;
    let sign_up = json!({
        "name": "Acme", "email": "eve@example.org", "password": PASSWORD, "first_name": "E", "last_name": "F"
    });
    twice.post("sign_up_tenant", nobody, "/tenants/sign-up", sign_up).await;

    let new = |slug: &str| json!({ "name": slug, "slug": slug });
    let other = twice.post("create_tenant", &root.http, "/tenants", new("first")).await.text("id");
    twice.post("suspend_tenant", &root.http, &format!("/tenants/{other}/suspend"), json!({})).await;
    twice.post("reactivate_tenant", &root.http, &format!("/tenants/{other}/reactivate"), json!({})).await;
    twice.post("admin_create_tenant", &root.http, "/admin/tenants", new("second")).await;
    let at = |rest: &str| format!("/admin/tenants/{other}/{rest}");
    twice.post("admin_suspend_tenant", &root.http, &at("suspend"), json!({})).await;
    twice.post("admin_reactivate_tenant", &root.http, &at("reactivate"), json!({})).await;

    let named = |name: &str| json!({ "name": name });
    let workspace = twice.post("create_workspace", &admin, "/workspaces", named("w")).await.text("id");
    let at = |rest: &str| format!("/workspaces/{workspace}/{rest}");
    twice.post("add_member", &admin, &at("members"), json!({ "user_id": user, "role": "member" })).await;
    let project = twice.post("create_workspace_project", &admin, &at("projects"), named("p")).await.text("id");
    let body = json!({ "name": "q", "workspace_id": workspace });
    twice.post("create_project", &admin, "/projects", body).await;
    let base = json!({ "base_id": "appA1b2C3d4E5f6G7", "name": "Leads" });
    twice.post("connect_base", &admin, &format!("/projects/{project}/airtable-bases"), base).await;
    twice.post("archive_workspace", &admin, &at("archive"), json!({})).await;
    twice.post("restore_workspace", &admin, &at("restore"), json!({})).await;
    twice.post("transfer_workspace", &admin, &at("transfer"), json!({ "user_id": user })).await;
    twice.post("leave_workspace", &admin, &at("leave"), json!({})).await;

    notifications(&mut twice, &server, &admin, &root.http).await;

    // Last, since it ends every other log-in.
    let change = json!({ "current_password": PASSWORD, "new_password": "another horse battery" });
    twice.post("change_password", &admin, "/auth/change-password", change).await;

    let posts: BTreeSet<String> =
        operations().into_iter().filter(|op| op.method == Method::POST).map(|op| op.id).collect();
    let sent: BTreeSet<String> = twice
        .sent
        .iter()
        .map(|&id| id.to_owned())
        .chain(["validate", "logout", "preview_notification_template"].map(str::to_owned))
        .collect();
    assert_eq!(sent, posts, "{id}");
}

/// What the slice of notifications is posted.
async fn notifications(twice: &mut Twice<'_>, server: &MailServer, admin: &Client, root: &Client) {
    let told = json!({ "type": "t", "title": "n", "message": "m" });
    twice.post("create_notification", admin, "/notifications", told.clone()).await;
    twice.post("bulk_create_notifications", admin, "/notifications/bulk", told).await;
    let told = json!({ "type": "t", "title": "n", "message": "m" });
    twice.post("create_system_notification", root, "/notifications/system", told).await;
    let channel = json!({ "type": "email", "address": "ada@example.org" });
    let channel = twice.post("create_notification_channel", admin, "/notifications/channels", channel).await.text("id");
    let at = |rest: &str| format!("/notifications/channels/{channel}/{rest}");
    // The new code is the later one, by the clock too.
    twice.app.send_mails().await;
    twice.app.clock.advance(SignedDuration::from_secs(1));
    twice.post("resend_notification_channel_code", admin, &at("resend"), json!({})).await;
    twice.app.send_mails().await;
    let code = server.arrived().pop().unwrap().code();
    twice.post("verify_notification_channel", admin, &at("verify"), json!({ "code": code })).await;
    let hook = json!({ "url": "https://example.com/hooks", "disabled": true });
    let hook = twice.post("create_webhook", admin, "/webhooks", hook).await.text("id");
    let at = |rest: &str| format!("/webhooks/{hook}/{rest}");
    twice.post("enable_webhook", admin, &at("enable"), json!({})).await;
    twice.post("rotate_webhook_secret", admin, &at("rotate-secret"), json!({})).await;
    let delivery = twice.post("test_webhook", admin, &at("test"), json!({})).await.text("id");
    twice.app.sql("UPDATE webhook_deliveries SET state = 'dead'").await;
    let again = at(&format!("deliveries/{delivery}/redrive"));
    twice.post("redrive_webhook_delivery", admin, &again, json!({})).await;
    let always = json!({ "from": "2020-01-01", "to": "2030-01-01" });
    twice.post("redrive_webhook", admin, &at("redrive"), always).await;
}

#[tokio::test]
async fn a_question_of_the_moment_is_answered_anew() {
    let app = TestApp::new().await;
    let admin = app.admin("ada@example.com").await;
    let grace = app.member(&admin, "grace@example.com").await;
    let body = json!({ "token": grace.access_token });
    assert_eq!(keyed(&app.http, "k", "/auth/validate", &body).await.body["valid"], true);
    admin.http.post(&format!("/users/{}/deactivate", grace.id)).send().await.expect(200);
    let again = keyed(&app.http, "k", "/auth/validate", &body).await;
    assert_eq!(again.body["valid"], false);
    assert!(!was_replayed(&again));
}

#[tokio::test]
async fn another_request_under_the_same_key_is_refused() {
    let app = TestApp::new().await;
    let admin = app.admin("ada@example.com").await;
    keyed(&admin.http, "k", "/workspaces", &json!({ "name": "one" })).await.expect(201);
    for (path, body) in [
        ("/workspaces", json!({ "name": "two" })),
        ("/workspaces?x=1", json!({ "name": "one" })),
        ("/projects", json!({ "name": "one" })),
    ] {
        let answer = keyed(&admin.http, "k", path, &body).await;
        answer.expect_error(422, "Idempotency key reused", "KEY_REUSED");
    }
    // The same route under another of its names is the same request.
    let again = keyed(&admin.http, "k", "/api/v1/workspaces", &json!({ "name": "one" })).await.expect(201);
    assert!(was_replayed(&again));
    assert_eq!(app.one("SELECT count(*) FROM workspaces").await, "1");
}

#[tokio::test]
async fn a_key_belongs_to_its_caller() {
    let app = TestApp::new().await;
    let admin = app.admin("ada@example.com").await;
    let grace = app.member(&admin, "grace@example.com").await;
    let one = keyed(&admin.http, "k", "/workspaces", &json!({ "name": "one" })).await.expect(201);
    let two = keyed(&grace.http, "k", "/workspaces", &json!({ "name": "two" })).await.expect(201);
    assert_ne!(one.text("id"), two.text("id"));
    // A new log-in is the same caller.
    let later = app.login("ada@example.com").await;
    let again = keyed(&later.http, "k", "/workspaces", &json!({ "name": "one" })).await.expect(201);
    assert_eq!(again.bytes, one.bytes);
    // Who is nobody any more is told nothing.
    keyed(&app.http.with_bearer("x.y.z"), "k", "/workspaces", &json!({ "name": "one" })).await.expect(401);
    keyed(&app.http, "k", "/workspaces", &json!({ "name": "one" })).await.expect(401);
}

#[tokio::test]
async fn a_refusal_that_changed_nothing_leaves_the_key_free() {
    let app = TestApp::new().await;
    let admin = app.admin("ada@example.com").await;
    keyed(&admin.http, "k", "/workspaces", &json!({ "name": "" })).await.expect(400);
    keyed(&admin.http, "k", "/workspaces", &json!({ "name": "one" })).await.expect(201);
    keyed(&admin.http, "l", "/workspaces", &json!({ "name": "one" })).await.expect(409);
    admin.http.put("/users/me").json(&json!({ "bio": "" })).send().await.expect(200);
    let again = keyed(&admin.http, "l", "/workspaces", &json!({ "name": "one" })).await.expect(409);
    assert!(!was_replayed(&again));
    assert_eq!(app.one("SELECT count(*) FROM idempotency_keys").await, "1");
}

#[tokio::test]
async fn keys_that_are_none_are_refused() {
    let app = TestApp::new().await;
    let admin = app.admin("ada@example.com").await;
    let body = json!({ "name": "one" });
    for key in ["", &"k".repeat(256)] {
        let answer = keyed(&admin.http, key, "/workspaces", &body).await;
        let answer = answer.expect_error(400, "Invalid request headers", "VALIDATION_ERROR");
        assert_eq!(answer.body["details"][0]["field"], "idempotency-key");
    }
    admin.http.post("/workspaces").header_bytes("idempotency-key", b"caf\xe9").json(&body).send().await.expect(400);
    let twice = admin.http.post("/workspaces").header("idempotency-key", "a").header("idempotency-key", "b");
    twice.json(&body).send().await.expect(400);
    // Only POST knows keys.
    admin.http.get("/workspaces").header("idempotency-key", "").send().await.expect(200);
    assert_eq!(app.one("SELECT count(*) FROM workspaces").await, "0");
}

#[tokio::test]
async fn after_a_day_the_key_is_free_again() {
    let app = TestApp::new().await;
    let admin = app.admin("ada@example.com").await;
    let path = format!("/tenants/{}/invitations", admin.tenant);
    let first = keyed(&admin.http, "k", &path, &json!({ "email": "a@example.com" })).await.expect(201);
    app.clock.advance(SignedDuration::from_hours(24) - SignedDuration::from_secs(1));
    let ada = app.login("ada@example.com").await;
    let again = keyed(&ada.http, "k", &path, &json!({ "email": "a@example.com" })).await.expect(201);
    assert_eq!(again.bytes, first.bytes);
    app.clock.advance(SignedDuration::from_secs(1));
    let other = keyed(&ada.http, "k", &path, &json!({ "email": "b@example.com" })).await.expect(201);
    assert!(!was_replayed(&other));

    app.clock.advance(SignedDuration::from_hours(23));
    assert_eq!(app.pool().delete_expired_keys(&app.cx()).await.unwrap(), 0);
    app.clock.advance(SignedDuration::from_hours(1));
    assert_eq!(app.pool().delete_expired_keys(&app.cx()).await.unwrap(), 1);
    assert_eq!(app.one("SELECT count(*) FROM idempotency_keys").await, "0");
}

#[tokio::test]
async fn what_is_kept_can_be_read_by_nobody() {
    let app = TestApp::new().await;
    let body = json!({ "email": "ada@example.com", "password": PASSWORD, "first_name": "A", "last_name": "B" });
    let answer = keyed(&app.http, "a-key-to-look-for", "/auth/register", &body).await.expect(201);
    let row = app.db.superuser().await.query_one("SELECT k::text, answer FROM idempotency_keys k", &[]).await.unwrap();
    let (text, sealed): (String, Vec<u8>) = (row.get(0), row.get(1));
    let bytes = String::from_utf8_lossy(&sealed).into_owned();
    for secret in [&answer.text("access_token"), &answer.text("refresh_token"), PASSWORD, "a-key-to-look-for", "ada@"] {
        let hex = secret.bytes().map(|byte| format!("{byte:02x}")).collect::<String>();
        assert!(!text.contains(secret) && !text.contains(&hex) && !bytes.contains(secret), "{secret}");
    }
    // Under another secret nothing can be opened, and nothing is done again.
    let changed = TestApp::on(app.db, |parts| parts.jwt_secret = format!("{JWT_SECRET}-rotated").into());
    let again = keyed(&changed.http, "a-key-to-look-for", "/auth/register", &body).await;
    assert_eq!(again.status.as_u16(), 422, "the request's digest is keyed too");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_twenty_at_once_one_is_carried_out() {
    let app = TestApp::new().await;
    let admin = app.admin("ada@example.com").await;
    app.sql("UPDATE tenants SET plan = 'enterprise'").await;
    for round in 0..100 {
        let (key, body) = (format!("key-{round}"), json!({ "name": format!("w{round}") }));
        let tasks: Vec<_> = (0..20)
            .map(|_| {
                let (client, key, body) = (admin.http.clone(), key.clone(), body.clone());
                tokio::spawn(async move { keyed(&client, &key, "/workspaces", &body).await })
            })
            .collect();
        let mut statuses: BTreeMap<u16, usize> = BTreeMap::new();
        let mut ids = BTreeSet::new();
        for task in tasks {
            let answer = task.await.unwrap();
            *statuses.entry(answer.status.as_u16()).or_default() += 1;
            if answer.status == 201 {
                ids.insert(answer.text("id"));
            } else {
                answer.expect_error(409, "Request in progress", "CONFLICT");
            }
        }
        assert!(statuses.keys().all(|status| [201, 409].contains(status)), "{statuses:?}");
        assert_eq!(ids.len(), 1, "round {round}: {statuses:?}");
    }
    assert_eq!(app.one("SELECT count(*) FROM workspaces").await, "100");
    assert_eq!(app.one("SELECT count(*) FROM workspace_audit_logs WHERE action = 'workspace.created'").await, "100");
}

#[tokio::test]
async fn a_crash_before_the_answer_was_kept_repeats_nothing() {
    let app = TestApp::new().await;
    let admin = app.admin("ada@example.com").await;
    let body = json!({ "name": "one" });
    keyed(&admin.http, "k", "/workspaces", &body).await.expect(201);
    app.sql("UPDATE idempotency_keys SET answer = NULL").await;
    app.clock.advance(SignedDuration::from_hours(1));
    let again = keyed(&admin.http, "k", "/workspaces", &body).await.expect_error(409, "Answer lost", "CONFLICT");
    assert!(again.text("message").contains("carried out"), "{}", again.body);
    assert_eq!(app.one("SELECT count(*) FROM workspaces").await, "1");
}

#[tokio::test]
async fn a_crash_before_the_change_lets_the_request_be_sent_again() {
    let app = TestApp::new().await;
    let admin = app.admin("ada@example.com").await;
    let body = json!({ "name": "one" });
    keyed(&admin.http, "k", "/workspaces", &body).await.expect(201);
    // As if the program had died between claiming the key and committing.
    app.sql("DELETE FROM workspaces; UPDATE idempotency_keys SET answer = NULL, applied = false").await;
    let early = keyed(&admin.http, "k", "/workspaces", &body).await;
    let early = early.expect_error(409, "Request in progress", "CONFLICT");
    assert_eq!(early.headers["retry-after"], "1");
    app.clock.advance(SignedDuration::from_secs(30));
    keyed(&admin.http, "k", "/workspaces", &body).await.expect(201);
    assert_eq!(app.one("SELECT count(*) FROM workspaces").await, "1");
}

#[tokio::test]
async fn an_attempt_that_was_overtaken_changes_nothing() {
    let app = TestApp::new().await;
    let admin = app.admin("ada@example.com").await;
    let (db, cx) = (app.pool(), app.cx());
    let request = Request { caller: "anonymous".to_owned(), key: vec![1], content: vec![2] };
    let won = |claim: Claim| match claim {
        Claim::Won(id) => id,
        other => panic!("{other:?}"),
    };
    let slow = won(db.claim(&cx, &request).await.unwrap());
    app.clock.advance(SignedDuration::from_secs(30));
    let second = won(db.claim(&cx, &request).await.unwrap());

    let write = async |claim, word: &str| {
        const SET: db::Sql = db::Sql::fixed("test", "UPDATE tenants SET name = $1");
        let cx: Ctx = cx.with_conditions(Conditions::once(claim).into()).in_tenant(admin.tenant.parse().unwrap());
        let tx = db.begin(&cx).await.unwrap();
        tx.write_one(&SET, &[&word]).await.unwrap();
        tx.commit().await
    };
    assert!(matches!(write(slow, "slow").await, Err(db::Error::ClaimLost)));
    write(second, "second").await.unwrap();
    assert_eq!(app.one("SELECT name FROM tenants").await, "second");
    // What the second did is done for good, and the first can neither give the key back nor keep an answer.
    db.release(&cx, slow).await.unwrap();
    assert!(matches!(db.keep_answer(&cx, slow, b"x").await, Err(db::Error::ClaimLost)));
    db.release(&cx, second).await.unwrap();
    assert!(matches!(db.claim(&cx, &request).await.unwrap(), Claim::Running));
    app.clock.advance(SignedDuration::from_secs(30));
    assert!(matches!(db.claim(&cx, &request).await.unwrap(), Claim::AnswerLost));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_hangs_up_finds_the_answer_when_it_comes_back() {
    let app = TestApp::new().await;
    let body = json!({ "email": "ada@example.com", "password": PASSWORD, "first_name": "A", "last_name": "B" });
    // Hashing the password alone takes longer.
    let hung_up = tokio::time::timeout(Duration::from_millis(8), keyed(&app.http, "k", "/auth/register", &body)).await;
    assert!(hung_up.is_err(), "answered too soon to hang up on");
    let mut answer = keyed(&app.http, "k", "/auth/register", &body).await;
    for _ in 0..500 {
        if answer.status != 409 {
            break;
        }
        assert_eq!(answer.body["error"], "Request in progress");
        tokio::time::sleep(Duration::from_millis(20)).await;
        answer = keyed(&app.http, "k", "/auth/register", &body).await;
    }
    let answer = answer.expect(201);
    app.http.with_bearer(&answer.text("access_token")).get("/users/me").send().await.expect(200);
    assert_eq!(app.one("SELECT count(*) FROM users").await, "1");
}
