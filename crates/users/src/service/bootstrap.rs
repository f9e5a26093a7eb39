//! The first super admin, from the command line or the first start.

use kernel::{Ctx, Email, Redacted, Role, UserId};

use crate::model::NewPassword;
use crate::ports::SignUpTenant;
use crate::store::NewUser;
use crate::{UserError, Users, audit, store};

/// A super admin to create.
#[derive(Debug)]
pub struct NewSuperAdmin {
    /// The e-mail address to log in with.
    pub email: String,
    /// The password.
    pub password: Redacted<String>,
}

impl Users {
    /// Whether there is a super admin already.
    pub async fn has_super_admin(&self) -> Result<bool, UserError> {
        let tx = self.db.read_system("super admins belong to no tenant in particular").await?;
        Ok(store::super_admin_exists(&tx).await?)
    }

    /// Creates a super admin in a tenant of their own.
    pub async fn create_super_admin(&self, cx: &Ctx, new: NewSuperAdmin) -> Result<UserId, UserError> {
        let email = new.email.parse::<Email>()?;
        let password = NewPassword::parse("password", &new.password, self.passwords.scheme())?;
        let hash = self.passwords.hash(password.into_inner(), cx.rng()).await?;
        let (id, tenant): (UserId, _) = (cx.new_id(), cx.new_id());
        let tx = self.db.begin_system(cx, "super admins belong to no tenant in particular").await?;
        store::lock_email(&tx, &email).await?;
        if store::email_exists(&tx, &email).await? {
            return Err(UserError::EmailTaken);
        }
        self.tenants
            .create_for_sign_up(&tx, cx, &SignUpTenant { id: tenant, name: "Administration".to_owned() })
            .await?;
        let row = NewUser {
            id,
            email: &email,
            password_hash: &hash,
            first_name: "Super",
            last_name: "Admin",
            role: Role::SuperAdmin.as_str(),
            tenant,
            is_active: true,
            email_verified: true,
            metadata: "{}",
        };
        store::insert(&tx, &row, cx.now()).await?;
        let user = store::find_anywhere(&tx, id).await?.ok_or(UserError::NotFound)?;
        tx.audit(cx, &audit::created("user.created", &user)).await?;
        tx.commit().await?;
        Ok(id)
    }
}
