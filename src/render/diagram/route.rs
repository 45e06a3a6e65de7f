//! The lines' ways: shortest paths on the lanes, where a bend, a crossing and company cost.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::grid::{Grid, Spot, Way};
use super::layout::{Layout, Line, STEP, WIDTH};

/// What a bend costs, in pixels of length.
const BEND: u32 = 48;
/// What crossing another line costs.
const CROSSING: u32 = 24;
/// What each pixel beside none costs where a line to another table runs already: nothing else is left.
const COMPANY: u32 = 40;

/// A line's way as the corners of the drawing, its ends at the tables included.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Route {
    /// Of which of the layout's lines.
    pub(super) line: usize,
    pub(super) points: Vec<(i32, i32)>,
}

/// Finds a way for each line, the short ones first.
pub(super) fn routes(layout: &Layout<'_>) -> Vec<Route> {
    let mut grid = Grid::new(layout);
    let mut order: Vec<usize> = (0..layout.lines.len()).collect();
    order.sort_by_key(|at| (length(layout, layout.lines[*at]), *at));
    let mut search = Search::new(&grid);
    let mut routes = Vec::new();
    for at in order {
        let line = layout.lines[at];
        let own = line.to as u16 + 1;
        let Some(corners) = search.find(&grid, &ends(layout, line), own) else {
            continue;
        };
        grid.take(&corners, own);
        routes.push(Route {
            line: at,
            points: points(layout, line, &corners),
        });
    }
    routes.sort_by_key(|route| route.line);
    routes
}

fn length(layout: &Layout<'_>, line: Line<'_>) -> i32 {
    let (from, to) = (&layout.tables[line.from], &layout.tables[line.to]);
    let y = from.row(first_column(line));
    (from.left() - to.left()).abs() + (y - to.port()).abs()
}

fn first_column(line: Line<'_>) -> &str {
    line.reference.columns.first().map_or("", String::as_str)
}

/// Where a line can begin and end: at either side of both tables.
struct Ends {
    starts: [Spot; 2],
    goals: [Spot; 2],
}

fn ends(layout: &Layout<'_>, line: Line<'_>) -> Ends {
    let (from, to) = (&layout.tables[line.from], &layout.tables[line.to]);
    let start = (from.row(first_column(line)) / STEP) as usize;
    let goal = (to.port() / STEP) as usize;
    let spots = |column: usize, y: usize| {
        [true, false].map(|right| Spot {
            x: Grid::beside(column, right),
            y,
        })
    };
    Ends {
        starts: spots(from.column, start),
        goals: spots(to.column, goal),
    }
}

/// Dijkstra's search towards the goals, with its tables kept from line to line.
struct Search {
    width: usize,
    height: usize,
    cost: Vec<u32>,
    from: Vec<u32>,
    touched: Vec<u32>,
}

const NOWHERE: u32 = u32::MAX;

impl Search {
    fn new(grid: &Grid) -> Self {
        let states = grid.width * grid.height * 2;
        Self {
            width: grid.width,
            height: grid.height,
            cost: vec![u32::MAX; states],
            from: vec![NOWHERE; states],
            touched: Vec::new(),
        }
    }

    fn state(&self, spot: Spot, way: Way) -> u32 {
        ((spot.y * self.width + spot.x) * 2 + usize::from(way == Way::Down)) as u32
    }

    fn place(&self, state: u32) -> (Spot, Way) {
        let at = state as usize / 2;
        let spot = Spot {
            x: at % self.width,
            y: at / self.width,
        };
        let way = if state.is_multiple_of(2) {
            Way::Across
        } else {
            Way::Down
        };
        (spot, way)
    }

    /// Finds the corners from a start to a goal.
    fn find(&mut self, grid: &Grid, ends: &Ends, own: u16) -> Option<Vec<Spot>> {
        for state in self.touched.drain(..) {
            self.cost[state as usize] = u32::MAX;
            self.from[state as usize] = NOWHERE;
        }
        let mut open = BinaryHeap::new();
        for start in ends.starts {
            let state = self.state(start, Way::Across);
            self.reach(&mut open, state, 0, NOWHERE, ends);
        }
        let goals = ends.goals.map(|goal| self.state(goal, Way::Across));
        while let Some(Reverse((_, state))) = open.pop() {
            if goals.contains(&state) {
                return Some(self.corners(state));
            }
            let cost = self.cost[state as usize];
            let (spot, way) = self.place(state);
            self.turn(grid, &mut open, (spot, way), cost, own, ends);
            self.step(grid, &mut open, (spot, way), cost, own, ends);
        }
        None
    }

    fn turn(
        &mut self,
        grid: &Grid,
        open: &mut BinaryHeap<Reverse<(u32, u32)>>,
        (spot, way): (Spot, Way),
        cost: u32,
        own: u16,
        ends: &Ends,
    ) {
        let other = match way {
            Way::Across => Way::Down,
            Way::Down => Way::Across,
        };
        // A corner on somebody else's line looks as if the two were one.
        let touches = grid.crossed(spot, way, own) || grid.crossed(spot, other, own);
        let price = BEND + if touches { BEND * 4 } else { 0 };
        let (from, to) = (self.state(spot, way), self.state(spot, other));
        self.reach(open, to, cost + price, from, ends);
    }

