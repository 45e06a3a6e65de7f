//! Every error of `phases.toml`: its place, its id, its words, its suggestion.

use std::time::Duration;

use proptest::prelude::*;

use super::super::error::ProjectErrors;
use super::{Manifest, StepKind, Target, parse};

mod each_error;

/// The sample of the design, word for word.
const SAMPLE: &str = r#"[project]
name = "event-management"
history_schema = "evmig"              # schema for everything evmig stores
default_environment = "local"

[environments.local]
url = "embedded"                      # a local server that evmig starts itself (section 11)
[environments.production]
url_env = "DATABASE_URL"              # a variable's name, never a secret in this file
protected = true                      # apply/rollback ask for the database's name (or --yes); sample-data phases refuse
sslmode = "verify-full"

[apply]
lock_timeout = "2s"
lock_retries = 10                     # jittered exponential backoff between them
statement_timeout = "0"

[[phase]]
number = 1
name = "core"
title = "Core infrastructure"
[[phase.step]]
name = "tables"
migrations = "1_core/2_tables"
[[phase.step]]
name = "security-policies"
verify = ["tests/database/security.sql"]
[phase.contract]                      # what this phase may touch; a statement outside it is an error before anything runs
allow = ["extension", "schema", "type", "table", "index", "function", "trigger", "policy", "grant"]
max_lock_hold = "5s"                  # checked in the dry run and during the apply

[[phase]]
number = 3
name = "sample-data"
requires = ["core", "logic"]
environments = ["local", "staging"]   # refused elsewhere
"#;

/// A sound head for the cases: six lines.
const HEAD: &str = "[project]\nname = \"p\"\n[[phase]]\nnumber = 1\nname = \"core\"\n";

/// Renders all errors as `line:column code: message` and ` ~ suggestion`.
fn told(text: &str) -> Vec<String> {
    let errors = ProjectErrors::collect(parse(text).errors);
    errors
        .iter()
        .flat_map(ProjectErrors::as_slice)
        .map(|error| {
            let place = &error.snippet.as_ref().unwrap().place;
            assert_eq!(place.file, "phases.toml");
            let suggestion = error
                .suggestion()
                .map(|name| format!(" ~ {name}"))
                .unwrap_or_default();
            format!(
                "{}:{} {}: {}{suggestion}",
                place.line,
                place.column,
                error.code(),
                error.kind
            )
        })
        .collect()
}

#[test]
fn the_sample_is_read_word_for_word() {
    let parsed = parse(SAMPLE);
    // Its excerpt leaves out one phase and one environment that it names.
    assert_eq!(
        told(SAMPLE),
        [
            "35:21 unknown-phase: unknown phase `logic`",
            "36:26 unknown-environment: unknown environment `staging`",
        ]
    );
    assert!(parsed.complete);
    let manifest = parsed.manifest;
    assert_eq!(manifest.project.name.value, "event-management");
    assert_eq!(manifest.project.history_schema.value, "evmig");
    assert_eq!(manifest.project.default_environment.unwrap().value, "local");
    assert_eq!(manifest.environments["local"].target, Target::Embedded);
    let production = &manifest.environments["production"];
    assert!(production.protected);
    assert_eq!(production.sslmode.as_ref().unwrap().value, "verify-full");
    assert!(matches!(&production.target, Target::UrlEnv(name) if name.value == "DATABASE_URL"));
    assert_eq!(
        manifest.apply.lock_timeout.value,
        Some(Duration::from_secs(2))
    );
    assert!(manifest.apply.lock_timeout.span.is_some());
    assert_eq!(manifest.apply.statement_timeout.value, None);
    assert_eq!(
        manifest.apply.lock_budget.value,
        Some(Duration::from_mins(5))
    );
    assert_eq!(manifest.apply.lock_budget.span, None);
    let core = &manifest.phases[0];
    assert_eq!(core.title.as_deref(), Some("Core infrastructure"));
    assert_eq!(
        core.steps[0].folder().unwrap().as_str(),
        "migrations/1_core/2_tables"
    );
    assert!(
        matches!(&core.steps[1].kind, StepKind::Verify(files) if files[0].as_str() == "tests/database/security.sql")
    );
    let contract = core.contract.as_ref().unwrap();
    assert_eq!(contract.allow.len(), 9);
    assert_eq!(
        contract.max_lock_hold.as_ref().unwrap().value,
        Duration::from_secs(5)
    );
    assert_eq!(manifest.phases[1].environments.as_ref().unwrap().len(), 2);
}

