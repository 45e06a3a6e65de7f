//! SQL text to statements, without a database.
//!
//! [`split()`] cuts a file as psql does, [`classify()`] says what each statement is, [`shape`] how the file uses
//! transactions, [`directive`] what its `-- evmig:` comments ask for, [`quote`] writes names and constants.
//! Everything returns byte offsets into the text that it was given; callers draw the snippets.

pub mod classify;
pub mod control;
pub mod created;
pub mod destroyed;
pub mod directive;
pub mod enum_value;
pub mod long_name;
pub mod name;
pub mod object;
pub mod outside;
pub mod psql;
pub mod quote;
pub mod rows;
pub mod shape;
pub mod split;
pub mod token;
mod touched;
pub mod trigger_switch;
pub mod typed_name;
pub mod vacuum;
pub mod whole_table;
mod words;
pub mod written;

pub use classify::{Class, classify};
pub use object::{ObjectClass, ObjectSet};
pub use shape::{Shape, ShapeError, transaction_shape};
pub use split::{Item, Script, SplitError, Statement, split};
