//! What a TLS session needs, prepared from files: authorities, client certificate, versions.
//!
//! The verdicts are libpq's. One of them surprises: where the root certificate file exists, the
//! chain is verified in every mode, so `require` acts as `verify-ca`, and `prefer` falls back to a
//! plain session if the certificate is not good.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use native_tls::{Certificate, Identity, Protocol, TlsConnector};

use crate::pg::params::{Host, RootCertificates, SslMode, TlsParameters, TlsVersion};
use crate::report::sanitize::for_terminal;

/// Why TLS cannot even be tried.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TlsSetupError {
    /// The mode verifies and there is nothing to verify with.
    #[error(
        "sslmode={mode} needs the certificate of the authority that signed the server's, and {}; \
         save it there, or name it with sslrootcert=FILE, or use sslrootcert=system for a \
         certificate that a public authority signed", missing(path.as_deref())
    )]
    RootFileNeeded {
        /// The mode.
        mode: SslMode,
        /// The file that does not exist; `None` if there is no home directory to look in.
        path: Option<PathBuf>,
    },
    /// A file cannot be read.
    #[error("cannot read the {what} {}: {kind}", path.display())]
    Unreadable {
        /// What the file holds.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// The kind of the I/O error.
        kind: io::ErrorKind,
    },
    /// A file holds no certificate in PEM format.
    #[error("the {what} {} holds no certificate in PEM format", path.display())]
    NoCertificate {
        /// What the file should hold.
        what: &'static str,
        /// The file.
        path: PathBuf,
    },
    /// There is a client certificate and no key for it.
    #[error(
        "there is a client certificate, {}, but its private key {} does not exist; name it with \
         sslkey=FILE", certificate.display(), display(key.as_deref())
    )]
    KeyMissing {
        /// The certificate.
        certificate: PathBuf,
        /// Where the key was looked for.
        key: Option<PathBuf>,
    },
    /// The key is not a plain file.
    #[error("the private key {} is not a plain file", path.display())]
    KeyNotRegular {
        /// The key.
        path: PathBuf,
    },
    /// Others can read the key.
    #[error(
        "others have access to the private key {} (mode {mode:04o}); run `chmod 0600 {}` \
         (or 0640 if root owns it)", path.display(), path.display()
    )]
    KeyPermissions {
        /// The key.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// The key is not unencrypted PKCS#8, the one format the TLS library takes.
    #[error(
        "the private key {0} is in the format `{found}`, and unencrypted PKCS#8 is needed; run \
         `openssl pkcs8 -topk8 -nocrypt -in {0} -out {0}.pk8 && chmod 0600 {0}.pk8` and set \
         sslkey={0}.pk8", path.display()
    )]
    KeyFormat {
        /// The key.
        path: PathBuf,
        /// The format's name in the file's first line.
        found: &'static str,
    },
    /// A mode that checks the host name, and only an address.
    #[error("sslmode=verify-full needs a host name to check, and only hostaddr is set; set host")]
    NoHostName,
    /// The TLS library refuses what it was given.
    #[error("the TLS library refuses the {what}: {message}")]
    Library {
        /// What it refuses.
        what: &'static str,
        /// Its own words.
        message: String,
    },
}

fn missing(path: Option<&Path>) -> String {
    match path {
        Some(path) => format!("{} does not exist", path.display()),
        None => "there is no home directory to look in".to_owned(),
    }
}

fn display(path: Option<&Path>) -> String {
    path.map_or_else(
        || "(no home directory)".to_owned(),
        |p| p.display().to_string(),
    )
}

/// What was checked of the server's certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verification {
    /// Nothing: anybody could have answered.
    Nothing,
    /// That a known authority signed it.
    Authority,
    /// That, and that it is for this host.
    AuthorityAndHost,
}

/// A TLS session ready to be started.
#[derive(Clone)]
pub(super) struct Prepared {
    pub(super) connector: TlsConnector,
    pub(super) verification: Verification,
    /// The name that is checked and, where it is not an address, announced.
    pub(super) domain: String,
    pub(super) direct: bool,
}