#[test]
fn phases_are_sorted_by_number_and_every_step_kind_is_read() {
    let manifest = Manifest::parse(
        r#"
[project]
name = "p"
[[phase]]
number = 20
name = "b"
requires = ["a"]
[[phase]]
number = 3
name = "a"
[[phase.step]]
name = "deploy"
functions = ["supabase/functions/pay"]
[[phase.step]]
name = "statistics"
analyze = ["events", "app.orders"]
"#,
    )
    .unwrap();
    let names: Vec<&str> = manifest
        .phases
        .iter()
        .map(|phase| phase.name.as_str())
        .collect();
    assert_eq!(names, ["a", "b"]);
    let steps = &manifest.phases[0].steps;
    assert!(matches!(&steps[0].kind, StepKind::Functions(folders) if folders.len() == 1));
    assert!(matches!(&steps[1].kind, StepKind::Analyze(tables) if tables[1].value == "app.orders"));
    assert_eq!(manifest.place(steps[1].name.span).line, 15);
}

#[test]
fn no_error_shows_a_password() {
    for line in [
        "url = \"postgres://u:CANARY@h/d\"",
        "url = \"postgres://u@h/d?password=CANARY\"",
        "url = \"host=h password=CANARY\"",
        "url_env = \"postgres://u:CANARY@h\"",
        "url_env = \"$CANARY\"",
        "password = \"CANARY\"",
        "url = \"postgres://u:CANARY@h/d",
        "url = \"embedded\"\nurl_env = \"postgres://u:CANARY@h\"",
        "ulr = \"postgres://u:CANARY@h/d\"",
    ] {
        let errors = parse(&format!("{HEAD}[environments.prod]\n{line}\n")).errors;
        assert!(!errors.is_empty(), "{line}");
        assert!(!format!("{errors:?}").contains("CANARY"), "{errors:?}");
    }
}

#[test]
fn nesting_and_size_are_bounded() {
    let deep = "tables or arrays are nested too deep";
    let array = format!("{HEAD}x = {}1{}", "[".repeat(200), "]".repeat(200));
    assert_eq!(told(&array), [format!("6:85 toml-too-deep: {deep}")]);
    let key = format!("{HEAD}{} = 1", vec!["a"; 200].join("."));
    assert_eq!(told(&key), [format!("6:1 toml-too-deep: {deep}")]);
    assert_eq!(
        told(&format!("{HEAD}# {}", "x".repeat(10_001))),
        ["6:1 line-too-long: the line is longer than 10000 bytes"]
    );
    assert_eq!(
        told(&"# x\n".repeat(300_000)),
        ["1:1 manifest-too-large: the file is larger than 1048576 bytes"]
    );
}

#[test]
fn a_thousand_errors_are_kept_and_the_rest_are_counted() {
    use std::fmt::Write as _;
    let mut text = HEAD.to_owned();
    for index in 0..3000 {
        writeln!(text, "key{index} = 1").unwrap();
    }
    let told = told(&text);
    assert_eq!(told.len(), 1001);
    assert_eq!(
        told[1000],
        "3006:1 too-many-errors: and 2000 more errors in this file"
    );
}

#[test]
fn a_long_chain_of_phases_is_no_circle_and_overflows_nothing() {
    use std::fmt::Write as _;
    let mut text = "[project]\nname = \"p\"\n".to_owned();
    for index in 1..=10_000 {
        writeln!(text, "[[phase]]\nnumber={index}\nname=\"p{index}\"").unwrap();
        if index > 1 {
            writeln!(text, "requires=[\"p{}\"]", index - 1).unwrap();
        }
    }
    assert_eq!(told(&text), [""; 0]);
}

proptest! {
    #[test]
    fn no_text_panics(text in any::<String>()) {
        let _parsed = parse(&text);
    }

    #[test]
    fn no_toml_like_text_panics(parts in prop::collection::vec(prop::sample::select(vec![
        "[project]\n", "[[phase]]\n", "[phase]\n", "[[phase.step]]\n", "[phase.contract]\n", "[environments.a]\n",
        "[apply]\n", "name", "number", "requires", "url", "url_env", "migrations", "verify", "allow", "step",
        " = ", "1", "\"a\"", "\"../a\"", "[", "]", "{", "}", "\"\"\"", "'", "\n", ".", "ö", "\u{FEFF}", "\r\n", "true", "1.5",
        "1979-05-27", "#", "\u{0}", ",", "\"a\"\n", "= [\"a\"]\n", "name = \"a\"\n", "number = 1\n", "requires = [\"a\"]\n",
    ]), 0..40)) {
        let parsed = parse(&parts.concat());
        for error in parsed.errors {
            prop_assert!(error.snippet.is_some());
            prop_assert!(!error.code().is_empty() && !error.to_string().is_empty());
        }
    }
}
