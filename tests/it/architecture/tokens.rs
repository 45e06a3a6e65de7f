//! Rust source as far as the architecture rules need it: words and punctuation, without comments
//! and literals, and the places in the crate that a file names.

use std::collections::BTreeSet;

/// Splits source into identifiers, `::` and single punctuation characters. Comments and the
/// insides of literals are gone, so that a rule never trips over prose.
pub(super) fn tokens(source: &str) -> Vec<String> {
    let chars: Vec<char> = source.chars().collect();
    let mut tokens = Vec::new();
    let mut at = 0;
    while at < chars.len() {
        let rest = &chars[at..];
        at += match rest {
            ['/', '/', ..] => rest.iter().take_while(|c| **c != '\n').count(),
            ['/', '*', ..] => block_comment(rest),
            ['"', ..] => string(rest),
            ['\'', ..] => char_or_lifetime(rest),
            [':', ':', ..] => {
                tokens.push("::".to_owned());
                2
            }
            [c, ..] if c.is_alphanumeric() || *c == '_' => {
                let word: String = rest
                    .iter()
                    .take_while(|c| c.is_alphanumeric() || **c == '_')
                    .collect();
                let length = word.chars().count();
                if let Some(raw) = raw_string(&word, &rest[length..]) {
                    length + raw
                } else {
                    tokens.push(word);
                    length
                }
            }
            [c, ..] => {
                if !c.is_whitespace() {
                    tokens.push(c.to_string());
                }
                1
            }
            [] => 1,
        };
    }
    tokens
}

fn block_comment(rest: &[char]) -> usize {
    let mut depth = 0;
    let mut at = 0;
    while at < rest.len() {
        match rest[at..] {
            ['/', '*', ..] => {
                depth += 1;
                at += 2;
            }
            ['*', '/', ..] => {
                depth -= 1;
                at += 2;
                if depth == 0 {
                    break;
                }
            }
            _ => at += 1,
        }
    }
    at
}

fn string(rest: &[char]) -> usize {
    let mut at = 1;
    while at < rest.len() && rest[at] != '"' {
        at += if rest[at] == '\\' { 2 } else { 1 };
    }
    at + 1
}

/// The length of a raw string after its prefix word, `None` where the word is a plain one.
fn raw_string(word: &str, rest: &[char]) -> Option<usize> {
    if !matches!(word, "r" | "br" | "cr") {
        return None;
    }
    let hashes = rest.iter().take_while(|c| **c == '#').count();
    if rest.get(hashes) != Some(&'"') {
        return None;
    }
    let mut at = hashes + 1;
    while at < rest.len() {
        let closing = rest[at] == '"'
            && rest[at + 1..].len() >= hashes
            && rest[at + 1..at + 1 + hashes].iter().all(|c| *c == '#');
        if closing {
            return Some(at + 1 + hashes);
        }
        at += 1;
    }
    Some(at)
}

fn char_or_lifetime(rest: &[char]) -> usize {
    match rest {
        ['\'', '\\', _, tail @ ..] => 4 + tail.iter().take_while(|c| **c != '\'').count(),
        ['\'', _, '\'', ..] => 3,
        _ => 1,
    }
}

/// Returns the modules at the crate's root that a file names, by `crate::` or by enough `super::`.
/// `depth` is how many modules deep the file is: 1 for `pg/mod.rs`, 2 for `pg/tls.rs`.
pub(super) fn crate_roots(tokens: &[String], depth: usize) -> BTreeSet<String> {
    let mut roots = BTreeSet::new();
    let mut braces = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        match tokens[at].as_str() {
            "{" => {
                let opens_module = at >= 2 && tokens[at - 2] == "mod";
                braces.push(opens_module);
            }
            "}" => {
                braces.pop();
            }
            "crate" if next_is(tokens, at, "::") => {
                roots.extend(first_names(&tokens[at + 2..]));
            }
            "super" if next_is(tokens, at, "::") => {
                let mut supers = 1;
                while tokens.get(at + 2).is_some_and(|t| t == "super")
                    && next_is(tokens, at + 2, "::")
                {
                    supers += 1;
                    at += 2;
                }
                let inline = braces.iter().filter(|module| **module).count();
                if supers >= depth + inline {
                    roots.extend(first_names(&tokens[at + 2..]));
                }
            }
            _ => {}
        }
        at += 1;
    }
    roots
}

fn next_is(tokens: &[String], at: usize, token: &str) -> bool {
    tokens.get(at + 1).is_some_and(|next| next == token)
}

/// The first name of a path, or of each element of a `{…}` group. A nested group without a name
/// of its own (`{{a, b}}`) is not valid Rust style and shows up as `{`, which no table allows.
fn first_names(path: &[String]) -> Vec<String> {
    match path.first().map(String::as_str) {
        Some("{") => {
            let mut names = Vec::new();
            let mut depth = 0;
            for (before, token) in path.iter().zip(&path[1..]) {
                match before.as_str() {
                    "{" => depth += 1,
                    "}" => depth -= 1,
                    _ => {}
                }
                if depth == 0 {
                    break;
                }
                if depth == 1 && matches!(before.as_str(), "{" | ",") && token != "}" {
                    names.push(token.clone());
                }
            }
            names
        }
        Some(name) => vec![name.to_owned()],
        None => Vec::new(),
    }
}

#[test]
fn prose_and_literals_are_not_code() {
    let source = r##"
        // crate::a
        /* crate::b /* crate::c */ crate::d */
        let x = "crate::e \" crate::f"; let y = r#"crate::g " crate::h"#; let z = '"'; let q = '\'';
        fn f<'a>(s: &'a str) -> char { '\u{1F600}' }
        use crate::real;
    "##;
    let roots = crate_roots(&tokens(source), 2);
    assert_eq!(roots.into_iter().collect::<Vec<_>>(), ["real"]);
}

#[test]
fn groups_and_supers_are_followed_to_the_root() {
    let found = |source: &str, depth| -> Vec<String> {
        crate_roots(&tokens(source), depth).into_iter().collect()
    };
    let group = "use crate::{pg::{self, tls::X}, report::Finding, sql};";
    assert_eq!(found(group, 2), ["pg", "report", "sql"]);
    assert_eq!(found("use super::tls;", 2), [""; 0]);
    assert_eq!(found("use super::super::runner::apply;", 2), ["runner"]);
    assert_eq!(found("use super::runner;", 1), ["runner"]);
    assert_eq!(found("mod tests { use super::super::tls; }", 2), [""; 0]);
    assert_eq!(
        found("mod tests { use super::super::super::cli; }", 2),
        ["cli"]
    );
    assert_eq!(found("fn f() { crate::cli::run() }", 2), ["cli"]);
    assert_eq!(found("pub(crate) fn f() {}", 2), [""; 0]);
}
