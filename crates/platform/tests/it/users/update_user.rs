//! `PUT /users/{id}`

use axum::http::Method;
use serde_json::json;

use crate::fixtures::{NOBODY, Refusals};
use crate::support::{Person, TestApp};

fn refusals<'a>(app: &'a TestApp, target: &Person) -> Refusals<'a> {
    let path = format!("/users/{}", target.id);
    Refusals { app, method: Method::PUT, path, body: Some(json!({ "first_name": "Mallory" })) }
}

#[tokio::test]
async fn update_user_logged_out() {
    let app = TestApp::new().await;
    let (_, member, _) = app.cast().await;
    refusals(&app, &member).logged_out("User ID not found in request").await;
}

#[tokio::test]
async fn update_user_other_tenant() {
    let app = TestApp::new().await;
    let (_, member, stranger) = app.cast().await;
    refusals(&app, &member).expect(&stranger.http, 403, "Access denied", "FORBIDDEN").await;
}

#[tokio::test]
async fn update_user_forbidden_role() {
    let app = TestApp::new().await;
    let (admin, member, _) = app.cast().await;
    refusals(&app, &admin).expect(&member.http, 403, "Access denied", "FORBIDDEN").await;
    // Nobody changes somebody of a higher role.
    let root = app.super_admin().await;
    app.sql(&format!("UPDATE users SET tenant_id = '{0}'; UPDATE user_profiles SET tenant_id = '{0}'", admin.tenant))
        .await;
    refusals(&app, &root).expect(&admin.http, 403, "Insufficient permissions", "FORBIDDEN").await;
}

#[tokio::test]
async fn update_user_success_changes_what_was_sent_and_nothing_else() {
    let app = TestApp::new().await;
    let (admin, member, _) = app.cast().await;
    let path = format!("/api/v1/users/{}", member.id);
    let body = json!({
        "first_name": "Grace B.", "avatar": "https://example.com/a.png", "bio": "", "phone": "+1 555 0100",
        "preferences": { "theme": "dark", "nested": { "deep": [1, 2.5, null] } }, "metadata": { "team": "compilers" },
        // None of these can be changed here.
        "email": "x@example.com", "role": "super_admin", "tenant_id": NOBODY, "is_active": false, "id": NOBODY,
        "password": "another password", "created_at": "1999-01-01T00:00:00Z",
    });
    let answer = admin.http.put(&path).json(&body).send().await.expect(200);
    insta::assert_json_snapshot!(crate::support::stable(&answer.body));

    // null and absent leave alone; "" clears.
    let body = json!({ "first_name": null, "avatar": "", "phone": null, "preferences": null });
    let after = admin.http.put(&path).json(&body).send().await.expect(200).body;
    assert_eq!(after["first_name"], "Grace B.");
    assert_eq!(after.get("avatar"), None);
    assert_eq!(after["phone"], "+1 555 0100");
    assert_eq!(after["preferences"], answer.body["preferences"]);
    // An empty object replaces, and is then left out.
    let after =
        member.http.put(&path).json(&json!({ "preferences": {}, "metadata": {} })).send().await.expect(200).body;
    assert_eq!((after.get("preferences"), after.get("metadata")), (None, None));
    assert_eq!(after, admin.http.get(&path).send().await.expect(200).body);
}

#[tokio::test]
async fn update_user_display_name_follows_the_names_until_it_is_chosen() {
    let app = TestApp::new().await;
    let (_, member, _) = app.cast().await;
    let path = format!("/users/{}", member.id);
    let display_name = async |body| member.http.put(&path).json(&body).send().await.expect(200).text("display_name");
    assert_eq!(display_name(json!({ "last_name": "Murray" })).await, "Grace Murray");
    assert_eq!(display_name(json!({ "display_name": "Amazing Grace" })).await, "Amazing Grace");
    assert_eq!(display_name(json!({ "last_name": "Hopper" })).await, "Amazing Grace");
}

