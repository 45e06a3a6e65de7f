//! `evmig diff`

use std::path::{Path, PathBuf};

use clap::Args;

use super::Context;
use crate::catalog::diff::diff;
use crate::catalog::model::Snapshot;
use crate::catalog::shown::shown;
use crate::cli::args::{Format, GlobalArgs};
use crate::cli::catalog::{file, live, live_and_remembered, side};
use crate::cli::database::runtime;
use crate::cli::error::CommandError;
use crate::cli::exit::Exit;
use crate::render::{json, markdown, terminal};
use crate::report::diff::{DiffReport, Side};
use crate::report::problem::Problem;

/// Show what two schemas do not have in common, or what was changed by hand
///
/// Without A and B, the database is compared with what its history says that it was after the newest run: what differs
/// was changed by something else than evmig. With A alone, the changes lead from A to the database.
///
/// A and B are each the path of a snapshot file, which has a / or ends in .json; the name of an environment in
/// phases.toml; a postgresql:// URL without a password; the word live, for the database that all other commands mean;
/// or the word history, for what its history says.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  evmig diff --exit-code\n  evmig diff schema.json\n  \
                  evmig diff staging production\n  evmig diff schema.json --format markdown\n\n\
                  --format takes human, json and markdown here."
)]
pub struct DiffArgs {
    /// What the changes lead from [default: history]
    #[arg(value_name = "A")]
    pub before: Option<String>,
    /// What the changes lead to [default: live]
    #[arg(value_name = "B")]
    pub after: Option<String>,
    /// Exit with 4 if anything differs
    #[arg(long)]
    pub exit_code: bool,
}

/// What an argument means.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Source {
    History,
    Live,
    Environment(String),
    Url(String),
    File(PathBuf),
}

impl Source {
    fn parse(text: &str) -> Result<Self, CommandError> {
        let is_url = text.contains("://");
        if is_url && holds_password(text) {
            return Err(CommandError::usage(
                Problem::new(
                    "password-in-argument",
                    "everybody on this machine can read a password in an argument",
                )
                .hint("use an environment of phases.toml, --database-url with the word live, or ~/.pgpass"),
            ));
        }
        let is_json = Path::new(text)
            .extension()
            .is_some_and(|ending| ending.eq_ignore_ascii_case("json"));
        Ok(match text {
            "history" => Self::History,
            "live" => Self::Live,
            _ if is_url => Self::Url(text.to_owned()),
            _ if is_json || text.contains('/') => Self::File(text.into()),
            _ => Self::Environment(text.to_owned()),
        })
    }
}

/// `user:password@`, or a parameter of that name.
fn holds_password(url: &str) -> bool {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let authority = rest.split(['/', '?']).next().unwrap_or_default();
    let user = authority.rsplit_once('@').map(|(user, _)| user);
    user.is_some_and(|user| user.contains(':')) || url.contains("password=")
}

/// Runs the command.
pub fn run(args: &DiffArgs, context: &mut Context<'_>) -> Result<Exit, CommandError> {
    let parse = |text: &Option<String>, default| match text {
        Some(text) => Source::parse(text),
        None => Ok(default),
    };
    let before = parse(&args.before, Source::History)?;
    let after = parse(&args.after, Source::Live)?;
    let report = runtime()?.block_on(Box::pin(compare(&before, &after, context)))?;
    match context.global.format {
        Format::Json => context.ui.result(&json::diff(&report)),
        Format::Markdown => context.ui.bytes(&markdown::diff(&report)),
        // `Command::formats` lets no other one come here.
        Format::Human | Format::Svg | Format::Mermaid | Format::Html => {
            let text = terminal::diff(&report, context.ui.look());
            context.ui.result(&text);
        }
    }
    Ok(if args.exit_code && !report.identical {
        Exit::Findings
    } else {
        Exit::Done
    })
}

async fn compare(
    before: &Source,
    after: &Source,
    context: &mut Context<'_>,
) -> Result<DiffReport, CommandError> {
    // One session tells both, and so of one moment.
    let ((before, a), (after, b)) = match (before, after) {
        (Source::History, Source::Live) => drift(context).await?,
        (Source::Live, Source::History) => {
            let (history, live) = drift(context).await?;
            (live, history)
        }
        _ => (
            side_of(before, context).await?,
            side_of(after, context).await?,
        ),
    };
    let changes = shown(&diff(&a, &b), &a, &b);
    Ok(DiffReport {
        schema: DiffReport::SCHEMA,
        before,
        after,
        identical: changes.is_empty(),
        changes,
    })
}

type Catalog = (Side, Snapshot);

/// The history, and the database that it is in.
async fn drift(context: &mut Context<'_>) -> Result<(Catalog, Catalog), CommandError> {
    let (root, manifest) = context.manifest()?;
    let database = context.database(&root, &manifest).await?;
    let (live, remembered) = live_and_remembered(context, database, "diff").await?;
    if remembered.is_outrun {
        let problem = Problem::new(
            "checkpoint-outrun",
            "migrations were run since the history was told what the catalog is",
        );
        context.ui.warn(&problem.hint(
            "that run was killed, or could not read the catalog: what it did is among the differences",
        ));
    }
    let history = Side::History {
        run: remembered.checkpoint.run,
        at: remembered.checkpoint.at,
    };
    Ok((
        (history, remembered.snapshot),
        (side(&live.target), live.snapshot),
    ))
}

async fn side_of(source: &Source, context: &mut Context<'_>) -> Result<Catalog, CommandError> {
    if let Source::File(path) = source {
        let path_shown = path.display().to_string();
        return Ok((Side::File { path: path_shown }, file(path)?));
    }
    if *source == Source::History {
        return Ok(drift(context).await?.0);
    }
    let typed = context.global.clone();
    context.global = match source {
        Source::Environment(name) => GlobalArgs {
            env: Some(name.clone()),
            database_url: None,
            ..typed.clone()
        },
        Source::Url(url) => GlobalArgs {
            env: None,
            database_url: Some(url.clone()),
            ..typed.clone()
        },
        _ => typed.clone(),
    };
    let found = read_live(context).await;
    context.global = typed;
    found
}

async fn read_live(context: &mut Context<'_>) -> Result<Catalog, CommandError> {
    let (root, manifest) = context.manifest()?;
    let database = context.database(&root, &manifest).await?;
    let live = live(context, database, "diff").await?;
    Ok((side(&live.target), live.snapshot))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_argument_says_what_it_is() {
        for (text, wanted) in [
            ("history", Source::History),
            ("live", Source::Live),
            ("staging", Source::Environment("staging".into())),
            ("./staging", Source::File("./staging".into())),
            ("schema.JSON", Source::File("schema.JSON".into())),
            (
                "postgresql://me@host/db.json",
                Source::Url("postgresql://me@host/db.json".into()),
            ),
        ] {
            assert_eq!(Source::parse(text).unwrap(), wanted);
        }
        for url in [
            "postgresql://me:secret@host/db",
            "postgres://host/db?user=me&password=x",
        ] {
            assert!(Source::parse(url).is_err(), "{url}");
        }
    }
}
