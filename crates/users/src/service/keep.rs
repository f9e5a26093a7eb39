//! Beside old services a change can be undone by accident: their log-in writes the whole row back as it read it, without
//! a lock (T-30). No lock on this side helps. So each change of what a log-in writes is remembered for a while in the
//! change's own transaction, the account is looked at a few times, and what was undone is put back.
//!
//! Undone is a column that holds again what it held before the change. Whatever else the old side writes is a change of
//! its own and stays.

use std::time::Duration;

use db::Tx;
use kernel::{Ctx, TenantId, UserId};

use crate::model::User;
use crate::sessions::Sessions;
use crate::store::recent::{self, Change, Field, Recent};
use crate::{UserError, Users, audit, events, store};

/// Old log-ins take less than a second, most of it for the hash, so most accidents are over by then.
const FIRST_LOOK: Duration = Duration::from_secs(1);
const NEXT_LOOK: Duration = Duration::from_secs(2);
/// The old services give up a request after half a minute, and with it what it would have written.
const WATCHED_FOR: Duration = Duration::from_secs(30);

impl Users {
    /// Remembers how `after` differs from `before`, if anybody could undo it.
    pub(super) async fn keep(&self, tx: &Tx, cx: &Ctx, before: &User, after: &User) -> Result<(), db::Error> {
        let of = |user: &User| {
            [
                (Field::FirstName, user.first_name.clone()),
                (Field::LastName, user.last_name.clone()),
                (Field::Role, user.role.clone()),
                (Field::IsActive, user.is_active.to_string()),
            ]
        };
        let changes: Vec<Change> = of(before)
            .into_iter()
            .zip(of(after))
            .filter(|((_, before), (_, after))| before != after)
            .map(|((field, before), (_, now))| Change { user: after.id, field, before, after: now })
            .collect();
        self.keep_all(tx, cx, after.tenant_id, &changes).await
    }

    /// The same for changes of one tenant's people.
    pub(super) async fn keep_all(
        &self,
        tx: &Tx,
        cx: &Ctx,
        tenant: TenantId,
        changes: &[Change],
    ) -> Result<(), db::Error> {
        if !self.coexistence || changes.is_empty() {
            return Ok(());
        }
        recent::insert(tx, tenant, changes, cx.now(), cx.now() + FIRST_LOOK).await
    }

    /// Looks at the accounts that were changed lately and puts back what an old log-in undid; returns how many accounts.
    /// Does nothing without old services.
    pub async fn put_back(&self, cx: &Ctx) -> Result<usize, UserError> {
        if !self.coexistence {
            return Ok(0);
        }
        let due = recent::due(&self.db.read_system(REASON).await?, cx.now()).await?;
        let mut mended = 0;
        for user in due {
            match self.put_back_of(cx, user).await {
                Ok(undone) => mended += usize::from(undone),
                // One account that cannot be looked at keeps nobody else waiting.
                Err(error) => {
                    tracing::warn!(%error, user_id = %user, "an account could not be looked at after a change");
                }
            }
        }
        Ok(mended)
    }

    async fn put_back_of(&self, cx: &Ctx, id: UserId) -> Result<bool, UserError> {
        let tx = self.db.begin_system(cx, REASON).await?;
        let Some(now) = recent::lock(&tx, id).await? else {
            recent::look_again(&tx, id, cx.now(), cx.now()).await?;
            tx.commit().await?;
            return Ok(false);
        };
        let undone = undone(&now, &recent::of_user(&tx, id).await?);
        recent::look_again(&tx, id, cx.now() - WATCHED_FOR, cx.now() + NEXT_LOOK).await?;
        if undone.iter().all(Option::is_none) {
            tx.commit().await?;
            return Ok(false);
        }
        let before = store::find_anywhere(&tx, id).await?.ok_or(UserError::NotFound)?;
        recent::put_back(&tx, id, &undone, cx.now()).await?;
        let after = store::find_anywhere(&tx, id).await?.ok_or(UserError::NotFound)?;
        let [hash, .., active] = &undone;
        if let (Sessions::SharedRedis(sessions), true) = (&self.sessions, hash.is_some() || active.is_some()) {
            // The log-in that did it may have left a refresh token that the change was to end.
            sessions.revoke_all(id).await?;
        }
        tx.emit(cx, events::updated(&after)).await?;
        tx.audit(cx, &audit::changed("user.change_put_back", &before, &after)).await?;
        tx.commit().await?;
        self.legacy_cache.forget(&[(id, after.tenant_id)]).await;
        let columns: Vec<&str> = Field::ALL
            .iter()
            .zip(&undone)
            .filter(|(_, value)| value.is_some())
            .map(|(field, _)| field.name())
            .collect();
        tracing::warn!(user_id = %id, columns = columns.join(","), "an old log-in undid a change; it was put back");
        Ok(true)
    }
}

/// What each column, now as in `now`, should hold instead, if it was undone.
fn undone(now: &[String; 5], changes: &[Recent]) -> [Option<String>; 5] {
    let mut values = [const { None }; 5];
    for ((field, now), value) in Field::ALL.iter().zip(now).zip(&mut values) {
        let mut of_field = changes.iter().filter(|change| change.field == field.name());
        let Some(last) = of_field.clone().next_back() else { continue };
        if *now != last.after && of_field.any(|change| change.before == *now) {
            *value = Some(last.after.clone());
        }
    }
    values
}

const REASON: &str = "a job over all tenants";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_stood_before_counts_as_undone() {
        let role = |before: &str, after: &str| Recent {
            field: "role".to_owned(),
            before: before.to_owned(),
            after: after.to_owned(),
        };
        let of = |now: &str, changes: &[Recent]| {
            let row = ["hash", "Ada", "Lovelace", now, "true"].map(str::to_owned);
            undone(&row, changes)[3].clone()
        };
        let once = [role("user", "admin")];
        assert_eq!(of("user", &once).as_deref(), Some("admin"));
        assert_eq!(of("admin", &once), None);
        assert_eq!(of("super_admin", &once), None, "the old side's own change");
        let twice = [role("user", "admin"), role("admin", "super_admin")];
        assert_eq!(of("user", &twice).as_deref(), Some("super_admin"), "read before both");
        assert_eq!(of("admin", &twice).as_deref(), Some("super_admin"), "read between them");
        let back = [role("user", "admin"), role("admin", "user")];
        assert_eq!(of("user", &back), None);
        assert_eq!(of("admin", &back).as_deref(), Some("user"));
        assert_eq!(of("user", &[]), None);
    }
}
