//! The statements. They are put together from names found in the catalogs, which are quoted.

use super::{SCHEMA, Shape, ShapeColumn};
use crate::digest::quote;

/// A statement, or several that belong together, and the table they lock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Install {
    /// The table, quoted; `None` if nobody else knows what is touched.
    pub table: Option<String>,
    /// What is executed, without the transaction around it.
    pub sql: String,
}

/// `xid` is the transaction that the client began, whatever savepoints it has, and never wraps around. The index serves
/// whoever asks for what a snapshot does not see.
pub(super) const SCHEMA_AND_LOG: &str = "CREATE SCHEMA pyairtable_cutover;
    CREATE TABLE pyairtable_cutover.shapes (id integer PRIMARY KEY, schema text NOT NULL, name text NOT NULL,
        columns jsonb NOT NULL, key text[] NOT NULL, since timestamptz NOT NULL DEFAULT pg_catalog.now());
    CREATE TABLE pyairtable_cutover.changes (id bigint GENERATED ALWAYS AS IDENTITY,
        xid xid8 NOT NULL DEFAULT pg_catalog.pg_current_xact_id(),
        at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(), shape integer NOT NULL,
        operation \"char\" NOT NULL, key text[], image text[],
        application text NOT NULL DEFAULT pg_catalog.current_setting('application_name'));
    CREATE INDEX changes_xid ON pyairtable_cutover.changes (xid, id);
    REVOKE ALL ON SCHEMA pyairtable_cutover FROM PUBLIC";

/// Triggers of a table run in the order of their names. This one must come first: what others do in turn is written
/// down by then after what made them do it.
pub(super) const ROW_TRIGGER: &str = "!pyairtable_capture";
/// The same for `TRUNCATE`.
pub(super) const STATEMENT_TRIGGER: &str = "!pyairtable_capture_all";

/// Settings under which each type writes a value in its one exact form; each costs a little at every call, so those
/// are left out that no column depends on.
fn settings(shape: &Shape) -> String {
    let kinds: Vec<&str> = shape.columns.iter().map(|column| column.kind.as_str()).collect();
    // A type somebody made, and arrays and ranges, may have anything in them.
    let plain =
        |kind: &&str| PLAIN.iter().any(|plain| kind.split('(').next() == Some(plain) || kind.starts_with("time"));
    let unknown = !kinds.iter().all(plain);
    let any = |part: &str| unknown || kinds.iter().any(|kind| kind.contains(part));
    let mut text = " SET search_path = pg_catalog, pg_temp".to_owned();
    for (needed, setting) in [
        (any("time"), "TimeZone = 'UTC'"),
        (any("time") || any("date"), "DateStyle = 'ISO, YMD'"),
        (unknown, "IntervalStyle = 'postgres'"),
        (any("double") || any("real"), "extra_float_digits = 1"),
        (any("bytea"), "bytea_output = 'hex'"),
        (unknown, "lc_monetary = 'C'"),
        (unknown, "quote_all_identifiers = off"),
    ] {
        if needed {
            text.push_str(" SET ");
            text.push_str(setting);
        }
    }
    text
}

/// Types whose text depends on no setting, or on one that is looked for by name.
const PLAIN: &[&str] = &[
    "uuid",
    "text",
    "character varying",
    "character",
    "smallint",
    "integer",
    "bigint",
    "numeric",
    "boolean",
    "json",
    "jsonb",
    "inet",
    "date",
    "bytea",
    "double precision",
    "real",
    "text[]",
];

/// A value as text: the type's own form. Casting does the same for all types but one, and goes on working when somebody
/// changes the column's type.
pub(crate) fn as_text(column: &ShapeColumn, value: &str) -> String {
    if column.padded {
        format!("pg_catalog.textin(pg_catalog.bpcharout({value}))")
    } else {
        format!("{value}::pg_catalog.text")
    }
}

fn values(columns: &[&ShapeColumn], record: &str) -> String {
    let all: Vec<String> =
        columns.iter().map(|column| as_text(column, &format!("{record}.{}", quote(&column.name)))).collect();
    format!("ARRAY[{}]::pg_catalog.text[]", all.join(", "))
}

fn row(columns: &[&ShapeColumn], record: &str) -> String {
    let all: Vec<String> = columns.iter().map(|column| format!("{record}.{}", quote(&column.name))).collect();
    format!("ROW({})", all.join(", "))
}

/// The function and the triggers of one table. `again` if it had others before.
pub(super) fn install(shape: &Shape, again: bool) -> String {
    let (table, id) = (shape.quoted(), shape.id);
    let written: Vec<&ShapeColumn> = shape.written().collect();
    let function = format!("{SCHEMA}.shape_{id}");
    let columns = literal(&serde_json::to_string(&shape.columns).unwrap_or_default());
    let key = shape.key.iter().map(|name| literal(name)).collect::<Vec<_>>().join(", ");
    let (rows, all) = (quote(ROW_TRIGGER), quote(STATEMENT_TRIGGER));
    let before = if again {
        format!("DROP TRIGGER IF EXISTS {rows} ON {table}; DROP TRIGGER IF EXISTS {all} ON {table}; ")
    } else {
        String::new()
    };
    format!(
        "{before}INSERT INTO {SCHEMA}.shapes (id, schema, name, columns, key)
            VALUES ({id}, {}, {}, {columns}, ARRAY[{key}]::pg_catalog.text[]);
        CREATE FUNCTION {function}() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER{} AS {BODY}
        DECLARE kind pg_catalog.text := pg_catalog.substr(TG_OP, 1, 1); named pg_catalog.text[]; image pg_catalog.text[];
        BEGIN
            IF TG_LEVEL = 'ROW' THEN
                BEGIN
                    IF TG_OP = 'UPDATE' THEN
                        IF pg_catalog.record_image_eq({}, {}) THEN RETURN NULL; END IF;
                    END IF;
                    IF TG_OP <> 'INSERT' THEN named := {}; END IF;
                    IF TG_OP <> 'DELETE' THEN image := {}; END IF;
                EXCEPTION WHEN OTHERS THEN
                    kind := '?'; named := NULL; image := NULL;
                END;
            END IF;
            INSERT INTO {SCHEMA}.changes (shape, operation, key, image) VALUES ({id}, kind::\"char\", named, image);
            RETURN NULL;
        END {BODY};
        REVOKE ALL ON FUNCTION {function}() FROM PUBLIC;
        CREATE TRIGGER {rows} AFTER INSERT OR UPDATE OR DELETE ON {table} FOR EACH ROW EXECUTE FUNCTION {function}();
        CREATE TRIGGER {all} AFTER TRUNCATE ON {table} FOR EACH STATEMENT EXECUTE FUNCTION {function}();
        ALTER TABLE {table} ENABLE ALWAYS TRIGGER {rows}, ENABLE ALWAYS TRIGGER {all}",
        literal(&shape.schema),
        literal(&shape.name),
        settings(shape),
        row(&written, "OLD"),
        row(&written, "NEW"),
        values(&shape.naming(), "OLD"),
        values(&written, "NEW"),
    )
}

/// What stands around a function's body.
const BODY: &str = "$pyairtable_capture$";

/// With `E`, so that a backslash is one whatever the settings.
pub(crate) fn literal(value: &str) -> String {
    format!("E'{}'", value.replace('\\', "\\\\").replace('\'', "''"))
}
