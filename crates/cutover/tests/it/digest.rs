//! Single values that change, and everything that is not a change.

use std::time::Instant;

use pyairtable_cutover::digest::{
    Difference, How, SESSION, Side, Table, TableDigest, bisect, counts, differing, measure, measure_again, tables,
};
use testkit::TestDb;
use testkit::legacy::layouts::Layout;
use tokio_postgres::Client;

use crate::support::{Dice, long, old_world, seed, text};

async fn nothing(_: u64) -> pyairtable_cutover::Result<()> {
    Ok(())
}

async fn measured(client: &Client, tables: &[Table]) -> Vec<TableDigest> {
    let side = Side::new(client);
    let mut all = Vec::new();
    for table in tables {
        all.push(measure(&side, table, nothing).await.unwrap());
    }
    all
}

/// What differs now, and how many queries that took.
async fn found(before: &Client, now: &Client, tables: &[Table], digests: &[TableDigest]) -> (Vec<Difference>, u32) {
    let (first, second) = (Side::new(before), Side::new(now));
    let mut all = Vec::new();
    for (table, digest) in tables.iter().zip(digests) {
        let again = measure_again(&second, table, digest, nothing).await.unwrap();
        for chunk in differing(digest, &again) {
            all.extend(bisect(&first, &second, table, digest, chunk).await.unwrap());
        }
    }
    all.sort();
    (all, first.queries() + second.queries())
}

/// Changes of one value that leave something else than before, by the kind of the column.
fn changes(kind: &str, dice: &Dice) -> &'static str {
    let all: &[&'static str] = match kind {
        "boolean" => &["NOT coalesce($, false)", "CASE WHEN $ IS NULL THEN true END"],
        "timestamp with time zone" | "timestamp without time zone" => {
            &["coalesce($, now()) + interval '1 microsecond'", "CASE WHEN $ IS NULL THEN now() END"]
        }
        "jsonb" => &[
            "coalesce(nullif($, 'null'), '{}') || '{\"planted\": null}'",
            "CASE WHEN $ IS NULL THEN 'null'::jsonb END",
            "jsonb_build_object('n', CASE WHEN $ = '{\"n\": 1.0}' THEN 1.00 ELSE 1.0 END)",
        ],
        "integer" | "bigint" => &["coalesce($, 0) + 1"],
        "uuid" => &["gen_random_uuid()"],
        kind if kind.starts_with("character varying") || kind == "text" => &[
            "coalesce($, '') || ' '",
            "CASE WHEN $ = '' THEN NULL ELSE '' END",
            "CASE WHEN $ = U&'\\00E9' THEN U&'e\\0301' ELSE U&'\\00E9' END",
            "upper(coalesce($, 'a')) || 'x'",
            "chr(160) || coalesce($, '')",
        ],
        other => panic!("no change of {other}"),
    };
    all[dice.below(all.len())]
}

