//! The flags of `gateway`.

#![expect(clippy::doc_markdown, reason = "these comments are the texts of --help, which show what is written")]

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use gateway::haproxy::Address;
use gateway::split::Share;

use super::{control, drive, measure, print, serve, top};
use crate::command::arguments::inputs;
use crate::config::{Inputs, keys};

#[derive(Debug, Subcommand)]
pub(in crate::command) enum GatewayCommand {
    /// Serve as the gateway until SIGTERM or Ctrl-C
    #[command(long_about = serve::ABOUT, after_long_help = serve::AFTER_HELP)]
    Serve(ServeArgs),
    /// Show shares, leases, counters and instances as JSON
    Status(SocketArgs),
    /// Put a share of people on the new side
    #[command(long_about = control::SET, after_long_help = control::AFTER_HELP)]
    Set(SetArgs),
    /// Put everybody back on the old side, at once, and keep them there until thaw
    #[command(long_about = control::RETURN)]
    Return {
        /// Go back although no old service answers
        #[arg(long)]
        anyway: bool,
        #[command(flatten)]
        order: OrderArgs,
    },
    /// Keep a person, a tenant or marked requests on one side, until the gateway ends
    Force(ForceArgs),
    /// Watch both sides, leases and gates in this terminal
    #[command(long_about = top::ABOUT, after_long_help = top::AFTER_HELP)]
    Top(TopArgs),
    /// Refuse every change of a share until thaw, apart from going back
    Freeze(OrderArgs),
    /// Allow changes of shares again
    Thaw(OrderArgs),
    /// Declare the share in force safe: it stays without a lease
    Confirm(OrderArgs),
    /// Show what both sides did lately, second by second, as JSON
    Counters(CountersArgs),
    /// Show whether the new side is worse than the old one
    #[command(long_about = measure::GATES, after_long_help = measure::GATES_AFTER_HELP)]
    Gates(GatesArgs),
    /// Let failed gates take traffic back by themselves, as they do unless disarmed
    Arm(OrderArgs),
    /// Keep failed gates from taking traffic back; they still say that they failed
    Disarm(OrderArgs),
    /// Ask the other side what clients read, and compare the answers
    #[command(subcommand, long_about = measure::SHADOW)]
    Shadow(ShadowCommand),
    /// Move traffic in a proxy of your own by the same commands
    #[command(subcommand)]
    Drive(DriveCommand),
    /// Print the configuration of a proxy of your own for the routes, at one share
    #[command(long_about = print::ABOUT, after_long_help = print::AFTER_HELP)]
    Print(PrintArgs),
}

#[derive(Debug, Subcommand)]
pub(in crate::command) enum DriveCommand {
    /// Hold the shares of a running HAProxy until SIGTERM or Ctrl-C
    #[command(long_about = drive::ABOUT, after_long_help = drive::AFTER_HELP)]
    Haproxy(Box<DriveArgs>),
    /// Put safe weights in force when the driver, whose lines are on standard input, dies or freezes
    #[command(hide = true)]
    HaproxyGuard(WeightArgs),
}

#[derive(Debug, Args)]
pub(in crate::command) struct DriveArgs {
    #[command(flatten)]
    pub(super) weights: WeightArgs,
    /// The routes file that HAProxy's configuration was printed for
    #[arg(long, value_name = "FILE", conflicts_with = "backend", required_unless_present = "backend")]
    pub(super) routes: Option<PathBuf>,
    /// HAProxy's map of thresholds, by the name its configuration has for it
    #[arg(long, value_name = "FILE", default_value = MAP)]
    pub(super) map: String,
    /// The same file as this program sees it, if that is another path [default: that of --map]
    #[arg(long, value_name = "FILE")]
    pub(super) map_file: Option<PathBuf>,
    #[command(flatten)]
    pub(super) measure: MeasureArgs,
    /// YAML file of gates that are stricter or more patient than usual; changes take effect while the
    /// driver runs
    #[arg(long, value_name = "FILE", conflicts_with = "backend")]
    pub(super) gates: Option<PathBuf>,
    /// Run without a second process that takes weights back if this one is killed
    #[arg(long)]
    pub(super) no_guard: bool,
    #[command(flatten)]
    pub(super) socket: SocketArgs,
    /// Where confirmed shares are kept over a restart
    #[arg(long, value_name = "FILE", default_value = "./pyairtable-gateway.json")]
    pub(super) state: PathBuf,
    /// error, warn, info, debug or trace [env: LOG_LEVEL] [default: info]
    #[arg(long, value_name = "LEVEL")]
    log_level: Option<String>,
}

