//! `gateway top`: both sides in a terminal, refreshed each second over the control socket.

mod spark;
#[cfg(test)]
mod tests;
mod text;

use std::io::{self, IsTerminal as _, Write as _};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use gateway::control::view::View;
use ratatui::Frame;
use ratatui::crossterm::event::{self, Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use ratatui::text::Line;
use ratatui::widgets::Paragraph;
use tokio::runtime::Runtime;

use super::arguments::{SocketArgs, TopArgs};
use super::control::{said, speak};
use crate::command;

pub(super) const ABOUT: &str = "\
Watch both sides, leases and gates in this terminal.

Refreshed each second over the control socket. Changes nothing. Rates, errors and latencies are those of the last 10 s; lines of \
bars are the last three minutes, with one scale for both sides.";

pub(super) const AFTER_HELP: &str = "\
Keys:
  up, down  choose a family
  p         pause and go on
  q         quit

Colours only repeat what words say; NO_COLOR=1 leaves them out.

Exit codes:
  0  quit, or printed
  1  no gateway answers
  2  used wrongly";

const REFRESH: Duration = Duration::from_secs(1);
/// A gateway that takes longer is said to be silent, and asked again.
const PATIENCE: Duration = Duration::from_secs(1);
/// Seconds that lines of bars show.
const SHOWN: usize = 180;

pub(super) fn run(arguments: &TopArgs) -> anyhow::Result<ExitCode> {
    let runtime = command::runtime(1)?;
    // Whoever starts it beside no gateway gets to know without a terminal that flickers.
    let view = ask(&runtime, &arguments.socket)?;
    if arguments.once || !io::stdout().is_terminal() {
        let mut out = io::stdout().lock();
        for line in text::everything(&view) {
            writeln!(out, "{}", line.to_string().trim_end())?;
        }
        return Ok(ExitCode::SUCCESS);
    }
    let mut terminal = ratatui::try_init().context("this terminal cannot be drawn on: use --once")?;
    let watched = watch(&mut terminal, Screen::new(view), || ask(&runtime, &arguments.socket));
    ratatui::restore();
    watched.map(|()| ExitCode::SUCCESS)
}

fn ask(runtime: &Runtime, socket: &SocketArgs) -> anyhow::Result<View> {
    let path = format!("/view?seconds={SHOWN}");
    let answer = runtime.block_on(async { tokio::time::timeout(PATIENCE, speak(socket, &path, None)).await });
    let answer = answer.context("the gateway does not answer in time")??;
    if !answer.done {
        bail!("{}", said(&answer));
    }
    serde_json::from_value(answer.body).context("this gateway is of another version: use its own program")
}

fn watch(
    terminal: &mut ratatui::DefaultTerminal,
    mut screen: Screen,
    mut ask: impl FnMut() -> anyhow::Result<View>,
) -> anyhow::Result<()> {
    // An empty value means that it is not set, as everywhere.
    let colour = std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    let mut asked = Instant::now();
    loop {
        terminal.draw(|frame| draw(frame, &screen, colour))?;
        let wait = REFRESH.saturating_sub(asked.elapsed());
        if event::poll(wait)? {
            if let Event::Key(key) = event::read()?
                && screen.key(key) == Next::Quit
            {
                return Ok(());
            }
            continue;
        }
        asked = Instant::now();
        if !screen.paused {
            match ask() {
                Ok(view) => screen.heard(view),
                Err(_) => screen.silent = true,
            }
        }
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Next {
    Stay,
    Quit,
}

/// What is on the screen.
#[derive(Debug)]
struct Screen {
    view: View,
    /// Its place among the families.
    chosen: usize,
    paused: bool,
    /// The gateway did not answer when it was asked last.
    silent: bool,
}

impl Screen {
    fn new(view: View) -> Self {
        Self { view, chosen: 0, paused: false, silent: false }
    }

    fn heard(&mut self, view: View) {
        self.chosen = self.chosen.min(view.families.len().saturating_sub(1));
        self.view = view;
        self.silent = false;
    }

    fn key(&mut self, key: KeyEvent) -> Next {
        if key.kind == KeyEventKind::Release {
            return Next::Stay;
        }
        match key.code {
            KeyCode::Char('q') | KeyCode::Esc => return Next::Quit,
            KeyCode::Char('c') if key.modifiers.contains(KeyModifiers::CONTROL) => return Next::Quit,
            KeyCode::Up | KeyCode::Char('k') => self.chosen = self.chosen.saturating_sub(1),
            KeyCode::Down | KeyCode::Char('j') => {
                self.chosen = (self.chosen + 1).min(self.view.families.len().saturating_sub(1));
            }
            KeyCode::Char('p' | ' ') => self.paused = !self.paused,
            _ => {}
        }
        Next::Stay
    }
}

/// Draws into any terminal, the smallest that shows everything being 80 columns and 24 rows.
fn draw(frame: &mut Frame<'_>, screen: &Screen, colour: bool) {
    let area = frame.area();
    let mut lines = fitted(screen, usize::from(area.width), usize::from(area.height));
    if !colour {
        for line in &mut lines {
            line.spans.iter_mut().for_each(|span| span.style = text::without_colour(span.style));
        }
    }
    frame.render_widget(Paragraph::new(lines), area);
}

/// Everything that has a place. What is shortened says so.
fn fitted(screen: &Screen, width: usize, height: usize) -> Vec<Line<'static>> {
    let view = &screen.view;
    let mut lines = vec![text::head(screen, width)];
    // Room for the sides, and a little of everything else.
    let families = height.saturating_sub(18).clamp(2, 12);
    lines.extend(text::families(view, Some(screen.chosen), families, width));
    if height > 30 {
        lines.push(Line::default());
    }
    if let Some((name, family)) = view.families.iter().nth(screen.chosen) {
        lines.extend(text::sides(name, family, width));
        if height > 30 {
            lines.push(Line::default());
        }
        let sections = [
            text::gates(name, family, width),
            text::endpoints(family, width),
            text::instances(view, width),
            text::shadow(view, width),
            text::changes(view, width),
        ];
        lines.extend(shared(sections, height.saturating_sub(lines.len())));
    }
    lines.truncate(height);
    lines
}

/// Gives each section a line in turn until there are none left.
fn shared<const N: usize>(sections: [Vec<Line<'static>>; N], height: usize) -> Vec<Line<'static>> {
    let mut rows = [0; N];
    let mut left = height;
    while left > 0 && rows.iter().zip(&sections).any(|(rows, section)| *rows < section.len()) {
        for (rows, section) in rows.iter_mut().zip(&sections) {
            if *rows < section.len() && left > 0 {
                *rows += 1;
                left -= 1;
            }
        }
    }
    let mut lines = Vec::new();
    for (rows, mut section) in rows.into_iter().zip(sections) {
        let hidden = section.len() - rows;
        section.truncate(rows);
        if hidden > 0
            && let Some(last) = section.last_mut()
        {
            last.push_span(text::quiet(format!(" (+{hidden})")));
        }
        lines.append(&mut section);
    }
    lines
}
