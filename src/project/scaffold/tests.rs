//! New projects load as they are; new migrations keep the order; nothing is overwritten.

use std::fs;

use super::super::testing::{Dir, ONE_STEP};
use super::super::{NoteKind, Project, Root, Selector, Version, load};
use super::{Created, NewMigration, NewMigrationError, ScaffoldError, init, new_migration};

const TWO_PHASES: &str = r#"[project]
name = "p"
[[phase]]
number = 1
name = "core"
[[phase.step]]
name = "a"
migrations = "a"
[[phase.step]]
name = "b"
migrations = "b"
[[phase]]
number = 2
name = "logic"
[[phase.step]]
name = "c"
migrations = "c"
[[phase.step]]
name = "suite"
verify = ["phases.toml"]
[[phase]]
number = 3
name = "suites"
[[phase.step]]
name = "suite"
verify = ["phases.toml"]
"#;

fn project(files: &[&str]) -> (Dir, Project) {
    let mut all = vec![
        ("migrations/a/", ""),
        ("migrations/b/", ""),
        ("migrations/c/", ""),
    ];
    all.extend(files.iter().map(|file| (*file, "select 1;")));
    let dir = Dir::with(TWO_PHASES, &all);
    let project = dir.load().unwrap();
    (dir, project)
}

fn request(name: &str, phase: &str, step: Option<&str>) -> NewMigration {
    NewMigration {
        name: name.to_owned(),
        phase: Selector::parse(phase),
        step: step.map(str::to_owned),
        repeatable: false,
        timestamp: 20_260_102_030_405,
    }
}

/// The version that a new migration gets; the project must load with it.
fn version(files: &[&str], phase: &str, step: &str) -> Result<Version, NewMigrationError> {
    let (dir, project) = project(files);
    let Created { version, .. } = new_migration(&project, &request("x", phase, Some(step)))?;
    assert_eq!(dir.told(), [""; 0]);
    Ok(version)
}

#[test]
fn a_new_project_loads_and_takes_a_first_migration() {
    let dir = Dir::new();
    let path = dir.path().join("sub/shop");
    assert_eq!(
        init(&path, "shop").unwrap(),
        [
            ".gitignore",
            "migrations/1_core/1_tables/.gitkeep",
            "phases.toml",
            "rollback/1_core/1_tables/.gitkeep",
        ]
    );
    assert_eq!(
        fs::read_to_string(path.join(".gitignore")).unwrap(),
        "/.env\n/.evmig\n"
    );
    let project = load(&Root::at(&path).unwrap()).unwrap();
    assert_eq!(project.manifest.project.name.value, "shop");
    assert_eq!(project.notes.len(), 1);
    let created = new_migration(&project, &request("first tables", "core", None)).unwrap();
    assert_eq!(
        created.migration.as_str(),
        "migrations/1_core/1_tables/V101__first_tables.sql"
    );
    assert_eq!(
        created.rollback.as_str(),
        "rollback/1_core/1_tables/V101__first_tables.sql"
    );
    let project = load(&Root::at(&path).unwrap()).unwrap();
    assert!(project.migrations[0].rollback.is_some());
    // The templates are comments only, which is noted so that nobody takes them for a rollback.
    let kinds: Vec<_> = project.notes.iter().map(|note| note.kind.clone()).collect();
    assert_eq!(kinds, [NoteKind::EmptyMigration, NoteKind::EmptyRollback]);
}

#[test]
fn the_commented_keys_of_a_new_manifest_are_valid_too() {
    let dir = Dir::new();
    init(dir.path(), "shop").unwrap();
    let text = fs::read_to_string(dir.path().join("phases.toml")).unwrap();
    let uncommented: Vec<&str> = text
        .lines()
        .map(|line| match line.strip_prefix("# ") {
            Some(rest) if rest.starts_with('[') || rest.contains(" = ") => rest,
            _ => line,
        })
        .collect();
    dir.write("phases.toml", uncommented.join("\n"));
    let project = dir.load().unwrap();
    assert!(project.manifest.environments["production"].protected);
    assert_eq!(
        project.manifest.phases[0]
            .contract
            .as_ref()
            .unwrap()
            .allow
            .len(),
        5
    );
}

#[test]
fn init_keeps_a_gitignore_and_adds_to_it_once() {
    let dir = Dir::new();
    dir.write(".gitignore", "target\n.env/");
    dir.write("README.md", "mine");
    assert!(
        init(dir.path(), "shop")
            .unwrap()
            .contains(&".gitignore".to_owned())
    );
    let text = fs::read_to_string(dir.path().join(".gitignore")).unwrap();
    assert_eq!(text, "target\n.env/\n/.evmig\n");
    let other = Dir::new();
    other.write(".gitignore", "/.env\n.evmig\n");
    assert!(
        !init(other.path(), "shop")
            .unwrap()
            .contains(&".gitignore".to_owned())
    );
}

#[test]
fn init_overwrites_nothing_and_leaves_nothing_half_done() {
    let dir = Dir::with("mine", &[("migrations/V1__x.sql", ""), ("rollback/", "")]);
    let error = init(dir.path(), "shop").unwrap_err();
    assert_eq!(error.to_string(), "in the way: phases.toml, migrations/");
    assert_eq!(error.code(), "in-the-way");
    assert!(error.help().unwrap().contains("evmig status"));
    assert_eq!(
        fs::read_to_string(dir.path().join("phases.toml")).unwrap(),
        "mine"
    );
    assert!(!dir.path().join(".gitignore").exists());

    let dir = Dir::new();
    fs::create_dir(dir.path().join(".gitignore")).unwrap();
    assert_eq!(
        init(dir.path(), "shop"),
        Err(ScaffoldError::InTheWay {
            paths: vec![".gitignore".to_owned()]
        })
    );
    // A folder that cannot be made, since a file is where its parent must be.
    dir.write("file", "");
    let error = init(&dir.path().join("file"), "shop").unwrap_err();
    assert_eq!(error.code(), "cannot-create");
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 2);
}

