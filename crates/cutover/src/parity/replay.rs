//! The replay itself: clones, both sides, one request after the other, and what became of each.

use std::path::Path;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};
use tokio_postgres::Client;
use url::Url;

use super::answers::Reading;
use super::capture;
use super::catalogue::{Body, Case, Who, cases};
use super::clones::Clones;
use super::difference::Found;
use super::http::{Request, send};
use super::ids::Ids;
use super::noise::Circumstances;
use super::report::{Intended, Outcome, Replayed};
use super::scene::{Both, Scene, Side};
use super::services::{self, SERVICES};
use super::sessions::Sessions;
use super::sides::{Running, Secrets, Sides, start};
use super::state::States;
use super::tables::watched;
use super::{Look, Options, START, whole};
use crate::backup::{Manifest, Restoring};
use crate::digest::SESSION;
use crate::run::{Pace, Plan, Progress};
use crate::{Error, Result, files};

/// How long this program may take for what it does once when it starts.
const SETTLED: Duration = Duration::from_millis(1500);

pub(super) async fn run(
    options: &Options<'_>,
    look: &dyn Look,
    plan: &Plan,
    (manifest, sum): (&Manifest, String),
    clones: &Clones,
    place: &Path,
) -> Result<Outcome> {
    let began = Instant::now();
    let secret = || files::hex(&options.rng.bytes::<32>());
    let secrets = Secrets {
        jwt: secret().into(),
        key: secret(),
        password: format!("parity {}", files::hex(&options.rng.bytes::<12>())),
    };
    let hash = bcrypt::hash_with_salt(&secrets.password, 10, options.rng.bytes())
        .map(|parts| parts.format_for_version(bcrypt::Version::TwoA))
        .map_err(|error| Error::refused(format!("no password can be made: {error}"), "report this"))?;
    let fresh = [id(options.rng.bytes()), id(options.rng.bytes())];
    let backup = options.folder.backup();
    let restoring = Restoring {
        backup: &backup,
        url: options.url,
        tools: options.tools,
        into: &clones.old,
        replace: None,
        jobs: options.jobs,
        stop: options.stop,
    };
    let pick = async |client: &Client| Scene::pick(client, options.seed, &secrets.password, &hash, fresh).await;
    let scene = clones.make(&restoring, manifest, pick, &|what| look.says(what)).await?;
    look.prepared(clones).await?;
    let mut running = Running::default();
    let done = async {
        let sides = start(options, look, clones, place, &secrets, &mut running).await?;
        let mut replay = Replay::open(options, clones, &secrets, scene, sides, manifest).await?;
        let cases = replay.all(look, clones).await?;
        look.says("comparing whole tables by their digests");
        let unseen = whole::unseen(clones, manifest, &replay.states).await?;
        Ok(Outcome {
            run: plan.run.clone(),
            manifest_sha256: sum,
            seed: options.seed,
            endpoints: Outcome::reach(&cases),
            cases,
            rows: replay.states.rows,
            noise: replay.states.noise,
            unseen,
            seconds: began.elapsed().as_secs(),
        })
    };
    let done = done.await;
    running.stop().await;
    done
}

/// An id of random bytes.
fn id(bytes: [u8; 16]) -> String {
    let hex = files::hex(&bytes);
    format!("{}-{}-4{}-a{}-{}", &hex[..8], &hex[8..12], &hex[13..16], &hex[17..20], &hex[20..])
}

/// A replay on its way.
struct Replay<'a> {
    options: &'a Options<'a>,
    secrets: &'a Secrets,
    scene: Scene,
    sides: Sides,
    old: Client,
    new: Client,
    sessions: Sessions,
    states: States,
    ids: Ids,
}

impl<'a> Replay<'a> {
    async fn open(
        options: &'a Options<'a>,
        clones: &Clones,
        secrets: &'a Secrets,
        scene: Scene,
        sides: Sides,
        manifest: &Manifest,
    ) -> Result<Self> {
        let open = async |side| {
            let client = clones.url(side).connect().await?;
            client.batch_execute(SESSION).await.map_err(Error::sql("setting the session up"))?;
            Ok::<_, Error>(client)
        };
        let (old, new) = (open(Side::Old).await?, open(Side::New).await?);
        let sessions = Sessions::open(&sides.redis.0, &sides.redis.1).await?;
        let states = States::new(watched(&old, manifest).await?);
        let mut ids = Ids::default();
        scene.shared().for_each(|value| ids.know(value));
        Ok(Self { options, secrets, scene, sides, old, new, sessions, states, ids })
    }

