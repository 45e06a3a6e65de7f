//! Chooses what to run, in the order of phase, step and version.

use std::collections::HashSet;

use super::refusal::{DivergentFile, PlanRefusal};
use super::standing::{Standing, Standings};
use crate::project::manifest::StepKind;
use crate::project::{Project, Selector, Version};

/// What the user asked for.
#[derive(Debug, Clone, Default)]
pub struct Selection {
    /// Phases; none means all.
    pub phases: Vec<Selector>,
    /// One step of the selected phases.
    pub step: Option<String>,
    /// The last version to run.
    pub to: Option<i64>,
    /// Whether an older version that was merged late may run.
    pub out_of_order: bool,
    /// The environment, for phases that may not run everywhere.
    pub environment: Option<String>,
}

/// One thing to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Work {
    /// Apply this migration of the project.
    Migration {
        /// Its index in the project's migrations.
        index: usize,
    },
    /// Run `ANALYZE` on these tables.
    Analyze {
        /// Index of the phase.
        phase: usize,
        /// Index of the step.
        step: usize,
        /// `table` or `schema.table`.
        tables: Vec<String>,
    },
    /// A phase or step that is not run here, and why.
    PassOver {
        /// Index of the phase.
        phase: usize,
        /// Index of the step; `None` for the whole phase.
        step: Option<usize>,
        /// Why.
        reason: String,
    },
}

/// The chosen work.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Chosen {
    /// In the order it runs.
    pub work: Vec<Work>,
    /// Migrations that stay pending because they were not selected.
    pub left: usize,
}

impl Chosen {
    /// Returns the chosen migrations' indexes.
    pub fn migrations(&self) -> impl Iterator<Item = usize> + '_ {
        self.work.iter().filter_map(|work| match work {
            Work::Migration { index } => Some(*index),
            _ => None,
        })
    }
}

/// Chooses the work, or says why there is none to be had.
pub fn choose(
    project: &Project,
    standings: &Standings,
    selection: &Selection,
) -> Result<Chosen, PlanRefusal> {
    refuse_differences(project, standings)?;
    refuse_half_reverted(project, standings)?;
    let selected = selected_phases(project, selection)?;
    let mut chosen = Chosen::default();
    let mut excluded = Vec::new();
    for (phase, named) in &selected {
        match wrong_environment(project, *phase, selection) {
            Some(refusal) if *named => return Err(refusal),
            Some(refusal) => {
                excluded.push(*phase);
                if pending_of(project, standings, *phase).next().is_some() {
                    chosen.work.push(Work::PassOver {
                        phase: *phase,
                        step: None,
                        reason: refusal.to_string(),
                    });
                }
            }
            None => choose_phase(project, standings, selection, *phase, &mut chosen)?,
        }
    }
    check_version(project, &selected, selection)?;
    check_requires(project, standings, &chosen)?;
    let done: HashSet<usize> = chosen.migrations().collect();
    chosen.left = standings
        .of
        .iter()
        .enumerate()
        .filter(|(index, standing)| {
            standing.is_to_do()
                && !done.contains(index)
                && !excluded.contains(&project.migrations[*index].phase)
        })
        .count();
    Ok(chosen)
}

/// A divergence anywhere stops everything: what runs next was written for another database.
fn refuse_differences(project: &Project, standings: &Standings) -> Result<(), PlanRefusal> {
    let divergent: Vec<DivergentFile> = project
        .migrations
        .iter()
        .zip(&standings.of)
        .filter_map(|(migration, standing)| match standing {
            Standing::Divergent { seq, difference } => Some(DivergentFile {
                label: migration.stem.clone(),
                file: migration.path.to_string(),
                seq: *seq,
                difference: difference.clone(),
            }),
            _ => None,
        })
        .collect();
    if divergent.is_empty() && standings.missing.is_empty() {
        return Ok(());
    }
    Err(PlanRefusal::Differs {
        divergent,
        missing: standings.missing.clone(),
    })
}

/// What is neither in nor out is nothing to build on.
fn refuse_half_reverted(project: &Project, standings: &Standings) -> Result<(), PlanRefusal> {
    let labels: Vec<String> = project
        .migrations
        .iter()
        .zip(&standings.of)
        .filter(|(_, standing)| matches!(standing, Standing::HalfReverted { .. }))
        .map(|(migration, _)| migration.stem.clone())
        .collect();
    if labels.is_empty() {
        Ok(())
    } else {
        Err(PlanRefusal::HalfReverted { labels })
    }
}

/// Returns the indexes of the selected phases, in order, and whether each was named.
fn selected_phases(
    project: &Project,
    selection: &Selection,
) -> Result<Vec<(usize, bool)>, PlanRefusal> {
    if selection.phases.is_empty() {
        return Ok((0..project.manifest.phases.len())
            .map(|phase| (phase, false))
            .collect());
    }
    let mut phases = Vec::new();
    for selector in &selection.phases {
        let phase = project.find_phase(selector)?;
        if !phases.contains(&(phase, true)) {
            phases.push((phase, true));
        }
    }
    phases.sort_unstable();
    Ok(phases)
}

fn wrong_environment(
    project: &Project,
    phase: usize,
    selection: &Selection,
) -> Option<PlanRefusal> {
    let phase = &project.manifest.phases[phase];
    let allowed = phase.only_elsewhere(selection.environment.as_deref())?;
    Some(PlanRefusal::WrongEnvironment {
        phase: phase.name.value.clone(),
        environment: selection.environment.clone(),
        allowed,
    })
}

