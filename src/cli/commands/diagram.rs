//! `evmig diagram`

use std::collections::{BTreeSet, HashMap};
use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use super::Context;
use crate::catalog::diagram::domains::{Hints, Rule, domains, fits};
use crate::catalog::diagram::tables::Tables;
use crate::catalog::model::Snapshot;
use crate::catalog::read::snapshot;
use crate::cli::args::Format;
use crate::cli::database::{Database, runtime};
use crate::cli::error::{CommandError, RunContext, of_catalog, of_run};
use crate::cli::exit::Exit;
use crate::clock;
use crate::project::{Manifest, Project, Root, load};
use crate::render::{diagram, json};
use crate::report::diagram::{DiagramReport, TableName};
use crate::report::problem::Problem;
use crate::runner::open::{Opening, open};
use crate::sql::{created, split};

/// How long the server is waited for when the session ends.
const GOODBYE: Duration = Duration::from_secs(1);
/// More tables than this, and a drawing shows nothing.
const MOST_DRAWN: usize = 400;

/// Draw the tables of a database by domain, with their columns and foreign keys
///
/// The drawing is SVG; `--format mermaid` gives an erDiagram, `--format json` the facts. Domains
/// are those of [[diagram.domain]] in phases.toml; other tables are put together by the migration
/// files that made them, else by their foreign keys. Nothing is written to the database.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  evmig diagram --out schema.svg\n  evmig diagram --domain commerce \
                  --format mermaid\n  evmig diagram --table public.orders --out orders.svg"
)]
pub struct DiagramArgs {
    /// Write to FILE instead of standard output
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Only tables of this schema; can be given more than once
    #[arg(long, value_name = "NAME")]
    pub schema: Vec<String>,
    /// Only tables of this domain; can be given more than once
    #[arg(long, value_name = "NAME")]
    pub domain: Vec<String>,
    /// Only this table and those that it refers to or that refer to it; `*` stands for any text
    #[arg(long, value_name = "TABLE")]
    pub table: Vec<String>,
}

/// Runs the command.
pub fn run(args: &DiagramArgs, context: &mut Context<'_>) -> Result<Exit, CommandError> {
    let format = context.global.format;
    if format == Format::Human && args.out.is_none() && context.environment.stdout_is_terminal {
        let problem = Problem::new("svg-to-terminal", "an SVG file is nothing for a terminal");
        let next = format!("{} diagram --out schema.svg", context.program());
        return Err(CommandError::usage(problem.next(next)));
    }
    let (root, manifest) = context.manifest()?;
    let (database, snapshot) = runtime()?.block_on(read(context, &root, &manifest))?;
    let hints = hints(context, &root, &manifest);
    let mut report = report(database, &snapshot, &hints);
    narrow(args, &mut report)?;
    let text = match format {
        Format::Json => json::diagram(&report),
        Format::Mermaid => diagram::mermaid(&report),
        _ => drawn(&report, &context.program())?,
    };
    write(args, context, &text)?;
    Ok(Exit::Done)
}

async fn read(
    context: &mut Context<'_>,
    root: &Root,
    manifest: &Manifest,
) -> Result<(Database, Snapshot), CommandError> {
    let database = context.database(root, manifest).await?;
    let run_context = RunContext {
        program: context.program(),
        command: "diagram".to_owned(),
        ..RunContext::default()
    };
    let opening = Opening {
        look: None,
        ..database.opening(&clock::run_id(), false)
    };
    let opened = open(&opening).await;
    let opened = opened.map_err(|error| of_run(&error, &run_context))?;
    let version = opened.facts.version_num;
    let snapshot = snapshot(&opened.session, version, &database.history_schema).await;
    opened.session.close(GOODBYE).await;
    let snapshot = snapshot.map_err(|error| of_catalog(&error))?;
    Ok((database, snapshot))
}

/// What the files know about the tables. Files with errors are no reason to draw nothing.
fn hints(context: &mut Context<'_>, root: &Root, manifest: &Manifest) -> Hints {
    let rules = manifest.diagram.iter().map(|domain| Rule {
        name: domain.name.value.clone(),
        tables: domain.tables.iter().map(|one| one.value.clone()).collect(),
    });
    let made_by = load(root).map(|project| made_by(&project));
    if made_by.is_err() {
        let message = "the migration files have errors: they do not tell the tables' domains";
        let next = format!("{} status", context.program());
        let problem = Problem::new("domains-without-files", message).next(next);
        context.ui.warn(&problem);
    }
    Hints {
        rules: rules.collect(),
        made_by: made_by.unwrap_or_default(),
    }
}

