//! Somebody founds a tenant and is its first admin, in one transaction.

use kernel::{Ctx, Role, TenantId};

use super::create::{Create, Parsed, chosen};
use crate::model::{Plan, Tenant, unique_slug};
use crate::ports::{LogIn, NewPerson};
use crate::{TenantError, Tenants, events, store};

/// What a sign-up form carries.
#[derive(Debug)]
pub(crate) struct SignUp {
    pub(crate) name: String,
    pub(crate) slug: Option<String>,
    pub(crate) domain: Option<String>,
    pub(crate) admin: NewPerson,
}

impl Tenants {
    /// Creates the tenant on the free plan, and the account, and logs it in.
    pub(crate) async fn sign_up(&self, cx: &Ctx, form: SignUp) -> Result<(Tenant, LogIn), TenantError> {
        let id: TenantId = cx.new_id();
        // Nobody chose a slug that is made here, so it must not be taken.
        let slug = chosen(form.slug.as_deref()).map_or_else(|| Ok(unique_slug(&form.name, id)), str::parse)?;
        let new = Create {
            name: form.name,
            domain: form.domain,
            plan: Some(Plan::Free.as_str().to_owned()),
            ..Create::default()
        };
        let parsed = Parsed::check(cx, new, slug)?;
        let mut applicant = self.people.prepare(cx, form.admin).await?;

        let tx = self.db.begin_system(cx, "a sign-up has no tenant yet").await?;
        parsed.insert(&tx, cx, id).await?;
        let admin = applicant.admit(&tx, cx, id, Role::Admin).await?;
        let tenant = store::find(&tx, id).await?.ok_or(TenantError::NotFound)?;
        tx.emit(cx, events::tenant("tenant.created", &tenant)).await?;
        let changes = parsed.changes().field("admin", serde_json::Value::Null, admin.to_string());
        tx.audit(cx, &changes.of_tenant("tenant.signed_up", id)).await?;
        tx.commit().await?;
        Ok((tenant, applicant.log_in(cx).await?))
    }
}
