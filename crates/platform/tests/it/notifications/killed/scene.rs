//! A PostgreSQL, three replicas of the program and a tenant full of people, each to be killed and started again.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use db::local::{Durability, LocalPostgres, Options};
use serde_json::{Value, json};
use tempfile::TempDir;
use testkit::Rewriter;
use tokio_postgres::{Client, NoTls};

use crate::fixtures::PEOPLE;
use crate::process::{Process, request, request_with, signal};
use crate::support::{INTERNAL_KEY, JWT_SECRET, PASSWORD};

/// What statements of the program become.
pub(super) type Change = Box<dyn Fn(&str) -> Option<String> + Send + Sync>;

pub(super) struct Scene {
    replicas: [Option<Process>; 3],
    folders: [TempDir; 3],
    /// Where the last of the replicas listened.
    addresses: [SocketAddr; 3],
    postgres: Option<LocalPostgres>,
    options: Options,
    url: String,
    token: String,
    people: i32,
    sent: BTreeSet<String>,
    /// Last: the database is in it.
    _data: TempDir,
}

impl Scene {
    pub(super) async fn start(people: i32) -> Self {
        Self::start_with(people, None).await
    }

    /// The same, with what workers say to the database changed.
    pub(super) async fn start_with(people: i32, change: Option<Change>) -> Self {
        let data = tempfile::tempdir().unwrap();
        let mut options = Options::new(data.path(), Durability::Durable);
        options.search_path = std::env::var_os("PATH");
        let postgres = LocalPostgres::start(&options).unwrap();
        let host = match change {
            Some(change) => Rewriter::everywhere(&postgres.config(), change).folder().to_owned(),
            None => postgres.socket_dir().to_owned(),
        };
        let url = format!("postgres://postgres@{}/postgres", host.to_str().unwrap().replace('/', "%2F"));
        let folders = [0; 3].map(|_| tempfile::tempdir().unwrap());
        let nowhere = SocketAddr::from(([127, 0, 0, 1], 1));
        let mut scene = Self {
            replicas: [None, None, None],
            folders,
            addresses: [nowhere; 3],
            postgres: Some(postgres),
            options,
            url,
            token: String::new(),
            people: people + 1,
            sent: BTreeSet::new(),
            _data: data,
        };
        scene.revive();
        let body = json!({ "email": "ada@example.com", "password": PASSWORD, "first_name": "A", "last_name": "L" });
        let (status, ada) = request(scene.addresses[0], "POST", "/auth/register", Some(&body)).unwrap();
        assert_eq!(status, 201, "{ada}");
        ada["access_token"].as_str().unwrap().clone_into(&mut scene.token);
        let tenant = ada["tenant_id"].as_str().unwrap();
        let database = scene.connect().await;
        database.execute(PEOPLE, &[&tenant, &people, &1]).await.unwrap();
        database.batch_execute("UPDATE tenants SET plan = 'custom'").await.unwrap();
        scene
    }

    /// Everybody of the tenant.
    pub(super) fn people(&self) -> usize {
        usize::try_from(self.people).unwrap()
    }

    /// The titles of what was sent so far.
    pub(super) const fn sent(&self) -> &BTreeSet<String> {
        &self.sent
    }

    pub(super) fn kill(&mut self, replica: usize) {
        self.replicas[replica].take().unwrap().kill();
    }

    /// Starts the replicas that do not run.
    pub(super) fn revive(&mut self) {
        let environment = [
            ("DATABASE_URL", self.url.as_str()),
            ("JWT_SECRET", JWT_SECRET),
            ("INTERNAL_API_KEY", INTERNAL_KEY),
            ("WEBHOOKS_ALLOW_PRIVATE", "true"),
            ("LOG_LEVEL", "warn"),
        ];
        for number in 0..3 {
            if self.replicas[number].is_none() {
                let process = Process::start_with(self.folders[number].path(), &environment);
                self.addresses[number] = process.public;
                self.replicas[number] = Some(process);
            }
        }
    }

