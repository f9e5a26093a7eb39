//! The layouts the tables of a running deployment may have (contract 2.6).

use pyairtable_platform::app::Parts;
use testkit::TestDb;
use testkit::legacy::layouts::{WORKSPACE_TRIGGERS, WORKSPACES_ORM};

use crate::support::TestApp;

/// Who made the workspace tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Schema {
    /// This program.
    Own,
    /// The old service's script, with its triggers.
    Triggers,
    /// The old service's ORM.
    Orm,
}

impl Schema {
    pub(crate) const ALL: [Self; 3] = [Self::Own, Self::Triggers, Self::Orm];

    /// The program on a database of this layout.
    pub(crate) async fn app(self) -> TestApp {
        self.app_with(|_| {}).await
    }

    pub(crate) async fn app_with(self, change: impl FnOnce(&mut Parts)) -> TestApp {
        TestApp::on(self.database().await, change)
    }

    pub(crate) async fn database(self) -> TestDb {
        match self {
            Self::Own => TestDb::new().await,
            Self::Triggers => {
                let db = TestDb::new().await;
                db.superuser().await.batch_execute(WORKSPACE_TRIGGERS).await.unwrap();
                db
            }
            Self::Orm => {
                let db = TestDb::empty().await;
                db.superuser().await.batch_execute(WORKSPACES_ORM).await.unwrap();
                db::migrate::up(db.url()).await.unwrap();
                db
            }
        }
    }
}
