//! Every word of the command line: help, answers to mistakes, results.

use crate::command::{run, run_in, run_with_input};

#[test]
fn help_of_every_command() {
    for (name, arguments) in [
        ("program", &["--help"][..]),
        ("program_short", &["-h"]),
        ("serve", &["serve", "--help"]),
        ("serve_short", &["serve", "-h"]),
        ("check_config", &["check-config", "--help"]),
        ("migrate", &["migrate", "--help"]),
        ("migrate_up", &["migrate", "up", "--help"]),
        ("migrate_status", &["migrate", "status", "--help"]),
        ("openapi", &["openapi", "--help"]),
        ("admin", &["admin", "--help"]),
        ("admin_create_super_admin", &["admin", "create-super-admin", "--help"]),
        ("audit", &["audit", "--help"]),
        ("audit_verify", &["audit", "verify", "--help"]),
        ("audit_export", &["audit", "export", "--help"]),
        ("audit_anchor", &["audit", "anchor", "--help"]),
        ("gateway", &["gateway", "--help"]),
        ("gateway_serve", &["gateway", "serve", "--help"]),
        ("gateway_set", &["gateway", "set", "--help"]),
        ("gateway_force", &["gateway", "force", "--help"]),
        ("gateway_return", &["gateway", "return", "--help"]),
        ("gateway_top", &["gateway", "top", "--help"]),
        ("gateway_counters", &["gateway", "counters", "--help"]),
        ("gateway_gates", &["gateway", "gates", "--help"]),
        ("gateway_shadow", &["gateway", "shadow", "--help"]),
        ("gateway_shadow_start", &["gateway", "shadow", "start", "--help"]),
        ("gateway_shadow_report", &["gateway", "shadow", "report", "--help"]),
        ("gateway_drive_haproxy", &["gateway", "drive", "haproxy", "--help"]),
        ("gateway_print", &["gateway", "print", "--help"]),
        ("cutover", &["cutover", "--help"]),
        ("cutover_discover", &["cutover", "discover", "--help"]),
        ("cutover_preflight", &["cutover", "preflight", "-h"]),
        ("cutover_config", &["cutover", "config", "--help"]),
        ("cutover_expand", &["cutover", "expand", "-h"]),
        ("cutover_plan", &["cutover", "plan", "--help"]),
        ("cutover_run", &["cutover", "run", "--help"]),
        ("cutover_backup", &["cutover", "backup", "-h"]),
        ("cutover_status", &["cutover", "status", "--help"]),
        ("cutover_pause", &["cutover", "pause", "--help"]),
        ("cutover_resume", &["cutover", "resume", "-h"]),
        ("cutover_rollback", &["cutover", "rollback", "-h"]),
        ("cutover_parity", &["cutover", "parity", "--help"]),
        ("cutover_changes", &["cutover", "changes", "--help"]),
        ("cutover_verify", &["cutover", "verify", "--help"]),
        ("cutover_report", &["cutover", "report", "--help"]),
        ("cutover_soak", &["cutover", "soak", "--help"]),
        ("cutover_clean_up", &["cutover", "clean-up", "--help"]),
        ("cutover_restore", &["cutover", "restore", "--help"]),
        ("completions", &["completions", "--help"]),
    ] {
        let run = run(arguments);
        assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""), "{name}");
        insta::assert_snapshot!(format!("help_{name}"), run.stdout);
    }
}

#[test]
fn mistakes_are_answered_clearly_and_exit_2() {
    for (name, arguments) in [
        ("nothing", &[][..]),
        ("unknown_command", &["serv"]),
        ("unknown_flag", &["serve", "--prot", "1"]),
        ("flag_without_value", &["serve", "--port"]),
        ("secret_as_flag", &["serve", "--jwt-secret", "x"]),
        ("unknown_format", &["check-config", "--format", "yaml"]),
        ("migrate_without_direction", &["migrate"]),
        ("admin_without_email", &["admin", "create-super-admin", "--password-stdin"]),
        ("admin_without_password", &["admin", "create-super-admin", "--email", "a@example.com"]),
        ("password_as_flag", &["admin", "create-super-admin", "--email", "a@example.com", "--password", "x"]),
        ("audit_of_no_tenant", &["audit", "verify", "--tenant", "acme"]),
        ("audit_anchor_without_file", &["audit", "anchor"]),
        ("gateway_without_routes", &["gateway", "serve"]),
        ("gateway_force_nobody", &["gateway", "force", "legacy", "--who", "ada", "--why", "x"]),
        ("gateway_share_of_nothing", &["gateway", "set", "110%", "--who", "ada", "--why", "x"]),
        ("gateway_drive_without_routes", &["gateway", "drive", "haproxy"]),
        ("gateway_drive_backend_of_nothing", &["gateway", "drive", "haproxy", "--backend", "users"]),
        ("gateway_print_without_share", &["gateway", "print", "nginx", "--routes", "routes.yaml"]),
        ("cutover_pause_without_reason", &["cutover", "pause"]),
        ("cutover_restore_without_name", &["cutover", "restore"]),
        ("cutover_restore_unconfirmed", &["cutover", "restore", "--into", "x", "--replace", "y"]),
        ("unknown_shell", &["completions", "tcsh"]),
        ("check_config_with_unknown_flag", &["--check-config", "--bogus"]),
    ] {
        let run = run(arguments);
        assert_eq!((run.code, run.stdout.as_str()), (Some(2), ""), "{name}: {}", run.shown());
        insta::assert_snapshot!(format!("mistake_{name}"), run.shown());
    }
}

