//! Every statement of the slice is valid on every layout of the tables, for the role it runs as.

use super::schema::Schema;

#[tokio::test]
async fn statements_are_valid_on_every_layout() {
    for schema in Schema::ALL {
        let app = schema.app().await;
        let client = app.db.superuser().await;
        client.batch_execute("SET ROLE pyairtable_app; SET app.tenant_id = ''").await.unwrap();
        let all = workspaces::statements();
        assert!(all.len() > 100, "{} statements only", all.len());
        for sql in all {
            if let Err(error) = client.prepare(&sql.text).await {
                panic!("{schema:?} {}: {error:?}\n{}", sql.name, sql.text);
            }
        }
    }
}

/// A name that is used twice would make logs and plans lie.
#[test]
fn statements_have_names_of_their_own_slice() {
    for sql in workspaces::statements() {
        assert!(
            sql.name.starts_with("workspaces::store::") || sql.name.starts_with("pyairtable_workspaces::store::"),
            "{}",
            sql.name
        );
    }
}
