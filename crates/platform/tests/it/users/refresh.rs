//! `POST /auth/refresh`

use std::collections::BTreeSet;

use jiff::SignedDuration;
use serde_json::json;

use super::auth::{
    at_once, count, dump, mark_deleted, me_status, refresh, refuses_unreadable_bodies, rows, switch_off,
};
use crate::support::{Person, TestApp, stable};

const REFUSED: &str = "Invalid or expired refresh token";
/// Longer than the grace within which an exchanged token still answers.
const AFTER_GRACE: SignedDuration = SignedDuration::from_secs(31);

async fn expect_refused(app: &TestApp, token: &str) {
    refresh(app, token).await.expect_error(401, REFUSED, "UNAUTHORIZED");
}

/// Expects 401, and nothing written.
async fn expect_refused_untouched(app: &TestApp, token: &str) {
    let before = dump(app).await;
    expect_refused(app, token).await;
    assert_eq!(dump(app).await, before);
}

#[tokio::test]
async fn refresh_success() {
    let app = TestApp::new().await;
    let ada = app.admin("ada@example.com").await;
    app.clock.advance(SignedDuration::from_secs(60));
    let answer = refresh(&app, &ada.refresh_token).await.expect(200);
    insta::assert_json_snapshot!(stable(&answer.body));
    assert_eq!(answer.body["token"], answer.body["access_token"]);
    assert_ne!(answer.text("refresh_token"), ada.refresh_token);
    app.http.with_bearer(&answer.text("access_token")).get("/auth/me").send().await.expect(200);
    // The old access token keeps working until it expires.
    assert_eq!(me_status(&ada).await, 200);
}

#[tokio::test]
async fn refresh_success_stores_no_token() {
    let app = TestApp::new().await;
    let ada = app.admin("ada@example.com").await;
    let next = refresh(&app, &ada.refresh_token).await.expect(200).text("refresh_token");
    let dump = dump(&app).await;
    for token in [&ada.refresh_token, &next] {
        assert!(!dump.to_string().contains(&token[..20]), "a token stands in the database in clear");
    }
    assert_eq!(rows(&dump, &["login_sessions", "refresh_tokens"]), [1, 2]);
}

#[tokio::test]
async fn refresh_logged_out() {
    let app = TestApp::new().await;
    let ada = app.admin("ada@example.com").await;
    let nothing = app.http.post("/auth/refresh").send().await;
    nothing.expect_error(400, "Invalid request body", "VALIDATION_ERROR");
    let bad = app.http.with_bearer("a.b.c").post("/auth/refresh").send().await;
    bad.expect_error(400, "Invalid request body", "VALIDATION_ERROR");
    // A bad bearer token beside a good refresh token says nothing about the refresh token.
    let body = json!({ "refresh_token": ada.refresh_token });
    app.http.with_bearer("a.b.c").post("/auth/refresh").json(&body).send().await.expect(200);
}

#[tokio::test]
async fn refresh_invalid_body() {
    let app = TestApp::new().await;
    refuses_unreadable_bodies(&app, "refresh_token", || app.http.post("/auth/refresh")).await;
}

#[tokio::test]
async fn refresh_refused_for_anything_that_is_no_live_token() {
    let app = TestApp::new().await;
    let ada = app.admin("ada@example.com").await;
    let token = &ada.refresh_token;
    let unknown = format!("{}=", "A".repeat(43));
    let (prefix, suffix, lower) = (&token[..43], format!("{token}="), token.to_ascii_lowercase());
    let padded = format!(" {token}");
    let huge = "A".repeat(1_000_000);
    let bad = [
        "",
        " ",
        "null",
        "undefined",
        "0",
        &unknown,
        prefix,
        &suffix,
        &lower,
        &padded,
        &ada.access_token,
        &huge,
        "' OR 1=1 --",
        "%00",
        "ääääääääääääääääääääää",
        "*",
        "../../refresh_token",
    ];
    for token in bad {
        expect_refused_untouched(&app, token).await;
    }
    for body in [json!({}), json!({ "refresh_token": null }), json!({ "token": token })] {
        let answer = app.http.post("/auth/refresh").json(&body).send().await;
        answer.expect_error(401, REFUSED, "UNAUTHORIZED");
    }
    // What is stored is no token either.
    let hash = dump(&app).await["refresh_tokens"][0]["token_hash"].as_str().unwrap().to_owned();
    expect_refused_untouched(&app, &hash).await;
    refresh(&app, token).await.expect(200);
}

