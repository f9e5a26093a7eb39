//! Members of workspaces.

use super::{Case, delete, post, put};

pub(super) const CASES: &[Case] = &[
    post("/workspaces/{made}/members", "good").by("owner").json(r#"{"user_id":"{colleague}","role":"member"}"#),
    post("/workspaces/{made}/members", "an admin")
        .by("owner")
        .json(r#"{"user_id":"{second_colleague}","role":"admin"}"#),
    post("/workspaces/{workspace}/members", "a row of old")
        .by("owner")
        .json(r#"{"user_id":"{colleague}","role":"viewer"}"#),
    post("/workspaces/{made}/members", "twice").by("owner").json(r#"{"user_id":"{colleague}","role":"member"}"#),
    post("/workspaces/{made}/members", "an owner by an admin")
        .by("second_colleague")
        .json(r#"{"user_id":"{third_colleague}","role":"owner"}"#),
    post("/workspaces/{made}/members", "by a member")
        .by("colleague")
        .json(r#"{"user_id":"{third_colleague}","role":"viewer"}"#),
    post("/workspaces/{made}/members", "forbidden").by("stranger").json(r#"{"user_id":"{stranger}","role":"owner"}"#),
    post("/workspaces/{nobody}/members", "not found").by("owner").json(r#"{"user_id":"{colleague}","role":"viewer"}"#),
    post("/workspaces/{made}/members", "logged out").json(r#"{"user_id":"{third_colleague}","role":"viewer"}"#),
    put("/workspaces/{made}/members/{colleague}", "good").by("owner").json(r#"{"role":"admin"}"#),
    put("/workspaces/{made}/members/{colleague}", "the same again").by("owner").json(r#"{"role":"admin"}"#),
    put("/workspaces/{made}/members/{owner}", "the last owner").by("owner").json(r#"{"role":"member"}"#),
    put("/workspaces/{made}/members/{third_colleague}", "no member").by("owner").json(r#"{"role":"viewer"}"#),
    put("/workspaces/{made}/members/{colleague}", "forbidden").by("stranger").json(r#"{"role":"viewer"}"#),
    put("/workspaces/{made}/members/{colleague}", "logged out").json(r#"{"role":"viewer"}"#),
    delete("/workspaces/{made}/members/{colleague}", "forbidden").by("stranger"),
    delete("/workspaces/{made}/members/{colleague}", "logged out"),
    delete("/workspaces/{made}/members/{third_colleague}", "no member").by("owner"),
    delete("/workspaces/{made}/members/{owner}", "the last owner").by("owner"),
    delete("/workspaces/{made}/members/{colleague}", "good").by("owner"),
    delete("/workspaces/{made}/members/{colleague}", "twice").by("owner"),
    delete("/workspaces/{made}/members/{second_colleague}", "oneself").by("second_colleague"),
];
