//! Groups tables that refer to each other more than to the rest (greedy modularity, after Clauset, Newman and Moore):
//! no numbers to choose, and the same answer each time.

use std::collections::{BTreeMap, BTreeSet};

use crate::report::diagram::{Reference, TableName};

/// Names a group for each table that has one, after the table of the group that most others refer to.
pub(super) fn groups(
    tables: &BTreeSet<&TableName>,
    references: &[Reference],
) -> BTreeMap<TableName, String> {
    let names: Vec<&TableName> = tables.iter().copied().collect();
    let at = |name: &TableName| names.binary_search(&name).ok();
    let mut links: BTreeMap<(usize, usize), f64> = BTreeMap::new();
    let mut referred = vec![0_usize; names.len()];
    for reference in references {
        let (Some(from), Some(to)) = (at(&reference.from), at(&reference.to)) else {
            continue;
        };
        if from != to {
            referred[to] += 1;
            *links.entry((from.min(to), from.max(to))).or_default() += 1.0;
        }
    }
    let mut named = BTreeMap::new();
    for group in merged(names.len(), links) {
        let most = |a: &usize, b: &usize| (referred[*a], b).cmp(&(referred[*b], a));
        let head = group.iter().copied().max_by(most);
        if let (Some(head), true) = (head, group.len() > 1) {
            let tables = group.iter().map(|table| names[*table].clone());
            named.extend(tables.map(|table| (table, names[head].name.clone())));
        }
    }
    named
}

/// Merges the two groups whose union gains most, until none gains.
fn merged(count: usize, mut links: BTreeMap<(usize, usize), f64>) -> Vec<Vec<usize>> {
    let mut groups: BTreeMap<usize, Vec<usize>> = (0..count).map(|at| (at, vec![at])).collect();
    let mut degree = vec![0.0; count];
    for ((a, b), weight) in &links {
        degree[*a] += weight;
        degree[*b] += weight;
    }
    let all: f64 = degree.iter().sum();
    loop {
        let gain = |pair: &(usize, usize), weight: f64| {
            weight / all - degree[pair.0] * degree[pair.1] / (all * all)
        };
        // The first of several that gain the same: the order of the names decides.
        let mut best: Option<((usize, usize), f64)> = None;
        for (pair, weight) in &links {
            let gain = gain(pair, *weight);
            if gain > 1e-12 && best.is_none_or(|(_, most)| gain > most + 1e-12) {
                best = Some((*pair, gain));
            }
        }
        let Some(((into, gone), _)) = best else {
            return groups.into_values().collect();
        };
        let moved = groups.remove(&gone).unwrap_or_default();
        groups.entry(into).or_default().extend(moved);
        degree[into] += degree[gone];
        let mut joined = BTreeMap::new();
        for ((a, b), weight) in links {
            let renamed = |one: usize| if one == gone { into } else { one };
            let (a, b) = (renamed(a), renamed(b));
            if a != b {
                *joined.entry((a.min(b), a.max(b))).or_default() += weight;
            }
        }
        links = joined;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(name: &str) -> TableName {
        TableName {
            schema: "public".to_owned(),
            name: name.to_owned(),
        }
    }

    #[test]
    fn two_clusters_with_one_bridge_are_two_groups() {
        let refer = |from: &str, to: &str| Reference {
            from: table(from),
            to: table(to),
            name: "fk".to_owned(),
            columns: vec!["x".to_owned()],
            to_columns: vec!["id".to_owned()],
            on_delete: None,
        };
        let references = [
            refer("items", "orders"),
            refer("payments", "orders"),
            refer("items", "payments"),
            refer("members", "teams"),
            refer("invites", "teams"),
            refer("members", "invites"),
            refer("orders", "members"),
            refer("teams", "teams"),
        ];
        let names = [
            "alone", "invites", "items", "members", "orders", "payments", "teams",
        ];
        let names: Vec<TableName> = names.into_iter().map(table).collect();
        let groups = groups(&names.iter().collect(), &references);
        let of = |name: &str| groups[&table(name)].as_str();
        assert_eq!([of("items"), of("payments"), of("orders")], ["orders"; 3]);
        assert_eq!([of("members"), of("invites"), of("teams")], ["teams"; 3]);
        assert!(!groups.contains_key(&table("alone")));
    }
}
