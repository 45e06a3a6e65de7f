//! A migration as it will be sent: its statements with includes expanded, checked for everything
//! that can be read from the text.

use std::ops::Range;

use super::content::{Content, Rows};
use super::error::ProjectError;
use super::manifest::Contract;
use super::migration::{Migration, RollbackScript};
use super::root::SourceFile;
use super::span::Sited;
use crate::report::place::Snippet;
use crate::sql::classify::CopyDirection;
use crate::sql::directive::{DirectiveError, Directives, NAMES as DIRECTIVES, directives};
use crate::sql::enum_value::enum_value_used;
use crate::sql::long_name;
use crate::sql::outside::OutsideReason;
use crate::sql::shape::ShapeReason;
use crate::sql::{self, Class, Item, Shape, SplitError, Statement};

/// Includes may include; deeper than this is taken for a circle.
pub(super) const DEEPEST: usize = 16;

/// What is wrong with a migration's statements, readable without a database.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ScriptFault {
    /// The text cannot be cut into statements.
    #[error(transparent)]
    Split(#[from] SplitError),
    /// A `-- evmig:` comment cannot be followed.
    #[error(transparent)]
    Directive(#[from] DirectiveError),
    /// Transaction control where it may not stand.
    #[error(transparent)]
    Shape(#[from] ShapeReason),
    /// `no-transaction` in a file that is one transaction.
    #[error("the file asks for no transaction, and wraps itself in one")]
    NoTransactionWrapped,
    /// A statement that the phase's contract does not allow.
    #[error("phase {phase} may not touch {class}: its contract allows {}", allowed.join(", "))]
    Contract {
        /// The phase.
        phase: String,
        /// The class of the statement.
        class: &'static str,
        /// What the contract allows.
        allowed: Vec<String>,
    },
    /// `COPY … TO stdout`.
    #[error("COPY TO stdout sends rows to a client that has no use for them")]
    CopyToStdout,
    /// A statement that gives up every advisory lock.
    #[error("this would release the lock that keeps other runs out")]
    ReleasesLock {
        /// Whether it is `DISCARD ALL`.
        discards: bool,
    },
    /// A name that the server would cut.
    #[error(
        "this name has {bytes} bytes; the server would cut it to {} without an error",
        sql::name::MAX_IDENTIFIER_BYTES
    )]
    LongName {
        /// Its length.
        bytes: usize,
    },
    /// Files that include each other.
    #[error("includes are nested more than {DEEPEST} deep: do they include each other?")]
    IncludeCircle,
}

impl ScriptFault {
    /// Returns the stable id of the error.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Split(
                SplitError::PsqlCommand { .. } | SplitError::PsqlInsideStatement { .. },
            ) => "psql-command",
            Self::Split(_) => "sql-unclosed",
            Self::Directive(_) => "unknown-directive",
            Self::Shape(_) | Self::NoTransactionWrapped => "transaction-control",
            Self::Contract { .. } => "contract",
            Self::CopyToStdout => "copy-to-stdout",
            Self::ReleasesLock { .. } => "releases-lock",
            Self::LongName { .. } => "long-name",
            Self::IncludeCircle => "include-circle",
        }
    }

    /// Returns what to do about it.
    pub fn help(&self) -> Option<String> {
        Some(match self {
            Self::Shape(ShapeReason::Outside(_)) => {
                "take BEGIN and COMMIT out: evmig then runs the file statement by statement, and \
                 journals each"
                    .to_owned()
            }
            Self::Shape(ShapeReason::LeftOpen) => {
                "add COMMIT as the last statement, or take BEGIN out: evmig begins and commits each \
                 migration itself"
                    .to_owned()
            }
            Self::Shape(_) => "evmig begins and commits each migration itself: take this out, or \
                               put the whole file between one BEGIN and one COMMIT"
                .to_owned(),
            Self::NoTransactionWrapped => {
                "take out either the comment or BEGIN and COMMIT".to_owned()
            }
            Self::Contract { .. } => {
                "move it to a phase that allows it, or widen [phase.contract] allow".to_owned()
            }
            Self::ReleasesLock { discards: false } => {
                "use pg_advisory_unlock with the lock's own key".to_owned()
            }
            Self::ReleasesLock { discards: true } => {
                "use RESET ALL; evmig itself resets the session after each file".to_owned()
            }
            Self::CopyToStdout => {
                "take it out; psql's \\copy and pg_dump export rows".to_owned()
            }
            Self::Split(SplitError::PsqlCommand { name, .. }) => psql_help(name)?.to_owned(),
            Self::Split(SplitError::PsqlInsideStatement { name, .. })
                if name.starts_with('g') || name == "watch" || name == "crosstabview" =>
            {
                "psql runs the statement with it; end the statement with `;` instead".to_owned()
            }
            Self::Directive(DirectiveError::Unknown { .. }) => {
                let names: Vec<String> = DIRECTIVES.iter().map(|name| format!("`{name}`")).collect();
                format!("the directives are {}", names.join(" and "))
            }
            Self::LongName { .. } => {
                "shorten it: two long names that begin alike would become one".to_owned()
            }
            _ => return None,
        })
    }
}

