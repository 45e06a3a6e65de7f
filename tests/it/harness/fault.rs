//! One cell of the matrix: a scenario, a fault, a message; and how it is run and judged.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::cmd::{Evmig, Output, Running};
use super::database::Target;
use super::oracle::{self, Allowed, Reference};
use super::postgres::{Options, PASSWORD, Server};
use super::project::Project;
use super::proxy::{At, Fault, Moment, Plan, Proxy};
use super::scenario::{SCENARIOS, SETUP, Scenario};
use super::scratch::{self, next_number};
use super::sql::Session;

/// The faults that are injected at every message of every scenario.
pub(crate) const EVERY_MESSAGE: [&str; 8] =
    ["kill", "stop", "cut", "ack", "rst", "hole", "term", "imm"];

/// Further ones.
pub(crate) const EXTRA: [&str; 6] = ["garble", "twist", "slow", "hold", "x4", "orphan"];

/// What is done to the answer to a `COMMIT` alone.
const AT_COMMITS: [&str; 2] = ["ack-commit", "twist-commit"];

/// The longest that a run may take: a statement of these scenarios takes milliseconds.
const QUICK: Duration = Duration::from_secs(20);
/// The same where the server falls silent, from the message that was swallowed (faults.md B15).
const SILENT: Duration = Duration::from_secs(30);

/// One fault of one run.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Cell {
    pub(crate) scenario: &'static str,
    pub(crate) fault: &'static str,
    pub(crate) k: u64,
    pub(crate) seed: u64,
}

impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            scenario,
            fault,
            k,
            seed,
        } = self;
        write!(
            f,
            "EVMIG_FAULT='scenario={scenario} fault={fault} k={k} seed={seed}' scripts/test --long"
        )
    }
}

impl Cell {
    /// Reads what `EVMIG_FAULT` says.
    pub(crate) fn parse(text: &str) -> Self {
        let value = |name: &str| {
            text.split_whitespace()
                .find_map(|word| word.strip_prefix(name)?.strip_prefix('='))
                .unwrap_or_else(|| panic!("EVMIG_FAULT lacks {name}=: {text:?}"))
        };
        let number = |name| value(name).parse().expect("a number");
        let known = |names: Vec<&'static str>, name: &str| {
            *names
                .iter()
                .find(|known| **known == name)
                .unwrap_or_else(|| panic!("{name:?} is none of {names:?}"))
        };
        Self {
            scenario: known(
                SCENARIOS.iter().map(|one| one.name).collect(),
                value("scenario"),
            ),
            fault: known(
                [&EVERY_MESSAGE[..], &EXTRA, &AT_COMMITS].concat(),
                value("fault"),
            ),
            k: number("k"),
            seed: number("seed"),
        }
    }

    /// A number that depends on all of it (FNV-1a).
    pub(crate) fn chance(&self) -> u64 {
        let text = format!("{} {} {} {}", self.scenario, self.fault, self.k, self.seed);
        let mix = |hash: u64, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        let hash = text.bytes().fold(0xcbf2_9ce4_8422_2325, mix);
        (hash ^ (hash >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9) ^ (hash >> 32)
    }

    fn allowed(&self) -> Allowed {
        Allowed {
            killed: matches!(self.fault, "kill" | "orphan" | "x4"),
            must_succeed: matches!(self.fault, "stop" | "slow" | "hold"),
            unknown: self.fault == "hole",
            shared: self.fault == "x4",
            garbled: matches!(self.fault, "garble" | "twist" | "twist-commit"),
        }
    }

    /// The longest that a run may take from its beginning.
    fn limit(&self) -> Duration {
        match self.fault {
            "hole" => QUICK + SILENT,
            _ => QUICK,
        }
    }

    /// Whether the run mostly waits, so that many can run at a time.
    pub(crate) fn waits(&self) -> bool {
        self.fault == "hole"
    }
}

/// What came of a cell.
#[derive(Debug)]
pub(crate) struct Report {
    /// Where it struck; `None` once the run has fewer messages.
    pub(crate) struck: Option<Moment>,
    /// What does not hold.
    pub(crate) violations: Vec<String>,
}

/// A scenario on a server: its template database, its project, and how it ends without faults.
struct Prepared {
    scenario: &'static Scenario,
    template: String,
    project: Project,
    reference: Reference,
    counts: Counts,
}

/// What a run without faults consists of.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Counts {
    pub(crate) messages: u64,
    /// Those of them that the server sends.
    pub(crate) answers: u64,
    /// Those that make it commit.
    pub(crate) commits: u64,
}

/// A server with all scenarios on it.
pub(crate) struct Stage {
    server: Arc<Server>,
    prepared: Vec<Prepared>,
    admin: Mutex<Session>,
}

/// The session that stands in the way.
type Held = Arc<Mutex<Option<JoinHandle<()>>>>;

const RUNNER: &str = "runner";

