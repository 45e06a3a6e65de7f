//! What is in a project file: its text, or for a large file its text without the rows of `COPY`,
//! which stay on disk and are read again, and held against their hash, when they are sent.

use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use sha2::{Digest as _, Sha256};

use super::checksum::{LineEnds, Normalised, RefineryChecksums, refinery_i32, refinery_i64};
use super::rel_path::{PathFault, RelPath};
use super::root::{open_regular, unreadable};
use super::text::without_bom;
use crate::report::place::Snippet;

/// Files of more bytes than this are read in pieces, and history does not store them.
pub const LARGE: u64 = 8 << 20;

/// How much of a large file is read at once.
pub(super) const PIECE: usize = 64 << 10;

/// What is in a file, read once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Content {
    text: Arc<str>,
    large: Option<Arc<Large>>,
}

/// What is known of a large file besides the text that is kept.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Large {
    pub(super) dir: PathBuf,
    pub(super) path: RelPath,
    /// Size in bytes.
    pub(super) bytes: u64,
    /// Whether it begins with a byte order mark.
    pub(super) bom: bool,
    /// SHA-256 of its normalised text alone.
    pub(super) sha256: String,
    pub(super) refinery: Option<RefineryChecksums>,
    pub(super) cuts: Vec<Cut>,
}

/// Rows that were left on disk.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Cut {
    /// Where they would stand in the text that is kept.
    pub(super) at: usize,
    /// Where they stand in the file.
    pub(super) range: Range<u64>,
    /// How many line ends they have.
    pub(super) lines: u32,
    pub(super) sha256: [u8; 32],
}

/// Why the rows of a large file cannot be read again.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RereadFault {
    /// They are not what they were.
    #[error("`{path}` was changed while it was being run")]
    Changed {
        /// The file.
        path: String,
    },
    /// The file cannot be read any more.
    #[error(transparent)]
    Path(#[from] PathFault),
}

impl Content {
    /// Keeps a text as it is.
    pub(crate) fn new(text: &str) -> Self {
        Self {
            text: text.into(),
            large: None,
        }
    }

    /// Keeps the text of a large file, which has neither mark nor rows any more.
    pub(super) fn large(text: &str, large: Large) -> Self {
        Self {
            text: text.into(),
            large: Some(Arc::new(large)),
        }
    }

    /// Returns the text as it was read, with byte order mark and carriage returns; `None` for a
    /// large file, which is not kept.
    pub fn whole(&self) -> Option<&str> {
        self.large.is_none().then_some(&self.text)
    }

    /// Returns what is split and sent: the text without a byte order mark, and for a large file
    /// without the rows of `COPY`; see `rows`.
    pub fn sql(&self) -> &str {
        without_bom(&self.text)
    }

    /// Returns the file's size in bytes.
    pub fn bytes(&self) -> u64 {
        self.large
            .as_ref()
            .map_or(self.text.len() as u64, |large| large.bytes)
    }

    /// Returns whether the file begins with a byte order mark.
    pub(super) fn has_bom(&self) -> bool {
        match &self.large {
            Some(large) => large.bom,
            None => self.sql().len() < self.text.len(),
        }
    }

    /// Returns refinery's checksum for an int4 history; see [`refinery_i32`].
    pub(super) fn refinery_i32(&self, name: &str, version: i64) -> Option<u64> {
        match &self.large {
            Some(large) => large.refinery?.i32(LineEnds::AsIs),
            None => refinery_i32(name, version, &self.text),
        }
    }

    /// Returns refinery's checksum for an int8 history; see [`refinery_i64`].
    pub(super) fn refinery_i64(&self, name: &str, version: i64) -> Option<u64> {
        match &self.large {
            Some(large) => Some(large.refinery?.i64(LineEnds::AsIs)),
            None => Some(refinery_i64(name, version, &self.text)),
        }
    }

    /// Returns the checksums of a large migration with all line ends.
    pub(super) fn refinery_of_large(&self) -> Option<&RefineryChecksums> {
        self.large.as_ref()?.refinery.as_ref()
    }

    /// Returns the SHA-256 of the text and of what it includes; see
    /// [`super::checksum::sha256_with_includes`]. Large files are read again where there are
    /// includes, and must be what they were.
    pub(super) fn sha256(&self, included: &[&Self]) -> Result<String, RereadFault> {
        if let (Some(large), []) = (&self.large, included) {
            return Ok(large.sha256.clone());
        }
        let mut hasher = Normalised::new();
        self.hash_into(&mut hasher)?;
        for content in included {
            hasher.next_text();
            content.hash_into(&mut hasher)?;
        }
        Ok(hasher.finish())
    }

    fn hash_into(&self, hasher: &mut Normalised) -> Result<(), RereadFault> {
        let Some(large) = &self.large else {
            hasher.feed_text(&self.text);
            return Ok(());
        };
        let mark = if large.bom { 3 } else { 0 };
        let mut own = Normalised::new();
        let mut reader = Reader::open(large, mark..large.bytes)?;
        while let Some(piece) = reader.next_piece()? {
            own.feed(&piece);
            hasher.feed(&piece);
        }
        own.end_text();
        hasher.end_text();
        if own.finish() == large.sha256 {
            Ok(())
        } else {
            Err(large.changed())
        }
    }

