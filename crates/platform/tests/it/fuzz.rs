//! Thousands of generated requests, most of them nearly right: none fails inside the program.

use std::collections::BTreeMap;

use axum::http::Uri;
use kernel::Rng;
use serde_json::{Map, Value, json};
use testkit::{Request, SeededRng};

use crate::belongings::Belongings;
use crate::coverage::{Operation, operations};
use crate::fixtures::NOBODY;
use crate::support::{PASSWORD, Person, TestApp, seed};

const REQUESTS: u64 = 5000;

/// Operations that spend most of their time on a password; drawn less often.
const HASHING: [&str; 6] =
    ["register", "login", "admin_login", "change_password", "sign_up_tenant", "accept_invitation"];

/// Draws from the seeded sequence.
struct Draw(SeededRng);

impl Draw {
    fn below(&self, bound: usize) -> usize {
        let rng: &dyn Rng = &self.0;
        usize::try_from(u64::from_le_bytes(rng.bytes()) % bound.max(1) as u64).unwrap()
    }

    /// True once in `n`.
    fn one_in(&self, n: usize) -> bool {
        self.below(n) == 0
    }

    fn pick<'a, T>(&self, items: &'a [T]) -> &'a T {
        &items[self.below(items.len())]
    }

    fn text(&self) -> String {
        const ALPHABET: [&str; 24] = [
            "a", "Z", "0", " ", "@", ".", "%", "_", "\\", "'", "\"", "\0", "\n", "\u{7f}", "ä", "ß", "İ", "漢", "💩",
            "\u{202e}", "\u{ffff}", "\u{301}", "<", "$",
        ];
        let length = *self.pick(&[0, 1, 2, 8, 40, 99, 101, 255, 256, 1025, 5000]);
        let letters: Vec<&str> = (0..=self.below(8)).map(|_| *self.pick(&ALPHABET)).collect();
        letters.into_iter().cycle().take(length).collect()
    }

    fn value(&self, depth: usize) -> Value {
        match self.below(if depth > 3 { 7 } else { 9 }) {
            0 => Value::Null,
            1 => json!(self.one_in(2)),
            2 => self
                .pick(&[
                    json!(0),
                    json!(-1),
                    json!(i64::MIN),
                    json!(u64::MAX),
                    json!(1e308),
                    json!(-0.0),
                    json!(5e-324),
                ])
                .clone(),
            3 => json!(*self.pick(&[
                "ada@example.com",
                "GRACE@example.com",
                "new@example.com",
                "a@b",
                "user",
                "admin",
                "super_admin"
            ])),
            4 => json!(*self.pick(&[NOBODY, "00000000000040008000000000000404", "{}", "null", "true", "[]", "1e400"])),
            5 | 6 => json!(self.text()),
            7 => (0..self.below(4)).map(|_| self.value(depth + 1)).collect(),
            _ => (0..self.below(4)).map(|_| (self.text(), self.value(depth + 1))).collect::<Map<_, _>>().into(),
        }
    }

    /// Changes something somewhere in a body.
    fn mutate(&self, body: &mut Value) {
        match body {
            Value::Array(items) if !items.is_empty() && !self.one_in(4) => {
                let at = self.below(items.len());
                if self.one_in(5) { items.push(items[at].clone()) } else { self.mutate(&mut items[at]) }
            }
            Value::Object(fields) if !fields.is_empty() && !self.one_in(12) => {
                let names: Vec<_> = fields.keys().cloned().collect();
                let name = self.pick(&names).clone();
                match self.below(8) {
                    0 => drop(fields.remove(&name)),
                    1 => drop(fields.insert(self.text(), self.value(0))),
                    2 => {
                        let value = fields[&name].clone();
                        let spellings = [name.to_uppercase(), name.replace('_', ""), name.replace('_', "-")];
                        fields.insert(self.pick(&spellings).clone(), value);
                    }
                    3 => self.mutate(&mut fields[&name]),
                    _ => fields[&name] = self.value(0),
                }
            }
            other => *other = self.value(0),
        }
    }

    /// Damages the text of a body.
    fn damage(&self, body: &mut Vec<u8>) {
        let at = self.below(body.len() + 1);
        match self.below(5) {
            0 => body.truncate(at),
            1 => body.insert(at, *self.pick(&[0, b'"', b'{', b']', b'\\', 0xff, 0xed])),
            2 => drop(body.splice(at..at, self.value(0).to_string().into_bytes())),
            3 => body.extend_from_within(at..),
            _ => {
                if let Some(byte) = body.get_mut(at) {
                    *byte ^= 1 << self.below(8);
                }
            }
        }
    }

    fn path(&self, operation: &Operation, belongings: &[Belongings; 2]) -> String {
        const QUERY: [&str; 16] = [
            "",
            "0",
            "-1",
            "7",
            "100",
            "101",
            "abc",
            "%00",
            "%ff",
            "%25",
            "asc",
            "email",
            "true",
            "2026-01-01",
            "1e9",
            "eyJzb3J0IjoiY3JlYXRlZF9hdCIsImFzY2VuZGluZyI6ZmFsc2UsImtleSI6IjIwMjYtMDEtMDFUMDA6MDA6MDBaIiwiaWQiOiIwMDAwMDAwMC0wMDAwLTQwMDAtODAwMC0wMDAwMDAwMDA0MDQifQ",
        ];
        let home = self.pick(belongings);
        let mut path = operation.path_naming(|segment| {
            let id = match self.below(8) {
                0 => *self.pick(&home.ids()),
                1 => *self.pick(&[NOBODY, "0199c0de-0000-7000-8000-00000000abcd", "x", "%ff", "%00"]),
                _ => home.behind(segment),
            };
            id.to_owned()
        });
        for n in 0..self.below(4) {
            if let Some(at) = operation.query.len().checked_sub(1).map(|_| self.below(operation.query.len())) {
                let name = &operation.query[at];
                let value = home.named(name).filter(|_| !self.one_in(4)).unwrap_or_else(|| *self.pick(&QUERY));
                path += &format!("{}{name}={value}", if n == 0 { '?' } else { '&' });
            }
        }
        path
    }
}

