//! The `[environments.NAME]` tables.

use std::collections::BTreeMap;
use std::time::Duration;

use super::super::nearest::nearest;
use super::super::span::{Sited, Span};
use super::fault::ManifestFault;
use super::model::{Environment, Target};
use super::reader::{Reader, Section};
use super::redact;

/// libpq's six modes.
pub const SSLMODES: [&str; 6] = [
    "disable",
    "allow",
    "prefer",
    "require",
    "verify-ca",
    "verify-full",
];

const KEYS: [&str; 6] = [
    "url",
    "url_env",
    "protected",
    "sslmode",
    "backup_max_age",
    "require_plan",
];

/// Reads all environments.
pub(super) fn read(reader: &mut Reader, root: &Section<'_, '_>) -> BTreeMap<String, Environment> {
    let mut environments = BTreeMap::new();
    let Some(value) = root.get("environments") else {
        return environments;
    };
    let Some(all) = reader.table("environments", "[environments]".to_owned(), value) else {
        return environments;
    };
    for (key, value) in all.table {
        let name = Sited::new(key.get_ref().to_string(), key.span().into());
        let sound = reader.check_name("environment", &name);
        let title = format!("[environments.{}]", name.escape_debug());
        let Some(section) = reader.table(&name, title, value) else {
            continue;
        };
        let environment = read_one(reader, &name, &section);
        if let (true, Some(environment)) = (sound, environment) {
            environments.insert(name.value, environment);
        }
    }
    environments
}

fn read_one(
    reader: &mut Reader,
    name: &Sited<String>,
    section: &Section<'_, '_>,
) -> Option<Environment> {
    reader.only(section, &KEYS);
    let protected = reader.boolean(section, "protected").unwrap_or(false);
    let require_plan = reader.boolean(section, "require_plan").unwrap_or(false);
    let sslmode = read_sslmode(reader, section);
    let backup_max_age = read_max_age(reader, name, section, protected);
    let target = read_target(reader, name, section)?;
    Some(Environment {
        name: name.value.clone(),
        target,
        protected,
        require_plan,
        backup_max_age,
        sslmode,
        span: name.span,
    })
}

/// Only runs on protected environments look for a backup: elsewhere the key would do nothing.
fn read_max_age(
    reader: &mut Reader,
    name: &Sited<String>,
    section: &Section<'_, '_>,
    protected: bool,
) -> Option<Duration> {
    let age = reader.duration(section, "backup_max_age")?;
    if !protected {
        let environment = name.value.clone();
        reader.error(
            age.span,
            ManifestFault::UnprotectedBackupAge { environment },
        );
        return None;
    }
    age.value
}

fn read_sslmode(reader: &mut Reader, section: &Section<'_, '_>) -> Option<Sited<String>> {
    let sslmode = reader.string(section, "sslmode")?;
    if SSLMODES.contains(&sslmode.as_str()) {
        return Some(sslmode);
    }
    reader.error(
        sslmode.span,
        ManifestFault::Unknown {
            what: "sslmode",
            nearest: nearest(&sslmode, SSLMODES),
            name: sslmode.value,
            valid: SSLMODES.map(str::to_owned).to_vec(),
        },
    );
    None
}

fn read_target(
    reader: &mut Reader,
    name: &Sited<String>,
    section: &Section<'_, '_>,
) -> Option<Target> {
    let environment = name.value.clone();
    match (section.get("url"), section.get("url_env")) {
        (None, None) => {
            reader.error(name.span, ManifestFault::NoTarget { environment });
            None
        }
        (Some(_), Some(second)) => {
            let span = second.span().into();
            reader.error(span, ManifestFault::TwoTargets { environment });
            // Both are still looked at: a password in either must not wait for the next run.
            let _url = read_url(reader, section);
            let _variable = read_variable(reader, section);
            None
        }
        (Some(_), None) => read_url(reader, section),
        (None, Some(_)) => read_variable(reader, section),
    }
}

fn read_url(reader: &mut Reader, section: &Section<'_, '_>) -> Option<Target> {
    let url = reader.string(section, "url")?;
    if url.value == "embedded" {
        return Some(Target::Embedded);
    }
    let is_url = ["postgres://", "postgresql://"]
        .iter()
        .any(|scheme| url.starts_with(scheme));
    if redact::has_password(&url) {
        reader.error(url.span, ManifestFault::PasswordInUrl);
        None
    } else if !is_url || url.chars().any(char::is_whitespace) {
        reader.error(url.span, ManifestFault::NotAUrl);
        None
    } else {
        Some(Target::Url(url))
    }
}

fn read_variable(reader: &mut Reader, section: &Section<'_, '_>) -> Option<Target> {
    let variable = reader.string(section, "url_env")?;
    if is_variable(&variable) {
        return Some(Target::UrlEnv(variable));
    }
    let found = if variable.contains("://") || variable.contains('@') {
        "not a URL: put the URL into a variable and its name here"
    } else if variable.starts_with('$') {
        "without the `$`"
    } else {
        "which has letters, digits and `_` only and does not begin with a digit"
    };
    let span: Span = variable.span;
    reader.error_without_value(span, ManifestFault::NotAVariable { found });
    None
}

/// Returns whether a text can be a variable's name (POSIX: letters, digits, `_`).
fn is_variable(text: &str) -> bool {
    !text.starts_with(|c: char| c.is_ascii_digit())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}
