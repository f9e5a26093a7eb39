//! Nobody overwrites what they have not seen: `ETag` and `If-Match`.

use std::collections::BTreeSet;

use axum::http::Method;
use serde_json::{Value, json};
use testkit::{Answer, Client};

use crate::coverage::operations;
use crate::support::{Person, TestApp};

fn tag(answer: &Answer) -> String {
    let tag = answer.headers.get("etag").unwrap_or_else(|| panic!("no ETag: {}", answer.body));
    tag.to_str().unwrap().to_owned()
}

/// An object, and everything that changes it.
struct Object<'a> {
    client: &'a Client,
    /// Where it is read; `None` when its tag is only told by what changes it.
    read: Option<String>,
    first: String,
    changes: Vec<(&'static str, Method, String, Value)>,
}

impl Object<'_> {
    async fn send(&self, (_, method, path, body): &(&str, Method, String, Value), if_match: &str) -> Answer {
        let request = self.client.request(method.clone(), path).header("if-match", if_match);
        if body.is_null() { request.send().await } else { request.json(body).send().await }
    }

    /// Every change is refused with a tag that is not the object's and goes through with the one that is.
    async fn check(&self, app: &TestApp, sent: &mut BTreeSet<String>) {
        let mut current = self.first.clone();
        for change in &self.changes {
            let operation = change.0;
            sent.insert(operation.to_owned());
            if let Some(path) = &self.read {
                let read = self.client.get(path).send().await.expect(200);
                assert_eq!(tag(&read), current, "{operation}: {}", read.body);
            }
            let before = digest(app).await;
            let weak = format!("W/{current}");
            for stale in ["\"0123456789abcdef0123456789abcdef\"", weak.as_str()] {
                let refused = self.send(change, stale).await;
                let refused = refused.expect_error(412, "Precondition failed", "PRECONDITION_FAILED");
                assert!(refused.text("message").contains("read it again"), "{operation}");
            }
            assert_eq!(digest(app).await, before, "{operation} wrote all the same");
            let done = self.send(change, &format!("\"other\", {current}")).await;
            assert!(done.status.is_success(), "{operation}: {}", done.body);
            assert_ne!(digest(app).await, before, "{operation}");
            // Marking as read is answered without the object.
            if change.1 != Method::DELETE && done.status != 204 && !operation.contains("read") {
                let next = tag(&done);
                assert_ne!(next, current, "{operation}");
                current = next;
            }
            app.clock.advance(jiff::SignedDuration::from_secs(1));
        }
    }
}

/// Everything that a change could have touched.
async fn digest(app: &TestApp) -> String {
    let tables = [
        "tenants",
        "users",
        "user_profiles",
        "workspaces",
        "projects",
        "airtable_bases",
        "workspace_members",
        "invitations",
        "webhook_endpoints",
        "notification_channels",
        "notification_preferences",
        "audit_events",
        "workspace_audit_logs",
        "user_notifications",
        "notification_templates",
    ];
    let parts = tables.map(|table| format!("(SELECT md5(string_agg(t::text, '|' ORDER BY t::text)) FROM {table} t)"));
    app.one(&format!("SELECT concat_ws(' ', {})", parts.join(", "))).await
}

async fn first(client: &Client, path: &str) -> String {
    tag(&client.get(path).send().await.expect(200))
}

#[tokio::test]
async fn every_change_of_an_object_can_be_made_to_depend_on_its_version() {
    let app = TestApp::new().await;
    let admin = app.admin("ada@example.com").await;
    let grace = app.member(&admin, "grace@example.com").await;
    let root = app.super_admin().await;
    let mut sent = BTreeSet::new();
    people(&admin, &grace).await.check(&app, &mut sent).await;
    me(&grace).await.check(&app, &mut sent).await;
    tenant(&root, &admin).await.check(&app, &mut sent).await;
    own_tenant(&admin).await.check(&app, &mut sent).await;
    settings(&admin).await.check(&app, &mut sent).await;
    for object in family(&admin, &app.login("grace@example.com").await).await {
        object.check(&app, &mut sent).await;
    }
    for object in notes(&admin).await {
        object.check(&app, &mut sent).await;
    }
    webhook(&admin).await.check(&app, &mut sent).await;
    channel(&admin).await.check(&app, &mut sent).await;
    preferences(&admin, "", "preferences").await.check(&app, &mut sent).await;
    preferences(&admin, "/defaults", "defaults").await.check(&app, &mut sent).await;
    template(&admin).await.check(&app, &mut sent).await;
    let last = app.member(&admin, "last@example.com").await;
    sent.extend(["change_own_member_role", "patch_own_member_role"].map(str::to_owned));
    leaving(&admin, &root, &last).await.check(&app, &mut sent).await;
    ending(&root, &admin).await.check(&app, &mut sent).await;

    let changing =
        operations().into_iter().filter(|op| [Method::PUT, Method::PATCH, Method::DELETE].contains(&op.method));
    let mut all: BTreeSet<String> = changing.map(|op| op.id).collect();
    // What has no version; see below.
    for without in ["revoke_session", "read_all_notifications", "user_read_all_notifications"] {
        assert!(all.remove(without), "{without}");
    }
    assert_eq!(sent, all);
}

