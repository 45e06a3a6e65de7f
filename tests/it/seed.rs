//! The sample data of phase 3, and `evmig seed`: both add up, and both go without a trace.

use std::fs;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;

use super::harness::{Database, Evmig, Options, Project, Role, Server, Session, Shape};

/// Each line is a rule and how many rows break it.
const ADDS_UP: &str = "
select 'sold', count(*) from public.ticket_categories c
where c.reserved <> 0 or c.sold <> (
    select count(*) from public.tickets t where t.category_id = c.id and t.status <> 'void')
union all
select 'totals', count(*) from public.orders o
cross join lateral (
    select sum(i.quantity) as quantity, sum(i.total_cents) as cents
    from public.order_items i where i.order_id = o.id) s
where o.quantity <> s.quantity or o.subtotal_cents <> s.cents or s.cents is null
union all
select 'tickets', count(*) from public.orders o
where (case when o.confirmed_at is null then 0 else o.quantity end)
    <> (select count(*) from public.tickets t where t.order_id = o.id)
union all
select 'void', count(*) from public.tickets t join public.orders o on o.id = t.order_id
where (t.status = 'void') <> (o.order_status = 'refunded')
union all
select 'paid', count(*) from public.orders o left join public.payments p on p.id = o.payment_id
where (o.confirmed_at is null) <> (p.id is null)
    or p.order_id <> o.id or p.amount_cents <> o.total_cents
union all
select 'refunds', count(*) from public.payments p
cross join lateral (
    select coalesce(sum(r.amount_cents), 0) as cents
    from public.refunds r where r.payment_id = p.id and r.status = 'succeeded') s
where s.cents > p.amount_cents or (p.status = 'refunded') <> (s.cents = p.amount_cents)
    or (p.status = 'partially_refunded') <> (s.cents > 0 and s.cents < p.amount_cents)
union all
select 'check-ins', count(*) from public.tickets t
where (t.status = 'used') <> exists (select from public.check_ins c where c.ticket_id = t.id)
union all
select 'promo', count(*) from public.promo_codes p
where p.used <> (
    select count(*) from public.promo_code_redemptions d where d.promo_code_id = p.id)
union all
select 'attendees', count(*) from public.tickets t
left join public.attendees a on a.id = t.attendee_id and a.event_id = t.event_id
where a.id is null";

/// The number of rows in every table.
const COUNTS: &str = "
select n.nspname || '.' || c.relname || ' ' || (xpath('/row/n/text()', query_to_xml(
    format('select count(*) as n from %I.%I', n.nspname, c.relname), false, true, '')))[1]::text
from pg_class c join pg_namespace n on n.oid = c.relnamespace
where c.relkind = 'r' and n.nspname in ('public', 'auth', 'app_private') order by 1";

/// What is in the tables that are filled in bulk, without the time of the load.
const CONTENTS: &str = "
select 'organizations', md5(string_agg((to_jsonb(t) - 'updated_at')::text, '' order by t.id)) from public.organizations t
union all select 'users', md5(string_agg(to_jsonb(t)::text, '' order by t.id)) from auth.users t
union all select 'profiles', md5(string_agg((to_jsonb(t) - 'updated_at')::text, '' order by t.id)) from public.profiles t
union all select 'members', md5(string_agg((to_jsonb(t) - 'updated_at')::text, '' order by t.organization_id, t.user_id)) from public.organization_members t
union all select 'events', md5(string_agg((to_jsonb(t) - 'updated_at')::text, '' order by t.id)) from public.events t
union all select 'categories', md5(string_agg((to_jsonb(t) - 'updated_at')::text, '' order by t.id)) from public.ticket_categories t
union all select 'orders', md5(string_agg((to_jsonb(t) - 'updated_at')::text, '' order by t.id)) from public.orders t
union all select 'items', md5(string_agg((to_jsonb(t) - 'updated_at')::text, '' order by t.id)) from public.order_items t
union all select 'payments', md5(string_agg((to_jsonb(t) - 'updated_at')::text, '' order by t.id)) from public.payments t
union all select 'refunds', md5(string_agg((to_jsonb(t) - 'updated_at')::text, '' order by t.id)) from public.refunds t
union all select 'attendees', md5(string_agg((to_jsonb(t) - 'updated_at')::text, '' order by t.id)) from public.attendees t
union all select 'tickets', md5(string_agg((to_jsonb(t) - 'updated_at')::text, '' order by t.id)) from public.tickets t
order by 1";

/// The platform's schema on a server of its own, as its owner.
struct Platform {
    project: Project,
    database: Database,
}

impl Platform {
    fn new() -> Self {
        let server = Server::private(&Options::new(15));
        let platform = Self {
            project: Project::shipped(),
            database: server.database(Shape::Plain, Role::Owner),
        };
        platform.evmig("apply --phase 1 --phase 2").run().succeeds();
        platform
    }

