//! Conducts a dry run: reads the target, makes its likeness, runs what is pending there, and reports.

use std::path::Path;
use std::time::{Duration, Instant};

use super::assemble::{judge, list};
use super::callable;
use super::error::PreviewError;
use super::likeness::{self, Likeness};
use super::on_target::on_target;
use super::pending::{self, Pending};
use super::place::{Owner, ShadowPlace};
use super::saved::saved;
use super::server::Server;
use super::server_wide;
use super::state::{Gathered, Past, Wanted, mentions};
use super::trial::{Ground, Trial};
use crate::catalog::access::delta::delta;
use crate::catalog::fingerprint::fingerprint;
use crate::catalog::model::Snapshot;
use crate::catalog::renames::diff_of_one;
use crate::catalog::shown::shown;
use crate::plan::choose::{Selection, Work};
use crate::plan::saved::SavedPlan;
use crate::project::Project;
use crate::report::dry_run::{DryRunReport, Fingerprints, Forecast, Level, ShadowServer};
use crate::report::event::MigrationRef;
use crate::report::problem::Problem;
use crate::report::target::Target;
use crate::runner::error::{RunError, Stop};
use crate::runner::open::{Opened, Opening, open};
use crate::runner::own_work::Listeners;
use crate::runner::planned::without_refinery;
use crate::runner::retry::LockPolicy;
use crate::shadow::Surroundings;

/// What to look into, and how.
pub struct Request<'a> {
    /// The project.
    pub project: &'a Project,
    /// What of it.
    pub selection: &'a Selection,
    /// Where; it is opened for reading.
    pub opening: Opening,
    /// The same, for the report.
    pub target: Target,
    /// How far to go.
    pub level: Level,
    /// Lock waits, where statements run on the target.
    pub policy: LockPolicy,
    /// Where throw-away databases are made.
    pub shadow: ShadowPlace,
    /// Whether all files are to run, also those that an earlier dry run ran in the same state.
    pub fresh: bool,
    /// Whether they may be on the target's own server.
    pub agreed: bool,
    /// How long to wait for other dry runs there.
    pub wait: Duration,
    /// Where programs are looked for.
    pub surroundings: Surroundings,
    /// Whether a plan is to be made that an apply can be bound to.
    pub saves: bool,
    /// The dry run's id.
    pub run: String,
}

/// What was found out, and what a file stopped at.
#[derive(Debug)]
pub struct DryRun {
    /// What was found out; its `error` is for the caller to put into words.
    pub report: DryRunReport,
    /// Why the first file that would fail does.
    pub stopped: Option<(MigrationRef, Stop)>,
    /// The plan, where one was asked for and no file would fail.
    pub plan: Option<SavedPlan>,
}

/// What running the files came to.
#[derive(Debug, Default)]
pub(super) struct Tried {
    /// Why the first file that fails does.
    pub(super) stopped: Option<(MigrationRef, Stop)>,
    /// The target's catalog, where it was read.
    pub(super) target: Option<Snapshot>,
    /// What became of it, where all files ran.
    pub(super) after: Option<Snapshot>,
}

/// Makes a dry run. Nothing of the target changes.
pub async fn dry_run(
    request: Request<'_>,
    listeners: &mut Listeners<'_>,
) -> Result<DryRun, PreviewError> {
    let started = Instant::now();
    let mut opened = open(&request.opening).await?;
    if request.level != Level::Rollback {
        // Whatever follows, the server itself holds evmig to its word.
        let guard = "set session characteristics as transaction read only; set lock_timeout = '2s'";
        let guarded = opened.session.run(guard).await;
        guarded.map_err(RunError::own("could not make the session read-only"))?;
    }
    let pending = pending::read(&request, &mut opened).await?;
    let mut report = empty_report(&request, &opened, &pending);
    let mut tried = Tried::default();
    if pending.scripts.is_empty() {
        report.forecast = Forecast::NothingToDo;
    } else if request.level == Level::Sql {
        list(&pending, &mut report);
    } else if request.level == Level::Rollback {
        tried = on_target(
            &request,
            &opened,
            &pending,
            listeners.interrupt,
            &mut report,
        )
        .await?;
    } else {
        tried = Box::pin(in_shadow(
            &request,
            &opened,
            &pending,
            listeners,
            &mut report,
        ))
        .await?;
    }
    let plan = if request.saves {
        saved(&request, &opened, &pending, &tried, &mut report).await?
    } else {
        None
    };
    report.duration_ms = started.elapsed().as_secs_f64() * 1000.0;
    opened.session.close(Duration::from_secs(1)).await;
    Ok(DryRun {
        report,
        stopped: tried.stopped,
        plan,
    })
}

