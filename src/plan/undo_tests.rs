//! What is chosen, and what is refused, from histories of a few lines.

use super::*;
use crate::history::model::{MigrationRow, StatementRow};

/// A history from lines such as `apply 101 core a`: action, key, phase, run.
fn history(lines: &[&str]) -> History {
    let rows = lines.iter().zip(1..).map(|(line, seq)| {
        let words: Vec<&str> = line.split(' ').collect();
        let key = Key::parse(words[1]).unwrap();
        MigrationRow {
            seq,
            name: match &key {
                Key::Version(_) => "x".into(),
                Key::Repeatable(name) => name.clone(),
            },
            key,
            phase_number: 1,
            phase: words[2].into(),
            step: String::new(),
            run: words[3].into(),
            action: Action::parse(words[0]).unwrap(),
            sha256: format!("sha{seq}"),
            refinery_checksum: None,
            at: String::new(),
        }
    });
    History {
        rows: rows.collect(),
        ..History::default()
    }
}

fn turn(history: &mut History, key: Key, run: &str, after: i64) {
    history.open_statements.push(StatementRow {
        seq: history.open_statements.len() as i64,
        key,
        journal: Journal::Undo,
        run: run.into(),
        position: 0,
        state: StatementState::Intent,
        sha256: String::new(),
        note: Some(after.to_string()),
    });
}

fn manifest() -> Manifest {
    Manifest::parse(
        "[project]\nname = \"x\"\n\
         [[phase]]\nnumber = 1\nname = \"core\"\n[[phase.step]]\nname = \"s\"\nmigrations = \"a\"\n\
         [[phase]]\nnumber = 2\nname = \"logic\"\nrequires = [\"core\"]\n\
         [[phase.step]]\nname = \"s\"\nmigrations = \"b\"\n",
    )
    .unwrap()
}

fn chosen(history: &History, selection: &UndoSelection) -> Vec<String> {
    let undo = undo(history, Some(&manifest()), selection).unwrap();
    undo.layers
        .iter()
        .map(|layer| format!("{}@{}", layer.key.to_text(), layer.seq))
        .collect()
}

fn refused(history: &History, selection: &UndoSelection) -> UndoRefusal {
    undo(history, Some(&manifest()), selection).unwrap_err()
}

#[test]
fn the_last_run_is_what_is_left_of_the_newest_that_applied_something() {
    let mut lines = vec![
        "apply 1 core a",
        "apply 2 core b",
        "apply 3 core b",
        "baseline 9 core c",
    ];
    assert_eq!(
        chosen(&history(&lines), &UndoSelection::LastRun),
        ["3@3", "2@2"]
    );
    lines.extend(["rollback 3 core d"]);
    assert_eq!(chosen(&history(&lines), &UndoSelection::LastRun), ["2@2"]);
    lines.extend(["rollback 2 core d", "apply 2 core e"]);
    assert_eq!(chosen(&history(&lines), &UndoSelection::LastRun), ["2@7"]);
    lines.extend(["rollback 2 core f", "rollback 1 core g"]);
    assert_eq!(
        refused(&history(&lines), &UndoSelection::LastRun),
        UndoRefusal::Nothing { recorded: 1 }
    );
    assert_eq!(chosen(&history(&lines), &UndoSelection::All), ["9@4"]);
}

#[test]
fn everything_after_a_version_is_what_was_applied_after_it() {
    let lines = [
        "apply 5 core a",
        "apply 10 core a",
        "apply 7 core b",
        "apply R:view core b",
    ];
    let history = history(&lines);
    assert_eq!(
        chosen(&history, &UndoSelection::To(10)),
        ["R:view@4", "7@3"]
    );
    assert_eq!(
        refused(&history, &UndoSelection::To(6)),
        UndoRefusal::NotApplied {
            wanted: 6,
            nearest: vec![5, 7, 10]
        }
    );
    assert_eq!(
        chosen(&history, &UndoSelection::Last(2)),
        ["R:view@4", "7@3"]
    );
    assert_eq!(chosen(&history, &UndoSelection::Last(99)).len(), 4);
}

#[test]
fn a_repeatable_file_goes_back_text_by_text() {
    let lines = [
        "apply R:view core a",
        "apply 1 core b",
        "apply R:view core b",
    ];
    let mut history = history(&lines);
    let undone = undo(&history, None, &UndoSelection::LastRun).unwrap();
    let previous: Vec<Option<i64>> = undone.layers.iter().map(|layer| layer.previous).collect();
    assert_eq!(previous, [Some(1), None]);
    assert_eq!(
        refused(&history, &UndoSelection::Run("a".into())),
        UndoRefusal::NewerText {
            label: "R__view".into(),
            run: "b".into()
        }
    );
    history.rows.push(MigrationRow {
        seq: 4,
        action: Action::Rollback,
        ..history.rows[2].clone()
    });
    assert_eq!(
        chosen(&history, &UndoSelection::Run("a".into())),
        ["R:view@1"]
    );
}

