//! Is this access token good? Asked by gateways and other services.

use kernel::Ctx;
use web::{AuthFailure, Authenticator as _};

use crate::token::Claims;
use crate::{UserError, Users};

impl Users {
    /// The claims of `token` if it is valid and its person active; `None` if not.
    pub(crate) async fn validate(&self, cx: &Ctx, token: &str) -> Result<Option<Claims>, UserError> {
        match self.authenticate(cx, token).await {
            Ok(_) => Ok(self.tokens.verify(token, cx.now())),
            Err(AuthFailure::Refused) => Ok(None),
            Err(AuthFailure::Database(error)) => Err(error.into()),
        }
    }
}
