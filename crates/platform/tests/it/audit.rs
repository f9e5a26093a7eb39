//! `audit verify`, `export` and `anchor`: whatever is done to the trail behind the program's back is found, and the
//! record it was done to is named. Every test runs the program itself.

mod workspaces;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use db::audit::{AuditEvent, AuditKey, Record};
use db::{Db, PoolLimits};
use serde_json::value::RawValue;
use serde_json::{Value, json};
use tempfile::TempDir;
use testkit::TestDb;

use crate::command::{Run, run_in};
use crate::process::{Process, request};
use crate::site::{SECRETS, Site};
use crate::support::{Person, TestApp};

const KEY: &str = "pR5sT8uVw2xYz4AbC7dEf0GhJ3kLm6Nq";

/// Two tenants with some history, and a directory of one's own.
struct Trail {
    site: Site,
    app: TestApp,
    admin: Person,
    stranger: Person,
    directory: TempDir,
}

impl Trail {
    async fn new() -> Self {
        Self::on(TestDb::new().await).await
    }

    async fn on(db: TestDb) -> Self {
        let site = Site::on(db, "IN ROLE pyairtable_app, pyairtable_system").await;
        let pool = Db::new(site.db.url(), PoolLimits::default(), AuditKey::new(KEY)).unwrap();
        let app = TestApp::on(site.db.clone(), |parts| parts.db = pool);
        let (admin, _, stranger) = app.cast().await;
        for name in ["one", "two", "three", "four", "five"] {
            app.clock.advance(jiff::SignedDuration::from_hours(1));
            admin.http.put("/users/me").json(&json!({ "bio": name })).send().await.expect(200);
        }
        Self { site, app, admin, stranger, directory: tempfile::tempdir().unwrap() }
    }

    fn run(&self, arguments: &[&str]) -> Run {
        self.run_with(arguments, &[])
    }

    fn run_with(&self, arguments: &[&str], more: &[(&str, &str)]) -> Run {
        let environment = [SECRETS, &[("DATABASE_URL", self.site.url.as_str())], more].concat();
        run_in(self.directory.path(), &[&["audit"], arguments].concat(), &environment)
    }

    fn anchor(&self) -> Run {
        self.run(&["anchor", "--file", "anchors.jsonl"])
    }

    fn verify_anchored(&self) -> Run {
        self.run(&["verify", "--anchors", "anchors.jsonl"])
    }

    /// The id of the admin's tenant's record `seq`.
    async fn id(&self, seq: i64) -> String {
        let tenant = &self.admin.tenant;
        self.app.one(&format!("SELECT id FROM audit_events WHERE tenant_id = '{tenant}' AND seq = {seq}")).await
    }

    async fn last(&self) -> i64 {
        let tenant = &self.admin.tenant;
        let last = format!("SELECT max(seq) FROM audit_events WHERE tenant_id = '{tenant}'");
        self.app.one(&last).await.parse().unwrap()
    }

    /// Does `sql` as the tables' owner; `TENANT` stands for the condition that a row is of the admin's tenant.
    async fn tamper(&self, sql: &str) {
        self.app.sql(&sql.replace("TENANT", &format!("tenant_id = '{}'", self.admin.tenant))).await;
    }

    /// Writes a record as the program would that has `key`.
    async fn forge(&self, key: &str) {
        let db = Db::new(self.site.db.url(), PoolLimits::default(), AuditKey::new(key)).unwrap();
        let tx = db.begin_system(&self.app.cx(), "a forgery").await.unwrap();
        let event = AuditEvent {
            action: "user.updated",
            resource_type: "user",
            resource_id: self.admin.id.clone(),
            tenant: self.admin.tenant.parse().unwrap(),
            changes: None,
        };
        tx.audit(&self.app.cx(), &event).await.unwrap();
        tx.commit().await.unwrap();
    }

