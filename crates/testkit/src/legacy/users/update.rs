//! `PUT /users/me`, `PUT /users/{id}` and `DELETE /users/{id}`.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::person::Person;
use super::{DENIED, NOT_FOUND, Users, bad_body, myself, tenant_id};
use crate::legacy::fault::Fault;
use crate::legacy::framework::{Body, Fields, Reply, Unreadable, answer, failed};

/// What may be changed. A field that is there, even empty, overwrites; an object replaces the whole object.
struct Changes {
    texts: [Option<String>; 6],
    preferences: Option<Map<String, Value>>,
    metadata: Option<Map<String, Value>>,
}

impl Changes {
    fn of(fields: &Fields) -> Result<Self, Unreadable> {
        let text = |name| fields.text(name);
        let object = |name| fields.object(name).map(|found| found.and_then(|object| object.as_object().cloned()));
        Ok(Self {
            texts: [
                text("first_name")?,
                text("last_name")?,
                text("display_name")?,
                text("avatar")?,
                text("bio")?,
                text("phone")?,
            ],
            preferences: object("preferences")?,
            metadata: object("metadata")?,
        })
    }

    fn apply(self, person: &mut Person) {
        let Person { first_name, last_name, display_name, avatar, bio, phone, .. } = person;
        let columns = [first_name, last_name, display_name, avatar, bio, phone];
        for (column, text) in columns.into_iter().zip(self.texts) {
            if let Some(text) = text {
                *column = text;
            }
        }
        person.preferences = self.preferences.or(person.preferences.take());
        person.metadata = self.metadata.or(person.metadata.take());
    }
}

const FAILED: &str = "Failed to update user";

pub(super) async fn me(State(users): State<Arc<Users>>, headers: HeaderMap, body: Body) -> Reply {
    let id = myself(&headers)?;
    let changes = body.fields().and_then(|fields| Changes::of(&fields)).map_err(bad_body)?;
    let person = users.find(id).await.map_err(failed(FAILED))?;
    // That there is nobody is a failure of the update here, and 404 below.
    let person = person.ok_or_else(|| failed(FAILED)(Fault(String::new())))?;
    answer(StatusCode::OK, &users.change(person, changes).await.map_err(failed(FAILED))?)
}

/// The body is checked first. Owning the id is not enough: the tenant has to match.
pub(super) async fn put(
    State(users): State<Arc<Users>>,
    headers: HeaderMap,
    Path(id): Path<String>,
    body: Body,
) -> Reply {
    let changes = body.fields().and_then(|fields| Changes::of(&fields)).map_err(bad_body)?;
    let person = users.of_tenant(&id, &headers).await?;
    answer(StatusCode::OK, &users.change(person, changes).await.map_err(failed(FAILED))?)
}

pub(super) async fn delete(State(users): State<Arc<Users>>, headers: HeaderMap, Path(id): Path<String>) -> Reply {
    let person = users.of_tenant(&id, &headers).await?;
    users.mark_deleted(&person).await.map_err(failed("Failed to delete user"))?;
    answer(StatusCode::OK, &json!({ "message": "User deleted successfully" }))
}

impl Users {
    async fn of_tenant(&self, id: &str, headers: &HeaderMap) -> Result<Person, crate::legacy::framework::Refusal> {
        let person = self.find(id).await.ok().flatten().ok_or(NOT_FOUND)?;
        if person.tenant_id == tenant_id(headers) { Ok(person) } else { Err(DENIED) }
    }

    async fn change(&self, mut person: Person, changes: Changes) -> Result<Person, Fault> {
        changes.apply(&mut person);
        person.updated_at = self.clock.now();
        self.write_back(&person).await?;
        self.cache.forget(&person.id, &person.tenant_id).await;
        Ok(person)
    }

    /// Nothing but the mark: the account stays active, and auth-service knows no mark (T-55).
    async fn mark_deleted(&self, person: &Person) -> Result<(), Fault> {
        let (id, now) = (Uuid::parse_str(&person.id)?, self.clock.now());
        self.store.execute("UPDATE users SET deleted_at = $2, updated_at = $2 WHERE id = $1", &[&id, &now]).await?;
        self.cache.forget(&person.id, &person.tenant_id).await;
        Ok(())
    }
}
