//! Where the tables stand: a frame for each domain, in it the tables in columns, those that are referred to on the
//! left of those that refer to them.
//!
//! Every box has the same width, and the columns of all frames are in line, so that between two columns there is a
//! channel from top to bottom that no box is in: the lines run there. All measures are multiples of [`STEP`].

use std::collections::{BTreeMap, HashMap};

use super::pack::pack;
use crate::report::diagram::{DiagramReport, DiagramTable, Reference, TableName};

/// The distance of two lines that run side by side.
pub(super) const STEP: i32 = 8;
/// A table's width.
pub(super) const WIDTH: i32 = 272;
/// The channel between two columns of tables.
pub(super) const CHANNEL: i32 = 72;
/// The least distance from one table down to the next.
pub(super) const BELOW: i32 = 32;
/// The part of a table with its name; what refers to the table ends there.
pub(super) const HEAD: i32 = 32;
/// A column's line.
pub(super) const ROW: i32 = 16;
/// What is free below a table's last line.
pub(super) const FOOT: i32 = 8;
/// What a frame has above its first table, its name included.
pub(super) const FRAME_HEAD: i32 = 48;
/// What a frame has below its last table.
pub(super) const FRAME_FOOT: i32 = 24;
/// What a frame has on either side of its tables; no line runs on it.
pub(super) const FRAME_SIDE: i32 = 12;
/// The least distance of two frames.
const BETWEEN: i32 = 32;
/// A table that so many others refer to from outside of its domain gets no lines from there.
const HUB: usize = 8;

/// A table in its place.
#[derive(Debug, Clone)]
pub(super) struct Placed<'r> {
    pub(super) table: &'r DiagramTable,
    pub(super) domain: usize,
    /// The column of the whole drawing that it stands in.
    pub(super) column: usize,
    pub(super) top: i32,
}

impl Placed<'_> {
    pub(super) fn left(&self) -> i32 {
        left(self.column)
    }

    pub(super) fn bottom(&self) -> i32 {
        self.top + height(self.table)
    }

    /// Where the lines end that refer to it.
    pub(super) fn port(&self) -> i32 {
        self.top + HEAD / 2
    }

    /// Where the lines of a column begin.
    pub(super) fn row(&self, column: &str) -> i32 {
        let columns = &self.table.columns;
        let at = columns.iter().position(|one| one.name == column);
        self.top + HEAD + ROW / 2 + ROW * at.unwrap_or_default() as i32
    }
}

/// A domain in its place.
#[derive(Debug, Clone)]
pub(super) struct Frame<'r> {
    pub(super) name: &'r str,
    pub(super) column: usize,
    pub(super) columns: usize,
    pub(super) top: i32,
    pub(super) bottom: i32,
}

/// Everything in its place.
#[derive(Debug, Clone)]
pub(super) struct Layout<'r> {
    pub(super) tables: Vec<Placed<'r>>,
    pub(super) frames: Vec<Frame<'r>>,
    pub(super) columns: usize,
    /// Where the frames begin; above is the drawing's own head.
    pub(super) top: i32,
    pub(super) bottom: i32,
    /// The references that are drawn as lines, as indexes of tables.
    pub(super) lines: Vec<Line<'r>>,
    /// The tables that are referred to too often for lines, with how often.
    pub(super) hubs: Vec<(&'r TableName, usize)>,
}

/// A reference between two tables that are both drawn.
#[derive(Debug, Clone, Copy)]
pub(super) struct Line<'r> {
    pub(super) reference: &'r Reference,
    pub(super) from: usize,
    pub(super) to: usize,
}

impl Layout<'_> {
    pub(super) fn width(&self) -> i32 {
        left(self.columns)
    }

    pub(super) fn move_down(&mut self, by: i32) {
        self.top += by;
        self.bottom += by;
        for table in &mut self.tables {
            table.top += by;
        }
        for frame in &mut self.frames {
            frame.top += by;
            frame.bottom += by;
        }
    }
}

/// The left edge of a column of the drawing.
pub(super) fn left(column: usize) -> i32 {
    CHANNEL + column as i32 * (WIDTH + CHANNEL)
}

pub(super) fn height(table: &DiagramTable) -> i32 {
    HEAD + ROW * table.columns.len() as i32 + FOOT
}

/// A domain's tables in each of the widths that it could have.
pub(super) struct Shape {
    pub(super) columns: usize,
    pub(super) height: i32,
    /// The tables of each column, from the top.
    stacks: Vec<Vec<usize>>,
}

/// Finds a place for everything.
pub(super) fn layout(report: &DiagramReport) -> Layout<'_> {
    let (lines, hubs) = lines(report);
    let mut first = 0;
    let mut shapes = Vec::new();
    for domain in &report.domains {
        let order = by_depth(&domain.tables, &report.references);
        shapes.push((first, shapes_of(&domain.tables, &order)));
        first += domain.tables.len();
    }
    let links = links(report, &lines);
    let options: Vec<&[Shape]> = shapes.iter().map(|(_, shapes)| &shapes[..]).collect();
    let packed = pack(&options, &links, BETWEEN);
    let mut placed: Vec<Option<Placed<'_>>> = vec![None; first];
    let mut frames = Vec::new();
    for (domain, spot) in packed.spots.iter().enumerate() {
        let (first, shapes) = &shapes[domain];
        let shape = &shapes[spot.shape];
        for (at, stack) in shape.stacks.iter().enumerate() {
            let mut top = spot.top + FRAME_HEAD;
            for index in stack {
                let table = &report.domains[domain].tables[*index];
                placed[first + index] = Some(Placed {
                    table,
                    domain,
                    column: spot.column + at,
                    top,
                });
                top += height(table) + BELOW;
            }
        }
        frames.push(Frame {
            name: &report.domains[domain].name,
            column: spot.column,
            columns: shape.columns,
            top: spot.top,
            bottom: spot.top + shape.height,
        });
    }
    Layout {
        tables: placed.into_iter().flatten().collect(),
        frames,
        columns: packed.columns,
        top: 0,
        bottom: packed.bottom,
        lines,
        hubs,
    }
}

