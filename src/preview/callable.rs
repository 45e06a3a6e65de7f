//! Functions of the target that change what all databases of its server share: a file that is tried there must not run
//! one, whether it names it or a relation that does.
//!
//! Their texts say so, as far as any text does. What is in C says nothing, and is left to the files' own words.

use super::error::PreviewError;
use super::server_wide;
use crate::pg::session::Session;
use crate::project::script::Script;
use crate::runner::error::RunError;
use crate::sql::classify::{Class, Verb};

/// What a file could run.
#[derive(Debug, Default)]
struct Code {
    functions: Vec<Function>,
    /// Relations with the functions that they run: by triggers, defaults, constraints, policies, rules, indexes.
    relations: Vec<(u32, String)>,
    /// Functions that run with any change of the schema.
    on_change: Vec<u32>,
}

#[derive(Debug)]
struct Function {
    oid: u32,
    name: String,
    source: String,
    /// Whether it can put statements together.
    builds: bool,
}

/// Refuses files that may run a function of the target which changes what all databases of its server share.
pub(super) async fn refuse<'s>(
    target: &Session,
    scripts: impl Iterator<Item = &'s Script>,
) -> Result<(), PreviewError> {
    let rows = target.query_long(include_str!("sql/callable.sql"), &[]);
    let rows = rows
        .await
        .map_err(RunError::own("could not look at the target's functions"))?;
    let mut code = Code::default();
    for row in &rows {
        let oid = row.number(1).and_then(|oid| u32::try_from(oid).ok());
        let (oid, name) = (oid.unwrap_or_default(), row.text(2).to_lowercase());
        match row.text(0).as_str() {
            "function" => code.functions.push(Function {
                oid,
                name,
                source: row.text(3).to_lowercase(),
                builds: row.truth(4),
            }),
            "relation" => code.relations.push((oid, name)),
            _ => code.on_change.push(oid),
        }
    }
    let (changing, building) = (code.changing(), code.building());
    for script in scripts {
        let run = |index: usize| {
            let text = script.text(index).to_lowercase();
            let class = script.class(index);
            let told = code.run_by(&changing, class, &text);
            // The words may be the file's, and the function run them.
            told.or_else(|| {
                let is_given = server_wide::says(&text, true);
                is_given.then(|| code.run_by(&building, class, &text))?
            })
        };
        if let Some((index, function)) =
            (0..script.len()).find_map(|index| run(index).map(|function| (index, function)))
        {
            let place = script.snippet(index, None).place;
            return Err(PreviewError::SharedByCall {
                file: place.file,
                line: place.line,
                function: function.to_owned(),
            });
        }
    }
    Ok(())
}

impl Code {
    /// Returns the functions that change what is shared, or lead to one that does.
    fn changing(&self) -> Vec<&Function> {
        self.leading_to(|function| server_wide::says(&function.source, function.builds))
    }

    /// Returns the functions that run what they are given, or lead to one that does.
    fn building(&self) -> Vec<&Function> {
        self.leading_to(|function| function.builds)
    }

    fn leading_to(&self, is_one: impl Fn(&Function) -> bool) -> Vec<&Function> {
        let functions = self.functions.iter();
        let (mut found, mut others): (Vec<&Function>, Vec<&Function>) =
            functions.partition(|function| is_one(function));
        loop {
            let leads = |function: &&Function| {
                let by = |name: &&str| is_named(&function.source, name);
                found
                    .iter()
                    .any(|known| self.names(known).any(|name| by(&name)))
            };
            let (more, rest): (Vec<&Function>, Vec<&Function>) =
                others.into_iter().partition(leads);
            if more.is_empty() {
                return found;
            }
            found.extend(more);
            others = rest;
        }
    }

    /// What runs a function when it is named.
    fn names<'c>(&'c self, function: &'c Function) -> impl Iterator<Item = &'c str> {
        let relations = self.relations.iter();
        let relations = relations.filter(|(oid, _)| *oid == function.oid);
        std::iter::once(function.name.as_str()).chain(relations.map(|(_, name)| name.as_str()))
    }

    /// Returns the name of such a function that a statement may run. `text` is in small letters.
    fn run_by<'c>(&self, changing: &[&'c Function], class: &Class, text: &str) -> Option<&'c str> {
        // What is put together at run time names nobody.
        let is_hidden = matches!(class.verb, Verb::Do | Verb::Call) && is_named(text, "execute");
        let is_change = !matches!(
            class.verb,
            Verb::Select | Verb::Insert | Verb::Update | Verb::Delete | Verb::Merge | Verb::Set
        );
        let runs = |function: &&&Function| {
            is_hidden
                || (is_change && self.on_change.contains(&function.oid))
                || self.names(function).any(|name| is_named(text, name))
        };
        changing.iter().find(runs).map(|found| found.name.as_str())
    }
}

/// Returns whether a text has a name in it that is not a part of a longer one.
fn is_named(text: &str, name: &str) -> bool {
    let is_part = |letter: char| letter.is_alphanumeric() || letter == '_';
    !name.is_empty()
        && text.match_indices(name).any(|(at, _)| {
            let before = text[..at].chars().next_back();
            let behind = text[at + name.len()..].chars().next();
            !before.is_some_and(is_part) && !behind.is_some_and(is_part)
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn function(oid: u32, name: &str, source: &str) -> Function {
        Function {
            builds: source.contains("execute"),
            oid,
            name: name.to_owned(),
            source: source.to_owned(),
        }
    }

    #[test]
    fn what_leads_to_such_a_function_is_found_by_name() {
        let code = Code {
            functions: vec![
                function(1, "make", "begin create role made; end"),
                function(2, "on_insert", "begin perform make(); return new; end"),
                function(3, "fill", "begin insert into audited values (1); end"),
                function(4, "maker", "begin return 1; end"),
                function(
                    5,
                    "put_together",
                    "begin execute format('alter %s x', 'role'); end",
                ),
                function(6, "any", "begin execute x; end"),
            ],
            relations: vec![(2, "audited".to_owned())],
            on_change: Vec::new(),
        };
        let names: Vec<&str> = code
            .changing()
            .iter()
            .map(|one| one.name.as_str())
            .collect();
        assert_eq!(names, ["make", "put_together", "on_insert", "fill"]);
        let building = code.building().into_iter().map(|one| one.name.as_str());
        assert_eq!(building.collect::<Vec<_>>(), ["put_together", "any"]);
    }

    #[test]
    fn a_name_is_no_part_of_a_longer_one() {
        assert!(is_named("select s.\"f\"()", "f"));
        assert!(is_named("f", "f"));
        assert!(!is_named("select ff(), f_g()", "f"));
        assert!(!is_named("select 1", ""));
    }
}
