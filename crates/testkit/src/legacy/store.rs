//! A service's connections. Old services hold no transaction longer than one statement.

use deadpool_postgres::{Hook, HookError, Manager, ManagerConfig, Pool, RecyclingMethod};
use tokio_postgres::types::ToSql;
use tokio_postgres::{NoTls, Row};

use super::fault::Fault;
use super::layouts::Place;

/// The pool of one service.
#[derive(Clone)]
pub(super) struct Store {
    pool: Pool,
}

type Parameters<'a> = &'a [&'a (dyn ToSql + Sync)];

impl Store {
    pub(super) fn new(place: &Place, connections: usize) -> Result<Self, Fault> {
        let recycling = ManagerConfig { recycling_method: RecyclingMethod::Fast };
        let session = place.session();
        let pool = Pool::builder(Manager::from_config(place.config.clone(), NoTls, recycling))
            .max_size(connections)
            .post_create(Hook::async_fn(move |client, _| {
                let session = session.clone();
                Box::pin(async move { client.batch_execute(&session).await.map_err(HookError::Backend) })
            }))
            .build()?;
        Ok(Self { pool })
    }

    pub(super) async fn rows(&self, sql: &str, parameters: Parameters<'_>) -> Result<Vec<Row>, Fault> {
        Ok(self.pool.get().await?.query(sql, parameters).await?)
    }

    /// The first row, if there is one.
    pub(super) async fn row(&self, sql: &str, parameters: Parameters<'_>) -> Result<Option<Row>, Fault> {
        Ok(self.rows(sql, parameters).await?.into_iter().next())
    }

    /// A number that a statement counts.
    pub(super) async fn count(&self, sql: &str, parameters: Parameters<'_>) -> Result<i64, Fault> {
        match self.row(sql, parameters).await? {
            Some(row) => Ok(row.try_get(0)?),
            None => Ok(0),
        }
    }

    /// How many rows it touched is for the caller to look at. Most did not.
    pub(super) async fn execute(&self, sql: &str, parameters: Parameters<'_>) -> Result<u64, Fault> {
        Ok(self.pool.get().await?.execute(sql, parameters).await?)
    }

    pub(super) async fn batch(&self, sql: &str) -> Result<(), Fault> {
        Ok(self.pool.get().await?.batch_execute(sql).await?)
    }
}
