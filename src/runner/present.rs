//! Looks whether a database has what files create: then its history was lost, or never was.

use super::apply::Scripts;
use super::error::RunError;
use crate::pg::session::{Row, Session};
use crate::plan::refusal::PlanRefusal;
use crate::project::Project;

/// Relations that a migration, by its index, would create, and that are there.
pub(super) type Present = Result<Vec<(usize, String)>, RunError>;

/// Refuses files over a database that has what they create, and no history.
pub async fn refuse_objects_present(
    session: &Session,
    project: &Project,
    scripts: &Scripts,
) -> Result<(), RunError> {
    refuse_if_present(project, session, scripts, None).await
}

/// Asks which of the relations that the scripts create are there already.
pub(super) async fn present_relations(session: &Session, scripts: &Scripts) -> Present {
    let created: Vec<(usize, String)> = scripts
        .iter()
        .flat_map(|(index, script)| {
            let names = script.created_relations();
            names.into_iter().map(|name| (*index, name.quoted()))
        })
        .collect();
    let list = serde_json::json!(created).to_string();
    let rows = session
        .query(include_str!("sql/present.sql"), &[Some(&list)])
        .await
        .map_err(RunError::own("could not look for objects"))?;
    let read = |row: &Row| Some((usize::try_from(row.number(0)?).ok()?, row.text(1)));
    Ok(rows.iter().filter_map(read).collect())
}

/// An empty history over a database that has the objects was lost, or never was: either way the
/// files must not run.
pub(super) async fn refuse_if_present(
    project: &Project,
    session: &Session,
    scripts: &Scripts,
    present: Option<Present>,
) -> Result<(), RunError> {
    let found = match present {
        Some(found) => found?,
        None => present_relations(session, scripts).await?,
    };
    let Some(&(first, _)) = found.first() else {
        return Ok(());
    };
    Err(RunError::from(PlanRefusal::ObjectsPresent {
        label: project.migrations[first].stem.clone(),
        relations: found.into_iter().map(|(_, name)| name).collect(),
    }))
}