fn empty_report(request: &Request<'_>, opened: &Opened, pending: &Pending<'_>) -> DryRunReport {
    let passed_over = pending.chosen.work.iter().filter_map(|work| match work {
        Work::PassOver {
            phase,
            step,
            reason,
        } => {
            let phase = &pending.project.manifest.phases[*phase];
            let step = step.map(|step| format!(", step {}", phase.steps[step].name.value));
            let step = step.unwrap_or_default();
            Some(format!("phase {}{step}: {reason}", phase.name.value))
        }
        _ => None,
    });
    DryRunReport {
        schema: DryRunReport::SCHEMA,
        level: request.level,
        forecast: Forecast::NotTried,
        target: request.target.clone(),
        server_version: opened.facts.version.clone(),
        shadow: None,
        before: None,
        remembered: None,
        fingerprint: None,
        migrations: Vec::new(),
        left: pending.chosen.left,
        passed_over: passed_over.collect(),
        changes: Vec::new(),
        access: Vec::new(),
        locks: Vec::new(),
        findings: Vec::new(),
        unproved: Vec::new(),
        notes: Vec::new(),
        error: None,
        saved: None,
        duration_ms: 0.0,
    }
}

/// Runs the pending files in a throw-away database, which is gone afterwards whatever happens.
async fn in_shadow(
    request: &Request<'_>,
    opened: &Opened,
    pending: &Pending<'_>,
    listeners: &mut Listeners<'_>,
    report: &mut DryRunReport,
) -> Result<Tried, PreviewError> {
    let major = opened.facts.version_num / 10_000;
    let owner = Owner {
        name: &pending.project.manifest.project.name.value,
        root: Path::new(pending.project.root.dir()),
    };
    let both = async {
        tokio::join!(
            Server::reach(&request.shadow, owner, major, &request.run),
            likeness::read(opened, pending),
        )
    };
    let (server, likeness) = tokio::select! {
        biased;
        both = both => both,
        () = listeners.interrupt.wait() => return Err(PreviewError::Interrupted),
    };
    let mut server = server?;
    let likeness = match likeness {
        Ok(likeness) => likeness,
        Err(error) => {
            server.close(|_| false).await;
            return Err(error);
        }
    };
    let gathered = Gathered::new(pending.project, &pending.standings, &likeness.ran);
    let ready = make_ready(
        request,
        opened,
        pending,
        &mut server,
        &likeness,
        &gathered,
        listeners,
    );
    if let Err(error) = ready.await {
        server.close(|_| false).await;
        return Err(error);
    }
    let work = Box::pin(rehearse(
        request, opened, pending, &server, &likeness, &gathered, report,
    ));
    let outcome = tokio::select! {
        biased;
        outcome = work => outcome,
        () = listeners.interrupt.wait() => Err(PreviewError::Interrupted),
    };
    let is_ours = |name: &str| {
        let mut scripts = pending.scripts.iter();
        likeness.surrounding.has(name)
            || gathered.past.iter().any(|past| past.mentions(name))
            || scripts.any(|(_, script)| mentions(script, name))
    };
    server.close(is_ours).await;
    outcome.map(|tried| Tried {
        target: likeness.snapshot,
        ..tried
    })
}