async fn people<'a>(admin: &'a Person, grace: &Person) -> Object<'a> {
    let path = format!("/users/{}", grace.id);
    let role = |word: &str| json!({ "role": word });
    Object {
        client: &admin.http,
        first: first(&admin.http, &path).await,
        changes: vec![
            ("update_user", Method::PUT, path.clone(), json!({ "bio": "one" })),
            ("admin_update_user", Method::PUT, format!("/admin{path}"), json!({ "bio": "two" })),
            ("change_user_role", Method::PUT, format!("{path}/role"), role("admin")),
        ],
        read: Some(path),
    }
}

async fn me(grace: &Person) -> Object<'_> {
    Object {
        client: &grace.http,
        first: first(&grace.http, "/users/me").await,
        changes: vec![
            ("update_me", Method::PUT, "/users/me".to_owned(), json!({ "bio": "three" })),
            ("update_auth_me", Method::PUT, "/auth/me".to_owned(), json!({ "bio": "four" })),
        ],
        read: Some("/auth/me".to_owned()),
    }
}

async fn tenant<'a>(root: &'a Person, admin: &Person) -> Object<'a> {
    let path = format!("/tenants/{}", admin.tenant);
    let name = |name: &str| json!({ "name": name });
    Object {
        client: &root.http,
        first: first(&root.http, &path).await,
        changes: vec![
            ("update_tenant", Method::PUT, path.clone(), name("one")),
            ("admin_update_tenant", Method::PUT, format!("/admin{path}"), name("two")),
        ],
        read: Some(path),
    }
}

async fn own_tenant(admin: &Person) -> Object<'_> {
    Object {
        client: &admin.http,
        first: first(&admin.http, "/tenant").await,
        changes: vec![("update_own_tenant", Method::PUT, "/tenant".to_owned(), json!({ "name": "three" }))],
        read: Some("/tenant".to_owned()),
    }
}

async fn settings(admin: &Person) -> Object<'_> {
    let path = format!("/tenants/{}/settings", admin.tenant);
    let own = "/tenant/settings".to_owned();
    Object {
        client: &admin.http,
        first: first(&admin.http, &path).await,
        changes: vec![
            ("update_tenant_settings", Method::PUT, path, json!({ "colour": "red" })),
            ("update_own_settings", Method::PUT, own.clone(), json!({ "colour": "blue" })),
        ],
        read: Some(own),
    }
}

async fn family<'a>(admin: &'a Person, grace: &Person) -> [Object<'a>; 5] {
    let client = &admin.http;
    let post = async |path: &str, body: Value| {
        let answer = client.post(path).json(&body).send().await.expect(201);
        (answer.body["id"].as_str().unwrap().to_owned(), tag(&answer))
    };
    let named = |name: &str| json!({ "name": name });
    let (workspace, _) = post("/workspaces", named("w")).await;
    let workspace = format!("/workspaces/{workspace}");
    let (project, _) = post(&format!("{workspace}/projects"), named("p")).await;
    let project = format!("/projects/{project}");
    let base = json!({ "base_id": "appA1b2C3d4E5f6G7", "name": "b" });
    let (base, base_tag) = post(&format!("{project}/airtable-bases"), base).await;
    let base = format!("/airtable-bases/{base}");
    let (_, member_tag) = post(&format!("{workspace}/members"), json!({ "user_id": grace.id, "role": "viewer" })).await;
    let member = format!("{workspace}/members/{}", grace.id);
    let role = |role: &str| json!({ "role": role });
    // From the inside out: what still holds something cannot be deleted.
    [
        Object {
            client,
            first: member_tag,
            changes: vec![
                ("replace_member_role", Method::PUT, member.clone(), role("member")),
                ("change_member_role", Method::PATCH, member.clone(), role("admin")),
                ("remove_member", Method::DELETE, member, Value::Null),
            ],
            read: None,
        },
        Object {
            client,
            first: base_tag,
            changes: vec![
                ("update_base", Method::PUT, base.clone(), named("b2")),
                ("disconnect_base", Method::DELETE, base.clone(), Value::Null),
            ],
            read: Some(base),
        },
        Object {
            client,
            first: first(client, &project).await,
            changes: vec![
                ("update_project", Method::PUT, project.clone(), named("p2")),
                ("delete_project", Method::DELETE, project.clone(), Value::Null),
            ],
            read: Some(project),
        },
        Object {
            client,
            first: first(client, &workspace).await,
            changes: vec![
                ("update_workspace", Method::PUT, workspace.clone(), named("w2")),
                ("delete_workspace", Method::DELETE, workspace.clone(), Value::Null),
            ],
            read: Some(workspace),
        },
        Object {
            client,
            first: {
                let path = format!("/tenants/{}/invitations", admin.tenant);
                let answer = client.post(&path).json(&json!({ "email": "guest@example.com" })).send().await.expect(201);
                tag(&answer)
            },
            changes: vec![("revoke_invitation", Method::DELETE, revoke(admin).await, Value::Null)],
            read: None,
        },
    ]
}

