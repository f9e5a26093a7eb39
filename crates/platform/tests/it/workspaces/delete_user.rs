//! `DELETE /users/{id}`: what the person owned goes to somebody else, on every layout of the tables (T-55).

use serde_json::{Value, json};

use super::scene::{Scene, create};
use super::schema::Schema;
use crate::support::Person;

impl Scene {
    async fn delete(&self, person: &Person) {
        self.admin.http.delete(&format!("/users/{}", person.id)).send().await.expect(200);
    }

    /// What the trail says of the hand-over; exactly one record was written for it.
    async fn expect_transferred(&self, before: usize, from: &Person, to: &Person) {
        let trail = self.trail().await;
        let last = Self::expect_last(&trail, before + 1, "workspace.ownership_transferred");
        assert_eq!(last["changes"], json!({ "owner_id": { "old": from.id, "new": to.id } }));
        assert_eq!(last["user_id"], Value::from(self.admin.id.clone()), "by whoever deleted the person");
    }

    async fn role_of(&self, person: &Person) -> String {
        let members = self.members().await;
        members.iter().find(|(id, _)| *id == person.id).map_or_else(|| "none".to_owned(), |(_, role)| role.clone())
    }

    /// Members joined in this order, a day apart.
    async fn joined(&self, people: &[&Person]) {
        let mut sql = "BEGIN; SET LOCAL session_replication_role = replica;".to_owned();
        for (day, person) in people.iter().enumerate() {
            sql += &format!(
                "UPDATE workspace_members SET joined_at = '2026-01-01'::timestamp + {day} * interval '1 day'
                 WHERE user_id = '{}';",
                person.id
            );
        }
        self.app.sql(&format!("{sql} COMMIT")).await;
    }
}

#[tokio::test]
async fn delete_user_success_hands_workspaces_to_the_longest_standing_admin() {
    for schema in Schema::ALL {
        let scene = Scene::on(schema).await;
        let (member, admin) = (scene.with_role("member").await, scene.with_role("admin").await);
        let late = scene.app.member(&scene.admin, "late@example.com").await;
        scene.add(&late, "admin").await;
        scene.joined(&[&member, &admin, &late]).await;
        let before = scene.trail().await.len();
        scene.delete(&scene.owner).await;
        assert_eq!(scene.role_of(&admin).await, "owner", "{schema:?}");
        assert_eq!(scene.role_of(&scene.owner).await, "admin", "{schema:?}: a deleted person owns nothing");
        assert_eq!(
            (scene.role_of(&member).await, scene.role_of(&late).await),
            ("member".to_owned(), "admin".to_owned())
        );
        scene.expect_transferred(before, &scene.owner, &admin).await;
        admin.http.put(&scene.path("")).json(&json!({ "name": "Mine" })).send().await.expect(200);
    }
}

#[tokio::test]
async fn delete_user_success_hands_workspaces_to_the_longest_standing_member_who_is_there() {
    for schema in Schema::ALL {
        let scene = Scene::on(schema).await;
        let (viewer, off) = (scene.with_role("viewer").await, scene.with_role("admin").await);
        let member = scene.with_role("member").await;
        scene.joined(&[&viewer, &off, &member]).await;
        // Somebody who may not log in, or whose id is no account of the tenant, inherits nothing.
        scene.admin.http.post(&format!("/users/{}/deactivate", off.id)).send().await.expect(200);
        scene
            .app
            .sql(&format!(
                "INSERT INTO workspace_members (workspace_id, user_id, role, joined_at)
                 VALUES ('{0}', 'auth0|7', 'admin', '2020-01-01'), ('{0}', '{1}', 'admin', '2020-01-01')",
                scene.workspace,
                uuid::Uuid::from_u128(7)
            ))
            .await;
        let before = scene.trail().await.len();
        scene.delete(&scene.owner).await;
        assert_eq!(scene.role_of(&member).await, "owner", "{schema:?}");
        scene.expect_transferred(before, &scene.owner, &member).await;
    }
}

#[tokio::test]
async fn delete_user_success_deletes_workspaces_nobody_is_left_in() {
    for schema in Schema::ALL {
        let scene = Scene::on(schema).await;
        scene.with_role("viewer").await;
        let before = scene.trail().await.len();
        scene.delete(&scene.owner).await;
        scene.admin.http.get(&scene.path("")).send().await.expect(404);
        Scene::expect_last(&scene.trail().await, before + 1, "workspace.deleted");
        assert_eq!(
            scene.role_of(&scene.owner).await,
            "owner",
            "{schema:?}: the last owner's row is not touched (T-46)"
        );
    }
}

#[tokio::test]
async fn delete_user_success_hands_what_is_in_use_to_an_admin_of_the_tenant() {
    for schema in Schema::ALL {
        let scene = Scene::on(schema).await;
        scene.project("Alive").await;
        let before = scene.trail().await.len();
        scene.delete(&scene.owner).await;
        assert_eq!(scene.role_of(&scene.admin).await, "owner", "{schema:?}");
        scene.expect_transferred(before, &scene.owner, &scene.admin).await;
    }
}

#[tokio::test]
async fn delete_user_success_without_another_admin_leaves_the_workspace() {
    let scene = Scene::new().await;
    let own = create(&scene.admin.http, "Admin's").await;
    scene
        .admin
        .http
        .post(&format!("/workspaces/{own}/projects"))
        .json(&json!({ "name": "P" }))
        .send()
        .await
        .expect(201);
    scene.delete(&scene.admin).await;
    let members = "SELECT string_agg(role, ',') FROM workspace_members WHERE workspace_id::text = '";
    assert_eq!(scene.app.one(&format!("{members}{own}'")).await, "owner");
}

