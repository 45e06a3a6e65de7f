//! A throw-away database beside its target stores, sorts and compares text as that one does, whatever provides its
//! locale: what is foretold there is what the apply comes to. Beside a standby none can be made.

use std::ops::RangeInclusive;
use std::sync::Arc;

use super::dry_run_shadow::shared_state;
use super::harness::{Database, Evmig, Options, Project, Role, Server, Session, Shape, Target};

/// What `CREATE DATABASE` can say of a locale, and the majors that know it. A provider's rules and names differ from
/// `template0`'s, so that none of it comes by itself.
const LOCALES: [(RangeInclusive<u32>, &str); 7] = [
    (14..=18, "lc_collate 'POSIX' lc_ctype 'C'"),
    (
        15..=18,
        "locale_provider libc lc_collate 'C' lc_ctype 'POSIX'",
    ),
    (15..=18, "locale_provider icu icu_locale 'und'"),
    (
        15..=18,
        "locale_provider icu icu_locale 'de-u-co-phonebk' lc_collate 'POSIX' lc_ctype 'C'",
    ),
    (
        16..=18,
        "locale_provider icu icu_locale 'de' icu_rules '&b < '''' &z < ä' lc_collate 'POSIX' lc_ctype 'C'",
    ),
    (
        17..=18,
        "locale_provider builtin builtin_locale 'C.UTF-8' lc_collate 'POSIX' lc_ctype 'C'",
    ),
    (
        18..=18,
        "locale_provider builtin builtin_locale 'PG_UNICODE_FAST' lc_collate 'C' lc_ctype 'POSIX'",
    ),
];

/// What `initdb` may have been told.
const ICU: &str = "locale_provider icu icu_locale 'sv'";

/// How text sorts and changes its case in a database.
const SORTED: &str = "(select string_agg(word, ' ' order by word) || upper('ß') || initcap('ǆ') \
                      from unnest(array['a', 'B', 'Z', 'ä', 'ae', 'af', 'z', '-c', 'C']) word)";

/// What must hold inside of a throw-away database that is beside its target; the file fails where it does not.
const INSIDE: &str = r"
do $$
declare here pg_database; target pg_database;
begin
  select * into here from pg_database where datname = current_database();
  select * into target from pg_database where datname = 'TARGET';
  if here.datname = target.datname then return; end if;
  if here.datname not like 'evmig\_shadow\_%' then raise 'it is %', here.datname; end if;
  if here.datdba <> target.datdba then raise 'it belongs to %', here.datdba::regrole; end if;
  -- Under all of the names that the columns have had.
  if exists (
    select from jsonb_each(to_jsonb(here)) ours
    join jsonb_each(to_jsonb(target)) theirs using (key)
    where ours.value <> theirs.value
      and key ~ 'encoding|locprovider|collate|ctype|locale|icurules|collversion'
  ) then raise 'its locale is %, not %', to_jsonb(here), to_jsonb(target); end if;
  if SORTED <> $text$TEXT$text$ then raise 'it sorts %', SORTED; end if;
  if has_database_privilege('public', here.oid, 'connect') then raise 'all may connect'; end if;
  if shobj_description(here.oid, 'pg_database') not like '%may be dropped' then raise 'no comment'; end if;
end $$;";

/// What is there, and what comes: both have to do with the order of text.
const BEFORE: &str = "
    create table t (id int primary key, a int, word text not null, check (word < 'z'));
    create index on t (lower(word));
";
const PENDING: &str = r#"
    alter table t alter column a type bigint;
    alter table t add column other text collate "C" default upper('ß');
    create view v as select word from t where word > 'B' order by word;
    create table parts (word text primary key) partition by range (word);
    create table parts_one partition of parts for values from ('A') to ('z');
"#;

/// A database of this locale on the server, which belongs to a role that may make databases and no more.
struct Scene {
    /// The first database of the role, to reach the server by.
    home: Database,
    target: Target,
    project: Project,
}

impl Scene {
    fn new(home: Database, name: &str, locale: &str) -> Self {
        let owner = &home.user;
        let mut admin = Session::connect(&home.admin());
        admin.execute(&format!("alter role {owner} createdb nocreaterole"));
        admin.execute(&format!(
            "create database {name} owner {owner} template template0 encoding 'UTF8' {locale}"
        ));
        let target = Target {
            database: name.to_owned(),
            ..(*home).clone()
        };
        let text = Session::connect(&target).value(&format!("select {SORTED}"));
        let inside = INSIDE
            .replace("TARGET", name)
            .replace("SORTED", SORTED)
            .replace("TEXT", &text);
        let project = Project::one_phase()
            .migration("V1__t", BEFORE)
            .migration("V2__inside", &inside)
            .migration("V3__change", PENDING);
        Self {
            home,
            target,
            project,
        }
    }

    fn evmig(&self, words: &str) -> Evmig {
        Evmig::new(&self.project, words).on(&self.target)
    }

