//! The trigger bracket: triggers off, work, each trigger back to its own state, and the foreign keys proved.
//!
//! It opens and closes inside a transaction that the caller has begun and will end; after any error the caller rolls
//! back, which undoes everything. In between, other sessions read the tables and nobody else writes to them.
//!
//! ```text
//! begin; set local lock_timeout = …
//! let bracket = Bracket::open(session, &tables, Switch::User).await?;   // before the scripts change role or path
//! …the scripts; then the run's own role and the path that they began with…
//! let closed = bracket.close(session).await?;
//! commit
//! ```
//!
//! A table name without a schema is looked for in the transaction's search path. Names of nothing, or of what has no
//! triggers to switch, are no error ([`Bracket::others`]). A failure whose [`BracketError::failure`] is 55P03 or 40P01
//! is a lock that was not obtained: the whole transaction may be tried again.
//!
//! [`Switch::User`] is enough for most work. The triggers of foreign keys and deferrable unique keys are switched
//! with [`Switch::All`], by name where the role is a superuser; another role that may set `session_replication_role`
//! passes them by, for its own session alone.

mod error;
mod keys;
mod look;
mod own_path;
mod state;
mod uniques;

use std::collections::{HashMap, HashSet};

pub use error::BracketError;
pub use keys::{Exempt, ForeignKey, Proof, Violation};
pub use look::Table;
pub use state::{State, Trigger};
pub use uniques::Double;

use crate::pg::session::{Row, Session};
use crate::sql::name::QualifiedName;
use crate::sql::quote::literal;
use crate::sql::trigger_switch::{TriggerSwitch, trigger_switches};
use look::{Look, look, resolve};
pub(super) use own_path::in_own_path;
use state::{Turn, statements};
use uniques::Unique;

/// The first server that can grant the right to set a parameter.
const GRANTS_PARAMETERS: i64 = 150_000;

/// Which triggers are switched off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Switch {
    /// Those that somebody made.
    User,
    /// Those of foreign keys and deferrable unique keys, too.
    All,
    /// The same, and by name or not at all: what is switched in one transaction and back in another.
    AllByName,
    /// None by name: the session is set to `session_replication_role = replica`, and triggers that fire for
    /// replicas, or always, fire. It takes no lock.
    ReplicaRole,
}

/// An open bracket.
#[derive(Debug)]
pub struct Bracket {
    tables: Vec<Table>,
    others: Vec<QualifiedName>,
    /// Every trigger as it was.
    before: Vec<Trigger>,
    /// Oids of those that were switched off.
    switched: HashSet<i64>,
    /// Oids of those whose state a script decides.
    left: HashSet<i64>,
    /// Whether triggers that were off before are nobody's business: the switch was in an earlier transaction, and
    /// others have had them since.
    leaves_disabled: bool,
    /// `session_replication_role` as it was, where it was changed.
    role_before: Option<String>,
}

/// A trigger that was switched off in an earlier transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remembered {
    /// Its table.
    pub table: QualifiedName,
    /// Its name.
    pub name: String,
    /// The state that it had.
    pub state: State,
    /// Whether the server made it for a constraint.
    pub of_system: bool,
}

/// What a closed bracket leaves.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Closed {
    /// Triggers that were switched off and have their state back.
    pub restored: Vec<Trigger>,
    /// Triggers that were switched off and do not exist any more.
    pub gone: Vec<Trigger>,
    /// The foreign keys of the tables.
    pub keys: Proof,
}

