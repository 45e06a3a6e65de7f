//! Byte ranges of `phases.toml`, and values that remember theirs.

use std::fmt;
use std::ops::{Deref, Range};

/// A byte range in a file's text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Span {
    /// Offset of the first byte.
    pub start: usize,
    /// Offset after the last byte.
    pub end: usize,
}

impl From<Range<usize>> for Span {
    fn from(range: Range<usize>) -> Self {
        Self {
            start: range.start,
            end: range.end.max(range.start),
        }
    }
}

/// A value together with where `phases.toml` says it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sited<T> {
    /// The value.
    pub value: T,
    /// Where it is written.
    pub span: Span,
}

impl<T> Sited<T> {
    /// Pairs a value with its place.
    pub fn new(value: T, span: Span) -> Self {
        Self { value, span }
    }
}

impl<T> Deref for Sited<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T: fmt::Display> fmt::Display for Sited<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.value.fmt(f)
    }
}

/// A setting: its value, and where `phases.toml` sets it (`None`: the default).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting<T> {
    /// The value in force.
    pub value: T,
    /// Where it is written; `None` when the file is silent and the default holds.
    pub span: Option<Span>,
}

impl<T> Setting<T> {
    /// Takes the written value, or the default.
    pub(crate) fn or_default(written: Option<Sited<T>>, default: T) -> Self {
        match written {
            Some(sited) => Self {
                value: sited.value,
                span: Some(sited.span),
            },
            None => Self {
                value: default,
                span: None,
            },
        }
    }
}

impl<T> Deref for Setting<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}
