//! Certificates for tests of `sslmode`: an authority of the test's own, made by `openssl`.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::postgres::{Options, run};
use super::{scratch, tools};

/// A certificate authority.
#[derive(Debug)]
pub(crate) struct Authority {
    directory: PathBuf,
}

/// The files of one certificate and its key.
#[derive(Debug, Clone)]
pub(crate) struct Certificate {
    pub(crate) certificate: PathBuf,
    pub(crate) key: PathBuf,
}

impl Authority {
    /// Makes one with this common name; two of the same name have different keys.
    pub(crate) fn new(name: &str) -> Self {
        let directory = scratch::directory("authority");
        run(openssl(&directory)
            .args(["req", "-x509", "-days", "2", "-keyout", "ca.key", "-out"])
            .args(["ca.crt", "-subj", &format!("/CN={name}")])
            .args(NEW_KEY));
        Self { directory }
    }

    /// The file for `sslrootcert`.
    pub(crate) fn root(&self) -> PathBuf {
        self.directory.join("ca.crt")
    }

    /// Issues a certificate: for a server, its name or address (`localhost`, `127.0.0.1`); for a
    /// client, the role.
    pub(crate) fn issue(&self, name: &str) -> Certificate {
        let kind = if name.parse::<std::net::IpAddr>().is_ok() {
            "IP"
        } else {
            "DNS"
        };
        let stem = format!("cert-{}", scratch::next_number());
        let at = |extension: &str| format!("{stem}.{extension}");
        let text = format!("subjectAltName={kind}:{name}\n");
        fs::write(self.directory.join(at("ext")), text).expect("our own directory");
        run(openssl(&self.directory)
            .args(["req", "-keyout", &at("key"), "-out", &at("csr")])
            .args(["-subj", &format!("/CN={name}")])
            .args(NEW_KEY));
        run(openssl(&self.directory)
            .args(["x509", "-req", "-days", "2", "-in", &at("csr")])
            .args(["-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial"])
            .args(["-extfile", &at("ext"), "-out", &at("crt")]));
        let key = self.directory.join(at("key"));
        // As libpq demands of a client's key.
        fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).expect("our own file");
        Certificate {
            certificate: self.directory.join(at("crt")),
            key,
        }
    }
}

impl Options {
    /// Turns TLS on with this certificate.
    pub(crate) fn tls(self, certificate: &Certificate) -> Self {
        let read = |path: &Path| fs::read_to_string(path).expect("made by openssl");
        self.file("server.crt", &read(&certificate.certificate))
            .file("server.key", &read(&certificate.key))
            .set("ssl", "on")
    }

    /// Asks clients for a certificate of this authority where `pg_hba.conf` says `cert`.
    pub(crate) fn client_authority(self, authority: &Authority) -> Self {
        let root = fs::read_to_string(authority.root()).expect("made by openssl");
        self.file("root.crt", &root).set("ssl_ca_file", "root.crt")
    }
}

/// Small keys: made in milliseconds, and good for two days.
const NEW_KEY: [&str; 6] = [
    "-newkey",
    "ec",
    "-pkeyopt",
    "ec_paramgen_curve:prime256v1",
    "-nodes",
    "-sha256",
];

fn openssl(directory: &Path) -> Command {
    let mut command = Command::new(tools::program("openssl"));
    command.current_dir(directory);
    command
}
