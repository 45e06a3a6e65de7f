//! `evmig new`

use clap::Args;

use super::Context;
use crate::cli::error::CommandError;
use crate::cli::exit::Exit;
use crate::project::Selector;
use crate::project::scaffold::{NewMigration, new_migration};
use crate::report::problem::Problem;

/// Make the next migration and its rollback script
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  evmig new add_venue_capacity --phase core --step tables")]
pub struct NewArgs {
    /// What it does, in a few words: letters, digits, underscores
    pub name: String,
    /// Phase it belongs to, by number or name
    #[arg(long, value_name = "N|NAME")]
    pub phase: String,
    /// Step it belongs to; may be left out where the phase has one
    #[arg(long, value_name = "NAME")]
    pub step: Option<String>,
    /// Make a repeatable migration, which runs again whenever its text changes
    #[arg(long)]
    pub repeatable: bool,
}

/// Runs the command.
pub fn run(args: &NewArgs, context: &mut Context<'_>) -> Result<Exit, CommandError> {
    let project = context.project()?;
    let timestamp = jiff::Timestamp::now().strftime("%Y%m%d%H%M%S").to_string();
    let request = NewMigration {
        name: args.name.clone(),
        phase: Selector::parse(&args.phase),
        step: args.step.clone(),
        repeatable: args.repeatable,
        timestamp: timestamp.parse().unwrap_or_default(),
    };
    let created = new_migration(&project, &request).map_err(|error| {
        let problem = Problem::new(error.code(), error.to_string());
        let suggestion = error
            .suggestion()
            .map(|name| format!("did you mean `{name}`?"));
        CommandError::usage(match suggestion.or_else(|| error.help()) {
            Some(hint) => problem.hint(hint),
            None => problem,
        })
    })?;
    if context.ui.is_json() {
        let document = serde_json::json!({
            "schema": "evmig.new/1",
            "version": created.version.number().map(|version| version.to_string()),
            "migration": created.migration.as_str(),
            "rollback": created.rollback.as_str(),
        });
        context.ui.result(&format!("{document:#}\n"));
    } else {
        context.ui.result(&format!(
            "  created  {}\n  created  {}\n\nNext, with the SQL in both:\n  {} apply\n",
            created.migration,
            created.rollback,
            context.program()
        ));
    }
    Ok(Exit::Done)
}
