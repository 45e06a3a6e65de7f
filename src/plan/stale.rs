//! Why a saved plan is not applied any more: each thing that is not as it was, by name.

use super::choose::Chosen;
use super::refusal::PlanRefusal;
use super::saved::{PLANNING, PlannedTarget, PlannedWork, SavedPlan};
use crate::history::model::{Action, History, MigrationRow};

/// One thing that is not as it was when the plan was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stale {
    /// It is another database.
    Target {
        /// What tells.
        differences: Vec<String>,
    },
    /// This evmig decides otherwise than the one that made the plan.
    Planning {
        /// The version of that evmig.
        made_by: String,
    },
    /// Something was applied or taken back since.
    History {
        /// What, and by which run.
        since: Vec<String>,
    },
    /// The files come to something else.
    Work {
        /// What differs.
        differences: Vec<String>,
    },
    /// What the plan selected cannot be chosen any more.
    Selection {
        /// Why not.
        refusal: PlanRefusal,
    },
    /// Something else than evmig has changed the catalog.
    Catalog {
        /// The objects.
        differences: Vec<String>,
        /// The version of the evmig that made the plan, where it is not this one.
        made_by: Option<String>,
    },
}

/// A plan that is not applied.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the plan is stale")]
pub struct StalePlan {
    /// Everything that is not as it was; never empty.
    pub reasons: Vec<Stale>,
}

impl StalePlan {
    /// Makes it of one reason.
    pub fn of(reason: Stale) -> Self {
        Self {
            reasons: vec![reason],
        }
    }
}

/// Returns whether a refusal to choose is about what the plan itself selected.
pub fn is_of_selection(refusal: &PlanRefusal) -> bool {
    matches!(
        refusal,
        PlanRefusal::OutOfOrder { .. }
            | PlanRefusal::RequiresPending { .. }
            | PlanRefusal::WrongEnvironment { .. }
            | PlanRefusal::UnknownPhase(_)
            | PlanRefusal::UnknownStep(_)
            | PlanRefusal::UnknownVersion { .. }
    )
}

/// What is true now.
#[derive(Debug, Clone, Copy)]
pub struct Now<'a> {
    /// The database.
    pub target: &'a PlannedTarget,
    /// What the history says.
    pub history: &'a History,
    /// What would run.
    pub work: &'a [PlannedWork],
}

impl SavedPlan {
    /// Returns what makes the plan unfit for this evmig and this database: then nothing else says anything.
    pub fn misfit(&self, target: &PlannedTarget) -> Option<Stale> {
        if self.planning != PLANNING {
            return Some(Stale::Planning {
                made_by: self.evmig.clone(),
            });
        }
        let differences = target_differences(&self.target, target);
        (!differences.is_empty()).then_some(Stale::Target { differences })
    }

    /// Returns what is not as it was, the catalog apart.
    pub fn stale(&self, now: &Now<'_>) -> Vec<Stale> {
        if let Some(misfit) = self.misfit(now.target) {
            return vec![misfit];
        }
        let mut reasons = Vec::new();
        let since = self.since(now.history);
        // What was applied meanwhile is not missing from the work without a reason.
        let explained = |key: &str| since.iter().any(|row| row.key.to_text() == key);
        let differences = work_differences(&self.work, now.work, explained);
        if !since.is_empty() {
            reasons.push(Stale::History {
                since: since.iter().map(|row| told(row)).collect(),
            });
        }
        if !differences.is_empty() {
            reasons.push(Stale::Work { differences });
        }
        reasons
    }

    /// Returns whether all of it was done meanwhile, and nothing else: then there is nothing to refuse.
    pub fn is_done(&self, history: &History, chosen: &Chosen) -> bool {
        let since = self.since(history);
        let is_planned = |row: &&&MigrationRow| {
            row.action == Action::Apply
                && self.work.iter().any(|work| match work {
                    PlannedWork::Migration { key, sha256, .. } => {
                        *key == row.key.to_text() && *sha256 == row.sha256
                    }
                    PlannedWork::Analyze { .. } => false,
                })
        };
        let migrations = self
            .work
            .iter()
            .filter(|work| matches!(work, PlannedWork::Migration { .. }));
        chosen.migrations().next().is_none()
            && since.iter().filter(is_planned).count() == since.len()
            && since.len() == migrations.count()
    }

    /// Returns the runs that wrote the history since.
    pub fn runs_since(&self, history: &History) -> Vec<String> {
        let since = self.since(history);
        let mut runs: Vec<String> = since.iter().map(|row| row.run.clone()).collect();
        runs.dedup();
        runs
    }

    /// Returns the rows that the history has got since; what was taken over from refinery had happened before.
    fn since<'a>(&self, history: &'a History) -> Vec<&'a MigrationRow> {
        let rows = history.rows.iter();
        rows.filter(|row| row.seq > self.history_position && row.action != Action::Adopt)
            .collect()
    }
}

