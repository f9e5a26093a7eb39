//! Old and new at work on the same rows and the same Redis: what either side writes, the other reads as the same (chapter
//! "Coexistence" of ARCHITECTURE.md). The old side is `testkit::legacy`, with the rights of an ordinary role, on every
//! layout in which both can be on one database.
//!
//! What differs is listed in a snapshot for each subject and layout, so that no difference comes or goes unnoticed.

mod accounts;
mod administration;
mod at_once;
mod controls;
mod findings;
mod generated;
mod intended;
mod members;
mod profiles;
mod races;
mod records_many;
mod reported;
mod shadow;
mod tenants;
mod tokens;
mod tokens_many;
mod workspaces;

use pyairtable_platform::app::Parts;
use serde_json::{Value, json};
use testkit::legacy::layouts::{Layout, OldRole};
use testkit::legacy::suite::Scene;
use testkit::{Client, Rewriter};

use self::findings::Findings;
use crate::support::{PASSWORD, TestApp, audit_key, limits};

/// The layouts of one database: all but one.
const LAYOUTS: [Layout; 7] =
    [Layout::Public, Layout::Orm, Layout::Schemas, Layout::View, Layout::Tokyo, Layout::Widened, Layout::DraftTenants];

/// Both sides.
struct Pair {
    old: Scene,
    new: TestApp,
}

/// A person with a token of either side.
struct Both {
    id: String,
    tenant: String,
    email: String,
    old_token: String,
    new_token: String,
}

impl Pair {
    async fn on(layout: Layout) -> Self {
        Self::with(layout, |_, _| {}).await
    }

    async fn with(layout: Layout, change: impl FnOnce(&Scene, &mut Parts)) -> Self {
        let old = Scene::expanded(layout, OldRole::Service).await;
        let client = redis::Client::open(old.redis_url.as_str()).unwrap();
        let redis = client.get_connection_manager().await.unwrap();
        let new = TestApp::on(old.db.clone(), |parts| {
            parts.coexistence = true;
            parts.redis = Some(redis);
            change(&old, parts);
        });
        Self { old, new }
    }

    /// The same with statements of the new side changed, for what has to be noticed.
    async fn through(layout: Layout, change: impl Fn(&str) -> Option<String> + Send + Sync + 'static) -> Self {
        Self::with(layout, |old, parts| {
            let rewriter = Rewriter::everywhere(old.db.config(), change);
            parts.db = db::Db::new(rewriter.url(), limits(), audit_key()).unwrap();
        })
        .await
    }

    /// auth-service as it was meant to be.
    fn old_auth(&self) -> &Client {
        &self.old.intended
    }

    async fn old_login(&self, email: &str, password: &str) -> testkit::Answer {
        self.old_auth().post("/auth/login").json(&json!({ "email": email, "password": password })).send().await
    }

    async fn new_login(&self, email: &str, password: &str) -> testkit::Answer {
        self.new.http.post("/auth/login").json(&json!({ "email": email, "password": password })).send().await
    }

    /// Registered by the new side, so that they are the admin of a tenant of their own.
    async fn admin(&self, email: &str) -> Both {
        let person = self.new.admin(email).await;
        self.both(&person.email, PASSWORD).await
    }

    /// Logged in on both sides.
    async fn both(&self, email: &str, password: &str) -> Both {
        let old = self.old_login(email, password).await.expect(200);
        let new = self.new_login(email, password).await.expect(200);
        Both {
            id: new.text("user_id"),
            tenant: new.text("tenant_id"),
            email: email.to_owned(),
            old_token: old.text("access_token"),
            new_token: new.text("access_token"),
        }
    }
}

impl Both {
    /// The new side, with the old side's token: either is as good as the other.
    fn on_new(&self, pair: &Pair) -> Client {
        pair.new.http.with_bearer(&self.old_token)
    }

    /// The old workspace-service, with the new side's token.
    fn on_old(&self, pair: &Pair) -> Client {
        pair.old.http.workspaces.with_bearer(&self.new_token)
    }
}

fn form(email: &str) -> Value {
    json!({ "email": email, "password": PASSWORD, "first_name": "Ada", "last_name": "Lovelace" })
}

/// Somebody of the person's tenant.
async fn colleague(pair: &Pair, person: &Both, email: &str) -> Both {
    let mut joining = form(email);
    joining["tenant_id"] = json!(person.tenant);
    pair.old_auth().post("/auth/register").json(&joining).send().await.expect(201);
    pair.both(email, PASSWORD).await
}

/// A person's own account, as both sides show it.
async fn compare_me(pair: &Pair, found: &mut Findings, after: &str, token: &str) {
    let old = pair.old_auth().with_bearer(token).get("/auth/me").send().await;
    let new = pair.new.http.with_bearer(token).get("/auth/me").send().await;
    found.same(after, &old, &new);
}
