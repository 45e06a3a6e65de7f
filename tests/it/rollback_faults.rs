//! Rollbacks that are killed, cut off or left without an answer at every message: the database is what it
//! was or what was asked for, every trigger has its own state, and one plain run ends the work without
//! doing it twice.

use std::sync::Arc;
use std::time::Duration;

use super::harness::oracle::{connect, no_backend};
use super::harness::tools::setting;
use super::harness::{At, Evmig, Fault, Options, Plan, Project, Proxy, Server, Session, Target};
use super::rollback::table;

/// What the first run leaves, which no rollback of the second may touch.
fn base() -> Project {
    let setup = "create table orders (id int primary key, n int);\n\
        create table lines (id int primary key, order_id int references orders);\n\
        insert into orders select g, 2 * g from generate_series(1, 5) g;\n\
        insert into lines select g, g from generate_series(1, 5) g;\n\
        create function refuse() returns trigger language plpgsql as \
        $$ begin raise exception 'a trigger fired'; end $$;\n\
        create trigger o before update on orders for each row execute function refuse();\n\
        create trigger d before update on orders for each row execute function refuse();\n\
        create trigger r before update on orders for each row execute function refuse();\n\
        create trigger a before update on orders for each row execute function refuse();\n\
        alter table orders disable trigger d;\n\
        alter table orders enable replica trigger r;\n\
        alter table orders enable always trigger a;\n";
    Project::one_phase()
        .migration("V1__orders", setup)
        .rollback(
            "V1__orders",
            "drop table lines, orders;\ndrop function refuse();\n",
        )
}

fn one_transaction() -> Project {
    let project = table(base(), 2, "people")
        .migration("V3__double", "select 1;\n")
        .rollback("V3__double", "update orders set n = n / 2;\n");
    table(project, 4, "pets")
}

fn with_concurrently() -> Project {
    let project = one_transaction()
        .migration(
            "V5__index",
            "create index concurrently orders_n on orders (n);\ncreate table notes (id int);\n",
        )
        .rollback(
            "V5__index",
            "drop table notes;\ndrop index concurrently orders_n;\n\
             insert into lines values (6, 5);\ndelete from lines where id = 6;\n",
        );
    table(project, 6, "places")
}

/// Everything that a rollback may change, in lines.
fn picture(session: &mut Session) -> Vec<String> {
    session.lines(
        "select 'class ' || relname || coalesce(' valid ' || indisvalid, '') \
             from pg_class c left join pg_index i on indexrelid = c.oid \
             where relnamespace = 'public'::regnamespace \
         union all select 'trigger ' || tgname || ' ' || tgenabled::text from pg_trigger \
             where not tgisinternal or tgenabled <> 'O' \
         union all select 'orders ' || sum(n) from orders \
         union all select 'lines ' || count(*) from lines order by 1",
    )
}

struct Stage {
    server: Arc<Server>,
    template: String,
    project: Project,
    before: Vec<String>,
    done: Vec<String>,
    messages: u64,
}

impl Stage {
    fn new(project: Project) -> Self {
        let options = Options::new(16)
            .set("autovacuum", "off")
            .set("scram_iterations", "1");
        let server = Server::private(&options);
        let mut stage = Self {
            template: "template1".into(),
            project,
            before: Vec::new(),
            done: Vec::new(),
            messages: 0,
            server,
        };
        let applied = stage.create("applied");
        for words in ["apply --to 1", "apply"] {
            Evmig::new(&stage.project, words)
                .on(&applied)
                .run()
                .succeeds();
        }
        stage.before = picture(&mut Session::connect(&applied));
        stage.template.clone_from(&applied.database);
        let target = stage.create("reference");
        let proxy = Proxy::start(&target, None);
        Evmig::new(&stage.project, "rollback")
            .on(&proxy.target())
            .run()
            .succeeds();
        stage.messages = proxy.count();
        stage.done = picture(&mut Session::connect(&target));
        assert_ne!(stage.before, stage.done);
        stage
    }

