//! Rows of the old services: some thousands as years of them leave rows, and a crowd without any oddity around them, made by
//! the server itself.
//!
//! The crowd has the shape of a large deployment: a workspace for twenty people, ten members in each, at most eight live ones
//! in a tenant (T-48), two notifications for everybody.

use kernel::{Clock as _, SystemClock};
use testkit::legacy::generate::{PASSWORDS, Plan, fill};
use testkit::legacy::layouts::Layout;
use tokio_postgres::{Client, Config};

use super::Error;

/// So many people are made one by one; everybody else is the crowd.
const ODD: u32 = 2000;
/// Whose rows are made alike.
const SEED: u64 = 7;
/// People of a tenant, at most.
const OF_A_TENANT: u32 = 160;
/// People for each workspace.
const FOR_A_WORKSPACE: u32 = 20;

/// A part of the crowd that needs no other.
struct Part {
    /// Whose indexes are built once the rows are there.
    tables: &'static [&'static str],
    sql: &'static str,
}

/// The same number is the same id in every part; ids look like those the old services make.
const SESSION: &str =
    "SET session_replication_role = replica; SET maintenance_work_mem = '512MB'; SET work_mem = '128MB';
    CREATE FUNCTION pg_temp.made(kind text, number bigint) RETURNS uuid LANGUAGE sql IMMUTABLE AS
        $$ SELECT overlay(overlay(md5(kind || number) PLACING '4' FROM 13) PLACING '8' FROM 17)::uuid $$";

const PARTS: &[Part] = &[
    Part {
        tables: &["tenants", "users"],
        sql: "INSERT INTO tenants (id, name, slug, plan)
            SELECT pg_temp.made('tenant', n), 'Crowd ' || n, 'crowd-' || n, 'enterprise' FROM generate_series(0, $tenants - 1) n;
        INSERT INTO users (id, email, password_hash, first_name, last_name, role, tenant_id, last_login_at)
            SELECT pg_temp.made('person', n), 'crowd' || n || '@example' || n % 40 || '.org', '$hash', 'Person', 'No ' || n,
                CASE WHEN n % 12 = 0 THEN 'admin' ELSE 'user' END, pg_temp.made('tenant', n % $tenants),
                now() - n % 1000 * interval '1 hour'
            FROM generate_series(0, $people - 1) n",
    },
    Part {
        tables: &["workspaces", "workspace_members", "projects"],
        sql: "INSERT INTO workspaces (id, tenant_id, name, description, created_by)
            SELECT pg_temp.made('workspace', n), pg_temp.made('tenant', n % $tenants), 'Workspace ' || n, 'Plans',
                pg_temp.made('person', n % $tenants + $tenants * (n / $tenants))
            FROM generate_series(0, $workspaces - 1) n;
        INSERT INTO workspace_members (workspace_id, user_id, role)
            SELECT pg_temp.made('workspace', n), pg_temp.made('person', n % $tenants + $tenants * (n / $tenants + m)),
                CASE m WHEN 0 THEN 'owner' WHEN 1 THEN 'admin' ELSE 'member' END
            FROM generate_series(0, $workspaces - 1) n, generate_series(0, 9) m
            WHERE n % $tenants + $tenants * (n / $tenants + m) < $people;
        INSERT INTO projects (id, workspace_id, name, created_by)
            SELECT pg_temp.made('project', n), pg_temp.made('workspace', n), 'Project', pg_temp.made('person', n)
            FROM generate_series(0, $workspaces - 1) n",
    },
    Part {
        tables: &["notifications"],
        sql: "INSERT INTO notifications (id, user_id, tenant_id, type, title, message, is_read)
            SELECT pg_temp.made('notification', n), pg_temp.made('person', n / 2), pg_temp.made('tenant', n / 2 % $tenants),
                'comment.created', 'Somebody wrote', 'Comment ' || n || ' on a base of yours', n % 3 > 0
            FROM generate_series(0, 2 * $people - 1) n",
    },
];

/// As the old services' documents recommend it (contract 2.8).
const NOTIFICATIONS: &str = "CREATE TABLE notifications (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(), user_id uuid NOT NULL, tenant_id uuid NOT NULL, type varchar(100) NOT NULL,
    title varchar(500) NOT NULL, message text NOT NULL, data jsonb NOT NULL DEFAULT '{}', is_read boolean NOT NULL DEFAULT false,
    read_at timestamptz, expires_at timestamptz, created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now());
    CREATE INDEX idx_notifications_user_id ON notifications (user_id, created_at DESC);
    CREATE INDEX idx_notifications_unread ON notifications (user_id) WHERE NOT is_read";

/// Makes tables and rows for `people` in an empty database, as its superuser.
pub(super) async fn make(config: &Config, people: u32) -> Result<(), Error> {
    let places = Layout::Public.create(config).await.map_err(Error::rows)?;
    let odd = people.min(ODD);
    let plan = Plan { people: odd, seed: SEED, now: SystemClock.now() };
    fill(Layout::Public, &places, plan).await.map_err(Error::rows)?;
    super::connected(config).await?.batch_execute(NOTIFICATIONS).await?;
    let crowd = people - odd;
    let [first, second, third] = PARTS else { return Ok(()) };
    tokio::try_join!(part(config, first, crowd), part(config, second, crowd), part(config, third, crowd))?;
    Ok(())
}

async fn part(config: &Config, part: &Part, people: u32) -> Result<(), Error> {
    let client = super::connected(config).await?;
    client.batch_execute(SESSION).await?;
    let indexes = taken_away(&client, part.tables).await?;
    let sql = part
        .sql
        .replace("$people", &people.to_string())
        .replace("$tenants", &people.div_ceil(OF_A_TENANT).max(1).to_string())
        .replace("$workspaces", &(people / FOR_A_WORKSPACE).to_string())
        .replace("$hash", PASSWORDS[0].1);
    client.batch_execute(&sql).await?;
    for index in indexes {
        client.batch_execute(&index).await?;
    }
    // The first look of autovacuum would otherwise fall into the take-over.
    client.batch_execute(&format!("VACUUM (ANALYZE) {}", part.tables.join(", "))).await?;
    Ok(())
}

/// Drops the indexes that no constraint needs; how to build them again.
async fn taken_away(client: &Client, tables: &[&str]) -> Result<Vec<String>, Error> {
    let sql = "SELECT i.indexrelid::regclass::text, pg_get_indexdef(i.indexrelid) FROM pg_index i
        WHERE i.indrelid = ANY ($1::text[]::regclass[]) AND NOT EXISTS (SELECT FROM pg_constraint c WHERE c.conindid = i.indexrelid)";
    let rows = client.query(sql, &[&tables]).await?;
    for row in &rows {
        client.batch_execute(&format!("DROP INDEX {}", row.get::<_, &str>(0))).await?;
    }
    Ok(rows.iter().map(|row| row.get(1)).collect())
}
