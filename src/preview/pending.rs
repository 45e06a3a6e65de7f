//! What is pending on the target, as an apply would decide it.

use super::dry_run::Request;
use super::error::PreviewError;
use super::state::stops;
use crate::history::locate::RefineryTable;
use crate::plan::choose::{Chosen, choose};
use crate::plan::standing::{Standing, Standings, standings};
use crate::project::Project;
use crate::project::script::Script;
use crate::report::event::MigrationRef;
use crate::runner::apply::{Scripts, scripts, widest};
use crate::runner::open::Opened;
use crate::runner::planned::adopted_schema;
use crate::runner::present::refuse_objects_present;
use crate::runner::record::migration_ref;

/// What the target says, and what follows from it.
pub(super) struct Pending<'a> {
    pub(super) project: &'a Project,
    pub(super) standings: Standings,
    pub(super) chosen: Chosen,
    pub(super) scripts: Scripts,
    /// The schema of refinery's table, where that is not the history's.
    pub(super) refinery_schema: Option<String>,
    pub(super) has_history: bool,
    pub(super) refinery: RefineryTable,
    /// The history's newest position; 0 where it is empty.
    pub(super) position: i64,
}

impl Pending<'_> {
    pub(super) fn named(&self, index: usize) -> MigrationRef {
        migration_ref(self.project, &self.project.migrations[index])
    }

    /// Returns the first statement of a file that is not in the database yet.
    pub(super) fn first(&self, index: usize, script: &Script) -> usize {
        match self.standings.of.get(index) {
            Some(Standing::Failed { next, .. }) => *next,
            _ => script.body().start,
        }
    }
}

/// Reads the history, decides, and cuts the files; refuses what an apply would refuse.
pub(super) async fn read<'a>(
    request: &Request<'a>,
    opened: &mut Opened,
) -> Result<Pending<'a>, PreviewError> {
    let project = request.project;
    let look = opened.take_look().await?;
    let located = look.located(widest(project)).map_err(stops)?;
    let standings = standings(project, &look.history, located.version_type());
    let chosen = choose(project, &standings, request.selection).map_err(stops)?;
    let scripts = scripts(project, &chosen)?;
    if look.history.is_empty() {
        refuse_objects_present(&opened.session, project, &scripts).await?;
    }
    let refinery = located.refinery().clone();
    Ok(Pending {
        project,
        standings,
        chosen,
        scripts,
        refinery_schema: adopted_schema(&refinery),
        has_history: located.exists,
        refinery,
        position: look.history.rows.last().map_or(0, |row| row.seq),
    })
}
