//! Plans in files: written by `evmig plan --out`, read by `evmig apply --plan`.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context as _;

use super::error::{CommandError, plan_file_problem};
use super::replace::replace;
use super::selection::SelectionArgs;
use crate::plan::saved::{ReadPlan, SavedPlan, read, steady};
use crate::project::Project;
use crate::render::json;
use crate::report::dry_run::{DryRunReport, SavedAs};
use crate::report::problem::Problem;
use crate::report::run::{PlanResult, PlanUsed};

/// So many digits of a checksum tell two plans apart for people.
const DIGITS: usize = 12;

/// A plan that was named on the command line.
pub struct Given {
    /// What it says.
    pub read: ReadPlan,
    file: PathBuf,
}

impl Given {
    /// Reads it.
    pub fn read(file: &Path) -> Result<Self, CommandError> {
        let shown = file.display();
        let text = fs::read(file).map_err(|error| {
            CommandError::usage(
                Problem::new("plan-unreadable", format!("cannot read {shown}: {error}"))
                    .hint("evmig plan --out FILE writes a plan"),
            )
        })?;
        let read = read(&String::from_utf8_lossy(&text)).map_err(|error| {
            CommandError::usage(plan_file_problem(
                &shown.to_string(),
                &error,
                "evmig plan --out",
            ))
        })?;
        Ok(Self {
            read,
            file: file.to_owned(),
        })
    }

    /// Returns what the history says of the run: a reader finds the plan by it.
    pub fn command(&self) -> String {
        let digits: String = self.read.checksum.chars().take(DIGITS).collect();
        format!("apply --plan {digits}")
    }

    /// Returns what was selected when it was made.
    pub fn selection(&self) -> SelectionArgs {
        SelectionArgs::from(&self.read.plan.selection)
    }

    /// Returns the words that make it again.
    pub fn again(&self, program: &str) -> String {
        let mut words = vec![format!("{program} plan")];
        words.extend(self.selection().words());
        words.push(format!(
            "--out {}",
            quoted(&self.file.display().to_string())
        ));
        words.join(" ")
    }

    /// Returns the words that apply it again.
    pub fn words(&self) -> String {
        format!("apply --plan {}", quoted(&self.file.display().to_string()))
    }

    /// Returns what is told of it at the end.
    pub fn used(&self, result: Option<PlanResult>) -> PlanUsed {
        PlanUsed {
            file: self.file.display().to_string(),
            checksum: self.read.checksum.clone(),
            result,
        }
    }
}

/// Writes a plan with its review, and tells the report where.
pub fn write(
    file: &Path,
    plan: &SavedPlan,
    report: &mut DryRunReport,
    program: &str,
) -> Result<(), CommandError> {
    let shown = file.display().to_string();
    let review = json::dry_run(&steady(report));
    let (text, checksum) = plan.file(&review).context("cannot write a plan")?;
    replace(file, &text).map_err(|error| {
        CommandError::failed(Problem::new(
            "cannot-write",
            format!("cannot write {shown}: {error}"),
        ))
    })?;
    report.saved = Some(SavedAs {
        apply: format!("{program} apply --plan {}", quoted(&shown)),
        file: shown,
        checksum,
    });
    Ok(())
}

/// Quotes a file's name for a shell, where it needs it.
fn quoted(name: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "/._-+:@%,=".contains(c);
    if !name.is_empty() && name.chars().all(is_plain) {
        name.to_owned()
    } else {
        format!("'{}'", name.replace('\'', "'\\''"))
    }
}

/// Refuses a run without a plan on an environment that asks for one.
pub fn demand(
    project: &Project,
    environment: Option<&String>,
    plan: Option<&Given>,
    program: &str,
) -> Result<(), CommandError> {
    let known = environment.and_then(|name| project.manifest.environments.get(name));
    let Some(asking) = known.filter(|known| known.require_plan && plan.is_none()) else {
        return Ok(());
    };
    let message = format!(
        "environment {} is changed by reviewed plans only",
        asking.name
    );
    Err(CommandError::refused(
        Problem::new("plan-required", message)
            .hint("phases.toml says so (require_plan = true)")
            .next(format!("{program} plan --out FILE"))
            .next(format!("{program} apply --plan FILE")),
    ))
}