impl DriveArgs {
    /// The keys that a driver uses.
    pub(super) const USED: &[&str] = &[keys::LOG_LEVEL];

    pub(super) fn inputs(&self) -> Inputs {
        inputs(None, vec![(keys::LOG_LEVEL, &self.log_level)])
    }
}

#[derive(Debug, Clone, Args)]
pub(in crate::command) struct MeasureArgs {
    /// Where HAProxy tells the driver of each request, for its gates: HOST:PORT, or the path of a socket, which HAProxy
    /// finds below its `chroot` if it has one, and opens as a user of the socket's group
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8009")]
    pub(super) measure: Address,
}

/// Where HAProxy's configuration has the map unless told otherwise.
const MAP: &str = "/etc/haproxy/pyairtable.map";

#[derive(Debug, Clone, Args)]
pub(in crate::command) struct WeightArgs {
    /// HAProxy's `stats socket ... level admin`: a path, or HOST:PORT
    #[arg(long, value_name = "ADDRESS", default_value = "/run/haproxy/admin.sock")]
    pub(super) haproxy: Address,
    /// Set weights in a backend of your own instead of thresholds, for a family of that name; once for each
    #[arg(long, value_name = "FAMILY=BACKEND", value_parser = pair)]
    pub(super) backend: Vec<(String, String)>,
    /// With --backend: servers whose name begins with this are the new side
    #[arg(long, value_name = "PREFIX", default_value = "platform")]
    pub(super) platform_servers: String,
    /// With --backend: HAProxy's server-state-file, which then knows the weights after a reload
    #[arg(long, value_name = "FILE")]
    pub(super) server_state: Option<PathBuf>,
}

fn pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((family, backend)) if !family.is_empty() && !backend.is_empty() => {
            Ok((family.to_owned(), backend.to_owned()))
        }
        _ => Err("write FAMILY=BACKEND, such as users=be_users".to_owned()),
    }
}

