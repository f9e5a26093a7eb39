//! What these tests are for: with the mistakes that coexistence has to avoid, the test that should notice does.

use testkit::legacy::layouts::Layout;

use super::{Findings, Pair, accounts, at_once, members, workspaces};

/// The differences that a mistake makes, none of which is meant.
fn noticed(found: &Findings, subject: &str) -> String {
    let listed = found.shown(subject);
    assert!(listed.contains("MISMATCH"), "{subject}: {listed}");
    listed
}

/// A log-in on the new side that hashes anew, as it does when no old service is left, shuts people out of the old side.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn coexistence_rehash_at_log_in_is_noticed() {
    let pair = Pair::with(Layout::Public, |_, parts| parts.coexistence = false).await;
    let ended = tokio::spawn(async move { accounts::compare(&pair).await.shown("accounts") }).await;
    // Already the first change of a password on the old side fails.
    assert!(ended.is_err_and(|error| error.is_panic()), "a log-in that hashes anew went unnoticed");
}

/// Members written with one statement for both cases: the trigger keeps the row as it was (T-45).
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn coexistence_upserted_members_are_noticed() {
    let upsert = |sql: &str| {
        sql.contains("UPDATE workspace_members SET role").then(|| {
            "INSERT INTO workspace_members (workspace_id, user_id, role) VALUES ($1::uuid, $2::text, $3::text)
             ON CONFLICT (workspace_id, user_id) DO UPDATE SET role = excluded.role RETURNING $3::text AS role"
                .to_owned()
        })
    };
    let pair = Pair::through(Layout::Public, upsert).await;
    let listed = noticed(&members::compare(&pair, Layout::Public).await, "members");
    assert!(listed.contains("new changes a role: the role: \"viewer\" instead of \"admin\""), "{listed}");
}

/// A session in another time zone than UTC shifts every naive time (T-51).
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn coexistence_sessions_in_another_time_zone_are_noticed() {
    let elsewhere = |sql: &str| {
        sql.contains("SET TIME ZONE 'UTC'").then(|| sql.replace("SET TIME ZONE 'UTC'", "SET TIME ZONE 'Asia/Tokyo'"))
    };
    let pair = Pair::through(Layout::Public, elsewhere).await;
    let listed = noticed(&workspaces::compare(&pair).await, "workspaces");
    assert!(listed.contains("9 h off"), "{listed}");
}

/// Without the lock on the other owners, two of them may leave at once (T-46).
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn coexistence_owners_without_a_lock_are_noticed() {
    let unlocked = |sql: &str| {
        if sql.contains("m.role = 'owner' AND m.user_id <>") {
            return Some(sql.replace("FOR UPDATE", ""));
        }
        // Time for the other one, between the change and its commit.
        sql.contains("DELETE FROM workspace_members")
            .then(|| format!("WITH gone AS ({sql}) SELECT joined_at FROM gone, (SELECT pg_sleep(0.2)) AS slept"))
    };
    let pair = Pair::through(Layout::Public, unlocked).await;
    noticed(&at_once::last_owner(&pair, 16).await, "last-owner");
}