    /// Continues the chain by so many good records, in one statement.
    async fn grow(&self, count: i64) {
        let database = self.site.db.superuser().await;
        let tenant: uuid::Uuid = self.admin.tenant.parse().unwrap();
        let head = "SELECT seq, mac FROM audit_events WHERE tenant_id = $1 ORDER BY seq DESC LIMIT 1";
        let head = database.query_one(head, &[&tenant]).await.unwrap();
        let (last, mut mac) = (head.get::<_, i64>(0), head.get::<_, Vec<u8>>(1));
        let (key, at) = (AuditKey::new(KEY), self.app.now());
        let (mut ids, mut numbers, mut macs) = (Vec::new(), Vec::new(), Vec::new());
        for seq in last + 1..=last + count {
            let id = uuid::Uuid::from_u128(u128::try_from(seq).unwrap());
            let record = Record {
                id,
                trail: "audit_events".to_owned(),
                tenant_id: tenant,
                seq,
                at,
                actor_kind: "system".to_owned(),
                actor_id: None,
                action: "user.updated".to_owned(),
                resource_type: "user".to_owned(),
                resource_id: "x".to_owned(),
                changes: RawValue::NULL.to_owned(),
                workspace_id: None,
                request_id: None,
                ip: None,
                user_agent: None,
                mac: Vec::new(),
                removed: false,
            };
            mac = key.mac(&record, &mac);
            ids.push(id);
            numbers.push(seq);
            macs.push(mac.clone());
        }
        let insert = "INSERT INTO audit_events (id, tenant_id, seq, at, actor_kind, action, resource_type, resource_id,
                changes, mac)
            SELECT new.id, $1, new.seq, $2, 'system', 'user.updated', 'user', 'x', 'null', new.mac
            FROM unnest($3::uuid[], $4::bigint[], $5::bytea[]) AS new (id, seq, mac)";
        database.execute(insert, &[&tenant, &at, &ids, &numbers, &macs]).await.unwrap();
    }

    fn file(&self, name: &str) -> String {
        fs::read_to_string(self.directory.path().join(name)).unwrap()
    }
}

impl Run {
    /// Fails unless exactly one chain is broken, the admin's tenant's, in these words.
    #[track_caller]
    fn expect_broken(&self, trail: &Trail, words: &str) {
        self.expect_broken_in("audit_events", trail, words);
    }

    #[track_caller]
    fn expect_broken_in(&self, table: &str, trail: &Trail, words: &str) {
        let lines: Vec<&str> = self.stdout.lines().filter(|line| line.starts_with("BROKEN")).collect();
        let expected = format!("BROKEN  tenant {}, {table}: {words}", trail.admin.tenant);
        assert!(matches!(lines[..], [line] if line.starts_with(&expected)), "{expected}\n{}", self.shown());
        assert_eq!(self.code, Some(1), "{}", self.shown());
    }

    #[track_caller]
    fn expect_whole(&self, summary: &str) {
        assert_eq!((self.code, self.stdout.trim_end()), (Some(0), summary), "{}", self.shown());
    }

    /// Fails unless nothing could be looked at, for a reason with `words`.
    #[track_caller]
    fn expect_no_look(&self, words: &str) {
        assert_eq!((self.code, self.stdout.as_str()), (Some(3), ""), "{}", self.shown());
        assert!(self.stderr.contains(words), "{}", self.shown());
    }
}

/// The record's place and id as a message names them.
fn unfit(seq: i64, id: &str) -> String {
    format!("record {seq}, id {id}, does not fit its signature")
}

#[tokio::test]
async fn whole_trail_is_said_to_be_whole() {
    let trail = Trail::new().await;
    let records = trail.app.one("SELECT count(*) FROM audit_events").await;
    let run = trail.run(&["verify"]);
    run.expect_whole(&format!("2 whole, 0 broken; {records} good records, 0 anchors"));
    assert!(run.stderr.contains("without --anchors"), "{}", run.shown());

    let last = trail.last().await;
    let run = trail.run(&["verify", "--tenant", &trail.admin.tenant]);
    run.expect_whole(&format!("1 whole, 0 broken; {last} good records, 0 anchors"));

    let run = trail.run(&["verify", "--json"]);
    let report: Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!((run.code, &report["whole"], report["chains"].as_array().unwrap().len()), (Some(0), &json!(true), 2));
    let chain = report["chains"].as_array().unwrap().iter().find(|chain| chain["tenant_id"] == trail.admin.tenant);
    assert_eq!(chain.unwrap()["records"], last);
}

