//! The platform, as shipped: every supported major, as the owner and as a superuser, on a plain
//! database and on a Supabase-shaped one, with the default grants of now and of earlier years. All
//! phases apply, a second run has nothing to do, the history holds, and the rollback scripts leave
//! the database as it was; then all of it once more.

use std::process::{Command, Stdio};
use std::time::Duration;

use evmig::catalog::diff::diff;
use evmig::catalog::read::snapshot;
use evmig::pg::session::Session as CatalogSession;

use super::harness::{
    Database, Evmig, Options, Project, Role, Server, Session, Shape, Target, tools,
};
use super::pg_server::{block_on, open};

#[test]
fn all_phases_on_postgresql_14() {
    all_phases(14);
}

#[test]
fn all_phases_on_postgresql_15() {
    all_phases(15);
}

#[test]
fn all_phases_on_postgresql_16() {
    all_phases(16);
}

#[test]
fn all_phases_on_postgresql_17() {
    all_phases(17);
}

#[test]
fn all_phases_on_postgresql_18() {
    all_phases(18);
}

/// The ways of one major: a plain server's owner, twice over, and its superuser; the owner of a
/// Supabase project, with the default grants of now and of earlier years. The sample data are the
/// same on all of them and take longer than all the rest: once on each major, and on one Supabase.
fn all_phases(major: u32) {
    let (bare, project) = (Project::shipped(), with_sample_data());
    // The first step makes Supabase's roles, which belong to the cluster.
    let plain = Server::private(&Options::new(major));
    let database = plain.database(Shape::Plain, Role::Owner);
    check(&project, &database);
    let first = check(&bare, &database);
    let again = check(&bare, &database);
    assert_same(&again, &first, "a second time");
    let plain = Server::private(&Options::new(major));
    check(&bare, &plain.database(Shape::Plain, Role::Superuser));
    let server = Server::shared(major, Shape::Supabase);
    let one = if major == 15 { &project } else { &bare };
    check(one, &server.database(Shape::Supabase, Role::Owner));
    let shape = Shape::SupabaseLegacyGrants;
    let server = Server::shared(major, shape);
    check(&bare, &server.database(shape, Role::Owner));
}

/// Dropping the tables hides what the rollback of their indexes has missed: each file is held against the catalog
/// as it was before that file.
#[test]
fn each_rollback_takes_back_what_its_own_file_did() {
    let project = Project::shipped();
    let server = Server::private(&Options::new(15));
    let database = server.database(Shape::Plain, Role::Owner);
    let files = migrations(&project);
    let seen = block_on(async {
        let admin = open(&database.admin().url(), None)
            .await
            .expect("a session");
        let (session, _notices) = CatalogSession::new(admin);
        let read = async || {
            snapshot(&session, 150_000, "evmig")
                .await
                .expect("the catalog")
        };
        let mut before = Vec::new();
        for file in &files {
            before.push(read().await);
            by_psql(&project, &database, &[format!("migrations/{file}")]);
        }
        let mut wrong = Vec::new();
        for (file, before) in files.iter().zip(&before).rev() {
            by_psql(&project, &database, &[format!("rollback/{file}")]);
            wrong.extend(
                diff(before, &read().await)
                    .into_iter()
                    .map(|change| (file, change)),
            );
        }
        format!("{wrong:#?}")
    });
    assert_eq!(seen, "[]");
}

/// The environment for which the shipped sample data are.
const STAGING: &str =
    "[environments.staging]\nurl_env = \"STAGING_DATABASE_URL\"\nsslmode = \"verify-full\"\n";

/// What this repository ships, with a staging environment that asks for no TLS: only a named
/// environment that is not protected takes the sample data.
pub(crate) fn with_sample_data() -> Project {
    let project = Project::shipped();
    let manifest = project.read("phases.toml");
    assert!(manifest.contains(STAGING), "{manifest}");
    let plain = STAGING.replace("sslmode = \"verify-full\"\n", "");
    project.write("phases.toml", manifest.replace(STAGING, &plain));
    project
}

/// `evmig <words>` on a database, which is called staging where the project lets it.
pub(crate) fn on_staging(project: &Project, words: &str, database: &Target) -> Evmig {
    let evmig = Evmig::new(project, words);
    if project.read("phases.toml").contains(STAGING) {
        return evmig.on(database);
    }
    evmig
        .knowing(database)
        .arg("--env")
        .arg("staging")
        .env("STAGING_DATABASE_URL", database.url())
        .within(Duration::from_mins(5))
}

