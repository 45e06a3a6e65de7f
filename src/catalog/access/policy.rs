//! The policies that stand between a role and a table's rows.

use super::Command;
use crate::catalog::model::Object;

/// One policy as it counts for one command.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Policy {
    /// Its name.
    pub name: String,
    /// Whether it only takes away.
    pub restrictive: bool,
    /// Which rows there are for the command; `None` where the command reads none.
    pub using: Option<String>,
    /// Which rows may be written; `None` where the command writes none.
    pub check: Option<String>,
}

impl Policy {
    /// Reads a policy as it counts for a command; `None` where it is for others.
    pub(super) fn of(object: &Object, command: Command) -> Option<Self> {
        let word = object.get("command").unwrap_or("all");
        if word != "all" && !word.eq_ignore_ascii_case(command.word()) {
            return None;
        }
        let using = object.get("using").map(str::to_owned);
        let check = object.get("with_check").map(str::to_owned);
        let check = check.or_else(|| using.clone());
        let (using, check) = match command {
            Command::Insert => (None, check),
            Command::Update => (using, check),
            _ => (using, None),
        };
        Some(Self {
            name: object.identity.name.to_string(),
            restrictive: object.get("mode") == Some("restrictive"),
            using,
            check,
        })
    }

    /// Whether it lets every row through.
    pub(super) fn is_open(&self) -> bool {
        self.expressions().all(|expression| expression == "true")
    }

    /// Whether it lets no row through.
    pub(super) fn is_shut(&self) -> bool {
        self.expressions().any(|expression| expression == "false")
    }

    fn expressions(&self) -> impl Iterator<Item = &String> {
        self.using.iter().chain(&self.check)
    }
}

/// The roles that a policy is for, as its property has them; `None` for everybody.
pub(super) fn roles(object: &Object) -> Option<Vec<String>> {
    let text = object.get("roles")?;
    if text == "public" {
        return None;
    }
    let mut roles = vec![String::new()];
    let mut quoted = false;
    let mut characters = text.chars().peekable();
    while let Some(c) = characters.next() {
        let last = roles.len() - 1;
        match c {
            '"' if quoted && characters.peek() == Some(&'"') => {
                characters.next();
                roles[last].push('"');
            }
            '"' => quoted = !quoted,
            ',' if !quoted => {
                characters.next();
                roles.push(String::new());
            }
            c => roles[last].push(c),
        }
    }
    (!roles.iter().any(|role| role == "public")).then_some(roles)
}
