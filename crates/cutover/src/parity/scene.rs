//! Whom and what the requests are about: rows of the clone, picked by a seed, so that the same backup and seed give the
//! same replay. Everything is picked before the clone is copied, so both sides have the same rows.

use std::collections::BTreeMap;

use tokio_postgres::Client;

use crate::{Error, Result};

/// What a variable stands for on either side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Both {
    /// Where the old services serve.
    pub(super) old: String,
    /// Where this program serves.
    pub(super) new: String,
}

impl Both {
    pub(super) fn same(value: impl Into<String>) -> Self {
        let value = value.into();
        Self { old: value.clone(), new: value }
    }

    pub(super) fn of(&self, side: Side) -> &str {
        match side {
            Side::Old => &self.old,
            Side::New => &self.new,
        }
    }
}

/// One of the two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// The old services on their clone.
    Old,
    /// This program on its own.
    New,
}

/// All variables.
#[derive(Debug, Clone, Default)]
pub(super) struct Scene(BTreeMap<String, Both>);

/// What is picked; the others are kept from answers.
#[cfg(test)]
pub(super) const PICKED: &[&str] = &[
    "owner",
    "owner.tenant",
    "owner.email",
    "admin",
    "colleague",
    "second_colleague",
    "third_colleague",
    "stranger",
    "inactive.email",
    "root",
    "worn_owner",
    "workspace",
    "worn",
    "tenant",
    "nobody",
    "fresh",
    "password",
];

/// People whom the old side can read, whom both sides let in, of a tenant that is not closed.
const READABLE: &str = "
    CREATE TEMPORARY VIEW parity_people AS SELECT u.id, u.id::text AS person, u.tenant_id::text AS tenant, u.email, u.role,
        u.is_active FROM users u
    WHERE u.email IS NOT NULL AND u.first_name IS NOT NULL AND u.last_name IS NOT NULL AND u.role IS NOT NULL
        AND u.tenant_id IS NOT NULL AND u.is_active IS NOT NULL AND u.email_verified IS NOT NULL
        AND u.created_at IS NOT NULL AND u.updated_at IS NOT NULL AND u.password_hash IS NOT NULL
        AND u.email !~ '[A-Z]' AND (SELECT count(*) FROM users o WHERE lower(o.email) = lower(u.email)) = 1
        AND NOT EXISTS (SELECT FROM user_profiles p WHERE p.user_id::text = u.id::text AND p.deleted_at IS NOT NULL)
        AND NOT EXISTS (SELECT FROM tenants t WHERE t.id::text = u.tenant_id::text
            AND (NOT t.is_active OR t.deleted_at IS NOT NULL))";

/// Where user-service has its columns in `users`, it reads those as well.
const UNMARKED: &str = "
    SELECT EXISTS (SELECT FROM pg_attribute WHERE attrelid = 'users'::regclass AND attname = 'deleted_at' AND attnum > 0
        AND NOT attisdropped)";

/// A live workspace with an owner and room beside it, in the tenant with the most people.
const PLACE: &str = "
    SELECT w.id::text, w.tenant_id::text, m.user_id::text FROM workspaces w
        JOIN workspace_members m ON m.workspace_id::text = w.id::text AND m.role = 'owner'
        JOIN parity_people p ON p.person = m.user_id AND p.tenant = w.tenant_id AND p.is_active
    WHERE w.deleted_at IS NULL
        AND (SELECT count(*) FROM workspaces o WHERE o.tenant_id = w.tenant_id AND o.deleted_at IS NULL) <= 5
    ORDER BY least((SELECT count(*) FROM parity_people o WHERE o.tenant = w.tenant_id AND o.is_active
        AND NOT EXISTS (SELECT FROM workspace_members k WHERE k.workspace_id::text = w.id::text AND k.user_id = o.person)), 5)
        DESC, md5($1::text || w.id::text), m.user_id LIMIT 1";

const COLLEAGUES: &str = "
    SELECT person FROM parity_people p WHERE tenant = $2::text AND is_active AND person <> $3::text
        AND NOT EXISTS (SELECT FROM workspace_members k WHERE k.workspace_id::text = $4::text AND k.user_id = p.person)
    ORDER BY md5($1::text || person) LIMIT 4";

/// One person by a condition; `$2` is the tenant of the scene.
fn one(condition: &str) -> String {
    format!(
        "SELECT person FROM parity_people p WHERE $2::text IS NOT NULL AND {condition} \
         ORDER BY md5($1::text || person) LIMIT 1"
    )
}

/// Another workspace whose row has gaps, with its owner (T-43).
const WORN: &str = "
    SELECT w.id::text, m.user_id::text FROM workspaces w
        JOIN workspace_members m ON m.workspace_id::text = w.id::text AND m.role = 'owner'
        JOIN parity_people p ON p.person = m.user_id AND p.tenant = w.tenant_id AND p.is_active
    WHERE w.deleted_at IS NULL AND w.description IS NULL AND w.id::text <> $2::text
    ORDER BY w.created_at IS NOT NULL, md5($1::text || w.id::text), m.user_id LIMIT 1";

