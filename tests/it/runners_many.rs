//! B45, B46, B47: many first runs at once on an empty database, with an index that is built
//! concurrently. One of them makes the history and does everything, the others find it done.
//!
//! A plain run does a tenth of the rounds; `EVMIG_TEST_LONG=1` (`scripts/test --long`) all of them.

use std::time::{Duration, Instant};

use super::harness::tools::setting;
use super::harness::{Evmig, Options, Output, Project, Role, Running, Server, Shape};
use super::runners::{check_one_winner, three, with_counter};

/// A runner that waits for another one polls its lock for 60 s; on a busy machine 64 of them take
/// their time to start.
const LONG: Duration = Duration::from_mins(3);

/// Number of rounds: all of them, or a tenth.
fn rounds(all: usize) -> usize {
    if setting("EVMIG_TEST_LONG").is_some() {
        all
    } else {
        all / 10
    }
}

/// Starts that many runners at once, again and again, each time on a database of its own.
fn race(runners: usize, rounds: usize) {
    // Each runner may open a second connection to see who is in its way.
    let connections = (runners * 2 + 20).to_string();
    let server = Server::private(&Options::new(16).set("max_connections", &connections));
    let project = three();
    let started = Instant::now();
    for _ in 0..rounds {
        let database = server.database(Shape::Plain, Role::Owner);
        with_counter(&database);
        let outputs = at_once(&project, &database, runners);
        let winner = check_one_winner(&project, &database, outputs);
        // The history was made once, by the one who used it.
        assert_eq!(
            database.lines("select id, outcome from evmig.run"),
            [format!("{winner}|applied")]
        );
    }
    let log = server.log();
    assert!(!log.contains("deadlock detected"), "{log}");
    assert!(!log.contains("ERROR:"), "{log}");
    eprintln!(
        "{rounds} rounds of {runners} runners: all exit 0, each migration once, 0 deadlocks, {:.1} s",
        started.elapsed().as_secs_f64()
    );
}

fn at_once(project: &Project, target: &super::harness::Target, runners: usize) -> Vec<Output> {
    let runs: Vec<Running> = (0..runners)
        .map(|_| {
            Evmig::new(project, "apply --format json --wait 3min")
                .on(target)
                .spawn()
        })
        .collect();
    runs.into_iter().map(|run| run.finish(LONG)).collect()
}

#[test]
fn b_45_sixteen_first_runs_at_once_apply_everything_once() {
    race(16, rounds(100));
}

#[test]
fn b_46_sixty_four_first_runs_at_once_make_one_history() {
    race(64, rounds(10));
}
