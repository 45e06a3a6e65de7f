//! B19, B30, B35, B40: what evmig does not start on. Each refusal is exit 5, says the reason and
//! the fix in one screen, and leaves nothing behind.

use super::harness::postgres::{PASSWORD, free_port};
use super::harness::tls::Authority;
use super::harness::{
    Database, Evmig, Options, Output, Pgbouncer, PoolMode, Project, Role, Server, Session, Shape,
    Target,
};

/// A screen is 24 lines of 80 columns.
const LINES: usize = 24;
const COLUMNS: usize = 80;

fn project() -> Project {
    Project::one_phase().migration("V1__people", "create table people (id int);\n")
}

fn database() -> Database {
    Server::shared(15, Shape::Plain).database(Shape::Plain, Role::Owner)
}

/// Applies, which must be refused in one screen.
#[track_caller]
fn refused(target: &Target) -> Output {
    screen(Evmig::new(&project(), "apply").on(target))
}

/// Asserts that a refusal fits on one screen, and returns it as it is at 200 columns: where a line
/// of 80 breaks depends on the digits of ports and on the names of databases.
#[track_caller]
fn screen(evmig: Evmig) -> Output {
    let narrow = evmig
        .clone()
        .env("COLUMNS", COLUMNS.to_string())
        .run()
        .exits(5);
    let lines = narrow.stderr.lines().count() + narrow.stdout.lines().count();
    assert!(lines <= LINES, "{lines} lines:\n{}", narrow.stderr);
    let widest = narrow.stderr.lines().map(|line| line.chars().count()).max();
    assert!(widest <= Some(COLUMNS), "{widest:?}:\n{}", narrow.stderr);
    evmig.env("COLUMNS", "200").run().exits(5)
}

/// The snapshot without its line breaks, for texts in which a path of any length stands.
fn words(output: &Output) -> String {
    let text = output.snapshot();
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// What a write would change in this database's catalog, with the versions of the rows: an
/// untouched catalog equals itself to the last transaction id. The catalogs that all databases of
/// a shared server have in common change with other tests, so only this database's part is in it.
fn catalog(target: &Target) -> Vec<String> {
    Session::connect(target).lines(
        "with rows as (
             select 'namespace' as what, oid, nspname::text as name, xmin from pg_namespace
             where nspname !~ '^pg_(toast_)?temp'
             union all select 'class', oid, relname, xmin from pg_class
             union all select 'proc', oid, proname, xmin from pg_proc
             union all select 'type', oid, typname, xmin from pg_type
             union all select 'acl', oid, datacl::text, xmin from pg_database
             where datname = current_database()
             union all select 'setting', setrole, setconfig::text, s.xmin
             from pg_db_role_setting s join pg_database d on d.oid = setdatabase
             where datname = current_database())
         select what, count(*)::text, md5(string_agg(oid || ' ' || xmin::text, ',' order by oid, xmin::text))
         from rows group by what
         union all
         select what, name, xmin::text from rows where oid >= 16384 and what <> 'acl'
         order by 1, 2",
    )
}

/// Asserts that `target` is refused and that the catalog as `admin` sees it does not change.
#[track_caller]
fn refused_without_a_trace(target: &Target, admin: &Target) -> Output {
    let before = catalog(admin);
    let output = refused(target);
    assert_eq!(catalog(admin), before);
    output
}

