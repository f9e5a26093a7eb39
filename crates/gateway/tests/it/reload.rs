//! Another routes file while requests flow.

use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;
use serde_json::json;

use crate::support::{Client, PATIENCE, Running, Service, two_sides};

#[tokio::test]
async fn good_file_is_taken_with_shares_kept_and_a_bad_one_is_refused() {
    let (legacy, platform) = (Service::start("legacy").await, Service::start("platform").await);
    let routes = two_sides(&legacy.url(), &platform.url());
    let running = Running::start(&routes);
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("routes.yaml");
    std::fs::write(&file, &routes).unwrap();
    let following = tokio::spawn(Arc::clone(&running.gateway).follow(file.clone(), routes.clone()));
    let mut client = Client::connect(running.address).await;
    running.set("100%").await;

    std::fs::write(&file, format!("{routes}- path: /api/v1/tenants/*\n  upstream: {}\n", platform.url())).unwrap();
    wait(&running, |reload| reload["taken"] == 1).await;
    assert_eq!(client.get("/api/v1/tenants", &[]).await.service(), "platform");
    assert_eq!(client.get("/api/v1/users", &[]).await.service(), "platform", "the share stayed");

    std::fs::write(&file, "- path: /api/v1/users/*\n  upstraem: x\n").unwrap();
    wait(&running, |reload| reload["problems"].as_array().is_some_and(|problems| !problems.is_empty())).await;
    let problems = running.status().await["reload"]["problems"].to_string();
    assert!(problems.contains("line 2") && problems.contains("upstraem"), "{problems}");
    assert_eq!(client.get("/api/v1/tenants", &[]).await.service(), "platform", "the old routes stay");

    std::fs::write(&file, format!("seed: another\nroutes:\n{routes}")).unwrap();
    wait(&running, |reload| reload["problems"].to_string().contains("seed")).await;

    std::fs::write(&file, &routes).unwrap();
    wait(&running, |reload| reload["taken"] == 2).await;
    assert_eq!(client.get("/api/v1/tenants", &[]).await.status, StatusCode::NOT_FOUND);
    following.abort();
}

#[tokio::test]
async fn rules_go_with_their_file_and_those_of_the_control_socket_stay() {
    let (legacy, platform) = (Service::start("legacy").await, Service::start("platform").await);
    let routes = two_sides(&legacy.url(), &platform.url());
    let running = Running::start(&format!(
        "force: [{{tenant: filed, to: platform}}, {{tenant: lifted, to: platform}}]\nroutes:\n{routes}"
    ));
    for (tenant, to) in [("spoken", json!("platform")), ("lifted", json!(null))] {
        assert_eq!(running.control("/force", json!({"tenant": tenant, "to": to})).await.0, StatusCode::OK);
    }
    let sides = async || {
        let forced = running.status().await["forced"].clone();
        forced.as_array().unwrap().iter().map(|rule| rule["tenant"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(sides().await, ["filed", "spoken"]);
    let last = running.gateway.reload(&format!("force: [{{tenant: lifted, to: platform}}]\nroutes:\n{routes}"));
    assert_eq!(last.problems, Vec::<String>::new());
    assert_eq!(sides().await, ["spoken"]);
}

async fn wait(running: &Running, seen: impl Fn(&serde_json::Value) -> bool) {
    let wait = async {
        while !seen(&running.status().await["reload"]) {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(PATIENCE, wait).await.expect("the file is read again");
}
