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
pub(super) fn restore(server: &Server, into: &str, backup: &Path, jobs: u16) -> Vec<Call> {
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
    all.extend(settings(server, into));
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
    all
}

/// What was set for the database, which neither a dump nor a template carries.
pub(crate) fn settings(server: &Server, into: &str) -> Vec<Call> {
    let parts = server.settings.iter().filter_map(|setting| {
        let (role, setting) = setting.split_once('|')?;
        let (key, value) = setting.split_once('=')?;
        Some((role, key, value))
    });
    let statement = |(role, key, value): (&str, &str, &str)| {
        // Lists are kept as they were written, quotes included.
        let value = if key == "search_path" { value.to_owned() } else { text(value) };
        let place = format!("DATABASE {}", name(into));
        Call::sql(
            &server.database,
            if role.is_empty() {
                format!("ALTER {place} SET {key} = {value}")
            } else {
                format!("ALTER ROLE {} IN {place} SET {key} = {value}", name(role))
            },
        )
    };
    parts.map(statement).collect()
}

pub(super) fn drop_database(server: &Server, name_of: &str) -> Call {
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
pub(super) struct Performer<'a> {
    pub(super) url: &'a DatabaseUrl,
    pub(super) tools: &'a Tools,
    pub(super) server: &'a Server,
    pub(super) application: &'a str,
    pub(super) stop: &'a AtomicBool,
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
    pub(super) async fn perform(&self, client: &tokio_postgres::Client, call: &Call) -> Result<()> {
        match call {
            Call::Sql { statement, .. } => client.batch_execute(statement).await.map_err(Error::sql(statement.clone())),
            _ => self.program(call).await,
        }
    }
}