/// Reads the files and builds the connector for one host.
pub(super) fn prepare(
    tls: &TlsParameters,
    host: &Host,
    address: Option<std::net::IpAddr>,
) -> Result<Prepared, TlsSetupError> {
    let name = match host {
        Host::Tcp(name) => name.as_str(),
        Host::Socket(_) => "",
    };
    if name.is_empty() && tls.mode == SslMode::VerifyFull {
        return Err(TlsSetupError::NoHostName);
    }
    let mut builder = TlsConnector::builder();
    builder
        .min_protocol_version(Some(protocol(tls.min_version)))
        .max_protocol_version(tls.max_version.map(protocol))
        .use_sni(tls.sni && !name.is_empty());
    if tls.direct {
        postgres_native_tls::set_postgresql_alpn(&mut builder);
    }
    let verification = add_roots(&mut builder, tls)?;
    builder
        .danger_accept_invalid_certs(verification == Verification::Nothing)
        .danger_accept_invalid_hostnames(verification != Verification::AuthorityAndHost);
    if let Some(identity) = identity(tls)? {
        builder.identity(identity);
    }
    let connector = builder.build().map_err(|error| TlsSetupError::Library {
        what: "settings (authorities, certificate, key or versions)",
        message: for_terminal(&error.to_string()).into_owned(),
    })?;
    let domain = match (name, address) {
        ("", Some(address)) => address.to_string(),
        _ => name.to_owned(),
    };
    Ok(Prepared {
        connector,
        verification,
        domain,
        direct: tls.direct,
    })
}

/// Adds the authorities and says how far the certificate will be verified.
fn add_roots(
    builder: &mut native_tls::TlsConnectorBuilder,
    tls: &TlsParameters,
) -> Result<Verification, TlsSetupError> {
    let path = match &tls.roots {
        RootCertificates::System => return Ok(Verification::AuthorityAndHost),
        RootCertificates::File(path) => Some(path),
        RootCertificates::Unknown => None,
    };
    builder.disable_built_in_roots(true);
    let Some(path) = path.filter(|path| path.exists()) else {
        if tls.mode >= SslMode::VerifyCa {
            return Err(TlsSetupError::RootFileNeeded {
                mode: tls.mode,
                path: path.cloned(),
            });
        }
        return Ok(Verification::Nothing);
    };
    for root in certificates(path, "root certificate file")? {
        builder.add_root_certificate(root);
    }
    Ok(if tls.mode == SslMode::VerifyFull {
        Verification::AuthorityAndHost
    } else {
        Verification::Authority
    })
}

fn certificates(path: &Path, what: &'static str) -> Result<Vec<Certificate>, TlsSetupError> {
    let pem = read(path, what)?;
    match Certificate::stack_from_pem(&pem) {
        Ok(stack) if !stack.is_empty() => Ok(stack),
        Ok(_) | Err(_) => Err(TlsSetupError::NoCertificate {
            what,
            path: path.to_owned(),
        }),
    }
}

/// Reads the client certificate and its key, if there are any.
fn identity(tls: &TlsParameters) -> Result<Option<Identity>, TlsSetupError> {
    let Some(path) = tls.certificate.path.as_deref() else {
        return Ok(None);
    };
    // libpq goes on without a certificate that was named and is not there, and the server then
    // gives a reason that does not help; here the name is an error.
    if !path.exists() && !tls.certificate.named {
        return Ok(None);
    }
    let certificate = read(path, "client certificate")?;
    let key_path = tls
        .key
        .path
        .as_deref()
        .filter(|key| key.exists())
        .ok_or_else(|| TlsSetupError::KeyMissing {
            certificate: path.to_owned(),
            key: tls.key.path.clone(),
        })?;
    let key = read_key(key_path)?;
    Identity::from_pkcs8(&certificate, &key)
        .map(Some)
        .map_err(|error| TlsSetupError::Library {
            what: "client certificate and its key",
            message: for_terminal(&error.to_string()).into_owned(),
        })
}

