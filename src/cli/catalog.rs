//! Catalogs by the names that people type: a database, a snapshot file, the history.

use std::fs;
use std::path::Path;
use std::time::Duration;

use super::commands::Context;
use super::database::Database;
use super::error::{CommandError, RunContext, document_problem, of_catalog, of_run};
use crate::catalog::document::{self, Document};
use crate::catalog::model::Snapshot;
use crate::catalog::read::named;
use crate::catalog::renames::Names;
use crate::clock;
use crate::history::checkpoint::Checkpoint;
use crate::history::upgrade::Format;
use crate::preview::made::Example;
use crate::report::diff::Side;
use crate::report::problem::Problem;
use crate::report::target::Target;
use crate::runner::checkpoint::Remembered as Kept;
use crate::runner::error::RunError;
use crate::runner::open::{Opened, Opening, open};
use crate::runner::proof::ProofError;

/// How long the server may take to hear goodbye.
const GOODBYE: Duration = Duration::from_secs(1);

/// A database's catalog as it is now.
pub struct Live {
    /// The objects.
    pub snapshot: Snapshot,
    /// What they keep when they are renamed.
    pub names: Names,
    /// The server's version.
    pub server_version: String,
    /// Which one it is.
    pub database: Database,
    /// What a schema that is made to be compared with it follows, if it was asked for.
    pub example: Option<Example>,
}

/// Reads a database's catalog, and what a schema that is made follows where one will be.
pub async fn live(
    context: &Context<'_>,
    database: Database,
    command: &str,
    is_followed: bool,
) -> Result<Live, CommandError> {
    let opened = opened(context, &database, command).await?;
    let live = live_of(&opened, database, is_followed).await;
    opened.session.close(GOODBYE).await;
    live
}

/// Reads a database's catalog, and what its history says that it was last.
pub async fn live_and_remembered(
    context: &Context<'_>,
    database: Database,
    command: &str,
    is_followed: bool,
) -> Result<(Live, Remembered), CommandError> {
    let opened = opened(context, &database, command).await?;
    let remembered = remembered(context, &opened, &database.history_schema).await?;
    let live = live_of(&opened, database, is_followed).await;
    opened.session.close(GOODBYE).await;
    Ok((live?, remembered))
}

async fn opened(
    context: &Context<'_>,
    database: &Database,
    command: &str,
) -> Result<Opened, CommandError> {
    let run_context = run_context(context, command);
    let opening = Opening {
        look: None,
        ..database.opening(&clock::run_id(), false)
    };
    open(&opening)
        .await
        .map_err(|error| of_run(&error, &run_context))
}

fn run_context(context: &Context<'_>, command: &str) -> RunContext {
    RunContext {
        program: context.program(),
        command: command.to_owned(),
        ..RunContext::default()
    }
}

async fn live_of(
    opened: &Opened,
    database: Database,
    is_followed: bool,
) -> Result<Live, CommandError> {
    let version = opened.facts.version_num;
    let (snapshot, names) = named(&opened.session, version, &database.history_schema)
        .await
        .map_err(|error| of_catalog(&error))?;
    let example = if is_followed {
        let read = Example::read(opened).await;
        Some(read.map_err(|failure| of_catalog(&failure))?)
    } else {
        None
    };
    Ok(Live {
        snapshot,
        names,
        server_version: opened.facts.version.clone(),
        database,
        example,
    })
}

/// What a history says that the catalog was.
pub struct Remembered {
    /// The objects, with what they keep when they are renamed.
    pub catalog: Kept,
    /// The checkpoint.
    pub checkpoint: Checkpoint,
    /// Whether something was run since.
    pub is_outrun: bool,
}

async fn remembered(
    context: &Context<'_>,
    opened: &Opened,
    schema: &str,
) -> Result<Remembered, CommandError> {
    let run_context = run_context(context, "diff");
    let failed = |error| of_run(&RunError::History(error), &run_context);
    let session = &opened.session;
    let located = crate::history::locate::locate(session, schema, 0)
        .await
        .map_err(failed)?;
    let none = || {
        CommandError::refused(
            Problem::new(
                "no-checkpoint-yet",
                "the history does not know yet what the catalog was",
            )
            .hint("each apply and rollback remembers it; before the first one compare with a snapshot file")
            .next(format!("{} snapshot --out schema.json", context.program())),
        )
    };
    if !located.format().is_some_and(Format::has_checkpoints) {
        return Err(none());
    }
    let store = located.store();
    let newest = store.newest_checkpoint(session).await.map_err(failed)?;
    let newest = newest.ok_or_else(none)?;
    let fingerprint = &newest.checkpoint.fingerprint;
    let cluster = opened.facts.system_identifier.as_deref();
    let read = Kept::read(session, &store, fingerprint, cluster).await;
    let read = read.map_err(|error| match error {
        ProofError::Document { fingerprint, error } => {
            let place = format!("the catalog {fingerprint} in the history");
            CommandError::refused(document_problem(&place, &error))
        }
        ProofError::Catalog(error) => of_catalog(&error),
        ProofError::History(error) => failed(error),
    });
    let Some(catalog) = read? else {
        let problem = Problem::new(
            "catalog-not-kept",
            "the history has the fingerprint of the newest catalog, and not the catalog",
        );
        return Err(CommandError::refused(problem.hint(
            "somebody has deleted its row; the next apply or rollback writes a new one",
        )));
    };
    Ok(Remembered {
        catalog,
        checkpoint: newest.checkpoint,
        is_outrun: newest.is_outrun,
    })
}

/// Reads a snapshot file.
pub fn file(path: &Path) -> Result<Document, CommandError> {
    let shown = path.display().to_string();
    let bytes = fs::read(path).map_err(|error| {
        CommandError::usage(Problem::new(
            "no-snapshot",
            format!("cannot read {shown}: {error}"),
        ))
    })?;
    let text = String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        CommandError::usage(Problem::new(
            "bad-snapshot",
            format!("{shown} is no snapshot: byte {} is not UTF-8", at + 1),
        ))
    })?;
    let document = document::read(&text);
    document.map_err(|error| CommandError::usage(document_problem(&shown, &error)))
}

/// Says where a database's catalog is from.
pub fn side(target: &Target) -> Side {
    Side::Database {
        database: target.database.clone(),
        host: target.host.clone(),
        port: target.port,
        environment: target.environment.clone(),
    }
}
