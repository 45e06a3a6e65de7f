//! `evmig plan --out` and `evmig apply --plan`: what was reviewed is what is applied, or nothing is.

use std::time::Duration;

use serde_json::Value;

use super::harness::{Database, Evmig, Holder, Output, Project, Role, Server, Shape, Target};

const USERS: &str = "create table users (id bigint primary key, email text not null);";

/// A project of which the first migration is applied, and two are pending.
fn begun() -> (Project, Database) {
    let server = Server::shared(15, Shape::Plain);
    let database = server.database(Shape::Plain, Role::Superuser);
    let project = Project::one_phase().migration("V1__users", USERS);
    Evmig::new(&project, "apply").on(&database).run().succeeds();
    let project = project
        .migration("V2__age", "alter table users add column age int;")
        .migration(
            "V3__email",
            "create unique index users_email on users (email);",
        );
    (project, database)
}

fn evmig(project: &Project, args: &str, target: &Target, shadow: &Database) -> Evmig {
    Evmig::new(project, args)
        .on(target)
        .env("EVMIG_SHADOW_URL", shadow.server().admin("postgres").url())
}

/// Writes the plan of all that is pending.
fn planned(project: &Project, database: &Database) {
    evmig(project, "plan --out deploy.plan", database, database)
        .run()
        .succeeds();
}

fn apply(project: &Project, database: &Database) -> Evmig {
    Evmig::new(project, "apply --plan deploy.plan --format json").on(database)
}

/// Holds that nothing was applied, and returns the ids of what is wrong with what is said of each.
fn refused(output: &Output, code: i32) -> Vec<(String, Value)> {
    assert_eq!(output.code(), code, "{output:?}");
    let report = output.json();
    let errors = match report["errors"].as_array() {
        Some(errors) => errors.clone(),
        None => vec![report["error"].clone()],
    };
    errors
        .into_iter()
        .map(|error| (error["code"].as_str().unwrap().to_owned(), error))
        .collect()
}

fn columns(database: &Database) -> String {
    database.value(
        "select string_agg(attname, ' ' order by attnum) from pg_attribute \
         where attrelid = 'users'::regclass and attnum > 0",
    )
}

