//! Values of every type come through the log as they were, whatever the settings of those who wrote them.

use std::fmt::Write as _;

use pyairtable_cutover::replay::{self, Choice};
use pyairtable_cutover::{run, steps};
use testkit::legacy::layouts::Layout;

use super::world::{World, differing_tables};
use crate::support::{Dice, long, seed};

/// A type and values of it, each as an expression.
const TYPES: &[(&str, &[&str])] = &[
    ("boolean", &["true", "false", "NULL"]),
    ("bigint", &["-9223372036854775808", "0", "NULL"]),
    ("numeric", &["'NaN'", "1.00", "1.0", "'Infinity'", "-0.000", "12345678901234567890.12345678901234567890"]),
    ("numeric(10,2)", &["1.5", "NULL"]),
    ("double precision", &["'NaN'", "'-0'", "0.1", "'Infinity'", "4.9e-324", "1.7976931348623157e308"]),
    ("real", &["0.1", "'-0'", "16777216"]),
    ("text", &["''", "NULL", "' a '", "E'tab\\tnew\\nline \\\\ '' \" {}'", "'é'", "U&'e\\0301'", "'NULL'"]),
    ("varchar(5)", &["'a  '", "''", "NULL"]),
    ("char(5)", &["'a'", "''", "NULL"]),
    ("bpchar", &["'a  '", "'a'"]),
    ("\"char\"", &["'x'", "''", "NULL"]),
    ("name", &["'some name'"]),
    ("bytea", &["'\\x00ff'", "''", "NULL"]),
    ("date", &["'infinity'", "'0044-03-15 BC'", "'2026-03-01'"]),
    ("timestamp", &["'infinity'", "'-infinity'", "'2026-03-01 12:00:00.123456'", "'4713-01-01 00:00:00 BC'"]),
    ("timestamptz", &["'infinity'", "'2026-03-01 12:00:00.123456+09'", "'1883-11-18 12:03:58-05'", "NULL"]),
    ("time", &["'24:00'", "'12:34:56.789'"]),
    ("timetz", &["'12:34:56.789-03:30'"]),
    ("interval", &["'1 year -2 days 03:04:05.000006'", "'-1 mon'", "'0'"]),
    ("uuid", &["'00000000-0000-0000-0000-000000000000'", "NULL"]),
    ("json", &["'{\"b\": 1,   \"a\": 1, \"b\": 2}'", "'null'", "NULL", "'[1.00, \"\\u00e9\"]'"]),
    ("jsonb", &["'{\"b\": 1.00, \"a\": null}'", "'null'", "NULL"]),
    ("xml", &["'<a>  <b/></a>'"]),
    ("inet", &["'10.0.0.1'", "'10.0.0.1/8'", "'::1'"]),
    ("cidr", &["'10.0.0.0/8'"]),
    ("macaddr", &["'08:00:2b:01:02:03'"]),
    ("bit(3)", &["B'101'"]),
    ("bit varying", &["B''", "B'10101'"]),
    ("money", &["'-12.34'"]),
    ("point", &["'(0.1,-0)'"]),
    ("int4range", &["'[1,5)'", "'empty'", "'(,)'", "NULL"]),
    ("tstzmultirange", &["'{[2026-01-01, 2026-01-02)}'", "'{}'"]),
    ("tsvector", &["'a:1 b:2'"]),
    ("regclass", &["'pg_class'"]),
    ("integer[]", &["'{}'", "'{1,NULL,3}'", "'[0:1]={1,2}'", "'{{1,2},{3,4}}'", "NULL"]),
    ("text[]", &["'{\"\",NULL,\"NULL\",\"a,b\",\"{\"}'"]),
    ("timestamptz[]", &["'{2026-03-01 12:00:00+09,infinity}'"]),
    ("mood", &["'happy'", "'so so'", "NULL"]),
    ("mood[]", &["'{happy,NULL,\"so so\"}'"]),
    ("positive", &["1", "NULL"]),
    ("pair", &["ROW(NULL, NULL)", "ROW('a, \"b\"', '2026-03-01 12:00:00+00')", "NULL"]),
    ("pair[]", &["ARRAY[ROW('a', NULL)::pair, NULL]"]),
    ("hstore", &["'a=>1, \"b c\"=>NULL'"]),
    ("citext", &["'Aa'", "'aa'"]),
];

