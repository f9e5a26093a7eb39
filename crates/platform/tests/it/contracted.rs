//! The program on a database of old services after the clean-up: every slice reads and writes as before, and what the
//! schema refuses now is answered like what the program refuses by itself.

use cutover::cleanup::planned;
use db::migrate::{Expansion, Limits};
use serde_json::json;
use testkit::TestDb;
use testkit::legacy::generate::{Plan, fill};
use testkit::legacy::layouts::Layout;

use crate::support::{TestApp, seed};

/// Old rows, expanded and contracted.
async fn contracted(layout: Layout) -> TestDb {
    let db = TestDb::empty().await;
    let places = layout.create(db.config()).await.unwrap();
    let plan = Plan { people: 60, seed: seed(), now: "2026-03-01T12:00:00Z".parse().unwrap() };
    fill(layout, &places, plan).await.unwrap();
    db::migrate::up(db.url()).await.unwrap();
    let (changes, _) = planned(&db.superuser().await).await.unwrap();
    let pieces: Vec<_> = changes.into_iter().flat_map(|change| change.pieces).collect();
    assert!(pieces.len() > 5, "{pieces:#?}");
    let expansion = Expansion::of(db.url(), pieces, Limits::default()).await.unwrap();
    for piece in expansion.pieces() {
        expansion.run(piece, &mut |_| {}).await.unwrap();
    }
    expansion.close().await.unwrap();
    db
}

async fn every_slice_writes(layout: Layout) {
    let app = TestApp::on(contracted(layout).await, |_| {});
    // users
    let ada = app.admin("ada@example.com").await;
    let grace = app.member(&ada, "grace@example.com").await;
    let taken =
        json!({ "email": "ADA@example.com", "password": "correct horse battery", "first_name": "A", "last_name": "B" });
    app.http.post("/auth/register").json(&taken).send().await.expect(409);
    ada.http.put(&format!("/users/{}", ada.id)).json(&json!({ "bio": "first" })).send().await.expect(200);
    // tenants
    ada.http.put(&format!("/tenants/{}", ada.tenant)).json(&json!({ "name": "Analytical" })).send().await.expect(200);
    // workspaces
    let mut workspace = String::new();
    let named = |name: &str| json!({ "name": name, "tenant_id": ada.tenant });
    for number in 1..3 {
        let answer = ada.http.post("/workspaces").json(&named(&format!("w{number}"))).send().await.expect(201);
        workspace = answer.text("id");
    }
    ada.http.post("/workspaces").json(&named("w2")).send().await.expect(409);
    ada.http.put(&format!("/workspaces/{workspace}")).json(&json!({ "name": "w1" })).send().await.expect(409);
    let member = json!({ "user_id": grace.id, "role": "member" });
    ada.http.post(&format!("/workspaces/{workspace}/members")).json(&member).send().await.expect(201);
    let role = json!({ "role": "viewer" });
    ada.http.put(&format!("/workspaces/{workspace}/members/{}", grace.id)).json(&role).send().await.expect(200);
    let project = json!({ "workspace_id": workspace, "name": "Launch" });
    let id = ada.http.post("/projects").json(&project).send().await.expect(201).text("id");
    ada.http.post("/projects").json(&project).send().await.expect(409);
    let base = json!({ "project_id": id, "base_id": "appAbCdEfGhIjKlMn", "name": "Plans" });
    ada.http.post(&format!("/projects/{id}/airtable-bases")).json(&base).send().await.expect(201);
    ada.http.post(&format!("/projects/{id}/airtable-bases")).json(&base).send().await.expect(409);
    // A name is free again when what had it is deleted, as often as one likes.
    for _ in 0..3 {
        ada.http.delete(&format!("/workspaces/{workspace}")).send().await;
        workspace = match ada.http.post("/workspaces").json(&named("w9")).send().await {
            answer if answer.status == 201 => answer.text("id"),
            answer => panic!("{answer:?}"),
        };
    }
    // notifications
    ada.http.get("/notifications").send().await.expect(200);
    let preferences = json!({ "digest": "weekly" });
    ada.http.put("/notifications/preferences").json(&preferences).send().await.expect(200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn contracted_schema_serves_every_slice() {
    every_slice_writes(Layout::Public).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn contracted_schema_of_the_orm_serves_every_slice() {
    every_slice_writes(Layout::Orm).await;
}
