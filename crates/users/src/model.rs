//! People as the API shows them, and the rules their fields obey.

use db::{FromRow, Row, get};
use jiff::Timestamp;
use kernel::{Redacted, Role, TenantId, UserId, Versioned};
use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;

use crate::UserError;
use crate::password::{BCRYPT_MAX_BYTES, Scheme};

/// A person: the union of what the old services showed (T-23). Which fields are left out when empty differs from field
/// to field, because old clients tell the difference (T-14).
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct User {
    /// The account's id.
    #[schema(value_type = uuid::Uuid)]
    pub id: UserId,
    /// The same as `id`; some clients read this one.
    #[schema(value_type = uuid::Uuid)]
    pub user_id: UserId,
    /// The address as it was registered, case kept.
    pub email: String,
    /// The name given at registration, else the e-mail address (T-22).
    pub username: String,
    /// First name.
    pub first_name: String,
    /// Last name.
    pub last_name: String,
    /// First and last name, unless the person chose another.
    pub display_name: String,
    /// URL of a picture; left out when empty.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub avatar: Option<String>,
    /// Left out when empty.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bio: Option<String>,
    /// Left out when empty.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phone: Option<String>,
    /// The tenant the person belongs to.
    #[schema(value_type = uuid::Uuid)]
    pub tenant_id: TenantId,
    /// `user`, `admin` or `super_admin`; accounts of old editions may show other words, which count as `user`.
    pub role: String,
    /// Whether the person may log in.
    pub is_active: bool,
    /// Whether the address was confirmed.
    pub email_verified: bool,
    /// Whether the phone number was confirmed.
    pub phone_verified: bool,
    /// Free-form; left out when empty.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub preferences: Option<Box<RawValue>>,
    /// Free-form; left out when empty.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub metadata: Option<Box<RawValue>>,
    /// Left out before the first log-in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_login_at: Option<Timestamp>,
    /// When the account was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
    /// Left out unless deleted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deleted_at: Option<Timestamp>,
}

impl Versioned for User {
    const BESIDE: &[&str] = &["last_login_at"];
}

impl User {
    /// What the person may do in their tenant.
    pub fn role(&self) -> Role {
        Role::from_stored(&self.role)
    }
}

impl FromRow for User {
    fn from_row(row: &Row) -> Result<Self, db::Error> {
        let id = UserId(get(row, "id")?);
        let email: String = get(row, "email")?;
        let (first_name, last_name): (String, String) = (get(row, "first_name")?, get(row, "last_name")?);
        let display_name = get::<Option<String>>(row, "display_name")?.filter(|name| !name.is_empty());
        let text = |column| get::<Option<String>>(row, column).map(|text| text.filter(|text| !text.is_empty()));
        Ok(Self {
            id,
            user_id: id,
            username: text("username")?.unwrap_or_else(|| email.clone()),
            display_name: display_name.unwrap_or_else(|| full_name(&first_name, &last_name)),
            email,
            first_name,
            last_name,
            avatar: text("avatar")?,
            bio: text("bio")?,
            phone: text("phone")?,
            tenant_id: TenantId(get(row, "tenant_id")?),
            role: get(row, "role")?,
            is_active: get(row, "is_active")?,
            email_verified: get(row, "email_verified")?,
            phone_verified: get(row, "phone_verified")?,
            preferences: object(row, "preferences")?,
            metadata: object(row, "metadata")?,
            last_login_at: get(row, "last_login_at")?,
            created_at: get(row, "created_at")?,
            updated_at: get(row, "updated_at")?,
            deleted_at: get(row, "deleted_at")?,
        })
    }
}

/// A jsonb column that arrived as text and leaves as text: no value tree in between. Old rows may hold the jsonb
/// literal `null` (T-43).
fn object(row: &Row, column: &'static str) -> Result<Option<Box<RawValue>>, db::Error> {
    let text: Option<String> = get(row, column)?;
    Ok(text.filter(|text| text != "{}" && text.starts_with('{')).and_then(|text| RawValue::from_string(text).ok()))
}

/// First name, space, last name, as far as the column holds it.
pub(crate) fn full_name(first: &str, last: &str) -> String {
    format!("{first} {last}").chars().take(200).collect()
}

/// A password that may be stored.
#[derive(Debug, Clone)]
pub(crate) struct NewPassword(Redacted<String>);

/// Far above any passphrase; hashing a megabyte would be a way to burn CPU.
const MAX_PASSWORD_BYTES: usize = 1024;

impl NewPassword {
    /// `field` is what the client calls it.
    pub(crate) fn parse(field: &'static str, text: &Redacted<String>, scheme: Scheme) -> Result<Self, UserError> {
        let most = match scheme {
            Scheme::Argon2id => MAX_PASSWORD_BYTES,
            // More would be cut off silently, and the old side refuses it too (T-36).
            Scheme::Bcrypt => BCRYPT_MAX_BYTES,
        };
        let bytes = text.expose().len();
        if bytes < 8 {
            return Err(UserError::invalid(
                "Password must be at least 8 characters long",
                field,
                "must be at least 8 bytes long",
            ));
        }
        if bytes > most {
            let message = format!("must be at most {most} bytes long");
            return Err(UserError::invalid("Password is too long", field, message));
        }
        Ok(Self(text.clone()))
    }

    pub(crate) fn into_inner(self) -> Redacted<String> {
        self.0
    }
}

/// Refuses text that its column cannot hold; `characters` is the column's width.
pub(crate) fn fits(field: &'static str, text: &str, characters: usize) -> Result<(), UserError> {
    if text.chars().count() <= characters {
        return Ok(());
    }
    Err(UserError::invalid("Invalid request body", field, format!("must be at most {characters} characters long")))
}