/// What stands for a command of psql's in SQL.
fn psql_help(name: &str) -> Option<&'static str> {
    Some(match name {
        "copy" => "COPY … FROM stdin takes its rows from the lines below it in the same file",
        "c" | "connect" => "a migration runs in one database: the one that evmig is pointed at",
        "set" | "if" | "elif" | "else" | "endif" | "gset" => {
            "a migration is the same text everywhere; a DO block can look before it acts"
        }
        "echo" | "warn" | "qecho" => "RAISE NOTICE in a DO block says something",
        _ => return None,
    })
}

/// Why a file runs statement by statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StepwiseReason {
    /// `-- evmig: no-transaction`
    Asked,
    /// A statement cannot run in a transaction.
    Outside(OutsideReason),
    /// A new enum value is used, and must be committed first (SQLSTATE 55P04).
    EnumValue,
}

/// How a file runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// In one transaction; `wrapped` if the file brings its own BEGIN and COMMIT.
    Transaction {
        /// Whether the first and last statements are BEGIN and COMMIT.
        wrapped: bool,
    },
    /// Statement by statement.
    Stepwise(StepwiseReason),
}

/// One statement and the file it stands in.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Entry {
    source: usize,
    statement: Statement,
}

/// A file that statements come from.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Text {
    path: String,
    content: Content,
    /// What its `-- evmig:` comments ask for; `None` if the text could not be cut.
    directives: Option<Result<Directives, Vec<DirectiveError>>>,
}

impl Text {
    fn sql(&self) -> &str {
        self.content.sql()
    }
}

/// A migration's statements in the order they run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Script {
    sources: Vec<Text>,
    entries: Vec<Entry>,
    mode: Mode,
}

impl Script {
    /// Cuts a migration into statements and checks them; returns everything that is wrong.
    pub fn build(
        migration: &Migration,
        phase: &str,
        contract: Option<&Contract>,
    ) -> Result<Self, Vec<ProjectError>> {
        let path = migration.path.as_str();
        let (script, mut errors) = Self::cut_up(path, &migration.content, &migration.included);
        if let Some(contract) = contract {
            script.check_contract(phase, &contract.allow, &mut errors);
        }
        if errors.is_empty() {
            Ok(script)
        } else {
            Err(errors)
        }
    }

    /// Cuts a rollback script into statements and checks them. A contract says what a phase may make,
    /// and not how it is taken back.
    pub fn build_rollback(rollback: &RollbackScript) -> Result<Self, Vec<ProjectError>> {
        let path = rollback.path.as_str();
        let (script, errors) = Self::cut_up(path, &rollback.content, &rollback.included);
        if errors.is_empty() {
            Ok(script)
        } else {
            Err(errors)
        }
    }

    /// Cuts a text that the history has stored; `name` stands for its path.
    pub fn build_stored(name: &str, text: &str) -> Result<Self, Vec<ProjectError>> {
        let (script, errors) = Self::cut_up(name, &Content::new(text), &[]);
        if errors.is_empty() {
            Ok(script)
        } else {
            Err(errors)
        }
    }

