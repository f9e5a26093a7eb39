//! `POST /auth/login`

use serde_json::{Value, json};

use super::auth::{
    at_once, count, dump, execute, log_in, mark_deleted, me_status, refresh, refuses_unreadable_bodies, set_hash,
    switch_off, user_row, with,
};
use crate::support::{PASSWORD, TestApp, stable};

const REFUSED: &str = "Invalid email/username or password";

/// Expects 401 in the one text for every reason, and nothing written. Then lets the time pass that a failure counts:
/// the limit on guessing has its own tests.
async fn expect_refused(app: &TestApp, name: &str, password: &str) {
    let before = dump(app).await;
    log_in(app, name, password).await.expect_error(401, REFUSED, "UNAUTHORIZED");
    assert_eq!(dump(app).await, before);
    app.clock.advance(jiff::SignedDuration::from_mins(16));
}

#[tokio::test]
async fn login_success() {
    let app = TestApp::new().await;
    app.admin("Ada@Example.com").await;
    let answer = log_in(&app, "Ada@Example.com", PASSWORD).await.expect(200);
    insta::assert_json_snapshot!(stable(&answer.body));
    assert_eq!(answer.body["token"], answer.body["access_token"]);
    assert_eq!(answer.text("refresh_token").len(), 44);
    app.http.with_bearer(&answer.text("access_token")).get("/users/me").send().await.expect(200);
}

#[tokio::test]
async fn login_logged_out_or_with_a_bad_token_is_the_same() {
    let app = TestApp::new().await;
    app.admin("ada@example.com").await;
    let request = app.http.post("/public/login").header("authorization", "Bearer a.b.c");
    request.json(&json!({ "email": "ada@example.com", "password": PASSWORD })).send().await.expect(200);
}

/// T-56, T-22: exact address, then any case, then the user name; `email` wins over `username`.
#[tokio::test]
async fn login_success_by_every_name() {
    let app = TestApp::new().await;
    let form = json!({
        "email": "Ada@Example.com", "password": PASSWORD, "first_name": "Ada", "last_name": "L", "username": "countess"
    });
    let id = app.http.post("/auth/register").json(&form).send().await.expect(201).text("user_id");
    let names = [
        json!({ "email": "Ada@Example.com" }),
        json!({ "email": "ada@example.com" }),
        json!({ "email": "ADA@EXAMPLE.COM" }),
        json!({ "username": "Ada@Example.com" }),
        json!({ "username": "ada@example.com" }),
        json!({ "username": "countess" }),
        json!({ "email": "countess" }),
        json!({ "email": "", "username": "countess" }),
        json!({ "email": null, "userName": "countess", "remember_me": true }),
        json!({ "email": "Ada@Example.com", "username": "somebody else" }),
    ];
    for name in names {
        let answer = app.http.post("/auth/login").json(&with(json!({ "password": PASSWORD }), &name)).send().await;
        assert_eq!(answer.expect(200).body["user_id"], id, "{name}");
    }
    let other = json!({ "email": "nobody@example.com", "username": "countess", "password": PASSWORD });
    app.http.post("/auth/login").json(&other).send().await.expect_error(401, REFUSED, "UNAUTHORIZED");
    for name in ["Countess", "countess ", " Ada@Example.com", "ada@example.co", "%", "count%"] {
        expect_refused(&app, name, PASSWORD).await;
    }
}

#[tokio::test]
async fn login_invalid_body() {
    let app = TestApp::new().await;
    refuses_unreadable_bodies(&app, "password", || app.http.post("/auth/login")).await;
    let nothing = app.http.post("/auth/login").send().await;
    nothing.expect_error(400, "Invalid request body", "VALIDATION_ERROR");
    for body in [json!({}), json!({ "password": PASSWORD }), json!({ "email": "", "username": "" })] {
        let answer = app.http.post("/auth/login").json(&body).send().await;
        answer.expect_error(400, "Either email or username must be provided", "VALIDATION_ERROR");
    }
}

