//! Each check has a situation of its own, which it and no other finds; where nothing is wrong, nothing is found.

mod only_looks;
mod rows;
mod situations;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use db::DatabaseUrl;
use db::local::{Durability, LocalPostgres, Options};
use kernel::SystemClock;
use pyairtable_cutover::config::Service;
use pyairtable_cutover::preflight::{Inputs, Limits, Report, Surroundings, look};
use testkit::TestRedis;
use testkit::legacy::layouts::Layout;
use tokio_postgres::error::SqlState;
use tokio_postgres::{Client, Config};

use crate::support::tools;

const SECRET: &str = "Jx3vQ0m7bq9bW1kq3GZlY5yqk8oV2Tt0u4n6rA1cE5s";

/// A server as one in production: it keeps what it is told, takes prepared transactions and streams its log.
struct Deployment {
    folder: tempfile::TempDir,
    postgres: LocalPostgres,
    redis: TestRedis,
    databases: std::cell::Cell<u32>,
}

fn sql(people: u32) -> String {
    include_str!("clean.sql").replace("$people", &people.to_string())
}

impl Deployment {
    async fn start(people: u32) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let options = Options {
            bindir: tools().bindir,
            search_path: tools().search_path,
            max_connections: 60,
            ..Options::new(folder.path().join("server"), Durability::Durable)
        };
        let start = async || {
            let options = options.clone();
            tokio::task::spawn_blocking(move || LocalPostgres::start(&options).unwrap()).await.unwrap()
        };
        let first = start().await;
        let client = DatabaseUrl::from_config(first.config()).connect().await.unwrap();
        for setting in ["max_prepared_transactions = 5", "wal_level = logical", "max_wal_senders = 5"] {
            client.batch_execute(&format!("ALTER SYSTEM SET {setting}")).await.unwrap();
        }
        drop(client);
        tokio::task::spawn_blocking(move || first.stop().unwrap()).await.unwrap();
        let postgres = start().await;
        let redis = tokio::task::spawn_blocking(TestRedis::start).await.unwrap();
        let deployment = Self { folder, postgres, redis, databases: std::cell::Cell::new(0) };
        deployment.redis(&["CONFIG", "SET", "save", "3600 1"]).await;
        let admin = deployment.connect("postgres").await;
        admin.batch_execute("CREATE DATABASE model TEMPLATE template0").await.unwrap();
        deployment.fill("model", people).await;
        deployment
    }

    async fn fill(&self, name: &str, people: u32) {
        Layout::Public.create(&self.config(name)).await.unwrap();
        self.connect(name).await.batch_execute(&sql(people)).await.unwrap();
    }

    fn config(&self, name: &str) -> Config {
        let mut config = self.postgres.config();
        config.dbname(name);
        config
    }

    async fn connect(&self, name: &str) -> Client {
        DatabaseUrl::from_config(self.config(name)).connect().await.unwrap()
    }

    async fn redis(&self, words: &[&str]) {
        let client = redis::Client::open(self.redis.url_of(0)).unwrap();
        let mut connection = client.get_multiplexed_async_connection().await.unwrap();
        let mut command = redis::cmd(words[0]);
        command.arg(&words[1..]).exec_async(&mut connection).await.unwrap();
    }

    /// A database in which nothing is wrong.
    async fn database(&self) -> String {
        self.databases.set(self.databases.get() + 1);
        let name = format!("deployment{}", self.databases.get());
        let sql = format!("CREATE DATABASE {name} TEMPLATE model");
        let admin = self.connect("postgres").await;
        let mut tries = 0;
        // A session that has just ended, or autovacuum, may still be in the model.
        while let Err(error) = admin.batch_execute(&sql).await {
            tries += 1;
            assert!(tries < 200 && error.code() == Some(&SqlState::OBJECT_IN_USE), "{error:?}");
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
        name
    }

    fn inputs(&self, name: &str) -> Inputs {
        Inputs {
            url: DatabaseUrl::from_config(self.config(name)),
            surroundings: Surroundings {
                database_place: Some(format!("db:5432/{name}")),
                redis: Some(redis::Client::open(self.redis.url_of(0)).unwrap()),
                redis_place: Some("redis:6379/0".to_owned()),
                jwt_secret: Some(SECRET.to_owned().into()),
                ports: vec!["127.0.0.1:0".parse().unwrap()],
                gateway: None,
            },
            services: ["auth-service", "workspace-service"].map(|service| old_service(service, name)).into(),
            tools: tools(),
            backup: self.folder.path().join("backup"),
            clock: Arc::new(SystemClock),
            limits: Limits::default(),
        }
    }
}

fn old_service(name: &str, database: &str) -> Service {
    let values = [
        ("JWT_SECRET", SECRET.to_owned()),
        ("DATABASE_URL", format!("postgres://old:secret@db/{database}?sslmode=disable")),
        ("REDIS_URL", "redis://redis:6379".to_owned()),
    ];
    Service {
        name: name.to_owned(),
        source: Path::new("/srv").join(name),
        values: values.map(|(key, value)| (key.to_owned(), value.into())).into(),
    }
}

/// The names of those that found something.
fn alarms(report: &Report) -> Vec<&'static str> {
    report.alarms().map(|one| one.check).collect()
}

/// What each alarm says.
fn facts(report: &Report) -> BTreeMap<&'static str, String> {
    report.alarms().map(|one| (one.check, one.fact.clone())).collect()
}

async fn alarms_of(inputs: &Inputs) -> Vec<&'static str> {
    let report = look(inputs).await.unwrap();
    for one in report.alarms() {
        assert!(one.remedy.as_ref().is_some_and(|remedy| remedy.len() > 10), "{one} names no remedy");
        assert!(!one.to_string().contains("secret@"), "{one}");
    }
    alarms(&report)
}