/// Which migration makes which table; the first one counts.
fn made_by(project: &Project) -> HashMap<(Option<String>, String), String> {
    let mut made_by = HashMap::new();
    for migration in &project.migrations {
        let text = migration.sql();
        let Ok(script) = split::Script::parse(text) else {
            continue;
        };
        for statement in script.statements() {
            let sql = text.get(statement.span.clone()).unwrap_or_default();
            if let Some(table) = created::even_if_there(sql) {
                let name = migration.name.clone();
                made_by.entry((table.schema, table.name)).or_insert(name);
            }
        }
    }
    made_by
}

fn report(database: Database, snapshot: &Snapshot, hints: &Hints) -> DiagramReport {
    let found = Tables::of(snapshot);
    let (grouped_by, domains) = domains(&found, hints);
    DiagramReport {
        schema: DiagramReport::SCHEMA,
        target: database.target,
        grouped_by,
        domains,
        references: found.references,
    }
}

/// Leaves out what was not asked for.
fn narrow(args: &DiagramArgs, report: &mut DiagramReport) -> Result<(), CommandError> {
    let schemas: BTreeSet<&str> = report.tables().map(|one| &*one.name.schema).collect();
    known(&args.schema, &schemas, |name| {
        Problem::new(
            "unknown-schema",
            format!("no table is in the schema {name}"),
        )
    })?;
    let names: BTreeSet<&str> = report.domains.iter().map(|one| &*one.name).collect();
    known(&args.domain, &names, |name| {
        Problem::new(
            "unknown-domain",
            format!("no table is in the domain {name}"),
        )
    })?;
    let near = near(args, report)?;
    if !args.domain.is_empty() {
        report
            .domains
            .retain(|domain| args.domain.contains(&domain.name));
    }
    for domain in &mut report.domains {
        domain.tables.retain(|table| {
            (args.schema.is_empty() || args.schema.contains(&table.name.schema))
                && near.as_ref().is_none_or(|near| near.contains(&table.name))
        });
    }
    report.domains.retain(|domain| !domain.tables.is_empty());
    let shown: BTreeSet<TableName> = report.tables().map(|one| one.name.clone()).collect();
    report.references.retain(|one| shown.contains(&one.from));
    Ok(())
}

/// The tables that `--table` means, with their neighbours.
fn near(
    args: &DiagramArgs,
    report: &DiagramReport,
) -> Result<Option<BTreeSet<TableName>>, CommandError> {
    if args.table.is_empty() {
        return Ok(None);
    }
    let mut asked = BTreeSet::new();
    for pattern in &args.table {
        let fitting = report.tables().filter(|table| fits(pattern, &table.name));
        let before = asked.len();
        let fitting: Vec<TableName> = fitting.map(|table| table.name.clone()).collect();
        asked.extend(fitting.iter().cloned());
        if fitting.is_empty() && asked.len() == before {
            let message = format!("the database has no table {pattern}");
            return Err(CommandError::usage(Problem::new("unknown-table", message)));
        }
    }
    let mut near = asked.clone();
    for reference in &report.references {
        if asked.contains(&reference.from) {
            near.insert(reference.to.clone());
        }
        if asked.contains(&reference.to) {
            near.insert(reference.from.clone());
        }
    }
    Ok(Some(near))
}

fn known(
    asked: &[String],
    there: &BTreeSet<&str>,
    unknown: impl Fn(&str) -> Problem,
) -> Result<(), CommandError> {
    let Some(name) = asked.iter().find(|name| !there.contains(name.as_str())) else {
        return Ok(());
    };
    let names: Vec<&str> = there.iter().copied().collect();
    Err(CommandError::usage(unknown(name).hint(match names.len() {
        0 => "the database has no tables".to_owned(),
        _ => format!("there is {}", names.join(", ")),
    })))
}

fn drawn(report: &DiagramReport, program: &str) -> Result<String, CommandError> {
    let count = report.tables().count();
    if count <= MOST_DRAWN {
        return Ok(diagram::svg(report));
    }
    let message = format!("{count} tables are too many for one drawing: at most {MOST_DRAWN}");
    Err(CommandError::usage(
        Problem::new("too-many-tables", message)
            .hint("draw a part of them with --domain, --schema or --table")
            .next(format!("{program} diagram --format json")),
    ))
}

fn write(args: &DiagramArgs, context: &mut Context<'_>, text: &str) -> Result<(), CommandError> {
    let Some(path) = &args.out else {
        context.ui.bytes(text);
        return Ok(());
    };
    fs::write(path, text).map_err(|error| {
        let message = format!("could not write {}: {error}", path.display());
        CommandError::failed(Problem::new("cannot-write", message))
    })?;
    context.ui.say(&format!("wrote {}\n", path.display()));
    Ok(())
}
