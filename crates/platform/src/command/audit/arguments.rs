//! The flags of `audit`.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use jiff::Timestamp;
use uuid::Uuid;

use super::{anchor, export, verify};
use crate::command::arguments::{DatabaseArgs, SecretArgs};

#[derive(Debug, Subcommand)]
pub(in crate::command) enum AuditCommand {
    /// Check that no audit record was changed, removed, moved or forged
    #[command(long_about = verify::ABOUT, after_long_help = verify::AFTER_HELP)]
    Verify(VerifyArgs),
    /// Write the audit records as JSON lines
    #[command(long_about = export::ABOUT, after_long_help = export::AFTER_HELP)]
    Export(ExportArgs),
    /// Note the heads of the chains in a file, so that a cut-off end is found
    #[command(long_about = anchor::ABOUT, after_long_help = anchor::AFTER_HELP)]
    Anchor(AnchorArgs),
}

#[derive(Debug, Args)]
pub(in crate::command) struct VerifyArgs {
    /// Check the chains of this tenant only
    #[arg(long, value_name = "ID")]
    pub(super) tenant: Option<Uuid>,
    /// Hold the chains against the anchors in this file, which `audit anchor` wrote
    #[arg(long, value_name = "FILE")]
    pub(super) anchors: Option<PathBuf>,
    /// Check this file, which `audit export` wrote, and no database
    #[arg(long, value_name = "FILE")]
    pub(super) input: Option<PathBuf>,
    /// Say broken if more workspace records than this are unsealed; for when no old service writes any
    #[arg(long, value_name = "COUNT", conflicts_with = "input")]
    pub(super) max_unsealed: Option<i64>,
    /// Print the result as one JSON object
    #[arg(long)]
    pub(super) json: bool,
    #[command(flatten)]
    pub(super) database: DatabaseArgs,
    #[command(flatten)]
    pub(super) secrets: SecretArgs,
}

#[derive(Debug, Args)]
pub(in crate::command) struct ExportArgs {
    /// Export the records of this tenant only
    #[arg(long, value_name = "ID")]
    pub(super) tenant: Option<Uuid>,
    /// Leave out what was recorded before this time, such as 2026-03-01T00:00:00Z
    #[arg(long, value_name = "TIME")]
    pub(super) from: Option<Timestamp>,
    /// Leave out what was recorded at this time or later
    #[arg(long, value_name = "TIME")]
    pub(super) to: Option<Timestamp>,
    /// Write to this file, which appears whole or not at all; one that exists is replaced [default: standard output]
    #[arg(long, value_name = "FILE")]
    pub(super) output: Option<PathBuf>,
    #[command(flatten)]
    pub(super) database: DatabaseArgs,
}

#[derive(Debug, Args)]
pub(in crate::command) struct AnchorArgs {
    /// The file of the anchors, made if there is none; one line a chain
    #[arg(long, value_name = "FILE")]
    pub(super) file: PathBuf,
    /// Anchor the chains of this tenant only
    #[arg(long, value_name = "ID")]
    pub(super) tenant: Option<Uuid>,
    #[command(flatten)]
    pub(super) database: DatabaseArgs,
    #[command(flatten)]
    pub(super) secrets: SecretArgs,
}
