//! Whatever is sent, the answer is the envelope with a documented 4xx, and nothing is written.

use axum::http::{Method, Uri};
use serde_json::{Value, json};
use testkit::{Answer, Request};

use crate::belongings::Belongings;
use crate::coverage::{Operation, operations};
use crate::fixtures::NOBODY;
use crate::support::{INTERNAL_KEY, TestApp};

/// Fails unless `answer` is a refusal in the form of T-08.
#[track_caller]
fn assert_refused(answer: &Answer, request: &str) {
    let text = String::from_utf8_lossy(&answer.bytes);
    let context = || format!("{request}: {} {:?} {text}", answer.status, answer.headers);
    assert!(answer.status.is_client_error(), "{}", context());
    let kind = answer.headers.get("content-type").map(axum::http::HeaderValue::as_bytes);
    assert_eq!(kind, Some(&b"application/json"[..]), "{}", context());
    for field in ["error", "message", "code", "request_id"] {
        assert!(answer.body[field].as_str().is_some_and(|text| !text.is_empty()), "no {field}: {}", context());
    }
    assert_eq!(answer.headers["x-request-id"], answer.text("request_id"), "{}", context());
    assert_eq!(answer.headers["x-content-type-options"], "nosniff", "{}", context());
}

/// Counts requests and holds each against the document.
struct Corpus<'a> {
    app: &'a TestApp,
    /// What the caller, its admin, may name.
    home: &'a Belongings,
    shapes: usize,
}

impl Corpus<'_> {
    /// A request that gets past authentication.
    fn request(&self, operation: &Operation, path: &str) -> Request {
        let method = operation.method.clone();
        match operation.id.as_str() {
            "bulk_create_users" => self.app.internal(method, path),
            _ if operation.is_public() => self.app.http.request(method, path),
            _ => self.home.admin.http.request(method, path),
        }
    }

    async fn refused(&mut self, operation: &Operation, request: Request, what: &str) {
        let answer = request.send().await;
        let what = format!("{} with {what}", operation.id);
        assert_refused(&answer, &what);
        assert!(operation.documents(answer.status.as_u16()), "{what}: {} is not in the document", answer.status);
        self.shapes += 1;
    }

    async fn body(&mut self, operation: &Operation, kind: &str, body: impl Into<Vec<u8>>, what: &str) {
        let path = self.home.path(operation);
        let request = self.request(operation, &path).body(kind, body.into());
        self.refused(operation, request, what).await;
    }
}

/// The fields of the object a body is, or is a list of.
fn fields(body: &Value) -> Vec<(String, Value)> {
    let object = body.as_object().or_else(|| body[0].as_object());
    object.into_iter().flatten().map(|(name, value)| (name.clone(), value.clone())).collect()
}

/// The body with one field replaced by raw JSON text.
fn with_field(body: &Value, name: &str, raw: &str) -> String {
    const HOLE: &str = "--hole--";
    let mut body = body.clone();
    let object = if body.is_array() { &mut body[0] } else { &mut body };
    object[name] = HOLE.into();
    body.to_string().replace(&format!("\"{HOLE}\""), raw)
}

