//! Who may do what, as it is judged from the catalog, held against what a server lets each role really do.

use std::fmt::Write as _;

use evmig::catalog::access::delta::{State, delta};
use evmig::catalog::access::facts::Facts;
use evmig::catalog::access::matrix::Matrix;
use evmig::catalog::access::{Access, Command, PUBLIC, Policy, Rows};
use evmig::catalog::model::Snapshot;
use evmig::catalog::read::snapshot;
use evmig::pg::session::Session as Own;
use evmig::report::access::AccessEffect;

use super::harness::{Evmig, Options, Project, Role, Server, Session, Shape, Target};
use super::pg_server::{block_on, open};

/// Who tries: the roles of the API, members that inherit and that do not, owners, readers of everything, and one
/// that nothing was ever granted to.
const TRYING: [&str; 12] = [
    "anon",
    "authenticated",
    "service_role",
    "odd, \"role\"",
    "cold",
    "owner_a",
    "near_owner",
    "owner_b",
    "reader",
    "writer",
    "boss",
    "nobody",
];

const ROLES: &str = r#"
create role anon;
create role authenticated;
create role service_role bypassrls;
create role owner_a;
create role owner_b;
create role "odd, ""role""";
create role cold noinherit;
create role near_owner;
create role reader;
create role writer;
create role boss superuser;
create role nobody;
grant authenticated to "odd, ""role""", cold;
grant owner_a to near_owner;
grant pg_read_all_data to reader;
grant pg_write_all_data to writer;
create schema s_open;
create schema s_some;
create schema s_owned authorization owner_a;
grant usage on schema s_open to public;
grant usage on schema s_some to authenticated, service_role, owner_a, owner_b;
revoke usage on schema public from public;
"#;

/// Numbers that are the same each time.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % sides
    }

    fn of<'a>(&mut self, all: &[&'a str]) -> &'a str {
        all[self.roll(all.len())]
    }
}

const GRANTEES: [&str; 7] = [
    "public",
    "anon",
    "authenticated",
    "service_role",
    "owner_b",
    "cold",
    "\"odd, \"\"role\"\"\"",
];
const EXPRESSIONS: [&str; 7] = [
    "true",
    "false",
    "i > 0",
    "j < 1",
    "i = j",
    "k = 7 or i < 0",
    "k is not null",
];

/// A table with everything by chance, and a view of either kind on it.
fn table(dice: &mut Dice, number: usize) -> String {
    let schema = dice.of(&["s_open", "s_open", "s_some", "s_owned"]);
    let owner = dice.of(&["owner_a", "owner_b"]);
    let name = format!("{schema}.t{number}");
    let mut sql = format!(
        "create table {name} (i int default 0, j int default 0, k int default 0);\n\
         insert into {name} select n, -n, n % 2 from generate_series(-2, 2) n;\n\
         alter table {name} owner to {owner};\n"
    );
    for _ in 0..dice.roll(5) {
        let what = dice.of(&[
            "select",
            "insert",
            "update",
            "delete",
            "truncate",
            "all",
            "select, insert",
        ]);
        let _ = writeln!(sql, "grant {what} on {name} to {};", dice.of(&GRANTEES));
    }
    for _ in 0..dice.roll(3) {
        let what = dice.of(&["select", "insert", "update"]);
        let columns = dice.of(&["i", "j", "i, k", "i, j, k"]);
        let _ = writeln!(
            sql,
            "grant {what} ({columns}) on {name} to {};",
            dice.of(&GRANTEES)
        );
    }
    if dice.roll(6) == 0 {
        let _ = writeln!(sql, "revoke all on {name} from {owner};");
    }
    if dice.roll(3) > 0 {
        let _ = writeln!(sql, "alter table {name} enable row level security;");
    }
    if dice.roll(3) == 0 {
        let _ = writeln!(sql, "alter table {name} force row level security;");
    }
    for policy in 0..dice.roll(5) {
        let kind = dice.of(&["permissive", "permissive", "restrictive"]);
        let command = dice.of(&["all", "select", "insert", "update", "delete"]);
        let to = dice.of(&[
            "public",
            "anon",
            "authenticated",
            "owner_a, owner_b",
            "\"odd, \"\"role\"\"\", cold",
        ]);
        let (using, check) = (dice.of(&EXPRESSIONS), dice.of(&EXPRESSIONS));
        let clauses = match (command, dice.roll(2)) {
            ("insert", _) => format!("with check ({check})"),
            ("select" | "delete", _) | (_, 0) => format!("using ({using})"),
            _ => format!("using ({using}) with check ({check})"),
        };
        let _ = writeln!(
            sql,
            "create policy p{policy} on {name} as {kind} for {command} to {to} {clauses};"
        );
    }
    sql + &view(dice, number, &name)
}