    fn cut_up(path: &str, content: &Content, included: &[SourceFile]) -> (Self, Vec<ProjectError>) {
        let mut gathering = Gathering::new(included);
        gathering.add(path, content, 0);
        let Gathering {
            mut sources,
            entries,
            mut errors,
            ..
        } = gathering;
        let asked = no_transaction(&mut sources, &mut errors);
        let shape = sql::transaction_shape(entries.iter().map(|entry| &entry.statement));
        let mut script = Self {
            sources,
            entries,
            mode: Mode::Transaction { wrapped: false },
        };
        match shape {
            Err(error) => errors.push(script.error(error.reason.into(), error.index)),
            Ok(Shape::Wrapped { .. }) if asked => {
                errors.push(script.error(ScriptFault::NoTransactionWrapped, 0));
            }
            Ok(Shape::Wrapped { .. }) => script.mode = Mode::Transaction { wrapped: true },
            Ok(Shape::Plain) => script.mode = script.plain_mode(asked),
        }
        script.check_statements(&mut errors);
        (script, errors)
    }

    fn plain_mode(&self, asked: bool) -> Mode {
        let outside = self
            .entries
            .iter()
            .find_map(|entry| entry.statement.class.outside_transaction);
        let used = enum_value_used(
            self.entries
                .iter()
                .map(|entry| (&entry.statement, self.sources[entry.source].sql())),
        );
        match (asked, outside, used) {
            (true, ..) => Mode::Stepwise(StepwiseReason::Asked),
            (_, Some(reason), _) => Mode::Stepwise(StepwiseReason::Outside(reason)),
            (.., Some(_)) => Mode::Stepwise(StepwiseReason::EnumValue),
            _ if self.enum_value_before_rows_on_disk() => Mode::Stepwise(StepwiseReason::EnumValue),
            _ => Mode::Transaction { wrapped: false },
        }
    }

    /// Rows that are not in memory are not searched for a new enum value: a file that adds one
    /// before them is taken to use it, which costs a commit more.
    fn enum_value_before_rows_on_disk(&self) -> bool {
        let adds = |entry: &Entry| entry.statement.class.adds_enum_value.is_some();
        self.entries.iter().position(adds).is_some_and(|added| {
            (added..self.entries.len())
                .any(|index| matches!(self.copy_data(index), Some(Rows::File(..))))
        })
    }

    fn check_statements(&self, errors: &mut Vec<ProjectError>) {
        for (index, entry) in self.entries.iter().enumerate() {
            let class = &entry.statement.class;
            if class.copy == Some(CopyDirection::ToStdout) {
                errors.push(self.error(ScriptFault::CopyToStdout, index));
            }
            if class.unlocks_advisory {
                let discards = class.outside_transaction == Some(OutsideReason::DiscardAll);
                errors.push(self.error(ScriptFault::ReleasesLock { discards }, index));
            }
            if let Some(name) = long_name::find(self.text(index)) {
                let fault = ScriptFault::LongName {
                    bytes: long_name::bytes(&self.text(index)[name.clone()]),
                };
                let snippet = self.cut(entry, entry.statement.span.start + name.start, name.len());
                errors.push(ProjectError::at(fault, snippet));
            }
        }
    }

    fn check_contract(
        &self,
        phase: &str,
        allowed: &[Sited<String>],
        errors: &mut Vec<ProjectError>,
    ) {
        for (index, entry) in self.entries.iter().enumerate() {
            let class = &entry.statement.class;
            // BEGIN and COMMIT of a wrapped file, and SET, touch no object.
            if class.transaction.is_some() || class.object == sql::ObjectClass::Setting {
                continue;
            }
            for touched in class.objects.iter() {
                if !allowed.iter().any(|name| name.value == touched.name()) {
                    let fault = ScriptFault::Contract {
                        phase: phase.to_owned(),
                        class: touched.name(),
                        allowed: allowed.iter().map(|name| name.value.clone()).collect(),
                    };
                    errors.push(self.error(fault, index));
                }
            }
        }
    }

    fn error(&self, fault: ScriptFault, index: usize) -> ProjectError {
        ProjectError::at(fault, self.snippet(index, None))
    }

    /// Returns how the file runs.
    pub fn mode(&self) -> Mode {
        self.mode
    }

    /// Returns the indexes of the statements that evmig sends between its own BEGIN and COMMIT.
    pub fn body(&self) -> Range<usize> {
        match self.mode {
            Mode::Transaction { wrapped: true } => 1..self.entries.len() - 1,
            _ => 0..self.entries.len(),
        }
    }

