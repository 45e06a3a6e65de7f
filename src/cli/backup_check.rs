//! The fresh backup that a protected environment asks for, and the way past it.

use clap::Args;

use super::commands::backup::host_name;
use super::database::Database;
use crate::project::Manifest;
use crate::runner::fresh::BackupDemand;

/// The way past `backup_max_age`.
#[derive(Debug, Clone, Args)]
pub struct BackupCheckArgs {
    /// Go on without the fresh backup that `backup_max_age` asks for; the reason is kept in the
    /// database
    #[arg(long, value_name = "REASON", help_heading = "Backup")]
    pub no_backup_check: Option<String>,
}

impl BackupCheckArgs {
    /// Returns what a run on this database must find; `None` where nothing is asked.
    pub fn demand(
        &self,
        manifest: Option<&Manifest>,
        database: &Database,
        run: &str,
    ) -> Option<BackupDemand> {
        let name = database.target.environment.as_ref()?;
        let environment = manifest?.environments.get(name)?;
        let max_age = environment
            .backup_max_age
            .filter(|_| environment.protected)?;
        Some(BackupDemand {
            max_age,
            host: host_name(),
            waived: self.no_backup_check.clone(),
            history_schema: database.history_schema.clone(),
            run: run.to_owned(),
        })
    }
}
