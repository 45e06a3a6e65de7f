//! What must hold after a fault, and after one plain run behind it.
//!
//! I1 the database is the one of a run without faults; I2 each file ran once; I3 the history says
//! what there is; I4 a plain run ends the work; I5 nothing is left behind; I6 exit code and document
//! are true; I7 no password is shown (`Output` looks at every run); I8 within its time.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use super::cmd::Output;
use super::database::Target;
use super::scenario::Scenario;
use super::sql::Session;

/// How long a backend may outlive its client.
const BACKEND_LIFE: Duration = Duration::from_secs(2);

/// What a run without faults leaves.
#[derive(Debug, Clone)]
pub(crate) struct Reference {
    /// Catalog and data.
    pub(crate) picture: Vec<String>,
    /// The history's rows beyond those of before: key and name.
    pub(crate) applied: Vec<String>,
    /// The counter.
    pub(crate) counter: Vec<String>,
    /// Rows of the history that were there before.
    pub(crate) before: usize,
}

/// What may be told by this fault's run.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Allowed {
    /// The tool is killed: it says nothing.
    pub(crate) killed: bool,
    /// The work must succeed all the same.
    pub(crate) must_succeed: bool,
    /// The server cannot be asked: the outcome may be unknown.
    pub(crate) unknown: bool,
    /// Others work on the database too: their work counts.
    pub(crate) shared: bool,
    /// What the server says was changed on its way: the reason of a refusal proves nothing.
    pub(crate) garbled: bool,
}

/// What the database shows in the middle of things.
#[derive(Debug)]
struct Standing {
    applied: Vec<String>,
    counter: Vec<String>,
    /// `key|position` of the statements that the journal calls done.
    done: Vec<String>,
}

const ADVISORY: &str = "select pid from pg_locks where locktype = 'advisory' and database = \
     (select oid from pg_database where datname = current_database())";
const INVALID: &str =
    "select indexrelid::regclass from pg_index where not indisvalid or not indisready";
const TRIGGERS: &str = "select tgname from pg_trigger where tgenabled <> 'O'";

