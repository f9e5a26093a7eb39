//! user-service where it finds its table (contract 1.2).

use redis::AsyncCommands as _;
use serde_json::{Value, json};

use super::scene::{PASSWORD, Scene, has_fields, refuses};
use crate::Client;
use crate::client::Request;

const TENANT: &str = "00000000-0000-4000-9000-00000000aaaa";
const OTHER: &str = "00000000-0000-4000-9000-00000000bbbb";
const SHOWN: [&str; 11] = [
    "id",
    "email",
    "first_name",
    "last_name",
    "display_name",
    "tenant_id",
    "role",
    "is_active",
    "email_verified",
    "phone_verified",
    "created_at",
];

fn form(email: &str) -> Value {
    json!({ "email": email, "first_name": "Ada", "last_name": "Lovelace", "tenant_id": TENANT, "role": "user" })
}

fn create(http: &Client, body: &Value) -> Request {
    http.post("/users").header("x-api-key", "any").json(body)
}

pub(super) async fn all(scene: &Scene) {
    let id = creation(scene).await;
    reading(scene, &id).await;
    changing(scene, &id).await;
    lists(scene).await;
    nulls(scene, &id).await;
    deletion(scene, &id).await;
}

async fn creation(scene: &Scene) -> String {
    let http = &scene.http.users;
    refuses(http.post("/users").json(&form("u1@example.com")), 401, "Missing API key").await;
    refuses(http.post("/users/bulk").json(&json!([])), 401, "Missing API key").await;
    refuses(http.post("/users").header("x-api-key", "any"), 400, "Invalid request body").await;
    refuses(http.post("/users/bulk").header("x-api-key", "any").json(&json!({})), 400, "Invalid request body").await;
    let user = create(http, &form("u1@example.com")).send().await.expect(201).body;
    has_fields(&user, &[&SHOWN[..], &["updated_at"]].concat());
    assert_eq!((&user["display_name"], &user["is_active"]), (&json!("Ada Lovelace"), &json!(false)));
    // Objects that are missing reach the row as the literal null.
    let row = "SELECT preferences::text || metadata::text FROM users WHERE email = 'u1@example.com'";
    assert_eq!(scene.value(&scene.places.users, row).await.as_deref(), Some("{}null"));
    refuses(create(http, &form("u1@example.com")), 500, "Failed to create user").await;
    let no_role = json!({ "email": "u2@example.com", "tenant_id": TENANT, "is_active": true, "metadata": { "a": 1 } });
    let user2 = create(http, &no_role).send().await.expect(201).body;
    assert_eq!((&user2["role"], &user2["metadata"]), (&json!(""), &json!({ "a": 1 })));

    // Those before the first that fails stay.
    let bulk = |people: Value| http.post("/users/bulk").header("x-api-key", "any").json(&people);
    let both = json!([form("u3@example.com"), form("u1@example.com"), form("u4@example.com")]);
    refuses(bulk(both), 500, "Failed to create users").await;
    let count = "SELECT count(*)::text FROM users WHERE email IN ('u3@example.com', 'u4@example.com')";
    assert_eq!(scene.value(&scene.places.users, count).await.as_deref(), Some("1"));
    let answer = bulk(json!([form("u5@example.com"), form("u6@example.com")])).send().await.expect(201);
    assert_eq!(answer.body, json!({ "message": "Successfully created 2 users" }));
    user["id"].as_str().expect("an id").to_owned()
}

