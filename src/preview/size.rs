//! How large the target's relations are.

use std::collections::HashMap;

use crate::pg::error::{DbFailure, Kind};
use crate::pg::session::{Row, Session};

/// The size of one relation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Size {
    /// Rows by the statistics; `None` where they were never counted.
    pub(super) rows: Option<u64>,
    /// Bytes without its indexes.
    pub(super) bytes: u64,
    /// Bytes of its indexes.
    pub(super) indexes: u64,
}

/// Sizes by name, and whether they are the files' or only those of the statistics.
#[derive(Debug, Clone, Default)]
pub(super) struct Sizes {
    by_name: HashMap<(String, String), Size>,
    /// Whether a relation was locked against being opened.
    pub(super) by_statistics: bool,
}

impl Sizes {
    /// Returns a relation's size; `None` where the target has no relation of that name.
    pub(super) fn get(&self, schema: &str, name: &str) -> Option<Size> {
        let key = (schema.to_owned(), name.to_owned());
        self.by_name.get(&key).copied()
    }
}

/// Asks the target, in one query that takes no lock beyond `ACCESS SHARE` and waits for none for long.
pub(super) async fn read(
    session: &Session,
    names: &[(String, String)],
) -> Result<Sizes, DbFailure> {
    if names.is_empty() {
        return Ok(Sizes::default());
    }
    let list = serde_json::json!(names).to_string();
    let asked = session
        .query_long(include_str!("sql/sizes.sql"), &[Some(&list)])
        .await;
    let (rows, by_statistics) = match asked {
        Err(failure) if failure.kind() == Kind::LockTimeout => {
            let statistics = include_str!("sql/sizes_by_statistics.sql");
            (session.query_long(statistics, &[Some(&list)]).await?, true)
        }
        asked => (asked?, false),
    };
    let size = |row: &Row| {
        let at = usize::try_from(row.number(0)?).ok()?;
        let number = |at| {
            let number: f64 = row.get(at)?.parse().ok()?;
            (number >= 0.0).then_some(number as u64)
        };
        let size = Size {
            rows: number(2),
            bytes: number(3).unwrap_or_default(),
            indexes: number(4).unwrap_or_default(),
        };
        Some((names.get(at)?.clone(), size))
    };
    Ok(Sizes {
        by_name: rows.iter().filter_map(size).collect(),
        by_statistics,
    })
}
