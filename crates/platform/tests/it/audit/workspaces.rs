//! The same of the workspace family's trail, whose records stand in an old service's table and whose signatures stand
//! beside it: on every layout that table may have.

use std::collections::BTreeSet;
use std::fs;

use serde_json::{Value, json};

use super::{Trail, unfit};
use crate::command::Run;
use crate::workspaces::Schema;

/// A tenant's workspace with seven records, each of another kind, and one of somebody else's.
struct History {
    trail: Trail,
    schema: Schema,
    workspace: String,
}

impl History {
    async fn on(schema: Schema) -> Self {
        let trail = Trail::on(schema.database().await).await;
        let create = async |person: &crate::support::Person, name: &str| {
            let body = json!({ "name": name });
            person.http.post("/api/v1/workspaces").json(&body).send().await.expect(201).text("id")
        };
        let workspace = create(&trail.admin, "Marketing").await;
        create(&trail.stranger, "Elsewhere").await;
        let history = Self { trail, schema, workspace };
        // What jsonb spells otherwise than it was sent: order, numbers, escapes.
        let settings =
            json!({ "zebra": 1.50, "a": 1e2, "text": "\u{e9} \"q\" \\ \t\u{1f600}", "nested": [{}, null, [1]] });
        history.change(&json!({ "settings": settings })).await;
        history.change(&json!({ "name": "Sales", "description": "" })).await;
        let path = history.path("/projects");
        let http = &history.trail.admin.http;
        let project = http.post(&path).json(&json!({ "name": "Launch" })).send().await.expect(201).text("id");
        let base = json!({ "base_id": "appOne", "name": "Leads" });
        http.post(&format!("/projects/{project}/airtable-bases")).json(&base).send().await.expect(201);
        history.change(&json!({ "name": "Six" })).await;
        history.change(&json!({ "name": "Seven" })).await;
        history
    }

    fn path(&self, rest: &str) -> String {
        format!("/api/v1/workspaces/{}{rest}", self.workspace)
    }

    async fn change(&self, body: &Value) {
        self.trail.app.clock.advance(jiff::SignedDuration::from_hours(1));
        self.trail.admin.http.put(&self.path("")).json(body).send().await.expect(200);
    }

    /// The id of the record at `seq`.
    async fn id(&self, seq: i64) -> String {
        let tenant = &self.trail.admin.tenant;
        let sql = format!("SELECT id FROM workspace_audit_seals WHERE tenant_id = '{tenant}' AND seq = {seq}");
        self.trail.app.one(&sql).await
    }

    /// Does `sql` as the tables' owner; `SEAL` stands for the condition that a seal is of the admin's tenant, `LOG(n)`
    /// for the condition that a record is the tenant's `n`th.
    async fn tamper(&self, sql: &str) {
        let tenant = &self.trail.admin.tenant;
        let mut sql = sql.replace("SEAL", &format!("tenant_id = '{tenant}'"));
        for seq in 1..=9 {
            let log = format!(
                "id = (SELECT s.id FROM workspace_audit_seals s WHERE s.tenant_id = '{tenant}' AND s.seq = {seq})"
            );
            sql = sql.replace(&format!("LOG({seq})"), &log);
        }
        self.trail.app.sql(&sql).await;
    }

    fn expect_broken(&self, run: &Run, words: &str) {
        assert_eq!(run.code, Some(1), "{:?} {words}: {}", self.schema, run.shown());
        run.expect_broken_in("workspace_audit_logs", &self.trail, words);
    }

    fn verify_broken(&self, words: &str) {
        self.expect_broken(&self.trail.run(&["verify"]), words);
    }

    async fn records(&self) -> i64 {
        let sql = "SELECT (SELECT count(*) FROM audit_events) + (SELECT count(*) FROM workspace_audit_seals)";
        self.trail.app.one(sql).await.parse().unwrap()
    }

    /// Keeps both tables as they are, to be put back by [`History::restore`].
    async fn keep(&self) {
        self.tamper(
            "CREATE TABLE kept_logs AS TABLE workspace_audit_logs; CREATE TABLE kept_seals AS TABLE workspace_audit_seals",
        )
        .await;
    }

    async fn restore(&self) {
        self.tamper(
            "DELETE FROM workspace_audit_logs; INSERT INTO workspace_audit_logs TABLE kept_logs;
             DELETE FROM workspace_audit_seals; INSERT INTO workspace_audit_seals TABLE kept_seals",
        )
        .await;
    }
}

fn removed(seq: i64, id: &str) -> String {
    format!("record {seq}, id {id}, was removed: only its signature is left")
}