#[tokio::test]
async fn changed_field_is_found_whichever_it_is() {
    let trail = Trail::new().await;
    let fields = [
        ("id", "gen_random_uuid()"),
        ("at", "at + interval '1 microsecond'"),
        ("at", "'infinity'"),
        ("actor_kind", "'service'"),
        ("actor_id", "NULL"),
        ("action", "'user.created'"),
        ("resource_type", "'tenant'"),
        ("resource_id", "resource_id || ' '"),
        // The same object, spelt otherwise: the text is what was signed.
        ("changes", "replace(changes::text, ':', ': ')::json"),
        ("request_id", "NULL"),
        ("ip", "coalesce(ip, '') || '1'"),
        ("user_agent", "coalesce(user_agent, '') || 'x'"),
        ("mac", "sha256(mac)"),
    ];
    trail.tamper("CREATE TABLE kept AS SELECT * FROM audit_events").await;
    let same = format!(
        "SELECT count(*) FROM (SELECT e::text FROM audit_events e WHERE tenant_id = '{0}'
         INTERSECT SELECT k::text FROM kept k WHERE tenant_id = '{0}') same",
        trail.admin.tenant
    );
    for (field, value) in fields {
        trail.tamper(&format!("UPDATE audit_events SET {field} = {value} WHERE TENANT AND seq = 4")).await;
        assert_ne!(trail.app.one(&same).await, trail.last().await.to_string(), "{field} was changed");
        trail.run(&["verify"]).expect_broken(&trail, &unfit(4, &trail.id(4).await));
        trail.tamper("DELETE FROM audit_events; INSERT INTO audit_events SELECT * FROM kept").await;
    }
    let columns = "SELECT count(*) FROM information_schema.columns WHERE table_name = 'audit_events'";
    let names: BTreeSet<&str> = fields.iter().map(|(field, _)| *field).collect();
    assert_eq!(trail.app.one(columns).await, (names.len() + 2).to_string(), "besides tenant_id and seq");
    assert_eq!(trail.run(&["verify"]).code, Some(0));
}

#[tokio::test]
async fn removed_record_is_named_with_the_one_in_its_place() {
    let trail = Trail::new().await;
    let next = trail.id(5).await;
    trail.tamper("DELETE FROM audit_events WHERE TENANT AND seq = 4").await;
    let run = trail.run(&["verify", "--json"]);
    let report: Value = serde_json::from_str(&run.stdout).unwrap();
    let chain = report["chains"].as_array().unwrap().iter().find(|chain| chain["tenant_id"] == trail.admin.tenant);
    let broken = json!({ "kind": "missing", "seq": 4, "found_seq": 5, "found_id": next });
    assert_eq!((run.code, &report["whole"], &chain.unwrap()["broken"]), (Some(1), &json!(false), &broken));
    let words = format!("record 4 is missing; in its place stands record 5, id {next}");
    trail.run(&["verify"]).expect_broken(&trail, &words);

    // Closing the gap does not help: what comes after was signed with the one before it.
    trail.tamper("UPDATE audit_events SET seq = seq - 1 WHERE TENANT AND seq = 5").await;
    trail.run(&["verify"]).expect_broken(&trail, &unfit(4, &next));
}

#[tokio::test]
async fn first_record_cannot_be_removed_either() {
    let trail = Trail::new().await;
    let second = trail.id(2).await;
    trail.tamper("DELETE FROM audit_events WHERE TENANT AND seq = 1").await;
    let words = format!("record 1 is missing; in its place stands record 2, id {second}");
    trail.run(&["verify"]).expect_broken(&trail, &words);
}

#[tokio::test]
async fn swapped_records_are_found_at_the_first() {
    let trail = Trail::new().await;
    let (third, fifth) = (trail.id(3).await, trail.id(5).await);
    for (from, to) in [(3, -1), (5, 3), (-1, 5)] {
        trail.tamper(&format!("UPDATE audit_events SET seq = {to} WHERE TENANT AND seq = {from}")).await;
    }
    assert_ne!(third, fifth);
    trail.run(&["verify"]).expect_broken(&trail, &unfit(3, &fifth));
}

