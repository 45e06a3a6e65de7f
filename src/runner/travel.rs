//! The run's part in a convoy: which files travel together, and what is told of them.

use std::cell::Cell;
use std::time::Instant;

use tokio::sync::mpsc;

use super::attempt::{Driven, Heading, Interrupt, Progress, drive};
use super::convoy;
use super::error::RunError;
use super::packed::{Contents, Kit, Packed, can_be_packed};
use super::record::{Facts, migration_ref};
use super::run::{Run, begins};
use super::transactional::{Tried, limits};
use crate::plan::choose::Work;
use crate::report::event::{EventSink, MigrationRef, RunEvent};

/// How many files are packed at a time.
const MOST: usize = 512;

/// Tells of each file as it is committed, and of the next as it begins.
struct Telling<'a> {
    files: &'a [(MigrationRef, usize)],
    halt: &'a Cell<bool>,
    since: Instant,
    durations: Vec<f64>,
}

impl Telling<'_> {
    fn begins(&self, index: usize, sink: &mut dyn EventSink) {
        if let Some((migration, statements)) = self.files.get(index) {
            sink.event(&begins(migration, *statements, true, None));
        }
    }
}

impl Progress for Telling<'_> {
    fn committed(&mut self, index: usize, sink: &mut dyn EventSink) {
        let duration_ms = self.since.elapsed().as_secs_f64() * 1000.0;
        self.since = Instant::now();
        self.durations.push(duration_ms);
        let (migration, statements) = &self.files[index];
        sink.event(&RunEvent::MigrationApplied {
            migration: migration.clone(),
            statements: *statements,
            retries: 0,
            duration_ms,
        });
        self.begins(index + 1, sink);
    }

    fn halt(&mut self) {
        self.halt.set(true);
    }

    fn cancels_at_any_time(&self) -> bool {
        true
    }
}

impl Run<'_> {
    /// Returns the migrations at the front of the work that can travel together; a phase has limits
    /// of its own, and so its own convoy.
    pub(super) fn group(&self, work: &[Work]) -> Vec<usize> {
        let mut phase = None;
        work.iter()
            .map_while(|item| match item {
                Work::Migration { index } => Some(*index),
                Work::Analyze { .. } | Work::PassOver { .. } => None,
            })
            .take_while(|index| {
                let own = self.project.migrations[*index].phase;
                *phase.get_or_insert(own) == own
                    && self.scripts.get(index).is_some_and(can_be_packed)
            })
            .take(MOST)
            .collect()
    }

    /// Runs these files, all on their way at once; returns how many are committed.
    pub(super) async fn travel(
        &mut self,
        group: &[usize],
        interrupt: &mut Interrupt,
        sink: &mut dyn EventSink,
    ) -> Result<usize, RunError> {
        self.kept = 0;
        let files: Vec<(MigrationRef, usize)> = group
            .iter()
            .map(|index| {
                let named = migration_ref(self.project, &self.project.migrations[*index]);
                let statements = self.scripts.get(index);
                (named, statements.map_or(0, |script| script.body().len()))
            })
            .collect();
        let sent = Cell::new(0);
        let (durations, tried) = self
            .drive_convoy(group, &files, &sent, interrupt, sink)
            .await;
        let done = durations.len();
        for ((named, statements), duration_ms) in files.into_iter().zip(durations) {
            self.note_applied(named, statements, 0, duration_ms);
        }
        match tried {
            None => Ok(done),
            Some(tried) => {
                let behind = &group[(done + 1).min(sent.get())..sent.get()];
                let stopped = self.migrate(group[done], behind, Some(tried), interrupt, sink);
                Box::pin(stopped).await.map(|more| done + more)
            }
        }
    }

    /// Puts the files on the wire; returns how long each took that is committed, and what stopped the
    /// one behind them.
    async fn drive_convoy(
        &mut self,
        group: &[usize],
        files: &[(MigrationRef, usize)],
        sent: &Cell<usize>,
        interrupt: &mut Interrupt,
        sink: &mut dyn EventSink,
    ) -> (Vec<f64>, Option<Tried>) {
        let setup = self.setup_of(self.project.migrations[group[0]].phase);
        let kit = Kit::new(&setup, &self.store.record_texts(&self.lock.held()));
        let packed = self.pack(group, files, &kit);
        let headings: Vec<Heading<'_>> = files
            .iter()
            .map(|(migration, statements)| Heading {
                migration,
                statements: 0..*statements,
                limits: limits(&setup, setup.policy.lock_timeout),
            })
            .collect();
        let halt = Cell::new(false);
        let mut telling = Telling {
            files,
            halt: &halt,
            since: Instant::now(),
            durations: Vec::new(),
        };
        telling.begins(0, sink);
        let (sender, answers) = mpsc::unbounded_channel();
        let mut link = self.opened.link(&mut self.watch_session, interrupt, sink);
        let prologue = kit.prologue();
        let work = convoy::send(link.session, &prologue, &packed, &halt, sent, sender);
        let driven = drive(&mut link, &headings, answers, work, &mut telling).await;
        let result = match driven.result {
            Some(None) => return (telling.durations, None),
            Some(Some(failed)) => Some(Err(failed)),
            None => None,
        };
        let tried = Driven {
            result,
            blockers: driven.blockers,
            cancelled: driven.cancelled,
        };
        (telling.durations, Some(tried))
    }

    fn pack(&self, group: &[usize], files: &[(MigrationRef, usize)], kit: &Kit) -> Vec<Packed> {
        let mut before: Option<String> = None;
        let mut packed = Vec::with_capacity(group.len());
        for (index, (named, count)) in group.iter().zip(files) {
            let migration = &self.project.migrations[*index];
            let Some(script) = self.scripts.get(index) else {
                break;
            };
            let facts = Facts::new(self.project, migration, self.store.refinery().version_type);
            let guard = facts.guard(&self.id);
            packed.push(Packed::new(
                kit,
                &Contents {
                    script,
                    setup: &self.setup,
                    guard: &guard,
                    after: before.as_deref(),
                    records: &facts.applied(&self.store, self.lock, &self.id, &guard, *count),
                    application: &self.opening.application_name,
                    migration: named,
                },
            ));
            before = Some(guard);
        }
        packed
    }
}