fn view(dice: &mut Dice, number: usize, table: &str) -> String {
    let body = dice.of(&[
        "select i, j, k from",
        "select i from",
        "select count(*) as i from",
        "select i, k from only",
    ]);
    let owner = dice.of(&["owner_a", "owner_b", "boss"]);
    let invoker = match dice.roll(2) {
        0 => "",
        _ => "{{invoker}}",
    };
    format!(
        "create view s_open.v{number} {invoker} as {body} {table};\n\
         alter view s_open.v{number} owner to {owner};\n\
         grant {} on s_open.v{number} to {};\n\
         create view s_open.w{number} as select i from s_open.v{number};\n\
         alter view s_open.w{number} owner to {};\n\
         grant select on s_open.w{number} to {};\n",
        dice.of(&["select", "all"]),
        dice.of(&GRANTEES),
        dice.of(&["owner_a", "owner_b", "boss"]),
        dice.of(&GRANTEES),
    )
}

fn function(dice: &mut Dice, number: usize) -> String {
    let schema = dice.of(&["s_open", "s_some"]);
    let name = format!("{schema}.f{number}(int)");
    let mut sql = format!(
        "create function {name} returns text language sql {} as 'select current_user::text';\n\
         alter function {name} owner to owner_a;\n",
        dice.of(&["security definer", "stable", ""]),
    );
    if dice.roll(2) == 0 {
        let _ = writeln!(sql, "revoke execute on function {name} from public;");
    }
    if dice.roll(2) == 0 {
        let _ = writeln!(
            sql,
            "grant execute on function {name} to {};",
            dice.of(&GRANTEES)
        );
    }
    sql
}

fn world(major: u32) -> String {
    let mut dice = Dice(u64::from(major));
    let mut sql = ROLES.to_owned();
    for number in 0..32 {
        sql.push_str(&table(&mut dice, number));
    }
    for number in 0..16 {
        sql.push_str(&function(&mut dice, number));
    }
    // Views that read as whoever asks came with 15.
    let invoker = if major >= 15 {
        "with (security_invoker = on)"
    } else {
        ""
    };
    sql.replace("{{invoker}}", invoker)
}

struct Read {
    snapshot: Snapshot,
    facts: Facts,
}

impl Read {
    fn of(target: &Target, version: u32) -> Self {
        block_on(async {
            let (session, _notices) = Own::new(open(&target.url(), None).await.unwrap());
            Self {
                snapshot: snapshot(&session, version, "evmig").await.unwrap(),
                facts: Facts::read(&session, version, "evmig").await.unwrap(),
            }
        })
    }
}

impl Read {
    fn state(&self) -> State<'_> {
        State {
            snapshot: &self.snapshot,
            facts: &self.facts,
        }
    }
}

/// One session in which each case is tried and taken back.
struct Trial {
    session: Session,
    wrong: Vec<String>,
    tried: usize,
}

/// What became of a command: rows that are there afterwards or were read, or the error.
type Outcome = Result<String, String>;

impl Trial {
    /// Runs a command as a role; then, as the superuser, the question about what it did.
    fn attempt(&mut self, role: &str, sql: &str, question: &str) -> Outcome {
        let role = role.replace('"', "\"\"");
        self.session.execute("begin");
        let done = self
            .session
            .try_execute(&format!("set local role \"{role}\"; {sql}; reset role"));
        let outcome = match done {
            Ok(()) if question.is_empty() => Ok(String::new()),
            Ok(()) => Ok(self.session.value(question)),
            Err(error) => {
                let error = error.as_db_error().expect("the server's answer");
                Err(format!("{}: {}", error.code().code(), error.message()))
            }
        };
        self.session.execute("rollback");
        self.tried += 1;
        outcome
    }

