//! A schema that no database has: made in a throw-away one, from a dump or from the project's files, and read.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use super::base;
use super::beyond;
use super::dump::{Dump, Statement};
use super::error::PreviewError;
use super::place::{Owner, ShadowPlace};
use super::rehearsal::{Piece, replay};
use super::roles::{self, Surrounding};
use super::server::{Server, quoted};
use super::server_wide;
use super::state::{careless, mentions, stops};
use crate::catalog::error::CatalogError;
use crate::catalog::model::{Object, Snapshot};
use crate::catalog::read::snapshot;
use crate::history::model::{History, VersionType};
use crate::pg::error::DbFailure;
use crate::pg::session::Session;
use crate::plan::choose::{Chosen, Selection, Work, choose};
use crate::plan::standing::standings;
use crate::project::Project;
use crate::report::problem::Problem;
use crate::runner::apply::{Scripts, scripts};
use crate::runner::error::RunError;
use crate::runner::open::Opened;
use crate::runner::own_work::Listeners;
use crate::runner::record::migration_ref;

/// How long to wait for dry runs that make roles on the same server.
const WAIT: Duration = Duration::from_mins(1);

/// No server has this major version: the newest is taken then.
const NEWEST: u32 = u32::MAX;
/// How long the server may take to hear goodbye.
const GOODBYE: Duration = Duration::from_secs(1);
/// Roles that one statement may name without their being there.
const MOST_ROLES: usize = 64;

/// What a schema is made from.
pub enum Origin<'a> {
    /// A dump.
    Dump(&'a Dump),
    /// All files of a project that an environment takes.
    Migrations {
        /// The project.
        project: &'a Project,
        /// The environment's name.
        environment: Option<&'a str>,
    },
}

/// Where and how it is made.
pub struct Making<'a> {
    /// Where throw-away databases are.
    pub place: &'a ShadowPlace,
    /// Whose the embedded server is.
    pub name: &'a str,
    /// Its directory.
    pub root: &'a Path,
    /// The major version that the server should have; without one, the newest.
    pub major: Option<u32>,
    /// What it is made to be compared with.
    pub example: &'a Example,
    /// Whether it may be made on the other side's own server.
    pub agreed: bool,
    /// The schema of the history, which is no part of it.
    pub history_schema: &'a str,
    /// The id of this comparison.
    pub run: &'a str,
}

/// What the other side of a comparison has, as far as what is made has to have it, too.
#[derive(Debug, Default)]
pub struct Example {
    /// The major version of its server.
    pub major: Option<u32>,
    surrounding: Surrounding,
    /// As whom files run there.
    role: Option<String>,
    /// Which cluster it is.
    system: Option<String>,
}

impl Example {
    /// Reads a database's roles, and who works in it.
    pub async fn read(opened: &Opened) -> Result<Self, CatalogError> {
        let surrounding = roles::read(&opened.session).await;
        let surrounding = surrounding.map_err(|failure| CatalogError::Query {
            failure: Box::new(failure),
        })?;
        Ok(Self {
            major: Some(opened.facts.version_num / 10_000),
            surrounding,
            role: Some(opened.facts.current_user.clone()),
            system: opened.facts.system_identifier.clone(),
        })
    }

    /// Guesses the same of a catalog alone: who owns most of it has made it.
    pub fn guess(snapshot: &Snapshot, server_version: Option<&str>) -> Self {
        let mut owned: BTreeMap<&str, usize> = BTreeMap::new();
        for owner in snapshot.objects().iter().filter_map(|one| one.get("owner")) {
            *owned.entry(owner).or_default() += 1;
        }
        let most = owned.into_iter().max_by_key(|(_, number)| *number);
        let major = server_version.and_then(|version| version.split('.').next()?.parse().ok());
        Self {
            major,
            role: most.map(|(owner, _)| owner.to_owned()),
            ..Self::default()
        }
    }
}

/// A schema that was made.
#[derive(Debug)]
pub struct Made {
    /// What it is.
    pub snapshot: Snapshot,
    /// The version of the server that it was made on.
    pub server_version: String,
    /// How many files or statements ran.
    pub ran: usize,
    /// Whether all of it could be made.
    pub is_whole: bool,
    /// What the reader should know.
    pub notes: Vec<Problem>,
}

/// The same, with the files that run.
enum Task<'a> {
    Dump(&'a Dump),
    Files {
        project: &'a Project,
        chosen: Chosen,
        scripts: Scripts,
    },
}

