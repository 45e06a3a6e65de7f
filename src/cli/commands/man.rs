//! `evmig man`

use std::path::PathBuf;

use anyhow::Context as _;
use clap::{Args, CommandFactory};

use super::Context;
use crate::cli::args::Cli;
use crate::cli::error::CommandError;
use crate::cli::exit::Exit;

/// Print the manual page, or write one for each command
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  evmig man | man -l -\n  evmig man --out /usr/local/share/man/man1"
)]
pub struct ManArgs {
    /// Write evmig.1 and a page for each command into this folder
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
}

/// Runs the command.
pub fn run(args: &ManArgs, context: &mut Context<'_>) -> Result<Exit, CommandError> {
    let command = Cli::command();
    if let Some(dir) = &args.out {
        std::fs::create_dir_all(dir)
            .and_then(|()| clap_mangen::generate_to(command, dir))
            .with_context(|| format!("cannot write into {}", dir.display()))?;
        let sentence = format!("Wrote the manual pages into {}\n", dir.display());
        if context.ui.is_json() {
            let document = serde_json::json!({ "schema": "evmig.man/1", "directory": dir });
            context.ui.result(&format!("{document:#}\n"));
        } else {
            context.ui.result(&sentence);
        }
        return Ok(Exit::Done);
    }
    let mut page = Vec::new();
    clap_mangen::Man::new(command)
        .render(&mut page)
        .context("cannot make the manual page")?;
    let page = String::from_utf8_lossy(&page).into_owned();
    if context.ui.is_json() {
        let document = serde_json::json!({ "schema": "evmig.man/1", "page": page });
        context.ui.result(&format!("{document:#}\n"));
    } else {
        context.ui.bytes(&page);
    }
    Ok(Exit::Done)
}
