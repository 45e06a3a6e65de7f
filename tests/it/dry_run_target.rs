//! The target of a dry run is only read: nothing of it changes, nobody waits for it, and a role that may read the history
//! is enough; also when the dry run is killed.

use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{JoinHandle, sleep};
use std::time::Duration;

use nix::sys::signal::Signal;

use super::harness::{
    Database, Evmig, Holder, Options, Project, Role, Server, Session, Shape, Target,
};

/// Relations of every kind.
const SCHEMA: &str = "
    create schema hidden;
    revoke all on schema public from public;
    create table t (id int primary key, a int, b text);
    insert into t select n, n, 'b' from generate_series(1, 1000) n;
    create table hidden.of_t (id int references t);
    create view v as select a from t;
    create materialized view mv as select a from t;
    create unique index mv_a on mv (a);
    create sequence s;
    create table parts (id int, at date) partition by range (id);
    create table part_one partition of parts for values from (0) to (10);
    create foreign data wrapper nowhere;
    create server far foreign data wrapper nowhere;
    create foreign table there (a int) server far;
";

/// Something of each that is pending, with the strongest locks there are.
const PENDING: &str = "
    alter table t alter column a set not null;
    alter table t alter column id type bigint;
    alter view v rename to w;
    refresh materialized view mv;
    alter sequence s restart;
    alter table parts add column more int;
    truncate hidden.of_t;
    drop foreign table there;
    insert into t values (0, 0, 'c');
";

/// Locks that let a reader of rows pass and nobody else: `EXCLUSIVE` on whatever can be locked so, the weakest that
/// stops writers on the rest.
const IN_THE_WAY: &str = "
    do $$ begin execute (
        select format('lock table %s in exclusive mode', string_agg(oid::regclass::text, ', '))
        from pg_class where oid >= 16384 and relkind in ('r', 'p', 'v') and relnamespace <> 'pg_toast'::regnamespace
            and relnamespace <> 'information_schema'::regnamespace
    ); end $$;
    refresh materialized view concurrently mv;
    alter sequence s no cycle;
    comment on foreign table there is 'locked';
";

/// A server that writes nothing of its own accord, with a database that has a history.
fn target() -> (Database, Project) {
    let quiet = Options::new(15)
        .set("autovacuum", "off")
        .set("wal_level", "minimal")
        .set("max_wal_senders", "0");
    let database = Server::private(&quiet).database(Shape::Plain, Role::Superuser);
    let project = Project::one_phase()
        .migration("V1__all", SCHEMA)
        .migration("V2__change", PENDING)
        .migration("V3__index", "create index concurrently t_b on t (b);");
    Evmig::new(&project, "apply --to 1")
        .on(&database)
        .run()
        .succeeds();
    // A reader may tidy up pages that he meets: there is nothing left to tidy.
    database.execute("vacuum");
    database.execute("checkpoint");
    (database, project)
}

/// Everything that would tell that somebody wrote: the dump, the next transaction's number, the end of the log, the
/// counters of rows.
fn traces(database: &Database) -> Vec<String> {
    let mut traces = database.lines(
        "select pg_snapshot_xmax(pg_current_snapshot()), pg_current_wal_insert_lsn(), tup_inserted, tup_updated,
             tup_deleted, temp_files, deadlocks
         from pg_stat_database where datname = current_database()",
    );
    let dump = Command::new("/usr/lib/postgresql/15/bin/pg_dump")
        .arg(database.admin().url())
        .output()
        .unwrap();
    assert!(dump.status.success(), "{dump:?}");
    let dump = String::from_utf8(dump.stdout).unwrap();
    // A line of psql's has a random word in newer versions.
    let lines = dump.lines().filter(|line| !line.starts_with('\\'));
    traces.extend(lines.map(str::to_owned));
    traces
}

fn plan(project: &Project, words: &str, target: &Target, shadow: &Target) -> Evmig {
    Evmig::new(project, &format!("plan {words}"))
        .on(target)
        .env("EVMIG_SHADOW_URL", shadow.url())
}

