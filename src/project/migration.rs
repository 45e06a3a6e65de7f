//! A migration and its rollback script, read once.

use std::borrow::Cow;

use super::checksum::{self, LineEnds};
use super::content::{Content, LARGE};
use super::file_name::Version;
use super::include::expanded;
use super::rel_path::RelPath;
use super::root::SourceFile;

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
    /// What is in the file as it was read: what is hashed and what runs, whatever happens to the
    /// file meanwhile.
    pub content: Content,
    /// The files that it includes, in the order they are met, each as often as it is.
    pub included: Vec<SourceFile>,
    /// SHA-256 of the normalised text and of what it includes; see
    /// [`checksum::sha256_with_includes`].
    pub sha256: String,
    /// Its rollback script.
    pub rollback: Option<RollbackScript>,
}

impl Migration {
    /// Returns what is split and sent; see [`Content::sql`].
    pub fn sql(&self) -> &str {
        self.content.sql()
    }

    /// Returns what history stores: the text as it was read, with what it includes in place; `None`
    /// where these are large.
    pub fn stored(&self) -> Option<Cow<'_, str>> {
        stored(&self.content, &self.included)
    }

    /// Returns whether [`Migration::stored`] is some.
    pub fn is_stored(&self) -> bool {
        is_stored(&self.content, &self.included)
    }

    /// Returns the file's size in bytes.
    pub fn bytes(&self) -> u64 {
        self.content.bytes()
    }

    /// Returns refinery's checksum for an int4 history; `None` for a repeatable migration and for
    /// a version beyond int4. See [`checksum::refinery_i32`].
    pub fn refinery_i32(&self) -> Option<u64> {
        self.content
            .refinery_i32(&self.name, self.version.number()?)
    }

    /// Returns refinery's checksum for an int8 history; `None` for a repeatable migration.
    /// See [`checksum::refinery_i64`].
    pub fn refinery_i64(&self) -> Option<u64> {
        self.content
            .refinery_i64(&self.name, self.version.number()?)
    }

    /// Returns refinery's checksum for an int8 history of the text that `checksum` was made from:
    /// the file as it is, or with the line ends of another checkout. `None` where it was made from
    /// another text. `wide` says that `checksum` is one for an int8 history.
    pub fn refinery_match(&self, checksum: u64, wide: bool) -> Option<u64> {
        let version = self.version.number()?;
        let fits = |int4: Option<u64>, int8: u64| {
            let own = if wide { Some(int8) } else { int4 };
            (own == Some(checksum)).then_some(int8)
        };
        if let Some(large) = self.content.refinery_of_large() {
            let mut all = LineEnds::ALL.into_iter();
            return all.find_map(|ends| fits(large.i32(ends), large.i64(ends)));
        }
        let fits_text = |text: &str| {
            let int8 = checksum::refinery_i64(&self.name, version, text);
            fits(checksum::refinery_i32(&self.name, version, text), int8)
        };
        let text = self.content.whole()?;
        // Nearly always it is the file as it is.
        fits_text(text).or_else(|| {
            let texts = checksum::line_endings(text);
            texts.iter().find_map(|text| fits_text(text))
        })
    }
}

/// The script that undoes a migration: `rollback/` and the migration's path below `migrations/`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RollbackScript {
    /// Where it is.
    pub path: RelPath,
    /// What is in the file as it was read.
    pub content: Content,
    /// The files that it includes, in the order they are met.
    pub included: Vec<SourceFile>,
    /// SHA-256 of the normalised text and of what it includes; see
    /// [`checksum::sha256_with_includes`].
    pub sha256: String,
}

fn stored<'a>(content: &'a Content, included: &[SourceFile]) -> Option<Cow<'a, str>> {
    let text = content.whole().filter(|_| is_stored(content, included))?;
    Some(if included.is_empty() {
        Cow::Borrowed(text)
    } else {
        Cow::Owned(expanded(text, included))
    })
}

fn is_stored(content: &Content, included: &[SourceFile]) -> bool {
    let included = included.iter().map(|file| file.content.bytes());
    content.bytes() + included.sum::<u64>() <= LARGE
}

impl RollbackScript {
    /// Returns what history stores; see [`Migration::stored`].
    pub fn stored(&self) -> Option<Cow<'_, str>> {
        stored(&self.content, &self.included)
    }

    /// Returns what is split and sent; see [`Content::sql`].
    pub fn sql(&self) -> &str {
        self.content.sql()
    }
}
