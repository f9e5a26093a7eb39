//! All templates of a tenant.

use kernel::Ctx;

use super::{Key, admin};
use crate::model::{Override, Template};
use crate::templates::{KINDS, LOCALES};
use crate::{NotificationError, Notifications, store};

impl Notifications {
    /// Every kind in every language that the program or the tenant has words in.
    pub(crate) async fn list_templates(&self, cx: &Ctx) -> Result<Vec<Template>, NotificationError> {
        admin(cx)?;
        let mut own = store::templates::all(&self.db.read(cx).await?).await?;
        let mut templates = Vec::new();
        for kind in KINDS {
            let (of_kind, others): (Vec<Override>, _) = own.into_iter().partition(|own| own.kind == kind.name);
            own = others;
            let more = of_kind.iter().map(|own| own.locale.as_str()).filter(|locale| !LOCALES.contains(locale));
            for locale in LOCALES.into_iter().chain(more) {
                let own = of_kind.iter().find(|own| own.locale == locale).cloned();
                templates.push(Key { kind, locale: locale.to_owned() }.template(own));
            }
        }
        Ok(templates)
    }
}
