//! The job that gives a row to tenants that nobody founded (T-53).

use serde_json::json;

use crate::support::TestApp;
use crate::workspaces::Schema;

const COUNT: &str = "SELECT count(*) FROM tenants";

/// An id that old programs made up.
fn invented(number: u128) -> String {
    uuid::Uuid::from_u128(0xabcd_0000_0000_4000_8000_0000_0000_0000 + number).to_string()
}

async fn workspace(app: &TestApp, tenant: &str) {
    app.sql(&format!("INSERT INTO workspaces (tenant_id, name, created_by) VALUES ('{tenant}', 'Old', 'x')")).await;
}

#[tokio::test]
async fn adopt_orphans_success_makes_rows_of_people_and_workspaces_once() {
    let app = TestApp::new().await;
    let (admin, _, _) = app.cast().await;
    let before = app.one(&format!("SELECT t::text FROM tenants t WHERE id = '{}'", admin.tenant)).await;
    for number in 0..3 {
        app.old_people(&invented(number), i32::try_from(number).unwrap() * 10 + 1, 3).await;
    }
    for tenant in [&invented(1), &invented(7), "acme", "", &admin.tenant, "00000000-0000-0000-0000-000000000000"] {
        workspace(&app, tenant).await;
    }
    assert_eq!(app.app.tenants.adopt_orphans(&app.cx()).await.unwrap(), 4);
    let rows = app.all_rows().await;
    assert_eq!(app.app.tenants.adopt_orphans(&app.cx()).await.unwrap(), 0);
    assert_eq!(app.all_rows().await, rows, "once");
    assert_eq!(app.one(COUNT).await, "6");
    assert_eq!(app.one(&format!("SELECT t::text FROM tenants t WHERE id = '{}'", admin.tenant)).await, before);
    for number in [0, 1, 2, 7] {
        let tenant = invented(number);
        let slug = format!("tenant-{}", tenant.replace('-', ""));
        let row = format!(
            "SELECT slug || ' ' || plan || ' ' || status || ' ' || is_active FROM tenants WHERE id = '{tenant}'"
        );
        assert_eq!(app.one(&row).await, format!("{slug} free active true"));
        let trail = app.trail(&tenant).await;
        assert_eq!(trail.len(), 1, "{trail:?}");
        assert_eq!(
            (&trail[0]["action"], &trail[0]["changes"]["slug"]["new"]),
            (&json!("tenant.adopted"), &json!(slug))
        );
    }
}

#[tokio::test]
async fn adopt_orphans_success_changes_nothing_for_the_people() {
    let app = TestApp::new().await;
    let root = app.super_admin().await;
    let (admin, _, _) = app.cast().await;
    app.sql(&format!("DELETE FROM tenants WHERE id = '{}'", admin.tenant)).await;
    let path = format!("/tenants/{}", admin.tenant);
    let times = |mut body: serde_json::Value| {
        for field in ["created_at", "updated_at"] {
            body[field] = json!("then");
        }
        body
    };
    let before = times(admin.http.get(&path).send().await.expect(200).body);
    app.app.tenants.adopt_orphans(&app.cx()).await.unwrap();
    assert_eq!(times(admin.http.get(&path).send().await.expect(200).body), before);
    // The row is what makes super admins' lists complete.
    let list = root.http.get("/tenants?limit=100").send().await.expect(200);
    let listed = |id: &str| list.body["tenants"].as_array().unwrap().iter().any(|tenant| tenant["id"] == *id);
    assert!(listed(&admin.tenant), "{}", list.body);
}

#[tokio::test]
async fn adopt_orphans_success_takes_more_than_one_page() {
    let app = TestApp::new().await;
    app.sql(
        "INSERT INTO users (id, email, password_hash, first_name, last_name, tenant_id)
         SELECT gen_random_uuid(), 'p' || n || '@example.com', '!', 'F', 'L', gen_random_uuid()
         FROM generate_series(1, 1100) n;
         INSERT INTO workspaces (tenant_id, name, created_by)
         SELECT gen_random_uuid(), 'Old', 'x' FROM generate_series(1, 600) n",
    )
    .await;
    assert_eq!(app.app.tenants.adopt_orphans(&app.cx()).await.unwrap(), 1700);
    assert_eq!(app.one(COUNT).await, "1700");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn adopt_orphans_repeated_by_two_replicas_at_once_makes_each_row_once() {
    let app = TestApp::new().await;
    let other = TestApp::on(app.db.clone(), |_| {});
    for number in 0..60 {
        workspace(&app, &invented(number)).await;
    }
    let runs = [&app.app.tenants, &other.app.tenants, &app.app.tenants].map(|tenants| {
        let (tenants, cx) = (std::sync::Arc::clone(tenants), app.cx());
        tokio::spawn(async move { tenants.adopt_orphans(&cx).await.unwrap() })
    });
    let mut adopted = 0;
    for run in runs {
        adopted += run.await.unwrap();
    }
    assert_eq!((adopted, app.one(COUNT).await.as_str()), (60, "60"));
    assert_eq!(app.one("SELECT count(*) FROM audit_events WHERE action = 'tenant.adopted'").await, "60");
}

#[tokio::test]
async fn adopt_orphans_conflict_of_one_tenant_leaves_the_others_adopted() {
    let app = TestApp::new().await;
    for number in 0..3 {
        workspace(&app, &invented(number)).await;
    }
    // Somebody calls themselves what the second would be called.
    app.sql(&format!(
        "INSERT INTO tenants (id, name, slug) VALUES (gen_random_uuid(), 'Sly', 'tenant-{}')",
        invented(1).replace('-', "")
    ))
    .await;
    app.app.tenants.adopt_orphans(&app.cx()).await.unwrap_err();
    assert_eq!(app.one(COUNT).await, "3");
    assert_eq!(app.one("SELECT count(*) FROM audit_events").await, "2", "no record of what did not happen");
}

#[tokio::test]
async fn adopt_orphans_success_on_tables_an_old_mapper_made() {
    let app = Schema::Orm.app().await;
    workspace(&app, &invented(1)).await;
    app.old_people(&invented(2), 1, 1).await;
    assert_eq!(app.app.tenants.adopt_orphans(&app.cx()).await.unwrap(), 2);
}