async fn reading(scene: &Scene, id: &str) {
    let http = &scene.http.users;
    http.get("/health").send().await.expect(200);
    refuses(http.get("/users/me"), 401, "User ID not found in request").await;
    let nobody = "00000000-0000-4000-8000-000000000404";
    for id in [nobody, "no-uuid"] {
        refuses(http.get("/users/me").header("x-user-id", id), 404, "User not found").await;
        refuses(http.get(&format!("/users/{id}")), 404, "User not found").await;
    }
    let me = http.get("/users/me").header("x-user-id", id).send().await.expect(200).body;
    let path = format!("/users/{id}");
    for (name, value) in [("x-user-id", id), ("x-tenant-id", TENANT)] {
        assert_eq!(http.get(&path).header(name, value).send().await.expect(200).body, me);
    }
    refuses(http.get(&path), 403, "Access denied").await;
    refuses(http.get(&path).header("x-tenant-id", OTHER).header("x-user-id", nobody), 403, "Access denied").await;
    // From the cache for a quarter of an hour, whatever the row says (T-57).
    let mut redis = scene.redis().await;
    let left: i64 = redis.ttl(format!("user:{id}")).await.expect("a key");
    assert!((840..=900).contains(&left), "{left} s");
    scene.sql(&scene.places.users, &format!("UPDATE users SET bio = 'unseen' WHERE id = '{id}'")).await;
    assert_eq!(http.get("/users/me").header("x-user-id", id).send().await.expect(200).body, me);
    redis.del::<_, ()>(format!("user:{id}")).await.expect("an answer");
    assert_eq!(http.get("/users/me").header("x-user-id", id).send().await.expect(200).body["bio"], "unseen");
}

async fn changing(scene: &Scene, id: &str) {
    let http = &scene.http.users;
    let path = format!("/users/{id}");
    let body = json!({ "bio": "", "phone": "1", "last_name": null, "preferences": { "a": [1] }, "email": "x" });
    refuses(http.put("/users/me").json(&body), 401, "User ID not found in request").await;
    refuses(http.put("/users/me").header("x-user-id", id), 400, "Invalid request body").await;
    let nobody = "00000000-0000-4000-8000-000000000404";
    refuses(http.put("/users/me").header("x-user-id", nobody).json(&body), 500, "Failed to update user").await;
    refuses(http.put("/users/x"), 400, "Invalid request body").await;
    refuses(http.put(&format!("/users/{nobody}")).json(&body), 404, "User not found").await;
    refuses(http.put(&path).header("x-user-id", id).json(&body), 403, "Access denied").await;
    let user = http.put(&path).header("x-tenant-id", TENANT).json(&body).send().await.expect(200).body;
    assert_eq!((&user["phone"], &user["last_name"]), (&json!("1"), &json!("Lovelace")));
    assert_eq!((&user["bio"], &user["email"]), (&Value::Null, &json!("u1@example.com")));
    assert_eq!(user["preferences"], json!({ "a": [1] }));
    let user = http.put("/users/me").header("x-user-id", id).json(&json!({ "preferences": {} })).send().await;
    assert_eq!(user.expect(200).body["preferences"], Value::Null);
    // A text too long for its column.
    let long = json!({ "phone": "1".repeat(51) });
    if scene.layout.user_service_works() {
        refuses(http.put(&path).header("x-tenant-id", TENANT).json(&long), 500, "Failed to update user").await;
    }
}

