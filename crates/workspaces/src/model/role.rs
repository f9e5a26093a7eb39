//! What a member may do in one workspace.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// viewer < member < admin < owner.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum WorkspaceRole {
    /// Reads.
    Viewer,
    /// Works on projects and connects bases.
    Member,
    /// Changes the workspace and its members.
    Admin,
    /// Deletes it and makes other owners.
    Owner,
}

impl WorkspaceRole {
    /// The word that is stored.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Member => "member",
            Self::Admin => "admin",
            Self::Owner => "owner",
        }
    }

    /// Reads a stored role. Unknown words rank as none, as in the old service.
    pub fn from_stored(word: &str) -> Option<Self> {
        [Self::Viewer, Self::Member, Self::Admin, Self::Owner].into_iter().find(|role| role.as_str() == word)
    }

    /// Reads a role a client asks for; words of other editions stand for the four legal ones (T-19).
    pub fn parse(word: &str) -> Option<Self> {
        match word {
            "editor" => Some(Self::Member),
            "commenter" | "guest" => Some(Self::Viewer),
            legal => Self::from_stored(legal),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::WorkspaceRole::{self, Admin, Member, Owner, Viewer};

    #[test]
    fn role_ladder_and_aliases() {
        assert!(Viewer < Member && Member < Admin && Admin < Owner);
        for (word, role) in
            [("owner", Owner), ("admin", Admin), ("member", Member), ("editor", Member), ("guest", Viewer)]
        {
            assert_eq!(WorkspaceRole::parse(word), Some(role));
        }
        assert_eq!(WorkspaceRole::parse("commenter"), Some(Viewer));
        assert_eq!((WorkspaceRole::parse("Owner"), WorkspaceRole::parse("")), (None, None));
        assert_eq!(WorkspaceRole::from_stored("editor"), None);
    }
}
