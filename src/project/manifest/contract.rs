//! The `[phase.contract]` table.

use super::super::nearest::nearest;
use super::super::span::Sited;
use super::fault::ManifestFault;
use super::model::Contract;
use super::reader::{Reader, Section};

/// The classes of statements that a contract can allow.
pub const CLASSES: [&str; 23] = [
    "extension",
    "schema",
    "type",
    "table",
    "sequence",
    "view",
    "index",
    "function",
    "trigger",
    "event-trigger",
    "policy",
    "grant",
    "role",
    "rule",
    "statistics",
    "publication",
    "subscription",
    "foreign",
    "data",
    "code",
    "maintenance",
    "setting",
    "other",
];

/// Reads a phase's contract.
pub(super) fn read(reader: &mut Reader, phase: &Section<'_, '_>) -> Option<Contract> {
    let value = phase.get("contract")?;
    let section = reader.table("contract", "[phase.contract]".to_owned(), value)?;
    reader.only(&section, &["allow", "max_lock_hold"]);
    if section.get("allow").is_none() {
        reader.missing(&section, "allow");
    }
    let written = reader.strings(&section, "allow").unwrap_or_default();
    reader.no_duplicates("class", &written);
    let mut allow = Vec::with_capacity(written.len());
    for class in written {
        if CLASSES.contains(&class.as_str()) {
            allow.push(class);
        } else {
            reader.error(
                class.span,
                ManifestFault::Unknown {
                    what: "class",
                    nearest: nearest(&class, CLASSES),
                    name: class.value,
                    valid: CLASSES.map(str::to_owned).to_vec(),
                },
            );
        }
    }
    let max_lock_hold = reader
        .duration(&section, "max_lock_hold")
        .and_then(|written| {
            if written.is_none() {
                let key = "max_lock_hold".to_owned();
                reader.error(written.span, ManifestFault::ZeroDuration { key });
            }
            written.value.map(|value| Sited::new(value, written.span))
        });
    Some(Contract {
        allow,
        max_lock_hold,
        span: section.span,
    })
}
