//! The trigger bracket, called as the commands call it, on real servers of every major.

use evmig::pg::session::Session;
use evmig::runner::bracket::{Bracket, BracketError, Closed, Switch};
use evmig::sql::name::QualifiedName;

use super::harness::{At, Database, Evmig, Fault, Plan, Project, Proxy, Role, Server, Shape};
use super::pg_server::{block_on, open};

/// What is there before.
const SETUP: &str = include_str!("bracket_setup.sql");
/// Every trigger and its state.
pub(crate) const STATES: &str = "select g.tgrelid::regclass || ' ' || g.tgname || ' ' || g.tgenabled::text from pg_trigger g \
     join pg_class c on c.oid = g.tgrelid where c.relnamespace >= 2200 order by c.relname, g.tgname";

pub(crate) fn database(major: u32, role: Role) -> Database {
    let database = Server::shared(major, Shape::Plain).database(Shape::Plain, role);
    if role == Role::Owner {
        database.execute(&format!("grant all on schema public to {}", database.user));
    }
    let mut session = database.session();
    session.execute(SETUP);
    database
}

fn name(schema: &str, name: &str) -> QualifiedName {
    QualifiedName {
        schema: (!schema.is_empty()).then(|| schema.to_owned()),
        name: name.to_owned(),
    }
}

/// The tables of the setup that triggers are on; what is below them is found.
fn tables() -> Vec<QualifiedName> {
    vec![
        name("my \"schema", "Tab; drop"),
        name("", "tree"),
        name("public", "mother"),
        name("public", "child"),
    ]
}

/// Runs `sql` inside a bracket and commits, or rolls back after an error.
async fn within(
    session: &Session,
    tables: &[QualifiedName],
    switch: Switch,
    sql: &str,
) -> Result<Closed, BracketError> {
    session.run("begin").await.unwrap();
    let result = async {
        let bracket = Bracket::open(session, tables, switch).await?;
        session.run(sql).await.unwrap();
        bracket.close(session).await
    }
    .await;
    let end = if result.is_ok() { "commit" } else { "rollback" };
    session.run(end).await.unwrap();
    result
}

fn run(
    database: &Database,
    tables: &[QualifiedName],
    switch: Switch,
    sql: &str,
) -> Result<Closed, BracketError> {
    block_on(async {
        let (session, _notices) = Session::new(open(&database.url(), None).await.unwrap());
        within(&session, tables, switch, sql).await
    })
}

/// Everything that fires says so by failing: that nothing fires is seen, not assumed.
const LOUD: &str = "create or replace function public.noted() returns trigger language plpgsql as \
     $$ begin raise exception 'trigger % fired', tg_name; end $$";
const QUIET: &str = "create or replace function public.noted() returns trigger language plpgsql as \
     $$ begin return coalesce(new, old); end $$";

#[test]
fn every_state_comes_back_on_every_kind_of_table() {
    for major in [14, 15, 16, 17, 18] {
        for role in [Role::Superuser, Role::Owner] {
            let database = database(major, role);
            let before = database.lines(STATES);
            let closed = run(
                &database,
                &tables(),
                Switch::User,
                &format!(
                    "{LOUD};
                     insert into \"my \"\"schema\".\"Tab; drop\" values (1);
                     update \"my \"\"schema\".\"Tab; drop\" set v = 2;
                     delete from \"my \"\"schema\".\"Tab; drop\";
                     insert into tree values (3, 3), (4, 30);
                     update tree set id = id where id > 2; delete from tree where id > 2;
                     insert into mother values (5); insert into daughter values (6);
                     insert into granddaughter values (7);
                     {QUIET}"
                ),
            );
            let closed = closed.unwrap_or_else(|error| panic!("{major} {role:?}: {error}"));
            assert_eq!(closed.gone, []);
            assert!(closed.restored.len() > 15, "{}", closed.restored.len());
            assert_eq!(before, database.lines(STATES), "{major} {role:?}");
        }
    }
}

