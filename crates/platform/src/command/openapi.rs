//! `openapi`: the document without a server.

use std::io::{self, Write as _};
use std::process::ExitCode;

pub(super) const ABOUT: &str = "\
Print the OpenAPI 3.1 document of the API.

The same document is served at /openapi.json, and as a page at /docs. Needs neither configuration nor database.";

pub(super) fn run() -> anyhow::Result<ExitCode> {
    writeln!(io::stdout().lock(), "{}", crate::app::document().to_pretty_json()?)?;
    Ok(ExitCode::SUCCESS)
}
