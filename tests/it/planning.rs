//! What evmig decides about a project and its history, and what it says a catalog is, is pinned together with `PLANNING`:
//! a plan file is refused by an evmig that decides otherwise only if that number has gone up.

use std::fmt::Write as _;

use evmig::catalog::fingerprint::{fingerprint, sha256};
use evmig::catalog::read::snapshot;
use evmig::history::model::{
    Action, History, Journal, Key, MigrationRow, RefineryRow, StatementRow, StatementState,
    VersionType,
};
use evmig::pg::session::Session as CatalogSession;
use evmig::plan::choose::{Selection, Work, choose};
use evmig::plan::saved::{PLANNING, work};
use evmig::plan::standing::{key, refinery_checksum, standings};
use evmig::project::script::{Mode, Script};
use evmig::project::{Project as Loaded, Root, Selector, load};

use super::harness::{Options, Project, Role, Server, Shape};
use super::pg_server::{block_on, open};

/// What the cases below came to under each number, the newest last. What was released is not edited: a plan file has its
/// number.
const DECISIONS: [(u32, &str); 1] = [(
    1,
    "0fc743f01b23ab3f1689848c6dce4500d916cfec19ec57299fae34b6d6c9e073",
)];

/// What a catalog with an object of each kind was called under each number, from PostgreSQL 14 to 18.
const CATALOGS: [(u32, [(u32, &str); 5]); 1] = [(
    1,
    [
        (
            14,
            "4a6ece887504d2a81f123e75e44ecfabeff38a0c75064f9cb871887d34664e68",
        ),
        (
            15,
            "9c82c4e4eea7a6bc74586f3f49fd53dfeb2c9e67ab7541b037c19abc1ba7b075",
        ),
        (
            16,
            "a57ede0fb289f861265975ecbc0e9d9c2a4474be616fc74abadb854e65fb6b38",
        ),
        (
            17,
            "a57ede0fb289f861265975ecbc0e9d9c2a4474be616fc74abadb854e65fb6b38",
        ),
        (
            18,
            "e78f67e4194bf7e0177f2003213c78d125c07800e74f319ed6ef009a82dc4457",
        ),
    ],
)];

/// What to do where something came out otherwise.
const ADVICE: &str = "A plan file that an older evmig wrote would be applied by this one, as if both meant the same. \
    If this was meant: raise PLANNING in src/plan/saved.rs, and add a line with the new number and what is found here. \
    Only if no release has this number yet may its line be edited. If it was not meant, mend it.";

const MANIFEST: &str = r#"[project]
name = "varied"

[environments.local]
url = "embedded"

[environments.live]
url_env = "LIVE"

[[phase]]
number = 3
name = "logic"
requires = ["core"]

[[phase.step]]
name = "views"
migrations = "3_logic/1_views"

[[phase]]
number = 1
name = "core"

[[phase.step]]
name = "tables"
migrations = "1_core/1_tables"

[[phase.step]]
name = "statistics"
analyze = ["t", "app.u"]

[[phase.step]]
name = "more"
migrations = "1_core/0_more"

[[phase.step]]
name = "checks"
verify = ["checks.sql"]

[[phase]]
number = 2
name = "sample"
requires = ["core"]
environments = ["local"]

[[phase.step]]
name = "rows"
migrations = "2_sample/rows"

[[phase]]
number = 4
name = "late"
requires = ["logic"]

[[phase.step]]
name = "only"
migrations = "4_late"

[[phase.step]]
name = "functions"
functions = ["functions"]
"#;

/// Files whose names sort otherwise than they run, and whose texts run in each way there is.
const FILES: [(&str, &str); 17] = [
    ("checks.sql", "select 1;\n"),
    ("functions/f.sql", "select 1;\n"),
    ("shared/part.sql", "create table part (id int);\n"),
    ("1_core/1_tables/V10__ten.sql", "create table t (id int);\n"),
    (
        "1_core/1_tables/V9__nine.sql",
        "create schema app; create table app.u (id int);",
    ),
    (
        "1_core/1_tables/V100__wrapped.sql",
        "begin;\nalter table t add a int;\ncommit;\n",
    ),
    (
        "1_core/1_tables/V20__steps.sql",
        "create index concurrently i on t (id);\nvacuum t;\nselect 1;\n",
    ),
    (
        "1_core/1_tables/R__view.sql",
        "create or replace view v as select 1 as one;\n",
    ),
    (
        "1_core/1_tables/R__another.sql",
        "create or replace view w as select 1 as one;\n",
    ),
    (
        "1_core/0_more/V110__five.sql",
        "-- evmig: no-transaction\ncreate table five ();\ncreate table six ();\n",
    ),
    (
        "1_core/0_more/V130__copy.sql",
        "copy t (id) from stdin;\n1\n2\n\\.\n",
    ),
    (
        "2_sample/rows/V200__rows.sql",
        "insert into t values (1);\n",
    ),
    (
        "2_sample/rows/V201__rows.sql",
        "insert into t values (2);\r\n",
    ),
    (
        "3_logic/1_views/V300__include.sql",
        "\\i shared/part.sql\nselect 1;\n",
    ),
    (
        "3_logic/1_views/V301__do.sql",
        "do $$ begin perform 1; end $$;\nselect ';';\n",
    ),
    ("3_logic/1_views/R__logic.sql", "select 'repeated';\n"),
    ("4_late/V400__late.sql", "\u{feff}select 'late';\n"),
];

