//! What the server or the connection said when a statement failed.

use std::fmt;

use tokio_postgres::error::{DbError, ErrorPosition};

use crate::report::sanitize::for_terminal;

/// A kind of failure that evmig treats in its own way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// 55P03: a lock was not available within `lock_timeout`.
    LockTimeout,
    /// 40P01: the statement was the victim of a deadlock.
    Deadlock,
    /// 40001: the transaction could not be serialized.
    SerializationFailure,
    /// 57014: cancelled by a cancel request, `statement_timeout` or autovacuum.
    QueryCanceled,
    /// 57P01 to 57P05: the server ended the session.
    AdminShutdown,
    /// The connection is gone: closed, an I/O error, or class 08.
    ConnectionLost,
    /// 25P02: an earlier statement of the transaction failed.
    InFailedTransaction,
    /// 25006: the transaction may not write.
    ReadOnly,
    /// 23505: a unique constraint was violated.
    UniqueViolation,
    /// 42501: the role lacks a right.
    InsufficientPrivilege,
    /// A warning: a commit stopped waiting for its standby, and is on this server alone.
    NotReplicated,
    /// Anything else.
    Other,
}

/// Where in a text the server saw the error. Positions count characters and start at 1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Position {
    /// In the statement that was sent.
    Statement(u32),
    /// In a statement that a function ran.
    Internal {
        /// The position in `query`.
        position: u32,
        /// The statement, safe to show.
        query: String,
    },
}

/// A failure with all that the server told about it; every text is safe to show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DbFailure {
    /// The SQLSTATE; `None` if the failure is the connection's, not the server's.
    pub sqlstate: Option<String>,
    /// `ERROR`, `FATAL` or `PANIC`.
    pub severity: String,
    /// What happened, in a line.
    pub message: String,
    /// More about it.
    pub detail: Option<String>,
    /// What to do about it.
    pub hint: Option<String>,
    /// The call stack of the functions that ran.
    pub context: Option<String>,
    /// Where.
    pub position: Option<Position>,
    /// The schema it is about.
    pub schema: Option<String>,
    /// The table it is about.
    pub table: Option<String>,
    /// The column it is about.
    pub column: Option<String>,
    /// The constraint or index it is about.
    pub constraint: Option<String>,
    /// The data type it is about.
    pub datatype: Option<String>,
    kind: Kind,
}

impl fmt::Display for DbFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for DbFailure {}

impl From<&DbError> for DbFailure {
    fn from(error: &DbError) -> Self {
        let safe = |text: Option<&str>| text.map(|text| for_terminal(text).into_owned());
        // The server may speak any language; `V`, the parsed severity, is always English.
        let severity = error
            .parsed_severity()
            .map_or_else(|| error.severity().to_owned(), |known| known.to_string());
        Self {
            sqlstate: safe(Some(error.code().code())),
            severity: for_terminal(&severity).into_owned(),
            message: for_terminal(error.message()).into_owned(),
            detail: safe(error.detail()),
            hint: safe(error.hint()),
            context: safe(error.where_()),
            position: error.position().map(Position::from),
            schema: safe(error.schema()),
            table: safe(error.table()),
            column: safe(error.column()),
            constraint: safe(error.constraint()),
            datatype: safe(error.datatype()),
            // Its SQLSTATE is that of every warning, its words are in the server's language.
            kind: match error.routine() {
                Some("SyncRepWaitForLSN") => Kind::NotReplicated,
                _ => kind_of(error.code().code()),
            },
        }
    }
}

impl From<&ErrorPosition> for Position {
    fn from(position: &ErrorPosition) -> Self {
        match position {
            ErrorPosition::Original(at) => Self::Statement(*at),
            ErrorPosition::Internal { position, query } => {
                // Escaping makes the text longer; the position moves along.
                let before: String = query
                    .chars()
                    .take((*position as usize).max(1) - 1)
                    .collect();
                Self::Internal {
                    position: for_terminal(&before).chars().count() as u32 + 1,
                    query: for_terminal(query).into_owned(),
                }
            }
        }
    }
}

impl From<&tokio_postgres::Error> for DbFailure {
    fn from(error: &tokio_postgres::Error) -> Self {
        match error.as_db_error() {
            Some(server) => server.into(),
            None => Self::of_the_connection(error),
        }
    }
}

impl From<tokio_postgres::Error> for DbFailure {
    fn from(error: tokio_postgres::Error) -> Self {
        Self::from(&error)
    }
}

impl DbFailure {
    /// Returns the kind of the failure.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// Returns whether the server says it of a statement, and the session goes on.
    pub fn is_the_statements(&self) -> bool {
        self.sqlstate.is_some() && !self.ends_the_session()
    }

    /// Returns whether the session cannot be used any more.
    pub fn ends_the_session(&self) -> bool {
        matches!(self.kind, Kind::ConnectionLost | Kind::AdminShutdown)
            || matches!(self.severity.as_str(), "FATAL" | "PANIC")
    }

    /// Returns the byte offset in `statement` that the server pointed at.
    ///
    /// `None` if it pointed nowhere, or into a statement that a function ran. A position past the
    /// end (the server's word for "at end of input") gives the length of the text.
    pub fn byte_offset(&self, statement: &str) -> Option<usize> {
        match self.position {
            Some(Position::Statement(at)) => Some(byte_offset(statement, at)),
            Some(Position::Internal { .. }) | None => None,
        }
    }

