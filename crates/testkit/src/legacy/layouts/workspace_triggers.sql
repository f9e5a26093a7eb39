-- The script's triggers (contract 2.6). The owner function returns OLD from every branch: a permitted UPDATE of a member
-- reports one row and changes nothing (T-45).
CREATE OR REPLACE FUNCTION update_updated_at_column() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN NEW.updated_at = now(); RETURN NEW; END $$;
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
