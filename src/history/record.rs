//! What a row of the history is made from.

use sha2::{Digest as _, Sha256};

use super::model::{Action, Key};
use crate::project::checksum::hex;
use crate::sql::quote;

/// Facts of one migration that a row is made from.
#[derive(Debug, Clone, Copy)]
pub struct Record<'a> {
    /// Transaction guard; `None` outside a guarded transaction.
    pub guard: Option<&'a str>,
    /// Which migration.
    pub key: &'a Key,
    /// Its name.
    pub name: &'a str,
    /// Number of its phase.
    pub phase_number: u32,
    /// Name of its phase.
    pub phase: &'a str,
    /// Name of its step.
    pub step: &'a str,
    /// Run id.
    pub run: &'a str,
    /// What was done.
    pub action: Action,
    /// SHA-256 of the normalised text.
    pub sha256: &'a str,
    /// Refinery's checksum for the width of its table.
    pub refinery_checksum: Option<&'a str>,
    /// How long it took.
    pub duration: RecordDuration,
    /// How many statements ran.
    pub statements: usize,
    /// The script.
    pub up_sql: Option<&'a str>,
    /// The rollback script.
    pub down_sql: Option<&'a str>,
    /// Why, for `repair` and `baseline`.
    pub reason: Option<&'a str>,
    /// Newest journal row that belongs to it.
    pub journal_seq: Option<i64>,
}

impl Record<'_> {
    /// Returns the version as the column has it.
    pub(super) fn version(&self) -> Option<String> {
        match self.key {
            Key::Version(version) => Some(version.to_string()),
            Key::Repeatable(_) => None,
        }
    }

    /// Returns the hash of what is known of the row before it is written, as `migration_facts.sql`
    /// computes it from the row.
    pub(super) fn facts_hash(&self) -> String {
        let sha256 = |text: &str| hex(&Sha256::digest(text.as_bytes()));
        let text = |value: &str| Some(value.to_owned());
        json_array(&[
            Some(self.key.to_text()),
            self.version(),
            text(self.name),
            Some(self.phase_number.to_string()),
            text(self.phase),
            text(self.step),
            text(self.run),
            text(self.action.as_str()),
            text(self.sha256),
            self.refinery_checksum.and_then(text),
            Some(self.statements.to_string()),
            self.reason.and_then(text),
            self.journal_seq.map(|seq| seq.to_string()),
            self.up_sql.map(sha256),
            self.down_sql.map(sha256),
        ])
    }
}

/// Hashes a JSON array as the server writes a `jsonb` one (`escape_json`, PostgreSQL's json.c).
fn json_array(values: &[Option<String>]) -> String {
    let mut text = String::from("[");
    for (at, value) in values.iter().enumerate() {
        if at > 0 {
            text.push_str(", ");
        }
        match value {
            Some(value) => push_json(&mut text, value),
            None => text.push_str("null"),
        }
    }
    text.push(']');
    hex(&Sha256::digest(text.as_bytes()))
}

fn push_json(json: &mut String, text: &str) {
    use std::fmt::Write as _;
    json.push('"');
    for character in text.chars() {
        match character {
            '"' => json.push_str("\\\""),
            '\\' => json.push_str("\\\\"),
            '\u{8}' => json.push_str("\\b"),
            '\u{c}' => json.push_str("\\f"),
            '\n' => json.push_str("\\n"),
            '\r' => json.push_str("\\r"),
            '\t' => json.push_str("\\t"),
            control if control < ' ' => {
                // Writing to a String cannot fail.
                let _ = write!(json, "\\u{:04x}", u32::from(control));
            }
            other => json.push(other),
        }
    }
    json.push('"');
}

/// How long a migration took.
#[derive(Debug, Clone, Copy)]
pub enum RecordDuration {
    /// From the beginning of the transaction, by the server's clock.
    SinceBegin,
    /// So many milliseconds.
    Milliseconds(f64),
    /// Nothing ran.
    None,
}

/// A statement text with its parameters, ready to be sent.
#[derive(Debug, Clone)]
pub struct Prepared {
    /// The text.
    pub sql: String,
    /// Its parameters, in order.
    pub parameters: Vec<Option<String>>,
}

impl Prepared {
    /// Returns the command that prepares it under a name: analysed and planned once for a run.
    pub fn prepare(&self, name: &str) -> String {
        let types = vec!["text"; self.parameters.len()].join(", ");
        match types.as_str() {
            "" => format!("prepare {name} as {}", self.sql),
            _ => format!("prepare {name} ({types}) as {}", self.sql),
        }
    }

    /// Returns the command that runs what was prepared under a name, with these parameters.
    pub fn execute(&self, name: &str) -> String {
        let value = |value: &Option<String>| match value {
            Some(text) => quote::literal(text),
            None => "null".to_owned(),
        };
        let values: Vec<String> = self.parameters.iter().map(value).collect();
        match values.as_slice() {
            [] => format!("execute {name}"),
            _ => format!("execute {name} ({})", values.join(", ")),
        }
    }

    /// Returns the parameters as the session takes them.
    pub fn borrowed(&self) -> Vec<Option<&str>> {
        self.parameters.iter().map(Option::as_deref).collect()
    }
}
