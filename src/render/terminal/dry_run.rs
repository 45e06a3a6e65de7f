//! What an apply would do: who has to wait first, then what changes, then what could not be known.

use anstyle::Style;

use super::label::{commands, labelled, styled};
use super::look::Look;
use super::number::{counted, duration, time};
use super::objects;
use super::problem::warning;
use super::style::{BAD, CAUTION, GOOD, HEADING, PLAIN, QUIET, paint};
use super::table::{Cell, Widths};
use super::target::target;
use super::text::{cut_end, one_line, push_wrapped};
use crate::report::access::AccessEffect;
use crate::report::dry_run::{
    Basis, Blocks, DryMigration, DryRunReport, Forecast, HeldLock, Level, PreStateOrigin, WorkKind,
};
use crate::report::event::MigrationRef;
use crate::report::sanitize::for_terminal;

/// Differences of the state before that are shown; a program reads all of them.
const MOST_DIFFERENCES: usize = 10;
/// From this width on, a lock's reason and place stand in its row.
const WIDE: usize = 110;
/// Changes of access that are shown.
const MOST_ACCESS: usize = 20;

/// Returns the report for people.
pub fn dry_run(report: &DryRunReport, look: Look) -> String {
    if report.level == Level::Sql {
        return statements(report);
    }
    let mut out = target(&report.target, look);
    headline(&mut out, report, look);
    before(&mut out, report, look);
    if let Some(after) = report
        .fingerprint
        .as_ref()
        .and_then(|all| all.after.as_ref())
    {
        labelled(
            &mut out,
            "after",
            &format!("catalog {}", short(after)),
            look,
        );
    }
    for reason in &report.passed_over {
        labelled(&mut out, "skipped", reason, look);
    }
    locks(&mut out, report, look);
    migrations(&mut out, report, look);
    changes(&mut out, report, look);
    access(&mut out, report, look);
    unproved(&mut out, report, look);
    for problem in report.findings.iter().chain(&report.notes) {
        out.push('\n');
        out.push_str(&warning(problem, look));
    }
    if report.saved.is_some() {
        out.push('\n');
        out.push_str(&saved(report, look));
    }
    out
}

/// Says where the plan is, and what applies it.
pub fn saved(report: &DryRunReport, look: Look) -> String {
    let mut out = String::new();
    if let Some(saved) = &report.saved {
        let file = one_line(&saved.file);
        labelled(
            &mut out,
            "saved",
            &format!("{file}, plan {}", short(&saved.checksum)),
            look,
        );
        commands(&mut out, [saved.apply.as_str()]);
    }
    out
}

/// The statements as they would be sent, for a reader or for psql.
fn statements(report: &DryRunReport) -> String {
    let mut out = String::new();
    for one in &report.migrations {
        let how = if one.transactional {
            "one transaction"
        } else {
            "statement by statement"
        };
        let label = one_line(&one.migration.label());
        let file = one_line(&one.migration.file);
        out.push_str(&paint(QUIET, &format!("-- {label} ({file}), {how}")));
        out.push('\n');
        for statement in &one.statements {
            out.push_str(for_terminal(&statement.sql).trim_end());
            out.push_str(";\n");
        }
        out.push('\n');
    }
    if report.migrations.is_empty() {
        out.push_str("-- nothing to do\n");
    }
    out
}

fn headline(out: &mut String, report: &DryRunReport, look: Look) {
    let number: usize = report
        .migrations
        .iter()
        .map(|one| one.statements.len())
        .sum();
    let work = format!(
        "{}, {}",
        counted(report.migrations.len(), "migration"),
        counted(number, "statement")
    );
    let (word, style, rest) = match report.forecast {
        Forecast::WouldApply => ("Dry run", GOOD, format!("{work} would be applied")),
        Forecast::NothingToDo => ("Nothing to do", GOOD, "everything is applied".to_owned()),
        Forecast::WouldFail => ("WOULD FAIL", BAD, format!("of {work}, one fails")),
        Forecast::NotTried => ("Not tried", CAUTION, work),
    };
    out.push_str(&paint(style, word));
    out.push_str("  ");
    let text = format!("{rest}; nothing of the target was changed");
    let taken = word.len() + 2;
    push_wrapped(out, &text, PLAIN, taken, taken, look);
    if report.left > 0 {
        let text = format!("{} stay pending", counted(report.left, "migration"));
        labelled(out, "pending", &text, look);
    }
    let place = match (&report.shadow, report.level) {
        (Some(shadow), _) => format!(
            "in a throw-away database on PostgreSQL {} ({})",
            one_line(&shadow.server_version),
            one_line(shadow.shown())
        ),
        (None, Level::Rollback) => {
            "on the target, in a transaction that was rolled back".to_owned()
        }
        _ => return,
    };
    labelled(out, "ran", &place, look);
    if let Some(earlier) = &report.remembered {
        let text = format!(
            "{} of {} in a dry run of {}, from the same state (--fresh runs all)",
            earlier.migrations,
            counted(report.migrations.len(), "migration"),
            time(&earlier.at)
        );
        labelled(out, "", &text, look);
    }
}

