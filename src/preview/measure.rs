//! Makes locks and work of what the server answers between two statements.

use std::cell::LazyCell;
use std::collections::{HashMap, HashSet};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::documented::Documented;
use crate::pg::session::Row;
use crate::project::script::Script;
use crate::report::dry_run::{LockMode, RelationKind, Source, StatementLock, WorkKind};
use crate::sql::classify::Verb;

/// What the server said of one relation.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Seen {
    oid: u32,
    mode: Option<LockMode>,
    relation: Option<Relation>,
}

/// A relation as the catalog has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Relation {
    pub(super) schema: String,
    pub(super) name: String,
    /// `pg_class.relkind`.
    kind: char,
    file: Option<u32>,
    scans: i64,
    /// The table of an index or of large values.
    owner: Option<u32>,
}

impl Relation {
    fn kind(&self) -> RelationKind {
        match self.kind {
            _ if self.schema == "pg_toast" => RelationKind::Toast,
            'r' | 'p' => RelationKind::Table,
            'i' | 'I' => RelationKind::Index,
            'S' => RelationKind::Sequence,
            'v' => RelationKind::View,
            'm' => RelationKind::MaterializedView,
            't' => RelationKind::Toast,
            _ => RelationKind::Other,
        }
    }

    /// Returns `schema.name`.
    pub(super) fn shown(&self) -> String {
        format!("{}.{}", self.schema, self.name)
    }

    fn has_rows(&self) -> bool {
        matches!(self.kind, 'r' | 'p' | 'm')
    }
}

/// One answer.
#[derive(Debug, Clone, Default)]
pub(super) struct Answer {
    /// Seconds on the server's clock when the question began and ended.
    began: f64,
    ended: f64,
    seen: Vec<Seen>,
}

impl Answer {
    /// Reads the rows of `relations.sql` or `locks.sql`.
    pub(super) fn read(rows: &[Row]) -> Self {
        let seconds = |row: &Row, at| row.get(at).and_then(|text| text.parse().ok());
        Self {
            began: rows
                .first()
                .and_then(|row| seconds(row, 0))
                .unwrap_or_default(),
            ended: rows
                .iter()
                .filter_map(|row| seconds(row, 1))
                .fold(0.0, f64::max),
            seen: rows.iter().filter_map(seen).collect(),
        }
    }
}

fn seen(row: &Row) -> Option<Seen> {
    let oid = |at| row.number(at).and_then(|number| u32::try_from(number).ok());
    let relation = || {
        Some(Relation {
            schema: row.get(4)?.to_owned(),
            name: row.get(5)?.to_owned(),
            kind: row.get(6)?.chars().next()?,
            file: oid(7),
            scans: row.number(8).unwrap_or_default(),
            owner: oid(9),
        })
    };
    let mode = row.number(3).and_then(|number| {
        let at = usize::try_from(number).ok()?.checked_sub(1)?;
        LockMode::ALL.get(at).copied()
    });
    Some(Seen {
        oid: oid(2)?,
        mode,
        relation: relation(),
    })
}

/// What one statement did.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Measured {
    /// Index of the statement in its file.
    pub(super) index: usize,
    /// Number of the transaction that it ran in; a statement outside of any has none.
    pub(super) transaction: Option<usize>,
    /// How long it took.
    pub(super) took: Duration,
    /// Locks that its transaction did not hold before, with the relation's oid.
    pub(super) locks: Vec<(u32, StatementLock)>,
    /// What it did to rows.
    pub(super) work: Vec<(u32, WorkKind)>,
    /// Whether its locks are known: what runs outside of a transaction leaves none to be seen.
    pub(super) known: bool,
}

/// Follows one file.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Meter {
    /// The relations before the first pending statement of all: what others can be using.
    pub(super) at_first: Option<HashMap<u32, Relation>>,
    /// As they were before the transaction.
    before: HashMap<u32, Relation>,
    /// As they were after the statement before.
    now: HashMap<u32, Relation>,
    held: HashMap<u32, LockMode>,
    /// What relations were called whose rows a statement worked on: they may be gone later.
    names: HashMap<u32, String>,
    last: f64,
    transaction: usize,
    done: Vec<Measured>,
    /// Whether all files share a transaction that is rolled back: what one locks stays locked.
    is_rolled_back: bool,
}

