//! Reads a large file in pieces: checked, hashed, and kept without the rows of `COPY`.

use std::fs::File;
use std::io::Read as _;
use std::ops::Range;
use std::path::Path;

use memchr::{memchr, memchr_iter};
use sha2::{Digest as _, Sha256};

use super::checksum::{Normalised, Refinery};
use super::content::{Content, Cut, Large, PIECE};
use super::error::ProjectError;
use super::rel_path::RelPath;
use super::root::unreadable;
use super::source::printable;
use super::text::{TextFault, utf16};
use crate::report::place::{Place, Snippet};
use crate::sql::rows::{RowCutter, RowSink};

const BOM: &[u8] = "\u{FEFF}".as_bytes();

/// Reads the whole file; `names` are a migration's name and version, which refinery hashes too.
pub(super) fn read(
    file: File,
    dir: &Path,
    path: &RelPath,
    names: Option<(&str, i64)>,
) -> Result<Content, ProjectError> {
    let mut reading = Reading {
        path,
        offset: 0,
        line: 1,
        line_start: Vec::new(),
        normalised: Normalised::new(),
        refinery: names.map(|(name, version)| Refinery::new(name, version)),
        cutter: RowCutter::new(0),
        cuts: Cuts::default(),
        bom: false,
    };
    reading.read_all(file)?;
    let Reading {
        offset,
        mut normalised,
        refinery,
        cutter,
        mut cuts,
        bom,
        ..
    } = reading;
    normalised.end_text();
    let text = cutter.finish(&mut cuts);
    let large = Large {
        dir: dir.to_owned(),
        path: path.clone(),
        bytes: offset,
        bom,
        sha256: normalised.finish(),
        refinery: refinery.map(Refinery::finish),
        cuts: cuts.done,
    };
    Ok(Content::large(&text, large))
}

/// Hashes the rows that are taken out.
#[derive(Default)]
struct Cuts {
    hasher: Sha256,
    lines: u32,
    done: Vec<Cut>,
}

impl RowSink for Cuts {
    fn rows(&mut self, rows: &[u8]) {
        self.hasher.update(rows);
        self.lines += memchr_iter(b'\n', rows).count() as u32;
    }

    fn end(&mut self, at: usize, range: Range<u64>) {
        let hasher = std::mem::take(&mut self.hasher);
        self.done.push(Cut {
            at,
            range,
            lines: std::mem::take(&mut self.lines),
            sha256: hasher.finalize().into(),
        });
    }
}

/// Reads until the buffer is full or the file ends: the first bytes must come together.
fn fill(file: &mut File, buffer: &mut [u8]) -> std::io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match file.read(&mut buffer[filled..]) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

struct Reading<'a> {
    path: &'a RelPath,
    /// Offset in the file of the next piece's first byte.
    offset: u64,
    /// Line of the next piece's first byte.
    line: u32,
    /// What of that line was before it, as far as it is shown with an error.
    line_start: Vec<u8>,
    normalised: Normalised,
    refinery: Option<Refinery>,
    cutter: RowCutter,
    cuts: Cuts,
    bom: bool,
}

impl Reading<'_> {
    fn read_all(&mut self, mut file: File) -> Result<(), ProjectError> {
        let mut buffer = vec![0; PIECE];
        // Bytes of a character that is not all there yet.
        let mut left = 0;
        loop {
            let count = fill(&mut file, &mut buffer[left..]).map_err(|error| {
                let fault = unreadable(self.path.as_str(), &error);
                ProjectError::in_file(fault, self.path.as_str())
            })?;
            let bytes = &buffer[..left + count];
            let (text, more) = match std::str::from_utf8(bytes) {
                Ok(text) => (text, 0),
                Err(error) if error.error_len().is_none() && count > 0 => {
                    let (text, more) = bytes.split_at(error.valid_up_to());
                    (std::str::from_utf8(text).unwrap_or_default(), more.len())
                }
                Err(error) => {
                    self.check_start(bytes)?;
                    let at = error.valid_up_to();
                    let byte = bytes.get(at).copied().unwrap_or_default();
                    let offset = self.offset as usize + at;
                    return Err(self.error(TextFault::InvalidUtf8 { offset, byte }, bytes, at));
                }
            };
            self.take(text)?;
            if count == 0 {
                return Ok(());
            }
            let end = text.len();
            buffer.copy_within(end..end + more, 0);
            left = more;
        }
    }

    /// Checks the first piece for what a file may not begin with.
    fn check_start(&self, bytes: &[u8]) -> Result<(), ProjectError> {
        match utf16(bytes) {
            Some(order) if self.offset == 0 => {
                let fault = TextFault::Utf16 { order };
                Err(ProjectError::in_text(fault, None, self.path.as_str()))
            }
            _ => Ok(()),
        }
    }

    /// Takes the next piece of valid text.
    fn take(&mut self, text: &str) -> Result<(), ProjectError> {
        let bytes = text.as_bytes();
        self.check_start(bytes)?;
        if let Some(at) = memchr(0, bytes) {
            let offset = self.offset as usize + at;
            return Err(self.error(TextFault::Nul { offset }, bytes, at));
        }
        let mut sql = text;
        if self.offset == 0
            && let Some(rest) = bytes.strip_prefix(BOM)
        {
            if rest.starts_with(BOM) {
                let offset = BOM.len();
                return Err(self.error(TextFault::SecondBom { offset }, bytes, offset));
            }
            self.bom = true;
            sql = &text[BOM.len()..];
            self.cutter = RowCutter::new(BOM.len() as u64);
        }
        self.normalised.feed(sql.as_bytes());
        if let Some(refinery) = &mut self.refinery {
            refinery.feed(bytes);
        }
        self.cutter.feed(sql, &mut self.cuts);
        self.pass(bytes);
        Ok(())
    }

    /// Counts the lines of a piece that has been taken, and keeps the beginning of its last one.
    fn pass(&mut self, bytes: &[u8]) {
        self.offset += bytes.len() as u64;
        self.line += memchr_iter(b'\n', bytes).count() as u32;
        let last = match memchr::memrchr(b'\n', bytes) {
            Some(at) => {
                self.line_start.clear();
                &bytes[at + 1..]
            }
            None => bytes,
        };
        let room = PIECE.saturating_sub(self.line_start.len());
        self.line_start.extend(&last[..last.len().min(room)]);
    }

    /// Makes the error of byte `at` of the next piece.
    fn error(&mut self, fault: TextFault, bytes: &[u8], at: usize) -> ProjectError {
        let end = memchr(b'\n', &bytes[at..]).map_or(bytes.len(), |length| at + length);
        self.pass(&bytes[..at]);
        let before = String::from_utf8_lossy(&self.line_start).into_owned();
        let line = before.clone() + &String::from_utf8_lossy(&bytes[at..end]);
        let snippet = Snippet {
            place: Place {
                file: self.path.to_string(),
                line: self.line,
                column: before.chars().count() as u32 + 1,
            },
            text: printable(line.trim_end_matches('\r')),
            length: 1,
        };
        ProjectError::in_text(fault, Some(Box::new(snippet)), self.path.as_str())
    }
}
