//! Migration file names, as refinery has them: `V<version>__<name>.sql` and `R__<name>.sql`.
//!
//! Source: refinery-core 0.10.1, `util.rs`: `^([U|V])(\d+(?:\.\d+)?)__(\w+)\.sql$`. Names that
//! refinery accepts and then fails on (`V1.2__x`) or treats specially (`U1__x`) are errors here.

use std::fmt;

use super::nearest::nearest;

/// A migration's version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Version {
    /// Applied once, in order.
    Versioned(i64),
    /// Applied again whenever its text changes, after the versioned files of its step.
    Repeatable,
}

impl Version {
    /// Returns the number; `None` for a repeatable migration.
    pub fn number(self) -> Option<i64> {
        match self {
            Self::Versioned(number) => Some(number),
            Self::Repeatable => None,
        }
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Versioned(number) => number.fmt(f),
            Self::Repeatable => f.write_str("R"),
        }
    }
}

/// What is wrong with a file's name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NameProblem {
    /// Something that an operating system leaves behind.
    #[error("the operating system left it behind")]
    SystemLitter,
    /// Something that an editor or a merge leaves behind.
    #[error("an editor or a merge left it behind")]
    EditorLitter,
    /// A hidden file.
    #[error("hidden files other than .gitkeep are not allowed here")]
    Hidden,
    /// No SQL file at all.
    #[error("only .sql files belong here")]
    NotSql,
    /// `.SQL` and the like.
    #[error("the ending must be `.sql`, in lower case")]
    EndingCase,
    /// `v1__x.sql`.
    #[error("the first letter must be a capital `{letter}`")]
    PrefixCase {
        /// `V` or `R`.
        letter: char,
    },
    /// `U1__x.sql`.
    #[error("refinery's unversioned `U` files are not supported")]
    Unversioned,
    /// `1_x.sql`, `x.sql`.
    #[error("it must begin with `V` and a version, or with `R__`")]
    NoPrefix,
    /// `V__x.sql`.
    #[error("there is no version after `V`")]
    NoVersion,
    /// `V1.2__x.sql`.
    #[error("versions are whole numbers")]
    DottedVersion,
    /// A version beyond int8.
    #[error("the version is greater than {}", i64::MAX)]
    VersionTooBig,
    /// `R1__x.sql`.
    #[error("a repeatable migration has no version")]
    RepeatableVersion,
    /// `V1_x.sql`, `V1-x.sql`.
    #[error("two underscores must stand between the version and the name")]
    Separator,
    /// `V1__.sql`.
    #[error("there is no name after the underscores")]
    NoName,
    /// `V1__a-b.sql`.
    #[error("the name has `{character}`; names have letters, digits and `_`")]
    BadCharacter {
        /// The first bad character.
        character: char,
    },
}

impl NameProblem {
    /// Returns what to do about it, beyond renaming.
    pub(crate) fn help(&self) -> Option<String> {
        match self {
            Self::SystemLitter | Self::EditorLitter => {
                Some("delete it, and name it in .gitignore".to_owned())
            }
            Self::Hidden | Self::NotSql => Some(
                "move it elsewhere: whatever is in a migrations folder must be a migration"
                    .to_owned(),
            ),
            Self::Unversioned => Some(
                "name it `V<version>__<name>.sql` to run it once, `R__<name>.sql` to run it again \
                 when it changes"
                    .to_owned(),
            ),
            _ => None,
        }
    }
}

/// A file name that is one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FileName {
    pub(crate) version: Version,
    pub(crate) name: String,
}

/// The one hidden file that is allowed: git keeps no empty folders.
pub(crate) const GITKEEP: &str = ".gitkeep";

/// Reads a file name; otherwise what is wrong with it and what it should be.
pub(crate) fn parse(file: &str) -> Result<FileName, (NameProblem, Option<String>)> {
    if let Some(problem) = litter(file) {
        return Err((problem, None));
    }
    parse_sql(file).map_err(|problem| {
        let should_be = should_be(file);
        (problem, should_be)
    })
}

/// Returns whether a character may be in a migration's name.
///
/// A subset of the `\w` of refinery's expression, so that refinery sees every file that we do.
pub(crate) fn is_name_character(c: char) -> bool {
    c == '_' || c.is_ascii_digit() || c.is_alphabetic()
}

fn litter(file: &str) -> Option<NameProblem> {
    const SYSTEM: [&str; 4] = [".ds_store", "thumbs.db", "desktop.ini", ".directory"];
    const EDITOR: [&str; 8] = [
        ".bak", ".orig", ".rej", ".swp", ".swo", ".tmp", ".old", ".save",
    ];
    let lower = file.to_lowercase();
    if SYSTEM.contains(&lower.as_str()) || file.starts_with("._") {
        Some(NameProblem::SystemLitter)
    } else if EDITOR.iter().any(|ending| lower.ends_with(ending))
        || file.ends_with('~')
        || file.starts_with(['#', '~'])
        || file.starts_with(".#")
    {
        Some(NameProblem::EditorLitter)
    } else if file.starts_with('.') {
        Some(NameProblem::Hidden)
    } else if !has_sql_ending(file) {
        Some(NameProblem::NotSql)
    } else {
        None
    }
}

