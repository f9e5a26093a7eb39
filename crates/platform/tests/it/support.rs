//! One whole program per test: a database of its own, a clock that stands still, seeded randomness.

use std::sync::Arc;
use std::time::Duration;

use db::audit::AuditKey;
use db::{Db, PoolLimits};
use jiff::Timestamp;
use kernel::{Actor, Clock as _, Ctx, FixedClock, Origin, Redacted, Rng, TrustedProxies};
use notifications::{MailConfig, MailTransport, mail_sender};
use pyairtable_platform::app::{self, App, Parts};
use serde_json::{Value, json};
use testkit::{Client, SeededRng, TestDb};
use users::NewSuperAdmin;
use web::Limits;

pub(crate) const JWT_SECRET: &str = "a-secret-of-the-tests-0123456789abcdef";
pub(crate) const INTERNAL_KEY: &str = "an-internal-key-of-the-tests-0123456789";
pub(crate) const PASSWORD: &str = "correct horse battery";

/// The program, and everything a test may want to turn.
pub(crate) struct TestApp {
    pub(crate) db: TestDb,
    pub(crate) app: App,
    pub(crate) clock: Arc<FixedClock>,
    pool: Db,
    rng: Arc<dyn Rng>,
    /// Talks to the public port.
    pub(crate) http: Client,
}

/// A registered person with a client that sends their token.
pub(crate) struct Person {
    pub(crate) id: String,
    pub(crate) tenant: String,
    pub(crate) email: String,
    pub(crate) access_token: String,
    pub(crate) refresh_token: String,
    pub(crate) http: Client,
}

impl TestApp {
    /// The program without old services beside it.
    pub(crate) async fn new() -> Self {
        Self::with(|_| {}).await
    }

    /// The program with some of its parts changed.
    pub(crate) async fn with(change: impl FnOnce(&mut Parts)) -> Self {
        Self::on(TestDb::new().await, change)
    }

    /// The program on a database that a test prepared.
    pub(crate) fn on(db: TestDb, change: impl FnOnce(&mut Parts)) -> Self {
        let clock = Arc::new(FixedClock::at("2026-03-01T12:00:00.123456Z".parse().unwrap()));
        let rng: Arc<dyn Rng> = Arc::new(SeededRng::new(seed()));
        let pool = Db::new(db.url(), limits(), audit_key()).unwrap();
        let mut parts = parts(&pool, &clock, &rng);
        change(&mut parts);
        let app = app::build(parts).unwrap();
        let http = Client::new(app.public.clone());
        Self { db, app, clock, pool, rng, http }
    }

    /// Another replica of the program on the same database.
    pub(crate) fn replica(&self, change: impl FnOnce(&mut Parts)) -> Client {
        let mut parts = parts(&self.pool, &self.clock, &self.rng);
        change(&mut parts);
        Client::new(app::build(parts).unwrap().public)
    }

