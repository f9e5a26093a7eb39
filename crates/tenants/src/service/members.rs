//! The people of the caller's tenant, as the tenant dashboard shows them. Who they are is the users slice's.

use kernel::{Ctx, Page, PageRequest, UserId};

use crate::ports::Person;
use crate::{TenantError, Tenants};

impl Tenants {
    /// One page of the own tenant's people.
    pub(crate) async fn list_members(
        &self,
        cx: &Ctx,
        search: Option<String>,
        request: PageRequest,
    ) -> Result<Page<Person>, TenantError> {
        let own = cx.in_tenant(self.own(cx)?);
        Ok(self.people.list(&own, search, request).await?)
    }

    /// Changes what somebody of the own tenant may do. Somebody of another tenant is as missing as nobody (T-16).
    pub(crate) async fn change_member_role(&self, cx: &Ctx, id: UserId, role: &str) -> Result<Person, TenantError> {
        let own = cx.in_tenant(self.own(cx)?);
        if !self.people.is_of_tenant(&self.db.read(&own).await?, id).await? {
            return Err(TenantError::MemberNotFound);
        }
        Ok(self.people.change_role(&own, id, role).await?)
    }
}
