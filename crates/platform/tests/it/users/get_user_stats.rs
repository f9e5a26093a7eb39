//! `GET /users/stats`

use axum::http::Method;

use crate::fixtures::{NOBODY, Refusals};
use crate::support::TestApp;

#[tokio::test]
async fn get_user_stats_logged_out() {
    let app = TestApp::new().await;
    let path = "/users/stats".to_owned();
    Refusals { app: &app, method: Method::GET, path, body: None }.logged_out("User ID not found in request").await;
}

#[tokio::test]
async fn get_user_stats_success_counts_the_own_tenant() {
    let app = TestApp::new().await;
    let (admin, member, _) = app.cast().await;
    app.old_people(&admin.tenant, 1, 30).await;
    let answer = admin.http.get("/api/v1/users/stats").send().await.expect(200);
    insta::assert_json_snapshot!(crate::support::stable(&answer.body));
    assert_eq!(member.http.get("/users/stats").send().await.expect(200).body, answer.body);
    // Deleted people are left out.
    admin.http.delete(&format!("/users/{}", member.id)).send().await.expect(200);
    let after = admin.http.get("/users/STATS/").send().await.expect(200);
    assert_eq!(after.body["total_users"], 31);
}

#[tokio::test]
async fn get_user_stats_other_tenant() {
    let app = TestApp::new().await;
    let (admin, _, stranger) = app.cast().await;
    // Another tenant is ignored for everybody but super admins (T-58).
    let own = stranger.http.get("/users/stats").send().await.expect(200).body;
    assert_eq!(own["total_users"], 1);
    let path = format!("/users/stats?tenant_id={}", admin.tenant);
    assert_eq!(stranger.http.get(&path).send().await.expect(200).body, own);
    let root = app.super_admin().await;
    assert_eq!(root.http.get(&path).send().await.expect(200).body["total_users"], 2);
    for nonsense in ["tenant_id=", "tenant_id=x", &format!("tenant_id={NOBODY}&tenant_id={}", admin.tenant)] {
        let answer = root.http.get(&format!("/users/stats?{nonsense}")).send().await.expect(200);
        assert!(answer.body["total_users"].as_i64() < Some(2), "{nonsense}: {}", answer.body);
    }
}
