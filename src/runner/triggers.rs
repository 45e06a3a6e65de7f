//! Triggers off beyond a transaction, and back to their own states: for repairs by hand and restores by other tools.
//!
//! Switching and the ledger's rows are one transaction, with the rows of the run: what the ledger says is so, and a run
//! that was killed has done all or nothing.

use std::collections::{HashMap, HashSet};

use serde_json::{Value, json};

use super::bracket::{Bracket, BracketError, Closed, Remembered, State, Switch, Trigger, tree_of};
use super::error::RunError;
use super::open::Opened;
use super::own_run::OwnRun;
use super::own_work::{Failing, Listeners, Stopped};
use crate::history::error::HistoryError;
use crate::history::ledger::{Entry, Off, TriggerLedger};
use crate::history::store::Store;
use crate::pg::error::DbFailure;
use crate::pg::session::Session;
use crate::report::problem::Problem;
use crate::sql::name::QualifiedName;

/// A run that switches triggers.
pub struct TriggersRequest<'a> {
    /// The run.
    pub own: OwnRun,
    /// The tables; for switching back, none are all.
    pub tables: &'a [QualifiedName],
}

/// Why triggers were not switched.
#[derive(Debug, thiserror::Error)]
pub enum TriggersError {
    /// The session, its lock or the history.
    #[error(transparent)]
    Run(#[from] RunError),
    /// The triggers.
    #[error(transparent)]
    Bracket(#[from] BracketError),
    /// Names of nothing, or of what has no triggers to switch.
    #[error("no such table: {}", names(tables))]
    NoTable {
        /// The names.
        tables: Vec<QualifiedName>,
    },
    /// The ledger has them off already.
    #[error("triggers of {} are off already, since {} (run {})", first.table, first.at, first.run)]
    AlreadyOff {
        /// The first of them.
        first: Box<Off>,
    },
    /// It was not done, or is not known to be.
    #[error(transparent)]
    Stopped(#[from] Stopped),
}

impl Failing for TriggersError {
    fn failure(&self) -> Option<&DbFailure> {
        match self {
            Self::Bracket(error) => error.failure(),
            Self::Run(RunError::Own { failure, .. }) => Some(failure),
            _ => None,
        }
    }
}

impl From<HistoryError> for TriggersError {
    fn from(error: HistoryError) -> Self {
        Self::Run(RunError::History(error))
    }
}

fn names(tables: &[QualifiedName]) -> String {
    let names: Vec<String> = tables.iter().map(ToString::to_string).collect();
    names.join(", ")
}

/// Switches the triggers of tables off until somebody switches them back, and returns them as they were.
pub async fn disable(
    request: &TriggersRequest<'_>,
    system_triggers: bool,
    listeners: &mut Listeners<'_>,
) -> Result<Vec<Trigger>, TriggersError> {
    let (opened, store) = ready(request, listeners).await?;
    let ledger = TriggerLedger::new(store.schema());
    let off = ledger.off(&opened.session).await?;
    let switch = if system_triggers {
        Switch::AllByName
    } else {
        Switch::User
    };
    let work = async |session: &Session| {
        let bracket = Bracket::open(session, request.tables, switch).await?;
        if let Some(first) = already_off(&bracket, &off) {
            return Err(TriggersError::AlreadyOff {
                first: Box::new(first.clone()),
            });
        }
        if !bracket.others().is_empty() {
            return Err(TriggersError::NoTable {
                tables: bracket.others().to_vec(),
            });
        }
        let switched: Vec<Trigger> = bracket.switched().cloned().collect();
        if switched.is_empty() {
            return Ok(switched);
        }
        let all = switched.iter().chain(bracket.disabled_copies());
        let entries: Vec<Entry<'_>> = all.map(|one| entry("disable", one)).collect();
        let record = Recorded {
            request,
            store: &store,
            ledger: &ledger,
            command: "triggers disable",
            reason: None,
        };
        record.enter(session, &entries).await?;
        Ok(switched)
    };
    request.own.finish(opened, listeners, work).await
}

/// Gives triggers that the ledger has off their states back: all of them, or those of some tables.
///
/// With a reason, foreign keys that do not hold are told and no error.
pub async fn enable(
    request: &TriggersRequest<'_>,
    even_if_violated: Option<&str>,
    listeners: &mut Listeners<'_>,
) -> Result<Closed, TriggersError> {
    let (opened, store) = ready(request, listeners).await?;
    let ledger = TriggerLedger::new(store.schema());
    let off = ledger.off(&opened.session).await?;
    let work = async |session: &Session| {
        let chosen = chosen(session, request.tables, &off).await?;
        let bracket = Bracket::remembered(session, &remembered(&chosen)).await?;
        let closed = match even_if_violated {
            None => bracket.close(session).await?,
            Some(_) => bracket.close_and_tell(session).await?,
        };
        let back = closed.restored.iter().map(|one| entry("enable", one));
        let gone = closed.gone.iter().map(|one| entry("gone", one));
        let copies = chosen.iter().filter(|one| !one.was_on()).map(closed_copy);
        let entries: Vec<Entry<'_>> = back.chain(gone).chain(copies).collect();
        let record = Recorded {
            request,
            store: &store,
            ledger: &ledger,
            command: "triggers enable",
            reason: even_if_violated,
        };
        record.enter(session, &entries).await?;
        Ok(closed)
    };
    request.own.finish(opened, listeners, work).await
}

/// Opens the session, takes the lock and makes the history if there is none.
async fn ready(
    request: &TriggersRequest<'_>,
    listeners: &mut Listeners<'_>,
) -> Result<(Opened, Store), TriggersError> {
    let (opened, mut located) = request.own.begin(listeners).await?;
    located.make_ready(&opened.session).await?;
    Ok((opened, located.store()))
}

fn already_off<'a>(bracket: &Bracket, off: &'a [Off]) -> Option<&'a Off> {
    let tables: HashSet<&QualifiedName> =
        bracket.tables().iter().map(|table| &table.name).collect();
    off.iter()
        .find(|one| one.was_on() && tables.contains(&one.table))
}

/// Returns the rows that are meant. A table that is gone is meant by its name.
async fn chosen(
    session: &Session,
    tables: &[QualifiedName],
    off: &[Off],
) -> Result<Vec<Off>, TriggersError> {
    if tables.is_empty() {
        return Ok(off.to_vec());
    }
    let (tree, mut unknown) = tree_of(session, tables).await?;
    unknown.retain(|name| !off.iter().any(|one| one.table == *name));
    if !unknown.is_empty() {
        return Err(TriggersError::NoTable { tables: unknown });
    }
    let meant: HashSet<&QualifiedName> = tree.iter().chain(tables).collect();
    let chosen = off.iter().filter(|one| meant.contains(&one.table));
    Ok(chosen.cloned().collect())
}

fn remembered(off: &[Off]) -> Vec<Remembered> {
    let remembered = off.iter().filter_map(|one| {
        Some(Remembered {
            table: one.table.clone(),
            name: one.trigger.clone(),
            state: State::from_letter(&one.state)?,
            of_system: one.of_system,
        })
    });
    remembered.collect()
}

fn entry<'a>(action: &'static str, trigger: &'a Trigger) -> Entry<'a> {
    Entry {
        action,
        table: &trigger.table,
        trigger: &trigger.name,
        state: trigger.state.letter(),
        of_system: trigger.of_system,
    }
}

/// A partition's copy that was off already: nothing is to be done any more.
fn closed_copy(off: &Off) -> Entry<'_> {
    Entry {
        action: "enable",
        table: &off.table,
        trigger: &off.trigger,
        state: State::Disabled.letter(),
        of_system: off.of_system,
    }
}

