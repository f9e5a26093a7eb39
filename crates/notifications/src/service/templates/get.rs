//! A single template.

use kernel::Ctx;

use super::{Key, admin};
use crate::model::Template;
use crate::{NotificationError, Notifications, store};

impl Notifications {
    /// One of the tenant's.
    pub(crate) async fn get_template(&self, cx: &Ctx, key: &Key) -> Result<Template, NotificationError> {
        admin(cx)?;
        let own = store::templates::find(&self.db.read(cx).await?, key.kind.name, &key.locale).await?;
        Ok(key.template(own))
    }
}
