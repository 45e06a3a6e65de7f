//! The trial of the pending files: they run in a throw-away database, one after the other up to the first that fails,
//! but for those that an earlier dry run ran in the same state.

use std::time::Instant;

use super::assemble::Came;
use super::base::{Base, Chain, Record};
use super::beyond;
use super::dry_run::Request;
use super::error::PreviewError;
use super::likeness::better;
use super::measure::Meter;
use super::moment::Moment;
use super::pending::Pending;
use super::rehearsal::{Piece, measured};
use super::server::Server;
use super::speed::Bench;
use super::state::{self, Gathered, State, Wanted, Work, replayed};
use crate::project::script::Script;
use crate::report::dry_run::{PreState, PreStateOrigin, Remembered};
use crate::report::event::MigrationRef;
use crate::report::problem::Problem;
use crate::runner::error::Stop;
use crate::runner::open::Opened;

/// What a trial takes.
pub(super) struct Ground<'a> {
    pub(super) request: &'a Request<'a>,
    pub(super) target: &'a Opened,
    pub(super) pending: &'a Pending<'a>,
    pub(super) server: &'a Server,
    pub(super) wanted: &'a Wanted<'a>,
    pub(super) gathered: &'a Gathered,
}

/// A trial, and what came of it.
pub(super) struct Trial {
    pub(super) told: PreState,
    pub(super) notes: Vec<Problem>,
    pub(super) before: Moment,
    pub(super) after: Moment,
    pub(super) meter: Meter,
    /// How far each file came.
    pub(super) ran: Vec<Came>,
    /// Why the first file that fails does.
    pub(super) stopped: Option<(MigrationRef, Stop)>,
    /// What an earlier dry run ran.
    pub(super) remembered: Option<Remembered>,
    began_at: String,
    applied: usize,
    /// The database, where one had to be made.
    work: Option<Work>,
    base: Base,
    ended: Instant,
}

/// What the files begin with.
struct Begun {
    told: PreState,
    notes: Vec<Problem>,
    before: Moment,
    meter: Meter,
    ran: Vec<Came>,
    /// When the first of them ran.
    at: String,
    /// What is after them, where all that ran did in an earlier dry run.
    after: Option<Moment>,
    work: Option<Work>,
}

