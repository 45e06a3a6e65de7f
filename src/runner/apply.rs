//! `evmig apply`: from the project and the history to committed migrations.

use std::time::Duration;

use super::attempt::Interrupt;
use super::checkpoint::{self, Picture};
use super::drift;
use super::error::RunError;
use super::fresh::{self, BackupDemand};
use super::open::{BegunOpening, Opened, Opening, open};
use super::planned::{self, Planned};
use super::present::refuse_if_present;
use super::record::{self, Why};
use super::retry::LockPolicy;
use super::run::{Run, tell_passed_over};
use super::transactional::Setup;
use super::triggers;
use super::under_lock::{Forecast, UnderLock, under_lock};
use crate::history::checkpoint::{Moment, Newest};
use crate::history::locate::{Located, Look};
use crate::history::model::{Action, History, VersionType};
use crate::history::store::Store;
use crate::pg::lock::HistoryLock;
use crate::pg::session::Session;
use crate::plan::adopt::adoptions;
use crate::plan::choose::{Chosen, Selection, choose};
use crate::plan::saved::SavedPlan;
use crate::plan::standing::{refinery_match, standings};
use crate::project::script::Script;
use crate::project::{Migration, Project, ProjectError};
use crate::report::event::{EventSink, RunEvent};
use crate::report::problem::Problem;
use crate::report::run::{AppliedMigration, Outcome, PlanResult};

/// What to apply, where, and how.
pub struct Request<'a> {
    /// The project.
    pub project: &'a Project,
    /// What of it.
    pub selection: &'a Selection,
    /// The plan that says exactly what is applied, where there is one; the selection is its own.
    pub plan: Option<&'a SavedPlan>,
    /// Where.
    pub opening: Opening,
    /// The session, where opening it was begun before.
    pub begun: Option<BegunOpening>,
    /// How long to wait for another run.
    pub wait: Duration,
    /// Lock waits and retries.
    pub policy: LockPolicy,
    /// The backup that must be there.
    pub backup: Option<BackupDemand>,
    /// What the history says of how the run was started: `apply`.
    pub command: String,
    /// Run id.
    pub run: String,
    /// The checkout's commit, for the history.
    pub git_commit: Option<String>,
}

/// What came of it.
#[derive(Debug)]
pub struct Applied {
    /// How it ended.
    pub outcome: Outcome,
    /// Whether a run was recorded.
    pub recorded: bool,
    /// What was committed, in order.
    pub applied: Vec<AppliedMigration>,
    /// How many statements of the file that stopped are committed.
    pub kept: usize,
    /// Runs of others that did the work meanwhile.
    pub other_runs: Vec<String>,
    /// Migrations that are pending now.
    pub pending: usize,
    /// What became of the plan's prediction; `None` without a plan, or where the run did not come to its end.
    pub plan: Option<PlanResult>,
    /// What stopped it.
    pub error: Option<RunError>,
}

impl Applied {
    fn nothing(outcome: Outcome, pending: usize) -> Self {
        Self {
            outcome,
            recorded: false,
            applied: Vec::new(),
            kept: 0,
            other_runs: Vec::new(),
            pending,
            plan: None,
            error: None,
        }
    }
}

/// Applies what is selected. The result always says what is committed, also after an error.
pub async fn apply(
    request: Request<'_>,
    interrupt: &mut Interrupt,
    sink: &mut dyn EventSink,
) -> Applied {
    let mut sink = Heard {
        sink,
        not_replicated: Vec::new(),
    };
    let mut applied = Box::pin(in_order(request, interrupt, &mut sink)).await;
    if applied.error.is_none() && !sink.not_replicated.is_empty() {
        applied.outcome = Outcome::Failed;
        applied.error = Some(RunError::NotReplicated {
            migrations: sink.not_replicated,
        });
    }
    applied
}

/// Passes events on, and remembers what decides about the end.
struct Heard<'a> {
    sink: &'a mut dyn EventSink,
    not_replicated: Vec<String>,
}

impl EventSink for Heard<'_> {
    fn event(&mut self, event: &RunEvent) {
        if let RunEvent::NotReplicated { migration } = event {
            self.not_replicated.push(migration.label());
            self.not_replicated.dedup();
        }
        self.sink.event(event);
    }
}