async fn notes(admin: &Person) -> Vec<Object<'_>> {
    let mut objects = Vec::new();
    for (operation, method, prefix, end) in [
        ("read_notification", Method::PUT, "", "/read"),
        ("user_read_notification", Method::PUT, "/user", "/read"),
        ("delete_notification", Method::DELETE, "", ""),
        ("user_delete_notification", Method::DELETE, "/user", ""),
    ] {
        let body = json!({ "type": "t", "title": "n", "message": "m" });
        let made = admin.http.post("/notifications").json(&body).send().await.expect(201);
        let path = format!("/notifications/{}", made.text("id"));
        objects.push(Object {
            client: &admin.http,
            first: tag(&made),
            changes: vec![(operation, method, format!("{prefix}{path}{end}"), Value::Null)],
            read: Some(path),
        });
    }
    objects
}

async fn webhook(admin: &Person) -> Object<'_> {
    let body = json!({ "url": "https://example.com/hooks" });
    let made = admin.http.post("/webhooks").json(&body).send().await.expect(201);
    let path = format!("/webhooks/{}", made.text("id"));
    Object {
        client: &admin.http,
        first: tag(&made),
        changes: vec![
            ("update_webhook", Method::PUT, path.clone(), json!({ "description": "one" })),
            ("delete_webhook", Method::DELETE, path.clone(), Value::Null),
        ],
        read: Some(path),
    }
}

async fn channel(admin: &Person) -> Object<'_> {
    let body = json!({ "type": "webhook", "address": "https://example.com/own" });
    let made = admin.http.post("/notifications/channels").json(&body).send().await.expect(201);
    let path = format!("/notifications/channels/{}", made.text("id"));
    Object {
        client: &admin.http,
        first: tag(&made),
        changes: vec![
            ("update_notification_channel", Method::PUT, path.clone(), json!({ "is_active": false })),
            ("delete_notification_channel", Method::DELETE, path.clone(), Value::Null),
        ],
        read: Some(path),
    }
}

async fn preferences<'a>(admin: &'a Person, rest: &str, whose: &str) -> Object<'a> {
    let path = format!("/notifications/preferences{rest}");
    let (update, back) = match whose {
        "preferences" => ("update_notification_preferences", "reset_notification_preferences"),
        _ => ("update_notification_defaults", "reset_notification_defaults"),
    };
    Object {
        client: &admin.http,
        first: first(&admin.http, &path).await,
        changes: vec![
            (update, Method::PUT, path.clone(), json!({ "digest": "daily" })),
            (back, Method::DELETE, path.clone(), Value::Null),
        ],
        read: Some(path),
    }
}

async fn template(admin: &Person) -> Object<'_> {
    let path = "/notifications/templates/digest/de".to_owned();
    Object {
        client: &admin.http,
        first: first(&admin.http, &path).await,
        changes: vec![
            ("update_notification_template", Method::PUT, path.clone(), json!({ "subject": "one" })),
            ("update_notification_template", Method::PUT, path.clone(), json!({ "subject": "two" })),
            ("delete_notification_template", Method::DELETE, path.clone(), Value::Null),
        ],
        read: Some(path),
    }
}

