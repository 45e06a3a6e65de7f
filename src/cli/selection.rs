//! Which migrations a command is about: flags that `apply` and `plan` share, and what they come to.

use clap::Args;

use crate::plan::choose::Selection;
use crate::plan::saved::PlannedSelection;
use crate::project::Selector;

/// What of the pending migrations.
#[derive(Debug, Clone, Default, Args)]
pub struct SelectionArgs {
    /// Take this phase only, by number or name; may be given several times
    #[arg(long, value_name = "N|NAME")]
    pub phase: Vec<String>,
    /// Take this step of the phases only
    #[arg(long, value_name = "NAME")]
    pub step: Option<String>,
    /// Go up to and including this version
    #[arg(long, value_name = "VERSION")]
    pub to: Option<i64>,
    /// Take an older version that was merged late, too
    #[arg(long)]
    pub out_of_order: bool,
}

impl SelectionArgs {
    /// Returns what is selected, for a database of this environment.
    pub fn selection(&self, environment: Option<&String>) -> Selection {
        Selection {
            phases: self
                .phase
                .iter()
                .map(|phase| Selector::parse(phase))
                .collect(),
            step: self.step.clone(),
            to: self.to,
            out_of_order: self.out_of_order,
            environment: environment.cloned(),
        }
    }

    /// Returns the words that select the same again.
    pub fn words(&self) -> Vec<String> {
        let mut words: Vec<String> = self
            .phase
            .iter()
            .map(|phase| format!("--phase {phase}"))
            .collect();
        words.extend(self.step.iter().map(|step| format!("--step {step}")));
        words.extend(self.to.map(|to| format!("--to {to}")));
        words.extend(self.out_of_order.then(|| "--out-of-order".to_owned()));
        words
    }
}

impl From<&PlannedSelection> for SelectionArgs {
    fn from(planned: &PlannedSelection) -> Self {
        Self {
            phase: planned.phases.clone(),
            step: planned.step.clone(),
            to: planned.to,
            out_of_order: planned.out_of_order,
        }
    }
}
