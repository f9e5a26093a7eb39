//! Projects, by either way of making them.

use super::{Case, delete, post, put};

pub(super) const CASES: &[Case] = &[
    post("/workspaces/{made}/projects", "good")
        .by("owner")
        .json(r#"{"name":"Plan","description":"of both","settings":{"a":[1,2]}}"#)
        .keeps(&[("project", "id")]),
    post("/workspaces/{made}/projects", "name only").by("owner").json(r#"{"name":"Bare"}"#),
    post("/workspaces/{made}/projects", "unicode").by("owner").json(r#"{"name":"株式会社 🦀","description":"é"}"#),
    post("/workspaces/{made}/projects", "twice").by("owner").json(r#"{"name":"Plan"}"#),
    post("/workspaces/{made}/projects", "forbidden").by("stranger").json(r#"{"name":"Stolen"}"#),
    post("/workspaces/{nobody}/projects", "not found").by("owner").json(r#"{"name":"Nowhere"}"#),
    post("/workspaces/{made}/projects", "logged out").json(r#"{"name":"Nobody's"}"#),
    post("/projects", "good")
        .by("owner")
        .json(r#"{"workspace_id":"{made}","name":"Second","description":"the other way","settings":{}}"#)
        .keeps(&[("second", "id")]),
    post("/projects", "a row of old")
        .by("owner")
        .json(r#"{"workspace_id":"{workspace}","name":"Parity","description":null}"#),
    post("/projects", "forbidden").by("stranger").json(r#"{"workspace_id":"{made}","name":"Stolen"}"#),
    post("/projects", "not found").by("owner").json(r#"{"workspace_id":"{nobody}","name":"Nowhere"}"#),
    post("/projects", "logged out").json(r#"{"workspace_id":"{made}","name":"Nobody's"}"#),
    post("/projects", "no JSON").by("owner").json("plan"),
    put("/projects/{project}", "good")
        .by("owner")
        .json(r#"{"name":"Plan B","description":"changed","status":"archived","settings":{"b":null}}"#),
    put("/projects/{project}", "back").by("owner").json(r#"{"status":"active"}"#),
    put("/projects/{project}", "the same again").by("owner").json(r#"{"name":"Plan B"}"#),
    put("/projects/{project}", "nothing").by("owner").json("{}"),
    put("/projects/{project}", "unicode").by("owner").json(r#"{"name":"Plän — B"}"#),
    put("/projects/{project}", "a taken name").by("owner").json(r#"{"name":"Second"}"#),
    put("/projects/{project}", "no such status").by("owner").json(r#"{"status":"paused"}"#),
    put("/projects/{project}", "forbidden").by("stranger").json(r#"{"name":"Stolen"}"#),
    put("/projects/{nobody}", "not found").by("owner").json(r#"{"name":"Nothing"}"#),
    put("/projects/{project}", "logged out").json(r#"{"name":"Nobody's"}"#),
    delete("/projects/{second}", "forbidden").by("stranger"),
    delete("/projects/{second}", "logged out"),
    delete("/projects/{nobody}", "not found").by("owner"),
    delete("/projects/{second}", "good").by("owner"),
    delete("/projects/{second}", "twice").by("owner"),
];
