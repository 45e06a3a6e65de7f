//! The second look, once the lock is held: what was read before is only a forecast.

use super::apply::{Request, Scripts};
use super::attempt::Interrupt;
use super::checkpoint::{On, Picture};
use super::error::RunError;
use super::open::Opened;
use super::present::{Present, present_relations};
use super::turn;
use crate::catalog::error::CatalogError;
use crate::history::checkpoint::Newest;
use crate::history::error::HistoryError;
use crate::history::locate::Look;
use crate::history::upgrade::Format;
use crate::pg::lock::HistoryLock;
use crate::pg::session::Session;
use crate::report::event::EventSink;

/// What is expected of the history under the lock, and what then runs.
pub(super) struct Forecast<'a> {
    /// What was read before.
    pub(super) look: Look,
    /// The statements.
    pub(super) scripts: &'a Scripts,
}

/// What is seen once the lock is held.
pub(super) struct UnderLock {
    /// The history.
    pub(super) look: Look,
    /// Relations of the scripts, where the history is empty.
    pub(super) present: Option<Present>,
    /// What the catalog is.
    pub(super) picture: Result<Picture, CatalogError>,
    /// What it was when the history was written last.
    pub(super) newest: Result<Option<Newest>, HistoryError>,
}

/// Takes the lock and looks again, in one round trip where nobody else has it.
///
/// For a history that is still empty, it asks too which relations of the scripts are there.
pub(super) async fn under_lock(
    opened: &Opened,
    request: &Request<'_>,
    lock: HistoryLock,
    forecast: Forecast<'_>,
    interrupt: &mut Interrupt,
    sink: &mut dyn EventSink,
) -> Result<UnderLock, RunError> {
    let Forecast { look, scripts } = forecast;
    let session = &opened.session;
    let schema = &request.project.manifest.project.history_schema.value;
    let picture = || Picture::take(session, On::server(&opened.facts), schema);
    let newest = || newest_checkpoint(session, &look);
    let present = async {
        if look.history.is_empty() {
            Some(present_relations(session, scripts).await)
        } else {
            None
        }
    };
    let (taken, again, present, newest_now, picture_now) = tokio::join!(
        biased;
        lock.try_take(session),
        look.again(session),
        present,
        newest(),
        picture(),
    );
    if taken.map_err(RunError::own("could not ask for the lock"))? {
        return Ok(UnderLock {
            look: again?,
            present,
            picture: picture_now,
            newest: newest_now,
        });
    }
    turn::take(session, lock, request.wait, interrupt, sink).await?;
    let (again, newest, picture) = tokio::join!(biased; look.again(session), newest(), picture());
    Ok(UnderLock {
        look: again?,
        present: None,
        picture,
        newest,
    })
}

/// Asks what the catalog was when the history was written last, where it knows.
async fn newest_checkpoint(session: &Session, look: &Look) -> Result<Option<Newest>, HistoryError> {
    let located = look.located(0)?;
    if located.format().is_some_and(Format::has_checkpoints) {
        located.store().newest_checkpoint(session).await
    } else {
        Ok(None)
    }
}
