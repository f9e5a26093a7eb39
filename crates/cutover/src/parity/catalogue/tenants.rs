//! Tenants.

use super::{Case, delete, post, put};

pub(super) const CASES: &[Case] = &[
    post("/tenants", "good")
        .by("root")
        .json(r#"{"name":"Parity Works","slug":"parity-works","plan":"starter","settings":{"a":1}}"#)
        .keeps(&[("made_tenant", "id")]),
    post("/tenants", "name only").by("root").json(r#"{"name":"Parity Only"}"#).keeps(&[("bare_tenant", "id")]),
    post("/tenants", "unicode")
        .by("root")
        .json(r#"{"name":"Łódź 株式会社","slug":"parity-lodz","domain":"parity.example.com"}"#),
    post("/tenants", "twice").by("root").json(r#"{"name":"Parity Works","slug":"parity-works"}"#),
    post("/tenants", "no JSON").by("root").json("{"),
    put("/tenants/{made_tenant}", "good").by("root").json(r#"{"name":"Parity & Sons","plan":"professional"}"#),
    put("/tenants/{made_tenant}", "settings").by("root").json(r#"{"settings":{"b":[true,null]}}"#),
    put("/tenants/{made_tenant}", "nothing").by("root").json("{}"),
    put("/tenants/{tenant}", "a row of old").by("root").json(r#"{"name":"Renamed by both"}"#),
    put("/tenants/{nobody}", "not found").by("root").json(r#"{"name":"Nothing"}"#),
    delete("/tenants/{nobody}", "not found").by("root"),
    delete("/tenants/{bare_tenant}", "good").by("root"),
    delete("/tenants/{bare_tenant}", "twice").by("root"),
];
