//! All cells, or a seeded part of them, and what came of each as a table.

use std::collections::{BTreeMap, VecDeque};
use std::fmt::Write as _;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::fault::{Cell, Stage};
use super::scenario::SCENARIOS;
use super::tools::setting;

/// How many runs that mostly wait are under way at a time.
const WAITING: usize = 96;

/// Which cells to run.
pub(crate) struct Matrix {
    pub(crate) faults: Vec<&'static str>,
    /// The scenarios; empty for all.
    pub(crate) scenarios: Vec<&'static str>,
    /// One of so many, chosen by the seed; 1 is all of them.
    pub(crate) one_of: u64,
    /// At most so many of each fault, chosen by the seed: the number of messages grows with evmig.
    pub(crate) of_each: usize,
    /// How often the whole is run.
    pub(crate) rounds: u64,
    pub(crate) seed: u64,
}

/// Runs and violations of each scenario and fault.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    cells: BTreeMap<(usize, usize), (u64, u64)>,
    faults: Vec<&'static str>,
    pub(crate) violations: Vec<String>,
}

struct Progress {
    queue: VecDeque<Cell>,
    tally: Tally,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The seed that the environment gives, or one of chance.
pub(crate) fn seed() -> u64 {
    setting("EVMIG_FAULT_SEED").map_or_else(
        || fastrand::u64(..1_000_000),
        |text| text.parse().expect("EVMIG_FAULT_SEED is a number"),
    )
}

fn jobs() -> usize {
    setting("EVMIG_FAULT_JOBS").map_or_else(
        || std::thread::available_parallelism().map_or(2, usize::from) * 2,
        |text| text.parse().expect("EVMIG_FAULT_JOBS is a number"),
    )
}

impl Matrix {
    /// Runs the cells; every violation is printed as it is found, with the line that replays it.
    pub(crate) fn run(&self) -> Tally {
        let names: Vec<&'static str> = SCENARIOS
            .iter()
            .map(|one| one.name)
            .filter(|name| self.scenarios.is_empty() || self.scenarios.contains(name))
            .collect();
        let mut tally = Tally {
            faults: self.faults.clone(),
            ..Tally::default()
        };
        for crashing in [false, true] {
            let faults = self
                .faults
                .iter()
                .filter(|one| (**one == "imm") == crashing);
            let faults: Vec<&'static str> = faults.copied().collect();
            if !faults.is_empty() {
                self.run_these(&names, &faults, crashing, &mut tally);
            }
        }
        tally
    }

