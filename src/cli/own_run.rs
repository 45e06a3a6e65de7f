//! A run that does evmig's own work: its flags, its consent, and who listens while it is done.

use clap::Args;

use super::args::ConsentArgs;
use super::commands::Context;
use super::confirm::consent;
use super::database::Database;
use super::error::CommandError;
use super::progress::Live;
use super::settings::{ApplySettings, LockArgs};
use super::{git, signals};
use crate::clock;
use crate::render::terminal;
use crate::runner::attempt::Interrupt;
use crate::runner::own_run::OwnRun;
use crate::runner::own_work::Listeners;

/// How such a run is run.
#[derive(Debug, Args)]
pub struct RunArgs {
    /// Wait this long for another run to end [default: 60s]
    #[arg(long, value_name = "DURATION")]
    pub wait: Option<String>,
    /// Locks.
    #[command(flatten)]
    pub locks: LockArgs,
    /// Consent.
    #[command(flatten)]
    pub consent: ConsentArgs,
}

/// A run that may begin.
pub struct Agreed {
    /// Where.
    pub database: Database,
    interrupt: Interrupt,
}

impl RunArgs {
    /// Finds the database, shows it, and asks for consent where it is due.
    pub async fn agree(&self, context: &mut Context<'_>) -> Result<(Agreed, OwnRun), CommandError> {
        let (root, manifest) = context.manifest()?;
        let wait = self.wait.as_ref();
        let settings = ApplySettings::resolve(&self.locks, wait, &context.environment, &manifest)?;
        let database = context.database(&root, &manifest).await?;
        let interrupt = signals::listen();
        let target = terminal::target(&database.target, context.ui.look());
        context.ui.say(&target);
        consent(context.ui, &database, self.consent.yes)?;
        let run = clock::run_id();
        let own = OwnRun {
            opening: database.opening(&run, true),
            wait: settings.wait(),
            policy: settings.policy(),
            run,
            git_commit: git::commit(root.dir()),
        };
        let agreed = Agreed {
            database,
            interrupt,
        };
        Ok((agreed, own))
    }
}

impl Agreed {
    /// Does the work, and tells of it while it is done.
    pub async fn told<T>(
        &mut self,
        context: &mut Context<'_>,
        work: impl AsyncFnOnce(&mut Listeners<'_>) -> T,
    ) -> T {
        let mut live = Live::new(context.ui, None);
        let mut listeners = Listeners {
            interrupt: &mut self.interrupt,
            sink: &mut live,
        };
        Box::pin(work(&mut listeners)).await
    }
}