#[test]
fn init_refuses_a_name_that_the_manifest_would_refuse() {
    let dir = Dir::new();
    for (name, nearest) in [
        ("my shop", Some("my-shop")),
        ("a\"b", Some("a-b")),
        ("", None),
        ("12", None),
        ("-x", Some("x")),
    ] {
        let error = init(dir.path(), name).unwrap_err();
        assert_eq!(
            error,
            ScaffoldError::BadName {
                name: name.to_owned(),
                nearest: nearest.map(str::to_owned)
            }
        );
    }
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
}

#[test]
fn versions_follow_the_phase_and_keep_the_order() {
    let v = |number| Ok(Version::Versioned(number));
    assert_eq!(version(&[], "1", "a"), v(101));
    assert_eq!(version(&[], "logic", "c"), v(201));
    assert_eq!(version(&["migrations/a/V105__y.sql"], "1", "a"), v(106));
    assert_eq!(version(&["migrations/a/V105__y.sql"], "1", "b"), v(106));
    assert_eq!(version(&["migrations/a/V105__y.sql"], "2", "c"), v(201));
    // A phase that has outgrown its hundred pushes the next one up.
    assert_eq!(version(&["migrations/a/V250__y.sql"], "2", "c"), v(251));
    // The first of a phase before a later one whose versions are small.
    assert_eq!(version(&["migrations/c/V5__y.sql"], "1", "a"), v(1));
    assert_eq!(
        version(
            &["migrations/a/V1__y.sql", "migrations/b/V3__z.sql"],
            "1",
            "a"
        ),
        v(2)
    );
}

#[test]
fn timestamps_go_on_where_they_are_used() {
    let v = |number| Ok(Version::Versioned(number));
    let old = "migrations/a/V20250101000000__y.sql";
    assert_eq!(version(&[old], "2", "c"), v(20_260_102_030_405));
    let future = "migrations/a/V20990101000000__y.sql";
    assert_eq!(version(&[future], "2", "c"), v(20_990_101_000_001));
    let later = "migrations/c/V20250601000000__y.sql";
    assert_eq!(version(&[old, later], "1", "b"), v(20_250_101_000_001));
}

#[test]
fn where_no_version_is_left_it_says_between_what() {
    let files = ["migrations/a/V1__y.sql", "migrations/b/V2__z.sql"];
    let error = version(&files, "1", "a").unwrap_err();
    assert_eq!(
        error.to_string(),
        "no version is left for step `a`: it must be greater than 1 and smaller than 2, which \
         runs later (migrations/b/V2__z.sql)"
    );
    assert_eq!(error.code(), "no-version-left");
    assert!(error.help().is_some());
    let last = format!("migrations/c/V{}__y.sql", i64::MAX);
    let error = version(&[&last], "2", "c").unwrap_err();
    assert_eq!(error, NewMigrationError::LastVersion { after: i64::MAX });
}

#[test]
fn phases_steps_and_names_are_checked() {
    let (dir, project) = project(&["migrations/a/R__view.sql"]);
    let error = |request: &NewMigration| new_migration(&project, request).unwrap_err();
    let unknown = error(&request("x", "cor", None));
    assert_eq!(
        (unknown.code(), unknown.suggestion().as_deref()),
        ("unknown-phase", Some("core"))
    );
    let unknown = error(&request("x", "core", Some("zz")));
    assert_eq!(unknown.help().as_deref(), Some("there are: a, b"));
    assert_eq!(
        error(&request("x", "core", None)).to_string(),
        "phase `core` has several steps with migrations: a, b"
    );
    assert_eq!(
        error(&request("x", "logic", Some("suite"))).to_string(),
        "step `suite` has no folder of migrations"
    );
    assert_eq!(
        error(&request("x", "suites", None)).to_string(),
        "phase `suites` has no folder of migrations"
    );
    let bad = error(&request("a/b'c", "logic", None));
    assert_eq!(
        bad.to_string(),
        "`a/b'c` is no migration name: names have letters, digits and `_`"
    );
    assert_eq!(bad.suggestion().as_deref(), Some("a_b_c"));
    assert_eq!(error(&request("  ", "logic", None)).code(), "bad-name");
    assert_eq!(
        error(&request(&"x".repeat(250), "logic", None)).code(),
        "bad-name"
    );
    let mut repeatable = request("View", "logic", None);
    repeatable.repeatable = true;
    assert_eq!(
        error(&repeatable).to_string(),
        "the repeatable migration `View` exists already: migrations/a/R__view.sql"
    );
    repeatable.name = "add users-view".to_owned();
    let created = new_migration(&project, &repeatable).unwrap();
    assert_eq!(
        created.migration.as_str(),
        "migrations/c/R__add_users_view.sql"
    );
    assert_eq!(created.version, Version::Repeatable);
    assert_eq!(dir.told(), [""; 0]);
}

#[test]
fn an_existing_rollback_script_is_kept_and_the_migration_taken_back() {
    let dir = Dir::with(ONE_STEP, &[("migrations/a/", "")]);
    let project = dir.load().unwrap();
    // It came after the project was read.
    dir.write("rollback/a/V101__x.sql", "mine");
    let error = new_migration(&project, &request("x", "core", None)).unwrap_err();
    assert_eq!(error.to_string(), "in the way: rollback/a/V101__x.sql");
    assert!(!dir.path().join("migrations/a/V101__x.sql").exists());
    assert_eq!(
        fs::read_to_string(dir.path().join("rollback/a/V101__x.sql")).unwrap(),
        "mine"
    );
}
