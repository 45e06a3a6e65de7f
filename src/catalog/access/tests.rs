//! Cases that are decided by words alone; `tests/it/access.rs` asks real servers.

use super::cell::{Access, Rows};
use super::policy::Policy;
use crate::report::access::AccessEffect::{Changed, Narrowed, Widened};

fn policy(name: &str, using: &str, restrictive: bool) -> Policy {
    Policy {
        name: name.to_owned(),
        restrictive,
        using: Some(using.to_owned()),
        check: None,
    }
}

fn rows(rows: Rows) -> Access {
    Access::Granted {
        columns: None,
        rows,
    }
}

fn columns(names: &[&str], of: Rows) -> Access {
    Access::Granted {
        columns: Some(names.iter().map(|name| (*name).to_owned()).collect()),
        rows: of,
    }
}

#[test]
fn what_becomes_reachable_widens_and_what_cannot_be_told_changes() {
    let none = || Access::None("no grant".to_owned());
    let a = || policy("a", "x > 0", false);
    let b = || policy("b", "y > 0", false);
    let limit = || policy("limit", "z", true);
    let by = |policies: Vec<Policy>| rows(Rows::Policies(policies));
    for (before, after, wanted) in [
        (none(), Access::None("other".to_owned()), None),
        (none(), rows(Rows::Nothing), Some(Changed)),
        (none(), by(vec![a()]), Some(Widened)),
        (rows(Rows::Nothing), by(vec![a()]), Some(Widened)),
        (by(vec![a()]), rows(Rows::All(None)), Some(Widened)),
        (rows(Rows::All(None)), rows(Rows::Nothing), Some(Narrowed)),
        (
            rows(Rows::All(None)),
            rows(Rows::All(Some("x".to_owned()))),
            None,
        ),
        (by(vec![a()]), by(vec![a(), b()]), Some(Widened)),
        (by(vec![a(), b()]), by(vec![b()]), Some(Narrowed)),
        (by(vec![a()]), by(vec![b()]), Some(Changed)),
        (by(vec![a(), limit()]), by(vec![a()]), Some(Widened)),
        (by(vec![a()]), by(vec![a(), limit()]), Some(Narrowed)),
        (by(vec![a()]), by(vec![a(), b(), limit()]), Some(Changed)),
        (
            columns(&["i"], Rows::All(None)),
            rows(Rows::All(None)),
            Some(Widened),
        ),
        (
            columns(&["i"], Rows::All(None)),
            columns(&["i", "j"], Rows::All(None)),
            Some(Widened),
        ),
        (
            columns(&["i"], Rows::All(None)),
            columns(&["j"], Rows::All(None)),
            Some(Changed),
        ),
        (
            columns(&["i"], Rows::All(None)),
            by(vec![a()]),
            Some(Changed),
        ),
        (
            Access::Call(None),
            Access::Call(Some("o".to_owned())),
            Some(Changed),
        ),
        (none(), Access::Call(None), Some(Widened)),
    ] {
        assert_eq!(before.compare(&after), wanted, "{before:?} → {after:?}");
    }
}

#[test]
fn words_say_what_decides() {
    let policies = vec![
        policy("a", "x", false),
        policy("b", "y", false),
        policy("c", "z", true),
    ];
    assert_eq!(
        columns(&["i", "j"], Rows::Policies(policies)).words(),
        "rows of policies a, b, within policy c, columns i, j"
    );
    assert_eq!(
        rows(Rows::Policies(vec![policy("a", "x", false)])).expressions(),
        "policy a: using x"
    );
}
