//! `psql` on the embedded server.

use std::ffi::OsString;
use std::os::unix::process::CommandExt;
use std::process::Command;

use super::binaries::is_program;
use super::error::EmbeddedError;
use super::server::Running;
use super::surroundings::Surroundings;

/// What a session could inherit that would lead it elsewhere, or show the password to others.
const NOT_PASSED_ON: [&str; 8] = [
    "PGHOSTADDR",
    "PGPASSWORD",
    "PGSERVICE",
    "PGSSLMODE",
    "PGREQUIRESSL",
    "PGREQUIREAUTH",
    "PGCHANNELBINDING",
    "PGTARGETSESSIONATTRS",
];

impl Running {
    /// Returns the command that runs `psql` on `database` with the caller's terminal and settings.
    ///
    /// The `psql` beside the server's binaries is preferred, since its meta-commands fit the server.
    /// The target is given by variables: a database's name given with `-d` would be read as a
    /// connection string where it looks like one. The password stays in its file.
    ///
    /// # Errors
    ///
    /// [`EmbeddedError::NoPsql`] where there is none.
    pub fn psql_command(
        &self,
        surroundings: &Surroundings,
        database: &str,
        arguments: &[OsString],
    ) -> Result<Command, EmbeddedError> {
        let on_path = surroundings.path_directories();
        let program = self
            .binaries
            .iter()
            .chain(&on_path)
            .map(|directory| directory.join("psql"))
            .find(|path| is_program(path))
            .ok_or_else(|| EmbeddedError::NoPsql {
                looked_in: self.binaries.iter().chain(&on_path).cloned().collect(),
            })?;
        let mut command = Command::new(program);
        command
            .args(arguments)
            .env("PGHOST", &self.host)
            .env("PGPORT", self.port.to_string())
            .env("PGUSER", &self.superuser)
            .env("PGDATABASE", database)
            .env("PGPASSFILE", &self.pgpass);
        for name in NOT_PASSED_ON {
            command.env_remove(name);
        }
        Ok(command)
    }

    /// Becomes `psql`: on success this does not return, and psql's exit code is the process's.
    pub fn exec_psql(
        &self,
        surroundings: &Surroundings,
        database: &str,
        arguments: &[OsString],
    ) -> EmbeddedError {
        match self.psql_command(surroundings, database, arguments) {
            Err(error) => error,
            Ok(mut command) => {
                let source = command.exec();
                let program = command.get_program().into();
                EmbeddedError::Io {
                    action: "run",
                    path: program,
                    source,
                }
            }
        }
    }
}
