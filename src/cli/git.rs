//! The checkout's commit, for the history; read from the files, without running git.

use std::path::Path;

/// Returns the commit that is checked out where the project is, if it is in a git checkout.
pub fn commit(root: &Path) -> Option<String> {
    let git = root
        .ancestors()
        .map(|dir| dir.join(".git"))
        .find(|path| path.exists())?;
    let git = if git.is_file() {
        // A worktree: `gitdir: <path>`.
        let text = std::fs::read_to_string(&git).ok()?;
        git.parent()?.join(text.strip_prefix("gitdir:")?.trim())
    } else {
        git
    };
    let head = std::fs::read_to_string(git.join("HEAD")).ok()?;
    let Some(reference) = head.trim().strip_prefix("ref:") else {
        return hash(&head);
    };
    let reference = reference.trim();
    let common = std::fs::read_to_string(git.join("commondir"))
        .map_or_else(|_| git.clone(), |dir| git.join(dir.trim()));
    std::fs::read_to_string(common.join(reference))
        .ok()
        .and_then(|text| hash(&text))
        .or_else(|| packed(&common, reference))
}

fn packed(git: &Path, reference: &str) -> Option<String> {
    let text = std::fs::read_to_string(git.join("packed-refs")).ok()?;
    text.lines().find_map(|line| {
        let (commit, name) = line.split_once(' ')?;
        (name == reference).then(|| hash(commit)).flatten()
    })
}

fn hash(text: &str) -> Option<String> {
    let text = text.trim();
    let is_hash = text.len() >= 40 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_hash.then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_hashes_are_taken() {
        assert_eq!(
            hash(&"a".repeat(40)).as_deref(),
            Some("a".repeat(40).as_str())
        );
        assert_eq!(hash("main"), None);
    }
}
