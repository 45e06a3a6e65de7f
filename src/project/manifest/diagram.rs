//! The `[diagram]` table: which tables belong together.

use super::model::DiagramDomain;
use super::reader::{Reader, Section};

const DIAGRAM_KEYS: [&str; 1] = ["domain"];
const DOMAIN_KEYS: [&str; 2] = ["name", "tables"];

/// Reads `[[diagram.domain]]`; without it there is none.
pub(super) fn read(reader: &mut Reader, root: &Section<'_, '_>) -> Vec<DiagramDomain> {
    let section = root
        .get("diagram")
        .and_then(|value| reader.table("diagram", "[diagram]".to_owned(), value));
    let Some(section) = section else {
        return Vec::new();
    };
    reader.only(&section, &DIAGRAM_KEYS);
    let mut domains = Vec::new();
    for domain in reader.tables(&section, "domain", "[[diagram.domain]]") {
        reader.only(&domain, &DOMAIN_KEYS);
        let name = reader.required_string(&domain, "name");
        if domain.get("tables").is_none() {
            reader.missing(&domain, "tables");
        }
        let tables = reader.strings(&domain, "tables");
        if let (Some(name), Some(tables)) = (name, tables) {
            domains.push(DiagramDomain { name, tables });
        }
    }
    let names = domains
        .iter()
        .map(|domain| (domain.name.value.clone(), domain.name.span));
    reader.unique("domain", names);
    domains
}
