//! What is replayed to compare writes: every write endpoint that both sides have, and none is forgotten.

use std::collections::BTreeSet;

use axum::http::Method;
use cutover::parity::catalogue::endpoints;
use pyairtable_platform::app;
use serde_json::{Value, json};
use testkit::legacy::layouts::{Layout, OldRole};
use testkit::legacy::suite::Scene;

/// It is asked by POST and writes nothing on either side.
const READS: &str = "POST /auth/validate";

/// Every operation of this program that may write is asked of every old service; those that one of them knows are the
/// catalogue, no more and no less.
#[tokio::test]
async fn parity_replays_every_write_that_both_sides_have() {
    let scene = Scene::new(Layout::Widened, OldRole::Service, async |_| ()).await;
    let document = serde_json::to_value(app::document()).unwrap();
    let mut shared = BTreeSet::new();
    for (path, operations) in document["paths"].as_object().unwrap() {
        for method in [Method::POST, Method::PUT, Method::PATCH, Method::DELETE] {
            if operations[method.as_str().to_ascii_lowercase()].is_null() {
                continue;
            }
            let segments = path.split('/').map(|segment| if segment.starts_with('{') { "{id}" } else { segment });
            let template = segments.collect::<Vec<_>>().join("/");
            let asked = template.replace("{id}", "00000000-0000-4000-8000-00000000000a");
            let old = &scene.http;
            for service in [&old.auth, &old.users, &old.workspaces, &old.tenants, &old.notifications] {
                let answer = service.request(method.clone(), &asked).json(&json!({})).send().await;
                let says = |field: &str| answer.body[field].as_str().is_some_and(|text| text.starts_with("Cannot "));
                let unknown = answer.status == 405 || (answer.status == 404 && (says("error") || says("message")));
                if !unknown {
                    shared.insert(format!("{method} {template}"));
                }
            }
        }
    }
    assert!(shared.remove(READS), "{shared:?}");
    assert_eq!(shared, endpoints().into_iter().collect());
    assert_eq!(shared.len(), 27);
    assert!(document["paths"].as_object().is_some_and(|paths| !paths.values().any(Value::is_null)));
}