    /// Counts what a role reads; first whether it may, since a count that fails says nothing.
    fn count(&mut self, role: &str, sql: &str) -> Outcome {
        self.attempt(role, sql, "")?;
        let role = role.replace('"', "\"\"");
        let set = format!("begin; set local role \"{role}\"");
        self.session.execute(&set);
        let count = self
            .session
            .value(&format!("select count(*) from ({sql}) as seen"));
        self.session.execute("rollback");
        Ok(count)
    }

    fn expect(&mut self, what: &str, access: &Access, outcome: &Outcome, fits: bool) {
        if !fits {
            self.wrong
                .push(format!("{what}: {access:?}, but {outcome:?}"));
        }
    }
}

fn is_denied(outcome: &Outcome) -> bool {
    let text = outcome.as_ref().err();
    text.is_some_and(|text| text.starts_with("42501: permission denied"))
}

fn takes_none(outcome: &Outcome) -> bool {
    let text = outcome.as_ref().err();
    text.is_some_and(|text| text.starts_with("55000"))
}

fn is_stopped_by_policy(outcome: &Outcome) -> bool {
    let text = outcome.as_ref().err();
    text.is_some_and(|text| text.contains("row-level security policy"))
}

/// The policies as one condition.
fn condition(policies: &[Policy], expression: impl Fn(&Policy) -> Option<&String>) -> String {
    let all = |restrictive: bool| {
        let which = policies.iter().filter(|one| one.restrictive == restrictive);
        which
            .filter_map(&expression)
            .map(|text| format!("coalesce({text}, false)"))
            .collect::<Vec<_>>()
    };
    let (allow, limit) = (all(false), all(true));
    let mut parts = vec![format!("({})", allow.join(" or "))];
    parts.extend(limit);
    parts.join(" and ")
}

/// The rows as a condition: which are read, and which may be written.
fn conditions(rows: &Rows) -> (String, String) {
    match rows {
        Rows::All(_) => ("true".to_owned(), "true".to_owned()),
        Rows::Nothing => ("false".to_owned(), "false".to_owned()),
        Rows::Policies(policies) => {
            let has = |one: &Policy| (one.using.is_some(), one.check.is_some());
            let (using, check) = has(&policies[0]);
            let read = using.then(|| condition(policies, |one| one.using.as_ref()));
            let write = check.then(|| condition(policies, |one| one.check.as_ref()));
            (read.unwrap_or_default(), write.unwrap_or_default())
        }
        Rows::Through(_) => panic!("a table has nothing below it"),
    }
}