#[tokio::test]
async fn refresh_refused_once_expired() {
    let app = TestApp::new().await;
    let ada = app.admin("ada@example.com").await;
    let week = SignedDuration::from_hours(7 * 24);
    app.clock.advance(week);
    expect_refused_untouched(&app, &ada.refresh_token).await;
    // A microsecond earlier it was good, and each exchange starts the week anew.
    app.clock.advance(SignedDuration::from_micros(-1));
    let next = refresh(&app, &ada.refresh_token).await.expect(200).text("refresh_token");
    app.clock.advance(week - SignedDuration::from_micros(1));
    refresh(&app, &next).await.expect(200);
}

#[tokio::test]
async fn refresh_repeated_inside_the_grace_returns_the_same_successor() {
    let app = TestApp::new().await;
    let ada = app.admin("ada@example.com").await;
    let first = refresh(&app, &ada.refresh_token).await.expect(200).text("refresh_token");
    app.clock.advance(SignedDuration::from_secs(30));
    let second = refresh(&app, &ada.refresh_token).await.expect(200).text("refresh_token");
    assert_eq!(first, second);
    assert_eq!(rows(&dump(&app).await, &["login_sessions", "refresh_tokens"]), [1, 2]);
    // Even when the other tab has gone a step further meanwhile.
    let third = refresh(&app, &second).await.expect(200).text("refresh_token");
    assert_eq!(refresh(&app, &first).await.expect(200).text("refresh_token"), third);
}

/// Expects every token of the log-in to be dead, and says why in the row.
async fn expect_family_revoked(app: &TestApp, person: &Person, tokens: &[&str], access: &[&str], reason: &str) {
    for token in tokens {
        expect_refused(app, token).await;
    }
    for token in access {
        let answer = app.http.with_bearer(token).get("/auth/me").send().await;
        answer.expect_error(401, "Unauthorized", "UNAUTHORIZED");
    }
    let dump = dump(app).await;
    let sessions = dump["login_sessions"].as_array().unwrap();
    let session = sessions.iter().find(|row| row["user_id"] == person.id && !row["revoked_at"].is_null()).unwrap();
    assert_eq!(session["revoked_reason"], reason);
}