async fn in_order(
    mut request: Request<'_>,
    interrupt: &mut Interrupt,
    sink: &mut dyn EventSink,
) -> Applied {
    // A signal must not wait for a server that does not answer. What is dropped here is at most
    // evmig's own first rows; no statement of a file has been sent.
    let begun = request.begun.take();
    let mut early = interrupt.clone();
    let prepared = tokio::select! {
        biased;
        prepared = prepare(&request, begun, interrupt, sink) => prepared,
        () = early.wait() => Err(RunError::Interrupted),
    };
    match prepared {
        Err(error) => {
            let outcome = if matches!(error, RunError::Interrupted) {
                Outcome::Interrupted
            } else {
                Outcome::Failed
            };
            Applied {
                error: Some(error),
                ..Applied::nothing(outcome, 0)
            }
        }
        Ok(Prepared::Nothing { left, other_runs }) => Applied {
            other_runs,
            ..Applied::nothing(Outcome::NothingToDo, left)
        },
        Ok(Prepared::Ready(run)) => Box::pin(run.walk(interrupt, sink)).await,
    }
}

/// What preparing comes to.
enum Prepared<'a> {
    /// Everything selected is applied already.
    Nothing {
        /// What stays pending.
        left: usize,
        /// Runs that did it while this one waited.
        other_runs: Vec<String>,
    },
    /// The lock is held and the run is recorded.
    Ready(Box<Run<'a>>),
}

/// Statements of a chosen migration, by its index in the project.
pub type Scripts = Vec<(usize, Script)>;

/// Reads the history and decides; nothing is written before the lock is held.
async fn prepare<'a>(
    request: &Request<'a>,
    begun: Option<BegunOpening>,
    interrupt: &mut Interrupt,
    sink: &mut dyn EventSink,
) -> Result<Prepared<'a>, RunError> {
    let project = request.project;
    let mut opened = match begun {
        Some(begun) => begun.await?,
        None => open(&request.opening).await?,
    };
    for warning in std::mem::take(&mut opened.warnings) {
        sink.event(&warning);
    }
    let forecast = opened.take_look().await?;
    warn_of_triggers(&opened.session, project, &forecast, sink).await?;
    let widest = widest(project);
    let located = forecast.located(widest)?;
    let planned = Planned::of(request, &opened).await?;
    let expected = plan(&opened.session, request, &forecast).await?;
    // What has become stale stays so: nobody need be waited for.
    let decision = Decision::new(planned.as_ref(), &located, &forecast.history, &expected);
    if let Some(nothing) = decision.nothing_to_do(request, Vec::new())? {
        tell_passed_over(project, &expected, sink);
        return Ok(nothing);
    }
    // What is wrong with the files is said without waiting for anybody.
    let expected_scripts = scripts(project, &expected)?;
    fresh::check(request.backup.as_ref(), &opened).await?;
    let lock = HistoryLock::new(&project.manifest.project.history_schema);
    let before = forecast.history.rows.len();
    let look = Forecast {
        look: forecast,
        scripts: &expected_scripts,
    };
    let UnderLock {
        look,
        mut present,
        picture,
        newest,
    } = under_lock(&opened, request, lock, look, interrupt, sink).await?;
    // What was read before is only a forecast: it counts what is there under the lock.
    let located = look.located(widest)?;
    let chosen = plan(&opened.session, request, &look).await?;
    let history = look.history;
    let decision = Decision::new(planned.as_ref(), &located, &history, &chosen);
    if let Some(nothing) = decision.nothing_to_do(request, other_runs(&history, before))? {
        return Ok(nothing);
    }
    let scripts = if chosen == expected {
        expected_scripts
    } else {
        present = None;
        scripts(project, &chosen)?
    };
    // Not before: what another run makes while this one waits would look like objects without a
    // history, and what it takes back would be missing from the scripts.
    if history.is_empty() {
        refuse_if_present(project, &opened.session, &scripts, present).await?;
    }
    let newest = newest?;
    let picture = checkpoint::told(picture, sink);
    if let Some(planned) = &planned {
        Box::pin(planned.hold_catalog(&opened, &located, picture.as_ref())).await?;
    }
    let both = newest.as_ref().zip(picture.as_ref());
    Box::pin(drift::check(&opened, &located, both, request, sink)).await?;
    let setup = setup(&opened, request.policy);
    let begun = Begun {
        setup: &setup,
        history: &history,
        chosen: &chosen,
        picture: picture.as_ref(),
        newest: newest.as_ref(),
    };
    let store = begin(request, &opened, located, &begun).await?;
    tell_not_stored(project, &chosen, sink);
    sink.event(&RunEvent::RunStarted {
        run: request.run.clone(),
        migrations: chosen.migrations().count(),
        statements: scripts.iter().map(|(_, script)| script.body().len()).sum(),
    });
    Ok(Prepared::Ready(Box::new(Run {
        project,
        opening: Opening {
            look: None,
            ..request.opening.clone()
        },
        opened,
        watch_session: None,
        store,
        history,
        lock,
        setup,
        id: request.run.clone(),
        chosen,
        scripts: scripts.into_iter().collect(),
        applied: Vec::new(),
        kept: 0,
        unknown: false,
        alone: false,
        begun: None,
        known: picture.map(|picture| picture.fingerprint),
        predicted: request.plan.map(|plan| &plan.predicted),
    })))
}

