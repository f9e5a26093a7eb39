//! Which operations are counted together.

/// Operations with a limit of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Family {
    /// What takes passwords or makes accounts. The rest of `/auth` is not: others ask it about tokens with every request.
    Auth,
    /// People and tenants.
    Users,
    /// Workspaces and what is in them.
    Workspaces,
    /// Notifications and webhooks.
    Notifications,
}

/// Paths that take passwords or make accounts.
const AUTH: [&str; 6] = [
    "/auth/login",
    "/auth/admin/login",
    "/auth/register",
    "/auth/change-password",
    "/tenants/sign-up",
    "/public/invitations/accept",
];

impl Family {
    /// The family of a route's path, without prefixes; `None` for what is not counted.
    pub fn of(path: &str) -> Option<Self> {
        if AUTH.contains(&path) {
            return Some(Self::Auth);
        }
        let mut segments = path.split('/').skip(1);
        Some(match (segments.next()?, segments.next()) {
            ("users" | "tenants" | "tenant" | "admin", _) => Self::Users,
            ("workspaces" | "projects" | "airtable-bases" | "audit-logs", _) => Self::Workspaces,
            ("notifications" | "webhooks", _) | ("user", Some("notifications")) => Self::Notifications,
            _ => return None,
        })
    }

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Auth => "auth",
            Self::Users => "users",
            Self::Workspaces => "workspaces",
            Self::Notifications => "notifications",
        }
    }
}
