//! `evmig init` and `evmig new`, and the first five minutes with them.

use super::harness::{Evmig, Project};

fn evmig(project: &Project, words: &str) -> Evmig {
    Evmig::new(project, words).env("COLUMNS", "80")
}

const STARTED: [&str; 4] = [
    ".gitignore",
    "migrations/1_core/1_tables/.gitkeep",
    "phases.toml",
    "rollback/1_core/1_tables/.gitkeep",
];

#[test]
fn a_project_starts_in_an_empty_folder_a_new_one_and_beside_other_files() {
    let project = Project::empty();
    let output = evmig(&project, "init --name shop").run();
    insta::assert_snapshot!(output.snapshot(), @r"
    Started project shop
      created  .gitignore
      created  migrations/1_core/1_tables/.gitkeep
      created  phases.toml
      created  rollback/1_core/1_tables/.gitkeep

    Next:
      evmig new first_table --phase 1
      evmig apply
    --- stderr ---
    --- exit 0 ---
    ");
    assert_eq!(project.files(), STARTED);

    let project = Project::empty()
        .file("README", "mine\n")
        .file(".gitignore", "*.swp\n");
    evmig(&project, "init --name shop").run().succeeds();
    assert_eq!(project.read("README"), "mine\n");
    assert_eq!(project.read(".gitignore"), "*.swp\n/.env\n/.evmig\n");

    let project = Project::empty();
    for folder in ["shop", "deep/er/shop-2", "./dotted"] {
        let output = evmig(&project, "init").arg(folder).run().succeeds();
        let next = format!("evmig -C {folder} apply");
        assert!(output.stdout.contains(&next), "{}", output.stdout);
        evmig(&project, "status").arg("-C").arg(folder).embedded(15);
        for file in STARTED {
            assert!(project.path(folder).join(file).is_file(), "{folder}/{file}");
        }
    }
    assert!(
        project
            .read("deep/er/shop-2/phases.toml")
            .contains("name = \"shop-2\"")
    );
}

#[test]
fn a_project_is_not_started_over_another_one() {
    let project = Project::empty();
    evmig(&project, "init --name shop").run().succeeds();
    project.write("phases.toml", "mine");
    let output = evmig(&project, "init --name shop").run();
    insta::assert_snapshot!(output.snapshot(), @r"
    --- stderr ---
    error[in-the-way]: in the way: phases.toml, migrations/, rollback/
      hint       this is a project already: see `evmig status`
    --- exit 2 ---
    ");
    assert_eq!(project.read("phases.toml"), "mine");
    let output = evmig(&project, "init other")
        .arg("--name")
        .arg("my shop!")
        .run();
    insta::assert_snapshot!(output.snapshot(), @r"
    --- stderr ---
    error[bad-name]: `my shop!` is no project name: use up to 63 letters, digits,
      `-` and `_`, not only digits
      hint       for instance `my-shop`
    --- exit 2 ---
    ");
    assert!(!project.path("other").exists());
}

#[test]
fn a_migration_and_its_rollback_script_are_made_together() {
    let project = Project::empty();
    evmig(&project, "init --name shop").run().succeeds();
    let output = evmig(&project, "new people --phase 1").run();
    insta::assert_snapshot!(output.snapshot(), @r"
      created  migrations/1_core/1_tables/V101__people.sql
      created  rollback/1_core/1_tables/V101__people.sql

    Next, with the SQL in both:
      evmig apply
    --- stderr ---
    --- exit 0 ---
    ");
    let output = evmig(
        &project,
        "new teams --phase core --step tables --format json",
    )
    .run();
    insta::assert_snapshot!(output.snapshot(), @r#"
    {
      "migration": "migrations/1_core/1_tables/V102__teams.sql",
      "rollback": "rollback/1_core/1_tables/V102__teams.sql",
      "schema": "evmig.new/1",
      "version": "102"
    }
    --- stderr ---
    --- exit 0 ---
    "#);
    let output = evmig(&project, "new views --phase core --repeatable")
        .run()
        .succeeds();
    assert!(
        output
            .stdout
            .contains("migrations/1_core/1_tables/R__views.sql")
    );
    assert!(
        project
            .read("migrations/1_core/1_tables/R__views.sql")
            .contains("-- ")
    );
    evmig(&project, "new views --phase core --repeatable")
        .run()
        .exits(2);
    let before = project.files();
    let output = evmig(&project, "new a --phase 2").run();
    insta::assert_snapshot!(output.snapshot(), @r"
    --- stderr ---
    error[unknown-phase]: there is no phase `2`
      hint       there are: 1 (core)
    --- exit 2 ---
    ");
    let output = evmig(&project, "new a --phase coer").run();
    insta::assert_snapshot!(output.snapshot(), @r"
    --- stderr ---
    error[unknown-phase]: there is no phase `coer`
      hint       did you mean `core`?
    --- exit 2 ---
    ");
    let output = evmig(&project, "new a --phase core --step tabels").run();
    insta::assert_snapshot!(output.snapshot(), @r"
    --- stderr ---
    error[unknown-step]: there is no step `tabels`
      hint       did you mean `tables`?
    --- exit 2 ---
    ");
    for bad in ["", "a/b", "..", "a;drop"] {
        evmig(&project, "new --phase 1").arg(bad).run().exits(2);
    }
    assert_eq!(project.files(), before);
}

#[test]
fn a_new_command_outside_a_project_says_how_to_start_one() {
    let project = Project::empty();
    let output = evmig(&project, "new people --phase 1").run().exits(2);
    assert!(output.stderr.contains("evmig init"), "{}", output.stderr);
    let document = evmig(&project, "init --format json --name shop")
        .run()
        .json();
    assert_eq!(document["schema"], "evmig.init/1");
    assert_eq!(document["created"].as_array().map(Vec::len), Some(4));
    let document = evmig(&project, "init --format json").run().exits(2).json();
    assert_eq!(document["error"]["code"], "in-the-way");
}

/// What the README's first page has a newcomer type.
#[test]
fn the_five_minute_tour() {
    let project = Project::empty();
    let home = evmig(&project, "init --name tour").embedded(16);
    home.clone().run().succeeds();
    let evmig = |words: &str| {
        evmig(&project, words)
            .home_of(&home)
            .embedded(16)
            .env("EVMIG_DATA_DIR", project.path("data"))
    };
    evmig("new people --phase 1").run().succeeds();
    project.write(
        "migrations/1_core/1_tables/V101__people.sql",
        "create table people (id bigint primary key, name text not null);\n",
    );
    project.write(
        "rollback/1_core/1_tables/V101__people.sql",
        "drop table people;\n",
    );
    let applied = evmig("apply").run();
    let shown = evmig("status").run();
    let again = evmig("apply").run();
    let port = evmig("db status --format json").run().json()["port"].to_string();
    let run = applied.stdout.rsplit("run        ").next().expect("its id");
    let run = run.trim_end().to_owned();
    insta::assert_snapshot!(applied.replacing(&port, "$PORT").snapshot(), @r"
    Applied 1 migration, 1 statement, in $T
      run        $RUN
    --- stderr ---
    Target  tour as postgres on 127.0.0.1:$PORT (embedded server)
            environment local, named by default_environment in phases.toml
    Run $RUN: 1 migration, 1 statement
    Phase 1  Core tables
      V101__people                                          1 statement  $T
    --- exit 0 ---
    ");
    insta::assert_snapshot!(shown.replacing(&port, "$PORT").replacing(run, "$RUN").snapshot(), @r"
    Target  tour as postgres on 127.0.0.1:$PORT (embedded server)
            environment local, named by default_environment in phases.toml
    Server  PostgreSQL 16.x

    Phase 1  Core tables  applied: all 1
      tables
        applied    V101__people  $TIME  $RUN

    Up to date: 1 migration applied
    --- stderr ---
    --- exit 0 ---
    ");
    insta::assert_snapshot!(again.replacing(&port, "$PORT").snapshot(), @r"
    Nothing to do: everything selected is applied
    --- stderr ---
    Target  tour as postgres on 127.0.0.1:$PORT (embedded server)
            environment local, named by default_environment in phases.toml
    --- exit 0 ---
    ");
    let rows = evmig("db psql -- -Atc")
        .arg("select count(*) from people")
        .run()
        .succeeds();
    assert_eq!(rows.stdout, "0\n");
    evmig("db stop").run().succeeds();
}
