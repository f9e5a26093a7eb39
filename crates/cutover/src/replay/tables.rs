//! Tables and columns that the backup does not have: this program's own, which stay behind with the schema that they
//! belong to, and others, which somebody has to decide about.

use db::migrate::MIGRATIONS;
use tokio_postgres::Client;

use super::Choice;
use crate::backup::Manifest;
use crate::digest::{Table, tables};
use crate::{Error, Result};

/// The names of the tables that migrations make.
fn own() -> Vec<&'static str> {
    let words = MIGRATIONS.iter().flat_map(|migration| migration.sql.split("CREATE TABLE ").skip(1));
    let names =
        words.map(|rest| rest.trim_start_matches("IF NOT EXISTS ").split([' ', '(', '\n']).next().unwrap_or(""));
    names.chain(["platform_migrations"]).collect()
}

/// Whether a migration speaks of this table and this column.
fn adds(table: &str, column: &str) -> bool {
    let says = |sql: &str, wanted: &str| {
        sql.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_').any(|word| word == wanted)
    };
    MIGRATIONS.iter().any(|migration| says(migration.sql, table) && says(migration.sql, column))
}

/// Refuses if a table or a column would be lost that nobody has decided about.
pub(super) async fn check(live: &Client, manifest: &Manifest, choice: &Choice) -> Result<()> {
    let own = own();
    let known = |table: &Table| {
        let shown = table.shown();
        own.contains(&table.name.as_str())
            || choice.without.contains(&shown)
            || manifest.tables.iter().any(|one| one.shown() == shown)
    };
    let there = tables(live).await?;
    let mut strange: Vec<String> = there.iter().filter(|table| !known(table)).map(Table::shown).collect();
    for table in &there {
        let Some(before) = manifest.tables.iter().find(|one| one.shown() == table.shown()) else { continue };
        let names = table.columns.iter().map(|column| column.name.as_str());
        let names = names.filter(|name| !adds(&table.name, name));
        let new = names.filter(|name| !before.columns.iter().any(|column| column.name == *name));
        strange.extend(new.map(|name| format!("{}.{name}", table.shown())).filter(|one| !choice.without.contains(one)));
    }
    if strange.is_empty() {
        return Ok(());
    }
    let flags: Vec<String> = strange.iter().map(|name| format!("--without {name}")).collect();
    Err(Error::refused(
        format!("{} appeared since the backup, and no log has what is in there", strange.join(", ")),
        format!(
            "run the same command again with {}, and copy them afterwards from the database that is kept: `pg_dump -t`",
            flags.join(" ")
        ),
    ))
}

#[cfg(test)]
mod tests {
    use super::{adds, own};

    #[test]
    fn own_tables_are_read_from_the_migrations() {
        let own = own();
        for name in ["jobs", "audit_events", "login_sessions", "user_notifications", "platform_migrations"] {
            assert!(own.contains(&name), "{name}: {own:?}");
        }
        assert!(own.iter().all(|name| !name.is_empty()), "{own:?}");
        assert!(adds("refresh_tokens", "successor_nonce") && !adds("users", "nickname"));
    }
}
