//! The command line. Results go to standard output, everything else to standard error.
//!
//! Exit codes: 0 done, 1 refused or failed, 2 used wrongly. `audit` says 1 for a broken trail and 3 for failures;
//! `cutover` has codes of its own, see `cutover::Exit`.

mod admin;
mod arguments;
mod audit;
mod check_config;
mod completions;
mod cutover;
mod gateway;
#[cfg(feature = "legacy-stand-in")]
mod legacy_stand_in;
mod migrate;
mod openapi;
mod serve;
mod short;

use std::ffi::OsString;
use std::io::{self, IsTerminal as _, Write as _};
use std::process::ExitCode;
use std::time::Instant;

use clap::error::ErrorKind;
use clap::{Parser, Subcommand};

use self::arguments::{DatabaseArgs, EverythingArgs, SecretArgs, TokenStoreArgs};

const ABOUT: &str = "Users, tenants, workspaces and notifications of PyAirtable, over HTTP on PostgreSQL";

const LONG_ABOUT: &str = "\
Users, tenants, workspaces and notifications of PyAirtable, over HTTP on PostgreSQL.

With no configuration at all, `pyairtable-platform serve` keeps its data in a private PostgreSQL under ./data and \
answers on port 8080. Configuration comes from, each winning over the one before: defaults, a TOML file, the \
environment, flags. `pyairtable-platform check-config` shows what takes effect and everything that is wrong with it.";

const AFTER_HELP: &str = "\
Examples:
  pyairtable-platform serve
  DATABASE_URL_FILE=/run/secrets/database pyairtable-platform serve --environment production
  pyairtable-platform check-config --format json

Exit codes:
  0  done
  1  refused or failed; standard error says why
  2  used wrongly: an unknown command or flag";

/// The program's arguments.
#[derive(Debug, Parser)]
#[command(
    name = "pyairtable-platform",
    version,
    about = ABOUT,
    long_about = LONG_ABOUT,
    after_long_help = AFTER_HELP,
    arg_required_else_help = true,
    subcommand_required = true,
    max_term_width = 100
)]
struct Cli {
    /// The same as the command check-config, with the same flags
    // Never seen by the parser: `normal_form` has put the command in its place. Here for the help.
    #[arg(long)]
    check_config: bool,

    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve the API until SIGTERM or Ctrl-C
    #[command(long_about = serve::ABOUT, after_long_help = serve::AFTER_HELP)]
    Serve(EverythingArgs),
    /// Show the configuration and everything that is wrong with it
    #[command(long_about = check_config::ABOUT, after_long_help = check_config::AFTER_HELP)]
    CheckConfig {
        /// How to print the result
        #[arg(long, value_enum, default_value_t = check_config::Format::Text)]
        format: check_config::Format,
        #[command(flatten)]
        config: EverythingArgs,
    },
    /// Bring the database to this program's schema, or say where it stands
    #[command(subcommand, arg_required_else_help = true)]
    Migrate(MigrateCommand),
    /// Print the OpenAPI 3.1 document of the API
    #[command(long_about = openapi::ABOUT)]
    Openapi,
    /// Do what no endpoint can
    #[command(subcommand, arg_required_else_help = true)]
    Admin(AdminCommand),
    /// Check, export and anchor the audit trail
    #[command(subcommand, arg_required_else_help = true)]
    Audit(audit::AuditCommand),
    /// Serve stand-ins for the old services, to try this program beside them
    #[cfg(feature = "legacy-stand-in")]
    #[command(long_about = legacy_stand_in::ABOUT)]
    LegacyStandIn(legacy_stand_in::Arguments),
    /// Move traffic between the old services and this one
    #[command(subcommand, arg_required_else_help = true)]
    Gateway(gateway::GatewayCommand),
    /// Take a running deployment over, step by step, with a way back from each
    #[command(subcommand, arg_required_else_help = true)]
    Cutover(cutover::CutoverCommand),
    /// Print a completion script for a shell
    #[command(after_long_help = completions::AFTER_HELP)]
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
}

#[derive(Debug, Subcommand)]
enum MigrateCommand {
    /// Apply what is missing; `serve` does the same when it starts
    #[command(long_about = migrate::UP, after_long_help = migrate::AFTER_HELP)]
    Up(DatabaseArgs),
    /// Say what is applied and what is missing; changes nothing
    #[command(long_about = migrate::STATUS, after_long_help = migrate::AFTER_HELP)]
    Status(DatabaseArgs),
}

