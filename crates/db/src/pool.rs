//! The two pools: one for each role, so that a connection's role never changes while it is in use.

use std::sync::Arc;

use deadpool_postgres::{Hook, HookError, Manager, ManagerConfig, Object, Pool, PoolError, RecyclingMethod, Runtime};
use kernel::{Conditions, Ctx, TenantId};
use tokio_postgres::Client;

use crate::audit::AuditKey;
use crate::config::{DatabaseUrl, PoolLimits};
use crate::error::describe;
use crate::tx::{Parts, Scope, SystemTx, TenantTx};
use crate::{APP_ROLE, Error, SYSTEM_ROLE, tls};

/// Access to the database. Cheap to clone.
#[derive(Clone)]
pub struct Db {
    app: Pool,
    system: Pool,
    limits: Arc<PoolLimits>,
    audit_key: AuditKey,
}

impl Db {
    /// Sets the pools up; connections are made when first needed.
    pub fn new(url: &DatabaseUrl, limits: PoolLimits, audit_key: AuditKey) -> Result<Self, Error> {
        Ok(Self {
            app: pool(url, &limits, APP_ROLE, limits.app_connections)?,
            system: pool(url, &limits, SYSTEM_ROLE, limits.system_connections)?,
            limits: Arc::new(limits),
            audit_key,
        })
    }

    /// A transaction that sees and writes the rows of the context's tenant. Nothing is sent before the first
    /// statement, which travels together with `BEGIN` and the tenant.
    pub async fn begin(&self, cx: &Ctx) -> Result<TenantTx, Error> {
        let tenant = cx.tenant.ok_or(Error::NoTenant)?;
        Ok(TenantTx::new(self.parts(&self.app, cx.conditions()).await?, Scope::Transaction(Some(tenant))))
    }

    /// Reads of the context's tenant, each statement on its own snapshot: no `BEGIN` and `COMMIT` to pay for.
    pub async fn read(&self, cx: &Ctx) -> Result<TenantTx, Error> {
        let tenant: TenantId = cx.tenant.ok_or(Error::NoTenant)?;
        Ok(TenantTx::new(self.parts(&self.app, cx.conditions()).await?, Scope::Read(Some(tenant))))
    }

    /// A transaction across tenants. `reason` says why a tenant transaction will not do.
    pub async fn begin_system(&self, cx: &Ctx, reason: &'static str) -> Result<SystemTx, Error> {
        let parts = self.parts(&self.system, cx.conditions()).await?;
        Ok(SystemTx::new(parts, Scope::Transaction(None), reason))
    }

    /// Reads across tenants. `reason` says why a tenant transaction will not do.
    pub async fn read_system(&self, reason: &'static str) -> Result<SystemTx, Error> {
        let parts = self.parts(&self.system, &Arc::default()).await?;
        Ok(SystemTx::new(parts, Scope::Read(None), reason))
    }

    /// One round trip to the server, for health checks.
    pub async fn ping(&self) -> Result<(), Error> {
        let connection = self.checkout(&self.system).await?;
        let answer = tokio::time::timeout(self.limits.wait, connection.batch_execute("")).await;
        if let Ok(result) = answer {
            return result.map_err(|error| Error::from_driver("ping", error));
        }
        drop(Object::take(connection));
        Err(Error::Timeout("ping"))
    }

    /// (connections in use, connections open, most allowed) of both pools together.
    pub fn usage(&self) -> (usize, usize, usize) {
        let (app, system) = (self.app.status(), self.system.status());
        let open = app.size + system.size;
        (open - app.available - system.available, open, app.max_size + system.max_size)
    }

    /// Closes all connections as they become free; later calls fail.
    pub fn close(&self) {
        self.app.close();
        self.system.close();
    }

    async fn parts(&self, pool: &Pool, conditions: &Arc<Conditions>) -> Result<Parts, Error> {
        Ok(Parts {
            connection: self.checkout(pool).await?,
            answer_limit: self.limits.answer,
            audit_key: self.audit_key.clone(),
            conditions: Arc::clone(conditions),
        })
    }

