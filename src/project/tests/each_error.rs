//! One case for each error of files and folders: place, id, words, suggestion.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;

use nix::sys::stat::Mode;

use super::super::RelPath;
use super::super::testing::{Dir, ONE_STEP};
use super::THREE_STEPS;

#[test]
fn all_errors_of_manifest_and_files_come_at_once() {
    let manifest = ONE_STEP.replace("name = \"p\"", "name = \"p\"\nnmae = 1");
    let dir = Dir::with(
        &manifest,
        &[
            ("migrations/a/v1__x.sql", ""),
            ("migrations/b/V1__x.sql", ""),
        ],
    );
    assert_eq!(
        dir.told(),
        [
            "phases.toml:3:1 unknown-key: unknown key `nmae` in [project] ~ name",
            "migrations/a/v1__x.sql bad-file-name: `v1__x.sql` is no migration file: the first letter must be a capital `V` ~ V1__x.sql",
            "migrations/b unlisted-folder: no step in phases.toml names the folder `b`",
        ]
    );
}

#[test]
fn a_syntax_error_hides_what_cannot_be_known() {
    let dir = Dir::with("[project", &[("migrations/b/V1__x.sql", "")]);
    assert_eq!(
        dir.told(),
        ["phases.toml:1:9 toml-syntax: not valid TOML: unclosed table, expected `]`"]
    );
}

#[test]
fn folders_that_no_step_names_are_told_once_and_files_outside_of_steps_too() {
    let dir = Dir::with(
        THREE_STEPS,
        &[
            ("migrations/a/", ""),
            ("migrations/b/c/", ""),
            ("migrations/d/", ""),
            ("migrations/b/x/y/V1__x.sql", ""),
            ("migrations/empty/", ""),
            ("migrations/a/sub/V3__x.sql", ""),
            ("migrations/V9__top.sql", ""),
            ("migrations/b/README.md", ""),
        ],
    );
    assert_eq!(
        dir.told(),
        [
            "migrations/V9__top.sql stray-file: `V9__top.sql` is in no step's folder",
            "migrations/a/sub folder-in-step: `migrations/a/sub` is a folder inside a step's folder, which holds migrations only",
            "migrations/b/README.md stray-file: `README.md` is in no step's folder",
            "migrations/b/x unlisted-folder: no step in phases.toml names the folder `b/x`",
            "migrations/empty unlisted-folder: no step in phases.toml names the folder `empty`",
        ]
    );
}

#[test]
fn a_misspelled_folder_is_one_error() {
    let manifest = ONE_STEP.replace("migrations = \"a\"", "migrations = \"1_core/2_tabels\"");
    let dir = Dir::with(
        &manifest,
        &[
            ("migrations/1_core/2_tables/V1__x.sql", ""),
            ("rollback/1_core/2_tables/V1__x.sql", ""),
        ],
    );
    assert_eq!(
        dir.told(),
        [
            "phases.toml:8:14 path-missing: folder `migrations/1_core/2_tabels` does not exist ~ 1_core/2_tables"
        ]
    );
    let dir = Dir::with(ONE_STEP, &[("migrations/zzzzz/.gitkeep", "")]);
    assert_eq!(
        dir.told(),
        [
            "phases.toml:8:14 path-missing: folder `migrations/a` does not exist",
            "migrations/zzzzz unlisted-folder: no step in phases.toml names the folder `zzzzz`",
        ]
    );
    let dir = Dir::with(ONE_STEP, &[("migrations/A/V1__x.sql", "")]);
    assert_eq!(
        dir.told(),
        ["phases.toml:8:14 path-missing: folder `migrations/a` does not exist ~ A"]
    );
}

#[test]
fn a_project_without_a_migrations_folder_says_so() {
    assert_eq!(
        Dir::with(ONE_STEP, &[]).told(),
        ["phases.toml:8:14 path-missing: folder `migrations/a` does not exist"]
    );
}

