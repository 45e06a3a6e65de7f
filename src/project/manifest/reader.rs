//! Typed access to the TOML tree; every miss becomes an error with its place.

use std::time::Duration;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::super::error::ProjectError;
use super::super::nearest::nearest;
use super::super::source::{Source, printable};
use super::super::span::{Sited, Span};
use super::fault::ManifestFault;
use super::{duration, redact};

/// Errors beyond this many are counted, not kept.
const MOST_ERRORS: usize = 1000;

/// Collects the errors of one manifest.
pub(super) struct Reader {
    pub(super) source: Source,
    errors: Vec<ProjectError>,
    dropped: usize,
}

/// One TOML table with its name for messages (`[apply]`).
pub(super) struct Section<'t, 'i> {
    pub(super) name: String,
    pub(super) table: &'t DeTable<'i>,
    pub(super) span: Span,
}

impl<'t, 'i> Section<'t, 'i> {
    /// Returns a value by key.
    pub(super) fn get(&self, key: &str) -> Option<&'t Spanned<DeValue<'i>>> {
        self.table.get(key)
    }
}

impl Reader {
    pub(super) fn new(source: Source) -> Self {
        Self {
            source,
            errors: Vec::new(),
            dropped: 0,
        }
    }

    /// Records an error.
    pub(super) fn error(&mut self, span: Span, fault: impl Into<ManifestFault>) {
        if self.errors.len() >= MOST_ERRORS {
            self.dropped += 1;
            return;
        }
        let mut snippet = self.source.snippet(span);
        snippet.text = redact::mask(&snippet.text);
        self.errors.push(ProjectError::at(fault.into(), snippet));
    }

    /// Records an error whose value must not be shown: it may be a secret in the wrong place.
    pub(super) fn error_without_value(&mut self, span: Span, fault: ManifestFault) {
        let kept = self.errors.len();
        self.error(span, fault);
        if let Some(snippet) = self.errors.get_mut(kept).and_then(|e| e.snippet.as_mut()) {
            let start = snippet.place.column as usize - 1;
            let masked = start..start + snippet.length as usize;
            snippet.text = snippet
                .text
                .chars()
                .enumerate()
                .map(|(at, c)| if masked.contains(&at) { '*' } else { c })
                .collect();
        }
    }

    /// Returns the line of a span.
    pub(super) fn line(&self, span: Span) -> u32 {
        self.source.place(span).line
    }

    /// Ends the reading.
    pub(super) fn finish(mut self) -> (Source, Vec<ProjectError>) {
        if self.dropped > 0 {
            let end = self.source.text().len();
            let span = Span { start: end, end };
            let fault = ManifestFault::TooMany { more: self.dropped };
            let snippet = self.source.snippet(span);
            self.errors.push(ProjectError::at(fault, snippet));
        }
        (self.source, self.errors)
    }

    /// Reports each key of a table that is not among the valid ones.
    pub(super) fn only(&mut self, section: &Section<'_, '_>, valid: &[&str]) {
        for (key, _) in section.table {
            let name: &str = key.get_ref();
            if !valid.contains(&name) {
                self.error(
                    key.span().into(),
                    ManifestFault::UnknownKey {
                        key: printable(name),
                        section: section.name.clone(),
                        nearest: nearest(name, valid.iter().copied()),
                        valid: valid.iter().map(|&key| key.to_owned()).collect(),
                    },
                );
            }
        }
    }

    /// Reports a key that is not there.
    pub(super) fn missing(&mut self, section: &Section<'_, '_>, key: &'static str) {
        self.error(
            section.span,
            ManifestFault::MissingKey {
                key,
                section: section.name.clone(),
            },
        );
    }

    fn wrong_type(&mut self, key: &str, value: &Spanned<DeValue<'_>>, expected: &'static str) {
        self.error(
            value.span().into(),
            ManifestFault::WrongType {
                key: printable(key),
                expected,
                found: value.get_ref().type_str(),
            },
        );
    }

    /// Reads a value that must be a table.
    pub(super) fn table<'t, 'i>(
        &mut self,
        key: &str,
        name: String,
        value: &'t Spanned<DeValue<'i>>,
    ) -> Option<Section<'t, 'i>> {
        let Some(table) = value.get_ref().as_table() else {
            self.wrong_type(key, value, "a table");
            return None;
        };
        Some(Section {
            name,
            table,
            span: value.span().into(),
        })
    }

    /// Reads a value that must be an array of tables; `name` makes the tables' names.
    pub(super) fn tables<'t, 'i>(
        &mut self,
        section: &Section<'t, 'i>,
        key: &str,
        name: &str,
    ) -> Vec<Section<'t, 'i>> {
        let Some(value) = section.get(key) else {
            return Vec::new();
        };
        let Some(array) = value.get_ref().as_array() else {
            self.wrong_type(key, value, "an array of tables, written with [[ ]]");
            return Vec::new();
        };
        array
            .iter()
            .filter_map(|item| self.table(key, name.to_owned(), item))
            .collect()
    }

