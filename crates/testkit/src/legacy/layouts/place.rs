//! Where a service connects, as whom, and in which schemas it looks.

use std::fmt::Write as _;

use tokio_postgres::{Client, Config, NoTls};

use crate::legacy::fault::Fault;

/// One service's database.
#[derive(Clone)]
pub struct Place {
    /// The server and the database.
    pub config: Config,
    /// Schemas to look tables up in; the database's default when absent.
    pub search_path: Option<&'static str>,
    /// The role its sessions become; the log-in role when absent.
    pub role: Option<String>,
}

/// The database of each service. They differ in one layout only.
#[derive(Clone)]
pub struct Places {
    /// auth-service's
    pub auth: Place,
    /// user-service's
    pub users: Place,
    /// workspace-service's
    pub workspaces: Place,
    /// tenant-service's
    pub tenants: Place,
    /// notification-service's
    pub notifications: Place,
}

impl Places {
    /// The same, with sessions that become `role`.
    #[must_use]
    pub fn with_role(mut self, role: &str) -> Self {
        for place in self.each_mut() {
            place.role = Some(role.to_owned());
        }
        self
    }

    /// Every database once.
    pub fn databases(&self) -> Vec<&Config> {
        let mut all: Vec<&Config> = Vec::new();
        for place in [&self.auth, &self.users, &self.workspaces, &self.tenants, &self.notifications] {
            if !all.iter().any(|known| known.get_dbname() == place.config.get_dbname()) {
                all.push(&place.config);
            }
        }
        all
    }

    fn each_mut(&mut self) -> [&mut Place; 5] {
        [&mut self.auth, &mut self.users, &mut self.workspaces, &mut self.tenants, &mut self.notifications]
    }
}

impl Place {
    /// What a session of the service begins with. Unlike this program's it keeps the server's time zone (T-51).
    pub(crate) fn session(&self) -> String {
        let mut settings = "SET application_name = 'legacy-stand-in';".to_owned();
        if let Some(path) = self.search_path {
            let _ = write!(settings, "SET search_path = {path};");
        }
        if let Some(role) = &self.role {
            let _ = write!(settings, "SET ROLE {role};");
        }
        settings
    }
}

/// A connection outside the services' pools. [inferred] No TLS: the stand-in runs beside its database.
pub(crate) async fn connect(config: &Config) -> Result<Client, Fault> {
    let (client, connection) = config.connect(NoTls).await?;
    tokio::spawn(connection);
    Ok(client)
}
