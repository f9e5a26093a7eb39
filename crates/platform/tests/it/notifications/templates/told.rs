//! What people read.

use serde_json::{Value, json};

use super::{ADDED, add, put};
use crate::support::{PASSWORD, TestApp};

#[tokio::test]
async fn a_tenants_own_words_reach_its_feeds_and_no_others() {
    let app = TestApp::new().await;
    let (ada, grace, eve) = app.cast().await;
    let joan = app.member(&eve, "joan@example.com").await;
    let parts = json!({
        "title": "{{ user.first_name }}, welcome to {{ workspace_name }}",
        "message": "You are {{ role|upper }} of {{ tenant.id }}.",
    });
    put(&ada, ADDED, &parts).await.expect(200);
    add(&ada, &grace).await;
    add(&eve, &joan).await;
    app.tell_of_events().await;
    let told = &grace.feed().await[0];
    assert_eq!(told["title"], "Grace, welcome to Marketing");
    assert_eq!(told["message"], format!("You are VIEWER of {}.", ada.tenant));
    assert_eq!((&told["type"], &told["level"]), (&json!("workspace.member.added"), &json!("info")));
    assert_eq!(joan.titles().await, ["You were added to Marketing"]);
}

#[tokio::test]
async fn people_are_told_in_their_language() {
    let app = TestApp::new().await;
    let (ada, grace, _) = app.cast().await;
    let preferences = json!({ "preferences": { "language": "de-AT" } });
    ada.http.put("/users/me").json(&preferences).send().await.expect(200);
    let other = app.member(&ada, "joan@example.com").await;
    app.sql("UPDATE users SET role = 'admin'").await;
    let root = app.super_admin().await;
    root.http.post(&format!("/tenants/{}/suspend", ada.tenant)).send().await.expect(200);
    app.tell_of_events().await;
    root.http.post(&format!("/tenants/{}/reactivate", ada.tenant)).send().await.expect(200);
    // One event, told in two languages, to each once.
    for (person, title) in [
        (&ada, "Ihre Organisation wurde gesperrt"),
        (&grace, "Your organisation was suspended"),
        (&other, "Your organisation was suspended"),
    ] {
        assert_eq!(app.login(&person.email).await.titles().await, [title]);
    }
}

#[tokio::test]
async fn a_bad_template_loses_no_event_and_holds_up_no_others() {
    let app = TestApp::new().await;
    let (ada, grace, _) = app.cast().await;
    let huge = format!("{{% for a in user %}}{}{{% endfor %}}", "x".repeat(30_000));
    let deep = format!("{{{{ a{} }}}}", ".a".repeat(100_000));
    for bad in [
        "{{ unclosed",
        "{% for i in range(100000000) %}x{% endfor %}",
        "{% set a = 'xxxxxxxxxx' %}{% set b = a ~ a ~ a ~ a %}{{ b }}",
        "{{ no_such_variable }}",
        &huge,
        &deep,
    ] {
        put(&ada, ADDED, &json!({ "title": "fine" })).await.expect(200);
        // As if it had been written by another program: this one would refuse it.
        let bad = bad.replace('\'', "''");
        app.sql(&format!("UPDATE notification_templates SET title = '{bad}', message = '{bad}'")).await;
        add(&ada, &grace).await;
        app.tell_of_events().await;
        app.sql("DELETE FROM workspaces").await;
    }
    let feed = grace.feed().await;
    assert_eq!(feed.len(), 6);
    for told in feed {
        assert_eq!(told["title"], "You were added to Marketing");
        // What makes nothing at all may stand in a message, but not in a title.
        let message = told["message"].as_str().unwrap();
        assert!(message.is_empty() || message == "Your role in the workspace is viewer.", "{message}");
    }
}

#[tokio::test]
async fn what_others_wrote_is_shown_and_not_obeyed() {
    let app = TestApp::new().await;
    let ada = app.admin("ada@example.com").await;
    let login = |agent: &'static str| {
        let request = app.http.post("/auth/login").header("user-agent", agent);
        request.json(&json!({ "email": "ada@example.com", "password": PASSWORD })).send()
    };
    login("Firefox").await.expect(200);
    // A template is filled in once: what is filled in is no template.
    login("<script>alert(1)</script> {{ user.email }}").await.expect(200);
    app.tell_of_events().await;
    let feed = ada.feed().await;
    let message = feed[0]["message"].as_str().unwrap();
    assert!(message.contains("with <script>alert(1)</script> {{ user.email }}."), "{message}");
    let variables: Value = feed[0]["data"].clone();
    let body = json!({ "kind": "user.new_device", "locale": "en", "variables": variables });
    let preview = ada.http.post("/notifications/templates/preview").json(&body).send().await.expect(200);
    let html = preview.text("html");
    assert!(html.contains("&lt;script&gt;alert(1)") && !html.contains("<script"), "{html}");
}
