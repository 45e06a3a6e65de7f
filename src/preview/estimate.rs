//! Makes times of what was measured and of the target's sizes; what nothing is known of gets none.

use std::time::Duration;

use super::measure::{Measured, Meter};
use super::past::{self, Past};
use super::size::{Size, Sizes};
use super::speed::Speeds;
use super::unproved;
use crate::project::script::Script;
use crate::report::dry_run::{
    Basis, Blocks, DryStatement, Estimate, HeldLock, LockMode, RelationKind, StatementLock, Work,
    WorkKind,
};
use crate::report::place::Place;
use crate::sql::classify::Verb;

/// Below this a table's rows are read in less time than the catalog is changed in.
pub(super) const LITTLE: u64 = 64 << 10;

/// What estimates rest on.
pub(super) struct Grounds<'a> {
    pub(super) meter: &'a Meter,
    pub(super) sizes: &'a Sizes,
    /// `None` where none had to be measured, or none could.
    pub(super) speeds: Option<Speeds>,
    /// What earlier runs on the target took.
    pub(super) past: Past,
    /// Functions that build statements at run time.
    pub(super) dynamic: &'a [String],
    /// Whether the statements ran on the target itself.
    pub(super) on_target: bool,
}

/// A statement with what estimating its locks takes.
pub(super) struct Judged {
    pub(super) statement: DryStatement,
    /// The oids of its locks, in their order.
    oids: Vec<u32>,
    pub(super) transaction: Option<usize>,
}

/// Names of the relations whose sizes are needed.
pub(super) fn relations(meter: &Meter, all: &[Measured]) -> Vec<(String, String)> {
    let mut names = Vec::new();
    for measured in all {
        let locked = measured.locks.iter().map(|(oid, _)| *oid);
        for oid in locked.chain(measured.work.iter().map(|(oid, _)| *oid)) {
            if let Some(relation) = meter.at_first(oid) {
                names.push((relation.schema.clone(), relation.name.clone()));
            }
        }
    }
    names
}

fn split(shown: &str) -> Option<(String, String)> {
    let (schema, name) = shown.split_once('.')?;
    Some((schema.to_owned(), name.to_owned()))
}

