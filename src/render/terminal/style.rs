//! The few styles there are, and how text gets one.

use anstyle::{AnsiColor, Style};

/// Something failed or is not as it should be.
pub(super) const BAD: Style = AnsiColor::Red.on_default().bold();
/// Something needs attention but stops nothing.
pub(super) const CAUTION: Style = AnsiColor::Yellow.on_default().bold();
/// Something is done.
pub(super) const GOOD: Style = AnsiColor::Green.on_default();
/// A heading.
pub(super) const HEADING: Style = Style::new().bold();
/// The word in front of a value.
pub(super) const LABEL: Style = AnsiColor::Cyan.on_default();
/// What may be read last.
pub(super) const QUIET: Style = Style::new().dimmed();
/// A command to type.
pub(super) const COMMAND: Style = Style::new().bold();
/// Ordinary text.
pub(super) const PLAIN: Style = Style::new();

/// Returns the text between the style's codes; empty text gets none.
pub(super) fn paint(style: Style, text: &str) -> String {
    if text.is_empty() || style.is_plain() {
        return text.to_owned();
    }
    format!("{style}{text}{style:#}")
}