    /// A command on the environment that takes sample data.
    fn evmig(&self, words: &str) -> Evmig {
        Evmig::new(&self.project, &format!("{words} --env staging"))
            .env(
                "STAGING_DATABASE_URL",
                format!("{}?sslmode=disable", self.database.url()),
            )
            .within(Duration::from_mins(10))
    }

    fn counts(&self) -> Vec<String> {
        self.database.lines(COUNTS)
    }

    fn assert_adds_up(&self) {
        for line in self.database.lines(ADDS_UP) {
            assert!(line.ends_with("|0"), "{line}");
        }
    }

    /// Lets the owner pass by triggers, or not.
    fn may_suspend(&self, may: bool) {
        let (verb, to) = if may {
            ("grant", "to")
        } else {
            ("revoke", "from")
        };
        let user = &self.database.user;
        self.database.execute(&format!(
            "{verb} set on parameter session_replication_role {to} {user}"
        ));
    }
}

fn rollback_files(project: &Project) -> Vec<String> {
    let mut files: Vec<String> = project
        .files()
        .into_iter()
        .filter(|file| file.starts_with("rollback/3_sample_data/"))
        .collect();
    files.sort();
    files.reverse();
    files
}

#[test]
fn the_sample_data_adds_up_and_goes_without_a_trace() {
    let platform = Platform::new();
    let before = platform.counts();
    platform.evmig("apply --phase 3").run().succeeds();
    platform.assert_adds_up();
    let first = platform.counts();
    for (table, rows) in [
        ("organizations", 3),
        ("profiles", 40),
        ("events", 25),
        ("event_sessions", 20),
        ("orders", 5000),
    ] {
        let line = format!("public.{table} {rows}");
        assert!(first.contains(&line), "{line} is not in {first:?}");
    }
    let contents = platform.database.lines(CONTENTS);

    let files = rollback_files(&platform.project);
    assert!(files.len() > 10, "{files:?}");
    let mut session = Session::connect(&platform.database);
    session.execute("set search_path = ''");
    for file in &files {
        let text = platform.project.read(file);
        session.execute(&text);
    }
    assert_eq!(platform.counts(), before);

    // What the history has done is done: a second time is by hand, too.
    let mut migrations: Vec<String> = files
        .iter()
        .map(|file| file.replacen("rollback/", "migrations/", 1))
        .collect();
    migrations.reverse();
    for file in &migrations {
        session.execute(&format!("begin; {}; commit", platform.project.read(file)));
    }
    assert_eq!(platform.counts(), first);
    let again = platform.database.lines(CONTENTS);
    let differing: Vec<_> = contents
        .iter()
        .zip(&again)
        .filter(|(a, b)| a != b)
        .collect();
    assert!(differing.is_empty(), "{differing:?}");
}

#[test]
fn a_world_is_the_same_with_and_without_triggers_and_goes_without_a_trace() {
    let platform = Platform::new();
    let before = platform.counts();

    let loaded = platform
        .evmig("seed --scale 1 --format json")
        .run()
        .succeeds()
        .json();
    assert_eq!(loaded["outcome"], "loaded");
    assert_eq!(loaded["triggers_suspended"], false);
    platform.assert_adds_up();
    let contents = platform.database.lines(CONTENTS);
    // The triggers did see the rows.
    let seen = "select count(*) from public.audit_log where table_name = 'orders'";
    assert_eq!(platform.database.value(seen), "5000");

    platform.evmig("seed --remove").run().succeeds();
    assert_eq!(platform.counts(), before);
    let ledger = "select coalesce(to_regclass('evmig.seed_cell')::text, 'gone')";
    assert_eq!(platform.database.value(ledger), "gone");
    let nothing = platform.evmig("seed --remove").run().succeeds();
    assert!(
        nothing.stdout.starts_with("Nothing to remove"),
        "{}",
        nothing.stdout
    );

    platform.may_suspend(true);
    let loaded = platform
        .evmig("seed --scale 1 --format json")
        .run()
        .succeeds()
        .json();
    assert_eq!(loaded["triggers_suspended"], true);
    assert_eq!(platform.database.value(seen), "0");
    assert_eq!(platform.database.lines(CONTENTS), contents);
    // Nothing was left off: no trigger's state has changed, and foreign keys hold again.
    let off = "select count(*) from pg_trigger where tgenabled <> 'O'";
    assert_eq!(platform.database.value(off), "0");
    let again = platform.evmig("seed --scale 1").run().succeeds();
    assert_eq!(
        again.stdout,
        "Nothing to load: the 1 cell is there already\n"
    );

    stops_and_goes_on(&platform);
    a_foreign_row_stops_the_removal(&platform);
    platform.evmig("seed --remove").run().succeeds();
    assert_eq!(platform.counts(), before);
}