impl<'a> Task<'a> {
    fn new(origin: &Origin<'a>) -> Result<Self, PreviewError> {
        Ok(match *origin {
            Origin::Dump(dump) => Self::Dump(dump),
            Origin::Migrations {
                project,
                environment,
            } => {
                let (chosen, scripts) = files(project, environment)?;
                Self::Files {
                    project,
                    chosen,
                    scripts,
                }
            }
        })
    }

    /// Returns whether a file that runs may have made a role.
    fn mentions(&self, role: &str) -> bool {
        match self {
            Self::Dump(_) => false,
            Self::Files { scripts, .. } => {
                let mut scripts = scripts.iter();
                scripts.any(|(_, script)| mentions(script, role))
            }
        }
    }
}

/// Makes a schema, reads it, and takes away what it was made in.
pub async fn make(
    making: &Making<'_>,
    origin: &Origin<'_>,
    listeners: &mut Listeners<'_>,
) -> Result<Made, PreviewError> {
    let task = Task::new(origin)?;
    let owner = Owner {
        name: making.name,
        root: making.root,
    };
    let major = making.major.unwrap_or(NEWEST);
    let mut server = tokio::select! {
        biased;
        server = Server::reach(making.place, owner, major, making.run) => server?,
        () = listeners.interrupt.wait() => return Err(PreviewError::Interrupted),
    };
    if let Err(error) = make_ready(making, &task, &mut server, listeners).await {
        server.close(|_| false).await;
        return Err(error);
    }
    let roles = RefCell::default();
    let work = async {
        let mut made = match &task {
            Task::Dump(dump) => of_dump(making, &server, dump, &roles).await?,
            Task::Files {
                project,
                chosen,
                scripts,
            } => of_files(making, &server, project, chosen, scripts, &roles).await?,
        };
        made.notes.extend(other_major(making, &server));
        Ok(made)
    };
    let outcome = tokio::select! {
        biased;
        outcome = work => outcome,
        () = listeners.interrupt.wait() => Err(PreviewError::Interrupted),
    };
    let made: Vec<String> = roles.into_inner();
    let is_ours = |name: &str| {
        let has_come = making.example.surrounding.has(name) || task.mentions(name);
        has_come || made.iter().any(|one| one == name)
    };
    server.close(is_ours).await;
    outcome
}

/// Refuses what the server must not be given, and waits until its roles may be used.
async fn make_ready(
    making: &Making<'_>,
    task: &Task<'_>,
    server: &mut Server,
    listeners: &mut Listeners<'_>,
) -> Result<(), PreviewError> {
    server.recognise_cluster(making.example.system.as_deref(), making.agreed)?;
    let wanted = &making.example.surrounding;
    if !server.is_targets_own() {
        server.take_turn(wanted, true, WAIT, listeners).await?;
        // The roles of a database that a dry run kept are not those of this one.
        return base::find(server, None).await.map(drop);
    }
    if let Task::Files { scripts, .. } = task {
        server_wide::refuse(scripts.iter().map(|(_, script)| script))?;
    }
    server.take_turn(wanted, false, WAIT, listeners).await
}

fn other_major(making: &Making<'_>, server: &Server) -> Option<Problem> {
    let wanted = making.major?;
    let own = server.facts.version_num / 10_000;
    (own != wanted).then(|| {
        let message = format!(
            "the throw-away database is on PostgreSQL {own} instead of {wanted}: what the versions \
             say in other words may differ"
        );
        let hint =
            format!("install PostgreSQL {wanted} here, or name a server of it with --shadow-url");
        Problem::new("other-major", message).hint(hint)
    })
}

/// `15.18`, without who has packed it.
fn version(server: &Server) -> String {
    let words = server.facts.version.split(' ').next();
    words.unwrap_or_default().to_owned()
}

/// Reads the catalog in a session of its own: what ran may have changed settings.
async fn read(
    making: &Making<'_>,
    server: &Server,
    database: &str,
) -> Result<Snapshot, PreviewError> {
    let opened = server.open(database, None, making.history_schema).await?;
    let version = opened.facts.version_num;
    let snapshot = snapshot(&opened.session, version, making.history_schema).await;
    opened.session.close(GOODBYE).await;
    Ok(snapshot?)
}

