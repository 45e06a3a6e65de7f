//! Folds libpq's layers of settings into [`Parameters`].
//!
//! Highest first: the connection string, the project's file, the service file, the environment,
//! the password file (passwords only), the defaults. Nothing here opens a connection; the only
//! I/O is reading the service and password files and looking whether default files exist.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::pg::conninfo;
use crate::pg::keyword::{self, KEYWORDS, Use};
use crate::pg::params::{
    ChannelBinding, Host, Keepalive, MaybeNamedFile, Origin, Parameters, ParamsError,
    ParamsWarning, RootCertificates, Server, ShownSetting, SslMode, TargetSessionAttrs,
    TlsParameters, TlsVersion, is_supabase,
};
use crate::pg::passfile::{DEFAULT_SOCKET_DIRECTORIES, Login, Passfile};
use crate::pg::service::ServiceFiles;
use crate::secret::Secret;

/// What the layers are read from. The caller reads the process's environment, nobody else.
#[derive(Debug, Clone, Copy)]
pub struct Sources<'a> {
    /// The connection string, if there is one.
    pub connection_string: Option<&'a Secret>,
    /// Keywords that the project's file sets for the chosen environment.
    pub project: &'a BTreeMap<String, String>,
    /// The environment variables; only libpq's are looked at.
    pub variables: &'a BTreeMap<String, String>,
    /// The operating system's name of the user.
    pub os_user: Option<&'a str>,
    /// The home directory.
    pub home: Option<&'a Path>,
}

/// Folds the layers into parameters.
pub fn resolve(sources: &Sources<'_>) -> Result<Parameters, ParamsError> {
    let mut settings = Settings::collect(sources)?;
    settings.refuse_unsupported()?;
    let user = settings.user(sources)?;
    let dbname = settings.or_default("dbname", &user);
    let tls = settings.tls(sources)?;
    let mut servers = settings.servers()?;
    let mut warnings = Vec::new();
    let password_places = settings.passwords(sources, &mut servers, &dbname, &user, &mut warnings);
    warnings.extend(tls_warnings(&tls, sources.home));
    let shuffle = settings.choose(
        "load_balance_hosts",
        "disable",
        &[("disable", false), ("random", true)],
        "one of: disable, random",
    )?;
    Ok(Parameters {
        shuffle,
        options: settings.text("options"),
        application_name: settings
            .text("application_name")
            .or_else(|| settings.text("fallback_application_name")),
        connect_timeout: settings.connect_timeout()?,
        target_session_attrs: settings.target_session_attrs()?,
        channel_binding: settings.channel_binding()?,
        keepalive: settings.keepalive()?,
        settings: settings.shown(&servers),
        servers,
        dbname,
        user,
        tls,
        password_places,
        warnings,
    })
}

