//! The drawing as SVG: one file, no script, nothing fetched.

use std::collections::{HashMap, HashSet};
use std::fmt::Write as _;

use super::layout::{FRAME_SIDE, HEAD, Layout, Placed, ROW, STEP, WIDTH, height, layout, left};
use super::route::{Route, routes};
use super::style::{hue, sheet};
use super::type_name::short;
use crate::render::xml::{elide, escape};
use crate::report::diagram::{DiagramColumn, DiagramReport, Reference, TableName};

/// Characters of a column's line: its name and its type, with what keeps them apart.
const LINE: usize = 34;
/// Characters of a table's name.
const TITLE: usize = 34;
/// How far a corner is rounded.
const ROUND: i32 = 4;
/// A note's line.
const NOTE_LINE: i32 = 16;
/// Characters of it: what a phone shows without being moved.
const NOTE_MOST: usize = 50;

/// Draws the tables.
pub fn svg(report: &DiagramReport) -> String {
    let mut layout = layout(report);
    let notes = notes(report, &layout);
    let lines = notes.len() + contents(&layout).len();
    let head = 64 + NOTE_LINE * lines as i32;
    layout.move_down(head / STEP * STEP + STEP);
    let routes = routes(&layout);
    let drawing = Drawing {
        report,
        layout: &layout,
        several_schemas: several_schemas(report),
        lined: lined(&layout, &routes),
    };
    drawing.write(&notes, &routes)
}

fn several_schemas(report: &DiagramReport) -> bool {
    let schemas: HashSet<&str> = report.tables().map(|one| &*one.name.schema).collect();
    schemas.len() > 1
}

/// Which references have a line; all others are told in the table.
fn lined<'r>(layout: &Layout<'r>, routes: &[Route]) -> HashSet<&'r Reference> {
    let drawn = routes
        .iter()
        .map(|route| layout.lines[route.line].reference);
    drawn.collect()
}

/// What stands above the drawing, line by line.
fn notes(report: &DiagramReport, layout: &Layout<'_>) -> Vec<String> {
    let count = |count: usize, one: &str, more: &str| match count {
        1 => format!("1 {one}"),
        count => format!("{count} {more}"),
    };
    let facts = format!(
        "{}, {}, {} · {}",
        count(report.tables().count(), "table", "tables"),
        count(report.references.len(), "foreign key", "foreign keys"),
        count(report.domains.len(), "domain", "domains"),
        report.grouped_by.words(),
    );
    let mut notes = vec![
        facts,
        "PK primary key · FK foreign key · UQ unique · ? can be null · → refers to, without a line"
            .to_owned(),
    ];
    if !layout.hubs.is_empty() {
        let hubs = layout.hubs.iter();
        let hubs: Vec<String> = hubs
            .map(|(name, count)| format!("{} ({count})", name.name))
            .collect();
        notes.push(format!(
            "without lines from other domains, for there are too many: {}",
            hubs.join(", ")
        ));
    }
    let notes = notes.iter();
    notes.flat_map(|note| wrapped(note, NOTE_MOST)).collect()
}

/// The domains by their names, where there are several: the drawing is larger than any window, and a name
/// leads to its frame.
fn contents(layout: &Layout<'_>) -> Vec<String> {
    if layout.frames.len() < 2 {
        return Vec::new();
    }
    let named = layout.frames.iter().enumerate().map(|(at, frame)| {
        let tables = layout.tables.iter().filter(|table| table.domain == at);
        format!("{} ({})", elide(frame.name, NOTE_MOST - 6), tables.count())
    });
    named.collect()
}

fn wrapped(text: &str, most: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split(' ') {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= most => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(elide(word, most)),
        }
    }
    lines
}

struct Drawing<'r, 'l> {
    report: &'r DiagramReport,
    layout: &'l Layout<'r>,
    several_schemas: bool,
    lined: HashSet<&'r Reference>,
}

