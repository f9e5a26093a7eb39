//! `GET` and `PUT /auth/me` and `/users/me`

use jiff::SignedDuration;
use serde_json::{Value, json};
use testkit::{Client, Request};

use super::auth::{
    dump, dump_unaudited, execute, form, mark_deleted, refuses_strangers, refuses_unreadable_bodies, switch_off, with,
};
use crate::support::{TestApp, stable};

/// The two doors to the own account, and what a refused token is told at each (T-33).
const DOORS: [(&str, &str, &str); 2] = [
    ("/auth/me", "Unauthorized", "Unauthorized"),
    ("/users/me", "User ID not found in request", "Invalid or expired token"),
];

async fn me(http: &Client) -> Value {
    http.get("/users/me").send().await.expect(200).body
}

#[tokio::test]
async fn get_me_and_get_auth_me_success() {
    let app = TestApp::new().await;
    let ada = app.admin("Ada@Example.com").await;
    for path in [
        "/users/me",
        "/auth/me",
        "/users/profile",
        "/auth/profile",
        "/user/profile",
        "/api/v1/users/me",
        "/api/auth/me",
        "/platform/users/me/",
        "/API/V1/Auth/Me",
    ] {
        let answer = ada.http.get(path).send().await.expect(200);
        insta::assert_json_snapshot!("me", stable(&answer.body));
    }
}

/// T-14: what is empty is left out, and what is not is shown.
#[tokio::test]
async fn get_me_success_with_everything_filled_in() {
    let app = TestApp::new().await;
    let ada = app.admin("ada@example.com").await;
    let everything = json!({
        "first_name": "Augusta", "last_name": "King", "display_name": "Countess", "avatar": "https://example.com/a.png",
        "bio": "Notes\n\"G\"", "phone": "+44 1", "preferences": { "theme": "dark", "n": [1, 2.5, null] },
        "metadata": { "z": 1, "a": { "b": "ü" } }
    });
    app.clock.advance(SignedDuration::from_secs(60));
    let answer = ada.http.put("/users/me").json(&everything).send().await.expect(200);
    insta::assert_json_snapshot!("me_filled_in", stable(&answer.body));
    assert_eq!(me(&ada.http).await, answer.body);
    assert_eq!(ada.http.get("/auth/me").send().await.expect(200).body, answer.body);
}

/// T-42, T-43: an account of auth-service alone has no profile, and its flags may be NULL.
#[tokio::test]
async fn get_me_success_without_a_profile_and_with_nulls() {
    let app = TestApp::new().await;
    let ada = app.admin("ada@example.com").await;
    let full = me(&ada.http).await;
    execute(
        &app,
        "UPDATE user_profiles SET display_name = NULL, avatar = NULL, bio = NULL, phone = NULL,
        phone_verified = NULL, preferences = 'null', metadata = NULL, updated_at = NULL",
        &[],
    )
    .await;
    assert_eq!(me(&ada.http).await, full);
    execute(&app, "DELETE FROM user_profiles", &[]).await;
    execute(&app, "UPDATE users SET is_active = NULL, email_verified = NULL", &[]).await;
    assert_eq!(me(&ada.http).await, full);
    execute(&app, "UPDATE users SET created_at = NULL, updated_at = NULL", &[]).await;
    assert_eq!(me(&ada.http).await["created_at"], "1970-01-01T00:00:00Z");
    // The first change makes the profile.
    ada.http.put("/users/me").json(&json!({ "bio": "x" })).send().await.expect(200);
    assert_eq!(me(&ada.http).await["bio"], "x");
}

async fn door_refuses_strangers(door: &str, request: impl Fn(&Client, &str) -> Request) {
    let app = TestApp::new().await;
    app.admin("ada@example.com").await;
    let (path, missing, refused) = DOORS.into_iter().find(|(path, ..)| *path == door).unwrap();
    refuses_strangers(&app, missing, refused, || request(&app.http, path)).await;
}

#[tokio::test]
async fn get_me_logged_out() {
    door_refuses_strangers("/users/me", Client::get).await;
}

#[tokio::test]
async fn get_auth_me_logged_out() {
    door_refuses_strangers("/auth/me", Client::get).await;
}

#[tokio::test]
async fn update_me_logged_out() {
    door_refuses_strangers("/users/me", |http, path| http.put(path).json(&json!({ "first_name": "X" }))).await;
}

