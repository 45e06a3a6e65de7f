//! Consent before writing: protected environments, and targets that nobody typed.

use super::database::Database;
use super::error::CommandError;
use super::ui::Ui;
use crate::report::problem::Problem;
use crate::report::target::Target;

/// Returns whether [`consent`] asks before this database is written to.
pub fn is_asked_for(target: &Target, ambient: bool, yes: bool) -> bool {
    !yes && (target.protected || (ambient && !target.loopback))
}

/// Asks where asking is due; returns an error that says what to type where nobody can be asked.
pub fn consent(ui: &mut Ui, database: &Database, yes: bool) -> Result<(), CommandError> {
    let target = &database.target;
    if !is_asked_for(target, database.ambient, yes) {
        return Ok(());
    }
    if target.protected {
        let environment = target.environment.as_deref().unwrap_or("this environment");
        let question = format!(
            "{environment} is protected. Type the database's name to go on ({}):",
            target.database
        );
        return match ui.ask(&question) {
            Some(answer) if answer == target.database => Ok(()),
            Some(_) => Err(declined("the name does not match; nothing was changed")),
            None => Err(CommandError::refused(
                Problem::new(
                    "protected",
                    format!(
                        "environment {environment} is protected, and there is no terminal to ask on"
                    ),
                )
                .hint("give the consent in advance with --yes"),
            )),
        };
    }
    let question = format!(
        "The target comes from {} and is not on this machine. Go on? [y/N]",
        target.named_by
    );
    match ui.ask(&question).as_deref() {
        Some("y" | "Y" | "yes") => Ok(()),
        Some(_) => Err(declined("nothing was changed")),
        None => Err(CommandError::refused(
            Problem::new(
                "ambient-target",
                format!(
                    "the target comes from {} and is not on this machine, and there is no \
                         terminal to ask on",
                    target.named_by
                ),
            )
            .hint("name it with --database-url or --env, or give the consent with --yes"),
        )),
    }
}

fn declined(message: &str) -> CommandError {
    CommandError::refused(Problem::new("not-confirmed", message))
}
