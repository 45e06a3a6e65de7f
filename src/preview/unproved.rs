//! Statements of which not all can be known before they run on the target.

use crate::project::script::Script;
use crate::sql::classify::Verb;

/// Says why not all of a statement can be known; `dynamic` are functions that build statements at run time.
pub(super) fn reason(script: &Script, index: usize, dynamic: &[String]) -> Option<String> {
    let class = script.class(index);
    match class.verb {
        Verb::Do => {
            return Some("a DO block decides at run time what it does".to_owned());
        }
        Verb::Call => {
            return Some("a procedure decides at run time what it does".to_owned());
        }
        Verb::Prepared => {
            return Some("what a prepared statement does is not in its text".to_owned());
        }
        Verb::Select | Verb::With | Verb::Insert | Verb::Update | Verb::Delete | Verb::Merge => {}
        _ => return None,
    }
    let text = script.text(index);
    let called = dynamic.iter().find(|name| calls(text, name))?;
    Some(format!(
        "it calls {called}, which builds statements at run time"
    ))
}

/// Whether a text has a name with a parenthesis behind it, and is not the end of a longer one.
fn calls(text: &str, name: &str) -> bool {
    text.match_indices(name).any(|(at, _)| {
        let before = text[..at].chars().next_back();
        let behind = text[at + name.len()..].trim_start_matches('"');
        before.is_none_or(|before| !before.is_alphanumeric() && before != '_')
            && behind.trim_start().starts_with('(')
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_is_a_name_with_a_parenthesis() {
        assert!(calls("select f (1)", "f"));
        assert!(calls("select s.\"f\"()", "f"));
        assert!(!calls("select ff(1)", "f"));
        assert!(!calls("select f from t", "f"));
    }
}