/// What was chosen, with what it rests on.
struct Decision<'d> {
    planned: Option<&'d Planned<'d>>,
    located: &'d Located,
    history: &'d History,
    chosen: &'d Chosen,
}

impl<'d> Decision<'d> {
    fn new(
        planned: Option<&'d Planned<'d>>,
        located: &'d Located,
        history: &'d History,
        chosen: &'d Chosen,
    ) -> Self {
        Self {
            planned,
            located,
            history,
            chosen,
        }
    }

    /// Holds it against the plan, and returns what there is to tell where nothing is left to do. Where others have done
    /// all of a plan, and nothing else, they are named.
    fn nothing_to_do<'a>(
        &self,
        request: &Request<'_>,
        other_runs: Vec<String>,
    ) -> Result<Option<Prepared<'a>>, RunError> {
        let (history, chosen) = (self.history, self.chosen);
        let left = chosen.left;
        if let Some(planned) = self.planned {
            if planned.is_done(history, chosen) {
                let other_runs = planned.runs_since(history);
                return Ok(Some(Prepared::Nothing { left, other_runs }));
            }
            planned.hold(request, self.located, history, chosen)?;
        }
        Ok(
            nothing_to_do(request.project, chosen, history, self.located)
                .then_some(Prepared::Nothing { left, other_runs }),
        )
    }
}

/// Says which triggers are off by the ledger: a file may count on them.
async fn warn_of_triggers(
    session: &Session,
    project: &Project,
    look: &Look,
    sink: &mut dyn EventSink,
) -> Result<(), RunError> {
    if look.has_trigger_ledger() {
        let schema = &project.manifest.project.history_schema;
        if let Some(problem) = triggers::warning(session, schema).await? {
            sink.event(&RunEvent::Warning { problem });
        }
    }
    Ok(())
}

/// The runs that wrote behind so many rows.
fn other_runs(history: &History, before: usize) -> Vec<String> {
    let new = history.rows.iter().skip(before);
    let mut runs: Vec<String> = new.map(|row| row.run.clone()).collect();
    runs.dedup();
    runs
}

/// Says once which of the chosen files the history will not have the text of.
fn tell_not_stored(project: &Project, chosen: &Chosen, sink: &mut dyn EventSink) {
    let files: Vec<&str> = chosen
        .migrations()
        .map(|index| &project.migrations[index])
        .filter(|migration| !migration.is_stored())
        .map(|migration| migration.path.as_str())
        .collect();
    if !files.is_empty() {
        let problem = Problem::new(
            "script-not-stored",
            "the history keeps the checksum of large files, and not their text",
        );
        sink.event(&RunEvent::Warning {
            problem: problem.detail(files.join("\n")),
        });
    }
}

/// Returns the project's greatest version.
pub fn widest(project: &Project) -> i64 {
    let versions = project.migrations.iter();
    versions
        .filter_map(|migration| migration.version.number())
        .max()
        .unwrap_or(0)
}

/// Decides. What is wrong is told in full, and so is read in full first.
async fn plan(session: &Session, request: &Request<'_>, look: &Look) -> Result<Chosen, RunError> {
    let decide = |look: &Look| {
        let project = request.project;
        let located = look.located(widest(project))?;
        let standings = standings(project, &look.history, located.version_type());
        choose(project, &standings, request.selection)
            .map_err(|refusal| planned::of_choice(refusal, request.plan.is_some()))
    };
    match decide(look) {
        Err(RunError::Plan(_)) => decide(&look.clone().in_full(session).await?),
        decided => decided,
    }
}

/// Rows of refinery's that evmig does not know yet are something to do.
fn nothing_to_do(project: &Project, chosen: &Chosen, history: &History, located: &Located) -> bool {
    chosen.migrations().next().is_none()
        && adoptions(project, history, located.version_type()).is_empty()
}

