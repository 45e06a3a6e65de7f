//! A plan as a file: what would run, on which database, in which state of it. It is written to be reviewed, and read
//! to be applied.
//!
//! ```json
//! {
//!   "schema": "evmig.plan/1",
//!   "checksum": "…",
//!   "target": { "system_identifier": "…", "database": "app", … },
//!   "work": [ { "do": "migration", "key": "101", "sha256": "…", … } ],
//!   "review": { … },
//!   "objects": { … }
//! }
//! ```
//!
//! The checksum is that of all other lines. It tells a file that was damaged or edited from one that was not; whoever
//! wants to deceive can compute it anew.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::choose::{Chosen, Selection, Work};
use super::standing::{Standing, Standings, key};
use crate::catalog::digest::Digests;
use crate::catalog::fingerprint::sha256;
use crate::project::{Project, Selector};
use crate::report::dry_run::{Basis, DryRunReport, Estimate};

/// The format of the files that this evmig writes.
pub const FORMAT: &str = "evmig.plan/1";
/// What every version of the format begins with.
const FORMATS: &str = "evmig.plan/";
/// Goes up when evmig decides otherwise about the same files and the same history, or says otherwise what a catalog is;
/// `tests/it/planning.rs` notices.
pub const PLANNING: u32 = 1;
/// What the line of the checksum begins with.
const CHECKSUM: &str = "  \"checksum\": \"";

/// The database that a plan is for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlannedTarget {
    /// The cluster's identifier; `None` where the role may not read it.
    pub system_identifier: Option<String>,
    /// The database's name.
    pub database: String,
    /// Its oid: a database that was dropped and made again has another one.
    pub database_oid: u32,
    /// The schema of the history.
    pub history_schema: String,
    /// The environment that it was reached by.
    pub environment: Option<String>,
}

/// What was selected.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlannedSelection {
    /// Phases by number or name; none means all.
    pub phases: Vec<String>,
    /// One step of them.
    pub step: Option<String>,
    /// The last version.
    pub to: Option<i64>,
    /// Whether older versions that were merged late are taken.
    pub out_of_order: bool,
}

impl PlannedSelection {
    /// Writes down what was selected.
    pub fn of(selection: &Selection) -> Self {
        let phases = selection.phases.iter().map(|phase| match phase {
            Selector::Number(number) => number.to_string(),
            Selector::Name(name) => name.clone(),
        });
        Self {
            phases: phases.collect(),
            step: selection.step.clone(),
            to: selection.to,
            out_of_order: selection.out_of_order,
        }
    }
}

/// One thing that the plan does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case", deny_unknown_fields)]
pub enum PlannedWork {
    /// Applies a migration.
    Migration {
        /// What the history calls it.
        key: String,
        /// `V101__name`.
        label: String,
        /// Its file.
        file: String,
        /// The hash of its text, and of what it includes, as the history has it.
        sha256: String,
        /// The statement it begins with, from 0: those before are in the database already.
        first_statement: usize,
    },
    /// Runs `ANALYZE`.
    Analyze {
        /// The phase.
        phase: String,
        /// The step.
        step: String,
        /// The tables.
        tables: Vec<String>,
    },
}

/// Writes down what was chosen.
pub fn work(project: &Project, standings: &Standings, chosen: &Chosen) -> Vec<PlannedWork> {
    let planned = chosen.work.iter().filter_map(|work| match work {
        Work::Migration { index } => {
            let migration = project.migrations.get(*index)?;
            Some(PlannedWork::Migration {
                key: key(migration).to_text(),
                label: migration.stem.clone(),
                file: migration.path.to_string(),
                sha256: migration.sha256.clone(),
                first_statement: match standings.of.get(*index) {
                    Some(Standing::Failed { next, .. }) => *next,
                    _ => 0,
                },
            })
        }
        Work::Analyze {
            phase,
            step,
            tables,
        } => {
            let phase = project.manifest.phases.get(*phase)?;
            Some(PlannedWork::Analyze {
                phase: phase.name.value.clone(),
                step: phase.steps.get(*step)?.name.value.clone(),
                tables: tables.clone(),
            })
        }
        Work::PassOver { .. } => None,
    });
    planned.collect()
}

