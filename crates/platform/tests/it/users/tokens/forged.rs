//! No forged, malformed or expired token is accepted anywhere, and none upsets the server.

use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE};
use serde_json::{Value, json};

use super::{HEADER, encode, hs256, hs384, hs512, legacy_claims, signed, signed_with, signing_input};
use crate::support::{JWT_SECRET, Person, TestApp};
use crate::users::auth::{dump, with};

type Forgeries = Vec<(String, String)>;

const ATTACKER: &str = "a-secret-of-an-attacker-0123456789abcdef";

/// Headers that name another algorithm, with every signature that a careless verifier would take for them.
fn algorithms(payload: &str, forgeries: &mut Forgeries) {
    for alg in [
        "none", "None", "nOnE", "NONE", "", "HS256 ", "hs256", "Hs256", "HS-256", "HS1", "RS256", "ES256", "PS256",
        "EdDSA", "HS384", "HS512", "dir", "A128KW",
    ] {
        let input = signing_input(json!({ "alg": alg, "typ": "JWT" }).to_string(), payload);
        forgeries.push((format!("alg {alg:?} without signature"), format!("{input}.")));
        forgeries.push((
            format!("alg {alg:?} with HMAC-SHA256"),
            format!("{input}.{}", encode(hs256(&input, JWT_SECRET.as_bytes()))),
        ));
    }
    for (alg, sign) in [("HS384", hs384 as fn(&str, &[u8]) -> Vec<u8>), ("HS512", hs512)] {
        for header in [json!({ "alg": alg }), json!({ "alg": "HS256" })] {
            let input = signing_input(header.to_string(), payload);
            forgeries.push((
                format!("{header} signed as {alg}"),
                format!("{input}.{}", encode(sign(&input, JWT_SECRET.as_bytes()))),
            ));
        }
    }
    for header in [
        "{}",
        r#"{"typ":"JWT"}"#,
        r#"{"alg":null}"#,
        r#"{"alg":["HS256"]}"#,
        r#"{"alg":256}"#,
        r#"{"alg":{"HS256":1}}"#,
        r#"{"alg":"none","alg":"HS256"}"#,
        r#"{"alg":"HS256","alg":"none"}"#,
        "[]",
        "null",
        "HS256",
        "",
        "{",
        "\"HS256\"",
    ] {
        forgeries.push((format!("header {header}"), signed_with(JWT_SECRET, header, payload)));
    }
}

/// Headers that offer a key of the attacker's choice, signed with it; and extensions that must be understood.
fn keys(payload: &str, forgeries: &mut Forgeries) {
    let octets = json!({ "kty": "oct", "alg": "HS256", "k": encode(ATTACKER) });
    let headers = [
        (json!({ "kid": "../../../../dev/null" }), ""),
        (json!({ "kid": "../../../../dev/null" }), "\0"),
        (json!({ "kid": "/proc/sys/kernel/randomize_va_space" }), "2\n"),
        (json!({ "kid": "' UNION SELECT 'a-secret-of-an-attacker-0123456789abcdef' --" }), ATTACKER),
        (json!({ "kid": "https://evil.example/key" }), ATTACKER),
        (json!({ "kid": "x\u{0}y" }), ATTACKER),
        (json!({ "kid": 7 }), ATTACKER),
        (json!({ "jku": "https://evil.example/jwks.json", "kid": "1" }), ATTACKER),
        (json!({ "x5u": "https://evil.example/cert.pem" }), ATTACKER),
        (json!({ "x5c": [BASE64_STANDARD.encode(ATTACKER)] }), ATTACKER),
        (json!({ "jwk": octets }), ATTACKER),
        (json!({ "crit": ["exp"], "exp": 1 }), JWT_SECRET),
        (json!({ "crit": ["b64"], "b64": false }), JWT_SECRET),
        (json!({ "crit": [] }), JWT_SECRET),
        (json!({ "crit": "exp" }), JWT_SECRET),
    ];
    for (extra, secret) in headers {
        let header = with(json!({ "alg": "HS256", "typ": "JWT" }), &extra).to_string();
        forgeries.push((format!("header {header}"), signed_with(secret, header, payload)));
    }
    for secret in [
        ATTACKER,
        "",
        " ",
        "secret",
        "your-secret-key",
        &JWT_SECRET[1..],
        &format!("{JWT_SECRET} "),
        &JWT_SECRET.to_uppercase(),
    ] {
        forgeries.push((format!("secret {secret:?}"), signed_with(secret, HEADER, payload)));
    }
}