fn project() -> Project {
    let project = Project::new(MANIFEST);
    for (path, text) in FILES {
        let is_migration = path.contains("/V") || path.contains("/R");
        let folder = if is_migration { "migrations/" } else { "" };
        project.write(&format!("{folder}{path}"), text);
    }
    project
}

/// Histories, a word for each row: `apply`, `baseline`, `adopt` and `repair` of a file as it is, `old` of another text of
/// it, `named` of another name, `rollback`; `refinery` for its own table; and of a journal `up` or `down` with the
/// statement and what is known of it.
const HISTORIES: [(&str, &str); 19] = [
    ("empty", ""),
    ("begun", "apply 9, apply 10"),
    ("merged late", "apply 9, apply 20"),
    (
        "merged late in another step",
        "apply 9, apply 10, apply 110",
    ),
    (
        "core",
        "apply 9, apply 10, apply 20, apply 100, apply R:another, apply R:view, apply 110, apply 130",
    ),
    ("baseline", "baseline 9, adopt 10, repair 20"),
    ("repeatable changed", "apply 9, old R:view"),
    ("repeatable gone", "apply 9, apply R:gone"),
    ("repeatable taken back", "apply R:view, rollback R:view"),
    ("text changed", "apply 9, old 10"),
    ("name changed", "apply 9, named 10"),
    ("file gone", "apply 9, apply 11"),
    ("taken back", "apply 9, apply 10, rollback 10, apply 20"),
    ("stopped", "apply 9, apply 10, up 20 0 done"),
    ("open", "apply 9, apply 10, up 20 0 done, up 20 1 intent"),
    (
        "failed",
        "apply 10, up 20 0 intent, up 20 0 failed, up 110 0 done",
    ),
    ("half taken back", "apply 9, apply 20, down 20 0 done"),
    ("refinery", "refinery 9, refinery 10, apply 20"),
    ("refinery's own", "refinery 9, refinery-old 10"),
];

/// What is asked for, as the command line would say it.
const SELECTIONS: [&str; 16] = [
    "",
    "out-of-order",
    "env local",
    "env live",
    "phase 1",
    "phase core phase logic",
    "phase late",
    "phase 2",
    "phase 2 env local",
    "phase none",
    "step tables",
    "phase core step more",
    "phase core step statistics",
    "to 10",
    "to 20 out-of-order",
    "to 11",
];

fn history(project: &Loaded, words: &str, width: VersionType) -> History {
    let mut history = History::default();
    for row in words.split(", ").filter(|row| !row.is_empty()) {
        let words: Vec<&str> = row.split(' ').collect();
        match *words.as_slice() {
            [what @ ("refinery" | "refinery-old"), version] => {
                history
                    .refinery
                    .push(refinery_row(project, what, version, width));
            }
            [what, of] => {
                let seq = i64::try_from(history.rows.len()).unwrap() + 1;
                history.rows.push(row_of(project, what, of, seq));
            }
            [journal, of, position, state] => history.open_statements.push(StatementRow {
                seq: i64::try_from(history.open_statements.len()).unwrap() + 1,
                key: Key::parse(of).unwrap(),
                journal: if journal == "up" {
                    Journal::Up
                } else {
                    Journal::Down
                },
                run: "run".to_owned(),
                position: position.parse().unwrap(),
                state: StatementState::parse(state).unwrap(),
                sha256: String::new(),
                note: None,
            }),
            _ => panic!("{row}"),
        }
    }
    history
}

fn row_of(project: &Loaded, what: &str, of: &str, seq: i64) -> MigrationRow {
    let of = Key::parse(of).unwrap();
    let file = project.migrations.iter().find(|file| key(file) == of);
    let sha256 = file.map_or("gone", |file| file.sha256.as_str());
    let name = file.map_or("gone", |file| file.name.as_str());
    MigrationRow {
        seq,
        key: of,
        name: if what == "named" { "other" } else { name }.to_owned(),
        phase_number: 1,
        phase: "core".to_owned(),
        step: "tables".to_owned(),
        run: "run".to_owned(),
        action: Action::parse(what).unwrap_or(Action::Apply),
        sha256: if what == "old" { "old" } else { sha256 }.to_owned(),
        refinery_checksum: None,
        at: String::new(),
    }
}

fn refinery_row(project: &Loaded, what: &str, version: &str, width: VersionType) -> RefineryRow {
    let version: i64 = version.parse().unwrap();
    let is_it = |file: &&evmig::project::Migration| file.version.number() == Some(version);
    let file = project.migrations.iter().find(is_it).unwrap();
    let checksum = refinery_checksum(file, width).unwrap();
    RefineryRow {
        version,
        name: file.name.clone(),
        applied_on: String::new(),
        checksum: if what == "refinery" { checksum } else { 1 }.to_string(),
    }
}

