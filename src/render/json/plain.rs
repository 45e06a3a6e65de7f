//! Documents that are the report as it stands.

use super::pretty;
use crate::report::config::ConfigReport;
use crate::report::diagram::DiagramReport;
use crate::report::run::RecordReport;

/// Returns the document of `evmig baseline` and `evmig repair`.
pub fn record(report: &RecordReport) -> String {
    pretty(report)
}

/// Returns the document of `evmig config`.
pub fn config(report: &ConfigReport) -> String {
    pretty(report)
}

/// Returns the document of `evmig diagram`.
pub fn diagram(report: &DiagramReport) -> String {
    pretty(report)
}
