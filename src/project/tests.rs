//! Projects on disk: every error of files and folders, order, notes, selection, speed.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::symlink;

use nix::sys::stat::Mode;
use proptest::prelude::*;

use super::testing::{Dir, ONE_STEP};
use super::{NoteKind, Project, ProjectError, RelPath, Root, Selector, Version, checksum};

mod each_error;

/// Two phases: `core` with `a` and `b/c`, `logic` with `d`.
const THREE_STEPS: &str = r#"[project]
name = "p"
[[phase]]
number = 1
name = "core"
[[phase.step]]
name = "a"
migrations = "a"
[[phase.step]]
name = "c"
migrations = "b/c"
[[phase]]
number = 2
name = "logic"
requires = ["core"]
[[phase.step]]
name = "d"
migrations = "d"
"#;

fn stems(project: &Project) -> Vec<&str> {
    project.migrations.iter().map(|m| m.stem.as_str()).collect()
}

#[test]
fn migrations_come_in_run_order_with_their_rollback_scripts() {
    let dir = Dir::with(
        THREE_STEPS,
        &[
            ("migrations/a/V2__two.sql", "select 2;"),
            ("migrations/a/V010__ten.sql", "\u{FEFF}select 10;\r\n"),
            ("migrations/a/R__view.sql", "select 0;"),
            ("migrations/a/R__aaa.sql", "select 0;"),
            ("migrations/a/.gitkeep", ""),
            ("migrations/b/c/V11__eleven.sql", "select 11;"),
            ("migrations/d/V20__twenty.sql", "-- nothing\n"),
            ("rollback/a/V2__two.sql", "select -2;"),
            ("rollback/d/V20__twenty.sql", "/* nothing */"),
            ("rollback/b/.gitkeep", ""),
        ],
    );
    let project = dir.load().unwrap();
    assert_eq!(
        stems(&project),
        [
            "V2__two",
            "V010__ten",
            "R__aaa",
            "R__view",
            "V11__eleven",
            "V20__twenty"
        ]
    );
    let ten = &project.migrations[1];
    assert_eq!(ten.version, Version::Versioned(10));
    assert_eq!((ten.phase, ten.step, ten.bytes()), (0, 0, 15));
    assert_eq!(ten.content.whole(), Some("\u{FEFF}select 10;\r\n"));
    assert_eq!(ten.sql(), "select 10;\r\n");
    assert_eq!(ten.sha256, checksum::sha256("select 10;\n"));
    let theirs =
        refinery_core::Migration::unapplied(&ten.stem, ten.content.whole().unwrap()).unwrap();
    assert_eq!(ten.refinery_i32(), Some(theirs.checksum()));
    assert_ne!(ten.refinery_i64(), ten.refinery_i32());
    assert_eq!(project.migrations[2].refinery_i64(), None);
    let rollback = project.migrations[0].rollback.as_ref().unwrap();
    assert_eq!(rollback.path.as_str(), "rollback/a/V2__two.sql");
    assert_eq!(rollback.sql(), "select -2;");
    assert_eq!(rollback.sha256, checksum::sha256("select -2;"));
    assert_eq!(project.migrations[1].rollback, None);
    let notes: Vec<_> = project
        .notes
        .iter()
        .map(|n| (n.file.as_str(), n.kind.code()))
        .collect();
    assert_eq!(
        notes,
        [
            ("migrations/a/V010__ten.sql", "byte-order-mark"),
            ("migrations/d/V20__twenty.sql", "empty-migration"),
            ("rollback/d/V20__twenty.sql", "empty-rollback"),
        ]
    );
    assert_eq!(project.migrations_of(0, 1).len(), 1);
    assert_eq!(project.migrations_of(9, 0).len(), 0);
}

#[test]
fn empty_folders_and_phases_are_notes() {
    let manifest = format!(
        "{ONE_STEP}[[phase]]\nnumber = 2\nname = \"later\"\n[apply]\nlock_timeout = \"0\"\n"
    );
    let dir = Dir::with(&manifest, &[("migrations/a/", "")]);
    let project = dir.load().unwrap();
    let notes: Vec<_> = project
        .notes
        .into_iter()
        .map(|n| (n.file, n.kind))
        .collect();
    assert_eq!(
        notes,
        [
            ("migrations/a".to_owned(), NoteKind::EmptyFolder),
            (
                "phases.toml".to_owned(),
                NoteKind::EmptyPhase {
                    phase: "later".to_owned()
                }
            ),
            ("phases.toml".to_owned(), NoteKind::LockTimeoutOff),
        ]
    );
}

#[test]
fn a_root_is_found_from_below_and_not_from_beside() {
    let dir = Dir::with(ONE_STEP, &[("migrations/a/", "")]);
    let below = dir.path().join("migrations/a");
    assert_eq!(Root::find(&below).unwrap().dir(), dir.path());
    let code = |result: Result<Root, ProjectError>| result.unwrap_err().code();
    assert_eq!(code(Root::at(&below)), "no-project");
    assert_eq!(
        code(Root::at(&dir.path().join("phases.toml"))),
        "folder-unusable"
    );
    assert_eq!(
        code(Root::at(&dir.path().join("absent"))),
        "folder-unusable"
    );
    let empty = Dir::new();
    let error = Root::find(empty.path()).unwrap_err();
    assert_eq!(
        error.to_string(),
        format!(
            "no phases.toml in {} or any folder above it",
            empty.path().display()
        )
    );
    let help = error.help().unwrap();
    assert!(
        help.starts_with(&format!("looked in {}, ", empty.path().display())),
        "{help}"
    );
    assert!(
        help.contains(", /;") && help.contains("`evmig init`"),
        "{help}"
    );
    assert!(
        Root::at(empty.path())
            .unwrap_err()
            .help()
            .unwrap()
            .contains("evmig -C")
    );
}