    fn create(&self, name: &str) -> Target {
        let mut admin = connect(&self.server.admin("postgres"));
        admin.execute(&format!(
            "create database {name} template {}",
            self.template
        ));
        self.server.admin(name)
    }

    /// Strikes at one message; returns what does not hold.
    fn strike(&self, fault: &Fault, name: &str, k: u64, whole: bool) -> Vec<String> {
        let target = self.create(&format!("{name}_{k}"));
        let plan = Plan {
            at: At::Message(k),
            fault: fault.clone(),
        };
        let proxy = Proxy::start(&target, Some(plan));
        let running = Evmig::new(&self.project, "rollback --format json")
            .on(&proxy.target())
            .spawn();
        proxy.belongs_to(running.pid());
        let output = running.finish(Duration::from_mins(1));
        let mut wrong = Vec::new();
        let mut session = connect(&target);
        no_backend(&mut session, &mut wrong);
        let found = picture(&mut session);
        let triggers = |lines: &[String]| -> Vec<String> {
            let own = |line: &&String| line.starts_with("trigger");
            lines.iter().filter(own).cloned().collect()
        };
        if triggers(&found) != triggers(&self.before) {
            wrong.push(format!("triggers: {found:?}"));
        }
        if whole && found != self.before && found != self.done {
            wrong.push(format!("neither as before nor done: {found:?}"));
        }
        // The last of its migrations is told once it is committed, before the end is recorded.
        let last = |line: &str| line.contains("  V2__people ") && line.contains(" ms");
        let said_done =
            output.stdout.contains("\"rolled_back\"") || output.stderr.lines().any(last);
        if said_done && found != self.done {
            wrong.push(format!("it said that it was done: {found:?}"));
        }
        if output.stdout.contains("nothing; the database is as it was") && found != self.before {
            wrong.push(format!("it said that nothing was done: {found:?}"));
        }
        if !said_done {
            let again = Evmig::new(&self.project, "rollback").on(&target).run();
            let found = picture(&mut session);
            if again.code() != 0 || found != self.done {
                wrong.push(format!("the second run: {}\n{found:?}", again.snapshot()));
            }
        }
        let proof = Evmig::new(&self.project, "history --verify")
            .on(&target)
            .run();
        if proof.code() != 0 {
            wrong.push(proof.snapshot());
        }
        drop(session);
        let mut admin = connect(&self.server.admin("postgres"));
        admin.execute(&format!("drop database {} with (force)", target.database));
        let said = format!("{}{}", output.stdout, output.stderr);
        wrong
            .iter()
            .map(|wrong| format!("{name} at {k}: {wrong}\nit had said: {said}"))
            .collect()
    }

    /// Strikes at so many messages, which lie equally far apart.
    fn strikes(&self, fault: &Fault, name: &str, count: u64, whole: bool) {
        let step = (self.messages / count).max(1);
        let wrong: Vec<String> = (1..=self.messages)
            .step_by(step as usize)
            .flat_map(|k| self.strike(fault, name, k, whole))
            .collect();
        assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
        eprintln!("{name}: every {step}th of {} messages", self.messages);
    }
}

/// All messages with `scripts/test --long`; else some of them.
fn strikes(some: u64) -> u64 {
    if setting("EVMIG_TEST_LONG").is_some() {
        u64::MAX
    } else {
        some
    }
}

#[test]
fn killed_at_each_message_it_is_done_or_as_before() {
    Stage::new(one_transaction()).strikes(&Fault::Kill, "kill", strikes(16), true);
}

#[test]
fn without_an_answer_it_says_what_is_so() {
    Stage::new(one_transaction()).strikes(&Fault::Ack, "ack", strikes(12), true);
}

#[test]
fn killed_with_statements_outside_of_transactions_it_goes_on() {
    Stage::new(with_concurrently()).strikes(&Fault::Kill, "kill", strikes(16), false);
}

#[test]
fn cut_off_with_statements_outside_of_transactions_it_goes_on() {
    Stage::new(with_concurrently()).strikes(&Fault::Cut, "cut", strikes(12), false);
}