impl Grounds<'_> {
    /// Judges one statement of a file; `measured` is `None` where it did not run, `earlier` are the locks
    /// that its transaction had already.
    pub(super) fn statement(
        &self,
        script: &Script,
        index: usize,
        measured: Option<&Measured>,
        earlier: &[StatementLock],
    ) -> Judged {
        let (locks, oids) = self.locks(measured);
        let work = self.work(measured);
        let verb = script.class(index).verb;
        let unknown_locks = measured.is_some_and(|measured| !measured.known);
        let unproved = unproved::reason(script, index, self.dynamic).or_else(|| {
            unknown_locks.then(|| {
                "it runs outside of a transaction, where its locks cannot be seen".to_owned()
            })
        });
        let estimate = measured.map(|measured| {
            let waits = script.class(index).concurrent.is_some();
            let held: Vec<_> = earlier.iter().chain(&locks).collect();
            self.estimate(verb, measured.took, &held, &work, waits)
        });
        let statement = DryStatement {
            place: script.snippet(index, None).place,
            sql: script.text(index).to_owned(),
            tried: measured.is_some(),
            locks,
            work,
            duration_ms: measured.map(|measured| milliseconds(measured.took)),
            estimate,
            unproved,
        };
        Judged {
            statement,
            oids,
            transaction: measured.and_then(|measured| measured.transaction),
        }
    }

    fn locks(&self, measured: Option<&Measured>) -> (Vec<StatementLock>, Vec<u32>) {
        let seen = measured.iter().flat_map(|measured| &measured.locks);
        seen.map(|(oid, lock)| {
            let lock = StatementLock {
                new: self.meter.at_first(*oid).is_none(),
                ..lock.clone()
            };
            (lock, *oid)
        })
        .unzip()
    }

    fn work(&self, measured: Option<&Measured>) -> Vec<Work> {
        let seen = measured.iter().flat_map(|measured| &measured.work);
        seen.map(|&(oid, kind)| match self.meter.at_first(oid) {
            Some(relation) => {
                let size = self.sizes.get(&relation.schema, &relation.name);
                work(relation.shown(), kind, size)
            }
            // An earlier file of this run made it: it has no rows but what that put there.
            None => work(self.meter.shown_now(oid), kind, Some(Size::default())),
        })
        .collect()
    }

    fn size_of(&self, relation: &str) -> Option<Size> {
        let (schema, name) = split(relation)?;
        self.sizes.get(&schema, &name)
    }

    /// Estimates one statement.
    fn estimate(
        &self,
        verb: Verb,
        took: Duration,
        locks: &[&StatementLock],
        work: &[Work],
        waits: bool,
    ) -> Estimate {
        let ms = milliseconds(took);
        if self.on_target {
            return Estimate {
                ms: Some(ms),
                basis: Basis::Target,
                reason: "it took this long on the target".to_owned(),
            };
        }
        if let Some(relation) = self.rows_decide(verb, locks, work) {
            return unknown(format!(
                "it depends on the rows that it finds in {relation}"
            ));
        }
        let mut total = 0.0;
        let mut reasons = Vec::new();
        let mut all_here = true;
        for one in work.iter().filter(|one| one.work != WorkKind::Truncate) {
            let Some(bytes) = one.bytes else {
                return unknown(format!("the size of {} is not known", one.relation));
            };
            if bytes < LITTLE {
                continue;
            }
            let Some((speed, reason)) = self.speed(one.work) else {
                return unknown("no speed could be measured".to_owned());
            };
            all_here &= self.past.of(one.work).is_some();
            total += bytes as f64 / speed;
            reasons.push(reason);
        }
        if reasons.is_empty() {
            let also = if waits {
                ", without its waits for others"
            } else {
                ""
            };
            return Estimate {
                ms: Some(ms),
                basis: Basis::Shadow,
                reason: format!("it took this long in the throw-away database{also}"),
            };
        }
        reasons.dedup();
        let also = if waits {
            "; it also waits for others"
        } else {
            ""
        };
        Estimate {
            // Where the history has put rows into the throw-away database, too, it took that long.
            ms: Some(f64::max(total, ms)),
            basis: if all_here {
                Basis::History
            } else {
                Basis::Speed
            },
            reason: format!("the target's bytes at {}{also}", reasons.join(" and at ")),
        }
    }

    /// Returns how many bytes a kind of work does in a millisecond, and how that is known: best from the target itself.
    fn speed(&self, work: WorkKind) -> Option<(f64, String)> {
        // Bytes in a millisecond are kilobytes in a second.
        let shown = |speed: f64| match speed / 1000.0 {
            slow if slow < 10.0 => format!("{slow:.1} MB/s"),
            fast => format!("{fast:.0} MB/s"),
        };
        if let Some(pace) = self.past.of(work) {
            let said = format!("{}, measured here on {}", shown(pace.speed), pace.told);
            return Some((pace.speed, said));
        }
        let speed = self.speeds?.of(work)?;
        let said = format!(
            "{}, measured in memory on the throw-away server: the target's history remembers no {}",
            shown(speed),
            past::word(work)
        );
        Some((speed, said))
    }

    /// Returns the relation whose rows decide how long a statement takes. A lock that its transaction
    /// had already is not new, and so all that are held count.
    fn rows_decide<'l>(
        &self,
        verb: Verb,
        locks: &[&'l StatementLock],
        work: &'l [Work],
    ) -> Option<&'l str> {
        let is_much = |one: &&Work| one.bytes.is_some_and(|bytes| bytes >= LITTLE);
        if matches!(verb, Verb::Insert | Verb::Copy) {
            return work.iter().find(is_much).map(|one| one.relation.as_str());
        }
        let least = match verb {
            Verb::Update | Verb::Delete | Verb::Merge | Verb::With => LockMode::RowExclusive,
            Verb::Do | Verb::Call | Verb::Select | Verb::Refresh => LockMode::AccessShare,
            _ => return None,
        };
        let lock = locks.iter().filter(|lock| {
            lock.mode >= least
                && !lock.new
                && matches!(
                    lock.kind,
                    RelationKind::Table | RelationKind::MaterializedView
                )
        });
        let full = |lock: &&&'l StatementLock| {
            self.size_of(&lock.relation)
                .is_some_and(|size| size.bytes >= LITTLE)
        };
        lock.into_iter()
            .find(full)
            .map(|lock| lock.relation.as_str())
    }

    /// Returns the locks that a file holds on what others use, strongest first.
    pub(super) fn held(&self, migration: &str, judged: &[Judged]) -> Vec<HeldLock> {
        let mut held: Vec<(u32, HeldLock)> = Vec::new();
        for (at, one) in judged.iter().enumerate() {
            let last = match one.transaction {
                Some(number) => judged
                    .iter()
                    .rposition(|other| other.transaction == Some(number))
                    .unwrap_or(at),
                None => at,
            };
            for (lock, oid) in one.statement.locks.iter().zip(&one.oids) {
                if lock.new || !is_worth_telling(lock) {
                    continue;
                }
                let entry = self.entry(migration, lock, &one.statement.place, &judged[at..=last]);
                let known = held.iter_mut().find(|(_, other)| {
                    other.relation == entry.relation && other.mode <= entry.mode
                });
                match known {
                    Some(known) => *known = (*oid, entry),
                    None => held.push((*oid, entry)),
                }
            }
        }
        let all = held.clone();
        let is_its_tables = |oid: u32, entry: &HeldLock| {
            self.meter.owner(oid).is_some_and(|owner| {
                all.iter()
                    .any(|(other, table)| *other == owner && table.blocks >= entry.blocks)
            })
        };
        // Who locks a table need not be told of its indexes.
        held.retain(|(oid, entry)| !is_its_tables(*oid, entry));
        let mut held: Vec<HeldLock> = held.into_iter().map(|(_, entry)| entry).collect();
        sort(&mut held);
        held
    }

    fn entry(
        &self,
        migration: &str,
        lock: &StatementLock,
        place: &Place,
        during: &[Judged],
    ) -> HeldLock {
        let size = self.size_of(&lock.relation);
        let mut work: Vec<WorkKind> = during
            .iter()
            .flat_map(|one| &one.statement.work)
            .filter(|work| work.relation == lock.relation)
            .map(|work| work.work)
            .collect();
        work.dedup();
        HeldLock {
            relation: lock.relation.clone(),
            kind: lock.kind,
            mode: lock.mode,
            blocks: lock.blocks,
            source: lock.source,
            migration: migration.to_owned(),
            place: place.clone(),
            work,
            bytes: size.map(|size| size.bytes),
            rows: size.and_then(|size| size.rows),
            held: sum(during),
        }
    }
}