#[test]
fn a_file_where_a_folder_must_be_and_the_other_way_round() {
    let manifest = format!(
        "{ONE_STEP}[[phase.step]]\nname = \"v\"\nverify = [\"t/x.sql\", \"t/yy.sql\", \"t\"]\n[[phase.step]]\nname = \"f\"\nfunctions = [\"t/one.sql\", \"f\"]\n"
    );
    let dir = Dir::with(
        &manifest,
        &[
            ("migrations/a", "a file"),
            ("t/one.sql", ""),
            ("t/y.sql", ""),
            ("t/x.sql/", ""),
        ],
    );
    assert_eq!(
        dir.told(),
        [
            "phases.toml:8:14 path-wrong-kind: `migrations/a` is a file, not a folder",
            "phases.toml:11:11 path-wrong-kind: `t/x.sql` is a folder, not a file",
            "phases.toml:11:22 path-missing: file `t/yy.sql` does not exist ~ t/y.sql",
            "phases.toml:11:34 path-wrong-kind: `t` is a folder, not a file",
            "phases.toml:14:14 path-wrong-kind: `t/one.sql` is a file, not a folder",
            "phases.toml:14:27 path-missing: folder `f` does not exist",
            "migrations/a stray-file: `a` is in no step's folder",
        ]
    );
    let dir = Dir::with(ONE_STEP, &[("migrations", "a file")]);
    assert_eq!(
        dir.told(),
        [
            "phases.toml:8:14 path-wrong-kind: `migrations` is a file, not a folder",
            "migrations path-wrong-kind: `migrations` is a file, not a folder",
        ]
    );
}

#[test]
fn links_pipes_and_sockets_are_refused_and_hang_nobody() {
    let dir = Dir::with(ONE_STEP, &[("migrations/a/", ""), ("real/V1__x.sql", "")]);
    let a = dir.path().join("migrations/a");
    symlink("/dev/zero", a.join("V1__zero.sql")).unwrap();
    nix::unistd::mkfifo(&a.join("V2__pipe.sql"), Mode::S_IRWXU).unwrap();
    let _socket = UnixListener::bind(a.join("V3__socket.sql")).unwrap();
    symlink("../real", dir.path().join("migrations/link")).unwrap();
    assert_eq!(
        dir.told(),
        [
            "migrations/a/V1__zero.sql path-symlink: `migrations/a/V1__zero.sql` is a symbolic link; evmig follows none inside a project",
            "migrations/a/V2__pipe.sql path-wrong-kind: `migrations/a/V2__pipe.sql` is a named pipe, not a file",
            "migrations/a/V3__socket.sql path-wrong-kind: `migrations/a/V3__socket.sql` is a socket, not a file",
            "migrations/link path-symlink: `migrations/link` is a symbolic link; evmig follows none inside a project",
        ]
    );
}

#[test]
fn a_step_behind_a_link_is_refused() {
    let dir = Dir::with(ONE_STEP, &[("real/a/V1__x.sql", "")]);
    symlink("real", dir.path().join("migrations")).unwrap();
    assert_eq!(
        dir.told(),
        [
            "phases.toml:8:14 path-symlink: `migrations` is a symbolic link; evmig follows none inside a project",
            "migrations path-symlink: `migrations` is a symbolic link; evmig follows none inside a project",
        ]
    );
}

#[test]
fn a_manifest_that_is_no_file_hangs_nobody() {
    for (make, message) in [
        (
            0,
            "phases.toml path-wrong-kind: `phases.toml` is a folder, not a file",
        ),
        (
            1,
            "phases.toml path-wrong-kind: `phases.toml` is a named pipe, not a file",
        ),
        (
            2,
            "phases.toml path-symlink: `phases.toml` is a symbolic link; evmig follows none inside a project",
        ),
    ] {
        let dir = Dir::new();
        let path = dir.path().join("phases.toml");
        match make {
            0 => std::fs::create_dir(path).unwrap(),
            1 => nix::unistd::mkfifo(&path, Mode::S_IRWXU).unwrap(),
            _ => symlink("/dev/zero", path).unwrap(),
        }
        assert_eq!(dir.told(), [message]);
    }
}

