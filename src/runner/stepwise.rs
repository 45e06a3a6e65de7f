//! A migration that cannot run in one transaction: statement by statement, each journalled.
//!
//! A statement that may run in a transaction shares one with its journal row, so that both happen
//! or neither. One that may not gets a row before it (the intent, with what the catalog showed) and
//! one after it; if the second is missing, the catalog is asked what became of it.

use std::time::{Duration, Instant};

use tokio::sync::mpsc;

use super::attempt::{Answer, Cancelled, Driven, Heading, Limits, Link, drive, is_gone, no_answer};
use super::error::Stop;
use super::invalid_index;
use super::probe::{self, Baseline, Evidence};
use super::retry::{Next, Tries};
use super::transactional::{self, Again, Setup, Unit, wait_for_retry};
use crate::history::model::{Journal, Key, StatementRow, StatementState};
use crate::history::record::Prepared;
use crate::history::store::Store;
use crate::pg::error::{DbFailure, Kind};
use crate::pg::session::Session;
use crate::project::checksum;
use crate::project::script::Script;
use crate::report::event::{Blocker, MigrationRef, RunEvent};
use crate::report::problem::Problem;
use crate::sql::object::ObjectClass;
use crate::sql::outside::Concurrent;

/// After a signal or a used-up budget, how long tidying up may take. It may wait for the very
/// session that the statement waited for.
const TIDY_PATIENCE: Duration = Duration::from_secs(10);

/// A file on its way, statement by statement.
pub struct Steps<'a> {
    /// The file's statements.
    pub script: &'a Script,
    /// Where the journal is.
    pub store: &'a Store,
    /// Which migration.
    pub key: &'a Key,
    /// The same, for people.
    pub migration: &'a MigrationRef,
    /// This run.
    pub run: &'a str,
    /// Which of its scripts this is.
    pub direction: Journal,
    /// What an earlier run left in the journal.
    pub journal: &'a [&'a StatementRow],
    /// How transactions are set up.
    pub setup: &'a Setup,
}

/// What a finished file cost.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct StepCost {
    /// Tries that failed for want of a lock, over all statements.
    pub retries: u32,
    /// Time from its first statement in this run to its last.
    pub elapsed: Duration,
    /// How many statements ran in this run.
    pub ran: usize,
}

/// What the journal says of the statement to go on with.
#[derive(Debug, Clone, PartialEq)]
enum Standing {
    /// It never began, or failed without a trace.
    Fresh,
    /// It began, and nobody knows how it ended.
    Open(Option<Baseline>),
}

/// A statement that runs outside of any transaction.
#[derive(Debug, Clone, Copy)]
struct Bare<'a> {
    index: usize,
    /// Its text, or what ends it where it was left half done.
    text: &'a str,
    concurrent: Option<&'a Concurrent>,
    baseline: &'a Baseline,
    /// Zero where it has a budget instead.
    lock_timeout: Duration,
    /// Whether it only ends what is half done: then its intent stays open until it has.
    finishes: bool,
}

