//! `evmig triggers`: triggers off and back, for repairs by hand and restores by other tools.

use std::time::Duration;

use clap::{Args, Subcommand};

use super::Context;
use crate::cli::database::{Database, runtime};
use crate::cli::error::{CommandError, of_run, of_triggers};
use crate::cli::exit::Exit;
use crate::cli::own_run::RunArgs;
use crate::clock;
use crate::render::{json, terminal};
use crate::report::problem::Problem;
use crate::report::triggers::{
    KeyReport, TriggerReport, TriggerStanding, TriggersAction, TriggersReport,
};
use crate::runner::bracket::{Closed, ForeignKey, State, Trigger};
use crate::runner::open::open;
use crate::runner::own_work::Listeners;
use crate::runner::triggers::{Found, TriggersError, TriggersRequest, disable, enable, found};
use crate::sql::name::QualifiedName;
use crate::sql::typed_name::typed_name;

/// Switch a table's triggers off, and give each its own state back
///
/// For repairs by hand and restores by other tools. The states are remembered in the database, in
/// the transaction that switches: they come back from any machine, also after a crash. While triggers
/// are off, every session writes without them; `evmig status` and `evmig apply` say so.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  evmig triggers disable events orders\n  evmig triggers status\n  \
                  evmig triggers enable"
)]
pub struct TriggersArgs {
    /// What to do with them.
    #[command(subcommand)]
    pub command: TriggersCommand,
}

/// What can be done with triggers.
#[derive(Debug, Subcommand)]
pub enum TriggersCommand {
    /// Show which triggers are off, since when and by whom
    #[command(after_help = "Example:\n  evmig triggers status --exit-code")]
    Status {
        /// Exit with 4 if any trigger is off, or the ledger and the database do not agree
        #[arg(long)]
        exit_code: bool,
    },
    /// Switch the triggers of tables, their partitions and their heirs off
    #[command(after_help = "Examples:\n  evmig triggers disable events orders\n  \
                      evmig triggers disable audit.log --system-triggers --env staging")]
    Disable {
        /// Tables, with their schemas where the search path does not find them
        #[arg(value_name = "TABLE", required = true)]
        tables: Vec<String>,
        /// Switch the triggers of foreign keys and deferrable unique keys, too (superuser)
        #[arg(long)]
        system_triggers: bool,
        /// How it is run.
        #[command(flatten)]
        run: RunArgs,
    },
    /// Give triggers the states back that they had, and prove the tables' foreign keys
    #[command(
        after_help = "Examples:\n  evmig triggers enable\n  evmig triggers enable orders\n  \
                      evmig triggers enable --even-if-violated --reason 'orphans go with #4711'"
    )]
    Enable {
        /// Tables; without any, all triggers that are off by the ledger
        #[arg(value_name = "TABLE")]
        tables: Vec<String>,
        /// Also where foreign keys do not hold: they are told
        #[arg(long, requires = "reason")]
        even_if_violated: bool,
        /// Why; the ledger keeps it
        #[arg(long, value_name = "TEXT", requires = "even_if_violated")]
        reason: Option<String>,
        /// How it is run.
        #[command(flatten)]
        run: RunArgs,
    },
}

/// Runs the command.
pub fn run(args: &TriggersArgs, context: &mut Context<'_>) -> Result<Exit, CommandError> {
    runtime()?.block_on(async {
        match &args.command {
            TriggersCommand::Status { exit_code } => status(*exit_code, context).await,
            TriggersCommand::Disable {
                tables,
                system_triggers,
                run,
            } => {
                let change = Change::Disable {
                    system_triggers: *system_triggers,
                };
                change.run(tables, run, context).await
            }
            TriggersCommand::Enable {
                tables,
                reason,
                run,
                ..
            } => {
                let even_if_violated = reason.as_deref();
                if even_if_violated.is_some_and(|reason| reason.trim().is_empty()) {
                    return Err(CommandError::usage(
                        Problem::new("no-reason", "the reason is empty")
                            .hint("whoever finds the violation later wants to know why"),
                    ));
                }
                let change = Change::Enable { even_if_violated };
                change.run(tables, run, context).await
            }
        }
    })
}

