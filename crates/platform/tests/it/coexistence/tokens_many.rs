//! Tokens in numbers: each side issues them and the other takes them, and both exchange one at the same time (T-35).

use std::collections::BTreeSet;

use redis::AsyncCommands as _;
use serde_json::{Value, json};
use testkit::legacy::layouts::Layout;
use testkit::{Answer, Client};

use super::{Findings, Pair, form};
use crate::support::{PASSWORD, long};

async fn refresh(http: &Client, token: &str) -> Answer {
    http.post("/auth/refresh").json(&json!({ "refresh_token": token })).send().await
}

async fn live_tokens(pair: &Pair, user: &str) -> BTreeSet<String> {
    let client = redis::Client::open(pair.old.redis_url.as_str()).unwrap();
    let mut redis = client.get_connection_manager().await.unwrap();
    redis.smembers(format!("user_tokens:{user}")).await.unwrap()
}

/// A chain whose every step one side issues and the other one takes: both tokens of it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn coexistence_tokens_of_either_side_work_on_the_other() {
    let pair = Pair::on(Layout::Public).await;
    let mut found = Findings::default();
    pair.old_auth().post("/auth/register").json(&form("ada@example.com")).send().await.expect(201);
    let mut pair_of_tokens = pair.old_login("ada@example.com", PASSWORD).await.expect(200);
    let (old, new) = (pair.old_auth(), &pair.new.http);
    let steps = if long() { 10_000 } else { 150 };
    for (issuer, taker) in
        std::iter::repeat_n([(("old", old), ("new", new)), (("new", new), ("old", old))], steps).flatten()
    {
        // Here the taker of the step before issues.
        let token = pair_of_tokens.text("refresh_token");
        let next = refresh(issuer.1, &token).await;
        found.status(&format!("{} takes a refresh token", issuer.0), &next, 200);
        let bearer = taker.1.with_bearer(&next.text("access_token"));
        let claims = bearer.post("/auth/validate").send().await;
        found.status(&format!("{} takes an access token of {}", taker.0, issuer.0), &claims, 200);
        found.equal("whose it is", &claims.body["email"], &json!("ada@example.com"));
        pair_of_tokens = next;
    }
    let user = pair_of_tokens.text("user_id");
    found.equal("tokens that live", &json!(live_tokens(&pair, &user).await.len()), &json!(1));
    insta::assert_snapshot!(found.listed("tokens_many", Layout::Public));
}

/// Two of the new side at once are one exchange. With one of the old side among them there may be two, because that side
/// looks and takes in two steps; but whoever got an answer goes on, on both sides.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn coexistence_refreshes_at_the_same_time_sign_nobody_out() {
    let pair = Pair::on(Layout::Public).await;
    let mut found = Findings::default();
    pair.old_auth().post("/auth/register").json(&form("ada@example.com")).send().await.expect(201);
    let client = redis::Client::open(pair.old.redis_url.as_str()).unwrap();
    let connection = client.get_connection_manager().await.unwrap();
    let replica = pair.new.replica(|parts| {
        parts.coexistence = true;
        parts.redis = Some(connection);
    });
    let rounds = if long() { 500 } else { 20 };
    for _ in 0..rounds {
        let login = pair.new_login("ada@example.com", PASSWORD).await.expect(200);
        let (user, token) = (login.text("user_id"), login.text("refresh_token"));
        let before = live_tokens(&pair, &user).await.len();
        let (one, two) = tokio::join!(refresh(&pair.new.http, &token), refresh(&replica, &token));
        found.equal("two replicas' answers", &one.body["refresh_token"], &two.body["refresh_token"]);
        found.equal("families after two replicas", &json!(live_tokens(&pair, &user).await.len()), &json!(before));

        let token = one.text("refresh_token");
        let (new, old) = tokio::join!(refresh(&pair.new.http, &token), refresh(pair.old_auth(), &token));
        let got: Vec<Value> = [&new, &old]
            .into_iter()
            .filter(|answer| answer.status == 200)
            .map(|answer| answer.body["refresh_token"].clone())
            .collect();
        found.equal("somebody got an answer", &json!(got.is_empty()), &json!(false));
        let live = live_tokens(&pair, &user).await.len();
        let different = got.iter().map(ToString::to_string).collect::<BTreeSet<_>>().len();
        found.equal("families are those of the answers", &json!(live - (before - 1)), &json!(different));
        // Tokens that were answered are good on either side, so each client goes on.
        for token in got.iter().filter_map(Value::as_str) {
            let next = refresh(&pair.new.http, token).await;
            found.status("goes on at new", &next, 200);
            let next = refresh(pair.old_auth(), &next.text("refresh_token")).await;
            found.status("goes on at old", &next, 200);
            pair.new
                .http
                .post("/auth/logout")
                .json(&json!({ "refresh_token": next.text("refresh_token") }))
                .send()
                .await
                .expect(200);
        }
    }
    insta::assert_snapshot!(found.listed("tokens_at_once", Layout::Public));
}