#[tokio::test]
async fn login_refused_without_saying_why() {
    let app = TestApp::new().await;
    app.admin("ada@example.com").await;
    let long = "x".repeat(100_000);
    for password in ["", "correct horse batter", "correct horse battery ", "Correct horse battery", long.as_str()] {
        expect_refused(&app, "ada@example.com", password).await;
    }
    let huge = format!("{}@example.com", "a".repeat(100_000));
    for name in ["nobody@example.com", "nobody", "' OR 1=1 --", huge.as_str()] {
        expect_refused(&app, name, PASSWORD).await;
    }
}

/// Two accounts of old times whose addresses differ only in case: the exact one is meant, nothing is guessed.
#[tokio::test]
async fn login_conflict_of_two_spellings_is_refused() {
    let app = TestApp::new().await;
    let first = app.admin("Twin@example.com").await;
    let second = app.admin("other@example.com").await;
    execute(&app, "UPDATE users SET email = 'twin@Example.com' WHERE email = 'other@example.com'", &[]).await;
    assert_eq!(log_in(&app, "Twin@example.com", PASSWORD).await.expect(200).body["user_id"], first.id);
    assert_eq!(log_in(&app, "twin@Example.com", PASSWORD).await.expect(200).body["user_id"], second.id);
    expect_refused(&app, "twin@example.com", PASSWORD).await;
}

