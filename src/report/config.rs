//! What `evmig config` shows: each setting, its value and where it came from.

use serde::Serialize;

/// One setting.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Setting {
    /// Name as in `phases.toml` or libpq.
    pub name: String,
    /// Its value; passwords are never shown.
    pub value: String,
    /// `flag --env`, `variable EVMIG_ENV`, `.env`, `phases.toml:4`, `default`, …
    pub source: String,
}

/// The result of `evmig config`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ConfigReport {
    /// Name and version of this document's format.
    pub schema: &'static str,
    /// All settings, grouped by their prefix.
    pub settings: Vec<Setting>,
}

impl ConfigReport {
    /// Name and version of the document.
    pub const SCHEMA: &'static str = "evmig.config/1";
}
