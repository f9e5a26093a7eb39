//! Airtable bases.

use super::{Case, delete, post, put};

pub(super) const CASES: &[Case] = &[
    post("/projects/{project}/airtable-bases", "good")
        .by("owner")
        .json(r#"{"base_id":"appParity00000001","name":"Sales","description":"of both","sync_enabled":true}"#)
        .keeps(&[("base", "id")]),
    post("/projects/{project}/airtable-bases", "without optional fields")
        .by("owner")
        .json(r#"{"base_id":"appParity00000002","name":"Näme"}"#)
        .keeps(&[("bare_base", "id")]),
    post("/projects/{project}/airtable-bases", "twice")
        .by("owner")
        .json(r#"{"base_id":"appParity00000001","name":"Sales"}"#),
    post("/projects/{project}/airtable-bases", "not synchronised")
        .by("owner")
        .json(r#"{"base_id":"appParity00000003","name":"Quiet","sync_enabled":false}"#),
    post("/projects/{project}/airtable-bases", "forbidden")
        .by("stranger")
        .json(r#"{"base_id":"appParity00000004","name":"Stolen"}"#),
    post("/projects/{nobody}/airtable-bases", "not found")
        .by("owner")
        .json(r#"{"base_id":"appParity00000005","name":"x"}"#),
    post("/projects/{project}/airtable-bases", "logged out").json(r#"{"base_id":"appParity00000006","name":"x"}"#),
    put("/airtable-bases/{base}", "good").by("owner").json(r#"{"name":"Sales 2","description":"changed"}"#),
    put("/airtable-bases/{base}", "the same again").by("owner").json(r#"{"name":"Sales 2","sync_enabled":true}"#),
    put("/airtable-bases/{base}", "nothing").by("owner").json("{}"),
    put("/airtable-bases/{bare_base}", "unicode").by("owner").json(r#"{"description":"日本語\n"}"#),
    put("/airtable-bases/{bare_base}", "switched off").by("owner").json(r#"{"sync_enabled":false}"#),
    put("/airtable-bases/{base}", "forbidden").by("stranger").json(r#"{"name":"Stolen"}"#),
    put("/airtable-bases/{nobody}", "not found").by("owner").json(r#"{"name":"Nothing"}"#),
    put("/airtable-bases/{base}", "logged out").json(r#"{"name":"Nobody's"}"#),
    delete("/airtable-bases/{base}", "forbidden").by("stranger"),
    delete("/airtable-bases/{base}", "logged out"),
    delete("/airtable-bases/{nobody}", "not found").by("owner"),
    delete("/airtable-bases/{base}", "good").by("owner"),
    delete("/airtable-bases/{base}", "twice").by("owner"),
];
