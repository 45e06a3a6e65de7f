//! B81: for every cell of server × sslmode × root file, evmig ends up where psql ends up.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "helpers of tests fail the test"
)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use evmig::pg::connect_error::Reason;
use evmig::pg::tls::{TlsFailure, TlsSetupError, Verification};

use crate::pg_server::{PgServer, block_on, give_away, open, run, value};

const MODES: [&str; 6] = [
    "disable",
    "allow",
    "prefer",
    "require",
    "verify-ca",
    "verify-full",
];

/// Where a connection ended up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Plain,
    Encrypted,
    Refused,
}

/// Certificates made for this run by `openssl`.
struct Certificates {
    directory: PathBuf,
}

impl Certificates {
    fn make(server: &PgServer) -> Self {
        let made = Self {
            directory: server.directory.join("tls"),
        };
        fs::create_dir(&made.directory).unwrap();
        made.authority("ca");
        made.authority("other");
        made.sign("good", "ca", "localhost", 30);
        made.sign("wronghost", "ca", "db.example", 30);
        made.sign("unknown", "other", "localhost", 30);
        made.sign("expired", "ca", "localhost", 0);
        made.sign("client", "ca", "postgres", 30);
        // Several authorities in one file, the right one last.
        let both = [made.read("other.crt"), made.read("ca.crt")].concat();
        fs::write(made.path("both.crt"), both).unwrap();
        made
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }

    fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.path(name)).unwrap()
    }

    fn openssl(&self, arguments: &str) {
        run(Command::new("openssl")
            .args(arguments.split(' '))
            .current_dir(&self.directory));
    }

    fn authority(&self, name: &str) {
        self.openssl(&format!(
            "req -x509 -newkey rsa:2048 -nodes -days 30 -subj /CN={name} -keyout {name}.key \
             -out {name}.crt"
        ));
    }

    fn sign(&self, name: &str, authority: &str, host: &str, days: u32) {
        self.openssl(&format!(
            "req -newkey rsa:2048 -nodes -subj /CN={host} -keyout {name}.key -out {name}.csr"
        ));
        fs::write(self.path("san"), format!("subjectAltName=DNS:{host}\n")).unwrap();
        self.openssl(&format!(
            "x509 -req -in {name}.csr -CA {authority}.crt -CAkey {authority}.key \
             -CAcreateserial -days {days} -extfile san -out {name}.crt"
        ));
        give_away(&self.path(&format!("{name}.key")));
    }

    /// The server's settings for one of the certificates.
    fn settings(&self, name: &str) -> String {
        format!(
            "ssl = on\nssl_cert_file = '{0}/{name}.crt'\nssl_key_file = '{0}/{name}.key'\n\
             ssl_ca_file = '{0}/ca.crt'",
            self.directory.display()
        )
    }
}

fn psql_verdict(text: &str, home: &Path) -> (Verdict, String) {
    let sql = "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()";
    let output = Command::new("psql")
        .env_clear()
        .env("HOME", home)
        .env("PATH", "/usr/bin:/bin")
        .args(["-X", "-A", "-t", "-w", "-c", sql, text])
        .output()
        .unwrap();
    let verdict = match String::from_utf8_lossy(&output.stdout).trim() {
        "t" => Verdict::Encrypted,
        "f" => Verdict::Plain,
        _ => Verdict::Refused,
    };
    (
        verdict,
        String::from_utf8_lossy(&output.stderr).into_owned(),
    )
}

fn evmig_verdict(text: &str, home: &Path) -> (Verdict, String) {
    block_on(async {
        match open(text, Some(home)).await {
            Ok(connection) => {
                let sql = "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()";
                let encrypted = value(&connection, sql).await == "t";
                assert_eq!(encrypted, connection.info.tls.is_some(), "{text}");
                let verdict = if encrypted {
                    Verdict::Encrypted
                } else {
                    Verdict::Plain
                };
                (verdict, String::new())
            }
            Err(error) => (Verdict::Refused, error.to_string()),
        }
    })
}

