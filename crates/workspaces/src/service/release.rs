//! What becomes of a person's workspaces when the person is deleted (T-55).

use std::collections::BTreeMap;

use db::TenantTx;
use db::audit::AuditEvent;
use kernel::{Ctx, UserId, WorkspaceId};
use serde_json::json;

use super::audit::{self, Happened};
use crate::legacy_cache::Stale;
use crate::model::WorkspaceRole;
use crate::store::members::Place;
use crate::{Workspaces, store};

/// What a departure did: what is yet to be recorded of it, and what it made stale in the old service's cache.
#[derive(Debug, Default)]
pub struct Departure {
    records: Vec<(WorkspaceId, AuditEvent)>,
    stale: Stale,
}

/// Who follows the owner who leaves.
#[derive(Debug, PartialEq, Eq)]
enum Heir {
    /// Another owner is there.
    Nobody,
    /// The admin, else the member, who has been in the workspace longest.
    Member(String),
    /// There is none of them.
    Wanted,
}

impl Workspaces {
    /// Takes the ownership of live workspaces from somebody who is being deleted, in the transaction that deletes them.
    /// Where they were the only owner, somebody else becomes one; a workspace nobody is left in is deleted if it has no
    /// live projects, and else goes to an admin of the tenant. In a tenant without another admin it stays as it is.
    ///
    /// Call it before the account is locked, and [`Workspaces::record_departure`] after: each workspace that changes gets
    /// one record, and the trail's lock comes after all others.
    pub async fn release(&self, tx: &TenantTx, cx: &Ctx, person: UserId) -> Result<Departure, db::Error> {
        store::workspaces::lock_tenant(tx).await?;
        let leaving = person.to_string();
        let mut departure = Departure::default();
        for id in store::workspaces::owned_by(tx, &leaving).await? {
            store::workspaces::lock(tx, id).await?;
            // Read again under the lock: the old service, or a member who left, may have been faster.
            let places = store::members::places(tx, id).await?;
            if places.iter().any(|place| place.user == leaving && place.is_owner()) {
                let people = places.iter().map(|place| place.user.clone()).collect::<Vec<_>>();
                let event = self.hand_over(tx, cx, id, person, &places).await?;
                departure.records.extend(event.map(|event| (id, event)));
                departure.stale = departure.stale.workspace(id).workspaces_of(people);
            }
        }
        Ok(departure)
    }

    /// Writes the records, before the commit.
    pub async fn record_departure(&self, tx: &TenantTx, cx: &Ctx, departure: &Departure) -> Result<(), db::Error> {
        for (id, event) in &departure.records {
            store::audit::insert(tx, cx, *id, event).await?;
        }
        Ok(())
    }

    /// After the commit.
    pub async fn released(&self, departure: Departure) {
        self.legacy_cache.forget(departure.stale).await;
    }

    async fn hand_over(
        &self,
        tx: &TenantTx,
        cx: &Ctx,
        id: WorkspaceId,
        person: UserId,
        places: &[Place],
    ) -> Result<Option<AuditEvent>, db::Error> {
        let leaving = person.to_string();
        let ids: Vec<UserId> = places.iter().filter_map(|place| place.user.parse().ok()).collect();
        let present = self.people.present(tx, &ids).await?.into_iter();
        let present: BTreeMap<String, bool> = present.map(|one| (one.id.to_string(), one.is_active)).collect();
        let next = match heir(&leaving, places, &present) {
            Heir::Nobody => return step_down(tx, id, &leaving).await.map(Some),
            Heir::Member(next) => next,
            Heir::Wanted if store::projects::count_live(tx, id).await? == 0 => {
                store::workspaces::delete(tx, id, cx.now()).await?;
                let workspace = id.to_string();
                let happened = Happened {
                    action: "workspace.deleted",
                    resource_type: audit::WORKSPACE,
                    resource_id: &workspace,
                    changes: None,
                };
                return Ok(Some(happened.event(tx)));
            }
            Heir::Wanted => match self.people.senior_admin(tx, person).await? {
                Some(admin) => admin.to_string(),
                None => return Ok(None),
            },
        };
        // The new owner comes first, so there is never none, and the old schema's trigger agrees (T-46).
        if places.iter().any(|place| place.user == next) {
            store::members::set_role(tx, id, &next, WorkspaceRole::Owner).await?;
        } else {
            store::members::insert(tx, id, &next, WorkspaceRole::Owner, Some(cx.now())).await?;
        }
        store::members::set_role(tx, id, &leaving, WorkspaceRole::Admin).await?;
        let happened = Happened {
            action: "workspace.ownership_transferred",
            resource_type: audit::WORKSPACE,
            resource_id: &id.to_string(),
            changes: Some(json!({ "owner_id": { "old": leaving, "new": next } })),
        };
        Ok(Some(happened.event(tx)))
    }
}

