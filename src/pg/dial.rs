//! Opens the transport to one address: the socket, its keepalives, and TLS.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

use postgres_native_tls::TlsConnector;
use socket2::{SockRef, TcpKeepalive};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpStream, UnixStream, lookup_host};
use tokio_postgres::tls::TlsConnect as _;

use crate::pg::params::{Host, Keepalive, Server};
use crate::pg::stream::Transport;
use crate::pg::tls::{Prepared, TlsFailure, TlsSetupError};

/// Where one server can be reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Address {
    Ip(SocketAddr),
    Socket(PathBuf),
}

impl std::fmt::Display for Address {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Ip(address) => address.fmt(f),
            Self::Socket(path) => path.display().fmt(f),
        }
    }
}

/// Looks up the addresses of a server; never returns an empty list.
pub(super) async fn addresses(server: &Server) -> io::Result<Vec<Address>> {
    match (&server.host, server.hostaddr) {
        (Host::Socket(directory), _) => {
            let path = directory.join(format!(".s.PGSQL.{}", server.port));
            Ok(vec![Address::Socket(path)])
        }
        (Host::Tcp(_), Some(address)) => {
            Ok(vec![Address::Ip(SocketAddr::new(address, server.port))])
        }
        (Host::Tcp(name), None) => {
            let found: Vec<_> = lookup_host((name.as_str(), server.port))
                .await?
                .map(Address::Ip)
                .collect();
            if found.is_empty() {
                return Err(io::Error::new(
                    io::ErrorKind::NotFound,
                    "the name has no address",
                ));
            }
            Ok(found)
        }
    }
}

/// Opens the socket.
pub(super) async fn open(address: &Address, keepalive: &Keepalive) -> io::Result<Transport> {
    let address = match address {
        Address::Socket(path) => return UnixStream::connect(path).await.map(Transport::Unix),
        Address::Ip(address) => address,
    };
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let socket = SockRef::from(&stream);
    if keepalive.enabled {
        let probes = TcpKeepalive::new()
            .with_time(keepalive.idle)
            .with_interval(keepalive.interval)
            .with_retries(keepalive.count);
        socket.set_tcp_keepalive(&probes)?;
    }
    #[cfg(target_os = "linux")]
    if keepalive.user_timeout.is_some() {
        socket.set_tcp_user_timeout(keepalive.user_timeout)?;
    }
    Ok(Transport::Tcp(stream))
}

/// What became of the wish for TLS.
pub(super) enum Encrypted {
    /// The session is encrypted, by this.
    Yes(Transport, Prepared),
    /// The server has no TLS; the plain session can go on.
    NotOffered(Transport),
}

/// Length 8 and the request's code, 1234.5679.
const SSL_REQUEST: [u8; 8] = [0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f];

/// Asks for TLS and waits for the answer, whatever it is.
pub(super) async fn asks_for_tls(transport: Transport) -> io::Result<()> {
    if let Transport::Tcp(mut stream) = transport {
        stream.write_all(&SSL_REQUEST).await?;
        stream.read_u8().await?;
    }
    Ok(())
}

/// Why TLS did not come about.
#[derive(Debug)]
pub(super) enum EncryptError {
    Io(io::Error),
    Setup(TlsSetupError),
    Handshake(TlsFailure),
    /// The server answered the wish with an error. Its text is not shown: it was not
    /// authenticated by anything, and whoever sits in between could write it (CVE-2024-10977).
    Refused,
}

/// Asks for TLS as protocol 3.0 does (`SSLRequest`), or starts it at once if `direct`.
///
/// Preparing is left until the server has agreed: the TLS library reads all of the system's
/// authorities first, wanted or not, which takes longer than the rest of a local connection.
pub(super) async fn encrypt(
    transport: Transport,
    direct: bool,
    prepare: impl FnOnce() -> Result<Prepared, TlsSetupError>,
) -> Result<Encrypted, EncryptError> {
    let mut stream = match transport {
        Transport::Tcp(stream) => stream,
        // A Unix socket is never encrypted, and nothing is encrypted twice.
        other => return Ok(Encrypted::NotOffered(other)),
    };
    if !direct {
        stream
            .write_all(&SSL_REQUEST)
            .await
            .map_err(EncryptError::Io)?;
        // Exactly one byte is read: what an attacker adds behind it must not be taken for data of
        // the encrypted session (CVE-2021-23222).
        match stream.read_u8().await.map_err(EncryptError::Io)? {
            b'S' => {}
            b'N' => return Ok(Encrypted::NotOffered(Transport::Tcp(stream))),
            b'E' => return Err(EncryptError::Refused),
            _ => {
                return Err(EncryptError::Io(io::Error::new(
                    io::ErrorKind::InvalidData,
                    "what answered does not speak PostgreSQL's protocol",
                )));
            }
        }
    }
    let prepared = prepare().map_err(EncryptError::Setup)?;
    TlsConnector::new(prepared.connector.clone(), &prepared.domain)
        .connect(stream)
        .await
        .map_err(|error| {
            EncryptError::Handshake(TlsFailure::from_library(&error, &prepared.domain))
        })
        .map(|stream| Encrypted::Yes(Transport::Tls(Box::new(stream)), prepared))
}