/// Which references become lines, and which tables have too many of them.
fn lines(report: &DiagramReport) -> (Vec<Line<'_>>, Vec<(&TableName, usize)>) {
    let mut places: HashMap<&TableName, (usize, usize)> = HashMap::new();
    let mut at = 0;
    for (domain, tables) in report.domains.iter().enumerate() {
        for table in &tables.tables {
            places.insert(&table.name, (at, domain));
            at += 1;
        }
    }
    let mut inward: BTreeMap<&TableName, usize> = BTreeMap::new();
    let mut all = Vec::new();
    for reference in &report.references {
        let (Some(from), Some(to)) = (places.get(&reference.from), places.get(&reference.to))
        else {
            continue;
        };
        let line = Line {
            reference,
            from: from.0,
            to: to.0,
        };
        let crosses = from.1 != to.1;
        if crosses {
            *inward.entry(&reference.to).or_default() += 1;
        }
        all.push((line, crosses));
    }
    let is_hub = |name: &TableName| inward.get(name).is_some_and(|count| *count >= HUB);
    let kept = all
        .into_iter()
        .filter(|(line, crosses)| !(*crosses && is_hub(&line.reference.to)));
    let lines = kept.map(|(line, _)| line).collect();
    let mut hubs: Vec<(&TableName, usize)> = inward
        .into_iter()
        .filter(|(_, count)| *count >= HUB)
        .collect();
    hubs.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    (lines, hubs)
}

/// How many lines go from one domain to another.
fn links(report: &DiagramReport, lines: &[Line<'_>]) -> Vec<Vec<usize>> {
    let sizes = report.domains.iter().map(|domain| domain.tables.len());
    let mut domain_of = Vec::new();
    for (domain, size) in sizes.enumerate() {
        domain_of.extend(std::iter::repeat_n(domain, size));
    }
    let mut links = vec![vec![0; report.domains.len()]; report.domains.len()];
    for line in lines {
        let (from, to) = (domain_of[line.from], domain_of[line.to]);
        links[from][to] += 1;
        links[to][from] += 1;
    }
    links
}

/// The tables' order: what refers to nothing in the domain first, what refers to it after it.
fn by_depth(tables: &[DiagramTable], references: &[Reference]) -> Vec<usize> {
    let places: HashMap<&TableName, usize> = tables
        .iter()
        .enumerate()
        .map(|(at, table)| (&table.name, at))
        .collect();
    let edges: Vec<(usize, usize)> = references
        .iter()
        .filter_map(|one| Some((*places.get(&one.from)?, *places.get(&one.to)?)))
        .filter(|(from, to)| from != to)
        .collect();
    let mut depth = vec![0_usize; tables.len()];
    // As many rounds as the longest way could have; a circle ends with them.
    for _ in 0..tables.len().min(12) {
        for (from, to) in &edges {
            depth[*from] = depth[*from].max((depth[*to] + 1).min(12));
        }
    }
    let mut order: Vec<usize> = (0..tables.len()).collect();
    order.sort_by(|a, b| (depth[*a], &tables[*a].name).cmp(&(depth[*b], &tables[*b].name)));
    order
}

/// The shapes that a domain could have: from one column to as many as make it twice as wide as high.
fn shapes_of(tables: &[DiagramTable], order: &[usize]) -> Vec<Shape> {
    let mut shapes: Vec<Shape> = Vec::new();
    for columns in 1..=order.len().max(1) {
        let stacks = stacks(tables, order, columns);
        let tallest = stacks.iter().map(|stack| stacked(tables, stack)).max();
        let height = FRAME_HEAD + tallest.unwrap_or_default() + FRAME_FOOT;
        let width = columns as i32 * (WIDTH + CHANNEL);
        // More columns than tables to fill them are no shape of their own.
        if stacks.len() < columns && !shapes.is_empty() {
            break;
        }
        shapes.push(Shape {
            columns,
            height,
            stacks,
        });
        if width > height * 2 {
            break;
        }
    }
    shapes
}

fn stacked(tables: &[DiagramTable], stack: &[usize]) -> i32 {
    let heights: i32 = stack.iter().map(|at| height(&tables[*at]) + BELOW).sum();
    (heights - BELOW).max(0)
}

/// Cuts the order into stacks of which the highest is as low as can be.
fn stacks(tables: &[DiagramTable], order: &[usize], columns: usize) -> Vec<Vec<usize>> {
    let (mut low, mut high) = (0, stacked(tables, order));
    while low + STEP < high {
        let middle = i32::midpoint(low, high);
        if cut(tables, order, middle).len() <= columns {
            high = middle;
        } else {
            low = middle;
        }
    }
    cut(tables, order, high)
}

fn cut(tables: &[DiagramTable], order: &[usize], most: i32) -> Vec<Vec<usize>> {
    let mut stacks: Vec<Vec<usize>> = Vec::new();
    for at in order {
        match stacks.last_mut() {
            Some(stack) if stacked(tables, stack) + BELOW + height(&tables[*at]) <= most => {
                stack.push(*at);
            }
            _ => stacks.push(vec![*at]),
        }
    }
    stacks
}
