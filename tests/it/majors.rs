//! Phase 1, as shipped: every supported major, as the owner and as a superuser, on a plain database
//! and on a Supabase-shaped one. It applies, a second run has nothing to do, the history holds, and
//! the rollback scripts leave the database as it was.

use super::harness::{Database, Evmig, Options, Project, Role, Server, Session, Shape};

#[test]
fn phase_one_on_postgresql_14() {
    phase_one(14);
}

#[test]
fn phase_one_on_postgresql_15() {
    phase_one(15);
}

#[test]
fn phase_one_on_postgresql_16() {
    phase_one(16);
}

#[test]
fn phase_one_on_postgresql_17() {
    phase_one(17);
}

#[test]
fn phase_one_on_postgresql_18() {
    phase_one(18);
}

/// The four ways of one major, and the owner of a Supabase project from the years of wide default
/// grants.
fn phase_one(major: u32) {
    let project = Project::shipped();
    for role in [Role::Owner, Role::Superuser] {
        // The first step makes Supabase's roles, which belong to the cluster.
        let plain = Server::private(&Options::new(major));
        check(&project, &plain.database(Shape::Plain, role));
        let supabase = Server::shared(major, Shape::Supabase);
        check(&project, &supabase.database(Shape::Supabase, role));
    }
    let server = Server::shared(major, Shape::SupabaseLegacyGrants);
    check(
        &project,
        &server.database(Shape::SupabaseLegacyGrants, Role::Owner),
    );
}

fn check(project: &Project, database: &Database) {
    let files = migrations(project);
    let before = picture(database);
    assert_is_as_announced(database);

    let first = Evmig::new(project, "apply --phase 1 --format json")
        .on(database)
        .run()
        .succeeds()
        .json();
    assert_eq!(first["outcome"], "applied");
    assert_eq!(
        first["applied"].as_array().expect("a list").len(),
        files.len()
    );
    let applied = picture(database);
    assert_ne!(applied, before);

    let rows = "select (select count(*) from evmig.migration), (select count(*) from evmig.run), \
                (select count(*) from evmig.refinery_schema_history)";
    let counts = database.lines(rows);
    let n = files.len();
    assert_eq!(counts, [format!("{n}|1|{n}")]);
    let second = Evmig::new(project, "apply --phase 1 --format json")
        .on(database)
        .run()
        .succeeds()
        .json();
    assert_eq!(second["outcome"], "nothing_to_do");
    assert_eq!(second["run"], serde_json::Value::Null);
    assert_eq!(database.lines(rows), counts);
    assert_same(&picture(database), &applied, "a second run");

    let status = Evmig::new(project, "status --exit-code --format json")
        .on(database)
        .run()
        .succeeds()
        .json();
    assert_eq!(status["pending"], 0);
    assert_eq!(status["phases"][0]["state"], "applied");
    let proof = Evmig::new(project, "history --verify --format json")
        .on(database)
        .run()
        .succeeds()
        .json();
    assert_eq!(proof["first_bad"], serde_json::Value::Null);
    assert!(proof["verified_rows"].as_u64() >= Some(n as u64), "{proof}");

    roll_back(project, database, &files);
    database.execute("drop schema evmig cascade");
    assert_same(&picture(database), &before, "the rollback scripts");
}

/// Twenty ways that were all the same one would prove little.
fn assert_is_as_announced(database: &Database) {
    let mut session = database.session();
    let major = session.value("select current_setting('server_version_num')::int / 10000");
    assert_eq!(major, database.server().major().to_string());
    let is_super = session.value("select rolsuper from pg_roles where rolname = current_user");
    assert_eq!(is_super, if database.user == "admin" { "t" } else { "f" });
}

/// The migrations as paths below `migrations/`, in the order in which they run.
fn migrations(project: &Project) -> Vec<String> {
    let mut files: Vec<String> = project
        .files()
        .iter()
        .filter_map(|file| file.strip_prefix("migrations/"))
        .map(str::to_owned)
        .collect();
    files.sort_by_key(|file| {
        let name = file.rsplit('/').next().expect("a file name");
        let version = name.trim_start_matches('V').split("__").next();
        version
            .and_then(|version| version.parse::<u32>().ok())
            .expect("a version")
    });
    files
}

fn roll_back(project: &Project, database: &Database, files: &[String]) {
    let mut session = database.session();
    for file in files.iter().rev() {
        // Every name in a shipped file has its schema, so that it means the same for everybody.
        session.execute("set search_path = ''; set client_min_messages = warning");
        let text = project.read(&format!("rollback/{file}"));
        if let Err(error) = session.try_execute(&text) {
            panic!("rollback/{file} on {database:?}: {error:?}");
        }
    }
}

/// What the catalog looks like, by the query of `scripts/check-schema`, without evmig's own schema.
fn picture(database: &Database) -> Vec<String> {
    let script = include_str!("../../scripts/check-schema");
    let query = script
        .split_once("picture.sql\" <<'SQL'\n")
        .and_then(|(_, rest)| rest.split_once("\nSQL\n"))
        .map(|(query, _)| query.replace("nspname !~ '^pg_'", "nspname !~ '^(pg_|evmig$)'"))
        .expect("the script has the query");
    Session::connect(&database.admin()).lines(&query)
}

#[track_caller]
fn assert_same(now: &[String], then: &[String], what: &str) {
    let without = |lines: &[String], other: &[String]| -> Vec<String> {
        lines
            .iter()
            .filter(|line| !other.contains(line))
            .cloned()
            .collect()
    };
    let (more, less) = (without(now, then), without(then, now));
    assert!(
        more.is_empty() && less.is_empty() && now.len() == then.len(),
        "after {what}:\nmore: {more:#?}\nless: {less:#?}"
    );
}