    /// A crash ends the sessions of all databases, so that each thread has a server of its own.
    fn run_these(
        &self,
        names: &[&'static str],
        faults: &[&'static str],
        crashing: bool,
        tally: &mut Tally,
    ) {
        let shared = Arc::new(Stage::new(names));
        let (waiting, working): (Vec<Cell>, Vec<Cell>) = self
            .cells(&shared, names, faults)
            .into_iter()
            .partition(Cell::waits);
        let progress = |queue: Vec<Cell>| {
            Mutex::new(Progress {
                queue: queue.into(),
                tally: Tally::default(),
            })
        };
        let many = if waiting.is_empty() { 0 } else { WAITING };
        let (waiting, working) = (progress(waiting), progress(working));
        std::thread::scope(|scope| {
            for _ in 0..many {
                scope.spawn(|| self.work(&shared, &waiting));
            }
            for thread in 0..jobs() {
                let (shared, working) = (Arc::clone(&shared), &working);
                scope.spawn(move || {
                    if crashing && thread > 0 {
                        self.work(&Stage::new(names), working);
                    } else {
                        self.work(&shared, working);
                    }
                });
            }
        });
        for part in [waiting, working] {
            let part = part.into_inner().unwrap_or_else(PoisonError::into_inner);
            tally.add(part.tally);
        }
    }

    fn cells(&self, stage: &Stage, names: &[&'static str], faults: &[&'static str]) -> Vec<Cell> {
        let mut cells = Vec::new();
        for scenario in names {
            for fault in faults {
                let last = last_of(stage, scenario, fault);
                cells.extend((1..=last).map(|k| Cell {
                    scenario,
                    fault,
                    k,
                    seed: self.seed,
                }));
            }
        }
        let once = cells.clone();
        for _ in 1..self.rounds {
            cells.extend(once.iter().cloned());
        }
        if self.one_of > 1 {
            let some =
                |cell: &Cell| cell.fault == "orphan" || cell.chance().is_multiple_of(self.one_of);
            cells.retain(some);
        }
        if cells.len() > self.of_each {
            cells.sort_by_cached_key(|cell| (cell.fault, cell.chance()));
            let of_fault = cells.chunk_by(|a, b| a.fault == b.fault);
            let first = of_fault.map(|all| &all[..all.len().min(self.of_each)]);
            cells = first.flatten().cloned().collect();
        }
        cells
    }

    fn work(&self, stage: &Stage, progress: &Mutex<Progress>) {
        loop {
            let Some(cell) = lock(progress).queue.pop_front() else {
                return;
            };
            let report = stage.run(&cell);
            let mut progress = lock(progress);
            let struck = report.struck.is_some();
            progress.tally.count(&cell, struck, &report.violations);
            let last = last_of(stage, cell.scenario, cell.fault);
            // A run may have a few messages more than the one that was counted.
            let open_ended = self.one_of == 1 && self.rounds == 1 && cell.fault != "orphan";
            if struck && cell.k >= last && open_ended {
                let k = cell.k + 1;
                progress.queue.push_back(Cell { k, ..cell.clone() });
            }
            if !report.violations.is_empty() {
                let at = report
                    .struck
                    .map_or_else(String::new, |moment| format!("\n  at {}", moment.message));
                let text = format!("{cell}{at}\n  {}", report.violations.join("\n  "));
                eprintln!("VIOLATION {text}");
                progress.tally.violations.push(text);
            }
        }
    }
}

/// The last k at which a fault can strike, going by a run without faults.
fn last_of(stage: &Stage, scenario: &str, fault: &str) -> u64 {
    let counts = stage.counts(scenario);
    match fault {
        "orphan" => 1,
        "ack-commit" => counts.commits,
        // Each bit of a message's type.
        "twist-commit" => 8 * counts.commits,
        "twist" => 8 * counts.answers,
        _ => counts.messages,
    }
}

impl Tally {
    fn count(&mut self, cell: &Cell, struck: bool, violations: &[String]) {
        let scenario = SCENARIOS.iter().position(|one| one.name == cell.scenario);
        if !self.faults.contains(&cell.fault) {
            self.faults.push(cell.fault);
        }
        let fault = self.faults.iter().position(|one| *one == cell.fault);
        let key = (scenario.expect("known"), fault.expect("added"));
        let entry = self.cells.entry(key).or_default();
        entry.0 += u64::from(struck || !violations.is_empty());
        entry.1 += u64::from(!violations.is_empty());
    }

    /// Adds the counts of another.
    pub(crate) fn add(&mut self, other: Self) {
        for ((scenario, fault), (runs, bad)) in other.cells {
            let name = other.faults[fault];
            if !self.faults.contains(&name) {
                self.faults.push(name);
            }
            let fault = self.faults.iter().position(|one| *one == name);
            let entry = self
                .cells
                .entry((scenario, fault.expect("added")))
                .or_default();
            entry.0 += runs;
            entry.1 += bad;
        }
        self.violations.extend(other.violations);
    }

    /// All injected faults.
    pub(crate) fn runs(&self) -> u64 {
        self.cells.values().map(|(runs, _)| runs).sum()
    }

    /// A Markdown table: the runs of each scenario and fault.
    pub(crate) fn table(&self) -> String {
        let mut text = format!("| scenario | {} | all |\n", self.faults.join(" | "));
        writeln!(text, "|---|{}", "---:|".repeat(self.faults.len() + 1)).expect("a String");
        let of = |scenario: Option<usize>, fault: Option<usize>| -> u64 {
            let chosen = |key: &(usize, usize)| {
                scenario.is_none_or(|one| one == key.0) && fault.is_none_or(|one| one == key.1)
            };
            let cells = self.cells.iter().filter(|(key, _)| chosen(key));
            cells.map(|(_, (runs, _))| runs).sum()
        };
        let mut row = |name: &str, scenario: Option<usize>| {
            let counts = (0..self.faults.len()).map(|fault| of(scenario, Some(fault)).to_string());
            let counts: Vec<String> = counts.collect();
            let all = of(scenario, None);
            writeln!(text, "| {name} | {} | {all} |", counts.join(" | ")).expect("a String");
        };
        for (at, scenario) in SCENARIOS.iter().enumerate() {
            if of(Some(at), None) > 0 {
                row(scenario.name, Some(at));
            }
        }
        row("all", None);
        writeln!(
            text,
            "\n{} injected runs, {} with a violation.",
            self.runs(),
            self.violations.len()
        )
        .expect("a String");
        text
    }
}