#[test]
fn a_manifest_that_is_no_text_or_too_large_is_refused() {
    let dir = Dir::new();
    dir.write("phases.toml", b"[project]\nname = \"\xff\"\n");
    assert_eq!(
        dir.told(),
        ["phases.toml:2:9 invalid-utf8: byte 0xff at offset 18 is not valid UTF-8"]
    );
    dir.write("phases.toml", "# x\n".repeat(300_000));
    assert_eq!(
        dir.told(),
        ["phases.toml manifest-too-large: the file is larger than 1048576 bytes"]
    );
    dir.write(
        "phases.toml",
        format!("\u{FEFF}{ONE_STEP}").replace('\n', "\r\n"),
    );
    dir.write("migrations/a/V1__x.sql", "");
    assert_eq!(dir.told(), [""; 0]);
}

#[test]
fn files_that_are_no_text_are_told_with_offset_and_place() {
    let dir = Dir::with(ONE_STEP, &[]);
    dir.write("migrations/a/V1__a.sql", b"select 1;\n\xff");
    dir.write("migrations/a/V2__b.sql", b"\xff\xfes\0");
    dir.write("migrations/a/V3__c.sql", b"a\0b");
    dir.write("migrations/a/V4__d.sql", "\u{FEFF}\u{FEFF}");
    dir.write("migrations/a/V5__e.sql", "");
    dir.write("rollback/a/V5__e.sql", b"\xc3(");
    assert_eq!(
        dir.told(),
        [
            "migrations/a/V1__a.sql:2:1 invalid-utf8: byte 0xff at offset 10 is not valid UTF-8",
            "migrations/a/V2__b.sql utf16: the file is UTF-16 (little-endian); project files are UTF-8",
            "migrations/a/V3__c.sql:1:2 nul-byte: NUL byte at offset 1",
            "migrations/a/V4__d.sql:1:2 second-bom: a second byte order mark at offset 3; one is tolerated",
            "rollback/a/V5__e.sql:1:1 invalid-utf8: byte 0xc3 at offset 0 is not valid UTF-8",
        ]
    );
    let errors = dir.load().unwrap_err();
    assert_eq!(
        errors.as_slice()[1].help().as_deref(),
        Some("save it as UTF-8, for instance `iconv -f UTF-16 -t UTF-8 migrations/a/V2__b.sql`")
    );
}

#[test]
fn versions_and_names_used_twice_name_every_file() {
    let dir = Dir::with(
        THREE_STEPS,
        &[
            ("migrations/a/V7__x.sql", ""),
            ("migrations/a/V007__y.sql", ""),
            ("migrations/b/c/V7__z.sql", ""),
            ("migrations/a/R__v.sql", ""),
            ("migrations/d/R__V.sql", ""),
        ],
    );
    assert_eq!(
        dir.told(),
        [
            "migrations/a/R__v.sql duplicate-repeatable: the repeatable migration `v` is there more than once: migrations/a/R__v.sql and migrations/d/R__V.sql",
            "migrations/a/V7__x.sql duplicate-version: version 7 is used by migrations/a/V7__x.sql and migrations/a/V007__y.sql and migrations/b/c/V7__z.sql",
        ]
    );
}

