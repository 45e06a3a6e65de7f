//! Makes a data directory with `initdb`, all of it or nothing.

use std::fs;
use std::os::unix::fs::lchown;
use std::path::Path;

use super::binaries::Binaries;
use super::error::{EmbeddedError, last_lines};
use super::home::Major;
use super::private::{make_private, random_password, write_private};
use super::user::ServerUser;

/// The superuser of an embedded server: the name that Supabase and Docker images use too.
pub(super) const SUPERUSER: &str = "postgres";

/// What `initdb` tries for `LC_CTYPE`, in order. Collation is `C` everywhere, so that orders are
/// the same on every machine; the character types should know letters beyond ASCII, but no name
/// for that exists on every system.
const CHARACTER_TYPES: [&str; 3] = ["C.UTF-8", "en_US.UTF-8", "C"];

/// How a data directory is called until it is complete.
const PART: &str = "data.part-";

/// Makes the data directory of `major`; returns its `LC_CTYPE`.
///
/// `initdb` works in a directory of a new name, which is renamed at the end: an interrupted one is
/// recognised by its name, and a left-over `initdb` cannot write into its successor's directory.
/// The password is in place before the rename.
///
/// Who may connect: whoever knows the password, over the socket and over loopback alike
/// (scram-sha-256). `trust` on the socket was rejected: its only fence would be the directory's
/// mode, and where the server runs as `nobody` others share that user.
pub(super) fn initialise(
    major: &Major,
    binaries: &Binaries,
    user: &ServerUser,
) -> Result<&'static str, EmbeddedError> {
    remove_parts(major)?;
    let part = major
        .directory
        .join(format!("{PART}{:016x}", fastrand::u64(..)));
    make_private(&part, user)?;
    let password = random_password()?;
    let password_file = major.directory.join("initial-password");
    write_private(&password_file, password.as_bytes())?;
    lchown(&password_file, Some(user.uid), Some(user.gid))
        .map_err(EmbeddedError::io("chown", &password_file))?;
    let made = initdb(major, &part, &password_file, binaries, user);
    fs::remove_file(&password_file).map_err(EmbeddedError::io("remove", &password_file))?;
    let character_type = made?;
    // One line in libpq's format, so that psql can read it as PGPASSFILE.
    write_private(
        &major.pgpass(),
        format!("*:*:*:{SUPERUSER}:{password}\n").as_bytes(),
    )?;
    fs::rename(&part, major.data()).map_err(EmbeddedError::io("rename", &part))?;
    Ok(character_type)
}

/// Runs `initdb` in an empty directory, with the first locale that the system has.
fn initdb(
    major: &Major,
    part: &Path,
    password_file: &Path,
    binaries: &Binaries,
    user: &ServerUser,
) -> Result<&'static str, EmbeddedError> {
    let program = binaries.program("initdb");
    let mut said = String::new();
    for character_type in CHARACTER_TYPES {
        let output = user
            .command(&program, &major.directory)
            .arg("--pgdata")
            .arg(part)
            .arg("--pwfile")
            .arg(password_file)
            .args(["--username", SUPERUSER, "--auth", "scram-sha-256"])
            .args([
                "--encoding",
                "UTF8",
                "--locale",
                "C",
                "--lc-ctype",
                character_type,
            ])
            // With locale C it would be `simple`; hosted databases have `english`.
            .args(["--text-search-config", "english"])
            // The directory is new, so a power cut loses nothing but this work.
            .args(["--no-sync", "--no-instructions"])
            .output()
            .map_err(|source| EmbeddedError::Spawn {
                program: program.clone(),
                user: user.name.clone(),
                source,
            })?;
        if output.status.success() {
            return Ok(character_type);
        }
        said = last_lines(&output.stderr, 15);
        if !said.contains("locale") {
            break;
        }
    }
    Err(EmbeddedError::Initdb {
        directory: major.directory.clone(),
        output: said,
    })
}

/// Removes what interrupted runs of `initdb`, and interrupted resets, have left.
pub(super) fn remove_parts(major: &Major) -> Result<(), EmbeddedError> {
    let entries = fs::read_dir(&major.directory);
    for entry in entries
        .map_err(EmbeddedError::io("list", &major.directory))?
        .flatten()
    {
        if entry.file_name().to_string_lossy().starts_with(PART) {
            let path = entry.path();
            fs::remove_dir_all(&path).map_err(EmbeddedError::io("remove", &path))?;
        }
    }
    Ok(())
}

/// Takes the data directory out of use in one step; what is left is a part like any other.
pub(super) fn discard(major: &Major) -> Result<(), EmbeddedError> {
    let data = major.data();
    if data.exists() {
        let part = major
            .directory
            .join(format!("{PART}{:016x}", fastrand::u64(..)));
        fs::rename(&data, part).map_err(EmbeddedError::io("rename", &data))?;
    }
    remove_parts(major)
}
