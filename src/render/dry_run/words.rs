//! What a comment and a page both say, in the same words.

use std::collections::BTreeSet;

use crate::render::change::tally;
use crate::render::terminal::number::{counted, duration, time};
use crate::report::access::AccessEffect;
use crate::report::change::ChangeKind;
use crate::report::dry_run::{
    Basis, Blocks, DryRunReport, Forecast, HeldLock, Level, PreStateOrigin, WorkKind,
};

/// What comes of it in a few words, and how it is to be taken.
pub(super) fn verdict(report: &DryRunReport) -> (&'static str, Tone) {
    match report.forecast {
        Forecast::WouldApply if report.findings.is_empty() => ("Would apply", Tone::Good),
        Forecast::WouldApply => ("Would apply, with findings", Tone::Caution),
        Forecast::NothingToDo => ("Nothing to do", Tone::Good),
        Forecast::WouldFail => ("Would fail", Tone::Bad),
        Forecast::NotTried => ("Not tried", Tone::Caution),
    }
}

/// How something is to be taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tone {
    Good,
    Caution,
    Bad,
    Plain,
}

impl Tone {
    /// The class of the page that has its colour.
    pub(super) fn class(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Caution => "caution",
            Self::Bad => "bad",
            Self::Plain => "plain",
        }
    }
}

/// How much there is: `3 migrations, 12 statements`.
pub(super) fn amount(report: &DryRunReport) -> String {
    let statements = report.migrations.iter().map(|one| one.statements.len());
    format!(
        "{}, {}",
        counted(report.migrations.len(), "migration"),
        counted(statements.sum::<usize>(), "statement")
    )
}

/// Where the statements ran.
pub(super) fn place(report: &DryRunReport) -> String {
    match (&report.shadow, report.level) {
        (Some(shadow), _) => format!(
            "in a throw-away database on PostgreSQL {} ({})",
            shadow.server_version,
            shadow.shown()
        ),
        (None, Level::Rollback) => {
            "on the target, in a transaction that was rolled back".to_owned()
        }
        (None, _) => "nowhere: they are listed only".to_owned(),
    }
}

/// What was taken from an earlier dry run.
pub(super) fn earlier(report: &DryRunReport) -> Option<String> {
    let earlier = report.remembered.as_ref()?;
    Some(format!(
        "{} of {} in a dry run of {}, from the same state",
        earlier.migrations,
        counted(report.migrations.len(), "migration"),
        time(&earlier.at)
    ))
}

/// What the throw-away database was before the first statement.
pub(super) fn before(report: &DryRunReport) -> Option<(String, Tone)> {
    let before = report.before.as_ref()?;
    let made = match before.origin {
        PreStateOrigin::Empty => "an empty database".to_owned(),
        PreStateOrigin::History => {
            let number = counted(before.replayed, "applied migration");
            let when = if before.kept {
                " in an earlier dry run"
            } else {
                ""
            };
            format!("{number} run again{when}")
        }
        PreStateOrigin::Dump => "pg_dump of the target's schema".to_owned(),
    };
    Some(match (before.proven, before.differences.len()) {
        (true, _) => (
            format!("{made}; its catalog equals the target's"),
            Tone::Plain,
        ),
        (false, 0) => (
            format!("{made}; not compared with the target"),
            Tone::Caution,
        ),
        (false, number) => (
            format!(
                "{made}; not proven: the target differs in {}",
                counted(number, "object")
            ),
            Tone::Caution,
        ),
    })
}

/// One line of the summary: what it is about, what there is, and where it is told.
pub(super) struct Fact {
    pub(super) about: &'static str,
    pub(super) said: String,
    pub(super) tone: Tone,
    pub(super) section: &'static str,
}

/// The summary, in the order in which a reader has to decide.
pub(super) fn summary(report: &DryRunReport) -> Vec<Fact> {
    let mut facts = vec![locks(report), objects(report), access(report)];
    let (findings, unproved) = (report.findings.len(), report.unproved.len());
    if findings > 0 {
        facts.push(Fact {
            about: "Contract",
            said: match findings {
                1 => "1 breach".to_owned(),
                number => format!("{number} breaches"),
            },
            tone: Tone::Bad,
            section: "findings",
        });
    }
    facts.push(Fact {
        about: "Not proved",
        said: match unproved {
            0 => "nothing".to_owned(),
            number => counted(number, "statement"),
        },
        tone: if unproved > 0 {
            Tone::Caution
        } else {
            Tone::Plain
        },
        section: "unproved",
    });
    facts
}

