//! No operation without its tests, and none that lets nobody in.

use std::collections::BTreeSet;
use std::path::Path;

use axum::http::Method;
use serde_json::{Value, json};

use crate::fixtures::{NOBODY, send};
use crate::support::TestApp;

/// Operations that need no credentials.
const PUBLIC: [&str; 12] = [
    "register",
    "login",
    "admin_login",
    "refresh",
    "logout",
    "validate",
    "health",
    "live",
    "ready",
    "sign_up_tenant",
    "validate_tenant_slug",
    "accept_invitation",
];

/// One operation of the OpenAPI document.
pub(crate) struct Operation {
    pub(crate) id: String,
    pub(crate) method: Method,
    /// As in the document, with `{id}` and its like.
    pub(crate) path: String,
    /// A body it takes, `Null` when it takes none.
    pub(crate) body: Value,
    /// Names of its query parameters.
    pub(crate) query: Vec<String>,
    statuses: BTreeSet<u16>,
}

impl Operation {
    /// Whether the document or the rules for every operation allow this status: 404 and 405 come from routing, 413 and
    /// 408 from reading a body, 503 from what is away.
    pub(crate) fn documents(&self, status: u16) -> bool {
        self.statuses.contains(&status) || (!self.body.is_null() && [408, 413].contains(&status)) || status == 503
    }

    /// The path with `id` wherever it has a parameter.
    pub(crate) fn path_with(&self, id: &str) -> String {
        self.path_naming(|_| id.to_owned())
    }

    /// The path with its parameters filled by what `name` says for the segment before each.
    pub(crate) fn path_naming(&self, mut name: impl FnMut(&str) -> String) -> String {
        let mut before = "";
        let mut path = String::new();
        for segment in self.path.split('/').skip(1) {
            path.push('/');
            if segment.starts_with('{') {
                path += &name(before);
            } else {
                path += segment;
            }
            before = segment;
        }
        path
    }

    /// How many parameters the path has.
    pub(crate) fn parameters(&self) -> usize {
        self.path.matches('{').count()
    }

    pub(crate) fn is_public(&self) -> bool {
        PUBLIC.contains(&self.id.as_str())
    }
}

/// Every operation of the document.
pub(crate) fn operations() -> Vec<Operation> {
    let document = serde_json::to_value(pyairtable_platform::app::document()).unwrap();
    let mut all = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let Ok(method) = method.to_uppercase().parse::<Method>() else { continue };
            let Some(id) = operation["operationId"].as_str() else { continue };
            let parameters = operation["parameters"].as_array().into_iter().flatten();
            let query = parameters.filter(|parameter| parameter["in"] == "query");
            let statuses = operation["responses"].as_object().unwrap().keys();
            all.push(Operation {
                id: id.to_owned(),
                method,
                path: path.clone(),
                body: example(&document, &operation["requestBody"]["content"]["application/json"]["schema"]),
                query: query.map(|parameter| parameter["name"].as_str().unwrap().to_owned()).collect(),
                statuses: statuses.map(|status| status.parse().unwrap()).collect(),
            });
        }
    }
    assert!(all.len() >= 25, "{}", all.len());
    all
}

/// A value of `schema` with every field set.
fn example(document: &Value, schema: &Value) -> Value {
    if let Some(name) = schema["$ref"].as_str() {
        return example(document, document.pointer(name.trim_start_matches('#')).unwrap());
    }
    for choice in ["oneOf", "anyOf", "allOf"] {
        let mut choices = schema[choice].as_array().into_iter().flatten();
        if let Some(first) = choices.find(|schema| schema["type"] != "null") {
            return example(document, first);
        }
    }
    let kind = match &schema["type"] {
        Value::Array(kinds) => kinds.iter().find(|kind| **kind != "null").unwrap(),
        kind => kind,
    };
    match kind.as_str() {
        Some("object") => {
            let properties = schema["properties"].as_object().into_iter().flatten();
            properties.map(|(name, schema)| (name.clone(), named_example(document, name, schema))).collect()
        }
        Some("array") => json!([example(document, &schema["items"])]),
        Some("string") => json!("text"),
        Some("boolean") => json!(true),
        Some("integer" | "number") => json!(1),
        _ => Value::Null,
    }
}

