//! Whether a way back led to what was there before: the catalog against the checkpoint that lies at the target.

use std::collections::{BTreeMap, HashMap};

use super::checkpoint::{On, Picture, Remembered};
use crate::catalog::diff::{Change, diff};
use crate::catalog::document::DocumentError;
use crate::catalog::error::CatalogError;
use crate::catalog::model::{Identity, Snapshot};
use crate::catalog::renames::shown_of_one;
use crate::catalog::shown::shown;
use crate::history::checkpoint::{Checkpoint, Moment};
use crate::history::error::HistoryError;
use crate::history::model::{Action, Key, MigrationRow};
use crate::history::store::Store;
use crate::pg::session::Session;
use crate::report::change::ObjectChange;

/// Why nothing can be said.
#[derive(Debug, thiserror::Error)]
pub enum ProofError {
    /// The catalog cannot be read.
    #[error(transparent)]
    Catalog(#[from] CatalogError),
    /// The history cannot be read.
    #[error(transparent)]
    History(#[from] HistoryError),
    /// What the history keeps is no catalog.
    #[error("the catalog {fingerprint} that the history keeps cannot be read")]
    Document {
        /// Its fingerprint.
        fingerprint: String,
        /// Why.
        #[source]
        error: DocumentError,
    },
}

/// What the catalog is to be once the migrations are taken back.
#[derive(Debug)]
pub struct Expected {
    /// What it is now.
    before: Picture,
    /// The newest checkpoint's fingerprint.
    newest: Option<String>,
    /// The checkpoint at the target, and its catalog, where the history keeps it.
    target: Option<(Checkpoint, Option<Remembered>)>,
    /// What was changed since the target by something else than evmig.
    drift: Vec<Change>,
    /// What of it was changed since the newest checkpoint, ready to be shown.
    told: Vec<ObjectChange>,
}

/// Whether the catalog is what it was at the target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Proof {
    /// It is. What was changed by something else than evmig, and was left as it is, does not count.
    Proven {
        /// How many differences of that kind remain.
        by_others: usize,
    },
    /// It is not.
    Differs {
        /// What differs, from the target to what is there now. Empty where the history keeps the fingerprint alone.
        differences: Vec<ObjectChange>,
    },
    /// Nobody can say.
    NotProven {
        /// Why.
        why: Unproven,
        /// What the way back changed.
        changed: Vec<ObjectChange>,
    },
}

/// Why a way back cannot be proven.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unproven {
    /// No checkpoint lies where it leads to: in a long run only the beginning and the end have one.
    NoCheckpoint,
    /// The history keeps the fingerprint of that catalog alone, and something else than evmig has changed it since.
    NotKept,
}

/// Looks, before anything is taken back, what the catalog is to be afterwards. `rows` are all rows of the history;
/// `reverted` are the migrations that are taken back.
///
/// The transaction that will take them back is open.
pub async fn before(
    session: &Session,
    on: On<'_>,
    store: &Store,
    rows: &[MigrationRow],
    reverted: &[Key],
) -> Result<Expected, ProofError> {
    let (picture, checkpoints) = tokio::join!(
        biased;
        Picture::take_within(session, on, store.schema()),
        store.checkpoints(session),
    );
    let (picture, checkpoints) = (picture?, checkpoints?);
    let mut kept = Kept {
        session,
        store,
        cluster: on.cluster,
        read: HashMap::new(),
    };
    let at = target(&checkpoints, rows, reverted);
    let mut drift = Vec::new();
    let since = at.map_or(&[][..], |at| &checkpoints[at..]);
    for (one, next) in since.iter().zip(since.iter().skip(1)) {
        // What a run finds at its beginning was not left so by the run before it.
        if next.moment == Moment::Begin && !was_run_between(one, next, rows) {
            drift.extend(kept.diff(one, next).await?);
        }
    }
    let newest = checkpoints.last();
    let mut told = Vec::new();
    if let Some(newest) = newest
        && newest.fingerprint != picture.fingerprint
        && !was_run_since(newest, rows)
        && let Some(was) = kept.catalog(newest).await?
    {
        told = picture.since(&was);
        drift.extend(diff(&was.snapshot, &picture.snapshot));
    }
    let newest = newest.map(|newest| newest.fingerprint.clone());
    let target = match at.map(|at| checkpoints[at].clone()) {
        Some(checkpoint) => {
            let catalog = kept.catalog(&checkpoint).await?;
            Some((checkpoint, catalog))
        }
        None => None,
    };
    Ok(Expected {
        before: picture,
        newest,
        target,
        drift,
        told,
    })
}