#[test]
fn nothing_but_the_letters_says_what_was_switched() {
    let database = database(18, Role::Owner);
    block_on(async {
        let (session, _notices) = Session::new(open(&database.url(), None).await.unwrap());
        session.run("begin").await.unwrap();
        let bracket = Bracket::open(&session, &tables(), Switch::User)
            .await
            .unwrap();
        let off =
            "select count(*)::text from pg_trigger where tgenabled <> 'D' and not tgisinternal";
        let rows = session.query(off, &[]).await.unwrap();
        assert_eq!(rows[0].get(0), Some("0"));
        assert!(bracket.switched().all(|one| one.state.letter() != "D"));
        session.run("rollback").await.unwrap();
    });
}

#[test]
fn what_a_script_does_to_triggers_meanwhile_is_no_error_and_changes_no_state() {
    for major in [14, 18] {
        let database = database(major, Role::Owner);
        let before = database.lines(STATES);
        let closed = run(
            &database,
            &tables(),
            Switch::User,
            "create or replace trigger \"A'\"\"; --\" before insert on \"my \"\"schema\".\"Tab; drop\"
                 for each row execute function public.noted();
             create or replace trigger d after update on \"my \"\"schema\".\"Tab; drop\"
                 for each row execute function public.noted();
             drop trigger r on \"my \"\"schema\".\"Tab; drop\";
             create trigger r after delete on \"my \"\"schema\".\"Tab; drop\"
                 for each statement execute function public.noted();
             drop trigger o on \"my \"\"schema\".\"Tab; drop\";
             create trigger fresh after insert on mother for each row execute function public.noted();
             create table new_part partition of tree for values from (100) to (200);
             drop table granddaughter;
             alter table daughter rename to renamed;
             alter table child disable trigger user; alter table tree enable trigger user",
        )
        .unwrap();
        let gone: Vec<String> = closed
            .gone
            .iter()
            .map(|one| format!("{} {}", one.table, one.name))
            .collect();
        assert_eq!(gone, ["my \"schema.Tab; drop o", "public.granddaughter gr"]);
        let mut wanted: Vec<String> = before
            .iter()
            .filter(|line| !line.contains("\" o O") && !line.starts_with("granddaughter"))
            .map(|line| line.replace("daughter", "renamed"))
            .chain(
                [
                    "mother fresh O",
                    "new_part pa A",
                    "new_part pd D",
                    "new_part po O",
                    "new_part pr R",
                ]
                .map(str::to_owned),
            )
            .filter(|line| !line.contains("RI_ConstraintTrigger"))
            .collect();
        let mut found: Vec<String> = database.lines(STATES);
        found.retain(|line| !line.contains("RI_ConstraintTrigger"));
        wanted.sort();
        found.sort();
        assert_eq!(wanted, found, "{major}");
    }
}

#[test]
fn a_row_that_is_orphaned_under_disabled_triggers_takes_everything_back() {
    for major in [14, 15, 16, 17, 18] {
        let database = database(major, Role::Superuser);
        let before = database.lines(STATES);
        let orphaned = run(
            &database,
            &tables(),
            Switch::All,
            "delete from mother where id = 1",
        );
        let error = orphaned.unwrap_err();
        assert_eq!(
            error.to_string(),
            "child_mother_fkey of public.child refers to a row that is not in public.mother: \
             (mother) = (1), in the row (id) = (1)"
        );
        assert_eq!(
            database.value("select count(*)::text from only mother"),
            "2"
        );
        assert_eq!(before, database.lines(STATES), "{major}");
        // Both columns of a key, and of a full one also a half.
        let cases = [
            ("delete from tree where id = 2", "child_full"),
            ("delete from tree where id = 1", "child_tree"),
            ("update child set full_k = null where id = 1", "child_full"),
            ("insert into child values (9, null, 1, 2)", "child_tree"),
        ];
        for (sql, key) in cases {
            let error = run(&database, &tables(), Switch::All, sql).unwrap_err();
            let BracketError::Violated { violations } = &error else {
                panic!("{sql}: {error}")
            };
            assert_eq!(violations.len(), 1, "{error}");
            assert_eq!(violations[0].key.name, key, "{error}");
        }
        // Half of a simple key refers to nothing.
        let sql = "update child set tree_k = null where id = 1; delete from tree where id = 1";
        run(&database, &tables(), Switch::All, sql).unwrap();
        assert_eq!(before, database.lines(STATES), "{major}");
    }
}