/// Returns the indexes of a phase's migrations that are to be done.
fn pending_of<'a>(
    project: &'a Project,
    standings: &'a Standings,
    phase: usize,
) -> impl Iterator<Item = usize> + 'a {
    project
        .migrations
        .iter()
        .zip(&standings.of)
        .enumerate()
        .filter(move |(_, (migration, standing))| migration.phase == phase && standing.is_to_do())
        .map(|(index, _)| index)
}

fn choose_phase(
    project: &Project,
    standings: &Standings,
    selection: &Selection,
    phase: usize,
    chosen: &mut Chosen,
) -> Result<(), PlanRefusal> {
    let only = selection
        .step
        .as_deref()
        .map(|name| project.find_step(phase, name))
        .transpose()?;
    let within = |version: Version| match (selection.to, version) {
        (Some(to), Version::Versioned(version)) => version <= to,
        // Repeatable files are written for the newest state; a partial run leaves them out.
        (Some(_), Version::Repeatable) => false,
        (None, _) => true,
    };
    let pending: Vec<usize> = pending_of(project, standings, phase)
        .filter(|index| {
            let migration = &project.migrations[*index];
            only.is_none_or(|step| migration.step == step) && within(migration.version)
        })
        .collect();
    if !selection.out_of_order {
        refuse_late(project, standings, phase, &pending)?;
    }
    let something = !pending.is_empty();
    for (step, wanted) in project.manifest.phases[phase].steps.iter().enumerate() {
        if only.is_some_and(|only| only != step) {
            continue;
        }
        match &wanted.kind {
            StepKind::Migrations(_) => chosen.work.extend(
                pending
                    .iter()
                    .filter(|index| project.migrations[**index].step == step)
                    .map(|index| Work::Migration { index: *index }),
            ),
            StepKind::Analyze(tables) if something => chosen.work.push(Work::Analyze {
                phase,
                step,
                tables: tables.iter().map(|table| table.value.clone()).collect(),
            }),
            StepKind::Verify(_) | StepKind::Functions(_) if something => {
                chosen.work.push(Work::PassOver {
                    phase,
                    step: Some(step),
                    reason: "this version of evmig runs migrations and analyze steps only".into(),
                });
            }
            _ => {}
        }
    }
    Ok(())
}

/// A file that was merged late runs against a schema it was not written for.
fn refuse_late(
    project: &Project,
    standings: &Standings,
    phase: usize,
    pending: &[usize],
) -> Result<(), PlanRefusal> {
    let newest = project
        .migrations
        .iter()
        .zip(&standings.of)
        .filter(|(migration, standing)| {
            migration.phase == phase && matches!(standing, Standing::Applied { .. })
        })
        .filter_map(|(migration, _)| migration.version.number())
        .max();
    let Some(newest) = newest else { return Ok(()) };
    let files: Vec<String> = pending
        .iter()
        .map(|index| (&project.migrations[*index], &standings.of[*index]))
        // One that was begun, or taken back, had its turn when it was due.
        .filter(|(_, standing)| matches!(standing, Standing::Pending))
        .filter(|(migration, _)| migration.version.number().is_some_and(|own| own < newest))
        .map(|(migration, _)| migration.stem.clone())
        .collect();
    if files.is_empty() {
        return Ok(());
    }
    let phase = project.manifest.phases[phase].name.value.clone();
    Err(PlanRefusal::OutOfOrder {
        phase,
        files,
        newest,
    })
}

fn check_version(
    project: &Project,
    selected: &[(usize, bool)],
    selection: &Selection,
) -> Result<(), PlanRefusal> {
    let Some(wanted) = selection.to else {
        return Ok(());
    };
    let mut versions: Vec<i64> = project
        .migrations
        .iter()
        .filter(|migration| selected.iter().any(|(phase, _)| *phase == migration.phase))
        .filter_map(|migration| migration.version.number())
        .collect();
    if versions.contains(&wanted) {
        return Ok(());
    }
    versions.sort_by_key(|version| version.abs_diff(wanted));
    versions.truncate(3);
    Err(PlanRefusal::UnknownVersion {
        wanted,
        nearest: versions,
    })
}

/// Whatever a chosen phase requires must be applied, or be chosen too.
fn check_requires(
    project: &Project,
    standings: &Standings,
    chosen: &Chosen,
) -> Result<(), PlanRefusal> {
    let running: HashSet<usize> = chosen.migrations().collect();
    let phases = &project.manifest.phases;
    for (phase, manifest) in phases.iter().enumerate() {
        if !running
            .iter()
            .any(|index| project.migrations[*index].phase == phase)
        {
            continue;
        }
        for name in &manifest.requires {
            let Some(required) = phases
                .iter()
                .position(|other| other.name.value == name.value)
            else {
                continue;
            };
            let pending: Vec<String> = pending_of(project, standings, required)
                .filter(|index| !running.contains(index))
                .map(|index| project.migrations[index].stem.clone())
                .collect();
            if !pending.is_empty() {
                return Err(PlanRefusal::RequiresPending {
                    phase: manifest.name.value.clone(),
                    requires: name.value.clone(),
                    pending,
                });
            }
        }
    }
    Ok(())
}
