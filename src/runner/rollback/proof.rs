//! Whether a rollback led to what was there before, and what is said of it.

use super::error::RollbackError;
use super::run::Run;
use crate::pg::error::DbFailure;
use crate::report::event::{EventSink, RunEvent};
use crate::report::problem::Problem;
use crate::report::rollback::{Checked, Proven};
use crate::runner::checkpoint::On;
use crate::runner::drift;
use crate::runner::error::RunError;
use crate::runner::proof::{self, Expected, Proof, ProofError, Unproven};

impl Run<'_> {
    /// Looks what the catalog is to be afterwards, and remembers what it is. A catalog that cannot be
    /// read is no reason to leave everything as it is: then nothing is proven, and that is said.
    pub(super) async fn expect(&mut self, sink: &mut dyn EventSink) -> Result<(), RollbackError> {
        if !self.has_checkpoints {
            return Ok(());
        }
        let session = &self.opened.session;
        let own = || RunError::own("could not look at the catalog");
        let begin = format!("begin; {}", self.setup.own_prefix());
        session.run(&begin).await.map_err(own())?;
        let keys: Vec<_> = self
            .plan
            .pieces
            .iter()
            .map(|piece| piece.layer.key.clone())
            .collect();
        let on = On::server(&self.opened.facts);
        let rows = &self.history.rows;
        let looked = proof::before(session, on, &self.store, rows, &keys).await;
        let expected = match looked {
            Ok(expected) => expected,
            Err(error) => {
                session.run("rollback").await.map_err(own())?;
                sink.event(&unreadable(&error));
                return Ok(());
            }
        };
        if !self.request.dry_run {
            let run = &self.request.run;
            expected.remember(session, &self.store, run).await?;
        }
        session.run("commit").await.map_err(own())?;
        if !expected.drift().is_empty() {
            sink.event(&drifted(&expected));
        }
        self.expected = Some(expected);
        Ok(())
    }
}

fn unreadable(error: &ProofError) -> RunEvent {
    use std::error::Error as _;
    let problem = Problem::new(
        "not-provable",
        "the way back cannot be proven: what the catalog is cannot be read",
    );
    let detail = match error.source() {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    };
    RunEvent::Warning {
        problem: problem.detail(detail),
    }
}

fn drifted(expected: &Expected) -> RunEvent {
    let objects: Vec<String> = expected.drift().iter().map(drift::line).collect();
    let problem = Problem::new(
        "drift",
        "the catalog was changed by something else than evmig since the last run",
    )
    .detail(objects.join("\n"))
    .hint("what that changed is left as it is, and is not held against the rollback");
    RunEvent::Warning { problem }
}

/// Returns the server's answer, where a proof failed by one: a lock that was not obtained is worth
/// another try.
pub(super) fn failure(error: &ProofError) -> Option<&DbFailure> {
    use crate::catalog::error::CatalogError;
    use crate::history::error::HistoryError;
    match error {
        ProofError::Catalog(CatalogError::Query { failure })
        | ProofError::History(HistoryError::Query { failure, .. }) => Some(failure),
        _ => None,
    }
}

/// Returns a proof as it is reported.
pub(super) fn checked(proof: Proof) -> Checked {
    match proof {
        Proof::Proven { by_others } => Checked {
            proven: Proven::Yes,
            by_others,
            ..Checked::default()
        },
        Proof::Differs { differences } => Checked {
            proven: Proven::Differs,
            changes: differences,
            ..Checked::default()
        },
        Proof::NotProven { why, changed } => Checked {
            proven: Proven::No,
            why: Some(
                match why {
                    Unproven::NoCheckpoint => {
                        "the history has no picture of the catalog at that place"
                    }
                    Unproven::NotKept => {
                        "something else has changed the catalog since, and its picture of then is \
                         not kept"
                    }
                }
                .to_owned(),
            ),
            changes: changed,
            ..Checked::default()
        },
    }
}