    /// Returns the rows of a `COPY` whose own range in [`Content::sql`] is `inside`.
    pub(super) fn rows(&self, inside: Range<usize>) -> Rows<'_> {
        let cut = self.large.as_ref().and_then(|large| {
            let found = large.cuts.binary_search_by_key(&inside.start, |cut| cut.at);
            found
                .ok()
                .map(|found| Rows::File(large, &large.cuts[found]))
        });
        cut.unwrap_or_else(|| Rows::Text(&self.sql()[inside]))
    }

    /// Cuts the snippet at a byte of [`Content::sql`]; its line is that of the file.
    pub(super) fn snippet(&self, path: &str, offset: usize, length: usize) -> Snippet {
        let mut snippet = Snippet::cut(path, self.sql(), offset, length);
        let cuts = self.large.iter().flat_map(|large| &large.cuts);
        let left_out: u32 = cuts
            .take_while(|cut| cut.at <= offset)
            .map(|cut| cut.lines)
            .sum();
        snippet.place.line += left_out;
        snippet
    }
}

impl Large {
    fn changed(&self) -> RereadFault {
        RereadFault::Changed {
            path: self.path.to_string(),
        }
    }
}

/// The rows of one `COPY`.
#[derive(Debug, Clone, Copy)]
pub enum Rows<'a> {
    /// In memory.
    Text(&'a str),
    /// On disk.
    #[expect(private_interfaces, reason = "read through chunks() alone")]
    File(&'a Large, &'a Cut),
}

impl<'a> Rows<'a> {
    /// Returns the rows in pieces of bounded size. After rows that were read from disk, and are not
    /// what they were when the file was hashed, comes an error in place of the end.
    pub fn chunks(self) -> RowChunks<'a> {
        RowChunks(match self {
            Self::Text(text) => Chunks::Text(text.as_bytes()),
            Self::File(large, cut) => Chunks::Unopened(large, cut),
        })
    }
}

/// The pieces of some rows.
#[derive(Debug)]
pub struct RowChunks<'a>(Chunks<'a>);

#[derive(Debug)]
enum Chunks<'a> {
    Text(&'a [u8]),
    Unopened(&'a Large, &'a Cut),
    Open(Reader<'a>, Sha256, &'a Cut),
    Over,
}

impl Iterator for RowChunks<'_> {
    type Item = Result<Bytes, RereadFault>;

    fn next(&mut self) -> Option<Self::Item> {
        let next = self.read().transpose();
        if !matches!(next, Some(Ok(_))) {
            self.0 = Chunks::Over;
        }
        next
    }
}

impl RowChunks<'_> {
    fn read(&mut self) -> Result<Option<Bytes>, RereadFault> {
        if let Chunks::Unopened(large, cut) = &self.0 {
            let reader = Reader::open(large, cut.range.clone())?;
            self.0 = Chunks::Open(reader, Sha256::new(), cut);
        }
        match &mut self.0 {
            Chunks::Over | Chunks::Unopened(..) => Ok(None),
            Chunks::Text(rest) => {
                let (piece, after) = rest.split_at(rest.len().min(PIECE));
                *rest = after;
                Ok((!piece.is_empty()).then(|| Bytes::copy_from_slice(piece)))
            }
            Chunks::Open(reader, hasher, cut) => {
                if let Some(piece) = reader.next_piece()? {
                    hasher.update(&piece);
                    return Ok(Some(piece));
                }
                if std::mem::take(hasher).finalize().as_slice() == cut.sha256 {
                    Ok(None)
                } else {
                    Err(reader.large.changed())
                }
            }
        }
    }
}

/// Reads a range of a large file again.
#[derive(Debug)]
struct Reader<'a> {
    large: &'a Large,
    file: File,
    left: u64,
}

impl<'a> Reader<'a> {
    fn open(large: &'a Large, range: Range<u64>) -> Result<Self, RereadFault> {
        let (mut file, _) = open_regular(&large.dir, &large.path)?;
        file.seek(SeekFrom::Start(range.start))
            .map_err(|error| unreadable(large.path.as_str(), &error))?;
        Ok(Self {
            large,
            file,
            left: range.end - range.start,
        })
    }

    /// Returns the next bytes; `None` at the end of the range. A file that has become shorter was
    /// changed.
    fn next_piece(&mut self) -> Result<Option<Bytes>, RereadFault> {
        let length = self.left.min(PIECE as u64);
        if length == 0 {
            return Ok(None);
        }
        let mut piece = vec![0; length as usize];
        match self.file.read_exact(&mut piece) {
            Ok(()) => {}
            Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => {
                return Err(self.large.changed());
            }
            Err(error) => return Err(unreadable(self.large.path.as_str(), &error).into()),
        }
        self.left -= length;
        Ok(Some(piece.into()))
    }
}
