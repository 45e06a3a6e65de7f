//! What is wrong with a project, as data: the command line gives it its words and colours.

use std::fmt;

use crate::report::place::Snippet;

use super::file_fault::FileFault;
use super::manifest::ManifestFault;
use super::rel_path::PathFault;
use super::root::RootFault;
use super::script::ScriptFault;
use super::text::TextFault;

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProjectErrorKind {
    /// No project was found.
    #[error(transparent)]
    Root(#[from] RootFault),
    /// A path cannot be used.
    #[error(transparent)]
    Path(#[from] PathFault),
    /// `phases.toml` is not as it must be.
    #[error(transparent)]
    Manifest(#[from] ManifestFault),
    /// A migration or rollback file is not as it must be.
    #[error(transparent)]
    File(#[from] FileFault),
    /// A file's bytes are no text.
    #[error(transparent)]
    Text(#[from] TextFault),
    /// A migration's statements are not as they must be.
    #[error(transparent)]
    Script(#[from] ScriptFault),
}

/// One thing that is wrong, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct ProjectError {
    /// What.
    pub kind: Box<ProjectErrorKind>,
    /// The line it is on, where a line can be named.
    pub snippet: Option<Box<Snippet>>,
    /// The file or folder, relative to the root with `/` between the parts.
    pub file: Option<String>,
}

impl ProjectError {
    /// Makes an error that concerns a whole file or folder.
    pub(crate) fn in_file(kind: impl Into<ProjectErrorKind>, file: impl Into<String>) -> Self {
        Self {
            kind: Box::new(kind.into()),
            snippet: None,
            file: Some(file.into()),
        }
    }

    /// Makes an error with its line.
    pub(crate) fn at(kind: impl Into<ProjectErrorKind>, snippet: Snippet) -> Self {
        Self {
            kind: Box::new(kind.into()),
            file: Some(snippet.place.file.clone()),
            snippet: Some(Box::new(snippet)),
        }
    }

    /// Makes an error of a file's bytes.
    pub(crate) fn in_text(fault: TextFault, snippet: Option<Box<Snippet>>, file: &str) -> Self {
        Self {
            kind: Box::new(fault.into()),
            snippet,
            file: Some(file.to_owned()),
        }
    }

    /// Returns the stable id of the error (`unknown-key`), for machines and for the manual.
    pub fn code(&self) -> &'static str {
        match &*self.kind {
            ProjectErrorKind::Root(fault) => fault.code(),
            ProjectErrorKind::Path(fault) => fault.code(),
            ProjectErrorKind::Manifest(fault) => fault.code(),
            ProjectErrorKind::File(fault) => fault.code(),
            ProjectErrorKind::Text(fault) => fault.code(),
            ProjectErrorKind::Script(fault) => fault.code(),
        }
    }

    /// Returns the valid name that was likely meant.
    pub fn suggestion(&self) -> Option<String> {
        match &*self.kind {
            ProjectErrorKind::Root(_) | ProjectErrorKind::Text(_) | ProjectErrorKind::Script(_) => {
                None
            }
            ProjectErrorKind::Path(fault) => fault.suggestion(),
            ProjectErrorKind::Manifest(fault) => fault.suggestion(),
            ProjectErrorKind::File(fault) => fault.suggestion(),
        }
    }

    /// Returns what to do about it.
    pub fn help(&self) -> Option<String> {
        match &*self.kind {
            ProjectErrorKind::Root(fault) => fault.help(),
            ProjectErrorKind::Path(fault) => fault.help(),
            ProjectErrorKind::Manifest(fault) => fault.help(),
            ProjectErrorKind::File(fault) => fault.help(),
            ProjectErrorKind::Text(fault) => fault.help(self.file.as_deref().unwrap_or_default()),
            ProjectErrorKind::Script(fault) => fault.help(),
        }
    }
}

impl fmt::Display for ProjectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.snippet.as_deref(), &self.file) {
            (Some(Snippet { place, .. }), _) => {
                write!(f, "{}:{}:{}: ", place.file, place.line, place.column)?;
            }
            (None, Some(file)) => write!(f, "{file}: ")?,
            (None, None) => {}
        }
        self.kind.fmt(f)
    }
}

/// Everything that is wrong with a project: never empty, sorted by file and line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProjectErrors {
    errors: Vec<ProjectError>,
}

impl ProjectErrors {
    /// Sorts the errors; `None` when there are none.
    pub(crate) fn collect(mut errors: Vec<ProjectError>) -> Option<Self> {
        errors.sort_by(|a, b| sort_key(a).cmp(&sort_key(b)));
        errors.dedup();
        (!errors.is_empty()).then_some(Self { errors })
    }

    /// Returns the errors.
    pub fn as_slice(&self) -> &[ProjectError] {
        &self.errors
    }
}

impl From<ProjectError> for ProjectErrors {
    fn from(error: ProjectError) -> Self {
        Self {
            errors: vec![error],
        }
    }
}

impl fmt::Display for ProjectErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, error) in self.errors.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            error.fmt(f)?;
        }
        Ok(())
    }
}

impl std::error::Error for ProjectErrors {}

/// The manifest comes first, since most other errors follow from it; then file, line, column.
fn sort_key(error: &ProjectError) -> (bool, &str, u32, u32) {
    let file = error.file.as_deref().unwrap_or_default();
    let (line, column) = error
        .snippet
        .as_ref()
        .map_or((0, 0), |s| (s.place.line, s.place.column));
    (file != super::root::MANIFEST, file, line, column)
}
