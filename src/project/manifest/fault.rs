//! What can be wrong in `phases.toml`.

use super::super::rel_path::PathFault;
use super::duration::DurationFault;
use super::schema_name::SchemaNameFault;

/// One thing that is wrong in `phases.toml`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ManifestFault {
    /// More bytes than any real manifest has.
    #[error("the file is larger than {most} bytes")]
    TooLarge {
        /// The limit in bytes.
        most: u64,
    },
    /// A line longer than any real one.
    #[error("the line is longer than {most} bytes")]
    LineTooLong {
        /// The limit in bytes.
        most: usize,
    },
    /// No TOML.
    #[error("not valid TOML: {message}")]
    Syntax {
        /// What the TOML parser says.
        message: String,
    },
    /// A key or table is there twice.
    #[error("`{key}` is given twice")]
    DuplicateKey {
        /// The key as written the second time.
        key: String,
    },
    /// Tables or arrays nested deeper than TOML readers go.
    #[error("tables or arrays are nested too deep")]
    TooDeep,
    /// More errors than anyone reads.
    #[error("and {more} more errors in this file")]
    TooMany {
        /// How many are not shown.
        more: usize,
    },
    /// A key that evmig does not know.
    #[error("unknown key `{key}` in {section}")]
    UnknownKey {
        /// The key.
        key: String,
        /// The table it is in.
        section: String,
        /// The key that was likely meant.
        nearest: Option<String>,
        /// The keys that the table may have.
        valid: Vec<String>,
    },
    /// A key that must be there is not.
    #[error("{section} has no `{key}`")]
    MissingKey {
        /// The key.
        key: &'static str,
        /// The table.
        section: String,
    },
    /// A value of another type than it must be.
    #[error("`{key}` must be {expected}, not {found}")]
    WrongType {
        /// The key.
        key: String,
        /// "a string", …
        expected: &'static str,
        /// TOML's name of what is there.
        found: &'static str,
    },
    /// A number outside its range.
    #[error("`{key}` must be from {least} to {most}, not {found}")]
    OutOfRange {
        /// The key.
        key: String,
        /// The smallest allowed value.
        least: u32,
        /// The largest allowed value.
        most: u32,
        /// The number as written.
        found: String,
    },
    /// A name, title or list that is empty.
    #[error("`{key}` is empty")]
    Empty {
        /// The key.
        key: String,
    },
    /// A control character in a text.
    #[error("`{key}` has a control character")]
    ControlCharacter {
        /// The key.
        key: String,
    },
    /// A name with characters that the command line could not take.
    #[error("`{name}` is no {what} name: {reason}")]
    BadName {
        /// "phase", "step", "environment", "project".
        what: &'static str,
        /// The name, printable.
        name: String,
        /// The rule it breaks.
        reason: &'static str,
        /// The nearest name that keeps the rules.
        nearest: Option<String>,
    },
    /// No duration.
    #[error("`{key}`: {fault}")]
    Duration {
        /// The key.
        key: String,
        /// Why.
        fault: DurationFault,
    },
    /// A duration that may not be zero.
    #[error("`{key}` must be longer than zero")]
    ZeroDuration {
        /// The key.
        key: String,
    },
    /// No name for the history schema.
    #[error(transparent)]
    HistorySchema(#[from] SchemaNameFault),
    /// A name that nothing has.
    #[error("unknown {what} `{name}`")]
    Unknown {
        /// "phase", "environment", "class", "sslmode", "`on_drift`".
        what: &'static str,
        /// The name.
        name: String,
        /// The one that was likely meant.
        nearest: Option<String>,
        /// Those that there are.
        valid: Vec<String>,
    },
    /// A name, number or list item that is there twice.
    #[error("{what} `{name}` is already on line {first_line}")]
    Duplicate {
        /// "phase number", "phase", "step", "folder", "class", …
        what: &'static str,
        /// The name.
        name: String,
        /// The line of the first one.
        first_line: u32,
    },
    /// An environment that does not say how its database is reached.
    #[error("the environment `{environment}` has neither `url` nor `url_env`")]
    NoTarget {
        /// The environment.
        environment: String,
    },
    /// A fresh backup is asked for where nothing looks for one.
    #[error(
        "`backup_max_age` is heeded on protected environments only, and `{environment}` is none"
    )]
    UnprotectedBackupAge {
        /// The environment.
        environment: String,
    },
    /// An environment that says it twice.
    #[error("the environment `{environment}` has both `url` and `url_env`; keep one")]
    TwoTargets {
        /// The environment.
        environment: String,
    },
    /// A URL that is none.
    #[error("`url` must be \"embedded\" or a postgres:// URL")]
    NotAUrl,
    /// A secret in a file that everybody can read.
    #[error("`url` holds a password; this file is no place for secrets")]
    PasswordInUrl,
    /// A secret where a variable's name belongs. The value is not repeated.
    #[error("`url_env` must be the name of an environment variable, {found}")]
    NotAVariable {
        /// What it looks like instead.
        found: &'static str,
    },
    /// A step that does nothing.
    #[error(
        "the step says nothing to do: it needs one of `migrations`, `verify`, `functions`, `analyze`"
    )]
    StepWithoutWork,
    /// A step that does several things.
    #[error("the step has {}; a step has one of them", .kinds.join(" and "))]
    StepWithMuchWork {
        /// The keys that are there.
        kinds: Vec<String>,
    },
    /// A table name that `ANALYZE` could not take.
    #[error("`{name}` is no table: write `table` or `schema.table`")]
    BadTable {
        /// The name.
        name: String,
    },
    /// A path that cannot be used.
    #[error(transparent)]
    Path(#[from] PathFault),
    /// No phase at all.
    #[error("there is no [[phase]]: nothing could be applied")]
    NoPhases,
    /// Phases that require each other.
    #[error("phases require each other in a circle: {}", .circle.join(" -> "))]
    Circle {
        /// The names; the last is the first again.
        circle: Vec<String>,
    },
    /// A phase that requires one which runs later.
    #[error(
        "phase {number} `{phase}` requires `{required}`, which is number {required_number} and runs later"
    )]
    RequiresLater {
        /// The phase.
        phase: String,
        /// Its number.
        number: u32,
        /// What it requires.
        required: String,
        /// That one's number.
        required_number: u32,
    },
}