fn selection(words: &str) -> Selection {
    let mut selection = Selection::default();
    let mut words = words.split_whitespace();
    while let Some(word) = words.next() {
        let mut value = || words.next().unwrap().to_owned();
        match word {
            "out-of-order" => selection.out_of_order = true,
            "env" => selection.environment = Some(value()),
            "step" => selection.step = Some(value()),
            "to" => selection.to = value().parse().ok(),
            _ => {
                let phase = value();
                let number = phase.parse().map(Selector::Number);
                selection
                    .phases
                    .push(number.unwrap_or(Selector::Name(phase)));
            }
        }
    }
    selection
}

/// What is decided of the files alone: their order, their checksums, and how each runs.
fn of_files(project: &Loaded) -> String {
    let mut told = String::new();
    for file in &project.migrations {
        let script = Script::build(file, "", None).unwrap();
        let mode = match script.mode() {
            Mode::Transaction { wrapped: false } => "transaction",
            Mode::Transaction { wrapped: true } => "wrapped",
            Mode::Stepwise(_) => "stepwise",
        };
        let key = key(file).to_text();
        let (path, sha256) = (&file.path, &file.sha256);
        writeln!(told, "{key} {path} {sha256} {mode}").unwrap();
        for index in 0..script.len() {
            writeln!(told, "  {:?}", script.text(index)).unwrap();
        }
    }
    told
}

/// What is decided of one history, for each selection; of a refusal its kind.
fn of_history(project: &Loaded, words: &str, width: VersionType) -> String {
    let standings = standings(project, &history(project, words, width), width);
    let mut told = String::new();
    for asked in SELECTIONS {
        writeln!(told, "  asked for {asked:?}").unwrap();
        match choose(project, &standings, &selection(asked)) {
            Ok(chosen) => {
                for planned in work(project, &standings, &chosen) {
                    let planned = serde_json::to_string(&planned).unwrap();
                    writeln!(told, "    {planned}").unwrap();
                }
                let passed_over = chosen.work.iter().filter_map(|work| match work {
                    Work::PassOver { phase, step, .. } => Some(format!("{phase} {step:?}")),
                    _ => None,
                });
                let passed_over: Vec<String> = passed_over.collect();
                writeln!(
                    told,
                    "    passed over {passed_over:?}, left {}",
                    chosen.left
                )
                .unwrap();
            }
            Err(refusal) => {
                let kind = format!("{refusal:?}");
                let kind = kind.split([' ', '(', '{']).next().unwrap();
                writeln!(told, "    refused {kind}").unwrap();
            }
        }
    }
    told
}

/// All decisions, as text.
fn decisions() -> String {
    let folder = project();
    let project = load(&Root::at(folder.root()).unwrap()).unwrap_or_else(|errors| {
        let told = errors.as_slice().iter().map(|error| error.kind.to_string());
        panic!("{:?}", told.collect::<Vec<_>>())
    });
    let mut told = of_files(&project);
    for (name, words) in HISTORIES {
        for width in [VersionType::Int4, VersionType::Int8] {
            writeln!(told, "{name} with {}", width.as_str()).unwrap();
            told.push_str(&of_history(&project, words, width));
        }
    }
    told
}

#[test]
fn planning_has_its_number() {
    let told = decisions();
    let found = sha256(&format!("{PLANNING}\n{told}"));
    let (number, pinned) = DECISIONS[DECISIONS.len() - 1];
    // Shown where the test fails.
    eprint!("{told}");
    assert!(
        (number, pinned) == (PLANNING, &found),
        "That is what planning decides: ({PLANNING}, \"{found}\"), and not ({number}, \"{pinned}\").\n{ADVICE}"
    );
    assert!(DECISIONS.is_sorted_by(|one, next| one.0 < next.0 && one.1 != next.1));
}

/// The fingerprint of a database with an object of each kind.
fn catalog_of(major: u32) -> String {
    let server = Server::private(&Options::new(major));
    let database = server.database(Shape::Plain, Role::Superuser);
    database.execute(include_str!("catalog_setup.sql"));
    let version = database.value("show server_version_num").parse().unwrap();
    block_on(async {
        let connection = open(&database.url(), None).await.unwrap();
        let (session, _notices) = CatalogSession::new(connection);
        fingerprint(&snapshot(&session, version, "evmig").await.unwrap())
    })
}

#[test]
fn what_a_catalog_is_called_has_its_number() {
    let found = CATALOGS[0].1.map(|(major, _)| (major, catalog_of(major)));
    let (number, pinned) = CATALOGS[CATALOGS.len() - 1];
    let pinned = pinned.map(|(major, name)| (major, name.to_owned()));
    assert!(
        (number, &pinned) == (PLANNING, &found),
        "The catalogs of 14 to 18 are called ({PLANNING}, {found:#?}), and not ({number}, {pinned:#?}).\n{ADVICE}"
    );
    assert!(CATALOGS.is_sorted_by(|one, next| one.0 < next.0));
}
