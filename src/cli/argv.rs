//! Keeps a password that was typed into `--database-url`, `--shadow` or `--shadow-url` out of the process list.

use std::ffi::OsString;
use std::os::unix::process::CommandExt;
use std::process::Command;

use clap::ValueEnum;

use super::args::GlobalArgs;
use super::exit::Exit;

/// Variable that carries the URL from the first process image to the second.
pub const CARRIER: &str = "EVMIG_DATABASE_URL_FROM_FLAG";
/// The same for the server of throw-away databases.
pub const SHADOW_CARRIER: &str = "EVMIG_SHADOW_URL_FROM_FLAG";

/// What stands in the argument's place in the second image.
pub const PLACEHOLDER: &str = "from-environment";

/// Flags that take a URL, with their carriers.
const FLAGS: [(&str, &str); 3] = [
    ("--database-url", CARRIER),
    ("--shadow", SHADOW_CARRIER),
    ("--shadow-url", SHADOW_CARRIER),
];

/// Replaces this process by itself, with the URL in a variable instead of an argument, if an
/// argument holds a password. `/proc/<pid>/cmdline` can be read by everybody, `environ` cannot.
///
/// Returns only if nothing had to be hidden (`None`) or if it could not be.
pub fn hide_password() -> Option<Exit> {
    let arguments: Vec<OsString> = std::env::args_os().collect();
    // What may hold none also keeps the second image from a third.
    let (at, prefix, url, carrier) = FLAGS.iter().find_map(|(flag, carrier)| {
        let (at, prefix, url) = url_of(&arguments, flag)?;
        may_hold_password(url).then_some((at, prefix, url, carrier))
    })?;
    let program = std::env::current_exe().ok()?;
    let mut command = Command::new(program);
    command
        .args(&arguments[1..at])
        .arg(format!("{prefix}{PLACEHOLDER}"))
        .args(&arguments[at + 1..]);
    command.env(carrier, url);
    drop(command.exec());
    // Without a second image the password would stay readable by everybody: better not to start.
    Some(Exit::Refused)
}

/// Returns where the URL of a flag stands, what stands before it in the same argument, and the URL.
fn url_of<'a>(arguments: &'a [OsString], flag: &str) -> Option<(usize, String, &'a str)> {
    arguments
        .iter()
        .enumerate()
        .skip(1)
        .find_map(|(at, argument)| {
            let text = argument.to_str()?;
            if let Some(url) = text.strip_prefix(flag)?.strip_prefix('=') {
                return Some((at, format!("{flag}="), url));
            }
            let url = arguments.get(at + 1)?.to_str()?;
            (text == flag).then(|| (at + 1, String::new(), url))
        })
}

/// Returns the flags about output of a command line that clap has refused: its error is to be shown
/// as the rest of the output would have been.
pub fn globals() -> GlobalArgs {
    let arguments: Vec<String> = std::env::args_os()
        .map(|argument| argument.to_string_lossy().into_owned())
        .collect();
    GlobalArgs {
        directory: None,
        env: None,
        database_url: None,
        format: value_of(&arguments, "--format").unwrap_or_default(),
        color: value_of(&arguments, "--color").unwrap_or_default(),
        quiet: false,
        verbose: 0,
    }
}

/// Returns the value of a flag, whatever stands around it.
fn value_of<T: ValueEnum>(arguments: &[String], flag: &str) -> Option<T> {
    arguments.iter().enumerate().find_map(|(at, argument)| {
        let value = match argument.strip_prefix(flag)? {
            "" => arguments.get(at + 1)?,
            rest => rest.strip_prefix('=')?,
        };
        T::from_str(value, false).ok()
    })
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
