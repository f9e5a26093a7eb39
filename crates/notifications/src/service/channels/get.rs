//! A person's addresses, read.

use kernel::{Ctx, Page, PageRequest};

use super::super::own;
use crate::model::{Channel, ChannelId};
use crate::store::channels::LIST;
use crate::{NotificationError, Notifications, store};

impl Notifications {
    /// One page, the newest first.
    pub(crate) async fn list_channels(
        &self,
        cx: &Ctx,
        request: PageRequest,
    ) -> Result<Page<Channel>, NotificationError> {
        let user = own(cx)?;
        let at = LIST.position(LIST.order(None, false), request)?;
        let tx = self.db.read(cx).await?;
        let tenant = tx.tenant().0;
        Ok(LIST.page(&tx, at, &[&tenant, &user.0]).await?)
    }

    /// One.
    pub(crate) async fn get_channel(&self, cx: &Ctx, id: ChannelId) -> Result<Channel, NotificationError> {
        let user = own(cx)?;
        let tx = self.db.read(cx).await?;
        store::channels::find(&tx, user, id).await?.ok_or(NotificationError::ChannelNotFound)
    }
}
