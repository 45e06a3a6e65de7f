//! What must not be tried on the target's own server, since all of its databases share it: roles, settings of
//! databases, replication. It would stay after the throw-away database is gone.

use super::beyond::{self, words};
use super::error::PreviewError;
use crate::project::script::Script;
use crate::sql::classify::{Class, Verb};
use crate::sql::object::ObjectClass;

/// Functions whose doing is not undone with the database that they are called in.
const FUNCTIONS: [&str; 11] = [
    "pg_create_logical_replication_slot",
    "pg_create_physical_replication_slot",
    "pg_drop_replication_slot",
    "pg_replication_origin_create",
    "pg_replication_origin_drop",
    "pg_reload_conf",
    "pg_rotate_logfile",
    "pg_switch_wal",
    "pg_terminate_backend",
    "pg_cancel_backend",
    "dblink_exec",
];

/// Refuses files that change what all databases of a server share: they would change it for good.
pub(super) fn refuse<'s>(scripts: impl Iterator<Item = &'s Script>) -> Result<(), PreviewError> {
    for script in scripts {
        if let Some(index) = changed_by(script) {
            let place = script.snippet(index, None).place;
            return Err(PreviewError::Shared {
                file: place.file,
                line: place.line,
            });
        }
    }
    Ok(())
}

/// Returns the first statement that changes roles, or something else of the server's, as far as can be told.
pub(super) fn changed_by(script: &Script) -> Option<usize> {
    if beyond::the_server(script).is_some() {
        // It is never tried.
        return None;
    }
    (0..script.len()).find(|&index| is_changed(script.class(index), &words(script.text(index))))
}

/// Returns why a statement of a dump must not be tried, if it must not. What a function that it makes would do is not
/// done: a dump calls none.
pub(super) fn refused_of_a_dump(class: &Class, text: &str) -> Option<&'static str> {
    let shared = || {
        let words = words(text);
        let is_routine = class.verb == Verb::Create && is_routine(&words);
        (!is_routine && is_changed(class, &words))
            .then_some("it changes what all databases of a server share")
    };
    beyond::elsewhere(class, text).or_else(shared)
}

fn is_changed(class: &Class, words: &[String]) -> bool {
    match class.verb {
        Verb::Grant | Verb::Revoke | Verb::Comment | Verb::SecurityLabel | Verb::Reassign => {
            says_so(words)
        }
        // What they run is a text, and may be put together.
        Verb::Do | Verb::Call => says_so(words) || calls(words) || speaks_of_it(words),
        Verb::Create if is_routine(words) => says_so(words) || calls(words),
        Verb::Drop if words.get(1).is_some_and(|word| word == "owned") => true,
        _ => class.object == ObjectClass::Role || calls(words),
    }
}

/// Returns whether a text says that it changes what is shared. `builds` is whether it may put statements together of its
/// words.
pub(super) fn says(text: &str, builds: bool) -> bool {
    let words = words(text);
    says_so(&words) || calls(&words) || (builds && speaks_of_it(&words))
}

/// Returns whether a text names a function whose doing is not undone.
fn calls(words: &[String]) -> bool {
    let is_called = |name: &&str| words.iter().any(|word| word == name);
    FUNCTIONS.iter().any(is_called)
}

/// Returns whether a statement, or a text that will be one, is about what is shared.
fn says_so(words: &[String]) -> bool {
    let next = |at: usize| words.get(at + 1).map_or("", String::as_str);
    words.iter().enumerate().any(|(at, word)| {
        let kind = next(at);
        match word.as_str() {
            "create" | "alter" | "drop" => {
                ["role", "user", "group", "database", "tablespace", "system"].contains(&kind)
                    // `create user mapping` belongs to the database.
                    && words.get(at + 2).is_none_or(|third| third != "mapping")
                    || (word == "drop" && kind == "owned")
            }
            "reassign" => kind == "owned",
            "on" => ["database", "tablespace", "parameter"].contains(&kind),
            // A table may be called role.
            "comment" | "label" => {
                let mut rest = words.iter().skip(at).skip_while(|word| *word != "on");
                rest.nth(1).is_some_and(|kind| kind == "role")
            }
            // `grant a to b` names no object.
            "grant" => is_of_roles(&words[at..], "to"),
            "revoke" => is_of_roles(&words[at..], "from"),
            _ => false,
        }
    })
}

/// Returns whether a grant gives a role: it reaches its receiver without an `on`.
fn is_of_roles(words: &[String], receiver: &str) -> bool {
    let mut rest = words.iter().skip(1).take_while(|word| *word != "on");
    rest.any(|word| word == receiver)
}

/// Returns whether a text has the words that such a statement could be put together from.
fn speaks_of_it(words: &[String]) -> bool {
    let has = |wanted: &[&str]| words.iter().any(|word| wanted.contains(&word.as_str()));
    has(&["role", "user", "database", "system"])
        && has(&["create", "alter", "drop", "grant", "revoke"])
}

/// Returns whether `create …` makes a function or a procedure.
fn is_routine(words: &[String]) -> bool {
    let mut head = words.iter().skip(1).take(3);
    head.any(|word| word == "function" || word == "procedure")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_shared(sql: &str) -> bool {
        says_so(&words(sql))
    }

    #[test]
    fn grants_of_roles_are_told_from_grants_on_objects() {
        assert!(is_shared("grant app to deployer"));
        assert!(is_shared("revoke admin option for app from deployer"));
        assert!(is_shared("execute format('grant %I to %I', a, b)"));
        assert!(!is_shared("grant select on all tables in schema s to app"));
        assert!(!is_shared("revoke all on function f() from public"));
        assert!(is_shared("grant connect on database events to app"));
        assert!(is_shared("grant set on parameter work_mem to app"));
    }

    #[test]
    fn what_belongs_to_the_database_is_not_shared() {
        assert!(!is_shared("create user mapping for app server s"));
        assert!(!is_shared(
            "create function user_name() returns text language sql as 'select 1'"
        ));
        assert!(is_shared("begin execute 'create role ' || name; end"));
        assert!(is_shared("comment on database events is 'x'"));
        assert!(is_shared("comment on role app is 'x'"));
        assert!(is_shared("security label for vault on role app is 'x'"));
        assert!(!is_shared("grant select on role to app"));
        assert!(is_shared("drop owned by app"));
    }
}