impl Bracket {
    /// Switches the triggers of tables, of their partitions and of what inherits from them off.
    ///
    /// Deferred checks that wait are made now: `ALTER TABLE` refuses a table that has any (55006). Constraints that
    /// are initially deferred are deferred again afterwards.
    pub async fn open(
        session: &Session,
        tables: &[QualifiedName],
        switch: Switch,
    ) -> Result<Self, BracketError> {
        session
            .run_users("set constraints all immediate")
            .await
            .map_err(deferred)?;
        let resolved = resolve(session, tables).await?;
        let (found, rights, waits) = in_own_path(session, async {
            let ask = |sql| session.query_long(sql, &[]);
            let (found, rights, waits) = tokio::join!(
                biased;
                look(session, &resolved.relids),
                ask(include_str!("sql/rights.sql")),
                ask(include_str!("sql/deferred.sql")),
            );
            let failed = || BracketError::query("could not ask for the role's rights");
            Ok((found?, rights.map_err(failed())?, waits.map_err(failed())?))
        })
        .await?;
        let rights = Rights::new(rights.first());
        let mut bracket = Self {
            tables: found.tables,
            others: resolved.others,
            before: found.triggers,
            switched: HashSet::new(),
            left: HashSet::new(),
            leaves_disabled: false,
            role_before: None,
        };
        if let Some(names) = waits.first().and_then(|row| row.get(0)) {
            session
                .run(&format!("set constraints {names} deferred"))
                .await
                .map_err(BracketError::query("could not defer constraints again"))?;
        }
        if bracket.passes_by(switch, &rights) {
            be_replica(session, &rights).await?;
            bracket.role_before = Some(rights.replication_role.clone());
        }
        bracket.switch_off(session, switch, &rights).await?;
        Ok(bracket)
    }

    /// Makes the bracket of triggers that were switched off in an earlier transaction, perhaps by another machine, to
    /// be closed in this one. They are known by their names: a restore may have made tables and triggers anew.
    pub async fn remembered(
        session: &Session,
        triggers: &[Remembered],
    ) -> Result<Self, BracketError> {
        let mut names: Vec<QualifiedName> = triggers.iter().map(|one| one.table.clone()).collect();
        names.sort();
        names.dedup();
        let resolved = resolve(session, &names).await?;
        let found = in_own_path(session, look(session, &resolved.relids)).await?;
        let relids: HashMap<&QualifiedName, i64> = found
            .tables
            .iter()
            .map(|table| (&table.name, table.relid))
            .collect();
        // No oid is negative: it is the name that finds each.
        let before: Vec<Trigger> = (1..)
            .zip(triggers)
            .map(|(number, one)| Trigger {
                table: one.table.clone(),
                name: one.name.clone(),
                state: one.state,
                of_system: one.of_system,
                relid: relids.get(&one.table).copied().unwrap_or(-number),
                oid: -number,
                parent: None,
            })
            .collect();
        Ok(Self {
            switched: before
                .iter()
                .filter(|one| one.state != State::Disabled)
                .map(|one| one.oid)
                .collect(),
            left: HashSet::new(),
            leaves_disabled: true,
            tables: found.tables,
            others: resolved.others,
            before,
            role_before: None,
        })
    }

    /// Returns whether triggers are passed by with a setting of the session.
    fn passes_by(&self, switch: Switch, rights: &Rights) -> bool {
        match switch {
            Switch::User | Switch::AllByName => false,
            Switch::All => !rights.superuser && self.before.iter().any(|one| one.of_system),
            Switch::ReplicaRole => true,
        }
    }

    async fn switch_off(
        &mut self,
        session: &Session,
        switch: Switch,
        rights: &Rights,
    ) -> Result<(), BracketError> {
        let has_system = self.before.iter().any(|one| one.of_system);
        if switch == Switch::AllByName && has_system && !rights.superuser {
            return Err(BracketError::SystemTriggers {
                role: rights.role.clone(),
                may_be_granted: false,
            });
        }
        let takes = |one: &&Trigger| {
            one.state != State::Disabled
                && match switch {
                    Switch::User => !one.of_system,
                    Switch::All | Switch::AllByName => !one.of_system || rights.superuser,
                    Switch::ReplicaRole => false,
                }
        };
        let turns: Vec<Turn<'_>> = self
            .before
            .iter()
            .filter(takes)
            .map(|one| (one, State::Disabled))
            .collect();
        let foreign: Vec<QualifiedName> = self
            .tables
            .iter()
            .filter(|table| !table.owned && turns.iter().any(|turn| turn.0.relid == table.relid))
            .map(|table| table.name.clone())
            .collect();
        if !foreign.is_empty() {
            return Err(BracketError::NotOwner { tables: foreign });
        }
        if !turns.is_empty() {
            session
                .run(&statements(&turns))
                .await
                .map_err(BracketError::query("could not switch triggers off"))?;
        }
        self.switched = turns.iter().map(|turn| turn.0.oid).collect();
        Ok(())
    }

