//! What is written is read again, and what is not as it was written is not.

use super::*;

fn catalog(fingerprint: &str, objects: &[(&str, &str)]) -> PlannedCatalog {
    let objects = objects
        .iter()
        .map(|(object, hash)| ((*object).to_owned(), (*hash).to_owned()));
    PlannedCatalog {
        fingerprint: fingerprint.to_owned(),
        objects: objects.collect(),
    }
}

fn plan(predicted: Prediction) -> SavedPlan {
    SavedPlan {
        evmig: "1.2.3".to_owned(),
        planning: PLANNING,
        target: PlannedTarget {
            system_identifier: Some("7".to_owned()),
            database: "app \"review\": null".to_owned(),
            database_oid: 5,
            history_schema: "evmig".to_owned(),
            environment: None,
        },
        selection: PlannedSelection {
            phases: vec!["1".to_owned(), "core".to_owned()],
            to: Some(3),
            ..PlannedSelection::default()
        },
        history_position: 2,
        work: vec![
            PlannedWork::Migration {
                key: "3".to_owned(),
                label: "V3__x".to_owned(),
                file: "migrations/V3__x.sql".to_owned(),
                sha256: "ab".to_owned(),
                first_statement: 0,
            },
            PlannedWork::Analyze {
                phase: "core".to_owned(),
                step: "analyze".to_owned(),
                tables: vec!["t".to_owned()],
            },
        ],
        catalog: catalog("b", &[("table a", "1"), ("table b", "1"), ("table c", "1")]),
        predicted,
    }
}

fn predicted() -> Prediction {
    Prediction::Known(catalog(
        "c",
        &[("table b", "2"), ("table c", "1"), ("table d", "1")],
    ))
}

#[test]
fn a_plan_is_read_as_it_was_written() {
    for predicted in [predicted(), Prediction::Unknown("why".to_owned())] {
        let plan = plan(predicted);
        let review = "{\n  \"schema\": \"evmig.dry-run/1\"\n}\n";
        let (text, checksum) = plan.file(review).unwrap();
        assert_eq!(
            read(&text),
            Ok(ReadPlan {
                plan: plan.clone(),
                checksum
            })
        );
        let document: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(document["review"]["schema"], "evmig.dry-run/1");
        assert_eq!(read(&text.replace('\n', "\r\n")).unwrap().plan, plan);
    }
}

#[test]
fn every_byte_counts() {
    let (text, _) = plan(predicted()).file("{}").unwrap();
    for at in 0..text.len() {
        for other in [b'0', b' '] {
            let mut bytes = text.clone().into_bytes();
            if bytes[at] == other {
                continue;
            }
            bytes[at] = other;
            let changed = String::from_utf8(bytes).unwrap();
            assert!(read(&changed).is_err(), "byte {at} of {text}");
        }
        assert!(read(&text[..at]).is_err(), "cut at {at}");
    }
    let without = text
        .lines()
        .filter(|line| !line.contains("checksum"))
        .collect::<Vec<_>>()
        .join("\n");
    assert_eq!(read(&without), Err(PlanFileError::Altered));
}

#[test]
fn another_format_says_so_whatever_else_is_in_it() {
    assert_eq!(
        read("{\"schema\": \"evmig.plan/2\", \"things\": 1}"),
        Err(PlanFileError::Format {
            found: "evmig.plan/2".to_owned()
        })
    );
    assert!(matches!(
        read("{\"schema\": \"evmig.status/1\"}"),
        Err(PlanFileError::Broken { .. })
    ));
}

#[test]
fn times_of_the_throw_away_database_are_rounded_up() {
    let coarse = |ms| {
        let mut estimate = Estimate {
            ms: Some(ms),
            basis: Basis::Shadow,
            reason: String::new(),
        };
        coarsen(&mut estimate);
        estimate.ms.unwrap() as u64
    };
    let rounded = [0.3, 10.0, 11.0, 21.0, 51.0, 101.0, 501.0].map(coarse);
    assert_eq!(rounded, [10, 10, 20, 50, 100, 200, 1000]);
}
