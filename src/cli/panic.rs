//! What is said if evmig itself has a fault: what it was, which run, and what to type next.

use std::backtrace::{Backtrace, BacktraceStatus};
use std::io::{self, Write};
use std::panic::{PanicHookInfo, set_hook};
use std::sync::OnceLock;

use crate::render::terminal::{self, Look};
use crate::report::problem::Problem;

static RUN: OnceLock<String> = OnceLock::new();

/// Replaces Rust's own words, which say nothing about the database.
pub fn explain() {
    set_hook(Box::new(|info| {
        let backtrace = Backtrace::capture();
        let mut text = terminal::problems(&[problem(info)], LOOK);
        if backtrace.status() == BacktraceStatus::Captured {
            text.push_str(&backtrace.to_string());
        }
        // Where nobody can be told, the exit code still says it.
        drop(io::stderr().write_all(anstream::adapter::strip_str(&text).to_string().as_bytes()));
    }));
}

/// Tells which run it would be.
pub fn of_run(id: &str) {
    // A process has one run.
    drop(RUN.set(id.to_owned()));
}

/// Plain, since nothing is known of the terminal here.
const LOOK: Look = Look {
    width: 100,
    unicode: false,
};

fn problem(info: &PanicHookInfo<'_>) -> Problem {
    let mut problem = Problem::new("internal", "evmig has a fault and stopped");
    let payload = info.payload();
    let message = payload
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| payload.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no message");
    problem = problem.detail(match info.location() {
        // The file name is enough to find it, and a path would show somebody's machine.
        Some(at) => {
            let file = at.file().rsplit('/').next().unwrap_or_default();
            format!("{message} ({file}:{})", at.line())
        }
        None => message.to_owned(),
    });
    problem.committed = RUN.get().map(|run| {
        format!("whatever the history has of run {run}; what was under way is rolled back")
    });
    problem
        .hint("please report it, with these lines")
        .next("evmig status")
}