    /// Foretells the pending files beside the target, and applies them.
    #[track_caller]
    fn comes_as_foretold(&self, said: &str) {
        self.evmig("apply --to 1").run().succeeds();
        let mut admin = Session::connect(&self.home.admin());
        let before = shared_state(&mut admin);
        let report = self
            .evmig("plan --shadow target --format json")
            .run()
            .succeeds()
            .json();
        assert_eq!(report["error"], serde_json::Value::Null, "{said}");
        assert_eq!(report["forecast"], "would_apply", "{said}: {report:#}");
        assert_eq!(report["before"]["proven"], true, "{said}: {report:#}");
        assert_eq!(report["before"]["origin"], "history", "{said}: {report:#}");
        assert_eq!(report["shadow"]["place"], "target", "{said}");
        assert_eq!(report["shadow"]["on_targets_server"], true, "{said}");
        let work = &report["migrations"][1]["statements"][0]["work"];
        assert_eq!(work[0]["work"], "rewrite", "{said}: {work}");
        assert_eq!(shared_state(&mut admin), before, "{said}");
        self.evmig("apply").run().succeeds();
        let made = Session::connect(&self.target)
            .value("select fingerprint from evmig.checkpoint order by seq desc limit 1");
        assert_eq!(report["fingerprint"]["after"], made, "{said}");
    }
}

/// Makes `template0` anew, as an `initdb` with this locale would have made it.
fn remake_template(admin: &mut Session, locale: &str) {
    for sql in [
        &format!("create database remade template template0 {locale}"),
        "alter database template0 is_template false",
        "drop database template0",
        "alter database remade rename to template0",
        "alter database template0 is_template true allow_connections false",
        "update pg_database set datcollversion = null where datname = 'template0'",
    ] {
        admin.execute(sql);
    }
}

/// Tries those locales that a major knows, of these.
fn locales_are_the_targets(major: u32, locales: &[(RangeInclusive<u32>, &str)], template: &str) {
    let server = Server::private(&Options::new(major));
    if !template.is_empty() {
        remake_template(&mut Session::connect(&server.admin("postgres")), template);
    }
    let known = locales.iter().filter(|(majors, _)| majors.contains(&major));
    for (at, (_, locale)) in known.enumerate() {
        let home = server.database(Shape::Plain, Role::Owner);
        let said = format!("{locale} on {major} beside {template:?}");
        Scene::new(home, &format!("like_{at}"), locale).comes_as_foretold(&said);
    }
}

#[test]
fn a_database_beside_the_target_has_its_locale() {
    // The newest that each major knows.
    for major in [14, 15, 16, 17, 18] {
        let newest = LOCALES.iter().rev();
        let newest = newest.filter(|(majors, _)| majors.contains(&major)).take(1);
        locales_are_the_targets(major, &newest.cloned().collect::<Vec<_>>(), "");
    }
    // Where nothing is said, it would be the template's.
    locales_are_the_targets(17, &LOCALES[1..2], ICU);
}

#[test]
#[ignore = "takes long: scripts/test --long"]
fn every_locale_of_every_major_is_the_targets() {
    for major in 14..=18 {
        locales_are_the_targets(major, &LOCALES, "");
        if major >= 15 {
            locales_are_the_targets(major, &LOCALES, ICU);
        }
        if major >= 17 {
            let template = "locale_provider builtin builtin_locale 'C.UTF-8'";
            locales_are_the_targets(major, &LOCALES, template);
        }
    }
}

/// A project of which one file is applied where a standby was taken from, and that standby's database.
fn on_a_standby(major: u32) -> (Database, Arc<Server>, Project) {
    let server = Server::private(&Options::new(major));
    let database = server.database(Shape::Plain, Role::Superuser);
    let project = Project::one_phase()
        .migration("V1__t", "create table t (id int);")
        .migration("V2__wide", "alter table t alter column id type bigint;");
    Evmig::new(&project, "apply --to 1")
        .on(&database)
        .run()
        .succeeds();
    let standby = server.standby();
    (database, standby, project)
}

