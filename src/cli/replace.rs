//! Writes a command's file in one step: whoever reads it meanwhile sees the old text or the new one.

use std::fs;
use std::io::Write as _;
use std::path::Path;

/// Writes beside the file first, then takes its place.
pub fn replace(path: &Path, text: &str) -> std::io::Result<()> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.part", std::process::id()));
    let part = path.with_file_name(name);
    let written = fs::File::create(&part)
        .and_then(|mut file| {
            file.write_all(text.as_bytes())
                .and_then(|()| file.sync_all())
        })
        .and_then(|()| fs::rename(&part, path));
    if written.is_err() {
        // What is left of it is of no use; the first failure says why.
        drop(fs::remove_file(&part));
    }
    written
}