/// The winning value of each keyword.
struct Settings(BTreeMap<&'static str, (Secret, Origin)>);

impl Settings {
    fn collect(sources: &Sources<'_>) -> Result<Self, ParamsError> {
        let mut all = Self(BTreeMap::new());
        if let Some(text) = sources.connection_string {
            for (name, value) in conninfo::parse(text.expose())? {
                // Within one string the last one wins, as in libpq.
                all.0.insert(name, (value, Origin::ConnectionString));
            }
        }
        for (name, value) in sources.project {
            let known = keyword::find(name).ok_or_else(|| ParamsError::UnknownProjectKeyword {
                name: name.clone(),
                nearest: keyword::nearest(name),
            })?;
            all.add(known.name, Secret::new(value), Origin::Project);
        }
        for name in ["service", "servicefile"] {
            all.add_variable(name, sources.variables);
        }
        all.add_service(sources)?;
        for keyword in KEYWORDS {
            all.add_variable(keyword.name, sources.variables);
        }
        // libpq's forerunner of PGSSLMODE.
        if sources
            .variables
            .get("PGREQUIRESSL")
            .is_some_and(|v| v.starts_with('1'))
        {
            let origin = Origin::Variable("PGREQUIRESSL");
            all.add("sslmode", Secret::new("require"), origin);
        }
        Ok(all)
    }

    /// Sets a keyword that no higher layer has set.
    fn add(&mut self, name: &'static str, value: Secret, origin: Origin) {
        self.0.entry(name).or_insert((value, origin));
    }

    fn add_variable(&mut self, name: &'static str, variables: &BTreeMap<String, String>) {
        let variable = keyword::find(name).and_then(|keyword| keyword.variable);
        if let Some((variable, value)) =
            variable.and_then(|variable| Some((variable, variables.get(variable)?)))
        {
            self.add(name, Secret::new(value), Origin::Variable(variable));
        }
    }

    fn add_service(&mut self, sources: &Sources<'_>) -> Result<(), ParamsError> {
        let Some(service) = self.text("service") else {
            return Ok(());
        };
        let system = match sources.variables.get("PGSYSCONFDIR") {
            Some(directory) => vec![PathBuf::from(directory).join("pg_service.conf")],
            // What Debian's and the upstream's builds of libpq have compiled in.
            None => ["/etc/postgresql-common", "/etc"]
                .map(|directory| Path::new(directory).join("pg_service.conf"))
                .to_vec(),
        };
        let files = ServiceFiles {
            named: self.text("servicefile").map(PathBuf::from),
            user: sources.home.map(|home| home.join(".pg_service.conf")),
            system,
        };
        let (pairs, file) = files.find(&service)?;
        // The first line of a service wins over a later one, unlike in a connection string.
        for (name, value) in pairs {
            let origin = Origin::Service {
                name: service.clone(),
                file: file.clone(),
            };
            self.add(name, value, origin);
        }
        Ok(())
    }

    fn refuse_unsupported(&self) -> Result<(), ParamsError> {
        for (name, (value, origin)) in &self.0 {
            if let Some(Use::Refused(why)) = keyword::find(name).map(|keyword| keyword.usage)
                && !value.is_empty()
            {
                return Err(ParamsError::Unsupported {
                    keyword: name,
                    origin: origin.clone(),
                    why,
                });
            }
        }
        self.choose(
            "gssencmode",
            "disable",
            &[("disable", ()), ("prefer", ())],
            "`disable` or `prefer`: evmig does not encrypt by GSSAPI",
        )
    }

    /// Returns a value that is set and not empty.
    fn text(&self, name: &str) -> Option<String> {
        self.0
            .get(name)
            .filter(|(value, _)| !value.is_empty())
            .map(|(value, _)| value.expose().to_owned())
    }

    fn origin(&self, name: &str) -> Origin {
        self.0
            .get(name)
            .map_or(Origin::Default, |(_, origin)| origin.clone())
    }

    fn bad(&self, keyword: &'static str, expected: &'static str) -> ParamsError {
        ParamsError::BadValue {
            keyword,
            origin: self.origin(keyword),
            expected,
        }
    }

    /// Returns the value, or the default, which is then remembered as such.
    fn or_default(&mut self, name: &'static str, default: &str) -> String {
        self.text(name).unwrap_or_else(|| {
            let setting = (Secret::new(default), Origin::Default);
            self.0.insert(name, setting);
            default.to_owned()
        })
    }

    fn choose<T: Copy>(
        &self,
        name: &'static str,
        default: &str,
        choices: &[(&str, T)],
        expected: &'static str,
    ) -> Result<T, ParamsError> {
        let value = self.text(name);
        let value = value.as_deref().unwrap_or(default);
        choices
            .iter()
            .find(|(choice, _)| *choice == value)
            .map(|(_, meaning)| *meaning)
            .ok_or_else(|| self.bad(name, expected))
    }

    fn number(&self, name: &'static str) -> Result<Option<i64>, ParamsError> {
        self.text(name)
            .map(|value| value.trim().parse::<i32>().map(i64::from))
            .transpose()
            .map_err(|_| self.bad(name, "a whole number"))
    }

    fn user(&mut self, sources: &Sources<'_>) -> Result<String, ParamsError> {
        match (self.text("user"), sources.os_user) {
            (Some(user), _) => Ok(user),
            (None, Some(user)) => Ok(self.or_default("user", user)),
            (None, None) => Err(ParamsError::NoUser),
        }
    }

    fn servers(&mut self) -> Result<Vec<Server>, ParamsError> {
        let addresses = self.text("hostaddr").map(|text| split_list(&text));
        if self.text("host").is_none() && addresses.is_none() {
            let default = default_host();
            self.or_default("host", &default);
        }
        let hosts = self.text("host").map(|text| split_list(&text));
        let count = hosts.as_ref().or(addresses.as_ref()).map_or(1, Vec::len);
        let mismatch = |keyword: &'static str, found: usize| ParamsError::CountMismatch {
            keyword,
            origin: self.origin(keyword),
            count: found,
            hosts: count,
        };
        if let Some(addresses) = addresses.as_ref().filter(|list| list.len() != count) {
            return Err(mismatch("hostaddr", addresses.len()));
        }
        let ports = split_list(&self.text("port").unwrap_or_default());
        if ports.len() != 1 && ports.len() != count {
            return Err(mismatch("port", ports.len()));
        }
        let mut servers = Vec::with_capacity(count);
        for at in 0..count {
            let name = hosts.as_ref().map_or("", |hosts| &hosts[at]);
            let address = addresses.as_ref().map_or("", |list| &list[at]);
            let port = ports.get(at).or_else(|| ports.first()).map_or("", |p| p);
            servers.push(Server {
                host: self.host(name, address)?,
                hostaddr: self.address(address)?,
                port: self.port(port)?,
                password: None,
                password_origin: None,
            });
        }
        if self.text("port").is_none() {
            self.or_default("port", "5432");
        }
        Ok(servers)
    }

    fn host(&self, name: &str, address: &str) -> Result<Host, ParamsError> {
        let name = if name.is_empty() && address.is_empty() {
            default_host()
        } else {
            name.to_owned()
        };
        if name.starts_with('/') {
            return Ok(Host::Socket(PathBuf::from(name)));
        }
        // libpq's abstract sockets; also what is left of a password with an `@`, so not shown.
        if name.contains('@') {
            return Err(self.bad(
                "host",
                "a host name, an address or a directory, without an `@`",
            ));
        }
        if name.chars().any(|c| c.is_control() || c.is_whitespace()) {
            return Err(self.bad(
                "host",
                "a host name, an address or a directory, without spaces",
            ));
        }
        Ok(Host::Tcp(name))
    }

    fn address(&self, text: &str) -> Result<Option<IpAddr>, ParamsError> {
        if text.is_empty() {
            return Ok(None);
        }
        text.parse()
            .map(Some)
            .map_err(|_| self.bad("hostaddr", "an IPv4 or IPv6 address"))
    }

    fn port(&self, text: &str) -> Result<u16, ParamsError> {
        if text.trim().is_empty() {
            return Ok(5432);
        }
        match text.trim().parse() {
            Ok(port) if port > 0 => Ok(port),
            _ => Err(self.bad("port", "a number from 1 to 65535")),
        }
    }

    /// Gives each server its password and returns the places that were looked at.
    fn passwords(
        &self,
        sources: &Sources<'_>,
        servers: &mut [Server],
        dbname: &str,
        user: &str,
        warnings: &mut Vec<ParamsWarning>,
    ) -> Vec<String> {
        let mut places = vec!["the connection string".to_owned()];
        if let Some(service) = self.text("service") {
            places.push(format!("service `{service}`"));
        }
        places.push("PGPASSWORD".to_owned());
        if let Some((password, origin)) = self.0.get("password")
            && !password.is_empty()
        {
            for server in servers {
                server.password = Some(password.clone());
                server.password_origin = Some(origin.clone());
            }
            return places;
        }
        let path = self
            .text("passfile")
            .map(PathBuf::from)
            .or_else(|| sources.home.map(|home| home.join(".pgpass")));
        let Some(path) = path else {
            return places;
        };
        places.push(path.display().to_string());
        let (file, found) = Passfile::read(&path);
        warnings.extend(found.into_iter().map(ParamsWarning::from));
        for server in servers {
            let host = match (&server.host, server.hostaddr) {
                (Host::Tcp(name), Some(address)) if name.is_empty() => address.to_string(),
                (host, _) => host.to_string(),
            };
            let login = Login {
                host: &host,
                port: server.port,
                dbname,
                user,
            };
            if let Some(found) = file.find(login) {
                server.password = Some(found.password);
                server.password_origin = Some(Origin::Passfile {
                    file: path.clone(),
                    line: found.line,
                });
            }
        }
        places
    }

    fn tls(&mut self, sources: &Sources<'_>) -> Result<TlsParameters, ParamsError> {
        let in_home = |name: &str| sources.home.map(|home| home.join(".postgresql").join(name));
        let roots = match self.text("sslrootcert") {
            Some(text) if text == "system" => RootCertificates::System,
            Some(text) => RootCertificates::File(PathBuf::from(text)),
            None => in_home("root.crt").map_or(RootCertificates::Unknown, RootCertificates::File),
        };
        let mode = self.ssl_mode(&roots)?;
        let direct = self.choose(
            "sslnegotiation",
            "postgres",
            &[("postgres", false), ("direct", true)],
            "`postgres` or `direct`",
        )?;
        if direct && mode < SslMode::Require {
            return Err(ParamsError::WeakModeWithDirect { mode });
        }
        let file = |named: Option<String>, default: &str| MaybeNamedFile {
            named: named.is_some(),
            path: named.map(PathBuf::from).or_else(|| in_home(default)),
        };
        let versions = &[
            ("TLSv1", TlsVersion::V10),
            ("TLSv1.1", TlsVersion::V11),
            ("TLSv1.2", TlsVersion::V12),
            ("TLSv1.3", TlsVersion::V13),
        ];
        let expected = "one of: TLSv1, TLSv1.1, TLSv1.2, TLSv1.3";
        Ok(TlsParameters {
            mode,
            direct,
            roots,
            certificate: file(self.text("sslcert"), "postgresql.crt"),
            key: file(self.text("sslkey"), "postgresql.key"),
            sni: self.choose("sslsni", "1", &[("1", true), ("0", false)], "`0` or `1`")?,
            min_version: self.choose("ssl_min_protocol_version", "TLSv1.2", versions, expected)?,
            max_version: self
                .text("ssl_max_protocol_version")
                .map(|_| self.choose("ssl_max_protocol_version", "", versions, expected))
                .transpose()?,
        })
    }

    fn ssl_mode(&mut self, roots: &RootCertificates) -> Result<SslMode, ParamsError> {
        if self.text("sslmode").is_none() {
            let implied = if *roots == RootCertificates::System {
                ("verify-full", Origin::Rule("sslrootcert=system implies it"))
            } else if self
                .text("host")
                .is_some_and(|hosts| has_supabase_host(&hosts))
            {
                let why = "Supabase hosts are never spoken to in clear unless sslmode says so";
                ("require", Origin::Rule(why))
            } else {
                ("prefer", Origin::Default)
            };
            self.0
                .insert("sslmode", (Secret::new(implied.0), implied.1));
        }
        let mode = self.choose(
            "sslmode",
            "prefer",
            &[
                ("disable", SslMode::Disable),
                ("allow", SslMode::Allow),
                ("prefer", SslMode::Prefer),
                ("require", SslMode::Require),
                ("verify-ca", SslMode::VerifyCa),
                ("verify-full", SslMode::VerifyFull),
            ],
            "one of: disable, allow, prefer, require, verify-ca, verify-full",
        )?;
        if *roots == RootCertificates::System && mode != SslMode::VerifyFull {
            return Err(ParamsError::WeakModeWithSystemRoots {
                mode,
                origin: self.origin("sslmode"),
            });
        }
        Ok(mode)
    }

    /// libpq waits for ever on 0 or less; evmig leaves those to the caller's limit.
    fn connect_timeout(&self) -> Result<Option<Duration>, ParamsError> {
        let seconds = self.number("connect_timeout")?;
        Ok(seconds
            .and_then(|seconds| u64::try_from(seconds).ok())
            .filter(|seconds| *seconds > 0)
            .map(Duration::from_secs))
    }

    fn target_session_attrs(&self) -> Result<TargetSessionAttrs, ParamsError> {
        self.choose(
            "target_session_attrs",
            "any",
            &[
                ("any", TargetSessionAttrs::Any),
                ("read-write", TargetSessionAttrs::ReadWrite),
                ("read-only", TargetSessionAttrs::ReadOnly),
                ("primary", TargetSessionAttrs::Primary),
                ("standby", TargetSessionAttrs::Standby),
                ("prefer-standby", TargetSessionAttrs::PreferStandby),
            ],
            "one of: any, read-write, read-only, primary, standby, prefer-standby",
        )
    }

    fn channel_binding(&self) -> Result<ChannelBinding, ParamsError> {
        self.choose(
            "channel_binding",
            "prefer",
            &[
                ("disable", ChannelBinding::Disable),
                ("prefer", ChannelBinding::Prefer),
                ("require", ChannelBinding::Require),
            ],
            "one of: disable, prefer, require",
        )
    }

    /// Unlike libpq's, the defaults notice a dead peer within half a minute (faults.md B15): the
    /// system's two hours leave a deployment hanging.
    fn keepalive(&self) -> Result<Keepalive, ParamsError> {
        let seconds = |name, default: u64| -> Result<Duration, ParamsError> {
            let value = self.number(name)?.and_then(|n| u64::try_from(n).ok());
            Ok(Duration::from_secs(
                value.filter(|n| *n > 0).unwrap_or(default),
            ))
        };
        let count = self
            .number("keepalives_count")?
            .and_then(|n| u32::try_from(n).ok())
            .filter(|n| *n > 0);
        let user_timeout = match self.number("tcp_user_timeout")? {
            // Milliseconds; zero or less leaves it to the system, as in libpq.
            Some(millis) => u64::try_from(millis).ok().filter(|n| *n > 0),
            None => Some(30_000),
        };
        Ok(Keepalive {
            enabled: self.number("keepalives")?.is_none_or(|on| on != 0),
            idle: seconds("keepalives_idle", 10)?,
            interval: seconds("keepalives_interval", 5)?,
            count: count.unwrap_or(4),
            user_timeout: user_timeout.map(Duration::from_millis),
        })
    }

    fn shown(&self, servers: &[Server]) -> Vec<ShownSetting> {
        let mut shown = Vec::new();
        for keyword in KEYWORDS {
            if let Some((value, origin)) = self.0.get(keyword.name) {
                let secret = keyword.name == "password";
                let value = if secret { "[redacted]" } else { value.expose() };
                shown.push(ShownSetting {
                    keyword: keyword.name,
                    value: value.to_owned(),
                    origin: origin.clone(),
                });
            } else if keyword.name == "password"
                && let Some(origin) = servers.iter().find_map(|s| s.password_origin.clone())
            {
                shown.push(ShownSetting {
                    keyword: keyword.name,
                    value: "[redacted]".to_owned(),
                    origin,
                });
            }
        }
        shown
    }
}