#[test]
fn pgbouncer_in_transaction_mode() {
    let database = database();
    let pooler = Pgbouncer::start(&database, PoolMode::Transaction);
    let output = refused_without_a_trace(&pooler.target(&database), &database.admin());
    insta::assert_snapshot!(output.snapshot(), @r#"
    --- stderr ---
    Target  $DATABASE as $OWNER on 127.0.0.1:$PORT (this machine)
            no environment, named by flag --database-url
    error[transaction-pooler]: a transaction pooler is in between: two open sessions are served by the same backend, process $PID
      detail     session locks and settings do not survive in a transaction pooler, and evmig's safety rests on both
      hint       connect to the server itself (usually port 5432), or to a pool with pool_mode = session
    --- exit 5 ---
    "#);
}

#[test]
fn pgbouncer_in_statement_mode() {
    let database = database();
    let pooler = Pgbouncer::start(&database, PoolMode::Statement);
    let output = refused_without_a_trace(&pooler.target(&database), &database.admin());
    insta::assert_snapshot!(output.snapshot(), @r#"
    --- stderr ---
    Target  $DATABASE as $OWNER on 127.0.0.1:$PORT (this machine)
            no environment, named by flag --database-url
    error[transaction-pooler]: a transaction pooler is in between: two open sessions are served by the same backend, process $PID
      detail     session locks and settings do not survive in a transaction pooler, and evmig's safety rests on both
      hint       connect to the server itself (usually port 5432), or to a pool with pool_mode = session
    --- exit 5 ---
    "#);
}

#[test]
fn pgbouncer_in_session_mode_is_accepted() {
    let database = database();
    let pooler = Pgbouncer::start(&database, PoolMode::Session);
    let project = project();
    let output = Evmig::new(&project, "apply")
        .on(&pooler.target(&database))
        .run()
        .succeeds();
    insta::assert_snapshot!(output.snapshot(), @r#"
    Applied 1 migration, 1 statement, in $T
      run        $RUN
    --- stderr ---
    Target  $DATABASE as $OWNER on 127.0.0.1:$PORT (this machine)
            no environment, named by flag --database-url
    Run $RUN: 1 migration, 1 statement
    Phase 1  Core
      V1__people                                                        1 statement  $T
    --- exit 0 ---
    "#);
    assert_eq!(database.value("select count(*) from people"), "0");
}

#[test]
fn a_hot_standby() {
    let primary = Server::private(&Options::new(15));
    let standby = primary.standby();
    let output = refused_without_a_trace(&standby.admin("postgres"), &standby.admin("postgres"));
    insta::assert_snapshot!(output.snapshot(), @r#"
    --- stderr ---
    Target  postgres as admin on 127.0.0.1:$PORT (this machine)
            no environment, named by flag --database-url
    error[standby]: the server is a standby: it replays another server's changes and takes none
      hint       connect to the primary; where the URL lists several hosts, target_session_attrs=read-write finds it
    --- exit 5 ---
    "#);
}

#[test]
fn transactions_that_are_read_only_for_the_role() {
    let database = database();
    database.execute(&format!(
        "alter role {} set default_transaction_read_only = on",
        database.user
    ));
    let output = refused_without_a_trace(&database, &database.admin());
    insta::assert_snapshot!(output.snapshot(), @r#"
    --- stderr ---
    Target  $DATABASE as $OWNER on 127.0.0.1:$PORT (this machine)
            no environment, named by flag --database-url
    error[read-only]: transactions are read-only here
      hint       default_transaction_read_only is set for the role: alter role "$OWNER" reset default_transaction_read_only
    --- exit 5 ---
    "#);
}

#[test]
fn transactions_that_are_read_only_in_the_database() {
    let database = database();
    database.execute(&format!(
        "alter database {} set default_transaction_read_only = on",
        database.database
    ));
    let output = refused_without_a_trace(&database, &database.admin());
    insta::assert_snapshot!(output.snapshot(), @r#"
    --- stderr ---
    Target  $DATABASE as $OWNER on 127.0.0.1:$PORT (this machine)
            no environment, named by flag --database-url
    error[read-only]: transactions are read-only here
      hint       default_transaction_read_only is set for the database: alter database "$DATABASE" reset default_transaction_read_only
    --- exit 5 ---
    "#);
}

#[test]
fn transactions_that_are_read_only_for_the_role_in_the_database() {
    let database = database();
    database.execute(&format!(
        "alter role {} in database {} set default_transaction_read_only = on",
        database.user, database.database
    ));
    let output = refused_without_a_trace(&database, &database.admin());
    insta::assert_snapshot!(output.snapshot(), @r#"
    --- stderr ---
    Target  $DATABASE as $OWNER on 127.0.0.1:$PORT (this machine)
            no environment, named by flag --database-url
    error[read-only]: transactions are read-only here
      hint       default_transaction_read_only is set for the role in this database: alter role "$OWNER" in database "$DATABASE" reset default_transaction_read_only
    --- exit 5 ---
    "#);
}

#[test]
fn transactions_that_are_read_only_on_the_server() {
    let server = Server::private(&Options::new(15).set("default_transaction_read_only", "on"));
    let target = server.admin("postgres");
    let output = refused_without_a_trace(&target, &target);
    insta::assert_snapshot!(output.snapshot(), @r#"
    --- stderr ---
    Target  postgres as admin on 127.0.0.1:$PORT (this machine)
            no environment, named by flag --database-url
    error[read-only]: transactions are read-only here
      hint       default_transaction_read_only is on in the server's configuration, perhaps for a reason (maintenance, a full disk); then: alter system reset default_transaction_read_only, or edit
                 postgresql.conf, and select pg_reload_conf()
    --- exit 5 ---
    "#);
}

#[test]
fn transactions_that_are_read_only_by_the_options_of_the_connection() {
    let database = database();
    let before = catalog(&database.admin());
    let output = screen(
        Evmig::new(&project(), "apply")
            .on(&database)
            .env("PGOPTIONS", "-c default_transaction_read_only=on"),
    );
    assert_eq!(catalog(&database.admin()), before);
    insta::assert_snapshot!(output.snapshot(), @r#"
    --- stderr ---
    Target  $DATABASE as $OWNER on 127.0.0.1:$PORT (this machine)
            no environment, named by flag --database-url
    error[read-only]: transactions are read-only here
      hint       default_transaction_read_only comes with the connection: take it out of PGOPTIONS or of `options` in the URL
    --- exit 5 ---
    "#);
}

#[test]
fn a_database_in_latin1() {
    let database = Server::shared(15, Shape::Plain).latin1_database();
    let output = refused_without_a_trace(&database, &database.admin());
    insta::assert_snapshot!(output.snapshot(), @r#"
    --- stderr ---
    Target  $DATABASE as admin on 127.0.0.1:$PORT (this machine)
            no environment, named by flag --database-url
    error[encoding]: the database `$DATABASE` has the encoding LATIN1, and evmig needs UTF8
      hint       create the database with ENCODING 'UTF8' TEMPLATE template0; migrations are UTF-8, and not all of it fits
    --- exit 5 ---
    "#);
}

#[test]
fn postgresql_13() {
    let server = Server::private(&Options::new(13));
    let target = server.admin("postgres");
    let output = refused_without_a_trace(&target, &target);
    insta::assert_snapshot!(output.snapshot(), @r#"
    --- stderr ---
    Target  postgres as admin on 127.0.0.1:$PORT (this machine)
            no environment, named by flag --database-url
    error[server-too-old]: the server is PostgreSQL 13.x, and evmig needs 14 or later
      hint       upgrade the server: PostgreSQL 13 gets no fixes any more, and evmig relies on client_connection_check_interval (14)
    --- exit 5 ---
    "#);
}

#[test]
fn everything_at_once_is_told_at_once() {
    let server = Server::private(&Options::new(13));
    let database = server.latin1_database();
    database.execute(&format!(
        "create role reader login password '{PASSWORD}';
         alter role reader set default_transaction_read_only = on"
    ));
    let target = database.as_user("reader");
    let output = refused_without_a_trace(&target, &database.admin());
    insta::assert_snapshot!(output.snapshot(), @r#"
    --- stderr ---
    Target  $DATABASE as reader on 127.0.0.1:$PORT (this machine)
            no environment, named by flag --database-url
    error[server-too-old]: the server is PostgreSQL 13.x, and evmig needs 14 or later
      hint       upgrade the server: PostgreSQL 13 gets no fixes any more, and evmig relies on client_connection_check_interval (14)

    error[encoding]: the database `$DATABASE` has the encoding LATIN1, and evmig needs UTF8
      hint       create the database with ENCODING 'UTF8' TEMPLATE template0; migrations are UTF-8, and not all of it fits

    error[read-only]: transactions are read-only here
      hint       default_transaction_read_only is set for the role: alter role "reader" reset default_transaction_read_only

    3 errors; nothing was run
    --- exit 5 ---
    "#);
}

#[test]
fn a_role_that_may_not_create_in_the_database() {
    let server = Server::private(&Options::new(15));
    let database = server.database(Shape::Plain, Role::Superuser);
    database.execute(&format!("create role guest login password '{PASSWORD}'"));
    let guest = database.as_user("guest");
    let output = refused_without_a_trace(&guest, &database.admin());
    insta::assert_snapshot!(output.snapshot(), @r#"
    --- stderr ---
    Target  $DATABASE as guest on 127.0.0.1:$PORT (this machine)
            no environment, named by flag --database-url
    error[rights]: the role may not create the schema "evmig" in this database
      hint       evmig keeps its history in a schema of its own; let the database's owner or a superuser run: grant create on database "$DATABASE" to "guest"
    --- exit 5 ---
    "#);
    // The fix that is named is one.
    database.execute(&format!(
        "grant create on database \"{}\" to \"guest\"; grant create on schema public to guest",
        database.database
    ));
    Evmig::new(&project(), "apply").on(&guest).run().succeeds();
}

#[test]
fn a_wrong_password() {
    let database = database();
    let before = catalog(&database.admin());
    let output = screen(
        Evmig::new(&project(), "apply")
            .on(&database)
            .env("PGPASSWORD", "sesame-open"),
    );
    assert!(!output.stderr.contains("sesame"));
    assert_eq!(catalog(&database.admin()), before);
    insta::assert_snapshot!(output.snapshot(), @r#"
    --- stderr ---
    Target  $DATABASE as $OWNER on 127.0.0.1:$PORT (this machine)
            no environment, named by flag --database-url
    error[cannot-connect]: cannot connect to 127.0.0.1:$PORT: password authentication failed for user "$OWNER"
      sqlstate   28P01 (invalid_password)
      hint       check the user and the password; `evmig config` shows where each of them was set
    --- exit 5 ---
    "#);
}

#[test]
fn no_password_at_all() {
    let database = database();
    let output = screen(
        Evmig::new(&project(), "apply")
            .knowing(&database)
            .arg("--database-url")
            .arg(database.url_without_password()),
    );
    insta::assert_snapshot!(words(&output), @r#"
    --- stderr --- Target $DATABASE as $OWNER on 127.0.0.1:$PORT (this machine) no environment, named by flag --database-url error[cannot-connect]: cannot connect to 127.0.0.1:$PORT: the server asks for a password, and none is in the connection string, PGPASSWORD, $HOME/.pgpass hint put it into ~/.pgpass (mode 0600) or PGPASSWORD --- exit 5 ---
    "#);
}

#[test]
fn no_such_database_and_no_such_role() {
    let database = database();
    let missing = Target {
        database: "event_managment".to_owned(),
        ..(*database).clone()
    };
    insta::assert_snapshot!(refused(&missing).snapshot(), @r#"
    --- stderr ---
    Target  event_managment as $OWNER on 127.0.0.1:$PORT (this machine)
            no environment, named by flag --database-url
    error[cannot-connect]: cannot connect to 127.0.0.1:$PORT: database "event_managment" does not exist
      sqlstate   3D000 (invalid_catalog_name)
      hint       create it first: `createdb`, or CREATE DATABASE
    --- exit 5 ---
    "#);
    insta::assert_snapshot!(refused(&database.as_user("nobody")).snapshot(), @r#"
    --- stderr ---
    Target  $DATABASE as nobody on 127.0.0.1:$PORT (this machine)
            no environment, named by flag --database-url
    error[cannot-connect]: cannot connect to 127.0.0.1:$PORT: password authentication failed for user "nobody"
      sqlstate   28P01 (invalid_password)
      hint       check the user and the password; `evmig config` shows where each of them was set
    --- exit 5 ---
    "#);
}

#[test]
fn nothing_listens() {
    let target = Target {
        host: "127.0.0.1".to_owned(),
        port: free_port(),
        socket_directory: None,
        user: "app".to_owned(),
        password: "x".to_owned(),
        database: "events".to_owned(),
    };
    insta::assert_snapshot!(refused(&target).snapshot(), @r#"
    --- stderr ---
    Target  events as app on 127.0.0.1:$PORT (this machine)
            no environment, named by flag --database-url
    error[cannot-connect]: cannot connect to 127.0.0.1:$PORT: Connection refused (os error 111)
      hint       is the server running, and may this machine reach that port?
    --- exit 5 ---
    "#);
}

#[test]
fn a_host_name_that_does_not_exist() {
    let output = screen(
        Evmig::new(&project(), "apply")
            .arg("--database-url")
            .arg("postgresql://app@db.example.invalid/events"),
    );
    insta::assert_snapshot!(output.snapshot(), @r#"
    --- stderr ---
    Target  events as app on db.example.invalid:5432
            no environment, named by flag --database-url
    error[cannot-connect]: cannot connect to db.example.invalid:5432: the host name is not known
      hint       check the host name; `evmig config` shows where it was set
    --- exit 5 ---
    "#);
}

#[test]
fn a_server_without_tls_where_tls_is_required() {
    let database = database();
    let output = screen(
        Evmig::new(&project(), "apply")
            .on(&database)
            .env("PGSSLMODE", "require"),
    );
    insta::assert_snapshot!(output.snapshot(), @r#"
    --- stderr ---
    Target  $DATABASE as $OWNER on 127.0.0.1:$PORT (this machine)
            no environment, named by flag --database-url
    error[cannot-connect]: cannot connect to 127.0.0.1:$PORT: the server does not offer TLS
      hint       turn TLS on at the server, or weaken sslmode if the network is trusted
    --- exit 5 ---
    "#);
}

#[test]
fn a_server_that_takes_only_tls() {
    let authority = Authority::new("refusals");
    let certificate = authority.issue("127.0.0.1");
    let server = Server::private(
        &Options::new(15)
            .tls(&certificate)
            .hba("hostnossl all all all reject"),
    );
    let target = server.admin("postgres");
    let output = screen(
        Evmig::new(&project(), "apply")
            .on(&target)
            .env("PGSSLMODE", "disable"),
    );
    insta::assert_snapshot!(output.snapshot(), @r#"
    --- stderr ---
    Target  postgres as admin on 127.0.0.1:$PORT (this machine)
            no environment, named by flag --database-url
    error[cannot-connect]: cannot connect to 127.0.0.1:$PORT: pg_hba.conf rejects connection for host "127.0.0.1", user "admin", database "postgres", no encryption
      sqlstate   28000 (invalid_authorization_specification)
      hint       the server may insist on TLS: set sslmode=require or stronger
    --- exit 5 ---
    "#);
    let output = screen(
        Evmig::new(&project(), "apply")
            .on(&target)
            .env("PGSSLMODE", "verify-full"),
    );
    insta::assert_snapshot!(words(&output), @r#"
    --- stderr --- Target postgres as admin on 127.0.0.1:$PORT (this machine) no environment, named by flag --database-url error[cannot-connect]: cannot connect to 127.0.0.1:$PORT: sslmode=verify-full needs the certificate of the authority that signed the server's, and $HOME/.postgresql/root.crt does not exist; save it there, or name it with sslrootcert=FILE, or use sslrootcert=system for a certificate that a public authority signed --- exit 5 ---
    "#);
}

#[test]
fn a_connection_string_that_makes_no_sense() {
    let at = |url: &str| {
        let output = Evmig::new(&project(), "apply")
            .arg("--database-url")
            .arg(url)
            .run();
        output.exits(2).snapshot()
    };
    insta::assert_snapshot!(at("postgresql://app@127.0.0.1:99999/events"), @r#"
    --- stderr ---
    error[no-target]: `port` (from the connection string) must be a number from 1 to 65535
    --- exit 2 ---
    "#);
    insta::assert_snapshot!(at("postgresql://app@127.0.0.1/events?sslmod=require"), @r#"
    --- stderr ---
    error[no-target]: the connection string cannot be read: unknown keyword `sslmod`; did you mean
      `sslmode`?
    --- exit 2 ---
    "#);
    insta::assert_snapshot!(at("mysql://app@127.0.0.1/events"), @r#"
    --- stderr ---
    error[no-target]: the connection string cannot be read: a connection URL starts with `postgresql://`
      or `postgres://`
    --- exit 2 ---
    "#);
}

/// A project whose environment `production` is protected; its URL is in the variable `PROD`.
fn protected(database: &Database) -> (Project, String) {
    let project = project();
    let manifest = project.read("phases.toml");
    project.write(
        "phases.toml",
        format!("{manifest}\n[environments.production]\nurl_env = \"PROD\"\nprotected = true\n"),
    );
    (project, database.url())
}

#[test]
fn a_protected_environment_without_a_terminal_needs_consent() {
    let database = database();
    let (project, url) = protected(&database);
    let before = catalog(&database.admin());
    let production = |words: &str| {
        Evmig::new(&project, words)
            .knowing(&database)
            .env("PROD", &url)
    };
    let output = screen(production("apply --env production"));
    assert_eq!(catalog(&database.admin()), before);
    insta::assert_snapshot!(output.snapshot(), @r#"
    --- stderr ---
    Target  $DATABASE as $OWNER on 127.0.0.1:$PORT (this machine)
            PROTECTED environment production, named by flag --env
    error[protected]: environment production is protected, and there is no terminal to ask on
      hint       give the consent in advance with --yes
    --- exit 5 ---
    "#);
    production("apply --env production --yes").run().succeeds();
    assert_eq!(database.value("select count(*) from people"), "0");
}

#[test]
fn a_protected_environment_on_a_terminal_asks_for_the_name_of_the_database() {
    let database = database();
    let (project, url) = protected(&database);
    let before = catalog(&database.admin());
    let typed = |answer: &str| {
        Evmig::new(&project, "apply --env production --color never")
            .knowing(&database)
            .env("PROD", &url)
            .stdin(format!("{answer}\n"))
            .terminal(80)
            .run()
    };
    for wrong in ["yes", "", "production"] {
        let output = typed(wrong).exits(5);
        assert!(
            output.stdout.contains("does not match"),
            "{}",
            output.stdout
        );
    }
    insta::assert_snapshot!(typed("production").exits(5).snapshot(), @r#"
    production
    Target  $DATABASE as $OWNER on 127.0.0.1:$PORT (this machine)
            PROTECTED environment production, named by flag --env
    production is protected. Type the database's name to go on ($DATABASE): error[not-confirmed]: the name does not match; nothing was changed
    --- exit 5 ---
    "#);
    assert_eq!(catalog(&database.admin()), before);
    let output = typed(&database.database).succeeds();
    insta::assert_snapshot!(output.snapshot(), @r#"
    $DATABASE
    Target  $DATABASE as $OWNER on 127.0.0.1:$PORT (this machine)
            PROTECTED environment production, named by flag --env
    production is protected. Type the database's name to go on ($DATABASE): Run $RUN: 1 migration, 1 statement
    Phase 1  Core
      V1__people                                            1 statement  $T
    Applied 1 migration, 1 statement, in $T
      run        $RUN
    --- exit 0 ---
    "#);
}

/// An address that is not of this machine; documentation addresses (RFC 5737) answer nobody.
const ELSEWHERE: &str = "postgresql://app@198.51.100.7:5432/events?connect_timeout=2";

#[test]
fn a_target_of_the_surroundings_that_is_elsewhere_needs_consent() {
    let output = screen(Evmig::new(&project(), "apply").env("DATABASE_URL", ELSEWHERE));
    insta::assert_snapshot!(output.snapshot(), @r#"
    --- stderr ---
    Target  events as app on 198.51.100.7:5432
            no environment, named by variable DATABASE_URL
    error[ambient-target]: the target comes from variable DATABASE_URL and is not on this machine, and there is no terminal to ask on
      hint       name it with --database-url or --env, or give the consent with --yes
    --- exit 5 ---
    "#);
    let output = screen(
        Evmig::new(&project(), "apply")
            .env("PGHOST", "198.51.100.7")
            .env("PGUSER", "app"),
    );
    insta::assert_snapshot!(output.snapshot(), @r#"
    --- stderr ---
    Target  app as app on 198.51.100.7:5432
            no environment, named by variable PGHOST
    error[ambient-target]: the target comes from variable PGHOST and is not on this machine, and there is no terminal to ask on
      hint       name it with --database-url or --env, or give the consent with --yes
    --- exit 5 ---
    "#);
}

#[test]
fn a_target_of_the_surroundings_that_is_elsewhere_is_asked_about_on_a_terminal() {
    let output = Evmig::new(&project(), "apply --color never")
        .env("DATABASE_URL", ELSEWHERE)
        .stdin("\n")
        .terminal(80)
        .run()
        .exits(5);
    insta::assert_snapshot!(output.snapshot(), @r#"
    Target  events as app on 198.51.100.7:5432
            no environment, named by variable DATABASE_URL
    The target comes from variable DATABASE_URL and is not on this machine. Go on? [y/N] error[not-confirmed]: nothing was changed
    --- exit 5 ---
    "#);
}

#[test]
fn a_target_of_the_surroundings_on_this_machine_needs_no_consent() {
    let database = database();
    let output = Evmig::new(&project(), "apply")
        .knowing(&database)
        .env("DATABASE_URL", database.url())
        .run()
        .succeeds();
    insta::assert_snapshot!(output.snapshot(), @r#"
    Applied 1 migration, 1 statement, in $T
      run        $RUN
    --- stderr ---
    Target  $DATABASE as $OWNER on 127.0.0.1:$PORT (this machine)
            no environment, named by variable DATABASE_URL
    Run $RUN: 1 migration, 1 statement
    Phase 1  Core
      V1__people                                                        1 statement  $T
    --- exit 0 ---
    "#);
}

#[test]
fn reading_is_not_refused_where_only_writing_is() {
    let primary = Server::private(&Options::new(15));
    let standby = primary.standby();
    let output = Evmig::new(&project(), "status")
        .on(&standby.admin("postgres"))
        .run()
        .succeeds();
    insta::assert_snapshot!(output.snapshot(), @r#"
    Target  postgres as admin on 127.0.0.1:$PORT (this machine)
            no environment, named by flag --database-url
    Server  PostgreSQL 15.x

    Phase 1  Core  pending: 0 of 1 applied
      tables
        pending    V1__people

    1 pending
      next       evmig apply
    --- stderr ---
    --- exit 0 ---
    "#);
}

#[test]
fn a_refusal_as_json() {
    let database = Server::shared(15, Shape::Plain).latin1_database();
    let output = Evmig::new(&project(), "apply --format json")
        .on(&database)
        .run()
        .exits(5);
    insta::assert_snapshot!(output.snapshot(), @r#"
    {
      "schema": "evmig.apply/1",
      "run": null,
      "outcome": "failed",
      "target": {
        "host": "127.0.0.1",
        "port": $PORT,
        "database": "$DATABASE",
        "user": "admin",
        "named_by": "flag --database-url",
        "protected": false,
        "loopback": true,
        "embedded": false
      },
      "applied": [],
      "applied_by_other_runs": [],
      "pending": 0,
      "duration_ms": $T,
      "error": {
        "code": "encoding",
        "sqlstate": null,
        "file": null,
        "line": null,
        "column": null,
        "message": "the database `$DATABASE` has the encoding LATIN1, and evmig needs UTF8",
        "detail": null,
        "context": null,
        "hint": "create the database with ENCODING 'UTF8' TEMPLATE template0; migrations are UTF-8, and not all of it fits",
        "committed": null,
        "next": []
      }
    }
    --- stderr ---
    Target  $DATABASE as admin on 127.0.0.1:$PORT (this machine)
            no environment, named by flag --database-url
    error[encoding]: the database `$DATABASE` has the encoding LATIN1, and evmig needs UTF8
      hint       create the database with ENCODING 'UTF8' TEMPLATE template0; migrations are UTF-8, and
                 not all of it fits
    --- exit 5 ---
    "#);
}
