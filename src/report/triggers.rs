//! Triggers that are off, that were switched off, or that are back.

use serde::Serialize;

use super::problem::Problem;
use super::target::Target;

/// What was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum TriggersAction {
    /// Which triggers are off.
    Status,
    /// To switch them off.
    Disable,
    /// To give them their states back.
    Enable,
}

/// What is known of one trigger.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum TriggerStanding {
    /// It is off, and the ledger has its earlier state.
    Off,
    /// It is off, and not by evmig triggers: by a migration, by hand, by another tool.
    OffUnknown,
    /// It is on, and the ledger has it off: somebody else has switched it.
    OnAgain,
    /// It does not exist any more, and the ledger has it off.
    Gone,
    /// It has its earlier state back.
    Restored,
}

impl TriggerStanding {
    /// Returns the word that people read.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Off => "OFF",
            Self::OffUnknown => "OFF, and not by evmig",
            Self::OnAgain => "ON AGAIN, and not by evmig",
            Self::Gone => "GONE",
            Self::Restored => "Back",
        }
    }
}

/// One trigger.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TriggerReport {
    /// Schema and name of its table.
    pub table: String,
    /// Its name.
    pub name: String,
    /// What is known of it.
    pub standing: TriggerStanding,
    /// The state that it had or has back: `origin`, `replica`, `always`.
    pub state: Option<&'static str>,
    /// Whether the server made it for a constraint.
    pub of_system: bool,
    /// When it was switched off.
    pub since: Option<String>,
    /// The run that did it.
    pub run: Option<String>,
    /// Who that was.
    pub actor: Option<String>,
}

/// A foreign key that was not found to hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct KeyReport {
    /// Its name and its table.
    pub key: String,
    /// An example of a row that refers to nothing, or why it was not proved.
    pub why: String,
}

/// The result of `evmig triggers`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TriggersReport {
    /// Name and version of this document's format.
    pub schema: &'static str,
    /// What was asked.
    pub action: TriggersAction,
    /// The database.
    pub target: Target,
    /// The run, where something was changed.
    pub run: Option<String>,
    /// The triggers.
    pub triggers: Vec<TriggerReport>,
    /// How many foreign keys were proved.
    pub keys_proved: usize,
    /// Foreign keys that do not hold, where that was allowed.
    pub keys_violated: Vec<KeyReport>,
    /// Foreign keys that were not proved: `NOT VALID` and `NOT ENFORCED` ones, or where rows cannot be read.
    pub keys_not_proved: Vec<KeyReport>,
    /// What stopped it.
    pub error: Option<Problem>,
}

impl TriggersReport {
    /// Name and version of the document.
    pub const SCHEMA: &'static str = "evmig.triggers/1";
}