    fn step(
        &mut self,
        grid: &Grid,
        open: &mut BinaryHeap<Reverse<(u32, u32)>>,
        (spot, way): (Spot, Way),
        cost: u32,
        own: u16,
        ends: &Ends,
    ) {
        let from = self.state(spot, way);
        for forward in [true, false] {
            let Some((next, piece)) = self.next(spot, way, forward) else {
                continue;
            };
            if way == Way::Across && grid.is_blocked(piece) {
                continue;
            }
            let length = match way {
                // Right beside the tables are the lines' ends.
                Way::Down if Grid::is_beside(spot.x) => STEP as u32 * 2,
                Way::Down => STEP as u32,
                Way::Across => (Grid::x(next.x) - Grid::x(spot.x)).unsigned_abs(),
            };
            let price = match grid.taken(piece, way) {
                0 => length,
                // Lines to the same table run together where they can.
                taken if taken == own => length / 4,
                _ => length * COMPANY,
            };
            let across = match way {
                Way::Across => Way::Down,
                Way::Down => Way::Across,
            };
            let crossing = grid.crossed(next, across, own);
            let price = price + if crossing { CROSSING } else { 0 };
            let to = self.state(next, way);
            self.reach(open, to, cost + price, from, ends);
        }
    }

    /// The next spot and the piece of lane in between, named by its left or upper end.
    fn next(&self, spot: Spot, way: Way, forward: bool) -> Option<(Spot, Spot)> {
        let next = match (way, forward) {
            (Way::Across, true) if spot.x + 1 < self.width => Spot {
                x: spot.x + 1,
                ..spot
            },
            (Way::Across, false) if spot.x > 0 => Spot {
                x: spot.x - 1,
                ..spot
            },
            (Way::Down, true) if spot.y + 1 < self.height => Spot {
                y: spot.y + 1,
                ..spot
            },
            (Way::Down, false) if spot.y > 0 => Spot {
                y: spot.y - 1,
                ..spot
            },
            _ => return None,
        };
        Some((next, if forward { spot } else { next }))
    }

    fn reach(
        &mut self,
        open: &mut BinaryHeap<Reverse<(u32, u32)>>,
        state: u32,
        cost: u32,
        from: u32,
        ends: &Ends,
    ) {
        if cost >= self.cost[state as usize] {
            return;
        }
        self.cost[state as usize] = cost;
        self.from[state as usize] = from;
        self.touched.push(state);
        let (spot, _) = self.place(state);
        let distance = |goal: Spot| {
            let x = (Grid::x(goal.x) - Grid::x(spot.x)).unsigned_abs();
            // Company of the same table's lines costs a quarter: an estimate must not be higher.
            (x + STEP as u32 * goal.y.abs_diff(spot.y) as u32) / 4
        };
        let left = ends.goals.map(distance).into_iter().min();
        open.push(Reverse((cost + left.unwrap_or_default(), state)));
    }

    fn corners(&self, goal: u32) -> Vec<Spot> {
        let mut states = vec![goal];
        let mut state = goal;
        while self.from[state as usize] != NOWHERE {
            state = self.from[state as usize];
            states.push(state);
        }
        states.reverse();
        let mut corners: Vec<Spot> = Vec::new();
        for state in states {
            let (spot, _) = self.place(state);
            match corners[..] {
                [.., last] if last == spot => {}
                [.., a, b] if (a.x == b.x && b.x == spot.x) || (a.y == b.y && b.y == spot.y) => {
                    corners.pop();
                    corners.push(spot);
                }
                _ => corners.push(spot),
            }
        }
        corners
    }
}

/// The corners as points of the drawing, from edge to edge of the tables.
fn points(layout: &Layout<'_>, line: Line<'_>, corners: &[Spot]) -> Vec<(i32, i32)> {
    let point = |spot: &Spot| (Grid::x(spot.x), spot.y as i32 * STEP);
    let edge = |table: usize, at: (i32, i32)| {
        let left = layout.tables[table].left();
        let x = if at.0 < left { left } else { left + WIDTH };
        (x, at.1)
    };
    let mut points: Vec<(i32, i32)> = corners.iter().map(point).collect();
    if let (Some(first), Some(last)) = (points.first().copied(), points.last().copied()) {
        points.insert(0, edge(line.from, first));
        points.push(edge(line.to, last));
    }
    // Ends in line with the first or last piece make no corner.
    let mut kept: Vec<(i32, i32)> = Vec::new();
    for point in points {
        if let [.., a, b] = kept[..]
            && ((a.0 == b.0 && b.0 == point.0) || (a.1 == b.1 && b.1 == point.1))
        {
            kept.pop();
        }
        kept.push(point);
    }
    kept
}
