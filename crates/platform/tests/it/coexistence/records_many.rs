//! Records in numbers: all that one side wrote is there for the other, is changed by it, and then read again by the first.
//! What has been written on the new side is what a deployment goes back to the old services with.

use serde_json::{Value, json};
use testkit::Client;

use super::{Findings, LAYOUTS, Pair};
use crate::support::long;

/// Tenants of each layout, and workspaces of a tenant; each has four projects, with a base in each. In the long edition that
/// is over 10,000 records of either side.
fn tenants_and_workspaces() -> (usize, usize) {
    if long() { (18, 9) } else { (1, 2) }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn coexistence_records_of_either_side_are_intact_on_the_other() {
    for layout in LAYOUTS {
        let pair = Pair::on(layout).await;
        let mut found = Findings::default();
        let (tenants, workspaces) = tenants_and_workspaces();
        for tenant in 0..tenants {
            for writer in ["new", "old"] {
                let person = pair.admin(&format!("{writer}{tenant}@example.com")).await;
                let sides = [("old", person.on_old(&pair)), ("new", person.on_new(&pair))];
                let [writes, reads] = if writer == "old" { &sides } else { &[sides[1].clone(), sides[0].clone()] };
                let written = write(&writes.1, tenant, workspaces).await;
                for (number, path) in written.iter().enumerate() {
                    compare(&mut found, &format!("{writer} wrote"), path, &sides).await;
                    let change = json!({ "name": format!("Changed {number} Ünï 'quoted'") });
                    let changed = reads.1.put(path).json(&change).send().await;
                    found.status(&format!("{} changes what {writer} wrote", reads.0), &changed, 200);
                    let shown =
                        compare(&mut found, &format!("{} changed what {writer} wrote", reads.0), path, &sides).await;
                    found.equal("name", &shown["name"], &change["name"]);
                }
            }
        }
        if long() {
            found.expect_intended("records", layout);
        } else {
            insta::assert_snapshot!(format!("records_{}", layout.name()), found.listed("records", layout));
        }
    }
}

/// Paths of what was written.
async fn write(http: &Client, tenant: usize, workspaces: usize) -> Vec<String> {
    let mut paths = Vec::new();
    let mut make = async |list: &str, path: &str, body: Value| {
        let path = format!("{path}/{}", http.post(list).json(&body).send().await.expect(201).text("id"));
        paths.push(path.clone());
        path
    };
    for one in 0..workspaces {
        let body = json!({ "name": format!("W {tenant}.{one} \u{1F680}"), "description": "é\n\"q\" \\ ",
                           "settings": { "nested": { "list": [1, null, "x"], "deep": 1.5 } } });
        let workspace = make("/workspaces", "/workspaces", body).await;
        for two in 0..4 {
            let body = json!({ "name": format!("P {one}.{two}"), "description": "d".repeat(two * 100) });
            let project = make(&format!("{workspace}/projects"), "/projects", body).await;
            let body =
                json!({ "base_id": format!("app{tenant}{one}{two}"), "name": "Base", "sync_enabled": two % 2 == 0 });
            make(&format!("{project}/airtable-bases"), "/airtable-bases", body).await;
        }
    }
    paths
}

async fn compare(found: &mut Findings, after: &str, path: &str, sides: &[(&str, Client); 2]) -> Value {
    let kind = path.split('/').nth(1).unwrap_or_default();
    let (old, new) = (sides[0].1.get(path).send().await, sides[1].1.get(path).send().await);
    found.same(&format!("{after}: {kind}"), &old, &new);
    old.body
}