impl Meter {
    /// Makes the meter of files that share a transaction.
    pub(super) fn of_one_transaction() -> Self {
        Self {
            is_rolled_back: true,
            ..Self::default()
        }
    }

    /// Returns whether the files share a transaction that is rolled back.
    pub(super) fn is_rolled_back(&self) -> bool {
        self.is_rolled_back
    }

    /// Takes in what the server answered before the first statement, or after one.
    pub(super) fn take(&mut self, script: &Script, index: Option<usize>, answer: &Answer) {
        let Some(index) = index else {
            self.begin(answer);
            return;
        };
        let verb = script.class(index).verb;
        let work = self.work(answer, verb);
        let locks = self.new_locks(answer);
        self.name(&work);
        for seen in &answer.seen {
            if let Some(relation) = &seen.relation {
                self.now.insert(seen.oid, relation.clone());
            }
        }
        self.done.push(Measured {
            index,
            transaction: Some(self.transaction),
            took: Duration::from_secs_f64((answer.began - self.last).max(0.0)),
            locks,
            work,
            known: true,
        });
        self.last = answer.ended;
    }

    fn begin(&mut self, answer: &Answer) {
        let relation = |seen: &Seen| Some((seen.oid, seen.relation.clone()?));
        self.now = answer.seen.iter().filter_map(relation).collect();
        if self.at_first.is_none() {
            self.at_first = Some(self.now.clone());
        }
        if !self.is_rolled_back || self.before.is_empty() {
            self.before.clone_from(&self.now);
            self.held.clear();
        }
        self.last = answer.ended;
    }

    /// Notes a statement that ran outside of any transaction, with what is documented of it by the
    /// oids of the relations; `before` are all relations before it.
    pub(super) fn bare(
        &mut self,
        index: usize,
        took: Duration,
        before: &Answer,
        documented: Option<&[(u32, Documented)]>,
    ) {
        self.begin(before);
        let all = || documented.unwrap_or_default().iter();
        let lock = |oid: u32, mode: LockMode| {
            let relation = self.before.get(&oid)?;
            let lock = StatementLock {
                relation: relation.shown(),
                kind: relation.kind(),
                mode,
                blocks: mode.blocks(),
                source: Source::Documented,
                new: false,
            };
            Some((oid, lock))
        };
        // Whoever locks an index locks its table, too.
        let locks = all().flat_map(|(oid, known)| {
            let table = self.before.get(oid).and_then(|relation| relation.owner);
            let locked = table.into_iter().chain([*oid]);
            locked.filter_map(|oid| lock(oid, known.mode))
        });
        let mut told = HashSet::new();
        let locks = locks.filter(|(oid, _)| told.insert(*oid));
        let work = |(oid, known): &(u32, Documented)| {
            let relation = self.before.get(oid)?;
            Some((relation.owner.unwrap_or(*oid), known.work?))
        };
        let measured = Measured {
            index,
            transaction: None,
            took,
            locks: locks.collect(),
            work: all().filter_map(work).collect(),
            known: documented.is_some(),
        };
        self.name(&measured.work);
        self.done.push(measured);
    }

    /// Returns the number of the transaction that is next.
    pub(super) fn transaction(&self) -> usize {
        self.transaction
    }

    fn name(&mut self, work: &[(u32, WorkKind)]) {
        for (oid, _) in work {
            if let Some(relation) = self.now.get(oid) {
                self.names.insert(*oid, relation.shown());
            }
        }
    }

    /// Says that a transaction is over.
    pub(super) fn ended(&mut self) {
        self.transaction += 1;
    }

    /// Returns what was measured since the last time.
    pub(super) fn finish(&mut self) -> Vec<Measured> {
        std::mem::take(&mut self.done)
    }

