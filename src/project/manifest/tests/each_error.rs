//! One case for each error of `phases.toml`: line, column, id, words, suggestion.

use super::{HEAD, told};

#[test]
fn an_empty_file() {
    assert_eq!(
        told(""),
        [
            "1:1 missing-key: phases.toml has no `[project]`",
            "1:1 no-phases: there is no [[phase]]: nothing could be applied",
        ]
    );
}
#[test]
fn a_project_without_a_name() {
    assert_eq!(
        told(
            r"[project]
"
        ),
        [
            "1:1 missing-key: [project] has no `name`",
            "1:10 no-phases: there is no [[phase]]: nothing could be applied",
        ]
    );
}
#[test]
fn a_misspelled_table() {
    assert_eq!(
        told(
            r#"[projct]
name = "p"
"#
        ),
        [
            "1:1 missing-key: phases.toml has no `[project]`",
            "1:2 unknown-key: unknown key `projct` in phases.toml ~ project",
            "2:11 no-phases: there is no [[phase]]: nothing could be applied",
        ]
    );
}
#[test]
fn unknown_keys_and_a_wrong_type() {
    assert_eq!(
        told(
            r"x = 1
[project]
name = 3
nam = 1
"
        ),
        [
            "1:1 unknown-key: unknown key `x` in phases.toml",
            "3:8 wrong-type: `name` must be a string, not integer",
            "4:1 unknown-key: unknown key `nam` in [project] ~ name",
            "4:8 no-phases: there is no [[phase]]: nothing could be applied",
        ]
    );
}
#[test]
fn duplicate_keys() {
    assert_eq!(
        told(
            r#"[project]
name = "p"
name = "q"
[[phase]]
number=1
name="a"
[project]
"#
        ),
        [
            "3:1 duplicate-key: `name` is given twice",
            "7:2 duplicate-key: `project` is given twice",
        ]
    );
}
#[test]
fn no_toml() {
    assert_eq!(
        told(
            r"[project
name = 
"
        ),
        ["1:9 toml-syntax: not valid TOML: unclosed table, expected `]`",]
    );
}
#[test]
fn names_and_numbers() {
    assert_eq!(
        told(
            r#"[project]
name = "my project"
history_schema = "public"
default_environment = "lokal"
[environments.local]
url = "embedded"
[[phase]]
number = 0
name = "12"
[[phase]]
number = -5
name = "-x"
[[phase]]
number = 99999999999999
[[phase]]
number = "1"
name = ""
"#
        ),
        [
            "2:8 bad-name: `my project` is no project name: use letters, digits, `-` and `_` ~ my-project",
            "3:18 bad-history-schema: `public` cannot be the history schema: history never lives where applications and API roles look",
            "4:23 unknown-environment: unknown environment `lokal` ~ local",
            "8:10 out-of-range: `number` must be from 1 to 2147483647, not 0",
            "9:8 bad-name: `12` is no phase name: a number alone would be taken for a phase number",
            "11:10 out-of-range: `number` must be from 1 to 2147483647, not -5",
            "12:8 bad-name: `-x` is no phase name: it would be taken for an option of the command line ~ x",
            "13:1 missing-key: [[phase]] has no `name`",
            "14:10 out-of-range: `number` must be from 1 to 2147483647, not 99999999999999",
            "16:10 wrong-type: `number` must be a whole number, not string",
            "17:8 empty-value: `name` is empty",
        ]
    );
}
#[test]
fn an_environment_without_a_url() {
    assert_eq!(
        told(&format!(
            "{HEAD}{}",
            r"[environments.prod]

"
        )),
        ["6:15 environment-without-url: the environment `prod` has neither `url` nor `url_env`",]
    );
}
#[test]
fn an_environment_with_two_urls() {
    assert_eq!(
        told(&format!(
            "{HEAD}{}",
            r#"[environments.prod]
url = "embedded"
url_env = "A"
"#
        )),
        [
            "8:11 environment-with-two-urls: the environment `prod` has both `url` and `url_env`; keep one",
        ]
    );
}
#[test]
fn a_password_in_a_url() {
    assert_eq!(
        told(&format!(
            "{HEAD}{}",
            r#"[environments.prod]
url = "postgres://u:CANARY@h/d"
"#
        )),
        ["7:7 password-in-file: `url` holds a password; this file is no place for secrets",]
    );
}
#[test]
fn a_url_of_another_database() {
    assert_eq!(
        told(&format!(
            "{HEAD}{}",
            r#"[environments.prod]
url = "mysql://h/d"
"#
        )),
        [r#"7:7 bad-url: `url` must be "embedded" or a postgres:// URL"#,]
    );
}
#[test]
fn a_url_for_a_variable() {
    assert_eq!(
        told(&format!(
            "{HEAD}{}",
            r#"[environments.prod]
url_env = "postgres://u:CANARY@h"
"#
        )),
        [
            "7:11 bad-url-env: `url_env` must be the name of an environment variable, not a URL: put the URL into a variable and its name here",
        ]
    );
}
#[test]
fn a_variable_with_its_dollar() {
    assert_eq!(
        told(&format!(
            "{HEAD}{}",
            r#"[environments.prod]
url_env = "$X"
"#
        )),
        [
            "7:11 bad-url-env: `url_env` must be the name of an environment variable, without the `$`",
        ]
    );
}
#[test]
fn a_variable_with_a_dash() {
    assert_eq!(
        told(&format!(
            "{HEAD}{}",
            r#"[environments.prod]
url_env = "my-var"
"#
        )),
        [
            "7:11 bad-url-env: `url_env` must be the name of an environment variable, which has letters, digits and `_` only and does not begin with a digit",
        ]
    );
}
#[test]
fn a_variable_that_begins_with_a_digit() {
    assert_eq!(
        told(&format!(
            "{HEAD}{}",
            r#"[environments.prod]
url_env = "1X"
"#
        )),
        [
            "7:11 bad-url-env: `url_env` must be the name of an environment variable, which has letters, digits and `_` only and does not begin with a digit",
        ]
    );
}
#[test]
fn an_sslmode_with_an_underscore() {
    assert_eq!(
        told(&format!(
            "{HEAD}{}",
            r#"[environments.prod]
url = "embedded"
sslmode = "verify_full"
"#
        )),
        ["8:11 unknown-sslmode: unknown sslmode `verify_full` ~ verify-full",]
    );
}
#[test]
fn an_unknown_sslmode() {
    assert_eq!(
        told(&format!(
            "{HEAD}{}",
            r#"[environments.prod]
url = "embedded"
sslmode = "on"
"#
        )),
        ["8:11 unknown-sslmode: unknown sslmode `on`",]
    );
}
#[test]
fn a_boolean_as_a_string() {
    assert_eq!(
        told(&format!(
            "{HEAD}{}",
            r#"[environments.prod]
url = "embedded"
protected = "yes"
"#
        )),
        ["8:13 wrong-type: `protected` must be true or false, not string",]
    );
}
#[test]
fn a_password_as_a_key() {
    assert_eq!(
        told(&format!(
            "{HEAD}{}",
            r#"[environments.prod]
url = "embedded"
password = "CANARY"
"#
        )),
        ["8:1 unknown-key: unknown key `password` in [environments.prod]",]
    );
}
#[test]
fn a_url_that_is_no_string() {
    assert_eq!(
        told(&format!(
            "{HEAD}{}",
            r"[environments.prod]
url = 1
"
        )),
        ["7:7 wrong-type: `url` must be a string, not integer",]
    );
}
#[test]
fn an_empty_url() {
    assert_eq!(
        told(&format!(
            "{HEAD}{}",
            r#"[environments.prod]
url = ""
"#
        )),
        ["7:7 empty-value: `url` is empty",]
    );
}
#[test]
fn a_url_with_a_newline() {
    assert_eq!(
        told(&format!(
            "{HEAD}{}",
            r#"[environments.prod]
url = "postgres://h/a\nb"
"#
        )),
        ["7:7 control-character: `url` has a control character",]
    );
}
#[test]
fn an_environments_name() {
    assert_eq!(
        told(&format!(
            "{HEAD}{}",
            r#"[environments."a b"]
url="embedded"
[environments]
x = 1
"#
        )),
        [
            "6:15 bad-name: `a b` is no environment name: use letters, digits, `-` and `_` ~ a-b",
            "9:5 wrong-type: `x` must be a table, not integer",
        ]
    );
}
#[test]
fn tables_that_are_none() {
    assert_eq!(
        told(
            r"environments = 1
apply = 2
phase = 3
project = 4"
        ),
        [
            "1:16 wrong-type: `environments` must be a table, not integer",
            "2:9 wrong-type: `apply` must be a table, not integer",
            "3:9 wrong-type: `phase` must be an array of tables, written with [[ ]], not integer",
            "4:11 wrong-type: `project` must be a table, not integer",
        ]
    );
}
#[test]
fn durations_and_numbers() {
    assert_eq!(
        told(&format!(
            "{HEAD}{}",
            r#"[apply]
lock_timout = "1s"
lock_timeout = 2
lock_retries = "x"
statement_timeout = "1y"
lock_budget = true
concurrent_budget = 1.5
"#
        )),
        [
            "7:1 unknown-key: unknown key `lock_timout` in [apply] ~ lock_timeout",
            r#"8:16 bad-duration: `lock_timeout`: `2` has no unit: write "2s" or "2ms""#,
            "9:16 wrong-type: `lock_retries` must be a whole number, not string",
            "10:21 bad-duration: `statement_timeout`: `y` is no unit of time: use ms, s, min (or m), h, d",
            r#"11:15 wrong-type: `lock_budget` must be a duration such as "2s", not boolean"#,
            r#"12:21 bad-duration: `concurrent_budget`: `1.5` is no duration: write a whole number and a unit, for instance "2s""#,
        ]
    );
}
#[test]
fn numbers_out_of_range() {
    assert_eq!(
        told(&format!(
            "{HEAD}{}",
            r#"[apply]
lock_retries = 100000
lock_budget = "30d"
"#
        )),
        [
            "7:16 out-of-range: `lock_retries` must be from 0 to 10000, not 100000",
            "8:15 bad-duration: `lock_budget`: `30d` is too long: at most 2147483647ms, almost 25 days",
        ]
    );
}
#[test]
fn steps() {
    assert_eq!(
        told(&format!(
            "{HEAD}{}",
            r#"[[phase.step]]
[[phase.step]]
name = "a"
migrations = "a"
verify = ["b"]
[[phase.step]]
name = "A"
migrations = "../x"
[[phase.step]]
name="c"
migration = "x"
[[phase.step]]
name="d"
verify=[]
[[phase.step]]
name="e"
analyze=["a.b.c", "t", "t"]
[[phase.step]]
name="f"
functions=["/abs", 3]
"#
        )),
        [
            "6:1 missing-key: [[phase.step]] has no `name`",
            "6:1 step-without-work: the step says nothing to do: it needs one of `migrations`, `verify`, `functions`, `analyze`",
            "7:1 step-with-two-kinds: the step has `migrations` and `verify`; a step has one of them",
            "12:8 duplicate-step: step `A` is already on line 8",
            "13:14 path-outside-project: `../x` leaves the project",
            "16:1 unknown-key: unknown key `migration` in [[phase.step]] ~ migrations",
            "19:8 empty-value: `verify` is empty",
            "22:10 bad-table: `a.b.c` is no table: write `table` or `schema.table`",
            "22:24 duplicate-item: table `t` is already on line 22",
            "25:12 path-absolute: `/abs` is an absolute path; paths are relative to the project",
            "25:20 wrong-type: `functions` must be a string, not integer",
        ]
    );
}
#[test]
fn folders_listed_twice() {
    assert_eq!(
        told(&format!(
            "{HEAD}{}",
            r#"[[phase.step]]
name = "a"
migrations = "a/b"
[[phase.step]]
name = "b"
migrations = "a/./b"
[[phase.step]]
name = "b"
migrations = "a//B/"
"#
        )),
        [
            "11:14 duplicate-folder: folder `migrations/a/b` is already on line 8",
            "13:8 duplicate-step: step `b` is already on line 10",
            "14:14 duplicate-folder: folder `migrations/a/B` is already on line 8",
        ]
    );
}
#[test]
fn a_contract() {
    assert_eq!(
        told(&format!(
            "{HEAD}{}",
            r#"[phase.contract]
allow = ["tabel", "index", "index", "zzz"]
max_lock_hold = "0"
max = 1
[[phase]]
number=2
name="b"
[phase.contract]
"#
        )),
        [
            "7:10 unknown-class: unknown class `tabel` ~ table",
            "7:28 duplicate-item: class `index` is already on line 7",
            "7:37 unknown-class: unknown class `zzz`",
            "8:17 bad-duration: `max_lock_hold` must be longer than zero",
            "9:1 unknown-key: unknown key `max` in [phase.contract] ~ max_lock_hold",
            "13:1 missing-key: [phase.contract] has no `allow`",
        ]
    );
}
#[test]
fn names_that_nothing_has() {
    assert_eq!(
        told(&format!(
            "{HEAD}{}",
            r#"requires = ["cor", "zzzz"]
environments = ["stagin"]
[environments.staging]
url="embedded"
"#
        )),
        [
            "6:13 unknown-phase: unknown phase `cor` ~ core",
            "6:20 unknown-phase: unknown phase `zzzz`",
            "7:17 unknown-environment: unknown environment `stagin` ~ staging",
        ]
    );
}
#[test]
fn phases_that_require_each_other() {
    assert_eq!(
        told(&format!(
            "{HEAD}{}",
            r#"requires=["core"]
[[phase]]
number=2
name="b"
requires=["c"]
[[phase]]
number=3
name="c"
requires=["b"]
[[phase]]
number=4
name="d"
requires=["e", "e"]
[[phase]]
number=5
name="e"
environments=[]
"#
        )),
        [
            "6:11 requires-circle: phases require each other in a circle: core -> core",
            "14:11 requires-circle: phases require each other in a circle: b -> c -> b",
            "18:11 requires-later-phase: phase 4 `d` requires `e`, which is number 5 and runs later",
            "18:16 duplicate-item: required phase `e` is already on line 18",
            "18:16 requires-later-phase: phase 4 `d` requires `e`, which is number 5 and runs later",
            "22:14 empty-value: `environments` is empty",
        ]
    );
}
#[test]
fn duplicate_phases() {
    assert_eq!(
        told(&format!(
            "{HEAD}{}",
            r#"title = "a\u0007"
[[phase]]
number = 1
name = "Core"
"#
        )),
        [
            "6:9 control-character: `title` has a control character",
            "8:10 duplicate-phase-number: phase number `1` is already on line 4",
            "9:8 duplicate-phase: phase `Core` is already on line 5",
        ]
    );
}
