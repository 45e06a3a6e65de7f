//! Keeps a password that was typed into `--database-url` out of the process list.

use std::os::unix::process::CommandExt;
use std::process::Command;

use super::environment::Environment;
use super::exit::Exit;

/// Variable that carries the URL from the first process image to the second.
pub const CARRIER: &str = "EVMIG_DATABASE_URL_FROM_FLAG";

/// Replaces this process by itself, with the URL in a variable instead of an argument, if an
/// argument holds a password. `/proc/<pid>/cmdline` can be read by everybody, `environ` cannot.
///
/// Returns only if nothing had to be hidden (`None`) or if it could not be.
pub fn hide_password(environment: &Environment) -> Option<Exit> {
    let arguments: Vec<String> = std::env::args().collect();
    if environment.get(CARRIER).is_some() {
        return None;
    }
    let (at, url, kept) = arguments
        .iter()
        .enumerate()
        .skip(1)
        .find_map(|(at, argument)| {
            if let Some(url) = argument.strip_prefix("--database-url=") {
                return Some((at, url, 0));
            }
            let before = arguments.get(at - 1)?;
            (before == "--database-url").then_some((at, argument.as_str(), 1))
        })?;
    if !may_hold_password(url) {
        return None;
    }
    let placeholder = if kept == 1 {
        "from-environment".to_owned()
    } else {
        "--database-url=from-environment".to_owned()
    };
    let program = std::env::current_exe().ok()?;
    let mut command = Command::new(program);
    command
        .args(&arguments[1..at])
        .arg(placeholder)
        .args(&arguments[at + 1..]);
    command.env(CARRIER, url);
    drop(command.exec());
    // Without a second image the password would stay readable by everybody: better not to start.
    Some(Exit::Refused)
}

/// Returns whether a connection string may hold a password; a guess too many costs 2 ms.
fn may_hold_password(url: &str) -> bool {
    let after_scheme = url.split_once("://").map_or("", |(_, rest)| rest);
    let user_info = after_scheme.rsplit_once('@').map_or("", |(info, _)| info);
    user_info.contains(':') || url.contains("password")
}

#[cfg(test)]
mod tests {
    use super::may_hold_password;

    #[test]
    fn passwords_are_seen_in_every_form() {
        assert!(may_hold_password("postgres://u:secret@host/db"));
        assert!(may_hold_password("postgres://host/db?password=secret"));
        assert!(may_hold_password("host=h password=secret"));
        assert!(!may_hold_password("postgres://u@host:5432/db"));
        assert!(!may_hold_password("host=h user=u"));
    }
}