#[tokio::test]
async fn update_user_success_by_form_and_other_spellings() {
    let app = TestApp::new().await;
    let (_, member, _) = app.cast().await;
    let request = member.http.put(&format!("/Users/{}/", member.id));
    let answer = request.body("application/x-www-form-urlencoded; charset=utf-8", "FIRST_NAME=G&lastName=H");
    let answer = answer.send().await.expect(200);
    assert_eq!(answer.text("display_name"), "G H");
}

#[tokio::test]
async fn update_user_repeated_gives_the_same_answer() {
    let app = TestApp::new().await;
    let (_, member, _) = app.cast().await;
    let request = || member.http.put(&format!("/users/{}", member.id)).json(&json!({ "bio": "Found the bug" }));
    let first = request().send().await.expect(200);
    assert_eq!(request().send().await.expect(200).body, first.body);
}

#[tokio::test]
async fn update_user_invalid_body() {
    let app = TestApp::new().await;
    let (admin, member, _) = app.cast().await;
    let long = |length| "ä".repeat(length);
    for body in [
        json!({ "first_name": 7 }),
        json!({ "first_name": long(101) }),
        json!({ "last_name": long(101) }),
        json!({ "display_name": long(201) }),
        json!({ "phone": long(51) }),
        json!({ "preferences": [] }),
        json!({ "metadata": "{}" }),
        json!({ "bio": "\u{0}" }),
        json!([]),
        json!("text"),
    ] {
        let refusals = Refusals { body: Some(body), ..refusals(&app, &member) };
        refusals.expect(&admin.http, 400, "Invalid request body", "VALIDATION_ERROR").await;
    }
    Refusals { body: None, ..refusals(&app, &member) }
        .expect(&admin.http, 400, "Invalid request body", "VALIDATION_ERROR")
        .await;
    // The widest that fits does.
    let body = json!({ "first_name": long(100), "display_name": long(200), "phone": long(50) });
    admin.http.put(&format!("/users/{}", member.id)).json(&body).send().await.expect(200);
}

#[tokio::test]
async fn update_user_not_found() {
    let app = TestApp::new().await;
    let (admin, member, _) = app.cast().await;
    for id in [NOBODY, "me%20"] {
        let refusals = Refusals { path: format!("/users/{id}"), ..refusals(&app, &member) };
        refusals.expect(&admin.http, 404, "User not found", "NOT_FOUND").await;
    }
    // Somebody deleted is not there to be changed.
    admin.http.delete(&format!("/users/{}", member.id)).send().await.expect(200);
    refusals(&app, &member).expect(&admin.http, 404, "User not found", "NOT_FOUND").await;
}

#[tokio::test]
async fn update_user_makes_the_profile_an_old_row_lacks() {
    let app = TestApp::new().await;
    let (admin, member, _) = app.cast().await;
    app.sql(&format!("DELETE FROM user_profiles WHERE user_id = '{}'", member.id)).await;
    let path = format!("/users/{}", member.id);
    let answer = admin.http.put(&path).json(&json!({ "bio": "Back" })).send().await.expect(200);
    assert_eq!((answer.text("bio"), answer.text("display_name")), ("Back".to_owned(), "Grace Hopper".to_owned()));
    // What old readers cannot bear as NULL is never NULL (T-43).
    let row = app.db.superuser().await;
    let row = row
        .query_one(
            "SELECT count(*) FROM user_profiles WHERE (display_name, avatar, bio, phone, is_active, email_verified,
                 phone_verified, preferences, metadata, created_at, updated_at) IS NULL
                 OR NOT (display_name, avatar, bio, phone, is_active, email_verified, phone_verified, preferences,
                         metadata, created_at, updated_at) IS NOT NULL",
            &[],
        )
        .await
        .unwrap();
    assert_eq!(row.get::<_, i64>(0), 0);
}
