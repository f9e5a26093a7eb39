//! Registration, the own account, passwords (contract 1.1.3).

use serde_json::{Value, json};

use super::scene::{PASSWORD, Scene, has_fields, refuses};
use crate::legacy::layouts::Layout;

const USER: [&str; 10] = [
    "id",
    "email",
    "first_name",
    "last_name",
    "role",
    "tenant_id",
    "is_active",
    "email_verified",
    "created_at",
    "updated_at",
];
const TENANT: &str = "7d444840-9dc0-11d1-b245-5ffdce74fad2";

pub(super) fn form(email: &str) -> Value {
    json!({ "email": email, "password": PASSWORD, "first_name": "Ada", "last_name": "Lovelace" })
}

fn with(email: &str, name: &str, value: &str) -> Value {
    let mut form = form(email);
    form[name] = json!(value);
    form
}

pub(super) async fn all(scene: &Scene) {
    register_refuses(scene).await;
    register_stores(scene).await;
    own_account(scene).await;
}

async fn register_refuses(scene: &Scene) {
    let http = &scene.http.auth;
    let post = |body: &Value| http.post("/auth/register").json(body);
    refuses(http.post("/auth/register"), 400, "Invalid request body").await;
    for (name, value, error) in [
        ("email", "", "Email is required"),
        ("password", "", "Password is required"),
        ("password", "ååå", "Password must be at least 8 characters long"),
        ("first_name", "", "First name is required"),
        ("last_name", "", "Last name is required"),
    ] {
        refuses(post(&with("new@example.com", name, value)), 400, error).await;
    }
    // The first that is wrong decides.
    refuses(post(&json!({})), 400, "Email is required").await;
    // What the database refuses, by what it says; the view's table checks no addresses.
    if scene.layout != Layout::View {
        refuses(post(&form("no address")), 409, "Email already exists").await;
    }
    for (name, value) in [("tenant_id", "acme"), ("password", &"x".repeat(73)), ("first_name", &"x".repeat(101))] {
        let answer = post(&with("new@example.com", name, value)).send().await.expect(500);
        has_fields(&answer.body, &["error", "details"]);
        assert_eq!(answer.body["error"], "Registration failed");
    }
}

async fn register_stores(scene: &Scene) {
    let http = &scene.http.auth;
    let post = |body: &Value| http.post("/auth/register").json(body);
    let first = post(&form("Ada@example.com")).send().await.expect(201);
    has_fields(&first.body, &USER);
    assert_eq!(first.body["email"], "Ada@example.com");
    assert_eq!((&first.body["role"], &first.body["is_active"]), (&json!("user"), &json!(true)));
    assert_eq!(first.body["email_verified"], false);
    assert_eq!(first.body["created_at"], scene.now().to_string());
    let hash = "SELECT password_hash::text FROM users WHERE email = 'Ada@example.com'";
    let hash = scene.value(&scene.places.auth, hash).await.expect("a row");
    assert!(hash.starts_with("$2a$10$") && hash.len() == 60, "{hash}");
    refuses(post(&form("Ada@example.com")), 409, "Email already registered").await;
    // Another case is another account (T-56), and a tenant that is named is believed.
    let second = post(&with("ada@example.com", "tenant_id", TENANT)).send().await.expect(201);
    assert_eq!(second.body["tenant_id"], TENANT);
    assert_ne!(first.body["tenant_id"], TENANT);
}

/// As deployed everybody is nobody; as intended the token says who it is (T-24).
async fn own_account(scene: &Scene) {
    let deployed = &scene.http.auth;
    for request in [deployed.get("/auth/me"), deployed.put("/auth/me"), deployed.post("/auth/change-password")] {
        refuses(request.json(&json!({})), 401, "Unauthorized").await;
    }
    let http = &scene.intended;
    refuses(http.get("/auth/me"), 401, "Missing Authorization header").await;
    let basic = http.get("/auth/me").header("authorization", "bearer x");
    refuses(basic, 401, "Invalid Authorization header format").await;
    refuses(http.with_bearer("x").get("/auth/me"), 401, "Invalid or expired token").await;

    let login = json!({ "email": "ada@example.com", "password": PASSWORD });
    let token = http.post("/auth/login").json(&login).send().await.expect(200).text("access_token");
    let me = http.with_bearer(&token);
    let user = me.get("/auth/me").send().await.expect(200).body;
    has_fields(&user, &[&USER[..], &["last_login_at"]].concat());
    refuses(me.put("/auth/me"), 400, "Invalid request body").await;
    let changed = me.put("/auth/me").json(&json!({ "first_name": "Augusta", "last_name": "" })).send().await;
    let changed = changed.expect(200).body;
    assert_eq!((&changed["first_name"], &changed["last_name"]), (&json!("Augusta"), &json!("Lovelace")));

    let change = |current: &str, new: &str| {
        let body = json!({ "current_password": current, "new_password": new });
        me.post("/auth/change-password").json(&body)
    };
    refuses(me.post("/auth/change-password"), 400, "Invalid request body").await;
    refuses(change("wrong", "x"), 400, "Current password is incorrect").await;
    refuses(change(PASSWORD, &"x".repeat(73)), 500, "Password change failed").await;
    // However short.
    let answer = change(PASSWORD, "x").send().await.expect(200);
    assert_eq!(answer.body, json!({ "message": "Password changed successfully" }));
    let login = json!({ "email": "ada@example.com", "password": "x" });
    http.post("/auth/login").json(&login).send().await.expect(200);
    scene.sql(&scene.places.auth, &format!("{} WHERE email = 'ada@example.com'", hollow(scene.layout))).await;
    refuses(me.get("/auth/me"), 500, "Failed to get user profile").await;
    refuses(me.put("/auth/me").json(&json!({})), 500, "Failed to update profile").await;
    refuses(change("x", "y"), 500, "Password change failed").await;
}

/// Makes rows that old code cannot read (T-43), through the view or past it.
fn hollow(layout: Layout) -> &'static str {
    match layout {
        Layout::View => "UPDATE platform_users SET is_active = NULL",
        _ => "UPDATE users SET is_active = NULL",
    }
}
