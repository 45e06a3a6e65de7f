//! `evmig diff`

use std::panic::resume_unwind;
use std::path::{Path, PathBuf};
use std::thread;

use clap::Args;

use super::Context;
use crate::catalog::document::Document;
use crate::catalog::model::Snapshot;
use crate::catalog::renames::{Names, shown_of_one};
use crate::cli::args::{ConsentArgs, Format, GlobalArgs};
use crate::cli::catalog::{Live, file, live, live_and_remembered, side};
use crate::cli::database::runtime;
use crate::cli::error::CommandError;
use crate::cli::exit::Exit;
use crate::cli::made::{Maker, Other, Typed, made};
use crate::cli::shadow::ShadowArgs;
use crate::preview::dump::is_dump;
use crate::preview::made::{without_refinery, without_rows};
use crate::render::{json, markdown, terminal};
use crate::report::diff::{DiffReport, Side};
use crate::report::problem::Problem;

/// Show what two schemas do not have in common, or what was changed by hand
///
/// Without A and B, the database is compared with what its history says that it was after the newest run: what differs
/// was changed by something else than evmig. With A alone, the changes lead from A to the database.
///
/// A and B are each the path of a file, which has a / or ends in .json, .sql or .dump: a snapshot, or what `pg_dump`
/// wrote in any of its formats; the name of an environment in phases.toml; a postgresql:// URL without a password; the
/// word live, for the database that all other commands mean; the word history, for what its history says; or the word
/// migrations, for what the project's files make.
///
/// Dumps and migrations run in a throw-away database, as in a dry run, and nothing else is written to.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  evmig diff --exit-code\n  evmig diff schema.json\n  \
                  evmig diff staging production\n  evmig diff migrations live --format markdown\n  \
                  evmig diff migrations production --shadow target --yes\n  \
                  evmig diff before.sql after.dump\n\n\
                  --format takes human, json and markdown here."
)]
pub struct DiffArgs {
    /// What the changes lead from [default: history]
    #[arg(value_name = "A")]
    pub before: Option<String>,
    /// What the changes lead to [default: live]
    #[arg(value_name = "B")]
    pub after: Option<String>,
    /// Exit with 4 if anything differs, or something is missing
    #[arg(long)]
    pub exit_code: bool,
    /// Wait this long for dry runs on the server of the throw-away database to end [default: 60s]
    #[arg(long, value_name = "DURATION")]
    pub wait: Option<String>,
    /// Consent.
    #[command(flatten)]
    pub consent: ConsentArgs,
    /// Shadow.
    #[command(flatten)]
    pub shadow: ShadowArgs,
}

impl DiffArgs {
    /// Returns the words that compare the same again.
    fn words(&self) -> String {
        let typed = [&self.before, &self.after].into_iter().flatten();
        let words = typed.map(|word| format!(" {word}"));
        format!("diff{}", words.collect::<String>())
    }

    /// Refuses flags that do nothing where nothing is made.
    fn refuse_unused(&self) -> Result<(), CommandError> {
        if !self.shadow.is_typed() && self.wait.is_none() && !self.consent.yes {
            return Ok(());
        }
        Err(CommandError::usage(
            Problem::new("shadow-not-used", "no throw-away database is made here")
                .hint("--shadow, --shadow-url, --wait and --yes are for dumps and migrations"),
        ))
    }
}