fn missing(seq: i64, next: i64, id: &str) -> String {
    format!("record {seq} is missing; in its place stands record {next}, id {id}")
}

#[tokio::test]
async fn trail_of_workspaces_is_whole_on_every_layout() {
    for schema in Schema::ALL {
        let history = History::on(schema).await;
        let records = history.records().await;
        assert_eq!(history.trail.app.one("SELECT count(*) FROM workspace_audit_logs").await, "8");
        history.trail.run(&["verify"]).expect_whole(&format!("4 whole, 0 broken; {records} good records, 0 anchors"));
        let run = history.trail.run(&["verify", "--json", "--tenant", &history.trail.admin.tenant]);
        let report: Value = serde_json::from_str(&run.stdout).unwrap();
        let chains = report["chains"].as_array().unwrap();
        let named: Vec<_> = chains.iter().map(|chain| (&chain["trail"], &chain["tenant_id"])).collect();
        let tenant = json!(history.trail.admin.tenant);
        assert_eq!(named, [(&json!("audit_events"), &tenant), (&json!("workspace_audit_logs"), &tenant)]);
        assert_eq!((&chains[1]["records"], &report["unsealed"]), (&json!(7), &json!(0)), "{schema:?}");
    }
}

/// Members who leave, and people who are deleted, are recorded in the chain too.
#[tokio::test]
async fn trail_of_workspaces_goes_on_when_a_person_is_deleted() {
    for schema in Schema::ALL {
        let history = History::on(schema).await;
        let trail = &history.trail;
        let owner = trail.app.member(&trail.admin, "owner.to.be@example.com").await;
        for name in ["One", "Two"] {
            owner.http.post("/api/v1/workspaces").json(&json!({ "name": name })).send().await.expect(201);
        }
        let before = history.records().await;
        trail.admin.http.delete(&format!("/users/{}", owner.id)).send().await.expect(200);
        assert_eq!(history.records().await, before + 3, "{schema:?}: two workspaces and a person");
        trail.run(&["verify"]).expect_whole(&format!("4 whole, 0 broken; {} good records, 0 anchors", before + 3));
    }
}

#[tokio::test]
async fn changed_field_of_a_workspace_record_is_found_whichever_it_is() {
    for schema in Schema::ALL {
        let history = History::on(schema).await;
        let other = history.trail.app.one("SELECT id FROM workspaces WHERE name = 'Elsewhere'").await;
        let logs = [
            ("workspace_id", format!("'{other}'")),
            ("user_id", "''".to_owned()),
            ("action", "'workspace.created'".to_owned()),
            ("resource_type", "'project'".to_owned()),
            ("resource_id", "NULL".to_owned()),
            ("resource_id", "resource_id || 'x'".to_owned()),
            ("changes", "NULL".to_owned()),
            ("changes", "'null'".to_owned()),
            ("changes", "jsonb_set(changes, '{settings,new,zebra}', '1.500')".to_owned()),
            ("created_at", "created_at + interval '1 microsecond'".to_owned()),
            ("created_at", "NULL".to_owned()),
            ("created_at", "'infinity'".to_owned()),
            ("created_at", "'20000-01-01'".to_owned()),
        ];
        let seals = [
            ("actor_kind", "'service'"),
            ("request_id", "NULL"),
            ("ip", "coalesce(ip, '') || '1'"),
            ("user_agent", "coalesce(user_agent, '') || 'x'"),
            ("mac", "sha256(mac)"),
        ];
        history.keep().await;
        let id = history.id(2).await;
        for (field, value) in &logs {
            history.tamper(&format!("UPDATE workspace_audit_logs SET {field} = {value} WHERE LOG(2)")).await;
            history.verify_broken(&unfit(2, &id));
            history.restore().await;
        }
        for (field, value) in seals {
            history.tamper(&format!("UPDATE workspace_audit_seals SET {field} = {value} WHERE SEAL AND seq = 2")).await;
            history.verify_broken(&unfit(2, &id));
            history.restore().await;
        }
        history.tamper("UPDATE workspace_audit_logs SET id = gen_random_uuid() WHERE LOG(2)").await;
        history.verify_broken(&removed(2, &id));
        history.restore().await;
        history.tamper("UPDATE workspace_audit_seals SET id = gen_random_uuid() WHERE SEAL AND seq = 2").await;
        history.verify_broken(&removed(2, &history.id(2).await));
        history.restore().await;
        let columns = history
            .trail
            .app
            .one(
                "SELECT count(DISTINCT column_name) FROM information_schema.columns
                 WHERE table_name IN ('workspace_audit_logs', 'workspace_audit_seals')",
            )
            .await;
        let tampered = logs.iter().map(|(field, _)| *field).chain(seals.iter().map(|(field, _)| *field));
        let tampered: BTreeSet<&str> = tampered.chain(["id"]).collect();
        assert_eq!(columns, (tampered.len() + 2).to_string(), "{schema:?}: besides tenant_id and seq");
        assert_eq!(history.trail.run(&["verify"]).code, Some(0), "{schema:?}");
    }
}