/// What the target's catalog was when the plan was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlannedCatalog {
    /// Its fingerprint.
    pub fingerprint: String,
    /// Its objects.
    pub objects: Digests,
}

/// What the catalog will be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Prediction {
    /// The files ran on the same catalog.
    Known(PlannedCatalog),
    /// It is not known, and why.
    Unknown(String),
}

/// A plan, as far as an apply is bound to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SavedPlan {
    /// The version of the evmig that made it.
    pub evmig: String,
    /// Its [`PLANNING`].
    pub planning: u32,
    /// The database.
    pub target: PlannedTarget,
    /// What was selected.
    pub selection: PlannedSelection,
    /// The history's newest position; 0 where it was empty.
    pub history_position: i64,
    /// What it does, in order.
    pub work: Vec<PlannedWork>,
    /// What the catalog was.
    pub catalog: PlannedCatalog,
    /// What it will be.
    pub predicted: Prediction,
}

/// A plan that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadPlan {
    /// The plan.
    pub plan: SavedPlan,
    /// The checksum of its file.
    pub checksum: String,
}

#[derive(Serialize)]
struct Written<'a> {
    schema: &'static str,
    evmig: &'a str,
    planning: u32,
    target: &'a PlannedTarget,
    selection: &'a PlannedSelection,
    history_position: i64,
    work: &'a [PlannedWork],
    fingerprint: Fingerprints<'a>,
    /// Put in as it is.
    review: (),
    objects: Objects,
}

#[derive(Serialize)]
struct Fingerprints<'a> {
    before: &'a str,
    after: Option<&'a str>,
    after_unknown: Option<&'a str>,
}

/// The objects before, and those of them that will be others; what will be gone is null.
#[derive(Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Objects {
    before: Digests,
    changes: BTreeMap<String, Option<String>>,
}

impl Objects {
    fn of(plan: &SavedPlan) -> Self {
        let before = plan.catalog.objects.clone();
        let mut changes = BTreeMap::new();
        if let Prediction::Known(after) = &plan.predicted {
            let gone = before
                .keys()
                .filter(|object| !after.objects.contains_key(*object));
            changes.extend(gone.map(|object| (object.clone(), None)));
            let others = after
                .objects
                .iter()
                .filter(|(object, hash)| before.get(*object) != Some(hash));
            changes.extend(others.map(|(object, hash)| (object.clone(), Some(hash.clone()))));
        }
        Self { before, changes }
    }

    fn after(&self) -> Digests {
        let mut after = self.before.clone();
        for (object, hash) in &self.changes {
            match hash {
                Some(hash) => drop(after.insert(object.clone(), hash.clone())),
                None => drop(after.remove(object)),
            }
        }
        after
    }
}

impl SavedPlan {
    /// Returns the text of its file, and its checksum. `review` is what a reviewer has to see: the document of the
    /// dry run that it was made by, [steady].
    pub fn file(&self, review: &str) -> Result<(String, String), serde_json::Error> {
        let (after, after_unknown) = match &self.predicted {
            Prediction::Known(catalog) => (Some(catalog.fingerprint.as_str()), None),
            Prediction::Unknown(why) => (None, Some(why.as_str())),
        };
        let mut text = serde_json::to_string_pretty(&Written {
            schema: FORMAT,
            evmig: &self.evmig,
            planning: self.planning,
            target: &self.target,
            selection: &self.selection,
            history_position: self.history_position,
            work: &self.work,
            fingerprint: Fingerprints {
                before: &self.catalog.fingerprint,
                after,
                after_unknown,
            },
            review: (),
            objects: Objects::of(self),
        })?;
        // Inside of a text the quotes would be escaped, and a text has no line ends.
        let review = review.trim_end().replace('\n', "\n  ");
        text = text.replacen("\"review\": null", &format!("\"review\": {review}"), 1);
        text.push('\n');
        let checksum = sha256(&text);
        let at = text.match_indices('\n').nth(1).map_or(0, |(at, _)| at + 1);
        text.insert_str(at, &format!("{CHECKSUM}{checksum}\",\n"));
        Ok((text, checksum))
    }
}

