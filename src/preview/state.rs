//! The state before the first pending statement, made in a throw-away database and held against the target.

use std::ops::Range;
use std::time::Duration;

use super::base;
use super::beyond;
use super::error::PreviewError;
use super::rehearsal::{Piece, replay};
use super::roles::{self, Surrounding};
use super::server::Server;
use crate::catalog::diff::diff;
use crate::catalog::model::{Identity, Kind, Snapshot};
use crate::catalog::read::snapshot;
use crate::catalog::shown::shown;
use crate::history::model::Key;
use crate::history::replay::Ran;
use crate::pg::session::Session;
use crate::plan::standing::{Standing, Standings, key};
use crate::project::script::Script;
use crate::project::{Content, Migration, Project, RelPath, Version};
use crate::report::dry_run::{PreState, PreStateOrigin};
use crate::report::event::MigrationRef;
use crate::report::problem::Problem;
use crate::runner::apply;
use crate::runner::error::RunError;
use crate::runner::open::Opened;
use crate::runner::planned::without_refinery;
use crate::runner::record::migration_ref;
use crate::runner::retry::LockPolicy;
use crate::runner::transactional::Setup;
use crate::sql::classify::Verb;
use crate::sql::name::QualifiedName;
use crate::sql::object::ObjectClass;
use crate::sql::{Item, split};

/// What the throw-away database is to look like.
pub(super) struct Wanted<'a> {
    pub(super) project: &'a Project,
    /// The target's catalog, where it can be read.
    pub(super) snapshot: Option<&'a Snapshot>,
    pub(super) surrounding: &'a Surrounding,
    /// As whom statements run on the target.
    pub(super) role: &'a str,
    /// Where refinery's table is, if not beside the history.
    pub(super) refinery_schema: Option<&'a str>,
}

/// A database to work in.
pub(super) struct Work {
    pub(super) name: String,
    pub(super) opened: Opened,
    pub(super) setup: Setup,
}

/// A database that was made.
pub(super) struct State {
    pub(super) work: Work,
    pub(super) snapshot: Snapshot,
    pub(super) told: PreState,
    pub(super) notes: Vec<Problem>,
}

/// One file that has run on the target.
pub(super) struct Past {
    script: Script,
    named: MigrationRef,
    end: usize,
}

impl Past {
    /// Returns its statements.
    pub(super) fn script(&self) -> &Script {
        &self.script
    }

    /// Returns all of it that decides what it does.
    pub(super) fn described(&self) -> String {
        let range = self.script.body().start..self.end;
        described(&self.named, &self.script, range)
    }

    /// Returns whether the file's text has a name in it.
    pub(super) fn mentions(&self, name: &str) -> bool {
        mentions(&self.script, name)
    }
}

/// Returns all that decides what the statements of a range do, as text.
pub(super) fn described(named: &MigrationRef, script: &Script, range: Range<usize>) -> String {
    let texts: Vec<_> = (0..script.len()).map(|index| script.text(index)).collect();
    format!("{} {range:?} {:?} {texts:?}", named.label(), script.mode())
}

/// Returns whether a script's text has a name in it.
pub(super) fn mentions(script: &Script, name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    (0..script.len()).any(|index| script.text(index).to_ascii_lowercase().contains(&name))
}

/// The files that ran on the target, and what of them is not known any more.
#[derive(Default)]
pub(super) struct Gathered {
    pub(super) past: Vec<Past>,
    /// Labels.
    unknown: Vec<String>,
}

impl Gathered {
    /// Gathers what has run on the target, in the order it ran.
    pub(super) fn new(project: &Project, standings: &Standings, ran: &[Ran]) -> Self {
        let mut gathered = Self::default();
        let files = || project.migrations.iter().zip(&standings.of);
        for (migration, standing) in files() {
            // Refinery ran it, and the history has no row of it.
            if *standing == (Standing::Applied { seq: None }) {
                gathered.add(project, migration, None);
            }
        }
        for ran in ran {
            let file = files()
                .map(|(migration, _)| migration)
                .find(|migration| key(migration) == ran.key && migration.sha256 == ran.sha256);
            match (file.cloned(), &ran.text) {
                (Some(file), _) => gathered.add(project, &file, None),
                (None, Some(text)) => match stored(ran, text) {
                    Some(migration) => gathered.add(project, &migration, None),
                    None => gathered.unknown.push(label(ran)),
                },
                (None, None) => gathered.unknown.push(label(ran)),
            }
        }
        for (migration, standing) in files() {
            if let Standing::Failed { next, .. } = standing {
                gathered.add(project, migration, Some(*next));
            }
        }
        gathered
    }

    fn add(&mut self, project: &Project, migration: &Migration, end: Option<usize>) {
        let named = migration_ref(project, migration);
        let phase = &project.manifest.phases[migration.phase].name;
        match Script::build(migration, phase, None) {
            Ok(script) => self.past.push(Past {
                end: end.unwrap_or(script.body().end),
                script,
                named,
            }),
            Err(_) => self.unknown.push(named.label()),
        }
    }