#[tokio::test]
async fn removed_workspace_record_is_found_with_its_seal_or_without() {
    for schema in Schema::ALL {
        let history = History::on(schema).await;
        history.keep().await;
        let (fourth, fifth, last) = (history.id(4).await, history.id(5).await, history.id(7).await);
        history.tamper("DELETE FROM workspace_audit_logs WHERE LOG(4)").await;
        history.verify_broken(&removed(4, &fourth));
        history.tamper("DELETE FROM workspace_audit_seals WHERE SEAL AND seq = 4").await;
        history.verify_broken(&missing(4, 5, &fifth));
        // Closing the gap does not help.
        history.tamper("UPDATE workspace_audit_seals SET seq = seq - 1 WHERE SEAL AND seq > 4").await;
        history.verify_broken(&unfit(4, &fifth));
        history.restore().await;
        history.tamper("DELETE FROM workspace_audit_logs WHERE LOG(7)").await;
        history.verify_broken(&removed(7, &last));
        history.restore().await;
        // Unsealed it would look like an old service's, but the gap it leaves tells.
        history.tamper("DELETE FROM workspace_audit_seals WHERE SEAL AND seq = 4").await;
        history.verify_broken(&missing(4, 5, &fifth));
        history.restore().await;
        history.tamper("DELETE FROM workspace_audit_seals WHERE SEAL AND seq = 1").await;
        history.verify_broken(&missing(1, 2, &history.id(2).await));
    }
}

#[tokio::test]
async fn swapped_workspace_records_are_found_at_the_first() {
    for schema in Schema::ALL {
        let history = History::on(schema).await;
        history.keep().await;
        let (third, sixth) = (history.id(3).await, history.id(6).await);
        for (from, to) in [(3, -1), (6, 3), (-1, 6)] {
            history.tamper(&format!("UPDATE workspace_audit_seals SET seq = {to} WHERE SEAL AND seq = {from}")).await;
        }
        history.verify_broken(&unfit(3, &sixth));
        history.restore().await;
        // The contents alone.
        history
            .tamper(
                "UPDATE workspace_audit_logs l SET action = o.action, changes = o.changes, created_at = o.created_at,
                     resource_type = o.resource_type, resource_id = o.resource_id
                 FROM workspace_audit_logs o
                 WHERE (l.LOG(3) AND o.LOG(6)) OR (l.LOG(6) AND o.LOG(3))",
            )
            .await;
        history.verify_broken(&unfit(3, &third));
    }
}

#[tokio::test]
async fn inserted_workspace_record_is_found_wherever_it_is_put() {
    for schema in Schema::ALL {
        let history = History::on(schema).await;
        history.keep().await;
        let new = "00000000-0000-4000-8000-00000000feed";
        for (seq, expected) in [
            (8, unfit(8, new)),
            (0, missing(1, 0, new)),
            (9, missing(8, 9, new)),
            (i64::MIN, missing(1, i64::MIN, new)),
        ] {
            history
                .tamper(&format!(
                    "INSERT INTO workspace_audit_logs (id, workspace_id, user_id, action, resource_type, created_at)
                         SELECT '{new}', workspace_id, user_id, action, resource_type, created_at
                         FROM workspace_audit_logs WHERE LOG(7);
                     INSERT INTO workspace_audit_seals
                         SELECT '{new}', tenant_id, {seq}, actor_kind, request_id, ip, user_agent, mac
                         FROM workspace_audit_seals WHERE SEAL AND seq = 7"
                ))
                .await;
            history.verify_broken(&expected);
            history.restore().await;
        }
        // Not even one of the other trail fits, though it was signed with the key.
        history
            .tamper(&format!(
                "DELETE FROM workspace_audit_seals WHERE SEAL; INSERT INTO workspace_audit_logs
                     (id, workspace_id, user_id, action, resource_type, resource_id, changes, created_at)
                     SELECT id, '{}', coalesce(actor_id, ''), action, resource_type, resource_id, changes::jsonb, at
                     FROM audit_events WHERE SEAL;
                 INSERT INTO workspace_audit_seals
                     SELECT id, tenant_id, seq, actor_kind, request_id, ip, user_agent, mac FROM audit_events WHERE SEAL",
                history.workspace
            ))
            .await;
        history.verify_broken(&unfit(1, &history.id(1).await));
    }
}

