//! Opens a session with one server: every address of it, with the encryptions the mode allows.

use std::time::Duration;

use tokio::time::timeout;
use tokio_postgres::Config;
use tokio_postgres::config::{SslMode as DriverSslMode, SslNegotiation};

use crate::pg::cancel::Canceller;
use crate::pg::connect::{ConnectOptions, Connection, ConnectionInfo, TlsInfo, start};
use crate::pg::connect_error::{
    ConnectError, Reason, reason_of, unsupported_method, wants_password,
};
use crate::pg::dial::{self, Address, EncryptError, Encrypted};
use crate::pg::error::DbFailure;
use crate::pg::params::{ChannelBinding, Host, Parameters, Server, SslMode, TargetSessionAttrs};
use crate::pg::stream::{AlreadySettled, Observed, Observer, PgStream, Transport};
use crate::pg::tls::Prepared;
use crate::report::sanitize::for_terminal;

/// What libpq does after a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    /// It tries the next server.
    Server,
    /// It gives up: another server would say the same, or should not be asked.
    Stop,
}

/// Whether a try starts TLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wish {
    Plain,
    /// TLS if the server has it.
    Offered,
    /// TLS or nothing.
    Must,
}

/// One failed try.
struct Failed {
    reason: Reason,
    failure: Option<Box<DbFailure>>,
    /// The other kind of encryption may still be let in.
    other_encryption: bool,
}

impl Failed {
    fn of(reason: Reason) -> Self {
        Self {
            reason,
            failure: None,
            other_encryption: false,
        }
    }

    fn io(error: &std::io::Error) -> Self {
        Self::of(Reason::CannotReach {
            kind: error.kind(),
            text: for_terminal(&error.to_string()).into_owned(),
        })
    }

    fn next(&self) -> Next {
        match self.reason {
            Reason::UnknownHost
            | Reason::CannotReach { .. }
            | Reason::Timeout { .. }
            | Reason::StartingUp
            | Reason::WrongKindOfServer { .. } => Next::Server,
            _ => Next::Stop,
        }
    }
}

/// One server and what is wanted of it.
pub(super) struct Opening<'a> {
    pub(super) parameters: &'a Parameters,
    pub(super) options: &'a ConnectOptions,
    pub(super) index: usize,
    pub(super) server: &'a Server,
    pub(super) wanted: TargetSessionAttrs,
    pub(super) limit: Duration,
}

