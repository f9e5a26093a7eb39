//! Tokens that the old services issued, and those of people this database does not know.

use serde_json::json;

use super::{legacy_claims, signed, signed_with};
use crate::support::{JWT_SECRET, TestApp};
use crate::users::auth::{dump, mark_deleted, switch_off, with};

#[tokio::test]
async fn token_of_an_old_service_is_accepted() {
    let app = TestApp::new().await;
    let admin = app.admin("admin@example.com").await;
    let member = app.member(&admin, "member@example.com").await;
    let claims = legacy_claims(&app, &member);
    // Of the six, `user_id` and `exp` must be there; the rest is loaded from the row. More are ignored.
    for change in [
        json!({}),
        json!({ "email": null }),
        json!({ "role": null }),
        json!({ "tenant_id": null }),
        json!({ "iat": null, "email": null, "role": null, "tenant_id": null }),
        json!({ "type": "access", "aud": "x", "iss": ["pyairtable"], "permissions": ["*"], "session_id": 7 }),
        json!({ "user_id": member.id.to_uppercase() }),
        json!({ "nbf": app.now().as_second() }),
    ] {
        let http = app.http.with_bearer(&signed(with(claims.clone(), &change).to_string()));
        for path in ["/auth/me", "/users/me"] {
            assert_eq!(http.get(path).send().await.expect(200).body["id"], member.id, "{change}");
        }
        let sessions = http.get("/auth/sessions").send().await.expect(200);
        assert!(sessions.body["sessions"].as_array().unwrap().iter().all(|session| session["current"] == false));
    }
    for header in [r#"{"typ":"JWT","alg":"HS256"}"#, r#"{"alg":"HS256"}"#, r#"{"alg":"HS256","kid":"old-key-1"}"#] {
        let token = signed_with(JWT_SECRET, header, claims.to_string());
        app.http.with_bearer(&token).get("/auth/me").send().await.expect(200);
    }
}

/// T-31: role and tenant are the row's, whatever the token says.
#[tokio::test]
async fn token_does_not_grant_what_the_row_does_not() {
    let app = TestApp::new().await;
    let admin = app.admin("admin@example.com").await;
    let member = app.member(&admin, "member@example.com").await;
    let stranger = app.admin("stranger@example.com").await;
    let claims =
        json!({ "role": "super_admin", "roles": ["super_admin"], "tenant_id": stranger.tenant, "email": admin.email });
    let http = app.http.with_bearer(&signed(with(legacy_claims(&app, &member), &claims).to_string()));
    let me = http.get("/auth/me").send().await.expect(200);
    assert_eq!((&me.body["role"], &me.body["email"]), (&json!("user"), &json!(member.email)));
    assert_eq!(me.body["tenant_id"], member.tenant);
    http.get(&format!("/users/{}", stranger.id)).send().await.expect(403);
    let before = dump(&app).await;
    http.post(&format!("/users/{}/deactivate", admin.id)).send().await.expect(403);
    assert_eq!(dump(&app).await, before);
}

/// An old token knows no log-in, so it changes the password without keeping any.
#[tokio::test]
async fn token_of_an_old_service_changes_the_password() {
    let app = TestApp::new().await;
    let ada = app.admin("ada@example.com").await;
    let old = app.http.with_bearer(&signed(legacy_claims(&app, &ada).to_string()));
    let body = json!({ "current_password": crate::support::PASSWORD, "new_password": "another one" });
    old.post("/auth/change-password").json(&body).send().await.expect(200);
    ada.http.get("/auth/me").send().await.expect(401);
    old.get("/auth/me").send().await.expect(200);
}

/// T-34: somebody without a row is nobody, not an error and not unauthorised.
#[tokio::test]
async fn token_of_somebody_unknown_is_404_on_me() {
    let app = TestApp::new().await;
    let ada = app.admin("ada@example.com").await;
    let before = dump(&app).await;
    for id in [
        "00000000-0000-4000-8000-000000000001",
        "test-user-1",
        "1",
        "",
        "00000000-0000-0000-0000-000000000000",
        "\u{0}",
        "ü",
    ] {
        for tenant in [json!(null), json!(ada.tenant), json!("tenant-1"), json!("")] {
            let claims = json!({ "user_id": id, "tenant_id": tenant, "role": "admin" });
            let http = app.http.with_bearer(&signed(with(legacy_claims(&app, &ada), &claims).to_string()));
            for path in ["/auth/me", "/users/me"] {
                http.get(path).send().await.expect_error(404, "User not found", "NOT_FOUND");
                let change = http.put(path).json(&json!({ "bio": "x" })).send().await;
                change.expect_error(404, "User not found", "NOT_FOUND");
            }
            let body = json!({ "current_password": "x", "new_password": "another one" });
            let change = http.post("/auth/change-password").json(&body).send().await;
            change.expect_error(404, "User not found", "NOT_FOUND");
            http.post("/auth/refresh").send().await.expect_error(404, "User not found", "NOT_FOUND");
            http.delete("/auth/sessions/00000000-0000-0000-0000-000000000000").send().await.expect(404);
            assert_eq!(http.get("/auth/sessions").send().await.expect(200).body, json!({ "sessions": [] }));
            http.post("/auth/logout").send().await.expect(200);
        }
    }
    assert_eq!(dump(&app).await, before);
}

#[tokio::test]
async fn token_of_somebody_switched_off_or_deleted_is_refused() {
    let app = TestApp::new().await;
    let (off, gone) = (app.admin("off@example.com").await, app.admin("gone@example.com").await);
    switch_off(&app, "off@example.com").await;
    mark_deleted(&app, "gone@example.com").await;
    for person in [&off, &gone] {
        let http = app.http.with_bearer(&signed(legacy_claims(&app, person).to_string()));
        http.get("/auth/me").send().await.expect_error(401, "Unauthorized", "UNAUTHORIZED");
        http.get("/users").send().await.expect_error(401, "Invalid or expired token", "UNAUTHORIZED");
        http.get("/auth/sessions").send().await.expect_error(401, "Unauthorized", "UNAUTHORIZED");
    }
}
