//! `evmig new`: the next version, a migration and its rollback script.

use super::super::discover::{MIGRATIONS, ROLLBACK};
use super::super::file_name::{Version, is_name_character, sanitised};
use super::super::loaded::{Project, Selector, UnknownPhase, UnknownStep};
use super::super::manifest::StepKind;
use super::super::rel_path::RelPath;
use super::super::source::printable;
use super::files::{Creation, ScaffoldError};

/// Versions from here on are taken for timestamps (`YYYYMMDDhhmmss`).
const TIMESTAMPS_FROM: i64 = 20_000_000_000_000;
/// Versions that each phase has to itself where numbers are small: phase 2 starts at 201.
const PER_PHASE: i64 = 100;
/// The longest file name, in bytes, on the file systems that matter (`NAME_MAX`).
const LONGEST_FILE_NAME: usize = 255;

/// What to create.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewMigration {
    /// The migration's name; spaces and dashes become underscores.
    pub name: String,
    /// The phase.
    pub phase: Selector,
    /// The step; may be absent where the phase has one step with migrations.
    pub step: Option<String>,
    /// Whether it is repeatable (`R__name.sql`).
    pub repeatable: bool,
    /// The present time as `YYYYMMDDhhmmss`, in UTC, for projects that use timestamps.
    pub timestamp: i64,
}

/// What was created.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Created {
    /// The migration.
    pub migration: RelPath,
    /// Its rollback script.
    pub rollback: RelPath,
    /// Its version.
    pub version: Version,
}

/// Why nothing was created.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NewMigrationError {
    /// There is no such phase.
    #[error(transparent)]
    Phase(#[from] UnknownPhase),
    /// There is no such step.
    #[error(transparent)]
    Step(#[from] UnknownStep),
    /// The phase has several steps with migrations, and none was named.
    #[error("phase `{phase}` has several steps with migrations: {}", .steps.join(", "))]
    WhichStep {
        /// The phase.
        phase: String,
        /// Its steps.
        steps: Vec<String>,
    },
    /// The step, or every step of the phase, does something else.
    #[error("{what} has no folder of migrations")]
    NoFolder {
        /// "step `x`" or "phase `x`".
        what: String,
    },
    /// The name cannot be a file's.
    #[error("`{name}` is no migration name: {reason}")]
    BadName {
        /// The name, printable.
        name: String,
        /// What is wrong with it.
        reason: &'static str,
        /// The nearest name that can.
        nearest: Option<String>,
    },
    /// No version is left between the neighbours.
    #[error(
        "no version is left for step `{step}`: it must be greater than {after} and smaller than \
         {before}, which runs later ({before_file})"
    )]
    NoRoom {
        /// The step.
        step: String,
        /// The greatest version up to and in this step.
        after: i64,
        /// The smallest version of the later steps.
        before: i64,
        /// The file that has it.
        before_file: String,
    },
    /// The greatest version is used up.
    #[error("version {after} is the greatest there can be; none is left")]
    LastVersion {
        /// The version.
        after: i64,
    },
    /// A repeatable migration of this name exists.
    #[error("the repeatable migration `{name}` exists already: {file}")]
    Exists {
        /// The name.
        name: String,
        /// Its file.
        file: String,
    },
    /// The files could not be created.
    #[error(transparent)]
    Files(#[from] ScaffoldError),
}

impl NewMigrationError {
    /// Returns the stable id of the error.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Phase(_) => "unknown-phase",
            Self::Step(_) => "unknown-step",
            Self::WhichStep { .. } => "which-step",
            Self::NoFolder { .. } => "step-without-migrations",
            Self::BadName { .. } => "bad-name",
            Self::NoRoom { .. } | Self::LastVersion { .. } => "no-version-left",
            Self::Exists { .. } => "duplicate-repeatable",
            Self::Files(error) => error.code(),
        }
    }

    /// Returns the valid name that was likely meant.
    pub fn suggestion(&self) -> Option<String> {
        match self {
            Self::Phase(error) => error.nearest.clone(),
            Self::Step(error) => error.nearest.clone(),
            Self::BadName { nearest, .. } => nearest.clone(),
            _ => None,
        }
    }

    /// Returns what to do about it.
    pub fn help(&self) -> Option<String> {
        match self {
            Self::Phase(error) => Some(format!("there are: {}", error.valid.join(", "))),
            Self::Step(error) => Some(format!("there are: {}", error.valid.join(", "))),
            Self::WhichStep { .. } => Some("name one with --step".to_owned()),
            Self::NoRoom { .. } => Some(
                "versions follow the order of phases and steps, as refinery's do: put it into the \
                 last step of the project, or into a new phase at the end"
                    .to_owned(),
            ),
            Self::Files(error) => error.help(),
            _ => None,
        }
    }
}

/// Creates a migration and its rollback script.
pub fn new_migration(
    project: &Project,
    request: &NewMigration,
) -> Result<Created, NewMigrationError> {
    let phase = project.find_phase(&request.phase)?;
    let step = find_step(project, phase, request.step.as_deref())?;
    let name = migration_name(&request.name)?;
    let (version, file) = if request.repeatable {
        check_new_repeatable(project, &name)?;
        (Version::Repeatable, format!("R__{name}.sql"))
    } else {
        let version = next_version(project, phase, step, request.timestamp)?;
        (
            Version::Versioned(version),
            format!("V{version}__{name}.sql"),
        )
    };
    if file.len() > LONGEST_FILE_NAME {
        return Err(NewMigrationError::BadName {
            name,
            reason: "the file's name would be longer than 255 bytes",
            nearest: None,
        });
    }
    let folder = step_folder(project, phase, step)?;
    let below = folder.split_once('/').map_or("", |(_, rest)| rest);
    let migration = RelPath::joined(&format!("{MIGRATIONS}/{below}"), &file);
    let rollback = RelPath::joined(&format!("{ROLLBACK}/{below}"), &file);
    let mut creation = Creation::new(project.root.dir());
    creation.file(
        migration.as_str(),
        &migration_text(&rollback, request.repeatable),
    )?;
    creation.file(rollback.as_str(), &rollback_text(&migration))?;
    creation.keep();
    Ok(Created {
        migration,
        rollback,
        version,
    })
}