    /// Leaves the state of triggers to the scripts that say it by name: a rollback of `DISABLE TRIGGER t` is `ENABLE
    /// TRIGGER t`. What they switch off and on again is a bracket of their own, and gets its own state back.
    ///
    /// A name without a schema means every table of the bracket that has this name.
    pub fn leave_to<'s>(&mut self, statements: impl IntoIterator<Item = &'s str>) {
        let said: Vec<TriggerSwitch> = statements.into_iter().flat_map(trigger_switches).collect();
        let means = |one: &TriggerSwitch, trigger: &Trigger| {
            one.trigger == trigger.name
                && one.table.name == trigger.table.name
                && (one.table.schema.is_none() || one.table.schema == trigger.table.schema)
        };
        let decided = self.before.iter().filter(|trigger| {
            let said = said.iter().filter(|one| means(one, trigger));
            let (on, off): (Vec<_>, Vec<_>) = said.partition(|one| one.on);
            on.is_empty() != off.is_empty()
        });
        self.left = decided.map(|trigger| trigger.oid).collect();
    }

    /// Returns the triggers that were switched off, as they were before.
    pub fn switched(&self) -> impl Iterator<Item = &Trigger> {
        let is_switched = |one: &&Trigger| self.switched.contains(&one.oid);
        self.before.iter().filter(is_switched)
    }

    /// Returns the copies of partitions that were off already.
    pub fn disabled_copies(&self) -> impl Iterator<Item = &Trigger> {
        let is_copy = |one: &&Trigger| one.state == State::Disabled && one.parent.is_some();
        self.before.iter().filter(is_copy)
    }

    /// Returns the tables, with those below them.
    pub fn tables(&self) -> &[Table] {
        &self.tables
    }

    /// Returns the names that stand for no table.
    pub fn others(&self) -> &[QualifiedName] {
        &self.others
    }

    /// Returns whether triggers are passed by with `session_replication_role = replica`.
    pub fn is_replica(&self) -> bool {
        self.role_before.is_some()
    }

    /// Gives every trigger that is still there its own state back, reads the states again, and proves the foreign
    /// keys from and to the tables.
    ///
    /// A trigger that was made anew under its old name gets its old state, and the copy that a new partition got of a
    /// trigger that trigger's state.
    pub async fn close(self, session: &Session) -> Result<Closed, BracketError> {
        let (mut closed, claims) = self.put_back(session).await?;
        closed.keys = in_own_path(session, claims.prove(session)).await?;
        if !closed.keys.violated.is_empty() {
            return Err(BracketError::Violated {
                violations: closed.keys.violated,
            });
        }
        if !closed.keys.doubled.is_empty() {
            return Err(BracketError::Doubled {
                doubles: closed.keys.doubled,
            });
        }
        Ok(closed)
    }

    /// The same for who knows that the foreign keys may not hold: what is found is told, and no error.
    pub async fn close_and_tell(self, session: &Session) -> Result<Closed, BracketError> {
        let own = || BracketError::query("could not set a savepoint");
        let (mut closed, claims) = self.put_back(session).await?;
        session.run("savepoint evmig_proof").await.map_err(own())?;
        match in_own_path(session, claims.prove(session)).await {
            Ok(proof) => closed.keys = proof,
            Err(BracketError::Unproved { key, failure }) => {
                let back = "rollback to savepoint evmig_proof";
                session.run(back).await.map_err(own())?;
                closed.keys.unproved = Some(format!("{key}: {failure}"));
            }
            Err(error) => return Err(error),
        }
        Ok(closed)
    }

    /// Gives the triggers their states back; returns what is to be proved.
    async fn put_back(self, session: &Session) -> Result<(Closed, Claims), BracketError> {
        let relids: Vec<i64> = self.tables.iter().map(|table| table.relid).collect();
        let (flushed, now) = tokio::join!(
            biased;
            session.run_users("set constraints all immediate"),
            in_own_path(session, look(session, &relids)),
        );
        flushed.map_err(deferred)?;
        let now = now?;
        let wanted = self.wanted(&now);
        self.turn_back(session, &now, &wanted).await?;
        let relids: Vec<i64> = now.tables.iter().map(|table| table.relid).collect();
        let (after, claims) = in_own_path(session, async {
            let (after, keys, uniques) = tokio::join!(
                biased;
                look(session, &relids),
                keys::read(session, &relids, self.is_replica()),
                uniques::read(session, &relids, self.is_replica()),
            );
            let uniques = if self.is_replica() || self.switched().any(|one| one.of_system) {
                uniques?
            } else {
                Vec::new()
            };
            Ok((
                after?,
                Claims {
                    keys: keys?,
                    uniques,
                },
            ))
        })
        .await?;
        assert_states(&after, &wanted)?;
        let (restored, gone) = self.sorted(&wanted);
        let closed = Closed {
            restored,
            gone,
            keys: Proof::default(),
        };
        Ok((closed, claims))
    }

    /// Returns the state that each trigger shall have, by oid; of those that are not named here, nothing is asked.
    fn wanted(&self, now: &Look) -> HashMap<i64, (&Trigger, State)> {
        let by_oid: HashMap<i64, &Trigger> = self.before.iter().map(|one| (one.oid, one)).collect();
        let by_name: HashMap<(i64, &str), &Trigger> = self
            .before
            .iter()
            .map(|one| ((one.relid, one.name.as_str()), one))
            .collect();
        let own = |one: &Trigger| {
            let same = by_oid.get(&one.oid).copied();
            same.or_else(|| by_name.get(&(one.relid, one.name.as_str())).copied())
        };
        let now_by_oid: HashMap<i64, &Trigger> =
            now.triggers.iter().map(|one| (one.oid, one)).collect();
        let mut wanted = HashMap::new();
        for one in &now.triggers {
            if let Some(before) = own(one) {
                let is_left = self.left.contains(&before.oid)
                    || (self.leaves_disabled && before.state == State::Disabled);
                if !is_left {
                    wanted.insert(one.oid, (before, before.state));
                }
                continue;
            }
            // A new partition's copy came into being as the trigger above it was: off.
            let mut above = one;
            while let Some(parent) = above.parent.and_then(|oid| now_by_oid.get(&oid)) {
                above = parent;
                if let Some(before) = own(above) {
                    wanted.insert(one.oid, (before, before.state));
                    break;
                }
            }
        }
        wanted
    }

    async fn turn_back(
        &self,
        session: &Session,
        now: &Look,
        wanted: &HashMap<i64, (&Trigger, State)>,
    ) -> Result<(), BracketError> {
        let turns: Vec<Turn<'_>> = now
            .triggers
            .iter()
            .filter_map(|one| wanted.get(&one.oid).map(|(_, state)| (one, *state)))
            .filter(|(one, state)| one.state != *state)
            .collect();
        let mut sql = statements(&turns);
        if let Some(role) = &self.role_before {
            sql.push_str(";\nset local session_replication_role = ");
            sql.push_str(&literal(role));
        }
        if sql.is_empty() {
            return Ok(());
        }
        session.run(&sql).await.map_err(BracketError::query(
            "could not give triggers their states back",
        ))
    }

    /// Sorts what was switched off into what has its state back and what is gone.
    fn sorted(&self, wanted: &HashMap<i64, (&Trigger, State)>) -> (Vec<Trigger>, Vec<Trigger>) {
        let there: HashSet<i64> = wanted.values().map(|(before, _)| before.oid).collect();
        self.switched()
            .filter(|one| !self.left.contains(&one.oid))
            .cloned()
            .partition(|one| there.contains(&one.oid))
    }
}

