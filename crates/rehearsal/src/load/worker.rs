//! One worker: a connection, some workspaces nobody else works in, and one request after the other.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use http::{Method, StatusCode};
use serde_json::{Value, json};

use super::client::{Answer, Client};
use super::people::{Account, People, Place};
use super::{Dice, Kind, Outcome, Rate};
use crate::ledger::{Ledger, Table};

/// Fewer than the fifty that a workspace may have.
const PROJECTS: usize = 30;

pub(super) struct Worker {
    number: usize,
    client: Client,
    places: Vec<(Place, Vec<Project>)>,
    accounts: Vec<Account>,
    /// The refresh token of the log-in under way.
    session: Option<String>,
    rate: Rate,
    dice: Dice,
    ledger: Arc<Ledger>,
    marks: u32,
}

/// A project that this worker made.
struct Project {
    id: String,
    bases: usize,
}

impl Worker {
    pub(super) fn new(
        number: usize,
        address: SocketAddr,
        people: People,
        rate: Rate,
        dice: Dice,
        ledger: Arc<Ledger>,
    ) -> Self {
        let places = people.places.into_iter().map(|place| (place, Vec::new())).collect();
        let client = Client::new(address);
        Self { number, client, places, accounts: people.accounts, session: None, rate, dice, ledger, marks: 0 }
    }

    pub(super) async fn work(&mut self, intended: Instant) -> Outcome {
        let writes = self.dice.below(100) < self.rate.writes as usize;
        let (kind, wrong) = if writes { self.write().await } else { self.read().await };
        Outcome { kind, intended, ended: Instant::now(), wrong: wrong.err() }
    }

    async fn read(&mut self) -> (Kind, Result<(), String>) {
        let at = self.dice.below(self.places.len());
        let (place, projects) = &self.places[at];
        let (workspace, token) = (place.workspace.clone(), place.token.clone());
        let chosen = self.dice.below(6);
        let project = projects.last().map(|project| project.id.clone());
        let (kind, path) = match (chosen, project) {
            (0, _) => (Kind::Workspaces, "/api/v1/workspaces".to_owned()),
            (1, _) => (Kind::Members, format!("/api/v1/workspaces/{workspace}/members")),
            (2, _) => (Kind::Projects, format!("/api/v1/projects?workspace_id={workspace}")),
            (3, Some(project)) => (Kind::Project, format!("/api/v1/projects/{project}")),
            (4, _) => (Kind::Validate, "/api/v1/auth/validate".to_owned()),
            _ => (Kind::Workspace, format!("/api/v1/workspaces/{workspace}")),
        };
        let method = if kind == Kind::Validate { Method::POST } else { Method::GET };
        let answer = self.client.send(method, &path, Some(&token), None).await;
        let checked = expect(answer, StatusCode::OK).and_then(|body| match kind {
            Kind::Workspace => self.check(Table::Workspaces, &workspace, &body),
            Kind::Project => self.check(Table::Projects, path.rsplit('/').next().unwrap_or_default(), &body),
            _ => Ok(()),
        });
        (kind, checked)
    }

    /// Whoever was told that a change was made sees it.
    fn check(&self, table: Table, id: &str, body: &Value) -> Result<(), String> {
        let (shown, said) = (body["id"].as_str().unwrap_or_default(), body["description"].as_str().unwrap_or_default());
        if shown != id {
            return Err(format!("asked for {id}, got {shown:?}"));
        }
        if self.ledger.may_show(table, id, said) {
            return Ok(());
        }
        Err(format!("{} {id} shows {said:?}, which an acknowledged change had replaced", table.name()))
    }

    async fn write(&mut self) -> (Kind, Result<(), String>) {
        let at = self.dice.below(self.places.len());
        let projects = self.places[at].1.len();
        match self.dice.below(100) {
            0..2 => (Kind::Register, self.register().await),
            2..5 => (Kind::LogIn, self.log_in().await),
            5..15 if self.session.is_some() => (Kind::Refresh, self.refresh().await),
            15..25 => (Kind::DescribeWorkspace, self.describe_workspace(at).await),
            25..60 if projects < PROJECTS => (Kind::MakeProject, self.make_project(at).await),
            60..75 if projects > 0 => (Kind::ConnectBase, self.connect_base(at).await),
            75..80 if projects > 1 => (Kind::DeleteProject, self.delete_project(at).await),
            _ if projects > 0 => (Kind::DescribeProject, self.describe_project(at).await),
            _ => (Kind::MakeProject, self.make_project(at).await),
        }
    }

    async fn make_project(&mut self, at: usize) -> Result<(), String> {
        let mark = self.mark();
        let path = format!("/api/v1/workspaces/{}/projects", self.places[at].0.workspace);
        let body = json!({ "name": mark, "description": mark });
        let id = self.make(at, Table::Projects, &mark, &path, &body).await?;
        self.ledger.set(Table::Projects, &id, &mark);
        self.places[at].1.push(Project { id, bases: 0 });
        Ok(())
    }

