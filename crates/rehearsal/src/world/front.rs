//! What stands in front of both sides: the gateway of this program, or a HAProxy that it drives.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::str::FromStr;

use gateway::shadow::register::BUILT_IN;

use super::process::Process;
use super::{Error, INTENDED, JWT_SECRET, Plan, READY};

const PATIENT: &str = "gates:
- metric: p50
  floor: 20000ms
- metric: p95
  floor: 20000ms
- metric: p99
  floor: 20000ms
- metric: overdue
  excess: 90%
";
/// What the printed configuration leaves to whoever runs HAProxy.
const GLOBAL: &str = "global\n    stats socket unix@./admin.sock mode 600 level admin\n    hard-stop-after 5s\n\n";
const HAPROXY: &str = "haproxy.cfg";
const MAP: &str = "pyairtable.map";
const MEASURE: &str = "./measure.sock";
/// Answered by the old side as well.
const ANSWERS: &str = "/api/v1/auth/health";

/// Which.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Front {
    /// `gateway serve`
    #[default]
    Gateway,
    /// HAProxy with the printed configuration, and `gateway drive haproxy`.
    Haproxy,
}

impl Front {
    /// The word for it on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Gateway => "gateway",
            Self::Haproxy => "haproxy",
        }
    }
}

impl FromStr for Front {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let found = [Self::Gateway, Self::Haproxy].into_iter().find(|front| front.name() == name);
        found.ok_or_else(|| format!("{name:?} is nothing to go through: use gateway or haproxy"))
    }
}

/// Starts it with these routes; clients talk to `address`. What is dropped first ends first.
pub(super) fn start(plan: &Plan, routes: &Path, address: SocketAddr) -> Result<Vec<Process>, Error> {
    let gates = plan.patient.then(|| written(plan, "gates.yaml", PATIENT)).transpose()?;
    let mut driven = match plan.front {
        Front::Gateway => {
            let mut command = plan.command();
            command.args(["gateway", "serve", "--listen", &address.to_string()]).env("JWT_SECRET", JWT_SECRET);
            command.arg("--intended").arg(written(plan, INTENDED, BUILT_IN)?);
            command
        }
        Front::Haproxy => {
            let mut command = plan.command();
            command.args(["gateway", "drive", "haproxy", "--haproxy", "./admin.sock"]);
            command.args(["--map", MAP, "--measure", MEASURE]);
            command
        }
    };
    driven.arg("--routes").arg(routes).args(["--socket", "gateway.sock", "--state", "gateway.json"]);
    if let Some(gates) = gates {
        driven.arg("--gates").arg(gates);
    }
    match plan.front {
        Front::Gateway => Ok(vec![Process::start("the gateway", &plan.folder, driven, READY, address, ANSWERS)?]),
        Front::Haproxy => {
            let configuration = format!("{GLOBAL}{}", printed(plan, routes, "haproxy", address)?);
            written(plan, HAPROXY, &configuration)?;
            written(plan, MAP, &printed(plan, routes, "haproxy-map", address)?)?;
            let mut command = Command::new("haproxy");
            command.args(["-db", "-f", HAPROXY]).env_clear().current_dir(&plan.folder);
            if let Some(path) = &plan.path {
                command.env("PATH", path);
            }
            let haproxy = Process::start("haproxy", &plan.folder, command, READY, address, ANSWERS)?;
            Ok(vec![Process::spawn("the driver", &plan.folder, driven)?, haproxy])
        }
    }
}

fn printed(plan: &Plan, routes: &Path, product: &str, address: SocketAddr) -> Result<String, Error> {
    let mut command = plan.command();
    command.args(["gateway", "print", product, "--share", "0", "--port", &address.port().to_string(), "--routes"]);
    command.arg(routes).args(["--map", MAP, "--measure", MEASURE]);
    let output = command.stdin(Stdio::null()).stderr(Stdio::inherit()).output();
    let failed = |error| Error::File(plan.program.clone(), error);
    let output = output.map_err(failed)?;
    if !output.status.success() {
        return Err(failed(std::io::Error::other("printed no configuration; why stands above")));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

fn written(plan: &Plan, name: &str, text: &str) -> Result<PathBuf, Error> {
    let file = plan.folder.join(name);
    std::fs::write(&file, text).map_err(|error| Error::File(file.clone(), error))?;
    Ok(file)
}
