//! What the output device can show.

/// How wide the output is, and whether evmig's own characters may go beyond ASCII.
///
/// Text of others (names, messages) keeps its characters either way: an escaped `ü` would be
/// harder to read on every device than a broken one is on a few.
#[derive(Debug, Clone, Copy)]
pub struct Look {
    /// Columns of the terminal; the caller clamps it to 40..=200.
    pub width: usize,
    /// Whether line drawing and an ellipsis may be used.
    pub unicode: bool,
}

impl Look {
    /// The mark that stands where something was cut out.
    pub(super) fn ellipsis(self) -> &'static str {
        if self.unicode { "…" } else { "..." }
    }
}