async fn status(exit_code: bool, context: &mut Context<'_>) -> Result<Exit, CommandError> {
    let (root, manifest) = context.manifest()?;
    let database = context.database(&root, &manifest).await?;
    let run_context = context.run_context(&database, "triggers status");
    let opened = open(&database.opening(&clock::run_id(), false))
        .await
        .map_err(|error| of_run(&error, &run_context))?;
    let found = found(&opened.session, &database.history_schema)
        .await
        .map_err(|error| of_triggers(&error, &run_context))?;
    opened.session.close(Duration::from_secs(1)).await;
    let report = TriggersReport {
        triggers: found.iter().map(found_report).collect(),
        ..report(TriggersAction::Status, database)
    };
    show(&report, context);
    Ok(if exit_code && !report.triggers.is_empty() {
        Exit::Findings
    } else {
        Exit::Done
    })
}

/// A command that changes something.
#[derive(Debug, Clone, Copy)]
enum Change<'a> {
    Disable { system_triggers: bool },
    Enable { even_if_violated: Option<&'a str> },
}

impl Change<'_> {
    async fn run(
        self,
        tables: &[String],
        args: &RunArgs,
        context: &mut Context<'_>,
    ) -> Result<Exit, CommandError> {
        let names = table_names(tables)?;
        let (mut agreed, own) = args.agree(context).await?;
        let run = own.run.clone();
        let request = TriggersRequest {
            own,
            tables: &names,
        };
        let run_context = context.run_context(&agreed.database, self.again(tables));
        let work = async |listeners: &mut Listeners<'_>| self.done(&request, listeners).await;
        let outcome = agreed.told(context, work).await;
        let database = agreed.database;
        let mut report = match outcome {
            Ok(changed) => TriggersReport {
                run: (!changed.triggers.is_empty()).then_some(run),
                ..changed.report(self.action(), database)
            },
            Err(error) => {
                let error = of_triggers(&error, &run_context);
                if context.ui.is_json() {
                    let mut report = report(self.action(), database);
                    report.error = error.problems().first().cloned();
                    show(&report, context);
                    return Err(error.reported());
                }
                return Err(error);
            }
        };
        report.triggers.iter_mut().for_each(|one| {
            one.run.clone_from(&report.run);
        });
        show(&report, context);
        Ok(Exit::Done)
    }

    async fn done(
        self,
        request: &TriggersRequest<'_>,
        listeners: &mut Listeners<'_>,
    ) -> Result<Changed, TriggersError> {
        match self {
            Self::Disable { system_triggers } => {
                let switched = disable(request, system_triggers, listeners).await?;
                let triggers = switched.iter().map(|one| of(one, TriggerStanding::Off));
                Ok(Changed {
                    triggers: triggers.collect(),
                    closed: Closed::default(),
                })
            }
            Self::Enable { even_if_violated } => {
                let closed = enable(request, even_if_violated, listeners).await?;
                let back = closed.restored.iter();
                let back = back.map(|one| of(one, TriggerStanding::Restored));
                let gone = closed.gone.iter().map(|one| of(one, TriggerStanding::Gone));
                Ok(Changed {
                    triggers: back.chain(gone).collect(),
                    closed,
                })
            }
        }
    }

    fn action(self) -> TriggersAction {
        match self {
            Self::Disable { .. } => TriggersAction::Disable,
            Self::Enable { .. } => TriggersAction::Enable,
        }
    }

    /// Returns the command as it is to be typed again; consent is to be given anew.
    fn again(self, tables: &[String]) -> String {
        let (verb, flag) = match self {
            Self::Disable { system_triggers } => (
                "disable",
                if system_triggers {
                    " --system-triggers"
                } else {
                    ""
                },
            ),
            Self::Enable { .. } => ("enable", ""),
        };
        let tables: Vec<String> = tables.iter().map(|table| format!(" {table}")).collect();
        format!("triggers {verb}{}{flag}", tables.concat())
    }
}