/// Leaves out of a report what differs each time it is made: two plans of the same things are then nearly always
/// the same text.
#[must_use]
pub fn steady(report: &DryRunReport) -> DryRunReport {
    let mut report = report.clone();
    report.duration_ms = 0.0;
    report.remembered = None;
    for migration in &mut report.migrations {
        migration.duration_ms = None;
        for statement in &mut migration.statements {
            statement.duration_ms = None;
            if let Some(estimate) = &mut statement.estimate {
                coarsen(estimate);
            }
        }
        migration
            .locks
            .iter_mut()
            .for_each(|lock| coarsen(&mut lock.held));
    }
    report
        .locks
        .iter_mut()
        .for_each(|lock| coarsen(&mut lock.held));
    report
}

/// Rounds up what was measured in a throw-away database: to 10 ms, 20 ms, 50 ms, 100 ms and so on.
fn coarsen(estimate: &mut Estimate) {
    if estimate.basis != Basis::Shadow {
        return;
    }
    estimate.ms = estimate.ms.map(|ms| {
        let mut step = 10.0;
        let mut factors = [2.0, 2.5, 2.0].into_iter().cycle();
        while step < ms {
            step *= factors.next().unwrap_or(2.0);
        }
        step
    });
}

/// Why a file is no plan that can be applied.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlanFileError {
    /// It is not what a plan looks like.
    #[error("it is no plan of evmig: {message}")]
    Broken {
        /// What is wrong, with its place.
        message: String,
    },
    /// Another evmig has written it, in another format.
    #[error("it has the format {found}; this evmig knows {FORMAT}")]
    Format {
        /// Its format.
        found: String,
    },
    /// Its lines are not those that its checksum was made of.
    #[error("it is not as it was written: its checksum is that of other lines")]
    Altered,
}

#[derive(Deserialize)]
struct Head {
    schema: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Parsed {
    #[serde(rename = "schema")]
    _schema: serde::de::IgnoredAny,
    #[serde(rename = "checksum")]
    _checksum: serde::de::IgnoredAny,
    evmig: String,
    planning: u32,
    target: PlannedTarget,
    selection: PlannedSelection,
    history_position: i64,
    work: Vec<PlannedWork>,
    fingerprint: ParsedFingerprints,
    #[serde(rename = "review")]
    _review: serde::de::IgnoredAny,
    objects: Objects,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ParsedFingerprints {
    before: String,
    after: Option<String>,
    after_unknown: Option<String>,
}

/// Reads a plan.
pub fn read(text: &str) -> Result<ReadPlan, PlanFileError> {
    let broken = |error: serde_json::Error| PlanFileError::Broken {
        message: error.to_string(),
    };
    // Line ends may have changed on the way.
    let text = text.replace("\r\n", "\n");
    let Head { schema } = serde_json::from_str(&text).map_err(broken)?;
    if !schema.starts_with(FORMATS) {
        return Err(PlanFileError::Broken {
            message: format!("its schema is {schema:?}"),
        });
    }
    if schema != FORMAT {
        return Err(PlanFileError::Format { found: schema });
    }
    let checksum = checked(&text).ok_or(PlanFileError::Altered)?;
    let parsed: Parsed = serde_json::from_str(&text).map_err(broken)?;
    let predicted = match parsed.fingerprint.after {
        Some(fingerprint) => Prediction::Known(PlannedCatalog {
            fingerprint,
            objects: parsed.objects.after(),
        }),
        None => Prediction::Unknown(parsed.fingerprint.after_unknown.unwrap_or_default()),
    };
    Ok(ReadPlan {
        plan: SavedPlan {
            evmig: parsed.evmig,
            planning: parsed.planning,
            target: parsed.target,
            selection: parsed.selection,
            history_position: parsed.history_position,
            work: parsed.work,
            catalog: PlannedCatalog {
                fingerprint: parsed.fingerprint.before,
                objects: parsed.objects.before,
            },
            predicted,
        },
        checksum,
    })
}

/// Returns the checksum, if it is that of all other lines.
fn checked(text: &str) -> Option<String> {
    let at = text.match_indices('\n').nth(1)?.0 + 1;
    let (before, rest) = text.split_at(at);
    let (line, behind) = rest.split_once('\n')?;
    let checksum = line.strip_prefix(CHECKSUM)?.strip_suffix("\",")?;
    (sha256(&format!("{before}{behind}")) == checksum).then(|| checksum.to_owned())
}

#[cfg(test)]
#[path = "saved_tests.rs"]
mod tests;
