//! From a backup to a database again.

use std::sync::atomic::AtomicBool;

use pyairtable_cutover::Exit;
use pyairtable_cutover::backup::{Restoring, check_files, compare, restore};
use pyairtable_cutover::digest::How;
use pyairtable_cutover::run::Wishes;
use testkit::legacy::layouts::Layout;

use crate::support::{old_world, run_all, setup, text, tools};

#[tokio::test]
async fn restore_brings_back_what_was_there_and_names_what_changed_since() {
    let db = old_world(Layout::Tokyo, 80).await;
    let folder = tempfile::tempdir().unwrap();
    run_all(setup(folder.path(), db.url(), Wishes::default(), None)).await.unwrap();
    let backup = folder.path().join("backup");
    let name = db.config().get_dbname().unwrap().to_owned();
    let (into, aside) = (format!("{name}_new"), format!("{name}_aside"));
    let (tools, stop) = (tools(), AtomicBool::new(false));
    let restoring = |replace| Restoring {
        backup: &backup,
        url: db.url(),
        tools: &tools,
        into: &into,
        replace,
        jobs: 2,
        stop: &stop,
    };
    let done = restore(&restoring(None), &|_| ()).await.unwrap();
    assert_eq!((done.database.as_str(), done.before), (into.as_str(), None));
    let restored = db.url().with_database(&into).connect().await.unwrap();
    let zone = "SELECT reset_val FROM pg_settings WHERE name = 'TimeZone'";
    assert_eq!(text(&restored, zone).await, "Asia/Tokyo", "settings of the database come with it");

    // What happened since, by row and column, where counting rows sees nothing.
    let client = db.superuser().await;
    let id = text(
        &client,
        "UPDATE users SET last_name = last_name || ' ' WHERE id = (SELECT id FROM users ORDER BY id LIMIT 1)
        RETURNING id::text",
    )
    .await;
    let (manifest, _) = check_files(&backup).unwrap();
    let verdict = compare(&client, &manifest, Some(&restored), 10).await.unwrap();
    assert!(!verdict.equal && verdict.equal_by_count);
    let rows: Vec<_> = verdict.tables.iter().flat_map(|table| &table.rows).collect();
    assert_eq!(rows.len(), 1);
    assert_eq!((&rows[0].key, &rows[0].how), (&vec![id], &How::Changed(vec!["last_name".into(), "updated_at".into()])));
    drop(restored);

    // Never over a database.
    let error = restore(&restoring(None), &|_| ()).await.unwrap_err();
    assert_eq!(error.exit(), Exit::Refused);
    assert!(error.to_string().contains("--into"), "{error}");

    // In place of the present one, with people connected to it.
    client.batch_execute(&format!("DROP DATABASE {into}")).await.unwrap();
    let done = restore(&restoring(Some((&name, &aside))), &|_| ()).await.unwrap();
    assert_eq!((done.database.as_str(), done.before.as_deref()), (name.as_str(), Some(aside.as_str())));
    assert!(client.batch_execute("SELECT 1").await.is_err(), "it was ended");
    let again = db.superuser().await;
    assert!(compare(&again, &manifest, None, 0).await.unwrap().equal);
    let old = db.url().with_database(&aside).connect().await.unwrap();
    assert!(!compare(&old, &manifest, None, 0).await.unwrap().equal, "the one before is kept");
}

#[tokio::test]
async fn restore_uses_no_damaged_backup() {
    let db = old_world(Layout::Public, 30).await;
    let folder = tempfile::tempdir().unwrap();
    run_all(setup(folder.path(), db.url(), Wishes::default(), None)).await.unwrap();
    let backup = folder.path().join("backup");
    let toc = backup.join("database/toc.dat");
    let mut bytes = std::fs::read(&toc).unwrap();
    let at = bytes.len() / 2;
    bytes[at] ^= 1;
    std::fs::write(&toc, bytes).unwrap();
    let into = format!("{}_never", db.config().get_dbname().unwrap());
    let (tools, stop) = (tools(), AtomicBool::new(false));
    let restoring =
        Restoring { backup: &backup, url: db.url(), tools: &tools, into: &into, replace: None, jobs: 1, stop: &stop };
    let error = restore(&restoring, &|_| ()).await.unwrap_err();
    assert_eq!(error.exit(), Exit::Differs);
    let client = db.superuser().await;
    let sql = format!("SELECT count(*)::text FROM pg_database WHERE datname = '{into}'");
    assert_eq!(text(&client, &sql).await, "0");
}