// Writing to a string cannot fail; the results of `write!` are let go below.
impl Drawing<'_, '_> {
    fn write(&self, notes: &[String], routes: &[Route]) -> String {
        let (width, height) = (self.layout.width(), self.layout.bottom + 4 * STEP);
        let name = escape(&self.report.target.database);
        let mut out = String::with_capacity(1 << 16);
        let _ = write!(
            out,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" \
             viewBox=\"0 0 {width} {height}\" role=\"img\" aria-labelledby=\"title\">\n\
             <title id=\"title\">The tables of {name}</title>\n<style>{}</style>\n\
             <rect class=\"page\" width=\"{width}\" height=\"{height}\"/>\n\
             <text class=\"title\" id=\"top\" x=\"16\" y=\"32\">{name}</text>\n",
            sheet(self.report.domains.len()),
        );
        for (at, note) in notes.iter().enumerate() {
            let y = 52 + NOTE_LINE * at as i32;
            let note = escape(note);
            let _ = writeln!(out, "<text class=\"note\" x=\"16\" y=\"{y}\">{note}</text>");
        }
        self.contents(&mut out, 52 + NOTE_LINE * notes.len() as i32);
        self.frames(&mut out);
        self.lines(&mut out, routes);
        for table in &self.layout.tables {
            self.table(&mut out, table);
        }
        out.push_str("</svg>\n");
        out
    }

    fn contents(&self, out: &mut String, top: i32) {
        for (at, name) in contents(self.layout).iter().enumerate() {
            let (y, hue) = (top + 8 + NOTE_LINE * at as i32, hue(at));
            let _ = writeln!(
                out,
                "<a href=\"#domain{at}\"><text class=\"t{hue}\" x=\"16\" y=\"{y}\">{}</text></a>",
                escape(name)
            );
        }
    }

    fn frames(&self, out: &mut String) {
        for (at, frame) in self.layout.frames.iter().enumerate() {
            let x = left(frame.column) - FRAME_SIDE;
            let right = left(frame.column + frame.columns - 1) + WIDTH + FRAME_SIDE;
            let (y, bottom) = (frame.top + STEP / 2, frame.bottom - STEP / 2);
            let hue = hue(at);
            let _ = writeln!(
                out,
                "<rect class=\"frame f{hue}\" id=\"domain{at}\" x=\"{x}\" y=\"{y}\" width=\"{}\" height=\"{}\" rx=\"8\"/>\
                 <a href=\"#top\"><text class=\"domain t{hue}\" x=\"{}\" y=\"{}\">{}</text></a>",
                right - x,
                bottom - y,
                left(frame.column),
                frame.top + 28,
                escape(&elide(frame.name, 28)),
            );
        }
    }

    fn lines(&self, out: &mut String, routes: &[Route]) {
        for route in routes {
            let line = self.layout.lines[route.line];
            let hue = hue(self.layout.tables[line.to].domain);
            let _ = writeln!(
                out,
                "<path class=\"line l{hue}\" d=\"{}\"><title>{}</title></path>",
                rounded(&route.points),
                escape(&said(line.reference)),
            );
        }
        // The ends stand above all lines.
        for route in routes {
            let line = self.layout.lines[route.line];
            let hue = hue(self.layout.tables[line.to].domain);
            let _ = writeln!(out, "<path class=\"end l{hue}\" d=\"{}\"/>", ends(route));
        }
    }

    fn table(&self, out: &mut String, placed: &Placed<'_>) {
        let (x, y, table) = (placed.left(), placed.top, placed.table);
        let hue = hue(placed.domain);
        let full = self.name(&table.name);
        let about = match &table.comment {
            Some(comment) => format!("{full}: {comment}"),
            None => full.clone(),
        };
        let partitions = match table.partitions {
            0 => String::new(),
            1 => " · 1 partition".to_owned(),
            count => format!(" · {count} partitions"),
        };
        let title = elide(&full, TITLE.saturating_sub(partitions.chars().count()));
        let height = height(table);
        let _ = write!(
            out,
            "<g><title>{}</title><rect class=\"box\" x=\"{x}\" y=\"{y}\" width=\"{WIDTH}\" \
             height=\"{height}\" rx=\"4\"/><path class=\"h{hue}\" d=\"M{x} {}v-{}q0-4 4-4h{}q4 0 4 4v{}z\"/>\
             <text class=\"name\" x=\"{}\" y=\"{}\">{}<tspan class=\"type\">{partitions}</tspan></text>",
            escape(&about),
            y + HEAD,
            HEAD - 4,
            WIDTH - 8,
            HEAD - 4,
            x + 8,
            y + 20,
            escape(&title),
        );
        let references = self.references(&table.name);
        for (at, column) in table.columns.iter().enumerate() {
            let row = y + HEAD + ROW * at as i32 + 12;
            self.column(out, (x, row), column, &references);
        }
        out.push_str("</g>\n");
    }

