//! The history's tables with any values in them: read, held against the shipped project, and shown.
#![no_main]

use std::path::Path;
use std::sync::LazyLock;

use arbitrary::Arbitrary;
use evmig::cli::error::{RunContext, of_run};
use evmig::history::model::{History, Key, MigrationRow, RefineryRow, VersionType};
use evmig::history::{rows, verify};
use evmig::pg::session::Row;
use evmig::plan::adopt::adoptions;
use evmig::plan::choose::{Selection, choose};
use evmig::plan::standing::{self, standings};
use evmig::project::{Project, Root, load};
use evmig::render::{json, terminal};
use evmig::report::history::{HistoryEntry, HistoryReport};
use evmig::report::target::Target;
use evmig::runner::error::RunError;
use evmig::runner::probe::Baseline;
use evmig_fuzz::shown;
use libfuzzer_sys::fuzz_target;

/// A value of a column: often one that means something, else anything.
#[derive(Debug, Arbitrary)]
enum Value {
    Null,
    Text(String),
    Number(i64),
    Small(u8),
    /// The key of the shipped project's migration with this index.
    KeyOf(u8),
    NameOf(u8),
    ChecksumOf(u8),
    RefineryOf(u8),
    RepeatableKey(String),
    Word(u8),
    Note(u8),
}

#[derive(Debug, Arbitrary)]
struct Input {
    migrations: Vec<[Value; 12]>,
    refinery: Vec<[Value; 4]>,
    statements: Vec<[Value; 7]>,
    loose: Vec<Vec<Value>>,
    wide: bool,
    out_of_order: bool,
    to: Option<i64>,
}

static PROJECT: LazyLock<Project> = LazyLock::new(|| {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let root = Root::at(&folder).expect("the repository is a project");
    load(&root).expect("the shipped project is sound")
});

const WORDS: [&str; 9] = [
    "apply", "baseline", "adopt", "repair", "rollback", "intent", "done", "failed", "true",
];

impl Value {
    fn text(&self) -> Option<String> {
        let migration = |at: &u8| &PROJECT.migrations[usize::from(*at) % PROJECT.migrations.len()];
        Some(match self {
            Self::Null => return None,
            Self::Text(text) => text.clone(),
            Self::Number(number) => number.to_string(),
            Self::Small(number) => number.to_string(),
            Self::KeyOf(at) => standing::key(migration(at)).to_text(),
            Self::NameOf(at) => migration(at).name.clone(),
            Self::ChecksumOf(at) => migration(at).sha256.clone(),
            Self::RefineryOf(at) => migration(at).refinery_i64()?.to_string(),
            Self::RepeatableKey(name) => format!("R:{name}"),
            Self::Word(at) => WORDS[usize::from(*at) % WORDS.len()].to_owned(),
            Self::Note(at) => "{\"table\":1,\"indexes\":[[2,true]],\"objects\":[3]}"
                .chars()
                .take(usize::from(*at))
                .collect(),
        })
    }
}

fn row(values: &[Value]) -> Row {
    Row::new(values.iter().map(Value::text).collect())
}

fuzz_target!(|input: Input| {
    for loose in &input.loose {
        drop(rows::migration_row(&row(loose)));
        drop(rows::statement_row(&row(loose)));
        drop(rows::refinery_row(&row(loose)));
        drop(rows::brief_rows(&row(loose).text(0)));
        let _widened = verify::was_widened(&row(loose));
    }
    let history = read(&input);
    for row in &history.rows {
        assert_eq!(Key::parse(&row.key.to_text()).as_ref(), Some(&row.key));
    }
    for row in &history.open_statements {
        let _baseline = Baseline::from_note(row.note.as_deref());
        assert!(history.journal(&row.key).contains(&row));
    }
    let brief = in_brief(&history);
    for width in [VersionType::Int4, VersionType::Int8] {
        against_the_project(&input, &history, width);
        if let Some(brief) = &brief {
            let full = standings(&PROJECT, &history, width);
            assert_eq!(standings(&PROJECT, brief, width).of, full.of);
        }
    }
    show(&history);
});

