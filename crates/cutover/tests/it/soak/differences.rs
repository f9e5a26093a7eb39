//! What ends a soak: each difference is made, found, named and mended.

use std::fs;
use std::sync::atomic::Ordering;

use pyairtable_cutover::journal::{Entry, read};
use pyairtable_cutover::run::Wishes;
use pyairtable_cutover::soak::Patience;
use pyairtable_cutover::{Error, Exit, expand, steps};

use super::world::World;
use crate::support::text;

/// An hour later: what the look says.
async fn next(world: &World) -> Error {
    world.hours(1);
    world.soak_once().await.unwrap_err()
}

async fn fails(world: &World, parts: &[&str]) {
    let error = next(world).await;
    assert_eq!(error.exit(), Exit::Differs, "{error}");
    for part in parts {
        assert!(error.to_string().contains(part), "{part}: {error}");
    }
    let last = world.notes("soak", "check").pop().unwrap();
    assert_eq!(last["same"], false);
    let records = read(&world.folder().journal()).unwrap().records;
    assert!(records.iter().any(|one| matches!(&one.entry, Entry::Failed { step, .. } if step == "soak")));
}

async fn goes_on(world: &World) {
    let error = world.soak_once().await.unwrap_err();
    assert_eq!(error.exit(), Exit::Paused, "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn soak_finds_what_old_services_do_to_rows_and_schema() {
    let world = World::start(Wishes::default()).await;
    world.everybody_moves().await;
    goes_on(&world).await;
    let client = world.client().await;
    let run = async |sql: &str| client.batch_execute(sql).await.unwrap();
    let somebody = text(&client, "SELECT id::text FROM users WHERE is_active ORDER BY id LIMIT 1").await;

    // What an ORM adds harms nobody.
    run("ALTER TABLE users ADD COLUMN nickname text").await;
    assert_eq!(next(&world).await.exit(), Exit::Paused);

    run(&format!("UPDATE users SET is_active = NULL WHERE id = '{somebody}'")).await;
    fails(&world, &["nulls-in-accounts", "users", &somebody]).await;
    run(&format!("UPDATE users SET is_active = true WHERE id = '{somebody}'")).await;
    goes_on(&world).await;

    let member = "INSERT INTO workspace_members (workspace_id, user_id, role) SELECT id, 'nobody-at-all', 'member'
        FROM workspaces LIMIT 1";
    run(member).await;
    fails(&world, &["members-without-person", "workspace_members.user_id", "nobody-at-all"]).await;
    run("DELETE FROM workspace_members WHERE user_id = 'nobody-at-all'").await;
    goes_on(&world).await;

    run("DROP INDEX users_email_folded_idx").await;
    fails(&world, &["expansion", "schema", "gone: index", "users_email_folded_idx"]).await;
    let expansion = expand::open(world.db.url(), db::migrate::Limits::default()).await.unwrap().unwrap();
    for piece in expansion.pieces() {
        expansion.run(piece, &mut |_| {}).await.unwrap();
    }
    expansion.close().await.unwrap();
    goes_on(&world).await;

    let column = text(&client, "SELECT count(*)::text FROM users").await;
    run("ALTER TABLE user_profiles DROP COLUMN bio").await;
    fails(&world, &["gone: column public.user_profiles.bio"]).await;
    run("ALTER TABLE user_profiles ADD COLUMN bio text").await;
    goes_on(&world).await;

    run("CREATE FUNCTION spoil() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
        CREATE TRIGGER spoil BEFORE INSERT ON projects FOR EACH ROW EXECUTE FUNCTION spoil()")
    .await;
    fails(&world, &["new: trigger", "spoil"]).await;
    run("DROP TRIGGER spoil ON projects; DROP FUNCTION spoil").await;
    goes_on(&world).await;

    run("CREATE TABLE counted (id serial PRIMARY KEY); INSERT INTO counted VALUES (41)").await;
    fails(&world, &["sequences", "counted"]).await;
    run("DROP TABLE counted").await;
    goes_on(&world).await;

    // Somebody removed a person on purpose: it is found, and can be accepted with a reason.
    run(&format!("DELETE FROM users WHERE id = '{somebody}'")).await;
    fails(&world, &["rows-kept", "users has", &column, "--accept"]).await;
    world.hours(1);
    let accepting = steps::soak(&world.plan(), Patience::Once, Some("asked for by the person".to_owned()));
    assert_eq!(world.run(&accepting).await.unwrap_err().exit(), Exit::Paused);
    assert_eq!(world.notes("soak", "accepted")[0]["why"], "asked for by the person");
    assert_eq!(next(&world).await.exit(), Exit::Paused);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn soak_finds_that_there_would_be_no_way_back() {
    let world = World::start(Wishes::default()).await;
    world.everybody_moves().await;
    goes_on(&world).await;
    let dump = world.folder().backup().join("roles.sql");
    let whole = fs::read(&dump).unwrap();
    let mut damaged = whole.clone();
    damaged[0] ^= 1;
    fs::write(&dump, &damaged).unwrap();
    fails(&world, &["backup", "roles.sql has other contents", "full rollback"]).await;
    fs::write(&dump, &whole).unwrap();
    goes_on(&world).await;

    world.old_down.store(true, Ordering::Relaxed);
    let status = pyairtable_cutover::shift::Gateway::at(&world.wishes.shift.as_ref().unwrap().gateway);
    while status.status().await.unwrap().without_way_back().is_empty() {
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    fails(&world, &["way-back", "no old service answers", "start it again"]).await;
    world.old_down.store(false, Ordering::Relaxed);
    while !status.status().await.unwrap().without_way_back().is_empty() {
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    goes_on(&world).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn soak_that_waits_ends_when_the_gateway_goes_back() {
    let world = World::start(Wishes::default()).await;
    world.everybody_moves().await;
    goes_on(&world).await;
    let waiting = steps::soak(&world.plan(), Patience::Wait, None);
    let returning = async {
        tokio::time::sleep(std::time::Duration::from_millis(1500)).await;
        world.order("/return", None).await;
        world.hours(1);
    };
    let (ended, ()) = tokio::join!(world.run(&waiting), returning);
    let error = ended.unwrap_err();
    assert_eq!(error.exit(), Exit::Returned, "{error}");
    assert!(!world.folder().soak().exists());
}
