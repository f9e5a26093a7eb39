//! Five environments become one.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use pyairtable_cutover::Error;
use pyairtable_cutover::config::{Chosen, Written, collect, merge};
use testkit::SeededRng;

const SECRET: &str = "Jx3vQ0m7bq9bW1kq3GZlY5yqk8oV2Tt0u4n6rA1cE5s=";

fn write(folder: &Path, name: &str, text: &str) {
    let path = folder.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

fn old_world(folder: &Path) {
    write(folder, ".env", &format!("SHARED_SECRET={SECRET}\nDB_PASSWORD=hunter2\n"));
    write(
        folder,
        "docker-compose.yml",
        "services:
  postgres:
    image: postgres:16
    environment:
      POSTGRES_PASSWORD: ${DB_PASSWORD}
  auth-service:
    environment:
      PORT: 8081
      DATABASE_URL: postgres://postgres:${DB_PASSWORD}@postgres:5432/pyairtable?sslmode=disable
      REDIS_URL: redis://redis:6379
      JWT_SECRET: ${SHARED_SECRET}
      CORS_ORIGINS: https://app.example.com
      ADMIN_EMAIL: root@example.com
  workspace-service:
    env_file: workspace.env
    environment:
      - JWT_SECRET=${SHARED_SECRET}
",
    );
    write(
        folder,
        "workspace.env",
        "DATABASE_URL=postgresql://workspace:other@postgres/pyairtable\nREDIS_URL=redis://redis:6379/0\nLOG_LEVEL=debug\n",
    );
    write(
        folder,
        "user-service/.env",
        &format!(
            "DB_HOST=postgres\nDB_USER=users\nDB_PASSWORD='p@ss w/ord'\nDB_NAME=pyairtable\nDB_SSL_MODE=require\n\
             REDIS_HOST=redis\nJWT_SECRET=\"{SECRET}\"\nCORS_ALLOWED_ORIGINS=*\nLOG_LEVEL=info\nJWT_TTL=3600\n"
        ),
    );
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn config_puts_agreeing_services_together_and_writes_once() {
    let folder = tempfile::tempdir().unwrap();
    old_world(folder.path());
    let services = collect(folder.path()).unwrap();
    let names: Vec<&str> = services.iter().map(|service| service.name.as_str()).collect();
    assert_eq!(names, ["auth-service", "user-service", "workspace-service"]);
    let merged = merge(&services, &Chosen::new(), &SeededRng::new(1));
    assert!(!merged.conflicts(), "{merged}");
    let shown = merged.to_string() + &serde_json::to_string(&merged).unwrap();
    for secret in [SECRET, "hunter2", "other@", "p@ss", "p%40ss"] {
        assert!(!shown.contains(secret), "{secret} is shown: {shown}");
    }
    assert!(shown.contains("postgres:5432/pyairtable"), "{shown}");
    assert!(merged.left_out.contains_key("JWT_TTL") && merged.left_out["ADMIN_EMAIL"].contains("never used"));

    let file = folder.path().join("platform.env");
    assert_eq!(merged.write(&file, false).unwrap(), Written::Written);
    let text = fs::read_to_string(&file).unwrap();
    assert!(text.contains(&format!("JWT_SECRET={SECRET}\n")), "{text}");
    assert!(text.contains("LEGACY_COEXISTENCE=true\n") && text.contains("LOG_LEVEL=info\n"), "{text}");
    assert!(text.contains("CORS_ORIGINS=https://app.example.com\n"), "{text}");
    assert!(!text.contains("PORT="), "{text}");
    assert_eq!(mode(&file), 0o600);
    // Again: nothing to do. With other contents: never silently.
    assert_eq!(merged.write(&file, false).unwrap(), Written::Unchanged);
    fs::write(&file, "PORT=1\n").unwrap();
    assert!(matches!(merged.write(&file, false), Err(Error::Refused { .. })));
    assert_eq!(fs::read_to_string(&file).unwrap(), "PORT=1\n");
    assert_eq!(merged.write(&file, true).unwrap(), Written::Written);
    assert_eq!(fs::read_to_string(folder.path().join("platform.env.before")).unwrap(), "PORT=1\n");
    assert_eq!(mode(&file), 0o600);
}

#[test]
fn config_refuses_to_choose_where_services_contradict_each_other() {
    let folder = tempfile::tempdir().unwrap();
    old_world(folder.path());
    write(folder.path(), "tenant-service/.env", "JWT_SECRET=another-one\nDATABASE_URL=postgres://postgres/tenants\n");
    let services = collect(folder.path()).unwrap();
    let rng = SeededRng::new(1);
    let merged = merge(&services, &Chosen::new(), &rng);
    let conflicts: Vec<&str> = merged.settings.iter().filter(|one| one.conflict).map(|one| one.name).collect();
    assert_eq!(conflicts, ["DATABASE_URL", "JWT_SECRET"]);
    let secret = &merged.settings.iter().find(|one| one.name == "JWT_SECRET").unwrap().services;
    assert_eq!(secret["auth-service"], secret["user-service"]);
    assert_ne!(secret["auth-service"], secret["tenant-service"]);
    // Fingerprints of two outputs cannot be compared.
    let other = merge(&services, &Chosen::new(), &rng);
    assert_ne!(secret, &other.settings.iter().find(|one| one.name == "JWT_SECRET").unwrap().services);
    let file = folder.path().join("platform.env");
    let error = merged.write(&file, true).unwrap_err().to_string();
    assert!(error.contains("--take DATABASE_URL=SERVICE"), "{error}");
    assert!(!file.exists());
    let chosen = [("DATABASE_URL", "auth-service"), ("JWT_SECRET", "auth-service")]
        .map(|(key, service)| (key.to_owned(), service.to_owned()));
    let merged = merge(&services, &chosen.into(), &rng);
    assert_eq!(merged.value("JWT_SECRET").unwrap().expose(), SECRET);
    merged.write(&file, false).unwrap();
}

#[test]
fn config_names_what_it_cannot_read() {
    let folder = tempfile::tempdir().unwrap();
    assert!(collect(folder.path()).unwrap_err().to_string().contains("docker-compose.yml"));
    write(folder.path(), "a/.env", "A=1\nnothing here\n");
    assert!(collect(folder.path()).unwrap_err().to_string().contains("line 2"));
    fs::remove_dir_all(folder.path().join("a")).unwrap();
    write(folder.path(), "compose.yaml", "x: &a {}\nservices:\n  s:\n    environment: *a\n");
    assert!(collect(folder.path()).unwrap_err().to_string().contains("docker compose config"));
}