fn try_table(trial: &mut Trial, table: &str, role: &str, command: Command, access: &Access) {
    let what = format!("{role} {} {table}", command.word());
    let Access::Granted { columns, rows } = access else {
        let sql = match command {
            Command::Select => format!("select i from {table}"),
            Command::Insert => format!("insert into {table} (i) values (1)"),
            Command::Update => format!("update {table} set k = 7"),
            Command::Delete => format!("delete from {table}"),
            _ => format!("truncate {table}"),
        };
        let outcome = trial.attempt(role, &sql, "");
        trial.expect(&what, access, &outcome, is_denied(&outcome));
        return;
    };
    let (reads, writes) = conditions(rows);
    let all = ["i", "j", "k"].map(str::to_owned);
    let columns = columns.clone().unwrap_or_else(|| all.into());
    let whole = columns.len() == 3;
    let mine: Vec<&str> = columns.iter().map(String::as_str).collect();
    match command {
        Command::Select => {
            let wanted = trial
                .session
                .value(&format!("select count(*) from {table} where {reads}"));
            let seen = trial.count(role, &format!("select {} from {table}", mine.join(", ")));
            trial.expect(&what, access, &seen, seen.as_ref() == Ok(&wanted));
            let star = trial.attempt(role, &format!("select * from {table}"), "");
            trial.expect(&format!("{what} *"), access, &star, star.is_ok() == whole);
        }
        Command::Insert => {
            for value in [-2, 0, 1] {
                let values = vec![value.to_string(); mine.len()].join(", ");
                let named = |name: &str| if mine.contains(&name) { value } else { 0 };
                let (i, j, k) = (named("i"), named("j"), named("k"));
                let may = trial.session.value(&format!(
                    "select coalesce(({writes}), false) from (values ({i}, {j}, {k})) as row (i, j, k)"
                ));
                let sql = format!(
                    "insert into {table} ({}) values ({values})",
                    mine.join(", ")
                );
                let outcome = trial.attempt(role, &sql, &format!("select count(*) from {table}"));
                let fits = match may.as_str() {
                    "t" => outcome == Ok("6".to_owned()),
                    _ => is_stopped_by_policy(&outcome),
                };
                trial.expect(&format!("{what} {value}"), access, &outcome, fits);
            }
        }
        Command::Update => {
            let column = mine[mine.len() - 1];
            let set = |name: &str| {
                if name == column {
                    "7".to_owned()
                } else {
                    name.to_owned()
                }
            };
            let bad = trial.session.value(&format!(
                "select count(*) from (select {}, {}, {} from {table} where {reads}) as row (i, j, k)
                 where not coalesce(({writes}), false)",
                set("i"),
                set("j"),
                set("k"),
            ));
            let wanted = trial
                .session
                .value(&format!("select count(*) from {table} where {reads}"));
            let sql = format!("update {table} set {column} = 7");
            let outcome = trial.attempt(
                role,
                &sql,
                &format!("select count(*) from {table} where {column} = 7"),
            );
            let fits = match bad.as_str() {
                // No row is changed, be it that none is found or that none may be written.
                _ if *rows == Rows::Nothing => {
                    outcome == Ok("0".to_owned()) || is_stopped_by_policy(&outcome)
                }
                "0" => outcome == Ok(wanted),
                _ => is_stopped_by_policy(&outcome),
            };
            trial.expect(&what, access, &outcome, fits);
        }
        Command::Delete => {
            let wanted = trial
                .session
                .value(&format!("select count(*) from {table} where not ({reads})"));
            let sql = format!("delete from {table}");
            let outcome = trial.attempt(role, &sql, &format!("select count(*) from {table}"));
            trial.expect(&what, access, &outcome, outcome == Ok(wanted));
        }
        _ => {
            let sql = format!("truncate {table}");
            let outcome = trial.attempt(role, &sql, &format!("select count(*) from {table}"));
            trial.expect(&what, access, &outcome, outcome == Ok("0".to_owned()));
        }
    }
}

/// A view is read or not; what is left of its rows depends on what it does with them.
fn try_view(trial: &mut Trial, view: &str, role: &str, command: Command, access: &Access) {
    let what = format!("{role} {} {view}", command.word());
    match (command, access) {
        (Command::Select, Access::None(_)) => {
            let outcome = trial.attempt(role, &format!("select i from {view}"), "");
            trial.expect(&what, access, &outcome, is_denied(&outcome));
        }
        (Command::Select, Access::Granted { rows, .. }) => {
            let seen = trial.count(role, &format!("select i from {view}"));
            let all = trial.session.value(&format!("select count(*) from {view}"));
            let fits = match (rows, &seen) {
                (Rows::All(_), seen) => *seen == Ok(all),
                (_, Ok(seen)) => seen.parse::<u32>().unwrap() <= all.parse().unwrap(),
                (_, Err(_)) => false,
            };
            trial.expect(&what, access, &seen, fits);
        }
        (Command::Insert, _) => {
            let outcome = trial.attempt(role, &format!("insert into {view} (i) values (1)"), "");
            let fits = match access {
                Access::None(why) if why.ends_with("takes no rows") => takes_none(&outcome),
                // Whether a view below takes rows is asked before anybody's privileges are.
                Access::None(_) => is_denied(&outcome) || takes_none(&outcome),
                Access::Granted {
                    rows: Rows::All(_), ..
                } => outcome.is_ok(),
                access => {
                    let columns = access.words().contains("columns") && is_denied(&outcome);
                    outcome.is_ok() || is_stopped_by_policy(&outcome) || columns
                }
            };
            trial.expect(&what, access, &outcome, fits);
        }
        _ => {}
    }
}