    pub(super) fn kill_database(&mut self) {
        let postgres = self.postgres.take().unwrap();
        signal(postgres.pid(), "KILL");
        let began = Instant::now();
        while postgres.is_running() {
            assert!(began.elapsed() < Duration::from_mins(1), "it survives kill -9");
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    pub(super) fn revive_database(&mut self) {
        self.postgres = Some(LocalPostgres::start(&self.options).unwrap());
    }

    /// Announces something to everybody through a replica; returns its title.
    pub(super) fn announce(&mut self, replica: usize) -> String {
        let title = format!("announcement {}", self.sent.len() + 1);
        self.announce_aside(replica).join().unwrap();
        title
    }

    /// The same without waiting for the answer.
    pub(super) fn announce_aside(&mut self, replica: usize) -> JoinHandle<()> {
        let title = self.title("announcement");
        let body = json!({ "type": "killed", "title": title, "message": "m" });
        self.send(replica, "/notifications/bulk", title, body)
    }

    /// Founds workspaces through a replica.
    pub(super) fn found(&mut self, replica: usize) {
        let title = self.title("workspace");
        self.send(replica, "/workspaces", title.clone(), json!({ "name": title })).join().unwrap();
    }

    fn title(&mut self, kind: &str) -> String {
        let title = format!("{kind} {}", self.sent.len() + 1);
        self.sent.insert(title.clone());
        title
    }

    /// Sends a request until it is taken, always under the same key.
    fn send(&self, replica: usize, path: &'static str, key: String, body: Value) -> JoinHandle<()> {
        let (to, token) = (self.addresses[replica], format!("Bearer {}", self.token));
        std::thread::spawn(move || {
            let headers = [("Authorization", token.as_str()), ("Idempotency-Key", key.as_str())];
            let began = Instant::now();
            loop {
                let answer = request_with(to, "POST", path, &headers, Some(&body));
                match &answer {
                    Some((200..=299, _)) => return,
                    // It was done; whoever said so was killed.
                    Some((409, body)) if body["error"] == "Answer lost" => return,
                    None | Some((409 | 500..=599, _)) => {}
                    Some((status, body)) => panic!("{status} {body}"),
                }
                assert!(began.elapsed() < Duration::from_mins(2), "{key} is not taken: {answer:?}");
                std::thread::sleep(Duration::from_millis(50));
            }
        })
    }

    /// Sets up a webhook for these events; returns its id and its secret.
    pub(super) fn webhook(&self, url: &str, events: &[&str]) -> (String, String) {
        let token = format!("Bearer {}", self.token);
        let body = json!({ "url": url, "events": events });
        let headers = [("Authorization", token.as_str())];
        let (status, made) = request_with(self.addresses[0], "POST", "/webhooks", &headers, Some(&body)).unwrap();
        assert_eq!(status, 201, "{made}");
        (made["id"].as_str().unwrap().to_owned(), made["secret"].as_str().unwrap().to_owned())
    }

    async fn connect(&self) -> Client {
        let (client, connection) = self.postgres.as_ref().unwrap().config().connect(NoTls).await.unwrap();
        tokio::spawn(connection);
        client
    }

    pub(super) async fn sql(&self, statement: &str) {
        self.connect().await.batch_execute(statement).await.unwrap();
    }

    /// The first column of what is asked, which is text.
    pub(super) async fn texts(&self, query: &str) -> Vec<String> {
        self.connect().await.query(query, &[]).await.unwrap().iter().map(|row| row.get(0)).collect()
    }

    pub(super) async fn column(&self, name: &str, of: &str) -> Vec<String> {
        self.texts(&format!("SELECT {name}::text FROM {of}")).await
    }

    /// Nobody can be told anything until what is returned is dropped: whoever is at it stays in the middle of it, for the
    /// three seconds that the program waits for a lock.
    pub(super) async fn hold_feeds(&self) -> Client {
        let database = self.connect().await;
        database.batch_execute("BEGIN; LOCK TABLE user_notifications IN SHARE MODE").await.unwrap();
        database
    }

    /// How many jobs of a kind there are of which `condition` is true.
    pub(super) async fn jobs(&self, kind: &str, condition: &str) -> usize {
        self.column("id", &format!("jobs WHERE kind = '{kind}' AND {condition}")).await.len()
    }

    /// Waits until there is one.
    pub(super) async fn until_jobs(&self, kind: &str, condition: &str) {
        self.until(&format!("EXISTS (SELECT FROM jobs WHERE kind = '{kind}' AND {condition})")).await;
    }

    /// Waits until this is true: on one connection, since the server ends those that are given up later than new ones come.
    pub(super) async fn until(&self, condition: &str) {
        let began = Instant::now();
        let database = self.connect().await;
        let query = format!("SELECT {condition}");
        while !database.query_one(&query, &[]).await.unwrap().get::<_, bool>(0) {
            assert!(began.elapsed() < Duration::from_mins(1), "never: {condition}");
        }
    }

    /// Waits until nothing is left to be done.
    pub(super) async fn until_all_is_done(&self, limit: Duration) {
        let began = Instant::now();
        let left = "SELECT kind || ' ' || payload || ' ' || attempt || ' ' || run_at || ' ' || coalesce(error, '') FROM jobs
            UNION ALL SELECT id || ' ' || state || ' ' || coalesce(error, '') FROM webhook_deliveries WHERE state <> 'delivered'";
        loop {
            let left = self.texts(left).await;
            if left.is_empty() {
                return;
            }
            assert!(began.elapsed() < limit, "stuck: {left:#?}");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// Asks each replica.
    pub(super) fn all_are_healthy(&self) {
        for process in self.replicas.iter().flatten() {
            let answer = request(process.internal, "GET", "/internal/health/notifications", None);
            assert_eq!(answer, Some((200, json!({ "status": "healthy" }))), "{}", process.log());
        }
        assert!(self.replicas.iter().all(Option::is_some));
    }
}

/// What a message tells of, if this test sent it.
pub(super) fn title(body: &str) -> Option<String> {
    let body: Value = serde_json::from_str(body).unwrap();
    let title = match body["event"].as_str().unwrap() {
        "announcement.published" => &body["data"]["draft"]["title"],
        "workspace.created" => &body["data"]["name"],
        _ => return None,
    };
    title.as_str().map(str::to_owned)
}

/// Who was told, if a message says that somebody was told of this.
pub(super) fn told(body: &str, title: &str) -> Option<String> {
    let body: Value = serde_json::from_str(body).unwrap();
    let is_it = body["event"] == "notification.created" && body["data"]["title"] == title;
    is_it.then(|| body["data"]["user_id"].as_str().unwrap().to_owned())
}
