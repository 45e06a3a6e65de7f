//! A schema that no database has: made in a throw-away one, from a dump or from the project's files, and read.

mod of_dump;
mod of_files;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use crate::catalog::error::CatalogError;
use crate::catalog::model::Snapshot;
use crate::catalog::read::snapshot;
use crate::pg::error::DbFailure;
use crate::plan::choose::Chosen;
use crate::preview::base;
use crate::preview::dump::Dump;
use crate::preview::error::PreviewError;
use crate::preview::place::{Owner, ShadowPlace};
use crate::preview::roles::{self, Surrounding};
use crate::preview::server::{Server, quoted};
use crate::preview::server_wide;
use crate::preview::state::mentions;
use crate::project::Project;
use crate::report::problem::Problem;
use crate::runner::apply::Scripts;
use crate::runner::open::Opened;
use crate::runner::own_work::Listeners;
use crate::runner::planned::without_refinery_where;

/// No server has this major version: the newest is taken then.
const NEWEST: u32 = u32::MAX;
/// How long the server may take to hear goodbye.
const GOODBYE: Duration = Duration::from_secs(1);

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
    /// How long to wait for dry runs that make roles on the same server.
    pub wait: Duration,
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
        let surrounding = roles::read(&opened.session, &opened.facts.current_user).await;
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
        let owners = snapshot.objects().iter().filter_map(|one| one.get("owner"));
        // Nobody works as one of PostgreSQL's own roles, and the schema public belongs to one.
        for owner in owners.filter(|owner| !owner.starts_with("pg_")) {
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
                let (chosen, scripts) = of_files::chosen(project, environment)?;
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
            Task::Dump(dump) => of_dump::run(making, &server, dump, &roles).await?,
            Task::Files {
                project,
                chosen,
                scripts,
            } => of_files::run(making, &server, project, chosen, scripts, &roles).await?,
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
        server
            .take_turn(wanted, true, making.wait, listeners)
            .await?;
        // The roles of a database that a dry run kept are not those of this one.
        return base::clear(server).await;
    }
    if let Task::Files { scripts, .. } = task {
        server_wide::refuse(scripts.iter().map(|(_, script)| script))?;
    }
    server
        .take_turn(wanted, false, making.wait, listeners)
        .await
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

/// Makes a role for the moment; it is noted first, so that it goes whatever happens.
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

/// Leaves out whether materialized views have rows, which a dump of a schema does not say.
pub fn without_rows(snapshot: &Snapshot) -> Snapshot {
    const POPULATED: &str = "populated";
    let mut objects = snapshot.objects().to_vec();
    for object in &mut objects {
        object.properties.retain(|(name, _)| &**name != POPULATED);
    }
    Snapshot::new(objects)
}

/// Leaves out refinery's table, which no file makes, wherever it is.
pub fn without_refinery(snapshot: &Snapshot) -> Snapshot {
    without_refinery_where(snapshot, |_| true)
}
