//! Which relation is locked when: a bar for each lock, on a line for each relation, as SVG in the page.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::words::blocks;
use crate::render::terminal::number::duration;
use crate::render::xml::{elide, escape};
use crate::report::dry_run::{Basis, DryMigration, DryRunReport, DryStatement, HeldLock};

/// How large a drawing is.
struct Measures {
    /// What tells it from the other one, for the page's style.
    class: &'static str,
    width: f64,
    /// What the relations' names have of it; none, where they stand above their bars.
    names: f64,
    /// A relation's line.
    row: f64,
    /// Where in the line its bars begin.
    bars: f64,
    /// The most marks of the scale.
    marks: f64,
    /// Characters of a name.
    name: usize,
}

const WIDE: Measures = Measures {
    class: "timeline",
    width: 1000.0,
    names: 250.0,
    row: 26.0,
    bars: 5.0,
    marks: 6.0,
    name: 34,
};
/// For a window of a phone's width.
const NARROW: Measures = Measures {
    class: "timeline narrow",
    width: 360.0,
    names: 8.0,
    row: 42.0,
    bars: 20.0,
    marks: 3.0,
    name: 46,
};

/// What is free behind the last moment.
const MARGIN: f64 = 20.0;
/// How high a bar is.
const BAR: f64 = 16.0;
/// Room for the scale.
const SCALE: f64 = 34.0;
/// Room for a time beside its bar.
const LABEL: f64 = 90.0;
/// What can still be seen.
const LEAST: f64 = 3.0;
/// More relations than this are told in the table alone.
const MOST: usize = 60;

/// A lock from when to when, in milliseconds.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bar<'r> {
    pub(super) lock: &'r HeldLock,
    pub(super) from: f64,
    pub(super) to: f64,
}

/// The drawing, for a wide window and for a narrow one, and what it rests on; `None` where there is no lock to draw.
pub(super) fn timeline(report: &DryRunReport) -> Option<(String, String)> {
    let (bars, total) = bars(report);
    if bars.is_empty() {
        return None;
    }
    let mut rows: BTreeMap<&str, Vec<Bar<'_>>> = BTreeMap::new();
    for bar in &bars {
        rows.entry(&bar.lock.relation).or_default().push(*bar);
    }
    let mut rows: Vec<(&str, Vec<Bar<'_>>)> = rows.into_iter().collect();
    // Those that keep most waiting, then those that are held longest.
    let weight = |bars: &[Bar<'_>]| {
        let strongest = bars.iter().map(|bar| bar.lock.mode).max();
        let longest = bars.iter().map(|bar| bar.to - bar.from).fold(0.0, f64::max);
        (strongest, longest)
    };
    rows.sort_by(|a, b| {
        weight(&b.1)
            .partial_cmp(&weight(&a.1))
            .unwrap_or(std::cmp::Ordering::Equal)
    });
    let hidden = rows.len().saturating_sub(MOST);
    rows.truncate(MOST);
    let mut basis = basis(report).to_owned();
    if hidden > 0 {
        // Writing to a string cannot fail; so below.
        let _ = write!(basis, " {hidden} more relations are in the table alone.");
    }
    let drawing = drawn(&WIDE, &rows, total) + &drawn(&NARROW, &rows, total);
    Some((drawing, basis))
}

/// Puts the migrations one after the other, and each lock where its statement begins.
pub(super) fn bars(report: &DryRunReport) -> (Vec<Bar<'_>>, f64) {
    let mut bars = Vec::new();
    let mut start = 0.0;
    for migration in &report.migrations {
        let label = migration.migration.label();
        let times: Vec<f64> = migration.statements.iter().map(time).collect();
        let length: f64 = times.iter().sum();
        for lock in report.locks.iter().filter(|lock| lock.migration == label) {
            let at = position(migration, lock);
            let from = start + times.iter().take(at).sum::<f64>();
            // Not known is at least to the end of the transaction.
            let ends = if migration.transactional {
                start + length
            } else {
                from + times.get(at).copied().unwrap_or_default()
            };
            let to = lock.held.ms.map_or(ends, |ms| from + ms);
            bars.push(Bar { lock, from, to });
        }
        start += length;
    }
    let last = bars.iter().map(|bar| bar.to).fold(start, f64::max);
    (bars, last.max(0.001))
}

fn position(migration: &DryMigration, lock: &HeldLock) -> usize {
    let statements = migration.statements.iter();
    let before = statements.take_while(|one| one.place != lock.place).count();
    if before == migration.statements.len() {
        0
    } else {
        before
    }
}

/// The estimate for the target, else what it took where it ran.
fn time(statement: &DryStatement) -> f64 {
    let estimate = statement.estimate.as_ref().and_then(|estimate| estimate.ms);
    estimate
        .or(statement.duration_ms)
        .unwrap_or_default()
        .max(0.0)
}

fn basis(report: &DryRunReport) -> &'static str {
    let all = || report.locks.iter().map(|lock| lock.held.basis);
    if all().any(|basis| basis == Basis::Unknown) {
        "Times are estimates for the target where there is one, else those of the throw-away \
         database. A hatched bar is a lock of which nobody knows how long it is held: it is drawn \
         as far as the throw-away database went."
    } else if all().any(|basis| basis == Basis::Speed) {
        "Times are estimates for the target: its sizes, at the speed of the throw-away database's \
         server. Statements that change the catalog only have the throw-away database's time."
    } else if all().any(|basis| basis == Basis::History) {
        "Times are estimates for the target: its sizes, at the speed of earlier runs on it. Statements \
         that change the catalog only have the throw-away database's time."
    } else if all().all(|basis| basis == Basis::Target) {
        "Times were measured on the target itself."
    } else {
        "Times are those of the throw-away database: every statement changes the catalog only."
    }
}

