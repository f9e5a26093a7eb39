//! What the old services cached about a person is deleted after every change, and nothing else is (T-57).

use std::collections::BTreeSet;

use redis::AsyncCommands as _;
use serde_json::json;
use testkit::Request;

use super::Shared;
use crate::support::{PASSWORD, Person};

/// Fills the caches as the old services would, sends the request, and returns which keys went.
async fn gone_after(shared: &Shared, person: &Person, request: Request) -> BTreeSet<String> {
    let mut redis = shared.redis.clone();
    let other = "7d444840-9dc0-11d1-b245-5ffdce74fad2";
    let mut keys = vec![
        format!("user:{}", person.id),
        format!("user:{other}"),
        format!("user:workspaces:{}", person.id),
        format!("stats:tenant:{}", person.tenant),
        format!("stats:tenant:{other}"),
        "stats:global".to_owned(),
        format!("userlist:tenant:{other}:p1"),
        "userlist:all".to_owned(),
        "workspace:1".to_owned(),
        "session:1".to_owned(),
    ];
    // More than one round of SCAN.
    keys.extend((0..1500).map(|page| format!("userlist:tenant:{}:page{page}", person.tenant)));
    for key in &keys {
        redis.set::<_, _, ()>(key, "cached").await.unwrap();
    }
    let status = request.send().await.status;
    assert!(status.is_success(), "{status}");
    let left: BTreeSet<String> = redis.keys::<_, Vec<String>>("*").await.unwrap().into_iter().collect();
    keys.into_iter().filter(|key| !left.contains(key)).collect()
}

#[tokio::test]
async fn coexistence_changes_forget_the_old_services_caches() {
    let shared = Shared::new().await;
    let app = &shared.app;
    let admin = app.admin("admin@example.com").await;
    let member = app.member(&admin, "member@example.com").await;
    let mut expected: BTreeSet<String> =
        [format!("user:{}", member.id), format!("stats:tenant:{}", member.tenant), "stats:global".to_owned()].into();
    expected.extend((0..1500).map(|page| format!("userlist:tenant:{}:page{page}", member.tenant)));
    let path = |action: &str| format!("/users/{}{action}", member.id);
    let password = json!({ "current_password": PASSWORD, "new_password": "another one" });
    let changes = [
        ("update_me", member.http.put("/users/me").json(&json!({ "bio": "x" }))),
        ("update_auth_me", member.http.put("/auth/me").json(&json!({ "first_name": "x" }))),
        ("change_password", member.http.post("/auth/change-password").json(&password)),
        ("update", admin.http.put(&path("")).json(&json!({ "bio": "y" }))),
        ("change_role", admin.http.put(&path("/role")).json(&json!({ "role": "user" }))),
        ("deactivate", admin.http.post(&path("/deactivate"))),
        ("reactivate", admin.http.post(&path("/reactivate"))),
        ("delete", admin.http.delete(&path(""))),
        ("restore", admin.http.post(&path("/restore"))),
    ];
    for (name, request) in changes {
        assert_eq!(gone_after(&shared, &member, request).await, expected, "{name}");
    }
    // A log-in changes one person's `last_login_at`, which no list is worth forgetting for.
    let login = json!({ "email": "member@example.com", "password": "another one" });
    let gone = gone_after(&shared, &member, app.http.post("/auth/login").json(&login)).await;
    assert_eq!(gone, [format!("user:{}", member.id)].into());
}

#[tokio::test]
async fn coexistence_new_people_appear_in_the_old_services_lists() {
    let shared = Shared::new().await;
    let admin = shared.app.admin("admin@example.com").await;
    let body = json!({
        "email": "new@example.com", "password": PASSWORD, "first_name": "A", "last_name": "B", "tenant_id": admin.tenant
    });
    for (name, request) in [
        ("create", admin.http.post("/users").json(&body)),
        (
            "register",
            shared.app.http.post("/auth/register").json(&json!({
                "email": "newer@example.com", "password": PASSWORD, "name": "A B", "tenant_id": admin.tenant
            })),
        ),
    ] {
        let gone = gone_after(&shared, &admin, request).await;
        assert!(gone.contains(&format!("stats:tenant:{}", admin.tenant)), "{name}");
        assert_eq!(gone.iter().filter(|key| key.starts_with("userlist:tenant:")).count(), 1500, "{name}");
    }
}

#[tokio::test]
async fn coexistence_reading_and_refusing_forget_nothing() {
    let shared = Shared::new().await;
    let ada = shared.app.admin("ada@example.com").await;
    let mut redis = shared.redis.clone();
    redis.set::<_, _, ()>(format!("user:{}", ada.id), "cached").await.unwrap();
    ada.http.get("/users/me").send().await.expect(200);
    ada.http.put("/users/me").json(&json!({ "phone": "x".repeat(51) })).send().await.expect(400);
    let wrong = json!({ "email": "ada@example.com", "password": "wrong password" });
    shared.app.http.post("/auth/login").json(&wrong).send().await.expect(401);
    assert_eq!(redis.get::<_, String>(format!("user:{}", ada.id)).await.unwrap(), "cached");
}