#[tokio::test]
async fn delete_user_success_of_one_owner_of_two_leaves_the_other_alone() {
    for schema in Schema::ALL {
        let scene = Scene::on(schema).await;
        let second = scene.with_role("owner").await;
        let before = scene.trail().await.len();
        scene.delete(&scene.owner).await;
        assert_eq!((scene.role_of(&scene.owner).await, scene.role_of(&second).await), ("admin".into(), "owner".into()));
        let last = Scene::expect_last(&scene.trail().await, before + 1, "member.role_updated");
        assert_eq!(last["changes"]["new_role"], "admin", "{schema:?}");
        // So the other one is the last, and cannot leave the workspace to somebody who is gone.
        second.http.post(&scene.path("/leave")).send().await.expect(409);
        // Restoring brings the person back, not what they gave away.
        scene.admin.http.post(&format!("/users/{}/restore", scene.owner.id)).send().await.expect(200);
        assert_eq!(scene.role_of(&scene.owner).await, "admin");
    }
}

#[tokio::test]
async fn delete_user_conflict_rolls_the_hand_over_back() {
    let scene = Scene::new().await;
    scene.with_role("member").await;
    let before = scene.app.all_rows().await;
    scene.app.sql("REVOKE INSERT ON audit_events FROM pyairtable_app").await;
    scene.admin.http.delete(&format!("/users/{}", scene.owner.id)).send().await.expect(500);
    assert_eq!(scene.app.all_rows().await, before);
}

#[tokio::test]
async fn deactivate_user_success_keeps_what_the_person_owns() {
    let scene = Scene::new().await;
    scene.with_role("admin").await;
    scene.admin.http.post(&format!("/users/{}/deactivate", scene.owner.id)).send().await.expect(200);
    assert_eq!(scene.role_of(&scene.owner).await, "owner", "switched off is not deleted (T-55)");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn delete_user_race_with_becoming_the_owner_leaves_no_deleted_owner() {
    for schema in Schema::ALL {
        let scene = Scene::on(schema).await;
        let (second, third) = (scene.with_role("admin").await, scene.with_role("member").await);
        for round in 0..70 {
            scene.app.revive(&scene.admin.tenant).await;
            let mut sql =
                "BEGIN; SET LOCAL session_replication_role = replica; DELETE FROM workspace_members;".to_owned();
            for (person, role) in [(&scene.owner, "owner"), (&second, "admin"), (&third, "member")] {
                sql += &format!(
                    "INSERT INTO workspace_members (workspace_id, user_id, role, joined_at)
                     VALUES ('{}', '{}', '{role}', now());",
                    scene.workspace, person.id
                );
            }
            scene.app.sql(&format!("{sql} COMMIT")).await;
            // The owner hands over to the very person who is deleted at that moment; in some rounds the owner, and
            // so the heir's benefactor, goes too.
            let to = json!({ "user_id": second.id });
            let transfer = scene.owner.http.post(&scene.path("/transfer")).json(&to).send();
            let delete = scene.admin.http.delete(&format!("/users/{}", second.id)).send();
            let other = scene.admin.http.delete(&format!("/users/{}", scene.owner.id));
            if round % 2 == 0 {
                let (transfer, delete) = tokio::join!(transfer, delete);
                assert_eq!(delete.status, 200, "{schema:?} round {round}: {}", delete.body);
                assert!([200, 404].contains(&transfer.status.as_u16()), "{schema:?} {round}: {}", transfer.body);
            } else {
                let (one, two) = tokio::join!(delete, other.send());
                assert_eq!((one.status.as_u16(), two.status.as_u16()), (200, 200), "{schema:?} round {round}");
                let heir = scene.role_of(&third).await;
                assert_eq!(heir, "owner", "{schema:?} round {round}: the only one left");
            }
            let owners = scene
                .app
                .one(
                    "SELECT count(*) FILTER (WHERE p.deleted_at IS NULL) || ' of ' || count(*) FROM workspace_members m
                     JOIN user_profiles p ON p.user_id::text = m.user_id WHERE m.role = 'owner'",
                )
                .await;
            assert_eq!(owners, "1 of 1", "{schema:?} round {round}");
        }
    }
}

/// Recording the hand-over before the account's lock is had would keep the whole tenant waiting for that one account, and
/// whoever holds it and has something to record for ever.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn delete_user_waits_for_the_account_without_holding_the_trail() {
    for schema in Schema::ALL {
        let scene = Scene::on(schema).await;
        let heir = scene.with_role("admin").await;
        let database = scene.app.db.superuser().await;
        let lock = format!("BEGIN; SELECT FROM users WHERE id = '{}' FOR UPDATE", scene.owner.id);
        database.batch_execute(&lock).await.unwrap();
        let path = format!("/users/{}", scene.owner.id);
        let http = scene.admin.http.clone();
        let deletion = tokio::spawn(async move { http.delete(&path).send().await });
        let waiting = "SELECT count(*) FROM pg_stat_activity
            WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE '%users%FOR UPDATE%'";
        let observer = scene.app.db.superuser().await;
        while observer.query_one(waiting, &[]).await.unwrap().get::<_, i64>(0) == 0 {
            assert!(!deletion.is_finished(), "{schema:?}: it did not wait for the account");
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
        // Recorded in the same tenant, while the deletion waits.
        heir.http.put("/users/me").json(&json!({ "bio": "x" })).send().await.expect(200);
        database.batch_execute("COMMIT").await.unwrap();
        deletion.await.unwrap().expect(200);
        assert_eq!(scene.role_of(&heir).await, "owner", "{schema:?}");
    }
}
