//! Remembers how long statements over whole tables took, where it was long enough to tell something.

use std::time::{Duration, Instant};

use super::record::migration_ref;
use super::run::Run;
use crate::history::speeds::{Evidence, Pass, SpeedLedger};
use crate::plan::standing::key;
use crate::project::script::Script;
use crate::report::dry_run::WorkKind;
use crate::report::event::{EventSink, HeldTable, RunEvent};
use crate::report::problem::Problem;
use crate::sql::classify::Verb;
use crate::sql::name::QualifiedName;
use crate::sql::whole_table::{self, Reach, reach, whole_table};

/// From here on it is worth remembering how long a statement took.
const LONG: Duration = Duration::from_secs(1);

/// How long the statements of one file take that wait for nobody.
#[derive(Debug, Default)]
pub(super) struct Stopwatch {
    /// Whether anybody has looked since the running statement began, and seen it wait for nobody.
    unhindered: Option<bool>,
    /// Tables that it was seen to have for itself.
    held: Vec<HeldTable>,
    /// Statements that took long.
    laps: Vec<Lap>,
}

/// A statement that took long, and waited for nobody.
#[derive(Debug, Clone)]
pub(super) struct Lap {
    index: usize,
    took: Duration,
    /// Tables that it had for itself.
    pub(super) held: Vec<HeldTable>,
}

impl Lap {
    /// Returns how long it took, in milliseconds.
    pub(super) fn ms(&self) -> f64 {
        self.took.as_secs_f64() * 1000.0
    }
}

impl Stopwatch {
    /// Somebody has looked.
    pub(super) fn look(&mut self, is_free: bool, held: &[HeldTable]) {
        self.unhindered = Some(self.unhindered.unwrap_or(true) && is_free);
        // Outside of a transaction block one table may follow another.
        self.held
            .retain(|known| !held.iter().any(|seen| seen.oid == known.oid));
        self.held.extend(held);
    }

    /// Another statement runs. `ended` is the one that ran since `began`, where it was one alone.
    pub(super) fn turn(&mut self, ended: Option<usize>, began: Instant) {
        let (took, held) = (began.elapsed(), std::mem::take(&mut self.held));
        if let Some(index) = ended
            && took >= LONG
            && self.unhindered == Some(true)
        {
            self.laps.push(Lap { index, took, held });
        }
        self.unhindered = None;
    }

    /// Returns how long a statement took, where that is worth remembering.
    pub(super) fn lap(&self, index: usize) -> Option<&Lap> {
        self.laps.iter().find(|lap| lap.index == index)
    }
}

/// A statement that took long, and waited for nobody.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Slow {
    /// Its migration, as `V101__name`.
    label: String,
    /// Its index from 0.
    index: usize,
    /// Milliseconds.
    ms: f64,
    /// Tables that it had for itself.
    held: Vec<HeldTable>,
}

/// Passes events on, and remembers which statements took long.
pub(super) struct Paced<'a> {
    sink: &'a mut dyn EventSink,
    slow: Vec<Slow>,
}

impl<'a> Paced<'a> {
    /// Listens.
    pub(super) fn new(sink: &'a mut dyn EventSink) -> Self {
        Self {
            sink,
            slow: Vec::new(),
        }
    }

    /// Returns what took long.
    pub(super) fn slow(self) -> Vec<Slow> {
        self.slow
    }
}

impl EventSink for Paced<'_> {
    fn event(&mut self, event: &RunEvent) {
        if let RunEvent::StatementDone {
            migration,
            index,
            took_ms: Some(ms),
            held,
            ..
        } = event
        {
            let label = migration.label();
            // An earlier try of it was rolled back.
            self.slow
                .retain(|slow| slow.label != label || slow.index != *index);
            self.slow.push(Slow {
                label,
                index: *index,
                ms: *ms,
                held: held.clone(),
            });
        }
        self.sink.event(event);
    }
}

impl Run<'_> {
    /// Remembers them, if any went over a whole table. It costs nothing else: nothing is asked before a statement has
    /// taken long. The session is reset.
    pub(super) async fn remember_speeds(&self, slow: &[Slow], sink: &mut dyn EventSink) {
        let passes: Vec<Pass> = slow.iter().filter_map(|slow| self.pass(slow)).collect();
        let session = &self.opened.session;
        if passes.is_empty() || session.is_closed() {
            return;
        }
        let path = &self.opened.beginnings.search_path;
        let ledger = SpeedLedger::new(self.store.schema());
        if let Err(error) = ledger.enter(session, &self.id, path, &passes).await {
            let message = "how long statements over whole tables took could not be remembered";
            let mut detail = error.to_string();
            if let Some(source) = std::error::Error::source(&error) {
                detail = format!("{detail}: {source}");
            }
            sink.event(&RunEvent::Warning {
                problem: Problem::new("speed-not-recorded", message)
                    .detail(detail)
                    .hint("nothing but later estimates needs it"),
            });
        }
    }

    fn pass(&self, slow: &Slow) -> Option<Pass> {
        let is_applied = self.applied.iter().any(|one| {
            let label = match &one.version {
                Some(version) => format!("V{version}__{}", one.name),
                None => format!("R__{}", one.name),
            };
            label == slow.label
        });
        if !is_applied {
            return None;
        }
        let (migration, script) = self.scripts.iter().find_map(|(index, script)| {
            let migration = self.project.migrations.get(*index)?;
            let label = migration_ref(self.project, migration).label();
            (label == slow.label).then_some((migration, script))
        })?;
        let (pass, table) = whole_table(script.text(slow.index))?;
        let (work, evidence) = match pass {
            whole_table::Pass::Scan => (WorkKind::Scan, Evidence::Text),
            whole_table::Pass::IndexBuild => (WorkKind::IndexBuild, Evidence::Text),
            whole_table::Pass::Validation(name) => (WorkKind::Scan, Evidence::Validated(name)),
            whole_table::Pass::Rewrite => (WorkKind::Rewrite, rewritten(slow, script, &table)?),
        };
        // Where the file has a path of its own, a bare name may be another table's.
        if table.schema.is_none() && sets_something(script) {
            return None;
        }
        Some(Pass {
            key: key(migration),
            name: migration.name.clone(),
            position: slow.index,
            work,
            evidence,
            table,
            ms: slow.ms.round() as u64,
        })
    }
}

/// Returns what a rewrite is known by: its table is in another file afterwards, which this transaction wrote. `None`
/// where another statement of the transaction may have done that.
fn rewritten(slow: &Slow, script: &Script, table: &QualifiedName) -> Option<Evidence> {
    let others = (0..script.len()).filter(|index| *index != slow.index);
    let mut reaches: Vec<_> = others
        .map(|index| reach(script.text(index), script.class(index).verb))
        .collect();
    reaches.retain(|reach| *reach != Reach::Nothing);
    let elsewhere =
        |reach: &Reach| matches!(reach, Reach::Table(other) if other.name != table.name);
    reaches.iter().all(elsewhere).then(|| Evidence::Files {
        held: slow.held.clone(),
        is_only: reaches.is_empty(),
    })
}

fn sets_something(script: &Script) -> bool {
    (0..script.len()).any(|index| script.class(index).verb == Verb::Set)
}