#[test]
fn a_partition_alone_is_proved_alone_and_the_key_above_it_once() {
    for major in [14, 15, 18] {
        let database = database(major, Role::Superuser);
        database.execute(
            "create table part_child (id int, k int, m int references mother, primary key (id, k)) \
             partition by list (k);
             create table part_child_1 partition of part_child for values in (1);
             create table part_child_2 partition of part_child for values in (2);
             insert into part_child values (1, 1, 1), (1, 2, 2)",
        );
        let keys = |table: &str| {
            let closed = run(&database, &[name("", table)], Switch::User, "select 1").unwrap();
            let keys = closed.keys.proved.iter().map(ToString::to_string);
            keys.collect::<Vec<_>>()
        };
        assert_eq!(
            keys("part_child_1"),
            ["part_child_m_fkey of public.part_child_1"]
        );
        assert_eq!(
            keys("part_child"),
            ["part_child_m_fkey of public.part_child"]
        );
        // A partition of the table that is referred to: the whole key counts.
        assert_eq!(
            keys("low"),
            ["child_full of public.child", "child_tree of public.child"]
        );
        let sql = "delete from only mother where id = 2";
        let error = run(
            &database,
            &[name("", "part_child"), name("", "mother")],
            Switch::All,
            sql,
        );
        assert!(
            error
                .unwrap_err()
                .to_string()
                .contains("part_child_m_fkey of public.part_child")
        );
    }
}

#[test]
fn what_nobody_said_to_hold_is_told_and_not_proved() {
    for major in [14, 18] {
        let database = database(major, Role::Superuser);
        database.execute(
            "create table loose (id int, m int);
             insert into loose values (1, 99);
             alter table loose add constraint later foreign key (m) references mother not valid",
        );
        let mut wanted = vec!["later of public.loose is NOT VALID"];
        if major >= 18 {
            database.execute(
                "alter table loose add constraint never foreign key (m) references mother not enforced",
            );
            wanted.push("never of public.loose is NOT ENFORCED");
        }
        let closed = run(&database, &[name("", "loose")], Switch::User, "select 1").unwrap();
        let exempt = closed.keys.exempt.iter();
        let told: Vec<String> = exempt
            .map(|key| format!("{key} is {}", key.exempt.unwrap().as_str()))
            .collect();
        assert_eq!(told, wanted);
    }
}

#[test]
fn a_key_with_a_period_is_proved_by_what_covers_it() {
    let database = database(18, Role::Superuser);
    database.execute(
        "create table rooms (room int4range, open daterange, primary key (room, open without overlaps));
         create table stays (id int primary key, room int4range, during daterange,
             constraint stays_room foreign key (room, period during) references rooms (room, period open));
         insert into rooms values ('[1,1]', '[2026-01-01,2026-02-01)'), ('[1,1]', '[2026-02-01,2026-03-01)');
         insert into stays values (1, '[1,1]', '[2026-01-20,2026-02-10)'), (2, null, '[1999-01-01,2000-01-01)')",
    );
    let both = [name("", "rooms"), name("", "stays")];
    let closed = run(&database, &both, Switch::All, "select 1").unwrap();
    assert_eq!(closed.keys.proved.len(), 1);
    let sql = "delete from rooms where open @> '2026-02-15'::date";
    let error = run(&database, &both, Switch::All, sql).unwrap_err();
    assert_eq!(
        error.to_string(),
        "stays_room of public.stays refers to a row that is not in public.rooms: (room, during) = \
         ([1,2), [2026-01-20,2026-02-10)), in the row (id) = (1)"
    );
}