/// Returns whether a file ends in `.sql`, in any case.
fn has_sql_ending(file: &str) -> bool {
    std::path::Path::new(file)
        .extension()
        .is_some_and(|ending| ending.eq_ignore_ascii_case("sql"))
}

fn parse_sql(file: &str) -> Result<FileName, NameProblem> {
    let mut chars = file.chars();
    let prefix = chars.next();
    let rest = chars.as_str();
    let (version, rest) = match prefix {
        Some('V') => versioned(rest)?,
        Some('R') => repeatable(rest)?,
        Some('v') if starts_like_version(rest) => {
            return Err(NameProblem::PrefixCase { letter: 'V' });
        }
        Some('r') if rest.starts_with('_') => return Err(NameProblem::PrefixCase { letter: 'R' }),
        Some('U' | 'u') if starts_like_version(rest) => return Err(NameProblem::Unversioned),
        _ => return Err(NameProblem::NoPrefix),
    };
    let Some(name) = rest.strip_prefix("__") else {
        return Err(NameProblem::Separator);
    };
    let Some(name) = name.strip_suffix(".sql") else {
        return Err(NameProblem::EndingCase);
    };
    if name.is_empty() {
        return Err(NameProblem::NoName);
    }
    match name.chars().find(|&c| !is_name_character(c)) {
        Some(character) => Err(NameProblem::BadCharacter {
            // A control character must not reach a terminal through an error.
            character: if character.is_control() {
                '\u{FFFD}'
            } else {
                character
            },
        }),
        None => Ok(FileName {
            version,
            name: name.to_owned(),
        }),
    }
}

/// Reads the version after `V`.
fn versioned(rest: &str) -> Result<(Version, &str), NameProblem> {
    let after = rest.trim_start_matches(|c: char| c.is_ascii_digit());
    let digits = &rest[..rest.len() - after.len()];
    if digits.is_empty() {
        return Err(if rest.starts_with('_') {
            NameProblem::NoVersion
        } else {
            NameProblem::NoPrefix
        });
    }
    if after.strip_prefix('.').is_some_and(starts_with_digit) {
        return Err(NameProblem::DottedVersion);
    }
    let number = digits.parse().map_err(|_| NameProblem::VersionTooBig)?;
    Ok((Version::Versioned(number), after))
}

/// Checks that no version follows `R`.
fn repeatable(rest: &str) -> Result<(Version, &str), NameProblem> {
    if starts_with_digit(rest) {
        Err(NameProblem::RepeatableVersion)
    } else if rest.starts_with('_') {
        Ok((Version::Repeatable, rest))
    } else {
        Err(NameProblem::NoPrefix)
    }
}

fn starts_with_digit(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_digit())
}

fn starts_like_version(text: &str) -> bool {
    starts_with_digit(text) || text.starts_with('_')
}

/// Builds the name that was likely meant; `None` where there is no version to build it from.
fn should_be(file: &str) -> Option<String> {
    let stem = file.get(..file.len().checked_sub(4)?)?;
    let lower = stem.to_lowercase();
    let unprefixed = match lower.chars().next()? {
        'v' | 'u' | 'r' if starts_like_version(&lower[1..]) => &stem[1..],
        _ => stem,
    };
    let after = unprefixed.trim_start_matches(|c: char| c.is_ascii_digit());
    let digits = &unprefixed[..unprefixed.len() - after.len()];
    let after = match after.strip_prefix('.') {
        // The digits after the dot have no place in a whole number: leave the choice to people.
        Some(fraction) if starts_with_digit(fraction) => return None,
        _ => after,
    };
    let name = sanitised(after.trim_start_matches(['_', '-', '.', ' ']));
    if name.is_empty() {
        return None;
    }
    if lower.starts_with('r') && unprefixed.len() < stem.len() {
        return Some(format!("R__{name}.sql"));
    }
    digits.parse::<i64>().ok()?;
    Some(format!("V{digits}__{name}.sql"))
}

/// Makes a migration's name out of any text: letters, digits and single underscores.
pub(crate) fn sanitised(text: &str) -> String {
    let mut name = String::with_capacity(text.len());
    for c in text.chars() {
        if is_name_character(c) {
            name.push(c);
        } else if !name.is_empty() && !name.ends_with('_') {
            name.push('_');
        }
    }
    name.trim_end_matches('_').to_owned()
}