fn malformed() -> Vec<(&'static str, Vec<u8>)> {
    let deep = |open: &str, close: &str| [open.repeat(10_000), close.repeat(10_000)].concat().into_bytes();
    let many_keys: String = (0..100_000).fold(String::new(), |all, n| all + &format!("\"k{n}\":{n},"));
    let text = |text: &str| text.as_bytes().to_vec();
    vec![
        ("nothing but white space", text("  \n\t ")),
        ("half an object", text("{")),
        ("half a field", text("{\"a\":")),
        ("half a text", text("{\"a\":\"b")),
        ("a trailing comma", text("{\"a\":1,}")),
        ("single quotes", text("{'a':1}")),
        ("a comment", text("{\"a\":1 /* b */}")),
        ("two values", text("{} {}")),
        ("NaN", text("{\"a\":NaN}")),
        ("a number beyond all bounds", text("{\"a\":1e400}")),
        ("a number of many digits and a stray letter", format!("{{\"a\":{}x}}", "9".repeat(10_000)).into_bytes()),
        ("half a surrogate pair", text("{\"a\":\"\\ud800\"}")),
        ("a pair the wrong way round", text("{\"a\":\"\\udc00\\ud800\"}")),
        ("a broken escape", text("{\"a\":\"\\x41\"}")),
        ("a raw control character", text("{\"a\":\"\u{1}\"}")),
        ("NUL", text("{\"a\":\"\\u0000\"}")),
        ("NUL in a name", text("{\"a\\u0000b\":1}")),
        ("NUL deep down", text("{\"a\":[{\"b\":[\"c\\u0000\"]}]}")),
        ("a NUL byte", vec![0]),
        ("no UTF-8", vec![b'{', b'"', 0xff, 0xfe, b'"', b':', b'1', b'}']),
        ("UTF-8 cut short", b"{\"a\":\"\xf0\x9f\x92\"}".to_vec()),
        ("UTF-16", "{\"a\":1}".encode_utf16().flat_map(u16::to_le_bytes).collect()),
        ("a byte order mark", text("\u{feff}{\"a\":1}")),
        ("lists ten thousand deep", deep("[", "]")),
        ("objects ten thousand deep", deep("{\"a\":", "}")),
        ("a hundred thousand keys and then garbage", format!("{{{many_keys}}}").into_bytes()),
        ("a bare text", text("\"text\"")),
        ("a bare number", text("7")),
        ("a bare word", text("true")),
        ("a list of numbers", text("[1,2]")),
        ("HTML", text("<script>alert(1)</script>")),
        ("a zip file", b"PK\x03\x04".to_vec()),
    ]
}

const JSON: &str = "application/json";

#[tokio::test]
async fn bodies_that_cannot_be_read_are_refused_and_write_nothing() {
    let app = TestApp::new().await;
    let home = app.belongings("home.example").await;
    let before = app.all_rows().await;
    let mut corpus = Corpus { app: &app, home: &home, shapes: 0 };
    let too_long = [b"{}".to_vec(), vec![b' '; 4 * 1024 * 1024]].concat();
    for operation in operations().iter().filter(|operation| !operation.body.is_null()) {
        for (what, body) in malformed() {
            corpus.body(operation, JSON, body, what).await;
        }
        for (name, value) in fields(&operation.body) {
            let wrong: &[&str] = match value {
                Value::String(_) => &["7", "true", "[]", "{}", "[\"text\"]", "1.5", "\"a\\u0000b\"", "\"\\ud83d\""],
                Value::Bool(_) => &["\"true\"", "1", "[]", "{}"],
                Value::Object(_) => &["\"{}\"", "[]", "7", "true", "{\"a\":\"\\u0000\"}", "{\"a\\u0000\":1}"],
                _ => &["\"text\"", "{}"],
            };
            for raw in wrong {
                corpus.body(operation, JSON, with_field(&operation.body, &name, raw), &format!("{name}: {raw}")).await;
            }
            let twice = format!("{},\"{name}\":{}", wrong[0], wrong[0]);
            corpus.body(operation, JSON, with_field(&operation.body, &name, &twice), &format!("{name} twice")).await;
        }
        // A wrong type among a hundred thousand names that nobody knows.
        if let Some((name, _)) = fields(&operation.body).first() {
            let noise: String = (0..100_000).map(|n| format!("\"unknown{n}\":null,")).collect();
            let body = with_field(&operation.body, name, "[7]").replacen('{', &format!("{{{noise}"), 1);
            corpus.body(operation, JSON, body, "a hundred thousand keys").await;
        }
        let valid = operation.body.to_string();
        for kind in
            ["text/plain", "application/xml", "multipart/form-data; boundary=x", "json", "", "application/jsonx"]
        {
            corpus.body(operation, kind, valid.clone(), &format!("content type {kind:?}")).await;
        }
        let path = home.path(operation);
        let untyped = corpus.request(operation, &path).untyped_body(valid.clone());
        corpus.refused(operation, untyped, "no content type").await;
        let junk = corpus.request(operation, &path).header_bytes("content-type", b"\xff\xfe").untyped_body(valid);
        corpus.refused(operation, junk, "a content type that is no text").await;
        let request = corpus.request(operation, &path).body(JSON, too_long.clone());
        let answer = request.send().await;
        assert_refused(&answer, &operation.id);
        // Validation never looked at a body that it cannot read.
        if operation.id != "validate" {
            answer.expect_error(413, "Request Entity Too Large", "PAYLOAD_TOO_LARGE");
        }
        assert_eq!(app.all_rows().await, before, "{} wrote something", operation.id);
    }
    assert!(corpus.shapes >= 1000, "{}", corpus.shapes);
}

