//! Opens the session of a run, looks at the server, and refuses one that is not fit.

use std::pin::Pin;
use std::time::Duration;

use super::attempt::{Interrupt, Link};
use super::error::RunError;
use super::watch::Watcher;
use crate::pg::connect::{ConnectOptions, Connection, connect};
use crate::pg::own_role::{Beginnings, beginnings};
use crate::pg::params::Parameters;
use crate::pg::pooling::{self, Pooling};
use crate::pg::probe::{ServerFacts, inspect};
use crate::pg::refusal::{Needs, refusals};
use crate::pg::session::{Notices, Session};
use crate::pg::settings::SessionSettings;
use crate::report::event::{EventSink, RunEvent};
use crate::report::problem::Problem;

/// How long the server may take to answer a question about itself, where no `connect_timeout` says.
const PATIENCE: Duration = Duration::from_secs(15);

/// How to open a session.
#[derive(Debug, Clone)]
pub struct Opening {
    /// Where and as whom.
    pub parameters: Parameters,
    /// `evmig/<version> run=<id>`
    pub application_name: String,
    /// Time limit for connecting.
    pub timeout: Duration,
    /// Whether the session will write.
    pub write: bool,
}

/// A session with what is known about its server.
#[derive(Debug)]
pub struct Opened {
    /// The session, with evmig's settings.
    pub session: Session,
    /// Its notices.
    pub notices: Notices,
    /// The server and the role.
    pub facts: ServerFacts,
    /// What the session was set to.
    pub settings: SessionSettings,
    /// What it was before.
    pub beginnings: Beginnings,
    /// Looks at the session from outside.
    pub watcher: Watcher,
    /// What the reader should know.
    pub warnings: Vec<RunEvent>,
}

/// A session that is being opened while something else is done.
pub type BegunOpening = Pin<Box<dyn Future<Output = Result<Opened, RunError>>>>;

impl Opened {
    /// Returns the session with everybody who listens while it works.
    pub(super) fn link<'r>(
        &'r mut self,
        watch_session: &'r mut Option<Session>,
        interrupt: &'r mut Interrupt,
        sink: &'r mut dyn EventSink,
    ) -> Link<'r> {
        Link {
            session: &self.session,
            notices: &mut self.notices,
            watcher: &self.watcher,
            watch_session,
            pid: self.facts.backend.pid,
            interrupt,
            sink,
        }
    }
}

/// Connects, inspects, refuses or prepares.
pub async fn open(opening: &Opening) -> Result<Opened, RunError> {
    let options = ConnectOptions {
        timeout: opening.timeout,
        application_name: Some(opening.application_name.clone()),
        ..ConnectOptions::default()
    };
    let connection = connect(&opening.parameters, &options).await?;
    // A server that goes silent right after the login is no better than one that never answered.
    let patience = opening.parameters.connect_timeout.unwrap_or(PATIENCE);
    let facts = inspect(&connection, patience)
        .await
        .map_err(RunError::own("could not ask the server about itself"))?;
    let pooling = look_for_pooler(&connection, &facts, opening, &options).await?;
    let needs = Needs {
        write: opening.write,
        create_schema: false,
    };
    let reasons = refusals(&facts, &pooling, &opening.parameters, needs);
    if !reasons.is_empty() {
        return Err(RunError::Refused { reasons });
    }
    let (session, notices) = Session::new(connection);
    let own = RunError::own;
    let beginnings = beginnings(&session)
        .await
        .map_err(own("could not read the session's role"))?;
    let settings = SessionSettings::new(facts.version_num, beginnings.durable);
    session
        .run(&settings.set_sql())
        .await
        .map_err(own("could not set up the session"))?;
    if let Some(not_taken) = settings
        .read_back(&session)
        .await
        .map_err(own("could not read the settings back"))?
    {
        return Err(RunError::Setting(not_taken));
    }
    let watcher = Watcher::new(opening.parameters.clone(), &opening.application_name);
    Ok(Opened {
        session,
        notices,
        facts,
        settings,
        beginnings,
        watcher,
        warnings: pooler_warning(pooling),
    })
}

/// A session that only reads may go through any pooler, and is spared the question.
async fn look_for_pooler(
    connection: &Connection,
    facts: &ServerFacts,
    opening: &Opening,
    options: &ConnectOptions,
) -> Result<Pooling, RunError> {
    if !opening.write {
        return Ok(Pooling::Direct);
    }
    pooling::detect(connection, facts, &opening.parameters, options)
        .await
        .map_err(RunError::own("could not look for a pooler"))
}

fn pooler_warning(pooling: Pooling) -> Vec<RunEvent> {
    match pooling {
        Pooling::Unproven { why } => vec![RunEvent::Warning {
            problem: Problem::new(
                "pooler-unproven",
                "a pooler is in between, and it could not be proved that it keeps the session",
            )
            .detail(why.to_string())
            .hint("use the server's own address, if you can"),
        }],
        _ => Vec::new(),
    }
}
