//! The members of a workspace, with who they are.

use std::collections::HashMap;

use db::list::Order;
use kernel::{Ctx, Page, PageRequest, UserId, WorkspaceId};

use crate::model::Member;
use crate::store::members::LIST;
use crate::store::workspaces::Target;
use crate::{PersonCard, WorkspaceError, Workspaces};

impl Workspaces {
    /// One page, newest first by default; empty for people of the tenant who are not members (contract 1.3.7).
    pub(crate) async fn list_members(
        &self,
        cx: &Ctx,
        id: WorkspaceId,
        order: Order,
        request: PageRequest,
    ) -> Result<Page<Member>, WorkspaceError> {
        let cx = &self.cross(cx, Target::Workspace(id)).await?;
        let at = LIST.position(order, request)?;
        let tx = self.db.read(cx).await?;
        if !self.access(&tx, cx, id).await?.is_inside() {
            return Ok(at.nothing());
        }
        let page = LIST.page::<Member>(&tx, at, &[&id.0]).await?;
        let ids: Vec<UserId> = page.items.iter().filter_map(|member| member.user_id.parse().ok()).collect();
        let cards = self.people.cards(&tx, &ids).await?;
        let mut cards: HashMap<String, PersonCard> =
            cards.into_iter().map(|card| (card.id.to_string(), card)).collect();
        Ok(page.map(|member| Member { user: Some(cards.remove(&member.user_id)), ..member }))
    }
}
