//! Accounts and profiles, with the gaps the old tables allow: NULLs (T-43), addresses that differ in case (T-56), hashes of
//! every kind, marked people (T-55), profiles that are missing (T-42).

use super::copy::flag;
use super::hashes::{MALFORMED, PASSWORDS};
use super::{Dice, Plan, Table, Tenant, open, past};
use crate::legacy::fault::Fault;
use crate::legacy::layouts::{Layout, Places};

/// What a person has in all tables.
struct Person {
    id: String,
    email: String,
    hash: &'static str,
    first: &'static str,
    last: &'static str,
    role: &'static str,
    tenant: String,
    active: Option<&'static str>,
    verified: Option<&'static str>,
    created: Option<String>,
    updated: Option<String>,
    login: Option<String>,
    /// Marked as deleted by user-service, which auth-service does not see.
    deleted: Option<String>,
}

const FIRST: [&str; 8] = ["Ada", "Grace", "Zoë", "José", "Mary Ann", "Siân", "李", "D'Arcy"];
const LAST: [&str; 8] = ["Lovelace", "Hopper", "O'Brien", "Núñez", "van der Berg", "Smith", "Müller\\", "Ng"];
const ROLES: [&str; 12] =
    ["user", "user", "user", "user", "user", "user", "user", "user", "admin", "admin", "moderator", "readonly"];

pub(super) async fn fill(
    layout: Layout,
    places: &Places,
    plan: Plan,
    dice: &mut Dice,
    tenants: &mut [Tenant],
) -> Result<(usize, usize), Fault> {
    let mut accounts = accounts_table(layout);
    let mut profiles = Table::new("user_profiles", PROFILE);
    let mut served = Table::new("users", SERVED);
    let mut tokens = Table::new("refresh_tokens", "id, token_hash, user_id, expires_at, created_at");
    let mut before: Option<String> = None;
    for number in 0..plan.people {
        let person = person(plan, dice, tenants, number, before.take());
        before = Some(person.email.clone());
        account(layout, dice, &mut accounts, &person);
        if dice.chance(800) {
            profile(dice, &mut profiles, &person, true);
        }
        if layout == Layout::Databases {
            profile(dice, &mut served, &person, false);
        }
        if dice.chance(10) {
            // The table nothing reads (contract 2.3).
            let expires = past(plan, dice).to_string();
            let (id, hash) = (dice.uuid(), format!("{}{}", dice.uuid(), dice.uuid()));
            tokens.row(&[Some(&id), Some(&hash), Some(&person.id), Some(&expires), Some(&expires)]);
        }
    }
    let auth = open(&places.auth).await?;
    let people = accounts.send(&auth).await?;
    tokens.send(&auth).await?;
    drop(auth);
    let users = open(&places.users).await?;
    if layout == Layout::Databases {
        served.send(&users).await?;
    }
    Ok((people, profiles.send(&users).await?))
}

fn person(plan: Plan, dice: &mut Dice, tenants: &mut [Tenant], number: u32, before: Option<String>) -> Person {
    let (first, last) = (dice.one(&FIRST), dice.one(&LAST));
    let email = match before {
        // The same address in other letters is another account.
        Some(before) if dice.chance(10) && before != before.to_uppercase() => before.to_uppercase(),
        _ => format!("{}{number}@example{}.com", dice.pick(&["Person", "person", "p.e+r_s%"]), dice.below(40)),
    };
    let index = dice.below(u32::try_from(tenants.len()).unwrap_or(u32::MAX)) as usize;
    let id = dice.uuid();
    tenants[index].people.push(id.clone());
    let created = past(plan, dice).to_string();
    Person {
        id,
        email,
        hash: if dice.chance(30) { dice.one(&MALFORMED) } else { dice.pick(&PASSWORDS).1 },
        first,
        last,
        role: dice.one(&ROLES),
        tenant: tenants[index].id.clone(),
        active: {
            let active = flag(!dice.chance(60));
            dice.or_null(20, active)
        },
        verified: {
            let verified = flag(dice.chance(500));
            dice.or_null(20, verified)
        },
        created: dice.or_null(10, created.clone()),
        updated: dice.or_null(10, created.clone()),
        login: dice.or_null(400, created.clone()),
        deleted: dice.or_null(970, created),
    }
}

