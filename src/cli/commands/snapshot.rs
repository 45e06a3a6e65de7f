//! `evmig snapshot`

use std::path::PathBuf;

use anyhow::Context as _;
use clap::Args;

use super::Context;
use crate::catalog::document;
use crate::catalog::fingerprint::fingerprint;
use crate::cli::catalog::live;
use crate::cli::database::runtime;
use crate::cli::error::CommandError;
use crate::cli::exit::Exit;
use crate::cli::replace::replace;

/// Write down what a database consists of
///
/// The file is JSON with one property to a line, in a fixed order: it can be kept in version control, and compared
/// with a database or another file by evmig diff. It has no data, no passwords, and not evmig's own schema.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  evmig snapshot --out schema.json\n  \
                  evmig snapshot --env production | gzip > production.json.gz")]
pub struct SnapshotArgs {
    /// Write to FILE instead of standard output; it is replaced in one step
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
}

/// Runs the command.
pub fn run(args: &SnapshotArgs, context: &mut Context<'_>) -> Result<Exit, CommandError> {
    let (root, manifest) = context.manifest()?;
    let live = runtime()?.block_on(async {
        let database = context.database(&root, &manifest).await?;
        live(context, database, "snapshot", false).await
    })?;
    let fingerprint = fingerprint(&live.snapshot);
    let text = document::file(&live.snapshot, &live.server_version, &fingerprint);
    let Some(path) = &args.out else {
        context.ui.bytes(&text);
        return Ok(Exit::Done);
    };
    replace(path, &text).with_context(|| format!("cannot write {}", path.display()))?;
    let count = live.snapshot.objects().len();
    if context.ui.is_json() {
        let document = serde_json::json!({
            "schema": "evmig.snapshot-written/1", "file": path.display().to_string(),
            "objects": count, "fingerprint": fingerprint, "server_version": live.server_version,
        });
        context.ui.result(&format!("{document:#}\n"));
    } else {
        let said = format!(
            "Wrote {count} objects to {}\n  fingerprint  {fingerprint}\n",
            path.display()
        );
        context.ui.result(&said);
    }
    Ok(Exit::Done)
}
