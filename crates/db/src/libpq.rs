//! The same server in the words of libpq, for PostgreSQL's own programs.

use std::ffi::OsString;
use std::fmt::Write as _;
use std::os::unix::ffi::OsStringExt as _;
use std::path::Path;

use kernel::Redacted;
use tokio_postgres::config::Host;

use crate::DatabaseUrl;
use crate::tls::TlsMode;

impl DatabaseUrl {
    /// Environment variables that lead `pg_dump` and its like to this database. A program's environment is its own, but
    /// everybody can read its arguments, so the password must not be there.
    pub fn libpq_environment(&self) -> Vec<(&'static str, Redacted<OsString>)> {
        let config = &self.config;
        let joined = |words: Vec<OsString>| words.join(std::ffi::OsStr::new(","));
        let hosts = config.get_hosts().iter().map(|host| match host {
            Host::Tcp(name) => OsString::from(name),
            Host::Unix(path) => path.clone().into_os_string(),
        });
        let ports = config.get_ports().iter().map(|port| OsString::from(port.to_string()));
        let mut all = vec![
            ("PGHOST", joined(hosts.collect())),
            ("PGPORT", joined(ports.collect())),
            ("PGSSLMODE", self.tls.to_string().into()),
            ("PGCONNECT_TIMEOUT", "10".into()),
        ];
        all.extend(config.get_user().map(|user| ("PGUSER", user.into())));
        all.extend(config.get_dbname().map(|name| ("PGDATABASE", name.into())));
        all.extend(config.get_password().map(|word| ("PGPASSWORD", OsString::from_vec(word.to_vec()))));
        match &self.root_certificate {
            Some(path) => all.push(("PGSSLROOTCERT", path.clone().into_os_string())),
            // libpq looks into a file of its own otherwise, the driver into the system's.
            None if self.tls == TlsMode::VerifyFull => all.push(("PGSSLROOTCERT", system_certificates().into())),
            None => {}
        }
        all.retain(|(_, value)| !value.is_empty());
        all.into_iter().map(|(name, value)| (name, value.into())).collect()
    }
}

impl DatabaseUrl {
    /// The whole URL with its password, for the environment of a program that is to use this database.
    pub fn connection_string(&self) -> Redacted<String> {
        let config = &self.config;
        let mut text = "postgres://".to_owned();
        if let Some(user) = config.get_user() {
            text.push_str(&escaped(user.as_bytes()));
            if let Some(password) = config.get_password() {
                text.push(':');
                text.push_str(&escaped(password));
            }
            text.push('@');
        }
        let hosts = config.get_hosts().iter().enumerate().map(|(at, host)| {
            let host = match host {
                Host::Tcp(name) if name.contains(':') => format!("[{name}]"),
                Host::Tcp(name) => escaped(name.as_bytes()),
                Host::Unix(path) => escaped(path.as_os_str().as_encoded_bytes()),
            };
            let ports = config.get_ports();
            match ports.get(at).or(ports.first()) {
                Some(port) => format!("{host}:{port}"),
                None => host,
            }
        });
        text.push_str(&hosts.collect::<Vec<_>>().join(","));
        text.push('/');
        text.push_str(&escaped(config.get_dbname().unwrap_or_default().as_bytes()));
        let _ = write!(text, "?sslmode={}", self.tls);
        if let Some(path) = &self.root_certificate {
            let _ = write!(text, "&sslrootcert={}", path.display());
        }
        if let Some(path) = &self.search_path {
            let _ = write!(text, "&search_path={path}");
        }
        text.into()
    }
}

/// As in a URL: everything but letters, digits and what never means anything there.
fn escaped(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(byte) {
            text.push(char::from(*byte));
        } else {
            let _ = write!(text, "%{byte:02X}");
        }
        text
    })
}

/// Before version 16 libpq does not know where the system keeps them.
fn system_certificates() -> &'static str {
    let usual = ["/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem"];
    usual.into_iter().find(|path| Path::new(path).is_file()).unwrap_or("system")
}

#[cfg(test)]
mod tests {
    use crate::DatabaseUrl;

    #[test]
    fn programs_find_the_same_database() {
        let url: DatabaseUrl = "postgres://app:s3%20cret@db.internal:5433/pyairtable?sslmode=require".parse().unwrap();
        let all = url.libpq_environment();
        let value = |name: &str| {
            let found = all.iter().find(|(found, _)| *found == name).map(|(_, value)| value.expose().clone());
            found.and_then(|value| value.into_string().ok())
        };
        assert_eq!(value("PGHOST").as_deref(), Some("db.internal"));
        assert_eq!(value("PGPORT").as_deref(), Some("5433"));
        assert_eq!(value("PGUSER").as_deref(), Some("app"));
        assert_eq!(value("PGDATABASE").as_deref(), Some("pyairtable"));
        assert_eq!(value("PGPASSWORD").as_deref(), Some("s3 cret"));
        assert_eq!(value("PGSSLMODE").as_deref(), Some("require"));
        assert_eq!(value("PGSSLROOTCERT"), None);
    }

    #[test]
    fn whole_urls_lead_to_the_same_database_again() {
        for text in [
            "postgres://app:s3%20cr%40t@db.internal:5433/py%2Fairtable?sslmode=require&search_path=auth,public",
            "postgres://postgres@%2Ftmp%2Fa:5432/test_0?sslmode=disable",
            "postgres://app@[::1]:5432/x?sslmode=disable",
        ] {
            let url: DatabaseUrl = text.parse().unwrap();
            let again: DatabaseUrl = url.connection_string().expose().parse().unwrap();
            assert_eq!(again.config, url.config, "{text}");
            assert_eq!(again.to_string(), url.to_string(), "{text}");
        }
    }
}
