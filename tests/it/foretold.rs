//! What a dry run foretells is what the apply comes to: the same catalog after it, or the same failure at the same place.
//!
//! Held for the shipped migrations, each as the only pending one, and for generated ones, of which a part fails. An
//! ordinary run of the tests takes a few of both; `scripts/test --long` takes all, and 500.

use std::sync::Arc;

use evmig::catalog::fingerprint::fingerprint;
use evmig::catalog::read::snapshot;
use evmig::pg::session::Session as CatalogSession;

use super::generated::World;
use super::harness::{Database, Evmig, Options, Project, Role, Server, Session, Shape, Target};
use super::pg_server::{block_on, open};
use super::platform_majors::{on_staging, with_sample_data};

/// The generated cases of an ordinary run, and of a long one.
const FEW: u64 = 8;
const ALL: u64 = 500;
/// How many of a long one are tried at the same time.
const LANES: u64 = 4;

/// A project, the database it is applied to, and the server where it is tried.
struct Scene {
    project: Project,
    database: Database,
    /// `None`: the server that evmig starts itself, which keeps what it made.
    shadow: Option<Target>,
    home: Evmig,
    version: u32,
}

impl Scene {
    fn new(
        project: Project,
        target: &Arc<Server>,
        shadow: Option<&Arc<Server>>,
        role: Role,
    ) -> Self {
        let database = target.database(Shape::Plain, role);
        let version = database.value("show server_version_num").parse().unwrap();
        Self {
            home: Evmig::new(&project, ""),
            project,
            database,
            shadow: shadow.map(|shadow| shadow.admin("postgres")),
            version,
        }
    }

    fn run(&self, words: &str) -> Evmig {
        let words = format!("{words} --format json");
        let manifest = self.project.read("phases.toml");
        let evmig = if manifest.contains("[environments.staging]") {
            on_staging(&self.project, &words, &self.database)
        } else {
            Evmig::new(&self.project, &words).on(&self.database)
        };
        match &self.shadow {
            Some(shadow) => evmig.env("EVMIG_SHADOW_URL", shadow.url()),
            None => evmig.home_of(&self.home).embedded(self.version / 10_000),
        }
    }

    /// By a connection of the test's own.
    fn fingerprint(&self) -> String {
        block_on(async {
            let connection = open(&self.database.url(), None).await.unwrap();
            let (session, _notices) = CatalogSession::new(connection);
            fingerprint(&snapshot(&session, self.version, "evmig").await.unwrap())
        })
    }

    /// What the history says the catalog was after the last run.
    fn checkpoint(&self) -> String {
        self.database
            .value("select fingerprint from evmig.checkpoint order by seq desc limit 1")
    }

    /// Makes a dry run and then the apply, and holds one against the other. Returns whether the apply came to its end.
    #[track_caller]
    fn holds(&self, selection: &str, said: &str) -> bool {
        let before = self.fingerprint();
        let report = self.run(&format!("plan {selection}")).run().json();
        assert_eq!(report["before"]["proven"], true, "{said}: {report:#}");
        if self.shadow.is_none() {
            // From what the first one kept.
            let again = self.run(&format!("plan {selection}")).run().json();
            assert_eq!(again["fingerprint"], report["fingerprint"], "{said}");
            assert_eq!(again["changes"], report["changes"], "{said}");
        }
        assert_eq!(report["fingerprint"]["target"], before, "{said}");
        assert_eq!(report["fingerprint"]["before"], before, "{said}");
        assert_eq!(self.fingerprint(), before, "{said}: the target was changed");
        let applied = self.run(&format!("apply {selection}")).run();
        let done = applied.json();
        if report["forecast"] == "would_apply" {
            applied.succeeds();
            let after = self.fingerprint();
            assert_eq!(
                report["fingerprint"]["after"], after,
                "{said}: {:#}",
                report["changes"]
            );
            assert_eq!(self.checkpoint(), after, "{said}");
            return true;
        }
        assert_eq!(report["forecast"], "would_fail", "{said}: {report:#}");
        assert_eq!(done["outcome"], "failed", "{said}: {:#}", report["error"]);
        for part in [
            "code", "message", "sqlstate", "context", "file", "line", "column",
        ] {
            let (told, came) = (&report["error"][part], &done["error"][part]);
            assert_eq!(told, came, "{said}: {part} of {:#}", done["error"]);
        }
        // The files before it are what came, and those behind it were not tried.
        let tried = report["migrations"].as_array().unwrap().iter();
        let tried = tried.filter(|file| file["tried"] == true).count();
        let came = done["applied"].as_array().map_or(0, Vec::len);
        assert_eq!(tried, came + 1, "{said}: {report:#}");
        false
    }
}

