//! Which classes of objects a statement touches, read from its head.

use super::classify::Verb;
use super::object::ObjectClass;
use super::token::Kind;
use super::words::{Cursor, Words};

/// Words between CREATE and the kind of the object.
const CREATE_MODIFIERS: [&str; 12] = [
    "or",
    "replace",
    "temp",
    "temporary",
    "local",
    "global",
    "unlogged",
    "recursive",
    "unique",
    "constraint",
    "trusted",
    "default",
];

/// The classes that a statement touches, the leading one first; never empty.
pub(super) fn touched(words: &Words, verb: Verb) -> Vec<ObjectClass> {
    match verb {
        Verb::Create => create(words),
        Verb::Alter => alter(words),
        Verb::Drop => vec![kind(words, 1)],
        Verb::Comment => vec![kind(words, 2)],
        Verb::SecurityLabel => {
            let on = (2..words.len()).find(|&at| words.is(at, "on"));
            vec![on.map_or(ObjectClass::Other, |at| kind(words, at + 1))]
        }
        Verb::Select | Verb::With if words.selects_into => {
            vec![ObjectClass::Data, ObjectClass::Table]
        }
        _ => vec![verb.class()],
    }
}

/// The class that the kind of object at `at` belongs to.
fn kind(words: &Words, at: usize) -> ObjectClass {
    let second = |keyword| words.is(at + 1, keyword);
    match words.word(at).to_ascii_lowercase().as_str() {
        "extension" => ObjectClass::Extension,
        "schema" => ObjectClass::Schema,
        "type" | "domain" => ObjectClass::Type,
        "table" | "column" => ObjectClass::Table,
        "constraint" => constraint_owner(words, at + 1),
        "sequence" => ObjectClass::Sequence,
        "view" => ObjectClass::View,
        "materialized" if second("view") => ObjectClass::View,
        "index" => ObjectClass::Index,
        "function" | "procedure" | "aggregate" | "routine" => ObjectClass::Function,
        "trigger" => ObjectClass::Trigger,
        "event" if second("trigger") => ObjectClass::EventTrigger,
        "policy" => ObjectClass::Policy,
        "user" if second("mapping") => ObjectClass::Foreign,
        "role" | "user" | "group" | "owned" => ObjectClass::Role,
        "rule" => ObjectClass::Rule,
        "statistics" => ObjectClass::Statistics,
        "publication" => ObjectClass::Publication,
        "subscription" => ObjectClass::Subscription,
        "server" | "foreign" => ObjectClass::Foreign,
        _ => ObjectClass::Other,
    }
}

/// `COMMENT ON CONSTRAINT c ON DOMAIN d` belongs to a type, any other constraint to a table.
fn constraint_owner(words: &Words, name: usize) -> ObjectClass {
    let mut cursor = words.cursor(name);
    if cursor.name().is_some() && cursor.eat_all(&["on", "domain"]) {
        // A table may be called domain; a domain's name follows only where the word is a keyword.
        if cursor.name().is_some_and(|name| name != "is") {
            return ObjectClass::Type;
        }
    }
    ObjectClass::Table
}

fn create(words: &Words) -> Vec<ObjectClass> {
    let mut cursor = words.cursor(1);
    cursor.skip_any(&CREATE_MODIFIERS);
    let mut classes = vec![kind(words, cursor.at)];
    if classes == [ObjectClass::Schema] {
        // CREATE SCHEMA may carry the schema's objects; CREATE and GRANT are reserved words.
        for at in words.top_level(cursor.at) {
            if words.is(at, "create") {
                let mut element = words.cursor(at + 1);
                element.skip_any(&CREATE_MODIFIERS);
                classes.push(kind(words, element.at));
            } else if words.is(at, "grant") {
                classes.push(ObjectClass::Grant);
            }
        }
    }
    classes
}

fn alter(words: &Words) -> Vec<ObjectClass> {
    if words.are(1, &["default", "privileges"]) {
        return vec![ObjectClass::Grant];
    }
    if words.is(1, "system") {
        return vec![ObjectClass::Setting];
    }
    let class = kind(words, 1);
    let mut cursor = words.cursor(1);
    cursor.eat("foreign");
    if cursor.eat("table") {
        return table_actions(words, cursor, class);
    }
    if changes_owner(words) {
        return vec![ObjectClass::Grant];
    }
    vec![class]
}

/// Whether `OWNER TO` stands at the top level as an action, not as the name of what is renamed.
fn changes_owner(words: &Words) -> bool {
    let renamed = ["rename", "column", "attribute", "constraint", "value"];
    words.top_level(2).any(|at| {
        words.are(at, &["owner", "to"])
            && !words.is_any(at - 1, &renamed)
            && words.kind(at - 1) != Some(Kind::Dot)
    })
}

/// The classes of the actions of `ALTER TABLE`; `cursor` stands after TABLE.
fn table_actions(words: &Words, mut cursor: Cursor, table: ObjectClass) -> Vec<ObjectClass> {
    if words.are(cursor.at, &["all", "in"]) {
        return vec![table];
    }
    skip_table(&mut cursor, words);
    let mut classes = vec![table_action(words, cursor.at, table)];
    for at in words.top_level(cursor.at) {
        if words.kind(at) == Some(Kind::Comma) {
            classes.push(table_action(words, at + 1, table));
        }
    }
    classes
}

/// Steps over `[IF EXISTS] [ONLY] name [*]`.
pub(super) fn skip_table(cursor: &mut Cursor, words: &Words) -> Option<super::name::QualifiedName> {
    cursor.eat_all(&["if", "exists"]);
    cursor.eat("only");
    let name = cursor.qualified();
    if words.text(cursor.at) == "*" {
        cursor.at += 1;
    }
    name
}

fn table_action(words: &Words, at: usize, table: ObjectClass) -> ObjectClass {
    if words.are(at, &["owner", "to"]) {
        return ObjectClass::Grant;
    }
    let mut cursor = words.cursor(at);
    cursor.skip_any(&["no", "enable", "disable", "force", "replica", "always"]);
    if cursor.at == at {
        return table;
    }
    match words.word(cursor.at).to_ascii_lowercase().as_str() {
        "row" => ObjectClass::Policy,
        "trigger" => ObjectClass::Trigger,
        "rule" => ObjectClass::Rule,
        _ => table,
    }
}
