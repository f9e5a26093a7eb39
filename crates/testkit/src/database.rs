//! One PostgreSQL per test process, one template database with all migrations, one database per test (about 30 ms).

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use db::DatabaseUrl;
use db::local::{Durability, LocalPostgres, Options};

/// A fresh, migrated database of the test's own.
#[derive(Clone)]
pub struct TestDb {
    config: tokio_postgres::Config,
    url: DatabaseUrl,
}

const TEMPLATE: &str = "pyairtable_template";

impl TestDb {
    /// A database with all migrations applied.
    pub async fn new() -> Self {
        Self::copy_of(TEMPLATE).await
    }

    /// A database without anything in it.
    pub async fn empty() -> Self {
        Self::copy_of("template0").await
    }

    async fn copy_of(template: &str) -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let server = tokio::task::spawn_blocking(server).await.expect("the test server starts");
        let name = format!("test_{}", NUMBER.fetch_add(1, Ordering::Relaxed));
        let admin = server.url.connect().await.expect("the test server accepts connections");
        admin
            .batch_execute(&format!("CREATE DATABASE {name} TEMPLATE {template}"))
            .await
            .expect("a database can be made from the template");
        let mut config = server.postgres.config();
        config.dbname(&name);
        Self { url: DatabaseUrl::from_config(config.clone()), config }
    }

    /// Where it is; the log-in role is the superuser of the private server.
    pub fn url(&self) -> &DatabaseUrl {
        &self.url
    }

    /// Where it is, in the driver's words.
    pub const fn config(&self) -> &tokio_postgres::Config {
        &self.config
    }

    /// A plain connection as superuser, to look behind the program's back.
    pub async fn superuser(&self) -> tokio_postgres::Client {
        self.url.connect().await.expect("the test server accepts connections")
    }
}

struct Server {
    url: DatabaseUrl,
    /// Stops with the process: statics are never dropped, the parent-death signal does it.
    postgres: LocalPostgres,
}

fn server() -> &'static Server {
    static SERVER: OnceLock<Server> = OnceLock::new();
    SERVER.get_or_init(|| {
        let root = std::env::temp_dir().join("pyairtable-tests");
        remove_left_overs(&root);
        let options = Options {
            bindir: std::env::var_os("PG_BINDIR").map(PathBuf::from),
            search_path: path(),
            ..Options::new(root.join(std::process::id().to_string()), Durability::ForTests)
        };
        let postgres = LocalPostgres::start(&options).unwrap_or_else(|error| panic!("{error}"));
        let url = DatabaseUrl::from_config(postgres.config());
        // On a thread of its own, because tests call from inside their runtimes.
        std::thread::scope(|scope| scope.spawn(|| make_template(&url)).join()).expect("the template is made");
        Server { url, postgres }
    })
}

fn path() -> Option<OsString> {
    std::env::var_os("PATH")
}

fn make_template(url: &DatabaseUrl) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let admin = url.connect().await.expect("the test server accepts connections");
        admin.batch_execute(&format!("CREATE DATABASE {TEMPLATE} TEMPLATE template0")).await.expect("a template");
        db::migrate::up(&url.with_database(TEMPLATE)).await.expect("all migrations apply");
    });
}

/// Earlier test processes cannot remove their own directories, because their servers outlive their last statement.
fn remove_left_overs(root: &Path) {
    for entry in std::fs::read_dir(root).into_iter().flatten().flatten() {
        let running = Path::new("/proc").join(entry.file_name()).exists();
        if !running {
            let _ = std::fs::remove_dir_all(entry.path());
        }
    }
}
