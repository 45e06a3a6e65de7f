//! `evmig snapshot`

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::Args;

use super::Context;
use crate::catalog::document;
use crate::catalog::fingerprint::fingerprint;
use crate::cli::catalog::live;
use crate::cli::database::runtime;
use crate::cli::error::CommandError;
use crate::cli::exit::Exit;

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
    let text = document::file(&live.snapshot, &live.server_version);
    let Some(path) = &args.out else {
        context.ui.bytes(&text);
        return Ok(Exit::Done);
    };
    replace(path, &text).with_context(|| format!("cannot write {}", path.display()))?;
    let count = live.snapshot.objects().len();
    let fingerprint = fingerprint(&live.snapshot);
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

/// Writes beside it first: whoever reads the file meanwhile sees the old text or the new one.
fn replace(path: &Path, text: &str) -> std::io::Result<()> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.part", std::process::id()));
    let part = path.with_file_name(name);
    let written = fs::File::create(&part)
        .and_then(|mut file| {
            file.write_all(text.as_bytes())
                .and_then(|()| file.sync_all())
        })
        .and_then(|()| fs::rename(&part, path));
    if written.is_err() {
        // What is left of it is of no use; the first failure says why.
        drop(fs::remove_file(&part));
    }
    written
}