/// What the tables' constraints claim.
struct Claims {
    keys: Vec<ForeignKey>,
    /// Those that nothing has enforced meanwhile.
    uniques: Vec<Unique>,
}

impl Claims {
    /// Looks for rows that break a claim. Asked in evmig's own search path; everything travels together.
    async fn prove(self, session: &Session) -> Result<Proof, BracketError> {
        let (keys, doubled) = tokio::join!(
            biased;
            keys::prove(session, self.keys),
            uniques::prove(session, self.uniques),
        );
        let mut proof = keys?;
        proof.doubled = doubled?;
        Ok(proof)
    }
}

/// Returns the names of tables and of all that are below them, by the transaction's search path, and the names that
/// stand for no table.
pub async fn tree_of(
    session: &Session,
    tables: &[QualifiedName],
) -> Result<(Vec<QualifiedName>, Vec<QualifiedName>), BracketError> {
    let resolved = resolve(session, tables).await?;
    let found = in_own_path(session, look(session, &resolved.relids)).await?;
    let names = found.tables.into_iter().map(|table| table.name).collect();
    Ok((names, resolved.others))
}

/// Compares what was read with what shall be.
fn assert_states(
    after: &Look,
    wanted: &HashMap<i64, (&Trigger, State)>,
) -> Result<(), BracketError> {
    let states = after.triggers.iter().map(|one| (one.oid, one.state));
    let states: HashMap<i64, State> = states.collect();
    let differing: Vec<(Trigger, Option<State>)> = wanted
        .iter()
        .map(|(oid, (before, state))| (*before, *state, states.get(oid).copied()))
        .filter(|(_, state, found)| *found != Some(*state))
        .map(|(before, _, found)| (before.clone(), found))
        .collect();
    if differing.is_empty() {
        Ok(())
    } else {
        Err(BracketError::States { differing })
    }
}

