//! Workspaces.

use super::{Case, delete, post, put};

pub(super) const CASES: &[Case] = &[
    post("/workspaces", "good")
        .by("owner")
        .json(r#"{"name":"Parity","description":"what both sides make","settings":{"theme":"dark","n":1.50}}"#)
        .keeps(&[("made", "id")]),
    post("/workspaces", "name only").by("owner").json(r#"{"name":"Parity bare"}"#).keeps(&[("bare", "id")]),
    post("/workspaces", "unicode")
        .by("owner")
        .json(r#"{"name":"Zoë — 李 \"x\" \\ 🦀","description":"línea\nline\ttab","settings":{"ключ":["é",null,1e3]}}"#)
        .keeps(&[("spelt", "id")]),
    post("/workspaces", "nulls").by("owner").json(r#"{"name":"Parity nulls","description":null,"settings":null}"#),
    post("/workspaces", "twice").by("owner").json(r#"{"name":"Parity","description":"again"}"#),
    post("/workspaces", "logged out").json(r#"{"name":"Parity nobody"}"#),
    post("/workspaces", "no JSON").by("owner").json("{"),
    post("/workspaces", "another type").by("owner").json(r#"{"name":5}"#),
    put("/workspaces/{made}", "good")
        .by("owner")
        .json(r#"{"name":"Parity 2","description":"changed","settings":{"theme":"light"}}"#),
    put("/workspaces/{made}", "the same again").by("owner").json(r#"{"name":"Parity 2"}"#),
    put("/workspaces/{made}", "nothing").by("owner").json("{}"),
    put("/workspaces/{made}", "nulls").by("owner").json(r#"{"name":null,"description":null,"settings":null}"#),
    put("/workspaces/{spelt}", "unicode").by("owner").json(r#"{"name":"Ωmega","settings":{}}"#),
    put("/workspaces/{bare}", "a description").by("owner").json(r#"{"description":"first"}"#),
    put("/workspaces/{bare}", "empty description").by("owner").json(r#"{"description":""}"#),
    put("/workspaces/{made}", "a taken name").by("owner").json(r#"{"name":"Parity bare"}"#),
    put("/workspaces/{workspace}", "a row of old").by("owner").json(r#"{"description":"of both"}"#),
    put("/workspaces/{worn}", "a row with NULLs").by("worn_owner").json(r#"{"name":"Worn and mended"}"#),
    put("/workspaces/{made}", "forbidden").by("stranger").json(r#"{"name":"Stolen"}"#),
    put("/workspaces/{nobody}", "not found").by("owner").json(r#"{"name":"Nothing"}"#),
    put("/workspaces/{made}", "logged out").json(r#"{"name":"Nobody's"}"#),
    put("/workspaces/{made}", "no JSON").by("owner").json("[1]"),
];

/// What ends workspaces, once nothing needs them any more.
pub(super) const LAST: &[Case] = &[
    delete("/workspaces/{made}", "forbidden").by("stranger"),
    delete("/workspaces/{made}", "logged out"),
    delete("/workspaces/{made}", "with projects").by("owner"),
    delete("/workspaces/{nobody}", "not found").by("owner"),
    delete("/workspaces/{bare}", "good").by("owner"),
    delete("/workspaces/{bare}", "twice").by("owner"),
    put("/workspaces/{bare}", "deleted").by("owner").json(r#"{"name":"From the grave"}"#),
    post("/workspaces", "a freed name").by("owner").json(r#"{"name":"Parity bare"}"#),
];
