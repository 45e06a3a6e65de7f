//! `evmig triggers`: off in one transaction, back in another, whatever happens in between.

use std::time::Duration;

use nix::sys::signal::Signal;

use super::bracket::{STATES, database};
use super::harness::{
    At, Database, Evmig, Fault, Holder, Output, Plan, Project, Proxy, Role, Server, Shape, Target,
};

/// What a command may take.
const LIMIT: Duration = Duration::from_mins(1);
/// The tables of the setup, as they are typed.
const TABLES: [&str; 4] = [
    "tree",
    "public.mother",
    "\"my \"\"schema\".\"Tab; drop\"",
    "child",
];

/// A command of a checkout of its own: whoever switches back knows nothing of who switched off.
fn triggers(target: &Target, words: &str, tables: &[&str]) -> Evmig {
    // Its directory goes with the test process.
    let project = Box::leak(Box::new(Project::one_phase()));
    let command = Evmig::new(project, &format!("triggers {words}")).on(target);
    tables
        .iter()
        .fold(command, |command, table| command.arg(*table))
}

fn off_by_ledger(database: &Database) -> Vec<String> {
    let output = triggers(database, "status --format json", &[])
        .run()
        .succeeds();
    let document = output.json();
    let triggers = document["triggers"].as_array().unwrap();
    let off = triggers.iter().filter(|one| one["standing"] == "off");
    off.map(|one| {
        format!(
            "{} {}",
            one["table"].as_str().unwrap(),
            one["name"].as_str().unwrap()
        )
    })
    .collect()
}

fn said(output: &Output) -> String {
    format!("{}{}", output.stdout, output.stderr)
}

#[test]
fn each_trigger_gets_its_own_state_back_on_every_major_as_owner_and_as_superuser() {
    for major in [14, 15, 16, 17, 18] {
        for role in [Role::Superuser, Role::Owner] {
            let database = database(major, role);
            let before = database.lines(STATES);
            triggers(&database, "disable", &TABLES).run().succeeds();
            let own = "select count(*)::text from pg_trigger g left join pg_constraint k on k.oid = g.tgconstraint \
                       where g.tgenabled <> 'D' and (k.oid is null or k.contype = 't')";
            assert_eq!(database.value(own), "0", "{major} {role:?}");
            assert_eq!(off_by_ledger(&database).len(), 21);
            triggers(&database, "enable", &[]).run().succeeds();
            assert_eq!(before, database.lines(STATES), "{major} {role:?}");
            assert_eq!(off_by_ledger(&database), [""; 0]);
            let project = Project::one_phase();
            Evmig::new(&project, "history --verify")
                .on(&database)
                .run()
                .succeeds();
        }
    }
}

#[test]
fn everybody_who_looks_is_told_while_triggers_are_off() {
    let database = database(18, Role::Owner);
    let project = Project::one_phase().migration("V1__one", "create table one (id int)");
    let command = |words: &str| Evmig::new(&project, words).on(&database).run();
    command("apply").succeeds();
    triggers(&database, "status --exit-code", &[])
        .run()
        .exits(4);
    triggers(&database, "disable mother", &[]).run().succeeds();
    for words in ["status", "apply", "triggers status"] {
        let output = command(words).succeeds();
        let text = said(&output);
        assert!(
            text.contains("TRIGGERS ARE OFF: 3 triggers of 3 tables") || text.contains("OFF since"),
            "{text}"
        );
        assert!(text.contains(&database.user), "{text}");
    }
    let status = command("status --format json").json();
    assert_eq!(status["problems"][0]["code"], "triggers-off");
    triggers(&database, "status --exit-code", &[])
        .run()
        .exits(4);
    command("triggers enable").succeeds();
    for words in ["status", "apply"] {
        let text = said(&command(words).succeeds());
        assert!(!text.contains("TRIGGERS"), "{text}");
    }
    // What was off by a migration or by hand is told, and is not the ledger's.
    let found = triggers(&database, "status --format json", &[])
        .run()
        .json();
    let all = found["triggers"].as_array().unwrap();
    assert!(
        !all.is_empty() && all.iter().all(|one| one["standing"] == "off_unknown"),
        "{found}"
    );
    database.execute("alter table tree enable trigger user; alter table low enable trigger user; \
        alter table granddaughter enable trigger user; alter table \"my \"\"schema\".\"Tab; drop\" enable trigger user");
    triggers(&database, "status --exit-code", &[])
        .run()
        .exits(0);
}