/// Reads a key that only its owner can read, and returns it from its `BEGIN` line on.
fn read_key(path: &Path) -> Result<Vec<u8>, TlsSetupError> {
    const WHAT: &str = "private key";
    let metadata = fs::metadata(path).map_err(|error| unreadable(WHAT, path, &error))?;
    if !metadata.is_file() {
        return Err(TlsSetupError::KeyNotRegular {
            path: path.to_owned(),
        });
    }
    // libpq's rule: 0600, or 0640 for a key that root owns and a group may read.
    let forbidden = if metadata.uid() == 0 { 0o037 } else { 0o077 };
    if metadata.mode() & forbidden != 0 {
        return Err(TlsSetupError::KeyPermissions {
            path: path.to_owned(),
            mode: metadata.mode() & 0o7777,
        });
    }
    let pem = read(path, WHAT)?;
    let text = String::from_utf8_lossy(&pem);
    if let Some(at) = text.find("-----BEGIN PRIVATE KEY-----") {
        return Ok(text.as_bytes()[at..].to_vec());
    }
    let found = [
        "ENCRYPTED PRIVATE KEY",
        "RSA PRIVATE KEY",
        "EC PRIVATE KEY",
        "DSA PRIVATE KEY",
        "OPENSSH PRIVATE KEY",
    ]
    .into_iter()
    .find(|format| text.contains(&format!("-----BEGIN {format}-----")))
    .unwrap_or("unknown");
    Err(TlsSetupError::KeyFormat {
        path: path.to_owned(),
        found,
    })
}

fn read(path: &Path, what: &'static str) -> Result<Vec<u8>, TlsSetupError> {
    fs::read(path).map_err(|error| unreadable(what, path, &error))
}

fn unreadable(what: &'static str, path: &Path, error: &io::Error) -> TlsSetupError {
    TlsSetupError::Unreadable {
        what,
        path: path.to_owned(),
        kind: error.kind(),
    }
}

fn protocol(version: TlsVersion) -> Protocol {
    match version {
        TlsVersion::V10 => Protocol::Tlsv10,
        TlsVersion::V11 => Protocol::Tlsv11,
        TlsVersion::V12 => Protocol::Tlsv12,
        TlsVersion::V13 => Protocol::Tlsv13,
    }
}

/// Why a handshake failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TlsFailure {
    /// The certificate is out of date, or not yet valid.
    #[error("the server's certificate is outside its period of validity")]
    Expired,
    /// The certificate is for another host.
    #[error("the server's certificate is for another host than `{host}`")]
    WrongHost {
        /// The host that was asked for.
        host: String,
    },
    /// No authority in the root file signed it.
    #[error("no authority in the root certificate file signed the server's certificate")]
    UnknownAuthority,
    /// The server wants a client certificate, or another one.
    #[error("the server does not accept the client certificate: {message}")]
    ClientCertificate {
        /// The library's words.
        message: String,
    },
    /// Something else.
    #[error("the TLS handshake failed: {message}")]
    Other {
        /// The library's words.
        message: String,
    },
}

impl TlsFailure {
    /// Reads the reason out of the library's words: its error type offers nothing else.
    pub(super) fn from_library(error: &native_tls::Error, host: &str) -> Self {
        let message = for_terminal(&error.to_string()).into_owned();
        let lower = message.to_ascii_lowercase();
        let says = |words: &[&str]| words.iter().any(|word| lower.contains(word));
        if says(&["expired", "not yet valid"]) && !says(&["alert"]) {
            Self::Expired
        } else if says(&["hostname mismatch", "ip address mismatch", "host name"]) {
            Self::WrongHost {
                host: for_terminal(host).into_owned(),
            }
        } else if says(&["alert"]) && says(&["certificate", "unknown ca"]) {
            Self::ClientCertificate { message }
        } else if says(&[
            "certificate verify failed",
            "not trusted",
            "self-signed",
            "self signed",
        ]) {
            Self::UnknownAuthority
        } else {
            Self::Other { message }
        }
    }
}
