//! A migration and its rollback script, read once.

use std::borrow::Cow;

use super::checksum;
use super::file_name::Version;
use super::rel_path::RelPath;
use super::root::SourceFile;
use super::script::expanded;
use super::text::without_bom;

/// One migration file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Migration {
    /// Its version, from the file's name.
    pub version: Version,
    /// Its name, from the file's name.
    pub name: String,
    /// The file's name without `.sql`: `V101__tables`.
    pub stem: String,
    /// Where it is.
    pub path: RelPath,
    /// Index of its phase in [`super::Manifest::phases`].
    pub phase: usize,
    /// Index of its step in the phase's steps.
    pub step: usize,
    /// The file's text as it was read, with byte order mark and carriage returns: what is hashed
    /// and what runs, whatever happens to the file meanwhile.
    pub text: String,
    /// The files that it includes, in the order they are met, each as often as it is.
    pub included: Vec<SourceFile>,
    /// SHA-256 of the normalised text and of what it includes; see
    /// [`checksum::sha256_with_includes`].
    pub sha256: String,
    /// Its rollback script.
    pub rollback: Option<RollbackScript>,
}

impl Migration {
    /// Returns what is split and sent: the text without a byte order mark.
    pub fn sql(&self) -> &str {
        without_bom(&self.text)
    }

    /// Returns what history stores: the text as it was read, with what it includes in place.
    pub fn stored(&self) -> Cow<'_, str> {
        stored(&self.text, &self.included)
    }

    /// Returns the file's size in bytes.
    pub fn bytes(&self) -> usize {
        self.text.len()
    }

    /// Returns refinery's checksum for an int4 history; `None` for a repeatable migration and for
    /// a version beyond int4. See [`checksum::refinery_i32`].
    pub fn refinery_i32(&self) -> Option<u64> {
        checksum::refinery_i32(&self.name, self.version.number()?, &self.text)
    }

    /// Returns refinery's checksum for an int8 history; `None` for a repeatable migration.
    /// See [`checksum::refinery_i64`].
    pub fn refinery_i64(&self) -> Option<u64> {
        Some(checksum::refinery_i64(
            &self.name,
            self.version.number()?,
            &self.text,
        ))
    }
}

/// The script that undoes a migration: `rollback/` and the migration's path below `migrations/`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RollbackScript {
    /// Where it is.
    pub path: RelPath,
    /// The file's text as it was read.
    pub text: String,
    /// The files that it includes, in the order they are met.
    pub included: Vec<SourceFile>,
    /// SHA-256 of the normalised text and of what it includes; see
    /// [`checksum::sha256_with_includes`].
    pub sha256: String,
}

fn stored<'a>(text: &'a str, included: &[SourceFile]) -> Cow<'a, str> {
    if included.is_empty() {
        Cow::Borrowed(text)
    } else {
        Cow::Owned(expanded(text, included))
    }
}

impl RollbackScript {
    /// Returns what history stores: the text as it was read, with what it includes in place.
    pub fn stored(&self) -> Cow<'_, str> {
        stored(&self.text, &self.included)
    }

    /// Returns what is split and sent: the text without a byte order mark.
    pub fn sql(&self) -> &str {
        without_bom(&self.text)
    }
}