fn drawn(size: &Measures, rows: &[(&str, Vec<Bar<'_>>)], total: f64) -> String {
    let height = SCALE + size.row * rows.len() as f64 + 8.0;
    let (class, width) = (size.class, size.width);
    // The pattern of a drawing that is not shown is not there for the other one.
    let hatch = class.replace(' ', "-");
    let mut out = format!(
        "<svg class=\"{class}\" viewBox=\"0 0 {width} {height}\" role=\"img\" \
         aria-label=\"Locks by relation and time; the table below has the same.\">\n\
         <defs><pattern id=\"{hatch}\" width=\"6\" height=\"6\" patternUnits=\"userSpaceOnUse\" \
         patternTransform=\"rotate(45)\"><rect class=\"hatch\" width=\"3\" height=\"6\"/></pattern></defs>\n"
    );
    let drawing = Drawing { size, total, hatch };
    drawing.scale(&mut out, height);
    for (at, (relation, bars)) in rows.iter().enumerate() {
        let y = SCALE + size.row * at as f64;
        drawing.relation(&mut out, relation, y);
        let mut bars = bars.clone();
        bars.sort_by(|a, b| a.from.total_cmp(&b.from));
        for (at, bar) in bars.iter().enumerate() {
            // Words beside a bar need room: the last one of a line has it, all have theirs in the table.
            let labelled = at + 1 == bars.len();
            drawing.bar(&mut out, bar, y + size.bars, (labelled, bars.len() == 1));
        }
    }
    out.push_str("</svg>\n");
    out
}

/// One of the drawings.
struct Drawing<'s> {
    size: &'s Measures,
    total: f64,
    /// The name of its pattern.
    hatch: String,
}

impl Drawing<'_> {
    fn x(&self, ms: f64) -> f64 {
        let Measures { width, names, .. } = self.size;
        names + (width - names - MARGIN) * (ms / self.total).clamp(0.0, 1.0)
    }

    /// Writes a relation's name, on the left of its bars or above them.
    fn relation(&self, out: &mut String, relation: &str, y: f64) {
        let size = self.size;
        let name = escape(&elide(relation, size.name));
        let (x, anchor) = if size.bars > BAR {
            (size.names, "start")
        } else {
            (size.names - 10.0, "end")
        };
        let below = if size.bars > BAR { 14.0 } else { 17.0 };
        let _ = writeln!(
            out,
            "<text class=\"relation\" x=\"{x}\" y=\"{}\" text-anchor=\"{anchor}\">{name}</text>\
             <line class=\"grid\" x1=\"{}\" x2=\"{}\" y1=\"{y}\" y2=\"{y}\"/>",
            y + below,
            size.names,
            size.width - MARGIN,
        );
    }

    fn bar(&self, out: &mut String, bar: &Bar<'_>, y: f64, (labelled, alone): (bool, bool)) {
        let (what, tone) = blocks(bar.lock.blocks);
        let edge = self.size.width;
        let left = self.x(bar.from).min(edge - MARGIN - LEAST);
        let width = (self.x(bar.to) - left).max(LEAST);
        let known = bar.lock.held.ms;
        let held = known.map_or_else(|| "unknown time".to_owned(), duration);
        let title = format!(
            "{} on {}: blocks {what}, held {held}, by {}",
            bar.lock.mode.word(),
            bar.lock.relation,
            bar.lock.migration
        );
        let _ = write!(
            out,
            "<g><title>{}</title><rect class=\"bar {}\" x=\"{left:.1}\" y=\"{y}\" width=\"{width:.1}\" \
             height=\"{BAR}\" rx=\"2\"/>",
            escape(&title),
            tone.class(),
        );
        if known.is_none() {
            let _ = write!(
                out,
                "<rect fill=\"url(#{})\" x=\"{left:.1}\" y=\"{y}\" width=\"{width:.1}\" height=\"{BAR}\"/>",
                self.hatch,
            );
        }
        let end = left + width + 4.0;
        let (fits, fits_before) = (end + LABEL < edge, left - LABEL > self.size.names);
        if labelled && (fits || alone && fits_before) {
            let (at, anchor) = if fits {
                (end, "start")
            } else {
                (left - 4.0, "end")
            };
            let _ = write!(
                out,
                "<text class=\"held\" x=\"{at:.1}\" y=\"{}\" text-anchor=\"{anchor}\">{held}</text>",
                y + 12.0,
            );
        }
        out.push_str("</g>\n");
    }

    /// Marks at round times.
    fn scale(&self, out: &mut String, height: f64) {
        let step = round_step(self.total, self.size.marks);
        let mut mark = 0.0;
        while mark <= self.total {
            let x = self.x(mark);
            let label = if mark == 0.0 {
                "0".to_owned()
            } else {
                duration(mark)
            };
            let _ = writeln!(
                out,
                "<line class=\"grid\" x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"{}\" y2=\"{height}\"/>\
                 <text class=\"mark\" x=\"{x:.1}\" y=\"16\" text-anchor=\"middle\">{label}</text>",
                SCALE - 10.0,
            );
            mark += step;
        }
    }
}

fn round_step(total: f64, marks: f64) -> f64 {
    let rough = total / marks;
    let power = 10_f64.powf(rough.log10().floor());
    let steps = [1.0, 2.0, 5.0, 10.0].map(|step| step * power);
    steps
        .into_iter()
        .find(|step| *step >= rough)
        .unwrap_or(rough)
}