    /// Everything, from what starting did on.
    async fn all(&mut self, look: &dyn Look, clones: &Clones) -> Result<Vec<Replayed>> {
        let sent = self.on_the_clone().await?;
        tokio::time::sleep(SETTLED).await;
        let mut all = vec![self.compare(START, "-", None, Vec::new(), sent, &[]).await?];
        let cases = cases();
        let total = cases.len() as u64;
        let mut pace = Pace::of(total);
        for (done, case) in (0..).zip(&cases) {
            services::unless_stopped(self.options.stop)?;
            look.progress(&Progress {
                step: "parity".to_owned(),
                what: "requests replayed".to_owned(),
                done: pace.reached(done),
                total,
                seconds_left: pace.left().map(|left| left.as_secs()),
                waits: None,
            });
            all.push(self.one(case, look, clones).await?);
        }
        Ok(all)
    }

    /// A log-in with a password that only the clones know. Services that serve any other database refuse it and have
    /// written nothing. This program logs the same person in, so that both sides have; when is returned.
    async fn on_the_clone(&mut self) -> Result<(Timestamp, Timestamp)> {
        let email = self.scene.get("owner.email", Side::Old).unwrap_or_default();
        let body = json!({ "email": email, "password": self.secrets.password }).to_string();
        let request = Request { method: "POST", path: "/auth/login".to_owned(), headers: Vec::new(), body: Some(body) };
        let base = self.base(Side::Old, "auth").clone();
        let old_sent = self.options.clock.now();
        let old = send(&base, &request).await.map_err(|why| Error::refused(why, LOOK_AT_OLD))?;
        if old.status != 200 || !capture::any(&self.old).await? {
            let why = "whoever can log in there only was answered";
            return Err(Error::refused(
                format!("the old services at {base} do not serve the clone: {why} {}", old.status),
                LOOK_AT_OLD,
            ));
        }
        let new_sent = self.options.clock.now();
        let new = send(&self.sides.new, &request).await.map_err(|why| Error::refused(why, "see new.log beside it"))?;
        let sent = (old_sent, new_sent);
        self.reading(sent, &[]).compare(&old, &new);
        Ok(sent)
    }

    fn reading<'b>(&'b mut self, sent: (Timestamp, Timestamp), passwords: &'b [String]) -> Reading<'b> {
        let secret = self.secrets.jwt.expose().as_bytes();
        Reading { ids: &mut self.ids, of: Circumstances { sent, passwords }, secret }
    }

    fn base(&self, side: Side, service: &str) -> &Url {
        let at = SERVICES.iter().position(|name| *name == service).unwrap_or_default();
        match side {
            Side::New => &self.sides.new,
            Side::Old => self.sides.old.get(at).unwrap_or(&self.sides.new),
        }
    }

    async fn one(&mut self, case: &Case, look: &dyn Look, clones: &Clones) -> Result<Replayed> {
        let endpoint = case.endpoint();
        let now = self.options.clock.now();
        let requests =
            self.request(case, Side::Old, now).and_then(|old| Ok((old, self.request(case, Side::New, now)?)));
        let (old, new) = match requests {
            Ok(requests) => requests,
            Err(variable) => {
                return Ok(Replayed {
                    endpoint,
                    case: case.name,
                    statuses: None,
                    left_out: Some(format!("there is no {variable}")),
                    intended: Vec::new(),
                    unexplained: Vec::new(),
                });
            }
        };
        for text in std::iter::once(&new.path).chain(&new.body) {
            self.ids.know(text);
        }
        let failed = |why: String| Error::Program {
            program: format!("{endpoint}, {}", case.name),
            status: "no answer".to_owned(),
            message: why,
        };
        let old_sent = self.options.clock.now();
        let old_answer = send(self.base(Side::Old, case.service()), &old).await.map_err(&failed)?;
        let new_sent = self.options.clock.now();
        let new_answer = send(&self.sides.new, &new).await.map_err(&failed)?;
        look.answered(case, clones, &self.sides.redis.1).await?;
        let passwords: Vec<String> = case.password.iter().map(|&password| password.to_owned()).collect();
        let sent = (old_sent, new_sent);
        let answers = self.reading(sent, &passwords).compare(&old_answer, &new_answer);
        let body = |body: &[u8]| serde_json::from_slice::<Value>(body).unwrap_or_default();
        let bodies = (body(&old_answer.body), body(&new_answer.body));
        for (variable, field) in case.keep {
            if let (Some(old), Some(new)) = (bodies.0[*field].as_str(), bodies.1[*field].as_str()) {
                self.scene.keep(variable, Both { old: old.to_owned(), new: new.to_owned() });
            }
        }
        let statuses = Some((old_answer.status, new_answer.status));
        self.compare(&endpoint, case.name, statuses, answers, sent, &passwords).await
    }

