//! Whether there is a fresh backup: what protected environments may ask for before a run.

use std::path::Path;
use std::time::Duration;

use super::error::RunError;
use super::open::Opened;
use crate::backup::error::BackupError;
use crate::backup::ledger::{Ledger, Remembered};
use crate::backup::verify::is_there;
use crate::pg::error::DbFailure;
use crate::pg::probe::ServerFacts;
use crate::pg::session::Session;

/// What is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BackupDemand {
    /// How old the newest backup may be.
    pub max_age: Duration,
    /// This machine: a backup that was made on it must still be there.
    pub host: String,
    /// Why the run goes on without one, where somebody said so.
    pub waived: Option<String>,
    /// The schema of the history.
    pub history_schema: String,
    /// The run.
    pub run: String,
}

/// There is no backup that is fresh enough.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no backup of this database that is fresh enough")]
pub struct StaleBackup {
    /// How old the newest backup may be.
    pub max_age: Duration,
    /// The newest that there is, for people.
    pub newest: Option<String>,
    /// What is wrong with those that are fresh enough.
    pub unusable: Vec<String>,
}

/// Looks for the backup that is asked for, if one is.
pub async fn check(demand: Option<&BackupDemand>, opened: &Opened) -> Result<(), RunError> {
    match demand {
        Some(demand) => demand.check(&opened.session, &opened.facts).await,
        None => Ok(()),
    }
}

impl BackupDemand {
    /// Looks for a backup of this very database that is fresh enough and, where it was made on this
    /// machine, still there. A waiver is written down where it was needed.
    async fn check(&self, session: &Session, facts: &ServerFacts) -> Result<(), RunError> {
        let ledger = Ledger::new(&self.history_schema);
        let found = ledger
            .newest(session, facts.system_identifier.as_deref())
            .await
            .map_err(failed)?;
        let mut unusable = Vec::new();
        for one in found
            .iter()
            .filter(|one| one.age_seconds <= self.max_age.as_secs())
        {
            match self.usable(one) {
                Ok(()) => return Ok(()),
                Err(reason) => unusable.push(format!("{}: {reason}", one.path)),
            }
        }
        if let Some(reason) = &self.waived {
            return ledger
                .waived(session, &self.run, &self.host, reason)
                .await
                .map_err(failed);
        }
        let newest = found
            .first()
            .map(|one| format!("{} on {}, taken at {}", one.path, one.host, one.taken_at));
        Err(RunError::StaleBackup(Box::new(StaleBackup {
            max_age: self.max_age,
            newest,
            unusable,
        })))
    }

    /// One that was made elsewhere cannot be looked at; what the database says of it counts.
    fn usable(&self, one: &Remembered) -> Result<(), String> {
        if one.host != self.host {
            return Ok(());
        }
        is_there(Path::new(&one.path), &one.manifest_sha256)
    }
}

fn failed(error: BackupError) -> RunError {
    let what = "could not use the list of backups";
    match error {
        BackupError::Own { failure, .. } => RunError::Own { what, failure },
        other => RunError::own(what)(DbFailure::protocol(&other.to_string())),
    }
}
