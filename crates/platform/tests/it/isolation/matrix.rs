//! Every operation, asked by everybody who should get nowhere, naming what is another tenant's wherever it names
//! something.

use std::collections::BTreeSet;
use std::io;
use std::sync::{Arc, Mutex};

use axum::http::{Method, StatusCode};
use serde_json::{Value, json};
use testkit::Rewriter;
use tokio_postgres::Client;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::layer::SubscriberExt as _;

use super::tables::{MARKER, all_rows_of, mark};
use crate::belongings::Belongings;
use crate::coverage::{Operation, operations};
use crate::support::{INTERNAL_KEY, PASSWORD, TestApp, audit_key, limits};

/// A tenant, another one whose rows are marked, and who will ask.
pub(super) struct World {
    /// The program as it is.
    pub(super) app: TestApp,
    pub(super) database: Client,
    pub(super) home: Belongings,
    pub(super) victim: Belongings,
    callers: Vec<Caller>,
}

/// Who asks, by the headers they send.
struct Caller {
    name: &'static str,
    headers: Vec<(&'static str, String)>,
    standing: Standing,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Standing {
    /// A person, or a service, of the first tenant.
    Known,
    /// Nobody any more, or not yet.
    Refused,
}

/// What came of it.
#[derive(Debug, Default)]
pub(super) struct Report {
    pub(super) requests: usize,
    /// Answers and log lines in which the marker stands.
    pub(super) leaks: Vec<String>,
    /// Protected operations that did not answer 401 to somebody who is refused.
    pub(super) admitted: Vec<String>,
    /// Answers of 500 and above.
    pub(super) failures: Vec<String>,
    /// Tables in which the other tenant's rows are no longer what they were.
    pub(super) changed: BTreeSet<String>,
}

impl Report {
    /// Fails unless nothing came of it.
    #[track_caller]
    pub(super) fn expect_nothing(&self, what: &str) {
        let Self { leaks, admitted, failures, changed, .. } = self;
        assert!(
            leaks.is_empty() && admitted.is_empty() && failures.is_empty() && changed.is_empty(),
            "{what}: of {} requests, {} leaked, {} were let in, {} failed\n{:#?}\n{:#?}\n{:#?}\nchanged: {changed:?}",
            self.requests,
            leaks.len(),
            admitted.len(),
            failures.len(),
            &leaks[..leaks.len().min(20)],
            &admitted[..admitted.len().min(20)],
            &failures[..failures.len().min(20)],
        );
    }
}

impl World {
    pub(super) async fn new() -> Self {
        let app = TestApp::new().await;
        let expired = app.admin("late@home.example").await;
        app.clock.advance(jiff::SignedDuration::from_hours(25));
        let home = app.belongings("home.example").await;
        let victim = app.belongings("away.example").await;
        let disabled = app.member(&home.admin, "disabled@home.example").await;
        let deleted = app.member(&home.admin, "deleted@home.example").await;
        let unknown = app.admin("unknown@home.example").await;
        let database = app.db.superuser().await;
        database
            .batch_execute(&format!(
                "UPDATE users SET is_active = false WHERE id = '{}';
                 UPDATE user_profiles SET deleted_at = now() WHERE user_id = '{}';
                 DELETE FROM user_profiles WHERE user_id = '{unknown}';
                 DELETE FROM users WHERE id = '{unknown}';
                 -- Old services let anybody be a member of anything (contract 1.3.7).
                 INSERT INTO workspace_members (workspace_id, user_id, role) VALUES
                     ('{}', '{}', 'owner'), ('{}', '{}', 'admin'), ('{}', '{}', 'member')",
                disabled.id,
                deleted.id,
                victim.workspace,
                home.admin.id,
                victim.workspace,
                home.member.id,
                home.workspace,
                victim.member.id,
                unknown = unknown.id,
            ))
            .await
            .unwrap();
        mark(&database, victim.tenant()).await;

        let person = |token: &str| vec![("authorization", format!("Bearer {token}"))];
        let misled = |token: &str| {
            // Beside a token these say nothing (T-32).
            let named = [("x-tenant-id", victim.tenant().to_owned()), ("x-user-id", victim.member.id.clone())];
            [person(token), named.to_vec()].concat()
        };
        let service = vec![
            ("x-api-key", INTERNAL_KEY.to_owned()),
            ("x-tenant-id", home.tenant().to_owned()),
            ("x-user-id", home.member.id.clone()),
        ];
        let caller = |name, headers, standing| Caller { name, headers, standing };
        let callers = vec![
            caller("an admin of another tenant", misled(&home.admin.access_token), Standing::Known),
            caller("a viewer of another tenant", person(&home.member.access_token), Standing::Known),
            caller("somebody without a row", person(&unknown.access_token), Standing::Known),
            caller("a service of another tenant", service, Standing::Known),
            caller("nobody", Vec::new(), Standing::Refused),
            caller("somebody switched off", person(&disabled.access_token), Standing::Refused),
            caller("somebody deleted", person(&deleted.access_token), Standing::Refused),
            caller("an expired token", person(&expired.access_token), Standing::Refused),
        ];
        Self { app, database, home, victim, callers }
    }

    /// The program on the same rows at a later time, the statements that run as `role` changed by `change`.
    pub(super) fn through(
        &self,
        role: &str,
        after: jiff::SignedDuration,
        change: impl Fn(&str) -> Option<String> + Send + Sync + 'static,
    ) -> (TestApp, Rewriter) {
        let rewriter = Rewriter::start(self.app.db.config(), role, change);
        let pool = db::Db::new(rewriter.url(), limits(), audit_key()).unwrap();
        let app = TestApp::on(self.app.db.clone(), |parts| parts.db = pool);
        app.clock.advance(jiff::SignedDuration::from_hours(25) + after);
        (app, rewriter)
    }

    /// Lets everybody ask `app` for everything; `done` is told of each operation.
    pub(super) async fn ask(
        &self,
        app: &TestApp,
        wanted: impl Fn(&Operation) -> bool,
        mut done: impl FnMut(&Operation),
    ) -> Report {
        let before = all_rows_of(&self.database, self.victim.tenant()).await;
        let log = Log::default();
        let subscriber = {
            let log = log.clone();
            let lines = tracing_subscriber::fmt::layer().with_ansi(false).with_writer(move || log.clone());
            tracing_subscriber::registry().with(LevelFilter::TRACE).with(lines)
        };
        let mut report = Report::default();
        {
            let _here = tracing::subscriber::set_default(subscriber);
            // With a single one, `tracing` asks whichever thread comes to a line first whether anybody listens, and the
            // threads of other tests say no for all of them.
            let _second = tracing::Dispatch::new(tracing_subscriber::registry());
            for operation in operations().iter().filter(|operation| wanted(operation)) {
                for caller in &self.callers {
                    self.ask_as(app, caller, operation, &mut report).await;
                }
                done(operation);
            }
        }
        report
            .leaks
            .extend(log.lines().iter().filter(|line| line.contains(MARKER)).map(|line| format!("log: {line:.500}")));
        let after = all_rows_of(&self.database, self.victim.tenant()).await;
        report.changed = before.keys().filter(|table| before[*table] != after[*table]).cloned().collect();
        report
    }

    async fn ask_as(&self, app: &TestApp, caller: &Caller, operation: &Operation, report: &mut Report) {
        let public = operation.is_public();
        // A public operation does not look at who asks; one of them costs a password hash.
        if public && !["nobody", "an admin of another tenant"].contains(&caller.name) {
            return;
        }
        // A service that names a tenant in the body is believed (contract 1.2.3).
        if caller.name.contains("service") && ["create_user", "bulk_create_users"].contains(&operation.id.as_str()) {
            return;
        }
        for (path, body) in self.requests(operation, caller.standing) {
            let mut request = app.http.request(operation.method.clone(), &path);
            for (name, value) in &caller.headers {
                request = request.header(name, value);
            }
            let answer = match &body {
                Some(body) => request.json(body).send().await,
                None => request.send().await,
            };
            report.requests += 1;
            let text = String::from_utf8_lossy(&answer.bytes);
            let shown = || {
                let body = body.as_ref().map(Value::to_string).unwrap_or_default();
                format!(
                    "{} {path} {body} by {}: {} {:?} {text:.1000}",
                    operation.id, caller.name, answer.status, answer.headers
                )
            };
            if text.contains(MARKER) || format!("{:?}", answer.headers).contains(MARKER) {
                report.leaks.push(shown());
            }
            if answer.status.is_server_error() {
                report.failures.push(shown());
            }
            if caller.standing == Standing::Refused && !public && answer.status != StatusCode::UNAUTHORIZED {
                report.admitted.push(shown());
            }
            if operation.method != Method::GET && answer.status.is_success() {
                self.home.revive(&self.database).await;
            }
        }
    }

    /// The ways to name the other tenant's things: in each parameter of the path, in each of the query, in the body.
    fn requests(&self, operation: &Operation, standing: Standing) -> Vec<(String, Option<Value>)> {
        let Self { home, victim, .. } = self;
        let bodies = self.bodies(operation);
        let all = (1_usize << operation.parameters()) - 1;
        let path = |theirs: usize| {
            let mut bit = 0..;
            operation.path_naming(|segment| {
                let is_theirs = bit.next().is_some_and(|bit| theirs & (1 << bit) != 0);
                if is_theirs { victim.behind(segment) } else { home.behind(segment) }.to_owned()
            })
        };
        if standing == Standing::Refused {
            return vec![(path(all), bodies.first().cloned()), (path(0), bodies.first().cloned())];
        }
        let mut requests = Vec::new();
        for theirs in 0..=all {
            if bodies.is_empty() {
                requests.push((path(theirs), None));
            }
            requests.extend(bodies.iter().map(|body| (path(theirs), Some(body.clone()))));
        }
        // Ids of other kinds too.
        if operation.method == Method::GET && operation.parameters() == 1 {
            requests.extend(victim.ids().iter().map(|id| (operation.path_with(id), None)));
        }
        let mut everything = Vec::new();
        for name in &operation.query {
            // In capitals it is found whatever the case, and an echo is told from a leak.
            let value = match victim.named(name) {
                Some(id) => id.to_owned(),
                None if ["include_deleted", "force"].contains(&name.as_str()) => "true".to_owned(),
                None if name == "search" => MARKER.to_uppercase(),
                None => continue,
            };
            for theirs in [0, all] {
                requests.push((format!("{}?{name}={value}", path(theirs)), bodies.first().cloned()));
            }
            everything.push(format!("{name}={value}"));
        }
        if everything.len() > 1 {
            let plain = everything.iter().filter(|pair| !pair.starts_with("search=")).cloned().collect::<Vec<_>>();
            requests.push((format!("{}?{}", path(all), everything.join("&")), None));
            requests.push((format!("{}?{}", path(all), plain.join("&")), None));
        }
        requests
    }

    /// The body with the other tenant's ids and addresses wherever one stands; and with the ids alone, so that it is not
    /// refused for an address in use.
    fn bodies(&self, operation: &Operation) -> Vec<Value> {
        if operation.body.is_null() {
            return Vec::new();
        }
        let mut all = operation.body.clone();
        self.aim(&mut all, true);
        let mut ids = operation.body.clone();
        self.aim(&mut ids, false);
        if operation.path.starts_with("/workspaces")
            && let Some(role) = ids.get_mut("role")
        {
            *role = json!("viewer");
        }
        vec![all, ids]
    }

    fn aim(&self, value: &mut Value, addresses: bool) {
        match value {
            Value::Object(fields) => {
                if !addresses {
                    for name in ["id", "slug", "domain", "username"] {
                        fields.remove(name);
                    }
                }
                for (name, value) in fields {
                    match name.as_str() {
                        // Another spelling of the same address: an echo is told from a leak.
                        "email" | "username" if addresses => {
                            *value = json!(format!("{}.{}@EXAMPLE.COM", MARKER.to_uppercase(), self.victim.member.id));
                        }
                        "email" => *value = json!("guest@elsewhere.example"),
                        "password" | "current_password" | "new_password" => *value = json!(PASSWORD),
                        name => match self.victim.named(name) {
                            Some(id) => *value = json!(id),
                            None => self.aim(value, addresses),
                        },
                    }
                }
            }
            Value::Array(items) => items.iter_mut().for_each(|item| self.aim(item, addresses)),
            _ => {}
        }
    }
}

/// Everything that was logged.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    fn lines(&self) -> Vec<String> {
        let bytes = self.0.lock().unwrap();
        assert!(!bytes.is_empty(), "nothing was logged, so nothing is known about the log");
        String::from_utf8_lossy(&bytes).lines().map(str::to_owned).collect()
    }
}

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