#[test]
fn rows_that_a_deferrable_constraint_allows_once_are_found_twice() {
    for major in [14, 18] {
        let database = database(major, Role::Superuser);
        database.execute(
            "create table once (id int, k text, e int, constraint once_k unique (id, k) deferrable,
                 constraint once_e exclude using btree (abs(e) with =) where (e is not null)
                     deferrable initially deferred);
             insert into once values (1, 'a', 1), (1, null, 2), (1, null, null)",
        );
        let table = [name("", "once")];
        run(
            &database,
            &table,
            Switch::All,
            "insert into once values (1, null, null)",
        )
        .unwrap();
        for (sql, told) in [
            (
                "insert into once values (1, 'a', 3)",
                "once_k of public.once allows (id, k) = (1, a) once",
            ),
            (
                "insert into once values (2, 'b', -2)",
                "once_e of public.once allows (abs(e)) = (2) once",
            ),
        ] {
            let error = run(&database, &table, Switch::All, sql).unwrap_err();
            assert_eq!(error.to_string(), told, "{major}");
        }
        // While its own triggers are on, nobody needs to look.
        let closed = run(&database, &table, Switch::User, "select 1").unwrap();
        assert_eq!(closed.keys.doubled, []);
    }
}

#[test]
fn an_owner_without_the_right_is_told_and_one_with_it_passes_the_triggers_by() {
    for major in [14, 15, 18] {
        let database = Server::private(&super::harness::Options::new(major))
            .database(Shape::Plain, Role::Owner);
        database.execute(&format!("grant all on schema public to {}", database.user));
        database.session().execute(SETUP);
        let before = database.lines(STATES);
        let error = run(&database, &tables(), Switch::All, "select 1").unwrap_err();
        let BracketError::SystemTriggers {
            role,
            may_be_granted,
        } = &error
        else {
            panic!("{error}")
        };
        assert_eq!((role, *may_be_granted), (&database.user, major >= 15));
        if major >= 15 {
            let grant = "grant set on parameter session_replication_role to";
            database.execute(&format!("{grant} {}", database.user));
            for switch in [Switch::All, Switch::ReplicaRole] {
                let error = run(&database, &tables(), switch, "delete from mother").unwrap_err();
                assert!(error.to_string().contains("child_mother_fkey"), "{error}");
                // Also where the rows are of a table that nobody named.
                let error = run(
                    &database,
                    &tables()[..1],
                    Switch::ReplicaRole,
                    "delete from tree",
                );
                assert!(error.unwrap_err().to_string().contains("child_tree"));
            }
        }
        assert_eq!(before, database.lines(STATES));
    }
}

#[test]
fn only_an_owner_switches_and_every_table_is_named() {
    let database = database(17, Role::Owner);
    database.execute(
        "create table foreign_1 (id int); create table foreign_2 (id int); create table quiet (id int);
         create trigger t before insert on foreign_1 for each row execute function public.noted();
         create trigger t before insert on foreign_2 for each row execute function public.noted()",
    );
    let tables = [
        name("", "foreign_1"),
        name("", "foreign_2"),
        name("", "quiet"),
        name("", "tree"),
    ];
    let error = run(&database, &tables, Switch::User, "select 1").unwrap_err();
    assert_eq!(
        error.to_string(),
        "only a table's owner may switch its triggers: public.foreign_1, public.foreign_2"
    );
}