impl Steps<'_> {
    /// Returns the index of the first statement that is not known to be done.
    pub fn resume_at(&self) -> usize {
        let mut next = 0;
        for row in self.journal {
            if row.state == StatementState::Done && row.position == next {
                next += 1;
            }
        }
        next
    }

    fn standing(&self, index: usize) -> Standing {
        match self.journal.iter().rev().find(|row| row.position == index) {
            Some(row) if row.state == StatementState::Intent => {
                Standing::Open(Baseline::from_note(row.note.as_deref()))
            }
            _ => Standing::Fresh,
        }
    }

    /// A file edited after a part of it ran would be recorded as something that never ran.
    pub(super) fn check_unedited(&self) -> Result<(), Box<Stop>> {
        for row in self
            .journal
            .iter()
            .filter(|row| row.state == StatementState::Done)
        {
            let same = row.position < self.script.len()
                && sha256_of(self.script.text(row.position)) == row.sha256;
            if !same {
                let shown = (row.position < self.script.len())
                    .then(|| self.script.snippet(row.position, None));
                return Err(Box::new(Stop::EditedHalfway {
                    snippet: shown,
                    index: row.position,
                }));
            }
        }
        Ok(())
    }

    /// Runs what is left of the file; `kept` is how many of its statements are committed, whatever
    /// comes of it.
    pub async fn run(&self, link: &mut Link<'_>, kept: &mut usize) -> Result<StepCost, Box<Stop>> {
        let started = Instant::now();
        let first = self.resume_at();
        *kept = first;
        self.check_unedited()?;
        self.give_search_path(link.session).await?;
        let mut retries = 0;
        for index in first..self.script.len() {
            if link.interrupt.is_set() {
                return Err(Box::new(Stop::Interrupted { kept: index }));
            }
            let standing = self.standing(index);
            retries += if self.runs_bare(index) {
                self.run_bare(link, index, standing).await?
            } else {
                self.run_in_transaction(link, index).await?
            };
            *kept = index + 1;
        }
        Ok(StepCost {
            retries,
            elapsed: started.elapsed(),
            ran: self.script.len() - first,
        })
    }

    /// Runs one statement outside of any transaction, unless the journal or the catalog has it as done.
    pub(super) async fn bare(&self, link: &mut Link<'_>, index: usize) -> Result<u32, Box<Stop>> {
        let standing = self.standing(index);
        self.run_bare(link, index, standing).await
    }

    /// A `CALL` or `DO` may commit inside (that is why people ask for `no-transaction`), and cannot
    /// do so in a transaction of ours.
    fn runs_bare(&self, index: usize) -> bool {
        let class = self.script.class(index);
        class.outside_transaction.is_some()
            || class.object == ObjectClass::Code
            || class.verb == crate::sql::classify::Verb::Call
    }

    /// Settings and search path last for the file, not for the statement, as they would in psql.
    pub(super) async fn give_search_path(&self, session: &Session) -> Result<(), Box<Stop>> {
        let Some(path) = &self.setup.search_path else {
            return Ok(());
        };
        session
            .run(&format!("set search_path = {path}"))
            .await
            .map_err(|failure| own("could not set the search path", failure))
    }

    /// Runs a statement and its journal row in one transaction.
    async fn run_in_transaction(
        &self,
        link: &mut Link<'_>,
        index: usize,
    ) -> Result<u32, Box<Stop>> {
        let guard = format!("{}:{}:{index}", self.run, self.key.to_text());
        let records = [self.journal_row(index, StatementState::Done, None)];
        let setup = Setup {
            search_path: None,
            restore: None,
            ..self.setup.clone()
        };
        let unit = Unit {
            script: self.script,
            first: index,
            end: index + 1,
            begin: "begin",
            guard: &guard,
            records: &records,
            migration: self.migration,
            kept: index,
        };
        transactional::run(link, &setup, unit, None)
            .await
            .map(|cost| cost.retries)
    }

    fn journal_row(&self, index: usize, state: StatementState, note: Option<&str>) -> Prepared {
        let sha256 = sha256_of(self.script.text(index));
        self.store.journal(
            self.direction,
            self.key,
            self.run,
            index,
            state,
            &sha256,
            note,
        )
    }

    /// Writes a journal row in a transaction of its own, whatever role and path the file has set.
    async fn write_journal(
        &self,
        session: &Session,
        index: usize,
        state: StatementState,
        note: Option<&str>,
    ) -> Result<(), Box<Stop>> {
        let row = self.journal_row(index, state, note);
        let begin = format!("begin; {}", self.setup.own_prefix());
        let parameters = row.borrowed();
        // Polled in this order, they are sent in this order.
        let (begun, written, ended) = tokio::join!(
            biased;
            session.run(&begin),
            session.query(&row.sql, &parameters),
            session.run("commit"),
        );
        begun
            .and(written.map(|_| ()))
            .and(ended)
            .map_err(|failure| own("could not write the journal", failure))
    }

    /// Runs a statement outside of any transaction, between its two journal rows.
    async fn run_bare(
        &self,
        link: &mut Link<'_>,
        index: usize,
        standing: Standing,
    ) -> Result<u32, Box<Stop>> {
        let class = self.script.class(index);
        let concurrent = class.concurrent.as_deref();
        if let Standing::Open(baseline) = standing {
            let baseline = baseline.unwrap_or_default();
            let found =
                probe::evidence(link.session, concurrent, class.global.as_deref(), &baseline)
                    .await
                    .map_err(|failure| own("could not ask the catalog", failure))?;
            if self.settle(link, index, found, &baseline).await? {
                return Ok(0);
            }
        }
        let baseline = probe::baseline(link.session, concurrent)
            .await
            .map_err(|failure| own("could not ask the catalog", failure))?;
        self.refuse_foreign(link.session, index, concurrent, &baseline)
            .await?;
        let note = baseline.to_note();
        self.write_journal(link.session, index, StatementState::Intent, Some(&note))
            .await?;
        // lock_timeout also counts the wait of CONCURRENTLY for old snapshots on other tables, and
        // would leave an INVALID index (faults.md, fact 2); it has a budget of its own.
        let lock_timeout = if concurrent.is_some() {
            Duration::ZERO
        } else {
            self.setup.policy.lock_timeout
        };
        let bare = Bare {
            index,
            text: self.script.text(index),
            concurrent,
            baseline: &baseline,
            lock_timeout,
            finishes: false,
        };
        let retries = self.send_bare(link, bare).await?;
        self.write_journal(link.session, index, StatementState::Done, None)
            .await?;
        Ok(retries)
    }

    /// Acts on what the catalog says of an interrupted statement; true if it is done.
    async fn settle(
        &self,
        link: &mut Link<'_>,
        index: usize,
        found: Evidence,
        baseline: &Baseline,
    ) -> Result<bool, Box<Stop>> {
        match found {
            Evidence::Happened(evidence) => {
                link.sink.event(&RunEvent::StatementFound {
                    migration: self.migration.clone(),
                    index,
                    evidence: evidence.clone(),
                });
                self.write_journal(link.session, index, StatementState::Done, Some(&evidence))
                    .await?;
                Ok(true)
            }
            Evidence::DidNot { leftovers } => {
                if invalid_index::drop_all(link, self.migration, &leftovers, None).await? {
                    Ok(false)
                } else {
                    Err(Box::new(Stop::Interrupted { kept: index }))
                }
            }
            Evidence::HalfDetached => {
                self.finish_detaching(link, index, baseline).await?;
                self.write_journal(
                    link.session,
                    index,
                    StatementState::Done,
                    Some("the detaching was half done, and was finished"),
                )
                .await?;
                Ok(true)
            }
            Evidence::Repeatable => Ok(false),
        }
    }

    /// Ends a detaching that was left half way. Unlike its first half this locks the partition
    /// against everybody while it waits, and so it has the lock timeout of any other statement.
    async fn finish_detaching(
        &self,
        link: &mut Link<'_>,
        index: usize,
        baseline: &Baseline,
    ) -> Result<(), Box<Stop>> {
        let concurrent = self.script.class(index).concurrent.as_deref();
        let Some(Concurrent::Detach { parent, partition }) = concurrent else {
            return Ok(());
        };
        let text = format!(
            "alter table {} detach partition {} finalize",
            parent.quoted(),
            partition.quoted()
        );
        let bare = Bare {
            index,
            text: &text,
            concurrent,
            baseline,
            lock_timeout: self.setup.policy.lock_timeout,
            finishes: true,
        };
        self.send_bare(link, bare).await.map(|_| ())
    }

    /// With `IF NOT EXISTS`, somebody else's INVALID index would be taken for the real one.
    async fn refuse_foreign(
        &self,
        session: &Session,
        index: usize,
        concurrent: Option<&Concurrent>,
        baseline: &Baseline,
    ) -> Result<(), Box<Stop>> {
        let invalid = probe::named_invalid(session, concurrent, baseline)
            .await
            .map_err(|failure| own("could not ask the catalog", failure))?;
        match invalid {
            Some(found) => Err(Box::new(Stop::ForeignInvalidIndex {
                index: found.name,
                snippet: Some(self.script.snippet(index, None)),
            })),
            None => Ok(()),
        }
    }

    /// Sends the statement until it is done, tidies up after each failure, and journals the last.
    async fn send_bare(&self, link: &mut Link<'_>, bare: Bare<'_>) -> Result<u32, Box<Stop>> {
        let policy = self.setup.policy;
        let mut tries = Tries::new(policy, self.setup.deadlock_timeout);
        let mut lock_timeout = bare.lock_timeout;
        loop {
            let driven = self.try_bare(link, bare, lock_timeout).await;
            let failure = match driven.result {
                Some(Ok(())) => return Ok(tries.failed()),
                Some(Err(failure)) => failure,
                None => no_answer(),
            };
            if is_gone(&failure) || driven.cancelled == Some(Cancelled::NoAnswer) {
                return Err(Box::new(Stop::ConnectionLost { failure }));
            }
            let clean = self.tidy(link, bare, driven.cancelled.as_ref()).await?;
            let retryable = matches!(failure.kind(), Kind::LockTimeout | Kind::Deadlock)
                || driven.cancelled == Some(Cancelled::LockWait);
            if clean
                && retryable
                && let Next::Try {
                    wait,
                    lock_timeout: longer,
                } = tries.next(&driven.blockers)
            {
                if !bare.lock_timeout.is_zero() {
                    lock_timeout = longer;
                }
                let again = Again {
                    migration: self.migration,
                    kept: bare.index,
                    attempt: tries.failed(),
                    of: policy.retries,
                    wait,
                };
                wait_for_retry(link, again, &failure, driven.blockers).await?;
                continue;
            }
            if clean && !bare.finishes {
                let message = Some(failure.message.as_str());
                self.write_journal(link.session, bare.index, StatementState::Failed, message)
                    .await?;
            } else if !clean && link.interrupt.is_set() {
                return Err(Box::new(Stop::Interrupted { kept: bare.index }));
            }
            let locked = (clean && retryable).then(|| tries.failed());
            return Err(Box::new(self.bare_stop(
                bare,
                failure,
                driven.cancelled,
                driven.blockers,
                locked,
            )));
        }
    }

    /// Sends the statement once.
    async fn try_bare(
        &self,
        link: &mut Link<'_>,
        bare: Bare<'_>,
        lock_timeout: Duration,
    ) -> Driven<Result<(), DbFailure>> {
        let policy = self.setup.policy;
        let settings = format!(
            "set lock_timeout = {}; set statement_timeout = {}",
            lock_timeout.as_millis(),
            policy.statement_timeout.as_millis()
        );
        let (sender, answers) = mpsc::unbounded_channel();
        let session = link.session;
        let work = async {
            session.run(&settings).await?;
            let _ = sender.send(Answer::Begun);
            session.run_users(bare.text).await?;
            let _ = sender.send(Answer::Statement(bare.index));
            Ok::<(), DbFailure>(())
        };
        let budget = policy.concurrent_budget;
        let has_budget = bare.concurrent.is_some() && !budget.is_zero();
        let limits = Limits {
            lock_hold: self.setup.lock_hold,
            lock_wait: (!lock_timeout.is_zero()).then(|| lock_timeout.saturating_mul(3)),
            total: has_budget.then_some(budget),
        };
        let heading = Heading {
            migration: self.migration,
            statements: bare.index..self.script.len(),
            limits,
        };
        drive(link, &[heading], answers, work, &mut ()).await
    }

    /// Gives a failure that is not tried again its name.
    fn bare_stop(
        &self,
        bare: Bare<'_>,
        failure: DbFailure,
        cancelled: Option<Cancelled>,
        blockers: Vec<Blocker>,
        locked: Option<u32>,
    ) -> Stop {
        let index = bare.index;
        let text = self.script.text(index);
        let offset = (!bare.finishes).then(|| failure.caret_in(text));
        let snippet = Some(self.script.snippet(index, offset.flatten()));
        match (cancelled, locked) {
            (Some(Cancelled::Interrupt | Cancelled::NoAnswer), _) => {
                Stop::Interrupted { kept: index }
            }
            (Some(Cancelled::Total), _) => Stop::OverBudget {
                budget: self.setup.policy.concurrent_budget,
                snippet,
                blockers,
                kept: index,
            },
            (Some(Cancelled::LockHeld(relation)), _) => Stop::HeldTooLong {
                relation,
                limit: self.setup.lock_hold.unwrap_or_default(),
                snippet,
            },
            (_, Some(tries)) => Stop::Locked {
                tries,
                snippet,
                blockers,
                failure,
                kept: index,
            },
            _ => Stop::Statement {
                index,
                of: self.script.len(),
                snippet,
                failure,
                kept: index,
            },
        }
    }

    /// Drops the INVALID index that a failed `CONCURRENTLY` leaves; returns whether the statement
    /// has left nothing. Where it has, its intent stays open in the journal, and the next run
    /// settles it.
    async fn tidy(
        &self,
        link: &mut Link<'_>,
        bare: Bare<'_>,
        cancelled: Option<&Cancelled>,
    ) -> Result<bool, Box<Stop>> {
        if bare.concurrent.is_none() || bare.finishes {
            return Ok(true);
        }
        let left = probe::evidence(link.session, bare.concurrent, None, bare.baseline)
            .await
            .map_err(|failure| own("could not ask the catalog", failure))?;
        match left {
            Evidence::DidNot { leftovers } => {
                let patience = cancelled.map(|_| TIDY_PATIENCE);
                invalid_index::drop_all(link, self.migration, &leftovers, patience).await
            }
            Evidence::Repeatable => Ok(true),
            // A statement that failed by itself did not happen, whatever is there now.
            Evidence::Happened(_) => Ok(cancelled.is_none()),
            Evidence::HalfDetached => {
                link.sink.event(&RunEvent::Warning {
                    problem: Problem::new(
                        "half-detached",
                        "the partition is detached half way: its table does not show its rows any more",
                    )
                    .hint("the next apply finishes it"),
                });
                Ok(false)
            }
        }
    }
}

/// Makes the stop for one of evmig's own queries.
pub fn own(what: &'static str, failure: DbFailure) -> Box<Stop> {
    Box::new(if is_gone(&failure) {
        Stop::ConnectionLost { failure }
    } else {
        Stop::Own { what, failure }
    })
}

/// Identifies a statement's text in the journal; line endings do not count.
fn sha256_of(text: &str) -> String {
    checksum::sha256(text)
}
