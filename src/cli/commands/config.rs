//! `evmig config`

use clap::Args;

use super::Context;
use crate::cli::error::CommandError;
use crate::cli::exit::Exit;
use crate::cli::settings::{ApplySettings, LockArgs};
use crate::cli::target::{Reach, TargetError};
use crate::pg::params::{Origin, Parameters};
use crate::project::Project;
use crate::render::{json, terminal};
use crate::report::config::{ConfigReport, Setting};

/// Show each setting, its value, and where it comes from
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  evmig config --env production")]
pub struct ConfigArgs {}

/// Runs the command.
pub fn run(_args: &ConfigArgs, context: &mut Context<'_>) -> Result<Exit, CommandError> {
    let project = context.project()?;
    let mut settings = project_settings(context, &project);
    settings.extend(target_settings(context, &project)?);
    let apply = ApplySettings::resolve(
        &LockArgs::default(),
        None,
        &context.environment,
        &project.manifest,
    )?;
    settings.extend(apply.shown());
    let report = ConfigReport {
        schema: ConfigReport::SCHEMA,
        settings,
    };
    let text = if context.ui.is_json() {
        json::config(&report)
    } else {
        terminal::config(&report, context.ui.look())
    };
    context.ui.result(&text);
    Ok(Exit::Done)
}

fn setting(name: &str, value: impl Into<String>, source: impl Into<String>) -> Setting {
    Setting {
        name: name.to_owned(),
        value: value.into(),
        source: source.into(),
    }
}

fn project_settings(context: &Context<'_>, project: &Project) -> Vec<Setting> {
    let manifest = &project.manifest;
    let line = |span| format!("phases.toml:{}", manifest.place(span).line);
    let root_source = if context.global.directory.is_some() {
        "flag -C"
    } else {
        "phases.toml found upwards"
    };
    let schema = &manifest.project.history_schema;
    let mut settings = vec![
        setting(
            "project.root",
            project.root.dir().display().to_string(),
            root_source,
        ),
        setting(
            "project.name",
            &manifest.project.name.value,
            line(manifest.project.name.span),
        ),
        setting(
            "project.history_schema",
            &schema.value,
            schema.span.map_or_else(|| "default".to_owned(), line),
        ),
    ];
    if let Some(name) = &manifest.project.default_environment {
        settings.push(setting(
            "project.default_environment",
            &name.value,
            line(name.span),
        ));
    }
    settings
}

/// The target and libpq's keywords; that nothing names a target is worth showing too.
fn target_settings(context: &Context<'_>, project: &Project) -> Result<Vec<Setting>, CommandError> {
    let chosen = match crate::cli::target::choose(
        &context.global,
        &context.environment,
        Some(&project.manifest),
    ) {
        Ok(chosen) => chosen,
        // Somebody has named it, and should hear what the names are.
        Err(error @ TargetError::UnknownEnvironment { .. }) => {
            return Err(CommandError::target(&error));
        }
        Err(error) => return Ok(vec![setting("target", format!("none: {error}"), "")]),
    };
    let mut settings = vec![match &chosen.environment {
        Some(name) => setting("target.environment", name, &chosen.named_by),
        None => setting("target", "a connection string", &chosen.named_by),
    }];
    if chosen.protected {
        settings.push(setting("target.protected", "true", "phases.toml"));
    }
    match &chosen.reach {
        Reach::Embedded => settings.push(setting("target.url", "embedded", &chosen.url_source)),
        Reach::Server(parameters) => {
            settings.extend(connection_settings(context, parameters, &chosen.url_source));
        }
    }
    Ok(settings)
}

fn connection_settings(
    context: &Context<'_>,
    parameters: &Parameters,
    url_source: &str,
) -> Vec<Setting> {
    parameters
        .display()
        .iter()
        .map(|shown| {
            let source = match &shown.origin {
                Origin::Variable(name) => context
                    .environment
                    .find(name)
                    .map_or_else(|| format!("environment {name}"), |found| found.source),
                Origin::ConnectionString => url_source.to_owned(),
                other => other.to_string(),
            };
            setting(
                &format!("connection.{}", shown.keyword),
                &shown.value,
                source,
            )
        })
        .collect()
}
