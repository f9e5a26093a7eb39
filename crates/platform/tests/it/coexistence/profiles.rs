//! Profiles on the one layout where user-service shares its table with auth-service. The new side keeps profiles in a
//! table of their own (T-42), so what of them stands in `users` is the old side's alone; the snapshot says what that
//! means.

use serde_json::json;
use testkit::legacy::layouts::Layout;

use super::{Both, Findings, Pair};

async fn compare(pair: &Pair, person: &Both, found: &mut Findings, after: &str) {
    let old = pair.old.http.users.get("/users/me").header("x-user-id", &person.id).send().await;
    let new = person.on_new(pair).get("/users/me").send().await;
    found.same(after, &old, &new);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn coexistence_profiles_on_a_shared_table() {
    let pair = Pair::on(Layout::Widened).await;
    let mut found = Findings::default();
    let person = pair.admin("ada@example.com").await;
    compare(&pair, &person, &mut found, "new registers").await;
    person.on_new(&pair).put("/users/me").json(&json!({ "first_name": "Augusta" })).send().await.expect(200);
    compare(&pair, &person, &mut found, "new changes a name").await;
    person.on_new(&pair).put("/users/me").json(&json!({ "bio": "new" })).send().await.expect(200);
    compare(&pair, &person, &mut found, "new changes a profile").await;
    let put = pair.old.http.users.put("/users/me").header("x-user-id", &person.id);
    put.json(&json!({ "last_name": "King", "phone": "1" })).send().await.expect(200);
    compare(&pair, &person, &mut found, "old changes a profile").await;
    let body = json!({ "email": "made@example.com", "first_name": "Made", "last_name": "Up",
                       "tenant_id": person.tenant, "role": "user", "is_active": true });
    let made = pair.old.http.users.post("/users").header("x-api-key", "any").json(&body).send().await.expect(201);
    let path = format!("/users/{}", made.text("id"));
    let old = pair.old.http.users.get(&path).header("x-tenant-id", &person.tenant).send().await;
    let new = person.on_new(&pair).get(&path).send().await;
    found.same("old makes a person", &old, &new);
    person.on_new(&pair).delete(&path).send().await.expect(200);
    let old = pair.old.http.users.get(&path).header("x-tenant-id", &person.tenant).send().await;
    found.status("old reads whom new deleted", &old, 404);
    person.on_new(&pair).post(&format!("{path}/restore")).send().await.expect(200);
    pair.old.http.users.delete(&path).header("x-tenant-id", &person.tenant).send().await.expect(200);
    let new = person.on_new(&pair).get(&path).send().await;
    found.status("new reads whom old deleted", &new, 404);
    insta::assert_snapshot!(found.listed("profiles", Layout::Widened));
}