async fn lists(scene: &Scene) {
    let http = &scene.http.users;
    let mut redis = scene.redis().await;
    let list = async |query: &str| {
        let path = format!("/users?{query}");
        http.get(&path).header("x-tenant-id", TENANT).send().await.expect(200).body
    };
    let first = list("").await;
    has_fields(&first, &["users", "total", "page", "page_size", "total_pages"]);
    assert_eq!((&first["total"], &first["page"], &first["page_size"]), (&json!(5), &json!(1), &json!(20)));
    // The page's size is not part of the cache's key.
    assert_eq!(list("page_size=1").await["users"].as_array().map(Vec::len), Some(5));
    let keys: Vec<String> = redis.keys(format!("userlist:tenant:{TENANT}:*")).await.expect("keys");
    assert_eq!(keys.len(), 1);
    for (query, page, size) in
        [("page=x&page_size=101", 1, 20), ("page=0&page_size=0&search=u", 1, 20), ("page=2&page_size=2", 2, 2)]
    {
        let answer = list(query).await;
        assert_eq!((&answer["page"], &answer["page_size"]), (&json!(page), &json!(size)), "{query}");
    }
    for (query, total) in
        [("role=user", 4), ("is_active=t", 1), ("is_active=what", 4), ("search=U%25EXAMPLE", 5), ("search=u5@", 1)]
    {
        assert_eq!(list(query).await["total"], total, "{query}");
    }
    // A page out of the cache comes with the whole tenant's total.
    assert_eq!(list("role=user").await["total"], 5);
    let emails = list("sort_by=email&sort_order=asc").await;
    assert_eq!(emails["users"][0]["email"], "u1@example.com");
    assert_eq!(list("sort_by=email&sort_order=ASC").await["users"][0]["email"], "u6@example.com");
    // Nobody is null; the parameter wins over the header (T-58).
    let none = list(&format!("tenant_id={OTHER}")).await;
    assert_eq!((&none["users"], &none["total"], &none["total_pages"]), (&Value::Null, &json!(0), &json!(0)));
    let seen = http.get(&format!("/users?tenant_id={TENANT}")).header("x-tenant-id", OTHER).send().await;
    assert_eq!(seen.expect(200).body["total"], 5);
    refuses(http.get("/users?tenant_id=x"), 500, "Failed to list users").await;

    let stats = http.get("/users/stats").header("x-tenant-id", TENANT).send().await.expect(200).body;
    assert_eq!((&stats["total_users"], &stats["active_users"]), (&json!(5), &json!(1)));
    assert_eq!((&stats["users_by_role"], &stats["users_by_tenant"]), (&json!({ "": 1, "user": 4 }), &json!({})));
    assert_eq!((&stats["recent_signups"], &stats["verified_users"]), (&json!(5), &json!(0)));
    refuses(http.get("/users/stats?tenant_id=x"), 500, "Failed to get user statistics").await;
    // A change empties the tenant's lists and numbers.
    create(http, &form("u7@example.com")).send().await.expect(201);
    assert_eq!(list("").await["total"], 6);
    let left: Vec<String> = redis.keys("stats:*").await.expect("keys");
    assert_eq!(left, Vec::<String>::new());
}

/// One NULL hides a person from reads and breaks every list they are on (T-43).
async fn nulls(scene: &Scene, id: &str) {
    let http = &scene.http.users;
    let column = if scene.layout.shares_users() { "is_active" } else { "phone_verified" };
    let set = async |value: &str| {
        scene.sql(&scene.places.users, &format!("UPDATE users SET {column} = {value} WHERE id = '{id}'")).await;
        let mut redis = scene.redis().await;
        let keys: Vec<String> = redis.keys("user*").await.expect("keys");
        if !keys.is_empty() {
            redis.del::<_, ()>(keys).await.expect("an answer");
        }
    };
    set("NULL").await;
    refuses(http.get("/users/me").header("x-user-id", id), 404, "User not found").await;
    refuses(http.get("/users").header("x-tenant-id", TENANT), 500, "Failed to list users").await;
    set("false").await;
    http.get("/users/me").header("x-user-id", id).send().await.expect(200);
}

/// The mark and nothing else: auth-service lets them in (T-55).
async fn deletion(scene: &Scene, id: &str) {
    let http = &scene.http.users;
    let path = format!("/users/{id}");
    refuses(http.delete(&path), 403, "Access denied").await;
    refuses(http.delete("/users/no-uuid"), 404, "User not found").await;
    let users = &scene.places.users;
    scene.sql(users, "ALTER TABLE users ADD CONSTRAINT stays CHECK (deleted_at IS NULL)").await;
    refuses(http.delete(&path).header("x-tenant-id", TENANT), 500, "Failed to delete user").await;
    scene.sql(users, "ALTER TABLE users DROP CONSTRAINT stays").await;
    let answer = http.delete(&path).header("x-tenant-id", TENANT).send().await.expect(200);
    assert_eq!(answer.body, json!({ "message": "User deleted successfully" }));
    refuses(http.get("/users/me").header("x-user-id", id), 404, "User not found").await;
    refuses(http.delete(&path).header("x-tenant-id", TENANT), 404, "User not found").await;
    if scene.layout.shares_users() {
        let id = "00000000-0000-4000-8000-000000000302";
        scene.account(id, "shared@example.com", "").await;
        let tenant = "00000000-0000-4000-9000-000000000001";
        http.delete(&format!("/users/{id}")).header("x-tenant-id", tenant).send().await.expect(200);
        let login = json!({ "email": "shared@example.com", "password": PASSWORD });
        scene.http.auth.post("/auth/login").json(&login).send().await.expect(200);
    }
}