impl Ground<'_> {
    /// Makes the state before the first pending file, and tries the files.
    pub(super) async fn tried(&self) -> Result<Trial, PreviewError> {
        let chain = Chain::of(self.server, self.wanted, self.gathered, self.pending);
        let mut base = Base::of(self.server, chain, self.request.fresh).await?;
        let mut begun = match self.resumed(&mut base).await? {
            Some(begun) => begun,
            None => Box::pin(self.begun(&mut base)).await?,
        };
        let remembered = begun.after.as_ref().map(|_| Remembered {
            migrations: begun.ran.len(),
            at: begun.at.clone(),
        });
        let stopped = Box::pin(self.run(&mut begun, &mut base)).await?;
        let after = match (begun.after, &begun.work) {
            (Some(after), _) => after,
            (None, Some(work)) => Moment::read(&work.opened, self.wanted).await?,
            (None, None) => begun.before.clone(),
        };
        Ok(Trial {
            told: begun.told,
            notes: begun.notes,
            before: begun.before,
            after,
            meter: begun.meter,
            ran: begun.ran,
            stopped,
            remembered,
            began_at: begun.at,
            applied: self.gathered.past.len(),
            work: begun.work,
            base,
            ended: Instant::now(),
        })
    }

    /// Goes on where an earlier dry run has come to, if it began with what the target is.
    async fn resumed(&self, base: &mut Base) -> Result<Option<Begun>, PreviewError> {
        let whole = base.whole(self.server).await?;
        if let Some((record, told)) = whole.and_then(|record| self.proven(record)) {
            return Ok(Some(Begun::earlier(record, told, None)));
        }
        let Some(record) = base.database(self.server).await? else {
            return Ok(None);
        };
        let Some((record, told)) = self.proven(record) else {
            base.forget(self.server).await?;
            return Ok(None);
        };
        let work = Box::pin(state::copy(self.server, self.wanted)).await?;
        Ok(Some(Begun::earlier(record, told, Some(work))))
    }

    /// Holds what an earlier dry run began with against the target.
    fn proven(&self, record: Record) -> Option<(Record, PreState)> {
        let told = state::told(&record.before.snapshot, self.wanted, record.origin);
        told.proven.then_some((record, told))
    }

    /// Begins with the state that the applied files make, or a dump where that is nearer to the target.
    async fn begun(&self, base: &mut Base) -> Result<Begun, PreviewError> {
        let (server, wanted) = (self.server, self.wanted);
        let mut state = Box::pin(replayed(server, wanted, self.gathered, base.kept())).await?;
        if !state.told.proven && wanted.snapshot.is_some() {
            state = Box::pin(better(self.request, self.target, server, wanted, state)).await?;
        }
        let State {
            mut work,
            snapshot,
            told,
            notes,
        } = state;
        // What could not be made as it was is tried again each time.
        if !told.proven || !notes.is_empty() || told.origin == PreStateOrigin::Dump {
            base.keep_nothing();
        }
        let applied = self.gathered.past.len();
        if base.is_worth(applied) {
            work = self.keep(base, applied, None, work).await?;
        }
        Ok(Begun {
            before: Moment::beside(snapshot, &work.opened, wanted).await?,
            told,
            notes,
            meter: Meter::default(),
            ran: Vec::new(),
            at: now(),
            after: None,
            work: Some(work),
        })
    }

    /// Runs the files that have not run, up to one that fails; returns why it does.
    async fn run(
        &self,
        begun: &mut Begun,
        base: &mut Base,
    ) -> Result<Option<(MigrationRef, Stop)>, PreviewError> {
        let mut stopped = None;
        let done = begun.ran.len();
        for (at, (index, script)) in self.pending.scripts.iter().enumerate().skip(done) {
            let Some(mut work) = begun.work.take() else {
                break;
            };
            let files = self.gathered.past.len() + at;
            if at > done && stopped.is_none() && base.is_worth(files) {
                let after = Moment::read(&work.opened, self.wanted).await?;
                let record = begun.record(self.gathered, after);
                work = self.keep(base, files, Some(&record), work).await?;
            }
            let came = if stopped.is_some() {
                Came::NotTried("a migration before it fails".to_owned())
            } else {
                let (came, stop) = self.one(&work, *index, script, &mut begun.meter).await;
                stopped = stop;
                came
            };
            begun.ran.push(came);
            begun.after = None;
            begun.work = Some(work);
        }
        Ok(stopped)
    }

    /// Runs one file; returns how far it came, and why no further.
    async fn one(
        &self,
        work: &Work,
        index: usize,
        script: &Script,
        meter: &mut Meter,
    ) -> (Came, Option<(MigrationRef, Stop)>) {
        if let Some((_, why)) = beyond::the_server(script) {
            return (Came::NotTried(why.to_owned()), None);
        }
        let named = self.pending.named(index);
        let piece = Piece {
            first: self.pending.first(index, script),
            ..Piece::whole(script, &named)
        };
        let result = measured(&work.opened, &work.setup, piece, meter).await;
        let stop = result.err().map(|stop| (named, *stop.stop));
        (Came::Ran(meter.finish()), stop)
    }

    /// Keeps the database, and returns a copy of it to go on with.
    async fn keep(
        &self,
        base: &mut Base,
        files: usize,
        record: Option<&Record>,
        work: Work,
    ) -> Result<Work, PreviewError> {
        match base.keep(self.server, files, record, work).await? {
            Some(work) => Ok(work),
            None => Box::pin(state::copy(self.server, self.wanted)).await,
        }
    }
}

impl Begun {
    fn earlier(record: Record, told: PreState, work: Option<Work>) -> Self {
        Self {
            told: PreState {
                replayed: record.applied,
                kept: record.applied > 0,
                ..told
            },
            notes: Vec::new(),
            before: record.before,
            meter: record.meter,
            ran: record.ran,
            at: record.at,
            after: Some(record.after),
            work,
        }
    }

    fn record(&self, gathered: &Gathered, after: Moment) -> Record {
        Record {
            at: self.at.clone(),
            applied: gathered.past.len(),
            origin: self.told.origin,
            before: self.before.clone(),
            meter: self.meter.clone(),
            ran: self.ran.clone(),
            after,
        }
    }
}

impl Trial {
    /// Returns where speeds can be measured.
    pub(super) fn bench<'a>(&'a self, server: &'a Server) -> Bench<'a> {
        match &self.work {
            Some(work) => Bench::Session(&work.opened.session),
            None => Bench::Server(server),
        }
    }

    /// Keeps for the next dry run what is worth it, and ends; returns why the first file that fails does.
    pub(super) async fn keep(
        mut self,
        server: &Server,
    ) -> Result<Option<(MigrationRef, Stop)>, PreviewError> {
        if self.stopped.is_none() && self.base.is_whole_worth(self.ended) {
            let record = Record {
                at: self.began_at,
                applied: self.applied,
                origin: self.told.origin,
                before: self.before,
                meter: self.meter,
                ran: self.ran,
                after: self.after,
            };
            self.base.keep_whole(server, &record, self.work).await?;
        }
        self.base.note(server).await?;
        Ok(self.stopped)
    }
}

/// The moment in RFC 3339.
fn now() -> String {
    jiff::Timestamp::now().strftime("%FT%TZ").to_string()
}