impl ManifestFault {
    /// Returns the stable id of the error.
    pub fn code(&self) -> &'static str {
        match self {
            Self::TooLarge { .. } => "manifest-too-large",
            Self::LineTooLong { .. } => "line-too-long",
            Self::Syntax { .. } => "toml-syntax",
            Self::DuplicateKey { .. } => "duplicate-key",
            Self::TooDeep => "toml-too-deep",
            Self::TooMany { .. } => "too-many-errors",
            Self::UnknownKey { .. } => "unknown-key",
            Self::MissingKey { .. } => "missing-key",
            Self::WrongType { .. } => "wrong-type",
            Self::OutOfRange { .. } => "out-of-range",
            Self::Empty { .. } => "empty-value",
            Self::ControlCharacter { .. } => "control-character",
            Self::BadName { .. } => "bad-name",
            Self::Duration { .. } | Self::ZeroDuration { .. } => "bad-duration",
            Self::HistorySchema(_) => "bad-history-schema",
            Self::Unknown { what, .. } => match *what {
                "phase" => "unknown-phase",
                "environment" => "unknown-environment",
                "class" => "unknown-class",
                "on_drift" => "unknown-on-drift",
                _ => "unknown-sslmode",
            },
            Self::Duplicate { what, .. } => match *what {
                "phase number" => "duplicate-phase-number",
                "phase" => "duplicate-phase",
                "step" => "duplicate-step",
                "folder" => "duplicate-folder",
                _ => "duplicate-item",
            },
            Self::NoTarget { .. } => "environment-without-url",
            Self::UnprotectedBackupAge { .. } => "backup-age-unprotected",
            Self::TwoTargets { .. } => "environment-with-two-urls",
            Self::NotAUrl => "bad-url",
            Self::PasswordInUrl => "password-in-file",
            Self::NotAVariable { .. } => "bad-url-env",
            Self::StepWithoutWork => "step-without-work",
            Self::StepWithMuchWork { .. } => "step-with-two-kinds",
            Self::BadTable { .. } => "bad-table",
            Self::Path(fault) => fault.code(),
            Self::NoPhases => "no-phases",
            Self::Circle { .. } => "requires-circle",
            Self::RequiresLater { .. } => "requires-later-phase",
        }
    }

    /// Returns the valid name that was likely meant.
    pub fn suggestion(&self) -> Option<String> {
        match self {
            Self::UnknownKey { nearest, .. }
            | Self::Unknown { nearest, .. }
            | Self::BadName { nearest, .. }
            | Self::Duration {
                fault: DurationFault::UnknownUnit { nearest, .. },
                ..
            } => nearest.clone(),
            Self::Path(fault) => fault.suggestion(),
            _ => None,
        }
    }

    /// Returns what to do about it.
    pub fn help(&self) -> Option<String> {
        match self {
            Self::UnknownKey { valid, .. } => Some(format!("valid keys: {}", valid.join(", "))),
            Self::Unknown { what, valid, .. } if valid.is_empty() => {
                Some(format!("this file defines no {what}"))
            }
            Self::Unknown { valid, .. } => Some(format!("there are: {}", shortened(valid))),
            Self::PasswordInUrl => Some(
                "take the password out and change it; keep the URL in a variable and name that \
                 with `url_env`, or use .pgpass"
                    .to_owned(),
            ),
            Self::NotAVariable { .. } => Some("for instance url_env = \"DATABASE_URL\"".to_owned()),
            Self::RequiresLater { .. } => {
                Some("phases run in the order of their numbers: renumber one of the two".to_owned())
            }
            Self::NoPhases => Some(
                "add [[phase]] with `number` and `name`, and [[phase.step]] with `name` and \
                 `migrations`"
                    .to_owned(),
            ),
            Self::Path(fault) => fault.help(),
            _ => None,
        }
    }
}

/// Joins names, at most twenty of them.
fn shortened(names: &[String]) -> String {
    const MOST: usize = 20;
    let mut text = names[..names.len().min(MOST)].join(", ");
    if names.len() > MOST {
        text.push_str(", …");
    }
    text
}