    /// What is different after a request, sorted into what is meant and what is not.
    async fn compare(
        &mut self,
        endpoint: &str,
        case: &'static str,
        statuses: Option<(u16, u16)>,
        mut found: Vec<Found>,
        sent: (Timestamp, Timestamp),
        passwords: &[String],
    ) -> Result<Replayed> {
        let of = Circumstances { sent, passwords };
        found.extend(self.states.compare((&self.old, &self.new), &mut self.ids, of).await?);
        found.extend(self.sessions.compare(&self.ids).await?);
        let when = statuses.map(|(old, new)| format!("{old} {new}")).unwrap_or_default();
        let (mut intended, mut unexplained) = (Vec::new(), Vec::new());
        for one in found {
            match self.options.intended.reason(endpoint, case, &when, &one) {
                Some(reason) => intended.push(Intended { reason: reason.to_owned(), found: one }),
                None => unexplained.push(one),
            }
        }
        let endpoint = endpoint.to_owned();
        Ok(Replayed { endpoint, case, statuses, left_out: None, intended, unexplained })
    }

    /// The request as it is sent to a side; the variable that nobody has otherwise.
    fn request(&self, case: &Case, side: Side, now: Timestamp) -> std::result::Result<Request, String> {
        let needs = case.needs();
        let fill = |text: &'static str| {
            let used: Vec<&str> = needs.iter().copied().filter(|name| text.contains(&format!("{{{name}}}"))).collect();
            self.scene.fill(text, &used, side).map_err(str::to_owned)
        };
        let body = match case.body {
            Body::Nothing => None,
            Body::Json(text) => Some(fill(text)?),
        };
        let headers = match case.who {
            Who::Nobody => Vec::new(),
            Who::Service => vec![("x-api-key", self.secrets.key.clone())],
            Who::Person(name) => self.identity(name, side, now).ok_or_else(|| name.to_owned())?,
        };
        Ok(Request { method: case.method, path: fill(case.path)?, headers, body })
    }

    /// A token, and for the old side what its gateway says of whom the token names (T-32).
    fn identity(&self, name: &str, side: Side, now: Timestamp) -> Option<Vec<(&'static str, String)>> {
        let user = self.scene.get(name, side)?.to_owned();
        let tenant = self.scene.get(&format!("{name}.tenant"), side)?.to_owned();
        let email = self.scene.get(&format!("{name}.email"), side)?.to_owned();
        let role = self.scene.get(&format!("{name}.role"), side).unwrap_or("user").to_owned();
        let claims = json!({
            "user_id": user, "email": email, "role": role, "tenant_id": tenant,
            "iat": now.as_second(), "exp": now.as_second() + 3600,
        });
        let key = EncodingKey::from_secret(self.secrets.jwt.expose().as_bytes());
        let token = jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims, &key).ok()?;
        let mut headers = vec![("authorization", format!("Bearer {token}"))];
        if side == Side::Old {
            headers.extend([
                ("x-user-id", user),
                ("x-tenant-id", tenant),
                ("x-user-email", email),
                ("x-user-roles", role),
            ]);
        }
        Some(headers)
    }
}

const LOOK_AT_OLD: &str = "nothing but one attempt to log in was sent to them: see old.log in the run's folder parity, and \
                           let them use DATABASE_URL and PORT_BASE of the environment they are started with";