const TENANT: &str = "
    SELECT id::text FROM tenants t WHERE is_active AND deleted_at IS NULL AND id::text <> $2::text AND name IS NOT NULL
        AND slug IS NOT NULL AND plan IS NOT NULL AND created_at IS NOT NULL AND updated_at IS NOT NULL
    ORDER BY md5($1::text || id::text) LIMIT 1";

impl Scene {
    /// Picks, and gives whoever logs in a password that only the clones know. `hash` is bcrypt's of `password`.
    pub(super) async fn pick(
        client: &Client,
        seed: u64,
        password: &str,
        hash: &str,
        fresh: [String; 2],
    ) -> Result<Self> {
        let sql = |doing| Error::sql(doing);
        let unmarked: bool = client.query_one(UNMARKED, &[]).await.map_err(sql("reading the columns of users"))?.get(0);
        let more = if unmarked { " AND u.deleted_at IS NULL" } else { "" };
        let view = format!("{READABLE}{more}");
        client.batch_execute(&view).await.map_err(sql("reading whom both sides let in"))?;
        let seed = seed.to_string();
        let mut scene = Self::default();
        let row = client.query_opt(PLACE, &[&seed]).await.map_err(sql("picking a workspace"))?;
        let Some(row) = row else {
            return Err(Error::refused(
                "the backup has no workspace with an owner whom both sides let in, so there is nothing to try writes on",
                "use a backup of a deployment that was in use",
            ));
        };
        let (workspace, tenant, owner): (String, String, String) = (row.get(0), row.get(1), row.get(2));
        let colleagues = client.query(COLLEAGUES, &[&seed, &tenant, &owner, &workspace]).await;
        let colleagues: Vec<String> = colleagues.map_err(sql("picking people"))?.iter().map(|row| row.get(0)).collect();
        let names = ["colleague", "second_colleague", "third_colleague", "admin"];
        let mut people: Vec<(&str, String)> = names.into_iter().zip(colleagues).collect();
        people.push(("owner", owner));
        for (name, condition) in [
            ("stranger", "tenant <> $2::text AND is_active"),
            ("root", "tenant <> $2::text AND is_active AND role = 'admin'"),
            ("inactive", "tenant <> $2::text AND NOT is_active"),
        ] {
            let found = client.query_opt(&one(condition), &[&seed, &tenant]).await.map_err(sql("picking people"))?;
            let taken = |id: &String| people.iter().any(|(_, known)| known == id);
            people.extend(found.map(|row| row.get(0)).filter(|id| !taken(id)).map(|id: String| (name, id)));
        }
        if let Some(row) = client.query_opt(WORN, &[&seed, &workspace]).await.map_err(sql("picking a workspace"))? {
            scene.set("worn", row.get::<_, String>(0));
            people.push(("worn_owner", row.get(1)));
        }
        if let Some(row) = client.query_opt(TENANT, &[&seed, &tenant]).await.map_err(sql("picking a tenant"))? {
            scene.set("tenant", row.get::<_, String>(0));
        }
        for (name, id) in people {
            let role = match name {
                "admin" => Some("admin"),
                "root" => Some("super_admin"),
                _ => None,
            };
            let change =
                "UPDATE users SET password_hash = $2::text, role = coalesce($3::text, role) WHERE id::text = $1::text
                RETURNING tenant_id::text, email::text, role::text";
            let row = client.query_opt(change, &[&id, &hash, &role]).await.map_err(sql("giving people a password"))?;
            let Some(row) = row else { continue };
            scene.set(format!("{name}.tenant"), row.get::<_, String>(0));
            scene.set(format!("{name}.email"), row.get::<_, String>(1));
            scene.set(format!("{name}.role"), row.get::<_, String>(2));
            scene.set(name, id);
        }
        let [nobody, fresh] = fresh;
        for (name, value) in [("workspace", workspace), ("nobody", nobody), ("fresh", fresh)] {
            scene.set(name, value);
        }
        scene.set("password", password);
        Ok(scene)
    }

    fn set(&mut self, name: impl Into<String>, value: impl Into<String>) {
        self.0.insert(name.into(), Both::same(value));
    }

    pub(super) fn keep(&mut self, name: &str, value: Both) {
        self.0.insert(name.to_owned(), value);
    }

    pub(super) fn get(&self, name: &str, side: Side) -> Option<&str> {
        self.0.get(name).map(|both| both.of(side))
    }

    /// All values that are the same on both sides.
    pub(super) fn shared(&self) -> impl Iterator<Item = &str> {
        self.0.values().filter(|both| both.old == both.new).map(|both| both.old.as_str())
    }

    /// `text` with its variables filled in; the first one that nobody has otherwise.
    pub(super) fn fill<'a>(&self, text: &'a str, names: &[&'a str], side: Side) -> Result<String, &'a str> {
        let mut filled = text.to_owned();
        for name in names {
            let value = self.get(name, side).ok_or(*name)?;
            filled = filled.replace(&format!("{{{name}}}"), value);
        }
        Ok(filled)
    }
}
