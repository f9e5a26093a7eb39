//! `POST /users` and `POST /users/bulk`, for other services: any key that is not empty will do (T-32).

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use serde_json::{Map, Value, json};

use super::person::Person;
use super::{Users, bad_body};
use crate::legacy::fault::Fault;
use crate::legacy::framework::{Body, Fields, Refusal, Reply, Unreadable, answer, failed, header, refusal};

pub(super) async fn create(State(users): State<Arc<Users>>, headers: HeaderMap, body: Body) -> Reply {
    require_key(&headers)?;
    let mut person = body.fields().and_then(|fields| of_form(&fields)).map_err(bad_body)?;
    person.display_name = format!("{} {}", person.first_name, person.last_name);
    person.preferences = Some(Map::new());
    // An address that is taken fails like everything else.
    let person = users.add(person).await.map_err(failed("Failed to create user"))?;
    answer(StatusCode::CREATED, &person)
}

/// One after the other: those before the first that fails stay.
pub(super) async fn bulk(State(users): State<Arc<Users>>, headers: HeaderMap, body: Body) -> Reply {
    require_key(&headers)?;
    let people: Vec<Person> = match body.json().map_err(bad_body)? {
        Value::Array(all) => {
            all.into_iter().map(|one| of_json(one).map_err(bad_body)).collect::<Result<_, Refusal>>()?
        }
        _ => return Err(bad_body(Unreadable)),
    };
    let count = people.len();
    for person in people {
        users.add(person).await.map_err(failed("Failed to create users"))?;
    }
    answer(StatusCode::CREATED, &json!({ "message": format!("Successfully created {count} users") }))
}

fn require_key(headers: &HeaderMap) -> Result<(), Refusal> {
    match header(headers, "x-api-key") {
        "" => Err(refusal(StatusCode::UNAUTHORIZED, "Missing API key")),
        _ => Ok(()),
    }
}

/// No default applies: a missing role is stored as the empty text.
fn of_form(fields: &Fields) -> Result<Person, Unreadable> {
    Ok(Person {
        id: fields.plain("id")?,
        email: fields.plain("email")?,
        first_name: fields.plain("first_name")?,
        last_name: fields.plain("last_name")?,
        tenant_id: fields.plain("tenant_id")?,
        role: fields.plain("role")?,
        is_active: fields.flag("is_active")?.unwrap_or(false),
        email_verified: fields.flag("email_verified")?.unwrap_or(false),
        metadata: fields.object("metadata")?.and_then(|object| object.as_object().cloned()),
        ..Person::default()
    })
}

/// A whole User object; `null` is the same as absent.
fn of_json(one: Value) -> Result<Person, Unreadable> {
    let Value::Object(fields) = one else { return Err(Unreadable) };
    let present: Map<String, Value> = fields.into_iter().filter(|(_, value)| !value.is_null()).collect();
    serde_json::from_value(Value::Object(present)).map_err(|_| Unreadable)
}

impl Users {
    async fn add(&self, mut person: Person) -> Result<Person, Fault> {
        if person.id.is_empty() {
            person.id = uuid::Builder::from_random_bytes(self.rng.bytes()).into_uuid().to_string();
        }
        person.created_at = self.clock.now();
        person.updated_at = person.created_at;
        self.insert(&person).await?;
        self.cache.forget(&person.id, &person.tenant_id).await;
        Ok(person)
    }
}
