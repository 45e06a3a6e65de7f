//! The shipped platform under its pgTAP suites: `tests/database/*.sql`, run by `pg_prove` on a
//! database to which all phases are applied, and many sessions at a time where one proves nothing.
//!
//! This is where the suites' result counts. pgTAP and `plpgsql_check` come with a distribution's
//! server alone, so that they run on the major that `scripts/test` found them for.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, Barrier, OnceLock};

use super::harness::{Evmig, Options, Project, Role, Server, Session, Shape, Target, tools};
use super::platform_majors::{on_staging, with_sample_data};

/// The major whose server carries pgTAP and `plpgsql_check`.
const MAJOR: u32 = 15;

/// A server with the platform on it, from which a test takes a database of its own.
struct Platform {
    server: Arc<Server>,
    made: OnceLock<()>,
}

const TEMPLATE: &str = "platform";

static PLATFORM: OnceLock<Platform> = OnceLock::new();

/// A fresh copy of the platform's database, reached as the superuser.
fn database(name: &str) -> Target {
    let platform = PLATFORM.get_or_init(|| Platform {
        server: Server::private(&Options::new(MAJOR).set("max_connections", "120")),
        made: OnceLock::new(),
    });
    platform.made.get_or_init(|| make(&platform.server));
    Session::connect(&platform.server.admin("postgres"))
        .execute(&format!("create database {name} template {TEMPLATE}"));
    platform.server.admin(name)
}

/// All phases, applied by evmig as the owner, who is no superuser.
fn make(server: &Arc<Server>) {
    let database = server.database(Shape::Plain, Role::Owner);
    let applied = on_staging(&with_sample_data(), "apply --format json", &database)
        .run()
        .succeeds()
        .json();
    assert_eq!(applied["outcome"], "applied");
    Session::connect(&server.admin("postgres")).execute(&format!(
        "alter database {} rename to {TEMPLATE}",
        database.database
    ));
}

fn suites() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/database")
}

/// What `scripts/test` says where pgTAP cannot be had; without it, a server that lacks it fails.
fn skipped(what: &str) -> bool {
    tools::setting("EVMIG_TEST_WITHOUT_PGTAP").is_some_and(|why| {
        eprintln!("SKIPPED: the suite {what}: {why}");
        true
    })
}

/// Runs one suite as a person would, and fails with all it said.
fn prove(suite: &str) {
    if !skipped(suite) {
        prove_on(&database(&format!("suite_{suite}")), suite);
    }
}

#[track_caller]
fn prove_on(target: &Target, suite: &str) {
    let output = Command::new(tools::program("pg_prove"))
        .arg("--verbose")
        .arg(suites().join(format!("{suite}.sql")))
        .envs(target.variables())
        .stdin(Stdio::null())
        .output()
        .expect("pg_prove");
    let said = String::from_utf8_lossy(&output.stdout);
    let findings: Vec<&str> = said
        .lines()
        .filter(|line| !line.starts_with("ok "))
        .collect();
    assert!(
        output.status.success(),
        "{suite}.sql: {}\n{}\n{}",
        output.status,
        findings.join("\n"),
        String::from_utf8_lossy(&output.stderr)
    );
    assert!(said.contains("Result: PASS"), "{said}");
}

/// A phase's own suites must hold where that phase is the last one that was applied.
#[test]
fn each_phase_passes_the_suites_it_names() {
    if skipped("of each phase") {
        return;
    }
    let project = Project::shipped();
    let manifest: toml::Table = project.read("phases.toml").parse().expect("phases.toml");
    let server = Server::private(&Options::new(MAJOR));
    let database = server.database(Shape::Plain, Role::Owner);
    let admin = server.admin(&database.database);
    let mut proven = Vec::new();
    for phase in manifest["phase"].as_array().expect("phases").iter().take(2) {
        let number = phase["number"].to_string();
        let words = format!("apply --phase {number}");
        Evmig::new(&project, &words).on(&database).run().succeeds();
        for step in phase["step"].as_array().expect("steps") {
            for suite in step
                .get("verify")
                .and_then(toml::Value::as_array)
                .into_iter()
                .flatten()
            {
                let path = Path::new(suite.as_str().expect("a path"));
                let suite = path.file_stem().expect("a name").to_string_lossy();
                prove_on(&admin, &suite);
                proven.push(format!("{number} {suite}"));
            }
        }
    }
    assert_eq!(
        proven,
        [
            "1 schema",
            "1 security",
            "1 performance",
            "2 business_rules",
            "2 purchase_flow",
            "2 endpoints"
        ]
    );
}

#[test]
fn the_schema_is_as_agreed() {
    prove("schema");
}

#[test]
fn nobody_reaches_what_is_not_his() {
    prove("security");
}

#[test]
fn supabase_finds_nothing_to_advise() {
    prove("lints");
}

