//! The caller's own feed.

use jiff::Timestamp;
use kernel::{Ctx, Page, PageRequest};

use super::own;
use crate::model::Notification;
use crate::store::feed::LIST;
use crate::{NotificationError, Notifications};

/// What may be filtered by.
#[derive(Debug, Default)]
pub(crate) struct Filters {
    pub(crate) is_read: Option<bool>,
    pub(crate) kind: Option<String>,
    /// From this moment on.
    pub(crate) since: Option<Timestamp>,
    /// Before this moment.
    pub(crate) until: Option<Timestamp>,
}

impl Notifications {
    /// One page, the newest first.
    pub(crate) async fn list(
        &self,
        cx: &Ctx,
        filters: &Filters,
        request: PageRequest,
    ) -> Result<Page<Notification>, NotificationError> {
        let user = own(cx)?;
        let at = LIST.position(LIST.order(None, false), request)?;
        let tx = self.db.read(cx).await?;
        let (tenant, now) = (tx.tenant().0, cx.now());
        let Filters { is_read, kind, since, until } = filters;
        let params: [&(dyn db::ToSql + Sync); 7] = [&tenant, &user.0, &now, is_read, kind, since, until];
        Ok(LIST.page(&tx, at, &params).await?)
    }
}