/// Cuts the chosen migrations into statements; everything that is wrong is said at once.
pub fn scripts(project: &Project, chosen: &Chosen) -> Result<Scripts, RunError> {
    let mut scripts = Vec::new();
    let mut errors: Vec<ProjectError> = Vec::new();
    for index in chosen.migrations() {
        let migration = &project.migrations[index];
        let phase = &project.manifest.phases[migration.phase];
        match Script::build(migration, &phase.name, phase.contract.as_ref()) {
            Ok(script) => scripts.push((index, script)),
            Err(found) => errors.extend(found),
        }
    }
    if errors.is_empty() {
        Ok(scripts)
    } else {
        Err(RunError::Scripts { errors })
    }
}

/// Returns how every transaction of this run is set up.
pub fn setup(opened: &Opened, policy: LockPolicy) -> Setup {
    Setup {
        policy,
        deadlock_timeout: opened.facts.deadlock_timeout,
        search_path: Some(opened.beginnings.search_path.clone()),
        own_role: opened.beginnings.own_role.clone(),
        restore: Some(opened.settings.restore_commands()),
        lock_hold: None,
    }
}

/// What a run begins with.
struct Begun<'a> {
    setup: &'a Setup,
    history: &'a History,
    chosen: &'a Chosen,
    picture: Option<&'a Picture>,
    newest: Option<&'a Newest>,
}

/// Writes the run's first row and its first checkpoint, and takes over what refinery did.
async fn begin(
    request: &Request<'_>,
    opened: &Opened,
    mut located: Located,
    begun: &Begun<'_>,
) -> Result<Store, RunError> {
    let project = request.project;
    let mut phases: Vec<String> = begun
        .chosen
        .migrations()
        .map(|index| project.migrations[index].phase)
        .map(|phase| project.manifest.phases[phase].name.value.clone())
        .collect();
    phases.dedup();
    let commit = request.git_commit.as_deref();
    let mut store = located.store();
    let width = store.refinery().version_type;
    let adopted: Vec<(&Migration, Option<&str>)> = adoptions(project, begun.history, width)
        .iter()
        .map(|adoption| {
            let migration = &project.migrations[adoption.index];
            (migration, Some(adoption.row.checksum.as_str()))
        })
        .collect();
    let why = Why {
        run: &request.run,
        action: Action::Adopt,
        reason: None,
    };
    let checkpoint = async |is_due: bool| match begun.picture {
        Some(picture) if is_due => {
            let newest = begun.newest.map(|newest| &newest.checkpoint);
            let known = newest.map(|newest| newest.fingerprint.as_str());
            let (session, run) = (&opened.session, &request.run);
            picture
                .record(session, &store, run, Moment::Begin, known)
                .await
        }
        _ => Ok(()),
    };
    // A history that could not be created has no place for the run either, and says so first. What is adopted was
    // there before: the checkpoint lies behind it.
    let (created, started, remembered) = tokio::join!(
        biased;
        located.make_ready(&opened.session),
        store.start_run(&opened.session, &request.run, &request.command, &phases, commit),
        checkpoint(adopted.is_empty()),
    );
    created.and(started).and(remembered)?;
    record::record_all(&opened.session, begun.setup, &store, project, &adopted, why).await?;
    checkpoint(!adopted.is_empty()).await?;
    // Only now: what refinery wrote is known by the checksums of the old width.
    widen_if_needed(&mut store, &opened.session, project).await?;
    Ok(store)
}

/// A version beyond int4 in the project makes refinery's table int8, with the checksums that
/// refinery computes for that width.
pub async fn widen_if_needed(
    store: &mut Store,
    session: &Session,
    project: &Project,
) -> Result<(), RunError> {
    let too_large = |migration: &Migration| {
        migration
            .version
            .number()
            .is_some_and(|version| i32::try_from(version).is_err())
    };
    if store.refinery().version_type == VersionType::Int8
        || !project.migrations.iter().any(too_large)
    {
        return Ok(());
    }
    // A row that matches no file keeps its checksum, and stays divergent.
    let rows = store.read_refinery(session).await?.refinery;
    let known: Vec<(i64, u64)> = rows
        .iter()
        .filter_map(|row| {
            let of_row = |one: &&Migration| one.version.number() == Some(row.version);
            let migration = project.migrations.iter().find(of_row)?;
            let wide = refinery_match(migration, &row.checksum, VersionType::Int4)?;
            Some((row.version, wide))
        })
        .collect();
    Ok(store.widen(session, &known).await?)
}
