//! The rows of `users`, as auth-service reads and writes them.

use jiff::Timestamp;
use serde_json::{Value, json};
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;
use uuid::Uuid;

use super::Auth;
use crate::legacy::fault::Fault;

/// A row. A NULL anywhere but in `last_login_at` makes the whole row unreadable (T-43).
#[derive(Debug, Clone)]
pub(crate) struct Account {
    pub(crate) id: Uuid,
    pub(crate) email: String,
    pub(super) password_hash: String,
    pub(super) first_name: String,
    pub(super) last_name: String,
    pub(crate) role: String,
    pub(crate) tenant_id: Uuid,
    pub(super) is_active: bool,
    pub(super) email_verified: bool,
    pub(super) created_at: Timestamp,
    pub(super) updated_at: Timestamp,
    pub(super) last_login_at: Option<Timestamp>,
}

const SELECT: &str = "SELECT id, email, password_hash, first_name, last_name, role, tenant_id, is_active, \
    email_verified, created_at, updated_at, last_login_at FROM users";

impl Account {
    fn of(row: &Row) -> Result<Self, Fault> {
        Ok(Self {
            id: row.try_get(0)?,
            email: row.try_get(1)?,
            password_hash: row.try_get(2)?,
            first_name: row.try_get(3)?,
            last_name: row.try_get(4)?,
            role: row.try_get(5)?,
            tenant_id: row.try_get(6)?,
            is_active: row.try_get(7)?,
            email_verified: row.try_get(8)?,
            created_at: row.try_get(9)?,
            updated_at: row.try_get(10)?,
            last_login_at: row.try_get(11)?,
        })
    }

    /// The User of contract 1.1.1.
    pub(super) fn shown(&self) -> Value {
        let mut user = json!({
            "id": self.id, "email": self.email, "first_name": self.first_name, "last_name": self.last_name,
            "role": self.role, "tenant_id": self.tenant_id, "is_active": self.is_active,
            "email_verified": self.email_verified, "created_at": self.created_at, "updated_at": self.updated_at,
        });
        if let Some(at) = self.last_login_at {
            user["last_login_at"] = json!(at);
        }
        user
    }
}

impl Auth {
    /// By the address exactly as it is stored.
    pub(super) async fn by_email(&self, email: &str) -> Result<Option<Account>, Fault> {
        self.one(&format!("{SELECT} WHERE email = $1"), &[&email]).await
    }

    pub(super) async fn by_id(&self, id: &str) -> Result<Option<Account>, Fault> {
        self.one(&format!("{SELECT} WHERE id = $1"), &[&Uuid::parse_str(id)?]).await
    }

    async fn one(&self, sql: &str, parameters: &[&(dyn ToSql + Sync)]) -> Result<Option<Account>, Fault> {
        self.store.row(sql, parameters).await?.as_ref().map(Account::of).transpose()
    }

    pub(super) async fn insert(&self, new: &Account) -> Result<(), Fault> {
        let sql = "INSERT INTO users (id, email, password_hash, first_name, last_name, role, tenant_id, is_active, \
            email_verified, created_at, updated_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)";
        let Account { id, email, password_hash, first_name, last_name, role, tenant_id, .. } = new;
        let Account { is_active, email_verified, created_at, updated_at, .. } = new;
        self.store
            .execute(
                sql,
                &[
                    id,
                    email,
                    password_hash,
                    first_name,
                    last_name,
                    role,
                    tenant_id,
                    is_active,
                    email_verified,
                    created_at,
                    updated_at,
                ],
            )
            .await?;
        Ok(())
    }

    /// Writes the whole row as it was read, whoever changed it meanwhile (T-30). `updated_at` is the writer's.
    pub(super) async fn update(&self, changed: &Account) -> Result<(), Fault> {
        let sql = "UPDATE users SET email = $2, password_hash = $3, first_name = $4, last_name = $5, role = $6, \
            tenant_id = $7, is_active = $8, email_verified = $9, updated_at = $10, last_login_at = $11 WHERE id = $1";
        let Account { id, email, password_hash, first_name, last_name, role, tenant_id, .. } = changed;
        let Account { is_active, email_verified, last_login_at, .. } = changed;
        self.store
            .execute(
                sql,
                &[
                    id,
                    email,
                    password_hash,
                    first_name,
                    last_name,
                    role,
                    tenant_id,
                    is_active,
                    email_verified,
                    &self.clock.now(),
                    last_login_at,
                ],
            )
            .await?;
        Ok(())
    }
}
