//! What stands in the database, read from its catalogs: migrations say what somebody once meant, not what is there.
//!
//! The first discovery of a run is kept. Its tables and columns are the ones that are measured ever after, so that what
//! the new program adds changes no digest.

mod facts;
mod fingerprint;
mod step;

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};
use tokio_postgres::Client;

pub use self::facts::{Relation, Role, Server, Session, Trigger};
pub(crate) use self::fingerprint::bare;
pub use self::fingerprint::{fingerprint, schema};
pub use self::step::Discover;
use crate::digest::{SESSION, Table, tables};
use crate::{Error, Result};

/// The tables that old and new services share.
pub const SHARED: &[&str] = &[
    "users",
    "refresh_tokens",
    "user_profiles",
    "tenants",
    "workspaces",
    "projects",
    "airtable_bases",
    "workspace_members",
    "workspace_audit_logs",
];

/// Everything that is known about a database before anything is changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Discovery {
    /// The server and the database.
    pub server: Server,
    /// SHA-256 of the whole schema as text: the same for the same schema.
    pub fingerprint: String,
    /// In which shape the old services left their tables.
    pub layout: Vec<String>,
    /// Tables and views.
    pub relations: Vec<Relation>,
    /// Triggers on them.
    pub triggers: Vec<Trigger>,
    /// Extensions with their versions.
    pub extensions: Vec<String>,
    /// Tables in which programs note their migrations, with the newest entry.
    pub migrations: Vec<String>,
    /// Roles that own or may use these tables.
    pub roles: Vec<Role>,
    /// Who is connected.
    pub sessions: Vec<Session>,
    /// Roles that could change the schema at their next start, with the reason.
    pub schema_writers: Vec<String>,
    /// Other databases of the server that hold tables of the old services, judging by their names.
    pub other_databases: Vec<String>,
    /// The tables to measure, with the columns they have now.
    pub tables: Vec<Table>,
}

/// Looks. Reads catalogs and counts rows, and takes no lock but those of reading.
pub async fn discover(client: &Client) -> Result<Discovery> {
    let server = facts::server(client).await?;
    if server.major < 14 {
        return Err(Error::refused(
            format!("PostgreSQL {} is too old: rows are hashed with a function of version 14", server.version),
            "upgrade the server to PostgreSQL 14 or later, then run the same command again",
        ));
    }
    // Before the session is set up for measuring: where tables are found is part of what there is.
    let layout = facts::layout(client).await?;
    client.batch_execute(SESSION).await.map_err(Error::sql("setting the session up"))?;
    let relations = facts::relations(client).await?;
    Ok(Discovery {
        fingerprint: fingerprint(&schema(client).await?),
        layout,
        triggers: facts::triggers(client).await?,
        extensions: facts::texts(client, facts::EXTENSIONS).await?,
        migrations: facts::migrations(client, &relations).await?,
        roles: facts::roles(client).await?,
        sessions: facts::sessions(client).await?,
        schema_writers: facts::texts(client, facts::SCHEMA_WRITERS).await?,
        other_databases: facts::other_databases(client, &server.database).await?,
        tables: tables(client).await?,
        relations,
        server,
    })
}

impl Discovery {
    /// In words, for people.
    pub fn words(&self) -> String {
        let mut text = String::new();
        let server = &self.server;
        let _ = writeln!(
            text,
            "database     {} on PostgreSQL {}, {} MB",
            server.database,
            server.version,
            server.bytes >> 20
        );
        let _ = writeln!(
            text,
            "             {}, sorted by {}, sessions in {}",
            server.encoding, server.collation, server.time_zone
        );
        let _ = writeln!(text, "schema       {}", self.fingerprint);
        for line in &self.layout {
            let _ = writeln!(text, "layout       {line}");
        }
        for relation in &self.relations {
            let rows = relation.rows.map_or_else(|| "view".to_owned(), |rows| format!("{rows} rows"));
            let _ = writeln!(
                text,
                "{:<12} {}.{}, {rows}, of {}",
                relation.kind, relation.schema, relation.name, relation.owner
            );
        }
        for trigger in &self.triggers {
            let _ = writeln!(text, "trigger      {} on {}", trigger.name, trigger.relation);
        }
        for role in &self.roles {
            let _ = writeln!(text, "role         {}", role.words());
        }
        for session in &self.sessions {
            let _ = writeln!(text, "connected    {}", session.words());
        }
        for (what, lines) in [
            ("extension", &self.extensions),
            ("migrations", &self.migrations),
            ("may migrate", &self.schema_writers),
            ("elsewhere", &self.other_databases),
        ] {
            for line in lines {
                let _ = writeln!(text, "{what:<12} {line}");
            }
        }
        text
    }
}
