//! What is applied and what is not, phase by phase.

use anstyle::Style;

use super::label::commands;
use super::look::Look;
use super::number::{count, counted, time};
use super::problem::warning;
use super::style::{BAD, CAUTION, GOOD, HEADING, LABEL, PLAIN, QUIET, paint};
use super::table::{Cell, Widths};
use super::target::{command, target};
use super::text::{columns, cut_end, cut_middle, one_line};
use crate::report::status::{MigrationState, MigrationStatus, PhaseStatus, StatusReport};

/// A phase that is wholly applied and larger than this is shown as one line per step.
const MOST_LISTED: usize = 30;
/// Where a row begins below its step.
const ROW_INDENT: usize = 4;

/// Returns every migration with its state, and at the end what to type.
pub fn status(report: &StatusReport, look: Look) -> String {
    let mut out = target(&report.target, look);
    let server = format!("PostgreSQL {}", one_line(&report.server_version));
    out.push_str(&paint(LABEL, "Server"));
    out.push_str("  ");
    out.push_str(&cut_end(&server, look.width.saturating_sub(8), look));
    out.push('\n');
    let widths = widths(report, look);
    for phase in &report.phases {
        out.push('\n');
        draw_phase(&mut out, phase, &widths, look);
    }
    if !report.orphans.is_empty() {
        out.push('\n');
        let text = cut_end(
            "In the database, but in no phase of this project",
            look.width,
            look,
        );
        out.push_str(&paint(CAUTION, &text));
        out.push('\n');
        draw_rows(&mut out, &report.orphans, &widths, look);
    }
    for problem in &report.problems {
        out.push('\n');
        out.push_str(&warning(problem, look));
    }
    out.push('\n');
    draw_total(&mut out, report, look);
    out
}

/// The columns of all tables, so that they stand below each other from step to step.
fn widths(report: &StatusReport, look: Look) -> Widths {
    let rows: Vec<Vec<Cell>> = report
        .phases
        .iter()
        .filter(|phase| !is_folded(phase))
        .flat_map(|phase| &phase.migrations)
        .chain(&report.orphans)
        .map(row)
        .collect();
    // `evmig history` has the run's id in full, so it gives way before the name does.
    let gives_way = [(3, 10), (1, 20), (3, 6), (1, 6), (2, 6)];
    Widths::fit(&rows, look.width.saturating_sub(ROW_INDENT), &gives_way)
}

fn is_folded(phase: &PhaseStatus) -> bool {
    phase.migrations.len() > MOST_LISTED
        && phase
            .migrations
            .iter()
            .all(|one| one.state == MigrationState::Applied)
}

/// Neighbours of the same step, with its name; the order is the one they run in.
fn steps(phase: &PhaseStatus) -> impl Iterator<Item = (&str, &[MigrationStatus])> {
    phase
        .migrations
        .chunk_by(|one, next| one.step == next.step)
        .map(|step| (step.first().map_or("", |one| one.step.as_str()), step))
}

fn draw_phase(out: &mut String, phase: &PhaseStatus, widths: &Widths, look: Look) {
    heading(out, phase, look);
    if phase.counted().next().is_none() {
        return;
    }
    if is_folded(phase) {
        draw_folded(out, phase, look);
        return;
    }
    for (name, step) in steps(phase) {
        out.push_str("  ");
        out.push_str(&cut_middle(name, look.width.saturating_sub(2), look));
        out.push('\n');
        draw_rows(out, step, widths, look);
    }
}

fn draw_folded(out: &mut String, phase: &PhaseStatus, look: Look) {
    let rows: Vec<Vec<Cell>> = steps(phase)
        .map(|(name, step)| {
            let applied = format!("{} applied", count(step.len() as u64));
            vec![
                Cell::new(name, PLAIN),
                Cell::new(&applied, GOOD).at_the_right(),
            ]
        })
        .collect();
    let widths = Widths::fit(&rows, look.width.saturating_sub(2), &[(0, 6)]);
    for cells in &rows {
        out.push_str("  ");
        out.push_str(&widths.row(cells, look));
        out.push('\n');
    }
}

