//! Programs that run beside.

use std::fs::OpenOptions;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use super::Error;

/// A program that ends with this value.
pub(super) struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Process {
    /// Starts it and waits until it answers anything at `path`.
    pub(super) fn start(
        name: &'static str,
        folder: &Path,
        command: Command,
        patience: Duration,
        address: SocketAddr,
        path: &str,
    ) -> Result<Self, Error> {
        let mut process = Self::spawn(name, folder, command)?;
        let began = Instant::now();
        let failed = |why| {
            let log = log_of(folder, name);
            let text = std::fs::read_to_string(&log).unwrap_or_default();
            let start = text.len().saturating_sub(2000);
            let tail = text.get(start..).unwrap_or(&text).to_owned();
            Err(Error::Program { name, why, log, tail })
        };
        while !answers(address, path) {
            if !matches!(process.0.try_wait(), Ok(None)) {
                return failed("ended by itself");
            }
            if began.elapsed() > patience {
                return failed("does not answer");
            }
            thread::sleep(Duration::from_millis(20));
        }
        // Another program may have taken the port meanwhile, and answers in its place.
        thread::sleep(Duration::from_millis(20));
        if !matches!(process.0.try_wait(), Ok(None)) {
            return failed("ended by itself");
        }
        Ok(process)
    }

    /// Starts it and waits for nothing.
    pub(super) fn spawn(name: &'static str, folder: &Path, mut command: Command) -> Result<Self, Error> {
        let log = log_of(folder, name);
        let file = OpenOptions::new().create(true).append(true).open(&log);
        let file = file.map_err(|error| Error::File(log.clone(), error))?;
        let copy = file.try_clone().map_err(|error| Error::File(log.clone(), error))?;
        let child = command.stdin(Stdio::null()).stdout(file).stderr(copy).spawn();
        Ok(Self(child.map_err(|error| Error::File(command.get_program().into(), error))?))
    }

    /// Its number, for signals.
    pub(super) fn id(&self) -> u32 {
        self.0.id()
    }
}

fn log_of(folder: &Path, name: &str) -> std::path::PathBuf {
    folder.join(format!("{}.log", name.replace(' ', "-")))
}

pub(super) fn answers(address: SocketAddr, path: &str) -> bool {
    let ask = || {
        let mut stream = TcpStream::connect_timeout(&address, Duration::from_secs(1))?;
        stream.set_read_timeout(Some(Duration::from_secs(2)))?;
        write!(stream, "GET {path} HTTP/1.1\r\nhost: rehearsal\r\nconnection: close\r\n\r\n")?;
        let mut head = [0; 12];
        stream.read_exact(&mut head)?;
        Ok::<bool, std::io::Error>(head.starts_with(b"HTTP/1.1 ") && !head.ends_with(b"503"))
    };
    ask().unwrap_or(false)
}