/// What an old service's session may have set.
const SESSIONS: &[&str] = &[
    "",
    "SET TimeZone = 'Asia/Tokyo'; SET DateStyle = 'German, DMY'; SET IntervalStyle = 'sql_standard'",
    "SET extra_float_digits = -15; SET bytea_output = 'escape'; SET TimeZone = 'America/New_York'; SET xmlbinary = hex",
    "SET DateStyle = 'SQL, MDY'; SET IntervalStyle = 'iso_8601'; SET standard_conforming_strings = on; SET quote_all_identifiers = on",
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn full_rollback_brings_every_type_back_as_it_was() {
    let world = World::of(Layout::Public).await;
    let client = world.client().await;
    let mut sql = "CREATE EXTENSION hstore; CREATE EXTENSION citext; CREATE TYPE mood AS ENUM ('happy', 'so so');
        CREATE DOMAIN positive AS integer CHECK (VALUE > 0); CREATE TYPE pair AS (a text, b timestamptz);"
        .to_owned();
    for (table, key) in [("typed", "id integer PRIMARY KEY"), ("typed_keyless", "id integer")] {
        let columns: Vec<String> =
            TYPES.iter().enumerate().map(|(at, (kind, _))| format!("\"c {at}\" {kind}")).collect();
        let _ = write!(sql, "CREATE TABLE {table} ({key}, {});", columns.join(", "));
    }
    for (at, (kind, values)) in TYPES.iter().enumerate() {
        // Each type alone too: which settings its trigger needs is decided table by table.
        let _ = write!(sql, "CREATE TABLE alone_{at} (id integer PRIMARY KEY, value {kind});");
        let _ = write!(sql, "INSERT INTO alone_{at} VALUES (1, {});", values[0]);
    }
    client.batch_execute(&sql).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let mut cx = world.open(folder.path()).await;
    run::run(&mut cx, &steps::preparation()).await.unwrap();

    let dice = Dice::new(seed());
    for round in 0..if long() { 2_000 } else { 150 } {
        client.batch_execute("RESET ALL").await.unwrap();
        client.batch_execute(dice.one::<&str>(SESSIONS)).await.unwrap();
        let table = dice.one::<&str>(&["typed", "typed_keyless"]);
        let id = dice.below(20);
        let values: Vec<String> =
            TYPES.iter().map(|(kind, values)| format!("({})::{kind}", dice.one::<&str>(values))).collect();
        let columns: Vec<String> = (0..TYPES.len()).map(|at| format!("\"c {at}\"")).collect();
        let (columns, values) = (columns.join(", "), values.join(", "));
        let sql = match dice.below(5) {
            0 => format!("DELETE FROM {table} WHERE id = {id}"),
            1 => format!("UPDATE {table} SET ({columns}) = ROW({values}) WHERE id = {id}"),
            _ => format!(
                "DELETE FROM {table} WHERE id = {id}; INSERT INTO {table} (id, {columns}) VALUES ({id}, {values})"
            ),
        };
        client.batch_execute(&sql).await.unwrap_or_else(|error| panic!("{round}: {sql}: {error:?}"));
    }
    for (at, (kind, values)) in TYPES.iter().enumerate() {
        for (id, value) in (2..).zip(*values) {
            client.batch_execute(dice.one::<&str>(SESSIONS)).await.unwrap();
            let sql = format!(
                "INSERT INTO alone_{at} VALUES ({id}, ({value})::{kind}); UPDATE alone_{at} SET value = ({value})::{kind} WHERE id = 1"
            );
            client.batch_execute(&sql).await.unwrap_or_else(|error| panic!("{sql}: {error:?}"));
        }
    }
    drop(client);
    let done = run::run(&mut cx, &replay::steps(&Choice::default())).await.unwrap();
    assert!(done.last().unwrap().outcome["changes"].as_u64().unwrap() > 200, "{done:?}");
    let (now, kept) = (world.client().await, world.named(&cx.plan.kept()).await);
    assert_eq!(differing_tables(&now, &kept, &cx.folder).await, Vec::<String>::new());
}
