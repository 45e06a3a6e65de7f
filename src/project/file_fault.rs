//! What can be wrong with the files and folders under `migrations/` and `rollback/`.

use super::file_name::NameProblem;

/// One thing that is wrong with a migration or rollback file, or a folder of them.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FileFault {
    /// A file that is no migration by its name.
    #[error("`{name}` is no migration file: {problem}")]
    BadName {
        /// The file's name, printable.
        name: String,
        /// What is wrong with it.
        problem: NameProblem,
        /// What it should be called.
        should_be: Option<String>,
    },
    /// A name that is not UTF-8.
    #[error("the name `{name}` is not UTF-8")]
    NameNotUtf8 {
        /// The name with U+FFFD for what cannot be read.
        name: String,
    },
    /// A folder that no step names.
    #[error("no step in phases.toml names the folder `{folder}`")]
    UnlistedFolder {
        /// The folder as a step would name it, relative to `migrations/`.
        folder: String,
    },
    /// A folder inside a step's folder.
    #[error("`{folder}` is a folder inside a step's folder, which holds migrations only")]
    SubFolder {
        /// The folder.
        folder: String,
    },
    /// A file that is in no step's folder.
    #[error("`{name}` is in no step's folder")]
    StrayFile {
        /// The file's name.
        name: String,
    },
    /// A version that several files have.
    #[error("version {version} is used by {}", .files.join(" and "))]
    DuplicateVersion {
        /// The version.
        version: i64,
        /// The files.
        files: Vec<String>,
    },
    /// A repeatable migration's name that several files have.
    #[error("the repeatable migration `{name}` is there more than once: {}", .files.join(" and "))]
    DuplicateRepeatable {
        /// The name.
        name: String,
        /// The files.
        files: Vec<String>,
    },
    /// Names that are one on a file system that ignores case.
    #[error("{} differ only in case and are one file on macOS and Windows", .names.join(" and "))]
    CaseClash {
        /// The paths.
        names: Vec<String>,
    },
    /// A version smaller than one that runs earlier.
    #[error(
        "version {version} is out of order: it runs after {earlier_file}, whose version {earlier} is greater{}",
        others(*.more)
    )]
    OutOfOrder {
        /// The version that is too small.
        version: i64,
        /// The greatest version of an earlier step or phase.
        earlier: i64,
        /// Its file.
        earlier_file: String,
        /// How many more migrations of the step are out of order in the same way.
        more: usize,
    },
    /// A rollback script without a migration.
    #[error("`{name}` has no migration at {expected}")]
    OrphanRollback {
        /// The file's name.
        name: String,
        /// Where its migration would be.
        expected: String,
        /// The migration that was likely meant.
        nearest: Option<String>,
    },
    /// A folder of rollback scripts that belongs to no step.
    #[error("`{folder}` belongs to no step: no step names `{migrations}`")]
    OrphanRollbackFolder {
        /// The folder.
        folder: String,
        /// The folder of migrations it would belong to, relative to `migrations/`.
        migrations: String,
        /// The step's folder that was likely meant.
        nearest: Option<String>,
    },
    /// A large file that is not what it was when it was hashed.
    #[error("`{path}` was changed while it was being read")]
    ChangedWhileRead {
        /// The file.
        path: String,
    },
}

fn others(more: usize) -> String {
    match more {
        0 => String::new(),
        1 => " (as is 1 more of its step)".to_owned(),
        more => format!(" (as are {more} more of its step)"),
    }
}

impl FileFault {
    /// Returns the stable id of the error.
    pub fn code(&self) -> &'static str {
        match self {
            Self::BadName { .. } => "bad-file-name",
            Self::NameNotUtf8 { .. } => "file-name-not-utf8",
            Self::UnlistedFolder { .. } => "unlisted-folder",
            Self::SubFolder { .. } => "folder-in-step",
            Self::StrayFile { .. } => "stray-file",
            Self::DuplicateVersion { .. } => "duplicate-version",
            Self::DuplicateRepeatable { .. } => "duplicate-repeatable",
            Self::CaseClash { .. } => "case-clash",
            Self::OutOfOrder { .. } => "out-of-order",
            Self::OrphanRollback { .. } => "rollback-without-migration",
            Self::OrphanRollbackFolder { .. } => "rollback-folder-without-step",
            Self::ChangedWhileRead { .. } => "changed-while-read",
        }
    }

    /// Returns the valid name that was likely meant.
    pub fn suggestion(&self) -> Option<String> {
        match self {
            Self::BadName { should_be, .. } => should_be.clone(),
            Self::OrphanRollback { nearest, .. } | Self::OrphanRollbackFolder { nearest, .. } => {
                nearest.clone()
            }
            _ => None,
        }
    }

    /// Returns what to do about it.
    pub fn help(&self) -> Option<String> {
        Some(match self {
            Self::BadName { problem, .. } => return problem.help(),
            Self::UnlistedFolder { folder } => {
                format!("add [[phase.step]] with migrations = \"{folder}\", or remove the folder")
            }
            Self::SubFolder { .. } => {
                "move its files up, or make it a step of its own beside this one".to_owned()
            }
            Self::StrayFile { .. } => {
                "move it into a step's folder, or out of this tree".to_owned()
            }
            Self::DuplicateVersion { .. } => {
                "give the one that is not applied yet a new version".to_owned()
            }
            Self::OutOfOrder { .. } => {
                "refinery orders by version alone; give it a greater version, or move it to an \
                 earlier step"
                    .to_owned()
            }
            Self::OrphanRollback { .. } => {
                "a rollback script has its migration's path and name under rollback/; rename or \
                 remove it"
                    .to_owned()
            }
            Self::CaseClash { .. } | Self::DuplicateRepeatable { .. } => {
                "rename or remove one of them".to_owned()
            }
            Self::ChangedWhileRead { .. } => {
                "let whatever writes the file end first, then run the command again".to_owned()
            }
            Self::NameNotUtf8 { .. } | Self::OrphanRollbackFolder { .. } => return None,
        })
    }
}