/// The versions of the shipped migrations, in order.
fn versions(project: &Project) -> Vec<u32> {
    let mut versions: Vec<u32> = project
        .files()
        .iter()
        .filter(|file| file.starts_with("migrations/"))
        .filter_map(|file| {
            let (_, name) = file.rsplit_once("/V")?;
            name.split_once("__")?.0.parse().ok()
        })
        .collect();
    versions.sort_unstable();
    versions
}

/// Applies the files up to each of `versions` in turn, each time foretold.
fn shipped(scene: &Scene, versions: &[u32]) {
    for version in versions {
        let said = format!("V{version} on {}", scene.version);
        assert!(scene.holds(&format!("--to {version}"), &said), "{said}");
        eprintln!("{said} came as foretold");
    }
    let report = scene.run("plan").run().succeeds().json();
    assert_eq!(report["forecast"], "nothing_to_do", "{report:#}");
}

/// Applies each file alone, foretold on a server that was named.
fn one_by_one(major: u32, role: Role) {
    // The first step makes Supabase's roles, which belong to the cluster.
    let [target, shadow] = [(); 2].map(|()| Server::private(&Options::new(major)));
    let project = with_sample_data();
    let versions = versions(&project);
    let scene = Scene::new(project, &target, Some(&shadow), role);
    shipped(&scene, &versions);
    // Nothing is left where it was tried.
    let mut shadow = Session::connect(&shadow.admin("postgres"));
    let databases = "select count(*) from pg_database where datname like 'evmig%'";
    assert_eq!(shadow.value(databases), "0");
    let roles = "select count(*) from pg_roles where rolname !~ '^pg_' and rolname <> 'admin'";
    assert_eq!(shadow.value(roles), "0");
}

#[test]
fn the_shipped_project_comes_as_foretold() {
    let target = Server::private(&Options::new(17));
    let scene = Scene::new(Project::shipped(), &target, None, Role::Owner);
    // Once everything before the policies, the rest in two.
    shipped(&scene, &[1300, 2050, 4210]);
}

#[test]
#[ignore = "takes long: scripts/test --long"]
fn every_shipped_migration_comes_as_foretold_to_the_owner() {
    one_by_one(15, Role::Owner);
}

#[test]
#[ignore = "takes long: scripts/test --long"]
fn every_shipped_migration_comes_as_foretold_to_a_superuser() {
    one_by_one(18, Role::Superuser);
}

/// A change of what is there already. `enums` have been made by earlier files.
fn change(world: &mut World, enums: &mut Vec<String>) -> String {
    let at = world.dice.below(world.tables.len());
    let on = world.tables[at].name.clone();
    let made = world.name("y");
    // A partitioned table is left with its key alone, by the generator.
    let has_more = world.tables[at].columns.len() > 2;
    match world.dice.below(14) {
        0 => {
            world.tables[at].name.clone_from(&made);
            format!("alter table {on} rename to {made}")
        }
        1 if has_more => {
            let was = std::mem::replace(&mut world.tables[at].columns[1], made.clone());
            format!("alter table {on} rename column {was} to {made}")
        }
        2 if has_more => {
            let gone = world.tables[at].columns.remove(2);
            format!("alter table {on} drop column {gone} cascade")
        }
        3 if world.tables.len() > 2 => {
            world.tables.remove(at);
            format!("drop table {on} cascade")
        }
        4 if world.tables.len() > 2 => {
            world.tables.remove(at);
            format!("create schema {made}; alter table {on} set schema {made}")
        }
        5 if !enums.is_empty() => {
            let of = enums[world.dice.below(enums.len())].clone();
            format!(
                "alter type {of} add value if not exists '{}' before 'b'",
                made.replace('\'', "")
            )
        }
        6 => {
            enums.push(made.clone());
            format!("create type {made} as enum ('a', 'b')")
        }
        7 => format!(
            "alter table {on} add column {made} int default 1; alter table {on} alter column {made} type bigint; \
             alter table {on} alter column {made} set not null; alter table {on} alter column {made} drop default"
        ),
        8 => format!(
            "do $$ begin execute format('create table %I (id int)', '{}_by_code'); end $$",
            made.replace('"', "")
        ),
        9 => format!(
            "alter default privileges grant select on tables to generated_reader; create table {made} (id int)"
        ),
        10 => format!(
            "create function {made}() returns int language sql as 'select 1'; \
             create or replace function {made}() returns int language sql stable set search_path = '' as 'select 2'"
        ),
        11 => format!(
            "create materialized view {made} as select id from {on} with no data; refresh materialized view {made}"
        ),
        12 => format!(
            "insert into {on} (id) overriding system value values (5) on conflict do nothing"
        ),
        _ => format!("alter table {on} add constraint {made} unique (id)"),
    }
}