#[tokio::test]
async fn unsealed_records_are_counted_and_limited_on_request() {
    for schema in Schema::ALL {
        let history = History::on(schema).await;
        let records = history.records().await;
        // As the old service does it, for a workspace of each tenant; and for none, where the layout lets it.
        history
            .tamper(
                "INSERT INTO workspace_audit_logs (id, workspace_id, user_id, action, resource_type)
                 SELECT gen_random_uuid(), id, 'x', 'workspace.updated', 'workspace' FROM workspaces",
            )
            .await;
        let orphans = if schema == Schema::Orm {
            history
                .tamper(
                    "INSERT INTO workspace_audit_logs (id, workspace_id, user_id, action, resource_type)
                     VALUES (gen_random_uuid(), 'no id', 'x', 'x', 'x')",
                )
                .await;
            1
        } else {
            0
        };
        let count = 2 + orphans;
        let run = history.trail.run(&["verify"]);
        run.expect_whole(&format!("4 whole, 0 broken; {records} good records, 0 anchors, {count} unsealed"));
        assert!(run.stderr.contains("--max-unsealed"), "{}", run.shown());
        let own = ["verify", "--tenant", &history.trail.admin.tenant];
        assert!(history.trail.run(&own).stdout.contains(", 1 unsealed"), "{schema:?}");
        let run = history.trail.run(&["verify", "--max-unsealed", &count.to_string()]);
        assert_eq!(run.code, Some(0), "{}", run.shown());
        assert!(!run.stderr.contains("--max-unsealed"), "{}", run.shown());
        let run = history.trail.run(&["verify", "--max-unsealed", &(count - 1).to_string()]);
        let line =
            format!("BROKEN  workspace_audit_logs: {count} records are unsealed, and at most {} may be", count - 1);
        assert!(run.stdout.starts_with(&line), "{}", run.shown());
        assert_eq!(run.code, Some(1), "{}", run.shown());
        // The program goes on beside them.
        history.change(&json!({ "name": "Eight" })).await;
        assert_eq!(history.trail.run(&["verify"]).code, Some(0), "{schema:?}");
    }
}

#[tokio::test]
async fn cut_off_end_of_a_workspace_chain_is_found_with_an_anchor_only() {
    for schema in Schema::ALL {
        let history = History::on(schema).await;
        let run = history.trail.anchor();
        assert_eq!((run.code, run.stdout.as_str()), (Some(0), "4 anchored, 0 broken\n"), "{}", run.shown());
        let records = history.records().await;
        let whole = format!("4 whole, 0 broken; {records} good records, 4 anchors");
        history.trail.verify_anchored().expect_whole(&whole);
        history.keep().await;
        for last in [5, 0] {
            history
                .tamper(&format!(
                    "DELETE FROM workspace_audit_logs
                         WHERE id IN (SELECT id FROM workspace_audit_seals WHERE SEAL AND seq > {last});
                     DELETE FROM workspace_audit_seals WHERE SEAL AND seq > {last}"
                ))
                .await;
            assert_eq!(history.trail.run(&["verify"]).code, Some(0), "nothing in the database tells");
            let words = format!("the end was cut off: the last record is {last}, yet record 7 was anchored");
            history.expect_broken(&history.trail.verify_anchored(), &words);
            let anchors = history.trail.file("anchors.jsonl");
            history.expect_broken(&history.trail.anchor(), &words);
            assert_eq!(history.trail.file("anchors.jsonl"), anchors, "no anchor moves back");
            if last > 0 {
                history.restore().await;
            }
        }
        // A chain begun anew does not hide it.
        for number in 0..7 {
            history.change(&json!({ "name": format!("Again {number}") })).await;
        }
        assert_eq!(history.trail.run(&["verify"]).code, Some(0));
        let words = format!("record 7, id {}, is not the one that was anchored", history.id(7).await);
        history.expect_broken(&history.trail.verify_anchored(), &words);
    }
}

