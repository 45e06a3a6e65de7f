//! L5: reports become bytes.
//!
//! `terminal` writes for people, `json` for programs, `diagram` draws,
//! `dry_run` makes comments and pages; `change` has what they say of an object that changes. All read `report` and nothing else, so
//! that what is shown can be tested without a database, a file or a terminal.

mod change;
pub mod diagram;
pub mod dry_run;
pub mod json;
pub mod markdown;
pub mod terminal;
mod xml;