async fn of_dump(
    making: &Making<'_>,
    server: &Server,
    dump: &Dump,
    roles: &RefCell<Vec<String>>,
) -> Result<Made, PreviewError> {
    let database = server.make(None).await?;
    let restoring = server.open(&database, None, making.history_schema).await?;
    let session = &restoring.session;
    // What is written by hand may count on the usual one; pg_dump sets its own.
    let path = format!("set search_path = {}", restoring.beginnings.search_path);
    let set = session.run(&path).await;
    set.map_err(PreviewError::shadow("could not set the search path"))?;
    // The names of roles are read from what the server says. Where it goes on in another language, they are told as
    // what is missing.
    drop(session.run("set lc_messages = 'C'").await);
    let mut refused = Vec::new();
    for statement in dump.statements() {
        if let Some(why) = statement.beyond {
            refused.push(Refused::beyond(dump, statement, why));
            continue;
        }
        let sql = dump.sql(statement);
        if let Err(failure) = with_roles(server, session, sql, roles).await {
            if session.is_closed() {
                let what = "the connection was lost while the dump was restored";
                return Err(PreviewError::shadow(what)(failure));
            }
            refused.push(Refused::by_server(dump, statement, &failure));
        }
    }
    restoring.session.close(GOODBYE).await;
    let mut notes = Vec::new();
    notes.extend(Refused::told(&refused, dump));
    notes.extend(rows_left_out(dump));
    Ok(Made {
        snapshot: read(making, server, &database).await?,
        server_version: version(server),
        ran: dump.statements().len() - refused.len(),
        is_whole: refused.is_empty(),
        notes,
    })
}

fn rows_left_out(dump: &Dump) -> Option<Problem> {
    (dump.rows_left_out > 0).then(|| {
        let message = format!(
            "{} has rows, which are no part of a schema: they were not read",
            dump.path
        );
        Problem::new("dump-rows", message).hint("pg_dump --schema-only leaves them out")
    })
}

/// Runs a statement; a role that it names and that is not there is made, and it runs again. A dump has none.
async fn with_roles(
    server: &Server,
    session: &Session,
    sql: &str,
    roles: &RefCell<Vec<String>>,
) -> Result<(), DbFailure> {
    for _ in 0..MOST_ROLES {
        let Err(failure) = session.run_users(sql).await else {
            return Ok(());
        };
        // What is made on the other side's own server would be seen by everybody there.
        let missing = missing_role(&failure).filter(|_| !server.is_targets_own());
        let missing = missing.map(str::to_owned);
        let Some(name) = missing.filter(|name| !roles.borrow().contains(name)) else {
            return Err(failure);
        };
        make_role(server, &name, "", roles).await?;
    }
    session.run_users(sql).await
}

/// `role "app" does not exist`
fn missing_role(failure: &DbFailure) -> Option<&str> {
    const UNDEFINED_OBJECT: &str = "42704";
    let named = failure.message.strip_prefix("role \"")?;
    let name = named.strip_suffix("\" does not exist")?;
    (failure.sqlstate.as_deref() == Some(UNDEFINED_OBJECT)).then_some(name)
}

async fn make_role(
    server: &Server,
    name: &str,
    attributes: &str,
    roles: &RefCell<Vec<String>>,
) -> Result<(), DbFailure> {
    roles.borrow_mut().push(name.to_owned());
    let sql = format!("create role {} {attributes}", quoted(name));
    match server.session.run(&sql).await {
        // Somebody else may have made it meanwhile.
        Err(failure) if failure.sqlstate.as_deref() != Some("42710") => Err(failure),
        _ => Ok(()),
    }
}

/// A statement of a dump that did not run.
struct Refused {
    line: String,
    sqlstate: Option<String>,
    snippet: crate::report::place::Snippet,
}

impl Refused {
    fn by_server(dump: &Dump, statement: &Statement, failure: &DbFailure) -> Self {
        let offset = failure.caret_in(dump.sql(statement)).unwrap_or(0);
        let state = failure.sqlstate.as_deref().unwrap_or("no SQLSTATE");
        let snippet = dump.snippet(statement, offset);
        Self {
            line: format!("line {}: {state}: {}", snippet.place.line, failure.message),
            sqlstate: failure.sqlstate.clone(),
            snippet,
        }
    }

    fn beyond(dump: &Dump, statement: &Statement, why: &str) -> Self {
        let snippet = dump.snippet(statement, 0);
        Self {
            line: format!("line {}: not tried: {why}", snippet.place.line),
            sqlstate: None,
            snippet,
        }
    }

