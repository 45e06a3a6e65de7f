//! Which database a command is about: printed before anything is written.

use super::look::Look;
use super::style::{BAD, HEADING, LABEL, PLAIN, paint};
use super::text::{one_line, push_wrapped};
use crate::report::target::Target;

/// Returns the lines that say which database it is and what named it.
pub fn target(target: &Target, look: Look) -> String {
    let mut out = paint(LABEL, "Target");
    out.push_str("  ");
    push_wrapped(&mut out, &place(target), HEADING, 8, 8, look);
    out.push_str("        ");
    let indent = if target.protected {
        out.push_str(&paint(BAD, "PROTECTED"));
        out.push(' ');
        18
    } else {
        8
    };
    push_wrapped(&mut out, &choice(target), PLAIN, indent, 8, look);
    out
}

/// Returns `events as postgres on db.example.com:5432`.
pub(super) fn place(target: &Target) -> String {
    let mut text = format!(
        "{} as {} on {}",
        one_line(&target.database),
        one_line(&target.user),
        server(target)
    );
    if target.embedded {
        text.push_str(" (embedded server)");
    } else if target.loopback {
        text.push_str(" (this machine)");
    }
    text
}

fn server(target: &Target) -> String {
    let host = one_line(&target.host);
    let port = target.port;
    if host.starts_with(['/', '@']) {
        format!("{host} port {port}")
    } else if host.contains(':') {
        format!("[{host}]:{port}")
    } else {
        format!("{host}:{port}")
    }
}

fn choice(target: &Target) -> String {
    let named_by = one_line(&target.named_by);
    match &target.environment {
        Some(name) => format!("environment {}, named by {named_by}", one_line(name)),
        None => format!("no environment, named by {named_by}"),
    }
}

/// Returns the command with the `--env` that it was chosen with, so that it means this database.
pub(super) fn command(verb: &str, target: &Target) -> String {
    match &target.environment {
        Some(name) if target.named_by.contains("--env") => {
            format!("evmig {verb} --env {}", one_line(name))
        }
        _ => format!("evmig {verb}"),
    }
}
