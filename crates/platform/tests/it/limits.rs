//! How many requests one caller may send (T-65): by person and minute, by address where passwords are taken, together
//! with other replicas where there is Redis, and without waiting for it where there is none any more.

use std::time::{Duration, Instant};

use axum::http::{HeaderMap, Method};
use jiff::SignedDuration;
use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use serde_json::json;
use testkit::{Answer, Client, TestRedis};
use web::Limits;

use crate::support::{PASSWORD, Person, TestApp};

const NONE: Limits = Limits { auth: 0, users: 0, workspaces: 0, notifications: 0 };

async fn limited(limits: Limits) -> TestApp {
    TestApp::with(|parts| parts.limits = limits).await
}

/// Limit, remaining and the second at which it begins anew.
fn told(headers: &HeaderMap) -> Option<(u32, u32, i64)> {
    let number = |name: &str| headers.get(name).map(|value| value.to_str().unwrap().parse::<i64>().unwrap());
    let (limit, remaining) = (number("x-ratelimit-limit")?, number("x-ratelimit-remaining")?);
    Some((limit.try_into().unwrap(), remaining.try_into().unwrap(), number("x-ratelimit-reset")?))
}

#[track_caller]
fn expect_refused(answer: Answer, retry_after: &str) {
    let answer = answer.expect_error(429, "Rate limit exceeded", "RATE_LIMITED");
    assert_eq!(answer.headers["retry-after"], retry_after);
    assert!(answer.text("message").contains("Retry-After") && answer.body["request_id"].is_string());
}

async fn log_in(client: &Client, email: &str, password: &str) -> Answer {
    client.post("/auth/login").json(&json!({ "email": email, "password": password })).send().await
}

/// A connection as the program makes it; made when first needed.
fn redis(url: &str) -> ConnectionManager {
    let settings = ConnectionManagerConfig::new()
        .set_connection_timeout(Some(Duration::from_secs(1)))
        .set_response_timeout(Some(Duration::from_secs(1)))
        .set_number_of_retries(1);
    ConnectionManager::new_lazy_with_config(redis::Client::open(url).unwrap(), settings).unwrap()
}

async fn shared_redis() -> ConnectionManager {
    redis(&tokio::task::spawn_blocking(TestRedis::url).await.unwrap())
}

#[tokio::test]
async fn limits_of_a_person_begin_anew_every_minute() {
    let app = limited(Limits { users: 3, ..NONE }).await;
    let (ada, eve) = (app.admin("ada@example.com").await, app.admin("eve@example.com").await);
    // The clock stands at 12:00:00.
    let reset = app.now().as_second() + 60;
    for remaining in [2, 1, 0] {
        let answer = ada.http.get("/api/v1/users/me").send().await.expect(200);
        assert_eq!(told(&answer.headers), Some((3, remaining, reset)));
    }
    app.clock.advance(SignedDuration::from_secs(20));
    let refused = ada.http.get("/users").send().await;
    assert_eq!(told(&refused.headers), Some((3, 0, reset)));
    expect_refused(refused, "40");
    // Under another path and method it is the same family, with a new token the same person.
    expect_refused(ada.http.put("/user/profile").json(&json!({ "bio": "x" })).send().await, "40");
    expect_refused(app.login("ada@example.com").await.http.get("/tenant").send().await, "40");
    // Others, and other families, are not concerned.
    eve.http.get("/users/me").send().await.expect(200);
    let free = ada.http.get("/workspaces").send().await.expect(200);
    assert_eq!(told(&free.headers), None, "no limit, no headers");
    app.clock.advance(SignedDuration::from_secs(40));
    let answer = ada.http.get("/users/me").send().await.expect(200);
    assert_eq!(told(&answer.headers), Some((3, 2, reset + 60)));
}

#[tokio::test]
async fn limits_of_each_family_are_its_own() {
    let app = limited(Limits { auth: 0, users: 1, workspaces: 2, notifications: 3 }).await;
    let ada = app.admin("ada@example.com").await;
    for (limit, paths) in [
        (1, vec!["/users/me", "/tenant"]),
        (2, vec!["/workspaces", "/projects", "/airtable-bases", "/audit-logs"]),
        (
            3,
            vec!["/notifications", "/user/notifications", "/notifications/unread-count", "/webhooks", "/notifications"],
        ),
    ] {
        for (sent, path) in paths.into_iter().enumerate() {
            let answer = ada.http.get(path).send().await;
            assert_eq!(answer.status.as_u16(), if sent < limit { 200 } else { 429 }, "{path}");
            assert_eq!(told(&answer.headers).unwrap().0, u32::try_from(limit).unwrap());
        }
    }
    // What is asked all the time, and by machines, is not counted.
    for path in ["/auth/me", "/auth/sessions", "/health", "/live", "/openapi.json"] {
        for _ in 0..5 {
            assert_eq!(told(&ada.http.get(path).send().await.expect(200).headers), None, "{path}");
        }
    }
    for _ in 0..5 {
        ada.http.post("/auth/validate").send().await.expect(200);
    }
}