#[test]
fn names_that_differ_only_in_case_clash() {
    let dir = Dir::with(
        ONE_STEP,
        &[
            ("migrations/a/R__v.sql", ""),
            ("migrations/a/R__V.sql", ""),
            ("migrations/A/", ""),
        ],
    );
    assert_eq!(
        dir.told(),
        [
            "migrations/A case-clash: migrations/A and migrations/a differ only in case and are one file on macOS and Windows",
            "migrations/A unlisted-folder: no step in phases.toml names the folder `A`",
            "migrations/a/R__V.sql case-clash: migrations/a/R__V.sql and migrations/a/R__v.sql differ only in case and are one file on macOS and Windows",
            "migrations/a/R__V.sql duplicate-repeatable: the repeatable migration `V` is there more than once: migrations/a/R__V.sql and migrations/a/R__v.sql",
        ]
    );
}

#[test]
fn versions_follow_the_order_of_steps_and_phases() {
    let dir = Dir::with(
        THREE_STEPS,
        &[
            ("migrations/a/V10__x.sql", ""),
            ("migrations/b/c/V3__x.sql", ""),
            ("migrations/b/c/V4__x.sql", ""),
            ("migrations/b/c/V5__x.sql", ""),
            ("migrations/b/c/V11__x.sql", ""),
            ("migrations/d/V9__x.sql", ""),
        ],
    );
    assert_eq!(
        dir.told(),
        [
            "migrations/b/c/V3__x.sql out-of-order: version 3 is out of order: it runs after migrations/a/V10__x.sql, whose version 10 is greater (as are 2 more of its step)",
            "migrations/d/V9__x.sql out-of-order: version 9 is out of order: it runs after migrations/b/c/V11__x.sql, whose version 11 is greater",
        ]
    );
}

#[test]
fn rollback_scripts_need_their_migration() {
    let dir = Dir::with(
        THREE_STEPS,
        &[
            ("migrations/a/V1__one.sql", ""),
            ("migrations/b/c/v2__two.sql", ""),
            ("migrations/d/", ""),
            ("rollback/a/V1__renamed.sql", ""),
            ("rollback/a/V9__zzzzzzzzzzzzzzzzz.sql", ""),
            ("rollback/b/c/V2__two.sql", ""),
            ("rollback/e/x/V3__x.sql", ""),
            ("rollback/V1__one.sql", ""),
        ],
    );
    assert_eq!(
        dir.told(),
        [
            "migrations/b/c/v2__two.sql bad-file-name: `v2__two.sql` is no migration file: the first letter must be a capital `V` ~ V2__two.sql",
            "rollback/V1__one.sql rollback-without-migration: `V1__one.sql` has no migration at migrations/V1__one.sql",
            "rollback/a/V1__renamed.sql rollback-without-migration: `V1__renamed.sql` has no migration at migrations/a/V1__renamed.sql ~ V1__one.sql",
            "rollback/a/V9__zzzzzzzzzzzzzzzzz.sql rollback-without-migration: `V9__zzzzzzzzzzzzzzzzz.sql` has no migration at migrations/a/V9__zzzzzzzzzzzzzzzzz.sql",
            "rollback/e rollback-folder-without-step: `rollback/e` belongs to no step: no step names `e`",
        ]
    );
}

#[test]
fn a_name_that_is_not_utf8_is_an_error() {
    let dir = Dir::with(ONE_STEP, &[("migrations/a/", "")]);
    let name = OsStr::from_bytes(b"V1__\xff.sql");
    std::fs::write(dir.path().join("migrations/a").join(name), "").unwrap();
    assert_eq!(
        dir.told(),
        [
            "migrations/a/V1__\u{FFFD}.sql file-name-not-utf8: the name `V1__\u{FFFD}.sql` is not UTF-8"
        ]
    );
}

#[test]
fn what_the_system_refuses_is_told() {
    let dir = Dir::with(ONE_STEP, &[("migrations/a/V1__x.sql", "")]);
    let long = RelPath::parse(&format!("migrations/{}", "x".repeat(300))).unwrap();
    let error = dir.root().read(&long).unwrap_err();
    assert_eq!(error.code(), "path-unreadable");
    assert!(error.to_string().contains("File name too long"), "{error}");
}