impl Opening<'_> {
    pub(super) async fn open(&self) -> Result<Connection, (ConnectError, Next)> {
        let observer = Observer::default();
        observer.enter("looking up the host name");
        let opened = timeout(self.limit, self.open_unlimited(&observer)).await;
        let failed = match opened {
            Ok(Ok(connection)) => return Ok(connection),
            Ok(Err(failed)) => failed,
            Err(_) => Failed::of(Reason::Timeout {
                after: self.limit,
                stage: observer.lock().stage,
            }),
        };
        let next = failed.next();
        let error = ConnectError {
            host: self.name(),
            port: self.server.port,
            reason: failed.reason,
            failure: failed.failure,
            others: Vec::new(),
        };
        Err((error, next))
    }

    fn name(&self) -> String {
        match (&self.server.host, self.server.hostaddr) {
            (Host::Tcp(name), Some(address)) if name.is_empty() => address.to_string(),
            (host, _) => for_terminal(&host.to_string()).into_owned(),
        }
    }

    async fn open_unlimited(&self, observer: &Observer) -> Result<Connection, Failed> {
        let addresses = dial::addresses(self.server).await.map_err(|error| {
            tracing::debug!(%error, "name look-up");
            Failed::of(Reason::UnknownHost)
        })?;
        let mut last = Failed::of(Reason::UnknownHost);
        for (at, address) in addresses.iter().enumerate() {
            let share = self.limit / (addresses.len() - at) as u32;
            let tried = timeout(share, self.open_address(address, observer)).await;
            last = match tried {
                Ok(Ok(connection)) => return Ok(connection),
                Ok(Err(failed)) if failed.next() == Next::Stop => return Err(failed),
                Ok(Err(failed)) => failed,
                Err(_) => Failed::of(Reason::Timeout {
                    after: share,
                    stage: observer.lock().stage,
                }),
            };
        }
        Err(last)
    }

    /// Tries one address with the encryptions that the mode allows, in libpq's order.
    async fn open_address(
        &self,
        address: &Address,
        observer: &Observer,
    ) -> Result<Connection, Failed> {
        let mode = match address {
            Address::Socket(_) => SslMode::Disable,
            Address::Ip(_) => self.parameters.tls.mode,
        };
        let (first, second) = match mode {
            SslMode::Disable => (Wish::Plain, None),
            SslMode::Allow => (Wish::Plain, Some(Wish::Must)),
            SslMode::Prefer => (Wish::Offered, Some(Wish::Plain)),
            SslMode::Require | SslMode::VerifyCa | SslMode::VerifyFull => (Wish::Must, None),
        };
        let failed = match self.open_once(address, first, observer).await {
            Ok(connection) => return Ok(connection),
            Err(failed) => failed,
        };
        let Some(second) = second.filter(|_| failed.other_encryption) else {
            return Err(failed);
        };
        match self.open_once(address, second, observer).await {
            Ok(connection) => Ok(connection),
            Err(other) => Err(more_telling(failed, other)),
        }
    }

    async fn open_once(
        &self,
        address: &Address,
        wish: Wish,
        observer: &Observer,
    ) -> Result<Connection, Failed> {
        *observer.lock() = Observed::default();
        observer.enter("opening the connection");
        let transport = dial::open(address, &self.parameters.keepalive)
            .await
            .map_err(|error| Failed::io(&error))?;
        let (transport, prepared) = self.encrypt(transport, wish, observer).await?;
        observer.enter("logging in");
        let config = self.config();
        let encrypted = prepared.is_some();
        let stream = PgStream::new(transport, observer.clone());
        let heard = stream.heard();
        let (client, driver) = config
            .connect_raw(stream, AlreadySettled)
            .await
            .map_err(|error| self.login_failed(&error, observer, encrypted, wish))?;
        let key = observer.lock().key;
        let info = ConnectionInfo {
            host: self.name(),
            port: self.server.port,
            address: address.to_string(),
            dbname: self.parameters.dbname.clone(),
            user: self.parameters.user.clone(),
            application_name: config.get_application_name().map(str::to_owned),
            tls: prepared.as_ref().map(|prepared| TlsInfo {
                verification: prepared.verification,
            }),
            key_pid: key.map(|(process, _)| process),
            server_version: driver.parameter("server_version").map(str::to_owned),
            server_index: self.index,
        };
        let canceller = Canceller {
            address: address.clone(),
            keepalive: self.parameters.keepalive,
            tls: prepared,
            key,
        };
        let connection = start(client, driver, info, canceller, observer.clone(), heard);
        observer.enter("asking what kind of server it is");
        self.check_kind(connection).await
    }

    async fn encrypt(
        &self,
        transport: Transport,
        wish: Wish,
        observer: &Observer,
    ) -> Result<(Transport, Option<Prepared>), Failed> {
        if wish == Wish::Plain {
            return Ok((transport, None));
        }
        observer.enter("starting TLS");
        let parameters = self.parameters;
        let (host, address) = (&self.server.host, self.server.hostaddr);
        let prepare = || parameters.connectors.get(&parameters.tls, host, address);
        match dial::encrypt(transport, parameters.tls.direct, prepare).await {
            Ok(Encrypted::Yes(transport, prepared)) => Ok((transport, Some(prepared))),
            Ok(Encrypted::NotOffered(transport)) if wish == Wish::Offered => Ok((transport, None)),
            Ok(Encrypted::NotOffered(_)) => Err(Failed::of(Reason::TlsRequired)),
            Err(EncryptError::Io(error)) => Err(Failed::io(&error)),
            Err(EncryptError::Setup(error)) => Err(Failed::of(Reason::TlsSetup(error))),
            Err(EncryptError::Refused) => Err(Failed::of(Reason::RefusedBeforeTls)),
            Err(EncryptError::Handshake(failure)) => Err(Failed {
                other_encryption: wish == Wish::Offered,
                ..Failed::of(Reason::TlsFailed(failure))
            }),
        }
    }

    fn config(&self) -> Config {
        let parameters = self.parameters;
        let mut config = Config::new();
        // TLS is settled below the driver: these two make it take the stream as it is, and still
        // ask the stream for its channel binding.
        config
            .ssl_mode(DriverSslMode::Require)
            .ssl_negotiation(SslNegotiation::Direct)
            .channel_binding(match parameters.channel_binding {
                ChannelBinding::Disable => tokio_postgres::config::ChannelBinding::Disable,
                ChannelBinding::Prefer => tokio_postgres::config::ChannelBinding::Prefer,
                ChannelBinding::Require => tokio_postgres::config::ChannelBinding::Require,
            })
            .user(&parameters.user)
            .dbname(&parameters.dbname);
        if let Some(password) = &self.server.password {
            config.password(password.expose());
        }
        let own = self.options.settings.as_deref();
        let all: Vec<&str> = parameters
            .options
            .as_deref()
            .into_iter()
            .chain(own)
            .collect();
        if !all.is_empty() {
            config.options(all.join(" "));
        }
        let name = self.options.application_name.as_ref();
        if let Some(name) = name.or(parameters.application_name.as_ref()) {
            config.application_name(name);
        }
        config
    }

    fn login_failed(
        &self,
        error: &tokio_postgres::Error,
        observer: &Observer,
        encrypted: bool,
        wish: Wish,
    ) -> Failed {
        let seen = observer.lock().clone();
        if let Some(server) = error.as_db_error() {
            let failure = DbFailure::from(server);
            return Failed {
                reason: reason_of(&failure),
                failure: Some(Box::new(failure)),
                // libpq tries the other kind for any error before the login is accepted, and for
                // none after it.
                other_encryption: !seen.authenticated && (encrypted == (wish == Wish::Offered)),
            };
        }
        let code = seen.authentication;
        if let Some(method) = code.and_then(unsupported_method) {
            return Failed::of(Reason::UnsupportedAuthentication { method });
        }
        if code.is_some_and(wants_password) && self.server.password.is_none() {
            return Failed::of(Reason::NoPassword {
                places: self.parameters.password_places.clone(),
            });
        }
        let source = std::error::Error::source(error);
        if let Some(io) = source.and_then(|source| source.downcast_ref::<std::io::Error>()) {
            return Failed::io(io);
        }
        if error.is_closed() {
            let gone = std::io::Error::new(
                std::io::ErrorKind::UnexpectedEof,
                "the server closed the connection before the login was over",
            );
            return Failed::io(&gone);
        }
        Failed::of(Reason::LoginProtocol {
            text: DbFailure::from(error).message,
        })
    }

    /// Ends the session if the server is not of the wanted kind.
    async fn check_kind(&self, connection: Connection) -> Result<Connection, Failed> {
        if self.wanted == TargetSessionAttrs::Any {
            return Ok(connection);
        }
        const SQL: &str = "SELECT pg_catalog.pg_is_in_recovery()::pg_catalog.text, \
                           pg_catalog.current_setting('transaction_read_only')";
        let row = match connection.client.simple_query(SQL).await {
            Ok(messages) => messages.into_iter().find_map(|message| match message {
                tokio_postgres::SimpleQueryMessage::Row(row) => Some(row),
                _ => None,
            }),
            Err(error) => {
                let failure = connection.failure(&error);
                return Err(Failed {
                    reason: reason_of(&failure),
                    failure: Some(Box::new(failure)),
                    other_encryption: false,
                });
            }
        };
        let value = |at| row.as_ref().and_then(|row| row.try_get(at).ok().flatten());
        let standby = value(0) == Some("true");
        let read_only = standby || value(1) == Some("on");
        let fits = match self.wanted {
            TargetSessionAttrs::Any | TargetSessionAttrs::PreferStandby => true,
            TargetSessionAttrs::ReadWrite => !read_only,
            TargetSessionAttrs::ReadOnly => read_only,
            TargetSessionAttrs::Primary => !standby,
            TargetSessionAttrs::Standby => standby,
        };
        if fits {
            return Ok(connection);
        }
        connection.close(Duration::from_secs(1)).await;
        Err(Failed::of(Reason::WrongKindOfServer {
            wanted: self.wanted,
        }))
    }
}

/// Chooses between the failures of an encrypted and a plain try the one that helps more.
fn more_telling(first: Failed, second: Failed) -> Failed {
    let by_rule = |failed: &Failed| {
        // `pg_hba.conf` has no rule for this kind of connection, and maybe one for the other.
        failed
            .failure
            .as_ref()
            .is_some_and(|failure| failure.sqlstate.as_deref() == Some("28000"))
    };
    if by_rule(&first) && second.failure.is_some() {
        second
    } else {
        first
    }
}