#[derive(Debug, Subcommand)]
enum AdminCommand {
    /// Create a person who may do everything in all tenants
    #[command(long_about = admin::ABOUT, after_long_help = admin::AFTER_HELP)]
    CreateSuperAdmin {
        /// The e-mail address to log in with
        #[arg(long, value_name = "ADDRESS")]
        email: String,
        /// Read the password from standard input, up to the end of the first line
        // A flag with the password itself would show it in the process list.
        #[arg(long, required = true)]
        password_stdin: bool,
        #[command(flatten)]
        database: DatabaseArgs,
        #[command(flatten)]
        secrets: SecretArgs,
        #[command(flatten)]
        token_store: TokenStoreArgs,
    },
}

/// Runs the program with `arguments`, the first being its name.
pub(crate) fn run(arguments: impl IntoIterator<Item = OsString>, began: Instant) -> ExitCode {
    let cli = match Cli::try_parse_from(normal_form(arguments)) {
        Ok(cli) => cli,
        Err(answer) => {
            // Help that was asked for is a result; everything else is a message.
            let _ = answer.print();
            let asked_for = matches!(answer.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion);
            return if asked_for { ExitCode::SUCCESS } else { ExitCode::from(2) };
        }
    };
    let done = match cli.command {
        Command::Serve(config) => serve::run(&config.inputs(), began),
        Command::CheckConfig { format, config } => check_config::run(&config.inputs(), format),
        Command::Migrate(MigrateCommand::Up(database)) => migrate::up(&database.inputs()),
        Command::Migrate(MigrateCommand::Status(database)) => migrate::status(&database.inputs()),
        Command::Openapi => openapi::run(),
        Command::Admin(AdminCommand::CreateSuperAdmin { email, database, secrets, token_store, .. }) => {
            admin::run(&token_store.and(&secrets, &database), email)
        }
        Command::Audit(command) => Ok(audit::run(&command)),
        #[cfg(feature = "legacy-stand-in")]
        Command::LegacyStandIn(arguments) => legacy_stand_in::run(arguments),
        Command::Gateway(command) => gateway::run(&command),
        Command::Cutover(command) => Ok(cutover::run(&command)),
        Command::Completions { shell } => completions::run(shell),
    };
    done.unwrap_or_else(|error| {
        if is_closed_pipe(&error) {
            return ExitCode::SUCCESS; // `... | head` has seen enough
        }
        let _ = writeln!(io::stderr(), "error: {error:#}");
        ExitCode::FAILURE
    })
}

/// `--check-config` before any command is the command `check-config`; the flags around it are its flags.
fn normal_form(arguments: impl IntoIterator<Item = OsString>) -> Vec<OsString> {
    let mut arguments: Vec<OsString> = arguments.into_iter().collect();
    let starts_with_flag = arguments.get(1).is_some_and(|first| first.as_encoded_bytes().starts_with(b"-"));
    if starts_with_flag && arguments.iter().any(|argument| argument == "--check-config") {
        arguments.retain(|argument| argument != "--check-config");
        arguments.insert(1.min(arguments.len()), "check-config".into());
    }
    arguments
}

/// A runtime with a thread for each core. Short commands get by with one.
fn runtime(workers: usize) -> io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(workers.max(1))
        .thread_name("worker")
        .enable_all()
        .build()
}

/// Whether whoever reads the output has stopped.
fn is_closed_pipe(error: &anyhow::Error) -> bool {
    error.downcast_ref().is_some_and(|cause: &io::Error| cause.kind() == io::ErrorKind::BrokenPipe)
}

/// Whether somebody looks at the messages.
fn on_a_terminal() -> bool {
    io::stderr().is_terminal()
}

/// The command line as a tree, for completions.
fn tree() -> clap::Command {
    <Cli as clap::CommandFactory>::command()
}

#[cfg(test)]
mod tests {
    use super::{normal_form, tree};

    #[test]
    fn command_line_is_consistent() {
        tree().debug_assert();
    }

    #[test]
    fn flag_stands_for_the_command() {
        let normal = |line: &str| {
            let words = normal_form(line.split(' ').map(Into::into));
            words.iter().map(|word| word.to_str().unwrap().to_owned()).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(normal("x --check-config"), "x check-config");
        assert_eq!(normal("x --port 1 --check-config"), "x check-config --port 1");
        assert_eq!(normal("x serve --check-config"), "x serve --check-config");
        assert_eq!(normal("x --help"), "x --help");
    }
}
