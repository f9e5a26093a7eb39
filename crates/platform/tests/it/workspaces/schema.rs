//! The layouts the tables of a running deployment may have (contract 2.6).

use pyairtable_platform::app::Parts;
use testkit::TestDb;

use crate::support::TestApp;

/// Who made the workspace tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Schema {
    /// This program.
    Own,
    /// The old service's script, with its triggers.
    Triggers,
    /// The old service's ORM.
    Orm,
}

impl Schema {
    pub(crate) const ALL: [Self; 3] = [Self::Own, Self::Triggers, Self::Orm];

    /// The program on a database of this layout.
    pub(crate) async fn app(self) -> TestApp {
        self.app_with(|_| {}).await
    }

    pub(crate) async fn app_with(self, change: impl FnOnce(&mut Parts)) -> TestApp {
        TestApp::on(self.database().await, change)
    }

    pub(crate) async fn database(self) -> TestDb {
        match self {
            Self::Own => TestDb::new().await,
            Self::Triggers => {
                let db = TestDb::new().await;
                db.superuser().await.batch_execute(TRIGGERS).await.unwrap();
                db
            }
            Self::Orm => {
                let db = TestDb::empty().await;
                db.superuser().await.batch_execute(ORM_TABLES).await.unwrap();
                db::migrate::up(db.url()).await.unwrap();
                db
            }
        }
    }
}

/// The functions return OLD from every branch: a permitted UPDATE reports one row and changes nothing (T-45).
const TRIGGERS: &str = "
CREATE FUNCTION update_updated_at_column() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.updated_at = now();
    RETURN NEW;
END $$;
CREATE TRIGGER update_workspaces_updated_at BEFORE UPDATE ON workspaces
    FOR EACH ROW EXECUTE FUNCTION update_updated_at_column();
CREATE TRIGGER update_projects_updated_at BEFORE UPDATE ON projects
    FOR EACH ROW EXECUTE FUNCTION update_updated_at_column();
CREATE TRIGGER update_airtable_bases_updated_at BEFORE UPDATE ON airtable_bases
    FOR EACH ROW EXECUTE FUNCTION update_updated_at_column();

CREATE FUNCTION check_workspace_quota() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (SELECT count(*) FROM workspaces WHERE tenant_id = NEW.tenant_id AND deleted_at IS NULL) >= 10 THEN
        RAISE EXCEPTION 'Workspace quota exceeded for tenant %', NEW.tenant_id;
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER check_workspace_quota_trigger BEFORE INSERT ON workspaces
    FOR EACH ROW EXECUTE FUNCTION check_workspace_quota();

CREATE FUNCTION check_workspace_owner() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.role = 'owner' AND NOT EXISTS (SELECT 1 FROM workspace_members
            WHERE workspace_id = OLD.workspace_id AND role = 'owner' AND user_id <> OLD.user_id) THEN
        RAISE EXCEPTION 'Cannot remove the last owner from workspace';
    END IF;
    RETURN OLD;
END $$;
CREATE TRIGGER ensure_workspace_owner_update BEFORE UPDATE ON workspace_members
    FOR EACH ROW EXECUTE FUNCTION check_workspace_owner();
CREATE TRIGGER ensure_workspace_owner_delete BEFORE DELETE ON workspace_members
    FOR EACH ROW EXECUTE FUNCTION check_workspace_owner();
";

/// No foreign keys, because the types do not meet; no checks, no unique constraints; times with a zone.
const ORM_TABLES: &str = "
CREATE TABLE workspaces (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(), tenant_id varchar(255) NOT NULL, name varchar(255) NOT NULL,
    description text, settings jsonb, created_by varchar(255) NOT NULL, created_at timestamptz,
    updated_at timestamptz, deleted_at timestamptz
);
CREATE TABLE projects (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(), workspace_id varchar(255) NOT NULL, name varchar(255) NOT NULL,
    description text, status varchar(50) DEFAULT 'active', settings jsonb, created_by varchar(255) NOT NULL,
    created_at timestamptz, updated_at timestamptz, deleted_at timestamptz
);
CREATE TABLE airtable_bases (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(), project_id varchar(255) NOT NULL, base_id varchar(255) NOT NULL,
    name varchar(255) NOT NULL, description text, sync_enabled boolean DEFAULT true, last_sync_at timestamptz,
    created_at timestamptz, updated_at timestamptz, deleted_at timestamptz
);
CREATE TABLE workspace_members (
    workspace_id varchar(255) NOT NULL, user_id varchar(255) NOT NULL, role varchar(50) NOT NULL,
    joined_at timestamptz, PRIMARY KEY (workspace_id, user_id)
);
CREATE TABLE workspace_audit_logs (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(), workspace_id varchar(255) NOT NULL,
    user_id varchar(255) NOT NULL, action varchar(100) NOT NULL, resource_type varchar(50) NOT NULL,
    resource_id varchar(255), changes jsonb, created_at timestamptz
);
";