/// What the role may do.
#[derive(Debug)]
struct Rights {
    superuser: bool,
    replication_role: String,
    version: i64,
    role: String,
}

impl Rights {
    fn new(row: Option<&Row>) -> Self {
        let text = |column| row.map(|row| row.text(column)).unwrap_or_default();
        Self {
            superuser: row.is_some_and(|row| row.truth(0)),
            replication_role: text(1),
            version: row.and_then(|row| row.number(2)).unwrap_or_default(),
            role: text(3),
        }
    }
}

/// Sets the session to pass triggers by. Whether it may is found out by trying: hosted servers allow it to roles
/// that by the catalog may not.
async fn be_replica(session: &Session, rights: &Rights) -> Result<(), BracketError> {
    let tried = session
        .run(
            "savepoint evmig_replica; set local session_replication_role = replica; \
             release savepoint evmig_replica",
        )
        .await;
    match tried {
        Ok(()) => Ok(()),
        Err(failure) if failure.sqlstate.as_deref() == Some("42501") => {
            Err(BracketError::SystemTriggers {
                role: rights.role.clone(),
                may_be_granted: rights.version >= GRANTS_PARAMETERS,
            })
        }
        Err(failure) => Err(BracketError::query("could not pass triggers by")(failure)),
    }
}

fn deferred(failure: crate::pg::error::DbFailure) -> BracketError {
    BracketError::Deferred {
        failure: Box::new(failure),
    }
}
