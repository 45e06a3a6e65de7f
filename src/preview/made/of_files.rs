//! Makes the schema that a project's files lead to.

use std::cell::RefCell;

use super::{GOODBYE, Made, Making, make_role, read, version};
use crate::history::model::{History, VersionType};
use crate::plan::choose::{Chosen, Selection, Work, choose};
use crate::plan::standing::standings;
use crate::preview::beyond;
use crate::preview::error::PreviewError;
use crate::preview::rehearsal::{Piece, replay};
use crate::preview::roles;
use crate::preview::server::Server;
use crate::preview::state::{careless, stops};
use crate::project::Project;
use crate::report::problem::Problem;
use crate::runner::apply::{Scripts, scripts};
use crate::runner::error::RunError;
use crate::runner::record::migration_ref;

/// Chooses all files that an environment takes, and cuts them.
pub(super) fn chosen(
    project: &Project,
    environment: Option<&str>,
) -> Result<(Chosen, Scripts), PreviewError> {
    let nothing = standings(project, &History::default(), VersionType::Int8);
    let selection = Selection {
        environment: environment.map(str::to_owned),
        ..Selection::default()
    };
    let chosen = choose(project, &nothing, &selection).map_err(stops)?;
    let scripts = scripts(project, &chosen)?;
    Ok((chosen, scripts))
}

/// Runs the files in a throw-away database, and reads that.
pub(super) async fn run(
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