/// Before workspaces had a chain, an anchor named none.
#[tokio::test]
async fn anchors_and_exports_that_name_no_trail_are_of_the_first() {
    let history = History::on(Schema::Own).await;
    history.trail.anchor();
    let path = history.trail.directory.path().join("anchors.jsonl");
    let nameless = |text: &str| -> Vec<String> {
        let events = text.lines().filter(|line| !line.contains("workspace_audit_logs"));
        events.map(|line| line.replace("\"trail\":\"audit_events\",", "")).collect()
    };
    let old = nameless(&history.trail.file("anchors.jsonl"));
    assert!(old.len() == 2 && old.iter().all(|line| !line.contains("trail")), "{old:?}");
    fs::write(&path, old.join("\n")).unwrap();
    history.trail.run(&["export", "--output", "trail.jsonl"]);
    let export = nameless(&history.trail.file("trail.jsonl"));
    fs::write(history.trail.directory.path().join("trail.jsonl"), export.join("\n")).unwrap();
    let run = history.trail.run(&["verify", "--input", "trail.jsonl", "--anchors", "anchors.jsonl"]);
    run.expect_whole(&format!("2 whole, 0 broken; {} good records, 2 anchors", export.len()));
    assert_eq!(history.trail.anchor().code, Some(0));
    assert_eq!(history.trail.file("anchors.jsonl").lines().count(), 4);
    fs::write(&path, old[0].replace("\"seq\"", "\"trail\":\"later\",\"seq\"")).unwrap();
    history.trail.verify_anchored().expect_no_look("no audit trail \"later\"");
}

#[tokio::test]
async fn export_has_both_trails_and_is_checked_without_the_database() {
    for schema in Schema::ALL {
        let history = History::on(schema).await;
        let records = history.records().await;
        let run = history.trail.run(&["export", "--output", "trail.jsonl"]);
        assert!(run.stderr.contains(&format!("{records} records of 4 chains exported")), "{}", run.shown());
        history.trail.anchor();
        let text = history.trail.file("trail.jsonl");
        let lines: Vec<&str> = text.lines().collect();
        let verify = |lines: &[&str], anchors: &[&str]| {
            fs::write(history.trail.directory.path().join("trail.jsonl"), lines.join("\n")).unwrap();
            let nowhere = [("DATABASE_URL", "postgres://x@127.0.0.1:1/x")];
            history.trail.run_with(&[&["verify", "--input", "trail.jsonl"], anchors].concat(), &nowhere)
        };
        let anchors = ["--anchors", "anchors.jsonl"];
        verify(&lines, &anchors).expect_whole(&format!("4 whole, 0 broken; {records} good records, 4 anchors"));
        let id = history.id(4).await;
        let at = lines.iter().position(|line| line.contains(&format!("\"id\":\"{id}\""))).unwrap();
        let record: Value = serde_json::from_str(lines[at]).unwrap();
        assert_eq!(
            (&record["action"], &record["workspace_id"]),
            (&json!("project.created"), &json!(history.workspace))
        );
        assert!(record["request_id"].is_string(), "{record}");
        let forged = lines[at].replace("project.created", "project.deleted");
        let changed = [&lines[..at], &[forged.as_str()], &lines[at + 1..]].concat();
        history.expect_broken(&verify(&changed, &[]), &unfit(4, &id));
        let shorter = [&lines[..at], &lines[at + 1..]].concat();
        history.expect_broken(&verify(&shorter, &[]), &missing(4, 5, &history.id(5).await));
        let cut: Vec<&str> = lines.iter().copied().filter(|line| !line.contains("workspace_audit_logs")).collect();
        let run = verify(&cut, &anchors);
        assert!(run.stdout.contains("2 whole, 2 broken"), "{}", run.shown());
        // Of a record that is gone its signature is exported, and no more of it can be said.
        history.tamper("DELETE FROM workspace_audit_logs WHERE LOG(4)").await;
        let export = history.trail.run(&["export"]);
        history.expect_broken(&verify(&export.stdout.lines().collect::<Vec<_>>(), &[]), &removed(4, &id));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn simultaneous_changes_make_one_chain() {
    for schema in Schema::ALL {
        let history = History::on(schema).await;
        let http = &history.trail.admin.http;
        let changes = (0..40).map(|number| {
            let path = history.path("/projects");
            async move {
                if number % 4 == 0 {
                    http.put("/users/me").json(&json!({ "bio": format!("{number}") })).send().await.expect(200);
                } else {
                    let body = json!({ "name": format!("Project {number}") });
                    http.post(&path).json(&body).send().await.expect(201);
                }
            }
        });
        futures_util::future::join_all(changes).await;
        let records = history.records().await;
        assert_eq!(history.id(37).await.len(), 36, "{schema:?}: 7 and 30 more");
        history.trail.run(&["verify"]).expect_whole(&format!("4 whole, 0 broken; {records} good records, 0 anchors"));
    }
}