#[tokio::test]
async fn forged_record_is_found_where_it_stands() {
    let trail = Trail::new().await;
    trail.forge("a key that somebody guessed").await;
    let last = trail.last().await;
    trail.run(&["verify"]).expect_broken(&trail, &unfit(last, &trail.id(last).await));
}

/// At a position where no record belongs, or beside the one that does.
#[tokio::test]
async fn inserted_record_is_found_wherever_it_is_put() {
    let trail = Trail::new().await;
    trail.grow(5000).await;
    trail.tamper("ALTER TABLE audit_events DROP CONSTRAINT audit_events_tenant_id_seq_key").await;
    let id = "00000000-0000-4000-8000-00000000feed";
    for (seq, expected) in [
        (0, format!("record 1 is missing; in its place stands record 0, id {id}")),
        (i64::MIN, format!("record 1 is missing; in its place stands record {}, id {id}", i64::MIN)),
        (4, "record ".to_owned()),
        // Where a page ends.
        (5000, "record ".to_owned()),
        (i64::MAX, format!("in its place stands record {}, id {id}", i64::MAX)),
    ] {
        trail
            .tamper(&format!(
                "INSERT INTO audit_events SELECT '{id}', tenant_id, {seq}, at, actor_kind, actor_id, action,
                     resource_type, resource_id, changes, request_id, ip, user_agent, mac
                 FROM audit_events WHERE TENANT AND seq = 4"
            ))
            .await;
        let run = trail.run(&["verify"]);
        assert_eq!(run.code, Some(1), "{seq}: {}", run.shown());
        assert!(run.stdout.contains(&expected), "{seq}: {}", run.shown());
        let export = trail.run(&["export", "--tenant", &trail.admin.tenant]);
        assert!(export.stdout.contains(id), "{seq}: {}", export.stderr);
        trail.tamper(&format!("DELETE FROM audit_events WHERE id = '{id}'")).await;
    }
    assert_eq!(trail.run(&["verify"]).code, Some(0));
}

#[tokio::test]
async fn record_moved_from_another_tenant_is_found_in_both_chains() {
    let trail = Trail::new().await;
    let (last, stranger) = (trail.last().await, &trail.stranger.tenant);
    trail
        .app
        .sql(&format!(
            "UPDATE audit_events SET tenant_id = '{}', seq = {} WHERE tenant_id = '{stranger}' AND seq = 1",
            trail.admin.tenant,
            last + 1
        ))
        .await;
    // The stranger's only record was the one: of nothing that is left nothing can be said.
    trail.run(&["verify"]).expect_broken(&trail, &unfit(last + 1, &trail.id(last + 1).await));
}

#[tokio::test]
async fn cut_off_end_is_found_with_an_anchor_only() {
    let trail = Trail::new().await;
    let last = trail.last().await;
    let run = trail.anchor();
    assert_eq!((run.code, run.stdout.as_str()), (Some(0), "2 anchored, 0 broken\n"), "{}", run.shown());
    trail.tamper(&format!("DELETE FROM audit_events WHERE TENANT AND seq > {}", last - 2)).await;
    assert_eq!(trail.run(&["verify"]).code, Some(0), "nothing in the database tells");
    let words = format!("the end was cut off: the last record is {}, yet record {last} was anchored", last - 2);
    trail.verify_anchored().expect_broken(&trail, &words);

    // Growing past the anchor again does not hide it: the record at its place is another.
    trail.forge(KEY).await;
    trail.forge(KEY).await;
    assert_eq!((trail.last().await, trail.run(&["verify"]).code), (last, Some(0)));
    let words = format!("record {last}, id {}, is not the one that was anchored", trail.id(last).await);
    trail.verify_anchored().expect_broken(&trail, &words);
}

#[tokio::test]
async fn removed_chain_is_found_with_an_anchor_only() {
    let trail = Trail::new().await;
    let last = trail.last().await;
    trail.anchor();
    trail.tamper("DELETE FROM audit_events WHERE TENANT").await;
    assert_eq!(trail.run(&["verify"]).code, Some(0));
    let words = format!("the end was cut off: the last record is 0, yet record {last} was anchored");
    trail.verify_anchored().expect_broken(&trail, &words);
    trail.run(&["verify", "--tenant", &trail.admin.tenant]).expect_no_look("no audit records and no anchor");
}