#[test]
fn every_flag_of_serve_names_its_environment_variable() {
    let help = run(&["serve", "--help"]).stdout;
    for key in ["PORT", "INTERNAL_PORT", "BIND_ADDRESS", "PLATFORM_DATA_DIR", "DATABASE_URL", "JWT_SECRET", "REDIS_URL"]
        .into_iter()
        .chain(["LOG_LEVEL", "CORS_ORIGINS", "INTERNAL_API_KEY", "ENVIRONMENT", "LEGACY_COEXISTENCE", "PG_BINDIR"])
    {
        assert!(help.contains(&format!("[env: {key}")), "{key} is not in the help");
    }
}

#[test]
fn completions_of_every_shell_know_the_commands() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let run = run(&["completions", shell]);
        assert_eq!(run.code, Some(0));
        assert!(run.stdout.contains("check-config"), "{shell}");
    }
}

#[test]
fn serve_refuses_and_lists_all_problems_at_once() {
    let directory = tempfile::tempdir().unwrap();
    let run = run_in(
        directory.path(),
        &["serve", "--port", "eighty"],
        &[("ENVIRONMENT", "production"), ("JWT_SECRET", "changeme"), ("CORS_ORIGINS", "*"), ("LOG_LEVEL", "loud")],
    );
    insta::assert_snapshot!(run.shown());
}

#[test]
fn migrations_are_shown_applied_and_shown_again() {
    let directory = tempfile::tempdir().unwrap();
    let count = db::migrate::MIGRATIONS.len();
    let migrate = |what: &str| run_in(directory.path(), &["migrate", what, "--data-dir", "here"], &[]);

    let before = migrate("status");
    assert_eq!(before.code, Some(0), "{}", before.shown());
    assert!(before.stdout.ends_with(&format!("0 applied, {count} pending\n")), "{}", before.stdout);

    let first = migrate("up");
    assert_eq!((first.code, first.stderr.as_str()), (Some(0), ""));
    assert!(first.stdout.starts_with("applied  1  roles\n"), "{}", first.stdout);
    assert!(first.stdout.ends_with(&format!("{count} applied now, 0 before\n")), "{}", first.stdout);

    assert_eq!(migrate("up").stdout, format!("0 applied now, {count} before\n"));
    let after = migrate("status").stdout;
    assert!(after.ends_with(&format!("{count} applied, 0 pending\n")), "{after}");
}

#[test]
fn super_admin_is_created_once_and_only_with_a_password_from_standard_input() {
    let directory = tempfile::tempdir().unwrap();
    let create = |password: &str| {
        let arguments =
            ["admin", "create-super-admin", "--email", "root@example.com", "--password-stdin", "--data-dir", "here"];
        run_with_input(directory.path(), &arguments, &[], password)
    };
    let unmigrated = create("correct horse battery\n");
    assert_eq!(unmigrated.code, Some(1));
    assert!(unmigrated.stderr.contains("migrate up"), "{}", unmigrated.stderr);
    run_in(directory.path(), &["migrate", "up", "--data-dir", "here"], &[]);

    let empty = create("");
    assert_eq!((empty.code, empty.stderr.contains("no password")), (Some(1), true), "{}", empty.stderr);
    let short = create("short\n");
    assert_eq!((short.code, short.stderr.contains('8')), (Some(1), true), "{}", short.stderr);

    let created = create("correct horse battery\n");
    assert_eq!((created.code, created.stderr.as_str()), (Some(0), ""));
    assert!(created.stdout.trim_end().parse::<uuid::Uuid>().is_ok(), "{}", created.stdout);

    let again = create("correct horse battery\n");
    assert_eq!(again.code, Some(1));
    assert!(again.stderr.contains("exists already"), "{}", again.stderr);
}
