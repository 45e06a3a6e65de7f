//! The project as far as it can be had: a rollback needs none, and must not be stopped by a broken one.

use std::path::Path;

use super::commands::Context;
use super::database::Database;
use super::error::CommandError;
use super::target::{self, Reach};
use crate::project::{Manifest, Project, Root, load, load_manifest};
use crate::report::problem::Problem;

/// What the working directory has of a project.
#[derive(Debug)]
pub struct Checkout {
    /// Its root.
    pub root: Option<Root>,
    /// Its `phases.toml`.
    pub manifest: Option<Manifest>,
    /// All of it, if it is sound.
    pub project: Option<Project>,
    /// The history's schema.
    pub history_schema: String,
    /// Why there is no sound project.
    broken: Option<String>,
}

impl Checkout {
    /// Returns its manifest, or one with every setting at its default.
    pub fn manifest_or_defaults(&self) -> Manifest {
        self.manifest.clone().unwrap_or_else(Manifest::absent)
    }

    /// Says why no files can be looked at; `None` where they can.
    pub fn why_no_project(&self) -> Option<&str> {
        self.broken.as_deref()
    }
}

impl Context<'_> {
    /// Reads what can be read of a project. A directory that was named must be one.
    pub fn checkout(&mut self, history_schema: Option<&str>) -> Result<Checkout, CommandError> {
        let root = match &self.global.directory {
            Some(_) => Some(self.root()?),
            None => match Root::find(Path::new(".")) {
                Ok(_) => Some(self.root()?),
                Err(_) => None,
            },
        };
        let (mut manifest, mut project) = (None, None);
        let mut broken = None;
        if let Some(root) = &root {
            match load(root) {
                Ok(loaded) => {
                    manifest = Some(loaded.manifest.clone());
                    project = Some(loaded);
                }
                Err(errors) => {
                    manifest = load_manifest(root).ok();
                    broken = errors.as_slice().first().map(|error| {
                        CommandError::project(std::slice::from_ref(error)).problems()[0]
                            .message
                            .clone()
                    });
                }
            }
        } else {
            broken = Some("there is no phases.toml here or above".to_owned());
        }
        if let (Some(why), true) = (&broken, root.is_some()) {
            let problem = Problem::new(
                "project-unreadable",
                "the project cannot be read: what the history stored is used instead",
            );
            self.ui.warn(&problem.detail(why.clone()));
        }
        let of_manifest = manifest
            .as_ref()
            .map(|manifest| manifest.project.history_schema.value.clone());
        Ok(Checkout {
            root,
            history_schema: history_schema
                .map(str::to_owned)
                .or(of_manifest)
                .unwrap_or_else(|| Manifest::absent().project.history_schema.value),
            manifest,
            project,
            broken,
        })
    }

    /// Chooses the target, with or without a project.
    pub async fn database_of(&mut self, checkout: &Checkout) -> Result<Database, CommandError> {
        let database = if let (Some(root), Some(manifest)) = (&checkout.root, &checkout.manifest) {
            self.database(root, manifest).await?
        } else {
            let chosen = target::choose(&self.global, &self.environment, None)
                .map_err(|error| CommandError::target(&error))?;
            let Reach::Server(parameters) = &chosen.reach else {
                // Only an environment of a phases.toml is embedded.
                return Err(CommandError::target(&target::TargetError::Nothing));
            };
            Database {
                target: target::shown(&chosen, parameters),
                parameters: (**parameters).clone(),
                ambient: chosen.ambient,
                history_schema: String::new(),
            }
        };
        Ok(Database {
            history_schema: checkout.history_schema.clone(),
            ..database
        })
    }
}
