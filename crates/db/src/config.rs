//! Where the database is and how much of it the program may use.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use kernel::Redacted;

use crate::tls::TlsMode;
use crate::{APPLICATION_NAME, COEXISTING_NAME};

/// A parsed `DATABASE_URL`: `postgres://...` with libpq's `sslmode` and `sslrootcert`.
#[derive(Clone)]
pub struct DatabaseUrl {
    pub(crate) config: tokio_postgres::Config,
    pub(crate) tls: TlsMode,
    pub(crate) root_certificate: Option<PathBuf>,
    /// Schemas to look tables up in; the server's default when absent.
    pub(crate) search_path: Option<String>,
    /// What its sessions call themselves.
    pub(crate) application_name: &'static str,
}

impl DatabaseUrl {
    /// For a server reached through a Unix socket, such as the local development one.
    pub fn from_config(config: tokio_postgres::Config) -> Self {
        Self {
            config,
            tls: TlsMode::Disable,
            root_certificate: None,
            search_path: None,
            application_name: APPLICATION_NAME,
        }
    }

    /// The same for a program that serves beside the old services, which its sessions say.
    #[must_use]
    pub fn coexisting(&self) -> Self {
        Self { application_name: COEXISTING_NAME, ..self.clone() }
    }

    /// The same server, another database.
    #[must_use]
    pub fn with_database(&self, name: &str) -> Self {
        let mut other = self.clone();
        other.config.dbname(name);
        other
    }

    /// The user the connection logs in as, if the URL names one.
    pub fn user(&self) -> Option<&str> {
        self.config.get_user()
    }

    /// The password, for checks against well-known defaults.
    pub fn password(&self) -> Option<Redacted<String>> {
        self.config.get_password().map(|bytes| String::from_utf8_lossy(bytes).into_owned().into())
    }

    /// Whether every host is this machine: a Unix socket or a loopback name.
    pub fn is_on_this_host(&self) -> bool {
        self.config.get_hosts().iter().all(|host| match host {
            tokio_postgres::config::Host::Unix(_) => true,
            tokio_postgres::config::Host::Tcp(name) => {
                name == "localhost" || name.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
            }
        })
    }

    /// Whether the connection is encrypted and the server's certificate is checked.
    pub fn verifies_server(&self) -> bool {
        self.tls == TlsMode::VerifyFull
    }
}

impl FromStr for DatabaseUrl {
    type Err = String;

    fn from_str(url: &str) -> Result<Self, String> {
        // tokio-postgres knows neither the verifying modes, nor a root certificate, nor a search path.
        let (base, query) = url.split_once('?').unwrap_or((url, ""));
        let mut tls = TlsMode::Prefer;
        let mut root_certificate = None;
        let mut search_path = None;
        let mut rest = Vec::new();
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            match pair.split_once('=') {
                Some(("sslmode", mode)) => tls = mode.parse()?,
                Some(("sslrootcert", path)) => root_certificate = Some(PathBuf::from(path)),
                Some(("search_path", path)) => search_path = Some(checked_search_path(path)?),
                _ => rest.push(pair),
            }
        }
        let plain = if rest.is_empty() { base.to_owned() } else { format!("{base}?{}", rest.join("&")) };
        let mut config: tokio_postgres::Config =
            plain.parse().map_err(|error: tokio_postgres::Error| error.to_string())?;
        config.ssl_mode(tls.driver_mode());
        Ok(Self { config, tls, root_certificate, search_path, application_name: APPLICATION_NAME })
    }
}

/// A search path goes into a `SET` statement, so only plain names are taken.
fn checked_search_path(path: &str) -> Result<String, String> {
    let path = path.replace("%2C", ",").replace("%2c", ",");
    let plain = |name: &str| {
        !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
    };
    if path.split(',').all(plain) {
        Ok(path)
    } else {
        Err(format!("search_path={path}: expected schema names of a-z, 0-9 and _, separated by commas"))
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Shows everything but the password.
impl fmt::Display for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let config = &self.config;
        write!(f, "postgres://")?;
        if let Some(user) = config.get_user() {
            let password = if config.get_password().is_some() { ":[redacted]" } else { "" };
            write!(f, "{user}{password}@")?;
        }
        for (index, host) in config.get_hosts().iter().enumerate() {
            let comma = if index > 0 { "," } else { "" };
            match host {
                tokio_postgres::config::Host::Tcp(name) => write!(f, "{comma}{name}")?,
                tokio_postgres::config::Host::Unix(path) => write!(f, "{comma}{}", path.display())?,
            }
        }
        if let Some(port) = config.get_ports().first() {
            write!(f, ":{port}")?;
        }
        write!(f, "/{}?sslmode={}", config.get_dbname().unwrap_or_default(), self.tls)?;
        if let Some(path) = &self.search_path {
            write!(f, "&search_path={path}")?;
        }
        Ok(())
    }
}

/// Sizes and time limits of the pools.
#[derive(Debug, Clone, Copy)]
pub struct PoolLimits {
    /// Connections for tenant transactions.
    pub app_connections: usize,
    /// Connections for system transactions: authentication, log-in, refresh.
    pub system_connections: usize,
    /// How long a request waits for a free connection before it is answered 503.
    pub wait: Duration,
    /// How long establishing a connection may take.
    pub connect: Duration,
    /// `statement_timeout`: the server stops a statement that runs longer.
    pub statement: Duration,
    /// `lock_timeout`: the server stops waiting for a lock.
    pub lock: Duration,
    /// When the server itself is frozen nothing above fires; after this long the connection is given up.
    pub answer: Duration,
}

impl Default for PoolLimits {
    fn default() -> Self {
        Self {
            app_connections: 16,
            system_connections: 8,
            wait: Duration::from_secs(2),
            connect: Duration::from_secs(3),
            statement: Duration::from_secs(5),
            lock: Duration::from_secs(3),
            answer: Duration::from_secs(6),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::DatabaseUrl;

    #[test]
    fn url_shows_everything_but_the_password() {
        let url: DatabaseUrl =
            "postgres://app:s3cret@db.internal:5433/pyairtable?sslmode=verify-full&search_path=public,auth"
                .parse()
                .unwrap();
        assert_eq!(
            url.to_string(),
            "postgres://app:[redacted]@db.internal:5433/pyairtable?sslmode=verify-full&search_path=public,auth"
        );
        assert!(!url.is_on_this_host());
        assert!(url.verifies_server());
    }

    #[test]
    fn url_of_the_strategy_is_understood() {
        let url: DatabaseUrl =
            "postgres://postgres:postgres@localhost:5432/pyairtable?sslmode=disable".parse().unwrap();
        assert!(url.is_on_this_host());
        assert_eq!(url.user(), Some("postgres"));
    }

    #[test]
    fn url_with_a_hostile_search_path_is_refused() {
        let error = "postgres://localhost/x?search_path=public;drop".parse::<DatabaseUrl>().unwrap_err();
        assert!(error.contains("search_path"), "{error}");
    }
}
