//! How fast rows were read, written anew and indexed on the target itself, in earlier runs.

use crate::history::speeds::{Remembered, SpeedLedger};
use crate::pg::session::Session;
use crate::report::dry_run::{DryRunReport, WorkKind};
use crate::report::problem::Problem;

/// So many of the newest of a class count: tables grow, and machines change.
const NEWEST: usize = 10;
/// Migrations that are named.
const NAMED: usize = 2;

/// What earlier runs took, newest first.
#[derive(Debug, Clone, Default)]
pub(super) struct Past(Vec<Remembered>);

/// A speed that was measured on the target.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Pace {
    /// Bytes in a millisecond.
    pub(super) speed: f64,
    /// On what it was measured: `3 index builds of 2.1 GB in all (V12__a, V13__b and more)`.
    pub(super) told: String,
}

/// Reads what the history remembers. Where it may not be read, that is told.
pub(super) async fn read(
    session: &Session,
    history_schema: &str,
    report: &mut DryRunReport,
) -> Past {
    match SpeedLedger::new(history_schema).newest(session).await {
        Ok(passes) => Past(passes),
        Err(error) => {
            let message = "how long earlier runs took on the target could not be read";
            let source = std::error::Error::source(&error).map(ToString::to_string);
            report.notes.push(
                Problem::new("speeds-unreadable", message)
                    .detail(source.unwrap_or_else(|| error.to_string()))
                    .hint("estimates rest on the speed of the throw-away server instead"),
            );
            Past::default()
        }
    }
}

impl Past {
    /// Returns the speed of a kind of work, where it is remembered.
    pub(super) fn of(&self, work: WorkKind) -> Option<Pace> {
        let passes = self.0.iter().filter(|pass| pass.work == work);
        let passes: Vec<_> = passes.take(NEWEST).collect();
        let bytes: u64 = passes.iter().map(|pass| pass.bytes).sum();
        let ms: u64 = passes.iter().map(|pass| pass.ms).sum();
        if ms == 0 {
            return None;
        }
        let mut labels: Vec<&str> = passes.iter().map(|pass| pass.label.as_str()).collect();
        labels.dedup();
        let more = if labels.len() > NAMED {
            " and more"
        } else {
            ""
        };
        labels.truncate(NAMED);
        let count = passes.len();
        Some(Pace {
            speed: bytes as f64 / ms as f64,
            told: format!(
                "{count} {}{} of {}{} ({}{more})",
                word(work),
                if count == 1 { "" } else { "s" },
                size(bytes),
                if count == 1 { "" } else { " in all" },
                labels.join(", ")
            ),
        })
    }
}

/// Returns what a kind of work is called.
pub(super) fn word(work: WorkKind) -> &'static str {
    match work {
        WorkKind::Rewrite => "rewrite",
        WorkKind::Scan => "scan",
        WorkKind::IndexBuild => "index build",
        WorkKind::Truncate => "truncation",
    }
}

fn size(bytes: u64) -> String {
    const UNITS: [&str; 4] = ["kB", "MB", "GB", "TB"];
    let mut amount = bytes as f64 / 1024.0;
    let mut units = UNITS.into_iter();
    let mut unit = units.next().unwrap_or_default();
    for next in units {
        if amount < 1000.0 {
            break;
        }
        amount /= 1024.0;
        unit = next;
    }
    if amount < 10.0 {
        format!("{amount:.1} {unit}")
    } else {
        format!("{amount:.0} {unit}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_of_a_class_make_its_speed() {
        let pass = |label: &str, work, bytes, ms| Remembered {
            label: label.to_owned(),
            work,
            bytes,
            ms,
        };
        let mut passes = vec![
            pass("V3__c", WorkKind::IndexBuild, 3 << 30, 2000),
            pass("V3__c", WorkKind::IndexBuild, 1 << 30, 1000),
            pass("V2__b", WorkKind::Scan, 300 << 10, 1500),
            pass("V1__a", WorkKind::IndexBuild, 1 << 30, 1000),
        ];
        let pace = Past(passes.clone()).of(WorkKind::IndexBuild).unwrap();
        assert_eq!(pace.told, "3 index builds of 5.0 GB in all (V3__c, V1__a)");
        let expected = (5_u64 << 30) as f64 / 4000.0;
        assert!((pace.speed - expected).abs() < 1.0, "{}", pace.speed);
        let scan = Past(passes.clone()).of(WorkKind::Scan).unwrap();
        assert_eq!(scan.told, "1 scan of 300 kB (V2__b)");
        assert_eq!(Past(passes.clone()).of(WorkKind::Rewrite), None);
        let old = pass("V0__z", WorkKind::IndexBuild, 1, 1_000_000);
        passes.splice(0..0, vec![passes[0].clone(); NEWEST]);
        passes.push(old);
        let pace = Past(passes).of(WorkKind::IndexBuild).unwrap();
        assert!(pace.speed > 1_000_000.0, "{}", pace.speed);
    }
}
