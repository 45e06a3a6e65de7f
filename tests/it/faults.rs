//! Faults at every message between evmig and its server (faults.md A): whatever happens, wherever,
//! the database is one that can be named, what was said is true, and one plain run ends the work.
//!
//! Two runs of `scripts/test` differ in which cells they take, 30 of each fault; the seed is printed, and
//! `EVMIG_FAULT_SEED` sets it. `scripts/test --long` takes them all. A violation is printed with the
//! line that replays its cell.

use std::time::Duration;

use super::harness::fault::{Cell, EVERY_MESSAGE, EXTRA, Stage};
use super::harness::matrix::{Matrix, Tally, seed};
use super::harness::tools::setting;
use super::harness::{At, Evmig, Fault, Output, Plan, Project, Proxy, Role, Server, Shape};

/// Runs the cells and prints the table.
fn run(what: &str, matrix: &Matrix) -> Tally {
    let tally = matrix.run();
    eprintln!("{what}, seed {}:\n\n{}", matrix.seed, tally.table());
    tally
}

#[track_caller]
fn judge(what: &str, matrix: &Matrix) -> Tally {
    let seed = matrix.seed;
    let tally = run(what, matrix);
    assert!(
        tally.violations.is_empty(),
        "{} violations, seed {seed}:\n{}",
        tally.violations.len(),
        tally.violations.join("\n")
    );
    tally
}

