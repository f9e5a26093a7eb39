//! Requests that meet, on connections of their own.

use std::collections::BTreeSet;

use serde_json::json;

use super::text;
use crate::support::TestApp;

/// Sixteen connections add, read and delete at once; whenever it is looked at, the count is that of the rows.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn races_never_let_the_unread_count_drift() {
    let app = TestApp::new().await;
    let ada = app.admin("ada@example.com").await;
    let tasks: Vec<_> = (0..16)
        .map(|worker| {
            let http = ada.http.clone();
            tokio::spawn(async move {
                for round in 0..25 {
                    let body = text(&format!("{worker} {round}"));
                    let id = http.post("/notifications").json(&body).send().await.expect(201).text("id");
                    match (worker + round) % 4 {
                        0 => drop(http.put(&format!("/notifications/{id}/read")).send().await.expect(204)),
                        1 => drop(http.delete(&format!("/notifications/{id}")).send().await.expect(204)),
                        2 if round % 10 == 0 => drop(http.put("/notifications/read-all").send().await.expect(204)),
                        _ => {}
                    }
                    let count = http.get("/notifications/unread-count").send().await.expect(200);
                    assert!(count.body["unread_count"].as_i64().unwrap() >= 0);
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    let unread = app.one("SELECT count(*) FROM user_notifications WHERE NOT is_read").await;
    assert_eq!(ada.unread().await.to_string(), unread);
    let numbers = "SELECT count(DISTINCT number) = count(*) AND max(number) <= 400 FROM user_notifications";
    assert_eq!(app.one(numbers).await, "true");
    assert_eq!(app.one("SELECT last_number FROM notification_feeds").await, "400");
}

/// Eight workers on three replicas share the events; everybody is told of each exactly once.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn races_of_workers_tell_everybody_once() {
    let app = TestApp::new().await;
    let ada = app.admin("ada@example.com").await;
    app.sql("UPDATE tenants SET plan = 'custom'").await;
    app.old_people(&ada.tenant, 1, 200).await;
    app.tell_of_events().await;
    for number in 0..20 {
        let body = json!({ "type": "t", "title": format!("n{number}"), "message": "m" });
        ada.http.post("/notifications/bulk").json(&body).send().await.expect(202);
    }
    let replicas: Vec<_> = (0..3).map(|_| TestApp::on(app.db.clone(), |_| {})).collect();
    let mut tasks = Vec::new();
    for worker in 0..8 {
        let (notifications, cx) = (replicas[worker % 3].app.notifications.clone(), replicas[worker % 3].cx());
        tasks.push(tokio::spawn(async move { while notifications.dispatch(&cx).await.unwrap() > 0 {} }));
    }
    for task in tasks {
        task.await.unwrap();
    }
    assert_eq!(app.one("SELECT count(*) FROM jobs").await, "0");
    assert_eq!(app.one("SELECT count(*) FROM user_notifications").await, (201 * 20).to_string());
    let feed: BTreeSet<_> = ada.titles().await.into_iter().collect();
    assert_eq!(feed.len(), 20);
}