fn heading(out: &mut String, phase: &PhaseStatus, look: Look) {
    let applied = phase
        .migrations
        .iter()
        .filter(|one| in_database(one.state))
        .count();
    let all = phase.migrations.len();
    let state = if all == 0 {
        "no migrations".to_owned()
    } else if let (0, Some(names)) = (applied, &phase.only_in) {
        format!(
            "only for {}: {} not applied here",
            names.join(", "),
            count(all as u64)
        )
    } else if applied == all {
        format!("{}: all {}", phase.state.as_str(), count(all as u64))
    } else {
        format!(
            "{}: {} of {} applied",
            phase.state.as_str(),
            count(applied as u64),
            count(all as u64)
        )
    };
    let lead = format!("Phase {}  ", phase.number);
    let title = phase.title.as_ref().unwrap_or(&phase.name);
    let room = look
        .width
        .saturating_sub(columns(&lead) + columns(&state) + 2);
    out.push_str(&paint(
        HEADING,
        &format!("{lead}{}", cut_middle(title, room, look)),
    ));
    out.push_str("  ");
    out.push_str(&paint(QUIET, &state));
    out.push('\n');
}

fn draw_rows(out: &mut String, migrations: &[MigrationStatus], widths: &Widths, look: Look) {
    let margin = " ".repeat(ROW_INDENT);
    let indent = ROW_INDENT + widths.second();
    for one in migrations {
        out.push_str(&margin);
        out.push_str(&widths.row(&row(one), look));
        out.push('\n');
        if let Some(note) = &one.note {
            out.push_str(&" ".repeat(indent));
            out.push_str(&cut_end(note, look.width.saturating_sub(indent), look));
            out.push('\n');
        }
    }
}

fn row(one: &MigrationStatus) -> Vec<Cell> {
    let (word, style) = state_word(one.state);
    let label = match &one.version {
        Some(version) => format!("V{version}__{}", one.name),
        None => format!("R__{}", one.name),
    };
    // The widest word, so that the columns of all steps stand below each other.
    vec![
        Cell::new(&format!("{word:9}"), style),
        Cell::new(&label, PLAIN),
        Cell::new(
            &one.applied_on.as_deref().map(time).unwrap_or_default(),
            QUIET,
        ),
        Cell::new(one.run.as_deref().unwrap_or_default(), QUIET),
    ]
}

/// The word for a state; what is wrong is in capitals, because colour may be off.
fn state_word(state: MigrationState) -> (&'static str, Style) {
    match state {
        MigrationState::Pending => ("pending", PLAIN),
        MigrationState::Applied => ("applied", GOOD),
        MigrationState::Failed => ("FAILED", BAD),
        MigrationState::Divergent => ("DIVERGENT", BAD),
        MigrationState::Missing => ("MISSING", BAD),
        MigrationState::Reverted => ("reverted", CAUTION),
    }
}

/// Whether the migration's work is in the database, as it is on disk or otherwise.
fn in_database(state: MigrationState) -> bool {
    matches!(
        state,
        MigrationState::Applied | MigrationState::Divergent | MigrationState::Missing
    )
}

fn draw_total(out: &mut String, report: &StatusReport, look: Look) {
    use MigrationState::{Divergent, Failed, Missing, Pending, Reverted};
    let of = |state| {
        report
            .phases
            .iter()
            .flat_map(PhaseStatus::counted)
            .chain(&report.orphans)
            .filter(|one| one.state == state)
            .count()
    };
    let parts: Vec<String> = [Failed, Divergent, Missing, Pending, Reverted]
        .into_iter()
        .map(|state| (of(state), state_word(state).0))
        .filter(|(number, _)| *number > 0)
        .map(|(number, word)| format!("{} {word}", count(number as u64)))
        .collect();
    if report.pending == 0 && parts.is_empty() {
        let all = report
            .phases
            .iter()
            .flat_map(|phase| &phase.migrations)
            .filter(|one| in_database(one.state))
            .count();
        let text = format!("Up to date: {} applied", counted(all, "migration"));
        out.push_str(&paint(GOOD, &cut_end(&text, look.width, look)));
        out.push('\n');
        return;
    }
    let total = if parts.is_empty() {
        // The producer counts something that is in no row; the number is said all the same.
        format!("{} pending", count(report.pending as u64))
    } else {
        parts.join(", ")
    };
    out.push_str(&paint(HEADING, &cut_end(&total, look.width, look)));
    out.push('\n');
    if of(Divergent) + of(Missing) > 0 {
        for line in super::text::wrap(
            "Divergent and missing migrations stop every apply until they are settled.",
            look.width,
            0,
        ) {
            out.push_str(&line);
            out.push('\n');
        }
    } else if report
        .problems
        .iter()
        .all(|problem| problem.next.is_empty())
    {
        commands(out, [command("apply", &report.target).as_str()]);
    }
}