/// Refuses what the server must not be given, and waits until its roles may be used.
async fn make_ready(
    request: &Request<'_>,
    target: &Opened,
    pending: &Pending<'_>,
    server: &mut Server,
    likeness: &Likeness,
    gathered: &Gathered,
    listeners: &mut Listeners<'_>,
) -> Result<(), PreviewError> {
    server.recognise(target, request.agreed).await?;
    let past = gathered.past.iter().map(Past::script);
    let mut scripts = past.chain(pending.scripts.iter().map(|(_, script)| script));
    let changes_roles = if server.is_targets_own() {
        server_wide::refuse(scripts)?;
        callable::refuse(&target.session, pending.scripts.iter().map(|(_, one)| one)).await?;
        false
    } else {
        scripts.any(|script| server_wide::changed_by(script).is_some())
    };
    let (wanted, wait) = (&likeness.surrounding, request.wait);
    server
        .take_turn(wanted, changes_roles, wait, listeners)
        .await
}

/// Makes the likeness, runs the files, and fills the report.
async fn rehearse(
    request: &Request<'_>,
    target: &Opened,
    pending: &Pending<'_>,
    server: &Server,
    likeness: &Likeness,
    gathered: &Gathered,
    report: &mut DryRunReport,
) -> Result<Tried, PreviewError> {
    tell_server(request, target, server, report);
    let wanted = Wanted {
        project: pending.project,
        snapshot: likeness.snapshot.as_ref(),
        surrounding: &likeness.surrounding,
        role: &likeness.role,
        refinery_schema: pending.refinery_schema.as_deref(),
    };
    let ground = Ground {
        request,
        target,
        pending,
        server,
        wanted: &wanted,
        gathered,
    };
    let mut trial = Box::pin(ground.tried()).await?;
    report.notes.extend(likeness.notes.iter().cloned());
    report.notes.append(&mut trial.notes);
    compare(likeness, pending, &trial, report);
    let bench = trial.bench(server);
    let dynamic = &trial.after.dynamic;
    judge(
        target,
        pending,
        bench,
        dynamic,
        &trial.meter,
        &trial.ran,
        report,
    )
    .await?;
    report.before = Some(trial.told.clone());
    report.remembered = trial.remembered.take();
    report.forecast = if trial.stopped.is_some() {
        Forecast::WouldFail
    } else {
        Forecast::WouldApply
    };
    let after = trial.after.snapshot.clone();
    let stopped = Box::pin(trial.keep(server)).await?;
    Ok(Tried {
        target: None,
        after: stopped.is_none().then_some(after),
        stopped,
    })
}

/// Puts into the report what the files change, and for whom.
fn compare(likeness: &Likeness, pending: &Pending<'_>, trial: &Trial, report: &mut DryRunReport) {
    let (before, after) = (&trial.before, &trial.after);
    let compared = diff_of_one(
        (&before.snapshot, &before.names),
        (&after.snapshot, &after.names),
    );
    report.changes = shown(&compared.changes, &compared.before, &after.snapshot);
    report.access = delta(before.access(), after.access(), &[]);
    let target = likeness.snapshot.as_ref().map(|target| {
        let refinery = pending.refinery_schema.as_deref();
        fingerprint(&without_refinery(target, refinery))
    });
    report.fingerprint = Some(Fingerprints {
        target,
        before: Some(fingerprint(&before.snapshot)),
        after: trial
            .stopped
            .is_none()
            .then(|| fingerprint(&after.snapshot)),
    });
}

fn tell_server(request: &Request<'_>, target: &Opened, server: &Server, report: &mut DryRunReport) {
    let major = |version_num: u32| version_num / 10_000;
    let (own, wanted) = (server.facts.version_num, target.facts.version_num);
    let same_major = major(own) == major(wanted);
    report.shadow = Some(ShadowServer {
        place: request.shadow.shown(),
        server_version: server.facts.version.clone(),
        same_major,
        on_targets_server: server.is_targets_own(),
    });
    if !same_major {
        let message = format!(
            "the throw-away database is on PostgreSQL {}, and the target on {}: locks and rewrites \
             may differ",
            major(own),
            major(wanted)
        );
        let hint = format!(
            "install PostgreSQL {} here, and let EVMIG_PG_BIN name no other; or name a server of it with \
             --shadow-url",
            major(wanted)
        );
        report
            .notes
            .push(Problem::new("other-major", message).hint(hint));
    }
}
