//! Session hygiene: every setting that evmig depends on, set explicitly and read back.
//!
//! Role and database defaults leak into sessions (faults.md B36, B37, B41), and a pooler may hand
//! over a session that somebody else has changed (B21).

use super::error::DbFailure;
use super::own_role::Beginnings;
use super::session::Session;
use crate::sql::quote;

/// What a session is set to, by name, in the order it is sent.
#[derive(Debug, Clone)]
pub struct SessionSettings {
    settings: Vec<(&'static str, &'static str)>,
    /// Whether `RESET ALL` returns to those in [`FROM_THE_START`].
    by_reset: bool,
}

/// The settings that a session asks for as it begins, in the startup message: so they are what
/// `RESET ALL` returns to, and cost no command after each file. Every server from 14 on knows them.
///
/// `client_connection_check_interval` makes a backend notice within half a second that its client was
/// killed; without it the DDL of a dead evmig goes on, with its locks (faults.md, fact 1).
const FROM_THE_START: [(&str, &str); 15] = [
    // First: it changes how the others are read back.
    ("quote_all_identifiers", "off"),
    ("standard_conforming_strings", "on"),
    ("statement_timeout", "0"),
    ("lock_timeout", "0"),
    ("idle_in_transaction_session_timeout", "0"),
    ("idle_session_timeout", "0"),
    ("client_connection_check_interval", "500"),
    ("tcp_keepalives_idle", "10"),
    ("tcp_keepalives_interval", "5"),
    ("tcp_keepalives_count", "4"),
    ("tcp_user_timeout", "30000"),
    ("default_transaction_isolation", "read committed"),
    ("default_transaction_deferrable", "off"),
    ("client_min_messages", "notice"),
    ("row_security", "on"),
];

/// Returns the options that ask for them, for a startup message (PostgreSQL manual, 55.7: a space
/// inside a value is escaped).
pub fn startup_options() -> String {
    let option = |(name, value): &(&str, &str)| format!("-c {name}={}", value.replace(' ', "\\ "));
    FROM_THE_START.map(|one| option(&one)).join(" ")
}

/// Drops what a file may have left in the session besides settings. It takes a snapshot, and so
/// stands at a transaction's end or outside of any.
pub const DISCARD: &str = "close all; unlisten *; deallocate all; discard temp; discard sequences";

/// The same as single commands, but for `deallocate all`: it would take along what a run itself has
/// prepared.
pub const DISCARD_BUT_PREPARED: [&str; 4] = [
    "close all",
    "unlisten *",
    "discard temp",
    "discard sequences",
];

/// What returns to the role that the session began with; `RESET ALL` does not.
pub const RESET_ROLE: [&str; 2] = ["reset session authorization", "reset role"];

/// What a session is once it is reset.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resets {
    /// Its role and its search path.
    pub beginnings: Beginnings,
    /// Whether it has the settings of the startup message.
    pub to_ours: bool,
}

/// The server said it took a setting, and then showed another value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the server reports {name} = {actual:?} after it was set to {wanted:?}")]
pub struct NotTaken {
    /// Name of the setting.
    pub name: String,
    /// What it was set to.
    pub wanted: String,
    /// What `current_setting` returned.
    pub actual: String,
}

impl SessionSettings {
    /// Makes the settings for a server.
    ///
    /// The search path is ours alone; a migration gets the role's own. It is not among the startup
    /// options, since the role's own would then be nowhere to be had.
    pub fn new(version_num: u32) -> Self {
        let mut settings = FROM_THE_START.to_vec();
        settings.push(("search_path", "pg_catalog, pg_temp"));
        if version_num >= 170_000 {
            settings.push(("transaction_timeout", "0"));
        }
        Self {
            settings,
            by_reset: false,
        }
    }

    /// Asks what `RESET ALL` returns to, of a session that was just reset: a pooler may have kept the
    /// startup message to itself. Every name is qualified, since the path is the role's own.
    pub async fn ask_resets(session: &Session) -> Result<Resets, DbFailure> {
        let own = ["search_path", "synchronous_commit"];
        let names = own.into_iter().chain(FROM_THE_START.map(|(name, _)| name));
        let columns: Vec<String> = names
            .map(|name| format!("pg_catalog.current_setting('{name}')"))
            .collect();
        let sql = format!(
            "select session_user::pg_catalog.text, current_user::pg_catalog.text, {}",
            columns.join(", ")
        );
        let rows = session.query(&sql, &[]).await?;
        let row = rows.first();
        let text = |at| row.map(|row| row.text(at)).unwrap_or_default();
        let is_kept = |(at, (name, wanted)): (usize, &(&str, &str))| {
            let actual = text(4 + at);
            same_value(wanted, &actual) || is_socket_only(name, &actual)
        };
        Ok(Resets {
            beginnings: Beginnings::new(&text(0), &text(1), &text(2), &text(3)),
            to_ours: FROM_THE_START.iter().enumerate().all(is_kept),
        })
    }

