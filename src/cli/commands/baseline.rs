//! `evmig baseline`

use clap::Args;

use super::Context;
use crate::cli::args::ConsentArgs;
use crate::cli::commands::repair::Recording;
use crate::cli::error::CommandError;
use crate::cli::exit::Exit;
use crate::history::model::Action;
use crate::plan::choose::Selection;
use crate::project::Selector;

/// Record migrations as applied without running them, for a database that has the schema already
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  evmig baseline --to 120 --reason 'made by hand in 2024'")]
pub struct BaselineArgs {
    /// Record this phase only, by number or name; may be given several times
    #[arg(long, value_name = "N|NAME")]
    pub phase: Vec<String>,
    /// Record up to and including this version
    #[arg(long, value_name = "VERSION")]
    pub to: Option<i64>,
    /// Why; the history keeps it
    #[arg(long, value_name = "TEXT")]
    pub reason: String,
    /// Consent.
    #[command(flatten)]
    pub consent: ConsentArgs,
}

/// Runs the command.
pub fn run(args: &BaselineArgs, context: &mut Context<'_>) -> Result<Exit, CommandError> {
    let selection = Selection {
        phases: args
            .phase
            .iter()
            .map(|phase| Selector::parse(phase))
            .collect(),
        to: args.to,
        out_of_order: true,
        ..Selection::default()
    };
    let recording = Recording {
        action: Action::Baseline,
        command: "baseline",
        reason: &args.reason,
        selection,
        version: None,
        yes: args.consent.yes,
    };
    recording.run(context)
}
