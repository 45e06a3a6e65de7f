//! `evmig config`: each setting, its value and where it comes from, the highest source first.

use std::collections::BTreeMap;

use super::harness::project::ONE_PHASE;
use super::harness::{Evmig, Output, Project};

const MANIFEST: &str = r#"[project]
name = "test"
history_schema = "past"
default_environment = "local"

[environments.local]
url = "postgresql://local.invalid/l"
[environments.staging]
url = "postgresql://staging.invalid/s"
sslmode = "require"
[environments.production]
url_env = "SHOP_URL"
protected = true

[apply]
lock_timeout = "3s"
lock_retries = 3
statement_timeout = "3min"
lock_budget = "4min"
concurrent_budget = "5min"

[[phase]]
number = 1
name = "core"
title = "Core"
[[phase.step]]
name = "tables"
migrations = "1_core/1_tables"
"#;

fn project(manifest: &str) -> Project {
    let project = Project::new(manifest);
    std::fs::create_dir_all(project.path("migrations/1_core/1_tables")).expect("our own folder");
    project
}

/// Name to value and source.
fn settings(output: &Output) -> BTreeMap<String, (String, String)> {
    let document = output.json();
    assert_eq!(document["schema"], "evmig.config/1");
    let text = |value: &serde_json::Value| value.as_str().expect("text").to_owned();
    document["settings"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|one| {
            (
                text(&one["name"]),
                (text(&one["value"]), text(&one["source"])),
            )
        })
        .collect()
}

fn config(
    project: &Project,
    words: &str,
    variables: &[(&str, &str)],
) -> BTreeMap<String, (String, String)> {
    let run = Evmig::new(project, "config --format json");
    let run = words.split_whitespace().fold(run, Evmig::arg);
    let run = variables
        .iter()
        .fold(run, |run, (name, value)| run.env(name, *value));
    settings(&run.run().succeeds())
}

#[track_caller]
fn assert_setting(
    settings: &BTreeMap<String, (String, String)>,
    name: &str,
    value: &str,
    source: &str,
) {
    let expected = (value.to_owned(), source.to_owned());
    assert_eq!(settings.get(name), Some(&expected), "{name}");
}

#[test]
fn every_setting_of_apply_is_taken_from_the_highest_source() {
    let shipped = [
        ("lock_timeout", "2s", "3s"),
        ("lock_retries", "10", "3"),
        ("statement_timeout", "0 (no limit)", "3min"),
        ("lock_budget", "5min", "4min"),
        ("concurrent_budget", "0 (no limit)", "5min"),
        ("wait", "1min", "1min"),
    ];
    let plain = project(ONE_PHASE);
    let full = project(MANIFEST);
    let lines = [16, 17, 18, 19, 20];
    for (index, (name, default, of_file)) in shipped.into_iter().enumerate() {
        let setting = format!("apply.{name}");
        let variable = format!("EVMIG_{}", name.to_uppercase());
        let typed = if name == "lock_retries" { "7" } else { "700ms" };
        let empty = (variable.as_str(), "");
        assert_setting(&config(&plain, "", &[empty]), &setting, default, "default");
        let source = lines.get(index).map_or_else(
            || "default".to_owned(),
            |line| format!("phases.toml:{line}"),
        );
        assert_setting(&config(&full, "", &[]), &setting, of_file, &source);
        full.write(".env", format!("{variable}={typed}\n"));
        let source = format!(".env {variable}");
        assert_setting(&config(&full, "", &[]), &setting, typed, &source);
        let higher = if name == "lock_retries" { "8" } else { "800ms" };
        let source = format!("variable {variable}");
        let set = [(variable.as_str(), higher)];
        assert_setting(&config(&full, "", &set), &setting, higher, &source);
        full.remove(".env");
    }
}

#[test]
fn the_target_is_named_by_the_first_of_its_sources() {
    let project = project(MANIFEST);
    let mut variables: Vec<(&str, &str)> = Vec::new();
    let mut words = "";
    let host = |words: &str, variables: &[(&str, &str)]| {
        let settings = config(&project, words, variables);
        let named = ["target", "target.environment"].map(|name| settings.get(name).cloned());
        let (_, named_by) = named.into_iter().flatten().next().expect("a target");
        (settings["connection.host"].0.clone(), named_by)
    };
    let assert_named = |words: &str, variables: &[(&str, &str)], at: &str, by: &str| {
        assert_eq!(host(words, variables), (at.to_owned(), by.to_owned()));
    };
    // From the last to the first: each one that is added wins over all before it.
    assert_named(
        words,
        &variables,
        "local.invalid",
        "default_environment in phases.toml",
    );
    for (name, value, at) in [
        ("PGDATABASE", "d", "localhost"),
        ("PGHOST", "pg.invalid", "pg.invalid"),
        ("DATABASE_URL", "postgresql://url.invalid/d", "url.invalid"),
        ("EVMIG_ENV", "staging", "staging.invalid"),
        (
            "EVMIG_DATABASE_URL",
            "postgresql://own.invalid/d",
            "own.invalid",
        ),
    ] {
        variables.push((name, value));
        if name != "PGDATABASE" {
            assert_named(words, &variables, at, &format!("variable {name}"));
        }
    }
    words = "--env staging";
    assert_named(words, &variables, "staging.invalid", "flag --env");
    words = "--database-url postgresql://flag.invalid/d";
    assert_named(words, &variables, "flag.invalid", "flag --database-url");
    project.write(".env", "DATABASE_URL=postgresql://dotenv.invalid/d\n");
    assert_named("", &[], "dotenv.invalid", ".env DATABASE_URL");
    let process = [("DATABASE_URL", "postgresql://url.invalid/d")];
    assert_named("", &process, "url.invalid", "variable DATABASE_URL");
}

