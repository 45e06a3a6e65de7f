//! Files on disk: phases.toml, migrations, rollback scripts.
//!
//! [`load`] reads a project and finds everything that is wrong with it in one go; a [`Project`]
//! is therefore always sound. [`scaffold`] makes new projects and new migrations.

pub mod checksum;
pub mod content;
pub mod manifest;
pub mod scaffold;
pub mod script;

mod discover;
mod error;
mod file_fault;
mod file_name;
mod include;
mod large;
mod loaded;
mod migration;
mod nearest;
mod note;
mod order;
mod rel_path;
mod root;
mod source;
mod span;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
mod text;
mod tree;

pub use content::{Content, RereadFault, Rows};
pub use error::{ProjectError, ProjectErrorKind, ProjectErrors};
pub use file_fault::FileFault;
pub use file_name::{NameProblem, Version};
pub use loaded::{Project, Selector, UnknownPhase, UnknownStep, load, load_manifest};
pub use manifest::{Manifest, ManifestFault};
pub use migration::{Migration, RollbackScript};
pub use note::{Note, NoteKind};
pub use rel_path::{PathFault, RelPath};
pub use root::{MANIFEST, Root, RootFault, SourceFile};
pub use span::{Setting, Sited, Span};
pub use text::{TextFault, without_bom};
