//! What must hold whoever comes first: real connections, many rounds, on every layout of the tables.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use futures_util::future::join_all;
use serde_json::json;
use testkit::Answer;

use super::scene::{Scene, try_create};
use super::schema::Schema;

/// Rounds of each race; the three layouts together make more than 200.
const ROUNDS: usize = 70;

fn by_status(answers: &[Answer]) -> BTreeMap<u16, usize> {
    let mut counts = BTreeMap::new();
    for answer in answers {
        *counts.entry(answer.status.as_u16()).or_default() += 1;
    }
    counts
}

async fn restart(scene: &Scene, members: &[(&str, &str)]) {
    let database = scene.app.db.superuser().await;
    let mut sql = "BEGIN; SET LOCAL session_replication_role = replica; DELETE FROM workspace_members;".to_owned();
    for (user, role) in members {
        let _ = write!(
            sql,
            "INSERT INTO workspace_members (workspace_id, user_id, role, joined_at)
             VALUES ('{}', '{user}', '{role}', now());",
            scene.workspace
        );
    }
    database.batch_execute(&format!("{sql} COMMIT")).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_owners_leaving_or_demoted_at_once_leave_one() {
    for schema in Schema::ALL {
        let scene = Scene::on(schema).await;
        let second = scene.with_role("owner").await;
        for round in 0..ROUNDS {
            restart(&scene, &[(&scene.owner.id, "owner"), (&second.id, "owner")]).await;
            let demotion = json!({ "role": "member" });
            let (first_path, second_path) = (scene.member_path(&scene.owner), scene.member_path(&second));
            let (first, second) = match round % 4 {
                0 => (scene.owner.http.delete(&first_path), second.http.delete(&second_path)),
                1 => (scene.owner.http.post(&scene.path("/leave")), second.http.put(&second_path).json(&demotion)),
                // Each demotes the other: whoever is second is no owner any more.
                2 => (scene.owner.http.put(&second_path).json(&demotion), second.http.put(&first_path).json(&demotion)),
                _ => (scene.owner.http.put(&first_path).json(&demotion), second.http.put(&second_path).json(&demotion)),
            };
            let (first, second) = tokio::join!(first.send(), second.send());
            let owners = scene.members().await.iter().filter(|(_, role)| role == "owner").count();
            let statuses = [first.status.as_u16(), second.status.as_u16()];
            assert_eq!(owners, 1, "{schema:?} round {round}: {statuses:?}");
            assert_eq!(statuses.iter().filter(|status| **status < 300).count(), 1, "{schema:?} {round} {statuses:?}");
            assert!(statuses.iter().all(|status| [200, 204, 403, 409].contains(status)), "{statuses:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn creates_at_the_limit_give_one_workspace() {
    for schema in Schema::ALL {
        let scene = Scene::on(schema).await;
        let database = scene.app.db.superuser().await;
        for round in 0..ROUNDS {
            database
                .batch_execute(
                    "BEGIN; SET LOCAL session_replication_role = replica;
                     DELETE FROM workspace_members; DELETE FROM workspace_audit_logs; DELETE FROM workspaces; COMMIT",
                )
                .await
                .unwrap();
            for name in ["One", "Two"] {
                try_create(&scene.owner.http, name).await.expect(201);
            }
            let names: Vec<String> = (0..20).map(|number| format!("Race {number}")).collect();
            let answers = join_all(names.iter().map(|name| try_create(&scene.owner.http, name))).await;
            assert_eq!(by_status(&answers), BTreeMap::from([(201, 1), (403, 19)]), "{schema:?} round {round}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn creates_of_one_name_give_one_workspace() {
    for schema in Schema::ALL {
        let scene = Scene::on(schema).await;
        for round in 0..ROUNDS {
            let name = format!("Race {round}");
            let answers = join_all((0..20).map(|_| try_create(&scene.owner.http, &name))).await;
            assert_eq!(by_status(&answers), BTreeMap::from([(201, 1), (409, 19)]), "{schema:?} round {round}");
            let created = answers.iter().find(|answer| answer.status == 201).unwrap().text("id");
            scene.owner.http.delete(&format!("/workspaces/{created}")).send().await.expect(204);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn adding_and_removing_one_member_neither_duplicates_nor_loses() {
    for schema in Schema::ALL {
        let scene = Scene::on(schema).await;
        let person = scene.stranger().await;
        let (members, member) = (scene.path("/members"), scene.member_path(&person));
        let body = json!({ "user_id": person.id, "role": "member" });
        let change = json!({ "role": "viewer" });
        for round in 0..ROUNDS {
            restart(&scene, &[(&scene.owner.id, "owner")]).await;
            let trail = scene.trail().await.len();
            let http = &scene.owner.http;
            let answers = join_all((0..9).map(|number| match number % 3 {
                0 => http.post(&members).json(&body).send(),
                1 => http.patch(&member).json(&change).send(),
                _ => http.delete(&member).send(),
            }))
            .await;
            let statuses = by_status(&answers);
            assert!(
                statuses.keys().all(|status| [200, 201, 204, 404, 409].contains(status)),
                "{schema:?} round {round}: {statuses:?}"
            );
            let count = |status| statuses.get(&status).copied().unwrap_or_default();
            let there = scene.members().await.iter().filter(|(id, _)| *id == person.id).count();
            // Every addition that was answered 201 is there, or was removed by exactly one 204.
            assert_eq!(there + count(204), count(201), "{schema:?} round {round}: {statuses:?}");
            assert!(there <= 1 && count(201) >= 1);
            let changes = scene.trail().await.len() - trail;
            assert!(changes >= count(201) + count(204), "{statuses:?}");
            assert!(changes <= count(201) + count(204) + count(200), "{statuses:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn ownership_handed_over_twice_at_once_goes_to_one() {
    for schema in Schema::ALL {
        let scene = Scene::on(schema).await;
        let (first, second) = (scene.with_role("member").await, scene.with_role("viewer").await);
        for round in 0..ROUNDS {
            restart(&scene, &[(&scene.owner.id, "owner"), (&first.id, "member"), (&second.id, "viewer")]).await;
            let to = |id: &str| scene.owner.http.post(&scene.path("/transfer")).json(&json!({ "user_id": id })).send();
            let (a, b) = tokio::join!(to(&first.id), to(&second.id));
            let mut statuses = [a.status.as_u16(), b.status.as_u16()];
            statuses.sort_unstable();
            assert_eq!(statuses, [200, 403], "{schema:?} round {round}");
            let members = scene.members().await;
            assert_eq!(members.len(), 3, "{members:?}");
            assert_eq!(members.iter().filter(|(_, role)| role == "owner").count(), 1, "{members:?}");
            assert!(members.contains(&(scene.owner.id.clone(), "admin".to_owned())), "{members:?}");
        }
    }
}