/// The path of the only invitation.
async fn revoke(admin: &Person) -> String {
    let path = format!("/tenants/{}/invitations", admin.tenant);
    let list = admin.http.get(&path).send().await.expect(200);
    format!("{path}/{}", list.body["invitations"][0]["id"].as_str().unwrap())
}

async fn leaving<'a>(admin: &'a Person, root: &Person, last: &Person) -> Object<'a> {
    assert_ne!(root.id, last.id);
    let path = format!("/users/{}", last.id);
    let role = |word: &str| json!({ "role": word });
    let at = format!("/tenant/members/{}/role", last.id);
    // The dashboard's answers have no tag: the next one is read under the person's own path.
    let first = first(&admin.http, &path).await;
    admin.http.put(&at).header("if-match", "\"x\"").json(&role("admin")).send().await.expect(412);
    admin.http.patch(&at).header("if-match", "\"x\"").json(&role("admin")).send().await.expect(412);
    admin.http.put(&at).header("if-match", &first).json(&role("admin")).send().await.expect(200);
    let next = self::first(&admin.http, &path).await;
    admin.http.patch(&at).header("if-match", &next).json(&role("user")).send().await.expect(200);
    Object {
        client: &admin.http,
        first: self::first(&admin.http, &path).await,
        changes: vec![("delete_user", Method::DELETE, path.clone(), Value::Null)],
        read: Some(path),
    }
}

async fn ending<'a>(root: &'a Person, admin: &Person) -> Object<'a> {
    let path = format!("/tenants/{}", admin.tenant);
    Object {
        client: &root.http,
        first: first(&root.http, &path).await,
        changes: vec![("delete_tenant", Method::DELETE, path.clone(), Value::Null)],
        read: Some(path),
    }
}

#[tokio::test]
async fn any_version_will_do_for_a_star() {
    let app = TestApp::new().await;
    let admin = app.admin("ada@example.com").await;
    let put = |if_match: &'static str, bio: &'static str| {
        admin.http.put("/users/me").header("if-match", if_match).json(&json!({ "bio": bio })).send()
    };
    put("*", "one").await.expect(200);
    for malformed in ["", "x", "\"x", "\"a\" \"b\""] {
        let answer = put(malformed, "two").await;
        let answer = answer.expect_error(400, "Invalid request headers", "VALIDATION_ERROR");
        assert_eq!(answer.body["details"][0]["field"], "if-match");
    }
    assert_eq!(app.one("SELECT bio FROM user_profiles").await, "one");
    // What is missing has no version: it is missing first.
    let nobody = "/workspaces/00000000-0000-7000-8000-000000000000";
    admin.http.delete(nobody).header("if-match", "*").send().await.expect(404);
}

#[tokio::test]
async fn a_demand_about_something_without_a_version_is_refused_not_ignored() {
    let app = TestApp::new().await;
    let admin = app.admin("ada@example.com").await;
    let other = app.login("ada@example.com").await;
    let sessions = admin.http.get("/auth/sessions").send().await.expect(200);
    let current = |session: &&Value| session["current"] == json!(false);
    let id = sessions.body["sessions"].as_array().unwrap().iter().find(current).unwrap()["id"].as_str().unwrap();
    let path = format!("/auth/sessions/{id}");
    let refused = admin.http.delete(&path).header("if-match", "\"x\"").send().await;
    let refused = refused.expect_error(412, "Precondition failed", "PRECONDITION_FAILED");
    assert!(refused.text("message").contains("without If-Match"));
    other.http.get("/users/me").send().await.expect(200);
    admin.http.delete(&path).send().await.expect(200);
    other.http.get("/users/me").send().await.expect(401);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_two_changes_of_one_version_one_is_lost_and_told_so() {
    let app = TestApp::new().await;
    let admin = app.admin("ada@example.com").await;
    let workspace = admin.http.post("/workspaces").json(&json!({ "name": "w" })).send().await.expect(201);
    let path = format!("/workspaces/{}", workspace.text("id"));
    let mut current = tag(&workspace);
    for round in 0..200 {
        let tasks: Vec<_> = (0..2)
            .map(|number| {
                let body = json!({ "description": format!("{round} {number}") });
                let request = admin.http.put(&path).header("if-match", &current).json(&body);
                tokio::spawn(request.send())
            })
            .collect();
        let mut statuses = Vec::new();
        for task in tasks {
            let answer = task.await.unwrap();
            statuses.push(answer.status.as_u16());
            if answer.status == 200 {
                current = tag(&answer);
            }
        }
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 412], "round {round}");
    }
}
