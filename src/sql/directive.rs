//! `-- evmig: …` comments.
//!
//! `no-transaction` speaks about the whole file and must stand before its first statement, where a reader looks for
//! it. `allow` belongs to lint and is passed over. Anything else is an error: a misspelt directive that is silently
//! ignored would run a file in the wrong way.

use std::ops::Range;

use super::split::{Item, Script};

/// What the comments of a file ask for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Directives {
    /// `-- evmig: no-transaction`: run statement by statement. Holds the comment's bytes.
    pub no_transaction: Option<Range<usize>>,
}

/// The directives that exist.
pub const NAMES: [&str; 2] = ["no-transaction", "allow"];

/// Similarity from 0 to 1 (Jaro-Winkler) from which on a name is offered.
const NEAR: f64 = 0.7;

/// A directive that cannot be followed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DirectiveError {
    /// No such directive.
    #[error("{}{}", unknown(.name), hint(*.nearest))]
    Unknown {
        /// Byte offset of the name.
        at: usize,
        /// The name as written, possibly empty.
        name: String,
        /// The valid name that is nearest, if any is near.
        nearest: Option<&'static str>,
    },
    /// `no-transaction` after the first statement.
    #[error("`{name}` must stand before the first statement of the file")]
    Late {
        /// Byte offset of the name.
        at: usize,
        /// The name.
        name: &'static str,
    },
    /// Something follows a directive that takes nothing.
    #[error("`{name}` takes nothing, but `{text}` follows it")]
    Trailing {
        /// Byte offset of what follows.
        at: usize,
        /// The directive's name.
        name: &'static str,
        /// What follows.
        text: String,
    },
}

fn unknown(name: &str) -> String {
    if name.is_empty() {
        "no directive follows the colon".to_owned()
    } else {
        format!("there is no directive `{name}`")
    }
}

fn hint(nearest: Option<&str>) -> String {
    nearest.map_or(String::new(), |name| format!("; did you mean `{name}`?"))
}

impl DirectiveError {
    /// Byte offset to point at.
    pub fn at(&self) -> usize {
        match self {
            Self::Unknown { at, .. } | Self::Late { at, .. } | Self::Trailing { at, .. } => *at,
        }
    }

    /// How many bytes to underline there, at least 1.
    pub fn length(&self) -> usize {
        match self {
            Self::Unknown { name, .. } => name.len().max(1),
            Self::Late { name, .. } => name.len(),
            Self::Trailing { text, .. } => text.len(),
        }
    }
}

/// Reads the directives of a file; returns every error, not only the first.
pub fn directives(text: &str, script: &Script) -> Result<Directives, Vec<DirectiveError>> {
    let first = script.items.first().map_or(text.len(), |item| match item {
        Item::Statement(statement) => statement.span.start,
        Item::Include { span, .. } => span.start,
    });
    let mut found = Directives::default();
    let mut errors = Vec::new();
    for note in &script.notes {
        match read(text, note, first) {
            Ok(true) => found.no_transaction = Some(note.clone()),
            Ok(false) => {}
            Err(error) => errors.push(error),
        }
    }
    if errors.is_empty() {
        Ok(found)
    } else {
        Err(errors)
    }
}

/// Reads one comment; returns whether it is `no-transaction`.
fn read(text: &str, note: &Range<usize>, first: usize) -> Result<bool, DirectiveError> {
    let comment = &text[note.clone()];
    let after_colon = comment.find(':').map_or(comment.len(), |colon| colon + 1);
    let body = comment[after_colon..].trim_start();
    let at = note.end - body.len();
    let name_end = body.find(char::is_whitespace).unwrap_or(body.len());
    let name = &body[..name_end];
    let Some(known) = NAMES.into_iter().find(|known| *known == name) else {
        return Err(DirectiveError::Unknown {
            at,
            name: name.to_owned(),
            nearest: nearest(name),
        });
    };
    if known != "no-transaction" {
        return Ok(false);
    }
    let rest = body[name_end..].trim();
    if !rest.is_empty() {
        let skipped = body[name_end..].len() - body[name_end..].trim_start().len();
        return Err(DirectiveError::Trailing {
            at: at + name_end + skipped,
            name: known,
            text: rest.to_owned(),
        });
    }
    if note.start > first {
        return Err(DirectiveError::Late { at, name: known });
    }
    Ok(true)
}

fn nearest(name: &str) -> Option<&'static str> {
    NAMES
        .into_iter()
        .map(|known| (strsim::jaro_winkler(&name.to_lowercase(), known), known))
        .filter(|(score, _)| *score >= NEAR)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, known)| known)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_all(text: &str) -> Result<bool, Vec<DirectiveError>> {
        let script = Script::parse(text).unwrap();
        directives(text, &script).map(|found| found.no_transaction.is_some())
    }

    #[test]
    fn no_transaction_before_the_first_statement() {
        for text in [
            "-- evmig: no-transaction\nvacuum;",
            "\u{feff}/* x */ --evmig:no-transaction  \r\n\r\nvacuum",
            "\\restrict a\n-- EVMIG : no-transaction",
        ] {
            assert_eq!(read_all(text), Ok(true), "{text}");
        }
    }

    #[test]
    fn comments_that_are_none() {
        for text in [
            "select '-- evmig: no-transaction'",
            "/* -- evmig: nonsense */ select 1",
            "-- evmigrate: x\n-- the evmig: x\n-- ev\n-- évmig:",
            "-- evmig is a tool\nselect 1",
            "copy t from stdin;\n-- evmig: nonsense\n\\.\n",
            "-- evmig:allow add-index reason=\"small\"\nselect 1 -- evmig: allow x\n;",
        ] {
            assert_eq!(read_all(text), Ok(false), "{text}");
        }
    }

    #[test]
    fn mistakes_are_all_reported() {
        let text = "-- evmig: no-transactions\nselect 1; -- evmig: no-transaction\n\
            -- evmig:\n-- evmig: no-transaction please\ncopy t from stdin; -- evmig: qqq\n\\.\n";
        assert_eq!(
            read_all(text),
            Err(vec![
                DirectiveError::Unknown {
                    at: 10,
                    name: "no-transactions".into(),
                    nearest: Some("no-transaction"),
                },
                DirectiveError::Late {
                    at: 46,
                    name: "no-transaction",
                },
                DirectiveError::Unknown {
                    at: 70,
                    name: String::new(),
                    nearest: None,
                },
                DirectiveError::Trailing {
                    at: 96,
                    name: "no-transaction",
                    text: "please".into(),
                },
                DirectiveError::Unknown {
                    at: 132,
                    name: "qqq".into(),
                    nearest: None,
                },
            ])
        );
    }
}
