//! Puts the frames beside and below each other: little room wasted, and what has lines to each other near.

use super::layout::{CHANNEL, Shape, WIDTH};

/// How wide a drawing is for its height: as screens are.
const ASPECT: f64 = 1.5;

/// Where a frame stands and which of its shapes it has.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Spot {
    pub(super) shape: usize,
    pub(super) column: usize,
    pub(super) top: i32,
}

/// All frames in their places.
#[derive(Debug, Default)]
pub(super) struct Packed {
    pub(super) spots: Vec<Spot>,
    pub(super) columns: usize,
    pub(super) bottom: i32,
}

/// Tries drawings of several widths and takes the one that suits a screen and wastes least.
pub(super) fn pack(shapes: &[&[Shape]], links: &[Vec<usize>], between: i32) -> Packed {
    let widest = shapes
        .iter()
        .map(|shapes| shapes.iter().map(|shape| shape.columns).max().unwrap_or(1));
    let most: usize = widest.sum();
    let order = order(links);
    let mut best: Option<(f64, Packed)> = None;
    for columns in 1..=most.clamp(1, 40) {
        let Some(packed) = packed_into(columns, &order, shapes, links, between) else {
            continue;
        };
        let width = f64::from((columns as i32) * (WIDTH + CHANNEL) + CHANNEL);
        let height = f64::from(packed.bottom.max(1));
        let slant = (width / height / ASPECT).ln().abs();
        let cost = width * height * (1.0 + slant);
        if best.as_ref().is_none_or(|(least, _)| cost < *least) {
            best = Some((cost, packed));
        }
    }
    best.map(|(_, packed)| packed).unwrap_or_default()
}

/// The order of placing: first what has most lines, then what has most to those that are placed.
fn order(links: &[Vec<usize>]) -> Vec<usize> {
    let mut left: Vec<usize> = (0..links.len()).collect();
    let mut order: Vec<usize> = Vec::new();
    while !left.is_empty() {
        let ties = |one: usize| -> (usize, usize) {
            let placed = order.iter().map(|other| links[one][*other]).sum();
            (placed, links[one].iter().sum())
        };
        let mut next = 0;
        for at in 1..left.len() {
            if ties(left[at]) > ties(left[next]) {
                next = at;
            }
        }
        order.push(left.remove(next));
    }
    order
}

fn packed_into(
    columns: usize,
    order: &[usize],
    shapes: &[&[Shape]],
    links: &[Vec<usize>],
    between: i32,
) -> Option<Packed> {
    let mut skyline = vec![0; columns];
    let mut spots: Vec<Option<Spot>> = vec![None; shapes.len()];
    for &domain in order {
        let mut best: Option<(i64, Spot)> = None;
        for (index, shape) in shapes[domain].iter().enumerate() {
            for column in 0..=columns
                .checked_sub(shape.columns)
                .map_or(-1, |most| most as i64)
            {
                let column = column as usize;
                let under = &skyline[column..column + shape.columns];
                let top = under.iter().copied().max().unwrap_or_default();
                let wasted: i64 = under.iter().map(|low| i64::from(top - low)).sum();
                let spot = Spot {
                    shape: index,
                    column,
                    top,
                };
                let far = far(domain, spot, shape, &spots, shapes, links);
                let bottom = i64::from(top + shape.height);
                let cost = bottom * 4 + wasted * 2 + far;
                if best.is_none_or(|(least, _)| cost < least) {
                    best = Some((cost, spot));
                }
            }
        }
        let (_, spot) = best?;
        let shape = &shapes[domain][spot.shape];
        for low in &mut skyline[spot.column..spot.column + shape.columns] {
            *low = spot.top + shape.height + between;
        }
        spots[domain] = Some(spot);
    }
    let bottom = skyline.iter().max().map_or(0, |bottom| bottom - between);
    Some(Packed {
        spots: spots.into_iter().flatten().collect(),
        columns,
        bottom,
    })
}

/// How far away the frames are that it has lines to, per line.
fn far(
    domain: usize,
    spot: Spot,
    shape: &Shape,
    spots: &[Option<Spot>],
    shapes: &[&[Shape]],
    links: &[Vec<usize>],
) -> i64 {
    let middle = |spot: Spot, shape: &Shape| {
        let across = (2 * spot.column + shape.columns) as i64 * i64::from(WIDTH + CHANNEL) / 2;
        (across, i64::from(spot.top + shape.height / 2))
    };
    let own = middle(spot, shape);
    let mut sum = 0;
    let mut count = 0;
    for (other, placed) in spots.iter().enumerate() {
        if let Some(placed) = placed {
            let theirs = middle(*placed, &shapes[other][placed.shape]);
            let weight = links[domain][other] as i64;
            sum += weight * ((own.0 - theirs.0).abs() + (own.1 - theirs.1).abs());
            count += weight;
        }
    }
    if count == 0 { 0 } else { sum / count }
}
