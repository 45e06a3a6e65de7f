//! The command line: the only place that names clap, environment variables and streams.
//!
//! `main` reads the environment once, parses, runs one command and returns its exit code.
//! A command is one file in `commands/`: its arguments, and one function.

pub mod args;
pub mod argv;
pub mod commands;
pub mod confirm;
pub mod database;
pub mod environment;
pub mod error;
pub mod exit;
pub mod git;
pub mod progress;
pub mod settings;
pub mod signals;
pub mod target;
pub mod trace;
pub mod ui;

use std::process::ExitCode;

use clap::Parser;

use args::Cli;
use environment::Environment;
use exit::Exit;
use ui::Ui;

/// Runs the command line and returns the exit code.
pub fn main() -> ExitCode {
    let environment = Environment::read();
    if let Some(failed) = argv::hide_password(&environment) {
        return failed.code();
    }
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return usage(&error),
    };
    trace::listen(cli.global.verbose);
    let mut ui = Ui::new(&cli.global, &environment);
    let exit = match commands::run(cli, environment, &mut ui) {
        Ok(exit) => exit,
        Err(error) => ui.fail(&error),
    };
    exit.code()
}

/// Prints clap's help, version or error where it belongs.
fn usage(error: &clap::Error) -> ExitCode {
    // Nobody is left to tell if even that fails.
    drop(error.print());
    if error.use_stderr() {
        Exit::Usage.code()
    } else {
        Exit::Done.code()
    }
}
