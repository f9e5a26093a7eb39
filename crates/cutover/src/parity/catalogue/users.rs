//! People, as user-service keeps them.

use super::{Case, delete, post, put};

pub(super) const CASES: &[Case] = &[
    post("/users", "good")
        .by_service()
        .json(
            r#"{"email":"parity.made@example.com","first_name":"Grace","last_name":"Hopper","tenant_id":"{owner.tenant}","role":"user","is_active":true,"email_verified":true,"metadata":{"team":"é"}}"#,
        )
        .keeps(&[("served", "id")]),
    post("/users", "with an id")
        .by_service()
        .json(
            r#"{"id":"{fresh}","email":"parity.id@example.com","first_name":"李","last_name":"O'Brien","tenant_id":"{owner.tenant}","role":"user","is_active":false}"#,
        ),
    post("/users", "twice")
        .by_service()
        .json(r#"{"email":"parity.made@example.com","first_name":"G","last_name":"H","tenant_id":"{owner.tenant}","role":"user"}"#),
    post("/users", "logged out")
        .json(r#"{"email":"parity.nobody@example.com","first_name":"G","last_name":"H","tenant_id":"{owner.tenant}"}"#),
    post("/users", "no JSON").by_service().json("{"),
    post("/users/bulk", "good")
        .by_service()
        .json(
            r#"[{"email":"parity.bulk1@example.com","first_name":"B","last_name":"One","display_name":"B One","tenant_id":"{owner.tenant}","role":"user","is_active":true},{"email":"parity.bulk2@example.com","first_name":"B","last_name":"Two","display_name":"B Two","tenant_id":"{owner.tenant}","role":"user","is_active":true}]"#,
        ),
    post("/users/bulk", "nobody").by_service().json("[]"),
    post("/users/bulk", "logged out").json(r#"[{"email":"parity.bulk3@example.com"}]"#),
    post("/users/bulk", "no list").by_service().json(r#"{"email":"parity.bulk3@example.com"}"#),
    put("/users/me", "good")
        .by("second_colleague")
        .json(r#"{"first_name":"Siân","last_name":"Müller","bio":"line\nline","phone":"+44 20 7946 0000"}"#),
    put("/users/me", "objects").by("second_colleague").json(r#"{"preferences":{"theme":"dark"},"metadata":{"n":[1,2]}}"#),
    put("/users/me", "empty").by("second_colleague").json(r#"{"bio":"","phone":""}"#),
    put("/users/me", "nothing").by("second_colleague").json("{}"),
    put("/users/me", "logged out").json(r#"{"bio":"nobody"}"#),
    put("/users/{third_colleague}", "good").by("admin").json(r#"{"first_name":"Mary Ann","display_name":"M. A."}"#),
    put("/users/{third_colleague}", "nulls").by("admin").json(r#"{"first_name":null,"avatar":null}"#),
    put("/users/{third_colleague}", "forbidden").by("stranger").json(r#"{"first_name":"Stolen"}"#),
    put("/users/{nobody}", "not found").by("admin").json(r#"{"first_name":"Nobody"}"#),
    put("/users/{third_colleague}", "logged out").json(r#"{"first_name":"Nobody"}"#),
    delete("/users/{served}", "forbidden").by("stranger"),
    delete("/users/{nobody}", "not found").by("admin"),
    delete("/users/{served}", "logged out"),
    delete("/users/{served}", "good").by("admin"),
    delete("/users/{served}", "twice").by("admin"),
];