/// One value at a time, in a transaction that is rolled back, compared with what everybody else sees.
#[tokio::test]
async fn digest_finds_every_changed_value_and_names_row_and_column() {
    let dice = Dice::new(seed());
    let wanted = if long() { 10_000 } else { 300 };
    let layouts = [Layout::Public, Layout::Orm, Layout::View, Layout::Widened];
    let (mut by_count, mut most_queries, mut slowest, mut done) = (0, 0, 0, 0);
    for layout in layouts {
        let db = old_world(layout, 150).await;
        let (before, now) = (db.superuser().await, db.superuser().await);
        now.batch_execute("SET session_replication_role = replica").await.unwrap(); // triggers would touch more
        // What refuses a value is no business of a digest.
        strip_constraints(&now).await;
        let tables = tables(&before).await.unwrap();
        let digests = measured(&before, &tables).await;
        let filled: Vec<usize> = (0..tables.len()).filter(|&at| digests[at].rows > 1).collect();
        assert!(filled.len() >= 6, "{layout:?}: {}", filled.len());
        let counted = counts(&before, &tables).await.unwrap();
        let mut planted = 0;
        while planted < wanted / layouts.len() {
            let table = &tables[*dice.one(&filled)];
            let column = dice.one(&table.columns);
            if table.key.contains(&column.name) {
                continue;
            }
            let place = format!("\"{}\".\"{}\"", table.schema, table.name);
            let names = table.key.iter().map(|name| format!("\"{name}\"")).collect::<Vec<_>>().join(", ");
            let texts = table.key.iter().map(|name| format!("\"{name}\"::text")).collect::<Vec<_>>().join(", ");
            now.batch_execute("BEGIN").await.unwrap();
            let offset = dice.below(usize::try_from(digests_of(&tables, &digests, table).rows).unwrap());
            let name = format!("\"{}\"", column.name);
            // Now and then two rows swap their values instead.
            let swap = dice.below(8) == 0;
            let (sql, rows) = if swap {
                let pair = format!("SELECT ctid, {name} AS v FROM {place} ORDER BY {names}");
                (
                    format!(
                        "WITH a AS ({pair} OFFSET {offset} LIMIT 1), b AS (SELECT ctid, v FROM ({pair}) p WHERE v IS DISTINCT \
                         FROM (SELECT v FROM a) LIMIT 1)
                         UPDATE {place} t SET {name} = CASE WHEN t.ctid = (SELECT ctid FROM a) THEN (SELECT v FROM b)
                         ELSE (SELECT v FROM a) END WHERE EXISTS (SELECT FROM b) AND t.ctid IN (SELECT ctid FROM a \
                         UNION SELECT ctid FROM b) RETURNING ARRAY[{texts}]"
                    ),
                    2,
                )
            } else {
                let value = changes(&column.kind, &dice).replace('$', &name);
                (
                    format!(
                        "UPDATE {place} SET {name} = {value} WHERE ctid = (SELECT ctid FROM {place} ORDER BY {names}
                         OFFSET {offset} LIMIT 1) RETURNING ARRAY[{texts}]"
                    ),
                    1,
                )
            };
            let Ok(changed) = now.query(&sql, &[]).await else {
                now.batch_execute("ROLLBACK").await.unwrap(); // too long for the column
                continue;
            };
            if changed.len() != rows {
                now.batch_execute("ROLLBACK").await.unwrap();
                continue;
            }
            let mut expected: Vec<Difference> = changed
                .iter()
                .map(|row| Difference {
                    table: table.shown(),
                    key: row.get(0),
                    how: How::Changed(vec![column.name.clone()]),
                })
                .collect();
            expected.sort();
            let began = Instant::now();
            let (differences, queries) = found(&before, &now, &tables, &digests).await;
            slowest = slowest.max(began.elapsed().as_millis());
            most_queries = most_queries.max(queries);
            assert_eq!(differences, expected, "{layout:?}: {sql}");
            if counts(&now, &tables).await.unwrap() != counted {
                by_count += 1;
            }
            now.batch_execute("ROLLBACK").await.unwrap();
            planted += 1;
        }
        done += planted;
    }
    eprintln!("{done} changes found by digest, {by_count} by COUNT(*); at most {most_queries} queries, {slowest} ms");
    assert_eq!(by_count, 0, "counting rows sees no changed value");
    assert!(most_queries <= 25, "{most_queries}");
    assert!(slowest < 2_000, "{slowest} ms");
}

fn digests_of<'a>(tables: &[Table], digests: &'a [TableDigest], table: &Table) -> &'a TableDigest {
    &digests[tables.iter().position(|one| one == table).unwrap()]
}