fn before(out: &mut String, report: &DryRunReport, look: Look) {
    let Some(before) = &report.before else { return };
    let made = match before.origin {
        PreStateOrigin::Empty => "an empty database".to_owned(),
        PreStateOrigin::History => {
            let number = counted(before.replayed, "applied migration");
            let when = if before.kept {
                ", in an earlier dry run"
            } else {
                ""
            };
            format!("made by running {number} again{when}")
        }
        PreStateOrigin::Dump => "pg_dump of the target's schema".to_owned(),
    };
    if before.proven {
        let text = format!("{made}; its catalog equals the target's");
        labelled(out, "before", &text, look);
        return;
    }
    let text = match before.differences.len() {
        0 => format!("{made}; not compared with the target"),
        number => format!(
            "{made}; NOT PROVEN: the target differs in {}",
            counted(number, "object")
        ),
    };
    styled(out, "before", &text, CAUTION, look);
    for change in before.differences.iter().take(MOST_DIFFERENCES) {
        labelled(out, "", &objects::with_values(change), look);
    }
    if before.differences.len() > MOST_DIFFERENCES {
        let more = before.differences.len() - MOST_DIFFERENCES;
        labelled(out, "", &format!("and {more} more"), look);
    }
}

fn heading(out: &mut String, text: &str) {
    out.push('\n');
    out.push_str(&paint(HEADING, text));
    out.push('\n');
}

fn blocks(blocks: Blocks) -> (&'static str, Style) {
    match blocks {
        Blocks::ReadsAndWrites => ("reads, writes", BAD),
        Blocks::Writes => ("writes", CAUTION),
        Blocks::Nothing => ("nothing", PLAIN),
    }
}

fn locks(out: &mut String, report: &DryRunReport, look: Look) {
    if report.forecast == Forecast::NothingToDo {
        return;
    }
    heading(out, "Who has to wait");
    if report.locks.is_empty() {
        out.push_str("  nobody: no lock is taken on anything that others use\n");
        return;
    }
    let is_wide = look.width >= WIDE;
    let mut rows: Vec<Vec<Cell>> = vec![header(is_wide)];
    rows.extend(report.locks.iter().map(|lock| lock_row(lock, is_wide)));
    let room = look.width.saturating_sub(2);
    let gives_way = [(6, 16), (1, 16), (5, 6), (6, 8), (1, 8), (4, 8)];
    let widths = Widths::fit(&rows, room, &gives_way);
    for (at, cells) in rows.iter().enumerate() {
        out.push_str("  ");
        out.push_str(&widths.row(cells, look));
        out.push('\n');
        let below = at.checked_sub(1).and_then(|at| report.locks.get(at));
        if let Some(lock) = below.filter(|_| !is_wide) {
            let text = format!("{}  {}", place(lock), work(&lock.work));
            let text = cut_end(text.trim_end(), look.width.saturating_sub(6), look);
            out.push_str(&paint(QUIET, &format!("      {text}")));
            out.push('\n');
        }
    }
    reasons(out, report, look);
}

fn header(is_wide: bool) -> Vec<Cell> {
    let cell = |text: &str| Cell::new(text, QUIET);
    let mut cells = vec![
        cell("blocks"),
        cell("on"),
        cell("held").at_the_right(),
        cell("size").at_the_right(),
        cell("lock"),
    ];
    if is_wide {
        cells.extend([cell("for"), cell("by")]);
    }
    cells
}

fn lock_row(lock: &HeldLock, is_wide: bool) -> Vec<Cell> {
    let (what, style) = blocks(lock.blocks);
    let held = match (lock.held.ms, lock.held.basis) {
        (Some(ms), Basis::Speed | Basis::History) => format!("~{}", duration(ms)),
        (Some(ms), _) => duration(ms),
        (None, _) => "unknown".to_owned(),
    };
    let mut cells = vec![
        Cell::new(what, style),
        Cell::new(&lock.relation, PLAIN),
        Cell::new(&held, PLAIN).at_the_right(),
        Cell::new(&lock.bytes.map_or_else(String::new, size), PLAIN).at_the_right(),
        Cell::new(&mode(lock), PLAIN),
    ];
    if is_wide {
        cells.push(Cell::new(&work(&lock.work), PLAIN));
        cells.push(Cell::new(&place(lock), QUIET));
    }
    cells
}

/// Where the statement stands that takes a lock.
fn place(lock: &HeldLock) -> String {
    format!("{}:{}", file_name(&lock.place.file), lock.place.line)
}

fn mode(lock: &HeldLock) -> String {
    lock.mode.word().to_lowercase()
}

fn file_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