/// A good token, damaged.
fn shapes(good: &str, forgeries: &mut Forgeries) {
    let parts: Vec<&str> = good.split('.').collect();
    let (header, payload, signature) = (parts[0], parts[1], parts[2]);
    let other = payload.chars().rev().collect::<String>();
    let last = signature.chars().last().unwrap();
    // The last of 43 characters carries two bits that decode to nothing.
    let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let sibling = alphabet.chars().nth(alphabet.find(last).unwrap() ^ 1).unwrap();
    let swapped = |position: usize| {
        let mut damaged = good.to_owned().into_bytes();
        damaged[position] = if damaged[position] == b'A' { b'B' } else { b'A' };
        String::from_utf8(damaged).unwrap()
    };
    let shapes = [
        ("no signature", format!("{header}.{payload}")),
        ("empty signature", format!("{header}.{payload}.")),
        ("no payload", format!("{header}..{signature}")),
        ("no header", format!(".{payload}.{signature}")),
        ("two parts", format!("{payload}.{signature}")),
        ("one part", header.to_owned()),
        ("four parts", format!("{good}.{signature}")),
        ("five parts, as encrypted tokens have", format!("{good}.{signature}.{signature}")),
        ("dots", "..".to_owned()),
        ("one dot", ".".to_owned()),
        ("parts in another order", format!("{payload}.{header}.{signature}")),
        ("another payload", format!("{header}.{other}.{signature}")),
        ("another header", format!("{}.{payload}.{signature}", encode(r#"{"alg":"HS256"}"#))),
        ("first character changed", swapped(0)),
        ("payload changed", swapped(header.len() + 10)),
        ("signature changed", swapped(good.len() - 10)),
        ("cut signature", good[..good.len() - 1].to_owned()),
        ("longer signature", format!("{good}A")),
        ("padded signature", format!("{good}=")),
        ("another spelling of the same signature", format!("{}{sibling}", &good[..good.len() - 1])),
        ("signature in the standard alphabet", format!("{header}.{payload}.{}", BASE64_STANDARD.encode([0xff_u8; 32]))),
        ("padded payload", format!("{header}.{}.{signature}", BASE64_URL_SAFE.encode("{\"a\":1}"))),
        ("signature in hex", format!("{header}.{payload}.{}", "ab".repeat(32))),
        ("signature of zeros", format!("{header}.{payload}.{}", encode([0; 32]))),
        ("trailing dot", format!("{good}.")),
        ("trailing tab inside", format!("{header}\t.{payload}.{signature}")),
        ("trailing bytes", format!("{good}%00")),
        ("url-encoded", good.replace('.', "%2E")),
        ("comma list", format!("{good},{good}")),
        ("in quotes", format!("\"{good}\"")),
        ("lower case", good.to_ascii_lowercase()),
        ("twice", format!("{good}{good}")),
        ("1 MB", format!("{good}{}", "A".repeat(1 << 20))),
        ("1 MB of dots", ".".repeat(1 << 20)),
        ("null", "null".to_owned()),
        ("undefined", "undefined".to_owned()),
        ("object", "[object".to_owned()),
        ("the internal key", crate::support::INTERNAL_KEY.to_owned()),
        ("the secret itself", JWT_SECRET.to_owned()),
    ];
    forgeries.extend(shapes.map(|(name, token)| (name.to_owned(), token)));
}

/// Well signed, but no access token: times, types and texts.
fn claims(base: &Value, now: i64, forgeries: &mut Forgeries) {
    let changes = [
        json!({ "exp": null }),
        json!({ "exp": (now + 3600).to_string() }),
        json!({ "exp": [now + 3600] }),
        json!({ "exp": { "at": now + 3600 } }),
        json!({ "exp": true }),
        json!({ "exp": 1e300 }),
        json!({ "exp": 1.5e10 }),
        json!({ "exp": u64::MAX }),
        json!({ "exp": -1 }),
        json!({ "exp": i64::MIN }),
        json!({ "exp": 0 }),
        json!({ "exp": now }),
        json!({ "exp": now - 1 }),
        json!({ "exp": "never" }),
        json!({ "nbf": now + 1 }),
        json!({ "nbf": now + 1_000_000_000 }),
        json!({ "nbf": i64::MAX }),
        json!({ "nbf": "0" }),
        json!({ "nbf": 0.5 }),
        json!({ "nbf": [] }),
        json!({ "nbf": -1.5e300 }),
        json!({ "iat": "0" }),
        json!({ "iat": 1e300 }),
        json!({ "user_id": null }),
        json!({ "user_id": 1 }),
        json!({ "user_id": 1.0 }),
        json!({ "user_id": true }),
        json!({ "user_id": [base["user_id"]] }),
        json!({ "user_id": { "id": base["user_id"] } }),
        json!({ "user_id": null, "sub": base["user_id"] }),
        json!({ "user_id": null, "id": base["user_id"] }),
        json!({ "email": 7 }),
        json!({ "role": ["admin"] }),
        json!({ "tenant_id": 7 }),
        json!({ "sid": "no-uuid" }),
        json!({ "sid": 7 }),
        json!({ "type": "refresh" }),
        json!({ "type": "REFRESH" }),
        json!({ "type": "id" }),
        json!({ "type": "" }),
        json!({ "type": 7 }),
    ];
    for change in changes {
        forgeries.push((format!("claims {change}"), signed(with(base.clone(), &change).to_string())));
    }
    let text = base.to_string();
    let inside = &text[1..text.len() - 1];
    let payloads = [
        String::new(),
        "{}".to_owned(),
        "[]".to_owned(),
        "null".to_owned(),
        "7".to_owned(),
        "\"text\"".to_owned(),
        "{".to_owned(),
        format!("[{text}]"),
        format!("{text}{text}"),
        format!("{text},"),
        format!("\u{feff}{text}"),
        text.replace('"', "'"),
        format!("{{{inside},\"user_id\":\"00000000-0000-0000-0000-000000000001\"}}"),
        format!("{{{inside},\"exp\":99999999999}}"),
        format!("{{{inside},\"role\":\"super_admin\"}}"),
        format!("{{{inside},\"exp\":NaN}}"),
        format!("{{{inside},\"nbf\":Infinity}}"),
    ];
    for payload in payloads {
        forgeries.push((format!("payload {payload:.40}"), signed(&payload)));
    }
    forgeries.push(("payload is no UTF-8".to_owned(), signed([text.as_bytes(), b"\xff\xfe"].concat())));
}

fn forgeries(app: &TestApp, person: &Person) -> Forgeries {
    let base = legacy_claims(app, person);
    let payload = base.to_string();
    let mut forgeries = vec![
        ("a refresh token".to_owned(), person.refresh_token.clone()),
        ("a refresh token without padding".to_owned(), person.refresh_token.trim_end_matches('=').to_owned()),
    ];
    algorithms(&payload, &mut forgeries);
    keys(&payload, &mut forgeries);
    shapes(&signed(&payload), &mut forgeries);
    shapes(&person.access_token, &mut forgeries);
    claims(&base, app.now().as_second(), &mut forgeries);
    forgeries
}

#[tokio::test]
async fn token_forged_is_refused_on_every_route() {
    let app = TestApp::new().await;
    let ada = app.admin("ada@example.com").await;
    let before = dump(&app).await;
    let forgeries = forgeries(&app, &ada);
    println!("{} forgeries", forgeries.len());
    assert!(forgeries.len() >= 80);
    // The control: what the forgeries were made of is accepted.
    let good = signed(legacy_claims(&app, &ada).to_string());
    app.http.with_bearer(&good).get("/auth/me").send().await.expect(200);
    for (name, token) in &forgeries {
        let http = app.http.with_bearer(token);
        println!("{name}");
        for (path, refused) in [
            ("/auth/me", "Unauthorized"),
            ("/auth/sessions", "Unauthorized"),
            ("/users/me", "Invalid or expired token"),
            ("/users", "Invalid or expired token"),
            ("/users/stats", "Invalid or expired token"),
        ] {
            http.get(path).send().await.expect_error(401, refused, "UNAUTHORIZED");
        }
        http.post("/auth/validate").send().await.expect_error(401, "Invalid token", "UNAUTHORIZED");
        let body = app.http.post("/auth/validate").json(&json!({ "token": token })).send().await.expect(200);
        assert_eq!(body.body, json!({ "valid": false }));
        let change = json!({ "current_password": crate::support::PASSWORD, "new_password": "another one" });
        http.post("/auth/change-password").json(&change).send().await.expect_error(401, "Unauthorized", "UNAUTHORIZED");
        http.put("/users/me").json(&json!({ "bio": "x" })).send().await.expect(401);
        // No body and a bad token: as if there were no token.
        http.post("/auth/refresh").send().await.expect(400);
        http.post("/auth/logout").send().await.expect(200);
    }
    assert_eq!(dump(&app).await, before);
}

/// The limit is exact: the last second of the 24 hours works, the next does not, and the clock alone decides.
#[tokio::test]
async fn token_expires_without_leeway() {
    let app = TestApp::new().await;
    let ada = app.admin("ada@example.com").await;
    // Times in tokens are whole seconds; the clock shows a fraction more.
    app.clock.advance(jiff::SignedDuration::from_secs(86_399));
    ada.http.get("/auth/me").send().await.expect(200);
    app.clock.advance(jiff::SignedDuration::from_secs(1));
    ada.http.get("/auth/me").send().await.expect(401);
    app.clock.advance(jiff::SignedDuration::from_secs(-1));
    ada.http.get("/auth/me").send().await.expect(200);
}
