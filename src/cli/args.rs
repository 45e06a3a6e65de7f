//! What can be typed: global flags and the commands.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use super::commands::{
    apply::ApplyArgs, backup::BackupArgs, baseline::BaselineArgs, completions::CompletionsArgs,
    config::ConfigArgs, db::DbArgs, diagram::DiagramArgs, diff::DiffArgs, history::HistoryArgs,
    init::InitArgs, kept::KeptArgs, man::ManArgs, new::NewArgs, plan::PlanArgs, repair::RepairArgs,
    rollback::RollbackArgs, seed::SeedArgs, snapshot::SnapshotArgs, status::StatusArgs,
    triggers::TriggersArgs,
};

/// Deploy PostgreSQL schemas in phases, and take them back
#[derive(Debug, Parser)]
#[command(
    name = "evmig",
    version,
    propagate_version = true,
    subcommand_required = true,
    arg_required_else_help = true,
    after_help = "Example:\n  evmig init && evmig new first_table --phase 1 && evmig apply\n\n\
                  Exit codes: 0 done, 1 failed and nothing changed, 2 usage or project error,\n\
                  3 failed and partly done, 4 findings or pending, 5 refused, 6 lock not obtained,\n\
                  7 divergent or missing files, 8 outcome unknown, 130 interrupted"
)]
pub struct Cli {
    /// Flags of every command.
    #[command(flatten)]
    pub global: GlobalArgs,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// Flags of every command
#[derive(Debug, Clone, Args)]
pub struct GlobalArgs {
    /// Use the project in DIR instead of looking for phases.toml upwards from here
    #[arg(
        short = 'C',
        value_name = "DIR",
        global = true,
        help_heading = "Project"
    )]
    pub directory: Option<PathBuf>,
    /// Connect to the database of this environment in phases.toml
    #[arg(long, value_name = "NAME", global = true, help_heading = "Target")]
    pub env: Option<String>,
    /// Connect to this database: a URL or a libpq connection string
    #[arg(
        long,
        value_name = "URL",
        global = true,
        help_heading = "Target",
        conflicts_with = "env"
    )]
    pub database_url: Option<String>,
    /// Print the result for people or for programs
    #[arg(
        long,
        value_enum,
        value_name = "human|json",
        default_value_t,
        hide_possible_values = true,
        global = true,
        help_heading = "Output"
    )]
    pub format: Format,
    /// Use colour: on a terminal, always, or never (`NO_COLOR` is heeded)
    #[arg(
        long,
        value_enum,
        value_name = "auto|always|never",
        default_value_t,
        hide_possible_values = true,
        global = true,
        help_heading = "Output"
    )]
    pub color: Color,
    /// Print errors and results only
    #[arg(
        short,
        long,
        global = true,
        help_heading = "Output",
        conflicts_with = "verbose"
    )]
    pub quiet: bool,
    /// Print more: -v details, -vv what is sent
    #[arg(short, long, action = clap::ArgAction::Count, global = true, help_heading = "Output")]
    pub verbose: u8,
}

/// For whom the result is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum Format {
    /// For people
    #[default]
    Human,
    /// One JSON document
    Json,
    /// A drawing
    Svg,
    /// A diagram in Mermaid's words
    Mermaid,
    /// A comment on a pull request
    Markdown,
    /// A page
    Html,
}

impl Format {
    /// Returns the word that is typed for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Human => "human",
            Self::Json => "json",
            Self::Svg => "svg",
            Self::Mermaid => "mermaid",
            Self::Markdown => "markdown",
            Self::Html => "html",
        }
    }
}

/// When colour is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum Color {
    /// On a terminal, unless `NO_COLOR` is set
    #[default]
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

/// The commands, in the order of a project's life.
#[derive(Debug, Subcommand)]
#[expect(
    missing_docs,
    reason = "a command's help is the doc comment of its arguments"
)]
pub enum Command {
    Init(InitArgs),
    New(NewArgs),
    Status(StatusArgs),
    Plan(PlanArgs),
    Apply(ApplyArgs),
    Rollback(RollbackArgs),
    History(HistoryArgs),
    Baseline(BaselineArgs),
    Repair(RepairArgs),
    Triggers(TriggersArgs),
    Kept(KeptArgs),
    Diff(DiffArgs),
    Snapshot(SnapshotArgs),
    Seed(SeedArgs),
    Diagram(DiagramArgs),
    Backup(BackupArgs),
    Config(ConfigArgs),
    Db(DbArgs),
    Completions(CompletionsArgs),
    Man(ManArgs),
}

impl Command {
    const OF_DRY_RUNS: &'static [Format] =
        &[Format::Human, Format::Json, Format::Markdown, Format::Html];

    /// Returns the formats that its result can have.
    pub fn formats(&self) -> &'static [Format] {
        match self {
            Self::Diagram(_) => &[Format::Svg, Format::Mermaid, Format::Json],
            Self::Diff(_) => &[Format::Human, Format::Json, Format::Markdown],
            Self::Plan(_) => Self::OF_DRY_RUNS,
            Self::Apply(args) if args.dry_run.is_some() => Self::OF_DRY_RUNS,
            _ => &[Format::Human, Format::Json],
        }
    }
}

/// Consent that is given in advance.
#[derive(Debug, Clone, Copy, Args)]
pub struct ConsentArgs {
    /// Do not ask, also on a protected environment
    #[arg(long, short)]
    pub yes: bool,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    #[test]
    fn no_two_arguments_are_in_each_others_way() {
        super::Cli::command().debug_assert();
    }
}