#[tokio::test]
async fn ids_that_are_none_are_refused_and_write_nothing() {
    let app = TestApp::new().await;
    let home = app.belongings("home.example").await;
    let before = app.all_rows().await;
    let long = "a".repeat(5000);
    let ids = [
        "0",
        "-1",
        "null",
        "undefined",
        "%20",
        "%00",
        "%0a",
        "%ff",
        "%F0%28%8C%28",
        "%",
        "%zz",
        "%2",
        "..%2F..%2Fetc%2Fpasswd",
        "..%2fme",
        "%2e%2e",
        "%2F",
        "%5c",
        ";",
        "*",
        "{id}",
        "1%27%20OR%201=1--",
        "%F0%9F%92%A9",
        "$1",
        "a,b",
        "me%00",
        "00000000-0000-4000-8000-00000000040",
        "00000000-0000-4000-8000-0000000004044",
        "%7B00000000-0000-4000-8000-000000000404%7D",
        "g0000000-0000-4000-8000-000000000404",
        &long,
    ];
    let mut corpus = Corpus { app: &app, home: &home, shapes: 0 };
    for operation in operations().iter().filter(|operation| operation.parameters() > 0) {
        for id in ids.iter().filter(|id| format!("/users/{id}").parse::<Uri>().is_ok()) {
            for nonsense in 0..operation.parameters() {
                // One parameter is nonsense, the others name what is there.
                let mut at = 0..;
                let path = operation.path_naming(|segment| {
                    if at.next() == Some(nonsense) { (*id).to_owned() } else { home.behind(segment).to_owned() }
                });
                let mut request = corpus.request(operation, &path);
                if !operation.body.is_null() {
                    request = request.json(&operation.body);
                }
                corpus.refused(operation, request, &format!("id {id:.40}")).await;
            }
        }
    }
    assert!(corpus.shapes >= 1000, "{}", corpus.shapes);
    assert_eq!(app.all_rows().await, before);
}

/// Whether a path of the document stands for `path`.
fn fits(template: &str, path: &str) -> bool {
    let (template, path): (Vec<_>, Vec<_>) = (template.split('/').collect(), path.split('/').collect());
    template.len() == path.len()
        && template.iter().zip(path).all(|(segment, given)| segment.starts_with('{') || *segment == given)
}

