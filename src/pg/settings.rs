//! Session hygiene: every setting that evmig depends on, set explicitly and read back.
//!
//! Role and database defaults leak into sessions (faults.md B36, B37, B41), and a pooler may hand
//! over a session that somebody else has changed (B21).

use super::error::DbFailure;
use super::session::Session;
use crate::sql::quote;

/// What a session is set to, by name, in the order it is sent.
#[derive(Debug, Clone)]
pub struct SessionSettings {
    settings: Vec<(&'static str, String)>,
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
    /// `client_connection_check_interval` makes a backend notice within half a second that its
    /// client was killed; without it the DDL of a dead evmig goes on, with its locks (faults.md,
    /// fact 1). The search path is ours alone; a migration gets the role's own.
    ///
    /// What is said to be committed must survive a crash, whatever the role's `synchronous_commit`;
    /// only `off` (`durable` false) is changed, since each other value is as durable on this server
    /// and says what its owner wants of standbys.
    pub fn new(version_num: u32, durable: bool) -> Self {
        let mut settings: Vec<(&'static str, String)> = vec![
            // First: it changes how the others are read back.
            ("quote_all_identifiers", "off".into()),
            ("standard_conforming_strings", "on".into()),
            ("statement_timeout", "0".into()),
            ("lock_timeout", "0".into()),
            ("idle_in_transaction_session_timeout", "0".into()),
            ("client_connection_check_interval", "500ms".into()),
            ("tcp_keepalives_idle", "10".into()),
            ("tcp_keepalives_interval", "5".into()),
            ("tcp_keepalives_count", "4".into()),
            ("tcp_user_timeout", "30000".into()),
            ("default_transaction_isolation", "read committed".into()),
            ("default_transaction_deferrable", "off".into()),
            ("client_min_messages", "notice".into()),
            ("row_security", "on".into()),
            ("search_path", "pg_catalog, pg_temp".into()),
        ];
        if !durable {
            settings.push(("synchronous_commit", "on".into()));
        }
        if version_num >= 140_000 {
            settings.push(("idle_session_timeout", "0".into()));
        }
        if version_num >= 170_000 {
            settings.push(("transaction_timeout", "0".into()));
        }
        Self { settings }
    }

    /// Returns the commands that set everything.
    pub fn set_commands(&self) -> Vec<String> {
        let command = |(name, value): &(&'static str, String)| {
            if *name == "search_path" {
                format!("set {name} = {value}")
            } else {
                format!("set {name} = {}", quote::literal(value))
            }
        };
        self.settings.iter().map(command).collect()
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
        ["reset session authorization", "reset role", "reset all"]
            .map(str::to_owned)
            .into_iter()
            .chain(self.set_commands())
            .collect()
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
                    wanted: wanted.clone(),
                    actual,
                })
            }))
    }
}

/// TCP settings read as zero on a Unix-domain socket (PostgreSQL manual, 20.3.2).
fn is_socket_only(name: &str, actual: &str) -> bool {
    name.starts_with("tcp_") && actual == "0"
}

/// Compares values as the server prints them: it drops the unit of a number of its base unit.
fn same_value(wanted: &str, actual: &str) -> bool {
    wanted == actual || wanted.trim_end_matches(char::is_alphabetic) == actual
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_that_a_server_lacks_are_not_sent() {
        assert!(
            !SessionSettings::new(150_000, true)
                .set_sql()
                .contains("transaction_timeout")
        );
        assert!(
            SessionSettings::new(170_000, true)
                .set_sql()
                .contains("transaction_timeout")
        );
    }

    #[test]
    fn values_compare_as_the_server_prints_them() {
        assert!(same_value("500ms", "500ms"));
        assert!(same_value("30000", "30000"));
        assert!(!same_value("500ms", "0"));
    }
}