#[derive(Debug, Args)]
pub(in crate::command) struct PrintArgs {
    /// Whose configuration
    #[arg(value_name = "PRODUCT")]
    pub(super) product: Product,
    /// YAML file with the routes, as for gateway serve
    #[arg(long, value_name = "FILE")]
    pub(super) routes: PathBuf,
    /// The share of people on the new side
    #[arg(long, value_name = "SHARE")]
    pub(super) share: Share,
    /// Where clients connect
    #[arg(long, value_name = "PORT", default_value_t = 8000)]
    pub(super) port: u16,
    /// HAProxy's map of thresholds
    #[arg(long, value_name = "FILE", default_value = MAP)]
    pub(super) map: String,
    #[command(flatten)]
    pub(super) measure: MeasureArgs,
    /// What people stick by in nginx, such as '$cookie_session' [default: $http_authorization]
    #[arg(long, value_name = "EXPRESSION")]
    pub(super) key: Option<String>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(in crate::command) enum Product {
    /// HAProxy 2.6 or later, to be driven by gateway drive haproxy
    Haproxy,
    /// The map of thresholds that goes with it
    HaproxyMap,
    /// nginx, for its http block
    Nginx,
    /// Traefik 3, for its file provider
    Traefik,
    /// Envoy 1.36 or later, a whole configuration
    Envoy,
    /// Kubernetes Gateway API v1, HTTPRoutes
    GatewayApi,
}

#[derive(Debug, Args)]
pub(in crate::command) struct ServeArgs {
    /// YAML file with the routes; changes take effect while the gateway runs
    #[arg(long, value_name = "FILE")]
    pub(super) routes: PathBuf,
    /// Where clients connect
    #[arg(long, value_name = "ADDRESS", default_value = "0.0.0.0:8000")]
    pub(super) listen: SocketAddr,
    #[command(flatten)]
    pub(super) socket: SocketArgs,
    /// Where people see and steer the gateway in a browser, and Prometheus reads /metrics, such as 127.0.0.1:8001; off
    /// unless given
    #[arg(long, value_name = "ADDRESS")]
    pub(super) admin: Option<SocketAddr>,
    /// The token that the admin port asks for, made if there is no such file [default: ./pyairtable-gateway.token;
    /// required unless the admin port is on this machine only]
    #[arg(long, value_name = "FILE", requires = "admin")]
    pub(super) admin_token_file: Option<PathBuf>,
    /// YAML file of gates that are stricter or more patient than usual; changes take effect while the gateway runs
    #[arg(long, value_name = "FILE")]
    pub(super) gates: Option<PathBuf>,
    /// YAML file of differences between the sides that are intended, each with its reason; changes take effect while the
    /// gateway runs [default: those between the old services of PyAirtable and this program, which
    /// `gateway shadow intended` prints]
    #[arg(long, value_name = "FILE")]
    pub(super) intended: Option<PathBuf>,
    /// Where confirmed shares are kept over a restart
    #[arg(long, value_name = "FILE", default_value = "./pyairtable-gateway.json")]
    pub(super) state: PathBuf,
    /// TOML file with any of the keys in lower case [env: CONFIG_FILE] [default: ./pyairtable-platform.toml if it
    /// exists]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// development, production or test [env: ENVIRONMENT] [default: development]
    #[arg(long, value_name = "NAME")]
    environment: Option<String>,
    /// File with the key that access tokens are signed with, the same on both sides [env: JWT_SECRET_FILE, or
    /// JWT_SECRET itself] [default: the one kept in PLATFORM_DATA_DIR; required in production]
    #[arg(long, value_name = "FILE")]
    jwt_secret_file: Option<String>,
    /// Where generated secrets are kept [env: PLATFORM_DATA_DIR] [default: ./data]
    #[arg(long, value_name = "DIR", visible_alias = "data-dir")]
    platform_data_dir: Option<String>,
    /// Proxies in front whose X-Forwarded-For is believed [env: TRUSTED_PROXIES]
    #[arg(long, value_name = "NETWORKS")]
    trusted_proxies: Option<String>,
    /// error, warn, info, debug or trace [env: LOG_LEVEL] [default: info]
    #[arg(long, value_name = "LEVEL")]
    log_level: Option<String>,
}

impl ServeArgs {
    /// The keys that the gateway uses.
    pub(super) const USED: &[&str] = &[
        keys::CONFIG_FILE,
        keys::ENVIRONMENT,
        keys::JWT_SECRET,
        keys::PLATFORM_DATA_DIR,
        keys::TRUSTED_PROXIES,
        keys::LOG_LEVEL,
    ];

    pub(super) fn inputs(&self) -> Inputs {
        let flags = vec![
            (keys::ENVIRONMENT, &self.environment),
            ("JWT_SECRET_FILE", &self.jwt_secret_file),
            (keys::PLATFORM_DATA_DIR, &self.platform_data_dir),
            (keys::TRUSTED_PROXIES, &self.trusted_proxies),
            (keys::LOG_LEVEL, &self.log_level),
        ];
        inputs(self.config.clone(), flags)
    }
}

#[derive(Debug, Args)]
pub(in crate::command) struct SocketArgs {
    /// The control socket
    #[arg(long, value_name = "FILE", default_value = "./pyairtable-gateway.sock")]
    pub(super) socket: PathBuf,
}

#[derive(Debug, Args)]
pub(in crate::command) struct TopArgs {
    /// Print the state once and end, as happens by itself when standard output is no terminal
    #[arg(long)]
    pub(super) once: bool,
    #[command(flatten)]
    pub(super) socket: SocketArgs,
}

#[derive(Debug, Args)]
pub(in crate::command) struct OrderArgs {
    /// Family of paths, as in the routes file, or all
    #[arg(long, value_name = "NAME", default_value = "all")]
    pub(super) family: String,
    /// Who you are, for the log
    #[arg(long, value_name = "NAME")]
    pub(super) who: String,
    /// Why you do it, for the log
    #[arg(long, value_name = "REASON")]
    pub(super) why: String,
    #[command(flatten)]
    pub(super) socket: SocketArgs,
}

#[derive(Debug, Args)]
pub(in crate::command) struct ForceArgs {
    /// The side they are on whatever the share; none lifts the rule
    #[arg(value_name = "SIDE", value_parser = ["legacy", "platform", "none"])]
    pub(super) to: String,
    #[command(flatten)]
    pub(super) whom: WhomArgs,
    /// Who you are, for the log
    #[arg(long, value_name = "NAME")]
    pub(super) who: String,
    /// Why you do it, for the log
    #[arg(long, value_name = "REASON")]
    pub(super) why: String,
    #[command(flatten)]
    pub(super) socket: SocketArgs,
}

#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub(in crate::command) struct WhomArgs {
    /// One person
    #[arg(long, value_name = "ID")]
    pub(super) user: Option<String>,
    /// All people of a tenant
    #[arg(long, value_name = "ID")]
    pub(super) tenant: Option<String>,
    /// Requests with this header, such as 'X-Canary: yes'
    #[arg(long, value_name = "HEADER")]
    pub(super) header: Option<String>,
}

