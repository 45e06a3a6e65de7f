//! The platform as shipped, taken back by `evmig rollback`: all of it, phase by phase, and file by file;
//! as the owner and as a superuser. Each time the catalog and `pg_dump` are what they were.

use super::harness::{Database, Options, Project, Role, Server, Shape};
use super::platform_majors::{assert_same, dump, on_staging, picture, with_sample_data};

/// The catalog, and what `pg_dump` makes of it where it knows the server.
type Look = (Vec<String>, Option<String>);

struct Platform {
    project: Project,
    database: Database,
}

impl Platform {
    fn new(major: u32, role: Role) -> Self {
        // The first step makes Supabase's roles, which belong to the cluster.
        let server = Server::private(&Options::new(major));
        Self {
            project: with_sample_data(),
            database: server.database(Shape::Plain, role),
        }
    }

    fn evmig(&self, words: &str) -> serde_json::Value {
        on_staging(
            &self.project,
            &format!("{words} --format json"),
            &self.database,
        )
        .run()
        .succeeds()
        .json()
    }

    /// The catalog without evmig's own schema, and what `pg_dump` makes of the rest.
    fn look(&self) -> Look {
        let mut picture = picture(&self.database);
        picture.retain(|line| !line.contains("evmig"));
        (picture, dump(&self.database))
    }

    #[track_caller]
    fn is(&self, before: &Look, when: &str) {
        let now = self.look();
        assert_same(&now.0, &before.0, when);
        assert_eq!(now.1, before.1, "pg_dump after {when}");
    }
}

fn all_of_it(major: u32, role: Role) {
    let platform = Platform::new(major, role);
    let before = platform.look();
    let applied = platform.evmig("apply");
    let count = applied["applied"].as_array().map(Vec::len);
    let back = platform.evmig("rollback --all");
    assert_eq!(back["reverted"].as_array().map(Vec::len), count);
    assert!(back["lock_held_ms"].as_f64() > Some(0.0));
    platform.is(&before, "rollback --all");
    platform.evmig("history --verify");
    platform.evmig("apply");
    platform.evmig("rollback");
    platform.is(&before, "the second time");
}

#[test]
fn all_of_it_as_the_owner() {
    all_of_it(15, Role::Owner);
}

#[test]
fn all_of_it_as_a_superuser() {
    all_of_it(18, Role::Superuser);
}

#[test]
fn phases_as_the_owner() {
    phase_by_phase(16, Role::Owner);
}

fn phase_by_phase(major: u32, role: Role) {
    let platform = Platform::new(major, role);
    let mut before = Vec::new();
    for phase in 1..=4 {
        before.push(platform.look());
        platform.evmig(&format!("apply --phase {phase}"));
    }
    for phase in (1..=4).rev() {
        platform.evmig(&format!("rollback --phase {phase}"));
        platform.is(&before[phase - 1], &format!("rollback --phase {phase}"));
    }
}

/// Each migration by a run of its own, so that the history has a picture of the catalog before each; then
/// back one by one, each proven.
fn file_by_file(major: u32, role: Role) {
    let server = Server::private(&Options::new(major));
    let platform = Platform {
        project: Project::shipped(),
        database: server.database(Shape::Plain, role),
    };
    let before = platform.look();
    let versions: Vec<String> = platform
        .project
        .files()
        .iter()
        .filter(|file| file.starts_with("migrations/") && !file.contains("sample_data"))
        .filter_map(|file| {
            let (_, name) = file.rsplit_once("/V")?;
            Some(name.split_once("__")?.0.to_owned())
        })
        .collect();
    for version in &versions {
        platform.evmig(&format!("apply --to {version}"));
    }
    for version in versions.iter().rev() {
        let back = platform.evmig("rollback --last 1");
        assert_eq!(back["reverted"][0]["version"], version.as_str());
        assert_eq!(back["proof"]["proven"], "yes", "{back:#}");
    }
    platform.is(&before, "all of them one by one");
}

/// Every way back on every server, as everybody.
fn everything_on(major: u32) {
    for role in [Role::Owner, Role::Superuser] {
        all_of_it(major, role);
        phase_by_phase(major, role);
        file_by_file(major, role);
    }
}

#[test]
#[ignore = "takes long: scripts/test --long"]
fn everything_on_14() {
    everything_on(14);
}

#[test]
#[ignore = "takes long: scripts/test --long"]
fn everything_on_15() {
    everything_on(15);
}

#[test]
#[ignore = "takes long: scripts/test --long"]
fn everything_on_16() {
    everything_on(16);
}

#[test]
#[ignore = "takes long: scripts/test --long"]
fn everything_on_17() {
    everything_on(17);
}

#[test]
#[ignore = "takes long: scripts/test --long"]
fn everything_on_18() {
    everything_on(18);
}