    fn new_locks(&mut self, answer: &Answer) -> Vec<(u32, StatementLock)> {
        let mut locks = Vec::new();
        for seen in &answer.seen {
            let Some(mode) = seen.mode else { continue };
            let before = self.held.insert(seen.oid, mode);
            if before.is_some_and(|before| before >= mode) {
                self.held.insert(seen.oid, before.unwrap_or(mode));
                continue;
            }
            // What is dropped is in the catalog no more; and it is told by the name it had.
            let known = self.now.get(&seen.oid).or(seen.relation.as_ref());
            let Some(relation) = known.filter(|known| !known.schema.starts_with("pg_temp")) else {
                continue;
            };
            locks.push((
                seen.oid,
                StatementLock {
                    relation: relation.shown(),
                    kind: relation.kind(),
                    mode,
                    blocks: mode.blocks(),
                    source: Source::Measured,
                    new: !self.before.contains_key(&seen.oid),
                },
            ));
        }
        locks.sort_by(|(_, a), (_, b)| b.mode.cmp(&a.mode).then(a.relation.cmp(&b.relation)));
        locks
    }

    /// What a new file or a scan more says that was done to rows that were there before.
    fn work(&self, answer: &Answer, verb: Verb) -> Vec<(u32, WorkKind)> {
        let pairs = || {
            answer.seen.iter().filter_map(|seen| {
                let relation = seen.relation.as_ref()?;
                Some((seen.oid, self.now.get(&seen.oid)?, relation))
            })
        };
        let is_rewritten = |before: &Relation, after: &Relation| {
            after.has_rows() && before.file.is_some() && before.file != after.file
        };
        // An index that is made anew over the same rows may keep its file.
        let is_kept = |file: Option<u32>| self.now.values().any(|before| before.file == file);
        // Few statements scan anything, and to tell takes a look at all relations.
        let built = LazyCell::new(|| {
            let owner = |seen: &Seen| {
                let relation = seen.relation.as_ref()?;
                let is_index = relation.kind() == RelationKind::Index;
                (is_index && !is_kept(relation.file)).then_some(relation.owner)?
            };
            answer.seen.iter().filter_map(owner).collect::<Vec<u32>>()
        });
        let mut work: Vec<(u32, WorkKind)> = pairs()
            .filter(|(oid, ..)| self.before.contains_key(oid))
            .filter_map(|(oid, before, after)| {
                let kind = if is_rewritten(before, after) && verb == Verb::Truncate {
                    WorkKind::Truncate
                } else if is_rewritten(before, after) {
                    WorkKind::Rewrite
                } else if after.has_rows() && after.scans > before.scans {
                    if built.contains(&oid) {
                        WorkKind::IndexBuild
                    } else {
                        WorkKind::Scan
                    }
                } else {
                    return None;
                };
                Some((oid, kind))
            })
            .collect();
        if verb == Verb::Alter && !work.is_empty() {
            work.extend(self.looked_up(answer, &work));
        }
        work.sort_by_key(|(oid, _)| *oid);
        work
    }

    /// The tables that the rows of a scanned one are looked up in. A foreign key is proved by a join,
    /// which does not come to the second table where the first is empty, as it is here; but only the
    /// referenced table is locked in one of these modes.
    fn looked_up(&self, answer: &Answer, work: &[(u32, WorkKind)]) -> Vec<(u32, WorkKind)> {
        let is_scanned = |oid: u32| work.iter().any(|(other, _)| *other == oid);
        let looked_up = answer.seen.iter().filter(|seen| {
            let fits = matches!(
                seen.mode,
                Some(LockMode::RowShare | LockMode::ShareRowExclusive)
            );
            let has_rows = |relation: &Relation| relation.kind == 'r';
            fits && self.before.get(&seen.oid).is_some_and(has_rows)
                && !self.held.contains_key(&seen.oid)
                && !is_scanned(seen.oid)
        });
        looked_up.map(|seen| (seen.oid, WorkKind::Scan)).collect()
    }

    /// Returns a relation as it was before the first pending statement.
    pub(super) fn at_first(&self, oid: u32) -> Option<&Relation> {
        self.at_first.as_ref()?.get(&oid)
    }

    /// Returns what a relation is called after the last statement.
    pub(super) fn shown_now(&self, oid: u32) -> String {
        let name = self.now.get(&oid).map(Relation::shown);
        name.or_else(|| self.names.get(&oid).cloned())
            .unwrap_or_else(|| oid.to_string())
    }

    /// Returns the table that an index or a table of large values belongs to.
    pub(super) fn owner(&self, oid: u32) -> Option<u32> {
        // An index that was made anew has another oid; its old one is known from before.
        let known = self.now.get(&oid).or_else(|| self.at_first(oid))?;
        known.owner
    }
}