#[test]
fn deferred_events_are_flushed_first_and_deferred_again() {
    let database = database(16, Role::Owner);
    block_on(async {
        let (session, _notices) = Session::new(open(&database.url(), None).await.unwrap());
        // An event waits on the very table: ALTER TABLE alone would fail with 55006.
        session
            .run("begin; insert into child values (7, 1)")
            .await
            .unwrap();
        let bracket = Bracket::open(&session, &tables(), Switch::User)
            .await
            .unwrap();
        // Deferred as before: the row that is referred to comes afterwards.
        session
            .run("insert into child values (8, 50); insert into mother values (50)")
            .await
            .unwrap();
        bracket.close(&session).await.unwrap();
        session.run("commit").await.unwrap();
        // What does not hold is an error, whoever left it.
        session
            .run("begin; insert into child values (9, 99)")
            .await
            .unwrap();
        let error = Bracket::open(&session, &tables(), Switch::User)
            .await
            .unwrap_err();
        assert!(matches!(error, BracketError::Deferred { .. }), "{error}");
        assert_eq!(
            error.failure().unwrap().constraint.as_deref(),
            Some("child_mother_fkey")
        );
        session.run("rollback").await.unwrap();
    });
}

#[test]
fn the_transactions_path_is_used_and_comes_back_and_no_hostile_schema_is_asked() {
    let database = database(15, Role::Owner);
    database.session().execute(
        "create schema hostile;
         create function hostile.equal(oid, oid) returns boolean language plpgsql as
             $$ begin raise exception 'called'; end $$;
         create operator hostile.= (leftarg = oid, rightarg = oid, function = hostile.equal);
         create function hostile.set_config(text, text, boolean) returns text language plpgsql as
             $$ begin raise exception 'called'; end $$;
         create table hostile.pg_trigger (id int);
         create trigger t before insert on hostile.pg_trigger for each row execute function public.noted()",
    );
    block_on(async {
        let (session, _notices) = Session::new(open(&database.url(), None).await.unwrap());
        session
            .run("begin; set local search_path = hostile, pg_catalog; set local row_security = on")
            .await
            .unwrap();
        let tables = [
            name("", "pg_trigger"),
            name("", "nothing"),
            name("public", "child_pkey"),
        ];
        let bracket = Bracket::open(&session, &tables, Switch::User)
            .await
            .unwrap();
        assert_eq!(bracket.switched().count(), 1);
        assert_eq!(bracket.others(), &tables[1..]);
        bracket.close(&session).await.unwrap();
        let rows = session
            .query(
                "select pg_catalog.current_setting('search_path'), pg_catalog.current_setting('row_security')",
                &[],
            )
            .await
            .unwrap();
        assert_eq!(rows[0].text(0), "hostile, pg_catalog");
        assert_eq!(rows[0].text(1), "on");
        session.run("commit").await.unwrap();
    });
}

#[test]
fn rows_that_a_policy_hides_are_not_taken_for_a_proof() {
    let database = database(15, Role::Owner);
    let mut owner = database.session();
    owner.execute(
        "alter table child enable row level security; alter table child force row level security",
    );
    let error = run(&database, &tables(), Switch::User, "select 1").unwrap_err();
    assert!(matches!(error, BracketError::Unproved { .. }), "{error}");
    assert_eq!(error.failure().unwrap().sqlstate.as_deref(), Some("42501"));
}

#[test]
fn what_a_script_says_by_name_stands_and_its_own_bracket_does_not() {
    let database = database(15, Role::Owner);
    let before = database.lines(STATES);
    let script = [
        "alter table tree enable trigger pd",
        "alter table only public.mother disable trigger m",
        "alter table only daughter disable trigger da",
        "alter table only daughter enable trigger da",
    ];
    block_on(async {
        let (session, _notices) = Session::new(open(&database.url(), None).await.unwrap());
        session.run("begin").await.unwrap();
        let mut bracket = Bracket::open(&session, &tables(), Switch::User)
            .await
            .unwrap();
        bracket.leave_to(script);
        session.run(&script.join(";")).await.unwrap();
        bracket.close(&session).await.unwrap();
        session.run("commit").await.unwrap();
    });
    let wanted: Vec<String> = before
        .iter()
        .map(|line| {
            line.replace("mother m O", "mother m D")
                .replace("tree pd D", "tree pd O")
        })
        .collect();
    assert_eq!(wanted, database.lines(STATES));
}