#[test]
fn what_is_off_is_not_switched_off_again_and_tables_come_back_one_by_one() {
    let database = database(16, Role::Owner);
    let before = database.lines(STATES);
    triggers(&database, "disable tree mother", &[])
        .run()
        .succeeds();
    // A partition is off with its table.
    for table in ["tree", "high_1", "daughter"] {
        let text = said(&triggers(&database, "disable", &[table]).run().exits(5));
        assert!(text.contains("triggers-already-off"), "{text}");
    }
    // Somebody switches by hand, and drops.
    database.session().execute(
        "alter table daughter enable trigger da; drop table granddaughter; alter table tree enable trigger po",
    );
    let found = triggers(&database, "status --format json", &[])
        .run()
        .json();
    let standing = |table: &str, name: &str| {
        let all = found["triggers"].as_array().unwrap();
        let one = all
            .iter()
            .find(|one| one["table"] == table && one["name"] == name);
        one.unwrap()["standing"].clone()
    };
    assert_eq!(standing("public.daughter", "da"), "on_again");
    assert_eq!(standing("public.granddaughter", "gr"), "gone");
    assert_eq!(standing("public.mother", "m"), "off");
    let document = triggers(&database, "enable mother --format json", &[])
        .run()
        .succeeds()
        .json();
    assert_eq!(
        document["triggers"].as_array().unwrap().len(),
        2,
        "{document}"
    );
    assert_eq!(document["keys_proved"], 1);
    let text = said(
        &triggers(&database, "enable mother nothing", &[])
            .run()
            .exits(2),
    );
    assert!(text.contains("no such table: nothing"), "{text}");
    let document = triggers(&database, "enable --format json", &[])
        .run()
        .succeeds()
        .json();
    let gone = document["triggers"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|one| one["standing"] == "gone");
    assert_eq!(gone.count(), 1);
    let mut wanted = before;
    wanted.retain(|line| !line.starts_with("granddaughter"));
    assert_eq!(wanted, database.lines(STATES));
    let text = said(&triggers(&database, "enable", &[]).run().succeeds());
    assert!(text.contains("Nothing to switch back"), "{text}");
}

#[test]
fn tables_that_another_tool_made_anew_get_the_states_that_theirs_had() {
    let database = database(15, Role::Owner);
    triggers(&database, "disable mother child", &[])
        .run()
        .succeeds();
    database.session().execute(
        "drop table granddaughter; drop table daughter; \
         create table daughter (extra int) inherits (mother); \
         create trigger da after insert on daughter for each row execute function noted()",
    );
    triggers(&database, "enable", &[]).run().succeeds();
    let states = database.lines(STATES);
    assert!(states.contains(&"daughter da A".to_owned()), "{states:?}");
}

#[test]
fn orphans_keep_the_triggers_off_unless_somebody_says_why() {
    let database = database(17, Role::Superuser);
    let before = database.lines(STATES);
    triggers(&database, "disable mother child --system-triggers", &[])
        .run()
        .succeeds();
    assert!(
        database
            .value("select count(*)::text from pg_trigger where tgenabled = 'D'")
            .parse::<u32>()
            .unwrap()
            > 15
    );
    database.execute("delete from mother where id = 1");
    let output = triggers(&database, "enable", &[]).run().exits(1);
    let text = said(&output);
    assert!(text.contains("child_mother_fkey of public.child"), "{text}");
    assert!(
        text.contains("(mother) = (1), in the row (id) = (1)"),
        "{text}"
    );
    assert!(!off_by_ledger(&database).is_empty());
    triggers(&database, "enable --even-if-violated", &[])
        .run()
        .exits(2);
    let document = triggers(
        &database,
        "enable --even-if-violated --reason orphans --format json",
        &[],
    )
    .run()
    .succeeds()
    .json();
    assert_eq!(
        document["keys_violated"].as_array().unwrap().len(),
        1,
        "{document}"
    );
    assert_eq!(before, database.lines(STATES));
    assert_eq!(
        database.value("select distinct reason from evmig.trigger_state where action = 'enable'"),
        "orphans"
    );
}

#[test]
fn an_owner_is_told_what_a_superuser_may() {
    for major in [14, 18] {
        let database = database(major, Role::Owner);
        let before = database.lines(STATES);
        let text = said(
            &triggers(&database, "disable child --system-triggers", &[])
                .run()
                .exits(5),
        );
        assert!(text.contains("system-triggers"), "{text}");
        assert_eq!(before, database.lines(STATES));
        assert_eq!(
            database.value("select (to_regclass('evmig.trigger_state') is null)::text"),
            "true"
        );
        assert_eq!(database.value("select count(*)::text from evmig.run"), "0");
        let text = said(&triggers(&database, "disable", &["a b"]).run().exits(2));
        assert!(text.contains("bad-table-name"), "{text}");
    }
}

