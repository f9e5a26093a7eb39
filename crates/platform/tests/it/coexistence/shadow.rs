//! The register of intended differences that the gateway brings along: every read of the old services, compared as its
//! shadow compares, differs in nothing else.

use std::collections::BTreeMap;

use axum::http::StatusCode;
use gateway::shadow::compare::{Answer, Difference, compare};
use gateway::shadow::register::{BUILT_IN, Register};
use kernel::{Clock as _, SystemClock};
use serde_json::json;
use testkit::legacy::generate::{Plan, fill};
use testkit::legacy::layouts::Layout;

use super::Pair;
use super::generated::owned;

fn whole(answer: &testkit::Answer) -> Answer {
    Answer {
        status: answer.status.as_u16(),
        content_type: Some("application/json".to_owned()),
        body: serde_json::to_vec(&answer.body).unwrap(),
    }
}

/// All differences that the register does not excuse, by endpoint and field, with an example.
async fn differences(layout: Layout, register: &Register) -> BTreeMap<String, String> {
    let pair = Pair::on(layout).await;
    let plan = Plan { people: 120, seed: 11, now: "2026-02-01T00:00:00Z".parse().unwrap() };
    fill(layout, &pair.old.places, plan).await.unwrap();
    // The triggers of one layout know the real time only.
    let now = if layout == Layout::Public { SystemClock.now() } else { pair.new.clock.now() };
    let mut all = BTreeMap::new();
    let mut add = |endpoint: &str, old: &testkit::Answer, new: &testkit::Answer| {
        for found in compare(&whole(old), &whole(new)) {
            let Difference { field, kind, legacy, platform, .. } = &found;
            if register.reason(endpoint, &found, now).is_none() {
                let example = format!("old {legacy:?}, new {platform:?}");
                all.entry(format!("{endpoint} {field} {}", kind.name())).or_insert(example);
            }
        }
    };
    for (workspace, user, tenant) in owned(&pair).await {
        let token = pair.old.token(&user, &tenant);
        let new = pair.new.http.with_bearer(&token);
        let old = pair.old.workspaces_as(&user, &tenant);
        let of = |path: &str| path.replace("{workspace}", &workspace);
        let mut reads = vec![
            ("/workspaces", String::new()),
            ("/workspaces/stats", String::new()),
            ("/workspaces/user", String::new()),
            ("/workspaces/audit-logs", String::new()),
            ("/audit-logs", String::new()),
            ("/workspaces/{id}", of("/workspaces/{workspace}")),
            ("/workspaces/{id}/members", of("/workspaces/{workspace}/members")),
            ("/projects", of("/projects?workspace_id={workspace}")),
            ("/projects", of("/projects?workspace_id={workspace}&page_size=1")),
            ("/airtable-bases", String::new()),
            ("/airtable-bases", of("/airtable-bases?workspace_id={workspace}")),
        ];
        let projects = new.get(&of("/projects?workspace_id={workspace}")).send().await.body;
        for project in projects["projects"].as_array().into_iter().flatten() {
            // The old side keeps it, with the workspace as it is now (T-57).
            old.get(&format!("/projects/{}", project["id"].as_str().unwrap())).send().await;
            reads.push(("/projects/{id}", format!("/projects/{}", project["id"].as_str().unwrap())));
        }
        let bases = new.get("/airtable-bases").send().await.body;
        for base in bases["bases"].as_array().into_iter().flatten().take(2) {
            reads.push(("/airtable-bases/{id}", format!("/airtable-bases/{}", base["id"].as_str().unwrap())));
        }
        let change = json!({"description": "changed while the old side keeps its projects"});
        let changed = old.put(&of("/workspaces/{workspace}")).json(&change).send().await;
        assert_eq!(changed.status, StatusCode::OK, "{}", changed.body);
        for (endpoint, path) in reads {
            let path = if path.is_empty() { endpoint } else { &path };
            let (old, new) = (old.get(path).send().await, new.get(path).send().await);
            add(&format!("GET /api/v1{endpoint}"), &old, &new);
        }
        let me = pair.old_auth().with_bearer(&token).get("/auth/me").send().await;
        add("GET /api/v1/auth/me", &me, &new.get("/auth/me").send().await);
        for (endpoint, path) in [
            ("/users/me", "/users/me".to_owned()),
            ("/users/{id}", format!("/users/{user}")),
            ("/users", "/users".to_owned()),
            ("/users/stats", "/users/stats".to_owned()),
        ] {
            let old = pair.old.http.users.get(&path).header("x-user-id", &user).header("x-tenant-id", &tenant);
            add(&format!("GET /api/v1{endpoint}"), &old.send().await, &new.get(&path).send().await);
        }
    }
    all
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn coexistence_reads_differ_in_nothing_but_the_register_of_the_gateway() {
    let register = Register::parse(BUILT_IN).unwrap();
    for layout in [Layout::Public, Layout::Orm] {
        let left = differences(layout, &register).await;
        assert!(left.is_empty(), "{}: {left:#?}", layout.name());
    }
    // Without it, each would stand in the way.
    let all = differences(Layout::Public, &Register::default()).await;
    assert!(all.len() > 50, "{all:#?}");
    assert!(all.contains_key("GET /api/v1/projects/{id} $.workspace.description value"), "{all:#?}");
}
