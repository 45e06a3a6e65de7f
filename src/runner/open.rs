//! Opens the session of a run, looks at the server, and refuses one that is not fit.

use std::pin::Pin;
use std::time::Duration;

use super::attempt::{Interrupt, Link};
use super::error::RunError;
use super::watch::Watcher;
use crate::history::error::HistoryError;
use crate::history::locate::{Detail, Look, survey};
use crate::pg::connect::{ConnectOptions, Connection, connect};
use crate::pg::own_role::Beginnings;
use crate::pg::params::Parameters;
use crate::pg::pooling::{self, Pooling};
use crate::pg::probe::{ServerFacts, inspect};
use crate::pg::refusal::refusals;
use crate::pg::session::{Notices, Session};
use crate::pg::settings::{SessionSettings, startup_options};
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
    /// The schema that the history is in.
    pub history_schema: String,
    /// How much of the history is read, too.
    pub look: Option<Detail>,
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
    /// What it is once it is reset.
    pub beginnings: Beginnings,
    /// What the history said, where it was to be read; nothing is locked yet.
    look: Option<Result<Look, HistoryError>>,
    history_schema: String,
    /// Looks at the session from outside.
    pub watcher: Watcher,
    /// What the reader should know.
    pub warnings: Vec<RunEvent>,
}

/// A session that is being opened while something else is done.
pub type BegunOpening = Pin<Box<dyn Future<Output = Result<Opened, RunError>>>>;

impl Opened {
    /// Returns what the history said when the session was opened, once; later it is read anew.
    pub async fn take_look(&mut self) -> Result<Look, RunError> {
        if let Some(look) = self.look.take() {
            return Ok(look?);
        }
        let survey = survey(&self.session, &self.history_schema).await?;
        Ok(survey.read(&self.session, Detail::Full).await?)
    }

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
            pid: self.facts.backend_pid,
            interrupt,
            sink,
        }
    }
}

/// Connects, inspects, refuses or prepares, and reads the history: two round trips after the login.
pub async fn open(opening: &Opening) -> Result<Opened, RunError> {
    let (connection, options) = connect_with_settings(opening).await?;
    // A server that goes silent right after the login is no better than one that never answered.
    let patience = opening.parameters.connect_timeout.unwrap_or(PATIENCE);
    let own = RunError::own;
    let (session, notices) = Session::new(connection);
    // Without the facts nothing else is waited for.
    let survey = async { Ok(survey(&session, &opening.history_schema).await) };
    let (facts, survey) = tokio::try_join!(inspect(session.connection(), patience), survey)
        .map_err(own("could not ask the server about itself"))?;
    let pooling = look_for_pooler(session.connection(), &facts, opening, &options).await?;
    let reasons = refusals(&facts, &pooling, &opening.parameters, opening.write);
    if !reasons.is_empty() {
        return Err(RunError::Refused { reasons });
    }
    let mut settings = SessionSettings::new(facts.version_num);
    let set_sql = settings.set_sql();
    let look = async {
        match (survey, opening.look) {
            (_, None) => None,
            (Ok(survey), Some(detail)) => Some(survey.read(&session, detail).await),
            (Err(error), Some(_)) => Some(Err(error)),
        }
    };
    // Whoever had the session before, behind a pooler, may have changed it.
    let (reset, resets, set, not_taken, look) = tokio::join!(
        biased;
        session.run("reset all"),
        SessionSettings::ask_resets(&session),
        session.run(&set_sql),
        settings.read_back(&session),
        look,
    );
    reset
        .and(set)
        .map_err(own("could not set up the session"))?;
    let resets = resets.map_err(own("could not read the session's role"))?;
    let mut not_taken = not_taken.map_err(own("could not read the settings back"))?;
    if let Some(more) = settings.learn(&resets) {
        let (set, read) = tokio::join!(biased; session.run(&more), settings.read_back(&session));
        set.map_err(own("could not set up the session"))?;
        not_taken = read.map_err(own("could not read the settings back"))?;
    }
    if let Some(not_taken) = not_taken {
        return Err(RunError::Setting(not_taken));
    }
    let watcher = Watcher::new(opening.parameters.clone(), &opening.application_name);
    Ok(Opened {
        session,
        notices,
        facts,
        beginnings: resets.beginnings,
        settings,
        look,
        history_schema: opening.history_schema.clone(),
        watcher,
        warnings: pooler_warning(pooling),
    })
}

/// Connects with the settings in the startup message, and without them where somebody in between, or
/// a server that evmig is about to refuse, does not take them.
async fn connect_with_settings(
    opening: &Opening,
) -> Result<(Connection, ConnectOptions), RunError> {
    let mut options = ConnectOptions {
        timeout: opening.timeout,
        application_name: Some(opening.application_name.clone()),
        settings: Some(startup_options()),
        ..ConnectOptions::default()
    };
    let connection = match connect(&opening.parameters, &options).await {
        Err(error) if error.is_about_settings() => {
            options.settings = None;
            connect(&opening.parameters, &options).await?
        }
        connection => connection?,
    };
    Ok((connection, options))
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