/// Foreign keys, checks and unique keys would refuse some of the changes, which is what they are for.
async fn strip_constraints(client: &Client) {
    let sql = "SELECT format('ALTER TABLE %s DROP CONSTRAINT %I CASCADE', conrelid::regclass, conname)
        FROM pg_constraint WHERE contype IN ('c', 'f', 'u') AND connamespace::regnamespace::text !~ '^(pg_|information)'
        AND conrelid <> 0";
    for row in client.query(sql, &[]).await.unwrap() {
        let _ = client.batch_execute(row.get(0)).await;
    }
    let sql =
        "SELECT format('ALTER TABLE %s ALTER %I DROP NOT NULL', a.attrelid::regclass, attname) FROM pg_attribute a
        JOIN pg_class c ON c.oid = a.attrelid AND c.relkind = 'r' WHERE attnotnull AND attnum > 0
        AND c.relnamespace::regnamespace::text !~ '^(pg_|information)' AND NOT EXISTS (SELECT FROM pg_index i
            WHERE i.indrelid = c.oid AND i.indisprimary AND a.attnum = ANY (i.indkey::int2[]))";
    for row in client.query(sql, &[]).await.unwrap() {
        client.batch_execute(row.get(0)).await.unwrap();
    }
}

/// Why rows are hashed as bytes: PostgreSQL's hash of a record is a sum over its fields, so two rows that swap a value
/// leave the sum over all rows as it was.
#[tokio::test]
async fn digest_by_plain_hashes_of_records_would_miss_swapped_values() {
    let db = TestDb::empty().await;
    let (before, now) = (db.superuser().await, db.superuser().await);
    before
        .batch_execute("CREATE TABLE t (id int PRIMARY KEY, v text); INSERT INTO t VALUES (1, 'a'), (2, 'b')")
        .await
        .unwrap();
    let tables = tables(&before).await.unwrap();
    let digests = measured(&before, &tables).await;
    now.batch_execute("BEGIN; UPDATE t SET v = CASE id WHEN 1 THEN 'b' ELSE 'a' END").await.unwrap();
    let plain = "SELECT sum(hash_record_extended(ROW(id, v), 1))::text FROM t";
    assert_eq!(text(&before, plain).await, text(&now, plain).await);
    assert_eq!(found(&before, &now, &tables, &digests).await.0.len(), 2);
}

#[tokio::test]
async fn digest_finds_rows_that_are_missing_or_extra() {
    let db = old_world(Layout::Public, 100).await;
    let (before, now) = (db.superuser().await, db.superuser().await);
    let tables = tables(&before).await.unwrap();
    let digests = measured(&before, &tables).await;
    now.batch_execute("SET session_replication_role = replica; BEGIN").await.unwrap();
    let gone =
        text(&now, "DELETE FROM users WHERE id = (SELECT id FROM users ORDER BY id LIMIT 1) RETURNING id::text").await;
    let sql = "INSERT INTO refresh_tokens (token_hash, user_id, expires_at) VALUES ('x', gen_random_uuid(), now())
        RETURNING id::text";
    let new = text(&now, sql).await;
    let (differences, _) = found(&before, &now, &tables, &digests).await;
    assert_eq!(
        differences,
        [
            Difference { table: "public.refresh_tokens".into(), key: vec![new], how: How::Extra },
            Difference { table: "public.users".into(), key: vec![gone], how: How::Missing },
        ]
    );
}

/// Types of every kind, values of which are equal and not the same.
const TYPES: &str = "
    CREATE EXTENSION IF NOT EXISTS citext;
    CREATE TYPE mood AS ENUM ('good', 'bad'); CREATE DOMAIN word AS text; CREATE TYPE pair AS (a int, b text);
    CREATE TABLE kinds (id int PRIMARY KEY, n numeric, f float8, i interval, j json, b jsonb, c citext, x bytea,
        a text[], m mood, ms mood[], w word, p pair, ch char(5), t time, ip inet, r int4range, bits varbit, mo money,
        xm xml, pt point, ts tsvector, d date, tm timestamp, cs citext[], ns numeric[]);
    INSERT INTO kinds VALUES (1, 1.0, 0, '1 day', '{\"a\": 1, \"b\": 2}', '{\"a\": 1.0}', 'Word', '\\x00',
        '{a,NULL}', 'good', '{good}', 'w', '(1,x)', 'a', '10:00', '10.0.0.1', '[1,3)', '101', 1, '<a/>', '(1,2)', 'a:1',
        '2026-01-01', '2026-01-01 00:00', '{A}', '{1.0}');
    CREATE TABLE keyless (a int, b text); INSERT INTO keyless VALUES (1, 'x'), (1, 'x'), (2, NULL)";

