//! The run's part in a convoy: which files travel together, and what is told of them.

use std::cell::Cell;
use std::collections::HashMap;
use std::ops::Range;

use tokio::sync::mpsc;

use super::attempt::{Driven, Heading, Interrupt, Progress, drive};
use super::convoy::{self, Halted};
use super::error::RunError;
use super::packed::{Before, Contents, Kit, Packed, can_be_packed};
use super::record::{Facts, migration_ref};
use super::run::{Run, begins};
use super::transactional::{At, Setup, Tried, end_failed, limits};
use crate::history::store::Store;
use crate::pg::lock::HistoryLock;
use crate::plan::choose::Work;
use crate::project::script::Script;
use crate::project::{Migration, Project};
use crate::report::event::{EventSink, MigrationRef, RunEvent};

/// Tells of each file as it is committed, and of the next as it begins.
struct Telling<'a> {
    files: &'a [(MigrationRef, usize)],
    halt: &'a Cell<bool>,
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
    fn committed(&mut self, index: usize, duration_ms: f64, sink: &mut dyn EventSink) {
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
        // A checkpoint is between two files.
        let most = if self.is_short() { 1 } else { work.len() };
        let mut phase = None;
        work[..most.min(work.len())]
            .iter()
            .map_while(|item| match item {
                Work::Migration { index } => Some(*index),
                Work::Analyze { .. } | Work::PassOver { .. } => None,
            })
            .take_while(|index| {
                let own = self.project.migrations[*index].phase;
                *phase.get_or_insert(own) == own
                    && self.scripts.get(index).is_some_and(can_be_packed)
            })
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
        let (durations, came_to) = self
            .drive_convoy(group, &files, &sent, interrupt, sink)
            .await;
        let done = durations.len();
        for ((named, statements), duration_ms) in files.into_iter().zip(durations) {
            self.note_applied(named, statements, 0, duration_ms);
        }
        match came_to {
            CameTo::TheEnd => Ok(done),
            CameTo::Unreadable => {
                self.alone = true;
                self.begun = group.get(done).copied();
                Ok(done)
            }
            CameTo::Stopped(tried) => {
                let behind = &group[(done + 1).min(sent.get())..sent.get()];
                let stopped = self.migrate(group[done], behind, Some(*tried), interrupt, sink);
                Box::pin(stopped).await.map(|more| done + more)
            }
        }
    }

    /// Puts the files on the wire; returns how long each took that is committed, and what came of the
    /// one behind them.
    async fn drive_convoy(
        &mut self,
        group: &[usize],
        files: &[(MigrationRef, usize)],
        sent: &Cell<usize>,
        interrupt: &mut Interrupt,
        sink: &mut dyn EventSink,
    ) -> (Vec<f64>, CameTo) {
        let setup = self.setup_of(self.project.migrations[group[0]].phase);
        let sizes: Vec<usize> = group
            .iter()
            .map(|index| packed_size(&self.project.migrations[*index]))
            .collect();
        let packer = Packer {
            project: self.project,
            scripts: &self.scripts,
            store: &self.store,
            setup: &setup,
            lock: self.lock,
            run: &self.id,
            application: &self.opening.application_name,
            kit: Kit::new(&setup, &self.store.record_texts(&self.lock.held())),
            group,
            named: files,
            messages: convoy::messages(&sizes, self.alone),
        };
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
            durations: Vec::new(),
        };
        // A message that could not be read was begun with it already.
        if self.begun.take() != Some(group[0]) {
            telling.begins(0, sink);
        }
        let (sender, answers) = mpsc::unbounded_channel();
        let mut link = self.opened.link(&mut self.watch_session, interrupt, sink);
        let prologue = packer.kit.prologue();
        let (session, messages) = (link.session, &packer.messages);
        let pack = |at| packer.pack(at);
        let work = convoy::send(session, &prologue, messages, &pack, &halt, sent, sender);
        let driven = drive(&mut link, &headings, answers, work, &mut telling).await;
        let result = match driven.result {
            Some(None) => return (telling.durations, CameTo::TheEnd),
            // What was on its way behind it may have begun a transaction and failed in it.
            Some(Some(Halted::Message)) => {
                let next = &files[telling.durations.len()].0;
                match end_failed(&mut link, next).await {
                    Ok(()) => return (telling.durations, CameTo::Unreadable),
                    Err(failure) => Some(Err((At::Begin, failure))),
                }
            }
            Some(Some(Halted::File(failed))) => Some(Err(*failed)),
            None => None,
        };
        let tried = Driven {
            result,
            blockers: driven.blockers,
            cancelled: driven.cancelled,
        };
        (telling.durations, CameTo::Stopped(Box::new(tried)))
    }
}

/// Makes texts of files.
struct Packer<'a> {
    project: &'a Project,
    scripts: &'a HashMap<usize, Script>,
    store: &'a Store,
    setup: &'a Setup,
    lock: HistoryLock,
    run: &'a str,
    application: &'a str,
    kit: Kit,
    /// The files, by their indexes in the project.
    group: &'a [usize],
    named: &'a [(MigrationRef, usize)],
    messages: Vec<Range<usize>>,
}

impl Packer<'_> {
    /// Packs the file with this index in the group.
    fn pack(&self, at: usize) -> Packed {
        let facts = self.facts(at);
        let (named, statements) = &self.named[at];
        let guard = facts.guard(self.run);
        let records = facts.applied(self.store, self.lock, self.run, &guard, *statements);
        let message = self.messages.partition_point(|message| message.end <= at);
        let message = &self.messages[message];
        let before = (at == message.start && at > 0).then(|| self.facts(at - 1).guard(self.run));
        Packed::new(
            &self.kit,
            &Contents {
                script: &self.scripts[&self.group[at]],
                setup: self.setup,
                guard: &guard,
                before: match before.as_deref() {
                    _ if at > message.start => Before::SameMessage,
                    Some(guard) => Before::Message(guard),
                    None => Before::Nothing,
                },
                is_last: at + 1 == message.end,
                key: &facts.key().to_text(),
                records: &records,
                application: self.application,
                migration: named,
            },
        )
    }

    fn facts(&self, at: usize) -> Facts<'_> {
        let migration = &self.project.migrations[self.group[at]];
        Facts::new(self.project, migration, self.store.refinery().version_type)
    }
}

/// Returns about how many bytes a file has once it is packed: itself, and again in its row.
fn packed_size(migration: &Migration) -> usize {
    let rollback = migration.rollback.as_ref();
    let rollback = rollback.map_or(0, |script| script.content.bytes());
    usize::try_from(2 * migration.bytes() + rollback).unwrap_or(usize::MAX)
}

/// What came of the file behind those that are committed.
enum CameTo {
    /// There is none.
    TheEnd,
    /// A message of several files could not be read; each must be sent alone.
    Unreadable,
    /// It was stopped.
    Stopped(Box<Tried>),
}