fn try_function(trial: &mut Trial, function: &str, role: &str, access: &Access) {
    let name = function.split('(').next().unwrap();
    let call = format!("select {name}(1)");
    let outcome = trial.attempt(role, &call, "");
    let what = format!("{role} EXECUTE {function}");
    match access {
        Access::Call(owner) => {
            trial.expect(&what, access, &outcome, outcome.is_ok());
            if outcome.is_ok() {
                let role = role.replace('"', "\"\"");
                trial
                    .session
                    .execute(&format!("begin; set local role \"{role}\""));
                let runs_as = trial.session.value(&call);
                trial.session.execute("rollback");
                let wanted = owner.clone().unwrap_or_else(|| role.replace("\"\"", "\""));
                trial.expect(&what, access, &Ok(runs_as.clone()), runs_as == wanted);
            }
        }
        _ => trial.expect(&what, access, &outcome, is_denied(&outcome)),
    }
}

fn every_case_is_as_judged(major: u32) {
    let server = Server::private(&Options::new(major));
    let database = server.database(Shape::Plain, Role::Superuser);
    database.execute(&world(major));
    let mut trial = Trial {
        session: Session::connect(&database),
        wrong: Vec::new(),
        tried: 0,
    };
    let version = trial
        .session
        .value("show server_version_num")
        .parse()
        .unwrap();
    let read = Read::of(&database, version);
    let matrix = Matrix::new(
        &read.snapshot,
        &read.facts,
        &[&TRYING[..], &[PUBLIC]].concat(),
    );
    for (case, access) in matrix.cells() {
        // Who was granted nothing is everybody.
        let role = if case.role == PUBLIC {
            "nobody"
        } else {
            &case.role
        };
        match case.object.split_once(' ') {
            Some(("table", name)) => try_table(&mut trial, name, role, case.command, access),
            Some(("view", name)) => try_view(&mut trial, name, role, case.command, access),
            Some(("function", name)) => try_function(&mut trial, name, role, access),
            _ => {}
        }
    }
    let tried = trial.tried;
    assert!(
        trial.wrong.is_empty(),
        "{} of {tried}\n{}",
        trial.wrong.len(),
        trial.wrong.join("\n")
    );
    assert!(tried > 4_000, "{tried}");
}

#[test]
fn every_case_is_as_judged_on_postgresql_14() {
    every_case_is_as_judged(14);
}

#[test]
fn every_case_is_as_judged_on_postgresql_15() {
    every_case_is_as_judged(15);
}

#[test]
fn every_case_is_as_judged_on_postgresql_16() {
    every_case_is_as_judged(16);
}

#[test]
fn every_case_is_as_judged_on_postgresql_17() {
    every_case_is_as_judged(17);
}

#[test]
fn every_case_is_as_judged_on_postgresql_18() {
    every_case_is_as_judged(18);
}

/// What the changes are on a server, told in one line each.
fn told(before: &Read, after: &Read) -> Vec<String> {
    let told = delta(before.state(), after.state(), &["odd, \"role\""]);
    told.into_iter()
        .map(|change| {
            format!(
                "{} {} {} {}: {} → {}",
                change.effect.word(),
                change.role,
                change.command,
                change.relation,
                change.before,
                change.after
            )
        })
        .collect()
}

