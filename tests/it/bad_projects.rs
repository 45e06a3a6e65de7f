//! B60 to B70, B74: project files that are not as they must be. Every error comes in one run, with
//! file, line, column and the nearest valid name; nothing is run, and no server is waited for.
#![allow(
    clippy::too_many_lines,
    reason = "a whole output in a test is as long as the output"
)]

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::time::Duration;

use nix::sys::stat::Mode;

use super::harness::project::ONE_PHASE;
use super::harness::{Evmig, Output, Project, scratch};

/// Longer than any of these takes: a pipe that nobody writes to would wait for ever.
const LIMIT: Duration = Duration::from_secs(20);

/// A URL at which nothing answers (RFC 5737): an error of the project must come before it is
/// connected to, or the exit code is another one.
const NOBODY: &str = "postgresql://nobody@198.51.100.7/none?connect_timeout=1";

fn evmig(project: &Project, words: &str) -> Evmig {
    Evmig::new(project, words)
        .within(LIMIT)
        .arg("--database-url")
        .arg(NOBODY)
}

/// A server that takes the connection and never says a word, while its project is read.
#[test]
fn errors_of_the_project_wait_for_no_server() {
    let silent = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = silent.local_addr().expect("bound").port();
    let project = Project::one_phase().file("migrations/1_core/1_tables/nonsense.sql", "");
    let output = Evmig::new(&project, "apply")
        // Less than evmig waits for a server.
        .within(Duration::from_secs(12))
        .arg("--database-url")
        .arg(format!(
            "postgresql://nobody@127.0.0.1:{port}/none?sslmode=disable"
        ))
        .run()
        .exits(2);
    assert!(
        output.stderr.contains("[bad-file-name]"),
        "{}",
        output.stderr
    );
}

/// Runs `apply`, and `status` which must say the same; returns what they say.
#[track_caller]
fn errors(project: &Project) -> String {
    let apply = evmig(project, "apply").run().exits(2);
    let status = evmig(project, "status").run().exits(2);
    assert_eq!(apply.stderr, status.stderr);
    assert_eq!((apply.stdout.as_str(), status.stdout.as_str()), ("", ""));
    assert!(
        !apply.stderr.contains('\u{1b}'),
        "a raw escape: {}",
        apply.stderr
    );
    apply.snapshot()
}

/// The errors of a project with this manifest and the folder of `one_phase`.
#[track_caller]
fn errors_of_manifest(manifest: &str) -> String {
    errors(&one_phase_with(manifest))
}