#[tokio::test]
async fn update_auth_me_logged_out() {
    door_refuses_strangers("/auth/me", |http, path| http.put(path).json(&json!({ "first_name": "X" }))).await;
}

/// Nobody's account but the own is ever read or changed, whatever tenant the request names (T-32, T-58).
#[tokio::test]
async fn get_me_and_update_me_other_tenant_is_out_of_reach() {
    let app = TestApp::new().await;
    let (ada, eve) = (app.admin("ada@example.com").await, app.admin("eve@example.com").await);
    let before = me(&ada.http).await;
    for (path, _, _) in DOORS {
        let headers =
            |request: testkit::Request| request.header("x-user-id", &ada.id).header("x-tenant-id", &ada.tenant);
        let query = format!("{path}?user_id={}&tenant_id={}", ada.id, ada.tenant);
        let answer = headers(eve.http.get(&query)).send().await.expect(200);
        assert_eq!(answer.body["id"], eve.id);
        let body = json!({ "id": ada.id, "user_id": ada.id, "tenant_id": ada.tenant, "bio": "eve was here" });
        let answer = headers(eve.http.put(&query)).json(&body).send().await.expect(200);
        assert_eq!((&answer.body["id"], &answer.body["tenant_id"]), (&json!(eve.id), &json!(eve.tenant)));
    }
    assert_eq!(me(&ada.http).await, before);
}

#[tokio::test]
async fn update_me_success_changes_only_what_is_present() {
    let app = TestApp::new().await;
    let ada = app.admin("ada@example.com").await;
    let body = json!({ "firstName": "Augusta", "bio": null, "phone": "1" });
    let answer = ada.http.put("/users/me").json(&body).send().await.expect(200);
    assert_eq!((&answer.body["first_name"], &answer.body["last_name"]), (&json!("Augusta"), &json!("Lovelace")));
    // A display name nobody chose follows the names; one that was chosen stays.
    assert_eq!(answer.body["display_name"], "Augusta Lovelace");
    ada.http.put("/users/me").json(&json!({ "display_name": "Countess" })).send().await.expect(200);
    let answer = ada.http.put("/users/me").json(&json!({ "last_name": "King" })).send().await.expect(200);
    assert_eq!((&answer.body["display_name"], &answer.body["phone"]), (&json!("Countess"), &json!("1")));
    // Both homes of the names agree (T-42).
    let dump = dump(&app).await;
    for table in ["users", "user_profiles"] {
        assert_eq!((&dump[table][0]["first_name"], &dump[table][0]["last_name"]), (&json!("Augusta"), &json!("King")));
    }
}

#[tokio::test]
async fn update_me_success_an_empty_text_clears() {
    let app = TestApp::new().await;
    let ada = app.admin("ada@example.com").await;
    let filled = json!({ "avatar": "a", "bio": "b", "phone": "p", "preferences": { "a": 1 }, "metadata": { "x": 1 } });
    ada.http.put("/users/me").json(&filled).send().await.expect(200);
    let cleared = json!({ "avatar": "", "bio": "", "phone": "", "preferences": {}, "metadata": {} });
    let answer = ada.http.put("/users/me").json(&cleared).send().await.expect(200);
    for field in ["avatar", "bio", "phone", "preferences", "metadata"] {
        assert!(answer.body.get(field).is_none(), "{field}");
    }
}

/// T-22: the user name lives in the metadata, is unique, and is neither lost nor taken by replacing them.
#[tokio::test]
async fn update_me_success_never_touches_the_user_name() {
    let app = TestApp::new().await;
    let form = with(form("ada@example.com"), &json!({ "username": "ada" }));
    let token = app.http.post("/auth/register").json(&form).send().await.expect(201).text("access_token");
    let (ada, eve) = (app.http.with_bearer(&token), app.admin("eve@example.com").await.http);
    for metadata in [json!({ "y": 2 }), json!({ "y": 2, "username": "eve" }), json!({ "y": 2, "username": 7 })] {
        let answer = ada.put("/users/me").json(&json!({ "metadata": metadata })).send().await.expect(200);
        assert_eq!(answer.body["metadata"], json!({ "username": "ada", "y": 2 }));
        assert_eq!(answer.body["username"], "ada");
    }
    let answer = eve.put("/users/me").json(&json!({ "metadata": { "username": "ada" } })).send().await.expect(200);
    assert_eq!(answer.body["username"], "eve@example.com");
    assert!(answer.body.get("metadata").is_none());
}

