//! One file's transaction as text for a message: begin, the file, its history row, commit.
//!
//! The server skips what is behind an error in the same message, so that nothing of a file runs
//! outside of its transaction, even if a cancel hits `begin`. Several such messages may be on their
//! way at once: each begins by proving that the one before it is committed.

use super::mark::mark;
use super::transactional::{At, Setup};
use crate::history::record::Prepared;
use crate::pg::error::{DbFailure, Position, byte_offset};
use crate::pg::settings::{DISCARD, DISCARD_BUT_PREPARED, RESET_ROLE};
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
            restore: setup.restore.iter().flatten().cloned().collect(),
        }
    }

    /// Returns the message that goes ahead of the files: it clears the session and prepares.
    pub(super) fn prologue(&self) -> String {
        let mut commands: Vec<&str> = vec![DISCARD];
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
    /// What is before it.
    pub(super) before: Before<'a>,
    /// Whether it is the last one in its message.
    pub(super) is_last: bool,
    /// The key that the row begins with.
    pub(super) key: &'a str,
    /// The statements that record it: evmig's row, and refinery's where it has a version.
    pub(super) records: &'a [Prepared],
    /// `application_name` of the session; the number of the statement is added.
    pub(super) application: &'a str,
    /// Which migration it is.
    pub(super) migration: &'a MigrationRef,
}

/// What is before a file in its convoy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Before<'a> {
    /// It is the first one.
    Nothing,
    /// A message, whose last file has this guard.
    Message(&'a str),
    /// A file in the same message.
    SameMessage,
}

/// One file as text for a message.
#[derive(Debug)]
pub(super) struct Packed {
    pub(super) text: String,
    key: String,
    /// The number of the command that writes evmig's row.
    record: usize,
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
            key: contents.key.to_owned(),
            record: 0,
            commands: Vec::with_capacity(body.len() + 32),
        };
        packed.open(contents);
        for index in body.clone() {
            // Alone with one statement, it is known without.
            let alone = contents.before != Before::SameMessage && contents.is_last;
            if body.len() > 1 || !alone {
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
        // Behind a file in the same message it need not be proved: the server skips the rest of a
        // message after an error.
        let after = match contents.before {
            Before::Nothing => Some(NONE),
            Before::Message(guard) => Some(guard),
            Before::SameMessage => None,
        };
        if let Some(after) = after.map(quote::literal) {
            self.push(At::Begin, &format!("execute {AFTER} ({after})"));
        }
        self.give_settings(contents);
    }

    fn give_settings(&mut self, contents: &Contents<'_>) {
        let setup = contents.setup;
        // What the session has by itself, and has again after each file.
        let is_given = |command: &String| command != "set local statement_timeout = 0";
        let settings = setup.settings(contents.guard, setup.policy.lock_timeout);
        for command in settings.into_iter().filter(is_given) {
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
        // For the session, and so for evmig's own statements too, whose names are all qualified or
        // looked up on this path; row security does not concern tables that have none.
        for command in RESET_ROLE {
            self.push(At::End, command);
        }
        self.push(At::End, "set local search_path = pg_catalog, pg_temp");
        for command in DISCARD_BUT_PREPARED {
            self.push(At::End, command);
        }
        if mentions(contents.script, &PREPARING) {
            self.push(At::End, "deallocate all");
            for command in &kit.prepare {
                self.push(At::End, command);
            }
        }
        self.record = self.commands.len();
        for (record, name) in contents.records.iter().zip(RECORDS) {
            self.push(At::Record, &record.execute(name));
        }
        // At the end, not at the beginning: the next message is read before any of it runs.
        let role = |command: &&String| RESET_ROLE.contains(&command.as_str());
        for command in kit.restore.iter().filter(|command| !role(command)) {
            self.push(At::End, command);
        }
        if contents.is_last {
            let last = quote::literal(contents.guard);
            self.push(At::End, &format!("set {LAST} = {last}"));
        }
        self.push(At::Commit, "commit");
    }

    /// Returns how many commands it has.
    pub(super) fn len(&self) -> usize {
        self.commands.len()
    }

    /// Returns the number of the command that writes evmig's row.
    pub(super) fn record(&self) -> usize {
        self.record
    }

    /// Reads what that command returns: its key, and how long the migration took in milliseconds; `None`
    /// if it is another's.
    pub(super) fn read_record(&self, value: Option<&str>) -> Option<f64> {
        let (key, duration) = value?.rsplit_once(' ')?;
        (key == self.key).then(|| duration.parse().ok()).flatten()
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