/// A project whose one migration writes rows of tables that have triggers, and takes them out again.
fn project(down: &str) -> Project {
    let up = "insert into tree values (5, 5), (6, 40); insert into mother values (8);";
    Project::one_phase()
        .migration("V1__rows", up)
        .rollback("V1__rows", down)
}

const DOWN: &str = "delete from tree where id in (5, 6); delete from mother where id = 8;";

#[test]
fn a_rollback_that_is_killed_at_any_message_leaves_every_state_as_it_was() {
    let database = database(18, Role::Owner);
    let project = project(DOWN);
    let before = database.lines(STATES);
    let command = |words: &str| Evmig::new(&project, words).on(&database);
    command("apply").run().succeeds();
    let (mut undone, mut kept) = (0, 0);
    for k in (5..).step_by(23) {
        let kill = Plan {
            at: At::Message(k),
            fault: Fault::Kill,
        };
        let proxy = Proxy::start(&database, Some(kill));
        let running = Evmig::new(&project, "rollback --yes")
            .on(&proxy.target())
            .spawn();
        proxy.belongs_to(running.pid());
        let output = running.finish(std::time::Duration::from_mins(1));
        let struck = proxy.struck().is_some();
        assert!(struck || output.code() == 0, "{k}: {}", output.stderr);
        let others = "select count(*)::text from pg_stat_activity where application_name like 'evmig/%' \
             and datname = current_database()";
        while database.value(others) != "0" {
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
        assert_eq!(before, database.lines(STATES), "{k}");
        if database.value("select count(*)::text from tree where id in (5, 6)") == "0" {
            undone += 1;
            command("apply").run().succeeds();
        } else {
            kept += 1;
        }
        if !struck {
            break;
        }
    }
    assert!(undone > 0 && kept > 3, "{undone} undone, {kept} kept");
    command("rollback --yes").run().succeeds();
    assert_eq!(before, database.lines(STATES));
}

#[test]
fn a_down_script_that_orphans_a_row_is_refused_by_name() {
    let database = database(17, Role::Superuser);
    let project = project(&format!("{DOWN} delete from mother where id = 1;"));
    let before = database.lines(STATES);
    Evmig::new(&project, "apply").on(&database).run().succeeds();
    let command = "rollback --yes --system-triggers";
    let output = Evmig::new(&project, command).on(&database).run().exits(1);
    let text = output
        .stderr
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ");
    assert!(text.contains("foreign-key-violated"), "{text}");
    assert!(text.contains("child_mother_fkey of public.child"), "{text}");
    assert!(
        text.contains("(mother) = (1), in the row (id) = (1)"),
        "{text}"
    );
    assert_eq!(before, database.lines(STATES));
    assert_eq!(
        database.value("select count(*)::text from only mother where id in (1, 8)"),
        "2"
    );
}

#[test]
fn an_owner_with_foreign_keys_rolls_back_what_a_script_with_all_cannot() {
    for major in [14, 18] {
        let database = database(major, Role::Owner);
        let before = database.lines(STATES);
        let mut owner = database.session();
        assert_eq!(
            owner.sqlstate("alter table mother disable trigger all"),
            "42501"
        );
        let project = project(DOWN);
        Evmig::new(&project, "apply").on(&database).run().succeeds();
        // Whoever deletes by hand sets the triggers off.
        database.execute(LOUD);
        Evmig::new(&project, "rollback --yes")
            .on(&database)
            .run()
            .succeeds();
        assert_eq!(before, database.lines(STATES));
        assert_eq!(
            database.value("select count(*)::text from tree where id in (5, 6)"),
            "0"
        );
    }
}
