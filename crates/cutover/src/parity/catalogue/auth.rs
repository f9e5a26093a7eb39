//! Accounts and log-ins.

use super::{Case, post, put};

/// Of whoever the replay registers. Nothing else than the clones knows it.
const PASSWORD: &str = "pärity of both 1";
/// What it is changed to.
const NEXT: &str = "pärity of both 2";

pub(super) const CASES: &[Case] = &[
    post("/auth/register", "good")
        .json(r#"{"email":"Parity.One@example.com","password":"pärity of both 1","first_name":"Ada","last_name":"Lovelace"}"#)
        .keeps(&[("made_person", "id"), ("made_person.tenant", "tenant_id"), ("made_person.email", "email")])
        .password(PASSWORD),
    post("/auth/register", "into a tenant")
        .json(
            r#"{"email":"parity.two@example.com","password":"pärity of both 1","first_name":"Zoë","last_name":"Núñez O'Brien","tenant_id":"{owner.tenant}"}"#,
        )
        .password(PASSWORD),
    post("/auth/register", "twice")
        .json(r#"{"email":"Parity.One@example.com","password":"pärity of both 1","first_name":"Ada","last_name":"Again"}"#),
    post("/auth/register", "no address").json(r#"{"email":"","password":"pärity of both 1","first_name":"A","last_name":"B"}"#),
    post("/auth/register", "a malformed address")
        .json(r#"{"email":"parity","password":"pärity of both 1","first_name":"A","last_name":"B"}"#),
    post("/auth/register", "a short password")
        .json(r#"{"email":"parity.three@example.com","password":"short","first_name":"A","last_name":"B"}"#),
    post("/auth/register", "without a name").json(r#"{"email":"parity.three@example.com","password":"pärity of both 1"}"#),
    post("/auth/register", "no JSON").json("x"),
    post("/auth/login", "good")
        .json(r#"{"email":"{owner.email}","password":"{password}"}"#)
        .keeps(&[("refresh", "refresh_token")]),
    post("/auth/login", "just registered")
        .json(r#"{"email":"Parity.One@example.com","password":"pärity of both 1"}"#)
        .keeps(&[("other_refresh", "refresh_token")]),
    post("/auth/login", "by username").json(r#"{"username":"{owner.email}","password":"{password}"}"#),
    post("/auth/login", "a wrong password").json(r#"{"email":"{owner.email}","password":"wrong"}"#),
    post("/auth/login", "nobody").json(r#"{"email":"nobody.of.parity@example.com","password":"{password}"}"#),
    post("/auth/login", "without a name").json(r#"{"password":"{password}"}"#),
    post("/auth/login", "switched off").json(r#"{"email":"{inactive.email}","password":"{password}"}"#),
    post("/auth/login", "no JSON").json("[]"),
    post("/auth/refresh", "good").json(r#"{"refresh_token":"{refresh}"}"#).keeps(&[("next_refresh", "refresh_token")]),
    post("/auth/refresh", "unknown").json(r#"{"refresh_token":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="}"#),
    post("/auth/refresh", "no JSON").json("{"),
    put("/auth/me", "good").by("made_person").json(r#"{"first_name":"Augusta","last_name":"King"}"#),
    put("/auth/me", "one name").by("colleague").json(r#"{"last_name":"Núñez-李"}"#),
    put("/auth/me", "empty names").by("made_person").json(r#"{"first_name":"","last_name":""}"#),
    put("/auth/me", "nulls").by("made_person").json(r#"{"first_name":null}"#),
    put("/auth/me", "logged out").json(r#"{"first_name":"Nobody"}"#),
    post("/auth/logout", "good").by("owner").json(r#"{"refresh_token":"{next_refresh}"}"#),
    post("/auth/logout", "twice").by("owner").json(r#"{"refresh_token":"{next_refresh}"}"#),
    post("/auth/logout", "unknown").by("owner").json(r#"{"refresh_token":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="}"#),
    post("/auth/refresh", "logged out").json(r#"{"refresh_token":"{next_refresh}"}"#),
    post("/auth/change-password", "a wrong one")
        .by("made_person")
        .json(r#"{"current_password":"wrong","new_password":"pärity of both 2"}"#),
    post("/auth/change-password", "logged out").json(r#"{"current_password":"x","new_password":"pärity of both 2"}"#),
    post("/auth/change-password", "good")
        .by("made_person")
        .json(r#"{"current_password":"pärity of both 1","new_password":"pärity of both 2"}"#)
        .password(NEXT),
    post("/auth/login", "with the new password").json(r#"{"email":"Parity.One@example.com","password":"pärity of both 2"}"#),
];