#[tokio::test]
async fn digest_tells_equal_values_apart_that_are_not_the_same() {
    let db = TestDb::empty().await;
    let (before, now) = (db.superuser().await, db.superuser().await);
    before.batch_execute(TYPES).await.unwrap();
    let tables = tables(&before).await.unwrap();
    let digests = measured(&before, &tables).await;
    for (column, value) in [
        ("n", "1.00"),
        ("f", "'-0'"),
        ("i", "'24 hours'"),
        ("j", "'{\"a\":1, \"b\": 2}'"),
        ("j", "'{\"b\": 2, \"a\": 1}'"),
        ("b", "'{\"a\": 1.00}'"),
        ("c", "'word'"),
        ("x", "'\\x01'"),
        ("a", "'{a,\"NULL\"}'"),
        ("a", "'[0:1]={a,NULL}'"),
        ("m", "'bad'"),
        ("ms", "'{bad}'"),
        ("w", "'w '"),
        ("p", "'(1,\"x \")'"),
        ("ch", "'b'"),
        ("t", "'10:00:00.000001'"),
        ("ip", "'10.0.0.1/8'"),
        ("r", "'[1,4)'"),
        ("bits", "'1010'"),
        ("mo", "2"),
        ("xm", "'<a></a>'"),
        ("pt", "'(1,3)'"),
        ("ts", "'a:2'"),
        ("d", "'infinity'"),
        ("tm", "'2026-01-01 00:00:00.000001'"),
        ("cs", "'{a}'"),
        ("ns", "'{1.00}'"),
    ] {
        for value in [value, "NULL"] {
            now.batch_execute(&format!("BEGIN; UPDATE kinds SET {column} = {value}")).await.unwrap();
            let (differences, _) = found(&before, &now, &tables, &digests).await;
            let how = How::Changed(vec![column.to_owned()]);
            let expected = [Difference { table: "public.kinds".into(), key: vec!["1".into()], how }];
            assert_eq!(differences, expected, "{column} = {value}");
            now.batch_execute("ROLLBACK").await.unwrap();
        }
    }
    // Rows that nothing names: two that are the same are not one.
    now.batch_execute("BEGIN; DELETE FROM keyless WHERE ctid = (SELECT min(ctid) FROM keyless)").await.unwrap();
    let (differences, _) = found(&before, &now, &tables, &digests).await;
    assert_eq!(differences, [Difference { table: "public.keyless".into(), key: vec![], how: How::Missing }]);
}