#[tokio::test]
async fn long_chains_are_read_to_their_end() {
    let trail = Trail::new().await;
    let short = trail.last().await;
    // More than two pages.
    trail.grow(10_001).await;
    let last = short + 10_001;
    let run = trail.run(&["verify", "--tenant", &trail.admin.tenant]);
    run.expect_whole(&format!("1 whole, 0 broken; {last} good records, 0 anchors"));
    let export = trail.run(&["export", "--tenant", &trail.admin.tenant]);
    assert_eq!(export.stdout.lines().count().to_string(), last.to_string());
    for seq in [5000, 5001, last] {
        let forged = format!("UPDATE audit_events SET action = action || 'x' WHERE TENANT AND seq = {seq}");
        trail.tamper(&forged).await;
        trail.run(&["verify"]).expect_broken(&trail, &unfit(seq, &trail.id(seq).await));
        trail
            .tamper(&format!("UPDATE audit_events SET action = rtrim(action, 'x') WHERE TENANT AND seq = {seq}"))
            .await;
    }
}

#[tokio::test]
async fn wrong_key_fits_nothing_and_is_suspected() {
    let trail = Trail::new().await;
    let run = trail.run_with(&["verify"], &[("AUDIT_KEY", "another key, of 32 bytes, no more")]);
    assert_eq!(run.code, Some(1), "{}", run.shown());
    assert!(run.stdout.contains("0 whole, 2 broken; 0 good records"), "{}", run.shown());
    assert!(run.stderr.contains("is AUDIT_KEY the key they were signed with?"), "{}", run.shown());
    // Where only some chains break at once, the key is right.
    trail.tamper("UPDATE audit_events SET action = 'x' WHERE TENANT AND seq = 1").await;
    assert!(!trail.run(&["verify"]).stderr.contains("AUDIT_KEY"));
}

#[tokio::test]
async fn not_being_able_to_look_is_told_from_a_broken_trail() {
    let trail = Trail::new().await;
    trail.run_with(&["verify"], &[("DATABASE_URL", "postgres://x@127.0.0.1:1/x")]).expect_no_look("error: ");
    trail.run_with(&["verify"], &[("DATABASE_URL", "mysql://x")]).expect_no_look("does not run");
    trail.run_with(&["verify"], &[("AUDIT_KEY", ""), ("JWT_SECRET", "")]).expect_no_look("AUDIT_KEY");
    assert!(!trail.directory.path().join("data").exists(), "no key was made on the way");
    let nobody = "00000000-0000-4000-8000-000000000000";
    trail.run(&["verify", "--tenant", nobody]).expect_no_look("is the id right?");
    trail.run(&["verify", "--anchors", "missing"]).expect_no_look("missing: No such file");
    fs::write(trail.directory.path().join("bad"), "{}\n").unwrap();
    trail.run(&["verify", "--anchors", "bad"]).expect_no_look("bad, line 1: no anchor");
    trail.run(&["verify", "--input", "bad"]).expect_no_look("bad, line 1: no audit record");
    trail.run(&["export", "--output", "no/where"]).expect_no_look("no/where");
    trail.run(&["anchor", "--file", "bad"]).expect_no_look("bad, line 1: no anchor");
    assert_eq!(trail.file("bad"), "{}\n");
    trail.app.sql("DELETE FROM platform_migrations WHERE version = 1").await;
    trail.run(&["verify"]).expect_no_look("not migrated");
}

