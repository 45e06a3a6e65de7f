//! The tables as Mermaid's erDiagram, which GitHub and GitLab draw where it stands in a page.

use std::collections::HashMap;
use std::fmt::Write as _;

use super::type_name::short;
use crate::report::diagram::{DiagramColumn, DiagramReport, DiagramTable, Reference, TableName};
use crate::report::sanitize::is_unsafe;

/// Returns the diagram.
pub fn mermaid(report: &DiagramReport) -> String {
    let mut out = String::from("erDiagram\n");
    let mut ids: HashMap<&TableName, String> = HashMap::new();
    for table in report.tables() {
        let id = format!("t{}", ids.len() + 1);
        ids.insert(&table.name, id);
    }
    // Writing to a string cannot fail; so below.
    for domain in &report.domains {
        let _ = writeln!(out, "    %% {}", comment(&domain.name));
        for table in &domain.tables {
            entity(&mut out, &ids[&table.name], table, report);
        }
    }
    for reference in &report.references {
        if let (Some(from), Some(to)) = (ids.get(&reference.from), ids.get(&reference.to)) {
            let _ = writeln!(
                out,
                "    {from} }}o--{} {to} : \"{}\"",
                one(report, reference),
                label(&reference.columns.join(", ")),
            );
        }
    }
    out
}

fn entity(out: &mut String, id: &str, table: &DiagramTable, report: &DiagramReport) {
    let name = match table.name.schema.as_str() {
        "public" => table.name.name.clone(),
        schema => format!("{schema}.{}", table.name.name),
    };
    let _ = writeln!(out, "    {id}[\"{}\"] {{", label(&name));
    for column in &table.columns {
        let own = report
            .references
            .iter()
            .filter(|one| one.from == table.name);
        let refers = own.filter(|one| one.columns.contains(&column.name)).count() > 0;
        attribute(out, column, refers);
    }
    out.push_str("    }\n");
}

fn attribute(out: &mut String, column: &DiagramColumn, refers: bool) {
    let long = short(&column.data_type);
    let (data_type, name) = (word(&long), word(&column.name));
    let keys: Vec<&str> = [
        (column.primary_key, "PK"),
        (refers, "FK"),
        (column.unique && !column.primary_key, "UK"),
    ]
    .into_iter()
    .filter_map(|(is, key)| is.then_some(key))
    .collect();
    let _ = write!(out, "        {data_type} {name}");
    if !keys.is_empty() {
        let _ = write!(out, " {}", keys.join(","));
    }
    // What Mermaid's words cannot hold stands beside them.
    let mut notes = Vec::new();
    if name != column.name {
        notes.push(column.name.clone());
    }
    if data_type != long {
        notes.push(long);
    }
    if !column.not_null {
        notes.push("null".to_owned());
    }
    if !notes.is_empty() {
        let _ = write!(out, " \"{}\"", label(&notes.join("; ")));
    }
    out.push('\n');
}

/// Whether the row that is referred to must be there.
fn one(report: &DiagramReport, reference: &Reference) -> &'static str {
    let table = report.tables().find(|table| table.name == reference.from);
    let columns = table.map_or(&[][..], |table| &table.columns);
    let must = reference.columns.iter().all(|name| {
        let column = columns.iter().find(|column| column.name == *name);
        column.is_some_and(|column| column.not_null)
    });
    if must { "||" } else { "o|" }
}

/// A word as Mermaid's grammar takes it for a type or an attribute.
fn word(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-[]()".contains(c);
    let word: String = text
        .chars()
        .map(|c| if plain(c) { c } else { '_' })
        .collect();
    if word.starts_with(|c: char| c.is_ascii_alphabetic()) {
        word
    } else {
        format!("x{word}")
    }
}

/// A text between quotes. Mermaid has no escape for a quote, and takes `#…;` for an entity and markup for markup.
fn label(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            '"' => '\u{201d}',
            '#' => '\u{ff03}',
            '<' => '\u{2039}',
            '>' => '\u{203a}',
            '`' => '\u{2019}',
            '\\' => '\u{29f5}',
            '\n' | '\t' => ' ',
            c if is_unsafe(c) => '\u{fffd}',
            c => c,
        })
        .collect()
}

/// A text in a comment, which ends with its line.
fn comment(text: &str) -> String {
    label(text).replace(['{', '}'], "_")
}