#[test]
fn b_81_every_cell_of_the_matrix_is_psqls() {
    let server = PgServer::start("tls", "");
    let certificates = Certificates::make(&server);
    // The certificate of zero days must be past its end.
    std::thread::sleep(std::time::Duration::from_millis(1500));
    let home = server.directory.join("home");
    fs::create_dir_all(home.join(".postgresql")).unwrap();
    let root = home.join(".postgresql/root.crt");
    let any = "host all all 127.0.0.1/32 trust\n";
    let states = [
        ("no TLS", String::new(), any),
        ("good", certificates.settings("good"), any),
        ("wrong host", certificates.settings("wronghost"), any),
        ("unknown authority", certificates.settings("unknown"), any),
        ("expired", certificates.settings("expired"), any),
        (
            "TLS only",
            certificates.settings("good"),
            "hostssl all all 127.0.0.1/32 trust\n",
        ),
        (
            "no TLS by rule",
            certificates.settings("good"),
            "hostnossl all all 127.0.0.1/32 trust\n",
        ),
        (
            "client certificate",
            certificates.settings("good"),
            "hostssl all all 127.0.0.1/32 cert\n",
        ),
    ];
    let mut differences = Vec::new();
    let mut seen = Vec::new();
    for (state, settings, hba) in states {
        server.restart(&settings, hba);
        for roots in ["none", "default file", "two in a file", "missing file"] {
            fs::remove_file(&root).unwrap_or_default();
            let named = match roots {
                "default file" => {
                    fs::copy(certificates.path("ca.crt"), &root).unwrap();
                    String::new()
                }
                "two in a file" => {
                    format!(" sslrootcert={}", certificates.path("both.crt").display())
                }
                "missing file" => " sslrootcert=/nonexistent/root.crt".to_owned(),
                _ => String::new(),
            };
            for mode in MODES {
                let text = format!(
                    "host=localhost hostaddr=127.0.0.1 port={} user=postgres dbname=postgres \
                     connect_timeout=5 sslmode={mode}{named}",
                    server.port
                );
                let (psql, why) = psql_verdict(&text, &home);
                let (evmig, reason) = evmig_verdict(&text, &home);
                seen.push(psql);
                if psql != evmig {
                    differences.push(format!(
                        "{state} / {roots} / {mode}: psql {psql:?} ({why}), evmig {evmig:?} \
                         ({reason})"
                    ));
                }
            }
        }
    }
    assert_eq!(differences, [""; 0], "{}", differences.join("\n"));
    assert_eq!(seen.len(), 8 * 4 * 6);
    // The matrix means something only if every verdict occurs.
    for verdict in [Verdict::Plain, Verdict::Encrypted, Verdict::Refused] {
        assert!(
            seen.iter().filter(|found| **found == verdict).count() > 10,
            "{verdict:?}"
        );
    }
}

#[test]
fn b_81_a_refused_certificate_is_named_by_its_fault() {
    let server = PgServer::start("tlswhy", "");
    let certificates = Certificates::make(&server);
    std::thread::sleep(std::time::Duration::from_millis(1500));
    let any = "host all all 127.0.0.1/32 trust\n";
    let text = |host: &str| {
        format!(
            "host={host} hostaddr=127.0.0.1 port={} user=postgres dbname=postgres \
             sslmode=verify-full sslrootcert={}",
            server.port,
            certificates.path("ca.crt").display()
        )
    };
    for (name, expected) in [
        ("expired", TlsFailure::Expired),
        ("unknown", TlsFailure::UnknownAuthority),
        (
            "wronghost",
            TlsFailure::WrongHost {
                host: "localhost".to_owned(),
            },
        ),
    ] {
        server.restart(&certificates.settings(name), any);
        let error = block_on(open(&text("localhost"), None)).unwrap_err();
        assert_eq!(error.reason, Reason::TlsFailed(expected), "{name}: {error}");
    }
    // The name that is checked is the host's, whatever the address.
    let connection = block_on(open(&text("db.example"), None)).unwrap();
    assert_eq!(
        connection.info.tls.unwrap().verification,
        Verification::AuthorityAndHost
    );
    server.restart("", any);
    let error = block_on(open(&text("localhost"), None)).unwrap_err();
    assert_eq!(error.reason, Reason::TlsRequired);
}

#[test]
fn a_client_certificate_needs_a_private_key_that_is_private() {
    use std::os::unix::fs::PermissionsExt as _;
    let server = PgServer::start("tlscert", "");
    let certificates = Certificates::make(&server);
    server.restart(
        &certificates.settings("good"),
        "hostssl all all 127.0.0.1/32 cert\n",
    );
    let connect = |key: &str| {
        let text = format!(
            "host=localhost hostaddr=127.0.0.1 port={} user=postgres dbname=postgres \
             sslmode=verify-full sslrootcert={} sslcert={} sslkey={}",
            server.port,
            certificates.path("ca.crt").display(),
            certificates.path("client.crt").display(),
            certificates.path(key).display(),
        );
        block_on(open(&text, None))
    };
    let set_mode = |key: &str, mode| {
        let permissions = fs::Permissions::from_mode(mode);
        fs::set_permissions(certificates.path(key), permissions).unwrap();
    };
    set_mode("client.key", 0o600);
    connect("client.key").unwrap();
    set_mode("client.key", 0o644);
    assert!(matches!(
        connect("client.key").unwrap_err().reason,
        Reason::TlsSetup(TlsSetupError::KeyPermissions { mode: 0o644, .. })
    ));
    set_mode("client.key", 0o600);
    assert!(matches!(
        connect("no.key").unwrap_err().reason,
        Reason::TlsSetup(TlsSetupError::KeyMissing { .. })
    ));
    // The older formats are refused with the command that converts them, and the command works.
    certificates.openssl("rsa -traditional -in client.key -out old.key");
    set_mode("old.key", 0o600);
    let error = connect("old.key").unwrap_err().to_string();
    let start = error.find("openssl pkcs8").unwrap();
    let command = error[start..].split('`').next().unwrap();
    run(Command::new("sh").args(["-c", command]));
    connect("old.key.pk8").unwrap();
}
