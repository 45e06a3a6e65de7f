//! Text to [`Manifest`] and to all the errors in it.

use toml::de::DeTable;

use super::super::error::ProjectError;
use super::super::root::MANIFEST;
use super::super::source::{Source, printable};
use super::super::span::Span;
use super::fault::ManifestFault;
use super::model::Manifest;
use super::reader::{Reader, Section};
use super::{apply, check, diagram, environment, phase, rollback};

/// The largest `phases.toml`: 1 MiB.
pub(crate) const MOST_BYTES: u64 = 1 << 20;
/// The longest line; errors carry their line, so a huge one would be copied for each.
const LONGEST_LINE: usize = 10_000;

const ROOT_KEYS: [&str; 6] = [
    "project",
    "environments",
    "apply",
    "rollback",
    "diagram",
    "phase",
];

/// What could be read, and what was wrong with the rest.
pub(crate) struct Parsed {
    /// What could be read; wrong values have their defaults.
    pub(crate) manifest: Manifest,
    /// All errors.
    pub(crate) errors: Vec<ProjectError>,
    /// Whether every step was read, so that a folder on disk can be said to be nobody's.
    pub(crate) complete: bool,
}

/// Parses and checks a manifest.
pub(crate) fn parse(text: &str) -> Parsed {
    let mut reader = Reader::new(Source::new(MANIFEST, text));
    if text.len() as u64 > MOST_BYTES {
        reader.error(
            Span::default(),
            ManifestFault::TooLarge { most: MOST_BYTES },
        );
        return finish(reader, &DeTable::new(), false);
    }
    if let Some(start) = reader.source.long_line(LONGEST_LINE) {
        let span = Span { start, end: start };
        let fault = ManifestFault::LineTooLong { most: LONGEST_LINE };
        reader.error(span, fault);
        return finish(reader, &DeTable::new(), false);
    }
    let (table, faults) = DeTable::parse_recoverable(text);
    let mut readable = true;
    for fault in &faults {
        let span = fault.span().map_or_else(|| longest_key(text), Span::from);
        let fault = syntax(text, fault.message(), span);
        // After a duplicate key the rest of the tree is sound; after other errors it is guesswork,
        // and errors that follow from guesses help nobody.
        readable &= matches!(fault, ManifestFault::DuplicateKey { .. });
        reader.error(span, fault);
    }
    finish(reader, table.get_ref(), readable)
}

fn finish(mut reader: Reader, table: &DeTable<'_>, readable: bool) -> Parsed {
    let before = readable.then_some(());
    let root = Section {
        name: MANIFEST.to_owned(),
        table,
        span: Span::default(),
    };
    let empty = DeTable::new();
    let mut silent = Reader::new(Source::new(MANIFEST, ""));
    let (reading, root) = match before {
        Some(()) => (&mut reader, root),
        None => (
            &mut silent,
            Section {
                table: &empty,
                ..root
            },
        ),
    };
    reading.only(&root, &ROOT_KEYS);
    let project = apply::read_project(reading, &root);
    let environments = environment::read(reading, &root);
    let apply = apply::read_apply(reading, &root);
    let rollback = rollback::read(reading, &root);
    let diagram = diagram::read(reading, &root);
    let phases = phase::read(reading, &root);
    let mut manifest = Manifest {
        project,
        environments,
        apply,
        rollback,
        diagram,
        phases: phases.phases,
        source: reading.source.clone(),
    };
    check::check(reading, &manifest);
    manifest
        .phases
        .sort_by_key(|phase| (*phase.number, phase.span.start));
    let (_, errors) = reader.finish();
    Parsed {
        manifest,
        errors,
        complete: readable && phases.complete,
    }
}

/// Returns the line with the most dots: the one error without a place is a dotted key with too
/// many parts.
fn longest_key(text: &str) -> Span {
    let dots = |line: &str| line.matches('.').count();
    let mut start = 0;
    let mut found = (0, Span::default());
    for line in text.split_inclusive('\n') {
        if dots(line) > found.0 {
            let end = start + line.trim_end().len();
            found = (dots(line), Span { start, end });
        }
        start += line.len();
    }
    found.1
}

/// Tells the parser's errors apart by its words, which is all it gives.
fn syntax(text: &str, message: &str, span: Span) -> ManifestFault {
    match message {
        "duplicate key" => ManifestFault::DuplicateKey {
            key: printable(text.get(span.start..span.end).unwrap_or_default()),
        },
        message if message.contains("recurs") => ManifestFault::TooDeep,
        message => ManifestFault::Syntax {
            message: printable(message),
        },
    }
}
