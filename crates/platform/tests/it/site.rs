//! A database as production has it: with a log-in role of its own.

use std::sync::atomic::{AtomicU32, Ordering};

use testkit::TestDb;

/// What a good production configuration has besides a database.
pub(crate) const SECRETS: &[(&str, &str)] = &[
    ("PORT", "0"),
    ("INTERNAL_PORT", "0"),
    ("JWT_SECRET", "Jx3vQ0m7bq9bW1kq3GZlY5yqk8oV2Tt0u4n6rA1cE5s="),
    ("AUDIT_KEY", "pR5sT8uVw2xYz4AbC7dEf0GhJ3kLm6Nq"),
    ("CORS_ORIGINS", "https://app.example.com"),
];

/// A database with a log-in role of its own, as production has it.
pub(crate) struct Site {
    pub(crate) db: TestDb,
    pub(crate) role: String,
    pub(crate) url: String,
}

impl Site {
    /// With the role that `check-config` proposes, migrated by somebody else.
    pub(crate) async fn new() -> Self {
        Self::on(TestDb::new().await, "IN ROLE pyairtable_app, pyairtable_system").await
    }

    /// With the role made with `options` and nothing granted.
    pub(crate) async fn on(db: TestDb, options: &str) -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let role = format!("platform_{}", NUMBER.fetch_add(1, Ordering::Relaxed));
        let client = db.superuser().await;
        client.batch_execute(&format!("CREATE ROLE {role} LOGIN {options}")).await.unwrap();
        let row = client
            .query_one("SELECT current_setting('unix_socket_directories'), current_database()::text", &[])
            .await
            .unwrap();
        let socket = row.get::<_, String>(0).trim_matches('"').replace('/', "%2F");
        let url = format!("postgres://{role}@{socket}:5432/{}?sslmode=disable", row.get::<_, String>(1));
        Self { db, role, url }
    }

    pub(crate) async fn sql(&self, sql: &str) {
        self.db.superuser().await.batch_execute(sql).await.unwrap();
    }
}