    /// Says what is missing of a dump, and shows the first of it: what follows often follows from it.
    fn told(refused: &[Self], dump: &Dump) -> Option<Problem> {
        let first = refused.first()?;
        let lines: Vec<&str> = refused.iter().map(|one| one.line.as_str()).collect();
        let message = match refused.len() {
            1 => format!("1 statement of {} did not run", dump.path),
            number => format!("{number} statements of {} did not run", dump.path),
        };
        let mut problem = Problem::new("dump-incomplete", message)
            .at(Some(first.snippet.clone()))
            .detail(lines.join("\n"))
            .hint(
                "what they make is missing from the comparison; an extension has to be installed where the throw-away \
                 databases are, or name a server that has it with --shadow-url",
            );
        problem.sqlstate.clone_from(&first.sqlstate);
        Some(problem)
    }
}

/// Chooses all files that an environment takes, and cuts them.
fn files(project: &Project, environment: Option<&str>) -> Result<(Chosen, Scripts), PreviewError> {
    let nothing = standings(project, &History::default(), VersionType::Int8);
    let selection = Selection {
        environment: environment.map(str::to_owned),
        ..Selection::default()
    };
    let chosen = choose(project, &nothing, &selection).map_err(stops)?;
    let scripts = scripts(project, &chosen)?;
    Ok((chosen, scripts))
}

async fn of_files(
    making: &Making<'_>,
    server: &Server,
    project: &Project,
    chosen: &Chosen,
    scripts: &Scripts,
    roles: &RefCell<Vec<String>>,
) -> Result<Made, PreviewError> {
    let role = applier(making, server, roles).await?;
    let database = server.make(role).await?;
    let opened = server.open(&database, role, making.history_schema).await?;
    let setup = careless(&opened);
    let mut notes = passed_over(project, chosen);
    let (mut ran, mut is_whole) = (0, true);
    for (index, script) in scripts {
        let named = migration_ref(project, &project.migrations[*index]);
        if let Some((_, why)) = beyond::the_server(script) {
            let message = format!("{} was not run: {why}", named.label());
            notes.push(Problem::new("not-tried", message));
            is_whole = false;
            continue;
        }
        if let Err(stopped) = replay(&opened, &setup, Piece::whole(script, &named)).await {
            return Err(PreviewError::Run(RunError::Migration {
                migration: Box::new(named),
                stop: stopped.stop,
            }));
        }
        ran += 1;
    }
    opened.session.close(GOODBYE).await;
    let snapshot = read(making, server, &database).await?;
    Ok(Made {
        snapshot,
        server_version: version(server),
        ran,
        is_whole,
        notes,
    })
}

/// Returns as whom the files run: as the other side's were. That role and all others are made as far as they are
/// missing; one of which nothing but the name is known may do everything.
async fn applier<'a>(
    making: &'a Making<'_>,
    server: &Server,
    made: &RefCell<Vec<String>>,
) -> Result<Option<&'a str>, PreviewError> {
    server.make_roles(&making.example.surrounding).await;
    let Some(role) = making.example.role.as_deref() else {
        return Ok(None);
    };
    let what = "could not list the server's roles";
    let there = roles::names(&server.session)
        .await
        .map_err(PreviewError::shadow(what))?;
    if !there.iter().any(|name| name == role) && !server.is_targets_own() {
        let what = "could not make the role that owns the other side";
        let made = make_role(server, role, "superuser", made).await;
        made.map_err(PreviewError::shadow(what))?;
    }
    Ok(Some(role))
}

fn passed_over(project: &Project, chosen: &Chosen) -> Vec<Problem> {
    let skipped = chosen.work.iter().filter_map(|work| match work {
        Work::PassOver { phase, reason, .. } => Some((*phase, reason)),
        _ => None,
    });
    let told = skipped.map(|(phase, reason)| {
        let name = &project.manifest.phases[phase].name.value;
        Problem::new(
            "phase-skipped",
            format!("phase {name} was not run: {reason}"),
        )
    });
    told.collect()
}

/// Leaves out whether materialized views have rows, which a dump of a schema does not say.
pub fn without_rows(snapshot: &Snapshot) -> Snapshot {
    const POPULATED: &str = "populated";
    let mut objects = snapshot.objects().to_vec();
    for object in &mut objects {
        object.properties.retain(|(name, _)| &**name != POPULATED);
    }
    Snapshot::new(objects)
}

/// Leaves out refinery's table, which no file makes.
pub fn without_refinery(snapshot: &Snapshot) -> Snapshot {
    const TABLE: &str = "refinery_schema_history";
    let is_its = |object: &&Object| {
        let parent = object.identity.parent.as_deref();
        &*object.identity.name == TABLE || parent == Some(TABLE)
    };
    let kept = snapshot.objects().iter().filter(|object| !is_its(object));
    Snapshot::new(kept.cloned().collect())
}
