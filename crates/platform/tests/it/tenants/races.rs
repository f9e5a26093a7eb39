//! Requests that meet, on connections of their own: what the database holds, it holds then too.

use std::collections::BTreeMap;
use std::future::Future;

use serde_json::json;
use testkit::Answer;

use super::{accept, invite};
use crate::support::{PASSWORD, Person, TestApp};

/// Runs all at once, each on a task of its own, and counts the statuses. None may be a failure of the program.
async fn at_once<F>(requests: impl IntoIterator<Item = F>) -> BTreeMap<u16, usize>
where
    F: Future<Output = Answer> + Send + 'static,
{
    let tasks: Vec<_> = requests.into_iter().map(|request| tokio::spawn(request)).collect();
    let mut statuses = BTreeMap::new();
    for task in tasks {
        let answer = task.await.unwrap();
        assert!(!answer.status.is_server_error(), "{}", answer.body);
        *statuses.entry(answer.status.as_u16()).or_default() += 1;
    }
    statuses
}

/// An invitation to `email`, as a request of its own.
fn inviting(admin: &Person, email: String) -> impl Future<Output = Answer> + Send + 'static {
    let request = admin.http.post(&format!("/tenants/{}/invitations", admin.tenant));
    async move { request.json(&json!({ "email": email })).send().await }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn races_of_twenty_creates_with_one_slug_make_one_tenant() {
    let app = TestApp::new().await;
    let root = app.super_admin().await;
    for round in 0..200 {
        let slug = format!("slug-{round}");
        let creates = (0..20).map(|_| {
            let request = root.http.post("/tenants").json(&json!({ "name": "Acme", "slug": slug }));
            async move { request.send().await }
        });
        assert_eq!(at_once(creates).await, BTreeMap::from([(201, 1), (409, 19)]), "round {round}");
    }
    assert_eq!(app.one("SELECT count(*) FROM tenants WHERE slug LIKE 'slug-%'").await, "200");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn races_of_twenty_invitations_of_one_address_leave_one_pending() {
    let app = TestApp::new().await;
    let admin = app.admin("ada@example.com").await;
    app.sql("UPDATE tenants SET plan = 'custom'").await;
    for round in 0..200 {
        let invitations = (0..20).map(|number| {
            // In different spellings: they are one address.
            let email = format!("person{round}@example.com");
            inviting(&admin, if number % 2 == 0 { email } else { email.to_uppercase() })
        });
        assert_eq!(at_once(invitations).await, BTreeMap::from([(201, 1), (409, 19)]), "round {round}");
    }
    assert_eq!(app.one("SELECT count(*) FROM invitations").await, "200");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn races_of_one_address_are_held_by_the_index_alone() {
    let app = TestApp::new().await;
    let admin = app.admin("ada@example.com").await;
    invite(&admin, "new@example.com").await.expect(201);
    // Past every lock of the program.
    let again =
        "INSERT INTO invitations (id, tenant_id, email, role, status, token_hash, created_at, updated_at, expires_at)
        SELECT gen_random_uuid(), tenant_id, upper(email), role, status, 'x', created_at, updated_at, expires_at
        FROM invitations";
    let error = app.db.superuser().await.execute(again, &[]).await.unwrap_err();
    let constraint = error.as_db_error().and_then(|error| error.constraint().map(str::to_owned));
    assert_eq!(constraint.as_deref(), Some("invitations_pending_email_key"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn races_of_twenty_invitations_for_the_last_seat_take_it_once() {
    let app = TestApp::new().await;
    let admin = app.admin("ada@example.com").await;
    // One member of the five of the free plan, and three invitations.
    for number in 0..3 {
        invite(&admin, &format!("taken{number}@example.com")).await.expect(201);
    }
    for round in 0..200 {
        let invitations = (0..20).map(|number| inviting(&admin, format!("person{number}@example.com")));
        assert_eq!(at_once(invitations).await, BTreeMap::from([(201, 1), (403, 19)]), "round {round}");
        assert_eq!(app.one("SELECT count(*) FROM invitations WHERE status = 'pending'").await, "4", "round {round}");
        app.sql("DELETE FROM invitations WHERE email LIKE 'person%'").await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn races_of_twenty_acceptances_of_one_token_let_one_person_in() {
    let app = TestApp::new().await;
    let admin = app.admin("ada@example.com").await;
    app.sql("UPDATE tenants SET plan = 'custom'").await;
    for round in 0..10 {
        let token = invite(&admin, &format!("person{round}@example.com")).await.expect(201).text("token");
        let body = json!({ "token": token, "password": PASSWORD, "first_name": "Grace", "last_name": "Hopper" });
        let acceptances = (0..20).map(|_| {
            let request = app.http.post("/public/invitations/accept").json(&body);
            async move { request.send().await }
        });
        assert_eq!(at_once(acceptances).await, BTreeMap::from([(201, 1), (409, 19)]), "round {round}");
    }
    assert_eq!(app.one("SELECT count(*) FROM users").await, "11");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn races_of_acceptances_and_invitations_never_pass_the_seats() {
    let app = TestApp::new().await;
    let admin = app.admin("ada@example.com").await;
    for round in 0..10 {
        app.sql("DELETE FROM invitations; DELETE FROM user_profiles WHERE role = 'user'; DELETE FROM users WHERE role = 'user'")
            .await;
        let mut tokens = Vec::new();
        for number in 0..4 {
            tokens.push(invite(&admin, &format!("person{number}@example.com")).await.expect(201).text("token"));
        }
        // A smaller plan meanwhile: two of the four invited still fit.
        app.sql("UPDATE tenants SET plan = 'custom', subscription = '{\"limits\": {\"users\": 3}}'").await;
        let acceptances = tokens.into_iter().map(|token| {
            let body = json!({ "token": token, "password": PASSWORD, "first_name": "Grace", "last_name": "Hopper" });
            let request = app.http.post("/public/invitations/accept").json(&body);
            tokio::spawn(async move { request.send().await })
        });
        let acceptances: Vec<_> = acceptances.collect();
        let invitations = (0..16).map(|number| inviting(&admin, format!("late{number}@example.com")));
        assert_eq!(at_once(invitations).await, BTreeMap::from([(403, 16)]), "round {round}");
        let mut statuses = BTreeMap::<u16, usize>::new();
        for task in acceptances {
            *statuses.entry(task.await.unwrap().status.as_u16()).or_default() += 1;
        }
        assert_eq!(statuses, BTreeMap::from([(201, 2), (403, 2)]), "round {round}");
        app.sql("UPDATE tenants SET plan = 'free', subscription = '{}'").await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn races_of_accepting_and_revoking_end_in_one_of_them() {
    let app = TestApp::new().await;
    let admin = app.admin("ada@example.com").await;
    app.sql("UPDATE tenants SET plan = 'custom'").await;
    for round in 0..50 {
        let invited = invite(&admin, &format!("person{round}@example.com")).await.expect(201);
        let body = json!({ "token": invited.text("token"), "password": PASSWORD, "first_name": "G", "last_name": "H" });
        let accepting = app.http.post("/public/invitations/accept").json(&body);
        let accepting = tokio::spawn(async move { accepting.send().await });
        // Sooner or later into the acceptance, which spends most of its time on the password.
        tokio::time::sleep(std::time::Duration::from_millis(round % 30)).await;
        let path = format!("/tenants/{}/invitations/{}", admin.tenant, invited.text("id"));
        let revoked = admin.http.delete(&path).send().await.status.as_u16();
        let accepted = accepting.await.unwrap().status.as_u16();
        assert!([(201, 409), (409, 204)].contains(&(accepted, revoked)), "round {round}: {accepted} and {revoked}");
        let person = format!("SELECT count(*) FROM users WHERE email = 'person{round}@example.com'");
        assert_eq!(app.one(&person).await, if accepted == 201 { "1" } else { "0" }, "round {round}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn races_of_suspending_and_logging_in_leave_nobody_in() {
    let app = TestApp::new().await;
    let admin = app.admin("ada@example.com").await;
    let root = app.super_admin().await;
    let tenant = format!("/tenants/{}", admin.tenant);
    let body = json!({ "email": admin.email, "password": PASSWORD });
    for round in 0..200 {
        let logins: Vec<_> = (0..2)
            .map(|_| {
                let request = app.http.post("/auth/login").json(&body);
                tokio::spawn(async move { request.send().await })
            })
            .collect();
        tokio::time::sleep(std::time::Duration::from_millis(round % 40)).await;
        root.http.post(&format!("{tenant}/suspend")).send().await.expect(200);
        for login in logins {
            let answer = login.await.unwrap();
            if answer.status == 200 {
                let me = app.http.with_bearer(&answer.text("access_token")).get("/users/me").send().await;
                assert_eq!(me.status, 401, "round {round}");
            } else {
                answer.expect_error(403, "Account is not active", "FORBIDDEN");
            }
        }
        // Not the status alone: no log-in survives to be good again afterwards.
        let open =
            format!("SELECT count(*) FROM login_sessions WHERE tenant_id = '{}' AND revoked_at IS NULL", admin.tenant);
        assert_eq!(app.one(&open).await, "0", "round {round}");
        root.http.post(&format!("{tenant}/reactivate")).send().await.expect(200);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn races_of_suspending_reactivating_and_joining_restore_everybody() {
    let app = TestApp::new().await;
    let (admin, member, _) = app.cast().await;
    let root = app.super_admin().await;
    let tenant = format!("/tenants/{}", admin.tenant);
    for round in 0..50 {
        let switches = (0..10).map(|number| {
            let word = if number % 2 == 0 { "suspend" } else { "reactivate" };
            let request = root.http.post(&format!("{tenant}/{word}"));
            async move { request.send().await }
        });
        let statuses = at_once(switches).await;
        assert!(statuses.keys().all(|status| [200, 409].contains(status)), "round {round}: {statuses:?}");
        let state = app.one(&format!("SELECT status FROM tenants WHERE id = '{}'", admin.tenant)).await;
        if state == "suspended" {
            root.http.post(&format!("{tenant}/reactivate")).send().await.expect(200);
        }
        let active = format!("SELECT count(*) FROM users WHERE is_active AND tenant_id = '{}'", admin.tenant);
        assert_eq!(app.one(&active).await, "2", "round {round}");
    }
    app.login(&admin.email).await;
    app.login(&member.email).await;
    let token = {
        let admin = app.login(&admin.email).await;
        invite(&admin, "new@example.com").await.expect(201).text("token")
    };
    accept(&app, &token).await.expect(201);
}
