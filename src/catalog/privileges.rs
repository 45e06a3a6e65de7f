//! Privileges in one form: an array of `aclitem` lists them in the order that they were granted, and not at all where
//! they are the default.

/// Returns the grants as one sorted text, `None` where they are the default, `(none)` where there are none.
pub(super) fn canonical(acl: Option<&str>, default: Option<&str>) -> Option<String> {
    let granted = items(acl?);
    if default.is_some_and(|default| items(default) == granted) {
        return None;
    }
    if granted.is_empty() {
        return Some("(none)".to_owned());
    }
    Some(granted.join(", "))
}

/// Reads the text of an array of `aclitem` (PostgreSQL manual, 8.15.6); the items, sorted.
fn items(array: &str) -> Vec<String> {
    let inner = array
        .strip_prefix('{')
        .and_then(|rest| rest.strip_suffix('}'))
        .unwrap_or(array);
    let mut items = Vec::new();
    let mut item = String::new();
    let mut quoted = false;
    let mut characters = inner.chars();
    while let Some(c) = characters.next() {
        match c {
            '"' => quoted = !quoted,
            '\\' => item.extend(characters.next()),
            ',' if !quoted => items.push(std::mem::take(&mut item)),
            _ => item.push(c),
        }
    }
    if !item.is_empty() {
        items.push(item);
    }
    items.sort();
    items
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_of_grants_means_nothing() {
        let one = canonical(Some("{b=r/o,a=w/o}"), None);
        assert_eq!(one, canonical(Some("{a=w/o,b=r/o}"), None));
        assert_eq!(one.as_deref(), Some("a=w/o, b=r/o"));
    }

    #[test]
    fn the_default_is_not_told_however_it_came_about() {
        assert_eq!(canonical(None, None), None);
        assert_eq!(canonical(Some("{=X/o,o=X/o}"), Some("{o=X/o,=X/o}")), None);
        assert_eq!(
            canonical(Some("{}"), Some("{o=U/o}")).as_deref(),
            Some("(none)")
        );
        assert_eq!(canonical(Some("{}"), Some("{}")), None);
    }

    #[test]
    fn names_that_are_quoted_twice_are_read() {
        assert_eq!(
            items(r#"{"\"a,b\"=r/o",o=arwdDxt/o}"#),
            [r#""a,b"=r/o"#, "o=arwdDxt/o"]
        );
    }
}
