//! One file's transaction in one message: begin, the file, its history row, commit.
//!
//! The server skips what is behind an error in the same message, so that nothing of a file runs
//! outside of its transaction, even if a cancel hits `begin`. Several such messages may be on their
//! way at once: each begins by proving that the one before it is committed.

use super::attempt::mark;
use super::transactional::{At, Setup};
use crate::history::record::Prepared;
use crate::pg::error::{DbFailure, Position, byte_offset};
use crate::pg::settings::DISCARD_BUT_PREPARED;
use crate::project::script::{Mode, Script};
use crate::report::event::MigrationRef;
use crate::sql::quote;

/// A longer file goes alone, and is not copied into a message.
const LONGEST: usize = 256 << 10;

/// Words of a file that cannot be packed.
const UNPACKABLE: [&str; 4] = [
    "standard_conforming_strings",
    "backslash_quote",
    "isolation",
    "set transaction",
];
/// Words of a file that may drop what was prepared, or prepare more.
const PREPARING: [&str; 3] = ["prepare", "deallocate", "discard"];

/// Names of what a run prepares on its session.
const AFTER: &str = "evmig_after";
/// For evmig's own row, and for refinery's.
const RECORDS: [&str; 2] = ["evmig_record", "evmig_refinery"];

/// The setting that says which file was committed last, by its guard.
const LAST: &str = "evmig.last";
/// Its value before the first file.
const NONE: &str = "none";

/// Fails unless the file with this guard was committed last: the cast of a text that is no number.
/// The process id keeps the planner from trying it.
const AFTER_SQL: &str = "select case when pg_catalog.current_setting('evmig.last', true) = $1 \
     then 0 else ('evmig expected that ' || $1 || ' is committed, in ' \
     || pg_catalog.pg_backend_pid()::text)::integer end";

/// What the files of a convoy have in common.
#[derive(Debug)]
pub(super) struct Kit {
    prepare: Vec<String>,
    restore: Vec<String>,
}

impl Kit {
    /// Makes it from the texts of the statements that record a file.
    pub(super) fn new(setup: &Setup, records: &[Prepared; 2]) -> Self {
        let after = format!("prepare {AFTER} (text) as {AFTER_SQL}");
        let records = records.iter().zip(RECORDS);
        let records = records.map(|(record, name)| record.prepare(name));
        Self {
            prepare: std::iter::once(after).chain(records).collect(),
            restore: setup.restore.clone().unwrap_or_default(),
        }
    }

    /// Returns the message that goes ahead of the files: it clears the session and prepares.
    pub(super) fn prologue(&self) -> String {
        let mut commands: Vec<&str> = vec![crate::pg::settings::DISCARD];
        commands.extend(self.restore.iter().map(String::as_str));
        commands.extend(self.prepare.iter().map(String::as_str));
        format!("{}; set {LAST} = {NONE}", commands.join("; "))
    }
}

/// What is packed.
pub(super) struct Contents<'a> {
    pub(super) script: &'a Script,
    pub(super) setup: &'a Setup,
    /// The transaction guard.
    pub(super) guard: &'a str,
    /// The guard of the file before it in the convoy.
    pub(super) after: Option<&'a str>,
    /// The statements that record it: evmig's row, and refinery's where it has a version.
    pub(super) records: &'a [Prepared],
    /// `application_name` of the session; the number of the statement is added.
    pub(super) application: &'a str,
    /// Which migration it is.
    pub(super) migration: &'a MigrationRef,
}

/// One file as one message.
#[derive(Debug)]
pub(super) struct Packed {
    pub(super) text: String,
    /// Where each command is, with the offset that its text begins at.
    commands: Vec<(At, usize)>,
}

/// Returns whether a file may travel in one message with its transaction.
///
/// The server reads a message before it runs any of it: so the file must not change how text is
/// read. And the isolation level must be set before the first query, which is ours.
pub(super) fn can_be_packed(script: &Script) -> bool {
    let plain = matches!(script.mode(), Mode::Transaction { wrapped: false });
    let body = script.body();
    let size: usize = body.clone().map(|index| script.text(index).len()).sum();
    plain
        && size <= LONGEST
        && body.clone().all(|index| script.copy_data(index).is_none())
        && !mentions(script, &UNPACKABLE)
}

