//! What a template makes, before anybody is told in its words.

use kernel::Ctx;
use serde_json::{Map, Value};

use super::{Key, admin, sample};
use crate::model::{Override, Parts};
use crate::templates::{Feed, Mail, Texts, try_out};
use crate::{NotificationError, Notifications, store};

/// More than any event has to tell.
const MOST_BYTES: usize = 8 * 1024;

impl Notifications {
    /// Fills `parts` in, and where there is none what the tenant has, with a sample that `variables` change.
    pub(crate) async fn preview_template(
        &self,
        cx: &Ctx,
        key: &Key,
        parts: Parts,
        variables: Option<Map<String, Value>>,
    ) -> Result<(Feed, Mail), NotificationError> {
        let tenant = admin(cx)?;
        parts.check()?;
        // Steps are bounded, and what one costs grows with what it looks at.
        if serde_json::to_string(&variables).is_ok_and(|text| text.len() > MOST_BYTES) {
            return Err(NotificationError::invalid("variables", format!("must be at most {MOST_BYTES} bytes of JSON")));
        }
        let sample = sample(cx, key.kind, variables);
        try_out(&parts, &sample)?;
        let own = store::templates::of_kind(&self.db.read(cx).await?, key.kind.name).await?;
        let (mut here, mut all): (Vec<_>, Vec<_>) = own.into_iter().partition(|own| own.locale == key.locale);
        let saved = here.pop().map(|own| own.parts).unwrap_or_default();
        let (kind, locale) = (key.kind.name.to_owned(), key.locale.clone());
        all.push(Override { kind, locale, parts: parts.or(saved), updated_at: cx.now() });
        let texts = Texts::new(key.kind.name, tenant, all);
        Ok((texts.feed(&key.locale, &sample), texts.mail(&key.locale, &sample)))
    }
}
