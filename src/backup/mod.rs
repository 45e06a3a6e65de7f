//! Backups: `pg_dump`'s directory format with a manifest that nobody else can write.
//!
//! On disk a backup is a folder:
//!
//! ```text
//! NAME/dump/            what pg_dump made
//!     /manifest.json    sizes, SHA-256 of every file, what was counted in the same snapshot
//!     /manifest.hmac    HMAC-SHA-256 of manifest.json, with a key that lies elsewhere
//! ```
//!
//! `key` keeps that key, `manifest` is the document, `figures` reads what it says of the database,
//! `dump` runs `pg_dump`, `make` does all of it, `verify` holds a folder against its manifest,
//! `keep` removes old ones, `ledger` remembers them in the database. `listing` and `stream` read
//! what `pg_restore` says, for the restore in `runner`.

pub mod dump;
pub mod error;
pub mod figures;
pub mod folder;
pub mod keep;
pub mod key;
pub mod ledger;
pub mod listing;
pub mod make;
pub mod manifest;
pub mod stream;
pub mod verify;
