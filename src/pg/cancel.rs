//! Cancels the running statement over a connection of its own, as libpq's `PQcancel` does.

use std::io;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::pg::dial::{self, Address, EncryptError, Encrypted};
use crate::pg::params::Keepalive;
use crate::pg::stream::{Observer, PgStream};
use crate::pg::tls::{Prepared, TlsFailure, TlsSetupError};

/// Why a cancel request could not be sent. That it was sent does not say that it had an effect.
#[derive(Debug, thiserror::Error)]
pub enum CancelError {
    /// The server gave no key, so it cannot be asked.
    #[error("the server gave no key to cancel with")]
    NoKey,
    /// It took too long.
    #[error("no answer within {0:?}")]
    Timeout(Duration),
    /// The connection failed.
    #[error("cannot connect: {0}")]
    Io(#[from] io::Error),
    /// The server refused TLS for the request, and in clear its secret would be seen.
    #[error("the server refused TLS, which the session itself has")]
    TlsRefused,
    /// TLS could not be prepared.
    #[error("{0}")]
    TlsSetup(TlsSetupError),
    /// TLS failed.
    #[error("{0}")]
    Tls(TlsFailure),
}

/// The means to cancel what a session is running; cheap to clone and free of the session.
#[derive(Clone)]
pub struct Canceller {
    pub(super) address: Address,
    pub(super) keepalive: Keepalive,
    /// The session's TLS, if it has one: the request gets the same.
    pub(super) tls: Option<Prepared>,
    pub(super) key: Option<(i32, i32)>,
}

impl std::fmt::Debug for Canceller {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Canceller")
            .field("address", &self.address)
            .field("tls", &self.tls.is_some())
            .finish_non_exhaustive()
    }
}

impl Canceller {
    /// Sends the request and waits until the server has taken it.
    pub async fn cancel(&self, limit: Duration) -> Result<(), CancelError> {
        tokio::time::timeout(limit, self.send())
            .await
            .map_err(|_| CancelError::Timeout(limit))?
    }

    /// Asks the server's address for a sign of life: its answer to a request for TLS.
    ///
    /// A Unix socket needs none: the kernel tells when its other end goes.
    pub(super) async fn ask(&self) -> Result<(), CancelError> {
        if matches!(self.address, Address::Socket(_)) {
            return Ok(());
        }
        let transport = dial::open(&self.address, &self.keepalive).await?;
        match &self.tls {
            Some(prepared) if prepared.direct => {
                match dial::encrypt(transport, true, || Ok(prepared.clone())).await {
                    Err(EncryptError::Io(error)) => Err(error.into()),
                    _ => Ok(()),
                }
            }
            _ => Ok(dial::asks_for_tls(transport).await?),
        }
    }

    async fn send(&self) -> Result<(), CancelError> {
        let (process, secret) = self.key.ok_or(CancelError::NoKey)?;
        let mut transport = dial::open(&self.address, &self.keepalive).await?;
        if let Some(prepared) = &self.tls {
            transport =
                match dial::encrypt(transport, prepared.direct, || Ok(prepared.clone())).await {
                    Ok(Encrypted::Yes(transport, _)) => transport,
                    Ok(Encrypted::NotOffered(_)) | Err(EncryptError::Refused) => {
                        return Err(CancelError::TlsRefused);
                    }
                    Err(EncryptError::Io(error)) => return Err(error.into()),
                    Err(EncryptError::Setup(error)) => return Err(CancelError::TlsSetup(error)),
                    Err(EncryptError::Handshake(failure)) => return Err(CancelError::Tls(failure)),
                };
        }
        let mut stream = PgStream::new(transport, Observer::default());
        // Length 16 and the request's code, 1234.5678.
        let mut request = vec![0, 0, 0, 16, 0x04, 0xd2, 0x16, 0x2e];
        request.extend(process.to_be_bytes());
        request.extend(secret.to_be_bytes());
        stream.write_all(&request).await?;
        stream.flush().await?;
        // The server closes once it has passed the signal on; without waiting for that, the
        // signal could hit the next statement. A reset instead of a close means the same.
        let mut nothing = [0; 1];
        match stream.read(&mut nothing).await {
            Ok(_) => Ok(()),
            Err(error) if error.kind() == io::ErrorKind::ConnectionReset => Ok(()),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}