/// Returns whether a file's text has one of these words anywhere, in a function's body too.
fn mentions(script: &Script, words: &[&str]) -> bool {
    script.body().any(|index| {
        let text = script.text(index).to_ascii_lowercase();
        words.iter().any(|word| text.contains(word))
    })
}

impl Packed {
    pub(super) fn new(kit: &Kit, contents: &Contents<'_>) -> Self {
        let script = contents.script;
        let body = script.body();
        let size: usize = body.clone().map(|index| script.text(index).len()).sum();
        let mut packed = Self {
            text: String::with_capacity(2 * size + 4096),
            commands: Vec::with_capacity(body.len() + 32),
        };
        packed.open(contents);
        for index in body.clone() {
            if body.len() > 1 {
                packed.mark(contents, index);
            }
            packed.push(At::Statement(index), script.text(index));
            if script.resets_settings(index) {
                packed.give_settings(contents);
            }
        }
        packed.close(kit, contents);
        packed
    }

    fn push(&mut self, at: At, command: &str) {
        self.commands.push((at, self.text.len()));
        self.text.push_str(command);
        // A statement may end in a line comment.
        self.text
            .push_str(if command.contains("--") { "\n;" } else { ";" });
    }

    fn open(&mut self, contents: &Contents<'_>) {
        self.push(At::Begin, "begin");
        let after = quote::literal(contents.after.unwrap_or(NONE));
        self.push(At::Begin, &format!("execute {AFTER} ({after})"));
        self.give_settings(contents);
    }

    fn give_settings(&mut self, contents: &Contents<'_>) {
        let setup = contents.setup;
        for command in setup.settings(contents.guard, setup.policy.lock_timeout) {
            self.push(At::Begin, &command);
        }
    }

    /// Lets everybody see in `pg_stat_activity` how far the file is: its query is the whole message.
    fn mark(&mut self, contents: &Contents<'_>, index: usize) {
        let of = contents.script.len();
        let name = mark(contents.application, contents.migration, index, of);
        let name = quote::literal(&name);
        self.push(At::Begin, &format!("set local application_name = {name}"));
    }

    fn close(&mut self, kit: &Kit, contents: &Contents<'_>) {
        self.push(At::End, "set constraints all immediate");
        for command in contents.setup.own_commands() {
            self.push(At::End, &command);
        }
        for command in DISCARD_BUT_PREPARED {
            self.push(At::End, command);
        }
        if mentions(contents.script, &PREPARING) {
            self.push(At::End, "deallocate all");
            for command in &kit.prepare {
                self.push(At::End, command);
            }
        }
        for (record, name) in contents.records.iter().zip(RECORDS) {
            self.push(At::Record, &record.execute(name));
        }
        // At the end, not at the beginning: the next message is read before any of it runs.
        for command in &kit.restore {
            self.push(At::End, command);
        }
        let last = quote::literal(contents.guard);
        self.push(At::End, &format!("set {LAST} = {last}"));
        self.push(At::Commit, "commit");
    }

    /// Returns what a command is, by its number.
    pub(super) fn at(&self, command: usize) -> Option<At> {
        self.commands.get(command).map(|(at, _)| at.clone())
    }

    /// Returns where a failure after so many commands belongs, with its position counted from the
    /// beginning of that command.
    ///
    /// A text that cannot be read fails before its first command runs; then only the position tells.
    pub(super) fn place(&self, done: usize, failure: DbFailure) -> (At, DbFailure) {
        let by_position = match failure.position {
            Some(Position::Statement(at)) => {
                let offset = byte_offset(&self.text, at);
                self.commands
                    .iter()
                    .rposition(|(_, start)| *start <= offset)
            }
            _ => None,
        };
        let command = by_position.map_or(done, |found| found.max(done));
        let Some((at, start)) = self.commands.get(command) else {
            return (At::Commit, failure);
        };
        let before = self.text[..*start].chars().count() as u32;
        (at.clone(), failure.after(before))
    }
}
