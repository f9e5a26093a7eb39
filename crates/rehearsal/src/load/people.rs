//! On whose behalf requests are sent, and where they work.

use jiff::Timestamp;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::json;
use tokio_postgres::Client;

/// A workspace with somebody who owns it.
#[derive(Debug, Clone)]
pub struct Place {
    /// The workspace's id.
    pub workspace: String,
    /// An access token of its owner.
    pub token: String,
}

/// Somebody who logs in.
#[derive(Debug, Clone)]
pub struct Account {
    /// The address.
    pub email: String,
    /// The password.
    pub password: String,
}

/// Everybody.
#[derive(Debug, Clone, Default)]
pub struct People {
    /// Where they work.
    pub places: Vec<Place>,
    /// Who logs in. Nobody's password, name or role is changed.
    pub accounts: Vec<Account>,
}

/// Live workspaces with room for projects, each with an owner who may log in (T-48, T-54, T-55).
const OWNED: &str = "
    SELECT DISTINCT ON (w.id) w.id::text, u.id::text, u.tenant_id::text, u.email
    FROM workspaces w JOIN workspace_members m ON m.workspace_id::text = w.id::text
        JOIN users u ON u.id::text = m.user_id
    WHERE w.deleted_at IS NULL AND m.role = 'owner' AND u.is_active AND u.tenant_id::text = w.tenant_id
        AND NOT EXISTS (SELECT FROM user_profiles p WHERE p.user_id = u.id AND p.deleted_at IS NOT NULL)
        AND NOT u.tenant_id = ANY ($2::text[]::uuid[])
    ORDER BY w.id, u.id LIMIT $1";

impl People {
    /// Owners of at most `most` workspaces, with access tokens that end in an hour, as services with this key take them.
    pub async fn from_tables(
        database: &Client,
        jwt_secret: &str,
        most: i64,
        now: Timestamp,
    ) -> Result<Self, tokio_postgres::Error> {
        let key = EncodingKey::from_secret(jwt_secret.as_bytes());
        let has_tenants = "SELECT to_regclass('tenants') IS NOT NULL";
        let suspended: Vec<String> = if database.query_one(has_tenants, &[]).await?.get(0) {
            let sql =
                "SELECT coalesce(array_agg(id::text), '{}') FROM tenants WHERE NOT is_active OR deleted_at IS NOT NULL";
            database.query_one(sql, &[]).await?.get(0)
        } else {
            Vec::new()
        };
        let rows = database.query(OWNED, &[&most, &suspended]).await?;
        let places = rows.iter().map(|row| {
            let (user, tenant, email): (&str, &str, &str) = (row.get(1), row.get(2), row.get(3));
            let claims = json!({ "user_id": user, "tenant_id": tenant, "email": email, "role": "user",
                                 "iat": now.as_second(), "exp": now.as_second() + 3600 });
            let token = jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims, &key).unwrap_or_default();
            Place { workspace: row.get(0), token }
        });
        Ok(Self { places: places.collect(), accounts: Vec::new() })
    }

    /// A part for each of at most `workers`; a place belongs to one.
    pub(super) fn shared_among(self, workers: usize) -> Vec<Self> {
        let workers = workers.min(self.places.len()).max(1);
        let mut parts = vec![Self::default(); workers];
        for (number, place) in self.places.into_iter().enumerate() {
            parts[number % workers].places.push(place);
        }
        for (number, account) in self.accounts.into_iter().enumerate() {
            parts[number % workers].accounts.push(account);
        }
        parts
    }
}
