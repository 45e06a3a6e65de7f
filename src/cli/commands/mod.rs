//! One file per command: its arguments, whose doc comments are the help, and one function.

pub mod apply;
pub mod backup;
pub mod baseline;
pub mod completions;
pub mod config;
pub mod db;
pub mod diagram;
pub mod diff;
pub mod history;
pub mod init;
pub mod kept;
pub mod man;
pub mod new;
pub mod plan;
pub mod repair;
pub mod restore;
pub mod rollback;
pub mod seed;
pub mod snapshot;
pub mod status;
pub mod triggers;

use super::args::{Cli, Command, Format, GlobalArgs};
use super::environment::Environment;
use super::error::CommandError;
use super::exit::Exit;
use super::ui::Ui;
use crate::report::problem::Problem;

/// What every command is given.
pub struct Context<'a> {
    /// Flags of every command.
    pub global: GlobalArgs,
    /// The process's surroundings.
    pub environment: Environment,
    /// The streams.
    pub ui: &'a mut Ui,
}

/// Runs the command that was typed.
pub fn run(cli: Cli, environment: Environment, ui: &mut Ui) -> Result<Exit, CommandError> {
    let mut context = Context {
        global: cli.global,
        environment,
        ui,
    };
    refuse_format(&cli.command, &context)?;
    match cli.command {
        Command::Init(args) => init::run(&args, &mut context),
        Command::New(args) => new::run(&args, &mut context),
        Command::Status(args) => status::run(&args, &mut context),
        Command::Plan(args) => plan::run(&args, &mut context),
        Command::Apply(args) => apply::run(&args, &mut context),
        Command::History(args) => history::run(&args, &mut context),
        Command::Baseline(args) => baseline::run(&args, &mut context),
        Command::Repair(args) => repair::run(&args, &mut context),
        Command::Rollback(args) => rollback::run(&args, &mut context),
        Command::Diff(args) => diff::run(&args, &mut context),
        Command::Snapshot(args) => snapshot::run(&args, &mut context),
        Command::Triggers(args) => triggers::run(&args, &mut context),
        Command::Kept(args) => kept::run(&args, &mut context),
        Command::Seed(args) => seed::run(&args, &mut context),
        Command::Diagram(args) => diagram::run(&args, &mut context),
        Command::Backup(args) => backup::run(&args, &mut context),
        Command::Config(args) => config::run(&args, &mut context),
        Command::Db(args) => db::run(&args, &mut context),
        Command::Completions(args) => completions::run(&args, &mut context),
        Command::Man(args) => man::run(&args, &mut context),
    }
}

/// A format that only other commands have is an error, not human text by surprise.
fn refuse_format(command: &Command, context: &Context<'_>) -> Result<(), CommandError> {
    let asked = context.global.format;
    let formats = command.formats();
    if asked == Format::Human || formats.contains(&asked) {
        return Ok(());
    }
    let words: Vec<&str> = formats.iter().map(|format| format.word()).collect();
    Err(CommandError::usage(
        Problem::new(
            "format-not-supported",
            format!("this command has no format {}", asked.word()),
        )
        .hint(format!("its formats are {}", words.join(", "))),
    ))
}