#[tokio::test]
async fn generated_requests_never_fail_inside_the_program() {
    let app = TestApp::new().await;
    let belongings = [app.belongings("home.example").await, app.belongings("away.example").await];
    let root = app.super_admin().await;
    let database = app.db.superuser().await;
    let seed = seed();
    let draw = Draw(SeededRng::new(seed));
    let all = operations();
    let people = [&belongings[0].admin, &belongings[0].member, &belongings[1].admin, &root];
    let mut statuses = BTreeMap::<u16, u32>::new();
    let mut undocumented = BTreeMap::new();
    for number in 0..REQUESTS {
        if number % 50 == 0 {
            for one in &belongings {
                one.revive(&database).await;
            }
            app.revive(&root.tenant).await;
        }
        let mut operation = draw.pick(&all);
        while HASHING.contains(&operation.id.as_str()) && !draw.one_in(4) {
            operation = draw.pick(&all);
        }
        let (request, shown) = generate(&app, &draw, operation, &belongings, people);
        let answer = request.send().await;
        let status = answer.status.as_u16();
        *statuses.entry(status).or_default() += 1;
        assert!(
            status < 500,
            "TEST_SEED={seed} cargo test -p pyairtable-platform --test it fuzz\nrequest {number}: {shown:.3000}\n{status}: {}",
            answer.body
        );
        if !operation.documents(status) {
            undocumented.entry((operation.id.clone(), status)).or_insert(format!("{number}: {shown:.300}"));
        }
        assert!(status < 400 || answer.body["error"].is_string(), "TEST_SEED={seed}, request {number}: {shown:.3000}");
    }
    assert!(undocumented.is_empty(), "TEST_SEED={seed}: {undocumented:#?}");
    // Neither all refused at the door nor all let through.
    for status in [200, 201, 400, 401, 403, 404, 409] {
        assert!(statuses.contains_key(&status), "{statuses:?}");
    }
}

fn generate(
    app: &TestApp,
    draw: &Draw,
    operation: &Operation,
    belongings: &[Belongings; 2],
    people: [&Person; 4],
) -> (Request, String) {
    let path = draw.path(operation, belongings);
    let path = if path.parse::<Uri>().is_ok() { path } else { operation.path_with(NOBODY) };
    let caller = draw.below(7);
    let request = match caller {
        0..4 => people[caller].http.request(operation.method.clone(), &path),
        4 => app.http.request(operation.method.clone(), &path),
        5 => app.internal(operation.method.clone(), &path),
        _ => app
            .internal(operation.method.clone(), &path)
            .header("x-tenant-id", &people[draw.below(4)].tenant)
            .header("x-user-id", &people[draw.below(4)].id),
    };
    let mut body = operation.body.clone();
    let fits = draw.one_in(4);
    if let Some(fields) = body.as_object_mut().filter(|_| fits) {
        // Now and then everything is right, so that what lies behind the checks is reached too.
        fields.retain(|name, _| !["id", "tenant_id", "username", "plan", "limits"].contains(&name.as_str()));
        let email = format!("p{}@example.com", draw.below(1000));
        let name = format!("n-{}", draw.below(1000));
        let home = &belongings[0];
        for (field, value) in [
            ("email", email.as_str()),
            ("password", PASSWORD),
            ("current_password", PASSWORD),
            ("slug", &name),
            ("name", &name),
            ("domain", ""),
            ("status", "archived"),
            ("workspace_id", &home.workspace),
            ("user_id", &home.member.id),
        ] {
            if let Some(field) = fields.get_mut(field) {
                *field = value.into();
            }
        }
        let words: &[&str] =
            if operation.path.contains("/workspaces/") { &["owner", "viewer"] } else { &["user", "admin"] };
        if let Some(role) = fields.get_mut("role") {
            *role = (*draw.pick(words)).into();
        }
    }
    for _ in 0..if fits { draw.below(2) } else { draw.below(4) } {
        draw.mutate(&mut body);
    }
    let mut bytes = body.to_string().into_bytes();
    if draw.one_in(6) {
        draw.damage(&mut bytes);
    }
    let kind = *draw.pick(&[
        "application/json",
        "application/json",
        "application/json",
        "application/x-www-form-urlencoded",
        "x",
    ]);
    let shown = format!("{} {path} by {caller} as {kind}: {}", operation.method, String::from_utf8_lossy(&bytes));
    (request.body(kind, bytes), shown)
}