/// Something that fails, however far the files before it have come.
fn failure(world: &mut World) -> String {
    let at = world.dice.below(world.tables.len());
    let on = world.tables[at].name.clone();
    let made = world.name("z");
    match world.dice.below(11) {
        0 => format!("alter table {on}\n  add column {made} no_such_type"),
        1 => "select 1 / 0".to_owned(),
        2 => format!("create table {on} (id int)"),
        3 => format!(
            "create table {made} (id int); insert into {made} values (1), (1); create unique index on {made} (id)"
        ),
        4 => format!(
            "create table {made} (id int); insert into {made} values (1);\nalter table {made} add check (id > 1)"
        ),
        5 => "do $$ begin raise exception 'not today' using errcode = 'ZZ001', detail = 'it rains'; end $$"
            .to_owned(),
        6 => format!("create view {made} as select id from {on}; drop table {on}"),
        7 => format!("alter table {on} add column {made} int not null; insert into {on} (id) overriding system value values (9)"),
        8 => format!("create function {made}() returns int language plpgsql as $$ begin retrun 1; end $$"),
        9 => format!("create table {made} (id int); alter table {made} alter column id type date using id::date"),
        // It fails at the commit.
        _ => {
            let other = world.name("z");
            format!(
                "create table {made} (id int primary key); \
                 create table {other} (id int references {made} deferrable initially deferred); \
                 insert into {other} values (1)"
            )
        }
    }
}

/// A file whose statements are committed one by one; the last one fails where the column is called `kk`.
fn stepwise(world: &mut World, column: &str) -> String {
    let (table, one, two) = (world.name("s"), world.name("i"), world.name("i"));
    format!(
        "create table {table} (id int, k int);\ninsert into {table} values (1, 1), (2, 1);\n\
         create index concurrently {one} on {table} (id);\n\
         create index concurrently {two} on {table} ({column});\n"
    )
}

/// One generated project: some files are applied, the others are foretold and come. Where one was made to fail it is
/// mended, and the rest is foretold again. What was not made to fail may do so all the same, as long as that is foretold.
/// Returns whether the apply came to its end, unless it could not even be begun.
fn case(target: &Arc<Server>, shadow: &Arc<Server>, number: u64) -> Option<bool> {
    let role = [Role::Owner, Role::Superuser][(number % 2) as usize];
    let scene = Scene::new(Project::one_phase(), target, Some(shadow), role);
    let mut world = World::new(number ^ 0xf0e7);
    let mut enums = Vec::new();
    let count = 2 + world.dice.below(4);
    let applied = world.dice.below(count);
    let failing = (world.dice.below(3) == 0).then(|| applied + world.dice.below(count - applied));
    let write = |at: usize, text: &str| {
        let file = format!("migrations/1_core/1_tables/V{}__m.sql", at + 1);
        scene.project.write(&file, text);
    };
    let mut mended = String::new();
    for at in 0..count {
        let is_failing = failing == Some(at);
        if at > 0 && world.dice.below(5) == 0 {
            let column = if is_failing { "kk" } else { "k" };
            let text = stepwise(&mut world, column);
            write(at, &text);
            if is_failing {
                mended = text.replace("(kk)", "(k)");
            }
            continue;
        }
        let mut statements: Vec<String> =
            world.migration().into_iter().map(|step| step.up).collect();
        for _ in 0..world.dice.below(4) {
            statements.push(change(&mut world, &mut enums));
        }
        let text = |statements: &[String]| format!("{};\n", statements.join(";\n"));
        if is_failing {
            mended = text(&statements);
            let place = world.dice.below(statements.len() + 1).max(1);
            let bad = failure(&mut world);
            statements.insert(place, bad);
        }
        write(at, &text(&statements));
    }
    let said = format!("case {number}");
    if applied > 0 && scene.run(&format!("apply --to {applied}")).run().code() != 0 {
        return None;
    }
    let came = scene.holds("", &said);
    if let Some(at) = failing {
        assert!(!came, "{said}");
        write(at, &mended);
        scene.holds("", &format!("{said}, mended"));
    }
    Some(came)
}

fn cases(numbers: impl Iterator<Item = u64>) {
    let servers = [(); 2].map(|()| Server::private(&Options::new(16)));
    servers[0]
        .database(Shape::Plain, Role::Superuser)
        .execute("create role generated_reader");
    let (mut came, mut failed) = (0, 0);
    for number in numbers {
        match case(&servers[0], &servers[1], number) {
            Some(true) => came += 1,
            Some(false) => failed += 1,
            None => {}
        }
        eprintln!("case {number} is as foretold");
    }
    eprintln!("{came} came, {failed} failed, as foretold");
    assert!(came > failed && failed > 0, "{came} came, {failed} failed");
}

#[test]
fn some_generated_migrations_come_as_foretold() {
    cases(0..FEW);
}

#[test]
#[ignore = "takes long: scripts/test --long"]
fn all_generated_migrations_come_as_foretold() {
    std::thread::scope(|scope| {
        for first in 0..LANES {
            scope.spawn(move || cases((first..ALL).step_by(LANES as usize)));
        }
    });
}