    /// Takes in what a reset does, so that only the rest is restored by commands. Returns a command
    /// that is to be run yet, if there is one.
    ///
    /// What is said to be committed must survive a crash, whatever the role's `synchronous_commit`;
    /// only `off` is changed, since each other value is as durable on this server and says what its
    /// owner wants of standbys.
    pub fn learn(&mut self, resets: &Resets) -> Option<String> {
        self.by_reset = resets.to_ours;
        let commit = ("synchronous_commit", "on");
        (!resets.beginnings.durable).then(|| {
            self.settings.push(commit);
            set_command(&commit)
        })
    }

    /// Returns the commands that set everything.
    pub fn set_commands(&self) -> Vec<String> {
        self.settings.iter().map(set_command).collect()
    }

    /// Returns the text that sets everything.
    pub fn set_sql(&self) -> String {
        self.set_commands().join("; ")
    }

    /// Returns the text that undoes whatever a file may have left behind, and sets everything.
    ///
    /// `DISCARD ALL` would do too, but it drops advisory locks, ours among them.
    pub fn reset_sql(&self) -> String {
        format!("{DISCARD}; {}", self.restore_sql())
    }

    /// Returns the part of it that takes no snapshot: a transaction that begins with it may still
    /// choose its isolation level.
    pub fn restore_sql(&self) -> String {
        self.restore_commands().join("; ")
    }

    /// Returns it as single commands.
    pub fn restore_commands(&self) -> Vec<String> {
        RESET_ROLE
            .into_iter()
            .chain(["reset all"])
            .map(str::to_owned)
            .chain(self.after_reset())
            .collect()
    }

    /// Returns the commands that set what a `RESET ALL` does not.
    fn after_reset(&self) -> Vec<String> {
        let known = if self.by_reset {
            FROM_THE_START.len()
        } else {
            0
        };
        self.settings[known..].iter().map(set_command).collect()
    }

    /// Reads every setting back and compares.
    pub async fn read_back(&self, session: &Session) -> Result<Option<NotTaken>, DbFailure> {
        let names: Vec<String> = self
            .settings
            .iter()
            .map(|(name, _)| format!("pg_catalog.current_setting('{name}')"))
            .collect();
        let rows = session
            .query(&format!("select {}", names.join(", ")), &[])
            .await?;
        let Some(row) = rows.first() else {
            return Ok(None);
        };
        Ok(self
            .settings
            .iter()
            .enumerate()
            .find_map(|(at, (name, wanted))| {
                let actual = row.text(at);
                (!same_value(wanted, &actual) && !is_socket_only(name, &actual)).then(|| NotTaken {
                    name: (*name).to_owned(),
                    wanted: (*wanted).to_owned(),
                    actual,
                })
            }))
    }
}

fn set_command((name, value): &(&str, &str)) -> String {
    if *name == "search_path" {
        format!("set {name} = {value}")
    } else {
        format!("set {name} = {}", quote::literal(value))
    }
}

/// TCP settings read as zero on a Unix-domain socket (PostgreSQL manual, 20.3.2).
fn is_socket_only(name: &str, actual: &str) -> bool {
    name.starts_with("tcp_") && actual == "0"
}

/// Compares values as the server prints them: it adds the unit to a number that is not 0.
fn same_value(wanted: &str, actual: &str) -> bool {
    let is_number = wanted.bytes().all(|byte| byte.is_ascii_digit());
    wanted == actual || (is_number && wanted == actual.trim_end_matches(char::is_alphabetic))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_that_a_server_lacks_are_not_sent() {
        let sets = |version| SessionSettings::new(version).set_sql();
        assert!(!sets(150_000).contains("transaction_timeout"));
        assert!(sets(170_000).contains("transaction_timeout"));
    }

    #[test]
    fn values_compare_as_the_server_prints_them() {
        assert!(same_value("500", "500ms"));
        assert!(same_value("30000", "30s") || same_value("30000", "30000"));
        assert!(!same_value("500", "0"));
        assert!(!same_value("500", "5000ms"));
        assert!(!same_value("on", "off"));
    }

    #[test]
    fn a_reset_is_relied_on_only_where_it_returns_to_every_setting() {
        let restore = |to_ours, synchronous_commit| {
            let mut settings = SessionSettings::new(150_000);
            let beginnings = Beginnings::new("a", "a", "public", synchronous_commit);
            let more = settings.learn(&Resets {
                beginnings,
                to_ours,
            });
            (settings.restore_sql(), more)
        };
        let reset = "reset session authorization; reset role; reset all";
        let path = "set search_path = pg_catalog, pg_temp";
        assert_eq!(restore(true, "on"), (format!("{reset}; {path}"), None));
        let (asked, more) = restore(false, "local");
        assert!(asked.contains("set lock_timeout = '0'") && more.is_none());
        let commit = "set synchronous_commit = 'on'";
        assert_eq!(
            restore(true, "off"),
            (
                format!("{reset}; {path}; {commit}"),
                Some(commit.to_owned())
            )
        );
    }

    #[test]
    fn a_space_in_an_option_is_escaped() {
        let options = startup_options();
        assert!(options.contains("-c default_transaction_isolation=read\\ committed -c "));
    }
}