fn step_folder(project: &Project, phase: usize, step: usize) -> Result<String, NewMigrationError> {
    let step = &project.manifest.phases[phase].steps[step];
    step.folder()
        .map(ToString::to_string)
        .ok_or_else(|| NewMigrationError::NoFolder {
            what: format!("step `{}`", *step.name),
        })
}

fn find_step(
    project: &Project,
    phase: usize,
    wanted: Option<&str>,
) -> Result<usize, NewMigrationError> {
    if let Some(name) = wanted {
        let step = project.find_step(phase, name)?;
        step_folder(project, phase, step)?;
        return Ok(step);
    }
    let phase = &project.manifest.phases[phase];
    let with_folder: Vec<usize> = (0..phase.steps.len())
        .filter(|&step| matches!(phase.steps[step].kind, StepKind::Migrations(_)))
        .collect();
    match with_folder[..] {
        [] => Err(NewMigrationError::NoFolder {
            what: format!("phase `{}`", *phase.name),
        }),
        [step] => Ok(step),
        _ => Err(NewMigrationError::WhichStep {
            phase: phase.name.value.clone(),
            steps: with_folder
                .iter()
                .map(|&step| phase.steps[step].name.value.clone())
                .collect(),
        }),
    }
}

/// Turns spaces and dashes into underscores and refuses the rest.
fn migration_name(written: &str) -> Result<String, NewMigrationError> {
    let name: String = written
        .trim()
        .chars()
        .map(|c| if c == ' ' || c == '-' { '_' } else { c })
        .collect();
    let reason = if name.is_empty() {
        "it is empty"
    } else if name.chars().all(is_name_character) {
        return Ok(name);
    } else {
        "names have letters, digits and `_`"
    };
    let nearest = sanitised(&name);
    Err(NewMigrationError::BadName {
        name: printable(written),
        reason,
        nearest: (!nearest.is_empty()).then_some(nearest),
    })
}

fn check_new_repeatable(project: &Project, name: &str) -> Result<(), NewMigrationError> {
    let folded = name.to_lowercase();
    let same = project.migrations.iter().find(|migration| {
        migration.version == Version::Repeatable && migration.name.to_lowercase() == folded
    });
    match same {
        Some(migration) => Err(NewMigrationError::Exists {
            name: name.to_owned(),
            file: migration.path.to_string(),
        }),
        None => Ok(()),
    }
}

/// Chooses the next version: greater than all up to and in the step, smaller than all after it.
///
/// A project that has a timestamp goes on with timestamps. Otherwise it is the greatest version
/// so far plus one; the first one of a phase is the phase's number times 100 plus one, where that
/// fits between the neighbours.
fn next_version(
    project: &Project,
    phase: usize,
    step: usize,
    timestamp: i64,
) -> Result<i64, NewMigrationError> {
    let versions = || {
        project
            .migrations
            .iter()
            .filter_map(|m| Some((m.version.number()?, m)))
    };
    let after = versions()
        .filter(|(_, m)| (m.phase, m.step) <= (phase, step))
        .map(|(version, _)| version)
        .max();
    let before = versions()
        .filter(|(_, m)| (m.phase, m.step) > (phase, step))
        .min_by_key(|(version, _)| *version);
    let least = match after {
        None => 1,
        Some(after) => after
            .checked_add(1)
            .ok_or(NewMigrationError::LastVersion { after })?,
    };
    let wished = if versions().any(|(version, _)| version >= TIMESTAMPS_FROM) {
        timestamp.max(least)
    } else if versions().any(|(_, m)| m.phase == phase) {
        least
    } else {
        let number = i64::from(*project.manifest.phases[phase].number);
        (number * PER_PHASE + 1).max(least)
    };
    let Some((before, later)) = before else {
        return Ok(wished);
    };
    [wished, least]
        .into_iter()
        .find(|&version| version < before)
        .ok_or_else(|| NewMigrationError::NoRoom {
            step: project.manifest.phases[phase].steps[step]
                .name
                .value
                .clone(),
            after: least - 1,
            before,
            before_file: later.path.to_string(),
        })
}

fn migration_text(rollback: &RelPath, repeatable: bool) -> String {
    let when = if repeatable {
        "-- Runs again, after the step's versioned migrations, whenever this file changes: write\n\
         -- statements that can be repeated (CREATE OR REPLACE …).\n"
    } else {
        "-- Runs once, in one transaction. With a statement that cannot be in one (CREATE INDEX\n\
         -- CONCURRENTLY, VACUUM, …) the file runs statement by statement: give it its own file.\n"
    };
    format!("{when}-- What undoes it is in {rollback}.\n\n")
}

fn rollback_text(migration: &RelPath) -> String {
    format!(
        "-- Undoes {migration}: the same statements in reverse order (DROP …).\n\
         -- It belongs to the migration by its path and name, and is stored when that is applied.\n\n"
    )
}
