//! The order of tables: what is referred to comes before what refers to it.

/// Sorts `count` tables so that for each pair `(child, parent)` the parent comes first; otherwise they
/// stay in their order. Those that are in a circle, or behind one, come last, and are counted.
pub fn parents_first(count: usize, edges: &[(usize, usize)]) -> (Vec<usize>, usize) {
    let mut waits_for: Vec<usize> = vec![0; count];
    let mut children: Vec<Vec<usize>> = vec![Vec::new(); count];
    for &(child, parent) in edges.iter().filter(|(child, parent)| child != parent) {
        waits_for[child] += 1;
        children[parent].push(child);
    }
    let mut order: Vec<usize> = (0..count).filter(|at| waits_for[*at] == 0).collect();
    let mut next = 0;
    while let Some(&parent) = order.get(next) {
        next += 1;
        for &child in &children[parent] {
            waits_for[child] -= 1;
            if waits_for[child] == 0 {
                order.push(child);
            }
        }
    }
    let left = count - order.len();
    order.extend((0..count).filter(|at| waits_for[*at] > 0));
    (order, left)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parents_come_first_and_circles_last() {
        assert_eq!(parents_first(3, &[(0, 1), (1, 2)]), (vec![2, 1, 0], 0));
        assert_eq!(parents_first(2, &[(0, 0)]), (vec![0, 1], 0));
        assert_eq!(parents_first(3, &[(0, 1), (0, 1)]), (vec![1, 2, 0], 0));
        assert_eq!(
            parents_first(4, &[(0, 1), (1, 0), (2, 1)]),
            (vec![3, 0, 1, 2], 3)
        );
    }
}