/// A load is killed, goes on, is interrupted, and goes on again.
fn stops_and_goes_on(platform: &Platform) {
    let cells = "select count(*) from evmig.seed_cell";
    let wait_for = |count: i32| {
        let limit = Instant::now() + Duration::from_mins(5);
        while platform
            .database
            .value(cells)
            .parse::<i32>()
            .expect("a number")
            < count
        {
            assert!(Instant::now() < limit, "no cell {count}");
            std::thread::sleep(Duration::from_millis(20));
        }
    };
    let running = platform.evmig("seed --scale 6").spawn();
    wait_for(2);
    running.signal(Signal::SIGKILL);
    drop(running.finish(Duration::from_mins(1)));
    platform.assert_adds_up();

    let running = platform.evmig("seed --scale 6").spawn();
    wait_for(4);
    running.signal(Signal::SIGINT);
    let stopped = running.finish(Duration::from_mins(1));
    assert_eq!(stopped.code(), 130, "{}", stopped.stderr);
    assert!(
        stopped.stderr.contains("error[interrupted]"),
        "{}",
        stopped.stderr
    );
    assert!(
        stopped.stderr.contains("seed --scale 6"),
        "{}",
        stopped.stderr
    );
    platform.assert_adds_up();

    platform.evmig("seed --scale 6").run().succeeds();
    platform.assert_adds_up();
    assert_eq!(platform.database.value(cells), "6");
    assert_eq!(
        platform
            .database
            .value("select count(*) from public.orders"),
        "30000"
    );
}

/// Somebody sells a ticket for an event of the world: that order must not lose its event.
fn a_foreign_row_stops_the_removal(platform: &Platform) {
    platform.database.execute(
        "insert into public.orders (id, organization_id, event_id, customer_email, currency)
         select '00000000-0000-4000-8000-000000000001', organization_id, id, 'a@b.example', currency
         from public.events where id = '5eed0021-0005-4000-8000-000000000000'",
    );
    let stopped = platform.evmig("seed --remove").run().exits(1);
    assert!(
        stopped
            .stderr
            .contains("error[seed-failed]: cell 5 failed at public.events"),
        "{}",
        stopped.stderr
    );
    assert!(stopped.stderr.contains("23503"), "{}", stopped.stderr);
    platform
        .database
        .execute("delete from public.orders where id = '00000000-0000-4000-8000-000000000001'");
}

#[test]
fn refusals_say_what_to_do() {
    let server = Server::shared(15, Shape::Plain);
    let database = server.database(Shape::Plain, Role::Owner);
    let project = Project::shipped();
    let refused = Evmig::new(&project, "seed --scale 1 --yes --env production")
        .env(
            "PRODUCTION_DATABASE_URL",
            format!("{}?sslmode=disable", database.url()),
        )
        .run()
        .exits(5);
    assert!(
        refused.stderr.contains("error[seed-protected]"),
        "{}",
        refused.stderr
    );
    let removal = Evmig::new(&project, "seed --remove --yes --env production")
        .env(
            "PRODUCTION_DATABASE_URL",
            format!("{}?sslmode=disable", database.url()),
        )
        .run()
        .exits(5);
    assert!(
        removal.stderr.contains("error[seed-protected]"),
        "{}",
        removal.stderr
    );

    let without = Evmig::new(&project, "seed --scale 1")
        .on(&database)
        .run()
        .exits(5);
    assert!(
        without.stderr.contains("error[seed-schema]"),
        "{}",
        without.stderr
    );
    assert!(
        without.stderr.contains("public.tickets"),
        "{}",
        without.stderr
    );
    assert!(
        without.stderr.contains("evmig --database-url URL apply"),
        "{}",
        without.stderr
    );
    let schema = "select count(*) from pg_namespace where nspname = 'evmig'";
    assert_eq!(database.value(schema), "0");

    for words in [
        "seed",
        "seed --scale 0",
        "seed --scale 65536",
        "seed --scale 1 --remove",
    ] {
        Evmig::new(&project, words).on(&database).run().exits(2);
    }
}

#[test]
fn sample_ids_are_told_from_seeded_ones() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations/3_sample_data");
    let mut files = 0;
    for step in fs::read_dir(folder).expect("the phase") {
        for file in fs::read_dir(step.expect("a step").path()).expect("a step") {
            let text = fs::read_to_string(file.expect("a file").path()).expect("UTF-8");
            assert!(!text.contains("5eed"), "{text}");
            assert!(
                !text.contains("now()\n") && !text.contains("random()\n"),
                "{text}"
            );
            files += 1;
        }
    }
    assert!(files > 10, "{files}");
}