fn accounts_table(layout: Layout) -> Table {
    match layout {
        Layout::View => Table::new("platform_users", VIEWED),
        Layout::Widened => Table::new("users", WIDENED),
        _ => Table::new("users", ACCOUNT),
    }
}

const ACCOUNT: &str = "id, email, password_hash, first_name, last_name, role, tenant_id, is_active, email_verified, \
    created_at, updated_at, last_login_at";
const VIEWED: &str = "uid, email, password_hash, first_name, last_name, role, tenant, is_active, email_verified, \
    created_at, updated_at, last_login_at";
const WIDENED: &str = "id, email, password_hash, first_name, last_name, role, tenant_id, is_active, email_verified, \
    created_at, updated_at, last_login_at, display_name, preferences, metadata, deleted_at";
const PROFILE: &str = "id, user_id, email, first_name, last_name, tenant_id, role, is_active, email_verified, \
    display_name, avatar, bio, phone, phone_verified, preferences, metadata, last_login_at, deleted_at, created_at, \
    updated_at";
const SERVED: &str = "id, email, first_name, last_name, tenant_id, role, is_active, email_verified, display_name, \
    avatar, bio, phone, phone_verified, preferences, metadata, last_login_at, deleted_at, created_at, updated_at";

fn account(layout: Layout, dice: &mut Dice, table: &mut Table, person: &Person) {
    // The view's table lets nearly everything be missing.
    let loose = if layout == Layout::View { 40 } else { 0 };
    let display = format!("{} {}", person.first, person.last);
    let mut values = vec![
        Some(person.id.as_str()),
        dice.or_null(loose, person.email.as_str()),
        dice.or_null(loose, person.hash),
        dice.or_null(loose, person.first),
        dice.or_null(loose, person.last),
        dice.or_null(loose, person.role),
        dice.or_null(loose, person.tenant.as_str()),
        person.active,
        person.verified,
        person.created.as_deref(),
        person.updated.as_deref(),
        person.login.as_deref(),
    ];
    if layout == Layout::Widened {
        let object = dice.one(&OBJECTS);
        values.extend([Some(display.as_str()), object, object, person.deleted.as_deref()]);
    }
    table.row(&values);
}

/// What stands in the columns of objects: nothing, the literal null (T-43), or an object.
const OBJECTS: [Option<&str>; 5] =
    [None, Some("null"), Some("{}"), Some("{\"theme\": \"dark\"}"), Some("{\"username\": \"Zoë\\\\\", \"n\": [1, 2]}")];

/// A profile, or a row of user-service's own `users`, which lacks the first two columns' difference.
fn profile(dice: &mut Dice, table: &mut Table, person: &Person, with_id: bool) {
    let (id, display) = (dice.uuid(), format!("{} {}", person.first, person.last));
    let bio = dice.one(&["", "line\nline\ttab", "C:\\path", "ünïcode"]);
    let (preferences, metadata) = (dice.one(&OBJECTS), dice.one(&OBJECTS));
    let verified = flag(dice.chance(100));
    let values = [
        Some(id.as_str()),
        Some(&person.id),
        Some(&person.email),
        Some(person.first),
        Some(person.last),
        Some(&person.tenant),
        Some(person.role),
        person.active,
        person.verified,
        dice.or_null(200, display.as_str()),
        dice.or_null(500, "https://example.com/a.png"),
        dice.or_null(300, bio),
        dice.or_null(600, "+44 20 7946 0000"),
        dice.or_null(100, verified),
        preferences,
        metadata,
        person.login.as_deref(),
        person.deleted.as_deref(),
        person.created.as_deref(),
        person.updated.as_deref(),
    ];
    table.row(if with_id { &values } else { &values[1..] });
}