#[track_caller]
fn nothing_is_made_beside_a_standby(major: u32) {
    let (database, standby, project) = on_a_standby(major);
    let target = standby.admin(&database.database);
    let plan = |words: &str| Evmig::new(&project, &format!("plan {words}")).on(&target);
    let refused = plan("--shadow target").run().exits(5);
    insta::allow_duplicates! {
    insta::assert_snapshot!(refused.snapshot(), @r"
    --- stderr ---
    error[shadow-not-on-target]: no throw-away database can be made on the target's own server: it is a
      standby, and takes no changes
      hint       connect to the primary; where the URL lists several hosts,
                 target_session_attrs=read-write finds it
      next       evmig --database-url URL plan --shadow embedded
                 evmig --database-url URL plan --level sql
                 evmig --database-url URL plan --shadow-url URL
    --- exit 5 ---
    ");
    }
    let by_url = plan("").arg("--shadow").arg(target.url()).run().exits(5);
    assert!(by_url.stderr.contains("read-only"), "{}", by_url.stderr);
    // What is offered instead works.
    plan("--level sql").run().succeeds();
    let report = plan("--shadow embedded --format json")
        .embedded(major)
        .run()
        .succeeds()
        .json();
    assert_eq!(report["forecast"], "would_apply", "{report:#}");
    assert_eq!(report["before"]["proven"], true, "{report:#}");
}

#[test]
fn beside_a_standby_nothing_can_be_made() {
    nothing_is_made_beside_a_standby(15);
}

#[test]
#[ignore = "takes long: scripts/test --long"]
fn beside_a_standby_of_any_major_nothing_can_be_made() {
    for major in [14, 16, 17, 18] {
        nothing_is_made_beside_a_standby(major);
    }
}

#[test]
fn a_standbys_primary_is_the_targets_own_server() {
    let (database, standby, project) = on_a_standby(15);
    database.execute("create role app");
    let project = project.migration("V3__role", "alter role app set work_mem = '8MB';");
    let mut primary = Session::connect(&database.admin());
    let before = shared_state(&mut primary);
    let output = Evmig::new(&project, "plan")
        .arg("--shadow")
        .arg(database.admin().url())
        .on(&standby.admin(&database.database))
        .run()
        .exits(5);
    assert!(
        output.stderr.contains("shadow-shares-server"),
        "{}",
        output.stderr
    );
    assert_eq!(shared_state(&mut primary), before);
}

#[test]
fn a_database_of_another_encoding_is_refused_before_one_is_made() {
    let server = Server::private(&Options::new(15));
    let database = server.latin1_database();
    let project = Project::one_phase().migration("V1__t", "create table t (id int);");
    let mut admin = Session::connect(&server.admin("postgres"));
    let before = shared_state(&mut admin);
    let output = Evmig::new(&project, "plan --shadow target")
        .on(&database)
        .run()
        .exits(5);
    insta::assert_snapshot!(output.snapshot(), @r"
    --- stderr ---
    error[encoding]: the database `$DATABASE` has the encoding LATIN1, and evmig needs UTF8
      hint       create the database with ENCODING 'UTF8' TEMPLATE template0; migrations are UTF-8, and
                 not all of it fits
    --- exit 5 ---
    ");
    assert_eq!(shared_state(&mut admin), before);
}

/// What is set for sessions, by whom, and a file of which that decides what it makes.
const BEGINNINGS: [(&str, &str); 5] = [
    (
        "alter database DATABASE set search_path = app, public",
        "create table b (id int);",
    ),
    (
        "alter role OWNER set search_path = app, public; alter role OWNER in database DATABASE set search_path = \"My app\"",
        "create table b (id int);",
    ),
    (
        "alter database DATABASE set timezone = 'Asia/Tokyo'",
        "create table b (at timestamptz check (at > '2026-01-01 00:00'));",
    ),
    (
        "alter role OWNER set app.tenant = 'one two\\'",
        "do $$ begin execute format('create table public.%I ()', current_setting('app.tenant')); end $$;",
    ),
    (
        "alter role OWNER set check_function_bodies = off",
        "create function f() returns int language sql as 'select a from nowhere';",
    ),
];

/// Holds a dry run against the apply where sessions begin with what was set for their role or database.
#[track_caller]
fn sessions_begin_as_the_targets(major: u32, place: &str) {
    for (set, file) in BEGINNINGS {
        let server = Server::private(&Options::new(major));
        let database = server.database(Shape::Plain, Role::Owner);
        let (name, owner) = (&database.database, &database.user);
        database.execute(&format!("alter role {owner} createdb"));
        let project = Project::one_phase()
            .migration(
                "V1__schemas",
                "create schema app; create schema \"My app\"; create table a ();",
            )
            .migration("V2__b", file);
        let evmig = |words: &str| Evmig::new(&project, words).on(&database).embedded(major);
        database.execute(&set.replace("DATABASE", name).replace("OWNER", owner));
        evmig("apply --to 1").run().succeeds();
        let report = evmig(&format!("plan --shadow {place} --format json"))
            .run()
            .json();
        let said = format!("{set} {place} {major}: {report:#}");
        assert_eq!(report["before"]["proven"], true, "{said}");
        if place == "target" {
            assert_eq!(report["before"]["origin"], "history", "{said}");
        }
        assert_eq!(report["notes"], serde_json::json!([]), "{said}");
        assert_eq!(report["forecast"], "would_apply", "{said}");
        evmig("apply").run().succeeds();
        let made =
            database.value("select fingerprint from evmig.checkpoint order by seq desc limit 1");
        assert_eq!(report["fingerprint"]["after"], made, "{said}");
    }
}

#[test]
fn beside_the_target_sessions_begin_as_there() {
    sessions_begin_as_the_targets(15, "target");
}

#[test]
#[ignore = "takes long: scripts/test --long"]
fn sessions_begin_as_on_the_target_on_all_majors() {
    for major in 14..=18 {
        sessions_begin_as_the_targets(major, "target");
        sessions_begin_as_the_targets(major, "embedded");
    }
}
