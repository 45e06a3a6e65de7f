//! Exit codes: stable, documented in `docs/errors.md`.

use std::process::ExitCode;

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// 0: done, or nothing to do.
    Done,
    /// 1: failed; the database is as it was.
    Failed,
    /// 2: wrong usage, or an error in the project's files.
    Usage,
    /// 3: failed, and part of the work is committed.
    Partial,
    /// 4: there are findings, or pending migrations with `--exit-code`.
    Findings,
    /// 5: refused before starting.
    Refused,
    /// 6: a lock was not obtained.
    Locked,
    /// 7: divergent or missing migrations.
    Divergent,
    /// 8: the outcome is unknown after a lost connection.
    Unknown,
    /// 130: interrupted.
    Interrupted,
}

impl Exit {
    /// Returns the number.
    pub fn number(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Failed => 1,
            Self::Usage => 2,
            Self::Partial => 3,
            Self::Findings => 4,
            Self::Refused => 5,
            Self::Locked => 6,
            Self::Divergent => 7,
            Self::Unknown => 8,
            Self::Interrupted => 130,
        }
    }

    /// Returns the process's exit code.
    pub fn code(self) -> ExitCode {
        ExitCode::from(self.number())
    }
}