#[tokio::test]
async fn digest_is_the_same_whatever_the_session_and_the_order_of_columns() {
    let dice = Dice::new(seed());
    let db = old_world(Layout::Public, 100).await;
    let client = db.superuser().await;
    client.batch_execute(TYPES).await.unwrap();
    let tables = tables(&client).await.unwrap();
    let digests = measured(&client, &tables).await;
    // A dump's text, hashed as it is often done, for comparison.
    let naive = "SELECT sum(hashtext(u::text))::text FROM public.users u";
    let first = text(&client, naive).await;
    let mut naive_differs = 0;
    for _ in 0..if long() { 1_000 } else { 40 } {
        let other = db.superuser().await;
        for (setting, values) in [
            ("TimeZone", &["UTC", "Asia/Tokyo", "America/St_Johns"][..]),
            ("DateStyle", &["ISO, YMD", "German", "SQL, DMY", "Postgres"]),
            ("IntervalStyle", &["postgres", "iso_8601", "sql_standard"]),
            ("extra_float_digits", &["-15", "0", "3"]),
            ("bytea_output", &["hex", "escape"]),
            ("lc_numeric", &["C", "C.UTF-8"]),
            ("lc_monetary", &["C", "C.UTF-8"]),
            ("search_path", &["public", "pg_catalog", ""]),
            ("xmloption", &["content", "document"]),
            ("enable_seqscan", &["on", "off"]),
            ("max_parallel_workers_per_gather", &["0", "2"]),
        ] {
            let value = dice.one(values);
            other.execute("SELECT set_config($1, $2, false)", &[&setting, value]).await.unwrap();
        }
        assert_eq!(measured(&other, &tables).await, digests);
        naive_differs += u32::from(text(&other, naive).await != first);
    }
    assert!(naive_differs > 0, "the settings change nothing, so nothing was tried");

    let columns: Vec<&str> = tables
        .iter()
        .find(|one| one.name == "users")
        .map(|users| users.columns.iter().rev().map(|column| column.name.as_str()).collect())
        .unwrap();
    let copy = format!(
        "CREATE SCHEMA other; CREATE TABLE other.users AS SELECT {} FROM users ORDER BY email; ALTER TABLE other.users
         ADD PRIMARY KEY (id), ADD COLUMN added_later int DEFAULT 5",
        columns.join(", ")
    );
    client.batch_execute(&copy).await.unwrap();
    let users = tables.iter().position(|one| one.name == "users").unwrap();
    let moved = Table { schema: "other".into(), ..tables[users].clone() };
    assert_eq!(measured(&client, &[moved]).await[0], digests[users]);
}

#[tokio::test]
async fn digest_of_many_chunks_finds_one_value_with_few_queries() {
    let db = TestDb::empty().await;
    let (before, now) = (db.superuser().await, db.superuser().await);
    before.batch_execute(SESSION).await.unwrap();
    before
        .batch_execute(
            "CREATE TABLE public.pairs (a text, b int, v text, PRIMARY KEY (a, b));
             INSERT INTO public.pairs SELECT md5(n::text), n, 'value' FROM generate_series(1, 180000) n;
             CREATE TABLE public.singles AS SELECT * FROM public.pairs;
             ALTER TABLE public.singles ADD PRIMARY KEY (a); ANALYZE public.pairs",
        )
        .await
        .unwrap();
    let tables = tables(&before).await.unwrap();
    let digests = measured(&before, &tables).await;
    // Range by range where the key has two columns, in one pass where it has one; with the same result.
    assert_eq!((digests[0].rows, digests[0].chunks.len()), (180_000, 4));
    assert_eq!(digests[0].digest, digests[1].digest);
    let sizes = |digest: &TableDigest| digest.chunks.iter().map(|chunk| chunk.rows).collect::<Vec<_>>();
    assert_eq!(sizes(&digests[0]), [50_000, 50_000, 50_000, 30_000]);
    assert_eq!(sizes(&digests[1]), sizes(&digests[0]));
    for (n, name) in [(1, "pairs"), (77_777, "singles"), (180_000, "pairs"), (180_000, "singles")] {
        now.batch_execute(&format!("BEGIN; UPDATE {name} SET v = 'value ' WHERE b = {n}")).await.unwrap();
        let (differences, queries) = found(&before, &now, &tables, &digests).await;
        assert_eq!(differences.len(), 1);
        let key = text(&before, &format!("SELECT a FROM public.pairs WHERE b = {n}")).await;
        assert_eq!((&differences[0].key[0], &differences[0].how), (&key, &How::Changed(vec!["v".into()])));
        assert_eq!(queries, 5 + 4, "each chunk of the one, the other in one, then four");
        now.batch_execute("ROLLBACK").await.unwrap();
    }
    // Beyond the last key, and in no chunk that was there.
    now.batch_execute("BEGIN; INSERT INTO pairs VALUES ('~', 1, 'new')").await.unwrap();
    assert_eq!(found(&before, &now, &tables, &digests).await.0.len(), 1);
}
