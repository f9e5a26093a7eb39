//! Refresh tokens in the old services' keys and format.

use std::collections::BTreeSet;

use redis::AsyncCommands as _;
use serde_json::json;

use super::{REFUSED, Shared, assert_a_week, old_token};
use crate::support::PASSWORD;
use crate::users::auth::{at_once, count, dump, log_in, me_status, refresh, rows, switch_off};

#[tokio::test]
async fn coexistence_login_writes_exactly_the_old_keys() {
    let shared = Shared::new().await;
    let registered = shared.app.admin("ada@example.com").await;
    let answer = log_in(&shared.app, "ada@example.com", PASSWORD).await.expect(200);
    let token = answer.text("refresh_token");
    assert!(token.len() == 44 && token.ends_with('='), "{token}");

    let keys = shared.keys().await;
    let set = format!("user_tokens:{}", registered.id);
    let expected =
        [format!("refresh_token:{}", registered.refresh_token), format!("refresh_token:{token}"), set.clone()];
    assert_eq!(keys.keys().collect::<BTreeSet<_>>(), expected.iter().collect::<BTreeSet<_>>());
    assert_eq!(keys[&expected[0]].0, registered.id);
    assert_eq!(keys[&expected[1]].0, registered.id);
    let mut members = [registered.refresh_token.clone(), token];
    members.sort();
    assert_eq!(keys[&set].0, members.join(","));
    for (_, left) in keys.values() {
        assert_a_week(*left);
    }
    // Nothing of it in PostgreSQL, and no session the access token could hang on.
    assert_eq!(rows(&dump(&shared.app).await, &["login_sessions", "refresh_tokens"]), [0, 0]);
    let http = shared.app.http.with_bearer(&answer.text("access_token"));
    assert_eq!(http.get("/auth/sessions").send().await.expect(200).body, json!({ "sessions": [] }));
    let path = "/auth/sessions/00000000-0000-0000-0000-000000000000";
    http.delete(path).send().await.expect_error(404, "Session not found", "NOT_FOUND");
}

#[tokio::test]
async fn coexistence_refresh_of_an_old_services_token_rotates_it_the_old_way() {
    let shared = Shared::new().await;
    let ada = shared.app.admin("ada@example.com").await;
    let old = old_token('x');
    shared.issue_as_old_service(&ada.id, &old).await;
    let answer = refresh(&shared.app, &old).await.expect(200);
    assert_eq!(answer.body["user_id"], ada.id);
    assert_eq!((&answer.body["token_type"], &answer.body["expires_in"]), (&json!("Bearer"), &json!(86_400)));
    let new = answer.text("refresh_token");

    assert_eq!(shared.accepted_by_old_service(&old).await, None);
    assert_eq!(shared.accepted_by_old_service(&new).await, Some(ada.id.clone()));
    let keys = shared.keys().await;
    let (person, left) = &keys[&format!("blacklist_token:{old}")];
    assert_eq!(person, &ada.id);
    assert_a_week(*left);
    assert_a_week(keys[&format!("refresh_token:{new}")].1);
    let members = &keys[&format!("user_tokens:{}", ada.id)].0;
    assert!(members.contains(&new) && !members.contains(&old), "{members}");
    // The one key of our own, for the grace.
    let ours: Vec<_> = keys.iter().filter(|(name, _)| name.starts_with("pyairtable:")).collect();
    assert_eq!(ours.len(), 1);
    assert!((1..=30).contains(&ours[0].1.1), "{ours:?}");
    shared.app.http.with_bearer(&answer.text("access_token")).get("/auth/me").send().await.expect(200);
}

#[tokio::test]
async fn coexistence_refresh_refuses_what_the_old_side_would() {
    let shared = Shared::new().await;
    let ada = shared.app.admin("ada@example.com").await;
    let expect_refused = async |token: &str| {
        let before = shared.keys().await.into_keys().collect::<Vec<_>>();
        refresh(&shared.app, token).await.expect_error(401, REFUSED, "UNAUTHORIZED");
        assert_eq!(shared.keys().await.into_keys().collect::<Vec<_>>(), before);
    };
    for token in ["", "*", "x", &old_token('y'), &ada.access_token] {
        expect_refused(token).await;
    }
    // Blacklisted by an old service, even though the key is still there: the blacklist comes first.
    let mut redis = shared.redis.clone();
    redis.set::<_, _, ()>(format!("blacklist_token:{}", ada.refresh_token), &ada.id).await.unwrap();
    expect_refused(&ada.refresh_token).await;
    // Expired, or flushed.
    let gone = shared.app.login("ada@example.com").await;
    redis.del::<_, ()>(format!("refresh_token:{}", gone.refresh_token)).await.unwrap();
    expect_refused(&gone.refresh_token).await;
    // Of somebody unknown, and of what is no person at all.
    for (letter, person) in [('p', "00000000-0000-4000-8000-000000000001"), ('q', "test-user-1"), ('r', "")] {
        shared.issue_as_old_service(person, &old_token(letter)).await;
        refresh(&shared.app, &old_token(letter)).await.expect_error(401, REFUSED, "UNAUTHORIZED");
    }
}