impl Expected {
    /// Returns what somebody else has changed since the newest checkpoint: it is not the way back's doing.
    pub fn drift(&self) -> &[ObjectChange] {
        &self.told
    }

    /// Returns the checkpoint that the catalog is held against.
    pub fn target(&self) -> Option<&Checkpoint> {
        self.target.as_ref().map(|(checkpoint, _)| checkpoint)
    }

    /// Remembers what the catalog was when the run began. To be called before the first row of the run is written to
    /// `migration`.
    pub async fn remember(
        &self,
        session: &Session,
        store: &Store,
        run: &str,
    ) -> Result<(), HistoryError> {
        let known = self.newest.as_deref();
        self.before
            .record(session, store, run, Moment::Begin, known)
            .await
    }

    /// Holds the catalog against the target, in the transaction that took the migrations back. What the catalog is now
    /// is returned too: once the rows are written, [`Picture::record`] makes the run's last checkpoint of it.
    pub async fn compare(
        &self,
        session: &Session,
        store: &Store,
    ) -> Result<(Proof, Picture), ProofError> {
        let after = Picture::take_within(session, self.before.on(), store.schema()).await?;
        let proof = self.judge(&after);
        Ok((proof, after))
    }

    fn judge(&self, after: &Picture) -> Proof {
        let not_proven = |why| Proof::NotProven {
            why,
            changed: shown_of_one(
                (&self.before.snapshot, &self.before.names),
                (&after.snapshot, &after.names),
            ),
        };
        let (checkpoint, was) = match &self.target {
            None => return not_proven(Unproven::NoCheckpoint),
            Some((checkpoint, _)) if checkpoint.fingerprint == after.fingerprint => {
                return Proof::Proven { by_others: 0 };
            }
            Some((checkpoint, was)) => (checkpoint, was),
        };
        debug_assert_ne!(checkpoint.fingerprint, after.fingerprint);
        match was {
            Some(was) => {
                let snapshot = &was.snapshot;
                let changes = diff(snapshot, &after.snapshot);
                let excuse = Excuse {
                    drift: &self.drift,
                    before: &self.before.snapshot,
                    after: &after.snapshot,
                };
                let all = shown(&changes, snapshot, &after.snapshot).len();
                let left: Vec<Change> = changes
                    .into_iter()
                    .filter_map(|change| excuse.rest(change))
                    .collect();
                if left.is_empty() {
                    return Proof::Proven { by_others: all };
                }
                // What is excused is known by the names alone.
                let differences = if self.drift.is_empty() {
                    after.since(was)
                } else {
                    shown(&left, snapshot, &after.snapshot)
                };
                Proof::Differs { differences }
            }
            None if self.drift.is_empty() => Proof::Differs {
                differences: Vec::new(),
            },
            None => not_proven(Unproven::NotKept),
        }
    }
}

/// The catalogs that the history keeps, each read once.
struct Kept<'a> {
    session: &'a Session,
    store: &'a Store,
    cluster: Option<&'a str>,
    read: HashMap<String, Option<Remembered>>,
}

impl Kept<'_> {
    async fn catalog(&mut self, of: &Checkpoint) -> Result<Option<Remembered>, ProofError> {
        let fingerprint = &of.fingerprint;
        if !of.is_kept {
            return Ok(None);
        }
        if let Some(catalog) = self.read.get(fingerprint) {
            return Ok(catalog.clone());
        }
        let read = Remembered::read(self.session, self.store, fingerprint, self.cluster);
        let catalog = read.await?;
        self.read.insert(fingerprint.clone(), catalog.clone());
        Ok(catalog)
    }

    async fn diff(
        &mut self,
        one: &Checkpoint,
        next: &Checkpoint,
    ) -> Result<Vec<Change>, ProofError> {
        if one.fingerprint == next.fingerprint {
            return Ok(Vec::new());
        }
        let (one, next) = (self.catalog(one).await?, self.catalog(next).await?);
        Ok(match (one, next) {
            (Some(one), Some(next)) => diff(&one.snapshot, &next.snapshot),
            _ => Vec::new(),
        })
    }
}

/// Which text of each migration counts; of a repeatable one the older texts lie below.
type Applied<'a> = BTreeMap<&'a Key, Vec<&'a str>>;