#[test]
fn whoever_is_in_the_way_is_named_and_the_try_is_made_again() {
    let database = database(18, Role::Owner);
    let before = database.lines(STATES);
    let holder = Holder::transaction(&database, "insert into mother values (77)", LIMIT);
    let words = "disable mother --lock-timeout 300ms --lock-retries 1";
    let output = triggers(&database, words, &[]).run().exits(6);
    let text = said(&output);
    assert!(
        text.contains("locked") && text.contains(&format!("pid {}", holder.pid())),
        "{text}"
    );
    assert!(text.contains("lock-wait"), "{text}");
    assert_eq!(before, database.lines(STATES));
    let words = "disable mother --lock-timeout 300ms --lock-retries 10";
    let running = triggers(&database, words, &[]).spawn();
    running.wait_for("lock-wait", LIMIT);
    holder.release();
    running.finish(LIMIT).succeeds();
    assert_eq!(off_by_ledger(&database).len(), 3);
}

#[test]
fn a_signal_leaves_everything_as_it_was() {
    let database = database(16, Role::Owner);
    let before = database.lines(STATES);
    let _holder = Holder::transaction(&database, "insert into mother values (77)", LIMIT);
    let running = triggers(&database, "disable mother --lock-timeout 30s", &[]).spawn();
    let waits = "select count(*)::text from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()";
    while database.value(waits) == "0" {
        std::thread::sleep(Duration::from_millis(20));
    }
    running.signal(Signal::SIGTERM);
    let output = running.finish(LIMIT).exits(130);
    assert!(
        said(&output).contains("no trigger was switched"),
        "{}",
        said(&output)
    );
    assert_eq!(before, database.lines(STATES));
}

#[test]
fn a_process_killed_at_any_message_leaves_all_or_nothing_and_the_ledger_knows() {
    let database = database(18, Role::Owner);
    let before = database.lines(STATES);
    let (mut off, mut on) = (0, 0);
    for words in ["disable", "enable"] {
        for k in (1..).step_by(17) {
            if words == "enable" {
                triggers(&database, "disable", &TABLES).run().succeeds();
            }
            let kill = Plan {
                at: At::Message(k),
                fault: Fault::Kill,
            };
            let proxy = Proxy::start(&database, Some(kill));
            let tables: &[&str] = if words == "disable" { &TABLES } else { &[] };
            let running = triggers(&proxy.target(), words, tables).spawn();
            proxy.belongs_to(running.pid());
            let output = running.finish(LIMIT);
            let struck = proxy.struck().is_some();
            assert!(
                struck || output.code() == 0,
                "{words} {k}: {}",
                said(&output)
            );
            // The server may still be at it: its session ends by itself.
            let others = "select count(*)::text from pg_stat_activity where application_name like 'evmig/%' and datname = current_database()";
            while database.value(others) != "0" {
                std::thread::sleep(Duration::from_millis(10));
            }
            match off_by_ledger(&database).len() {
                0 => {
                    on += 1;
                    assert_eq!(before, database.lines(STATES), "{words} {k}");
                }
                number => {
                    off += 1;
                    assert_eq!(number, 21, "{words} {k}");
                    triggers(&database, "enable", &[]).run().succeeds();
                    assert_eq!(before, database.lines(STATES), "{words} {k}");
                }
            }
            if !struck {
                break;
            }
        }
    }
    assert!(off > 5 && on > 5, "{off} off, {on} on");
}

#[test]
fn a_ledger_that_was_tampered_with_is_found_out() {
    let tampered = [
        "update evmig.trigger_state set state = 'O' where state = 'A'",
        "delete from evmig.trigger_state where seq = 2",
        "delete from evmig.trigger_state",
        "drop table evmig.trigger_state",
    ];
    for sql in tampered {
        let database = database(15, Role::Owner);
        triggers(&database, "disable mother", &[]).run().succeeds();
        let project = Project::one_phase();
        Evmig::new(&project, "history --verify")
            .on(&database)
            .run()
            .succeeds();
        database.execute(sql);
        Evmig::new(&project, "history --verify")
            .on(&database)
            .run()
            .exits(7);
    }
}

#[test]
fn a_protected_environment_is_asked_about() {
    let server = Server::shared(18, Shape::Plain);
    let database = server.database(Shape::Plain, Role::Superuser);
    let project = Project::new(
        "[project]\nname = \"p\"\n[environments.live]\nurl_env = \"LIVE\"\nprotected = true\n\
         [[phase]]\nnumber = 1\nname = \"core\"\n[[phase.step]]\nname = \"t\"\nmigrations = \"1\"\n",
    )
    .file("migrations/1/V1__a.sql", "select 1");
    for words in [
        "triggers disable t --env live",
        "triggers enable --env live",
    ] {
        let command = Evmig::new(&project, words).env("LIVE", database.url());
        let text = said(&command.run().exits(5));
        assert!(text.contains("protected"), "{text}");
    }
}