#[test]
fn a_repair_brings_its_scripts_and_not_its_place() {
    let history = history(&["apply 1 core a", "apply 2 core a", "repair 1 core b"]);
    let undone = undo(&history, None, &UndoSelection::All).unwrap();
    let places: Vec<(i64, i64)> = undone
        .layers
        .iter()
        .map(|layer| (layer.seq, layer.scripts))
        .collect();
    assert_eq!(places, [(2, 2), (1, 3)]);
}

#[test]
fn what_later_phases_require_does_not_go_before_them() {
    let all = history(&["apply 1 core a", "apply 2 logic a", "apply 3 core b"]);
    assert_eq!(
        refused(&all, &UndoSelection::Phase(Selector::Number(1))),
        UndoRefusal::Required {
            phase: "core".into(),
            dependents: vec![("logic".into(), vec!["V2__x".into()])]
        }
    );
    // What came after the other phase is nothing that it was built on.
    assert_eq!(chosen(&all, &UndoSelection::LastRun), ["3@3"]);
    let undone = undo(
        &all,
        Some(&manifest()),
        &UndoSelection::Phase(Selector::Name("logic".into())),
    );
    assert_eq!(undone.unwrap().stays_behind, ["V3__x"]);
    assert_eq!(
        refused(&all, &UndoSelection::Phase(Selector::Name("locig".into()))),
        UndoRefusal::UnknownPhase {
            wanted: "locig".into(),
            valid: vec!["1 (core)".into(), "2 (logic)".into()]
        }
    );
}

#[test]
fn an_unknown_run_is_told_the_newest_ones() {
    let history = history(&["apply 1 core a", "apply 2 core b", "rollback 2 core c"]);
    assert_eq!(
        refused(&history, &UndoSelection::Run("z".into())),
        UndoRefusal::UnknownRun {
            wanted: "z".into(),
            newest: vec!["b".into(), "a".into()]
        }
    );
    assert_eq!(
        refused(&history, &UndoSelection::Run("b".into())),
        UndoRefusal::Nothing { recorded: 1 }
    );
}

#[test]
fn a_second_rollback_knows_that_it_goes_further() {
    let rows = [
        "apply 1 core a",
        "apply 2 core b",
        "apply 3 core c",
        "rollback 3 core d",
    ];
    let further =
        |rows: &[&str], selection| undo(&history(rows), None, &selection).unwrap().further;
    assert_eq!(further(&rows, UndoSelection::LastRun).as_deref(), Some("d"));
    assert_eq!(further(&rows, UndoSelection::Last(1)).as_deref(), Some("d"));
    // It means the same whenever it is typed.
    assert_eq!(further(&rows, UndoSelection::To(1)), None);
    assert_eq!(further(&rows[..3], UndoSelection::LastRun), None);
}

#[test]
fn an_unfinished_rollback_goes_on_by_the_same_command_alone() {
    let mut begun = history(&[
        "apply 1 core a",
        "apply 2 core a",
        "apply 3 core b",
        "rollback 3 core c",
    ]);
    turn(&mut begun, Key::Version(2), "c", 3);
    turn(&mut begun, Key::Version(1), "c", 3);
    for selection in [
        UndoSelection::LastRun,
        UndoSelection::All,
        UndoSelection::Last(3),
    ] {
        let undone = undo(&begun, None, &selection).unwrap();
        assert_eq!(undone.continues.as_deref(), Some("c"));
        assert_eq!(undone.layers.len(), 2, "{selection:?}");
    }
    assert!(matches!(
        refused(&begun, &UndoSelection::Last(1)),
        UndoRefusal::Unfinished { .. }
    ));
    // What was applied since has ended it.
    begun.rows.push(MigrationRow {
        seq: 5,
        ..begun.rows[2].clone()
    });
    assert_eq!(chosen(&begun, &UndoSelection::LastRun), ["3@5"]);
}

#[test]
fn a_file_that_stopped_half_way_is_in_the_way() {
    let mut begun = history(&["apply 1 core a"]);
    turn(&mut begun, Key::Version(2), "b", 1);
    begun.open_statements[0].journal = Journal::Up;
    begun.open_statements[0].state = StatementState::Done;
    assert_eq!(
        refused(&begun, &UndoSelection::All),
        UndoRefusal::HalfApplied {
            labels: vec!["V2".into()]
        }
    );
    begun.open_statements[0].state = StatementState::Failed;
    assert_eq!(chosen(&begun, &UndoSelection::All), ["1@1"]);
}
