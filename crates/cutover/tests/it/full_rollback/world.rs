//! A database of old services with tables of every difficult kind beside theirs, and those who write to it.

use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use pyairtable_cutover::backup::check_files;
use pyairtable_cutover::digest::{SESSION, Side, measure_again};
use pyairtable_cutover::run::{Cx, Folder, Wishes};
use testkit::TestDb;
use testkit::legacy::layouts::Layout;
use tokio::task::JoinHandle;
use tokio_postgres::Client;

use crate::support::{Dice, old_world, seed, setup};

/// What no old service has and some database might: rows without a key, keys that change, cascades, triggers that write
/// elsewhere, partitions.
const DIFFICULT: &str = "
    CREATE TABLE public.acks (token text PRIMARY KEY);
    CREATE TABLE public.counters (id integer PRIMARY KEY, n bigint NOT NULL, doubled bigint GENERATED ALWAYS AS (n * 2) STORED);
    INSERT INTO public.counters SELECT id, 0 FROM generate_series(1, 99) id;
    CREATE TABLE public.keyless (word text, number numeric, document json);
    CREATE TABLE public.places (id integer PRIMARY KEY, place integer NOT NULL UNIQUE DEFERRABLE INITIALLY DEFERRED);
    INSERT INTO public.places SELECT id, id FROM generate_series(1, 20) id;
    CREATE TABLE public.parents (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name varchar(40) UNIQUE);
    CREATE TABLE public.children (id bigserial PRIMARY KEY,
        parent bigint REFERENCES public.parents ON DELETE CASCADE ON UPDATE CASCADE, note char(6));
    CREATE TABLE public.history (id bigserial PRIMARY KEY, what text, at timestamptz DEFAULT clock_timestamp());
    CREATE FUNCTION public.remember() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        INSERT INTO public.history (what) VALUES (TG_OP || coalesce(NEW.name, OLD.name));
        IF TG_OP = 'INSERT' THEN
            UPDATE public.parents SET name = name || '+' WHERE id = NEW.id;
            INSERT INTO public.children (parent, note) VALUES (NEW.id, 'first');
        END IF;
        RETURN NULL; END $$;
    CREATE TRIGGER a_remember AFTER INSERT OR DELETE ON public.parents FOR EACH ROW EXECUTE FUNCTION public.remember();
    CREATE TABLE public.emptied (id serial PRIMARY KEY, word text);
    CREATE TABLE public.emptied_too (id integer REFERENCES public.emptied);
    CREATE TABLE public.parted (month integer NOT NULL, id uuid NOT NULL DEFAULT gen_random_uuid(), PRIMARY KEY (month, id))
        PARTITION BY LIST (month);
    CREATE TABLE public.parted_1 PARTITION OF public.parted FOR VALUES IN (1);
    CREATE TABLE public.parted_2 PARTITION OF public.parted FOR VALUES IN (2);";

pub(super) struct World {
    pub(super) db: TestDb,
}

impl World {
    pub(super) async fn of(layout: Layout) -> Self {
        let db = old_world(layout, 60).await;
        db.superuser().await.batch_execute(DIFFICULT).await.unwrap();
        Self { db }
    }

    pub(super) async fn open(&self, folder: &Path) -> Cx {
        Cx::open(setup(folder, self.db.url(), Wishes::default(), None)).await.unwrap()
    }

    pub(super) async fn client(&self) -> Client {
        self.db.superuser().await
    }

    pub(super) async fn named(&self, name: &str) -> Client {
        self.db.url().with_database(name).connect().await.unwrap()
    }

    /// What was acknowledged and is not there exactly once.
    pub(super) async fn lost(&self, client: &Client, acknowledged: &[String]) -> Vec<String> {
        let sql = "SELECT token FROM unnest($1::text[]) token WHERE (SELECT count(*) FROM acks a WHERE a.token = token.token) <> 1";
        client.query(sql, &[&acknowledged]).await.unwrap().iter().map(|row| row.get(0)).collect()
    }
}

/// Sessions that write as fast as they can, each remembering what was acknowledged to it.
pub(super) struct Writers {
    pub(super) acknowledged: Arc<Mutex<Vec<String>>>,
    /// Whether they also TRUNCATE: not while a backup is made, because `pg_dump` would wait behind one.
    pub(super) truncate: Arc<AtomicBool>,
    stop: Arc<AtomicBool>,
    tasks: Vec<JoinHandle<()>>,
}

impl Writers {
    pub(super) fn start(world: &World, count: u64) -> Self {
        let (acknowledged, stop) = (Arc::new(Mutex::new(Vec::new())), Arc::new(AtomicBool::new(false)));
        let truncate = Arc::new(AtomicBool::new(false));
        let tasks = (0..count).map(|number| {
            let (db, acknowledged) = (world.db.clone(), Arc::clone(&acknowledged));
            let (stop, truncate) = (Arc::clone(&stop), Arc::clone(&truncate));
            tokio::spawn(async move { write(&db, number, &acknowledged, &stop, &truncate).await })
        });
        Self { tasks: tasks.collect(), acknowledged, truncate, stop }
    }

    pub(super) fn count(&self) -> usize {
        self.acknowledged.lock().unwrap().len()
    }

