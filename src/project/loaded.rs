//! A project as it was read, and finding one's way in it.

use super::discover::{Discovered, discover};
use super::error::{ProjectError, ProjectErrors};
use super::manifest::{self, MOST_BYTES, Manifest, ManifestFault};
use super::migration::Migration;
use super::nearest::nearest;
use super::note::{Note, NoteKind};
use super::rel_path::RelPath;
use super::root::{MANIFEST, Root, Wanted, read_bytes};
use super::text;

/// A sound project: everything was read, and nothing is wrong with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Project {
    /// Where it is.
    pub root: Root,
    /// What `phases.toml` says.
    pub manifest: Manifest,
    /// Its migrations in run order: phase, step, version; a step's repeatable ones last, by name.
    pub migrations: Vec<Migration>,
    /// What is allowed but worth a word.
    pub notes: Vec<Note>,
}

/// How a phase is named on the command line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Selector {
    /// By its number.
    Number(u32),
    /// By its name.
    Name(String),
}

impl Selector {
    /// Reads a selector: digits are a number, all else is a name (no phase's name is a number).
    pub fn parse(text: &str) -> Self {
        text.parse()
            .map_or_else(|_| Self::Name(text.to_owned()), Self::Number)
    }
}

/// A phase that the project does not have.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no phase `{wanted}`")]
pub struct UnknownPhase {
    /// What was asked for.
    pub wanted: String,
    /// The phase that was likely meant.
    pub nearest: Option<String>,
    /// The phases that there are, `1 (core)`.
    pub valid: Vec<String>,
}

/// A step that the phase does not have.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no step `{wanted}`")]
pub struct UnknownStep {
    /// What was asked for.
    pub wanted: String,
    /// The step that was likely meant.
    pub nearest: Option<String>,
    /// The steps that there are.
    pub valid: Vec<String>,
}

impl Project {
    /// Finds a phase; returns its index in [`Manifest::phases`].
    pub fn find_phase(&self, selector: &Selector) -> Result<usize, UnknownPhase> {
        let phases = &self.manifest.phases;
        let found = phases.iter().position(|phase| match selector {
            Selector::Number(number) => *phase.number == *number,
            Selector::Name(name) => phase.name.value == *name,
        });
        found.ok_or_else(|| {
            let wanted = match selector {
                Selector::Number(number) => number.to_string(),
                Selector::Name(name) => name.clone(),
            };
            UnknownPhase {
                nearest: nearest(&wanted, phases.iter().map(|phase| phase.name.as_str())),
                wanted,
                valid: phases
                    .iter()
                    .map(|phase| format!("{} ({})", *phase.number, *phase.name))
                    .collect(),
            }
        })
    }

    /// Finds a step of a phase by name; returns its index in the phase's steps.
    pub fn find_step(&self, phase: usize, name: &str) -> Result<usize, UnknownStep> {
        let steps = self
            .manifest
            .phases
            .get(phase)
            .map_or(&[][..], |phase| &phase.steps);
        steps
            .iter()
            .position(|step| step.name.value == name)
            .ok_or_else(|| UnknownStep {
                wanted: name.to_owned(),
                nearest: nearest(name, steps.iter().map(|step| step.name.as_str())),
                valid: steps.iter().map(|step| step.name.value.clone()).collect(),
            })
    }

    /// Returns the migrations of one step, in run order.
    pub fn migrations_of(&self, phase: usize, step: usize) -> &[Migration] {
        let start = self
            .migrations
            .partition_point(|m| (m.phase, m.step) < (phase, step));
        let end = self
            .migrations
            .partition_point(|m| (m.phase, m.step) <= (phase, step));
        &self.migrations[start..end]
    }
}

/// Reads and checks `phases.toml` alone, without what it names.
pub fn load_manifest(root: &Root) -> Result<Manifest, ProjectErrors> {
    Manifest::parse(&read_manifest(root)?)
}

/// Reads and checks a whole project; all that is wrong is reported at once.
///
/// Where `phases.toml` cannot be parsed, only its syntax errors are reported: what they hide
/// cannot be known.
pub fn load(root: &Root) -> Result<Project, ProjectErrors> {
    let text = read_manifest(root)?;
    let parsed = manifest::parse(&text);
    let unreadable = parsed.errors.iter().any(|error| {
        matches!(
            error.code(),
            "toml-syntax" | "toml-too-deep" | "manifest-too-large" | "line-too-long"
        )
    });
    let found = if unreadable {
        Discovered::default()
    } else {
        discover(root, &parsed.manifest, parsed.complete)
    };
    let mut errors = parsed.errors;
    errors.extend(found.errors);
    match ProjectErrors::collect(errors) {
        Some(errors) => Err(errors),
        None => Ok(Project::new(
            root,
            parsed.manifest,
            found.migrations,
            found.notes,
        )),
    }
}

impl Project {
    fn new(
        root: &Root,
        manifest: Manifest,
        migrations: Vec<Migration>,
        mut notes: Vec<Note>,
    ) -> Self {
        let mut note = |kind| {
            notes.push(Note {
                kind,
                file: MANIFEST.to_owned(),
            });
        };
        for phase in manifest.phases.iter().filter(|p| p.steps.is_empty()) {
            note(NoteKind::EmptyPhase {
                phase: phase.name.value.clone(),
            });
        }
        if manifest.apply.lock_timeout.is_none() {
            note(NoteKind::LockTimeoutOff);
        }
        notes.sort_by(|a, b| (&a.file, a.kind.code()).cmp(&(&b.file, b.kind.code())));
        Self {
            root: root.clone(),
            manifest,
            migrations,
            notes,
        }
    }
}

/// Reads `phases.toml`: a regular file of bounded size, UTF-8.
fn read_manifest(root: &Root) -> Result<String, ProjectError> {
    let path = RelPath::joined("", MANIFEST);
    let at_manifest = |fault| ProjectError::in_file(fault, MANIFEST);
    root.check_is(&path, Wanted::File).map_err(at_manifest)?;
    let bytes = read_bytes(root.dir(), &path, MOST_BYTES).map_err(at_manifest)?;
    if bytes.len() as u64 > MOST_BYTES {
        let fault = ManifestFault::TooLarge { most: MOST_BYTES };
        return Err(ProjectError::in_file(fault, MANIFEST));
    }
    let text = text::decode(MANIFEST, &bytes)
        .map_err(|(fault, snippet)| ProjectError::in_text(fault, snippet, MANIFEST))?;
    Ok(text::without_bom(text).to_owned())
}