/// A text without its line breaks: where a path breaks depends on its length.
fn words(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn one_phase_with(manifest: &str) -> Project {
    let project = Project::one_phase().migration("V1__people", "select 1;\n");
    project.write("phases.toml", manifest);
    project
}

const MANY: &str = r#"[project]
name = "test"
histroy_schema = "evmig"
default_environment = "prodution"

[environments.local]
url = "embeded"
[environments.production]
url_env = "DATABASE_URL"
protected = "yes"
sslmode = "verify-ful"

[aply]
lock_timeout = "2s"

[apply]
lock_timout = "2s"
lock_retries = -1
statement_timeout = "ten"

[[phase]]
number = 1
name = "core"
titel = "Core"
requires = ["logic"]
[[phase.step]]
name = "tables"
migrations = "1_core/1_tables"
[[phase.step]]
name = "indexes"
migrations = "1_core/1_tables"
[[phase.step]]
name = "tables"
migrations = "../elsewhere"
[[phase.step]]
name = "functions"
migrations = "1_core/3_funktions"
[[phase.step]]
name = "nothing"
[phase.contract]
allow = ["tabel", "index"]

[[phase]]
number = 1
name = "logic"
requires = ["core"]
environments = ["stagging"]
"#;

#[test]
fn everything_that_is_wrong_comes_at_once() {
    let project = Project::new(MANY)
        .migration("V1__people", "select 1;\n")
        .migration("V1__places", "select 1;\n")
        .migration("v2__lower", "select 1;\n")
        .migration("V3_one_underscore", "select 1;\n")
        .migration("V4__nul", "select 1;\0\n")
        .file("migrations/1_core/3_functions/V5__f.sql", "select 1;\n")
        .file("migrations/1_core/1_tables/notes.txt", "hello\n")
        .file(
            "migrations/1_core/1_tables/V6__bytes.sql",
            b"select '\xff';\n",
        )
        .rollback("V9__gone", "select 1;\n");
    insta::assert_snapshot!(errors(&project), @r#"
    --- stderr ---
    error[unknown-key]: unknown key `histroy_schema` in [project]
     --> phases.toml:3:1
      |
    3 | histroy_schema = "evmig"
      | ^^^^^^^^^^^^^^
      hint       did you mean `history_schema`? (valid keys: name, history_schema, default_environment)

    error[unknown-environment]: unknown environment `prodution`
     --> phases.toml:4:23
      |
    4 | default_environment = "prodution"
      |                       ^^^^^^^^^^^
      hint       did you mean `production`? (there are: production)

    error[bad-url]: `url` must be "embedded" or a postgres:// URL
     --> phases.toml:7:7
      |
    7 | url = "embeded"
      |       ^^^^^^^^^

    error[wrong-type]: `protected` must be true or false, not string
      --> phases.toml:10:13
       |
    10 | protected = "yes"
       |             ^^^^^

    error[unknown-sslmode]: unknown sslmode `verify-ful`
      --> phases.toml:11:11
       |
    11 | sslmode = "verify-ful"
       |           ^^^^^^^^^^^^
      hint       did you mean `verify-full`? (there are: disable, allow, prefer, require, verify-ca,
                 verify-full)

    error[unknown-key]: unknown key `aply` in phases.toml
      --> phases.toml:13:2
       |
    13 | [aply]
       |  ^^^^
      hint       did you mean `apply`? (valid keys: project, environments, apply, rollback, diagram,
                 phase)

    error[unknown-key]: unknown key `lock_timout` in [apply]
      --> phases.toml:17:1
       |
    17 | lock_timout = "2s"
       | ^^^^^^^^^^^
      hint       did you mean `lock_timeout`? (valid keys: lock_timeout, lock_retries,
                 statement_timeout, lock_budget, concurrent_budget, on_drift)

    error[out-of-range]: `lock_retries` must be from 0 to 10000, not -1
      --> phases.toml:18:16
       |
    18 | lock_retries = -1
       |                ^^

    error[bad-duration]: `statement_timeout`: `ten` is no duration: write a whole number and a unit, for
      instance "2s"
      --> phases.toml:19:21
       |
    19 | statement_timeout = "ten"
       |                     ^^^^^

    error[unknown-key]: unknown key `titel` in [[phase]]
      --> phases.toml:24:1
       |
    24 | titel = "Core"
       | ^^^^^
      hint       did you mean `title`? (valid keys: number, name, title, requires, environments, step,
                 contract)

    error[duplicate-folder]: folder `migrations/1_core/1_tables` is already on line 28
      --> phases.toml:31:14
       |
    31 | migrations = "1_core/1_tables"
       |              ^^^^^^^^^^^^^^^^^

    error[duplicate-step]: step `tables` is already on line 27
      --> phases.toml:33:8
       |
    33 | name = "tables"
       |        ^^^^^^^^

    error[path-outside-project]: `../elsewhere` leaves the project
      --> phases.toml:34:14
       |
    34 | migrations = "../elsewhere"
       |              ^^^^^^^^^^^^^^
      hint       move or copy the file into the project and name it from there

    error[path-missing]: folder `migrations/1_core/3_funktions` does not exist
      --> phases.toml:37:14
       |
    37 | migrations = "1_core/3_funktions"
       |              ^^^^^^^^^^^^^^^^^^^^
      hint       did you mean `1_core/3_functions`? (create it with `mkdir -p
                 migrations/1_core/3_funktions`, or correct the path)

    error[step-without-work]: the step says nothing to do: it needs one of `migrations`, `verify`,
      `functions`, `analyze`
      --> phases.toml:38:1
       |
    38 | [[phase.step]]
       | ^^^^^^^^^^^^^^

    error[unknown-class]: unknown class `tabel`
      --> phases.toml:41:10
       |
    41 | allow = ["tabel", "index"]
       |          ^^^^^^^
      hint       did you mean `table`? (there are: extension, schema, type, table, sequence, view,
                 index, function, trigger, event-trigger, policy, grant, role, rule, statistics,
                 publication, subscription, foreign, data, code, …)

    error[duplicate-phase-number]: phase number `1` is already on line 22
      --> phases.toml:44:10
       |
    44 | number = 1
       |          ^

    error[requires-circle]: phases require each other in a circle: core -> logic -> core
      --> phases.toml:46:13
       |
    46 | requires = ["core"]
       |             ^^^^^^

    error[unknown-environment]: unknown environment `stagging`
      --> phases.toml:47:17
       |
    47 | environments = ["stagging"]
       |                 ^^^^^^^^^^
      hint       there are: production

    error[duplicate-version]: version 1 is used by migrations/1_core/1_tables/V1__people.sql and
      migrations/1_core/1_tables/V1__places.sql
      hint       give the one that is not applied yet a new version

    error[bad-file-name]: migrations/1_core/1_tables/V3_one_underscore.sql is no migration file: two
      underscores must stand between the version and the name
      hint       did you mean `V3__one_underscore.sql`?

    error[nul-byte]: NUL byte at offset 9
     --> migrations/1_core/1_tables/V4__nul.sql:1:10
      |
    1 | select 1;�
      |          ^
      hint       remove the byte: PostgreSQL cannot hold it

    error[invalid-utf8]: byte 0xff at offset 8 is not valid UTF-8
     --> migrations/1_core/1_tables/V6__bytes.sql:1:9
      |
    1 | select '�';
      |         ^
      hint       save it as UTF-8, for instance `iconv -f WINDOWS-1252 -t UTF-8
                 migrations/1_core/1_tables/V6__bytes.sql`

    error[bad-file-name]: migrations/1_core/1_tables/notes.txt is no migration file: only .sql files
      belong here
      hint       move it elsewhere: whatever is in a migrations folder must be a migration

    error[bad-file-name]: migrations/1_core/1_tables/v2__lower.sql is no migration file: the first
      letter must be a capital `V`
      hint       did you mean `V2__lower.sql`?

    error[rollback-without-migration]: rollback/1_core/1_tables/V9__gone.sql has no migration at
      migrations/1_core/1_tables/V9__gone.sql
      hint       a rollback script has its migration's path and name under rollback/; rename or remove
                 it

    26 errors; nothing was run
    --- exit 2 ---
    "#);
}

#[test]
fn the_same_as_json_names_every_one() {
    let project = Project::new(MANY).migration("V1__people", "select 1;\n");
    let output = evmig(&project, "apply --format json").run().exits(2);
    let document = output.json();
    insta::assert_snapshot!(output.stdout.lines().take(24).collect::<Vec<_>>().join("\n"), @r#"
    {
      "schema": "evmig.error/1",
      "exit_code": 2,
      "error": {
        "code": "unknown-key",
        "sqlstate": null,
        "file": "phases.toml",
        "line": 3,
        "column": 1,
        "message": "unknown key `histroy_schema` in [project]",
        "detail": null,
        "context": null,
        "hint": "did you mean `history_schema`? (valid keys: name, history_schema, default_environment)",
        "committed": null,
        "next": []
      },
      "errors": [
        {
          "code": "unknown-key",
          "sqlstate": null,
          "file": "phases.toml",
          "line": 3,
          "column": 1,
          "message": "unknown key `histroy_schema` in [project]",
    "#);
    let errors = document["errors"].as_array().expect("an array");
    assert!(errors.len() >= 15, "{document}");
    for error in errors {
        assert!(
            error["file"].is_string() && error["code"].is_string(),
            "{error}"
        );
    }
}

#[test]
fn an_unknown_key_at_every_level() {
    insta::assert_snapshot!(
        errors_of_manifest(
            "prject = 1\n[project]\nname = \"x\"\nnaem = 1\n[environments.local]\nurl = \"embedded\"\nprotectd = true\n\
             [apply]\nwaite = 1\n[[phase]]\nnumber = 1\nname = \"core\"\nrequire = []\n[phase.contract]\nallow = [\"table\"]\nallows = 1\n\
             [[phase.step]]\nname = \"tables\"\nmigrations = \"1_core/1_tables\"\nmigration = 1\n"
        ),
        @r#"
    --- stderr ---
    error[unknown-key]: unknown key `prject` in phases.toml
     --> phases.toml:1:1
      |
    1 | prject = 1
      | ^^^^^^
      hint       did you mean `project`? (valid keys: project, environments, apply, rollback, diagram,
                 phase)

    error[unknown-key]: unknown key `naem` in [project]
     --> phases.toml:4:1
      |
    4 | naem = 1
      | ^^^^
      hint       did you mean `name`? (valid keys: name, history_schema, default_environment)

    error[unknown-key]: unknown key `protectd` in [environments.local]
     --> phases.toml:7:1
      |
    7 | protectd = true
      | ^^^^^^^^
      hint       did you mean `protected`? (valid keys: url, url_env, protected, sslmode,
                 backup_max_age, require_plan)

    error[unknown-key]: unknown key `waite` in [apply]
     --> phases.toml:9:1
      |
    9 | waite = 1
      | ^^^^^
      hint       valid keys: lock_timeout, lock_retries, statement_timeout, lock_budget,
                 concurrent_budget, on_drift

    error[unknown-key]: unknown key `require` in [[phase]]
      --> phases.toml:13:1
       |
    13 | require = []
       | ^^^^^^^
      hint       did you mean `requires`? (valid keys: number, name, title, requires, environments,
                 step, contract)

    error[unknown-key]: unknown key `allows` in [phase.contract]
      --> phases.toml:16:1
       |
    16 | allows = 1
       | ^^^^^^
      hint       did you mean `allow`? (valid keys: allow, max_lock_hold)

    error[unknown-key]: unknown key `migration` in [[phase.step]]
      --> phases.toml:20:1
       |
    20 | migration = 1
       | ^^^^^^^^^
      hint       did you mean `migrations`? (valid keys: name, migrations, verify, functions, analyze)

    7 errors; nothing was run
    --- exit 2 ---
    "#
    );
}

#[test]
fn a_key_given_twice() {
    insta::assert_snapshot!(
        errors_of_manifest(&ONE_PHASE.replace("name = \"test\"", "name = \"test\"\nname = \"best\"")),
        @r#"
    --- stderr ---
    error[duplicate-key]: `name` is given twice
     --> phases.toml:3:1
      |
    3 | name = "best"
      | ^^^^
    --- exit 2 ---
    "#
    );
}

#[test]
fn toml_that_cannot_be_read() {
    insta::assert_snapshot!(errors_of_manifest("[project\nname = \"x\"\n"), @r#"
    --- stderr ---
    error[toml-syntax]: not valid TOML: unclosed table, expected `]`
     --> phases.toml:1:9
      |
    1 | [project
      |         ^
    --- exit 2 ---
    "#);
    insta::assert_snapshot!(errors_of_manifest("[project]\nname = \"x\n[[phase]]\n"), @r#"
    --- stderr ---
    error[toml-syntax]: not valid TOML: invalid basic string, expected `"`
     --> phases.toml:2:10
      |
    2 | name = "x
      |          ^
    --- exit 2 ---
    "#);
    insta::assert_snapshot!(errors_of_manifest("[project]\nname = test\n"), @r#"
    --- stderr ---
    error[toml-syntax]: not valid TOML: invalid boolean, expected `true`
     --> phases.toml:2:8
      |
    2 | name = test
      |        ^^^^
    --- exit 2 ---
    "#);
    insta::assert_snapshot!(errors_of_manifest(""), @r#"
    --- stderr ---
    error[missing-key]: phases.toml has no `[project]`
      --> phases.toml:1:1

    error[no-phases]: there is no [[phase]]: nothing could be applied
      --> phases.toml:1:1
      hint       add [[phase]] with `number` and `name`, and [[phase.step]] with `name` and `migrations`

    error[unlisted-folder]: migrations/1_core: no step in phases.toml names the folder `1_core`
      hint       add [[phase.step]] with migrations = "1_core", or remove the folder

    3 errors; nothing was run
    --- exit 2 ---
    "#);
}

#[test]
fn toml_that_is_too_deep_too_large_or_no_text() {
    let deep = format!(
        "{ONE_PHASE}\n[apply]\nx = {}{}\n",
        "[".repeat(4_000),
        "]".repeat(4_000)
    );
    insta::assert_snapshot!(errors_of_manifest(&deep), @r#"
    --- stderr ---
    error[toml-too-deep]: tables or arrays are nested too deep
      --> phases.toml:14:85
       |
    14 | …[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[…
       |                                                                ^
    --- exit 2 ---
    "#);
    let deep = format!(
        "{ONE_PHASE}\n[apply]\nx = {}{}\n",
        "[\n".repeat(50_000),
        "]\n".repeat(50_000)
    );
    insta::assert_snapshot!(errors_of_manifest(&deep), @r#"
    --- stderr ---
    error[toml-too-deep]: tables or arrays are nested too deep
      --> phases.toml:94:1
       |
    94 | [
       | ^
    --- exit 2 ---
    "#);
    let long = format!("{ONE_PHASE}\n[apply]\nx = {}\n", "[".repeat(50_000));
    insta::assert_snapshot!(errors_of_manifest(&long), @r#"
    --- stderr ---
    error[line-too-long]: the line is longer than 10000 bytes
      --> phases.toml:14:1
       |
    14 | x = [[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[…
       | ^
    --- exit 2 ---
    "#);
    let large = format!("{ONE_PHASE}\n{}", "# filler\n".repeat(10 * 1024 * 1024 / 9));
    insta::assert_snapshot!(errors_of_manifest(&large), @r#"
    --- stderr ---
    error[manifest-too-large]: phases.toml: the file is larger than 1048576 bytes
    --- exit 2 ---
    "#);
    let project = Project::empty();
    project.write("phases.toml", b"[project]\nname = \"caf\xe9\"\n");
    insta::assert_snapshot!(errors(&project), @r#"
    --- stderr ---
    error[invalid-utf8]: byte 0xe9 at offset 21 is not valid UTF-8
     --> phases.toml:2:12
      |
    2 | name = "caf�"
      |            ^
      hint       save it as UTF-8, for instance `iconv -f WINDOWS-1252 -t UTF-8 phases.toml`
    --- exit 2 ---
    "#);
    project.write("phases.toml", b"\xff\xfe[\0p\0");
    insta::assert_snapshot!(errors(&project), @r#"
    --- stderr ---
    error[utf16]: phases.toml: the file is UTF-16 (little-endian); project files are UTF-8
      hint       save it as UTF-8, for instance `iconv -f UTF-16 -t UTF-8 phases.toml`
    --- exit 2 ---
    "#);
    project.write("phases.toml", b"[project]\nname = \"a\0b\"\n");
    insta::assert_snapshot!(errors(&project), @r#"
    --- stderr ---
    error[nul-byte]: NUL byte at offset 19
     --> phases.toml:2:10
      |
    2 | name = "a�b"
      |          ^
      hint       remove the byte: PostgreSQL cannot hold it
    --- exit 2 ---
    "#);
}

#[test]
fn phases_that_require_each_other_in_a_circle() {
    let manifest = format!(
        "{ONE_PHASE}\n[[phase]]\nnumber = 2\nname = \"logic\"\nrequires = [\"data\"]\n\
         [[phase]]\nnumber = 3\nname = \"data\"\nrequires = [\"logic\"]\n\
         [[phase]]\nnumber = 4\nname = \"self\"\nrequires = [\"self\", \"cor\"]\n"
    );
    insta::assert_snapshot!(errors_of_manifest(&manifest), @r#"
    --- stderr ---
    error[requires-circle]: phases require each other in a circle: logic -> data -> logic
      --> phases.toml:20:13
       |
    20 | requires = ["logic"]
       |             ^^^^^^^

    error[requires-circle]: phases require each other in a circle: self -> self
      --> phases.toml:24:13
       |
    24 | requires = ["self", "cor"]
       |             ^^^^^^

    error[unknown-phase]: unknown phase `cor`
      --> phases.toml:24:21
       |
    24 | requires = ["self", "cor"]
       |                     ^^^^^
      hint       did you mean `core`? (there are: core, logic, data, self)

    3 errors; nothing was run
    --- exit 2 ---
    "#);
}

#[test]
fn paths_that_leave_the_project_or_cannot_be() {
    let steps = [
        "../outside",
        "/etc",
        "a/../../b",
        "",
        "a\\b",
        "~/x",
        "C:/x",
        "1_core/1_tables/",
    ];
    let mut manifest =
        "[project]\nname = \"test\"\n[[phase]]\nnumber = 1\nname = \"core\"\n".to_owned();
    for (at, path) in steps.iter().enumerate() {
        let step = [
            "[[phase.step]]\nname = \"s",
            &at.to_string(),
            "\"\nmigrations = '",
            path,
            "'\n",
        ];
        manifest.push_str(&step.concat());
    }
    insta::assert_snapshot!(errors_of_manifest(&manifest), @r#"
    --- stderr ---
    error[path-outside-project]: `../outside` leaves the project
     --> phases.toml:8:14
      |
    8 | migrations = '../outside'
      |              ^^^^^^^^^^^^
      hint       move or copy the file into the project and name it from there

    error[path-absolute]: `/etc` is an absolute path; paths are relative to the project
      --> phases.toml:11:14
       |
    11 | migrations = '/etc'
       |              ^^^^^^
      hint       move or copy the file into the project and name it from there

    error[path-outside-project]: `a/../../b` leaves the project
      --> phases.toml:14:14
       |
    14 | migrations = 'a/../../b'
       |              ^^^^^^^^^^^
      hint       move or copy the file into the project and name it from there

    error[empty-value]: `migrations` is empty
      --> phases.toml:17:14
       |
    17 | migrations = ''
       |              ^^

    error[path-malformed]: `a\b` has a backslash; write paths with `/` and printable characters
      --> phases.toml:20:14
       |
    20 | migrations = 'a\b'
       |              ^^^^^

    error[path-absolute]: `~/x` is an absolute path; paths are relative to the project
      --> phases.toml:23:14
       |
    23 | migrations = '~/x'
       |              ^^^^^
      hint       move or copy the file into the project and name it from there

    error[path-absolute]: `C:/x` is an absolute path; paths are relative to the project
      --> phases.toml:26:14
       |
    26 | migrations = 'C:/x'
       |              ^^^^^^
      hint       move or copy the file into the project and name it from there

    7 errors; nothing was run
    --- exit 2 ---
    "#);
}

#[test]
fn names_for_the_history_that_cannot_be() {
    for name in ["", "pg_history", "public", "a\\u0000b", "a\\u001b[2J"] {
        let manifest = ONE_PHASE.replace(
            "name = \"test\"",
            &format!("name = \"test\"\nhistory_schema = \"{name}\""),
        );
        let said = errors_of_manifest(&manifest);
        match name {
            "" => insta::assert_snapshot!(said, @r#"
    --- stderr ---
    error[bad-history-schema]: the history schema's name is empty
     --> phases.toml:3:18
      |
    3 | history_schema = ""
      |                  ^^
    --- exit 2 ---
    "#),
            "pg_history" => insta::assert_snapshot!(said, @r#"
    --- stderr ---
    error[bad-history-schema]: `pg_history` cannot be the history schema: names that begin with pg_
      belong to PostgreSQL
     --> phases.toml:3:18
      |
    3 | history_schema = "pg_history"
      |                  ^^^^^^^^^^^^
    --- exit 2 ---
    "#),
            "public" => insta::assert_snapshot!(said, @r#"
    --- stderr ---
    error[bad-history-schema]: `public` cannot be the history schema: history never lives where
      applications and API roles look
     --> phases.toml:3:18
      |
    3 | history_schema = "public"
      |                  ^^^^^^^^
    --- exit 2 ---
    "#),
            "a\\u0000b" => insta::assert_snapshot!(said, @r#"
    --- stderr ---
    error[bad-history-schema]: the history schema's name has a control character
     --> phases.toml:3:18
      |
    3 | history_schema = "a\u0000b"
      |                  ^^^^^^^^^^
    --- exit 2 ---
    "#),
            _ => insta::assert_snapshot!(said, @r#"
    --- stderr ---
    error[bad-history-schema]: the history schema's name has a control character
     --> phases.toml:3:18
      |
    3 | history_schema = "a\u001b[2J"
      |                  ^^^^^^^^^^^^
    --- exit 2 ---
    "#),
        }
    }
    let long = "x".repeat(64);
    let manifest = ONE_PHASE.replace(
        "name = \"test\"",
        &format!("name = \"test\"\nhistory_schema = \"{long}\""),
    );
    insta::assert_snapshot!(errors_of_manifest(&manifest), @r#"
    --- stderr ---
    error[bad-history-schema]: the history schema's name has 64 bytes; PostgreSQL keeps 63
     --> phases.toml:3:18
      |
    3 | history_schema = "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
      |                  ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
    --- exit 2 ---
    "#);
}

#[test]
fn folders_that_are_missing_or_that_no_step_names() {
    let project = Project::new(ONE_PHASE)
        .file("migrations/1_core/1_tabels/V1__x.sql", "select 1;\n")
        .file("migrations/2_logic/1_views/V2__y.sql", "select 1;\n")
        .file("migrations/V3__top.sql", "select 1;\n");
    insta::assert_snapshot!(errors(&project), @r#"
    --- stderr ---
    error[path-missing]: folder `migrations/1_core/1_tables` does not exist
      --> phases.toml:11:14
       |
    11 | migrations = "1_core/1_tables"
       |              ^^^^^^^^^^^^^^^^^
      hint       did you mean `1_core/1_tabels`? (create it with `mkdir -p migrations/1_core/1_tables`,
                 or correct the path)

    error[unlisted-folder]: migrations/2_logic: no step in phases.toml names the folder `2_logic`
      hint       add [[phase.step]] with migrations = "2_logic", or remove the folder

    error[stray-file]: migrations/V3__top.sql is in no step's folder
      hint       move it into a step's folder, or out of this tree

    3 errors; nothing was run
    --- exit 2 ---
    "#);
    let project = Project::new(ONE_PHASE);
    insta::assert_snapshot!(errors(&project), @r#"
    --- stderr ---
    error[path-missing]: folder `migrations/1_core/1_tables` does not exist
      --> phases.toml:11:14
       |
    11 | migrations = "1_core/1_tables"
       |              ^^^^^^^^^^^^^^^^^
      hint       create it with `mkdir -p migrations/1_core/1_tables`, or correct the path
    --- exit 2 ---
    "#);
    let project = Project::one_phase().file("migrations/1_core/1_tables/sub/V1__x.sql", "");
    insta::assert_snapshot!(errors(&project), @r#"
    --- stderr ---
    error[folder-in-step]: `migrations/1_core/1_tables/sub` is a folder inside a step's folder, which
      holds migrations only
      hint       move its files up, or make it a step of its own beside this one
    --- exit 2 ---
    "#);
}

#[test]
fn files_that_are_misnamed_in_every_way() {
    let mut project = Project::one_phase();
    for name in [
        "V1__good.sql",
        "v2__lower.sql",
        "V3_x.sql",
        "V4__.sql",
        "V__x.sql",
        "V5.1__dotted.sql",
        "V-6__minus.sql",
        "V99999999999999999999__large.sql",
        "V7__x.SQL",
        "V8__x.sql.bak",
        "V9__x",
        "U10__undo.sql",
        "R11__x.sql",
        "R__.sql",
        "V12 __space.sql",
        "V13__sp ace.sql",
        "20260101_old_style.sql",
        "notes.md",
        "V0__zero.sql",
    ] {
        project = project.file(&format!("migrations/1_core/1_tables/{name}"), "select 1;\n");
    }
    insta::assert_snapshot!(errors(&project), @r#"
    --- stderr ---
    error[bad-file-name]: migrations/1_core/1_tables/20260101_old_style.sql is no migration file: it
      must begin with `V` and a version, or with `R__`
      hint       did you mean `V20260101__old_style.sql`?

    error[bad-file-name]: migrations/1_core/1_tables/R11__x.sql is no migration file: a repeatable
      migration has no version
      hint       did you mean `R__x.sql`?

    error[bad-file-name]: migrations/1_core/1_tables/R__.sql is no migration file: there is no name
      after the underscores

    error[bad-file-name]: migrations/1_core/1_tables/U10__undo.sql is no migration file: refinery's
      unversioned `U` files are not supported
      hint       did you mean `V10__undo.sql`? (name it `V<version>__<name>.sql` to run it once,
                 `R__<name>.sql` to run it again when it changes)

    error[bad-file-name]: migrations/1_core/1_tables/V-6__minus.sql is no migration file: it must begin
      with `V` and a version, or with `R__`

    error[bad-file-name]: migrations/1_core/1_tables/V12 __space.sql is no migration file: two
      underscores must stand between the version and the name
      hint       did you mean `V12__space.sql`?

    error[bad-file-name]: migrations/1_core/1_tables/V13__sp ace.sql is no migration file: the name has
      ` `; names have letters, digits and `_`
      hint       did you mean `V13__sp_ace.sql`?

    error[bad-file-name]: migrations/1_core/1_tables/V3_x.sql is no migration file: two underscores must
      stand between the version and the name
      hint       did you mean `V3__x.sql`?

    error[bad-file-name]: migrations/1_core/1_tables/V4__.sql is no migration file: there is no name
      after the underscores

    error[bad-file-name]: migrations/1_core/1_tables/V5.1__dotted.sql is no migration file: versions are
      whole numbers

    error[bad-file-name]: migrations/1_core/1_tables/V7__x.SQL is no migration file: the ending must be
      `.sql`, in lower case
      hint       did you mean `V7__x.sql`?

    error[bad-file-name]: migrations/1_core/1_tables/V8__x.sql.bak is no migration file: an editor or a
      merge left it behind
      hint       delete it, and name it in .gitignore

    error[bad-file-name]: migrations/1_core/1_tables/V99999999999999999999__large.sql is no migration
      file: the version is greater than 9223372036854775807

    error[bad-file-name]: migrations/1_core/1_tables/V9__x is no migration file: only .sql files belong
      here
      hint       move it elsewhere: whatever is in a migrations folder must be a migration

    error[bad-file-name]: migrations/1_core/1_tables/V__x.sql is no migration file: there is no version
      after `V`

    error[bad-file-name]: migrations/1_core/1_tables/notes.md is no migration file: only .sql files
      belong here
      hint       move it elsewhere: whatever is in a migrations folder must be a migration

    error[bad-file-name]: migrations/1_core/1_tables/v2__lower.sql is no migration file: the first
      letter must be a capital `V`
      hint       did you mean `V2__lower.sql`?

    17 errors; nothing was run
    --- exit 2 ---
    "#);
}

#[test]
fn versions_used_twice_and_names_that_differ_in_case() {
    let project = Project::one_phase()
        .migration("V1__people", "select 1;\n")
        .migration("V01__places", "select 1;\n")
        .migration("V2__x", "select 1;\n")
        .migration("V2__X", "select 1;\n")
        .migration("R__views", "select 1;\n")
        .migration("R__Views", "select 1;\n");
    insta::assert_snapshot!(errors(&project), @r#"
    --- stderr ---
    error[case-clash]: migrations/1_core/1_tables/R__Views.sql and
      migrations/1_core/1_tables/R__views.sql differ only in case and are one file on macOS and Windows
      hint       rename or remove one of them

    error[duplicate-repeatable]: the repeatable migration `Views` is there more than once:
      migrations/1_core/1_tables/R__Views.sql and migrations/1_core/1_tables/R__views.sql
      hint       rename or remove one of them

    error[duplicate-version]: version 1 is used by migrations/1_core/1_tables/V1__people.sql and
      migrations/1_core/1_tables/V01__places.sql
      hint       give the one that is not applied yet a new version

    error[case-clash]: migrations/1_core/1_tables/V2__X.sql and migrations/1_core/1_tables/V2__x.sql
      differ only in case and are one file on macOS and Windows
      hint       rename or remove one of them

    error[duplicate-version]: version 2 is used by migrations/1_core/1_tables/V2__X.sql and
      migrations/1_core/1_tables/V2__x.sql
      hint       give the one that is not applied yet a new version

    5 errors; nothing was run
    --- exit 2 ---
    "#);
}

#[test]
fn rollback_files_without_their_migration() {
    let project = Project::one_phase()
        .migration("V1__people", "select 1;\n")
        .rollback("V1__peeple", "select 1;\n")
        .rollback("V7__nothing", "select 1;\n")
        .file("rollback/1_core/9_none/V1__people.sql", "select 1;\n");
    insta::assert_snapshot!(errors(&project), @r#"
    --- stderr ---
    error[rollback-without-migration]: rollback/1_core/1_tables/V1__peeple.sql has no migration at
      migrations/1_core/1_tables/V1__peeple.sql
      hint       did you mean `V1__people.sql`? (a rollback script has its migration's path and name
                 under rollback/; rename or remove it)

    error[rollback-without-migration]: rollback/1_core/1_tables/V7__nothing.sql has no migration at
      migrations/1_core/1_tables/V7__nothing.sql
      hint       a rollback script has its migration's path and name under rollback/; rename or remove
                 it

    error[rollback-folder-without-step]: `rollback/1_core/9_none` belongs to no step: no step names
      `1_core/9_none`

    3 errors; nothing was run
    --- exit 2 ---
    "#);
}

#[test]
fn links_pipes_and_devices_hang_nobody() {
    let project = Project::one_phase().file("real/V1__x.sql", "select 1;\n");
    let folder = project.path("migrations/1_core/1_tables");
    symlink("../../../real/V1__x.sql", folder.join("V1__x.sql")).expect("a link");
    symlink("/dev/zero", folder.join("V2__zero.sql")).expect("a link");
    nix::unistd::mkfifo(&folder.join("V3__pipe.sql"), Mode::S_IRWXU).expect("a pipe");
    fs::create_dir(folder.join("V4__folder.sql")).expect("a folder");
    symlink("nowhere", folder.join("V5__dangling.sql")).expect("a link");
    insta::assert_snapshot!(errors(&project), @r#"
    --- stderr ---
    error[path-symlink]: `migrations/1_core/1_tables/V1__x.sql` is a symbolic link; evmig follows none
      inside a project
      hint       put the real file or folder at `migrations/1_core/1_tables/V1__x.sql`

    error[path-symlink]: `migrations/1_core/1_tables/V2__zero.sql` is a symbolic link; evmig follows
      none inside a project
      hint       put the real file or folder at `migrations/1_core/1_tables/V2__zero.sql`

    error[path-wrong-kind]: `migrations/1_core/1_tables/V3__pipe.sql` is a named pipe, not a file

    error[folder-in-step]: `migrations/1_core/1_tables/V4__folder.sql` is a folder inside a step's
      folder, which holds migrations only
      hint       move its files up, or make it a step of its own beside this one

    error[path-symlink]: `migrations/1_core/1_tables/V5__dangling.sql` is a symbolic link; evmig follows
      none inside a project
      hint       put the real file or folder at `migrations/1_core/1_tables/V5__dangling.sql`

    5 errors; nothing was run
    --- exit 2 ---
    "#);
    let project = Project::empty();
    nix::unistd::mkfifo(&project.path("phases.toml"), Mode::S_IRWXU).expect("a pipe");
    insta::assert_snapshot!(errors(&project), @r#"
    --- stderr ---
    error[path-wrong-kind]: `phases.toml` is a named pipe, not a file
    --- exit 2 ---
    "#);
    let project = Project::empty();
    symlink("/dev/zero", project.path("phases.toml")).expect("a link");
    insta::assert_snapshot!(errors(&project), @r#"
    --- stderr ---
    error[path-symlink]: `phases.toml` is a symbolic link; evmig follows none inside a project
      hint       put the real file or folder at `phases.toml`
    --- exit 2 ---
    "#);
}

#[test]
fn files_that_are_no_utf8() {
    let project = Project::one_phase()
        .file(
            "migrations/1_core/1_tables/V1__latin1.sql",
            b"select 1;\nselect 'caf\xe9';\n",
        )
        .file(
            "migrations/1_core/1_tables/V2__utf16.sql",
            b"\xff\xfes\0e\0",
        )
        .file(
            "migrations/1_core/1_tables/V3__nul.sql",
            b"select 'a\0b';\n",
        )
        .file(
            "migrations/1_core/1_tables/V4__two_marks.sql",
            "\u{FEFF}\u{FEFF}select 1;\n",
        );
    insta::assert_snapshot!(errors(&project), @r#"
    --- stderr ---
    error[invalid-utf8]: byte 0xe9 at offset 21 is not valid UTF-8
     --> migrations/1_core/1_tables/V1__latin1.sql:2:12
      |
    2 | select 'caf�';
      |            ^
      hint       save it as UTF-8, for instance `iconv -f WINDOWS-1252 -t UTF-8
                 migrations/1_core/1_tables/V1__latin1.sql`

    error[utf16]: migrations/1_core/1_tables/V2__utf16.sql: the file is UTF-16 (little-endian); project
      files are UTF-8
      hint       save it as UTF-8, for instance `iconv -f UTF-16 -t UTF-8
                 migrations/1_core/1_tables/V2__utf16.sql`

    error[nul-byte]: NUL byte at offset 9
     --> migrations/1_core/1_tables/V3__nul.sql:1:10
      |
    1 | select 'a�b';
      |          ^
      hint       remove the byte: PostgreSQL cannot hold it

    error[second-bom]: a second byte order mark at offset 3; one is tolerated
     --> migrations/1_core/1_tables/V4__two_marks.sql:1:2
      |
    1 | ﻿﻿select 1;
      | ^
      hint       save the file as UTF-8 without a byte order mark

    4 errors; nothing was run
    --- exit 2 ---
    "#);
}

#[test]
fn names_with_control_characters_are_shown_escaped() {
    let project = Project::one_phase();
    let folder = project.path("migrations/1_core/1_tables");
    for name in [
        b"V1__\x1b[31mred.sql".as_slice(),
        b"V2__new\nline.sql",
        b"V3__\xff\xfe.sql",
        "V4__\u{202e}lqs.sql".as_bytes(),
        b"::set-output name=x::y",
    ] {
        fs::write(folder.join(OsStr::from_bytes(name)), "select 1;\n").expect("our own folder");
    }
    insta::assert_snapshot!(errors(&project), @r#"
    --- stderr ---
    error[bad-file-name]: migrations/1_core/1_tables/::set-output name=x::y is no migration file: only
      .sql files belong here
      hint       move it elsewhere: whatever is in a migrations folder must be a migration

    error[bad-file-name]: migrations/1_core/1_tables/V1__�[31mred.sql is no migration file: the name has
      `�`; names have letters, digits and `_`
      hint       did you mean `V1__31mred.sql`?

    error[bad-file-name]: migrations/1_core/1_tables/V2__new�line.sql is no migration file: the name has
      `�`; names have letters, digits and `_`
      hint       did you mean `V2__new_line.sql`?

    error[file-name-not-utf8]: migrations/1_core/1_tables/V3__��.sql: the name `V3__��.sql` is not UTF-8

    error[bad-file-name]: migrations/1_core/1_tables/V4__\u{202e}lqs.sql is no migration file: the name
      has `\u{202e}`; names have letters, digits and `_`
      hint       did you mean `V4__lqs.sql`?

    5 errors; nothing was run
    --- exit 2 ---
    "#);
    let manifest = ONE_PHASE
        .replace("\"Core\"", "\"\\u001b]0;title\\u0007\"")
        .replace("\"tables\"", "\"ta\\u001b[2Jbles\"");
    insta::assert_snapshot!(errors_of_manifest(&manifest), @r#"
    --- stderr ---
    error[control-character]: `title` has a control character
     --> phases.toml:7:9
      |
    7 | title = "\u001b]0;title\u0007"
      |         ^^^^^^^^^^^^^^^^^^^^^^

    error[control-character]: `name` has a control character
      --> phases.toml:10:8
       |
    10 | name = "ta\u001b[2Jbles"
       |        ^^^^^^^^^^^^^^^^^

    2 errors; nothing was run
    --- exit 2 ---
    "#);
}

#[test]
fn a_file_that_may_not_be_read() {
    let project = Project::one_phase()
        .migration("V1__people", "select 1;\n")
        .migration("V2__secret", "select 1;\n");
    let file = project.path("migrations/1_core/1_tables/V2__secret.sql");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o000)).expect("our own file");
    // The superuser of the machine reads everything, so that evmig must run as somebody else.
    let output = match scratch::server_user() {
        None => evmig(&project, "apply").run(),
        Some(user) => {
            let copy = scratch::server_directory("binary").join("evmig");
            fs::copy(env!("CARGO_BIN_EXE_evmig"), &copy).expect("the binary under test");
            for folder in [project.root(), &project.path("migrations/1_core")] {
                let open = fs::Permissions::from_mode(0o755);
                fs::set_permissions(folder, open).expect("our own folder");
            }
            Evmig::new(&project, "-u")
                .instead("runuser")
                .arg(&user.name)
                .arg("--")
                .arg(&copy)
                .arg("apply")
                .arg("--database-url")
                .arg(NOBODY)
                .run()
        }
    };
    insta::assert_snapshot!(output.exits(2).snapshot(), @r#"
    --- stderr ---
    error[path-unreadable]: cannot read `migrations/1_core/1_tables/V2__secret.sql`: Permission denied
      (os error 13)
    --- exit 2 ---
    "#);
}

fn with_environments() -> Project {
    let manifest = format!(
        "{ONE_PHASE}\n[environments.local]\nurl = \"embedded\"\n[environments.staging]\nurl_env = \"STAGING_URL\"\n"
    );
    Project::new(&manifest).migration("V1__people", "select 1;\n")
}

#[test]
fn an_environment_that_does_not_exist() {
    let project = with_environments();
    let at = |evmig: Evmig| evmig.run().exits(2).snapshot();
    insta::assert_snapshot!(at(Evmig::new(&project, "apply --env stagin")), @r#"
    --- stderr ---
    error[no-target]: there is no environment `stagin` (flag --env)
      detail     phases.toml has: local, staging
      hint       did you mean `staging`?
    --- exit 2 ---
    "#);
    insta::assert_snapshot!(at(Evmig::new(&project, "apply").env("EVMIG_ENV", "qqq")), @r#"
    --- stderr ---
    error[no-target]: there is no environment `qqq` (variable EVMIG_ENV)
      detail     phases.toml has: local, staging
    --- exit 2 ---
    "#);
    insta::assert_snapshot!(at(Evmig::new(&project, "apply --env staging")), @r#"
    --- stderr ---
    error[no-target]: environment `staging` takes its URL from STAGING_URL, which is not set
      hint       set STAGING_URL in the environment or in .env; it holds a URL such as
                 postgresql://user@host:5432/database
    --- exit 2 ---
    "#);
    insta::assert_snapshot!(
        at(Evmig::new(&Project::one_phase().migration("V1__a", ""), "apply --env local")),
        @r#"
    --- stderr ---
    error[no-target]: there is no environment `local` (flag --env)
      detail     phases.toml has no environments
    --- exit 2 ---
    "#
    );
    insta::assert_snapshot!(
        at(Evmig::new(&Project::one_phase().migration("V1__a", ""), "apply")),
        @r#"
    --- stderr ---
    error[no-target]: nothing names a database
      hint       name one with --env NAME, --database-url URL, the variable DATABASE_URL, or
                 default_environment in phases.toml
    --- exit 2 ---
    "#
    );
}

#[test]
fn phases_steps_and_versions_that_do_not_exist() {
    let project = Project::one_phase().migration("V1__people", "select 1;\n");
    let database = super::harness::Server::shared(15, super::harness::Shape::Plain)
        .database(super::harness::Shape::Plain, super::harness::Role::Owner);
    let at = |words: &str| -> Output { Evmig::new(&project, words).on(&database).run().exits(2) };
    insta::assert_snapshot!(at("apply --phase cor").snapshot(), @r#"
    --- stderr ---
    Target  $DATABASE as $OWNER on 127.0.0.1:$PORT (this machine)
            no environment, named by flag --database-url
    error[unknown-phase]: there is no phase `cor`
      detail     there are: 1 (core)
      hint       did you mean `core`?
    --- exit 2 ---
    "#);
    insta::assert_snapshot!(at("apply --phase 7").snapshot(), @r#"
    --- stderr ---
    Target  $DATABASE as $OWNER on 127.0.0.1:$PORT (this machine)
            no environment, named by flag --database-url
    error[unknown-phase]: there is no phase `7`
      detail     there are: 1 (core)
    --- exit 2 ---
    "#);
    insta::assert_snapshot!(at("apply --step tabels").snapshot(), @r#"
    --- stderr ---
    Target  $DATABASE as $OWNER on 127.0.0.1:$PORT (this machine)
            no environment, named by flag --database-url
    error[unknown-step]: there is no step `tabels`
      detail     there are: tables
      hint       did you mean `tables`?
    --- exit 2 ---
    "#);
    insta::assert_snapshot!(at("apply --to 12").snapshot(), @r#"
    --- stderr ---
    Target  $DATABASE as $OWNER on 127.0.0.1:$PORT (this machine)
            no environment, named by flag --database-url
    error[unknown-version]: there is no version 12 in the selected phases
      hint       the nearest is V1
    --- exit 2 ---
    "#);
    assert_eq!(
        database.value("select count(*) from pg_namespace where nspname = 'evmig'"),
        "0"
    );
}

#[test]
fn no_project_at_all_and_a_folder_that_does_not_exist() {
    let project = Project::empty();
    // The folders above are those of the machine.
    let said = words(&errors(&project));
    assert!(
        said.starts_with(
            "--- stderr --- error[no-project]: no phases.toml in $DIR or any folder above it \
             hint looked in $DIR, /"
        ) && said
            .contains("/; start a project with `evmig init`, or name its folder with `-C DIR`"),
        "{said}"
    );
    let output = evmig(&project, "-C nowhere apply").run().exits(2);
    insta::assert_snapshot!(output.snapshot(), @r#"
    --- stderr ---
    error[folder-unusable]: cannot use the folder nowhere: No such file or directory (os error 2)
    --- exit 2 ---
    "#);
    project.write("file", "x");
    let output = evmig(&project, "-C file apply").run().exits(2);
    insta::assert_snapshot!(output.snapshot(), @r#"
    --- stderr ---
    error[folder-unusable]: cannot use the folder file: it is not a folder
    --- exit 2 ---
    "#);
    // `-C` names the root itself: it is not looked for further up.
    let project = Project::one_phase();
    let output = evmig(&project, "-C migrations apply").run().exits(2);
    insta::assert_snapshot!(words(&output.snapshot()), @r#"
    --- stderr --- error[no-project]: no phases.toml in $DIR/migrations hint start a project there with `evmig -C $DIR/migrations init` --- exit 2 ---
    "#);
}

#[test]
fn the_project_is_found_from_a_folder_below_it_and_by_its_path() {
    let project = Project::one_phase().migration("v1__people", "select 1;\n");
    let below = project.path("migrations/1_core");
    let output = evmig(&project, "apply").directory(&below).run().exits(2);
    let above = evmig(&project, "apply").run().exits(2);
    assert_eq!(output.stderr, above.stderr);
    let elsewhere = Project::empty();
    let output = Evmig::new(&elsewhere, "apply -C")
        .arg(project.root())
        .arg("--database-url")
        .arg(NOBODY)
        .run()
        .exits(2);
    assert_eq!(output.stderr, above.stderr);
    insta::assert_snapshot!(above.snapshot(), @r#"
    --- stderr ---
    error[bad-file-name]: migrations/1_core/1_tables/v1__people.sql is no migration file: the first
      letter must be a capital `V`
      hint       did you mean `V1__people.sql`?
    --- exit 2 ---
    "#);
}

#[test]
fn a_line_of_dotenv_that_cannot_be_read_shows_no_secret() {
    let project = with_environments().file(
        ".env",
        "# local settings\nPGUSER=app\nPGPASSWORD=\"sesame open\nSTAGING_URL=postgresql://u:sesame@h/d\n",
    );
    let said = Evmig::new(&project, "apply --env staging").run().exits(2);
    assert!(!said.stderr.contains("sesame"), "{}", said.stderr);
    insta::assert_snapshot!(said.snapshot(), @r#"
    --- stderr ---
    error[bad-dotenv]: .env:3: this line is not NAME=value; a value with spaces or special characters
      goes between single quotes, which must be closed
    --- exit 2 ---
    "#);
    project.write(".env", "PGUSER=app\nnot a variable sesame\n");
    let said = Evmig::new(&project, "apply --env staging").run().exits(2);
    assert!(!said.stderr.contains("sesame"), "{}", said.stderr);
    insta::assert_snapshot!(said.snapshot(), @r#"
    --- stderr ---
    error[bad-dotenv]: .env:2: this line is not NAME=value; a value with spaces or special characters
      goes between single quotes, which must be closed
    --- exit 2 ---
    "#);
    project.write(".env", b"PGUSER=app\nPGPASSWORD=\xff\xfesesame\n");
    let said = Evmig::new(&project, "apply --env staging").run().exits(2);
    assert!(!said.stderr.contains("sesame"), "{}", said.stderr);
    insta::assert_snapshot!(said.snapshot(), @r#"
    --- stderr ---
    error[bad-dotenv]: .env:2: the byte at offset 22 is not valid UTF-8
    --- exit 2 ---
    "#);
}

#[test]
fn a_password_in_the_manifest_is_an_error_that_does_not_show_it() {
    let manifest = format!(
        "{ONE_PHASE}\n[environments.production]\nurl = \"postgresql://app:sesame@db.example/events\"\n\
         [environments.staging]\nurl_env = \"postgresql://app:sesame@db.example/events\"\n"
    );
    let said = errors_of_manifest(&manifest);
    assert!(!said.contains("sesame"), "{said}");
    insta::assert_snapshot!(said, @r#"
    --- stderr ---
    error[password-in-file]: `url` holds a password; this file is no place for secrets
      --> phases.toml:14:7
       |
    14 | url = "postgresql://app:******@db.example/events"
       |       ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
      hint       take the password out and change it; keep the URL in a variable and name that with
                 `url_env`, or use .pgpass

    error[bad-url-env]: `url_env` must be the name of an environment variable, not a URL: put the URL
      into a variable and its name here
      --> phases.toml:16:11
       |
    16 | url_env = *******************************************
       |           ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
      hint       for instance url_env = "DATABASE_URL"

    2 errors; nothing was run
    --- exit 2 ---
    "#);
}

#[test]
fn a_dotenv_that_is_no_file_hangs_nobody() {
    for kind in ["pipe", "device", "folder", "large"] {
        let project = with_environments();
        let path = project.path(".env");
        match kind {
            "pipe" => nix::unistd::mkfifo(&path, Mode::S_IRWXU).expect("a pipe"),
            "device" => symlink("/dev/zero", &path).expect("a link"),
            "folder" => fs::create_dir(&path).expect("a folder"),
            _ => project.write(".env", "A=b\n".repeat(300_000)),
        }
        let output = evmig(&project, "status").run().exits(2);
        let said = if kind == "large" {
            "error[bad-dotenv]: .env: it is larger than 1048576 bytes\n"
        } else {
            "error[bad-dotenv]: .env: it is not a regular file\n"
        };
        assert!(output.stderr.starts_with(said), "{kind}: {}", output.stderr);
    }
}
