//! Faults at every message between evmig and its server (faults.md A): whatever happens, wherever,
//! the database is one that can be named, what was said is true, and one plain run ends the work.
//!
//! Two runs of `scripts/test` differ in which tenth of the cells they take; the seed is printed, and
//! `EVMIG_FAULT_SEED` sets it. `scripts/test --long` takes them all. A violation is printed with the
//! line that replays its cell.

use super::harness::fault::{Cell, EVERY_MESSAGE, EXTRA, Stage};
use super::harness::matrix::{Matrix, Tally, seed};
use super::harness::tools::setting;

#[track_caller]
fn judge(what: &str, seed: u64, tally: &Tally) {
    eprintln!("{what}, seed {seed}:\n\n{}", tally.table());
    assert!(
        tally.violations.is_empty(),
        "{} violations, seed {seed}:\n{}",
        tally.violations.len(),
        tally.violations.join("\n")
    );
}

/// B1 to B7, B14 to B16, B22, B25, B26.
#[test]
fn a_tenth_of_all_faults() {
    let seed = seed();
    let matrix = Matrix {
        faults: [&EVERY_MESSAGE[..], &["orphan"]].concat(),
        one_of: 10,
        seed,
    };
    let tally = matrix.run();
    judge("a tenth", seed, &tally);
    assert!(tally.runs() > 300, "{} runs", tally.runs());
}

/// The same, everywhere, and further faults beside.
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
    let seed = seed();
    let chosen = setting("EVMIG_FAULT_ONLY");
    let chosen = |fault: &&&'static str| {
        chosen
            .as_ref()
            .is_none_or(|names| names.split(',').any(|name| name == **fault))
    };
    let faults: Vec<&'static str> = EVERY_MESSAGE
        .iter()
        .chain(&EXTRA)
        .filter(chosen)
        .copied()
        .collect();
    let matrix = Matrix {
        faults,
        one_of: setting("EVMIG_FAULT_ONE_OF").map_or(1, |text| text.parse().expect("a number")),
        seed,
    };
    judge("all faults", seed, &matrix.run());
}
