//! Load on the old services behind the gateway, and what the tables say afterwards.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use gateway::{Gateway, Parts};
use kernel::{Clock as _, Redacted, SystemClock, TrustedProxies};
use pyairtable_rehearsal::ledger::Ledger;
use pyairtable_rehearsal::load::{Account, Load, People, Rate, Report};
use pyairtable_rehearsal::reconcile::reconcile;
use testkit::legacy::generate::{PASSWORDS, Plan, fill};
use testkit::legacy::layouts::Layout;
use testkit::legacy::{Config, Legacy};
use testkit::{SeededRng, TestDb, TestRedis};
use tokio::sync::watch;

const SECRET: &str = "a-secret-of-the-tests-0123456789abcdef";

/// The old services with a gateway in front.
struct World {
    db: TestDb,
    _legacy: Legacy,
    gateway: SocketAddr,
    _stop: watch::Sender<bool>,
}

impl World {
    async fn start() -> Self {
        let db = TestDb::empty().await;
        let places = Layout::Public.create(db.config()).await.expect("tables");
        fill(Layout::Public, &places, Plan { people: 400, seed: 5, now: SystemClock.now() }).await.expect("rows");
        let redis_url = tokio::task::spawn_blocking(TestRedis::url).await.expect("a Redis");
        let legacy = Legacy::start(Config {
            places,
            redis_url,
            jwt_secret: SECRET.to_owned(),
            clock: Arc::new(SystemClock),
            rng: Arc::new(SeededRng::new(3)),
            auth_bearer: true,
            connections: 5,
        })
        .await
        .expect("the services start");
        let (auth, workspaces) = (&legacy.urls.auth, &legacy.urls.workspaces);
        let route = |(path, url): (&str, &String)| {
            format!(
                "- path: /api/v1/{path}/*\n  legacy:\n    instances: [{url}]\n    strip: /api/v1\n    health: /health\n"
            )
        };
        let routes: String = [("auth", auth), ("workspaces", workspaces), ("projects", workspaces)].map(route).concat();
        let gateway = Gateway::new(Parts {
            kept: None,
            table: gateway::routes::parse(&routes).expect("routes"),
            jwt_secret: Some(Redacted::new(SECRET.to_owned())),
            trusted_proxies: TrustedProxies::default(),
            clock: Arc::new(SystemClock),
            rng: Arc::new(SeededRng::new(4)),
        })
        .expect("a gateway");
        let bound = gateway::bind(SocketAddr::from(([127, 0, 0, 1], 0))).expect("a port");
        let address = bound.local_addr().expect("an address");
        let (stop, stopped) = watch::channel(false);
        tokio::spawn(bound.serve(gateway, stopped));
        Self { db, _legacy: legacy, gateway: address, _stop: stop }
    }

    async fn load(&self, ledger: &Arc<Ledger>, seconds: u64) -> Report {
        let database = self.db.superuser().await;
        let mut people = People::from_tables(&database, SECRET, 100, SystemClock.now()).await.expect("people");
        assert!(people.places.len() > 20, "{}", people.places.len());
        let cheap = "SELECT min(email) FROM users WHERE is_active AND password_hash = $1 AND names_are_there";
        let cheap = cheap.replace("names_are_there", "first_name IS NOT NULL AND last_name IS NOT NULL");
        for (password, hash) in PASSWORDS.iter().filter(|(_, hash)| hash.contains("$04$")) {
            let row = database.query_one(&cheap, &[hash]).await.expect("an account");
            if let Some(email) = row.get::<_, Option<String>>(0) {
                people.accounts.push(Account { email, password: (*password).to_owned() });
            }
        }
        let rate = Rate { per_second: 60, writes: 40, workers: 8, seed: 1 };
        let load = Load::start(self.gateway, people, rate, Arc::clone(ledger));
        tokio::time::sleep(Duration::from_secs(seconds)).await;
        load.stop().await
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn load_on_healthy_services_fails_nothing_and_loses_nothing() {
    let world = World::start().await;
    let ledger = Arc::new(Ledger::default());
    let report = world.load(&ledger, 6).await;
    eprintln!("{:?}", report.requests);
    assert!(report.failures.is_empty(), "{:#?}", report.failures);
    assert!(report.total() > 300, "{}", report.total());
    assert!(report.requests.len() >= 12, "all kinds: {:?}", report.requests);
    let database = world.db.superuser().await;
    let found = reconcile(&ledger, &database).await.expect("tables");
    assert!(found.lost.is_empty() && found.doubled.is_empty(), "{found}");
    assert!(found.acknowledged > 60 && found.acknowledged == ledger.acknowledged(), "{found}");

    // What a take-over could do to the rows shows, each by itself.
    for (change, lost, doubled) in [
        ("DELETE FROM airtable_bases WHERE id = (SELECT id FROM airtable_bases WHERE name LIKE 'rehearsed%' LIMIT 1)", 1, 0),
        (
            "INSERT INTO projects (workspace_id, name, created_by) SELECT workspace_id, name, created_by FROM projects
             WHERE name LIKE 'rehearsed%' LIMIT 1",
            0,
            1,
        ),
        (
            "UPDATE projects SET description = 'before' WHERE id =
                (SELECT id FROM projects WHERE name LIKE 'rehearsed%' AND deleted_at IS NULL ORDER BY name DESC LIMIT 1)",
            1,
            0,
        ),
        (
            "UPDATE projects SET deleted_at = NULL WHERE id =
                (SELECT id FROM projects WHERE name LIKE 'rehearsed%' AND deleted_at IS NOT NULL LIMIT 1)",
            1,
            0,
        ),
        ("DELETE FROM users WHERE email = (SELECT max(email) FROM users WHERE email LIKE '%rehearsal.example')", 1, 0),
    ] {
        let before = reconcile(&ledger, &database).await.expect("tables");
        assert_eq!(database.execute(change, &[]).await.expect(change), 1, "{change}");
        let after = reconcile(&ledger, &database).await.expect("tables");
        let more = (after.lost.len() - before.lost.len(), after.doubled.len() - before.doubled.len());
        assert_eq!(more, (lost, doubled), "{change}: {after}");
    }
}

/// Services that answer what is not so are caught by what their clients see.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn changes_that_do_not_show_are_failures() {
    let world = World::start().await;
    let database = world.db.superuser().await;
    // The statement is answered, and nothing happens.
    let forget = "CREATE FUNCTION forget() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.description := OLD.description; RETURN NEW; END';
        CREATE TRIGGER forget BEFORE UPDATE ON projects FOR EACH ROW EXECUTE FUNCTION forget()";
    database.batch_execute(forget).await.expect("a trigger");
    let ledger = Arc::new(Ledger::default());
    let report = world.load(&ledger, 6).await;
    assert!(report.failures.iter().any(|failure| failure.why.contains("acknowledged change")), "{:?}", report.failures);
    let found = reconcile(&ledger, &database).await.expect("tables");
    assert!(!found.lost.is_empty(), "{found}");
}