/// Takes the picture of a database: its catalog without evmig's schema, and every table's rows.
pub(crate) fn picture(session: &mut Session) -> Vec<String> {
    let mut lines = session.lines(include_str!("../../database/support/picture.sql"));
    session.execute("reset search_path");
    lines.extend(session.lines(
        "select c.relname || ' rows: ' || (xpath('/row/c/text()', query_to_xml(format(
            'select count(*) || '' '' || coalesce(md5(string_agg(r::text, '','' order by r::text)), '''') as c
             from %s r', c.oid::regclass), true, true, '')))[1]
         from pg_class c where relnamespace = 'public'::regnamespace and relkind in ('r', 'p') order by 1",
    ));
    lines
}

fn history(session: &mut Session) -> Vec<String> {
    if session.value("select to_regclass('evmig.migration') is not null") == "f" {
        return Vec::new();
    }
    session.lines("select key || ' ' || name from evmig.migration order by seq")
}

impl Reference {
    /// Looks at a database in which the scenario was applied without faults.
    pub(crate) fn of(session: &mut Session, before: usize) -> Self {
        Self {
            picture: picture(session),
            applied: history(session).split_off(before),
            counter: session.lines("select migration from counter order by 1"),
            before,
        }
    }
}

/// Counts the history's rows.
pub(crate) fn rows_of_history(session: &mut Session) -> usize {
    history(session).len()
}

impl Standing {
    fn of(session: &mut Session, reference: &Reference) -> Self {
        let mut applied = history(session);
        let there = session.value("select to_regclass('evmig.statement') is not null") == "t";
        Self {
            applied: applied.split_off(reference.before.min(applied.len())),
            counter: session.lines("select migration from counter order by 1"),
            done: if there {
                session.lines(
                    "select distinct key || '|' || position from evmig.statement where state = 'done'",
                )
            } else {
                Vec::new()
            },
        }
    }
}

/// Waits until no session of evmig is left (I5).
pub(crate) fn no_backend(session: &mut Session, found: &mut Vec<String>) {
    let started = Instant::now();
    loop {
        let left = session.lines(
            "select pid || ' ' || state || ' ' || query from pg_stat_activity \
             where datname = current_database() and application_name like 'evmig/%'",
        );
        if left.is_empty() {
            return;
        }
        if started.elapsed() > BACKEND_LIFE {
            found.push(format!(
                "I5 a backend outlives its client by 2 s: {}",
                left.join("; ")
            ));
            let ended = "select pg_terminate_backend(pid, 5000) from pg_stat_activity \
                 where datname = current_database() and application_name like 'evmig/%'";
            session.lines(ended);
            return;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Judges the database and what was said, right after the fault.
pub(crate) fn after_fault(
    session: &mut Session,
    scenario: &Scenario,
    reference: &Reference,
    output: &Output,
    allowed: Allowed,
) -> Vec<String> {
    let mut found = Vec::new();
    let standing = Standing::of(session, reference);
    history_is_true(session, scenario, reference, &standing, &mut found);
    let advisory = session.lines(ADVISORY);
    if !advisory.is_empty() {
        found.push(format!("I5 advisory locks are held: {advisory:?}"));
    }
    if allowed.killed && output.code() == 137 {
        return found;
    }
    told_truly(reference, &standing, output, allowed, &mut found);
    found
}

/// I3: what the history says is applied is there, and nothing else is.
fn history_is_true(
    session: &mut Session,
    scenario: &Scenario,
    reference: &Reference,
    standing: &Standing,
    found: &mut Vec<String>,
) {
    if !reference.applied.starts_with(&standing.applied) {
        found.push(format!(
            "I3 the history has {:?}, of {:?}",
            standing.applied, reference.applied
        ));
    }
    let stepwise: Vec<&str> = scenario.steps.iter().map(|(key, ..)| *key).collect();
    for counted in &reference.counter {
        let times = standing
            .counter
            .iter()
            .filter(|one| *one == counted)
            .count();
        let applied = standing.applied.iter().any(|row| is_row_of(row, counted));
        let ok = if stepwise.contains(&counted.as_str()) {
            times == 1 || (times == 0 && !applied)
        } else {
            times == usize::from(applied)
        };
        if !ok {
            found.push(format!(
                "I3 the file {counted} ran {times} times, and the history says applied={applied}"
            ));
        }
    }
    for (key, position, probe) in scenario.steps {
        let done = standing.done.contains(&format!("{key}|{position}"));
        let applied = standing.applied.iter().any(|row| is_row_of(row, key));
        let there = session.value(probe) == "t";
        if (done || applied) && !there {
            found.push(format!(
                "I3 statement {position} of {key} is recorded, and did not happen"
            ));
        }
    }
}

/// Whether a row of the history is of the file that counts itself as this.
fn is_row_of(row: &str, counted: &str) -> bool {
    row.split(' ').any(|word| word == counted)
}

/// I6: exit code and document say what is in the database.
fn told_truly(
    reference: &Reference,
    standing: &Standing,
    output: &Output,
    allowed: Allowed,
    found: &mut Vec<String>,
) {
    let code = output.code();
    let Ok(document) = serde_json::from_str::<serde_json::Value>(&output.stdout) else {
        found.push(format!(
            "I6 exit {code}, and no document: {}",
            output.stdout
        ));
        return;
    };
    let outcome = document["outcome"].as_str().unwrap_or("none");
    let told: Vec<String> = document["applied"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|one| one["name"].as_str().unwrap_or_default().to_owned())
        .collect();
    let there: Vec<String> = standing
        .applied
        .iter()
        .filter_map(|row| row.split_once(' ').map(|(_, name)| name.to_owned()))
        .collect();
    let nothing = there.is_empty() && standing.done.is_empty();
    let complete = standing.applied == reference.applied;
    let true_code = match code {
        0 => complete && (outcome == "applied" || allowed.shared),
        1 | 5 | 6 => (nothing || allowed.shared) && !allowed.must_succeed,
        3 => !nothing && !allowed.must_succeed,
        8 => allowed.unknown && outcome == "unknown",
        2 | 7 => allowed.garbled,
        _ => false,
    };
    let error = document["error"]["code"].as_str();
    if !true_code || (code == 0) != error.is_none() {
        found.push(format!(
            "I6 exit {code}, outcome {outcome}, error {error:?}, and the database has {there:?} \
             and the statements {:?}",
            standing.done
        ));
    }
    let same = if allowed.shared {
        told.iter().all(|name| there.contains(name))
    } else if code == 8 {
        there.starts_with(&told)
    } else {
        there == told
    };
    if !same {
        found.push(format!(
            "I6 exit {code}, {told:?} is told to be applied, and {there:?} is"
        ));
    }
}

/// Judges everything after the plain run.
pub(crate) fn after_rerun(
    session: &mut Session,
    scenario: &Scenario,
    reference: &Reference,
    rerun: &Output,
    verified: &Output,
) -> Vec<String> {
    let mut found = Vec::new();
    if rerun.code() != 0 {
        found.push(format!(
            "I4 the plain run exits {}: {}\n{}",
            rerun.code(),
            rerun.stdout,
            rerun.stderr
        ));
    }
    let now = picture(session);
    if now != reference.picture {
        let only = |these: &[String], those: &[String]| -> String {
            these.iter().filter(|line| !those.contains(line)).fold(
                String::new(),
                |mut text, line| {
                    write!(text, "\n    {line}").expect("a String takes it");
                    text
                },
            )
        };
        found.push(format!(
            "I1 the database differs; more:{}\n  less:{}",
            only(&now, &reference.picture),
            only(&reference.picture, &now)
        ));
    }
    let standing = Standing::of(session, reference);
    if standing.counter != reference.counter {
        found.push(format!("I2 the counter has {:?}", standing.counter));
    }
    if standing.applied != reference.applied {
        found.push(format!("I3 the history has {:?}", standing.applied));
    }
    for (key, position, probe) in scenario.steps {
        if session.value(probe) != "t" {
            found.push(format!("I2 statement {position} of {key} did not happen"));
        }
    }
    for (what, query) in [
        ("advisory locks", ADVISORY),
        ("INVALID indexes", INVALID),
        ("disabled triggers", TRIGGERS),
    ] {
        let left = session.lines(query);
        if !left.is_empty() {
            found.push(format!("I5 {what} are left: {left:?}"));
        }
    }
    if verified.code() != 0 {
        found.push(format!(
            "I3 `history --verify` exits {}: {}\n{}",
            verified.code(),
            verified.stdout,
            verified.stderr
        ));
    }
    found
}

/// I5: a run leaves no file in its home.
pub(crate) fn no_file(home: &Path, found: &mut Vec<String>) {
    let left: Vec<String> = fs::read_dir(home)
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path().display().to_string())
        .collect();
    if !left.is_empty() {
        found.push(format!("I5 files are left: {left:?}"));
    }
}

/// Waits until a server that was restarted answers.
pub(crate) fn connect(target: &Target) -> Session {
    let started = Instant::now();
    loop {
        match Session::try_connect(target) {
            Ok(session) => return session,
            Err(error) if started.elapsed() > Duration::from_secs(20) => {
                panic!("the server does not answer: {error:?}")
            }
            Err(_) => std::thread::sleep(Duration::from_millis(20)),
        }
    }
}
