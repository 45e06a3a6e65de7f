//! Whole outputs at the widths and on the devices that people have.

mod events;
mod hostile;
mod problems;
mod reports;
pub(in crate::render) mod samples;
mod statuses;

use super::Look;

/// A terminal of 80 columns.
const AT_80: Look = Look {
    width: 80,
    unicode: true,
};
/// A terminal of 120 columns.
const AT_120: Look = Look {
    width: 120,
    unicode: true,
};
/// A CI log: 80 columns, ASCII only.
const ASCII: Look = Look {
    width: 80,
    unicode: false,
};

/// Returns the text as it is where colour is off; no line may end in a blank.
fn plain(styled: &str) -> String {
    let text = anstream::adapter::strip_str(styled).to_string();
    assert!(!text.contains(" \n"), "a line ends in a blank: {text}");
    text
}