/// After the grace the exchanged token is refused, and the log-in lives on: the old side knows no reuse detection, so
/// an exchange there must not look like a theft here.
#[tokio::test]
async fn coexistence_refresh_repeated() {
    let shared = Shared::new().await;
    let ada = shared.app.admin("ada@example.com").await;
    let first = refresh(&shared.app, &ada.refresh_token).await.expect(200).text("refresh_token");
    let again = refresh(&shared.app, &ada.refresh_token).await.expect(200).text("refresh_token");
    assert_eq!(first, again);
    // Another tab has gone a step further within the grace.
    let second = refresh(&shared.app, &first).await.expect(200).text("refresh_token");
    assert_eq!(refresh(&shared.app, &ada.refresh_token).await.expect(200).text("refresh_token"), second);

    let mut redis = shared.redis.clone();
    for token in [&ada.refresh_token, &first] {
        redis.del::<_, ()>(format!("pyairtable:successor:{token}")).await.unwrap();
        refresh(&shared.app, token).await.expect_error(401, REFUSED, "UNAUTHORIZED");
    }
    refresh(&shared.app, &second).await.expect(200);
    assert_eq!(me_status(&ada).await, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn coexistence_refresh_race_has_one_successor() {
    let shared = Shared::new().await;
    let ada = shared.app.admin("ada@example.com").await;
    let body = json!({ "refresh_token": ada.refresh_token });
    let answers = at_once((0..50).map(|_| shared.app.http.post("/auth/refresh").json(&body))).await;
    assert_eq!(count(&answers, 200), 50);
    let successors: BTreeSet<String> = answers.iter().map(|answer| answer.text("refresh_token")).collect();
    assert_eq!(successors.len(), 1);
    let successor = successors.first().unwrap();
    assert_eq!(shared.keys().await[&format!("user_tokens:{}", ada.id)].0, *successor);
    refresh(&shared.app, successor).await.expect(200);
}

#[tokio::test]
async fn coexistence_refresh_forbidden_when_switched_off_revokes_all_tokens() {
    let shared = Shared::new().await;
    let (ada, elsewhere) = (shared.app.admin("ada@example.com").await, shared.app.login("ada@example.com").await);
    switch_off(&shared.app, "ada@example.com").await;
    refresh(&shared.app, &ada.refresh_token).await.expect_error(401, REFUSED, "UNAUTHORIZED");
    for token in [&ada.refresh_token, &elsewhere.refresh_token] {
        assert_eq!(shared.accepted_by_old_service(token).await, None);
        refresh(&shared.app, token).await.expect_error(401, REFUSED, "UNAUTHORIZED");
    }
    assert!(
        !shared.keys().await.keys().any(|key| key.starts_with("refresh_token:") || key.starts_with("user_tokens:"))
    );
}

#[tokio::test]
async fn coexistence_logout_of_one_and_of_all() {
    let shared = Shared::new().await;
    let app = &shared.app;
    let (ada, second, third) =
        (app.admin("ada@example.com").await, app.login("ada@example.com").await, app.login("ada@example.com").await);
    let other = app.admin("other@example.com").await;
    let body = json!({ "refresh_token": ada.refresh_token });
    for _ in 0..2 {
        let answer = app.http.post("/auth/logout").json(&body).send().await.expect(200);
        assert_eq!(answer.body, json!({ "message": "Logged out successfully" }));
    }
    assert_eq!(shared.accepted_by_old_service(&ada.refresh_token).await, None);
    assert_a_week(shared.keys().await[&format!("blacklist_token:{}", ada.refresh_token)].1);
    assert_eq!(shared.accepted_by_old_service(&second.refresh_token).await, Some(ada.id.clone()));
    // Only the refresh token dies, as on the old side.
    assert_eq!(me_status(&ada).await, 200);

    ada.http.post("/auth/logout").send().await.expect(200);
    for person in [&second, &third] {
        assert_eq!(shared.accepted_by_old_service(&person.refresh_token).await, None);
        refresh(app, &person.refresh_token).await.expect_error(401, REFUSED, "UNAUTHORIZED");
    }
    assert_eq!(shared.accepted_by_old_service(&other.refresh_token).await, Some(other.id.clone()));
}

#[tokio::test]
async fn coexistence_change_password_revokes_all_refresh_tokens() {
    let shared = Shared::new().await;
    let (ada, elsewhere) = (shared.app.admin("ada@example.com").await, shared.app.login("ada@example.com").await);
    let body = json!({ "current_password": PASSWORD, "new_password": "another one" });
    ada.http.post("/auth/change-password").json(&body).send().await.expect(200);
    for person in [&ada, &elsewhere] {
        assert_eq!(shared.accepted_by_old_service(&person.refresh_token).await, None);
        refresh(&shared.app, &person.refresh_token).await.expect_error(401, REFUSED, "UNAUTHORIZED");
    }
    log_in(&shared.app, "ada@example.com", "another one").await.expect(200);
}

/// T-55: the old side would still refresh for a person it does not know to be gone.
#[tokio::test]
async fn coexistence_deactivating_and_deleting_revoke_all_refresh_tokens() {
    let shared = Shared::new().await;
    let admin = shared.app.admin("admin@example.com").await;
    let off = shared.app.member(&admin, "off@example.com").await;
    let gone = shared.app.member(&admin, "gone@example.com").await;
    admin.http.post(&format!("/users/{}/deactivate", off.id)).send().await.expect(200);
    admin.http.delete(&format!("/users/{}", gone.id)).send().await.expect(200);
    for person in [&off, &gone] {
        assert_eq!(shared.accepted_by_old_service(&person.refresh_token).await, None);
        assert_eq!(me_status(person).await, 401);
    }
}
