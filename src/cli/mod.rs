//! The command line: the only place that names clap, environment variables and streams.
//!
//! `main` reads the environment once, parses, runs one command and returns its exit code.
//! A command is one file in `commands/`: its arguments, and one function.

pub mod args;
pub mod argv;
pub mod backup_check;
pub mod catalog;
pub mod checkout;
pub mod commands;
pub mod confirm;
pub mod database;
pub mod environment;
pub mod error;
pub mod exit;
pub mod git;
pub mod made;
pub mod own_run;
pub mod panic;
pub mod plan_file;
pub mod progress;
pub mod replace;
pub mod selection;
pub mod settings;
pub mod shadow;
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

use crate::render::json;
use crate::report::problem::Problem;

/// Runs the command line and returns the exit code.
pub fn main() -> ExitCode {
    panic::explain();
    let environment = Environment::read();
    if let Some(failed) = argv::hide_password() {
        return failed.code();
    }
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return usage(&error, &environment),
    };
    trace::listen(cli.global.verbose);
    let mut ui = Ui::new(&cli.global, &environment);
    let exit = match commands::run(cli, environment, &mut ui) {
        Ok(exit) => exit,
        Err(error) => ui.fail(&error),
    };
    exit.code()
}

/// Prints clap's help, version or error where it belongs, an error also as a document if one was
/// asked for.
fn usage(error: &clap::Error, environment: &Environment) -> ExitCode {
    let global = argv::globals();
    let mut ui = Ui::new(&global, environment);
    let rendered = error.render();
    if error.use_stderr() {
        if ui.is_json() {
            let text = rendered.to_string();
            let text = text.trim().trim_start_matches("error: ");
            let (message, detail) = text.split_once("\n\n").unwrap_or((text, ""));
            let problem = Problem::new("usage", message);
            let problem = if detail.is_empty() {
                problem
            } else {
                problem.detail(detail)
            };
            let document = json::problem_document(&[problem], Exit::Usage.number());
            ui.result(&document);
        }
        ui.shout(&rendered.ansi().to_string());
        Exit::Usage.code()
    } else {
        // Clap fills the blank lines of its long help with spaces.
        for line in rendered.ansi().to_string().lines() {
            ui.result(&format!("{}\n", line.trim_end()));
        }
        Exit::Done.code()
    }
}
