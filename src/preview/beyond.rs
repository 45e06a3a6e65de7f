//! Statements that reach beyond the database that they run in: what they do elsewhere would stay.

use crate::project::script::Script;
use crate::sql::classify::{Class, Verb};
use crate::sql::object::ObjectClass;
use crate::sql::outside::OutsideReason;

/// Returns the first statement of a script that must not be tried anywhere, and why.
pub(super) fn the_server(script: &Script) -> Option<(usize, &'static str)> {
    (0..script.len()).find_map(|index| {
        let why = elsewhere(script.class(index), script.text(index))?;
        Some((index, why))
    })
}

/// Returns why a statement must not be tried anywhere, if it must not.
pub(super) fn elsewhere(class: &Class, text: &str) -> Option<&'static str> {
    let words = || words(text);
    if class.object == ObjectClass::Subscription {
        Some("a subscription would connect to its publisher")
    } else if class.outside_transaction == Some(OutsideReason::AlterSystem) {
        Some("it would change the settings of the whole server")
    } else if class.global.is_some()
        || (class.verb == Verb::Alter && words().get(1).is_some_and(|word| word == "database"))
    {
        Some("it is about another database, or about the whole server")
    } else if class.verb == Verb::Copy && words().iter().any(|word| word == "program") {
        Some("it would start a program on the server")
    } else {
        None
    }
}

/// Returns the words of a text, in small letters; quotes and signs are none.
pub(super) fn words(text: &str) -> Vec<String> {
    let parts = text.split(|letter: char| !letter.is_alphanumeric() && letter != '_');
    parts
        .filter(|word| !word.is_empty())
        .map(str::to_ascii_lowercase)
        .collect()
}
