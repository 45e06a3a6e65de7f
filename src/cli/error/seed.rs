//! Words and exit codes for everything that can stop `evmig seed`.

use super::{CommandError, with_failure};
use crate::cli::exit::Exit;
use crate::report::problem::Problem;
use crate::seed::error::SeedError;

/// What an error needs to know of the command it ends.
#[derive(Debug, Clone)]
pub struct SeedContext {
    /// The command as it is to be typed again.
    pub again: String,
    /// `evmig` with the flags that must be typed again.
    pub program: String,
    /// Whether it removes.
    pub removes: bool,
    /// Cells that this command has committed.
    pub cells: u32,
}

impl SeedContext {
    fn committed(&self) -> String {
        let done = if self.removes { "removed" } else { "loaded" };
        match self.cells {
            0 => "nothing of this command; the database is as it was".to_owned(),
            1 => format!("1 cell is {done}; the same command goes on behind it"),
            cells => format!("{cells} cells are {done}; the same command goes on behind them"),
        }
    }

    fn exit(&self) -> Exit {
        if self.cells == 0 {
            Exit::Failed
        } else {
            Exit::Partial
        }
    }
}

/// Gives what stopped a load or a removal its exit code and its words.
pub fn of_seed(error: &SeedError, context: &SeedContext) -> CommandError {
    let message = error.to_string();
    let (exit, mut problem) = match error {
        SeedError::Own { failure, .. } => (
            context.exit(),
            with_failure(Problem::new("own-query", message), failure),
        ),
        SeedError::Schema { missing } => (
            Exit::Refused,
            Problem::new("seed-schema", message)
                .detail(format!("missing: {}", missing.join(", ")))
                .hint("evmig seed fills the event platform's own tables: apply its phases first")
                .next(format!("{} apply", context.program)),
        ),
        SeedError::Rights { tables } => (
            Exit::Refused,
            Problem::new("seed-rights", message)
                .detail(format!("not writable: {}", tables.join(", ")))
                .hint("connect as the role that applied the migrations"),
        ),
        SeedError::Busy { holder } => {
            let problem = Problem::new("seed-busy", message).hint(
                "a load and an apply would wait for each other's locks: wait until it is over",
            );
            let problem = match holder {
                Some(holder) => problem.detail(format!(
                    "pid {}, {} as {}",
                    holder.pid, holder.application, holder.user
                )),
                None => problem,
            };
            (Exit::Locked, problem)
        }
        SeedError::Format { found } => (
            Exit::Refused,
            Problem::new("seed-format", message)
                .detail(format!("format {found}; this version writes format 1"))
                .hint("remove it with the version that loaded it"),
        ),
        SeedError::Cell { failure, .. } => (
            context.exit(),
            with_failure(Problem::new("seed-failed", message), failure),
        ),
        SeedError::Unknown { failure, .. } => (
            Exit::Unknown,
            with_failure(Problem::new("seed-unknown", message), failure)
                .hint("the cell is there whole or not at all: the same command finds out"),
        ),
        SeedError::Interrupted => (
            Exit::Interrupted,
            Problem::new(
                "interrupted",
                "interrupted; the cell that was moving is rolled back",
            ),
        ),
    };
    problem.committed = Some(context.committed());
    if problem.next.is_empty() && exit != Exit::Refused {
        problem = problem.next(context.again.clone());
    }
    CommandError::new(exit, problem)
}