    /// Reads one string: not empty, no control characters.
    pub(super) fn string_value(
        &mut self,
        key: &str,
        value: &Spanned<DeValue<'_>>,
    ) -> Option<Sited<String>> {
        let span = value.span().into();
        let Some(text) = value.get_ref().as_str() else {
            self.wrong_type(key, value, "a string");
            return None;
        };
        if text.trim().is_empty() {
            self.error(span, ManifestFault::Empty { key: key.into() });
            return None;
        }
        if text.chars().any(char::is_control) {
            self.error(span, ManifestFault::ControlCharacter { key: key.into() });
            return None;
        }
        Some(Sited::new(text.to_owned(), span))
    }

    /// Reads an optional string.
    pub(super) fn string(
        &mut self,
        section: &Section<'_, '_>,
        key: &'static str,
    ) -> Option<Sited<String>> {
        self.string_value(key, section.get(key)?)
    }

    /// Reads a string that must be there.
    pub(super) fn required_string(
        &mut self,
        section: &Section<'_, '_>,
        key: &'static str,
    ) -> Option<Sited<String>> {
        if section.get(key).is_none() {
            self.missing(section, key);
        }
        self.string(section, key)
    }

    /// Reads an optional list of strings; the items that are strings are kept.
    pub(super) fn strings(
        &mut self,
        section: &Section<'_, '_>,
        key: &'static str,
    ) -> Option<Vec<Sited<String>>> {
        let value = section.get(key)?;
        let Some(array) = value.get_ref().as_array() else {
            self.wrong_type(key, value, "a list of strings, written [\"…\"]");
            return None;
        };
        Some(
            array
                .iter()
                .filter_map(|item| self.string_value(key, item))
                .collect(),
        )
    }

    /// Reports each item of a list that was there before.
    pub(super) fn no_duplicates(&mut self, what: &'static str, items: &[Sited<String>]) {
        let mut seen = std::collections::HashMap::new();
        for item in items {
            if let Some(first) = seen.insert(item.as_str(), item.span) {
                seen.insert(item.as_str(), first);
                let first_line = self.line(first);
                let name = item.value.clone();
                self.error(
                    item.span,
                    ManifestFault::Duplicate {
                        what,
                        name,
                        first_line,
                    },
                );
            }
        }
    }

    /// Reads an optional `true` or `false`.
    pub(super) fn boolean(&mut self, section: &Section<'_, '_>, key: &'static str) -> Option<bool> {
        let value = section.get(key)?;
        let found = value.get_ref().as_bool();
        if found.is_none() {
            self.wrong_type(key, value, "true or false");
        }
        found
    }

    /// Reads an optional whole number within a range.
    pub(super) fn number(
        &mut self,
        section: &Section<'_, '_>,
        key: &'static str,
        least: u32,
        most: u32,
    ) -> Option<Sited<u32>> {
        let value = section.get(key)?;
        let Some(integer) = value.get_ref().as_integer() else {
            self.wrong_type(key, value, "a whole number");
            return None;
        };
        let number = i64::from_str_radix(integer.as_str(), integer.radix())
            .ok()
            .and_then(|number| u32::try_from(number).ok())
            .filter(|number| (least..=most).contains(number));
        if number.is_none() {
            let fault = ManifestFault::OutOfRange {
                key: key.to_owned(),
                least,
                most,
                found: integer.to_string(),
            };
            self.error(value.span().into(), fault);
        }
        Some(Sited::new(number?, value.span().into()))
    }

    /// Reads an optional duration; a bare `0` is one, any other bare number is not.
    pub(super) fn duration(
        &mut self,
        section: &Section<'_, '_>,
        key: &'static str,
    ) -> Option<Sited<Option<Duration>>> {
        let value = section.get(key)?;
        let text = match value.get_ref() {
            DeValue::String(text) => text.to_string(),
            DeValue::Integer(integer) => integer.to_string(),
            DeValue::Float(float) => float.to_string(),
            _ => {
                self.wrong_type(key, value, "a duration such as \"2s\"");
                return None;
            }
        };
        let span = value.span().into();
        match duration::parse(&printable(&text)) {
            Ok(duration) => Some(Sited::new(duration, span)),
            Err(fault) => {
                let key = key.to_owned();
                self.error(span, ManifestFault::Duration { key, fault });
                None
            }
        }
    }

    /// Checks a name that people type: letters, digits, `-` and `_`, not a number.
    pub(super) fn check_name(&mut self, what: &'static str, name: &Sited<String>) -> bool {
        let good = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        let reason = if !name.chars().all(good) {
            "use letters, digits, `-` and `_`"
        } else if name.chars().all(|c| c.is_ascii_digit()) {
            "a number alone would be taken for a phase number"
        } else if name.starts_with('-') {
            "it would be taken for an option of the command line"
        } else if name.len() > 63 {
            "it is longer than 63 characters"
        } else {
            return true;
        };
        let sound: String = name
            .trim()
            .chars()
            .map(|c| if c.is_whitespace() { '-' } else { c })
            .filter(|&c| good(c))
            .take(63)
            .collect();
        let sound = sound.trim_matches('-').to_owned();
        let usable = !sound.is_empty() && !sound.chars().all(|c| c.is_ascii_digit());
        self.error(
            name.span,
            ManifestFault::BadName {
                what,
                name: name.value.clone(),
                reason,
                nearest: usable.then_some(sound),
            },
        );
        false
    }
}