/// Returns the file of a folder that a rollback script was likely meant for.
pub(crate) fn nearest_file<'a>(
    file: &str,
    files: impl IntoIterator<Item = &'a str> + Clone,
) -> Option<String> {
    let version = parse(file).ok().map(|name| name.version);
    let same = |candidate: &&str| {
        parse(candidate)
            .is_ok_and(|name| name.version != Version::Repeatable && Some(name.version) == version)
    };
    files
        .clone()
        .into_iter()
        .find(same)
        .map(str::to_owned)
        .or_else(|| nearest(file, files))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn good_names() {
        for (file, version, name) in [
            ("V1__init.sql", Version::Versioned(1), "init"),
            ("V007__x.sql", Version::Versioned(7), "x"),
            ("V1____x.sql", Version::Versioned(1), "__x"),
            (
                "V9223372036854775807__größe_2.sql",
                Version::Versioned(i64::MAX),
                "größe_2",
            ),
            ("R__views.sql", Version::Repeatable, "views"),
        ] {
            let expected = FileName {
                version,
                name: name.to_owned(),
            };
            assert_eq!(parse(file), Ok(expected), "{file}");
        }
    }

    #[test]
    fn bad_names_say_what_is_wrong_and_what_they_should_be() {
        use NameProblem as P;
        for (file, problem, should_be) in [
            (
                "v1__a.sql",
                P::PrefixCase { letter: 'V' },
                Some("V1__a.sql"),
            ),
            ("r__a.sql", P::PrefixCase { letter: 'R' }, Some("R__a.sql")),
            ("V1_a.sql", P::Separator, Some("V1__a.sql")),
            ("V1-a.sql", P::Separator, Some("V1__a.sql")),
            ("V1a.sql", P::Separator, Some("V1__a.sql")),
            ("V1__a.SQL", P::EndingCase, Some("V1__a.sql")),
            ("V1.2__a.sql", P::DottedVersion, None),
            ("U1__a.sql", P::Unversioned, Some("V1__a.sql")),
            ("V__a.sql", P::NoVersion, None),
            ("V1__.sql", P::NoName, None),
            (
                "V1__a-b c.sql",
                P::BadCharacter { character: '-' },
                Some("V1__a_b_c.sql"),
            ),
            (
                "V1__a\u{1b}.sql",
                P::BadCharacter {
                    character: '\u{FFFD}',
                },
                Some("V1__a.sql"),
            ),
            ("V9223372036854775808__a.sql", P::VersionTooBig, None),
            ("R1__a.sql", P::RepeatableVersion, Some("R__a.sql")),
            ("R_a.sql", P::Separator, Some("R__a.sql")),
            (
                "20240101_add_users.sql",
                P::NoPrefix,
                Some("V20240101__add_users.sql"),
            ),
            ("schema.sql", P::NoPrefix, None),
            ("Vx__a.sql", P::NoPrefix, None),
            ("Rx.sql", P::NoPrefix, None),
            ("V1__a.sql~", P::EditorLitter, None),
            ("V1__a.sql.bak", P::EditorLitter, None),
            ("V1__a.sql.orig", P::EditorLitter, None),
            (".V1__a.sql.swp", P::EditorLitter, None),
            ("#V1__a.sql#", P::EditorLitter, None),
            (".DS_Store", P::SystemLitter, None),
            ("Thumbs.db", P::SystemLitter, None),
            (".hidden", P::Hidden, None),
            ("README.md", P::NotSql, None),
            ("V1__a.rs", P::NotSql, None),
            ("é.sql", P::NoPrefix, None),
            (".sql", P::Hidden, None),
        ] {
            assert_eq!(
                parse(file),
                Err((problem, should_be.map(str::to_owned))),
                "{file}"
            );
        }
    }

    #[test]
    fn the_nearest_file_has_the_same_version_or_a_like_name() {
        let files = ["V1__tables.sql", "V2__indexes.sql", "R__views.sql"];
        assert_eq!(
            nearest_file("V2__renamed.sql", files).as_deref(),
            Some("V2__indexes.sql")
        );
        assert_eq!(
            nearest_file("V3__indexes.sql", files).as_deref(),
            Some("V2__indexes.sql")
        );
        assert_eq!(nearest_file("V9__zzzzzzzzzzzzz.sql", files), None);
    }

    proptest! {
        #[test]
        fn no_name_panics_and_every_suggestion_is_a_good_name(file in any::<String>()) {
            if let Err((_, Some(should_be))) = parse(&file) {
                prop_assert!(parse(&should_be).is_ok(), "{should_be}");
            }
        }

        #[test]
        fn near_names_too(file in "[VvRrUu]?[0-9.]{0,25}[_. -]{0,3}[a-zé_ -]{0,5}(\\.sql|\\.SQL)?~?") {
            match parse(&file) {
                Err((_, Some(should_be))) => prop_assert!(parse(&should_be).is_ok(), "{should_be}"),
                // What we accept, refinery accepts, with the same version and name.
                Ok(FileName { version: Version::Versioned(number), name }) if i32::try_from(number).is_ok() => {
                    let theirs = refinery_core::Migration::unapplied(&file[..file.len() - 4], "").unwrap();
                    prop_assert_eq!((i64::from(theirs.version()), theirs.name()), (number, name.as_str()));
                }
                _ => {}
            }
        }
    }
}