#[tokio::test]
async fn anchors_follow_the_chains_and_never_move_back() {
    let trail = Trail::new().await;
    let (last, tenant) = (trail.last().await, trail.admin.tenant.clone());
    let anchors = || -> Vec<Value> {
        trail.file("anchors.jsonl").lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    };
    let own = || anchors().into_iter().find(|anchor| anchor["tenant_id"] == tenant).unwrap();
    assert_eq!(trail.anchor().code, Some(0));
    let (first, before) = (own(), trail.file("anchors.jsonl"));
    assert_eq!((&first["seq"], anchors().len()), (&json!(last), 2));
    assert!(first["at"].as_str().unwrap().parse::<jiff::Timestamp>().is_ok(), "{first}");
    assert_eq!(trail.anchor().code, Some(0));
    assert_eq!(trail.file("anchors.jsonl"), before, "what has not moved keeps its time");

    trail.admin.http.put("/users/me").json(&json!({ "bio": "six" })).send().await.expect(200);
    assert_eq!(trail.run(&["anchor", "--file", "anchors.jsonl", "--tenant", &tenant]).code, Some(0));
    assert_eq!((&own()["seq"], anchors().len()), (&json!(last + 1), 2));
    trail.verify_anchored().expect_whole(&format!(
        "2 whole, 0 broken; {} good records, 2 anchors",
        trail.app.one("SELECT count(*) FROM audit_events").await
    ));

    trail.tamper(&format!("DELETE FROM audit_events WHERE TENANT AND seq > {last}")).await;
    let (kept, others) = (own(), anchors().len());
    trail.anchor().expect_broken(&trail, "the end was cut off");
    assert_eq!((own(), anchors().len()), (kept, others), "it stays where it was");

    // The broken chain does not keep the others from being anchored.
    trail.stranger.http.put("/users/me").json(&json!({ "bio": "new" })).send().await.expect(200);
    assert_eq!(trail.anchor().code, Some(1));
    let other = anchors().into_iter().find(|anchor| anchor["tenant_id"] == trail.stranger.tenant).unwrap();
    let stranger = format!("SELECT max(seq) FROM audit_events WHERE tenant_id = '{}'", trail.stranger.tenant);
    assert_eq!(other["seq"].to_string(), trail.app.one(&stranger).await);
}

#[tokio::test]
async fn anchor_files_written_at_once_lose_no_anchor() {
    let trail = Trail::new().await;
    let environment = [SECRETS, &[("DATABASE_URL", trail.site.url.as_str())]].concat();
    std::thread::scope(|scope| {
        for tenant in [&trail.admin.tenant, &trail.stranger.tenant, &trail.admin.tenant, &trail.stranger.tenant] {
            scope.spawn(|| {
                let own = tempfile::tempdir_in(trail.directory.path()).unwrap();
                let arguments = ["audit", "anchor", "--file", "../anchors.jsonl", "--tenant", tenant];
                let run = run_in(own.path(), &arguments, &environment);
                assert_eq!(run.code, Some(0), "{}", run.shown());
            });
        }
    });
    assert_eq!(trail.file("anchors.jsonl").lines().count(), 2);
}

#[tokio::test]
async fn export_has_every_record_and_can_be_verified_without_the_database() {
    let trail = Trail::new().await;
    let records = trail.app.one("SELECT count(*) FROM audit_events").await;
    let run = trail.run(&["export", "--output", "trail.jsonl"]);
    assert_eq!((run.code, run.stdout.as_str()), (Some(0), ""), "{}", run.shown());
    assert!(run.stderr.contains(&format!("{records} records of 2 chains exported")), "{}", run.stderr);
    let text = trail.file("trail.jsonl");
    assert_eq!(text.lines().count().to_string(), records);
    assert_eq!(trail.run(&["export"]).stdout, text, "the same on standard output");
    trail.anchor();

    let verify = |anchors: &[&str]| {
        let nowhere = [("DATABASE_URL", "postgres://x@127.0.0.1:1/x")];
        trail.run_with(&[&["verify", "--input", "trail.jsonl"], anchors].concat(), &nowhere)
    };
    verify(&[]).expect_whole(&format!("2 whole, 0 broken; {records} good records, 0 anchors"));
    let with_anchors = verify(&["--anchors", "anchors.jsonl"]);
    with_anchors.expect_whole(&format!("2 whole, 0 broken; {records} good records, 2 anchors"));

    let path = trail.directory.path().join("trail.jsonl");
    let id = trail.id(4).await;
    let lines: Vec<&str> = text.lines().collect();
    let at = lines.iter().position(|line| line.contains(&id)).unwrap();
    let mut changed = lines.clone();
    let forged = lines[at].replace("user.updated", "user.created");
    assert_ne!(forged, lines[at]);
    changed[at] = &forged;
    fs::write(&path, changed.join("\n")).unwrap();
    verify(&[]).expect_broken(&trail, &unfit(4, &id));
    let mut removed = lines.clone();
    removed.remove(at);
    fs::write(&path, removed.join("\n")).unwrap();
    verify(&[]).expect_broken(&trail, "record 4 is missing");
    let mut swapped = lines;
    swapped.swap(at, at + 1);
    fs::write(&path, swapped.join("\n")).unwrap();
    verify(&[]).expect_broken(&trail, "record 4 is missing; in its place stands record 5");
    fs::write(&path, text.lines().filter(|line| !line.contains(&trail.admin.tenant)).collect::<Vec<_>>().join("\n"))
        .unwrap();
    verify(&["--anchors", "anchors.jsonl"]).expect_broken(&trail, "the end was cut off: the last record is 0");
}

