//! Opening sessions: who is told what when it does not work, retries, cancelling, notices.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "helpers of tests fail the test"
)]

use std::fs;
use std::time::{Duration, Instant};

use evmig::pg::connect_error::Reason;
use evmig::pg::error::{DbFailure, Kind};

use crate::pg_server::{PgServer, block_on, free_port, open, parameters, value};

#[test]
fn refusals_of_the_server_have_their_own_reasons() {
    let server = PgServer::start("connect", "");
    server.sql("CREATE ROLE u LOGIN PASSWORD 'Ca-na-ry-1'");
    server.restart(
        "",
        "local all all trust\nhost all all 127.0.0.1/32 scram-sha-256\n",
    );
    let port = server.port;
    let reason = |text: String| {
        let error = block_on(open(&text, None)).unwrap_err();
        let shown = format!("{error} {error:?}");
        assert!(!shown.contains("Ca-na-ry"), "{shown}");
        error
    };
    let at = format!("127.0.0.1:{port}");
    let error = reason(format!("postgres://u@{at}/postgres"));
    assert!(matches!(error.reason, Reason::NoPassword { .. }), "{error}");
    assert!(error.to_string().contains("PGPASSWORD"), "{error}");
    let error = reason(format!("postgres://u:Ca-na-ry-2@{at}/postgres"));
    assert_eq!(error.reason, Reason::Authentication);
    assert_eq!(error.sqlstate(), Some("28P01"));
    let error = reason(format!("postgres://u:Ca-na-ry-1@{at}/nosuchdb"));
    assert_eq!(error.reason, Reason::DatabaseMissing);
    let error = reason(format!(
        "postgres://u:Ca-na-ry-1@127.0.0.1:{}/x",
        free_port()
    ));
    assert!(
        matches!(error.reason, Reason::CannotReach { .. }),
        "{error}"
    );
    let error = reason(format!("host=/nonexistent port={port}"));
    assert!(
        error.to_string().contains("/nonexistent/.s.PGSQL."),
        "{error}"
    );
    let error = reason(format!("host=no-such-host.invalid port={port}"));
    assert_eq!(error.reason, Reason::UnknownHost);
    let error = reason(format!(
        "postgres://u:Ca-na-ry-1@{at}/postgres?channel_binding=require"
    ));
    assert!(
        matches!(error.reason, Reason::LoginProtocol { .. }),
        "{error}"
    );
    let good = format!("postgres://u:Ca-na-ry-1@{at}/postgres");
    let connection = block_on(open(&good, None)).unwrap();
    assert!(!format!("{connection:?} {:?}", parameters(&good, None)).contains("Ca-na-ry"));
}

#[test]
fn the_next_host_of_a_list_is_tried_and_its_kind_counts() {
    let server = PgServer::start("hosts", "");
    server.sql("ALTER DATABASE postgres SET default_transaction_read_only = on");
    let (port, dead) = (server.port, free_port());
    let list = format!("postgres://postgres@127.0.0.1:{dead},127.0.0.1:{port}");
    let connection = block_on(open(&format!("{list}/postgres"), None)).unwrap();
    assert_eq!(
        (connection.info.port, connection.info.server_index),
        (port, 1)
    );
    for (attrs, fits) in [
        ("any", true),
        ("read-write", false),
        ("read-only", true),
        ("primary", true),
        ("standby", false),
        ("prefer-standby", true),
    ] {
        let text = format!("{list}/postgres?target_session_attrs={attrs}");
        assert_eq!(block_on(open(&text, None)).is_ok(), fits, "{attrs}");
    }
}

/// B24: a full server is tried again until there is room.
#[test]
fn b_24_a_full_server_is_tried_again_within_the_limit() {
    let settings = "max_connections = 3\nsuperuser_reserved_connections = 0\nmax_wal_senders = 0\n\
                    autovacuum = off";
    let server = PgServer::start("full", settings);
    block_on(async {
        let mut held = Vec::new();
        for _ in 0..3 {
            held.push(open(&server.url("postgres"), None).await.unwrap());
        }
        let text = format!("{}&connect_timeout=1", server.url("postgres"));
        let started = Instant::now();
        let error = open(&text, None).await.unwrap_err();
        assert_eq!(error.reason, Reason::TooManyConnections);
        assert!(started.elapsed() > Duration::from_millis(300));
        assert!(started.elapsed() < Duration::from_millis(1500));
        let url = server.url("postgres");
        let release = async {
            tokio::time::sleep(Duration::from_millis(400)).await;
            held.pop().unwrap().close(Duration::from_secs(1)).await;
        };
        let (opened, ()) = tokio::join!(open(&url, None), release);
        opened.unwrap();
    });
}

