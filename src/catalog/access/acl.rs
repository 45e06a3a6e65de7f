//! Reads privileges as a snapshot has them: `anon=r/postgres, "my, role"=arw/postgres`, an empty name for everybody.

use std::collections::HashSet;

/// Who was granted what.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Acl(Vec<(String, String)>);

impl Acl {
    pub(super) fn read(text: &str) -> Self {
        let mut grants = Vec::new();
        let mut rest = if text == "(none)" { "" } else { text };
        while !rest.is_empty() {
            let (grantee, after) = name(rest, '=');
            let Some((letters, after)) = after.strip_prefix('=').and_then(|at| at.split_once('/'))
            else {
                break;
            };
            let (_, after) = name(after, ',');
            grants.push((grantee, letters.to_owned()));
            rest = after.strip_prefix(", ").unwrap_or_default();
        }
        Self(grants)
    }

    /// Whether everybody or one of the roles has a privilege.
    pub(super) fn grants(&self, roles: &HashSet<String>, letter: char) -> bool {
        self.0.iter().any(|(grantee, letters)| {
            (grantee.is_empty() || roles.contains(grantee)) && letters.contains(letter)
        })
    }
}

/// Reads a name up to what ends it; between quotes nothing does.
fn name(text: &str, end: char) -> (String, &str) {
    let mut name = String::new();
    let mut quoted = false;
    let mut characters = text.char_indices().peekable();
    while let Some((at, c)) = characters.next() {
        match c {
            '"' if quoted && characters.peek().is_some_and(|(_, next)| *next == '"') => {
                name.push('"');
                characters.next();
            }
            '"' => quoted = !quoted,
            c if c == end && !quoted => return (name, &text[at..]),
            c => name.push(c),
        }
    }
    (name, "")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn may(acl: &str, role: &str, letter: char) -> bool {
        Acl::read(acl).grants(&HashSet::from([role.to_owned()]), letter)
    }

    #[test]
    fn grants_are_of_their_roles_and_of_everybody() {
        let acl = r#"=r/postgres, "a, b=""c"=a*w/postgres, plain=D/"x, y""#;
        assert!(may(acl, "anybody", 'r'));
        assert!(may(acl, "a, b=\"c", 'a') && may(acl, "a, b=\"c", 'w'));
        assert!(!may(acl, "anybody", 'a'));
        assert!(may(acl, "plain", 'D') && !may(acl, "plain", 'w'));
        assert!(!may("(none)", "plain", 'r'));
    }
}