#[derive(Debug, Args)]
pub(in crate::command) struct SetArgs {
    /// The share, such as 10% or 0.5%
    #[arg(value_name = "SHARE")]
    pub(super) share: Share,
    /// Stay and renew the lease until Ctrl-C
    #[arg(long)]
    pub(super) hold: bool,
    /// Put people there although no new service answers
    #[arg(long)]
    pub(super) anyway: bool,
    #[command(flatten)]
    pub(super) order: OrderArgs,
}

#[derive(Debug, Args)]
pub(in crate::command) struct CountersArgs {
    /// How many seconds, of which 900 are kept
    #[arg(long, value_name = "N", default_value = "60")]
    pub(super) seconds: u32,
    /// Sums since the start in the text format of Prometheus instead
    #[arg(long, conflicts_with = "seconds")]
    pub(super) metrics: bool,
    #[command(flatten)]
    pub(super) socket: SocketArgs,
}

#[derive(Debug, Args)]
pub(in crate::command) struct GatesArgs {
    /// Everything each gate says, as JSON
    #[arg(long)]
    pub(super) json: bool,
    #[command(flatten)]
    pub(super) socket: SocketArgs,
}

#[derive(Debug, Subcommand)]
pub(in crate::command) enum ShadowCommand {
    /// Ask the side that answered once more, to learn in which fields it differs from itself
    Learn(ShadowArgs),
    /// Ask the other side and compare
    Start {
        /// Compare although too little was learned: what is never twice the same may look like a difference
        #[arg(long)]
        anyway: bool,
        #[command(flatten)]
        arguments: ShadowArgs,
    },
    /// Stop; what was learned and found stays until the next start
    Stop {
        /// Who you are, for the log
        #[arg(long, value_name = "NAME")]
        who: String,
        /// Why you do it, for the log
        #[arg(long, value_name = "REASON")]
        why: String,
        #[command(flatten)]
        socket: SocketArgs,
    },
    /// Print the register of intended differences that is built in, to begin one of your own
    Intended,
    /// Show what differs, by endpoint and field
    #[command(long_about = measure::REPORT)]
    Report {
        /// Everything, as JSON
        #[arg(long)]
        json: bool,
        /// Show values instead of their types and lengths, apart from those that look like secrets or addresses
        #[arg(long)]
        values: bool,
        #[command(flatten)]
        socket: SocketArgs,
    },
}

#[derive(Debug, Args)]
pub(in crate::command) struct ShadowArgs {
    /// The share of reads to mirror, such as 10%
    #[arg(long, value_name = "SHARE")]
    pub(super) rate: Share,
    /// Who you are, for the log
    #[arg(long, value_name = "NAME")]
    pub(super) who: String,
    /// Why you do it, for the log
    #[arg(long, value_name = "REASON")]
    pub(super) why: String,
    #[command(flatten)]
    pub(super) socket: SocketArgs,
}
