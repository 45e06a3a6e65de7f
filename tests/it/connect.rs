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
            (notice.said.severity.as_str(), notice.said.message.as_str()),
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

/// A name, the pieces that a server sends, and what it sends after them without end.
type Case = (&'static str, Vec<Vec<u8>>, Option<Vec<u8>>);

/// A server that sends a script: for each message of the client, the next piece.
fn scripted(pieces: Vec<Vec<u8>>, endless: Option<Vec<u8>>) -> u16 {
    use std::io::{Read as _, Write as _};
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut heard = [0; 4096];
            let mut nonce = String::new();
            for piece in &pieces {
                let count = stream.read(&mut heard).unwrap_or_default();
                let said = String::from_utf8_lossy(&heard[..count]);
                if let Some((_, after)) = said.split_once(",r=") {
                    after.trim_end_matches('\0').clone_into(&mut nonce);
                }
                if stream.write_all(&with_nonce(piece, &nonce)).is_err() {
                    break;
                }
            }
            if let Some(endless) = &endless {
                while stream.write_all(endless).is_ok() {}
            }
        }
    });
    port
}

fn message(tag: u8, body: &[u8]) -> Vec<u8> {
    let mut bytes = vec![tag];
    bytes.extend(((body.len() + 4) as u32).to_be_bytes());
    bytes.extend(body);
    bytes
}

/// Completes a SCRAM challenge, which repeats the client's nonce.
fn with_nonce(piece: &[u8], nonce: &str) -> Vec<u8> {
    let challenge = b"r=NONCE";
    match piece
        .windows(challenge.len())
        .position(|found| found == challenge)
    {
        Some(at) => {
            let rest = &piece[at + challenge.len()..];
            message(
                b'R',
                &[&piece[5..at], b"r=", nonce.as_bytes(), b"x", rest].concat(),
            )
        }
        None => piece.to_vec(),
    }
}

/// B82: whatever answers, the error comes within the limit, and the password is not in it.
#[test]
fn b_82_a_hostile_server_gets_an_error_and_nothing_else() {
    let sasl = message(b'R', b"\0\0\0\x0aSCRAM-SHA-256\0\0");
    let scram = message(b'R', b"\0\0\0\x0br=NONCE,s=c2FsdHNhbHQ=,i=1000000000");
    let notice = message(b'N', b"SNOTICE\0C00000\0Mmore\0\0");
    let escapes = message(
        b'E',
        b"SFATAL\0VFATAL\0C28000\0M\x1b]0;owned\x07\xe2\x80\xaex\0\0",
    );
    let cases: [Case; 12] = [
        (
            "HTTP",
            vec![b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec()],
            None,
        ),
        (
            "a length of 2 GB",
            vec![vec![b'R', 0x7f, 0xff, 0xff, 0xff, 0]],
            None,
        ),
        ("a length of 1", vec![vec![b'R', 0, 0, 0, 1, 0]], None),
        ("nothing", vec![], None),
        ("an empty piece", vec![vec![]], None),
        (
            "notices without end",
            vec![message(b'R', &[0; 4])],
            Some(notice),
        ),
        ("a billion iterations", vec![sasl.clone(), scram], None),
        (
            "a copy nobody asked for",
            vec![message(b'G', &[0, 0, 0])],
            None,
        ),
        (
            "a login over Kerberos",
            vec![message(b'R', &[0, 0, 0, 7])],
            None,
        ),
        ("an error without fields", vec![message(b'E', &[0])], None),
        ("escapes", vec![escapes], None),
        ("garbage", vec![vec![0xff; 3000]], None),
    ];
    for (name, pieces, endless) in cases {
        let port = scripted(pieces, endless);
        let text =
            format!("postgres://u:Ca-na-ry-3@127.0.0.1:{port}/d?sslmode=disable&connect_timeout=2");
        let started = Instant::now();
        let error = block_on(open(&text, None)).expect_err(name);
        let shown = format!("{error} {error:?} {:?}", error.help());
        assert!(
            started.elapsed() < Duration::from_secs(4),
            "{name}: {:?}",
            started.elapsed()
        );
        assert!(!shown.contains("Ca-na-ry"), "{name}: {shown}");
        assert!(
            !shown.contains(evmig::report::sanitize::is_unsafe),
            "{name}: {shown:?}"
        );
    }
}