    /// Returns whether a file makes an extension itself.
    fn make_extension(&self, name: &str) -> bool {
        self.past.iter().any(|past| {
            let script = &past.script;
            (0..script.len()).any(|index| {
                let class = script.class(index);
                class.verb == Verb::Create
                    && class.object == ObjectClass::Extension
                    && script.text(index).contains(name)
            })
        })
    }

    /// Returns whether the text of something that ran is not known any more.
    pub(super) fn is_incomplete(&self) -> bool {
        !self.unknown.is_empty()
    }

    /// Says what cannot run again.
    fn note(&self) -> Option<Problem> {
        (!self.unknown.is_empty()).then(|| {
            let message = "the text of some applied migrations is not known any more";
            Problem::new("script-unknown", message).detail(self.unknown.join("\n"))
        })
    }
}

fn label(ran: &Ran) -> String {
    match &ran.key {
        Key::Version(version) => format!("V{version}__{}", ran.name),
        Key::Repeatable(name) => format!("R__{name}"),
    }
}

/// Makes a migration of the text that the history has.
fn stored(ran: &Ran, text: &str) -> Option<Migration> {
    let stem = label(ran);
    Some(Migration {
        version: match &ran.key {
            Key::Version(version) => Version::Versioned(*version),
            Key::Repeatable(_) => Version::Repeatable,
        },
        name: ran.name.clone(),
        path: RelPath::parse(&format!("{stem}.sql")).ok()?,
        stem,
        phase: 0,
        step: 0,
        content: Content::new(text),
        included: Vec::new(),
        sha256: ran.sha256.clone(),
        rollback: None,
    })
}

/// Makes the state by running what ran on the target, all of it or what comes after the first `kept` files, which have
/// run in the database that an earlier dry run kept.
pub(super) async fn replayed(
    server: &Server,
    wanted: &Wanted<'_>,
    gathered: &Gathered,
    kept: Option<usize>,
) -> Result<State, PreviewError> {
    let Empty {
        name,
        role,
        mut lacking,
    } = empty(server, wanted, kept.is_some()).await?;
    let work = opened(server, wanted, name, role.as_deref()).await?;
    if kept.is_none() {
        let extensions = wanted.surrounding.extensions.iter();
        let extensions = extensions.filter(|(name, _)| !gathered.make_extension(name));
        let session = &work.opened.session;
        lacking.extend(roles::make_extensions(session, extensions.cloned()).await);
    }
    let mut notes = not_recreated(&lacking);
    let done = kept.unwrap_or(0);
    let replayed = done + replay_all(&work, &gathered.past[done..], &mut notes).await;
    notes.extend(gathered.note());
    let origin = if gathered.past.is_empty() {
        PreStateOrigin::Empty
    } else {
        PreStateOrigin::History
    };
    let mut state = proven(work, wanted, origin, notes).await?;
    state.told.replayed = replayed;
    state.told.kept = replayed > 0 && done == gathered.past.len();
    Ok(state)
}

/// Runs files that ran on the target, up to one that cannot; returns how many did.
async fn replay_all(work: &Work, all: &[Past], notes: &mut Vec<Problem>) -> usize {
    let mut replayed = 0;
    for past in all {
        if let Some((_, why)) = beyond::the_server(&past.script) {
            let message = format!("{} does not run again: {why}", past.named.label());
            notes.push(Problem::new("replay-skipped", message));
            continue;
        }
        let piece = Piece {
            end: past.end,
            ..Piece::whole(&past.script, &past.named)
        };
        if let Err(stopped) = replay(&work.opened, &work.setup, piece).await {
            let message = format!("{} cannot run again: {}", past.named.label(), stopped.stop);
            notes.push(Problem::new("replay-failed", message));
            break;
        }
        replayed += 1;
    }
    replayed
}

/// Makes the state from a dump of the target's schema. What of it the server does not take is told by
/// the comparison.
pub(super) async fn dumped(
    server: &Server,
    wanted: &Wanted<'_>,
    dump: &str,
) -> Result<State, PreviewError> {
    let Empty {
        name,
        role,
        mut lacking,
    } = empty(server, wanted, false).await?;
    let schema = &wanted.project.manifest.project.history_schema.value;
    // As evmig's own role: a dump gives each object its owner itself.
    let restoring = server.open(&name, None, schema).await?;
    for statement in statements(dump) {
        if let Err(failure) = restoring.session.run_users(statement).await {
            lacking.push(format!("{statement}: {}", failure.message));
        }
    }
    fill(&restoring.session, wanted.snapshot).await;
    restoring.session.close(Duration::from_secs(1)).await;
    let work = opened(server, wanted, name, role.as_deref()).await?;
    let notes = not_recreated(&lacking);
    proven(work, wanted, PreStateOrigin::Dump, notes).await
}

