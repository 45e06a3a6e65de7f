//! psql's backslash lines: the few that a migration may hold, and a refusal for the rest.

use super::split::SplitError;

/// What separates words on a backslash line: `space` in psql's psqlscanslash.l, without the line ends.
/// Not Rust's `char::is_whitespace`, which would take a no-break space off a file's name.
pub(super) const BLANKS: [char; 4] = [' ', '\t', '\x0b', '\x0c'];

/// A backslash line that is understood.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Line {
    /// `\restrict` or `\unrestrict`, which `pg_dump` writes for psql's own safety: nothing to do.
    Skipped,
    /// `\i` or `\ir`.
    Include {
        /// The path as written, quotes removed.
        path: String,
        /// Whether it is relative to the file that holds the line.
        relative: bool,
    },
}

/// Reads the backslash command at byte `at`; returns it with the offset of its line's end.
pub(super) fn read(text: &str, at: usize) -> Result<(Line, usize), SplitError> {
    let end = text[at..]
        .find(['\n', '\r'])
        .map_or(text.len(), |length| at + length);
    let name = command_name(&text[at..end]);
    let argument = &text[at + 1 + name.len()..end];
    let separated = argument.is_empty() || argument.starts_with(BLANKS);
    let line = match name {
        "restrict" | "unrestrict" if separated => Line::Skipped,
        "i" | "include" | "ir" | "include_relative" if separated => Line::Include {
            path: include_path(argument.trim_matches(BLANKS))
                .map_err(|problem| SplitError::Include { at, problem })?,
            relative: matches!(name, "ir" | "include_relative"),
        },
        _ => {
            return Err(SplitError::PsqlCommand {
                at,
                name: name.to_owned(),
            });
        }
    };
    Ok((line, end))
}

/// The name of the command that `line` (which starts with the backslash) gives.
pub(super) fn command_name(line: &str) -> &str {
    let rest = &line[1..];
    let word = rest
        .find(|c: char| !c.is_ascii_alphanumeric() && c != '_')
        .unwrap_or(rest.len());
    if word > 0 {
        return &rest[..word];
    }
    match rest.chars().next() {
        Some(symbol) if !symbol.is_whitespace() => &rest[..symbol.len_utf8()],
        _ => "",
    }
}

/// What is wrong with an `\i` line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum IncludeProblem {
    /// No path after the command.
    #[error("it names no file")]
    NoPath,
    /// Something follows the path.
    #[error("something follows the path; a path with spaces needs single quotes")]
    MoreThanAPath,
    /// The single quote is not closed.
    #[error("its quote is not closed")]
    OpenQuote,
    /// psql would run a command, expand a variable or start another backslash command here.
    #[error(
        "`\\`, `` ` ``, `\"` and a leading `:` have a meaning to psql that is not supported here"
    )]
    Special,
}

/// Reads a path as psql does, but refuses what psql would expand.
fn include_path(argument: &str) -> Result<String, IncludeProblem> {
    let (path, rest) = if let Some(quoted) = argument.strip_prefix('\'') {
        quoted_path(quoted)?
    } else {
        let end = argument.find(BLANKS).unwrap_or(argument.len());
        // psql strips semicolons after a file name.
        let path = argument[..end].trim_end_matches(';');
        (path.to_owned(), &argument[end..])
    };
    if path.contains(['\\', '`', '"']) || path.starts_with(':') {
        return Err(IncludeProblem::Special);
    }
    if !rest.trim_matches(BLANKS).trim_end_matches(';').is_empty() {
        return Err(IncludeProblem::MoreThanAPath);
    }
    if path.is_empty() {
        return Err(IncludeProblem::NoPath);
    }
    Ok(path)
}

/// Reads up to the closing quote, where `''` is a quote; returns the path and what follows it.
fn quoted_path(quoted: &str) -> Result<(String, &str), IncludeProblem> {
    let mut path = String::new();
    let mut rest = quoted;
    loop {
        let quote = rest.find('\'').ok_or(IncludeProblem::OpenQuote)?;
        path.push_str(&rest[..quote]);
        rest = &rest[quote + 1..];
        match rest.strip_prefix('\'') {
            Some(after) => {
                path.push('\'');
                rest = after;
            }
            None => return Ok((path, rest)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn include(line: &str) -> Result<(Line, usize), SplitError> {
        read(line, 0)
    }

    #[test]
    fn include_lines() {
        for (line, path, relative) in [
            ("\\i a/b.sql", "a/b.sql", false),
            ("\\ir a.sql;", "a.sql", true),
            ("\\include 'it''s here.sql'  ", "it's here.sql", false),
            ("\\include_relative\ta.sql ;", "a.sql", true),
            ("\\i\x0ca.sql\x0b", "a.sql", false),
            ("\\i \u{a0}a.sql\u{2028}", "\u{a0}a.sql\u{2028}", false),
        ] {
            let wanted = Line::Include {
                path: path.into(),
                relative,
            };
            assert_eq!(include(line), Ok((wanted, line.len())), "{line}");
        }
    }

    #[test]
    fn include_lines_that_are_refused() {
        for (line, problem) in [
            ("\\i", IncludeProblem::NoPath),
            ("\\i ;", IncludeProblem::NoPath),
            ("\\i ''", IncludeProblem::NoPath),
            ("\\i a.sql b.sql", IncludeProblem::MoreThanAPath),
            ("\\i 'a b", IncludeProblem::OpenQuote),
            ("\\i a\\b.sql", IncludeProblem::Special),
            ("\\i `ls`", IncludeProblem::Special),
            ("\\i :file", IncludeProblem::Special),
        ] {
            let wanted = SplitError::Include { at: 0, problem };
            assert_eq!(include(line), Err(wanted), "{line}");
        }
    }

    #[test]
    fn other_commands_are_named() {
        for (line, name) in [
            ("\\copy t from 'x'", "copy"),
            ("\\!ls", "!"),
            ("\\;", ";"),
            ("\\.", "."),
            ("\\", ""),
            ("\\ é", ""),
            ("\\é", "é"),
            ("\\i;a", "i"),
            ("\\ifoo", "ifoo"),
        ] {
            let wanted = SplitError::PsqlCommand {
                at: 0,
                name: name.into(),
            };
            assert_eq!(include(line), Err(wanted), "{line}");
        }
    }

    #[test]
    fn the_line_ends_before_its_line_end() {
        assert_eq!(read("x\\restrict abc\r\ny", 1), Ok((Line::Skipped, 14)));
    }
}