#[tokio::test]
async fn limits_are_not_for_services_and_not_for_nobody() {
    let app = limited(Limits { auth: 1, users: 1, ..NONE }).await;
    let ada = app.admin("ada@example.com").await;
    for _ in 0..5 {
        let service = app.internal(Method::GET, "/users/me").header("x-user-id", &ada.id);
        service.header("x-tenant-id", &ada.tenant).send().await.expect(200);
        let login = json!({ "email": "ada@example.com", "password": PASSWORD });
        app.internal(Method::POST, "/auth/login").json(&login).send().await.expect(200);
        // Who shows no valid token is told so, and uses nobody's requests up.
        app.http.get("/users/me").send().await.expect(401);
        app.http.with_bearer("forged").get("/users/me").send().await.expect(401);
        app.http.get("/users/no/such/route").send().await.expect(404);
    }
    ada.http.get("/users/me").send().await.expect(200);
    ada.http.get("/users/me").send().await.expect(429);
    // A wrong key makes nobody a service.
    let wrong = app.http.post("/auth/login").header("x-api-key", "wrong").json(&json!({})).send().await;
    assert_eq!(wrong.status, 429);
}

#[tokio::test]
async fn limits_where_passwords_are_taken_are_by_address() {
    let app = TestApp::with(|parts| {
        parts.limits = Limits { auth: 3, ..NONE };
        parts.trusted_proxies = "192.0.2.1".parse().unwrap();
    })
    .await;
    let register = |n: usize, address: &str| {
        let body =
            json!({ "email": format!("p{n}@example.com"), "password": PASSWORD, "first_name": "A", "last_name": "B" });
        app.http.post("/auth/register").header("x-forwarded-for", address).json(&body).send()
    };
    for n in 0..3 {
        register(n, "198.51.100.7").await.expect(201);
    }
    for path in ["/auth/login", "/public/login", "/AUTH/LOGIN/", "/api/v1/auth/admin/login", "/tenants/sign-up"] {
        let refused = app.http.post(path).header("x-forwarded-for", "198.51.100.7").json(&json!({})).send().await;
        assert_eq!(refused.status, 429, "{path}");
    }
    assert_eq!(app.one("SELECT count(*) FROM users").await, "3");
    // Others behind the same proxy are not concerned; who writes more into the header is who the proxy saw.
    register(7, "198.51.100.7, 198.51.100.8").await.expect(201);
    // IPv6: one household is one.
    for n in 10..13 {
        register(n, &format!("2001:db8::{n}")).await.expect(201);
    }
    assert_eq!(register(13, "2001:db8::ffff").await.status, 429);
    register(14, "2001:db8:0:1::1").await.expect(201);
}

#[tokio::test]
async fn limits_are_told_to_browsers_and_refusals_are_not_kept_under_keys() {
    let app = limited(Limits { workspaces: 1, ..NONE }).await;
    let ada = app.admin("ada@example.com").await;
    let make = || {
        let request = ada.http.post("/workspaces").header("origin", "http://localhost:3000");
        request.header("idempotency-key", "k").json(&json!({ "name": "w" })).send()
    };
    ada.http.get("/workspaces").send().await.expect(200);
    let refused = make().await;
    assert_eq!(refused.headers["access-control-allow-origin"], "http://localhost:3000");
    assert!(refused.headers["access-control-expose-headers"].to_str().unwrap().contains("x-ratelimit-remaining"));
    expect_refused(refused, "60");
    app.clock.advance(SignedDuration::from_mins(1));
    make().await.expect(201);
    assert_eq!(app.one("SELECT count(*) FROM workspaces").await, "1");
}

#[tokio::test]
async fn limits_are_shared_by_replicas() {
    let redis = shared_redis().await;
    let limits = Limits { auth: 6, users: 4, ..NONE };
    let for_app = redis.clone();
    let app = TestApp::with(|parts| {
        parts.limits = limits;
        parts.redis = Some(for_app);
    })
    .await;
    let other = app.replica(|parts| {
        parts.limits = limits;
        parts.redis = Some(redis.clone());
    });
    let ada = app.admin("ada@example.com").await;
    let there = other.with_bearer(&ada.access_token);
    for (client, remaining) in [(&ada.http, 3), (&there, 2), (&there, 1), (&ada.http, 0)] {
        let answer = client.get("/users/me").send().await.expect(200);
        assert_eq!(told(&answer.headers).unwrap().1, remaining);
    }
    expect_refused(ada.http.get("/users/me").send().await, "60");
    expect_refused(there.get("/users/me").send().await, "60");
    // By address as well; registering was the first.
    for client in [&app.http, &other, &app.http, &other, &other] {
        log_in(client, "ada@example.com", PASSWORD).await.expect(200);
    }
    expect_refused(log_in(&app.http, "ada@example.com", PASSWORD).await, "60");
    // Nothing stays for good.
    let mut redis = redis;
    let keys: Vec<String> = redis::cmd("KEYS").arg("*").query_async(&mut redis).await.unwrap();
    assert_eq!(keys.len(), 2, "{keys:?}");
    for key in keys {
        let seconds: i64 = redis::cmd("TTL").arg(&key).query_async(&mut redis).await.unwrap();
        assert!((100..=120).contains(&seconds), "{key}: {seconds}");
    }
}