    /// The pools, with their default limits.
    pub(crate) const fn pool(&self) -> &Db {
        &self.pool
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    pub(crate) fn cx(&self) -> Ctx {
        Ctx::new(
            Actor::Anonymous,
            Arc::from("test"),
            Arc::new(Origin::default()),
            Arc::clone(&self.clock) as _,
            Arc::clone(&self.rng),
        )
    }

    /// Registers a person, who founds a tenant and is its admin.
    pub(crate) async fn admin(&self, email: &str) -> Person {
        let body = json!({ "email": email, "password": PASSWORD, "first_name": "Ada", "last_name": "Lovelace" });
        let answer = self.http.post("/auth/register").json(&body).send().await.expect(201);
        self.person(email, &answer.body)
    }

    /// Adds a person with the role `user` to the tenant of `admin`.
    pub(crate) async fn member(&self, admin: &Person, email: &str) -> Person {
        let body = json!({ "email": email, "password": PASSWORD, "first_name": "Grace", "last_name": "Hopper" });
        admin.http.post("/users").json(&body).send().await.expect(201);
        self.login(email).await
    }

    /// A super admin in a tenant of their own.
    pub(crate) async fn super_admin(&self) -> Person {
        let new = NewSuperAdmin { email: "root@example.com".to_owned(), password: PASSWORD.to_owned().into() };
        self.app.users.create_super_admin(&self.cx(), new).await.unwrap();
        self.login("root@example.com").await
    }

    pub(crate) async fn login(&self, email: &str) -> Person {
        let body = json!({ "email": email, "password": PASSWORD });
        let answer = self.http.post("/auth/login").json(&body).send().await.expect(200);
        self.person(email, &answer.body)
    }

    fn person(&self, email: &str, body: &Value) -> Person {
        let text = |field: &str| body[field].as_str().unwrap_or_else(|| panic!("no {field} in {body}")).to_owned();
        let access_token = text("access_token");
        Person {
            id: text("user_id"),
            tenant: text("tenant_id"),
            email: email.to_owned(),
            http: self.http.with_bearer(&access_token),
            access_token,
            refresh_token: text("refresh_token"),
        }
    }
}

/// The program as tests have it.
fn parts(pool: &Db, clock: &Arc<FixedClock>, rng: &Arc<dyn Rng>) -> Parts {
    Parts {
        db: pool.clone(),
        clock: Arc::clone(clock) as _,
        rng: Arc::clone(rng),
        redis: None,
        redis_patience: Duration::from_secs(5),
        jwt_secret: Redacted::new(JWT_SECRET.to_owned()),
        internal_key: Some(Redacted::new(INTERNAL_KEY.to_owned())),
        coexistence: false,
        trusted_proxies: TrustedProxies::default(),
        cors_origins: vec!["http://localhost:3000".to_owned()],
        // On, and never reached: tests send many requests in no time.
        limits: Limits { auth: 1_000_000, users: 1_000_000, workspaces: 1_000_000, notifications: 1_000_000 },
        auth_failures: 10,
        webhooks_deliver: true,
        webhooks_allow_private: false,
        resolver: Arc::new(notifications::SystemResolver),
        // Written down, and sent when a test says so.
        mail: Some(MailConfig {
            transport: MailTransport::Files("/does/not/exist".into()),
            from: mail_sender("PyAirtable <no-reply@example.com>").unwrap(),
            invitation_url: None,
        }),
    }
}

pub(crate) fn audit_key() -> AuditKey {
    AuditKey::new(*b"an audit key of the tests")
}

/// Tests share two cores with each other: waiting long is no failure here.
pub(crate) fn limits() -> PoolLimits {
    PoolLimits { wait: Duration::from_secs(10), ..PoolLimits::default() }
}

/// Tests are repeatable; `TEST_SEED=n cargo test` replays or varies one.
pub(crate) fn seed() -> u64 {
    #[expect(clippy::disallowed_methods, reason = "a knob of the tests, not of the program")]
    let seed = std::env::var("TEST_SEED").ok().and_then(|text| text.parse().ok()).unwrap_or(7);
    eprintln!("replay with TEST_SEED={seed}");
    seed
}

/// Whether tests that come in two sizes take the larger one: `scripts/test --long`.
pub(crate) fn long() -> bool {
    #[expect(clippy::disallowed_methods, reason = "a knob of the tests, not of the program")]
    let long = std::env::var("TEST_LONG").is_ok_and(|value| !value.is_empty());
    long
}

/// An answer with what a snapshot should not depend on replaced: tokens by their kind, ids by the order they appear
/// in, so that which ids are equal still shows.
pub(crate) fn stable(body: &Value) -> Value {
    fn walk(value: &Value, ids: &mut Vec<String>) -> Value {
        match value {
            Value::String(text) if text.parse::<uuid::Uuid>().is_ok() => {
                let known = ids.iter().position(|id| id == text).unwrap_or_else(|| {
                    ids.push(text.clone());
                    ids.len() - 1
                });
                json!(format!("[id {}]", known + 1))
            }
            Value::String(text) if text.starts_with("eyJ") && text.split('.').count() == 3 => json!("[access token]"),
            Value::String(text) if text.len() == 44 && text.ends_with('=') => json!("[refresh token]"),
            Value::Array(items) => items.iter().map(|item| walk(item, ids)).collect(),
            Value::Object(fields) => fields
                .iter()
                .map(|(name, field)| (name.clone(), walk(field, ids)))
                .collect::<serde_json::Map<_, _>>()
                .into(),
            other => other.clone(),
        }
    }
    walk(body, &mut Vec::new())
}