#[tokio::test]
async fn unknown_paths_and_methods_are_refused_in_the_envelope() {
    let app = TestApp::new().await;
    let admin = app.admin("ada@example.com").await;
    let before = app.all_rows().await;
    for path in [
        "/nowhere",
        "/api/v1",
        "/api/v1/nowhere",
        "/users/me/nothing",
        "/users/a/b/c",
        "/..",
        "/../users",
        "/users/../users",
        "/%2e%2e/users",
        "/users%2Fme",
        "/users/%2e%2e/auth/me",
        "/users;a=b",
        "/users//me/x",
        "/api/v2/users",
        "/.env",
        "/api/api/v1/users/me/x",
        "/internal/health",
        "/internal/health/users",
        "/%00",
        "/%ff",
        "/users%00",
        "/USERS2",
        "/docs/../users",
        "/wp-admin.php",
        "/api/v1/users/../../etc/passwd",
    ] {
        for client in [&app.http, &admin.http] {
            let answer = client.get(path).send().await;
            assert_refused(&answer, path);
            assert_eq!(answer.status, 404, "{path}: {}", answer.body);
            let error = if path.starts_with("/docs/") { "Not Found".to_owned() } else { format!("Cannot GET {path}") };
            assert_eq!((answer.text("code"), answer.text("error")), ("NOT_FOUND".into(), error));
        }
    }
    let all = operations();
    let paths: std::collections::BTreeSet<_> = all.iter().map(|operation| operation.path_with(NOBODY)).collect();
    for path in paths {
        for method in ["GET", "POST", "PUT", "PATCH", "DELETE", "TRACE", "CONNECT", "PROPFIND", "X"] {
            let method: Method = method.parse().unwrap();
            // `/users/me` and its like are also somebody's `/users/{id}`.
            let templates: std::collections::BTreeSet<_> =
                all.iter().filter(|operation| fits(&operation.path, &path)).map(|operation| &operation.path).collect();
            let known: Vec<_> = all
                .iter()
                .filter(|operation| fits(&operation.path, &path))
                .map(|operation| operation.method.clone())
                .collect();
            if known.contains(&method) || templates.len() > 1 {
                continue;
            }
            let answer = admin.http.request(method.clone(), &path).send().await;
            assert_refused(&answer, &format!("{method} {path}"));
            assert_eq!((answer.status.as_u16(), answer.text("code")), (405, "METHOD_NOT_ALLOWED".into()), "{path}");
            let allowed = answer.headers["allow"].to_str().unwrap();
            for method in known {
                assert!(allowed.contains(method.as_str()), "{path}: Allow: {allowed}");
            }
        }
    }
    assert_eq!(app.all_rows().await, before);
}

#[tokio::test]
async fn hostile_query_strings_are_answered_without_failing() {
    let app = TestApp::new().await;
    let home = app.belongings("home.example").await;
    let admin = &home.admin;
    app.old_people(&admin.tenant, 1, 20).await;
    let before = app.all_rows().await;
    let long = "9".repeat(4000);
    let nasty = [
        "",
        "%",
        "%zz",
        "%2",
        "%ff%fe",
        "%F0%28%8C%28",
        "+",
        "%2B",
        "&",
        "=",
        "%26%3D",
        "%00",
        "a%00b",
        "%0d%0aSet-Cookie:x",
        "-1",
        "0",
        "1e9",
        "1e400",
        "0x10",
        "9223372036854775807",
        "9223372036854775808",
        "-9223372036854775808",
        "NaN",
        "Infinity",
        "true;false",
        "'",
        "%27%3B%20DROP%20TABLE%20users%3B--",
        "%22",
        "%5C",
        "%25%25%25",
        "__",
        "()",
        "[]",
        "{}",
        "$1",
        "$$",
        "%F0%9F%92%A9",
        "%E2%80%AE",
        "\u{7f}",
        "2026-02-30",
        "-009999-01-01T00:00:00Z",
        "+999999-12-31",
        "9999-12-31T23:59:60Z",
        "-infinity",
        "epoch",
        "0000-00-00",
        &long,
    ];
    let mut sent = 0;
    for operation in operations().iter().filter(|operation| operation.method == Method::GET) {
        let target = home.path(operation);
        for name in operation.query.iter().map(String::as_str).chain(["unknown", "", "page[size]", "%00"]) {
            for value in nasty {
                let path = format!("{target}?{name}={value}");
                if path.parse::<Uri>().is_err() {
                    continue;
                }
                let answer = admin.http.get(&path).send().await;
                assert!(operation.documents(answer.status.as_u16()), "{path:.200}: {} {}", answer.status, answer.body);
                if !answer.status.is_success() {
                    assert_refused(&answer, &path);
                }
                assert!(answer.headers.get("set-cookie").is_none());
                sent += 1;
            }
        }
        let everything: String = operation.query.iter().map(|name| format!("{name}=1&{name}=2&")).collect();
        for path in [
            format!("{target}?{everything}"),
            format!("{target}?{}", "a=b&".repeat(10_000)),
            format!("{target}?{}", "&".repeat(10_000)),
        ] {
            let answer = admin.http.get(&path).send().await;
            assert!(operation.documents(answer.status.as_u16()), "{path:.200}: {}", answer.body);
        }
    }
    assert!(sent >= 3000, "{sent}");
    assert_eq!(app.all_rows().await, before);
}