fn split_list(text: &str) -> Vec<String> {
    text.split(',').map(|part| part.trim().to_owned()).collect()
}

/// Returns the first socket directory with a server in it, else `localhost`.
fn default_host() -> String {
    DEFAULT_SOCKET_DIRECTORIES
        .iter()
        .find(|directory| Path::new(directory).join(".s.PGSQL.5432").exists())
        .map_or_else(
            || "localhost".to_owned(),
            |directory| (*directory).to_owned(),
        )
}

/// Returns whether any of the comma-separated hosts is Supabase's (supabase.md 2.4).
fn has_supabase_host(hosts: &str) -> bool {
    hosts.split(',').any(is_supabase)
}

fn tls_warnings(tls: &TlsParameters, home: Option<&Path>) -> Vec<ParamsWarning> {
    let mut warnings = Vec::new();
    if tls.mode == SslMode::Disable {
        return warnings;
    }
    if let RootCertificates::File(path) = &tls.roots
        && !path.exists()
        && tls.mode == SslMode::Require
        && home.is_none_or(|home| !path.starts_with(home.join(".postgresql")))
    {
        warnings.push(ParamsWarning::RootFileMissing {
            path: path.clone(),
            mode: tls.mode,
        });
    }
    if let Some(path) = home.map(|home| home.join(".postgresql/root.crl"))
        && path.exists()
    {
        warnings.push(ParamsWarning::RevocationListNotUsed { path });
    }
    warnings
}

#[cfg(test)]
#[path = "resolve_tests.rs"]
mod tests;