    async fn checkout(&self, pool: &Pool) -> Result<Object, Error> {
        pool.get().await.map_err(|error| match error {
            PoolError::Timeout(_) => Error::Unavailable("no connection became free in time".to_owned()),
            PoolError::Backend(error) => Error::Unavailable(describe(&error)),
            PoolError::PostCreateHook(error) => Error::Unavailable(format!("session set-up: {error}")),
            PoolError::Closed | PoolError::NoRuntimeSpecified => Error::Unavailable("shutting down".to_owned()),
        })
    }
}

fn pool(url: &DatabaseUrl, limits: &PoolLimits, role: &'static str, size: usize) -> Result<Pool, Error> {
    let connector = tls::connector(url.tls, url.root_certificate.as_deref()).map_err(Error::Unavailable)?;
    let manager = Manager::from_config(
        client_config(url, limits),
        connector,
        // A closed connection is noticed without a round trip; a frozen one by the answer limit.
        ManagerConfig { recycling_method: RecyclingMethod::Fast },
    );
    let set_up = session_settings(role, url.search_path.as_deref(), limits);
    Pool::builder(manager)
        .max_size(size)
        .runtime(Runtime::Tokio1)
        .wait_timeout(Some(limits.wait))
        .create_timeout(Some(limits.connect))
        .recycle_timeout(Some(limits.wait))
        .post_create(Hook::async_fn(move |client, _| {
            let set_up = set_up.clone();
            Box::pin(async move { client.batch_execute(&set_up).await.map_err(HookError::Backend) })
        }))
        .build()
        .map_err(|error| Error::Unavailable(error.to_string()))
}

pub(crate) fn client_config(url: &DatabaseUrl, limits: &PoolLimits) -> tokio_postgres::Config {
    let mut config = url.config.clone();
    config
        .application_name(url.application_name)
        .connect_timeout(limits.connect)
        .keepalives_idle(std::time::Duration::from_secs(30))
        .tcp_user_timeout(std::time::Duration::from_secs(10));
    config
}

/// What every session gets, whatever the server's defaults: UTC (T-51), time limits, the role, and no tenant, so
/// that a forgotten setting shows nothing.
fn session_settings(role: &str, search_path: Option<&str>, limits: &PoolLimits) -> String {
    let path = search_path.map(|path| format!("SET search_path = {path};")).unwrap_or_default();
    format!(
        "SET ROLE {role}; SET TIME ZONE 'UTC'; {path}
         SET statement_timeout = {}; SET lock_timeout = {}; SET idle_in_transaction_session_timeout = 15000;
         SET app.tenant_id = '{}'",
        limits.statement.as_millis(),
        limits.lock.as_millis(),
        uuid::Uuid::nil(),
    )
}

/// A plain connection as the log-in role, outside the pools: migrations, checks, the command line.
pub(crate) async fn connect_login(url: &DatabaseUrl) -> Result<Client, Error> {
    let connector = tls::connector(url.tls, url.root_certificate.as_deref()).map_err(Error::Unavailable)?;
    let config = client_config(url, &PoolLimits::default());
    let (client, connection) = config.connect(connector).await.map_err(|error| Error::Unavailable(describe(&error)))?;
    tokio::spawn(async move {
        if let Err(error) = connection.await {
            tracing::debug!(%error, "a database connection ended");
        }
    });
    let path = url.search_path.as_ref().map(|path| format!("; SET search_path = {path}")).unwrap_or_default();
    client
        .batch_execute(&format!("SET TIME ZONE 'UTC'{path}"))
        .await
        .map_err(|error| Error::from_driver("session set-up", error))?;
    Ok(client)
}

impl DatabaseUrl {
    /// A plain connection as the log-in role, outside the pools: for migrations, checks and the command line.
    pub async fn connect(&self) -> Result<Client, Error> {
        connect_login(self).await
    }
}