/// Strongest first, then longest; what is not known might be longest of all.
pub(super) fn sort(held: &mut [HeldLock]) {
    let length = |lock: &HeldLock| lock.held.ms.unwrap_or(f64::INFINITY);
    held.sort_by(|a, b| {
        let stronger = (b.blocks, b.mode).cmp(&(a.blocks, a.mode));
        stronger
            .then(length(b).total_cmp(&length(a)))
            .then(a.relation.cmp(&b.relation))
    });
}

/// A weak lock on a table is no news, and that on its large values is the table's.
fn is_worth_telling(lock: &StatementLock) -> bool {
    lock.mode >= LockMode::ShareUpdateExclusive
        && lock.kind != RelationKind::Toast
        && (lock.kind != RelationKind::Index || lock.blocks != Blocks::Nothing)
}

/// A lock is held to the end of its transaction.
fn sum(during: &[Judged]) -> Estimate {
    let mut total = 0.0;
    let mut best: Option<&Estimate> = None;
    for estimate in during
        .iter()
        .filter_map(|one| one.statement.estimate.as_ref())
    {
        let Some(ms) = estimate.ms else {
            return estimate.clone();
        };
        total += ms;
        if best.is_none() || matches!(estimate.basis, Basis::Speed | Basis::History) {
            best = Some(estimate);
        }
    }
    match best {
        Some(best) => Estimate {
            ms: Some(total),
            ..best.clone()
        },
        None => unknown("nothing was measured".to_owned()),
    }
}

fn unknown(reason: String) -> Estimate {
    Estimate {
        ms: None,
        basis: Basis::Unknown,
        reason,
    }
}

fn work(relation: String, kind: WorkKind, size: Option<Size>) -> Work {
    Work {
        relation,
        work: kind,
        bytes: size.map(|size| match kind {
            WorkKind::Rewrite => size.bytes + size.indexes,
            _ => size.bytes,
        }),
        rows: size.and_then(|size| size.rows),
    }
}

fn milliseconds(took: Duration) -> f64 {
    took.as_secs_f64() * 1000.0
}