/// Takes what was recorded so far into account.
fn note<'a>(applied: &mut Applied<'a>, row: &'a MigrationRow) {
    match row.action {
        Action::Apply | Action::Baseline | Action::Adopt => {
            applied.entry(&row.key).or_default().push(&row.sha256);
        }
        Action::Rollback => take_back(applied, &row.key),
        // The file is another one now, and the database is what it was.
        Action::Repair => {}
    }
}

fn take_back(applied: &mut Applied<'_>, key: &Key) {
    let Some(texts) = applied.get_mut(key) else {
        return;
    };
    texts.pop();
    if texts.is_empty() {
        applied.remove(key);
    }
}

/// Finds the newest checkpoint at which exactly those migrations were applied that will be afterwards.
fn target(checkpoints: &[Checkpoint], rows: &[MigrationRow], reverted: &[Key]) -> Option<usize> {
    let mut wanted = Applied::new();
    for row in rows {
        note(&mut wanted, row);
    }
    for key in reverted {
        take_back(&mut wanted, key);
    }
    let is_same = |applied: &Applied<'_>| {
        applied.len() == wanted.len()
            && applied
                .iter()
                .zip(&wanted)
                .all(|((key, texts), (other, others))| {
                    key == other && texts.last() == others.last()
                })
    };
    let mut applied = Applied::new();
    let mut rows = rows.iter().peekable();
    let mut found = None;
    for (at, checkpoint) in checkpoints.iter().enumerate() {
        while let Some(row) = rows.next_if(|row| Some(row.seq) <= checkpoint.migration_seq) {
            note(&mut applied, row);
        }
        if is_same(&applied) {
            found = Some(at);
        }
    }
    found
}

/// Whether something was run between two checkpoints that they do not tell of.
fn was_run_between(one: &Checkpoint, next: &Checkpoint, rows: &[MigrationRow]) -> bool {
    rows.iter()
        .filter(|row| Some(row.seq) > one.migration_seq && Some(row.seq) <= next.migration_seq)
        .any(changes_the_catalog)
}

fn was_run_since(checkpoint: &Checkpoint, rows: &[MigrationRow]) -> bool {
    rows.iter()
        .filter(|row| Some(row.seq) > checkpoint.migration_seq)
        .any(changes_the_catalog)
}

fn changes_the_catalog(row: &MigrationRow) -> bool {
    matches!(row.action, Action::Apply | Action::Rollback)
}

/// Tells what was changed by others from what the way back has left.
struct Excuse<'a> {
    drift: &'a [Change],
    before: &'a Snapshot,
    after: &'a Snapshot,
}

impl Excuse<'_> {
    /// Returns what of a change is not excused. Excused is what others have changed and the way back has not touched.
    fn rest(&self, change: Change) -> Option<Change> {
        let identity = change.identity();
        let by_others: Vec<&Change> = self
            .drift
            .iter()
            .filter(|one| one.identity() == identity)
            .collect();
        if by_others.is_empty() {
            return Some(change);
        }
        match change {
            Change::Changed {
                identity,
                mut properties,
            } => {
                properties.retain(|one| {
                    !(touches(&by_others, &one.property)
                        && self.is_untouched(&identity, &one.property))
                });
                (!properties.is_empty()).then_some(Change::Changed {
                    identity,
                    properties,
                })
            }
            Change::Reordered { .. } => {
                let mut by_others = by_others.iter();
                let excused = by_others.any(|one| matches!(one, Change::Reordered { .. }));
                (!excused).then_some(change)
            }
            // Whole objects.
            other => {
                let identity = other.identity();
                let untouched = self.before.find(identity) == self.after.find(identity);
                (!untouched).then_some(other)
            }
        }
    }

    fn is_untouched(&self, identity: &Identity, property: &str) -> bool {
        let said = |of: &Snapshot| {
            let object = of.find(identity);
            object.map(|object| object.get(property).map(str::to_owned))
        };
        said(self.before) == said(self.after)
    }
}

fn touches(changes: &[&Change], property: &str) -> bool {
    changes.iter().any(|change| match change {
        Change::Changed { properties, .. } | Change::Renamed { properties, .. } => {
            properties.iter().any(|one| *one.property == *property)
        }
        Change::Added(_) | Change::Removed(_) | Change::Reordered { .. } => true,
    })
}
