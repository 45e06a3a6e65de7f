//! What no single table of `phases.toml` can tell: names and numbers against each other.

use std::collections::HashMap;

use super::super::nearest::nearest;
use super::super::span::{Sited, Span};
use super::fault::ManifestFault;
use super::model::{Manifest, Phase};
use super::reader::Reader;

/// Checks the whole manifest; what could not be read (empty names, number 0) is passed over, since
/// it was reported already.
pub(super) fn check(reader: &mut Reader, manifest: &Manifest) {
    check_environments(reader, manifest);
    unique(
        reader,
        "phase number",
        manifest
            .phases
            .iter()
            .filter(|phase| *phase.number > 0)
            .map(|phase| (phase.number.to_string(), phase.number.span)),
    );
    unique(
        reader,
        "phase",
        manifest.phases.iter().map(|phase| key_of(&phase.name)),
    );
    for phase in &manifest.phases {
        unique(
            reader,
            "step",
            phase.steps.iter().map(|step| key_of(&step.name)),
        );
    }
    unique(
        reader,
        "folder",
        manifest
            .phases
            .iter()
            .flat_map(|phase| &phase.steps)
            .filter_map(|step| step.folder())
            .map(|folder| (folder.to_string(), folder.span)),
    );
    check_requires(reader, &manifest.phases);
}

fn key_of(name: &Sited<String>) -> (String, Span) {
    (name.value.clone(), name.span)
}

/// Reports each name that is there a second time, in the order of the file.
///
/// Case does not tell names apart: `Core` beside `core` is a trap on the command line, and the
/// same folder on file systems that ignore case.
fn unique(reader: &mut Reader, what: &'static str, names: impl Iterator<Item = (String, Span)>) {
    let mut names: Vec<_> = names.filter(|(name, _)| !name.is_empty()).collect();
    names.sort_by_key(|(_, span)| span.start);
    let mut seen: HashMap<String, Span> = HashMap::new();
    for (name, span) in names {
        if let Some(&first) = seen.get(&name.to_lowercase()) {
            let first_line = reader.line(first);
            reader.error(
                span,
                ManifestFault::Duplicate {
                    what,
                    name,
                    first_line,
                },
            );
        } else {
            seen.insert(name.to_lowercase(), span);
        }
    }
}

fn check_environments(reader: &mut Reader, manifest: &Manifest) {
    let named = manifest.project.default_environment.iter().chain(
        manifest
            .phases
            .iter()
            .flat_map(|p| p.environments.iter().flatten()),
    );
    for environment in named {
        if !manifest.environments.contains_key(&environment.value) {
            let names = || manifest.environments.keys();
            reader.error(
                environment.span,
                ManifestFault::Unknown {
                    what: "environment",
                    name: environment.value.clone(),
                    nearest: nearest(environment, names().map(String::as_str)),
                    valid: names().cloned().collect(),
                },
            );
        }
    }
}

fn check_requires(reader: &mut Reader, phases: &[Phase]) {
    let by_name: HashMap<&str, usize> = phases
        .iter()
        .enumerate()
        .map(|(index, phase)| (phase.name.as_str(), index))
        .collect();
    let circles = circles(phases, &by_name);
    for circle in &circles {
        let first = &phases[circle.nodes[0]];
        let mut names: Vec<String> = circle
            .nodes
            .iter()
            .map(|&index| phases[index].name.value.clone())
            .collect();
        names.push(first.name.value.clone());
        reader.error(circle.span, ManifestFault::Circle { circle: names });
    }
    for phase in phases {
        for required in &phase.requires {
            match by_name.get(required.as_str()) {
                None => reader.error(
                    required.span,
                    ManifestFault::Unknown {
                        what: "phase",
                        name: required.value.clone(),
                        nearest: nearest(required, phases.iter().map(|p| p.name.as_str())),
                        valid: phases.iter().map(|p| p.name.value.clone()).collect(),
                    },
                ),
                Some(&index) => check_order(reader, phase, required, &phases[index], &circles),
            }
        }
    }
}

/// Reports a required phase that runs later, unless a circle already explains it.
fn check_order(
    reader: &mut Reader,
    phase: &Phase,
    required: &Sited<String>,
    target: &Phase,
    circles: &[Circle],
) {
    let known = *phase.number > 0 && *target.number > 0;
    let in_circle = circles.iter().any(|circle| circle.span == required.span);
    if known && *target.number > *phase.number && !in_circle {
        reader.error(
            required.span,
            ManifestFault::RequiresLater {
                phase: phase.name.value.clone(),
                number: *phase.number,
                required: required.value.clone(),
                required_number: *target.number,
            },
        );
    }
}

/// A circle: the phases on it, and the `requires` item that closes it.
struct Circle {
    nodes: Vec<usize>,
    span: Span,
}

/// Finds a circle for each `requires` item that closes one: a depth-first walk with its own stack,
/// since a recursive one could be made to overflow by a long chain.
fn circles(phases: &[Phase], by_name: &HashMap<&str, usize>) -> Vec<Circle> {
    const DONE: usize = usize::MAX;
    let mut circles = Vec::new();
    // Position on the walk's path plus one; 0 is unseen.
    let mut state = vec![0usize; phases.len()];
    for start in 0..phases.len() {
        if state[start] != 0 {
            continue;
        }
        let mut path = vec![(start, 0usize)];
        state[start] = 1;
        while let Some((node, next)) = path.last_mut() {
            let Some(required) = phases[*node].requires.get(*next) else {
                state[*node] = DONE;
                path.pop();
                continue;
            };
            *next += 1;
            let Some(&target) = by_name.get(required.as_str()) else {
                continue;
            };
            match state[target] {
                0 => {
                    path.push((target, 0));
                    state[target] = path.len();
                }
                DONE => {}
                position => circles.push(Circle {
                    nodes: path[position - 1..].iter().map(|(node, _)| *node).collect(),
                    span: required.span,
                }),
            }
        }
    }
    circles
}
