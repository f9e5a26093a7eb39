//! Whom an old service may have logged in as. What it may do must not change when this program adds its own roles and
//! row-level security beside it.

use super::Places;
use super::place::connect;
use crate::legacy::fault::Fault;

/// A kind of database role.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OldRole {
    /// May do everything and bypasses row-level security.
    Superuser,
    /// Owns the tables.
    Owner,
    /// Has rights on the tables and nothing else.
    Service,
}

/// Roles belong to the server, and tests make them at the same time.
const MAKE: &str = "DO $$ BEGIN
    IF to_regrole('old_owner') IS NULL THEN CREATE ROLE old_owner; END IF;
    IF to_regrole('old_service') IS NULL THEN CREATE ROLE old_service; END IF;
    EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$";

const OWN: &str = "DO $$ DECLARE one record; BEGIN
    FOR one IN SELECT n.nspname AS schema FROM pg_namespace n
            WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' LOOP
        EXECUTE format('GRANT ALL ON SCHEMA %I TO old_owner', one.schema);
    END LOOP;
    FOR one IN SELECT c.oid::regclass AS relation FROM pg_class c WHERE c.relkind IN ('r', 'v')
            AND c.relnamespace::regnamespace::text !~ '^(pg_|information_schema)' LOOP
        EXECUTE format('ALTER TABLE %s OWNER TO old_owner', one.relation);
    END LOOP;
END $$";

const GRANT: &str = "DO $$ DECLARE one record; BEGIN
    FOR one IN SELECT n.nspname AS schema FROM pg_namespace n
            WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' LOOP
        EXECUTE format('GRANT USAGE ON SCHEMA %I TO old_service', one.schema);
        EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA %I TO old_service', one.schema);
        EXECUTE format('GRANT USAGE ON ALL SEQUENCES IN SCHEMA %I TO old_service', one.schema);
    END LOOP;
END $$";

impl OldRole {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Superuser, Self::Owner, Self::Service];

    /// Gives a role of this kind its rights on the tables that are there now, and has the services use it.
    pub async fn take(self, places: Places) -> Result<Places, Fault> {
        let (rights, name) = match self {
            Self::Superuser => return Ok(places),
            Self::Owner => (OWN, "old_owner"),
            Self::Service => (GRANT, "old_service"),
        };
        for database in places.databases() {
            let admin = connect(database).await?;
            admin.batch_execute(MAKE).await?;
            admin.batch_execute(rights).await?;
        }
        Ok(places.with_role(name))
    }
}
