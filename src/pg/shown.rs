//! Parameters as a URL that can be shown and typed again: everything but the password.

use std::fmt::Write as _;

use crate::pg::params::{Host, Parameters, RootCertificates};

/// Returns the URL; `port` replaces every server's port.
pub(super) fn url(parameters: &Parameters, port: Option<u16>) -> String {
    let mut url = format!("postgresql://{}@", encode(&parameters.user));
    for (at, server) in parameters.servers.iter().enumerate() {
        let host = match (&server.host, server.hostaddr) {
            (Host::Tcp(name), Some(address)) if name.is_empty() => address.to_string(),
            (host, _) => host.to_string(),
        };
        let host = if host.contains(':') {
            format!("[{host}]")
        } else {
            encode(&host)
        };
        let comma = if at == 0 { "" } else { "," };
        push(
            &mut url,
            format_args!("{comma}{host}:{}", port.unwrap_or(server.port)),
        );
    }
    push(&mut url, format_args!("/{}", encode(&parameters.dbname)));
    push(&mut url, format_args!("?sslmode={}", parameters.tls.mode));
    match &parameters.tls.roots {
        RootCertificates::System => url.push_str("&sslrootcert=system"),
        RootCertificates::File(path) if parameters.origin("sslrootcert").is_some() => {
            push(
                &mut url,
                format_args!("&sslrootcert={}", encode(&path.to_string_lossy())),
            );
        }
        RootCertificates::File(_) | RootCertificates::Unknown => {}
    }
    url
}

fn push(text: &mut String, more: std::fmt::Arguments<'_>) {
    let written = text.write_fmt(more);
    debug_assert!(written.is_ok(), "writing to a String cannot fail");
}

/// Percent-encodes everything but the unreserved characters.
fn encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            push(&mut encoded, format_args!("%{byte:02X}"));
        }
    }
    encoded
}
