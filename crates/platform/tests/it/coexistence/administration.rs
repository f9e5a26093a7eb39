//! What only the new side can do, as the old side then reads it.

use serde_json::json;
use testkit::Client;

use super::{Both, Findings, LAYOUTS, Pair, compare_me, form};
use crate::support::{INTERNAL_KEY, PASSWORD};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn coexistence_administration_is_read_by_the_old_side() {
    for layout in LAYOUTS {
        let pair = Pair::on(layout).await;
        let mut found = Findings::default();
        let admin = pair.admin("admin@example.com").await;
        people(&pair, &mut found, &admin).await;
        workspaces(&pair, &mut found, &admin).await;
        tenants(&pair, &mut found, &admin).await;
        insta::assert_snapshot!(format!("administration_{}", layout.name()), found.listed("administration", layout));
    }
}

async fn people(pair: &Pair, found: &mut Findings, admin: &Both) {
    let http = admin.on_new(pair);
    // By an invitation.
    let invitation = json!({ "email": "invited@example.com", "role": "user" });
    let path = format!("/tenants/{}/invitations", admin.tenant);
    let token = http.post(&path).json(&invitation).send().await.expect(201).text("token");
    let accept = json!({ "token": token, "password": PASSWORD, "first_name": "In", "last_name": "Vited" });
    pair.new.http.post("/public/invitations/accept").json(&accept).send().await.expect(201);
    let person = pair.both("invited@example.com", PASSWORD).await;
    compare_me(pair, found, "accepts an invitation", &person.old_token).await;
    let answer = pair.old_auth().post("/auth/register").json(&form("invited@example.com")).send().await;
    found.status("old registers whom new invited", &answer, 409);

    let change = json!({ "role": "admin" });
    http.put(&format!("/users/{}/role", person.id)).json(&change).send().await.expect(200);
    compare_me(pair, found, "changes a role", &person.old_token).await;
    let again = pair.old_login("invited@example.com", PASSWORD).await.expect(200).text("access_token");
    let claims = pair.old_auth().with_bearer(&again).post("/auth/validate").send().await.expect(200);
    found.equal("role in the old side's token", &claims.body["role"], &json!("admin"));

    // Many, for a service.
    let one = |number: u8| {
        json!({ "email": format!("bulk{number}@example.com"), "first_name": "B", "last_name": "ulk",
                "tenant_id": admin.tenant, "is_active": true })
    };
    let bulk = pair.new.http.post("/users/bulk").header("x-api-key", INTERNAL_KEY).json(&json!([one(1), one(2)]));
    bulk.send().await.expect(201);
    for email in ["bulk1@example.com", "bulk2@example.com"] {
        found.status("old log-in of somebody without a password", &pair.old_login(email, "!").await, 401);
        let sql = format!("SELECT id::text FROM users WHERE email = '{email}'");
        let id = pair.old.value(&pair.old.places.auth, &sql).await.unwrap();
        compare_me(pair, found, "makes many", &pair.old.token(&id, &admin.tenant)).await;
    }
}

/// Both sides' view of members, and the old side's of the workspace itself.
async fn compare(pair: &Pair, found: &mut Findings, after: &str, reader: &Both, workspace: &str) {
    for path in
        [format!("/workspaces/{workspace}"), format!("/workspaces/{workspace}/members"), "/workspaces".to_owned()]
    {
        let (old, new): (Client, Client) = (reader.on_old(pair), reader.on_new(pair));
        found.same(after, &old.get(&path).send().await, &new.get(&path).send().await);
    }
}

async fn workspaces(pair: &Pair, found: &mut Findings, admin: &Both) {
    let person = pair.both("invited@example.com", PASSWORD).await;
    let http = admin.on_new(pair);
    let made = admin.on_old(pair).post("/workspaces").json(&json!({ "name": "Shared" })).send().await.expect(201);
    let id = made.text("id");
    let path = format!("/workspaces/{id}");
    // Into the old side's caches, which each change has to empty (T-57).
    admin.on_old(pair).get(&path).send().await.expect(200);
    http.post(&format!("{path}/archive")).send().await.expect(200);
    found.status("old reads what new archived", &admin.on_old(pair).get(&path).send().await, 500);
    http.post(&format!("{path}/restore")).send().await.expect(200);
    compare(pair, found, "restores", admin, &id).await;

    let member = json!({ "user_id": person.id, "role": "viewer" });
    http.post(&format!("{path}/members")).json(&member).send().await.expect(201);
    let role = json!({ "role": "member" });
    http.patch(&format!("{path}/members/{}", person.id)).json(&role).send().await.expect(200);
    compare(pair, found, "changes a member's role", &person, &id).await;
    http.post(&format!("{path}/transfer")).json(&json!({ "user_id": person.id })).send().await.expect(200);
    compare(pair, found, "hands over", &person, &id).await;
    admin.on_new(pair).post(&format!("{path}/leave")).send().await.expect(204);
    compare(pair, found, "leaves", &person, &id).await;
    let stranger = admin.on_old(pair).get(&path).send().await;
    found.status("old refuses who left", &stranger, 403);
    let logs = format!("/audit-logs?workspace_id={id}");
    let (old, new) = (person.on_old(pair).get(&logs).send().await, person.on_new(pair).get(&logs).send().await);
    found.same("log of all this", &old, &new);

    // The owner is deleted, and the workspace passes to whoever stands longest (T-55).
    let body = json!({ "user_id": admin.id, "role": "admin" });
    person.on_old(pair).post(&format!("{path}/members")).json(&body).send().await.expect(201);
    http.delete(&format!("/users/{}", person.id)).send().await.expect(200);
    compare(pair, found, "deletes the only owner", admin, &id).await;
    found.status("old deletes as the heir", &admin.on_old(pair).delete(&path).send().await, 204);
    found.status("new no longer finds it", &http.get(&path).send().await, 404);
}

/// A tenant that is suspended and deleted, seen by a service that never heard of tenants (T-54).
async fn tenants(pair: &Pair, found: &mut Findings, admin: &Both) {
    let root = pair.new.super_admin().await;
    let path = format!("/tenants/{}", admin.tenant);
    for (action, request, status) in [
        ("suspends", root.http.post(&format!("{path}/suspend")), 403),
        ("reactivates", root.http.post(&format!("{path}/reactivate")), 200),
        ("deletes", root.http.delete(&path), 403),
    ] {
        let answer = request.send().await;
        found.equal(&format!("new {action} a tenant"), &json!(answer.status.is_success()), &json!(true));
        let login = pair.old_login(&admin.email, PASSWORD).await;
        found.status(&format!("old log-in after new {action} a tenant"), &login, status);
        let login = pair.new_login(&admin.email, PASSWORD).await;
        found.equal(
            &format!("new log-in after new {action} a tenant"),
            &json!(login.status == 200),
            &json!(status == 200),
        );
    }
}
