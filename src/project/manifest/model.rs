//! What `phases.toml` says, checked.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::report::place::{Place, Snippet};

use super::super::error::ProjectErrors;
use super::super::rel_path::RelPath;
use super::super::source::Source;
use super::super::span::{Setting, Sited, Span};
use super::{parse, redact};

/// The whole of `phases.toml`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manifest {
    /// The `[project]` table.
    pub project: ProjectSection,
    /// The `[environments.NAME]` tables by name.
    pub environments: BTreeMap<String, Environment>,
    /// The `[apply]` table.
    pub apply: ApplySection,
    /// The `[rollback]` table.
    pub rollback: RollbackSection,
    /// The `[[diagram.domain]]` tables in the order of the file.
    pub diagram: Vec<DiagramDomain>,
    /// The `[[phase]]` tables, sorted by number.
    pub phases: Vec<Phase>,
    pub(super) source: Source,
}

impl Manifest {
    /// Reads a manifest, without looking at the folders and files it names.
    pub fn parse(text: &str) -> Result<Self, ProjectErrors> {
        let parsed = parse(text);
        match ProjectErrors::collect(parsed.errors) {
            None => Ok(parsed.manifest),
            Some(errors) => Err(errors),
        }
    }

    /// Stands for a manifest that is not there: every setting has its default.
    pub fn absent() -> Self {
        parse("").manifest
    }

    /// Returns the line at a span, with secrets masked.
    pub fn snippet(&self, span: Span) -> Snippet {
        let mut snippet = self.source.snippet(span);
        snippet.text = redact::mask(&snippet.text);
        snippet
    }

    /// Returns the place of a span.
    pub fn place(&self, span: Span) -> Place {
        self.source.place(span)
    }
}

/// The `[project]` table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProjectSection {
    /// The project's name.
    pub name: Sited<String>,
    /// The schema for everything evmig stores; default `evmig`.
    pub history_schema: Setting<String>,
    /// The environment that is meant when nothing names one.
    pub default_environment: Option<Sited<String>>,
}

/// One `[environments.NAME]` table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Environment {
    /// Its name.
    pub name: String,
    /// How its database is reached.
    pub target: Target,
    /// Whether writing commands ask for the database's name first.
    pub protected: bool,
    /// Whether it is changed by saved plans only.
    pub require_plan: bool,
    /// How old the newest backup may be before a run, where that is asked.
    pub backup_max_age: Option<Duration>,
    /// One of libpq's six modes, where it is set.
    pub sslmode: Option<Sited<String>>,
    /// Where the table begins.
    pub span: Span,
}

/// How an environment's database is reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// `url = "embedded"`: the local server that evmig starts itself.
    Embedded,
    /// A `postgres://` URL without a password.
    Url(Sited<String>),
    /// The name of the environment variable that holds the URL.
    UrlEnv(Sited<String>),
}

/// The `[apply]` table. `None` in a duration means "no limit" (`"0"` in the file).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApplySection {
    /// How long one attempt waits for one lock; default 2 s.
    pub lock_timeout: Setting<Option<Duration>>,
    /// How often a migration is tried again after a lock time-out; default 10.
    pub lock_retries: Setting<u32>,
    /// PostgreSQL's `statement_timeout`; default none.
    pub statement_timeout: Setting<Option<Duration>>,
    /// The total time that one migration may spend on waiting for locks and retrying; default 5 min.
    pub lock_budget: Setting<Option<Duration>>,
    /// The total time for one `CONCURRENTLY` statement; default none.
    pub concurrent_budget: Setting<Option<Duration>>,
    /// What an apply does where something else than evmig has changed the catalog; default to warn.
    pub on_drift: Setting<OnDrift>,
}

/// What an apply does where something else than evmig has changed the catalog.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnDrift {
    /// It says so, and goes on.
    Warn,
    /// It does nothing.
    Refuse,
}

impl OnDrift {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Warn, Self::Refuse];

    /// Returns the word in the file.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Warn => "warn",
            Self::Refuse => "refuse",
        }
    }
}

/// The `[rollback]` table.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RollbackSection {
    /// Tables whose triggers are switched off in every rollback: `table` or `schema.table`.
    pub tables: Vec<Sited<String>>,
}

/// One `[[diagram.domain]]`: tables that are drawn together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DiagramDomain {
    /// Its name.
    pub name: Sited<String>,
    /// Its tables, as `name` or `schema.name`; `*` stands for any text.
    pub tables: Vec<Sited<String>>,
}

/// One `[[phase]]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Phase {
    /// Its number, from 1; the order in which phases run.
    pub number: Sited<u32>,
    /// Its name, unique in the project.
    pub name: Sited<String>,
    /// A title for people.
    pub title: Option<String>,
    /// Names of phases that must be applied before it.
    pub requires: Vec<Sited<String>>,
    /// The environments it may run in; `None` means all.
    pub environments: Option<Vec<Sited<String>>>,
    /// Its steps, in the order of the file.
    pub steps: Vec<Step>,
    /// What it may touch; `None` means anything.
    pub contract: Option<Contract>,
    /// Where the table begins.
    pub span: Span,
}

impl Phase {
    /// Returns the environments that the phase is for, where `here` is none of them; a database that no
    /// environment names is none, either.
    pub fn only_elsewhere(&self, here: Option<&str>) -> Option<Vec<String>> {
        let allowed = self.environments.as_ref()?;
        let names: Vec<String> = allowed.iter().map(|name| name.value.clone()).collect();
        let fits = here.is_some_and(|here| names.iter().any(|name| name == here));
        (!fits).then_some(names)
    }
}

/// One `[[phase.step]]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// Its name, unique in its phase.
    pub name: Sited<String>,
    /// What it does.
    pub kind: StepKind,
    /// Where the table begins.
    pub span: Span,
}

impl Step {
    /// Returns the folder of its migrations, relative to the project root.
    pub fn folder(&self) -> Option<&Sited<RelPath>> {
        match &self.kind {
            StepKind::Migrations(folder) => Some(folder),
            _ => None,
        }
    }
}

/// What a step does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StepKind {
    /// Applies the migrations of a folder: `migrations/…`, relative to the project root.
    Migrations(Sited<RelPath>),
    /// Deploys functions: folders, relative to the project root.
    Functions(Vec<Sited<RelPath>>),
    /// Runs pgTAP files, relative to the project root.
    Verify(Vec<Sited<RelPath>>),
    /// Runs `ANALYZE` on tables, written `table` or `schema.table`.
    Analyze(Vec<Sited<String>>),
}

/// The `[phase.contract]` table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contract {
    /// The classes of statements that the phase may use, of [`super::CLASSES`].
    pub allow: Vec<Sited<String>>,
    /// The longest time that a strong lock may be held.
    pub max_lock_hold: Option<Sited<Duration>>,
    /// Where the table begins.
    pub span: Span,
}
