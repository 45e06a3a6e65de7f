//! Runs evmig's own queries inside a transaction of the user's, whose search path comes back afterwards.

use super::error::BracketError;
use crate::pg::session::Session;

/// Notes the user's path, and sets one where no other schema's operators are. A policy that would hide rows is an
/// error: what is not seen is not proved.
const ENTER: &str = include_str!("sql/enter.sql");
/// Gives the user's path back. The path of the transaction is changed, not the session's.
const LEAVE: &str = include_str!("sql/leave.sql");

/// Sends `work` between the two; whatever it sends in its first poll travels with them. After a failure the
/// transaction is lost, and nothing needs to come back.
pub(in crate::runner) async fn in_own_path<T>(
    session: &Session,
    work: impl Future<Output = Result<T, BracketError>>,
) -> Result<T, BracketError> {
    let failed = || BracketError::query("could not set evmig's own search path");
    let (entered, done, left) = tokio::join!(biased; session.run(ENTER), work, session.run(LEAVE));
    entered.map_err(failed())?;
    let done = done?;
    left.map_err(failed())?;
    Ok(done)
}
