//! The service file (`pg_service.conf`), as libpq reads it.

use std::io;
use std::path::{Path, PathBuf};

use crate::pg::conninfo::Pairs;
use crate::pg::keyword;
use crate::secret::Secret;

/// Why a service cannot be used. Holds keywords and places, never values: one may be a password.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ServiceError {
    /// None of the files defines it.
    #[error("service `{service}` is not defined in {}", list(looked_in))]
    NotFound {
        /// The service.
        service: String,
        /// The files that were read or looked for.
        looked_in: Vec<PathBuf>,
    },
    /// The file cannot be read.
    #[error("cannot read the service file {}: {kind}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The kind of the I/O error.
        kind: io::ErrorKind,
    },
    /// A line in the service's section is not `keyword=value`.
    #[error("{}:{line}: {what}", path.display())]
    BadLine {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is wrong with it.
        what: &'static str,
    },
    /// A keyword that libpq does not know.
    #[error(
        "{}:{line}: unknown keyword `{name}`{}", path.display(),
        nearest.map(|known| format!("; did you mean `{known}`?")).unwrap_or_default()
    )]
    UnknownKeyword {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// The keyword.
        name: String,
        /// The known keyword that was probably meant.
        nearest: Option<&'static str>,
    },
}

fn list(paths: &[PathBuf]) -> String {
    if paths.is_empty() {
        return "any file: there is no home directory and PGSYSCONFDIR is not set".to_owned();
    }
    let paths: Vec<_> = paths
        .iter()
        .map(|path| path.display().to_string())
        .collect();
    paths.join(" or ")
}

/// Where services are looked for.
#[derive(Debug, Clone, Default)]
pub struct ServiceFiles {
    /// `servicefile` or `PGSERVICEFILE`: must exist, and takes the place of the user's file.
    pub named: Option<PathBuf>,
    /// `~/.pg_service.conf`: need not exist.
    pub user: Option<PathBuf>,
    /// `pg_service.conf` in `PGSYSCONFDIR`: need not exist.
    pub system: Vec<PathBuf>,
}

impl ServiceFiles {
    /// Reads the settings of a service, with the file they came from.
    pub fn find(&self, service: &str) -> Result<(Pairs, PathBuf), ServiceError> {
        let first = self.named.as_ref().or(self.user.as_ref());
        for path in first.into_iter().chain(&self.system) {
            let text = match std::fs::read(path) {
                Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
                Err(error)
                    if error.kind() == io::ErrorKind::NotFound
                        && self.named.as_ref() != Some(path) =>
                {
                    continue;
                }
                Err(error) => {
                    return Err(ServiceError::Unreadable {
                        path: path.clone(),
                        kind: error.kind(),
                    });
                }
            };
            if let Some(pairs) = parse(&text, service, path)? {
                return Ok((pairs, path.clone()));
            }
        }
        Err(ServiceError::NotFound {
            service: service.to_owned(),
            looked_in: first.into_iter().chain(&self.system).cloned().collect(),
        })
    }
}

/// Returns the settings of the first section of that name; `None` if there is no such section.
fn parse(text: &str, service: &str, path: &Path) -> Result<Option<Pairs>, ServiceError> {
    let mut found: Option<Pairs> = None;
    for (at, line) in text.split('\n').enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if let Some(section) = line.strip_prefix('[') {
            if found.is_some() {
                break;
            }
            if section.strip_suffix(']') == Some(service) {
                found = Some(Pairs::new());
            }
            continue;
        }
        if let Some(pairs) = &mut found {
            pairs.push(parse_line(line, at + 1, path)?);
        }
    }
    Ok(found)
}

fn parse_line(
    text: &str,
    line: usize,
    path: &Path,
) -> Result<(&'static str, Secret), ServiceError> {
    let bad = |what| ServiceError::BadLine {
        path: path.to_owned(),
        line,
        what,
    };
    if text.starts_with("ldap") {
        return Err(bad(
            "LDAP look-ups are not supported; write the settings out",
        ));
    }
    let (name, value) = text
        .split_once('=')
        .ok_or_else(|| bad("expected `keyword=value`"))?;
    if name == "service" {
        return Err(bad("a service cannot refer to another service"));
    }
    let Some(keyword) = keyword::find(name) else {
        return Err(ServiceError::UnknownKeyword {
            path: path.to_owned(),
            line,
            name: name.chars().take(40).filter(|c| !c.is_control()).collect(),
            nearest: keyword::nearest(name),
        });
    };
    Ok((keyword.name, Secret::new(value)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, service: &str) -> Result<Option<Vec<(&'static str, String)>>, String> {
        parse(text, service, Path::new("s.conf"))
            .map(|pairs| {
                pairs.map(|pairs| {
                    pairs
                        .into_iter()
                        .map(|(name, value)| (name, value.expose().to_owned()))
                        .collect()
                })
            })
            .map_err(|error| error.to_string())
    }

    #[test]
    fn only_the_named_section_is_read() {
        let text = "# c\n[a]\nhost=x\n\n[b]\nhost=y\n  port=1 \npassword=p=q\n[b]\nhost=z\n";
        assert_eq!(
            read(text, "b").unwrap().unwrap(),
            [
                ("host", "y".to_owned()),
                ("port", "1".to_owned()),
                ("password", "p=q".to_owned())
            ]
        );
        assert_eq!(read(text, "c"), Ok(None));
        assert_eq!(read("[e]\n", "e"), Ok(Some(vec![])));
    }

    #[test]
    fn errors_name_the_line() {
        assert_eq!(
            read("[a]\nhots=x", "a"),
            Err("s.conf:2: unknown keyword `hots`; did you mean `host`?".to_owned())
        );
        assert_eq!(
            read("[a]\nhost", "a"),
            Err("s.conf:2: expected `keyword=value`".to_owned())
        );
        assert_eq!(
            read("[a]\nservice=b", "a"),
            Err("s.conf:2: a service cannot refer to another service".to_owned())
        );
        // Another section's errors are not this one's, as in libpq.
        assert_eq!(
            read("[a]\nnonsense\n[b]\nhost=y", "b")
                .unwrap()
                .unwrap()
                .len(),
            1
        );
    }

    #[test]
    fn a_named_file_must_exist_and_a_users_need_not() {
        let missing = PathBuf::from("/nonexistent/pg_service.conf");
        let named = ServiceFiles {
            named: Some(missing.clone()),
            ..ServiceFiles::default()
        };
        assert!(matches!(
            named.find("a"),
            Err(ServiceError::Unreadable { .. })
        ));
        let user = ServiceFiles {
            user: Some(missing),
            ..ServiceFiles::default()
        };
        assert!(matches!(user.find("a"), Err(ServiceError::NotFound { .. })));
    }
}