    /// Waits until so many are acknowledged.
    pub(super) async fn reach(&self, count: usize) {
        let began = Instant::now();
        while self.count() < count {
            assert!(began.elapsed() < Duration::from_mins(1), "writers do not get on: {} of {count}", self.count());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    pub(super) async fn stop(self) -> Vec<String> {
        self.stop.store(true, Ordering::Relaxed);
        for task in self.tasks {
            task.await.unwrap();
        }
        self.acknowledged.lock().unwrap().clone()
    }
}

async fn write(db: &TestDb, number: u64, acknowledged: &Mutex<Vec<String>>, stop: &AtomicBool, truncate: &AtomicBool) {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let dice = Dice::new(seed() * 100 + number);
    let mut client = None;
    while !stop.load(Ordering::Relaxed) {
        if client.is_none() {
            client = db.url().connect().await.ok();
        }
        let Some(connected) = &client else {
            tokio::time::sleep(Duration::from_millis(5)).await;
            continue;
        };
        let token = format!("w{}", NEXT.fetch_add(1, Ordering::Relaxed));
        let (sql, commits) = transaction(&dice, &token, truncate.load(Ordering::Relaxed));
        match connected.batch_execute(&sql).await {
            Ok(()) if commits => acknowledged.lock().unwrap().push(token),
            Ok(()) => {}
            // Ended, refused, or one of two that waited for each other: nothing was acknowledged.
            Err(_) if connected.is_closed() => client = None,
            Err(_) => {
                let _ = connected.batch_execute("ROLLBACK").await;
            }
        }
        tokio::time::sleep(Duration::from_millis(3)).await;
    }
}

fn transaction(dice: &Dice, token: &str, truncate: bool) -> (String, bool) {
    let (a, b) = (dice.below(20) + 1, dice.below(20) + 1);
    let mut parts = Vec::new();
    for _ in 0..=dice.below(3) {
        parts.push(match dice.below(16) {
            0 => format!("UPDATE counters SET n = n + 1 WHERE id BETWEEN {a} AND {a} + 5"),
            1 => format!("UPDATE counters SET id = id + 1000 WHERE id = {a}; UPDATE counters SET id = id - 1000 WHERE id = {a} + 1000"),
            2 => format!("INSERT INTO counters VALUES ({a} + 100, 1) ON CONFLICT (id) DO UPDATE SET n = counters.n + 1"),
            3 => format!("DELETE FROM counters WHERE id = {a} + 100"),
            4 => "INSERT INTO keyless SELECT 'same', 1.50, '{\"b\": 1,  \"a\": 1}' FROM generate_series(1, 3)".to_owned(),
            5 => "DELETE FROM keyless WHERE ctid IN (SELECT ctid FROM keyless LIMIT 2)".to_owned(),
            6 => format!("UPDATE keyless SET word = '{token}' WHERE ctid IN (SELECT ctid FROM keyless LIMIT 1)"),
            7 => format!("UPDATE places SET place = CASE id WHEN {a} THEN (SELECT place FROM places WHERE id = {b})
                ELSE (SELECT place FROM places WHERE id = {a}) END WHERE id IN ({a}, {b})"),
            8 => format!("INSERT INTO parents (name) VALUES ('{token}'), ('{token}b')"),
            9 => "DELETE FROM parents WHERE id IN (SELECT id FROM parents ORDER BY id LIMIT 1)".to_owned(),
            10 => "UPDATE children SET note = 'x', parent = NULL WHERE id = (SELECT max(id) FROM children)".to_owned(),
            11 => "INSERT INTO emptied (word) VALUES ('a'), ('b'); INSERT INTO emptied_too SELECT max(id) FROM emptied".to_owned(),
            12 if truncate && dice.below(2) == 0 => "TRUNCATE emptied RESTART IDENTITY CASCADE".to_owned(),
            12 | 13 => format!("INSERT INTO parted (month) VALUES ({a} % 2 + 1)"),
            14 => "UPDATE parted SET month = 3 - month WHERE id = (SELECT id FROM parted ORDER BY id LIMIT 1)".to_owned(),
            _ => format!("UPDATE workspaces SET name = name || '.' WHERE id = (SELECT id FROM workspaces ORDER BY id LIMIT 1 OFFSET {a})"),
        });
    }
    let work = parts.join("; ");
    let commits = dice.below(10) > 0;
    let end = if commits { "COMMIT" } else { "ROLLBACK" };
    let name = if commits { token.to_owned() } else { format!("never-{token}") };
    let sql = format!(
        "BEGIN; INSERT INTO acks VALUES ('{name}'); SAVEPOINT one; INSERT INTO acks VALUES ('never-s-{token}');
         UPDATE counters SET n = 0 WHERE id = 98; ROLLBACK TO one; SAVEPOINT two; {work}; RELEASE two; {end}"
    );
    (sql, commits)
}

/// The tables of the backup that do not hold the same in two databases.
pub(super) async fn differing_tables(one: &Client, other: &Client, folder: &Folder) -> Vec<String> {
    let (manifest, _) = check_files(&folder.backup()).unwrap();
    for client in [one, other] {
        client.batch_execute(SESSION).await.unwrap();
    }
    let mut all = Vec::new();
    for table in &manifest.tables {
        let before = &manifest.digests[&table.shown()];
        let first = measure_again(&Side::new(one), table, before, async |_| Ok(())).await.unwrap();
        let second = measure_again(&Side::new(other), table, before, async |_| Ok(())).await.unwrap();
        if !first.same(&second) {
            all.push(table.shown());
        }
    }
    for client in [one, other] {
        client.batch_execute("RESET ALL").await.unwrap();
    }
    all
}
