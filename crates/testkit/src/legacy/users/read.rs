//! `GET /users/me` and `GET /users/{id}`, from the cache if it has them.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};

use super::person::Person;
use super::{DENIED, NOT_FOUND, Users, cache, myself, tenant_id, user_id};
use crate::legacy::framework::{Refusal, Reply, answer};

pub(super) async fn me(State(users): State<Arc<Users>>, headers: HeaderMap) -> Reply {
    let person = users.get(myself(&headers)?).await?;
    answer(StatusCode::OK, &person)
}

pub(super) async fn get(State(users): State<Arc<Users>>, headers: HeaderMap, Path(id): Path<String>) -> Reply {
    let person = users.get(&id).await?;
    if person.id != user_id(&headers) && person.tenant_id != tenant_id(&headers) {
        return Err(DENIED);
    }
    answer(StatusCode::OK, &person)
}

impl Users {
    /// Whatever goes wrong, nobody was found.
    async fn get(&self, id: &str) -> Result<Person, Refusal> {
        let key = format!("user:{id}");
        if let Some(person) = self.cache.get(&key).await {
            return Ok(person);
        }
        let person = self.find(id).await.ok().flatten().ok_or(NOT_FOUND)?;
        self.cache.put(&key, &person, cache::PERSON).await;
        Ok(person)
    }
}
