//! The calls of backups and restores: the dry run prints these very values and the run carries them out.

use std::path::Path;
use std::sync::atomic::AtomicBool;

use db::DatabaseUrl;

use crate::discover::Server;
use crate::run::{Call, Tools, connected, finish};
use crate::{Error, Result};

pub(super) const BEGIN: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";
pub(super) const EXPORT: &str = "SELECT pg_catalog.pg_export_snapshot()";

pub(super) fn dump(jobs: u16, snapshot: &str, folder: &str, database: &str) -> Call {
    Call::Program(vec![
        "pg_dump".to_owned(),
        "--format=directory".to_owned(),
        format!("--jobs={jobs}"),
        format!("--snapshot={snapshot}"),
        "--lock-wait-timeout=10s".to_owned(),
        "--no-password".to_owned(),
        // Its rows are what the backup is brought up to date with, not a part of it.
        format!("--exclude-table-data={}.*", crate::capture::SCHEMA),
        format!("--file={folder}/database"),
        format!("--dbname={}", connection(database)),
    ])
}

pub(super) fn roles(folder: &str, database: &str) -> Call {
    Call::Program(vec![
        "pg_dumpall".to_owned(),
        "--roles-only".to_owned(),
        "--no-role-passwords".to_owned(),
        "--no-password".to_owned(),
        format!("--file={folder}/roles.sql"),
        format!("--database={database}"),
    ])
}

/// A new database with the properties of the one that was dumped, and the dump in it.
pub(crate) fn restore(server: &Server, into: &str, backup: &Path, jobs: u16) -> Vec<Call> {
    let from = &server.database;
    let mut all = vec![Call::sql(
        from,
        format!(
            "CREATE DATABASE {} TEMPLATE template0 ENCODING {} LC_COLLATE {} LC_CTYPE {}",
            name(into),
            text(&server.encoding),
            text(&server.collation),
            text(&server.ctype)
        ),
    )];
    all.extend(settings(from, &server.settings, into));
    let mut words = vec!["pg_restore".to_owned(), format!("--jobs={jobs}"), "--exit-on-error".to_owned()];
    if !server.sees_all {
        // Only a superuser may give things to others.
        words.push("--no-owner".to_owned());
    }
    words.extend([
        "--no-password".to_owned(),
        format!("--dbname={}", connection(into)),
        format!("{}/database", backup.display()),
    ]);
    all.push(Call::Program(words));
    all.push(forget(into));
    all
}

/// Nobody asked for a log of what is written to a copy.
fn forget(into: &str) -> Call {
    Call::sql(into, format!("DROP SCHEMA IF EXISTS {} CASCADE", crate::capture::SCHEMA))
}

/// Settings of a database and of roles in it, for another one. The statements are run in `from`.
pub(crate) fn settings(from: &str, settings: &[String], into: &str) -> Vec<Call> {
    let mut all = Vec::new();
    for setting in settings {
        let Some((role, (key, value))) = setting.split_once('|').and_then(|(r, s)| Some((r, s.split_once('=')?)))
        else {
            continue;
        };
        // Lists are kept as they were written, quotes included.
        let value = if key == "search_path" { value.to_owned() } else { text(value) };
        let place = format!("DATABASE {}", name(into));
        all.push(Call::sql(
            from,
            if role.is_empty() {
                format!("ALTER {place} SET {key} = {value}")
            } else {
                format!("ALTER ROLE {} IN {place} SET {key} = {value}", name(role))
            },
        ));
    }
    all
}

pub(crate) fn drop_database(server: &Server, name_of: &str) -> Call {
    Call::sql(&server.database, format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", name(name_of)))
}

pub(crate) fn name(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

fn text(value: &str) -> String {
    format!("'{}'", value.replace('\'', "''"))
}

/// A name with `=` in it would be taken for a whole connection string.
fn connection(database: &str) -> String {
    if database.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte)) {
        return database.to_owned();
    }
    format!("dbname='{}'", database.replace('\\', "\\\\").replace('\'', "\\'"))
}

/// What carries calls out.
pub(crate) struct Performer<'a> {
    pub(crate) url: &'a DatabaseUrl,
    pub(crate) tools: &'a Tools,
    pub(crate) server: &'a Server,
    pub(crate) application: &'a str,
    pub(crate) stop: &'a AtomicBool,
}

impl Performer<'_> {
    /// Runs a program that connects to the server.
    pub(super) async fn program(&self, call: &Call) -> Result<()> {
        let Call::Program(words) = call else { return Ok(()) };
        let Some((program, arguments)) = words.split_first() else { return Ok(()) };
        let path = self.tools.find(program, self.server.major).await?;
        let mut command = connected(&path, self.url, &self.server.database, self.application);
        command.args(arguments);
        finish(command, program, self.stop).await.map(drop)
    }

    /// Runs a statement or a program.
    pub(crate) async fn perform(&self, client: &tokio_postgres::Client, call: &Call) -> Result<()> {
        match call {
            Call::Sql { database, statement } if *call == forget(database) => {
                let client = self.url.with_database(database).connect().await?;
                let sql = format!("SET application_name = '{}'; {statement}", self.application);
                client.batch_execute(&sql).await.map_err(Error::sql(statement.clone()))
            }
            Call::Sql { statement, .. } => client.batch_execute(statement).await.map_err(Error::sql(statement.clone())),
            _ => self.program(call).await,
        }
    }
}
