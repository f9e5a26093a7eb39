//! `GET /audit-logs`

use axum::http::Method;
use serde_json::{Value, json};

use super::scene::{Scene, create};
use super::schema::Schema;
use crate::fixtures::NOBODY;
use crate::support::Person;

async fn logs(person: &Person, query: &str) -> Value {
    person.http.get(&format!("/api/v1/audit-logs?{query}")).send().await.expect(200).body
}

fn actions(body: &Value) -> Vec<&str> {
    body["logs"].as_array().unwrap().iter().map(|one| one["action"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn list_audit_logs_logged_out() {
    let scene = Scene::new().await;
    for path in ["/audit-logs", "/workspaces/audit-logs"] {
        scene.refusals(Method::GET, path, None).logged_out("Missing authentication").await;
    }
}

#[tokio::test]
async fn list_audit_logs_other_tenant() {
    let scene = Scene::new().await;
    let foreigner = scene.foreigner().await;
    for query in [String::new(), format!("workspace_id={}", scene.workspace)] {
        let body = logs(&foreigner, &query).await;
        assert!(!body.to_string().contains(&scene.owner.tenant), "{body}");
        assert!(!body.to_string().contains(&scene.workspace), "{body}");
    }
    let root = scene.app.super_admin().await;
    assert_eq!(actions(&logs(&root, &format!("workspace_id={}", scene.workspace)).await), ["workspace.created"]);
}

/// Of one workspace: nothing for strangers, a refusal for members who are not its admins.
#[tokio::test]
async fn list_audit_logs_forbidden_role() {
    let scene = Scene::new().await;
    let (member, stranger) = (scene.with_role("member").await, scene.stranger().await);
    let query = format!("workspace_id={}", scene.workspace);
    let refusals = scene.refusals(Method::GET, &format!("/audit-logs?{query}"), None);
    refusals.expect(&member.http, 403, "Unauthorized", "FORBIDDEN").await;
    for query in [query.as_str(), "", "workspace_id=seven", &format!("workspace_id={NOBODY}")] {
        assert_eq!(logs(&stranger, query).await["total"], 0, "{query}");
    }
    assert_eq!(logs(&member, "").await["total"], 0);
}

#[tokio::test]
async fn list_audit_logs_invalid_query() {
    let scene = Scene::new().await;
    for query in ["page=abc", "page_size=x", "cursor=x"] {
        let answer = scene.owner.http.get(&format!("/audit-logs?{query}")).send().await;
        answer.expect_error(400, "Invalid query parameters", "VALIDATION_ERROR");
    }
}

#[tokio::test]
async fn list_audit_logs_success() {
    let scene = Scene::new().await;
    scene.app.clock.advance(jiff::SignedDuration::from_secs(1));
    scene.with_role("viewer").await;
    let body = logs(&scene.owner, &format!("workspace_id={}", scene.workspace)).await;
    insta::assert_json_snapshot!(body);
    let same = scene.owner.http.get("/workspaces/audit-logs").send().await.expect(200);
    assert_eq!(same.body, body);
}

/// A tenant's admins see what happened to workspaces and to everything else in one stream, newest first.
#[tokio::test]
async fn list_audit_logs_success_merges_both_trails() {
    for schema in Schema::ALL {
        let scene = Scene::on(schema).await;
        scene.app.clock.advance(jiff::SignedDuration::from_secs(1));
        let stranger = scene.stranger().await;
        scene.app.clock.advance(jiff::SignedDuration::from_secs(1));
        scene.add(&stranger, "viewer").await;
        scene.app.clock.advance(jiff::SignedDuration::from_secs(1));
        let body = json!({ "role": "admin" });
        scene.admin.http.put(&format!("/users/{}/role", stranger.id)).json(&body).send().await.expect(200);

        let all = logs(&scene.admin, "").await;
        let seen = actions(&all);
        let position =
            |action| seen.iter().position(|one| *one == action).unwrap_or_else(|| panic!("{action} in {seen:?}"));
        assert!(position("user.role_changed") < position("member.added"), "{schema:?} {seen:?}");
        assert!(position("member.added") < position("workspace.created"), "{schema:?} {seen:?}");
        let added = &all["logs"][position("member.added")];
        assert_eq!((&added["target_user_id"], &added["tenant_id"]), (&json!(stranger.id), &json!(scene.owner.tenant)));
        let person = &all["logs"][position("user.role_changed")];
        assert_eq!((&person["workspace_id"], &person["target_user_id"]), (&Value::Null, &Value::Null));
        assert_eq!((&person["user_id"], &person["resource_id"]), (&json!(scene.admin.id), &json!(stranger.id)));

        let mut paged = Vec::new();
        let mut cursor = String::new();
        loop {
            let page = logs(&scene.admin, &format!("cursor={cursor}&limit=1")).await;
            paged.extend(actions(&page).into_iter().map(str::to_owned));
            match page["next_cursor"].as_str() {
                Some(next) => cursor = next.to_owned(),
                None => break,
            }
        }
        assert_eq!(paged, seen, "{schema:?}");
        // The owner of a workspace sees that workspace only.
        assert_eq!(actions(&logs(&scene.owner, "").await), ["member.added", "workspace.created"]);
    }
}

#[tokio::test]
async fn list_audit_logs_success_with_filters() {
    for schema in Schema::ALL {
        let scene = Scene::on(schema).await;
        let project = scene.project("Launch").await;
        let other = create(&scene.admin.http, "Sales").await;
        for (query, expected) in [
            (format!("workspace_id={other}"), vec!["workspace.created"]),
            ("resource_type=project".to_owned(), vec!["project.created"]),
            (format!("resource_id={project}"), vec!["project.created"]),
            (format!("resource_id={}", project.to_uppercase()), vec!["project.created"]),
            ("action=project.created".to_owned(), vec!["project.created"]),
            ("action=nothing".to_owned(), vec![]),
            (format!("user_id={}&resource_type=workspace", scene.owner.id), vec!["workspace.created"]),
        ] {
            assert_eq!(actions(&logs(&scene.admin, &query).await), expected, "{schema:?} {query}");
        }
        let page = logs(&scene.admin, "").await;
        assert_eq!((&page["page_size"], &page["limit"]), (&json!(50), &json!(50)));
        // A deleted workspace keeps its history.
        scene.app.clock.advance(jiff::SignedDuration::from_secs(1));
        scene.admin.http.delete(&format!("/workspaces/{other}")).send().await.expect(204);
        let history = logs(&scene.admin, &format!("workspace_id={other}")).await;
        assert_eq!(actions(&history), ["workspace.deleted", "workspace.created"]);
    }
}