#[tokio::test]
async fn refresh_repeated_after_the_grace_revokes_the_family() {
    let app = TestApp::new().await;
    let ada = app.admin("ada@example.com").await;
    let elsewhere = app.login("ada@example.com").await;
    let answer = refresh(&app, &ada.refresh_token).await.expect(200);
    let (access, successor) = (answer.text("access_token"), answer.text("refresh_token"));
    app.clock.advance(AFTER_GRACE);
    expect_refused(&app, &ada.refresh_token).await;
    let access = [ada.access_token.as_str(), access.as_str()];
    expect_family_revoked(&app, &ada, &[&successor, &ada.refresh_token], &access, "refresh token used twice").await;
    // The person's other log-in is another family.
    assert_eq!(me_status(&elsewhere).await, 200);
    refresh(&app, &elsewhere.refresh_token).await.expect(200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn refresh_race_of_one_token_signs_nobody_out() {
    let app = TestApp::new().await;
    let ada = app.admin("ada@example.com").await;
    let body = json!({ "refresh_token": ada.refresh_token });
    let answers = at_once((0..50).map(|_| app.http.post("/auth/refresh").json(&body))).await;
    assert_eq!(count(&answers, 200), 50);
    let successors: BTreeSet<String> = answers.iter().map(|answer| answer.text("refresh_token")).collect();
    assert_eq!(successors.len(), 1, "{successors:?}");
    assert_eq!(rows(&dump(&app).await, &["login_sessions", "refresh_tokens"]), [1, 2]);
    for answer in &answers {
        app.http.with_bearer(&answer.text("access_token")).get("/auth/me").send().await.expect(200);
    }

    app.clock.advance(AFTER_GRACE);
    expect_refused(&app, &ada.refresh_token).await;
    let successor = successors.first().unwrap();
    let access = answers[49].text("access_token");
    expect_family_revoked(&app, &ada, &[successor], &[&ada.access_token, &access], "refresh token used twice").await;
}

/// A thief and the owner at the same time, after the grace: however the requests interleave, nothing survives.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn refresh_race_of_a_reused_token_with_its_successor_ends_in_revocation() {
    let app = TestApp::new().await;
    for round in 0..10 {
        let ada = app.admin(&format!("ada{round}@example.com")).await;
        let successor = refresh(&app, &ada.refresh_token).await.expect(200).text("refresh_token");
        app.clock.advance(AFTER_GRACE);
        let tokens = [&ada.refresh_token, &successor, &ada.refresh_token, &successor];
        let requests = tokens.map(|token| app.http.post("/auth/refresh").json(&json!({ "refresh_token": token })));
        let answers = at_once(requests).await;
        assert_eq!(count(&answers, 200) + count(&answers, 401), 4);
        for answer in answers.iter().filter(|answer| answer.status == 200) {
            expect_refused(&app, &answer.text("refresh_token")).await;
            app.http.with_bearer(&answer.text("access_token")).get("/auth/me").send().await.expect(401);
        }
        assert_eq!(me_status(&ada).await, 401);
    }
}

#[tokio::test]
async fn refresh_repeated_as_a_long_chain_stays_one_family() {
    let app = TestApp::new().await;
    let ada = app.admin("ada@example.com").await;
    let mut token = ada.refresh_token.clone();
    let mut seen = BTreeSet::from([token.clone()]);
    for _ in 0..100 {
        app.clock.advance(SignedDuration::from_hours(20));
        let answer = refresh(&app, &token).await.expect(200);
        token = answer.text("refresh_token");
        assert!(seen.insert(token.clone()), "a token came twice");
        app.http.with_bearer(&answer.text("access_token")).get("/auth/me").send().await.expect(200);
    }
    assert_eq!(rows(&dump(&app).await, &["login_sessions", "refresh_tokens"]), [1, 101]);
}

/// T-28: 401, where the old service answered 500.
#[tokio::test]
async fn refresh_forbidden_when_switched_off_or_deleted() {
    let app = TestApp::new().await;
    for (number, by_admin) in [(0, false), (1, true)] {
        let (off, gone) = (format!("off{number}@example.com"), format!("gone{number}@example.com"));
        let admin = app.admin(&format!("admin{number}@example.com")).await;
        let (off, gone) = (app.member(&admin, &off).await, app.member(&admin, &gone).await);
        if by_admin {
            admin.http.post(&format!("/users/{}/deactivate", off.id)).send().await.expect(200);
            admin.http.delete(&format!("/users/{}", gone.id)).send().await.expect(200);
        } else {
            // An old service only writes the row.
            switch_off(&app, &off.email).await;
            mark_deleted(&app, &gone.email).await;
        }
        for person in [&off, &gone] {
            expect_refused(&app, &person.refresh_token).await;
            let reason = match (by_admin, person.id == off.id) {
                (false, _) => "account not active",
                (true, true) => "account deactivated",
                (true, false) => "account deleted",
            };
            let access = [person.access_token.as_str()];
            expect_family_revoked(&app, person, &[&person.refresh_token], &access, reason).await;
        }
        // Switching the account on again does not bring its log-ins back.
        admin.http.post(&format!("/users/{}/reactivate", off.id)).send().await.expect(200);
        expect_refused(&app, &off.refresh_token).await;
        assert_eq!(me_status(&off).await, 401);
    }
}

/// Tokens carry the person as they are now, not as they were when the chain began (T-31).
#[tokio::test]
async fn refresh_success_follows_a_change_of_role() {
    let app = TestApp::new().await;
    let admin = app.admin("admin@example.com").await;
    let member = app.member(&admin, "member@example.com").await;
    admin.http.put(&format!("/users/{}/role", member.id)).json(&json!({ "role": "admin" })).send().await.expect(200);
    assert_eq!(refresh(&app, &member.refresh_token).await.expect(200).body["user"]["role"], "admin");
}

/// T-72: no body, a still valid access token: a new access token, and no refresh token is touched.
#[tokio::test]
async fn refresh_success_without_a_body_renews_the_access_token() {
    let app = TestApp::new().await;
    let ada = app.admin("ada@example.com").await;
    let before = dump(&app).await;
    app.clock.advance(SignedDuration::from_secs(60));
    let answer = ada.http.post("/auth/refresh").send().await.expect(200);
    insta::assert_json_snapshot!(stable(&answer.body));
    assert_eq!(dump(&app).await, before);
    assert_eq!(answer.body["token"], answer.body["access_token"]);
    let renewed = app.http.with_bearer(&answer.text("access_token"));
    app.clock.advance(SignedDuration::from_secs(24 * 3600 - 30));
    renewed.get("/auth/me").send().await.expect(200);
    // Never for an expired token.
    ada.http.post("/auth/refresh").send().await.expect_error(400, "Invalid request body", "VALIDATION_ERROR");
    // A renewed token belongs to the same log-in and dies with it.
    let body = json!({ "refresh_token": ada.refresh_token });
    app.http.post("/auth/logout").json(&body).send().await.expect(200);
    renewed.get("/auth/me").send().await.expect(401);
}