/// Values that get past the checks of well-known fields.
fn named_example(document: &Value, name: &str, schema: &Value) -> Value {
    match name {
        "email" => json!("somebody@example.com"),
        "id" | "tenant_id" | "user_id" | "workspace_id" => json!(NOBODY),
        "role" => json!("user"),
        _ => example(document, schema),
    }
}

/// The names of all functions in the sources of these tests.
fn functions(folder: &Path, found: &mut BTreeSet<String>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            functions(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = std::fs::read_to_string(&path).unwrap();
            let lines: Vec<_> = text.lines().collect();
            // Only what runs counts, so the attribute must stand right above.
            for pair in lines.windows(2).filter(|pair| pair[0].starts_with("#[") && pair[0].contains("test")) {
                let name =
                    pair[1].trim_start_matches("async ").strip_prefix("fn ").and_then(|rest| rest.split('(').next());
                found.extend(name.map(str::to_owned));
            }
        }
    }
}

#[test]
fn every_operation_has_its_tests() {
    let mut found = BTreeSet::new();
    functions(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it"), &mut found);
    let tested = |id: &str, condition: &str| {
        let operations =
            |name: &str| name.split_once(condition).is_some_and(|(ids, _)| ids.split("_and_").any(|one| one == id));
        found.iter().any(|name| operations(name))
    };
    let mut missing = Vec::new();
    for operation in operations() {
        for (needed, condition) in
            [(!operation.is_public(), "_logged_out"), (operation.parameters() > 0, "_other_tenant")]
        {
            if needed && !tested(&operation.id, condition) {
                missing.push(format!("{}{condition}", operation.id));
            }
        }
    }
    assert!(missing.is_empty(), "write these tests: {missing:?}");
}

#[test]
fn public_operations_are_those_the_document_frees_of_credentials() {
    let known: BTreeSet<_> = operations().into_iter().map(|operation| operation.id).collect();
    for id in PUBLIC {
        assert!(known.contains(id), "{id} is no operation any more");
    }
    let document = serde_json::to_value(pyairtable_platform::app::document()).unwrap();
    for operation in operations() {
        let security = &document["paths"][&operation.path][operation.method.as_str().to_lowercase()]["security"];
        let free = security.as_array().is_some_and(|ways| ways.is_empty() || ways.contains(&json!({})));
        assert_eq!(free, operation.is_public(), "{}: {security}", operation.id);
    }
}

#[tokio::test]
async fn every_protected_operation_answers_401_without_credentials() {
    let app = TestApp::new().await;
    let before = app.all_rows().await;
    for operation in operations().iter().filter(|operation| !operation.is_public()) {
        let body = Some(&operation.body).filter(|body| !body.is_null());
        for prefix in ["", "/api/v1"] {
            let path = format!("{prefix}{}", operation.path_with(NOBODY));
            let answer = send(&app.http, operation.method.clone(), &path, body).await;
            assert_eq!(answer.status, 401, "{}: {}", operation.id, answer.body);
            assert_eq!(answer.body["code"], "UNAUTHORIZED", "{}", operation.id);
            assert!(operation.documents(401), "{} does not document 401", operation.id);
        }
    }
    assert_eq!(app.all_rows().await, before);
}

#[tokio::test]
async fn every_operation_answers_a_documented_status() {
    let app = TestApp::new().await;
    let (admin, member, stranger) = app.cast().await;
    let mut surprises = BTreeSet::new();
    for operation in operations() {
        let body = Some(&operation.body).filter(|body| !body.is_null());
        for id in [NOBODY, &member.id, "no-id"] {
            let path = operation.path_with(id);
            for client in [&app.http, &admin.http, &member.http, &stranger.http] {
                for body in [body, None] {
                    app.revive(&admin.tenant).await;
                    let answer = send(client, operation.method.clone(), &path, body).await;
                    if !operation.documents(answer.status.as_u16()) {
                        surprises
                            .insert(format!("{} answers {}: {}", operation.id, answer.status, answer.body["error"]));
                    }
                }
            }
            let answer = app.internal(operation.method.clone(), &path).json(&operation.body).send().await;
            if !operation.documents(answer.status.as_u16()) {
                surprises.insert(format!("{} answers {} to a service", operation.id, answer.status));
            }
        }
    }
    assert!(surprises.is_empty(), "not in the document: {surprises:#?}");
}