fn told(row: &MigrationRow) -> String {
    let done = match row.action {
        Action::Apply => "applied",
        Action::Baseline => "declared applied",
        Action::Adopt => "taken over from refinery",
        Action::Repair => "accepted as it is",
        Action::Rollback => "taken back",
    };
    format!("{} was {done} by run {}", row.key.label(&row.name), row.run)
}

fn target_differences(planned: &PlannedTarget, now: &PlannedTarget) -> Vec<String> {
    let mut differences = Vec::new();
    let mut differ = |what: &str, then: Option<&str>, now: Option<&str>| {
        if then != now {
            let word = |value: Option<&str>| value.map_or("none".to_owned(), str::to_owned);
            differences.push(format!(
                "{what}: the plan has {}, this is {}",
                word(then),
                word(now)
            ));
        }
    };
    // A role that may not read it knows nothing of it.
    if let (Some(then), Some(now)) = (&planned.system_identifier, &now.system_identifier) {
        differ("system identifier", Some(then), Some(now));
    }
    differ("database", Some(&planned.database), Some(&now.database));
    let (then, oid) = (
        planned.database_oid.to_string(),
        now.database_oid.to_string(),
    );
    differ("oid of the database", Some(&then), Some(&oid));
    differ(
        "history schema",
        Some(&planned.history_schema),
        Some(&now.history_schema),
    );
    differ(
        "environment",
        planned.environment.as_deref(),
        now.environment.as_deref(),
    );
    differences
}

/// Returns what differs between two lists of work; what is `explained` otherwise is not told again.
fn work_differences(
    planned: &[PlannedWork],
    now: &[PlannedWork],
    explained: impl Fn(&str) -> bool,
) -> Vec<String> {
    if planned == now {
        return Vec::new();
    }
    let keyed = |all: &[PlannedWork]| -> Vec<(String, PlannedWork)> {
        let keys = all.iter().map(|work| match work {
            PlannedWork::Migration { key, .. } => key.clone(),
            PlannedWork::Analyze { phase, step, .. } => format!("analyze {phase} {step}"),
        });
        keys.zip(all.iter().cloned()).collect()
    };
    let (planned, now) = (keyed(planned), keyed(now));
    let find = |all: &[(String, PlannedWork)], key: &str| {
        all.iter()
            .find(|(other, _)| other == key)
            .map(|(_, work)| work.clone())
    };
    let mut differences = Vec::new();
    for (key, then) in planned.iter().filter(|(key, _)| !explained(key)) {
        match find(&now, key) {
            None => differences.push(format!("{} is not to be done any more", named(then))),
            Some(work) => differences.extend(difference(then, &work)),
        }
    }
    let new = now.iter().filter(|(key, _)| !explained(key));
    let new = new.filter(|(key, _)| find(&planned, key).is_none());
    differences.extend(new.map(|(_, work)| format!("{} is new", named(work))));
    let common = |all: &[(String, PlannedWork)], others: &[(String, PlannedWork)]| {
        let keys = all.iter().map(|(key, _)| key.clone());
        keys.filter(|key| find(others, key).is_some())
            .collect::<Vec<_>>()
    };
    if common(&planned, &now) != common(&now, &planned) {
        differences.push("they would run in another order".to_owned());
    }
    differences
}

fn named(work: &PlannedWork) -> String {
    match work {
        PlannedWork::Migration { label, file, .. } => format!("{label} ({file})"),
        PlannedWork::Analyze { phase, step, .. } => format!("step {step} of phase {phase}"),
    }
}

/// Says what of one migration or step differs.
fn difference(then: &PlannedWork, now: &PlannedWork) -> Option<String> {
    use PlannedWork::{Analyze, Migration};
    match (then, now) {
        (
            Migration { sha256: was, .. },
            Migration {
                sha256,
                label,
                file,
                ..
            },
        ) if was != sha256 => {
            let digits = |hash: &str| hash.chars().take(12).collect::<String>();
            let (was, is) = (digits(was), digits(sha256));
            Some(format!(
                "{label} ({file}) was changed: its sha256 was {was}…, and is {is}…"
            ))
        }
        (
            Migration {
                first_statement, ..
            },
            Migration {
                first_statement: at,
                label,
                ..
            },
        ) if first_statement != at => Some(format!(
            "{label} begins at statement {} now, and not at {}",
            at + 1,
            first_statement + 1
        )),
        (Migration { file: was, .. }, Migration { label, file, .. }) if was != file => {
            Some(format!("{label} was moved from {was} to {file}"))
        }
        (Analyze { tables: was, .. }, Analyze { tables, .. }) if was != tables => {
            Some(format!("{} has other tables", named(now)))
        }
        _ => None,
    }
}
