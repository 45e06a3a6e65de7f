//! What is allowed but worth a word.

/// What a note says.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoteKind {
    /// A step's folder without a migration.
    #[error("the folder has no migration yet")]
    EmptyFolder,
    /// A phase without a step.
    #[error("phase `{phase}` has no step yet")]
    EmptyPhase {
        /// Its name.
        phase: String,
    },
    /// A migration of white space and comments only: applying it records it and does nothing.
    #[error("the file has no statement; applying it only records it")]
    EmptyMigration,
    /// A rollback script of white space and comments only: rolling back would undo nothing.
    #[error("the rollback script has no statement; rolling back would undo nothing")]
    EmptyRollback,
    /// A file with a byte order mark.
    #[error("the file begins with a byte order mark, which is not sent")]
    ByteOrderMark,
    /// Waiting for locks without an end.
    #[error("lock_timeout is off: a waiting migration blocks everyone behind it")]
    LockTimeoutOff,
}

impl NoteKind {
    /// Returns the stable id of the note.
    pub fn code(&self) -> &'static str {
        match self {
            Self::EmptyFolder => "empty-folder",
            Self::EmptyPhase { .. } => "empty-phase",
            Self::EmptyMigration => "empty-migration",
            Self::EmptyRollback => "empty-rollback",
            Self::ByteOrderMark => "byte-order-mark",
            Self::LockTimeoutOff => "lock-timeout-off",
        }
    }
}

/// Something about a file or folder that is allowed but worth a word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// What.
    pub kind: NoteKind,
    /// The file or folder, relative to the root.
    pub file: String,
}
