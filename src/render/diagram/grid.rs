//! The lanes that lines can run on, and which are taken.
//!
//! Between two columns of tables are [`LANES`] lanes down; across, a lane every [`STEP`], wherever no table of the
//! column stands in the way.

use super::layout::{CHANNEL, FRAME_HEAD, Layout, STEP, left};

/// Lanes of one channel.
pub(super) const LANES: usize = (CHANNEL / STEP - 1) as usize;

/// A crossing of two lanes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Spot {
    pub(super) x: usize,
    pub(super) y: usize,
}

/// Which way a line goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    Across,
    Down,
}

/// The lanes. What a lane is taken by is the table that the line ends at, from 1; lines to the same table may share.
pub(super) struct Grid {
    pub(super) width: usize,
    pub(super) height: usize,
    /// By column and y: whether something stands there.
    blocked: Vec<bool>,
    across: Vec<u16>,
    down: Vec<u16>,
}

impl Grid {
    pub(super) fn new(layout: &Layout<'_>) -> Self {
        let width = (layout.columns + 1) * LANES;
        let height = (layout.bottom / STEP) as usize + 5;
        let mut grid = Self {
            width,
            height,
            blocked: vec![false; layout.columns * height],
            across: vec![0; width * height],
            down: vec![0; width * height],
        };
        for table in &layout.tables {
            grid.block(table.column, table.top, table.bottom());
        }
        for frame in &layout.frames {
            // Its name stands at its left; a line through it could not be read past.
            grid.block(frame.column, frame.top, frame.top + FRAME_HEAD - 2 * STEP);
        }
        // The drawing's own head.
        for column in 0..layout.columns {
            grid.block(column, 0, layout.top - 2 * STEP);
        }
        grid
    }

    fn block(&mut self, column: usize, from: i32, to: i32) {
        for y in (from / STEP).max(0)..=(to / STEP) {
            if let Some(cell) = self.blocked.get_mut(column * self.height + y as usize) {
                *cell = true;
            }
        }
    }

    /// Where a lane is in the drawing.
    pub(super) fn x(lane: usize) -> i32 {
        let channel = lane / LANES;
        left(channel) - CHANNEL + STEP * (lane % LANES + 1) as i32
    }

    /// The lane next to a table's left or right edge.
    pub(super) fn beside(column: usize, right: bool) -> usize {
        if right {
            (column + 1) * LANES
        } else {
            column * LANES + LANES - 1
        }
    }

    /// Whether a lane is next to a table.
    pub(super) fn is_beside(lane: usize) -> bool {
        lane.is_multiple_of(LANES) || lane % LANES == LANES - 1
    }

    /// Whether something stands between a lane and the next one to the right.
    pub(super) fn is_blocked(&self, from: Spot) -> bool {
        let next = from.x + 1;
        next.is_multiple_of(LANES) && self.blocked[(next / LANES - 1) * self.height + from.y]
    }

    /// By what the piece to the right of a spot, or below it, is taken.
    pub(super) fn taken(&self, from: Spot, way: Way) -> u16 {
        let at = from.y * self.width + from.x;
        match way {
            Way::Across => self.across[at],
            Way::Down => self.down[at],
        }
    }

    /// By what others a spot is crossed in a way.
    pub(super) fn crossed(&self, at: Spot, way: Way, own: u16) -> bool {
        let before = match way {
            Way::Across if at.x > 0 => self.taken(Spot { x: at.x - 1, ..at }, way),
            Way::Down if at.y > 0 => self.taken(Spot { y: at.y - 1, ..at }, way),
            _ => 0,
        };
        let after = self.taken(at, way);
        (before != 0 && before != own) || (after != 0 && after != own)
    }

    /// Takes the lanes between the corners of a line.
    pub(super) fn take(&mut self, corners: &[Spot], own: u16) {
        for pair in corners.windows(2) {
            let (a, b) = (pair[0].min(pair[1]), pair[0].max(pair[1]));
            for x in a.x..b.x {
                self.across[a.y * self.width + x] = own;
            }
            for y in a.y.min(b.y)..a.y.max(b.y) {
                self.down[y * self.width + a.x] = own;
            }
        }
    }
}
