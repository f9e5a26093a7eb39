//! Tenants, where both sides have a table of them.

use serde_json::json;
use testkit::legacy::layouts::Layout;

use super::{Findings, Pair};
use crate::support::PASSWORD;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn coexistence_tenants_are_the_same_on_both_sides() {
    for layout in [Layout::Public, Layout::Tokyo, Layout::DraftTenants] {
        let pair = Pair::on(layout).await;
        let mut found = Findings::default();
        let root = pair.new.super_admin().await;
        let old = &pair.old.http.tenants;
        let person = pair.admin("ada@example.com").await;
        let mut path = format!("/tenants/{}", person.tenant);
        found.same("new founds", &old.get(&path).send().await, &root.http.get(&path).send().await);
        let body = json!({ "name": "By new", "slug": "by-new", "settings": { "a": 1 } });
        let made = root.http.post("/tenants").json(&body).send().await.expect(201).text("id");
        path = format!("/tenants/{made}");
        found.same("new makes", &old.get(&path).send().await, &root.http.get(&path).send().await);
        root.http.put(&path).json(&json!({ "name": "Changed", "plan": "starter" })).send().await.expect(200);
        found.same("new changes", &old.get(&path).send().await, &root.http.get(&path).send().await);
        old.put(&path).json(&json!({ "name": "Changed back", "domain": "x.example.com" })).send().await.expect(200);
        found.same("old changes", &old.get(&path).send().await, &root.http.get(&path).send().await);

        let made = old.post("/tenants").json(&json!({ "name": "By old" })).send().await.expect(201).text("id");
        let path = format!("/tenants/{made}");
        found.same("old makes", &old.get(&path).send().await, &root.http.get(&path).send().await);

        // Suspending reaches the old side through its people (T-54).
        let path = format!("/tenants/{}", person.tenant);
        root.http.post(&format!("{path}/suspend")).send().await.expect(200);
        found.status("old log-in to a suspended tenant", &pair.old_login(&person.email, PASSWORD).await, 403);
        found.status("new log-in to a suspended tenant", &pair.new_login(&person.email, PASSWORD).await, 403);
        found.same("new suspends", &old.get(&path).send().await, &root.http.get(&path).send().await);
        root.http.post(&format!("{path}/reactivate")).send().await.expect(200);
        found.status("old log-in after that", &pair.old_login(&person.email, PASSWORD).await, 200);
        // What the old side switches off, or deletes for good.
        old.put(&path).json(&json!({ "is_active": false })).send().await.expect(200);
        found.status("new log-in after old switched off", &pair.new_login(&person.email, PASSWORD).await, 403);
        old.delete(&path).send().await.expect(204);
        found.status("new log-in after old deleted", &pair.new_login(&person.email, PASSWORD).await, 200);
        insta::assert_snapshot!(format!("tenants_{}", layout.name()), found.listed("tenants", layout));
    }
}