    /// The references of a table by the first of their columns.
    fn references(&self, table: &TableName) -> HashMap<&str, Vec<&Reference>> {
        let mut by_column: HashMap<&str, Vec<&Reference>> = HashMap::new();
        let own = self
            .report
            .references
            .iter()
            .filter(|one| one.from == *table);
        for reference in own {
            for column in &reference.columns {
                by_column.entry(column).or_default().push(reference);
            }
        }
        by_column
    }

    fn column(
        &self,
        out: &mut String,
        (x, y): (i32, i32),
        column: &DiagramColumn,
        references: &HashMap<&str, Vec<&Reference>>,
    ) {
        let own = references.get(&*column.name).map_or(&[][..], Vec::as_slice);
        let key = match (column.primary_key, !own.is_empty(), column.unique) {
            (true, ..) => "PK",
            (_, true, _) => "FK",
            (.., true) => "UQ",
            _ => "",
        };
        if !key.is_empty() {
            let _ = write!(
                out,
                "<text class=\"key note\" x=\"{}\" y=\"{y}\">{key}</text>",
                x + 8
            );
        }
        let name = elide(&column.name, LINE - 4);
        let null = if column.not_null { "" } else { "?" };
        // A line says it better than a word; without one the word is all there is.
        let untold = own
            .iter()
            .find(|one| one.columns.first() == Some(&column.name) && !self.lined.contains(**one));
        let said = match untold {
            Some(reference) => format!("→ {}{null}", self.name(&reference.to)),
            None => format!("{}{null}", short(&column.data_type)),
        };
        let said = elide(&said, LINE.saturating_sub(name.chars().count() + 1).max(3));
        let _ = write!(
            out,
            "<text x=\"{}\" y=\"{y}\">{}</text>\
             <text class=\"type\" x=\"{}\" y=\"{y}\" text-anchor=\"end\">{}</text>",
            x + 28,
            escape(&name),
            x + WIDTH - 8,
            escape(&said),
        );
    }

    fn name(&self, table: &TableName) -> String {
        if self.several_schemas && table.schema != "public" {
            format!("{}.{}", table.schema, table.name)
        } else {
            table.name.clone()
        }
    }
}

fn said(reference: &Reference) -> String {
    let on_delete = reference.on_delete.as_deref();
    format!(
        "{}.{} → {}.{}{}",
        reference.from.name,
        reference.columns.join(", "),
        reference.to.name,
        reference.to_columns.join(", "),
        on_delete.map_or_else(String::new, |action| format!(" · on delete {action}")),
    )
}

/// A path whose corners are rounded.
fn rounded(points: &[(i32, i32)]) -> String {
    let mut path = String::new();
    for (at, point) in points.iter().enumerate() {
        let (x, y) = *point;
        let before = at.checked_sub(1).and_then(|at| points.get(at));
        match (before, points.get(at + 1)) {
            (None, _) => {
                let _ = write!(path, "M{x} {y}");
            }
            (Some(_), None) => {
                let _ = write!(path, "L{x} {y}");
            }
            (Some(before), Some(after)) => {
                let (a, b) = (towards(*point, *before), towards(*point, *after));
                let _ = write!(path, "L{} {}Q{x} {y} {} {}", a.0, a.1, b.0, b.1);
            }
        }
    }
    path
}

/// A point on the way from a corner, as far as it is rounded, and no farther than half of the way.
fn towards(corner: (i32, i32), other: (i32, i32)) -> (i32, i32) {
    let part = |from: i32, to: i32| (to - from).signum() * ROUND.min((to - from).abs() / 2);
    (
        corner.0 + part(corner.0, other.0),
        corner.1 + part(corner.1, other.1),
    )
}

/// A crow's foot where the many are, a bar where the one is.
fn ends(route: &Route) -> String {
    let (Some(first), Some(last)) = (route.points.first(), route.points.last()) else {
        return String::new();
    };
    let next = route.points.get(1).unwrap_or(first);
    let previous = route.points.iter().rev().nth(1).unwrap_or(last);
    let out = (next.0 - first.0).signum();
    let back = (previous.0 - last.0).signum();
    format!(
        "M{} {}L{} {}L{} {}M{} {}v8",
        first.0,
        first.1 - 4,
        first.0 + 7 * out,
        first.1,
        first.0,
        first.1 + 4,
        last.0 + 5 * back,
        last.1 - 4,
    )
}
