//! `evmig completions`

use clap::{Args, CommandFactory, ValueEnum};
use clap_complete::Shell;

use super::Context;
use crate::cli::args::Cli;
use crate::cli::error::CommandError;
use crate::cli::exit::Exit;

/// Print a completion script for a shell
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  evmig completions bash > /etc/bash_completion.d/evmig")]
pub struct CompletionsArgs {
    /// The shell
    #[arg(value_enum)]
    pub shell: Shell,
}

/// Runs the command.
pub fn run(args: &CompletionsArgs, context: &mut Context<'_>) -> Result<Exit, CommandError> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "evmig", &mut script);
    let script = String::from_utf8_lossy(&script).into_owned();
    if context.ui.is_json() {
        let shell = args
            .shell
            .to_possible_value()
            .map(|value| value.get_name().to_owned());
        let document = serde_json::json!({
            "schema": "evmig.completions/1", "shell": shell, "script": script,
        });
        context.ui.result(&format!("{document:#}\n"));
    } else {
        context.ui.bytes(&script);
    }
    Ok(Exit::Done)
}