fn work(all: &[WorkKind]) -> String {
    let words = all.iter().map(|work| match work {
        WorkKind::Rewrite => "rewrite",
        WorkKind::Scan => "scan",
        WorkKind::IndexBuild => "index",
        WorkKind::Truncate => "truncate",
    });
    words.collect::<Vec<_>>().join(", ")
}

/// Returns a size in bytes: `8 kB`, `1.2 GB`.
fn size(bytes: u64) -> String {
    let units = ["B", "kB", "MB", "GB", "TB"];
    let mut value = bytes as f64;
    let mut unit = 0;
    while value >= 1000.0 && unit + 1 < units.len() {
        value /= 1024.0;
        unit += 1;
    }
    if unit == 0 || value >= 10.0 {
        format!("{value:.0} {}", units[unit])
    } else {
        format!("{value:.1} {}", units[unit])
    }
}

/// Says once what the times rest on.
fn reasons(out: &mut String, report: &DryRunReport, look: Look) {
    let mut told: Vec<&str> = Vec::new();
    for lock in &report.locks {
        if !told.contains(&lock.held.reason.as_str()) {
            told.push(&lock.held.reason);
        }
    }
    for (at, reason) in told.iter().enumerate() {
        labelled(out, if at == 0 { "basis" } else { "" }, reason, look);
    }
}

fn migrations(out: &mut String, report: &DryRunReport, look: Look) {
    if report.migrations.is_empty() {
        return;
    }
    heading(out, "What would run");
    let rows: Vec<Vec<Cell>> = report.migrations.iter().map(migration_row).collect();
    let room = look.width.saturating_sub(2);
    let widths = Widths::fit(&rows, room, &[(0, 20), (3, 16), (0, 10), (3, 8)]);
    for cells in &rows {
        out.push_str("  ");
        out.push_str(&widths.row(cells, look));
        out.push('\n');
    }
}

fn migration_row(one: &DryMigration) -> Vec<Cell> {
    let time = one.duration_ms.map_or_else(String::new, duration);
    let tried = one.statements.iter().filter(|one| one.tried).count();
    let (word, style) = if let Some(reason) = &one.not_tried {
        (reason.clone(), CAUTION)
    } else if tried < one.statements.len() {
        (format!("fails at statement {}", tried + 1), BAD)
    } else if one.transactional {
        (String::new(), PLAIN)
    } else {
        ("statement by statement".to_owned(), PLAIN)
    };
    vec![
        Cell::new(&label(&one.migration), PLAIN),
        Cell::new(&counted(one.statements.len(), "statement"), QUIET).at_the_right(),
        Cell::new(&time, QUIET).at_the_right(),
        Cell::new(&word, style),
    ]
}

fn label(migration: &MigrationRef) -> String {
    migration.label()
}

fn changes(out: &mut String, report: &DryRunReport, look: Look) {
    if report.changes.is_empty() {
        return;
    }
    let (title, text) = objects::section(&report.changes, look);
    heading(out, &title);
    out.push_str(&text);
}

fn access(out: &mut String, report: &DryRunReport, look: Look) {
    if report.access.is_empty() {
        return;
    }
    heading(out, "Who gets access, and who loses it");
    for one in report.access.iter().take(MOST_ACCESS) {
        let (sign, style) = match one.effect {
            AccessEffect::Widened => ("+", CAUTION),
            AccessEffect::Changed => ("~", CAUTION),
            AccessEffect::Narrowed => ("-", PLAIN),
        };
        let text = format!(
            "{sign} {}  {} on {}: {} -> {}",
            one.role, one.command, one.relation, one.before, one.after
        );
        let text = cut_end(&one_line(&text), look.width.saturating_sub(2), look);
        out.push_str("  ");
        out.push_str(&paint(style, &text));
        out.push('\n');
    }
    if report.access.len() > MOST_ACCESS {
        let more = counted(report.access.len() - MOST_ACCESS, "more change");
        let text = format!("  and {more}, which --format json lists\n");
        out.push_str(&paint(QUIET, &text));
    }
}

fn unproved(out: &mut String, report: &DryRunReport, look: Look) {
    if report.unproved.is_empty() {
        return;
    }
    let title = format!(
        "Not proved: {}",
        counted(report.unproved.len(), "statement")
    );
    heading(out, &title);
    let rows: Vec<Vec<Cell>> = report
        .unproved
        .iter()
        .map(|one| {
            let place = format!("{}:{}", file_name(&one.place.file), one.place.line);
            vec![Cell::new(&place, PLAIN), Cell::new(&one.reason, CAUTION)]
        })
        .collect();
    let widths = Widths::fit(&rows, look.width.saturating_sub(2), &[(0, 20), (1, 20)]);
    for cells in &rows {
        out.push_str("  ");
        out.push_str(&widths.row(cells, look));
        out.push('\n');
    }
}

/// The beginning of a fingerprint is enough for people.
fn short(fingerprint: &str) -> &str {
    fingerprint.get(..12).unwrap_or(fingerprint)
}
