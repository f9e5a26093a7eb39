//! `gateway top` in a real terminal, which `script` of util-linux makes.

use std::io::{Read as _, Write as _};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use crate::command::run_in;
use crate::gateway::Gateway;

struct Terminal {
    child: Child,
    keys: ChildStdin,
    screen: Arc<Mutex<vt100::Parser>>,
}

impl Terminal {
    fn start(gateway: &Gateway, rows: u16, columns: u16) -> Self {
        let program = env!("CARGO_BIN_EXE_pyairtable-platform");
        let line = format!("stty rows {rows} cols {columns}; exec {program} gateway top");
        let mut child = Command::new("script")
            .args(["--quiet", "--return", "--command", &line, "/dev/null"])
            .current_dir(gateway.directory.path())
            .env("TERM", "xterm-256color")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("install util-linux, which has script");
        let screen = Arc::new(Mutex::new(vt100::Parser::new(rows, columns, 0)));
        let (mut out, drawn) = (child.stdout.take().unwrap(), Arc::clone(&screen));
        std::thread::spawn(move || {
            let mut bytes = [0; 4096];
            while let Ok(count @ 1..) = out.read(&mut bytes) {
                drawn.lock().unwrap().process(&bytes[..count]);
            }
        });
        let keys = child.stdin.take().unwrap();
        Self { child, keys, screen }
    }

    /// Waits for words on the screen, wherever a line breaks.
    fn shows(&self, words: &str) {
        let began = Instant::now();
        loop {
            let shown = self.screen.lock().unwrap().screen().contents();
            if shown.split_whitespace().collect::<Vec<_>>().join(" ").contains(words) {
                return;
            }
            assert!(began.elapsed() < Duration::from_mins(1), "never {words:?}:\n{shown}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn press(&mut self, key: &str) {
        self.keys.write_all(key.as_bytes()).unwrap();
        self.keys.flush().unwrap();
    }
}

#[test]
fn top_shows_a_running_gateway_in_a_terminal_until_somebody_quits() {
    let gateway = Gateway::start();
    let _holder = gateway.hold_everybody();
    let mut terminal = Terminal::start(&gateway, 24, 80);
    terminal.shows("users: everybody is on the new side; lease ends in");
    terminal.shows("renewed by ada; safe share 0%");
    terminal.shows("Gates of users hold");
    terminal.shows("ada set 100% (all) [users 0% -> 100%]: a test");
    terminal.press("p");
    terminal.shows("PAUSED");
    terminal.press("p");
    terminal.shows("live");
    terminal.press("q");
    assert_eq!(terminal.child.wait().unwrap().code(), Some(0));
    let began = Instant::now();
    while terminal.screen.lock().unwrap().screen().alternate_screen() {
        assert!(began.elapsed() < Duration::from_secs(20), "the terminal is not as it was before");
    }
}

#[test]
fn top_prints_once_where_there_is_no_terminal() {
    let gateway = Gateway::start();
    for words in [&["gateway", "top"][..], &["gateway", "top", "--once"]] {
        let run = run_in(gateway.directory.path(), words, &[]);
        assert_eq!(run.code, Some(0), "{}", run.shown());
        assert!(run.stdout.contains("users: everybody is on the old side\n"), "{}", run.shown());
        assert!(!run.stdout.contains('\u{1b}'), "{}", run.shown());
    }
    let nobody = tempfile::tempdir().unwrap();
    let run = run_in(nobody.path(), &["gateway", "top"], &[]);
    assert_eq!(run.code, Some(1));
    assert!(run.stderr.contains("no gateway answers at"), "{}", run.shown());
}