/// What is done to the database, and what is told of it.
const CHANGES: &[(&str, &[&str])] = &[
    ("comment on table s_open.t is 'x'", &[]),
    (
        "alter policy own on s_open.t using (i > 1)",
        &[
            "changed authenticated SELECT table s_open.t: policy own: using (i > 0) → policy own: using (i > 1)",
            "changed odd, \"role\" SELECT table s_open.t: policy own: using (i > 0) → policy own: using (i > 1)",
        ],
    ),
    (
        "create policy more on s_open.t for select to \"odd, \"\"role\"\"\" using (j > 0)",
        &[
            "widened odd, \"role\" SELECT table s_open.t: rows of policy own → rows of policies more, own",
        ],
    ),
    (
        "grant update (j), select (i) on s_open.t to anon",
        &[
            "changed anon SELECT table s_open.t: no grant → no row: row-level security is on, and no policy allows any, columns i",
            "changed anon UPDATE table s_open.t: no grant → no row: row-level security is on, and no policy allows any, columns j",
        ],
    ),
    (
        "grant select on s_open.v to anon",
        &["widened anon SELECT view s_open.v: no grant → every row (as its owner admin)"],
    ),
    (
        "grant truncate on s_open.t to anon",
        &["widened anon TRUNCATE table s_open.t: no grant → every row"],
    ),
    (
        "grant execute on function s_open.f() to public",
        &[
            "widened PUBLIC EXECUTE function s_open.f(): no grant → may call it",
            "widened anon EXECUTE function s_open.f(): no grant → may call it",
            "widened authenticated EXECUTE function s_open.f(): no grant → may call it",
            "widened odd, \"role\" EXECUTE function s_open.f(): no grant → may call it",
            "widened service_role EXECUTE function s_open.f(): no grant → may call it",
        ],
    ),
    (
        "alter table s_open.t disable row level security",
        &[
            "widened authenticated SELECT table s_open.t: rows of policy own → every row",
            "widened odd, \"role\" SELECT table s_open.t: rows of policy own → every row",
        ],
    ),
    (
        "revoke select on s_open.t from authenticated",
        &[
            "narrowed authenticated SELECT table s_open.t: rows of policy own → no grant",
            "narrowed odd, \"role\" SELECT table s_open.t: rows of policy own → no grant",
        ],
    ),
    (
        "alter default privileges for role owner_a in schema s_open grant select, insert on tables to anon",
        &[
            "widened anon SELECT, INSERT future tables of owner_a in schema s_open: no grant by default → every row (granted by default)",
        ],
    ),
    (
        "alter default privileges for role owner_a revoke execute on functions from public",
        &[
            "narrowed PUBLIC EXECUTE future functions of owner_a: may call it → no grant by default",
            "narrowed anon EXECUTE future functions of owner_a: may call it → no grant by default",
            "narrowed authenticated EXECUTE future functions of owner_a: may call it → no grant by default",
            "narrowed odd, \"role\" EXECUTE future functions of owner_a: may call it → no grant by default",
            "narrowed service_role EXECUTE future functions of owner_a: may call it → no grant by default",
        ],
    ),
    (
        "revoke authenticated from \"odd, \"\"role\"\"\"",
        &["narrowed odd, \"role\" SELECT table s_open.t: rows of policy own → no grant"],
    ),
    (
        "grant usage on schema s_owned to anon; grant owner_a to anon; create table s_owned.x ();
             alter table s_owned.x owner to owner_a",
        &[
            "widened anon SELECT, INSERT, UPDATE, DELETE, TRUNCATE table s_owned.x: not there → every row",
        ],
    ),
    (
        "alter role anon bypassrls; grant select on s_open.t to anon",
        &["widened anon SELECT table s_open.t: no grant → every row (BYPASSRLS)"],
    ),
];

#[test]
fn each_change_is_told_as_what_it_opens() {
    let server = Server::private(&Options::new(16));
    let database = server.database(Shape::Plain, Role::Superuser);
    database.execute(ROLES);
    database.execute(
        "create table s_open.t (i int, j int, k int);
         alter table s_open.t enable row level security;
         grant select on s_open.t to authenticated;
         create policy own on s_open.t for select to authenticated using (i > 0);
         create view s_open.v as select * from s_open.t;
         create function s_open.f() returns int language sql as 'select 1';
         revoke execute on function s_open.f() from public;",
    );
    let mut session = Session::connect(&database);
    let version = session.value("show server_version_num").parse().unwrap();
    for (sql, wanted) in CHANGES {
        let before = Read::of(&database, version);
        // On the server itself: what cannot be seen from another session is no access.
        database.execute(sql);
        let after = Read::of(&database, version);
        assert_eq!(told(&before, &after), *wanted, "{sql}");
        database.execute(undo(sql));
        let again = Read::of(&database, version);
        assert_eq!(told(&before, &again), [] as [String; 0], "after {sql}");
    }
}

