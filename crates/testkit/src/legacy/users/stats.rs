//! `GET /users/stats` (contract 1.2.5), cached for an hour.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::{Users, cache, tenant_id};
use crate::legacy::fault::Fault;
use crate::legacy::framework::{Parameters, Reply, answer, failed};

pub(super) async fn stats(State(users): State<Arc<Users>>, headers: HeaderMap, uri: Uri) -> Reply {
    let query = Parameters::of(&uri);
    let tenant = query.get("tenant_id").unwrap_or_else(|| tenant_id(&headers));
    let key = if tenant.is_empty() { "stats:global".to_owned() } else { format!("stats:tenant:{tenant}") };
    if let Some(stats) = users.cache.get::<Value>(&key).await {
        return answer(StatusCode::OK, &stats);
    }
    let stats = users.count(tenant).await.map_err(failed("Failed to get user statistics"))?;
    users.cache.put(&key, &stats, cache::STATS).await;
    answer(StatusCode::OK, &stats)
}

impl Users {
    async fn count(&self, tenant: &str) -> Result<Value, Fault> {
        let tenant = if tenant.is_empty() { None } else { Some(Uuid::parse_str(tenant)?) };
        let now = self.clock.now();
        let since = now.checked_sub(jiff::SignedDuration::from_hours(30 * 24)).unwrap_or(now);
        let of = "FROM users WHERE deleted_at IS NULL AND ($1::uuid IS NULL OR tenant_id = $1)";
        let sql = format!(
            "SELECT count(*), count(*) FILTER (WHERE is_active), count(*) FILTER (WHERE email_verified), \
             count(*) FILTER (WHERE created_at >= $2) {of}"
        );
        let row = self.store.row(&sql, &[&tenant, &since]).await?;
        let row = row.ok_or_else(|| Fault("no rows in result set".to_owned()))?;
        let count = |index| row.try_get::<_, i64>(index);
        let mut roles = Map::new();
        for role in self.store.rows(&format!("SELECT role, count(*) {of} GROUP BY role"), &[&tenant]).await? {
            roles.insert(role.try_get(0)?, json!(role.try_get::<_, i64>(1)?));
        }
        Ok(json!({
            "total_users": count(0)?, "active_users": count(1)?, "verified_users": count(2)?, "users_by_role": roles,
            "users_by_tenant": {}, "recent_signups": count(3)?, "last_updated": now,
        }))
    }
}
