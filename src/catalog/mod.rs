//! What a database consists of: read from its catalog, hashed, compared.
//!
//! An object is what it is called and what is said of it, both as text ([`model`]). The queries below `queries/` say
//! which objects there are and what is said of each: a new property is a new column there, and nothing else.

pub mod access;
pub mod ddl;
pub mod diagram;
pub mod diff;
pub mod digest;
pub mod document;
pub mod error;
pub mod fingerprint;
mod grants;
pub mod model;
mod privileges;
mod queries;
pub mod read;
mod recent;
mod records;
pub mod renames;
pub mod shown;

pub use queries::KEPT_SCHEMA;
