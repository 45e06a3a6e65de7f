//! The `[[phase]]` and `[[phase.step]]` tables.

use super::super::nearest::nearest;
use super::super::rel_path::RelPath;
use super::super::span::{Sited, Span};
use super::contract;
use super::fault::ManifestFault;
use super::model::{Phase, Step, StepKind};
use super::reader::{Reader, Section};

/// The folder that all step folders are in.
pub(crate) const MIGRATIONS: &str = "migrations";

const PHASE_KEYS: [&str; 7] = [
    "number",
    "name",
    "title",
    "requires",
    "environments",
    "step",
    "contract",
];
const STEP_KEYS: [&str; 5] = ["name", "migrations", "verify", "functions", "analyze"];
const KIND_KEYS: [&str; 4] = ["migrations", "verify", "functions", "analyze"];

/// The phases, and whether every step could be read.
pub(super) struct Phases {
    pub(super) phases: Vec<Phase>,
    pub(super) complete: bool,
}

/// Reads all phases, in the order of the file.
pub(super) fn read(reader: &mut Reader, root: &Section<'_, '_>) -> Phases {
    let sections = reader.tables(root, "phase", "[[phase]]");
    if sections.is_empty()
        && root
            .get("phase")
            .is_none_or(|value| value.get_ref().is_array())
    {
        let end = reader.source.text().trim_end().len();
        reader.error(Span { start: end, end }, ManifestFault::NoPhases);
    }
    let mut complete = true;
    let phases = sections
        .iter()
        .map(|section| read_phase(reader, section, &mut complete))
        .collect();
    Phases { phases, complete }
}

fn read_phase(reader: &mut Reader, section: &Section<'_, '_>, complete: &mut bool) -> Phase {
    reader.only(section, &PHASE_KEYS);
    if section.get("number").is_none() {
        reader.missing(section, "number");
    }
    let number = reader.number(section, "number", 1, i32::MAX as u32);
    let name = reader.required_string(section, "name");
    if let Some(name) = &name {
        reader.check_name("phase", name);
    }
    let requires = reader.strings(section, "requires").unwrap_or_default();
    reader.no_duplicates("required phase", &requires);
    let environments = reader.strings(section, "environments");
    if let Some(environments) = &environments {
        reader.no_duplicates("environment", environments);
        if environments.is_empty()
            && let Some(value) = section.get("environments")
            && value
                .get_ref()
                .as_array()
                .is_some_and(|array| array.is_empty())
        {
            let key = "environments".to_owned();
            reader.error(value.span().into(), ManifestFault::Empty { key });
        }
    }
    let step_sections = reader.tables(section, "step", "[[phase.step]]");
    *complete &= section
        .get("step")
        .is_none_or(|value| value.get_ref().is_array());
    let mut steps = Vec::with_capacity(step_sections.len());
    let mut step_names = Vec::with_capacity(step_sections.len());
    for section in &step_sections {
        reader.only(section, &STEP_KEYS);
        let step_name = read_step_name(reader, section);
        step_names.push((step_name.value.clone(), step_name.span));
        match read_kind(reader, section) {
            Some(kind) => steps.push(Step {
                name: step_name,
                kind,
                span: section.span,
            }),
            None => *complete = false,
        }
    }
    reader.unique("step", step_names.into_iter());
    Phase {
        number: number.unwrap_or_else(|| Sited::new(0, section.span)),
        name: name.unwrap_or_else(|| Sited::new(String::new(), section.span)),
        title: reader.string(section, "title").map(|title| title.value),
        requires,
        environments,
        steps,
        contract: contract::read(reader, section),
        span: section.span,
    }
}

/// Reads a step's name; empty where there is none.
fn read_step_name(reader: &mut Reader, section: &Section<'_, '_>) -> Sited<String> {
    let name = reader.required_string(section, "name");
    if let Some(name) = &name {
        reader.check_name("step", name);
    }
    name.unwrap_or_else(|| Sited::new(String::new(), section.span))
}

fn read_kind(reader: &mut Reader, section: &Section<'_, '_>) -> Option<StepKind> {
    let kinds: Vec<&'static str> = KIND_KEYS
        .into_iter()
        .filter(|key| section.get(key).is_some())
        .collect();
    let kind = match kinds[..] {
        [] if is_misspelled(section) => return None,
        [] => {
            reader.error(section.span, ManifestFault::StepWithoutWork);
            return None;
        }
        [kind] => kind,
        _ => {
            let kinds = kinds.iter().map(|kind| format!("`{kind}`")).collect();
            reader.error(section.span, ManifestFault::StepWithMuchWork { kinds });
            return None;
        }
    };
    Some(match kind {
        "migrations" => StepKind::Migrations(read_folder(reader, section)?),
        "verify" => StepKind::Verify(read_paths(reader, section, "verify")?),
        "functions" => StepKind::Functions(read_paths(reader, section, "functions")?),
        _ => StepKind::Analyze(read_tables(reader, section, "analyze")?),
    })
}

/// Returns whether an unknown key was meant to say what the step does: that error is enough.
fn is_misspelled(section: &Section<'_, '_>) -> bool {
    section
        .table
        .keys()
        .any(|key| nearest(key.get_ref(), KIND_KEYS).is_some())
}

/// Reads the step's folder, which is written relative to `migrations/`.
fn read_folder(reader: &mut Reader, section: &Section<'_, '_>) -> Option<Sited<RelPath>> {
    let written = reader.string(section, "migrations")?;
    match RelPath::parse(&written) {
        Ok(path) => Some(Sited::new(
            RelPath::joined(MIGRATIONS, path.as_str()),
            written.span,
        )),
        Err(fault) => {
            reader.error(written.span, fault);
            None
        }
    }
}

/// Reads paths relative to the project root.
fn read_paths(
    reader: &mut Reader,
    section: &Section<'_, '_>,
    key: &'static str,
) -> Option<Vec<Sited<RelPath>>> {
    let written = read_items(reader, section, key)?;
    reader.no_duplicates("path", &written);
    let mut paths = Vec::with_capacity(written.len());
    for item in written {
        match RelPath::parse(&item) {
            Ok(path) => paths.push(Sited::new(path, item.span)),
            Err(fault) => reader.error(item.span, fault),
        }
    }
    Some(paths)
}

/// Reads tables, written `table` or `schema.table`.
pub(super) fn read_tables(
    reader: &mut Reader,
    section: &Section<'_, '_>,
    key: &'static str,
) -> Option<Vec<Sited<String>>> {
    let written = read_items(reader, section, key)?;
    reader.no_duplicates("table", &written);
    for table in &written {
        let parts: Vec<&str> = table.split('.').collect();
        let sound = parts.len() <= 2
            && parts
                .iter()
                .all(|part| !part.trim().is_empty() && part.len() <= 63);
        if !sound {
            let name = table.value.clone();
            reader.error(table.span, ManifestFault::BadTable { name });
        }
    }
    Some(written)
}

/// Reads a list that must have something in it.
fn read_items(
    reader: &mut Reader,
    section: &Section<'_, '_>,
    key: &'static str,
) -> Option<Vec<Sited<String>>> {
    let items = reader.strings(section, key)?;
    if let Some(value) = section.get(key)
        && value
            .get_ref()
            .as_array()
            .is_some_and(|array| array.is_empty())
    {
        let key = key.to_owned();
        reader.error(value.span().into(), ManifestFault::Empty { key });
    }
    Some(items)
}