/// Fills the materialized views that the target has filled: a dump of the schema leaves them without rows. What
/// cannot be filled is told by the comparison.
async fn fill(session: &Session, target: Option<&Snapshot>) {
    let objects = target.map(Snapshot::objects).unwrap_or_default().iter();
    let views = objects.filter(|object| object.identity.kind == Kind::MaterializedView);
    let filled = views.filter(|view| view.get("populated").is_none());
    let mut left: Vec<String> = filled.map(|view| quoted(&view.identity)).collect();
    // One may read another, which then has to come first.
    while !left.is_empty() {
        let before = left.len();
        let mut failed = Vec::new();
        for name in left {
            let sql = format!("refresh materialized view {name}");
            if session.run(&sql).await.is_err() {
                failed.push(name);
            }
        }
        if failed.len() == before {
            return;
        }
        left = failed;
    }
}

fn quoted(identity: &Identity) -> String {
    QualifiedName {
        schema: identity.schema.as_deref().map(str::to_owned),
        name: identity.name.to_string(),
    }
    .quoted()
}

/// Cuts a dump; it has no rows. The lines that are psql's begin with a backslash.
fn statements(dump: &str) -> impl Iterator<Item = &str> {
    let items = split(dump).unwrap_or_default();
    items.into_iter().filter_map(|item| match item {
        Item::Statement(statement) => dump.get(statement.span),
        Item::Include { .. } => None,
    })
}

/// A database in which nothing ran yet, as whom to work in it, and what could not be made.
struct Empty {
    name: String,
    role: Option<String>,
    lacking: Vec<String>,
}

/// Makes an empty database, or a copy of the one that an earlier dry run kept, with the target's roles.
async fn empty(server: &Server, wanted: &Wanted<'_>, is_kept: bool) -> Result<Empty, PreviewError> {
    let lacking = server.make_roles(wanted.surrounding).await;
    let role = applier(server, wanted).await?;
    let name = if is_kept {
        server.make_like(base::NAME, role.as_deref()).await?
    } else {
        server.make(role.as_deref()).await?
    };
    Ok(Empty {
        name,
        role,
        lacking,
    })
}

/// Makes a copy of the database that is kept, to go on in.
pub(super) async fn copy(server: &Server, wanted: &Wanted<'_>) -> Result<Work, PreviewError> {
    let role = applier(server, wanted).await?;
    let name = server.make_like(base::NAME, role.as_deref()).await?;
    opened(server, wanted, name, role.as_deref()).await
}

/// Returns as whom the files run, if the server has such a role.
async fn applier(server: &Server, wanted: &Wanted<'_>) -> Result<Option<String>, PreviewError> {
    let roles = roles::names(&server.session)
        .await
        .map_err(PreviewError::shadow("could not list the server's roles"))?;
    Ok(roles.into_iter().find(|role| *role == wanted.role))
}

async fn opened(
    server: &Server,
    wanted: &Wanted<'_>,
    name: String,
    role: Option<&str>,
) -> Result<Work, PreviewError> {
    let schema = &wanted.project.manifest.project.history_schema.value;
    let opened = server.open(&name, role, schema).await?;
    Ok(Work {
        setup: careless(&opened),
        name,
        opened,
    })
}

fn not_recreated(lacking: &[String]) -> Vec<Problem> {
    if lacking.is_empty() {
        return Vec::new();
    }
    let message = "not everything that the target leans on could be made again";
    vec![Problem::new("not-recreated", message).detail(lacking.join("\n"))]
}

/// How transactions are set up where nothing has to outlive a power cut.
pub(super) fn careless(opened: &Opened) -> Setup {
    let mut setup = apply::setup(opened, LockPolicy::default());
    if let Some(restore) = &mut setup.restore {
        restore.push("set synchronous_commit = off".to_owned());
    }
    setup
}

/// Holds what was made against the target.
async fn proven(
    work: Work,
    wanted: &Wanted<'_>,
    origin: PreStateOrigin,
    notes: Vec<Problem>,
) -> Result<State, PreviewError> {
    let snapshot = own_snapshot(&work.opened, wanted).await?;
    let told = told(&snapshot, wanted, origin);
    Ok(State {
        work,
        snapshot,
        told,
        notes,
    })
}

/// Says how a state differs from the target's.
pub(super) fn told(own: &Snapshot, wanted: &Wanted<'_>, origin: PreStateOrigin) -> PreState {
    let differences = wanted.snapshot.map(|target| {
        let target = without_refinery(target, wanted.refinery_schema);
        shown(&diff(own, &target), own, &target)
    });
    PreState {
        origin,
        replayed: 0,
        kept: false,
        proven: differences.as_ref().is_some_and(Vec::is_empty),
        differences: differences.unwrap_or_default(),
    }
}

/// Reads the catalog of a throw-away database.
pub(super) async fn own_snapshot(
    opened: &Opened,
    wanted: &Wanted<'_>,
) -> Result<Snapshot, PreviewError> {
    let schema = &wanted.project.manifest.project.history_schema.value;
    let own = snapshot(&opened.session, opened.facts.version_num, schema).await?;
    Ok(without_refinery(&own, wanted.refinery_schema))
}

/// Makes the error of what would stop an apply, too.
pub(super) fn stops(error: impl Into<RunError>) -> PreviewError {
    PreviewError::Run(error.into())
}