#[tokio::test]
async fn export_is_filtered_by_tenant_and_time() {
    let trail = Trail::new().await;
    let export = |arguments: &[&str]| -> Vec<Value> {
        let run = trail.run(&[&["export"], arguments].concat());
        assert_eq!(run.code, Some(0), "{}", run.shown());
        run.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    };
    let own = export(&["--tenant", &trail.admin.tenant]);
    assert_eq!(own.len().to_string(), trail.last().await.to_string());
    assert!(own.iter().all(|record| record["tenant_id"] == trail.admin.tenant));
    // The five changes are an hour apart, the first at one o'clock.
    let bios = |records: Vec<Value>| -> Vec<Value> {
        records.iter().map(|record| record["changes"]["bio"]["new"].clone()).collect()
    };
    let (two, four) = ("2026-03-01T14:00:00.123456Z", "2026-03-01T16:00:00.123456Z");
    assert_eq!(bios(export(&["--from", two, "--to", four])), ["two", "three"], "from inclusive, to exclusive");
    assert_eq!(bios(export(&["--from", four])), ["four", "five"]);
    assert_eq!(export(&["--to", "2026-03-01T12:00:00Z"]), Vec::<Value>::new());
    let unreadable = trail.run(&["export", "--from", "yesterday"]);
    assert_eq!(unreadable.code, Some(2), "{}", unreadable.shown());
}

#[tokio::test]
async fn output_is_private_and_leaves_nothing_beside_it() {
    use std::os::unix::fs::PermissionsExt as _;
    let trail = Trail::new().await;
    assert_eq!(trail.run(&["export", "--output", "trail.jsonl"]).code, Some(0));
    assert_eq!(trail.anchor().code, Some(0));
    for name in ["trail.jsonl", "anchors.jsonl"] {
        let mode = fs::metadata(trail.directory.path().join(name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
    trail.run(&["export", "--output", "/dev/null"]).expect_no_look("/dev/null: is no regular file");
    let mut names: Vec<_> =
        fs::read_dir(trail.directory.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, ["anchors.jsonl", "anchors.jsonl.lock", "trail.jsonl"]);
}

#[test]
fn audit_of_the_private_database_uses_the_kept_key() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("here");
    fs::create_dir(&data).unwrap();
    let process = Process::start(&data);
    let body = json!({ "email": "ada@example.com", "password": "correct horse battery", "first_name": "Ada",
                       "last_name": "Lovelace" });
    assert_eq!(request(process.public, "POST", "/auth/register", Some(&body)).map(|(status, _)| status), Some(201));
    let audit = |arguments: &[&str]| audit_in(directory.path(), arguments);
    let busy = audit(&["verify"]);
    assert_eq!(busy.code, Some(3), "{}", busy.shown());
    process.terminate();

    audit(&["verify"]).expect_whole("2 whole, 0 broken; 2 good records, 0 anchors");
    assert_eq!(audit(&["anchor", "--file", "anchors.jsonl"]).code, Some(0));
    let export = audit(&["export", "--output", "trail.jsonl"]);
    assert_eq!(export.code, Some(0), "{}", export.shown());
    let run = audit(&["verify", "--input", "trail.jsonl", "--anchors", "anchors.jsonl"]);
    run.expect_whole("2 whole, 0 broken; 2 good records, 2 anchors");
}

fn audit_in(directory: &Path, arguments: &[&str]) -> Run {
    run_in(directory, &[&["audit"], arguments, &["--data-dir", "here"]].concat(), &[])
}
