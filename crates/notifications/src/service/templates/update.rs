//! A tenant's own words.

use kernel::Ctx;
use uuid::Uuid;

use super::{Key, admin, sample};
use crate::model::{Parts, Template};
use crate::templates::try_out;
use crate::{NotificationError, Notifications, store};

/// Enough for every kind of text in some twenty languages.
const MOST: i64 = 200;

impl Notifications {
    /// Puts `parts` in the place of the tenant's own before; what changes nothing writes nothing. They are filled in
    /// with a sample first, so that most mistakes are seen by who makes them.
    pub(crate) async fn update_template(
        &self,
        cx: &Ctx,
        key: &Key,
        parts: Parts,
    ) -> Result<Template, NotificationError> {
        admin(cx)?;
        parts.check()?;
        if parts == Parts::default() {
            return Err(NotificationError::invalid("title", "must be given, or message, subject or body"));
        }
        try_out(&parts, &sample(cx, key.kind, None))?;
        let (kind, locale) = (key.kind.name, key.locale.as_str());
        let tx = self.db.begin(cx).await?;
        store::templates::lock(&tx).await?;
        let before = key.template(store::templates::find(&tx, kind, locale).await?);
        tx.if_match(&before)?;
        if before.parts == parts {
            return Ok(before);
        }
        if !before.overridden && store::templates::count(&tx).await? >= MOST {
            return Err(NotificationError::TooManyTemplates(MOST));
        }
        store::templates::put(&tx, cx.new_id::<Uuid>(), kind, locale, &parts, cx.now()).await?;
        let after = key.template(store::templates::find(&tx, kind, locale).await?);
        tx.audit(cx, &key.record(&tx, "notification_template.updated", &before.parts, &parts)).await?;
        tx.commit().await?;
        Ok(after)
    }
}
