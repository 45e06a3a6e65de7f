//! Runs `pg_dump`: which program, against what, and with which limits.

use std::path::Path;
use std::time::Duration;

use super::error::BackupError;
use crate::pg::params::{
    ChannelBinding, Host, Parameters, RootCertificates, Server, TlsParameters, TlsVersion,
};
use crate::shadow::{ClientCommand, ClientProgram, GivenPassword, Surroundings};

/// The first minor of each major whose `pg_dump` does not run what the owner of a table has put in
/// its place while it looked (CVE-2024-7348). A major that is not named has never had the hole.
const DUMP_HOLES: &[(u32, u32)] = &[(14, 13), (15, 8), (16, 4)];

/// The first minor of each major whose `pg_restore` runs nothing of a crafted archive
/// (CVE-2026-116314; the holes of 2025, CVE-2025-8714 and CVE-2025-8715, were closed before).
const RESTORE_HOLES: &[(u32, u32)] = &[(14, 25), (15, 20), (16, 16), (17, 12), (18, 7)];

/// Finds the `pg_dump` for a server of this major.
pub fn pg_dump(surroundings: &Surroundings, major: u32) -> Result<ClientProgram, BackupError> {
    let program = ClientProgram::find(surroundings, "pg_dump", major)?;
    refuse_hole("pg_dump", &program, DUMP_HOLES, "CVE-2024-7348")?;
    Ok(program)
}

/// Finds the `pg_restore` for an archive that a `pg_dump` of this major has made. A version with a
/// known hole is refused unless it is `accepted`, to the letter.
pub fn pg_restore(
    surroundings: &Surroundings,
    major: u32,
    accepted: Option<&str>,
) -> Result<ClientProgram, BackupError> {
    let program = ClientProgram::find(surroundings, "pg_restore", major)?;
    if accepted != Some(program.version.text.as_str()) {
        let holes = "CVE-2026-116314, CVE-2026-18408";
        refuse_hole("pg_restore", &program, RESTORE_HOLES, holes)?;
    }
    Ok(program)
}

fn refuse_hole(
    name: &'static str,
    program: &ClientProgram,
    first_without: &[(u32, u32)],
    holes: &'static str,
) -> Result<(), BackupError> {
    let version = &program.version;
    match needed(version.major, &version.text, first_without) {
        None => Ok(()),
        Some(needed) => Err(BackupError::Hole {
            program: name,
            found: version.text.clone(),
            holes,
            needed,
        }),
    }
}

/// Returns the version that is needed instead of this one. A version whose minor cannot be read (a
/// beta, a build of somebody's own) is older than any.
fn needed(major: u32, text: &str, first_without: &[(u32, u32)]) -> Option<String> {
    let (_, minor) = first_without.iter().find(|(one, _)| *one == major)?;
    let found = text
        .split_once('.')
        .and_then(|(_, rest)| rest.parse::<u32>().ok());
    (found.is_none_or(|found| found < *minor)).then(|| format!("{major}.{minor}"))
}

/// What `pg_dump` shall do.
#[derive(Debug, Clone, Copy)]
pub(super) struct Dumping<'a> {
    /// The folder it makes.
    pub(super) into: &'a Path,
    /// The snapshot that was exported to it.
    pub(super) snapshot: &'a str,
    /// How many sessions it uses.
    pub(super) jobs: u32,
    /// How long it waits for a table that somebody has locked.
    pub(super) lock_wait: Duration,
    /// Its `application_name`.
    pub(super) application_name: &'a str,
}

/// Makes the command. Where it connects stands in its environment, which has nothing else: a name
/// given with `--dbname` would be read as a connection string where it looks like one.
pub(super) fn command(
    program: &ClientProgram,
    parameters: &Parameters,
    server: &Server,
    password: Option<&GivenPassword>,
    dumping: Dumping<'_>,
) -> ClientCommand {
    let mut command = program.command();
    command
        .arg("--format=directory")
        .arg(format!("--jobs={}", dumping.jobs))
        .arg(format!("--snapshot={}", dumping.snapshot))
        .arg(format!(
            "--lock-wait-timeout={}",
            dumping.lock_wait.as_millis()
        ))
        .arg("--encoding=UTF8")
        .arg("--no-password")
        .arg("--file")
        .arg(dumping.into);
    match &server.host {
        Host::Tcp(name) => command.env("PGHOST", name),
        Host::Socket(directory) => command.env("PGHOST", directory),
    };
    if let Some(address) = server.hostaddr {
        command.env("PGHOSTADDR", address.to_string());
    }
    command
        .env("PGPORT", server.port.to_string())
        .env("PGUSER", &parameters.user)
        .env("PGDATABASE", &parameters.dbname)
        .env("PGAPPNAME", dumping.application_name)
        .env("PGGSSENCMODE", "disable")
        .env("PGCONNECT_TIMEOUT", "15")
        .env(
            "PGCHANNELBINDING",
            match parameters.channel_binding {
                ChannelBinding::Disable => "disable",
                ChannelBinding::Prefer => "prefer",
                ChannelBinding::Require => "require",
            },
        );
    if let Some(options) = &parameters.options {
        command.env("PGOPTIONS", options);
    }
    // A path that holds nothing: the default file may be another server's.
    let nothing = Path::new("/dev/null");
    command.env("PGPASSFILE", password.map_or(nothing, GivenPassword::path));
    tls(&mut command, &parameters.tls, program.version.major);
    command
}

fn tls(command: &mut ClientCommand, tls: &TlsParameters, major: u32) {
    command.env("PGSSLMODE", tls.mode.to_string());
    match &tls.roots {
        RootCertificates::File(path) => command.env("PGSSLROOTCERT", path),
        RootCertificates::System => command.env("PGSSLROOTCERT", "system"),
        RootCertificates::Unknown => command,
    };
    if let Some(path) = &tls.certificate.path {
        command.env("PGSSLCERT", path);
    }
    if let Some(path) = &tls.key.path {
        command.env("PGSSLKEY", path);
    }
    command.env("PGSSLSNI", if tls.sni { "1" } else { "0" });
    command.env("PGSSLMINPROTOCOLVERSION", version(tls.min_version));
    if let Some(most) = tls.max_version {
        command.env("PGSSLMAXPROTOCOLVERSION", version(most));
    }
    // Older ones do not know it and would not ask in the way that the server wants.
    if tls.direct && major >= 17 {
        command.env("PGSSLNEGOTIATION", "direct");
    }
}

fn version(version: TlsVersion) -> &'static str {
    match version {
        TlsVersion::V10 => "TLSv1",
        TlsVersion::V11 => "TLSv1.1",
        TlsVersion::V12 => "TLSv1.2",
        TlsVersion::V13 => "TLSv1.3",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_with_a_hole_names_the_one_without() {
        let restore = |major, text| needed(major, text, RESTORE_HOLES);
        assert_eq!(restore(15, "15.18"), Some("15.20".to_owned()));
        assert_eq!(restore(15, "15.20"), None);
        assert_eq!(restore(14, "14.9"), Some("14.25".to_owned()));
        assert_eq!(restore(18, "18beta1"), Some("18.7".to_owned()));
        assert_eq!(restore(19, "19.0"), None);
        let dump = |major, text| needed(major, text, DUMP_HOLES);
        assert_eq!(dump(15, "15.18"), None);
        assert_eq!(dump(16, "16.3"), Some("16.4".to_owned()));
        assert_eq!(dump(17, "17.0"), None);
    }
}
