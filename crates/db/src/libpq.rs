//! The same server in the words of libpq, for PostgreSQL's own programs.

use std::ffi::OsString;
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
}