fn locks(report: &DryRunReport) -> Fact {
    let of = |blocks: Blocks| {
        report
            .locks
            .iter()
            .filter(move |lock| lock.blocks == blocks)
    };
    let relations = |blocks: Blocks| {
        let relations: BTreeSet<&str> = of(blocks).map(|lock| &*lock.relation).collect();
        counted(relations.len(), "relation")
    };
    let longest = |blocks: Blocks| {
        let mut longest = None;
        for lock in of(blocks) {
            match lock.held.ms {
                // One that is not known may be the longest.
                None => return "unknown time".to_owned(),
                Some(ms) => longest = Some(longest.map_or(ms, |most: f64| most.max(ms))),
            }
        }
        format!("at most {}", duration(longest.unwrap_or_default()))
    };
    let mut said = Vec::new();
    let mut tone = Tone::Plain;
    for (blocks, what, its_tone) in [
        (Blocks::ReadsAndWrites, "reads and writes", Tone::Bad),
        (Blocks::Writes, "writes", Tone::Caution),
    ] {
        if of(blocks).next().is_some() {
            said.push(format!(
                "{what} of {} ({})",
                relations(blocks),
                longest(blocks)
            ));
            if tone == Tone::Plain {
                tone = its_tone;
            }
        }
    }
    Fact {
        about: "Has to wait",
        said: match (said.is_empty(), report.level) {
            (false, _) => said.join("; "),
            (true, Level::Sql) => "not known: the statements did not run".to_owned(),
            (true, _) => "nobody".to_owned(),
        },
        tone,
        section: "locks",
    }
}

fn objects(report: &DryRunReport) -> Fact {
    let mut changes = report.changes.iter();
    let is_removed = changes.any(|one| one.change == ChangeKind::Removed);
    Fact {
        about: "Objects",
        said: if report.changes.is_empty() {
            "no change".to_owned()
        } else {
            tally(report.changes.iter())
        },
        tone: if is_removed {
            Tone::Caution
        } else {
            Tone::Plain
        },
        section: "changes",
    }
}

fn access(report: &DryRunReport) -> Fact {
    let number = |effect: AccessEffect| {
        report
            .access
            .iter()
            .filter(|one| one.effect == effect)
            .count()
    };
    let (widened, changed) = (number(AccessEffect::Widened), number(AccessEffect::Changed));
    let said = format!(
        "{widened} widened, {changed} changed, {} narrowed",
        number(AccessEffect::Narrowed)
    );
    Fact {
        about: "Access",
        said: if report.access.is_empty() {
            "no change".to_owned()
        } else {
            said
        },
        tone: if widened + changed > 0 {
            Tone::Caution
        } else {
            Tone::Plain
        },
        section: "access",
    }
}

/// What a lock keeps waiting.
pub(super) fn blocks(blocks: Blocks) -> (&'static str, Tone) {
    match blocks {
        Blocks::ReadsAndWrites => ("reads and writes", Tone::Bad),
        Blocks::Writes => ("writes", Tone::Caution),
        Blocks::Nothing => ("nothing", Tone::Plain),
    }
}

/// How long a lock is held.
pub(super) fn held(lock: &HeldLock) -> String {
    match (lock.held.ms, lock.held.basis) {
        (Some(ms), Basis::Speed | Basis::History) => format!("about {}", duration(ms)),
        (Some(ms), _) => duration(ms),
        (None, _) => "unknown".to_owned(),
    }
}

/// What is done to rows meanwhile.
pub(super) fn work(all: &[WorkKind]) -> String {
    let words = all.iter().map(|work| match work {
        WorkKind::Rewrite => "rewrite",
        WorkKind::Scan => "scan",
        WorkKind::IndexBuild => "index build",
        WorkKind::Truncate => "truncate",
    });
    words.collect::<Vec<_>>().join(", ")
}

/// What the times rest on, each reason once.
pub(super) fn reasons(report: &DryRunReport) -> Vec<&str> {
    let mut told: Vec<&str> = Vec::new();
    for lock in &report.locks {
        if !told.contains(&lock.held.reason.as_str()) {
            told.push(&lock.held.reason);
        }
    }
    told
}

/// The last part of a path.
pub(super) fn file_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}
