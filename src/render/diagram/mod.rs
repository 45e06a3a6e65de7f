//! Drawings of a database's tables: SVG, and Mermaid's erDiagram.
//!
//! `layout` says where everything stands, `route` finds the lines' ways around the tables, `svg` writes both down. All
//! of it is decided by the report alone: the same tables give the same bytes.

mod grid;
mod layout;
mod mermaid;
mod pack;
mod route;
mod style;
mod svg;
#[cfg(test)]
mod tests;
mod type_name;

pub use mermaid::mermaid;
pub use svg::svg;