impl Stage {
    /// Starts a server and prepares the scenarios of these names.
    pub(crate) fn new(names: &[&str]) -> Self {
        // One iteration of SCRAM: its cost is the client's, twice for each run, and not the point.
        let options = Options::new(16)
            .set("max_connections", "600")
            .set("autovacuum", "off")
            .set("scram_iterations", "1");
        let server = Server::private(&options);
        let mut admin = Session::connect(&server.admin("postgres"));
        admin.execute(&format!("create role {RUNNER} login password '{PASSWORD}'"));
        let mut stage = Self {
            server,
            prepared: Vec::new(),
            admin: Mutex::new(admin),
        };
        for scenario in SCENARIOS.iter().filter(|one| names.contains(&one.name)) {
            let prepared = stage.prepare(scenario);
            stage.prepared.push(prepared);
        }
        stage
    }

    /// How many messages a run of a scenario has.
    pub(crate) fn counts(&self, scenario: &str) -> Counts {
        self.prepared(scenario).counts
    }

    fn prepared(&self, scenario: &str) -> &Prepared {
        self.prepared
            .iter()
            .find(|one| one.scenario.name == scenario)
            .expect("a prepared scenario")
    }

    fn admin(&self, sql: &str) {
        let mut admin = self.admin.lock().unwrap_or_else(PoisonError::into_inner);
        if admin.try_execute(sql).is_err() {
            // The server was restarted.
            *admin = oracle::connect(&self.server.admin("postgres"));
            admin.execute(sql);
        }
    }

    fn create(&self, template: &str) -> Target {
        let name = format!("db_{}", next_number());
        self.admin(&format!(
            "create database {name} owner {RUNNER} template {template}"
        ));
        self.server.admin(&name).as_user(RUNNER)
    }

    fn drop(&self, target: &Target) {
        self.admin(&format!("drop database {} with (force)", target.database));
    }

    fn prepare(&self, scenario: &'static Scenario) -> Prepared {
        let template = self.create("template1");
        let mut session = Session::connect(&template);
        session.execute(SETUP);
        if let Some(before) = scenario.before {
            let project = before();
            Evmig::new(&project, "apply").on(&template).run().succeeds();
        }
        let before = oracle::rows_of_history(&mut session);
        drop(session);
        let project = (scenario.project)();
        let target = self.create(&template.database);
        let proxy = Proxy::start(&target, None);
        let words = format!("apply --format json {}", scenario.flags);
        Evmig::new(&project, &words)
            .on(&proxy.target())
            .run()
            .succeeds();
        let mut session = Session::connect(&self.server.admin(&target.database));
        let reference = Reference::of(&mut session, before);
        assert!(!reference.applied.is_empty() && !reference.counter.is_empty());
        drop(session);
        self.drop(&target);
        Prepared {
            scenario,
            template: template.database,
            project,
            reference,
            counts: Counts {
                messages: proxy.count(),
                answers: proxy.answers(),
                commits: proxy.commits(),
            },
        }
    }

