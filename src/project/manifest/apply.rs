//! The `[project]` and `[apply]` tables.

use std::time::Duration;

use super::super::nearest::nearest;
use super::super::span::{Setting, Sited, Span};
use super::fault::ManifestFault;
use super::model::{ApplySection, OnDrift, ProjectSection};
use super::reader::{Reader, Section};
use super::schema_name::check_schema_name;

const PROJECT_KEYS: [&str; 3] = ["name", "history_schema", "default_environment"];
const APPLY_KEYS: [&str; 6] = [
    "lock_timeout",
    "lock_retries",
    "statement_timeout",
    "lock_budget",
    "concurrent_budget",
    "on_drift",
];

const LOCK_TIMEOUT: Duration = Duration::from_secs(2);
const LOCK_RETRIES: u32 = 10;
const MOST_LOCK_RETRIES: u32 = 10_000;
const LOCK_BUDGET: Duration = Duration::from_mins(5);
const HISTORY_SCHEMA: &str = "evmig";

/// Reads `[project]`. What is missing or wrong is reported and replaced by the default.
pub(super) fn read_project(reader: &mut Reader, root: &Section<'_, '_>) -> ProjectSection {
    let section = if let Some(value) = root.get("project") {
        reader.table("project", "[project]".to_owned(), value)
    } else {
        reader.missing(root, "[project]");
        None
    };
    let Some(section) = section else {
        return ProjectSection {
            name: Sited::new(String::new(), Span::default()),
            history_schema: Setting::or_default(None, HISTORY_SCHEMA.to_owned()),
            default_environment: None,
        };
    };
    reader.only(&section, &PROJECT_KEYS);
    let name = reader.required_string(&section, "name");
    if let Some(name) = &name {
        reader.check_name("project", name);
    }
    let schema = section.get("history_schema").and_then(|value| {
        // Its own check, not the general one: an empty or odd name gets the schema's message.
        let text = value.get_ref().as_str();
        match text.map(check_schema_name) {
            Some(Err(fault)) => {
                reader.error(value.span().into(), fault);
                None
            }
            _ => reader.string_value("history_schema", value),
        }
    });
    ProjectSection {
        name: name.unwrap_or_else(|| Sited::new(String::new(), section.span)),
        history_schema: Setting::or_default(schema, HISTORY_SCHEMA.to_owned()),
        default_environment: reader.string(&section, "default_environment"),
    }
}

/// Reads `[apply]`; without it every setting has its default.
pub(super) fn read_apply(reader: &mut Reader, root: &Section<'_, '_>) -> ApplySection {
    let section = root
        .get("apply")
        .and_then(|value| reader.table("apply", "[apply]".to_owned(), value));
    if let Some(section) = &section {
        reader.only(section, &APPLY_KEYS);
    }
    let mut duration = |key, default| {
        let written = section
            .as_ref()
            .and_then(|section| reader.duration(section, key));
        Setting::or_default(written, default)
    };
    let lock_timeout = duration("lock_timeout", Some(LOCK_TIMEOUT));
    let statement_timeout = duration("statement_timeout", None);
    let lock_budget = duration("lock_budget", Some(LOCK_BUDGET));
    let concurrent_budget = duration("concurrent_budget", None);
    let lock_retries = section
        .as_ref()
        .and_then(|section| reader.number(section, "lock_retries", 0, MOST_LOCK_RETRIES));
    let on_drift = section
        .as_ref()
        .and_then(|section| read_on_drift(reader, section));
    ApplySection {
        lock_timeout,
        lock_retries: Setting::or_default(lock_retries, LOCK_RETRIES),
        statement_timeout,
        lock_budget,
        concurrent_budget,
        on_drift: Setting::or_default(on_drift, OnDrift::Warn),
    }
}

fn read_on_drift(reader: &mut Reader, section: &Section<'_, '_>) -> Option<Sited<OnDrift>> {
    let word = reader.string(section, "on_drift")?;
    let found = OnDrift::ALL.into_iter().find(|one| one.as_str() == *word);
    if found.is_none() {
        let words = OnDrift::ALL.map(OnDrift::as_str);
        let fault = ManifestFault::Unknown {
            what: "on_drift",
            nearest: nearest(&word, words),
            valid: words.map(str::to_owned).to_vec(),
            name: word.value.clone(),
        };
        reader.error(word.span, fault);
    }
    found.map(|one| Sited::new(one, word.span))
}
