//! A tenant's own words for what people are told, for its admins.

pub(crate) mod delete;
pub(crate) mod get;
pub(crate) mod list;
pub(crate) mod preview;
pub(crate) mod update;

use db::TenantTx;
use db::audit::{AuditEvent, changes};
use kernel::{Actor, Ctx, Role, TenantId, UserId};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::NotificationError;
use crate::model::{Override, Parts, Template};
use crate::ports::Addressee;
use crate::templates::{Kind, kind, parse_locale, vars};

/// Which template: a kind of text and a language.
#[derive(Clone)]
pub(crate) struct Key {
    pub(crate) kind: &'static Kind,
    pub(crate) locale: String,
}

impl Key {
    /// What is no kind or no language names nothing.
    pub(crate) fn parse(name: &str, locale: &str) -> Result<Self, NotificationError> {
        match (kind(name), parse_locale(locale)) {
            (Some(kind), Some(locale)) => Ok(Self { kind, locale }),
            _ => Err(NotificationError::TemplateNotFound),
        }
    }

    /// The template as it is shown.
    fn template(&self, own: Option<Override>) -> Template {
        Template {
            kind: self.kind.name.to_owned(),
            locale: self.locale.clone(),
            overridden: own.is_some(),
            built_in: self.kind.parts(&self.locale).unwrap_or_default(),
            updated_at: own.as_ref().map(|own| own.updated_at),
            parts: own.map(|own| own.parts).unwrap_or_default(),
        }
    }

    fn record(&self, tx: &TenantTx, action: &'static str, before: &Parts, after: &Parts) -> AuditEvent {
        AuditEvent {
            action,
            resource_type: "notification_template",
            resource_id: format!("{}/{}", self.kind.name, self.locale),
            tenant: tx.tenant(),
            changes: changes(Some(before), Some(after)),
        }
    }
}

/// Admins, and services with the internal key that name a tenant.
fn admin(cx: &Ctx) -> Result<TenantId, NotificationError> {
    let tenant = cx.known_tenant().ok_or(NotificationError::NoPerson)?;
    if cx.has_role(Role::Admin) || matches!(cx.actor, Actor::Internal { .. }) {
        Ok(tenant)
    } else {
        Err(NotificationError::TemplatesAreForAdmins)
    }
}

/// What a template of this kind could be filled in with; what is in `more` counts.
fn sample(cx: &Ctx, kind: &Kind, more: Option<Map<String, Value>>) -> Value {
    let ada = Addressee {
        id: UserId(Uuid::nil()),
        email: "ada@example.com".to_owned(),
        email_verified: true,
        first_name: "Ada".to_owned(),
        last_name: "Lovelace".to_owned(),
        display_name: "Ada Lovelace".to_owned(),
        locale: None,
    };
    let mut sample = vars(&kind.sample(), &ada, cx.now());
    for (name, value) in more.unwrap_or_default() {
        sample[name] = json!(value);
    }
    sample
}
