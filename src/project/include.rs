//! The files that a migration includes: read in the order they are met, and written in place.

use super::content::Content;
use super::error::{ProjectError, ProjectErrorKind};
use super::rel_path::RelPath;
use super::root::{Root, SourceFile};
use super::script::{DEEPEST, ScriptFault};
use crate::sql::{self, Item};

/// Reads everything that a migration includes, in the order it is met; what is read here is what
/// is hashed and what runs.
pub(super) fn read_includes(
    root: &Root,
    path: &RelPath,
    content: &Content,
) -> Result<Vec<SourceFile>, Vec<ProjectError>> {
    let mut files = Vec::new();
    let mut errors = Vec::new();
    follow(root, path, content, 0, &mut files, &mut errors);
    if errors.is_empty() {
        Ok(files)
    } else {
        Err(errors)
    }
}

/// Writes the included files into a text, in place of the lines that include them.
///
/// This is what history stores: it can be run from any checkout, and from none.
pub(super) fn expanded(text: &str, included: &[SourceFile]) -> String {
    let mut files = included.iter();
    expand(text, &mut files, 0)
}

fn expand(text: &str, files: &mut std::slice::Iter<'_, SourceFile>, depth: usize) -> String {
    let Ok(items) = sql::split(text) else {
        return text.to_owned();
    };
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    for item in items {
        let Item::Include { span, .. } = item else {
            continue;
        };
        if depth >= DEEPEST {
            break;
        }
        if let Some(file) = files.next() {
            out.push_str(&text[at..span.start]);
            out.push_str(&expand(file.sql(), files, depth + 1));
            at = span.end;
        }
    }
    out.push_str(&text[at..]);
    out
}

fn follow(
    root: &Root,
    path: &RelPath,
    content: &Content,
    depth: usize,
    files: &mut Vec<SourceFile>,
    errors: &mut Vec<ProjectError>,
) {
    // Without a backslash there is no include, and most files have none.
    let text = content.sql();
    if memchr::memmem::find(text.as_bytes(), b"\\i").is_none() {
        return;
    }
    // What cannot be split is reported when the statements are needed.
    let Ok(items) = sql::split(text) else { return };
    for item in items {
        let Item::Include {
            path: written,
            relative,
            span,
        } = item
        else {
            continue;
        };
        let snippet = || content.snippet(path.as_str(), span.start, span.len());
        if depth >= DEEPEST {
            errors.push(ProjectError::at(ScriptFault::IncludeCircle, snippet()));
            return;
        }
        match root.read_inside(path, &written, relative) {
            Ok(file) => {
                let (path, content) = (file.path.clone(), file.content.clone());
                files.push(file);
                follow(root, &path, &content, depth + 1, files, errors);
            }
            Err(error) => {
                let kind = match *error.kind {
                    ProjectErrorKind::Path(fault) => {
                        ProjectErrorKind::Path(root.with_sibling(fault))
                    }
                    kind => kind,
                };
                errors.push(ProjectError::at(kind, snippet()));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn includes_are_written_in_place_in_the_order_they_are_met() {
        let file = |path: &str, text: &str| SourceFile {
            path: RelPath::parse(path).unwrap(),
            content: Content::new(text),
        };
        let included = [
            file("a.sql", "select 2;\n\\ir b.sql\n"),
            file("b.sql", "\u{feff}select 3;"),
        ];
        assert_eq!(
            expanded("select 1;\n\\i a.sql\nselect 4;\n", &included),
            "select 1;\nselect 2;\nselect 3;\n\nselect 4;\n"
        );
        assert_eq!(expanded("select 1;", &[]), "select 1;");
    }
}