/// What was changed.
struct Changed {
    triggers: Vec<TriggerReport>,
    closed: Closed,
}

impl Changed {
    fn report(self, action: TriggersAction, database: Database) -> TriggersReport {
        let keys = self.closed.keys;
        let exempt = keys.exempt.iter().filter_map(exempt);
        let violated = keys.violated.iter().map(|one| KeyReport {
            key: one.key.to_string(),
            why: one.to_string(),
        });
        let doubled = keys.doubled.iter().map(|one| KeyReport {
            key: one.constraint.clone(),
            why: one.to_string(),
        });
        let unproved = keys.unproved.map(|why| KeyReport {
            key: String::new(),
            why,
        });
        TriggersReport {
            triggers: self.triggers,
            keys_proved: keys.proved.len(),
            keys_violated: violated.chain(doubled).collect(),
            keys_not_proved: exempt.chain(unproved).collect(),
            ..report(action, database)
        }
    }
}

fn exempt(key: &ForeignKey) -> Option<KeyReport> {
    let why = key.exempt?.as_str().to_owned();
    let key = key.to_string();
    Some(KeyReport { key, why })
}

fn table_names(texts: &[String]) -> Result<Vec<QualifiedName>, CommandError> {
    let name = |text: &String| {
        typed_name(text).ok_or_else(|| {
            CommandError::usage(
                Problem::new(
                    "bad-table-name",
                    format!("`{text}` is not the name of a table"),
                )
                .hint("write it as in SQL: events, public.events, or '\"My Table\"'"),
            )
        })
    };
    texts.iter().map(name).collect()
}

/// Makes a report with nothing in it yet.
fn report(action: TriggersAction, database: Database) -> TriggersReport {
    TriggersReport {
        schema: TriggersReport::SCHEMA,
        action,
        target: database.target,
        run: None,
        triggers: Vec::new(),
        keys_proved: 0,
        keys_violated: Vec::new(),
        keys_not_proved: Vec::new(),
        error: None,
    }
}

fn show(report: &TriggersReport, context: &mut Context<'_>) {
    let text = if context.ui.is_json() {
        json::triggers(report)
    } else {
        terminal::triggers(report, context.ui.look())
    };
    context.ui.result(&text);
}

fn word(state: State) -> Option<&'static str> {
    match state {
        State::Origin => Some("origin"),
        State::Replica => Some("replica"),
        State::Always => Some("always"),
        State::Disabled => None,
    }
}

fn of(trigger: &Trigger, standing: TriggerStanding) -> TriggerReport {
    TriggerReport {
        table: trigger.table.to_string(),
        name: trigger.name.clone(),
        standing,
        state: word(trigger.state),
        of_system: trigger.of_system,
        since: None,
        run: None,
        actor: None,
    }
}

fn found_report(found: &Found) -> TriggerReport {
    let standing = match (&found.ledger, found.now) {
        (None, _) => TriggerStanding::OffUnknown,
        (Some(_), None) => TriggerStanding::Gone,
        (Some(_), Some(State::Disabled)) => TriggerStanding::Off,
        (Some(_), Some(_)) => TriggerStanding::OnAgain,
    };
    let ledger = found.ledger.as_ref();
    let before = ledger.and_then(|off| State::from_letter(&off.state));
    TriggerReport {
        table: found.table.to_string(),
        name: found.trigger.clone(),
        standing,
        state: before.and_then(word),
        of_system: found.of_system,
        since: ledger.map(|off| off.at.clone()),
        run: ledger.map(|off| off.run.clone()),
        actor: ledger.map(|off| off.actor.clone()),
    }
}
