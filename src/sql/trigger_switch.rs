//! Which triggers a statement switches by name.

use super::name::QualifiedName;
use super::token::Kind;
use super::touched::skip_table;
use super::words::Words;

/// A trigger that is switched by name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TriggerSwitch {
    /// Its table.
    pub table: QualifiedName,
    /// Its name.
    pub trigger: String,
    /// Whether it is switched on, for whatever sessions.
    pub on: bool,
}

/// Returns the triggers that an `ALTER TABLE` switches by name; `ALL` and `USER` are no names.
pub fn trigger_switches(statement: &str) -> Vec<TriggerSwitch> {
    let words = Words::of(statement);
    let mut cursor = words.cursor(0);
    if !cursor.eat("alter") {
        return Vec::new();
    }
    cursor.eat("foreign");
    if !cursor.eat("table") {
        return Vec::new();
    }
    let Some(table) = skip_table(&mut cursor, &words) else {
        return Vec::new();
    };
    let commas = words
        .top_level(cursor.at)
        .filter(|at| words.kind(*at) == Some(Kind::Comma))
        .map(|at| at + 1);
    let actions = std::iter::once(cursor.at).chain(commas);
    let switches = actions.filter_map(|at| {
        let mut action = words.cursor(at);
        let on = !action.eat("disable");
        if on && !action.eat("enable") {
            return None;
        }
        action.skip_any(&["replica", "always"]);
        if !action.eat("trigger") || words.is_any(action.at, &["all", "user"]) {
            return None;
        }
        Some(TriggerSwitch {
            table: table.clone(),
            trigger: action.name()?,
            on,
        })
    });
    switches.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_told_and_groups_are_not() {
        let told = |sql| {
            let told = trigger_switches(sql).into_iter();
            told.map(|one| format!("{} {} {}", one.table, one.trigger, one.on))
                .collect::<Vec<_>>()
        };
        assert_eq!(
            told(
                "alter table only s.t disable trigger a, enable always trigger \"ALL\", enable trigger all"
            ),
            ["s.t a false", "s.t ALL true"]
        );
        assert_eq!(told("ALTER TABLE t ENABLE REPLICA TRIGGER x"), ["t x true"]);
        for other in [
            "alter table t disable trigger user",
            "alter table t enable row level security",
            "alter table t enable rule r",
            "drop trigger x on t",
        ] {
            assert_eq!(told(other), [""; 0], "{other}");
        }
    }
}
