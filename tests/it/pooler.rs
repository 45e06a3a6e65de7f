//! B19, B30, B35, B40: what evmig knows about a server before it writes, and what it refuses.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "helpers of tests fail the test"
)]

use std::fs;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use evmig::pg::connect::ConnectOptions;
use evmig::pg::connect_error::Reason;
use evmig::pg::pooling::{Evidence, Pooling, Unproven, detect};
use evmig::pg::probe::{ReadOnlySource, ServerFacts, inspect};
use evmig::pg::refusal::{Refusal, refusals};

use crate::pg_server::{PgServer, block_on, free_port, give_away, open, parameters, run};

const LIMIT: Duration = Duration::from_secs(10);

/// A running PgBouncer in front of a server.
struct Pooler {
    child: Child,
    port: u16,
}

impl Pooler {
    fn start(server: &PgServer, mode: &str, extra: &str) -> Self {
        let port = free_port();
        let file = server.directory.join(format!("{mode}-{port}.ini"));
        let config = format!(
            "[databases]\n* = host=127.0.0.1 port={}\n[pgbouncer]\nlisten_addr = 127.0.0.1\n\
             listen_port = {port}\nunix_socket_dir =\nauth_type = any\npool_mode = {mode}\n\
             logfile = {}\n{extra}\n",
            server.port,
            server.directory.join("pgbouncer.log").display(),
        );
        // With `auth_type = any` every client is this server-side user.
        let config = config.replace("* = host", "* = user=postgres host");
        fs::write(&file, config).unwrap();
        give_away(&file);
        // PgBouncer gives root up by itself, and is then the child that the end signals.
        let user: &[&str] = if nix::unistd::geteuid().is_root() {
            &["-u", "postgres"]
        } else {
            &[]
        };
        let child = Command::new("/usr/sbin/pgbouncer")
            .arg("-q")
            .args(user)
            .arg(&file)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let pooler = Self { child, port };
        for _ in 0..100 {
            if std::net::TcpStream::connect(("127.0.0.1", port)).is_ok() {
                return pooler;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        panic!("PgBouncer does not listen");
    }

    fn url(&self) -> String {
        format!(
            "postgresql://postgres@127.0.0.1:{}/postgres?sslmode=disable",
            self.port
        )
    }
}

impl Drop for Pooler {
    fn drop(&mut self) {
        let pid = nix::unistd::Pid::from_raw(self.child.id() as i32);
        let sent = nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGTERM);
        let ended = self.child.wait();
        if !std::thread::panicking() {
            sent.unwrap();
            ended.unwrap();
        }
    }
}

fn probe(url: &str) -> (ServerFacts, Pooling) {
    block_on(async {
        let connection = open(url, None).await.unwrap();
        let facts = inspect(&connection, LIMIT).await.unwrap();
        let options = ConnectOptions::default();
        let pooling = detect(&connection, &facts, &parameters(url, None), &options).await;
        (facts, pooling.unwrap())
    })
}

fn refused(url: &str) -> Vec<Refusal> {
    let (facts, pooling) = probe(url);
    refusals(&facts, &pooling, &parameters(url, None), true)
}

#[test]
fn b_19_transaction_and_statement_pools_are_refused_and_session_pools_are_not() {
    let server = PgServer::start("pooler", "");
    assert_eq!(probe(&server.url("postgres")).1, Pooling::Direct);
    for mode in ["transaction", "statement"] {
        // Also where the pooler goes round its backends, where others keep it busy, and where
        // there is one backend only. Two in turn look like one for each of two sessions.
        for extra in [
            "",
            "server_round_robin = 1\nmin_pool_size = 5",
            "server_round_robin = 1\nmin_pool_size = 2\ndefault_pool_size = 2",
            "default_pool_size = 1",
        ] {
            let pooler = Pooler::start(&server, mode, extra);
            // The pooler opens one backend every third of a second while it has a client, until it
            // has its least number.
            let mut client = Command::new("psql")
                .args(["-X", "-q", &pooler.url()])
                .stdin(Stdio::piped())
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()
                .unwrap();
            for _ in 0..4 {
                let (facts, pooling) = probe(&pooler.url());
                assert!(
                    matches!(pooling, Pooling::Transaction { .. }),
                    "{mode} {extra}: {pooling:?}"
                );
                let refused = refusals(&facts, &pooling, &parameters(&pooler.url(), None), true);
                assert!(
                    matches!(
                        refused[..],
                        [Refusal::TransactionPooler {
                            session_url: None,
                            ..
                        }]
                    ),
                    "{mode} {extra}: {refused:?}"
                );
                std::thread::sleep(Duration::from_millis(400));
            }
            drop(client.stdin.take());
            client.wait().unwrap();
        }
    }
    for extra in ["", "server_round_robin = 1\nmin_pool_size = 5"] {
        let pooler = Pooler::start(&server, "session", extra);
        assert_eq!(probe(&pooler.url()).1, Pooling::Session, "{extra}");
        assert_eq!(refused(&pooler.url()), []);
    }
    let pooler = Pooler::start(&server, "session", "default_pool_size = 1");
    let (_, pooling) = probe(&pooler.url());
    assert!(
        matches!(
            pooling,
            Pooling::Unproven {
                why: Unproven::NoBackend(_) | Unproven::NoSecondSession(_)
            }
        ),
        "{pooling:?}"
    );
    assert_eq!(refused(&pooler.url()), []);
}

#[test]
fn b_19_a_busy_transaction_pool_gives_itself_away_too() {
    let server = PgServer::start("busypool", "");
    let pooler = Pooler::start(&server, "transaction", "default_pool_size = 4");
    let busy: Vec<_> = (0..3)
        .map(|_| {
            Command::new("pgbench")
                .args([
                    "-n",
                    "-T",
                    "8",
                    "-c",
                    "2",
                    "-f",
                    "/dev/stdin",
                    &pooler.url(),
                ])
                .stdin({
                    let file = server.directory.join("load.sql");
                    fs::write(&file, "SELECT pg_sleep(0.002);\n").unwrap();
                    fs::File::open(file).unwrap()
                })
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()
                .unwrap()
        })
        .collect();
    std::thread::sleep(Duration::from_millis(500));
    for _ in 0..10 {
        let (_, pooling) = probe(&pooler.url());
        assert!(
            matches!(
                pooling,
                Pooling::Transaction {
                    evidence: Evidence::SharedBackend { .. } | Evidence::MovedBackend { .. }
                }
            ),
            "{pooling:?}"
        );
    }
    for mut load in busy {
        load.kill().unwrap();
        load.wait().unwrap();
    }
}

#[test]
fn facts_of_a_plain_role_on_a_plain_server() {
    let server = PgServer::start("facts", "");
    server.sql("CREATE ROLE plain LOGIN");
    let url = server.url("postgres").replace("postgres@", "plain@");
    let (facts, _) = probe(&url);
    assert_eq!(
        facts.version_num / 10_000,
        server
            .sql("SHOW server_version_num")
            .parse::<u32>()
            .unwrap()
            / 10_000
    );
    assert_eq!(
        (facts.database.as_str(), facts.encoding.as_str()),
        ("postgres", "UTF8")
    );
    assert_eq!(
        (facts.session_user.as_str(), facts.current_user.as_str()),
        ("plain", "plain")
    );
    assert_eq!(facts.application_name, "evmig/0.1.0 run=0123456789");
    assert_eq!(facts.deadlock_timeout, Duration::from_secs(1));
    assert!(facts.standard_conforming_strings);
    assert!(!facts.superuser);
    let identifier = server.sql("SELECT system_identifier FROM pg_control_system()");
    assert_eq!(facts.system_identifier, Some(identifier));
    assert_eq!(facts.timeline, Some(1));
    assert_eq!(refused(&url), []);
    let (facts, _) = probe(&server.url("postgres"));
    assert!(facts.superuser);
    // What an administrator has revoked is unknown, not an error.
    server.sql("REVOKE EXECUTE ON FUNCTION pg_control_system() FROM public");
    assert_eq!(probe(&url).0.system_identifier, None);
}

/// B85: a role that may create functions and operators cannot make the probe run them.
#[test]
fn b_85_planted_functions_and_operators_are_not_called() {
    let server = PgServer::start("planted", "");
    server.sql(
        "CREATE SCHEMA evil; \
         CREATE FUNCTION evil.version() RETURNS text LANGUAGE sql AS 'SELECT 1/0 || ''''';\
         CREATE FUNCTION evil.boom(name, name) RETURNS bool LANGUAGE plpgsql AS \
           $$ BEGIN RAISE EXCEPTION 'planted'; END $$; \
         CREATE OPERATOR evil.= (LEFTARG = name, RIGHTARG = name, FUNCTION = evil.boom); \
         CREATE FUNCTION evil.boom(text, text) RETURNS bool LANGUAGE plpgsql AS \
           $$ BEGIN RAISE EXCEPTION 'planted'; END $$; \
         CREATE OPERATOR evil.= (LEFTARG = text, RIGHTARG = text, FUNCTION = evil.boom); \
         CREATE TABLE evil.pg_settings (name text, setting text); \
         ALTER ROLE postgres SET search_path = evil, pg_catalog",
    );
    assert_eq!(refused(&server.url("postgres")), []);
}

#[test]
fn b_35_read_only_settings_are_refused_with_their_place() {
    let server = PgServer::start("readonly", "");
    let url = server.url("postgres");
    let source = || match &refused(&url)[..] {
        [Refusal::ReadOnly { set_by }] => set_by.clone().unwrap(),
        other => panic!("{other:?}"),
    };
    let admin = |sql: &str| server.sql(&format!("SET TRANSACTION READ WRITE; {sql}"));
    admin("ALTER ROLE postgres SET default_transaction_read_only = on");
    assert_eq!(source(), ReadOnlySource::Role);
    admin("ALTER ROLE postgres RESET default_transaction_read_only");
    admin("ALTER DATABASE postgres SET default_transaction_read_only = on");
    assert_eq!(source(), ReadOnlySource::Database);
    admin("ALTER DATABASE postgres RESET default_transaction_read_only");
    assert_eq!(refused(&url), []);
    server.restart(
        "default_transaction_read_only = on",
        "host all all 127.0.0.1/32 trust\n",
    );
    assert_eq!(source(), ReadOnlySource::Server);
}

#[test]
fn b_30_b_40_a_standby_and_another_encoding_are_refused() {
    let server = PgServer::start("primary", "");
    run(Command::new("psql").args(["-X", "-q", "-c"]).arg(
        "CREATE DATABASE latin ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0",
    ).arg(server.url("postgres")));
    assert!(matches!(
        &refused(&server.url("latin"))[..],
        [Refusal::Encoding { encoding, .. }] if encoding == "LATIN1"
    ));
    // A server that was told to follow another one is a standby, whether that one is there or not.
    fs::write(server.data().join("standby.signal"), "").unwrap();
    give_away(&server.data().join("standby.signal"));
    server.restart("hot_standby = on", "host all all 127.0.0.1/32 trust\n");
    assert_eq!(refused(&server.url("postgres")), [Refusal::Standby]);
}

#[test]
fn pgbouncers_own_refusals_are_told_from_the_servers() {
    let server = PgServer::start("bouncerrefusal", "");
    let pooler = Pooler::start(&server, "session", "max_client_conn = 2");
    let url = format!("{}&options=-c%20work_mem%3D1MB", pooler.url());
    let error = block_on(open(&url, None)).unwrap_err();
    assert_eq!(error.reason, Reason::PgBouncer, "{error}");
    assert!(error.help().unwrap().contains("PGOPTIONS"), "{error}");
    let error = block_on(open(
        &pooler.url().replace("/postgres?", "/nosuchdb?"),
        None,
    ))
    .unwrap_err();
    assert_eq!(error.reason, Reason::DatabaseMissing, "{error}");
    block_on(async {
        let _first = open(&pooler.url(), None).await.unwrap();
        let _second = open(&pooler.url(), None).await.unwrap();
        let url = format!("{}&connect_timeout=1", pooler.url());
        let error = open(&url, None).await.unwrap_err();
        assert_eq!(error.reason, Reason::PgBouncer, "{error}");
    });
}