fn read(input: &Input) -> History {
    let mut history = History::default();
    for values in &input.migrations {
        match rows::migration_row(&row(values)) {
            Ok(row) => history.rows.push(row),
            Err(error) => {
                shown::assert_error(&of_run(&RunError::History(error), &RunContext::default()))
            }
        }
    }
    for values in &input.statements {
        if let Ok(row) = rows::statement_row(&row(values)) {
            history.open_statements.push(row);
        }
    }
    history.refinery = input
        .refinery
        .iter()
        .map(|values| rows::refinery_row(&row(values)))
        .collect();
    history
}

/// The same history as the text that deciding reads; `None` where it cannot be one.
fn in_brief(history: &History) -> Option<History> {
    let line = |row: &MigrationRow| {
        let fields = [
            row.seq.to_string(),
            row.key.to_text(),
            row.action.as_str().to_owned(),
            row.sha256.clone(),
            row.run.clone(),
            row.name.clone(),
        ];
        fields.join("\t")
    };
    let lines: Vec<String> = history.rows.iter().map(line).collect();
    let sorted = history.rows.is_sorted_by(|a, b| a.seq < b.seq);
    let tabs = lines
        .iter()
        .all(|line| line.matches(['\t', '\n', '\r']).count() == 5);
    let rows = rows::brief_rows(&lines.join("\n"));
    (sorted && tabs && lines.iter().all(|line| !line.is_empty())).then(|| History {
        rows: rows.expect("what was written can be read"),
        ..history.clone()
    })
}

fn against_the_project(input: &Input, history: &History, width: VersionType) {
    let standings = standings(&PROJECT, history, width);
    assert_eq!(standings.of.len(), PROJECT.migrations.len());
    for missing in &standings.missing {
        assert!(
            !PROJECT
                .migrations
                .iter()
                .any(|file| standing::key(file) == missing.key)
        );
    }
    for adoption in adoptions(&PROJECT, history, width) {
        assert_eq!(
            PROJECT.migrations[adoption.index].version.number(),
            Some(adoption.row.version)
        );
    }
    let selection = Selection {
        out_of_order: input.out_of_order,
        to: input.to,
        environment: input.wide.then(|| "production".to_owned()),
        ..Selection::default()
    };
    match choose(&PROJECT, &standings, &selection) {
        Ok(chosen) => {
            let indexes: Vec<usize> = chosen.migrations().collect();
            assert!(indexes.is_sorted_by(|a, b| a < b), "{indexes:?}");
            assert!(indexes.iter().all(|index| standings.of[*index].is_to_do()));
        }
        Err(refusal) => {
            shown::assert_error(&of_run(
                &RunError::Plan(Box::new(refusal)),
                &RunContext::default(),
            ));
        }
    }
}

fn show(history: &History) {
    let report = HistoryReport {
        schema: HistoryReport::SCHEMA,
        target: Target {
            host: String::new(),
            port: 0,
            database: String::new(),
            user: String::new(),
            environment: None,
            named_by: String::new(),
            protected: false,
            loopback: true,
            embedded: false,
        },
        entries: history
            .rows
            .iter()
            .map(entry)
            .chain(history.refinery.iter().map(refinery_entry))
            .collect(),
        verified_rows: None,
        first_bad: None,
    };
    for look in shown::LOOKS {
        shown::assert_harmless(&terminal::history(&report, look));
    }
    shown::assert_document(&json::history(&report));
}

fn entry(row: &MigrationRow) -> HistoryEntry {
    HistoryEntry {
        seq: row.seq,
        version: Some(row.key.to_text()),
        name: row.name.clone(),
        phase: row.phase.clone(),
        step: row.step.clone(),
        action: row.action.as_str().to_owned(),
        run: row.run.clone(),
        at: row.at.clone(),
        duration_ms: None,
        actor: row.sha256.clone(),
        reason: row.refinery_checksum.clone(),
    }
}

fn refinery_entry(row: &RefineryRow) -> HistoryEntry {
    HistoryEntry {
        seq: row.version,
        version: None,
        name: row.name.clone(),
        phase: String::new(),
        step: String::new(),
        action: "adopt".to_owned(),
        run: row.checksum.clone(),
        at: row.applied_on.clone(),
        duration_ms: Some(0.5),
        actor: String::new(),
        reason: None,
    }
}
