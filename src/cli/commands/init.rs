//! `evmig init`

use std::path::{Path, PathBuf};

use clap::Args;

use super::Context;
use crate::cli::error::CommandError;
use crate::cli::exit::Exit;
use crate::project::scaffold;
use crate::report::problem::Problem;

/// Start a new project: phases.toml and the folders it names
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  evmig init --name shop ./shop-schema")]
pub struct InitArgs {
    /// Folder to start it in [default: -C DIR, else here]
    pub folder: Option<PathBuf>,
    /// Name of the project [default: the folder's name]
    #[arg(long)]
    pub name: Option<String>,
}

/// Runs the command.
pub fn run(args: &InitArgs, context: &mut Context<'_>) -> Result<Exit, CommandError> {
    let dir = args
        .folder
        .as_deref()
        .or(context.global.directory.as_deref())
        .unwrap_or_else(|| Path::new("."));
    let name = match &args.name {
        Some(name) => name.clone(),
        None => folder_name(dir),
    };
    let created = scaffold::init(dir, &name).map_err(|error| {
        let problem = Problem::new(error.code(), error.to_string());
        CommandError::usage(match error.help() {
            Some(help) => problem.hint(help),
            None => problem,
        })
    })?;
    if context.ui.is_json() {
        let document = serde_json::json!({
            "schema": "evmig.init/1", "project": name, "created": created,
        });
        context.ui.result(&format!("{document:#}\n"));
        return Ok(Exit::Done);
    }
    let paths: Vec<String> = created
        .iter()
        .map(|path| format!("  created  {path}"))
        .collect();
    let prefix = if dir == Path::new(".") {
        String::new()
    } else {
        format!("-C {} ", dir.display())
    };
    let text = format!(
        "Started project {name}\n{}\n\nNext:\n  evmig {prefix}new first_table --phase 1\n  \
         evmig {prefix}apply\n",
        paths.join("\n")
    );
    context.ui.result(&text);
    Ok(Exit::Done)
}

fn folder_name(dir: &Path) -> String {
    let absolute = std::path::absolute(dir).unwrap_or_else(|_| dir.to_owned());
    absolute.file_name().map_or_else(
        || "project".to_owned(),
        |name| name.to_string_lossy().into_owned(),
    )
}
