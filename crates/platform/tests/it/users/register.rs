//! `POST /auth/register`

use serde_json::{Value, json};

use super::auth::{at_once, count, dump, form, mark_deleted, refuses_unreadable_bodies, rows, switch_off, with};
use crate::support::{PASSWORD, TestApp, stable};

const WRITTEN: &[&str] = &["users", "user_profiles", "tenants", "login_sessions", "refresh_tokens"];

async fn expect_refused(app: &TestApp, body: &Value, status: u16, error: &str, code: &str) {
    let before = dump(app).await;
    let answer = app.http.post("/auth/register").json(body).send().await;
    answer.expect_error(status, error, code);
    assert_eq!(dump(app).await, before, "written although refused: {body}");
}

#[tokio::test]
async fn register_success_founds_a_tenant_and_logs_in() {
    let app = TestApp::new().await;
    let body = json!({
        "email": "Ada@Example.com", "password": PASSWORD, "first_name": "Ada", "last_name": "Lovelace",
        "username": "ada", "tenant_name": "Analytical Engines"
    });
    let answer = app.http.post("/api/v1/auth/register").json(&body).send().await.expect(201);
    insta::assert_json_snapshot!(stable(&answer.body));

    let me = app.http.with_bearer(&answer.text("access_token")).get("/users/me").send().await.expect(200);
    assert_eq!(me.body["email"], "Ada@Example.com");
    assert_eq!(me.body["role"], "admin");
    let database = app.db.superuser().await;
    let tenant = database.query_one("SELECT name, slug, plan, status FROM tenants", &[]).await.unwrap();
    assert_eq!(tenant.get::<_, &str>("name"), "Analytical Engines");
    assert_eq!((tenant.get::<_, &str>("plan"), tenant.get::<_, &str>("status")), ("free", "active"));
}

