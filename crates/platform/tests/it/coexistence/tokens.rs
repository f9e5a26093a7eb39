//! Refresh tokens: one chain, taken turns at by both sides (T-35).

use serde_json::json;
use testkit::{Answer, Client};

use super::{Findings, LAYOUTS, Pair, form};
use crate::support::PASSWORD;

async fn refresh(http: &Client, token: &str) -> Answer {
    http.post("/auth/refresh").json(&json!({ "refresh_token": token })).send().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn coexistence_refresh_tokens_are_the_same_on_both_sides() {
    for layout in LAYOUTS {
        let pair = Pair::on(layout).await;
        let mut found = Findings::default();
        let (old, new) = (pair.old_auth(), &pair.new.http);
        old.post("/auth/register").json(&form("ada@example.com")).send().await.expect(201);
        for first in ["old", "new"] {
            let login = match first {
                "old" => pair.old_login("ada@example.com", PASSWORD).await,
                _ => pair.new_login("ada@example.com", PASSWORD).await,
            };
            let mut token = login.expect(200).text("refresh_token");
            let mut spent = Vec::new();
            for (side, http) in [("new", new), ("old", old), ("new", new), ("new", new), ("old", old), ("old", old)] {
                let answer = refresh(http, &token).await;
                found.status(&format!("{side} refreshes in the chain that {first} began"), &answer, 200);
                spent.push(std::mem::replace(&mut token, answer.text("refresh_token")));
            }
            for spent in &spent {
                found.status("old refuses what was spent", &refresh(old, spent).await, 401);
            }
            // What the old side spent, the new one refuses at once; what it spent itself, after a grace.
            found.status("new refuses what old spent", &refresh(new, &spent[1]).await, 401);
            for (side, http, other) in [("old", old, new), ("new", new, old)] {
                let token = pair.new_login("ada@example.com", PASSWORD).await.expect(200).text("refresh_token");
                let logout = http.post("/auth/logout").json(&json!({ "refresh_token": token })).send().await;
                found.status(&format!("{side} logs out"), &logout, 200);
                found.status(
                    &format!("the other refreshes after {side} logged out"),
                    &refresh(other, &token).await,
                    401,
                );
            }
            found.status("the chain goes on", &refresh(old, &token).await, 200);
        }
        all_revoked_by_a_new_password(&pair, &mut found).await;
        insta::assert_snapshot!(format!("tokens_{}", layout.name()), found.listed("tokens", layout));
    }
}

async fn all_revoked_by_a_new_password(pair: &Pair, found: &mut Findings) {
    let old = pair.old_login("ada@example.com", PASSWORD).await.expect(200);
    let new = pair.new_login("ada@example.com", PASSWORD).await.expect(200);
    let change = json!({ "current_password": PASSWORD, "new_password": "another one" });
    let http = pair.new.http.with_bearer(&new.text("access_token"));
    http.post("/auth/change-password").json(&change).send().await.expect(200);
    for (whose, token) in [("old", old.text("refresh_token")), ("new", new.text("refresh_token"))] {
        for (side, http) in [("old", pair.old_auth()), ("new", &pair.new.http)] {
            let answer = refresh(http, &token).await;
            found.status(&format!("{side} refreshes {whose}'s after a new password"), &answer, 401);
        }
    }
}
