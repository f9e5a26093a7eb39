//! Row-level security alone, with no help from any statement's own predicate.

use super::scene::Scene;
use super::schema::Schema;

const TABLES: [&str; 5] = ["workspaces", "projects", "airtable_bases", "workspace_members", "workspace_audit_logs"];

#[tokio::test]
async fn isolation_by_the_database_alone() {
    for schema in Schema::ALL {
        let scene = Scene::on(schema).await;
        let project = scene.project("Launch").await;
        scene.base(&project, "appOne").await;
        let foreigner = scene.foreigner().await;
        let client = scene.app.db.superuser().await;
        client.batch_execute("SET ROLE pyairtable_app").await.unwrap();
        for table in TABLES {
            for (tenant, visible) in [
                (scene.owner.tenant.as_str(), true),
                (foreigner.tenant.as_str(), false),
                ("00000000-0000-0000-0000-000000000000", false),
                ("", false),
            ] {
                client.batch_execute(&format!("SET app.tenant_id = '{tenant}'")).await.unwrap();
                let count: i64 = client.query_one(&format!("SELECT count(*) FROM {table}"), &[]).await.unwrap().get(0);
                assert_eq!(count > 0, visible, "{schema:?} {table} {tenant}: {count}");
            }
        }
        // Nor can rows be put under another tenant's workspace, or moved there.
        client.batch_execute(&format!("SET app.tenant_id = '{}'", foreigner.tenant)).await.unwrap();
        for insert in [
            format!(
                "INSERT INTO workspace_members (workspace_id, user_id, role) VALUES ('{}', 'x', 'owner')",
                scene.workspace
            ),
            format!(
                "INSERT INTO projects (id, workspace_id, name, status, settings, created_by)
                 VALUES (gen_random_uuid(), '{}', 'x', 'active', '{{}}', 'x')",
                scene.workspace
            ),
            format!(
                "INSERT INTO airtable_bases (id, project_id, base_id, name)
                 VALUES (gen_random_uuid(), '{project}', 'x', 'x')"
            ),
            format!(
                "INSERT INTO workspace_audit_logs (id, workspace_id, user_id, action, resource_type)
                 VALUES (gen_random_uuid(), '{}', 'x', 'x', 'x')",
                scene.workspace
            ),
            format!(
                "INSERT INTO workspaces (id, tenant_id, name, settings, created_by)
                 VALUES (gen_random_uuid(), '{}', 'x', '{{}}', 'x')",
                scene.owner.tenant
            ),
        ] {
            let refusal = client.batch_execute(&insert).await.unwrap_err();
            let text = refusal.as_db_error().map(|error| error.message().to_owned()).unwrap_or_default();
            assert!(text.contains("row-level security"), "{schema:?} {insert}: {refusal:?}");
        }
    }
}

/// The old services' own roles see what they saw.
#[tokio::test]
async fn isolation_leaves_other_roles_alone() {
    let scene = Scene::new().await;
    scene
        .app
        .sql(
            "DROP ROLE IF EXISTS old_service_of_isolation_test; CREATE ROLE old_service_of_isolation_test;
              GRANT SELECT ON ALL TABLES IN SCHEMA public TO old_service_of_isolation_test",
        )
        .await;
    let client = scene.app.db.superuser().await;
    client.batch_execute("SET ROLE old_service_of_isolation_test").await.unwrap();
    for table in ["workspaces", "workspace_members", "workspace_audit_logs"] {
        let count: i64 = client.query_one(&format!("SELECT count(*) FROM {table}"), &[]).await.unwrap().get(0);
        assert_eq!(count, 1, "{table}");
    }
    client
        .batch_execute(
            "RESET ROLE; DROP OWNED BY old_service_of_isolation_test; DROP ROLE old_service_of_isolation_test",
        )
        .await
        .unwrap();
}

/// Nobody the program runs as changes or removes a record.
#[tokio::test]
async fn isolation_of_the_past() {
    for schema in Schema::ALL {
        let scene = Scene::on(schema).await;
        let client = scene.app.db.superuser().await;
        for role in ["pyairtable_app", "pyairtable_system"] {
            client.batch_execute(&format!("SET ROLE {role}")).await.unwrap();
            for change in [
                "UPDATE workspace_audit_logs SET action = 'x'",
                "DELETE FROM workspace_audit_logs",
                "TRUNCATE workspace_audit_logs",
                "UPDATE workspace_audit_seals SET mac = ''",
                "DELETE FROM workspace_audit_seals",
                "TRUNCATE workspace_audit_seals",
            ] {
                let refusal = client.batch_execute(change).await.unwrap_err();
                assert_eq!(
                    refusal.code().map(tokio_postgres::error::SqlState::code),
                    Some("42501"),
                    "{schema:?} {role} {change}"
                );
            }
        }
    }
}