/// All scenarios, every message, once.
fn all(faults: &[&'static str]) -> Matrix {
    Matrix {
        faults: faults.to_vec(),
        scenarios: Vec::new(),
        one_of: 1,
        of_each: usize::MAX,
        rounds: 1,
        seed: seed(),
    }
}

/// B1 to B7, B14 to B16, B22, B25, B26.
#[test]
fn some_of_each_fault() {
    let tally = judge(
        "30 of each fault",
        &Matrix {
            of_each: 30,
            ..all(&[&EVERY_MESSAGE[..], &["orphan"]].concat())
        },
    );
    assert!(tally.runs() > 150, "{} runs", tally.runs());
}

/// The answer to each `COMMIT` of each scenario is lost `rounds` times.
fn lost_answers(rounds: u64) -> u64 {
    let lost = Matrix {
        rounds,
        ..all(&["ack-commit"])
    };
    judge("the answer to COMMIT is lost", &lost).runs()
}

/// B7: whether a migration is there is told truly, though the answer to its `COMMIT` is lost.
#[test]
fn b07_the_answer_to_commit_is_lost() {
    assert!(lost_answers(3) >= 100);
}

/// B7: everything is committed, and one of the last words about it is lost: the end of a message has
/// no migration of its own.
#[test]
fn b07_the_end_of_the_last_message_is_lost() {
    let stage = Stage::new(&["first"]);
    let last = stage.counts("first").messages;
    for k in last.saturating_sub(60)..=last {
        let cell = Cell {
            scenario: "first",
            fault: "ack",
            k,
            seed: seed(),
        };
        let violations = stage.run(&cell).violations;
        assert!(violations.is_empty(), "{cell}\n{violations:#?}");
    }
}

/// B7, B82: the driver took an answer that makes no sense for an error of the server, after which
/// nothing can have been committed.
#[test]
fn b07_an_answer_to_commit_that_makes_no_sense_is_looked_into() {
    let twisted = Matrix {
        scenarios: vec!["transactional"],
        ..all(&["twist-commit"])
    };
    assert!(judge("an answer to COMMIT is garbled", &twisted).runs() >= 24);
}

/// B82: any answer becomes something else, which the driver may take for none, and wait for ever.
#[test]
fn b82_an_answer_of_another_type_is_waited_for_by_nobody() {
    let twisted = Matrix {
        one_of: 150,
        ..all(&["twist"])
    };
    assert!(judge("the type of an answer is garbled", &twisted).runs() >= 40);
}

/// B15: the kernel of whatever is in between answers keepalives, and nobody else answers anything.
#[test]
fn b15_a_server_that_falls_silent_is_given_up() {
    let database = Server::shared(16, Shape::Plain).database(Shape::Plain, Role::Owner);
    let project = Project::one_phase().migration("V1__t", "create table t (id int);\n");
    let plan = Plan {
        at: At::Text("evmig"),
        fault: Fault::Hole,
    };
    let proxy = Proxy::start(&database, Some(plan));
    let output = Evmig::new(&project, "apply")
        .on(&proxy.target())
        .within(Duration::from_secs(30))
        .run();
    assert!(proxy.struck().is_some());
    assert_ne!(output.code(), 0);
    let said = output
        .stderr
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ");
    assert!(said.contains("nothing was heard from the server"), "{said}");
}

/// Runs a migration whose text the network swallows, with all behind it, for so long or for ever;
/// returns how long evmig went on from there.
fn swallowed(seconds: Option<u64>) -> (Output, Duration) {
    let database = Server::shared(16, Shape::Plain).database(Shape::Plain, Role::Owner);
    let project = Project::one_phase().migration("V1__t", "select 'swallowed';\n");
    let plan = Plan {
        at: At::Text("swallowed"),
        fault: Fault::Hole,
    };
    let proxy = Proxy::start(&database, Some(plan));
    let words = "apply --format json";
    let running = Evmig::new(&project, words).on(&proxy.target()).spawn();
    let struck = loop {
        if let Some(moment) = proxy.struck() {
            break moment.at;
        }
        std::thread::sleep(Duration::from_millis(5));
    };
    if let Some(seconds) = seconds {
        std::thread::sleep(Duration::from_secs(seconds));
        proxy.heal();
    }
    let output = running.finish(Duration::from_mins(1));
    (output, struck.elapsed())
}

/// B15: noticing and asking what became of the migration take half a minute together.
#[test]
fn b15_a_black_hole_ends_within_30_seconds() {
    let (output, took) = swallowed(None);
    assert_eq!(output.code(), 8, "{}", output.stdout);
    assert!(took < Duration::from_secs(30), "{took:?}");
}

/// B15: until then a network that comes back is noticed, also when the session is given up already.
#[test]
fn b15_a_network_that_comes_back_within_25_seconds_tells_what_became_of_it() {
    let (output, took) = swallowed(Some(24));
    assert_eq!(output.code(), 1, "{}", output.stdout);
    assert_eq!(output.json()["error"]["code"], "connection-lost");
    assert!(took > Duration::from_secs(24), "{took:?}");
}

/// B15: a statement that has nothing to say for longer than that is none of this.
#[test]
fn b15_a_long_statement_is_waited_for() {
    let database = Server::shared(16, Shape::Plain).database(Shape::Plain, Role::Owner);
    let project = Project::one_phase().migration("V1__t", "select pg_sleep(26);\n");
    let proxy = Proxy::start(&database, None);
    Evmig::new(&project, "apply")
        .on(&proxy.target())
        .run()
        .succeeds();
}

/// Every fault, everywhere, and further faults beside.
#[test]
#[ignore = "takes long: scripts/test --long"]
fn all_faults_at_every_message() {
    if let Some(text) = setting("EVMIG_FAULT") {
        let cell = Cell::parse(&text);
        let report = Stage::new(&[cell.scenario]).run(&cell);
        eprintln!("{cell}\n{report:#?}");
        assert!(report.violations.is_empty(), "{cell}");
        return;
    }
    let chosen = setting("EVMIG_FAULT_ONLY");
    let chosen = |name: &&&'static str| {
        chosen
            .as_ref()
            .is_none_or(|names| names.split(',').any(|one| one == **name))
    };
    let every: Vec<&'static str> = EVERY_MESSAGE.iter().filter(chosen).copied().collect();
    let extra: Vec<&'static str> = EXTRA.iter().filter(chosen).copied().collect();
    let one_of = setting("EVMIG_FAULT_ONE_OF").map_or(1, |text| text.parse().expect("a number"));
    let mut violations = Vec::new();
    for (what, faults) in [("all faults", every), ("further faults", extra)] {
        if !faults.is_empty() {
            let chosen = Matrix {
                one_of,
                ..all(&faults)
            };
            violations.extend(run(what, &chosen).violations);
        }
    }
    assert!(violations.is_empty(), "{} violations", violations.len());
}

/// B7, a thousand times.
#[test]
#[ignore = "takes long: scripts/test --long"]
fn the_answer_to_commit_is_lost_a_thousand_times() {
    if setting("EVMIG_FAULT").is_none() && setting("EVMIG_FAULT_ONLY").is_none() {
        assert!(lost_answers(21) >= 1000);
    }
}