#[test]
fn what_was_planned_is_applied_and_is_as_predicted() {
    let (project, database) = begun();
    let output = evmig(
        &project,
        "plan --out deploy.plan --format json",
        &database,
        &database,
    )
    .run();
    let report = output.succeeds().json();
    assert_eq!(report["saved"]["file"], "deploy.plan");
    let checksum = report["saved"]["checksum"].as_str().unwrap();
    let plan: Value = serde_json::from_str(&project.read("deploy.plan")).unwrap();
    assert_eq!(plan["schema"], "evmig.plan/1");
    assert_eq!(plan["checksum"], checksum);
    assert_eq!(plan["fingerprint"]["after"], report["fingerprint"]["after"]);
    assert_eq!(plan["review"]["schema"], "evmig.dry-run/1");
    assert_eq!(plan["review"]["migrations"].as_array().unwrap().len(), 2);
    assert_eq!(plan["work"][0]["label"], "V2__age");
    // Nothing in it comes from the moment it was made.
    let first = project.read("deploy.plan");
    planned(&project, &database);
    let steady = |text: &str| {
        let lines = text.lines();
        lines
            .filter(|line| !line.contains("\"checksum\"") && !line.contains("\"ms\":"))
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    assert_eq!(steady(&first), steady(&project.read("deploy.plan")));

    let plan: Value = serde_json::from_str(&project.read("deploy.plan")).unwrap();
    let applied = apply(&project, &database).run().succeeds().json();
    assert_eq!(applied["plan"]["result"], "as_predicted", "{applied}");
    assert_eq!(applied["plan"]["checksum"], plan["checksum"]);
    assert_eq!(columns(&database), "id email age");
    let command = database.value("select command from evmig.run order by seq desc limit 1");
    let digits = &plan["checksum"].as_str().unwrap()[..12];
    assert_eq!(command, format!("apply --plan {digits}"));
    Evmig::new(&project, "history --verify")
        .on(&database)
        .run()
        .succeeds();

    // A deploy that is tried again finds all of it done.
    let again = apply(&project, &database).run().succeeds().json();
    assert_eq!(again["outcome"], "nothing_to_do");
    assert_eq!(again["applied_by_other_runs"][0], applied["run"]);
}

#[test]
fn files_that_are_not_the_plans_are_refused_by_name() {
    let (project, database) = begun();
    planned(&project, &database);
    let folder = "migrations/1_core/1_tables";
    let text = project.read(&format!("{folder}/V2__age.sql"));
    let detail = |project: &Project| {
        let all = refused(&apply(project, &database).run(), 5);
        assert_eq!(all.len(), 1, "{all:?}");
        let (code, error) = &all[0];
        assert_eq!(code, "plan-work");
        assert_eq!(
            error["next"][0],
            "evmig --database-url URL plan --out deploy.plan"
        );
        error["detail"].as_str().unwrap().to_owned()
    };

    project.write(
        &format!("{folder}/V2__age.sql"),
        "alter table users add column age bigint;",
    );
    let said = detail(&project);
    assert!(
        said.starts_with(
            "V2__age (migrations/1_core/1_tables/V2__age.sql) was changed: its sha256"
        ),
        "{said}"
    );
    project.write(&format!("{folder}/V2__age.sql"), text.replace('\n', "\r\n"));

    project.write(&format!("{folder}/V4__more.sql"), "select 1;");
    assert_eq!(
        detail(&project),
        "V4__more (migrations/1_core/1_tables/V4__more.sql) is new"
    );
    project.remove(&format!("{folder}/V4__more.sql"));

    let email = project.read(&format!("{folder}/V3__email.sql"));
    project.remove(&format!("{folder}/V3__email.sql"));
    assert_eq!(
        detail(&project),
        "V3__email (migrations/1_core/1_tables/V3__email.sql) is not to be done any more"
    );
    project.write(&format!("{folder}/V3__email.sql"), email);

    // With another version in front, what the plan selected is refused by itself.
    project.write(&format!("{folder}/V0__late.sql"), "select 1;");
    let said = detail(&project);
    assert!(
        said.contains("older than what phase core has applied"),
        "{said}"
    );
    project.remove(&format!("{folder}/V0__late.sql"));

    assert_eq!(columns(&database), "id email");
    assert_eq!(database.value("select count(*) from evmig.run"), "1");
    apply(&project, &database).run().succeeds();
}

#[test]
fn a_database_that_moved_on_is_refused() {
    let (project, database) = begun();
    planned(&project, &database);
    Evmig::new(&project, "apply --to 2")
        .on(&database)
        .run()
        .succeeds();
    let run = database.value("select id from evmig.run order by seq desc limit 1");
    let all = refused(&apply(&project, &database).run(), 5);
    assert_eq!(all.len(), 1, "{all:?}");
    assert_eq!(all[0].0, "plan-history");
    assert_eq!(
        all[0].1["detail"],
        format!("V2__age was applied by run {run}")
    );

    planned(&project, &database);
    database
        .execute("alter table users alter column email drop not null; create table stray (id int)");
    let all = refused(&apply(&project, &database).run(), 5);
    assert_eq!(all[0].0, "plan-catalog");
    let detail = all[0].1["detail"].as_str().unwrap();
    assert!(
        detail.contains("changed column public.users.email: not null"),
        "{detail}"
    );
    assert!(detail.contains("added table public.stray"), "{detail}");
    // Without what the history keeps, the plan knows the objects by itself.
    database.execute("delete from evmig.catalog");
    let all = refused(&apply(&project, &database).run(), 5);
    let detail = all[0].1["detail"].as_str().unwrap();
    assert!(
        detail.contains("changed column public.users.email"),
        "{detail}"
    );
    assert!(detail.contains("added table public.stray"), "{detail}");
    database.execute("drop table stray; alter table users alter column email set not null");
    apply(&project, &database).run().succeeds();
}

#[test]
fn another_database_is_refused_also_under_the_same_name() {
    let (project, database) = begun();
    planned(&project, &database);
    let other = database.server().database(Shape::Plain, Role::Superuser);
    let all = refused(&apply(&project, &other).run(), 5);
    assert_eq!(all[0].0, "plan-other-target");
    let detail = all[0].1["detail"].as_str().unwrap();
    assert!(detail.contains("database: the plan has "), "{detail}");
    assert!(detail.contains("oid of the database: "), "{detail}");
    // A copy of a server has its identifier, and its databases' names and oids: only another history tells.
    let major = Server::shared(16, Shape::Plain);
    let far = major.database(Shape::Plain, Role::Superuser);
    let all = refused(&apply(&project, &far).run(), 5);
    let detail = all[0].1["detail"].as_str().unwrap();
    assert!(
        detail.starts_with("system identifier: the plan has "),
        "{detail}"
    );
    assert_eq!(other.value("select to_regclass('evmig.run') is null"), "t");
}

#[test]
fn a_file_that_is_damaged_or_of_another_evmig_is_refused() {
    let (project, database) = begun();
    planned(&project, &database);
    let text = project.read("deploy.plan");
    let code = |text: &str, exit: i32| {
        project.write("deploy.plan", text);
        let all = refused(&apply(&project, &database).run(), exit);
        all[0].0.clone()
    };
    assert_eq!(code(&text.replace("V2__age", "V2__ago"), 2), "plan-damaged");
    assert_eq!(code(&text[..text.len() / 2], 2), "plan-damaged");
    assert_eq!(code("", 2), "plan-damaged");
    assert_eq!(
        code(&text.replace("evmig.plan/1", "evmig.plan/2"), 2),
        "plan-format"
    );
    let plan = evmig::plan::saved::read(&text).unwrap().plan;
    let later = evmig::plan::saved::SavedPlan {
        planning: plan.planning + 1,
        ..plan
    };
    assert_eq!(code(&later.file("{}").unwrap().0, 5), "plan-other-evmig");
    project.remove("deploy.plan");
    let all = refused(&apply(&project, &database).run(), 2);
    assert_eq!(all[0].0, "plan-unreadable");
    Evmig::new(&project, "apply --plan deploy.plan --to 2")
        .on(&database)
        .run()
        .exits(2);
    assert_eq!(columns(&database), "id email");
}

/// The two numbers of the lock that somebody holds.
fn held_lock(database: &Database) -> (i32, i32) {
    let key = "select classid::text || ' ' || objid::text from pg_locks \
               where locktype = 'advisory' and database = (select oid from pg_database \
               where datname = current_database())";
    let mut session = database.session();
    for _ in 0..500 {
        let held = session.lines(key).join("");
        if let Some((class, number)) = held.split_once(' ') {
            let number_of = |text: &str| text.parse::<u32>().unwrap().cast_signed();
            return (number_of(class), number_of(number));
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    panic!("nobody has the lock");
}

#[test]
fn what_another_run_does_while_this_one_waits_is_seen() {
    let (project, database) = begun();
    let project = project.migration(
        "V2__age",
        "select pg_sleep(2); alter table users add column age int;",
    );
    planned(&project, &database);
    let slow = Evmig::new(&project, "apply --to 2").on(&database).spawn();
    held_lock(&database);
    // It has read a history that is still the plan's.
    let output = apply(&project, &database).run();
    slow.finish(Duration::from_secs(20)).succeeds();
    let all = refused(&output, 5);
    assert_eq!(all[0].0, "plan-history", "{all:?}");
    assert_eq!(columns(&database), "id email age");
}

#[test]
fn what_is_changed_by_hand_while_a_run_waits_is_seen() {
    let (project, database) = begun();
    let slow = Project::one_phase()
        .migration("V1__users", USERS)
        .migration("R__slow", "select pg_sleep(1);");
    let other = Evmig::new(&slow, "apply").on(&database).spawn();
    let (class, number) = held_lock(&database);
    other.finish(Duration::from_secs(20)).succeeds();
    let project = project.migration("R__slow", "select pg_sleep(1);");
    planned(&project, &database);
    let mut holder = database.session();
    holder.execute(&format!("select pg_advisory_lock({class}, {number})"));
    let waiting = apply(&project, &database).spawn();
    waiting.wait_for("another run", Duration::from_secs(20));
    database.execute("create table stray (id int)");
    holder.execute("select pg_advisory_unlock_all()");
    let all = refused(&waiting.finish(Duration::from_secs(20)), 5);
    assert_eq!(all[0].0, "plan-catalog", "{all:?}");
    assert_eq!(columns(&database), "id email");
}

#[test]
fn a_result_that_was_not_predicted_is_told() {
    let (project, database) = begun();
    let project = project.migration(
        "V4__by_rows",
        "do $$ begin if exists (select from users) then \
         create table found (id int); alter table users drop column age; end if; end $$;",
    );
    database.execute("insert into users values (1, 'a')");
    planned(&project, &database);
    let output = apply(&project, &database).run().succeeds();
    assert_eq!(output.json()["plan"]["result"], "differs");
    let shown = format!("{output:?}");
    assert!(shown.contains("plan-outcome"), "{shown}");
    assert!(shown.contains("added table public.found"), "{shown}");
    assert!(shown.contains("removed column public.users.age"), "{shown}");
}

#[test]
fn what_is_not_tried_predicts_nothing_and_what_fails_makes_no_plan() {
    let (project, database) = begun();
    evmig(
        &project,
        "plan --level sql --out deploy.plan",
        &database,
        &database,
    )
    .run()
    .succeeds();
    let plan: Value = serde_json::from_str(&project.read("deploy.plan")).unwrap();
    assert_eq!(plan["fingerprint"]["after"], Value::Null);
    assert_eq!(
        plan["fingerprint"]["after_unknown"],
        "level sql runs nothing"
    );
    let project = project.migration("V4__bad", "create table users ();");
    let output = evmig(
        &project,
        "plan --out bad.plan --format json",
        &database,
        &database,
    )
    .run();
    let report = output.exits(1).json();
    assert_eq!(report["notes"][0]["code"], "plan-not-written", "{report}");
    assert!(!project.files().iter().any(|file| file.contains("bad.plan")));
    project.remove("migrations/1_core/1_tables/V4__bad.sql");
    let applied = apply(&project, &database).run().succeeds().json();
    assert_eq!(applied["plan"]["result"], "not_predicted");

    // Of nothing to do there is a plan as well: who deploys need not ask first.
    planned(&project, &database);
    let applied = apply(&project, &database).run().succeeds().json();
    assert_eq!(applied["outcome"], "nothing_to_do");
    let project = project.migration("V4__more", "select 1;");
    let all = refused(&apply(&project, &database).run(), 5);
    assert_eq!(all[0].0, "plan-work");
}

#[test]
fn the_selection_is_the_plans_and_rollback_predicts_too() {
    let (project, database) = begun();
    let args = "plan --to 2 --level rollback --out deploy.plan";
    evmig(&project, args, &database, &database).run().succeeds();
    let applied = apply(&project, &database).run().succeeds().json();
    assert_eq!(applied["plan"]["result"], "as_predicted", "{applied}");
    assert_eq!(applied["pending"], 1);
    assert_eq!(applied["applied"].as_array().unwrap().len(), 1);
}

#[test]
fn an_environment_can_demand_a_plan() {
    let (project, database) = begun();
    let manifest = project.read("phases.toml");
    project.write(
        "phases.toml",
        format!("{manifest}\n[environments.live]\nurl_env = \"LIVE\"\nrequire_plan = true\n"),
    );
    let live = |args: &str| {
        Evmig::new(&project, args)
            .knowing(&database)
            .env("LIVE", database.url())
            .env(
                "EVMIG_SHADOW_URL",
                database.server().admin("postgres").url(),
            )
    };
    let all = refused(&live("apply --env live --format json").run(), 5);
    assert_eq!(all[0].0, "plan-required");
    assert_eq!(all[0].1["next"][1], "evmig --env live apply --plan FILE");
    live("plan --env live --out deploy.plan").run().succeeds();
    // The way there is a part of it.
    let all = refused(&apply(&project, &database).run(), 5);
    assert_eq!(
        all[0].1["detail"],
        "environment: the plan has live, this is none"
    );
    let applied = live("apply --env live --plan deploy.plan --format json").run();
    assert_eq!(applied.succeeds().json()["plan"]["result"], "as_predicted");
}

/// A table that is large enough to tell something, and a function that makes work on it slow.
const BIG: &str = "create table big as select n::bigint as id, repeat('x', 200) as text \
                   from generate_series(1, 1500) n;\n\
                   create function slow(bigint) returns bigint immutable language plpgsql as \
                   'begin perform pg_sleep(0.001); return $1; end';";

#[test]
fn what_earlier_runs_took_is_what_estimates_rest_on() {
    let server = Server::shared(15, Shape::Plain);
    let database = server.database(Shape::Plain, Role::Superuser);
    let project = Project::one_phase()
        .migration("V1__big", BIG)
        .migration("V2__slow", "create index on big (slow(id));")
        .migration("V3__quick", "create index on big (text);")
        .migration(
            "V4__checked",
            "alter table public.big add check (slow(id) > 0);",
        )
        .migration(
            "V5__elsewhere",
            "set search_path = public; create index on big (slow(id), text);",
        );
    Evmig::new(&project, "apply").on(&database).run().succeeds();
    let remembered = database.lines(
        "select concat_ws(' ', key, name, position, work, relation, bytes = pg_table_size('big'), \
         ms between 1500 and 15000) from evmig.speed order by seq",
    );
    assert_eq!(
        remembered,
        [
            "2 slow 0 index_build public.big t t",
            "4 checked 0 scan public.big t t"
        ]
    );
    Evmig::new(&project, "history --verify")
        .on(&database)
        .run()
        .succeeds();

    let project = project
        .migration("V6__index", "create index on big (id);")
        .migration("V7__scan", "alter table big add check (id > 0);")
        .migration(
            "V8__rewrite",
            "alter table big alter text type varchar(300) using text::varchar(300);",
        );
    let report = evmig(&project, "plan --format json", &database, &database).run();
    let report = report.succeeds().json();
    let estimate = |at: usize| report["migrations"][at]["statements"][0]["estimate"].clone();
    let (index, scan, rewrite) = (estimate(0), estimate(1), estimate(2));
    let reason = |estimate: &Value| estimate["reason"].as_str().unwrap().to_owned();
    assert_eq!(index["basis"], "history", "{index}");
    assert!(
        reason(&index).contains("measured here on 1 index build of "),
        "{index}"
    );
    assert!(reason(&index).contains("(V2__slow)"), "{index}");
    assert!(index["ms"].as_f64().unwrap() > 1000.0, "{index}");
    assert_eq!(scan["basis"], "history", "{scan}");
    assert_eq!(rewrite["basis"], "speed", "{rewrite}");
    assert!(
        reason(&rewrite)
            .contains("on the throw-away server: the target's history remembers no rewrite"),
        "{rewrite}"
    );

    database.execute("update evmig.speed set ms = 1 where key = '2'");
    let output = Evmig::new(&project, "history --verify").on(&database).run();
    let shown = format!("{:?}", output.exits(7));
    assert!(shown.contains("speed row 1"), "{shown}");
}

#[test]
fn a_statement_that_waited_for_others_tells_no_speed() {
    let server = Server::shared(15, Shape::Plain);
    let database = server.database(Shape::Plain, Role::Superuser);
    let project = Project::one_phase().migration("V1__big", BIG);
    Evmig::new(&project, "apply").on(&database).run().succeeds();
    let project = project.migration("V2__slow", "create index on big (slow(id));");
    let insert = "insert into big values (0, '')";
    let holder = Holder::transaction(&database, insert, Duration::from_millis(1500));
    Evmig::new(&project, "apply").on(&database).run().succeeds();
    drop(holder);
    assert_eq!(
        database.value("select to_regclass('evmig.speed') is null"),
        "t"
    );
    // Statement by statement is remembered as well, where nobody was in the way.
    let project = project.migration(
        "V3__slow",
        "create index concurrently on big (slow(id), id);",
    );
    Evmig::new(&project, "apply").on(&database).run().succeeds();
    assert_eq!(
        database.value("select string_agg(key, ' ') from evmig.speed"),
        "3"
    );
}

/// The same, with no more rows than it takes.
const LARGE: &str = "create table big as select n::bigint as id, repeat('x', 200) as text \
                     from generate_series(1, 1050) n;\n\
                     create function slow(bigint) returns bigint immutable language plpgsql as \
                     'begin perform pg_sleep(0.001); return $1; end';";

/// What is remembered, in the order of the statements.
const REMEMBERED: &str =
    "select concat_ws(' ', key, position, work, relation) from evmig.speed order by seq";

#[test]
fn a_rewrite_is_remembered_where_there_was_one() {
    let server = Server::shared(15, Shape::Plain);
    let database = server.database(Shape::Plain, Role::Superuser);
    // Whoever changes a type checks the constraints of the column again.
    let project = Project::one_phase()
        .migration("V1__big", LARGE)
        .migration(
            "V2__quick",
            "alter table big add tag varchar(40) default 'x', add kind varchar(40), \
             add constraint \"Known\" check (slow(length(tag)) > 0) not valid;",
        )
        .migration(
            "V3__validated",
            "alter table big validate constraint \"Known\";",
        )
        .migration(
            "V4__rewritten",
            "create table other (id int, name varchar(9));\n\
             alter table big alter tag type varchar(30);\n\
             alter table other alter name type varchar(3);",
        );
    Evmig::new(&project, "apply").on(&database).run().succeeds();
    // Neither what was not rewritten, nor what was by a later file of the run, nor what may have been by another statement.
    let project = project
        .migration(
            "V5__checked_only",
            "alter table big alter tag type varchar(60) using tag::varchar(60);",
        )
        .migration(
            "V6__which",
            "alter table big alter kind type varchar(30);\n\
             alter table big alter tag type varchar(70);",
        );
    Evmig::new(&project, "apply --to 5")
        .on(&database)
        .run()
        .succeeds();
    Evmig::new(&project, "apply").on(&database).run().succeeds();
    let project = project
        .migration(
            "V7__checked_only",
            "alter table big alter tag type varchar(80);",
        )
        .migration("V8__quick", "alter table big alter kind type varchar(20);");
    Evmig::new(&project, "apply").on(&database).run().succeeds();
    assert_eq!(
        database.lines(REMEMBERED),
        ["3 0 scan public.big", "4 1 rewrite public.big"]
    );
    Evmig::new(&project, "history --verify")
        .on(&database)
        .run()
        .succeeds();
}

#[test]
fn a_validation_is_a_scan_unless_it_joins_and_vacuum_full_a_rewrite() {
    let server = Server::shared(18, Shape::Plain);
    let database = server.database(Shape::Plain, Role::Superuser);
    let slow_key = "create function slow_eq(bigint, bigint) returns boolean immutable language plpgsql as \
                    'begin perform pg_sleep(0.001); return $1 = $2; end';\n\
                    create operator === (leftarg = bigint, rightarg = bigint, function = slow_eq);\n\
                    create operator class slow for type bigint using btree as operator 1 <, operator 2 <=, \
                    operator 3 ===, operator 4 >=, operator 5 >, function 1 btint8cmp(bigint, bigint);\n\
                    create table few (id bigint not null);\n\
                    insert into few values (1);\n\
                    create unique index on few (id slow);\n\
                    alter table big add one bigint default 1, \
                    add constraint \"Joined\" foreign key (one) references few (id) not valid;";
    let project = Project::one_phase()
        .migration("V1__big", LARGE)
        .migration("V2__key", slow_key)
        .migration(
            "V3__joined",
            "alter table big validate constraint \"Joined\";",
        )
        .migration("V4__index", "create index on big (slow(id));")
        .migration("V5__vacuumed", "vacuum (full, verbose) public.big;");
    let output = Evmig::new(&project, "apply --format json")
        .on(&database)
        .run();
    output.succeeds();
    assert_eq!(
        database.lines(REMEMBERED),
        ["4 0 index_build public.big", "5 0 rewrite public.big"]
    );
}
