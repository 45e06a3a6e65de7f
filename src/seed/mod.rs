//! The large sample world: generated here, loaded with binary `COPY`, removed again by its ids.
//!
//! `world` says how large it is and what each order is, `values` makes ids, times and names,
//! `tables` lists what is loaded, `encode` writes the binary format, `rows` the rows. `database`
//! looks whether a database can take them, `ledger` remembers which cells it has, `load` and
//! `remove` move them in and out, a cell at a time.

pub mod database;
mod encode;
pub mod error;
pub mod ledger;
pub mod load;
pub mod remove;
mod rows;
pub mod tables;
mod values;
pub mod world;
