//! What the old services are described to do, asked of the stand-in: every route with its success and its error texts.
//!
//! It is asked once of the old tables as they were and once after this program added its own to them, as each kind of
//! role: what is answered must be the same.

mod auth;
mod login;
mod notifications;
mod routing;
mod scene;
mod tenants;
mod tokens;
mod users;
mod users_failing;
mod workspace_members;
mod workspace_projects;
mod workspaces;

pub use self::scene::{JWT_SECRET, Scene};

impl Scene {
    /// Everything.
    pub async fn run(&self) {
        routing::all(self).await;
        auth::all(self).await;
        login::all(self).await;
        tokens::all(self).await;
        if self.layout.user_service_works() {
            users::all(self).await;
        } else {
            users_failing::all(self).await;
        }
        workspaces::all(self).await;
        workspace_projects::all(self).await;
        workspace_members::all(self).await;
        tenants::all(self).await;
        notifications::all(self).await;
    }
}
