//! Guessing passwords is limited; logging in is not (T-65).

use jiff::SignedDuration;
use serde_json::json;

use crate::support::{PASSWORD, TestApp};

/// Sends `count` log-ins at once and returns their statuses.
async fn logins(app: &TestApp, count: usize, email: &str, password: &str) -> Vec<u16> {
    let attempts: Vec<_> = (0..count)
        .map(|_| {
            let request = app.http.post("/auth/login").json(&json!({ "email": email, "password": password }));
            tokio::spawn(async move { request.send().await.status.as_u16() })
        })
        .collect();
    let mut statuses = Vec::new();
    for attempt in attempts {
        statuses.push(attempt.await.unwrap());
    }
    statuses
}

fn count(statuses: &[u16], status: u16) -> usize {
    statuses.iter().filter(|one| **one == status).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn guesses_at_once_cost_ten_hashes_and_then_wait_a_quarter_of_an_hour() {
    let app = TestApp::new().await;
    app.admin("ada@example.com").await;
    let statuses = logins(&app, 1000, "ada@example.com", "wrong password").await;
    assert_eq!((count(&statuses, 401), count(&statuses, 429)), (10, 990));

    let body = json!({ "email": "ADA@example.com", "password": PASSWORD });
    let refused = app.http.post("/auth/login").json(&body).send().await;
    let refused = refused.expect_error(429, "Rate limit exceeded", "RATE_LIMITED");
    assert_eq!(refused.headers["retry-after"], "900");
    app.clock.advance(SignedDuration::from_mins(15) + SignedDuration::from_secs(1));
    app.login("ada@example.com").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn right_passwords_at_once_all_get_in() {
    let app = TestApp::new().await;
    app.admin("ada@example.com").await;
    let statuses = logins(&app, 50, "ada@example.com", PASSWORD).await;
    assert_eq!(count(&statuses, 200), 50, "{statuses:?}");
}

#[tokio::test]
async fn a_right_password_forgets_earlier_wrong_ones() {
    let app = TestApp::new().await;
    app.admin("ada@example.com").await;
    for _ in 0..3 {
        assert_eq!(count(&logins(&app, 9, "ada@example.com", "wrong password").await, 401), 9);
        app.login("ada@example.com").await;
    }
}
