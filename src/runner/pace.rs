//! Remembers how long statements over whole tables took, where it was long enough to tell something.

use std::time::{Duration, Instant};

use super::record::migration_ref;
use super::run::Run;
use crate::history::speeds::{Pass, SpeedLedger};
use crate::plan::standing::key;
use crate::project::script::Script;
use crate::report::dry_run::WorkKind;
use crate::report::event::{EventSink, RunEvent};
use crate::report::problem::Problem;
use crate::sql::classify::Verb;
use crate::sql::whole_table::{self, whole_table};

/// From here on it is worth remembering how long a statement took.
const LONG: Duration = Duration::from_secs(1);

/// How long the statements of one file take that wait for nobody.
#[derive(Debug, Default)]
pub(super) struct Stopwatch {
    /// Whether anybody has looked since the running statement began, and seen it wait for nobody.
    unhindered: Option<bool>,
    /// Statements that took long.
    took: Vec<(usize, Duration)>,
}

impl Stopwatch {
    /// Somebody has looked.
    pub(super) fn look(&mut self, is_free: bool) {
        self.unhindered = Some(self.unhindered.unwrap_or(true) && is_free);
    }

    /// Another statement runs. `ended` is the one that ran since `began`, where it was one alone.
    pub(super) fn turn(&mut self, ended: Option<usize>, began: Instant) {
        let took = began.elapsed();
        if let Some(index) = ended
            && took >= LONG
            && self.unhindered == Some(true)
        {
            self.took.push((index, took));
        }
        self.unhindered = None;
    }

    /// Returns how long a statement took, where that is worth remembering.
    pub(super) fn took_ms(&self, index: usize) -> Option<f64> {
        let took = self.took.iter().find(|(at, _)| *at == index);
        took.map(|(_, took)| took.as_secs_f64() * 1000.0)
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
        // Where the file has a path of its own, a bare name may be another table's.
        if table.schema.is_none() && sets_something(script) {
            return None;
        }
        Some(Pass {
            key: key(migration),
            name: migration.name.clone(),
            position: slow.index,
            work: match pass {
                whole_table::Pass::Scan => WorkKind::Scan,
                whole_table::Pass::Rewrite => WorkKind::Rewrite,
                whole_table::Pass::IndexBuild => WorkKind::IndexBuild,
            },
            table,
            ms: slow.ms.round() as u64,
        })
    }
}

fn sets_something(script: &Script) -> bool {
    (0..script.len()).any(|index| script.class(index).verb == Verb::Set)
}