#[tokio::test]
async fn limits_hold_in_each_replica_when_redis_is_killed() {
    let server = tokio::task::spawn_blocking(TestRedis::start).await.unwrap();
    let connection = redis(&server.url_of(0));
    let app = TestApp::with(|parts| {
        parts.limits = Limits { users: 40, ..NONE };
        parts.redis = Some(connection);
    })
    .await;
    let ada = app.admin("ada@example.com").await;
    ada.http.get("/users/me").send().await.expect(200);
    tokio::task::spawn_blocking(|| drop(server)).await.unwrap();
    let began = Instant::now();
    for _ in 1..40 {
        ada.http.get("/users/me").send().await.expect(200);
    }
    // Passwords are still taken, and still not to be guessed.
    for status in [[401; 10].as_slice(), &[429; 3]].concat() {
        assert_eq!(log_in(&app.http, "ada@example.com", "wrong password").await.status, status);
    }
    ada.http.get("/users/me").send().await.expect(429);
    assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
}

#[tokio::test]
async fn limits_wait_for_no_redis_that_is_silent() {
    // It takes connections and never says a word.
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("redis://{}", silent.local_addr().unwrap());
    let connection = redis(&url);
    let app = TestApp::with(|parts| {
        parts.limits = Limits { users: 300, ..NONE };
        parts.redis = Some(connection);
        parts.redis_patience = Duration::from_millis(100);
    })
    .await;
    let ada = app.admin("ada@example.com").await;
    let mut slow = 0;
    let began = Instant::now();
    for _ in 0..300 {
        let sent = Instant::now();
        ada.http.get("/users/me").send().await.expect(200);
        slow += u32::from(sent.elapsed() >= Duration::from_millis(100));
    }
    // One in two seconds asks again; the rest is a busy machine.
    let asked = u32::try_from(began.elapsed().as_secs() / 2).unwrap() + 1;
    assert!(slow <= asked + 20, "{slow} of 300 waited, in {:?}", began.elapsed());
    drop(silent);
}

/// Two replicas that share a Redis, and somebody who can log in.
async fn pair() -> (TestApp, Client, Person, ConnectionManager) {
    let redis = shared_redis().await;
    let for_app = redis.clone();
    let app = TestApp::with(|parts| parts.redis = Some(for_app)).await;
    let for_other = redis.clone();
    let other = app.replica(|parts| parts.redis = Some(for_other));
    let ada = app.admin("ada@example.com").await;
    (app, other, ada, redis)
}

#[tokio::test]
async fn wrong_passwords_are_counted_by_all_replicas_together() {
    let (app, other, _, redis) = pair().await;
    for n in 0..10 {
        let client = if n % 2 == 0 { &app.http } else { &other };
        log_in(client, "ada@example.com", "wrong password").await.expect(401);
    }
    for client in [&app.http, &other] {
        let refused = log_in(client, "ADA@example.com", PASSWORD).await;
        let refused = refused.expect_error(429, "Rate limit exceeded", "RATE_LIMITED");
        assert_eq!(refused.headers["retry-after"], "900");
    }
    // Whose account it is, is not to be read there.
    let mut connection = redis.clone();
    let keys: Vec<String> = redis::cmd("KEYS").arg("pyairtable:failures:*").query_async(&mut connection).await.unwrap();
    assert!(keys.len() == 1 && !keys[0].contains("ada"), "{keys:?}");
    app.clock.advance(SignedDuration::from_mins(15) + SignedDuration::from_secs(1));
    log_in(&other, "ada@example.com", PASSWORD).await.expect(200);
}

#[tokio::test]
async fn a_right_password_anywhere_forgets_wrong_ones_everywhere() {
    let (app, other, ..) = pair().await;
    for _ in 0..3 {
        for client in [&app.http, &other, &app.http, &other, &app.http, &other, &app.http, &other, &app.http] {
            log_in(client, "ada@example.com", "wrong password").await.expect(401);
        }
        log_in(&other, "ada@example.com", PASSWORD).await.expect(200);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn guesses_at_once_on_two_replicas_cost_ten_hashes() {
    let (app, other, ..) = pair().await;
    let statuses = |password: &'static str, count: usize| {
        let clients = [app.http.clone(), other.clone()];
        let sent: Vec<_> = (0..count)
            .map(|n| {
                let client = clients[n % 2].clone();
                tokio::spawn(async move { log_in(&client, "ada@example.com", password).await.status.as_u16() })
            })
            .collect();
        async move {
            let mut statuses = Vec::new();
            for one in sent {
                statuses.push(one.await.unwrap());
            }
            statuses
        }
    };
    let right = statuses(PASSWORD, 30).await;
    assert!(right.iter().all(|status| *status == 200), "{right:?}");
    let wrong = statuses("wrong password", 200).await;
    let count = |status: u16| wrong.iter().filter(|one| **one == status).count();
    assert_eq!((count(401), count(429)), (10, 190));
}