/// Applies everything and takes it back; returns what the catalog looked like in between.
fn check(project: &Project, database: &Database) -> Vec<String> {
    let files = migrations(project);
    let (before, dumped) = (picture(database), dump(database));
    assert_is_as_announced(database);

    let first = on_staging(project, "apply --format json", database)
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
    let second = on_staging(project, "apply --format json", database)
        .run()
        .succeeds()
        .json();
    assert_eq!(second["outcome"], "nothing_to_do");
    assert_eq!(second["run"], serde_json::Value::Null);
    assert_eq!(database.lines(rows), counts);
    assert_same(&picture(database), &applied, "a second run");

    // What is passed over here is not waited for.
    let passed_over = count_passed_over(project);
    let status = on_staging(project, "status --exit-code --format json", database)
        .run()
        .succeeds()
        .json();
    assert_eq!(status["pending"], 0);
    for phase in status["phases"].as_array().expect("a list") {
        let applied = passed_over == 0 || phase["name"] != "sample-data";
        let state = if applied { "applied" } else { "pending" };
        assert_eq!(phase["state"], state, "{phase}");
        assert_eq!(phase["only_in"].is_array(), !applied, "{phase}");
    }
    let proof = on_staging(project, "history --verify --format json", database)
        .run()
        .succeeds()
        .json();
    assert_eq!(proof["first_bad"], serde_json::Value::Null);
    assert!(proof["verified_rows"].as_u64() >= Some(n as u64), "{proof}");

    roll_back(project, database, &files);
    database.execute("drop schema evmig cascade");
    assert_same(&picture(database), &before, "the rollback scripts");
    assert_eq!(dump(database), dumped, "pg_dump after the rollback scripts");
    applied
}

/// Twenty ways that were all the same one would prove little.
fn assert_is_as_announced(database: &Database) {
    let mut session = database.session();
    let major = session.value("select current_setting('server_version_num')::int / 10000");
    assert_eq!(major, database.server().major().to_string());
    let is_super = session.value("select rolsuper from pg_roles where rolname = current_user");
    assert_eq!(is_super, if database.user == "admin" { "t" } else { "f" });
}

/// Sample data go to a named environment alone.
fn is_passed_over(project: &Project, file: &str) -> bool {
    file.starts_with("migrations/3_sample_data/") && project.read("phases.toml").contains(STAGING)
}

fn count_passed_over(project: &Project) -> usize {
    let files = project.files();
    files
        .iter()
        .filter(|file| is_passed_over(project, file))
        .count()
}

/// The migrations that the project's database takes, as paths below `migrations/`, in the order in which
/// they run.
fn migrations(project: &Project) -> Vec<String> {
    let mut files: Vec<String> = project
        .files()
        .iter()
        .filter(|file| !is_passed_over(project, file))
        .filter_map(|file| file.strip_prefix("migrations/"))
        .map(str::to_owned)
        .collect();
    assert!(!files.is_empty());
    files.sort_by_key(|file| {
        let name = file.rsplit('/').next().expect("a file name");
        let version = name.trim_start_matches('V').split("__").next();
        version
            .and_then(|version| version.parse::<u32>().ok())
            .expect("a version")
    });
    files
}

/// By psql and nothing else, as an operator without evmig would.
fn roll_back(project: &Project, database: &Database, files: &[String]) {
    let scripts = files.iter().rev();
    let scripts: Vec<String> = scripts.map(|file| format!("rollback/{file}")).collect();
    by_psql(project, database, &scripts);
}

fn by_psql(project: &Project, database: &Database, scripts: &[String]) {
    let mut psql = Command::new(tools::program("psql"));
    psql.args(["-X", "-q", "-v", "ON_ERROR_STOP=1", "-o", "/dev/null"]);
    for script in scripts {
        psql.arg("-f").arg(project.path(script));
    }
    let output = psql
        .envs(database.variables())
        // Every name in a shipped file has its schema, so that it means the same for everybody.
        .env(
            "PGOPTIONS",
            "-c search_path= -c client_min_messages=warning",
        )
        .stdin(Stdio::null())
        .output()
        .expect("psql");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success() && said.is_empty(),
        "{scripts:?} on {database:?}: {}\n{said}",
        output.status
    );
}

/// What the catalog looks like, without evmig's own schema.
pub(crate) fn picture(database: &Database) -> Vec<String> {
    Session::connect(&database.admin()).lines(include_str!("../database/support/picture.sql"))
}

/// What `pg_dump --schema-only` writes, where there is one that knows the server.
pub(crate) fn dump(database: &Database) -> Option<String> {
    let run = |arguments: &[&str]| {
        let output = Command::new(tools::program("pg_dump"))
            .args(arguments)
            .envs(database.admin().variables())
            .stdin(Stdio::null())
            .output()
            .expect("pg_dump");
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).expect("UTF-8")
    };
    let version = run(&["--version"]);
    let major: u32 = version
        .split_whitespace()
        .find_map(|word| word.split('.').next()?.parse().ok())
        .unwrap_or_else(|| panic!("{version}"));
    if major < database.server().major() {
        eprintln!(
            "pg_dump {major} does not know PostgreSQL {}: the catalog alone is compared",
            database.server().major()
        );
        return None;
    }
    let text = run(&["--schema-only", "--exclude-schema=evmig"]);
    // Newer ones put a word of chance on these lines.
    let lines = text
        .lines()
        .filter(|line| !line.starts_with("\\restrict") && !line.starts_with("\\unrestrict"));
    Some(lines.collect::<Vec<&str>>().join("\n"))
}

#[track_caller]
pub(crate) fn assert_same(now: &[String], then: &[String], what: &str) {
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
