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
fn phase_by_phase() {
    let platform = Platform::new(16, Role::Owner);
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
