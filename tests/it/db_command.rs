//! `evmig db`: the local server, as it is typed.

use super::harness::{Evmig, Project};

const MANIFEST: &str = r#"[project]
name = "local-shop"
default_environment = "local"
[environments.local]
url = "embedded"
[[phase]]
number = 1
name = "core"
title = "Core"
[[phase.step]]
name = "tables"
migrations = "1_core/1_tables"
"#;

/// A project with the server's data inside, which goes when the project goes.
struct Local {
    project: Project,
    home: Evmig,
}

impl Local {
    fn new() -> Self {
        let project = Project::new(MANIFEST).migration("V1__a", "create table a (id int);\n");
        let home = Evmig::new(&project, "");
        Self { project, home }
    }

    fn db(&self, words: &str) -> Evmig {
        Evmig::new(&self.project, &format!("db {words}"))
            .home_of(&self.home)
            .embedded(15)
            .env("EVMIG_DATA_DIR", self.project.path("data"))
    }

    fn state(&self) -> String {
        let document = self.db("status --format json").run().succeeds().json();
        assert_eq!(document["schema"], "evmig.db/1");
        document["state"].as_str().expect("text").to_owned()
    }
}

#[test]
fn a_server_is_started_used_stopped_and_deleted() {
    let local = Local::new();
    insta::assert_snapshot!(local.db("status").run().snapshot(), @r"
    There is no local server yet: evmig db start
    --- stderr ---
    --- exit 0 ---
    ");
    insta::assert_snapshot!(local.db("stop").run().snapshot(), @r"
    The local server was not running
    --- stderr ---
    --- exit 0 ---
    ");
    assert_eq!(local.state(), "absent");
    let started = local.db("start").run().succeeds();
    assert!(
        started.stdout.contains("created and started"),
        "{}",
        started.stdout
    );
    assert_eq!(local.state(), "running");
    let again = local.db("start").run().succeeds();
    assert!(
        again.stdout.contains("was running already"),
        "{}",
        again.stdout
    );
    let shown = local.db("status").run().succeeds();
    assert!(shown.stdout.contains("is running"), "{}", shown.stdout);
    local
        .db("psql -- -Xqc")
        .arg("create table kept (id int)")
        .run()
        .succeeds();

    local.db("stop").run().succeeds();
    assert_eq!(local.state(), "stopped");
    let stopped = local.db("status").run().succeeds();
    assert!(
        stopped.stdout.contains("PostgreSQL 15 is stopped"),
        "{}",
        stopped.stdout
    );
    let started = local.db("start").run().succeeds();
    assert!(started.stdout.contains(" started\n"), "{}", started.stdout);
    let kept = local
        .db("psql -- -XAtc")
        .arg("select count(*) from kept")
        .run()
        .succeeds();
    assert_eq!(kept.stdout, "0\n");

    insta::assert_snapshot!(local.db("reset").run().snapshot(), @r"
    --- stderr ---
    error[not-confirmed]: there is no terminal to ask on
      hint       give the consent in advance with --yes
    --- exit 5 ---
    ");
    let declined = local.db("reset").terminal(80).stdin("n\n").run().exits(5);
    assert!(
        declined
            .stdout
            .contains("Delete the local server of local-shop with all its data?"),
        "{}",
        declined.stdout
    );
    assert_eq!(local.state(), "running");
    local.db("reset").terminal(80).stdin("y\n").run().succeeds();
    assert_eq!(local.state(), "absent");
    let nothing = local.db("reset --yes").run().succeeds();
    assert_eq!(nothing.stdout, "There was no local server\n");
}

#[test]
fn psql_gets_its_arguments_and_gives_its_exit_code() {
    let local = Local::new();
    let rows = local
        .db("psql -- -XAt -v x=7 -c")
        .arg("select 1 as \"a b\", 'c d'")
        .run()
        .succeeds();
    assert_eq!(rows.stdout, "1|c d\n");
    let stdin = local
        .db("psql -- -XAt -v x=7")
        .stdin("select :x;\n")
        .run()
        .succeeds();
    assert_eq!(stdin.stdout, "7\n");
    let failed = local.db("psql -- -Xc").arg("select 1 / 0").run().exits(1);
    assert!(
        failed.stderr.contains("division by zero"),
        "{}",
        failed.stderr
    );
    local
        .db("psql -- -X -v ON_ERROR_STOP=1 -f -")
        .stdin("select 1 / 0;\n")
        .run()
        .exits(3);
    let name = local
        .db("psql -- -XAtc")
        .arg("select current_database()")
        .run();
    assert_eq!(name.stdout, "local_shop\n");
}

#[test]
fn the_url_and_the_password_file_serve_other_programs() {
    let local = Local::new();
    let url = local.db("url").run().succeeds();
    let passfile = local.db("url --passfile").run().succeeds();
    let document = local.db("url --format json").run().succeeds().json();
    assert_eq!(document["url"], url.stdout.trim_end());
    assert_eq!(document["passfile"], passfile.stdout.trim_end());
    let psql = Evmig::new(&local.project, "-XAtc")
        .instead(super::harness::tools::program("psql"))
        .arg("select current_user, inet_server_addr() is not null")
        .arg(url.stdout.trim_end())
        .env("PGPASSFILE", passfile.stdout.trim_end())
        .run()
        .succeeds();
    assert_eq!(psql.stdout, "postgres|t\n");
    let refused = Evmig::new(&local.project, "-XwAtc")
        .instead(super::harness::tools::program("psql"))
        .arg("select 1")
        .arg(url.stdout.trim_end())
        .run();
    assert_ne!(refused.code(), 0, "without the password file");
    // The same database as apply's.
    local.db("").run().exits(2);
    let apply = Evmig::new(&local.project, "apply")
        .home_of(&local.home)
        .embedded(15)
        .env("EVMIG_DATA_DIR", local.project.path("data"));
    apply.run().succeeds();
    let table = local
        .db("psql -- -XAtc")
        .arg("select to_regclass('a')")
        .run();
    assert_eq!(table.stdout, "a\n");
}

#[test]
fn without_postgresql_it_says_what_to_install() {
    let local = Local::new();
    for words in ["start", "url", "psql", "start --format json"] {
        let output = local
            .db(words)
            .env("EVMIG_PG_BIN", "/nonexistent/bin")
            .run()
            .exits(5);
        assert!(
            output.stderr.contains("/nonexistent/bin"),
            "{}",
            output.stderr
        );
        if words.contains("json") {
            assert_eq!(output.json()["error"]["code"], "embedded-server");
        }
    }
}