#[tokio::test]
async fn login_conflict_of_two_user_names_is_refused() {
    let app = TestApp::new().await;
    for email in ["a@example.com", "b@example.com"] {
        app.admin(email).await;
    }
    execute(&app, r#"UPDATE user_profiles SET metadata = '{"username": "ada"}'"#, &[]).await;
    expect_refused(&app, "ada", PASSWORD).await;
    // A user name that looks like somebody's address does not stand for it.
    execute(&app, r#"UPDATE user_profiles SET metadata = '{"username": "b@example.com"}' WHERE email LIKE 'a@%'"#, &[])
        .await;
    let answer = log_in(&app, "b@example.com", PASSWORD).await.expect(200);
    assert_eq!(answer.body["user"]["email"], "b@example.com");
    execute(&app, r#"UPDATE user_profiles SET metadata = '{"username": "c@example.com"}' WHERE email LIKE 'a@%'"#, &[])
        .await;
    expect_refused(&app, "c@example.com", PASSWORD).await;
}

/// T-36, T-37: what is no hash verifies nothing, and is no error of the server's.
#[tokio::test]
async fn login_refused_when_the_stored_hash_is_none() {
    let app = TestApp::new().await;
    app.admin("ada@example.com").await;
    let argon2 = user_row(&app, "ada@example.com").await["password_hash"].as_str().unwrap().to_owned();
    let cut = &argon2[..argon2.len() - 10];
    // The last but one is the shape of the old set-up script's seed rows: 62 characters.
    let seed = format!("$2a$10${}", "N".repeat(55));
    let huge = argon2.replace("m=19456", "m=4294967295");
    let hashes = [
        "!",
        "",
        "x",
        PASSWORD,
        "$2a$",
        "$2a$10$",
        "$2b$12$tooshort",
        "$2a$99$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW",
        "$2a$03$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW",
        "$argon2id$",
        "$argon2id$v=19$garbage",
        cut,
        &seed,
        &huge,
        "$argon2i$v=19$m=19456,t=2,p=1$",
        "$1$abc$def",
        "\u{1F600}",
    ];
    for hash in hashes {
        set_hash(&app, "ada@example.com", hash).await;
        for password in [PASSWORD, "", hash] {
            println!("{hash}");
            expect_refused(&app, "ada@example.com", password).await;
        }
    }
}

#[tokio::test]
async fn login_refused_when_deleted() {
    let app = TestApp::new().await;
    app.admin("ada@example.com").await;
    mark_deleted(&app, "ada@example.com").await;
    expect_refused(&app, "ada@example.com", PASSWORD).await;
    switch_off(&app, "ada@example.com").await;
    expect_refused(&app, "ada@example.com", PASSWORD).await;
}

#[tokio::test]
async fn login_forbidden_when_inactive_and_only_with_the_right_password() {
    let app = TestApp::new().await;
    app.admin("ada@example.com").await;
    switch_off(&app, "ada@example.com").await;
    let before = dump(&app).await;
    let answer = log_in(&app, "ada@example.com", PASSWORD).await;
    answer.expect_error(403, "Account is not active", "FORBIDDEN");
    assert_eq!(dump(&app).await, before);
    expect_refused(&app, "ada@example.com", "wrong password").await;
    expect_refused(&app, "ada@example.com", "").await;
}

/// T-36: every prefix and cost of the old editions verifies; coexistence is off, so each is replaced by argon2id.
#[tokio::test]
async fn login_success_with_bcrypt_of_any_age_stores_argon2id() {
    let app = TestApp::new().await;
    app.admin("ada@example.com").await;
    // Published with the original implementation: not made by the library that verifies it here.
    let mut hashes =
        vec![("U*U".to_owned(), "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW".to_owned())];
    for cost in 4..=12 {
        let parts = bcrypt::hash_with_salt(PASSWORD, cost, [u8::try_from(cost).unwrap(); 16]).unwrap();
        for version in [bcrypt::Version::TwoA, bcrypt::Version::TwoB, bcrypt::Version::TwoY] {
            hashes.push((PASSWORD.to_owned(), parts.format_for_version(version)));
        }
    }
    for (password, hash) in hashes {
        set_hash(&app, "ada@example.com", &hash).await;
        expect_refused(&app, "ada@example.com", "wrong password").await;
        log_in(&app, "ada@example.com", &password).await.expect(200);
        let stored = user_row(&app, "ada@example.com").await["password_hash"].as_str().unwrap().to_owned();
        assert!(stored.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash} became {stored}");
        log_in(&app, "ada@example.com", &password).await.expect(200);
        expect_refused(&app, "ada@example.com", "wrong password").await;
    }
}

/// bcrypt looked at the first 72 bytes only; whoever relied on that can still log in, and from then on every byte counts.
#[tokio::test]
async fn login_success_with_more_than_72_bytes_against_bcrypt() {
    let app = TestApp::new().await;
    app.admin("ada@example.com").await;
    let (stored, typed) = ("a".repeat(72), "a".repeat(80));
    set_hash(&app, "ada@example.com", &bcrypt::hash_with_salt(&stored, 4, [1; 16]).unwrap().to_string()).await;
    expect_refused(&app, "ada@example.com", &stored[..71]).await;
    log_in(&app, "ada@example.com", &typed).await.expect(200);
    expect_refused(&app, "ada@example.com", &stored).await;
    log_in(&app, "ada@example.com", &typed).await.expect(200);
}

/// T-30: only the columns that are meant to change.
#[tokio::test]
async fn login_success_writes_last_login_at_and_nothing_else_of_the_account() {
    let app = TestApp::new().await;
    app.admin("ada@example.com").await;
    let before = dump(&app).await;
    assert!(before["users"][0]["last_login_at"].is_null());
    app.clock.advance(jiff::SignedDuration::from_secs(60));
    log_in(&app, "ada@example.com", PASSWORD).await.expect(200);
    let after = dump(&app).await;
    assert_eq!(after["users"][0]["last_login_at"], "2026-03-01T12:01:00.123456+00:00");
    let expected = with(before["users"][0].clone(), &json!({ "last_login_at": "2026-03-01T12:01:00.123456+00:00" }));
    assert_eq!(after["users"][0], expected);
    assert_eq!((&after["user_profiles"], &after["tenants"]), (&before["user_profiles"], &before["tenants"]));
}

#[tokio::test]
async fn login_repeated_opens_one_session_each() {
    let app = TestApp::new().await;
    let ada = app.admin("ada@example.com").await;
    let (second, third) = (app.login("ada@example.com").await, app.login("ada@example.com").await);
    assert_eq!(dump(&app).await["login_sessions"].as_array().unwrap().len(), 3);
    for person in [&ada, &second, &third] {
        assert_eq!(me_status(person).await, 200);
        refresh(&app, &person.refresh_token).await.expect(200);
    }
}

/// Hashing is bounded: who finds the queue full is told when to come back, and waits for nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn login_unavailable_when_the_hashing_queue_is_full() {
    let app = TestApp::new().await;
    let ada = app.admin("ada@example.com").await;
    // Many people, because one alone is held up by the limit on guessing.
    app.old_people(&ada.tenant, 0, 300).await;
    let hash = bcrypt::hash_with_salt("x", 8, [1; 16]).unwrap().to_string();
    execute(&app, "UPDATE users SET password_hash = $1", &[&hash]).await;
    let before = dump(&app).await;
    let requests = (0..300).map(|number| {
        let body = json!({ "email": format!("person{number}@example.com"), "password": PASSWORD });
        app.http.post("/auth/login").json(&body)
    });
    let answers = at_once(requests).await;
    let (refused, busy) = (count(&answers, 401), count(&answers, 503));
    assert!(refused >= 10 && busy > 0 && refused + busy == 300, "{refused} times 401, {busy} times 503");
    for answer in answers.into_iter().filter(|answer| answer.status == 503) {
        assert_eq!(answer.headers["retry-after"], "1");
        answer.expect_error(503, "Service temporarily unavailable", "SERVICE_UNAVAILABLE");
    }
    assert_eq!(dump(&app).await, before);
    log_in(&app, "ada@example.com", "x").await.expect(200);
}

fn tokens(answer: &Value) -> (String, String) {
    let text = |field: &str| answer[field].as_str().unwrap().to_owned();
    (text("access_token"), text("refresh_token"))
}

/// Whichever comes first: when both are done, no token of the person works, not even after they are switched on again.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn login_race_with_deactivation_leaves_no_working_token() {
    let app = TestApp::new().await;
    let admin = app.admin("admin@example.com").await;
    let member = app.member(&admin, "member@example.com").await;
    let path = |action: &str| format!("/users/{}/{action}", member.id);
    let login = json!({ "email": "member@example.com", "password": PASSWORD });
    for round in 0..20 {
        let requests = (0..4).map(|_| app.http.post("/auth/login").json(&login));
        let deactivation = admin.http.post(&path("deactivate"));
        let delay = std::time::Duration::from_millis(round * 5);
        let late = async {
            tokio::time::sleep(delay).await;
            deactivation.send().await
        };
        let (answers, deactivated) = tokio::join!(at_once(requests), late);
        deactivated.expect(200);
        assert_eq!(count(&answers, 200) + count(&answers, 403), 4);
        admin.http.post(&path("reactivate")).send().await.expect(200);
        for answer in answers.iter().filter(|answer| answer.status == 200) {
            let (access, token) = tokens(&answer.body);
            app.http.with_bearer(&access).get("/users/me").send().await.expect(401);
            refresh(&app, &token).await.expect(401);
        }
    }
}

/// A log-in that checked the old password must not come out after the change that was to shut it out.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn login_race_with_a_change_of_password_leaves_no_session_of_the_old_one() {
    let app = TestApp::new().await;
    let mut password = PASSWORD.to_owned();
    let ada = app.admin("ada@example.com").await;
    for round in 0..15_u64 {
        let next = format!("password number {round}");
        let login = json!({ "email": "ada@example.com", "password": password });
        let change = json!({ "current_password": password, "new_password": next });
        let change = ada.http.post("/auth/change-password").json(&change);
        let logins = async {
            tokio::time::sleep(std::time::Duration::from_millis(round * 4)).await;
            at_once((0..4).map(|_| app.http.post("/auth/login").json(&login))).await
        };
        let (changed, answers) = tokio::join!(change.send(), logins);
        changed.expect(200);
        for answer in answers.iter().filter(|answer| answer.status == 200) {
            let (access, token) = tokens(&answer.body);
            app.http.with_bearer(&access).get("/users/me").send().await.expect(401);
            refresh(&app, &token).await.expect(401);
        }
        password = next;
    }
}