    /// Runs a cell and judges it.
    pub(crate) fn run(&self, cell: &Cell) -> Report {
        let target = self.create(&self.prepared(cell.scenario).template);
        if cell.fault == "imm" {
            // A sequence of a copied database that was not yet on disk goes back to what its page
            // said, behind the rows that have its values: the copy has no record of values fetched
            // ahead. The server does the same to every sequence, and evmig has no part in it.
            self.admin("checkpoint");
        }
        let result = catch_unwind(AssertUnwindSafe(|| self.run_on(cell, &target)));
        self.drop(&target);
        result.unwrap_or_else(|panic| {
            let words = panic
                .downcast_ref::<String>()
                .cloned()
                .or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()))
                .unwrap_or_default();
            Report {
                struck: None,
                violations: vec![format!("I8 or the harness: {words}")],
            }
        })
    }

    fn run_on(&self, cell: &Cell, target: &Target) -> Report {
        let prepared = self.prepared(cell.scenario);
        let (scenario, reference) = (prepared.scenario, &prepared.reference);
        let admin = self.server.admin(&target.database);
        let words = format!("apply --format json {}", scenario.flags);
        let (output, struck, ended) = self.run_with_fault(cell, target, &prepared.project, &words);
        let mut violations = Vec::new();
        let since = struck
            .as_ref()
            .map(|moment| ended.duration_since(moment.at));
        if cell.fault == "hole" && since > Some(SILENT) {
            violations.push(format!("I8 the run went on for {since:?} in silence"));
        }
        if output.took > cell.limit() {
            violations.push(format!("I8 the run took {:?}", output.took));
        }
        let mut session = oracle::connect(&admin);
        oracle::no_backend(&mut session, &mut violations);
        let mut allowed = cell.allowed();
        allowed.must_succeed |= struck.is_none();
        let found = oracle::after_fault(&mut session, scenario, reference, &output, allowed);
        if !found.is_empty() {
            violations.push(format!("it said: {}\n{}", output.stdout, output.stderr));
        }
        violations.splice(0..0, found);
        session.execute("update slow set seconds = 0");
        let rerun = plain(&prepared.project, &words, target, &mut violations);
        let verified = plain(
            &prepared.project,
            "history --verify",
            target,
            &mut violations,
        );
        violations.extend(oracle::after_rerun(
            &mut session,
            scenario,
            reference,
            &rerun,
            &verified,
        ));
        Report { struck, violations }
    }

    /// Runs evmig with the fault, and three more beside it for `x4`.
    fn run_with_fault(
        &self,
        cell: &Cell,
        target: &Target,
        project: &Project,
        words: &str,
    ) -> (Output, Option<Moment>, Instant) {
        let holder = Held::default();
        let plan = self.plan(cell, target, &holder);
        let proxy = Arc::new(Proxy::start(target, Some(plan)));
        let evmig = Evmig::new(project, words).on(&proxy.target());
        let home = evmig.home().to_path_buf();
        let running = evmig.spawn();
        proxy.belongs_to(running.pid());
        let others: Vec<Running> = (0..if cell.fault == "x4" { 3 } else { 0 })
            .map(|_| Evmig::new(project, words).on(target).spawn())
            .collect();
        if cell.fault == "orphan" {
            kill_once_struck(&proxy, running.pid());
        }
        let output = running.finish(cell.limit() + Duration::from_secs(20));
        let ended = Instant::now();
        proxy.close();
        for other in others {
            other.finish(QUICK).succeeds();
        }
        let held = holder.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(held) = held {
            held.join().expect("the holder ends in order");
        }
        let mut left = Vec::new();
        oracle::no_file(&home, &mut left);
        assert!(left.is_empty(), "{left:?}");
        scratch::remove(&home);
        (output, proxy.struck(), ended)
    }

    /// The fault, put into the proxy's words.
    fn plan(&self, cell: &Cell, target: &Target, holder: &Held) -> Plan {
        let at = match cell.fault {
            "ack-commit" => At::Commit(cell.k),
            "twist" => At::Answer((cell.k - 1) / 8 + 1),
            "twist-commit" => At::Commit((cell.k - 1) / 8 + 1),
            "orphan" => At::Text("pg_sleep(seconds)"),
            _ => At::Message(cell.k),
        };
        let admin = self.server.admin(&target.database);
        let fault = match cell.fault {
            "kill" | "x4" => Fault::Kill,
            "stop" => Fault::Stop(Duration::from_millis(200)),
            "cut" => Fault::Cut,
            "ack" | "ack-commit" => Fault::Ack,
            "rst" => Fault::Rst,
            "hole" => Fault::Hole,
            "slow" => Fault::Slow(Duration::from_millis(100)),
            "garble" => Fault::Garble {
                byte: 1 + cell.chance() as usize % 4096,
                bit: (cell.chance() >> 32) as u32,
            },
            "twist" | "twist-commit" => Fault::Garble {
                byte: 0,
                bit: (cell.k - 1) as u32 % 8,
            },
            "term" => Fault::Do(Arc::new(move |moment: &Moment| {
                if let Some(pid) = moment.backend {
                    let end = format!("select pg_terminate_backend({pid}, 5000)");
                    Session::connect(&admin).lines(&end);
                }
            })),
            "imm" => {
                let server = Arc::clone(&self.server);
                Fault::Do(Arc::new(move |_: &Moment| {
                    server.crash();
                    server.restart();
                }))
            }
            "orphan" => Fault::Do(Arc::new(move |_: &Moment| {
                Session::connect(&admin).execute("update slow set seconds = 60");
            })),
            "hold" => {
                let holder = Arc::clone(holder);
                Fault::Do(Arc::new(move |_: &Moment| {
                    let admin = admin.clone();
                    // Not waited for: the run that is held up here may have the table itself.
                    let held = std::thread::spawn(move || {
                        let mut session = Session::connect(&admin);
                        session.execute("begin; select 1 from t limit 1");
                        std::thread::sleep(Duration::from_millis(300));
                        session.execute("rollback");
                    });
                    *holder.lock().unwrap_or_else(PoisonError::into_inner) = Some(held);
                    std::thread::sleep(Duration::from_millis(30));
                }))
            }
            other => panic!("no such fault: {other}"),
        };
        Plan { at, fault }
    }
}

/// Kills the tool while the statement that was held back is running.
fn kill_once_struck(proxy: &Arc<Proxy>, pid: u32) {
    let proxy = Arc::clone(proxy);
    std::thread::spawn(move || {
        let started = Instant::now();
        while proxy.struck().is_none() && started.elapsed() < QUICK {
            std::thread::sleep(Duration::from_millis(5));
        }
        std::thread::sleep(Duration::from_millis(300));
        kill(Pid::from_raw(pid.cast_signed()), Signal::SIGKILL).ok();
    });
}

/// Runs evmig without a proxy.
fn plain(project: &Project, words: &str, target: &Target, found: &mut Vec<String>) -> Output {
    let evmig = Evmig::new(project, words).on(target);
    let home = evmig.home().to_path_buf();
    let output = evmig.spawn().finish(Duration::from_mins(1));
    oracle::no_file(&home, found);
    scratch::remove(&home);
    output
}