/// What takes a change of the test above back.
fn undo(sql: &str) -> &'static str {
    match sql
        .split_whitespace()
        .take(3)
        .collect::<Vec<_>>()
        .join(" ")
        .as_str()
    {
        "alter policy own" => "alter policy own on s_open.t using (i > 0)",
        "create policy more" => "drop policy more on s_open.t",
        "grant update (j)," => "revoke all (i, j) on s_open.t from anon",
        "grant select on" => "revoke select on s_open.v from anon",
        "grant truncate on" => "revoke truncate on s_open.t from anon",
        "grant execute on" => "revoke execute on function s_open.f() from public",
        "alter table s_open.t" => "alter table s_open.t enable row level security",
        "revoke select on" => "grant select on s_open.t to authenticated",
        "alter default privileges" if sql.contains("tables") => {
            "alter default privileges for role owner_a in schema s_open revoke all on tables from anon"
        }
        "alter default privileges" => {
            "alter default privileges for role owner_a grant execute on functions to public"
        }
        "revoke authenticated from" => "grant authenticated to \"odd, \"\"role\"\"\"",
        "grant usage on" => {
            "drop table s_owned.x; revoke owner_a from anon; revoke usage on schema s_owned from anon"
        }
        "alter role anon" => "alter role anon nobypassrls; revoke select on s_open.t from anon",
        _ => "select 1",
    }
}

/// The shipped platform: what its policies and grants say is what its roles meet.
#[test]
fn the_platform_lets_its_roles_read_what_is_judged() {
    let server = Server::private(&Options::new(17));
    let database = server.database(Shape::Plain, Role::Owner);
    Evmig::new(&Project::shipped(), "apply --yes")
        .on(&database)
        .run()
        .succeeds();
    let target = server.admin(&database.database);
    let mut session = Session::connect(&target);
    let version = session.value("show server_version_num").parse().unwrap();
    let read = Read::of(&target, version);
    let roles = ["anon", "authenticated", "service_role"];
    let matrix = Matrix::new(&read.snapshot, &read.facts, &roles);
    let mut trial = Trial {
        session,
        wrong: Vec::new(),
        tried: 0,
    };
    let mut met = [0; 3];
    for (case, access) in matrix.cells() {
        let Some(("table" | "view", name)) = case.object.split_once(' ') else {
            continue;
        };
        let sql = match (case.command, access) {
            (
                Command::Select,
                Access::Granted {
                    columns: Some(columns),
                    ..
                },
            ) => {
                let columns: Vec<&str> = columns.iter().map(String::as_str).collect();
                format!("select {} from {name}", columns.join(", "))
            }
            (Command::Select, _) => format!("select * from {name}"),
            (Command::Delete, _) => format!("delete from {name}"),
            (Command::Truncate, _) if case.object.starts_with("table") => {
                format!("truncate {name} cascade")
            }
            _ => continue,
        };
        let outcome = trial.attempt(&case.role, &sql, "");
        let fits = match access {
            Access::None(_) => is_denied(&outcome) || takes_none(&outcome),
            // A foreign key may stop a delete, and a trigger; a privilege may not.
            _ => !outcome
                .as_ref()
                .is_err_and(|text| text.contains(" for table ")),
        };
        met[usize::from(access.reaches()) + usize::from(matches!(access, Access::None(_)))] += 1;
        trial.expect(&format!("{} {sql}", case.role), access, &outcome, fits);
    }
    assert!(trial.wrong.is_empty(), "{}", trial.wrong.join("\n"));
    assert!(
        trial.tried > 600 && met[1] > 100,
        "{met:?} of {}",
        trial.tried
    );
    // Nobody who is not logged in empties a table.
    let open = delta(
        State {
            snapshot: &Snapshot::default(),
            ..read.state()
        },
        read.state(),
        &[],
    );
    let emptied = open
        .iter()
        .filter(|one| one.role == "anon" && one.command.contains("TRUNCATE"));
    assert_eq!(emptied.count(), 0);
    let widened = open
        .iter()
        .filter(|one| one.effect == AccessEffect::Widened);
    assert!(widened.count() > 200);
}
