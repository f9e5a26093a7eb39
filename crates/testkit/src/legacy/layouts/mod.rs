//! The databases that a deployment may have (contract 2.1), each made from the parts beside this file.

mod place;
mod roles;

pub use place::{Place, Places};
pub use roles::OldRole;

use tokio_postgres::Config;

use super::fault::Fault;
pub(super) use place::connect;

/// auth-service's tables (contract 2.2, 2.3).
pub const AUTH: &str = include_str!("auth.sql");
/// user-service's migration (contract 2.4).
pub const PROFILES: &str = include_str!("profiles.sql");
/// `users` as a view over the Python edition's table (T-41).
pub const VIEW: &str = include_str!("view.sql");
/// workspace-service's script without its triggers (contract 2.6).
pub const WORKSPACES: &str = include_str!("workspaces.sql");
/// The script's triggers (T-45 to T-47).
pub const WORKSPACE_TRIGGERS: &str = include_str!("workspace_triggers.sql");
/// What workspace-service's ORM makes instead.
pub const WORKSPACES_ORM: &str = include_str!("workspaces_orm.sql");

const USER_SERVICE: &str = include_str!("user_service.sql");
const WIDENED: &str = include_str!("widened.sql");
const TENANTS: &str = include_str!("tenants.sql");
const TENANTS_DRAFT: &str = include_str!("tenants_draft.sql");
const GATEWAY: &str = include_str!("gateway.sql");
/// [inferred] The scaffold's unrelated example with an unsigned-integer id (contract 1.5).
pub(super) const EXAMPLES: &str = "CREATE TABLE examples (id bigserial PRIMARY KEY, name text, created_at timestamptz,
    updated_at timestamptz, deleted_at timestamptz)";

/// Where the old tables stand and who made them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    /// Everything in `public`, the workspace tables by the script (layout C).
    Public,
    /// The same, the workspace tables by the ORM.
    Orm,
    /// A schema for each service that had a migration runner (layout A).
    Schemas,
    /// A database for each service (layout B). The only one in which user-service has a table of its own.
    Databases,
    /// `users` is a view over another table.
    View,
    /// Sessions are not in UTC, so naive times are local ones (T-51).
    Tokyo,
    /// `users` has the columns of both services that address it.
    Widened,
    /// `tenants` exists in the draft's shape.
    DraftTenants,
}

impl Layout {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Public,
        Self::Orm,
        Self::Schemas,
        Self::Databases,
        Self::View,
        Self::Tokyo,
        Self::Widened,
        Self::DraftTenants,
    ];

    /// Its name on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::Orm => "orm",
            Self::Schemas => "schemas",
            Self::Databases => "databases",
            Self::View => "view",
            Self::Tokyo => "tokyo",
            Self::Widened => "widened",
            Self::DraftTenants => "draft-tenants",
        }
    }

    /// The layout of that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|layout| layout.name() == name)
    }

    /// Whether user-service finds a table with its columns; elsewhere all its statements fail (contract 2.5).
    pub const fn user_service_works(self) -> bool {
        matches!(self, Self::Databases | Self::Widened)
    }

    /// Whether auth-service and user-service see the same people.
    pub const fn shares_users(self) -> bool {
        matches!(self, Self::Widened)
    }

    /// Whether the script made the workspace tables, with triggers, checks and foreign keys.
    pub const fn has_triggers(self) -> bool {
        !matches!(self, Self::Orm | Self::Databases)
    }

    /// Whether there is a table of tenants, in either shape.
    pub const fn has_tenants(self) -> bool {
        matches!(self, Self::Public | Self::Tokyo | Self::DraftTenants)
    }

    /// Makes the tables in the database `main`, which must be empty, and in databases named after it where each service
    /// has its own.
    pub async fn create(self, main: &Config) -> Result<Places, Fault> {
        let places = self.places(main);
        let admin = connect(main).await?;
        let name = main.get_dbname().unwrap_or("postgres");
        match self {
            Self::Schemas => {
                admin.batch_execute("CREATE SCHEMA auth; CREATE SCHEMA users; CREATE SCHEMA gateway").await?;
            }
            Self::Tokyo => {
                admin.batch_execute(&format!("ALTER DATABASE \"{name}\" SET timezone = 'Asia/Tokyo'")).await?;
            }
            Self::Databases => {
                for place in [&places.users, &places.workspaces, &places.notifications] {
                    let other = place.config.get_dbname().unwrap_or_default();
                    admin.batch_execute(&format!("CREATE DATABASE \"{other}\" TEMPLATE template0")).await?;
                }
            }
            _ => {}
        }
        if matches!(self, Self::Schemas) {
            // So that whoever connects without a search_path of their own, such as this program, finds them all.
            let path = format!("ALTER DATABASE \"{name}\" SET search_path = auth, users, public");
            admin.batch_execute(&path).await?;
        }
        drop(admin);
        for (place, sql) in self.parts(&places) {
            let client = connect(&place.config).await?;
            let path = place.search_path.unwrap_or("public");
            client.batch_execute(&format!("SET search_path = {path}; {sql}")).await?;
        }
        Ok(places)
    }

    /// The same unless the database has tables, which are then taken to be this layout's. Says whether it made them.
    pub async fn create_if_empty(self, main: &Config) -> Result<(Places, bool), Fault> {
        let sql = "SELECT count(*) FROM pg_class WHERE relkind IN ('r', 'v')
            AND relnamespace::regnamespace::text !~ '^(pg_|information_schema)'";
        let tables: i64 = connect(main).await?.query_one(sql, &[]).await?.try_get(0)?;
        Ok(if tables == 0 { (self.create(main).await?, true) } else { (self.places(main), false) })
    }

    /// Where each service connects in this layout, whether or not the tables are there yet.
    pub fn places(self, main: &Config) -> Places {
        let of = |suffix: &str, search_path| {
            let mut config = main.clone();
            if self == Self::Databases && !suffix.is_empty() {
                config.dbname(format!("{}_{suffix}", main.get_dbname().unwrap_or("postgres")));
            }
            Place { config, search_path, role: None }
        };
        let path = |schemas| (self == Self::Schemas).then_some(schemas);
        Places {
            auth: of("", path("auth, public")),
            users: of("users", path("users, public")),
            // No runner applies the workspace script, so wherever it was run by hand is `public`.
            workspaces: of("workspaces", path("public")),
            tenants: of("", path("public")),
            notifications: of("notifications", path("public")),
        }
    }

    fn parts(self, places: &Places) -> Vec<(&Place, &'static str)> {
        let Places { auth, users, workspaces, tenants, notifications } = places;
        let mut parts = match self {
            Self::View => vec![(auth, VIEW)],
            Self::Databases => vec![(auth, AUTH), (users, USER_SERVICE), (users, PROFILES)],
            Self::Widened => vec![(auth, AUTH), (auth, WIDENED), (users, PROFILES)],
            _ => vec![(auth, AUTH), (users, PROFILES)],
        };
        if self.has_triggers() {
            parts.extend([(workspaces, WORKSPACES), (workspaces, WORKSPACE_TRIGGERS)]);
        } else {
            parts.push((workspaces, WORKSPACES_ORM));
        }
        match self {
            Self::DraftTenants => parts.push((tenants, TENANTS_DRAFT)),
            _ if self.has_tenants() => parts.push((tenants, TENANTS)),
            _ => {}
        }
        parts.push((notifications, EXAMPLES));
        if self != Self::Databases {
            parts.push((tenants, GATEWAY));
        }
        parts
    }
}