#[test]
fn every_function_is_sound() {
    prove("plpgsql");
}

#[test]
fn the_rules_of_the_business_hold() {
    prove("business_rules");
}

#[test]
fn a_ticket_is_bought_from_end_to_end() {
    prove("purchase_flow");
}

#[test]
fn the_endpoints_answer_as_planned() {
    prove("endpoints");
}

#[test]
fn hot_queries_use_their_index() {
    prove("performance");
}

const BUYERS: usize = 50;
const ROUNDS: usize = 20;

/// A tenant with an event on sale; each round adds its categories to it.
const SHOP: &str = "
insert into public.organizations (id, name, slug) values
    ('000000aa-0000-4000-8000-000000000000', 'Rush', 'rush');
insert into public.events (id, organization_id, name, start_date, end_date, status, visibility) values
    ('000000ee-0000-4000-8000-000000000000', '000000aa-0000-4000-8000-000000000000', 'Rush',
     now() + interval '1 day', now() + interval '2 days', 'confirmed', 'public')";

fn category(round: usize, which: usize) -> String {
    format!("000000c{which}-0000-4000-8000-{round:012}")
}

/// Lets everybody run his statement at the same moment, each in a session of his own; returns
/// what each got: `ok`, or the SQLSTATE.
fn at_once(sessions: &mut [Session], statement: impl Fn(usize) -> String + Sync) -> Vec<String> {
    let start = Barrier::new(sessions.len());
    std::thread::scope(|scope| {
        let running: Vec<_> = sessions
            .iter_mut()
            .enumerate()
            .map(|(number, session)| {
                let (start, statement) = (&start, &statement);
                scope.spawn(move || {
                    let statement = statement(number);
                    start.wait();
                    match session.try_execute(&statement) {
                        Ok(()) => "ok".to_owned(),
                        Err(error) => error
                            .code()
                            .map_or_else(|| format!("{error:?}"), |code| code.code().to_owned()),
                    }
                })
            })
            .collect();
        running
            .into_iter()
            .map(|thread| thread.join().expect("a buyer"))
            .collect()
    })
}

/// How often each thing was got.
fn count(got: &[String], what: &str) -> usize {
    got.iter().filter(|one| *one == what).count()
}

/// Fifty people want the last ten tickets, twenty times over: free ones and paid ones, one kind
/// and two kinds in either order. Ten get them, forty are told so, and nobody sees a deadlock.
#[test]
fn the_last_tickets_are_sold_once() {
    let target = database("rush");
    let mut admin = Session::connect(&target);
    admin.execute(SHOP);
    let mut buyers: Vec<Session> = (0..BUYERS).map(|_| Session::connect(&target)).collect();
    for round in 0..ROUNDS {
        let price = if round % 2 == 0 { 0 } else { 2500 };
        let kinds = 1 + (round / 2) % 2;
        for which in 1..=kinds {
            admin.execute(&format!(
                "insert into public.ticket_categories
                     (id, organization_id, event_id, name, price_cents, capacity)
                 values ('{}', '000000aa-0000-4000-8000-000000000000',
                     '000000ee-0000-4000-8000-000000000000', 'Round {round} {which}', {price}, 10)",
                category(round, which)
            ));
        }
        let got = at_once(&mut buyers, |buyer| {
            let mut wanted: Vec<String> = (1..=kinds)
                .map(|which| {
                    format!(
                        r#"{{"category_id": "{}", "quantity": 1}}"#,
                        category(round, which)
                    )
                })
                .collect();
            if buyer % 2 == 1 {
                wanted.reverse();
            }
            format!(
                "begin; set local role anon; select public.purchase_tickets(items => '[{}]', \
                 customer_email => 'b{buyer}@rush.example', idempotency_key => 'r{round}b{buyer}'); commit",
                wanted.join(", ")
            )
        });
        for (buyer, session) in buyers.iter_mut().enumerate() {
            if got[buyer] != "ok" {
                session.execute("rollback");
            }
        }
        assert_eq!(count(&got, "ok"), 10, "round {round}: {got:?}");
        assert_eq!(count(&got, "PT409"), BUYERS - 10, "round {round}: {got:?}");
        for which in 1..=kinds {
            let id = category(round, which);
            let stock = admin.lines(&format!(
                "select sold, reserved,
                     (select count(*) from public.tickets t where t.category_id = c.id),
                     (select coalesce(sum(r.quantity), 0) from public.ticket_reservations r
                         where r.category_id = c.id and r.status = 'active')
                 from public.ticket_categories c where id = '{id}'"
            ));
            let expected = if price == 0 { "10|0|10|0" } else { "0|10|0|10" };
            assert_eq!(stock, [expected], "round {round}, category {which}");
        }
    }
    assert_no_deadlock(&mut admin);
}

