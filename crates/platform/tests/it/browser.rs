//! A headless Chromium, driven over the protocol of its developer tools.
//!
//! The protocol goes over two pipes, so no port and no websocket are needed. `scripts/test` installs the browser.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

/// Longer than a browser takes for anything here on a busy machine.
const PATIENCE: Duration = Duration::from_mins(1);

pub(crate) struct Browser {
    child: Child,
    to: File,
    from: mpsc::Receiver<Value>,
    session: Option<String>,
    last: u64,
    /// What the page did wrong: exceptions, and what its policy forbids. Answers that say no are none of it.
    pub(crate) problems: Vec<Value>,
    _directory: tempfile::TempDir,
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn program() -> &'static str {
    let is_there = |name: &&str| {
        std::env::split_paths(&std::env::var_os("PATH").unwrap()).any(|directory| directory.join(name).is_file())
    };
    ["chromium", "chromium-browser", "google-chrome"]
        .into_iter()
        .find(is_there)
        .expect("install chromium, as scripts/test does")
}

impl Browser {
    pub(crate) fn start() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let pipe = |name: &str| {
            let path = directory.path().join(name);
            assert!(Command::new("mkfifo").arg(&path).status().unwrap().success());
            path
        };
        let (to, from) = (pipe("to"), pipe("from"));
        // Chromium reads and writes at the descriptors 3 and 4, which the shell opens for it.
        let child = Command::new("sh")
            .args(["-c", "exec \"$0\" \"$@\" 3<to 4>from", program()])
            .args(["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run"])
            .args([
                "--disable-background-networking",
                "--remote-debugging-pipe",
                "--user-data-dir=profile",
                "about:blank",
            ])
            .current_dir(directory.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(File::create(directory.path().join("log")).unwrap())
            .spawn()
            .unwrap();
        let to = File::options().write(true).open(to).unwrap();
        let mut browser = Self {
            child,
            to,
            from: messages(&from),
            session: None,
            last: 0,
            problems: Vec::new(),
            _directory: directory,
        };
        let target = browser.command("Target.createTarget", &json!({"url": "about:blank"}))["targetId"].clone();
        let attached = browser.command("Target.attachToTarget", &json!({"targetId": target, "flatten": true}));
        browser.session = attached["sessionId"].as_str().map(str::to_owned);
        for domain in ["Page", "Runtime", "Log"] {
            browser.command(&format!("{domain}.enable"), &json!({}));
        }
        browser
    }

    pub(crate) fn command(&mut self, method: &str, parameters: &Value) -> Value {
        self.last += 1;
        let mut message = json!({"id": self.last, "method": method, "params": parameters});
        if let Some(session) = &self.session {
            message["sessionId"] = json!(session);
        }
        self.to.write_all(format!("{message}\0").as_bytes()).unwrap();
        loop {
            let message = self.from.recv_timeout(PATIENCE).expect("an answer of the browser in time");
            if message["id"] == self.last {
                assert!(message["error"].is_null(), "{method}: {message}");
                return message["result"].clone();
            }
            let entry = &message["params"]["entry"];
            let is_problem = match message["method"].as_str() {
                Some("Runtime.exceptionThrown") => true,
                Some("Log.entryAdded") => entry["level"] == "error" && entry["source"] != "network",
                _ => false,
            };
            if is_problem {
                self.problems.push(message["params"].clone());
            }
        }
    }

    /// Opens a page as wide as a phone or a desk has it.
    pub(crate) fn open(&mut self, url: &str, width: u32) {
        let metrics = json!({"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 500});
        self.command("Emulation.setDeviceMetricsOverride", &metrics);
        self.command("Page.navigate", &json!({"url": url}));
        self.wait_for("document.readyState === 'complete'");
    }

    /// What an expression of the page is.
    pub(crate) fn js(&mut self, expression: &str) -> Value {
        let parameters = json!({"expression": expression, "returnByValue": true, "awaitPromise": true});
        let result = self.command("Runtime.evaluate", &parameters);
        assert!(result["exceptionDetails"].is_null(), "{expression}: {result}");
        result["result"]["value"].clone()
    }

    /// Waits until an expression is true.
    pub(crate) fn wait_for(&mut self, expression: &str) {
        let began = Instant::now();
        while self.js(expression) != true {
            assert!(began.elapsed() < PATIENCE, "never {expression}: {}", self.js("document.body.innerText"));
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

/// What comes out of a pipe, message by message.
fn messages(pipe: &Path) -> mpsc::Receiver<Value> {
    let mut pipe = BufReader::new(File::open(pipe).unwrap());
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        loop {
            let mut message = Vec::new();
            match pipe.read_until(0, &mut message) {
                Ok(1..) => {
                    message.pop();
                    let Ok(message) = serde_json::from_slice(&message) else { return };
                    if sender.send(message).is_err() {
                        return;
                    }
                }
                _ => return,
            }
        }
    });
    receiver
}
