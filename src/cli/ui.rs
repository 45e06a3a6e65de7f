//! The only printer. Results go to standard output, everything else to standard error.

use std::borrow::Cow;
use std::io::{self, Write};

use anstream::adapter::strip_str;

use super::args::{Color, Format, GlobalArgs};
use super::environment::Environment;
use super::error::CommandError;
use super::exit::Exit;
use crate::render::json;
use crate::render::terminal::{self, Look};
use crate::report::problem::Problem;
use crate::report::sanitize::{for_log, for_terminal};

/// Width for files and pipes, and where the terminal does not tell.
const DEFAULT_WIDTH: usize = 100;

/// The streams and how to write to them.
pub struct Ui {
    stdout_color: bool,
    stderr_color: bool,
    stdout_is_log: bool,
    stderr_is_log: bool,
    look: Look,
    format: Format,
    quiet: bool,
    verbose: u8,
    /// Whether standard error is a terminal that a progress bar may move on.
    pub lively: bool,
    /// Whether somebody can be asked.
    pub can_ask: bool,
}

impl Ui {
    /// Decides on colour, width and liveliness.
    pub fn new(global: &GlobalArgs, environment: &Environment) -> Self {
        let no_color = environment.get("NO_COLOR").is_some();
        let dumb = environment.get("TERM").as_deref() == Some("dumb");
        let choice = |terminal: bool| match global.color {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => terminal && !no_color && !dumb,
        };
        let width = environment
            .get("COLUMNS")
            .and_then(|columns| columns.parse().ok())
            .or_else(|| {
                let (width, _) = terminal_size::terminal_size_of(io::stderr())
                    .or_else(|| terminal_size::terminal_size_of(io::stdout()))?;
                Some(usize::from(width.0))
            })
            .unwrap_or(DEFAULT_WIDTH);
        Self {
            stdout_color: choice(environment.stdout_is_terminal),
            stderr_color: choice(environment.stderr_is_terminal),
            stdout_is_log: !environment.stdout_is_terminal,
            stderr_is_log: !environment.stderr_is_terminal,
            look: Look {
                width: width.clamp(40, 200),
                unicode: speaks_unicode(environment),
            },
            format: global.format,
            quiet: global.quiet,
            verbose: global.verbose,
            lively: environment.stderr_is_terminal && !dumb && !global.quiet,
            can_ask: environment.stdin_is_terminal && environment.stderr_is_terminal,
        }
    }

    /// Returns how texts are to be rendered.
    pub fn look(&self) -> Look {
        self.look
    }

    /// Returns whether the result is for programs.
    pub fn is_json(&self) -> bool {
        self.format == Format::Json
    }

    /// Returns whether details were asked for.
    pub fn is_verbose(&self) -> bool {
        self.verbose > 0
    }

    /// Writes a result for people, or a document. A reader that went away (`| head -1`) is no
    /// error: what was done is done, and the exit code says it.
    pub fn result(&mut self, text: &str) {
        // A document escapes what it must itself, and must be read as it was written.
        let is_log = self.stdout_is_log && !self.is_json();
        write_all(&mut io::stdout(), text, self.stdout_color, is_log);
    }

    /// Writes a text that another program reads: a script, a page, a diff.
    pub fn bytes(&mut self, text: &str) {
        write_all(&mut io::stdout(), text, self.stdout_color, false);
    }

    /// Writes something beside the result, unless `--quiet`.
    pub fn say(&mut self, text: &str) {
        if !self.quiet {
            self.shout(text);
        }
    }

    /// Writes something beside the result, also with `--quiet`.
    pub fn shout(&mut self, text: &str) {
        let (color, is_log) = (self.stderr_color, self.stderr_is_log);
        write_all(&mut io::stderr(), text, color, is_log);
    }

    /// Writes a warning.
    pub fn warn(&mut self, problem: &Problem) {
        let text = terminal::warning(problem, self.look);
        self.say(&text);
    }

    /// Writes an error for people, and for programs where they are the readers.
    pub fn fail(&mut self, error: &CommandError) -> Exit {
        let exit = error.exit();
        if self.is_json() && !error.is_reported() {
            let document = json::problem_document(error.problems(), exit.number());
            self.result(&document);
        }
        let text = terminal::problems(error.problems(), self.look);
        self.shout(&text);
        exit
    }

    /// Asks a question and returns the line that was typed; `None` where nobody can be asked.
    pub fn ask(&mut self, question: &str) -> Option<String> {
        if !self.can_ask {
            return None;
        }
        self.shout(&format!("{} ", for_terminal(question)));
        let mut line = String::new();
        io::stdin().read_line(&mut line).ok()?;
        Some(line.trim().to_owned())
    }
}

/// Writes a text in one piece, so that lines of several programs do not mix, and ignores a reader
/// that went away.
fn write_all(stream: &mut dyn Write, text: &str, color: bool, is_log: bool) {
    let plain = if color {
        Cow::Borrowed(text)
    } else {
        Cow::Owned(strip_str(text).to_string())
    };
    // Last, since a style in front of a mark hides it until the style is gone.
    let text = if is_log {
        for_log(&plain)
    } else {
        plain.as_ref().into()
    };
    drop(
        stream
            .write_all(text.as_bytes())
            .and_then(|()| stream.flush()),
    );
}

/// A locale without UTF-8 gets plain ASCII.
fn speaks_unicode(environment: &Environment) -> bool {
    ["LC_ALL", "LC_CTYPE", "LANG"]
        .iter()
        .find_map(|name| environment.get(name))
        .is_none_or(|locale| {
            let locale = locale.to_ascii_uppercase();
            locale.contains("UTF-8") || locale.contains("UTF8")
        })
}