/// How a run is recorded.
struct Recorded<'a> {
    request: &'a TriggersRequest<'a>,
    store: &'a Store,
    ledger: &'a TriggerLedger,
    command: &'static str,
    reason: Option<&'a str>,
}

impl Recorded<'_> {
    /// Writes the run and the ledger's rows, unless there is nothing to write.
    async fn enter(&self, session: &Session, entries: &[Entry<'_>]) -> Result<(), TriggersError> {
        if entries.is_empty() {
            return Ok(());
        }
        let own = &self.request.own;
        let enter = async || {
            let ledger = self.ledger;
            ledger.create_if_missing(session).await?;
            let entered = ledger.enter(session, &own.run, self.reason, entries);
            Ok(entered.await?)
        };
        own.record(session, self.store, self.command, enter).await
    }
}

/// Returns what everybody must know who looks at the database: that triggers are off by the ledger.
pub async fn warning(
    session: &Session,
    history_schema: &str,
) -> Result<Option<Problem>, HistoryError> {
    let mut off = TriggerLedger::new(history_schema).off(session).await?;
    off.retain(Off::was_on);
    let Some(first) = off.iter().min_by(|one, other| one.at.cmp(&other.at)) else {
        return Ok(None);
    };
    let tables: HashSet<&QualifiedName> = off.iter().map(|one| &one.table).collect();
    let counted = |number: usize, what: &str| match number {
        1 => format!("1 {what}"),
        more => format!("{more} {what}s"),
    };
    let message = format!(
        "TRIGGERS ARE OFF: {} of {}, since {}, by {} (run {})",
        counted(off.len(), "trigger"),
        counted(tables.len(), "table"),
        first.at,
        first.actor,
        first.run
    );
    let hint = "nothing that they check or write is checked or written until they are back";
    Ok(Some(Problem::new("triggers-off", message).hint(hint)))
}

