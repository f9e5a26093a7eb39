//! A tenant's webhooks.

use kernel::{Ctx, Page, PageRequest};

use super::admin;
use crate::model::Webhook;
use crate::store::webhooks::LIST;
use crate::{NotificationError, Notifications};

impl Notifications {
    /// One page, the newest first.
    pub(crate) async fn list_webhooks(
        &self,
        cx: &Ctx,
        request: PageRequest,
    ) -> Result<Page<Webhook>, NotificationError> {
        admin(cx)?;
        let at = LIST.position(LIST.order(None, false), request)?;
        let tx = self.db.read(cx).await?;
        let tenant = tx.tenant().0;
        Ok(LIST.page(&tx, at, &[&tenant]).await?)
    }
}
