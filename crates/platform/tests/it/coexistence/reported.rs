//! `check-config` says what it found of the old services and what it does about it, on layouts that differ in each of it.

use testkit::legacy::layouts::{Layout, OldRole};
use testkit::legacy::suite::Scene;

use crate::command::run_in;
use crate::site::{SECRETS, Site};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn coexistence_layouts_are_reported_in_words() {
    for layout in [Layout::Schemas, Layout::Orm, Layout::View, Layout::Tokyo, Layout::Widened] {
        let scene = Scene::expanded(layout, OldRole::Service).await;
        if layout == Layout::Widened {
            let person = "INSERT INTO users (email, password_hash, first_name, last_name, tenant_id, deleted_at)
                VALUES ('gone@example.com', '!', 'G', 'H', gen_random_uuid(), now())";
            scene.sql(&scene.places.auth, person).await;
        }
        let site = Site::on(scene.db.clone(), "IN ROLE pyairtable_app, pyairtable_system").await;
        let directory = tempfile::tempdir().unwrap();
        let more = [
            ("DATABASE_URL", site.url.as_str()),
            ("REDIS_URL", scene.redis_url.as_str()),
            ("LEGACY_COEXISTENCE", "true"),
        ];
        let run = run_in(directory.path(), &["check-config"], &[SECRETS, &more].concat());
        let said: Vec<&str> = run.stdout.lines().filter(|line| line.contains(" old services: ")).collect();
        let filters = vec![(r"belong to \S+:", "belong to OWNER:")];
        insta::with_settings!({ filters => filters }, {
            insta::assert_snapshot!(format!("reported_{}", layout.name()), said.join("\n"));
        });
        let without = run_in(directory.path(), &["check-config"], &[SECRETS, &more[..1]].concat());
        assert!(!without.stdout.contains("old services"), "{}", without.stdout);
    }
}
