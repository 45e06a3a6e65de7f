//! What the target looks like: its catalog, its roles and extensions, what ran on it; and its dump, where
//! running that again does not lead to it.

use super::begin_with;
use super::dry_run::Request;
use super::error::PreviewError;
use super::pending::Pending;
use super::roles::{self, Surrounding};
use super::server::Server;
use super::state::{State, Wanted, dumped, stops};
use crate::catalog::error::CatalogError;
use crate::catalog::model::Snapshot;
use crate::catalog::read::snapshot;
use crate::history::replay::{Ran, ran};
use crate::pg::error::DbFailure;
use crate::pg::params::{MaybeNamedFile, RootCertificates};
use crate::pg::session::Session;
use crate::report::problem::Problem;
use crate::runner::error::RunError;
use crate::runner::open::Opened;
use crate::shadow::{DumpSource, dump_schema};

/// What was read of the target for the throw-away database.
pub(super) struct Likeness {
    pub(super) snapshot: Option<Snapshot>,
    pub(super) surrounding: Surrounding,
    pub(super) ran: Vec<Ran>,
    /// As whom the files run.
    pub(super) role: String,
    pub(super) notes: Vec<Problem>,
}

/// Reads of the target what its likeness is made from. What the role may not read is told.
pub(super) async fn read(opened: &Opened, pending: &Pending<'_>) -> Result<Likeness, PreviewError> {
    let session = &opened.session;
    let schema = &pending.project.manifest.project.history_schema.value;
    let mut notes = Vec::new();
    let snapshot = match snapshot(session, opened.facts.version_num, schema).await {
        Ok(snapshot) => Some(snapshot),
        Err(CatalogError::Query { failure }) if is_denied(&failure) => {
            let message = "the role may not read all of the target's catalog";
            notes.push(
                Problem::new("catalog-unreadable", message)
                    .detail(failure.message.clone())
                    .hint("what the throw-away database begins with cannot be compared with it"),
            );
            None
        }
        Err(error) => return Err(error.into()),
    };
    let own = &opened.facts.current_user;
    let mut surrounding = roles::read(session, own).await.map_err(RunError::own(
        "could not read the target's roles and extensions",
    ))?;
    let ran = if pending.has_history {
        ran(session, schema).await.map_err(stops)?
    } else {
        Vec::new()
    };
    let role = applier(session, opened, &mut notes).await?;
    if role != *own {
        let begin = begin_with::read(session, &role, false).await;
        surrounding.begin =
            begin.map_err(RunError::own("could not read the settings of the owner"))?;
    }
    Ok(Likeness {
        snapshot,
        surrounding,
        ran,
        role,
        notes,
    })
}

/// Returns as whom the files run: as this role, or as the database's owner where it may only read.
async fn applier(
    session: &Session,
    opened: &Opened,
    notes: &mut Vec<Problem>,
) -> Result<String, PreviewError> {
    let rows = session
        .query(include_str!("sql/applier.sql"), &[])
        .await
        .map_err(RunError::own("could not look at the role's rights"))?;
    let own = &opened.facts.current_user;
    let owner = rows
        .first()
        .filter(|row| !row.truth(0) && !opened.facts.superuser);
    let Some(owner) = owner.map(|row| row.text(1)).filter(|owner| owner != own) else {
        return Ok(own.clone());
    };
    let message =
        format!("{own} may make nothing in this database: the files run as its owner, {owner}");
    notes.push(Problem::new("runs-as-owner", message));
    Ok(owner)
}

fn is_denied(failure: &DbFailure) -> bool {
    failure.sqlstate.as_deref() == Some("42501")
}

/// Makes the state from a dump, where that is nearer to the target than what the history led to.
pub(super) async fn better(
    request: &Request<'_>,
    target: &Opened,
    server: &Server,
    wanted: &Wanted<'_>,
    mut replayed: State,
) -> Result<State, PreviewError> {
    let source = dump_source(request, target);
    let surroundings = request.surroundings.clone();
    let major = target.facts.version_num / 10_000;
    let dump =
        tokio::task::spawn_blocking(move || dump_schema(&surroundings, major, &source)).await;
    let dump = match dump {
        Ok(dump) => dump,
        Err(error) => std::panic::resume_unwind(error.into_panic()),
    };
    match dump {
        Ok(dump) => {
            let dumped = dumped(server, wanted, &dump).await?;
            let nearer = dumped.told.differences.len() < replayed.told.differences.len();
            Ok(if nearer { dumped } else { replayed })
        }
        Err(error) => {
            let message = "the target is not what its history leads to, and there is no dump of it";
            replayed
                .notes
                .push(Problem::new("drift", message).detail(error.to_string()));
            Ok(replayed)
        }
    }
}

/// Where `pg_dump` finds the target: the very server that evmig is connected to.
fn dump_source(request: &Request<'_>, target: &Opened) -> DumpSource {
    let parameters = &request.opening.parameters;
    let info = &target.session.connection().info;
    let server = parameters.servers.get(info.server_index);
    let mut variables = vec![
        ("PGHOST", info.host.clone()),
        ("PGPORT", info.port.to_string()),
        ("PGUSER", parameters.user.clone()),
        ("PGDATABASE", parameters.dbname.clone()),
        ("PGSSLMODE", parameters.tls.mode.to_string()),
        ("PGAPPNAME", request.opening.application_name.clone()),
    ];
    let mut add = |name, value: Option<String>| variables.extend(value.map(|value| (name, value)));
    let path = |file: &MaybeNamedFile| file.path.as_ref().map(|path| path.display().to_string());
    add("PGSSLCERT", path(&parameters.tls.certificate));
    add("PGSSLKEY", path(&parameters.tls.key));
    if let RootCertificates::File(file) = &parameters.tls.roots {
        add("PGSSLROOTCERT", Some(file.display().to_string()));
    }
    add("PGOPTIONS", parameters.options.clone());
    if let Some(server) = server {
        let address = server.hostaddr.map(|address| address.to_string());
        add("PGHOSTADDR", address);
        let password = server.password.as_ref();
        add(
            "PGPASSWORD",
            password.map(|password| password.expose().to_owned()),
        );
    }
    DumpSource {
        variables,
        history_schema: request.opening.history_schema.clone(),
    }
}
