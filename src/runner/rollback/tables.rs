//! Whose triggers a rollback switches off.
//!
//! Those of the tables whose rows its scripts write, and those that `phases.toml` names: what puts
//! rows back as they were must not set off what a change by a user would. The text that a repeatable
//! file had before is run as an apply runs it, with its triggers.

use super::error::RollbackError;
use super::parts::Part;
use super::prepare::Piece;
use crate::pg::session::Session;
use crate::plan::undo_script::Origin;
use crate::project::Manifest;
use crate::runner::error::RunError;
use crate::sql::name::QualifiedName;
use crate::sql::written;

/// Returns the tables that the statements of some parts write rows of.
pub(super) fn written_by(pieces: &[Piece], parts: &[Part]) -> Vec<QualifiedName> {
    let mut names: Vec<QualifiedName> = parts
        .iter()
        .map(|part| (part, &pieces[part.piece]))
        .filter(|(_, piece)| piece.origin != Origin::Previous)
        .flat_map(|(part, piece)| {
            part.statements
                .clone()
                .map(|index| piece.script.text(index))
        })
        .flat_map(written::tables)
        .collect();
    names.sort();
    names.dedup();
    names
}

/// Returns the tables that `[rollback]` names; without a schema they are in `public`, as those of
/// `analyze` are.
pub(super) fn named_in(manifest: Option<&Manifest>) -> Vec<QualifiedName> {
    let tables = manifest
        .iter()
        .flat_map(|manifest| &manifest.rollback.tables);
    tables
        .map(|table| match table.value.split_once('.') {
            Some((schema, name)) => QualifiedName {
                schema: Some(schema.to_owned()),
                name: name.to_owned(),
            },
            None => QualifiedName {
                schema: Some("public".to_owned()),
                name: table.value.clone(),
            },
        })
        .collect()
}

/// Returns those of some tables that have triggers which the role may not switch: they are somebody
/// else's. `path` is the scripts' search path.
pub(super) async fn of_others(
    session: &Session,
    path: &str,
    tables: &[QualifiedName],
) -> Result<Vec<QualifiedName>, RollbackError> {
    if tables.is_empty() {
        return Ok(Vec::new());
    }
    let names: Vec<String> = tables.iter().map(QualifiedName::quoted).collect();
    let names = serde_json::Value::from(names).to_string();
    let own = || RunError::own("could not ask whose tables they are");
    let begin = format!("begin; set local search_path = {path}");
    let parameters = [Some(names.as_str())];
    let (begun, rows, ended) = tokio::join!(
        biased;
        session.run(&begin),
        session.query_long(include_str!("../sql/others_tables.sql"), &parameters),
        session.run("rollback"),
    );
    begun.map_err(own())?;
    let rows = rows.map_err(own())?;
    ended.map_err(own())?;
    let at = |row: &crate::pg::session::Row| usize::try_from(row.number(0)?).ok();
    Ok(rows
        .iter()
        .filter_map(at)
        .filter_map(|at| tables.get(at.checked_sub(1)?).cloned())
        .collect())
}