#[tokio::test]
async fn register_success_writes_what_old_services_can_read() {
    let app = TestApp::new().await;
    app.http.post("/auth/register").json(&form("ada@example.com")).send().await.expect(201);
    let dump = dump(&app).await;
    assert_eq!(rows(&dump, WRITTEN), [1; 5]);
    for table in ["users", "user_profiles"] {
        for (column, value) in dump[table][0].as_object().unwrap() {
            let may_be_null = ["last_login_at", "deleted_at"].contains(&column.as_str());
            assert!(may_be_null || !value.is_null(), "{table}.{column} is NULL (T-43)");
        }
    }
    let (user, profile) = (&dump["users"][0], &dump["user_profiles"][0]);
    assert_eq!((&user["is_active"], &user["email_verified"]), (&json!(true), &json!(false)));
    assert_eq!(user["tenant_id"], dump["tenants"][0]["id"]);
    assert!(user["password_hash"].as_str().unwrap().starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
    assert_eq!((&profile["preferences"], &profile["metadata"]), (&json!({}), &json!({})));
    assert_eq!(dump["tenants"][0]["name"], "Ada Lovelace");
}

#[tokio::test]
async fn register_logged_out_or_with_a_bad_token_is_the_same() {
    let app = TestApp::new().await;
    let request = app.http.post("/public/register").header("authorization", "Bearer a.b.c");
    request.json(&form("ada@example.com")).send().await.expect(201);
}

#[tokio::test]
async fn register_invalid_body_unreadable() {
    let app = TestApp::new().await;
    refuses_unreadable_bodies(&app, "first_name", || app.http.post("/auth/register")).await;
    let nothing = app.http.post("/auth/register").send().await;
    nothing.expect_error(400, "Invalid request body", "VALIDATION_ERROR");
}

/// The rows of contract 1.1.3 in their order: each body breaks its row and all that follow.
#[tokio::test]
async fn register_invalid_body_is_checked_in_the_old_order() {
    let app = TestApp::new().await;
    let rows = [
        (json!({}), "Email is required"),
        (json!({ "email": "" }), "Email is required"),
        (json!({ "email": null }), "Email is required"),
        (json!({ "email": "bad" }), "Password is required"),
        (json!({ "email": "bad", "password": "" }), "Password is required"),
        (json!({ "email": "bad", "password": "1234567" }), "Password must be at least 8 characters long"),
        // Bytes, not characters.
        (json!({ "email": "bad", "password": "ååå" }), "Password must be at least 8 characters long"),
        (json!({ "email": "bad", "password": "12345678" }), "First name is required"),
        (json!({ "email": "bad", "password": "12345678", "first_name": "" }), "First name is required"),
        (json!({ "email": "bad", "password": "12345678", "first_name": "A" }), "Last name is required"),
        (
            json!({ "email": "bad", "password": "12345678", "first_name": "A", "last_name": "" }),
            "Last name is required",
        ),
        (
            json!({ "email": "bad", "password": "12345678", "first_name": "A", "last_name": "B" }),
            "Invalid email format",
        ),
    ];
    for (body, error) in rows {
        expect_refused(&app, &body, 400, error, "VALIDATION_ERROR").await;
    }
}

/// T-27: 400, where the old service let the table's CHECK answer 409.
#[tokio::test]
async fn register_invalid_body_malformed_email() {
    let app = TestApp::new().await;
    let long = format!("{}@example.com", "a".repeat(244));
    let bad = [
        "a", "@x.io", "a@x", "a@x.i", "a b@x.io", " a@x.io", "a@x.io ", "ä@x.io", "a@x.io\n", "a@b@x.io", "a@.1", &long,
    ];
    for email in bad {
        expect_refused(&app, &form(email), 400, "Invalid email format", "VALIDATION_ERROR").await;
    }
    let longest = format!("{}@example.com", "a".repeat(243));
    app.http.post("/auth/register").json(&form(&longest)).send().await.expect(201);
}

/// T-27: 400 where the old service answered 500 with the database's words.
#[tokio::test]
async fn register_invalid_body_over_long_fields() {
    let app = TestApp::new().await;
    for (field, most) in [("first_name", 100), ("last_name", 100), ("username", 100), ("tenant_name", 255)] {
        let body = with(form("ada@example.com"), &json!({ field: "é".repeat(most + 1) }));
        expect_refused(&app, &body, 400, "Invalid request body", "VALIDATION_ERROR").await;
        let fits = with(form(&format!("{field}@example.com")), &json!({ field: "é".repeat(most) }));
        let answer = app.http.post("/auth/register").json(&fits).send().await.expect(201);
        assert!(answer.body["details"].is_null());
    }
}

/// Together with the space between them they are longer than the column of the display name.
#[tokio::test]
async fn register_success_with_the_longest_names() {
    let app = TestApp::new().await;
    let (first, last) = ("é".repeat(100), "ß".repeat(100));
    let body = with(form("ada@example.com"), &json!({ "first_name": first, "last_name": last }));
    let answer = app.http.post("/auth/register").json(&body).send().await.expect(201);
    assert_eq!((&answer.body["first_name"], &answer.body["last_name"]), (&json!(first), &json!(last)));
    assert_eq!(answer.text("display_name").chars().count(), 200);
}

#[tokio::test]
async fn register_invalid_body_password_length_counts_bytes() {
    let app = TestApp::new().await;
    for (bytes, error) in [(7, "Password must be at least 8 characters long"), (1025, "Password is too long")] {
        let body = with(form("ada@example.com"), &json!({ "password": "x".repeat(bytes) }));
        expect_refused(&app, &body, 400, error, "VALIDATION_ERROR").await;
    }
    for password in ["x".repeat(8), "x".repeat(1024), "åååå".to_owned()] {
        let email = format!("p{}@example.com", password.len() + password.chars().count());
        let body = with(form(&email), &json!({ "password": password }));
        app.http.post("/auth/register").json(&body).send().await.expect(201);
        let login = json!({ "email": email, "password": password });
        app.http.post("/auth/login").json(&login).send().await.expect(200);
        // Every byte counts: nothing is cut off before it is hashed.
        let shorter = json!({ "email": email, "password": password[..password.len() - password.chars().last().unwrap().len_utf8()] });
        app.http.post("/auth/login").json(&shorter).send().await.expect(401);
    }
}

/// T-71: every dialect of the form means the same person.
#[tokio::test]
async fn register_success_in_every_dialect() {
    let app = TestApp::new().await;
    let base = json!({ "password": PASSWORD });
    let dialects = [
        (
            json!({ "firstName": "Ada", "lastName": "Lovelace", "acceptTerms": true, "confirmPassword": "x" }),
            "Ada",
            "Lovelace",
        ),
        (json!({ "FIRST_NAME": "Ada", "Last-Name": "Lovelace", "rememberMe": 1 }), "Ada", "Lovelace"),
        (json!({ "firstName": "x", "first_name": "Ada", "last_name": "Lovelace" }), "Ada", "Lovelace"),
        (json!({ "name": "Ada Lovelace" }), "Ada", "Lovelace"),
        (json!({ "name": "  Ada   King of Lovelace " }), "Ada", "King of Lovelace"),
        (json!({ "name": "Ada" }), "Ada", "User"),
        (json!({ "name": "Ada Lovelace", "last_name": "Byron" }), "Ada", "Byron"),
    ];
    for (number, (names, first, last)) in dialects.into_iter().enumerate() {
        let email = format!("dialect{number}@example.com");
        let body = with(with(base.clone(), &names), &json!({ "eMail": email }));
        let answer = app.http.post("/auth/register").json(&body).send().await.expect(201);
        assert_eq!((&answer.body["first_name"], &answer.body["last_name"]), (&json!(first), &json!(last)), "{body}");
    }
}

#[tokio::test]
async fn register_success_with_null_fields_and_as_a_form() {
    let app = TestApp::new().await;
    let nulls = json!({
        "email": "null@example.com", "password": PASSWORD, "first_name": null, "last_name": null, "name": "Ada L",
        "username": null, "tenant_id": null, "tenant_name": null
    });
    let answer = app.http.post("/auth/register").json(&nulls).send().await.expect(201);
    assert_eq!((&answer.body["first_name"], &answer.body["username"]), (&json!("Ada"), &json!("null@example.com")));

    let form = "email=form%40example.com&password=correct+horse+battery&firstName=Ada&last_name=K%C3%B6nig";
    let request = app.http.post("/auth/register").body("application/x-www-form-urlencoded; charset=utf-8", form);
    let answer = request.send().await.expect(201);
    assert_eq!(answer.body["last_name"], "König");
    app.login("form@example.com").await;
}

#[tokio::test]
async fn register_invalid_body_name_without_anything_usable() {
    let app = TestApp::new().await;
    for name in ["", "   "] {
        let body = json!({ "email": "ada@example.com", "password": PASSWORD, "name": name });
        expect_refused(&app, &body, 400, "First name is required", "VALIDATION_ERROR").await;
    }
}

#[tokio::test]
async fn register_forbidden_role_whoever_names_a_tenant() {
    let app = TestApp::new().await;
    let admin = app.admin("admin@example.com").await;
    for tenant in [admin.tenant.as_str(), "00000000-0000-0000-0000-000000000000", "no-uuid"] {
        let body = with(form("ada@example.com"), &json!({ "tenant_id": tenant }));
        expect_refused(&app, &body, 403, "Invitation required", "FORBIDDEN").await;
    }
    // Nor does a role or another privilege come with the form.
    let body =
        with(form("ada@example.com"), &json!({ "role": "super_admin", "is_active": false, "email_verified": true }));
    let answer = app.http.post("/auth/register").json(&body).send().await.expect(201);
    assert_eq!(answer.body["role"], "admin");
    assert_eq!((&answer.body["is_active"], &answer.body["email_verified"]), (&json!(true), &json!(false)));
}

#[tokio::test]
async fn register_conflict_in_any_case_and_state() {
    let app = TestApp::new().await;
    for email in ["Ada@Example.com", "off@example.com", "gone@example.com"] {
        app.admin(email).await;
    }
    switch_off(&app, "off@example.com").await;
    mark_deleted(&app, "gone@example.com").await;
    for email in ["Ada@Example.com", "ada@example.com", "ADA@EXAMPLE.COM", "Off@example.com", "GONE@example.com"] {
        expect_refused(&app, &form(email), 409, "Email already registered", "CONFLICT").await;
    }
}

#[tokio::test]
async fn register_repeated_leaves_the_first_account_alone() {
    let app = TestApp::new().await;
    app.http.post("/auth/register").json(&form("ada@example.com")).send().await.expect(201);
    let other = with(form("ada@example.com"), &json!({ "password": "another password" }));
    expect_refused(&app, &other, 409, "Email already registered", "CONFLICT").await;
    app.login("ada@example.com").await;
}

async fn race(emails: impl IntoIterator<Item = String>) {
    let app = TestApp::new().await;
    let requests = emails.into_iter().map(|email| app.http.post("/auth/register").json(&form(&email)));
    let answers = at_once(requests).await;
    assert_eq!((answers.len(), count(&answers, 201), count(&answers, 409)), (50, 1, 49));
    for answer in answers {
        if answer.status == 409 {
            answer.expect_error(409, "Email already registered", "CONFLICT");
        }
    }
    assert_eq!(rows(&dump(&app).await, WRITTEN), [1; 5]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn register_race_of_one_address_has_one_winner() {
    race((0..50).map(|_| "ada@example.com".to_owned())).await;
}

/// The unique key tells the spellings apart, so only the lock on the folded address stands between them (T-56).
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn register_race_of_one_address_in_fifty_spellings_has_one_winner() {
    let spelling = |number: usize| {
        let letter = |(index, letter): (usize, char)| {
            if number >> index & 1 == 1 { letter.to_ascii_uppercase() } else { letter }
        };
        "adalovelace".chars().enumerate().map(letter).collect::<String>() + "@example.com"
    };
    race((0..50).map(spelling)).await;
}
