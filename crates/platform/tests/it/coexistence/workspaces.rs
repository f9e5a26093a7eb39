//! Workspaces, projects, bases and their log: every write of either side, and what both then show.

use serde_json::{Value, json};
use testkit::Client;

use super::{Both, Findings, LAYOUTS, Pair};

/// What both show of a workspace and all that is in it.
struct View<'a> {
    pair: &'a Pair,
    person: &'a Both,
    workspace: String,
}

impl View<'_> {
    async fn compare(&self, found: &mut Findings, after: &str) {
        let (old, new) = (self.person.on_old(self.pair), self.person.on_new(self.pair));
        let id = &self.workspace;
        for (what, path) in [
            ("workspace", format!("/workspaces/{id}")),
            ("list", "/workspaces?sort_by=name&sort_order=asc".to_owned()),
            ("projects", format!("/projects?workspace_id={id}&sort_by=name&sort_order=asc")),
            ("members", format!("/workspaces/{id}/members")),
            ("statistics", "/workspaces/stats".to_owned()),
        ] {
            let (mut old, mut new) = (old.get(&path).send().await, new.get(&path).send().await);
            // Whose clock it is does not matter.
            for answer in [&mut old, &mut new] {
                answer.body.as_object_mut().map(|body| body.remove("last_updated"));
            }
            found.same(&format!("{after}: {what}"), &old, &new);
        }
    }

    async fn compare_one(&self, found: &mut Findings, after: &str, path: &str) {
        let (old, new) = (self.person.on_old(self.pair), self.person.on_new(self.pair));
        found.same(after, &old.get(path).send().await, &new.get(path).send().await);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn coexistence_workspaces_are_the_same_on_both_sides() {
    for layout in LAYOUTS {
        let pair = Pair::on(layout).await;
        let found = compare(&pair).await;
        insta::assert_snapshot!(format!("workspaces_{}", layout.name()), found.listed("workspaces", layout));
    }
}

pub(super) async fn compare(pair: &Pair) -> Findings {
    let mut found = Findings::default();
    let person = pair.admin("ada@example.com").await;
    for (writer, http, other) in
        [("old", person.on_old(pair), person.on_new(pair)), ("new", person.on_new(pair), person.on_old(pair))]
    {
        let body = json!({ "name": format!("By {writer}"), "description": "d", "settings": { "a": [1] } });
        let workspace = http.post("/workspaces").json(&body).send().await.expect(201).text("id");
        let view = View { pair, person: &person, workspace };
        view.compare(&mut found, &format!("{writer} creates")).await;
        let names = other.post("/workspaces").json(&body).send().await;
        found.equal(&format!("the other takes {writer}'s name"), &json!(names.status.as_u16() >= 400), &json!(true));
        changes(&view, &mut found, writer, &http).await;
        contents(&view, &mut found, writer, &http, &other).await;
        deletes(&view, &mut found, writer, &http, &other).await;
    }
    quota(pair, &person, &mut found).await;
    found
}

/// After each change both have the row in view, the old side past its cache (T-57).
async fn changes(view: &View<'_>, found: &mut Findings, writer: &str, http: &Client) {
    let path = format!("/workspaces/{}", view.workspace);
    for (what, body) in [
        ("renames", json!({ "name": format!("Named by {writer}") })),
        ("describes", json!({ "description": "another" })),
        ("clears", json!({ "description": "" })),
        ("sets", json!({ "settings": {} })),
    ] {
        http.put(&path).json(&body).send().await.expect(200);
        view.compare(found, &format!("{writer} {what}")).await;
    }
}

async fn contents(view: &View<'_>, found: &mut Findings, writer: &str, http: &Client, other: &Client) {
    let path = format!("/workspaces/{}/projects", view.workspace);
    let body = json!({ "name": "Launch", "description": "d" });
    let project = http.post(&path).json(&body).send().await.expect(201).text("id");
    let project_path = format!("/projects/{project}");
    view.compare(found, &format!("{writer} creates a project")).await;
    view.compare_one(found, &format!("{writer} creates a project: project"), &project_path).await;
    let again = other.post(&path).json(&body).send().await;
    found.equal(&format!("the other takes {writer}'s project"), &json!(again.status.as_u16() >= 400), &json!(true));
    http.put(&project_path).json(&json!({ "status": "archived", "name": "Done" })).send().await.expect(200);
    view.compare_one(found, &format!("{writer} archives a project"), &project_path).await;

    let bases = format!("{project_path}/airtable-bases");
    let body = json!({ "base_id": "app1", "name": "Base", "sync_enabled": false });
    let base = http.post(&bases).json(&body).send().await.expect(201).text("id");
    let (base_path, list) = (format!("/airtable-bases/{base}"), format!("/airtable-bases?project_id={project}"));
    view.compare_one(found, &format!("{writer} connects a base"), &base_path).await;
    http.put(&base_path).json(&json!({ "sync_enabled": false, "name": "B2" })).send().await.expect(200);
    view.compare_one(found, &format!("{writer} changes a base"), &base_path).await;
    view.compare_one(found, &format!("{writer} changes a base: list"), &list).await;
    let refused = other.delete(&project_path).send().await;
    found.equal(&format!("{writer}'s base holds its project"), &json!(refused.status.as_u16() >= 400), &json!(true));
    http.delete(&base_path).send().await.expect(204);
    view.compare_one(found, &format!("{writer} disconnects a base: list"), &list).await;

    let logs = format!("/audit-logs?workspace_id={}&sort_by=action&sort_order=asc", view.workspace);
    view.compare_one(found, &format!("{writer}'s log"), &logs).await;
}

async fn deletes(view: &View<'_>, found: &mut Findings, writer: &str, http: &Client, other: &Client) {
    let path = format!("/workspaces/{}", view.workspace);
    let projects = other.get(&format!("/projects?workspace_id={}", view.workspace)).send().await.expect(200);
    let project = projects.body["projects"][0]["id"].as_str().unwrap().to_owned();
    let refused = other.delete(&path).send().await;
    found.equal(
        &format!("{writer}'s project holds its workspace"),
        &json!(refused.status.as_u16() >= 400),
        &json!(true),
    );
    other.delete(&format!("/projects/{project}")).send().await.expect(204);
    http.get(&path).send().await.expect(200);
    other.get(&path).send().await.expect(200);
    http.delete(&path).send().await.expect(204);
    for (side, http) in [("the same", http), ("the other", other)] {
        let answer = http.get(&path).send().await;
        let gone = json!(answer.status == 404 || answer.status == 500);
        found.equal(&format!("{writer} deletes: {side} reads"), &gone, &json!(true));
        let list = http.get("/workspaces").send().await.expect(200);
        found.equal(&format!("{writer} deletes: {side} lists"), &list.body["total"], &json!(0));
    }
}

/// Ten, whoever made them (T-48).
async fn quota(pair: &Pair, person: &Both, found: &mut Findings) {
    let sides = [person.on_old(pair), person.on_new(pair)];
    for number in 0..10_usize {
        let body: Value = json!({ "name": format!("W{number}") });
        sides[number % 2].post("/workspaces").json(&body).send().await.expect(201);
    }
    for (side, http) in ["old", "new"].iter().zip(&sides) {
        let answer = http.post("/workspaces").json(&json!({ "name": "one more" })).send().await;
        found.status(&format!("{side} makes an eleventh"), &answer, 403);
        found.equal(&format!("{side} says why"), &answer.body["error"], &json!("Quota exceeded"));
    }
}
