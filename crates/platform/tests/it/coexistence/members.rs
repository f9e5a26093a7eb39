//! Members: every write of either side, and what both then show and allow (T-45, T-46).

use serde_json::json;
use testkit::Answer;
use testkit::legacy::layouts::Layout;

use super::{Both, Findings, LAYOUTS, Pair, colleague};

async fn lists(pair: &Pair, owner: &Both, path: &str, found: &mut Findings, after: &str) {
    let old = owner.on_old(pair).get(path).send().await;
    let new = owner.on_new(pair).get(path).send().await;
    found.same(after, &old, &new);
}

fn role_of(list: &Answer, user: &str) -> serde_json::Value {
    let members = list.body["members"].as_array().unwrap();
    members.iter().find(|member| member["user_id"] == user).map_or(json!(null), |member| member["role"].clone())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn coexistence_members_are_the_same_on_both_sides() {
    for layout in LAYOUTS {
        let pair = Pair::on(layout).await;
        let found = compare(&pair, layout).await;
        insta::assert_snapshot!(format!("members_{}", layout.name()), found.listed("members", layout));
    }
}

pub(super) async fn compare(pair: &Pair, layout: Layout) -> Findings {
    let mut found = Findings::default();
    let owner = pair.admin("owner@example.com").await;
    let other = colleague(pair, &owner, "other@example.com").await;
    let body = json!({ "name": "People" });
    let workspace = owner.on_new(pair).post("/workspaces").json(&body).send().await.expect(201).text("id");
    let path = format!("/workspaces/{workspace}/members");
    let member = format!("{path}/{}", other.id);
    for writer in ["old", "new"] {
        let http = if writer == "old" { owner.on_old(pair) } else { owner.on_new(pair) };
        let body = json!({ "user_id": other.id, "role": "viewer" });
        http.post(&path).json(&body).send().await.expect(201);
        lists(pair, &owner, &path, &mut found, &format!("{writer} adds")).await;
        let mine = "/workspaces/user";
        let (old, new) = (other.on_old(pair).get(mine).send().await, other.on_new(pair).get(mine).send().await);
        found.same(&format!("{writer} adds: their workspaces"), &old, &new);
        // On the script's tables the old side's change is lost, for both (T-45).
        http.put(&member).json(&json!({ "role": "admin" })).send().await.expect(200);
        lists(pair, &owner, &path, &mut found, &format!("{writer} changes a role")).await;
        let list = owner.on_new(pair).get(&path).send().await.expect(200);
        let discarded = writer == "old" && layout.has_triggers();
        let expected = json!(if discarded { "viewer" } else { "admin" });
        found.equal(&format!("{writer} changes a role: the role"), &role_of(&list, &other.id), &expected);

        let own = format!("{path}/{}", owner.id);
        for (side, http) in [("old", owner.on_old(pair)), ("new", owner.on_new(pair))] {
            let answers =
                [http.delete(&own).send().await, http.put(&own).json(&json!({ "role": "viewer" })).send().await];
            for answer in &answers {
                let refused = json!(answer.status.as_u16() >= 400);
                found.equal(&format!("{side} lets the last owner go"), &refused, &json!(true));
            }
        }
        http.delete(&member).send().await.expect(204);
        lists(pair, &owner, &path, &mut found, &format!("{writer} removes")).await;
        let (old, new) = (other.on_old(pair).get(mine).send().await, other.on_new(pair).get(mine).send().await);
        found.same(&format!("{writer} removes: their workspaces"), &old, &new);
    }
    found
}