    /// Returns the same failure of a statement that began after `offset` characters of the text that
    /// was sent.
    #[must_use]
    pub fn after(mut self, offset: u32) -> Self {
        if let Some(Position::Statement(at)) = &mut self.position {
            *at = at.saturating_sub(offset).max(1);
        }
        self
    }

    /// Returns the best place for a caret in the statement: the server's position, or the only
    /// occurrence of the name that its message quotes.
    ///
    /// The server gives no position for most errors of DDL (`relation "public.t" does not exist`
    /// behind REFERENCES), and a statement may be long.
    pub fn caret_in(&self, statement: &str) -> Option<usize> {
        self.byte_offset(statement).or_else(|| {
            let name = self
                .message
                .split('"')
                .nth(1)
                .filter(|name| !name.is_empty())?;
            let mut places = statement.match_indices(name).filter(|(at, _)| {
                let word = |c: char| c.is_alphanumeric() || c == '_';
                !statement[..*at].ends_with(word) && !statement[at + name.len()..].starts_with(word)
            });
            let (at, _) = places.next()?;
            places.next().is_none().then_some(at)
        })
    }

    /// Describes a failure of evmig's own side of the protocol.
    pub(crate) fn connection_lost(message: &str) -> Self {
        Self {
            sqlstate: None,
            severity: "FATAL".to_owned(),
            message: for_terminal(message).into_owned(),
            detail: None,
            hint: None,
            context: None,
            position: None,
            schema: None,
            table: None,
            column: None,
            constraint: None,
            datatype: None,
            kind: Kind::ConnectionLost,
        }
    }

    /// Describes an answer that makes no sense; the session itself is as it was.
    pub(crate) fn protocol(message: &str) -> Self {
        let mut failure = Self::connection_lost(message);
        failure.kind = Kind::Other;
        "ERROR".clone_into(&mut failure.severity);
        failure
    }

    fn of_the_connection(error: &tokio_postgres::Error) -> Self {
        let source = std::error::Error::source(error);
        let message = match source {
            Some(source) => format!("{error}: {source}"),
            None => error.to_string(),
        };
        let mut failure = Self::connection_lost(&message);
        // A value that could not be converted has its reason as a source, and leaves the session
        // as it was. I/O fails with an I/O error. What has no source is a closed connection, or an
        // answer to something else than was asked: the session is out of step, and nothing that
        // it says can be believed any more, least of all what became of a COMMIT.
        let converts =
            source.is_some_and(|source| !<dyn std::error::Error>::is::<std::io::Error>(source));
        if converts {
            failure.kind = Kind::Other;
            "ERROR".clone_into(&mut failure.severity);
        }
        failure
    }
}

/// Returns the byte offset of a position that counts characters from 1.
pub fn byte_offset(text: &str, position: u32) -> usize {
    text.char_indices()
        .nth((position as usize).max(1) - 1)
        .map_or(text.len(), |(at, _)| at)
}

fn kind_of(sqlstate: &str) -> Kind {
    match sqlstate {
        "55P03" => Kind::LockTimeout,
        "40P01" => Kind::Deadlock,
        "40001" => Kind::SerializationFailure,
        "57014" => Kind::QueryCanceled,
        "57P01" | "57P02" | "57P03" | "57P04" | "57P05" => Kind::AdminShutdown,
        // The session is over in these two as well: idle-in-transaction and transaction timeouts.
        "25P03" | "25P04" => Kind::AdminShutdown,
        "25P02" => Kind::InFailedTransaction,
        "25006" => Kind::ReadOnly,
        "23505" => Kind::UniqueViolation,
        "42501" => Kind::InsufficientPrivilege,
        // A protocol violation: the session goes on unless the severity says otherwise.
        "08P01" => Kind::Other,
        class if class.starts_with("08") => Kind::ConnectionLost,
        _ => Kind::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_caret_goes_to_the_only_occurrence_of_the_quoted_name() {
        let failure = DbFailure::protocol("relation \"public.t\" does not exist");
        assert_eq!(
            failure.caret_in("alter table a references public.t (id)"),
            Some(25)
        );
        assert_eq!(failure.caret_in("public.t, public.t"), None);
        assert_eq!(failure.caret_in("public.tt"), None);
        assert_eq!(DbFailure::protocol("no name").caret_in("no name"), None);
    }

    #[test]
    fn positions_count_characters_from_one() {
        let text = "SELECT 'ü' + x";
        assert_eq!(&text[byte_offset(text, 14)..], "x");
        assert_eq!(byte_offset(text, 1), 0);
        assert_eq!(byte_offset(text, 0), 0);
        assert_eq!(byte_offset(text, 99), text.len());
    }

    #[test]
    fn an_internal_position_moves_with_the_escapes() {
        let position = Position::from(&ErrorPosition::Internal {
            position: 3,
            query: "\x1b\rx".to_owned(),
        });
        let Position::Internal { position, query } = position else {
            panic!("not internal");
        };
        assert_eq!(&query[byte_offset(&query, position)..], "x");
    }

    #[test]
    fn kinds_by_sqlstate() {
        assert_eq!(kind_of("55P03"), Kind::LockTimeout);
        assert_eq!(kind_of("08006"), Kind::ConnectionLost);
        assert_eq!(kind_of("57P01"), Kind::AdminShutdown);
        assert_eq!(kind_of("42601"), Kind::Other);
    }

    proptest! {
        #[test]
        fn any_position_is_a_boundary(text in any::<String>(), position in any::<u32>()) {
            prop_assert!(text.is_char_boundary(byte_offset(&text, position)));
        }
    }
}