/// What an argument means.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Source {
    History,
    Live,
    Environment(String),
    Url(String),
    Snapshot(PathBuf),
    Dump(PathBuf),
    Migrations,
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
        let path = Path::new(text);
        let ending = path.extension().and_then(|ending| ending.to_str());
        let ending = ending.map(str::to_ascii_lowercase);
        let is_file = matches!(ending.as_deref(), Some("json" | "sql" | "dump"));
        Ok(match text {
            "history" => Self::History,
            "live" => Self::Live,
            "migrations" => Self::Migrations,
            _ if is_url => Self::Url(text.to_owned()),
            _ if (is_file || text.contains('/')) && is_dump(path) => Self::Dump(path.into()),
            _ if is_file || text.contains('/') => Self::Snapshot(path.into()),
            _ => Self::Environment(text.to_owned()),
        })
    }

    /// Reads what has to be made of it, if it is not there already.
    fn maker(&self, context: &mut Context<'_>) -> Result<Option<Maker>, CommandError> {
        Ok(match self {
            Self::Dump(path) => Some(Maker::dump(path, context)?),
            Self::Migrations => Some(Maker::migrations(context)?),
            _ => None,
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
    let report = runtime()?.block_on(Box::pin(compare(args, &before, &after, context)))?;
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
    args: &DiffArgs,
    before: &Source,
    after: &Source,
    context: &mut Context<'_>,
) -> Result<DiffReport, CommandError> {
    let makers = (before.maker(context)?, after.maker(context)?);
    if makers.0.is_none() && makers.1.is_none() {
        args.refuse_unused()?;
    }
    let (mut a, mut b) = Box::pin(both(args, (before, after), &makers, context)).await?;
    for maker in [&makers.0, &makers.1].into_iter().flatten() {
        let common = match maker {
            Maker::Dump(_) => without_rows,
            Maker::Migrations(_) => without_refinery,
        };
        (a.snapshot, b.snapshot) = (common(&a.snapshot), common(&b.snapshot));
    }
    let changes = shown_of_one((&a.snapshot, &a.names), (&b.snapshot, &b.names));
    let complete = a.is_whole && b.is_whole;
    Ok(DiffReport {
        schema: DiffReport::SCHEMA,
        before: a.side,
        after: b.side,
        identical: changes.is_empty() && complete,
        complete,
        changes,
        notes: a.notes.into_iter().chain(b.notes).collect(),
    })
}

/// Reads both sides; what has to be made follows what is there.
async fn both(
    args: &DiffArgs,
    (before, after): (&Source, &Source),
    makers: &(Option<Maker>, Option<Maker>),
    context: &mut Context<'_>,
) -> Result<(Catalog, Catalog), CommandError> {
    Ok(match (before, after, makers) {
        // One session tells both, and so of one moment.
        (Source::History, Source::Live, _) => drift(context, false).await?,
        (Source::Live, Source::History, _) => {
            let (history, live) = drift(context, false).await?;
            (live, history)
        }
        (Source::Snapshot(before), Source::Snapshot(after), _) => two_files(before, after)?,
        (_, _, (None, None)) => (
            side_of(before, context, false).await?,
            side_of(after, context, false).await?,
        ),
        (_, _, (Some(a), None)) => {
            let other = side_of(after, context, true).await?;
            (made_side(args, a, &other.other, context).await?, other)
        }
        (_, _, (None, Some(b))) => {
            let other = side_of(before, context, true).await?;
            let made = made_side(args, b, &other.other, context).await?;
            (other, made)
        }
        (_, _, (Some(a), Some(b))) => {
            let version = Other {
                major: b.major(),
                ..Other::default()
            };
            let first = made_side(args, a, &version, context).await?;
            let second = made_side(args, b, &first.other, context).await?;
            (first, second)
        }
    })
}

/// A side that was read.
struct Catalog {
    side: Side,
    snapshot: Snapshot,
    /// What its objects keep when they are renamed, where both sides are moments of one database.
    names: Names,
    /// What the other one follows, if it has to be made.
    other: Other,
    is_whole: bool,
    notes: Vec<Problem>,
}

impl Catalog {
    fn whole(side: Side, snapshot: Snapshot, other: Other) -> Self {
        Self {
            side,
            snapshot,
            names: Names::default(),
            other,
            is_whole: true,
            notes: Vec::new(),
        }
    }

    fn file(path: &Path, document: Document, is_followed: bool) -> Self {
        let server_version = document.server_version.as_deref();
        let other = if is_followed {
            Other::of(&document.snapshot, server_version)
        } else {
            Other::default()
        };
        let side = Side::File {
            path: path.display().to_string(),
        };
        Self::whole(side, document.snapshot, other)
    }

    fn live(live: Live) -> Self {
        let side = side(&live.database.target);
        let other = Other::live(live.database, live.example);
        Self::whole(side, live.snapshot, other)
    }
}

async fn made_side(
    args: &DiffArgs,
    maker: &Maker,
    other: &Other,
    context: &mut Context<'_>,
) -> Result<Catalog, CommandError> {
    let typed = Typed {
        shadow: &args.shadow,
        wait: args.wait.as_ref(),
        yes: args.consent.yes,
        words: args.words(),
    };
    let (side, made) = made(maker, other, &typed, context).await?;
    Ok(Catalog {
        side,
        other: Other::of(&made.snapshot, Some(&made.server_version)),
        snapshot: made.snapshot,
        names: Names::default(),
        is_whole: made.is_whole,
        notes: made.notes,
    })
}

/// The history, and the database that it is in.
async fn drift(
    context: &mut Context<'_>,
    is_followed: bool,
) -> Result<(Catalog, Catalog), CommandError> {
    let (root, manifest) = context.manifest()?;
    let database = context.database(&root, &manifest).await?;
    let (live, remembered) = live_and_remembered(context, database, "diff", is_followed).await?;
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
    let (was, names) = (remembered.catalog, live.names.clone());
    let history = Catalog {
        names: was.names,
        ..Catalog::whole(history, was.snapshot, Other::default())
    };
    let live = Catalog {
        names,
        ..Catalog::live(live)
    };
    Ok((history, live))
}

/// Reads two files at once. Where neither can be read, the first is told, as with all other sides.
fn two_files(before: &Path, after: &Path) -> Result<(Catalog, Catalog), CommandError> {
    let (first, second) = thread::scope(|scope| {
        let second = scope.spawn(|| file(after));
        let first = file(before);
        let second = second.join();
        (first, second.unwrap_or_else(|panic| resume_unwind(panic)))
    });
    Ok((
        Catalog::file(before, first?, false),
        Catalog::file(after, second?, false),
    ))
}

async fn side_of(
    source: &Source,
    context: &mut Context<'_>,
    is_followed: bool,
) -> Result<Catalog, CommandError> {
    if let Source::Snapshot(path) = source {
        return Ok(Catalog::file(path, file(path)?, is_followed));
    }
    if *source == Source::History {
        // What is made follows the database that the history is of.
        let (history, live) = drift(context, is_followed).await?;
        return Ok(Catalog {
            other: live.other,
            ..history
        });
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
    let found = read_live(context, is_followed).await;
    context.global = typed;
    found
}

async fn read_live(context: &mut Context<'_>, is_followed: bool) -> Result<Catalog, CommandError> {
    let (root, manifest) = context.manifest()?;
    let database = context.database(&root, &manifest).await?;
    Ok(Catalog::live(
        live(context, database, "diff", is_followed).await?,
    ))
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
            ("migrations", Source::Migrations),
            ("./staging", Source::Snapshot("./staging".into())),
            ("schema.JSON", Source::Snapshot("schema.JSON".into())),
            ("schema.sql", Source::Dump("schema.sql".into())),
            ("schema.DUMP", Source::Dump("schema.DUMP".into())),
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