    /// Returns the text that begins the transaction: the file's own, or `begin`.
    pub fn begin(&self) -> &str {
        match self.mode {
            Mode::Transaction { wrapped: true } => self.text(0),
            _ => "begin",
        }
    }

    /// Returns how many statements there are, BEGIN and COMMIT of a wrapped file included.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Returns whether there is no statement.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Returns a statement's text, exactly as it stands in its file.
    pub fn text(&self, index: usize) -> &str {
        let entry = &self.entries[index];
        &self.sources[entry.source].sql()[entry.statement.span.clone()]
    }

    /// Returns what a statement is.
    pub fn class(&self, index: usize) -> &Class {
        &self.entries[index].statement.class
    }

    /// Returns the data of a `COPY … FROM stdin`.
    pub fn copy_data(&self, index: usize) -> Option<Rows<'_>> {
        let entry = &self.entries[index];
        let data = entry.statement.copy_data.clone()?;
        Some(self.sources[entry.source].content.rows(data))
    }

    /// Returns whether a statement clears settings that the transaction was given.
    pub fn resets_settings(&self, index: usize) -> bool {
        self.class(index).resets_settings
    }

    /// Returns the names of relations that the script creates unless they are there.
    pub fn created_relations(&self) -> Vec<sql::name::QualifiedName> {
        self.entries
            .iter()
            .enumerate()
            .filter_map(|(index, _)| sql::created::table(self.text(index)))
            .collect()
    }

    /// Returns the place of a byte offset in a statement, or of its beginning.
    pub fn snippet(&self, index: usize, offset: Option<usize>) -> Snippet {
        let entry = &self.entries[index];
        let span = &entry.statement.span;
        if let Some(offset) = offset {
            return self.cut(entry, span.start + offset, 1);
        }
        let text = &self.sources[entry.source].sql()[span.clone()];
        let line = text.lines().next().map_or(1, str::len);
        self.cut(entry, span.start, line)
    }

    fn cut(&self, entry: &Entry, offset: usize, length: usize) -> Snippet {
        let source = &self.sources[entry.source];
        source.content.snippet(&source.path, offset, length)
    }
}

/// Looks through the `-- evmig:` comments of all files of a migration.
fn no_transaction(sources: &mut [Text], errors: &mut Vec<ProjectError>) -> bool {
    let mut asked = false;
    for source in sources {
        match source.directives.take() {
            Some(Ok(found)) => asked |= found.no_transaction.is_some(),
            Some(Err(found)) => errors.extend(found.into_iter().map(|error| {
                let (at, length) = (error.at(), error.length());
                let snippet = source.content.snippet(&source.path, at, length);
                ProjectError::at(ScriptFault::from(error), snippet)
            })),
            None => {}
        }
    }
    asked
}

/// Walks through a file and what it includes.
struct Gathering<'a> {
    included: std::slice::Iter<'a, SourceFile>,
    sources: Vec<Text>,
    entries: Vec<Entry>,
    errors: Vec<ProjectError>,
}

impl<'a> Gathering<'a> {
    fn new(included: &'a [SourceFile]) -> Self {
        Self {
            included: included.iter(),
            sources: Vec::new(),
            entries: Vec::new(),
            errors: Vec::new(),
        }
    }

    /// Adds a file's statements; its includes were read in this very order.
    fn add(&mut self, path: &str, content: &Content, depth: usize) {
        let source = self.sources.len();
        self.sources.push(Text {
            path: path.to_owned(),
            content: content.clone(),
            directives: None,
        });
        let script = match sql::Script::parse(content.sql()) {
            Ok(script) => script,
            Err(error) => {
                let snippet = content.snippet(path, error.at(), error.length());
                self.errors
                    .push(ProjectError::at(ScriptFault::from(error), snippet));
                return;
            }
        };
        self.sources[source].directives = Some(directives(content.sql(), &script));
        for item in script.items {
            match item {
                Item::Statement(statement) => self.entries.push(Entry { source, statement }),
                Item::Include { .. } if depth < DEEPEST => {
                    if let Some(file) = self.included.next() {
                        self.add(file.path.as_str(), &file.content, depth + 1);
                    }
                }
                Item::Include { .. } => {}
            }
        }
    }
}
