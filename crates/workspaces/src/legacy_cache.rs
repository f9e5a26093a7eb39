//! The old services cache objects in Redis for minutes; after a change their entries are deleted, never read (T-57).

use kernel::{ProjectId, WorkspaceId};
use redis::AsyncCommands as _;
use redis::aio::ConnectionManager;

pub(crate) struct LegacyCache(Option<ConnectionManager>);

/// Keys of the old services.
#[derive(Debug, Default)]
pub(crate) struct Stale(Vec<String>);

impl Stale {
    pub(crate) fn workspace(mut self, id: WorkspaceId) -> Self {
        self.0.push(format!("workspace:{id}"));
        self
    }

    pub(crate) fn project(mut self, id: ProjectId) -> Self {
        self.0.push(format!("project:{id}"));
        self
    }

    /// The lists of workspaces of `people`.
    pub(crate) fn workspaces_of<T: AsRef<str>>(mut self, people: impl IntoIterator<Item = T>) -> Self {
        self.0.extend(people.into_iter().map(|id| format!("user:workspaces:{}", id.as_ref())));
        self
    }
}

impl LegacyCache {
    pub(crate) const fn new(redis: Option<ConnectionManager>) -> Self {
        Self(redis)
    }

    /// Called after the commit; a failure is only logged, because the entries expire by themselves and the change must
    /// not fail for it.
    pub(crate) async fn forget(&self, stale: Stale) {
        let Some(mut redis) = self.0.clone() else { return };
        if stale.0.is_empty() {
            return;
        }
        if let Err(error) = redis.unlink::<_, ()>(&stale.0).await {
            tracing::warn!(%error, "an old service's cache entries could not be deleted; they expire within 5 minutes");
        }
    }
}