#[tokio::test]
async fn junk_in_headers_is_refused_or_ignored() {
    let app = TestApp::new().await;
    let admin = app.admin("ada@example.com").await;
    let before = app.all_rows().await;
    let long = format!("Bearer {}", "a".repeat(100_000));
    let dots = format!("Bearer {}", ".".repeat(5000));
    let none = "Bearer eyJhbGciOiJub25lIn0.eyJ1c2VyX2lkIjoiMSIsImV4cCI6OTk5OTk5OTk5OX0.";
    for value in [
        "",
        " ",
        "Bearer",
        "Bearer ",
        "Bearer  ",
        "bearer",
        "Basic YTpi",
        "Bearer a b",
        "Bearer null",
        "Bearer undefined",
        "Bearer ..",
        "Bearer a.b.c",
        "Bearer\ta",
        "Token x",
        "Bearer {}",
        "Bearer %00",
        "Digest username=\"x\"",
        none,
        &long,
        &dots,
    ] {
        for operation in operations().iter().filter(|operation| !operation.is_public()) {
            let request = app.http.request(operation.method.clone(), &operation.path_with(NOBODY));
            let answer = request.header("authorization", value).json(&operation.body).send().await;
            assert_refused(&answer, &format!("{} with {value:.60}", operation.id));
            assert_eq!(answer.status, 401, "{} with {value:.60}", operation.id);
        }
    }
    for bytes in [&b"\xff\xfe"[..], b"Bearer \xe2\x82\xac", b"Bearer \x80", b"\tBearer"] {
        let answer = app.http.get("/users/me").header_bytes("authorization", bytes).send().await;
        assert_eq!(answer.status, 401);
        assert_refused(&answer, "authorization");
        let answer = app.http.post("/users").header_bytes("x-api-key", bytes).json(&json!({})).send().await;
        answer.expect_error(401, "Invalid API key", "UNAUTHORIZED");
        for name in
            ["x-request-id", "x-trace-id", "user-agent", "accept", "x-tenant-id", "x-user-id", "origin", "cookie"]
        {
            let answer = admin.http.get("/users/me").header_bytes(name, bytes).send().await.expect(200);
            assert!(!answer.headers.values().any(|value| value.as_bytes() == bytes), "{name} came back");
        }
        for name in ["x-tenant-id", "x-user-id"] {
            let request = app.http.get("/users").header("x-api-key", INTERNAL_KEY).header_bytes(name, bytes);
            request.send().await.expect_error(400, "Invalid request headers", "VALIDATION_ERROR");
        }
    }
    // Ids that would break a log line or a header are replaced.
    for id in ["a b", "<script>", "\"", "a,b", &"x".repeat(129), "{}", ""] {
        let answer = admin.http.get("/users/me").header("x-request-id", id).send().await.expect(200);
        assert!(answer.headers["x-request-id"].to_str().unwrap().starts_with("req_"), "{id}");
    }
    assert_eq!(app.all_rows().await, before);
}