#[test]
fn an_environment_shows_its_mode_its_protection_and_its_variable() {
    let project = project(MANIFEST);
    let staging = config(&project, "--env staging", &[]);
    assert_setting(&staging, "connection.sslmode", "require", "phases.toml");
    assert_setting(
        &staging,
        "connection.host",
        "staging.invalid",
        "phases.toml:9",
    );
    let url = (
        "SHOP_URL",
        "postgresql://shop.invalid:6000/s?sslmode=disable",
    );
    let production = config(&project, "--env production", &[url, ("PGUSER", "me")]);
    assert_setting(&production, "target.protected", "true", "phases.toml");
    assert_setting(&production, "connection.port", "6000", "variable SHOP_URL");
    assert_setting(&production, "connection.user", "me", "variable PGUSER");
    let unset = config(&project, "--env production", &[]);
    assert_setting(
        &unset,
        "target",
        "none: environment `production` takes its URL from SHOP_URL, which is not set",
        "",
    );
    assert_setting(
        &config(&project_without_target(), "", &[]),
        "target",
        "none: nothing names a database",
        "",
    );
}

fn project_without_target() -> Project {
    project(ONE_PHASE)
}

#[test]
fn an_unknown_environment_is_refused_with_the_nearest_name() {
    let project = project(MANIFEST);
    for command in ["config", "status", "apply"] {
        let output = Evmig::new(&project, command)
            .arg("--env")
            .arg("stagging")
            .run();
        insta::allow_duplicates! {
            insta::assert_snapshot!(output.snapshot(), @r"
            --- stderr ---
            error[no-target]: there is no environment `stagging` (flag --env)
              detail     phases.toml has: local, production, staging
              hint       did you mean `staging`?
            --- exit 2 ---
            ");
        }
    }
    let output = Evmig::new(&project, "status").env("EVMIG_ENV", "xyz").run();
    insta::assert_snapshot!(output.snapshot(), @r"
    --- stderr ---
    error[no-target]: there is no environment `xyz` (variable EVMIG_ENV)
      detail     phases.toml has: local, production, staging
    --- exit 2 ---
    ");
}

#[test]
fn a_value_that_makes_no_sense_is_refused_with_its_source() {
    let project = project(MANIFEST);
    for (name, value, message) in [
        (
            "EVMIG_LOCK_TIMEOUT",
            "5parsecs",
            "`parsecs` is no unit of time",
        ),
        ("EVMIG_LOCK_TIMEOUT", "-1s", "is no duration"),
        ("EVMIG_STATEMENT_TIMEOUT", "1.5.5s", "no"),
        (
            "EVMIG_LOCK_BUDGET",
            "9999999999999999999d",
            "9999999999999999999d",
        ),
        ("EVMIG_WAIT", "soon", "`soon` is no duration"),
        ("EVMIG_LOCK_RETRIES", "-1", "`-1` is not a whole number"),
        (
            "EVMIG_LOCK_RETRIES",
            "99999999999",
            "`99999999999` is not a whole number",
        ),
    ] {
        let output = Evmig::new(&project, "config")
            .env(name, value)
            .run()
            .exits(2);
        let expected = format!("variable {name}: ");
        assert!(output.stderr.contains(&expected), "{}", output.stderr);
        assert!(output.stderr.contains(message), "{}", output.stderr);
        assert_eq!(output.stdout, "", "{name}={value}");
    }
    for (flag, value) in [
        ("--lock-timeout", "x"),
        ("--statement-timeout", "1y"),
        ("--wait", ""),
        ("--lock-retries", "many"),
    ] {
        let output = Evmig::new(&project, "apply")
            .arg(flag)
            .arg(value)
            .run()
            .exits(2);
        assert!(output.stderr.contains(flag), "{}", output.stderr);
    }
}

#[test]
fn the_whole_of_it_for_people() {
    let project = project(MANIFEST);
    let output = Evmig::new(&project, "config --env staging")
        .env("USER", "nobody")
        .env("PGUSER", "me")
        .run()
        .succeeds();
    let shown = output.snapshot();
    // The columns are as wide as the longest value, and that is the scratch folder's path.
    let lines = shown
        .lines()
        .filter(|line| !line.starts_with("project.root") && !line.starts_with("  "))
        .map(|line| {
            line.split("  ")
                .filter(|part| !part.is_empty())
                .map(str::trim)
        })
        .map(|parts| parts.collect::<Vec<_>>().join(" | "));
    insta::assert_snapshot!(lines.collect::<Vec<_>>().join("\n"), @r"
    project.name | test | phases.toml:2
    project.history_schema | past | phases.toml:3
    project.default_environment | local | phases.toml:4
    target.environment | staging | flag --env
    connection.host | staging.invalid | phases.toml:9
    connection.port | 5432 | default
    connection.dbname | s | phases.toml:9
    connection.user | me | variable PGUSER
    connection.sslmode | require | phases.toml
    apply.lock_timeout | 3s | phases.toml:16
    apply.lock_retries | 3 | phases.toml:17
    apply.statement_timeout | 3min | phases.toml:18
    apply.lock_budget | 4min | phases.toml:19
    apply.concurrent_budget | 5min | phases.toml:20
    apply.wait | 1min | default
    apply.on_drift | warn | default
    --- stderr ---
    --- exit 0 ---
    ");
}
