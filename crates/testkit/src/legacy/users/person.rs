//! The rows that user-service's SQL names (contract 2.5) and the object it shows (contract 1.2.2).

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use tokio_postgres::Row;
use uuid::Uuid;

use super::Users;
use crate::legacy::fault::Fault;

/// A person; also what the caches and bulk bodies hold.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Person {
    pub(super) id: String,
    pub(super) email: String,
    pub(super) first_name: String,
    pub(super) last_name: String,
    pub(super) display_name: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) avatar: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) bio: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) phone: String,
    pub(super) tenant_id: String,
    pub(super) role: String,
    pub(super) is_active: bool,
    pub(super) email_verified: bool,
    pub(super) phone_verified: bool,
    #[serde(skip_serializing_if = "is_empty")]
    pub(super) preferences: Option<Map<String, Value>>,
    #[serde(skip_serializing_if = "is_empty")]
    pub(super) metadata: Option<Map<String, Value>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) last_login_at: Option<Timestamp>,
    pub(super) created_at: Timestamp,
    pub(super) updated_at: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) deleted_at: Option<Timestamp>,
}

#[expect(clippy::ref_option, reason = "the shape serde calls")]
fn is_empty(object: &Option<Map<String, Value>>) -> bool {
    object.as_ref().is_none_or(Map::is_empty)
}

pub(super) const COLUMNS: &str = "id, email, first_name, last_name, display_name, avatar, bio, phone, tenant_id, role, \
    is_active, email_verified, phone_verified, preferences, metadata, last_login_at, created_at, updated_at, deleted_at";

impl Person {
    /// NULL in a plain variable makes the whole row unreadable (T-43); the two objects may be NULL or `null`.
    pub(super) fn of(row: &Row) -> Result<Self, Fault> {
        let object = |index| -> Result<Option<Map<String, Value>>, Fault> {
            Ok(match row.try_get::<_, Option<Value>>(index)? {
                None | Some(Value::Null) => None,
                Some(Value::Object(object)) => Some(object),
                Some(_) => return Err(Fault("json: cannot unmarshal into map".to_owned())),
            })
        };
        Ok(Self {
            id: row.try_get::<_, Uuid>(0)?.to_string(),
            email: row.try_get(1)?,
            first_name: row.try_get(2)?,
            last_name: row.try_get(3)?,
            display_name: row.try_get(4)?,
            avatar: row.try_get(5)?,
            bio: row.try_get(6)?,
            phone: row.try_get(7)?,
            tenant_id: row.try_get::<_, Uuid>(8)?.to_string(),
            role: row.try_get(9)?,
            is_active: row.try_get(10)?,
            email_verified: row.try_get(11)?,
            phone_verified: row.try_get(12)?,
            preferences: object(13)?,
            metadata: object(14)?,
            last_login_at: row.try_get(15)?,
            created_at: row.try_get(16)?,
            updated_at: row.try_get(17)?,
            deleted_at: row.try_get(18)?,
        })
    }
}

/// How the objects reach the row: as JSON text, a missing one as the literal `null`.
fn json(object: Option<&Map<String, Value>>) -> Value {
    object.map_or(Value::Null, |object| Value::Object(object.clone()))
}

impl Users {
    /// Somebody who is not deleted. An id that is no UUID is an error of the server's.
    pub(super) async fn find(&self, id: &str) -> Result<Option<Person>, Fault> {
        let sql = format!("SELECT {COLUMNS} FROM users WHERE id = $1 AND deleted_at IS NULL");
        self.store.row(&sql, &[&Uuid::parse_str(id)?]).await?.as_ref().map(Person::of).transpose()
    }

    pub(super) async fn insert(&self, new: &Person) -> Result<(), Fault> {
        let sql = format!(
            "INSERT INTO users ({COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, \
             $16, $17, $18, $19)"
        );
        let (id, tenant) = (Uuid::parse_str(&new.id)?, Uuid::parse_str(&new.tenant_id)?);
        let (preferences, metadata) = (json(new.preferences.as_ref()), json(new.metadata.as_ref()));
        self.store
            .execute(
                &sql,
                &[
                    &id,
                    &new.email,
                    &new.first_name,
                    &new.last_name,
                    &new.display_name,
                    &new.avatar,
                    &new.bio,
                    &new.phone,
                    &tenant,
                    &new.role,
                    &new.is_active,
                    &new.email_verified,
                    &new.phone_verified,
                    &preferences,
                    &metadata,
                    &new.last_login_at,
                    &new.created_at,
                    &new.updated_at,
                    &new.deleted_at,
                ],
            )
            .await?;
        Ok(())
    }

    /// Every column as it was read, whoever changed it meanwhile; [inferred] like the other old writers (T-30). How
    /// many rows that touched is not looked at.
    pub(super) async fn write_back(&self, changed: &Person) -> Result<(), Fault> {
        let sql = "UPDATE users SET email = $2, first_name = $3, last_name = $4, display_name = $5, avatar = $6, \
            bio = $7, phone = $8, tenant_id = $9, role = $10, is_active = $11, email_verified = $12, \
            phone_verified = $13, preferences = $14, metadata = $15, last_login_at = $16, updated_at = $17 \
            WHERE id = $1 AND deleted_at IS NULL";
        let (id, tenant) = (Uuid::parse_str(&changed.id)?, Uuid::parse_str(&changed.tenant_id)?);
        let (preferences, metadata) = (json(changed.preferences.as_ref()), json(changed.metadata.as_ref()));
        self.store
            .execute(
                sql,
                &[
                    &id,
                    &changed.email,
                    &changed.first_name,
                    &changed.last_name,
                    &changed.display_name,
                    &changed.avatar,
                    &changed.bio,
                    &changed.phone,
                    &tenant,
                    &changed.role,
                    &changed.is_active,
                    &changed.email_verified,
                    &changed.phone_verified,
                    &preferences,
                    &metadata,
                    &changed.last_login_at,
                    &changed.updated_at,
                ],
            )
            .await?;
        Ok(())
    }
}