/// Runs dry runs while a lock is in everybody's way who wants to do more than read.
#[track_caller]
fn only_reads(
    project: &Project,
    database: &Database,
    shadow: &Target,
    dry_runs: &[(&str, &Target)],
) {
    // What follows is held against the state in which the locks are held: the holder writes, too.
    let holder = Holder::transaction(&database.admin(), IN_THE_WAY, Duration::from_mins(2));
    let before = traces(database);
    for (words, target) in dry_runs {
        let watch = Watch::start(database, holder.pid());
        let report = plan(project, &format!("{words} --format json"), target, shadow)
            .run()
            .succeeds()
            .json();
        assert_eq!(watch.stop(), Vec::<String>::new(), "{words}");
        assert_eq!(traces(database), before, "{words}");
        if *words != "--level sql" {
            assert_eq!(report["forecast"], "would_apply", "{report:#}");
            assert_eq!(report["before"]["proven"], true, "{report:#}");
        }
    }
    holder.release();
}

#[test]
fn nothing_is_written_and_nobody_waits() {
    let (database, project) = target();
    let shadow = Server::shared(15, Shape::Plain).admin("postgres");
    // May connect, and read what evmig wrote down.
    database.execute(&format!(
        "create role reader login password '{}'; grant usage on schema evmig to reader;
         grant select on all tables in schema evmig to reader",
        database.password
    ));
    database.execute("vacuum");
    let reader = database.as_user("reader");
    let own = &*database;
    let dry_runs = [
        ("--level sql", own),
        ("--level shadow", own),
        ("--level sql", &reader),
        ("--level shadow", &reader),
    ];
    only_reads(&project, &database, &shadow, &dry_runs);
    // With pg_dump's help.
    database.execute("create table by_hand (id int primary key)");
    let report = plan(&project, "--format json", &database, &shadow)
        .run()
        .json();
    assert_eq!(report["before"]["origin"], "dump", "{report:#}");
    only_reads(&project, &database, &shadow, &[("--level shadow", own)]);
}

#[test]
fn one_that_is_killed_leaves_nothing() {
    let (database, project) = target();
    let project = project.migration("V4__slow", "select pg_sleep(60);");
    let elsewhere = Server::private(&Options::new(15));
    let shadow = elsewhere.admin("postgres");
    let mut there = Session::connect(&shadow);
    let made = "select count(*) from pg_database where datname like 'evmig\\_shadow\\_%'";
    let before = traces(&database);
    for (signal, code, left) in [(Signal::SIGINT, 130, "0"), (Signal::SIGKILL, 137, "1")] {
        let running = plan(&project, "", &database, &shadow).spawn();
        let asleep = "select count(*) from pg_stat_activity where query = 'select pg_sleep(60)'";
        becomes(&mut there, asleep, "1");
        running.signal(signal);
        running.finish(Duration::from_secs(20)).exits(code);
        assert_eq!(there.value(made), left, "{signal}");
        let sessions = "select count(*) from pg_stat_activity where application_name like 'evmig%'
            and application_name <> 'evmig-test'";
        becomes(&mut Session::connect(&database.admin()), sessions, "0");
        assert_eq!(traces(&database), before, "{signal}");
        // A killed client's statement goes on until the server wants to tell it something.
        there.execute("select pg_terminate_backend(pid) from pg_stat_activity where query = 'select pg_sleep(60)'");
        becomes(&mut there, sessions, "0");
    }
    plan(&project, "--to 3", &database, &shadow)
        .run()
        .succeeds();
    assert_eq!(there.value(made), "0");
    assert_eq!(traces(&database), before);
}

/// Waits until a query says so.
#[track_caller]
fn becomes(session: &mut Session, query: &str, wanted: &str) {
    for _ in 0..1200 {
        if session.value(query) == wanted {
            return;
        }
        sleep(Duration::from_millis(25));
    }
    panic!("{query} is {}, not {wanted}", session.value(query));
}

/// Looks again and again which locks beyond ACCESS SHARE others have, or wait for, on a database's relations.
struct Watch {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<Vec<String>>,
}

impl Watch {
    fn start(database: &Database, holder: i32) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let (target, flag) = (database.admin(), Arc::clone(&stop));
        let thread = std::thread::spawn(move || {
            let mut session = Session::connect(&target);
            let mut seen = Vec::new();
            let mut looks = 0;
            while !flag.load(Ordering::Relaxed) {
                looks += 1;
                seen.extend(session.lines(&format!(
                    "select l.mode || ' ' || l.relation::regclass from pg_locks l \
                     where l.relation >= 16384 and l.mode <> 'AccessShareLock' and l.pid <> {holder} \
                     and l.database = (select oid from pg_database where datname = current_database())",
                )));
            }
            assert!(looks > 1, "{looks}");
            seen
        });
        Self { stop, thread }
    }

    fn stop(self) -> Vec<String> {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().unwrap()
    }
}
