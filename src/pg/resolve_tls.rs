//! The part of the resolution that is about TLS: the mode, the authorities, the certificate.

use std::path::{Path, PathBuf};

use crate::pg::params::{
    MaybeNamedFile, Origin, ParamsError, ParamsWarning, RootCertificates, SslMode, TlsParameters,
    TlsVersion, is_supabase,
};
use crate::pg::resolve::{Settings, Sources};

impl Settings {
    pub(super) fn tls(&mut self, sources: &Sources<'_>) -> Result<TlsParameters, ParamsError> {
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
            self.imply("sslmode", implied.0, implied.1);
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
}

/// Returns whether any of the comma-separated hosts is Supabase's (supabase.md 2.4).
fn has_supabase_host(hosts: &str) -> bool {
    hosts.split(',').any(is_supabase)
}

/// Says what of TLS is weaker than it looks.
pub(super) fn tls_warnings(tls: &TlsParameters, home: Option<&Path>) -> Vec<ParamsWarning> {
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