/// At the old authentication service a name could not be blanked; at the old user service it could.
#[tokio::test]
async fn update_auth_me_success_ignores_empty_names() {
    let app = TestApp::new().await;
    let ada = app.admin("ada@example.com").await;
    let empty = json!({ "first_name": "", "last_name": "" });
    let answer = ada.http.put("/auth/me").json(&empty).send().await.expect(200);
    assert_eq!((&answer.body["first_name"], &answer.body["last_name"]), (&json!("Ada"), &json!("Lovelace")));
    let answer = ada.http.put("/auth/me").json(&json!({ "first_name": "Augusta" })).send().await.expect(200);
    assert_eq!(answer.body["first_name"], "Augusta");
    let answer = ada.http.put("/users/me").json(&empty).send().await.expect(200);
    assert_eq!((&answer.body["first_name"], &answer.body["last_name"]), (&json!(""), &json!("")));
}

/// What decides over access has its own doors.
#[tokio::test]
async fn update_me_forbidden_role_and_state_are_not_the_persons_to_change() {
    let app = TestApp::new().await;
    let admin = app.admin("admin@example.com").await;
    let member = app.member(&admin, "member@example.com").await;
    let before = dump_unaudited(&app).await;
    let body = json!({
        "email": "x@example.com", "role": "super_admin", "roles": ["super_admin"], "tenant_id": admin.tenant, "is_active": false,
        "email_verified": true, "phone_verified": true, "password": "another one", "password_hash": "x", "deleted_at": "2026-01-01T00:00:00Z"
    });
    for (path, _, _) in DOORS {
        member.http.put(path).json(&body).send().await.expect(200);
    }
    // The names are written to both tables, with the same values.
    assert_eq!(dump_unaudited(&app).await, before);
}

#[tokio::test]
async fn update_me_and_update_auth_me_invalid_body() {
    let app = TestApp::new().await;
    let ada = app.admin("ada@example.com").await;
    for (path, _, _) in DOORS {
        refuses_unreadable_bodies(&app, "first_name", || ada.http.put(path)).await;
        let before = dump(&app).await;
        let nothing = ada.http.put(path).send().await;
        nothing.expect_error(400, "Invalid request body", "VALIDATION_ERROR");
        let long = [("first_name", 100), ("last_name", 100), ("display_name", 200), ("phone", 50), ("bio", 100_000)];
        for (field, most) in long {
            let answer = ada.http.put(path).json(&json!({ field: "é".repeat(most + 1) })).send().await;
            answer.expect_error(400, "Invalid request body", "VALIDATION_ERROR");
        }
        for body in [json!({ "preferences": [] }), json!({ "metadata": "x" }), json!({ "preferences": { "a": "\0" } })]
        {
            let answer = ada.http.put(path).json(&body).send().await;
            answer.expect_error(400, "Invalid request body", "VALIDATION_ERROR");
        }
        assert_eq!(dump(&app).await, before);
        for (field, most) in long {
            ada.http.put(path).json(&json!({ field: "é".repeat(most) })).send().await.expect(200);
        }
    }
}

#[tokio::test]
async fn update_me_repeated() {
    let app = TestApp::new().await;
    let ada = app.admin("ada@example.com").await;
    let body = json!({ "first_name": "Augusta", "preferences": { "a": 1 } });
    let first = ada.http.put("/users/me").json(&body).send().await.expect(200).body;
    let before = dump_unaudited(&app).await;
    assert_eq!(ada.http.put("/users/me").json(&body).send().await.expect(200).body, first);
    assert_eq!(dump_unaudited(&app).await, before);
}

/// T-34, T-55: on every path at once.
#[tokio::test]
async fn get_me_and_update_me_refused_when_switched_off_or_deleted() {
    let app = TestApp::new().await;
    let (off, gone) = (app.admin("off@example.com").await, app.admin("gone@example.com").await);
    switch_off(&app, "off@example.com").await;
    mark_deleted(&app, "gone@example.com").await;
    for person in [&off, &gone] {
        for (path, _, refused) in DOORS {
            person.http.get(path).send().await.expect_error(401, refused, "UNAUTHORIZED");
            let change = person.http.put(path).json(&json!({ "bio": "x" })).send().await;
            change.expect_error(401, refused, "UNAUTHORIZED");
        }
    }
}
