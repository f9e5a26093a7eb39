//! Which rows a request touched: a trigger on every table of a clone notes their keys. So no table is read twice, however
//! large it is, and rows that a side wrote back as they were are looked at too.

use std::collections::BTreeSet;

use tokio_postgres::Client;

use super::tables::{Watched, quote, watched};
use crate::backup::Manifest;
use crate::{Error, Result};

/// Where the notes are; of the clones only.
pub(super) const SCHEMA: &str = "pyairtable_parity";

/// Whoever writes a row need have no rights here, and nothing that is set for their session changes what is noted.
const NOTES: &str = "
    CREATE SCHEMA pyairtable_parity;
    CREATE TABLE pyairtable_parity.notes (number bigint GENERATED ALWAYS AS IDENTITY, relation text NOT NULL, key text[] NOT NULL);
    CREATE FUNCTION pyairtable_parity.note() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
    BEGIN
        IF TG_OP <> 'INSERT' THEN
            INSERT INTO pyairtable_parity.notes (relation, key) SELECT TG_ARGV[0],
                array_agg(to_jsonb(OLD) ->> name ORDER BY at) FROM unnest(TG_ARGV[1:]) WITH ORDINALITY AS k (name, at);
        END IF;
        IF TG_OP <> 'DELETE' THEN
            INSERT INTO pyairtable_parity.notes (relation, key) SELECT TG_ARGV[0],
                array_agg(to_jsonb(NEW) ->> name ORDER BY at) FROM unnest(TG_ARGV[1:]) WITH ORDINALITY AS k (name, at);
        END IF;
        RETURN NULL;
    END $$";

/// Watches every table of the clone that has a key. Others are compared as a whole in the end.
pub(super) async fn install(client: &Client, manifest: &Manifest) -> Result<()> {
    client.batch_execute(NOTES).await.map_err(Error::sql("preparing the clone"))?;
    for table in watched(client, manifest).await?.iter().filter(|table| !table.key.is_empty()) {
        let text = |text: &str| format!("'{}'", text.replace('\'', "''"));
        let words: Vec<String> = std::iter::once(table.name.as_str())
            .chain(table.key.iter().map(|(name, _)| name.as_str()))
            .map(text)
            .collect();
        // Triggers of one kind fire by name: this one after all others.
        let sql = format!(
            "CREATE TRIGGER {} AFTER INSERT OR UPDATE OR DELETE ON {} FOR EACH ROW EXECUTE FUNCTION {SCHEMA}.note({})",
            quote("~ pyairtable parity"),
            table.quoted,
            words.join(", ")
        );
        client.batch_execute(&sql).await.map_err(Error::sql(format!("watching {}", table.name)))?;
    }
    Ok(())
}

/// A row that was touched: its table and its key as texts.
pub(super) type Touched = (String, Vec<String>);

/// What was touched since the last call, in order.
pub(super) async fn take(client: &Client) -> Result<Vec<Touched>> {
    // What is committed meanwhile is not seen, not deleted, and found the next time.
    let sql = "WITH gone AS (DELETE FROM pyairtable_parity.notes RETURNING number, relation, key)
        SELECT relation, key FROM gone ORDER BY number";
    let rows = client.query(sql, &[]).await.map_err(Error::sql("reading what was touched"))?;
    let mut known = BTreeSet::new();
    Ok(rows
        .iter()
        .map(|row| (row.get(0), row.get(1)))
        .filter(|touched: &Touched| known.insert(touched.clone()))
        .collect())
}

/// Whether anything was touched since the last call of [`take`].
pub(super) async fn any(client: &Client) -> Result<bool> {
    let row = client.query_one("SELECT EXISTS (SELECT FROM pyairtable_parity.notes)", &[]).await;
    Ok(row.map_err(Error::sql("reading what was touched"))?.get(0))
}

/// The table of that name.
pub(super) fn find<'a>(tables: &'a [Watched], name: &str) -> Option<&'a Watched> {
    tables.iter().find(|table| table.name == name)
}