#[test]
fn includes_are_read_inside_the_project_only() {
    let dir = Dir::with(
        ONE_STEP,
        &[
            ("migrations/a/V1__x.sql", ""),
            ("shared/x.sql", "\u{FEFF}select 1;"),
            ("shared/sub/y.sql", "select 2;"),
        ],
    );
    symlink("/etc/passwd", dir.path().join("shared/passwd")).unwrap();
    symlink("/etc", dir.path().join("shared/etc")).unwrap();
    nix::unistd::mkfifo(&dir.path().join("shared/pipe"), Mode::S_IRWXU).unwrap();
    let root = dir.root();
    let from = RelPath::parse("migrations/a/V1__x.sql").unwrap();
    let read = |path, relative| root.read_inside(&from, path, relative);
    let file = read("../../shared/x.sql", true).unwrap();
    assert_eq!(
        (file.path.as_str(), file.sql()),
        ("shared/x.sql", "select 1;")
    );
    assert_eq!(read("shared/sub/y.sql", false).unwrap().sql(), "select 2;");
    for (path, relative, code) in [
        ("../../../x", true, "path-outside-project"),
        ("../x", false, "path-outside-project"),
        ("/etc/passwd", false, "path-absolute"),
        ("shared/passwd", false, "path-symlink"),
        ("shared/etc/passwd", false, "path-symlink"),
        ("shared/pipe", false, "path-wrong-kind"),
        ("shared", false, "path-wrong-kind"),
        ("shared/x.sql/y", false, "path-wrong-kind"),
        ("shared/absent.sql", false, "path-missing"),
        ("", false, "path-empty"),
    ] {
        let error = read(path, relative).unwrap_err();
        assert_eq!(error.code(), code, "{path}");
        assert!(error.file.is_some());
    }
}

#[test]
fn phases_and_steps_are_found_by_number_and_name() {
    let dir = Dir::with(
        THREE_STEPS,
        &[
            ("migrations/a/", ""),
            ("migrations/b/c/", ""),
            ("migrations/d/", ""),
        ],
    );
    let project = dir.load().unwrap();
    assert_eq!(project.find_phase(&Selector::parse("2")), Ok(1));
    assert_eq!(project.find_phase(&Selector::parse("core")), Ok(0));
    let error = project.find_phase(&Selector::parse("logc")).unwrap_err();
    assert_eq!(error.to_string(), "there is no phase `logc`");
    assert_eq!(error.nearest.as_deref(), Some("logic"));
    assert_eq!(error.valid, ["1 (core)", "2 (logic)"]);
    assert_eq!(
        project
            .find_phase(&Selector::parse("7"))
            .unwrap_err()
            .wanted,
        "7"
    );
    assert_eq!(project.find_step(0, "c"), Ok(1));
    let error = project.find_step(0, "zz").unwrap_err();
    assert_eq!(
        (error.nearest, error.valid),
        (None, vec!["a".to_owned(), "c".to_owned()])
    );
}

/// A project of that many migrations, each with a rollback script.
fn large(count: usize) -> Dir {
    let dir = Dir::with(ONE_STEP, &[("migrations/a/", ""), ("rollback/a/", "")]);
    for version in 1..=count {
        for top in ["migrations", "rollback"] {
            let path = format!("{top}/a/V{version}__table_{version}.sql");
            let text = format!("create table t{version} (id bigint);\n");
            std::fs::write(dir.path().join(path), text).unwrap();
        }
    }
    dir
}

#[test]
fn ten_times_the_files_take_about_ten_times_as_long() {
    let (small, large) = (large(1_000), large(10_000));
    let time = |dir: &Dir, count| {
        let started = std::time::Instant::now();
        let project = dir.load().unwrap();
        let took = started.elapsed().as_secs_f64();
        assert_eq!(project.migrations.len(), count);
        assert!(project.migrations.iter().all(|m| m.rollback.is_some()));
        took
    };
    // The best of several each, since a busy machine only ever adds. Ten is what it should be;
    // one quadratic search among the work makes it more than twenty.
    let best = |dir: &Dir, count| (0..6).map(|_| time(dir, count)).fold(f64::MAX, f64::min);
    let ratio = best(&large, 10_000) / best(&small, 1_000);
    assert!(ratio < 15.0, "{ratio}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_file_name_and_no_bytes_panic(
        names in prop::collection::vec(prop::collection::vec(1u8..=255, 1..20), 0..8),
        bytes in prop::collection::vec(any::<u8>(), 0..64),
        rollback in any::<bool>(),
    ) {
        let dir = Dir::with(ONE_STEP, &[("migrations/a/", ""), ("rollback/a/", "")]);
        let folder = if rollback { "rollback/a" } else { "migrations/a" };
        for name in names {
            let _refused_by_the_system = std::fs::write(dir.path().join(folder).join(OsStr::from_bytes(&name)), &bytes);
        }
        dir.write("migrations/a/V1__x.sql", &bytes);
        if let Err(errors) = dir.load() {
            prop_assert!(!errors.as_slice().is_empty() && !errors.to_string().is_empty());
        }
    }

    #[test]
    fn no_bytes_as_manifest_panic(bytes in prop::collection::vec(any::<u8>(), 0..256)) {
        let dir = Dir::new();
        dir.write("phases.toml", &bytes);
        prop_assert!(dir.load().is_err());
    }
}