/// One owner of several: somebody who is deleted must not be the one the last other owner leaves behind.
async fn step_down(tx: &TenantTx, id: WorkspaceId, leaving: &str) -> Result<AuditEvent, db::Error> {
    let (old, new) = (WorkspaceRole::Owner, WorkspaceRole::Admin);
    store::members::set_role(tx, id, leaving, new).await?;
    let happened = Happened {
        action: "member.role_updated",
        resource_type: audit::MEMBER,
        resource_id: leaving,
        changes: Some(json!({ "user_id": leaving, "old_role": old, "new_role": new })),
    };
    Ok(happened.event(tx))
}

/// Decides; `places` have the longest-standing member first, `present` says who is not deleted and whether they may log
/// in. Whoever may not log in keeps an ownership, but is given none.
fn heir(leaving: &str, places: &[Place], present: &BTreeMap<String, bool>) -> Heir {
    let others = || places.iter().filter(|place| place.user != leaving);
    if others().any(|place| place.is_owner() && present.contains_key(&place.user)) {
        return Heir::Nobody;
    }
    let first = |role: WorkspaceRole| {
        others().find(|place| place.role == role.as_str() && present.get(&place.user) == Some(&true))
    };
    let next = first(WorkspaceRole::Admin).or_else(|| first(WorkspaceRole::Member));
    next.map_or(Heir::Wanted, |place| Heir::Member(place.user.clone()))
}

#[cfg(test)]
mod tests {
    use super::{Heir, Place, heir};

    fn decide(places: &[(&str, &str)], present: &[(&str, bool)]) -> Heir {
        let place = |(user, role): &(&str, &str)| Place { user: (*user).to_owned(), role: (*role).to_owned() };
        let places: Vec<Place> = places.iter().map(place).collect();
        heir("me", &places, &present.iter().map(|(user, on)| ((*user).to_owned(), *on)).collect())
    }

    #[test]
    fn heirs_are_the_longest_standing_admin_then_member() {
        let places = [("me", "owner"), ("a", "member"), ("b", "viewer"), ("c", "admin"), ("d", "admin")];
        let member = |name: &str| Heir::Member(name.to_owned());
        assert_eq!(decide(&places, &[("a", true), ("b", true), ("c", true), ("d", true)]), member("c"));
        assert_eq!(
            decide(&places, &[("a", true), ("c", false), ("d", true)]),
            member("d"),
            "who is off inherits nothing"
        );
        assert_eq!(decide(&places, &[("a", true), ("b", true)]), member("a"));
        assert_eq!(decide(&places, &[("b", true)]), Heir::Wanted, "a viewer is not asked");
        assert_eq!(decide(&places, &[("me", true)]), Heir::Wanted, "nor is the one who leaves");
    }

    #[test]
    fn other_owners_stay_unless_deleted() {
        let places = [("me", "owner"), ("a", "owner"), ("b", "admin")];
        assert_eq!(decide(&places, &[("a", false), ("b", true)]), Heir::Nobody);
        assert_eq!(decide(&places, &[("b", true)]), Heir::Member("b".to_owned()));
    }
}