/// B15, B22: a server that takes the connection and says nothing costs no more than the limit.
#[test]
fn b_15_a_silent_server_costs_no_more_than_the_limit() {
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    for mode in ["disable", "require"] {
        let text = format!("host=127.0.0.1 port={port} connect_timeout=1 sslmode={mode}");
        let started = Instant::now();
        let error = block_on(open(&text, None)).unwrap_err();
        assert!(matches!(error.reason, Reason::Timeout { .. }), "{error}");
        assert!(started.elapsed() < Duration::from_millis(1800));
    }
}

#[test]
fn the_key_leads_to_the_backend_and_cancels_it() {
    let server = PgServer::start("cancel", "");
    block_on(async {
        let connection = open(&server.url("postgres"), None).await.unwrap();
        let pid = value(&connection, "SELECT pg_backend_pid()").await;
        assert_eq!(connection.info.key_pid.unwrap().to_string(), pid);
        let canceller = connection.canceller();
        let cancel = async {
            tokio::time::sleep(Duration::from_millis(200)).await;
            canceller.cancel(Duration::from_secs(2)).await.unwrap();
        };
        let sleep = connection.client.simple_query("SELECT pg_sleep(20)");
        let (result, ()) = tokio::join!(sleep, cancel);
        let failure = connection.failure(&result.unwrap_err());
        assert_eq!(failure.kind(), Kind::QueryCanceled);
        assert_eq!(value(&connection, "SELECT 1").await, "1");
    });
}

#[test]
fn failures_keep_everything_the_server_said_and_are_safe_to_show() {
    let server = PgServer::start("failure", "");
    block_on(async {
        let mut connection = open(&server.url("postgres"), None).await.unwrap();
        let sql = "SELECT 'ü', nosuch";
        let error = connection.client.simple_query(sql).await.unwrap_err();
        let failure = DbFailure::from(&error);
        assert_eq!(failure.sqlstate.as_deref(), Some("42703"));
        assert_eq!(&sql[failure.byte_offset(sql).unwrap()..], "nosuch");
        let sql = "DO $$ BEGIN RAISE WARNING E'\\x1b[31mred'; RAISE EXCEPTION E'a\\x1b]52;c;x\\x07' \
                   USING ERRCODE = '23505', CONSTRAINT = 'c', HINT = 'h', DETAIL = 'd'; END $$";
        let failure = connection.failure(&connection.client.simple_query(sql).await.unwrap_err());
        assert_eq!(failure.message, "a\\x1b]52;c;x\\x07");
        assert_eq!(failure.kind(), Kind::UniqueViolation);
        assert_eq!(failure.constraint.as_deref(), Some("c"));
        assert_eq!(
            (failure.hint.as_deref(), failure.detail.as_deref()),
            (Some("h"), Some("d"))
        );
        assert!(failure.context.unwrap().contains("PL/pgSQL"));
        let notice = connection.notices.recv().await.unwrap();
        assert_eq!(
            (notice.severity.as_str(), notice.message.as_str()),
            ("WARNING", "\\x1b[31mred")
        );
        let pid = value(&connection, "SELECT pg_backend_pid()").await;
        server.sql(&format!("SELECT pg_terminate_backend({pid})"));
        tokio::time::sleep(Duration::from_millis(200)).await;
        let error = connection
            .client
            .simple_query("SELECT 1")
            .await
            .unwrap_err();
        let failure = connection.failure(&error);
        assert_eq!(failure.kind(), Kind::AdminShutdown);
        assert!(failure.ends_the_session());
    });
}

#[test]
fn the_password_file_logs_in() {
    use std::os::unix::fs::PermissionsExt as _;
    let server = PgServer::start("pgpass", "");
    server.sql("CREATE ROLE u LOGIN PASSWORD 'pass:word'");
    server.restart(
        "",
        "local all all trust\nhost all all 127.0.0.1/32 scram-sha-256\n",
    );
    let home = server.directory.join("home");
    fs::create_dir(&home).unwrap();
    let file = home.join(".pgpass");
    fs::write(
        &file,
        format!("127.0.0.1:{}:*:u:pass\\:word\n", server.port),
    )
    .unwrap();
    let text = format!("postgres://u@127.0.0.1:{}/postgres", server.port);
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    assert!(block_on(open(&text, Some(&home))).is_ok());
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
    let error = block_on(open(&text, Some(&home))).unwrap_err();
    assert!(matches!(error.reason, Reason::NoPassword { .. }));
    assert_eq!(parameters(&text, Some(&home)).warnings.len(), 1);
}