/// A trigger that is off, or should be by the ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Its table.
    pub table: QualifiedName,
    /// Its name.
    pub trigger: String,
    /// Whether the server made it for a constraint.
    pub of_system: bool,
    /// Its state now; `None` where it does not exist any more.
    pub now: Option<State>,
    /// What the ledger says; `None` where it does not know that it is off.
    pub ledger: Option<Off>,
}

/// Compares the catalog with the ledger. Reads only; asked in evmig's own search path.
pub async fn found(session: &Session, history_schema: &str) -> Result<Vec<Found>, TriggersError> {
    let mut off = TriggerLedger::new(history_schema).off(session).await?;
    off.retain(Off::was_on);
    let key = |off: &Off| -> Value { json!([off.table.schema, off.table.name, off.trigger]) };
    let named = Value::from(off.iter().map(key).collect::<Vec<_>>()).to_string();
    let rows = session
        .query_long(include_str!("sql/triggers_off.sql"), &[Some(&named)])
        .await
        .map_err(RunError::own("could not read the triggers"))?;
    let mut by_ledger: HashMap<(QualifiedName, String), Off> = off
        .into_iter()
        .map(|one| ((one.table.clone(), one.trigger.clone()), one))
        .collect();
    let mut found = Vec::new();
    for row in &rows {
        let table = QualifiedName {
            schema: Some(row.text(0)),
            name: row.text(1),
        };
        let trigger = row.text(2);
        found.push(Found {
            ledger: by_ledger.remove(&(table.clone(), trigger.clone())),
            table,
            trigger,
            of_system: row.truth(4),
            now: row.get(3).and_then(State::from_letter),
        });
    }
    found.extend(by_ledger.into_values().map(|off| Found {
        table: off.table.clone(),
        trigger: off.trigger.clone(),
        of_system: off.of_system,
        now: None,
        ledger: Some(off),
    }));
    found.sort_by(|one, other| (&one.table, &one.trigger).cmp(&(&other.table, &other.trigger)));
    Ok(found)
}