    async fn connect_base(&mut self, at: usize) -> Result<(), String> {
        let mark = self.mark();
        let project = self.dice.below(self.places[at].1.len());
        let path = format!("/api/v1/projects/{}/airtable-bases", self.places[at].1[project].id);
        let body = json!({ "base_id": mark, "name": mark, "description": mark });
        // It holds its project from now on, even if the answer is lost.
        self.places[at].1[project].bases += 1;
        self.make(at, Table::Bases, &mark, &path, &body).await.map(drop)
    }

    async fn make(&mut self, at: usize, table: Table, mark: &str, path: &str, body: &Value) -> Result<String, String> {
        self.ledger.making(table, mark);
        let answer = self.client.send(Method::POST, path, Some(&self.places[at].0.token), Some(body)).await;
        let body = expect(answer, StatusCode::CREATED)?;
        let id = body["id"].as_str().ok_or_else(|| format!("no id: {body}"))?;
        self.ledger.made(table, mark, id);
        Ok(id.to_owned())
    }

    async fn describe_workspace(&mut self, at: usize) -> Result<(), String> {
        let id = self.places[at].0.workspace.clone();
        self.describe(at, Table::Workspaces, &id, &format!("/api/v1/workspaces/{id}")).await
    }

    async fn describe_project(&mut self, at: usize) -> Result<(), String> {
        let project = self.dice.below(self.places[at].1.len());
        let id = self.places[at].1[project].id.clone();
        self.describe(at, Table::Projects, &id, &format!("/api/v1/projects/{id}")).await
    }

    async fn describe(&mut self, at: usize, table: Table, id: &str, path: &str) -> Result<(), String> {
        let mark = self.mark();
        self.ledger.setting(table, id, &mark);
        let body = json!({ "description": mark });
        let answer = self.client.send(Method::PUT, path, Some(&self.places[at].0.token), Some(&body)).await;
        expect(answer, StatusCode::OK)?;
        self.ledger.set(table, id, &mark);
        Ok(())
    }

    /// One without bases, which hold their project.
    async fn delete_project(&mut self, at: usize) -> Result<(), String> {
        let free = self.places[at].1.iter().position(|project| project.bases == 0);
        let Some(free) = free else { return self.describe_project(at).await };
        let project = self.places[at].1.remove(free);
        self.ledger.deleting(Table::Projects, &project.id);
        let path = format!("/api/v1/projects/{}", project.id);
        let answer = self.client.send(Method::DELETE, &path, Some(&self.places[at].0.token), None).await;
        expect(answer, StatusCode::NO_CONTENT)?;
        self.ledger.deleted(Table::Projects, &project.id);
        Ok(())
    }

    async fn register(&mut self) -> Result<(), String> {
        let email = format!("{}@rehearsal.example", self.mark());
        self.ledger.making(Table::Users, &email);
        let body =
            json!({ "email": email, "password": "correct horse battery", "first_name": "Re", "last_name": "Hearsal" });
        let body = expect(
            self.client.send(Method::POST, "/api/v1/auth/register", None, Some(&body)).await,
            StatusCode::CREATED,
        )?;
        let id = ["user_id", "id"].iter().find_map(|field| body[*field].as_str());
        let id = id.or_else(|| body["user"]["id"].as_str()).ok_or_else(|| "registered without an id".to_owned())?;
        self.ledger.made(Table::Users, &email, id);
        Ok(())
    }

    async fn log_in(&mut self) -> Result<(), String> {
        if self.accounts.is_empty() {
            return self.register().await;
        }
        let account = self.accounts[self.dice.below(self.accounts.len())].clone();
        let body = json!({ "email": account.email, "password": account.password });
        let answer = self.client.send(Method::POST, "/api/v1/auth/login", None, Some(&body)).await;
        self.keep(answer)
    }

    /// The token is spent whatever the answer says, unless there was none.
    async fn refresh(&mut self) -> Result<(), String> {
        let Some(token) = self.session.take() else { return Ok(()) };
        let body = json!({ "refresh_token": token });
        let answer = self.client.send(Method::POST, "/api/v1/auth/refresh", None, Some(&body)).await;
        self.keep(answer)
    }

    fn keep(&mut self, answer: Answer) -> Result<(), String> {
        let body = expect(answer, StatusCode::OK)?;
        let token = body["refresh_token"].as_str().ok_or_else(|| "no refresh token".to_owned())?;
        self.session = Some(token.to_owned());
        Ok(())
    }

    fn mark(&mut self) -> String {
        self.marks += 1;
        format!("rehearsed-{:x}-{}-{}", self.rate.seed, self.number, self.marks)
    }
}

fn expect(answer: Answer, status: StatusCode) -> Result<Value, String> {
    let (answered, body) = answer?;
    if answered == status { Ok(body) } else { Err(format!("{answered}: {:.200}", body.to_string())) }
}
