//! Back to the program's words.

use kernel::Ctx;

use super::{Key, admin};
use crate::model::Parts;
use crate::{NotificationError, Notifications, store};

impl Notifications {
    /// Forgets the tenant's own.
    pub(crate) async fn delete_template(&self, cx: &Ctx, key: &Key) -> Result<(), NotificationError> {
        admin(cx)?;
        let (kind, locale) = (key.kind.name, key.locale.as_str());
        let tx = self.db.begin(cx).await?;
        store::templates::lock(&tx).await?;
        let before = key.template(store::templates::find(&tx, kind, locale).await?);
        if !before.overridden {
            return Err(NotificationError::TemplateNotFound);
        }
        tx.if_match(&before)?;
        store::templates::delete(&tx, kind, locale).await?;
        tx.audit(cx, &key.record(&tx, "notification_template.deleted", &before.parts, &Parts::default())).await?;
        Ok(tx.commit().await?)
    }
}