const DELIVERIES: usize = 20;

/// A payment provider delivers the same event twenty times at the same moment: one delivery has
/// the effect, the others hear that it is done. Then twenty events of the same payment.
#[test]
fn a_webhook_has_one_effect() {
    let target = database("webhook");
    let mut admin = Session::connect(&target);
    admin.execute(SHOP);
    admin.execute(&format!(
        "insert into public.ticket_categories (id, organization_id, event_id, name, price_cents, capacity)
         values ('{}', '000000aa-0000-4000-8000-000000000000',
             '000000ee-0000-4000-8000-000000000000', 'Webhook', 2500, 1000)",
        category(0, 1)
    ));
    let mut providers: Vec<Session> = (0..DELIVERIES).map(|_| Session::connect(&target)).collect();
    for session in &mut providers {
        session.execute("create temporary table answers (answer jsonb)");
        session.execute("grant insert on answers to service_role");
    }
    for round in 0..8 {
        let order = admin.value(&format!(
            "select public.purchase_tickets(ticket_category_id => '{}', quantity => 3,
                 customer_email => 'w{round}@rush.example') ->> 'id'",
            category(0, 1)
        ));
        let payment = admin.value(&format!(
            "select id from public.payments where order_id = '{order}'"
        ));
        let same = round % 2 == 0;
        let got = at_once(&mut providers, |number| {
            let event = if same { 0 } else { number };
            format!(
                "begin; set local role service_role; insert into answers
                 select public.payment_webhook('stripe', 'evt_{round}_{event}', 'payment.succeeded',
                     '{{\"payment_id\": \"{payment}\", \"provider_ref\": \"pi_{round}\", \
                        \"amount_cents\": 7500, \"currency\": \"usd\"}}'); commit"
            )
        });
        assert_eq!(count(&got, "ok"), DELIVERIES, "round {round}: {got:?}");
        let mut answers: Vec<String> = providers
            .iter_mut()
            .map(|session| {
                session.value(
                    "with it as (delete from answers returning answer)
                     select concat_ws(' ', answer ->> 'status', answer ->> 'effect',
                         answer ->> 'error') from it",
                )
            })
            .collect();
        answers.sort();
        let others = if same {
            "duplicate"
        } else {
            "processed no change"
        };
        assert_eq!(
            count(&answers, "processed payment succeeded"),
            1,
            "{answers:?}"
        );
        assert_eq!(count(&answers, others), DELIVERIES - 1, "{answers:?}");

        let effect = admin.lines(&format!(
            "select o.order_status, p.status,
                 (select count(*) from public.tickets t where t.order_id = o.id and t.status = 'valid'),
                 (select count(*) from public.payments x where x.order_id = o.id),
                 (select count(*) from public.refunds r where r.payment_id = p.id),
                 (select count(*) from public.scheduled_jobs j where j.kind = 'tickets.deliver'
                     and j.payload ->> 'order_id' = o.id::text),
                 (select count(*) from public.payment_webhook_events w
                     where w.event_id like 'evt_{round}_%' and w.processed_at is not null),
                 (select count(*) from public.audit_log a where a.table_name = 'payments'
                     and a.record_id = p.id::text and a.new_values ->> 'status' = 'succeeded')
             from public.orders o join public.payments p on p.order_id = o.id where o.id = '{order}'"
        ));
        let stored = if same { 1 } else { DELIVERIES };
        assert_eq!(effect, [format!("confirmed|succeeded|3|1|0|1|{stored}|1")]);
    }
    let stock = admin.lines(&format!(
        "select sold, reserved from public.ticket_categories where id = '{}'",
        category(0, 1)
    ));
    assert_eq!(stock, ["24|0"]);
    assert_no_deadlock(&mut admin);
}

/// A deadlock that a function caught and hid would be one all the same.
#[track_caller]
fn assert_no_deadlock(admin: &mut Session) {
    // Each session reports at its end and now and then; what it knows is enough here.
    admin.execute("select pg_stat_clear_snapshot()");
    let counted =
        admin.value("select deadlocks from pg_stat_database where datname = current_database()");
    assert_eq!(counted, "0");
}

/// A suite that no test runs proves nothing.
#[test]
fn every_suite_is_run() {
    let here = include_str!("platform.rs");
    let mut all = Vec::new();
    for entry in std::fs::read_dir(suites()).expect("the suites") {
        let name = entry.expect("a suite").file_name();
        let name = name.to_string_lossy();
        if let Some(suite) = name.strip_suffix(".sql") {
            all.push(suite.to_owned());
        }
    }
    let forgotten: Vec<&String> = all
        .iter()
        .filter(|suite| !here.contains(&format!("prove(\"{suite}\")")))
        .collect();
    assert!(!all.is_empty() && forgotten.is_empty(), "{forgotten:?}");
}
