//! Old services on a layout, as a role, before or after the schema was expanded.

use std::collections::BTreeSet;
use std::sync::Arc;

use db::DatabaseUrl;
use jiff::Timestamp;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use kernel::FixedClock;
use redis::aio::ConnectionManager;
use serde_json::{Value, json};

use crate::client::{Answer, Request};
use crate::legacy::layouts::{Layout, OldRole, Place, Places};
use crate::legacy::{Config, Each, Legacy};
use crate::{Client, SeededRng, TestDb, TestRedis};

/// The key of the suite's access tokens.
pub const JWT_SECRET: &str = "a-secret-of-the-tests-0123456789abcdef";
/// A password of the suite.
pub(super) const PASSWORD: &str = "correct horse battery";

/// The old services with everything a test may want to look at.
pub struct Scene {
    /// How the tables are laid out.
    pub layout: Layout,
    /// Whom the services log in as.
    pub role: OldRole,
    /// Their databases.
    pub places: Places,
    /// The Redis they share.
    pub redis_url: String,
    /// Their clock.
    pub clock: Arc<FixedClock>,
    /// The services.
    pub legacy: Legacy,
    /// A client for each.
    pub http: Each<Client>,
    /// auth-service with the middleware it was meant to have.
    pub intended: Client,
    /// Where the tables of this layout are.
    pub db: TestDb,
}

impl Scene {
    /// Makes a database of this layout, gives the role its rights, lets `expand` do to each database what it does, and
    /// starts the services.
    pub async fn new(layout: Layout, role: OldRole, expand: impl AsyncFn(&DatabaseUrl)) -> Self {
        let db = TestDb::empty().await;
        let places = layout.create(db.config()).await.expect("the layout can be made");
        let places = role.take(places).await.expect("the role can be given its rights");
        for database in places.databases() {
            expand(&DatabaseUrl::from_config(database.clone())).await;
        }
        let redis_url = tokio::task::spawn_blocking(TestRedis::url).await.expect("a Redis");
        let clock = Arc::new(FixedClock::at("2026-03-01T12:00:00.123456Z".parse().expect("a time")));
        let start = async |auth_bearer, seed| {
            let config = Config {
                places: places.clone(),
                redis_url: redis_url.clone(),
                jwt_secret: JWT_SECRET.to_owned(),
                clock: Arc::clone(&clock) as _,
                rng: Arc::new(SeededRng::new(seed)),
                auth_bearer,
                connections: 3,
            };
            let legacy = Legacy::in_process(config).await.expect("the services start");
            legacy.auto_migrate().await.expect("the services migrate");
            legacy
        };
        let legacy = start(false, 1).await;
        let intended = start(true, 2).await.clients().auth;
        let http = legacy.clients();
        Self { layout, role, places, redis_url, clock, legacy, http, intended, db }
    }

    /// The same without anything in between.
    pub async fn unexpanded(layout: Layout, role: OldRole) -> Self {
        Self::new(layout, role, async |_| {}).await
    }

    /// The same with this program's migrations in between.
    pub async fn expanded(layout: Layout, role: OldRole) -> Self {
        Self::new(layout, role, async |url| drop(db::migrate::up(url).await.expect("all migrations apply"))).await
    }

    /// The suite's time.
    pub(super) fn now(&self) -> Timestamp {
        use kernel::Clock as _;
        self.clock.now()
    }

    /// Runs statements behind the services' back, in a service's database and schemas.
    pub async fn sql(&self, place: &Place, statements: &str) {
        let client = self.superuser(place).await;
        client.batch_execute(statements).await.expect("statements of the suite");
    }

    /// One value, as text.
    pub async fn value(&self, place: &Place, statement: &str) -> Option<String> {
        let client = self.superuser(place).await;
        let row = client.query_opt(statement, &[]).await.expect("a statement of the suite")?;
        row.get(0)
    }

    async fn superuser(&self, place: &Place) -> tokio_postgres::Client {
        let client = super::super::layouts::connect(&place.config).await.expect("a connection");
        if let Some(path) = place.search_path {
            client.batch_execute(&format!("SET search_path = {path}")).await.expect("a path");
        }
        client
    }

    pub(super) async fn redis(&self) -> ConnectionManager {
        let client = redis::Client::open(self.redis_url.as_str()).expect("a URL");
        client.get_connection_manager().await.expect("a connection")
    }

    /// An account as auth-service keeps them, with a cheap hash of `PASSWORD`.
    pub(super) async fn account(&self, id: &str, email: &str, extra: &str) {
        let hash = hash(PASSWORD, bcrypt::Version::TwoA);
        let sql = format!(
            "INSERT INTO users (id, email, password_hash, first_name, last_name, role, tenant_id, is_active,
                 email_verified, created_at, updated_at)
             VALUES ('{id}', '{email}', '{hash}', 'Old', 'Row', 'user', '00000000-0000-4000-9000-000000000001', true,
                 false, '2026-01-01Z', '2026-01-01Z'); {extra}"
        );
        self.sql(&self.places.auth, &sql).await;
    }

    /// workspace-service for a person of a tenant.
    pub fn workspaces_as(&self, user: &str, tenant: &str) -> Client {
        self.http.workspaces.with_bearer(&self.token(user, tenant))
    }

    /// An access token that nobody issued.
    pub fn token(&self, user: &str, tenant: &str) -> String {
        let claims = json!({ "user_id": user, "tenant_id": tenant, "exp": self.now().as_second() + 60 });
        signed(Algorithm::HS256, &claims)
    }
}

/// A token with any claims.
pub(super) fn signed(algorithm: Algorithm, claims: &Value) -> String {
    let key = EncodingKey::from_secret(JWT_SECRET.as_bytes());
    jsonwebtoken::encode(&Header::new(algorithm), claims, &key).expect("a token")
}

/// A hash of the least cost.
pub(super) fn hash(password: &str, version: bcrypt::Version) -> String {
    bcrypt::hash_with_salt(password, 4, [7; 16]).expect("a hash").format_for_version(version)
}

/// Fails unless the answer is exactly the old error body.
#[track_caller]
pub(super) fn refused(answer: &Answer, status: u16, error: &str) {
    assert_eq!((answer.status.as_u16(), &answer.body), (status, &json!({ "error": error })));
}

/// Sends, and fails unless refused so.
pub(super) async fn refuses(request: Request, status: u16, error: &str) {
    let answer = request.send().await;
    refused(&answer, status, error);
}

/// Fails unless the object has exactly these fields.
#[track_caller]
pub(super) fn has_fields(object: &Value, fields: &[&str]) {
    let found: BTreeSet<&str> = object.as_object().expect("an object").keys().map(String::as_str).collect();
    assert_eq!(found, fields.iter().copied().collect::<BTreeSet<_>>(), "{object}");
}
