//! Files and directories that belong to exactly one user, made and checked.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt, lchown};
use std::path::Path;

use super::error::EmbeddedError;
use super::home::MARKER;
use super::user::{ServerUser, caller};

/// Makes a directory that only the server's user may enter.
///
/// One that is there must be exactly that: in `/tmp` anybody can make a directory of this name and
/// wait in it for a password.
pub(super) fn make_private(path: &Path, user: &ServerUser) -> Result<(), EmbeddedError> {
    let made = match DirBuilder::new().mode(0o700).create(path) {
        Ok(()) => true,
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => false,
        Err(source) => {
            return Err(EmbeddedError::Io {
                action: "create",
                path: path.to_owned(),
                source,
            });
        }
    };
    let metadata = fs::symlink_metadata(path).map_err(EmbeddedError::io("look at", path))?;
    // Root made it a moment ago, or was interrupted between making it and giving it away.
    let to_give_away = user.switch && metadata.is_dir() && metadata.uid() == caller();
    if made || to_give_away {
        lchown(path, Some(user.uid), Some(user.gid)).map_err(EmbeddedError::io("chown", path))?;
        return Ok(());
    }
    if !metadata.is_dir() || metadata.uid() != user.uid {
        return Err(EmbeddedError::ForeignOwner {
            path: path.to_owned(),
            owner: metadata.uid(),
            expected: user.uid,
        });
    }
    let mode = metadata.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(EmbeddedError::OpenSocketDirectory {
            path: path.to_owned(),
            mode,
        });
    }
    Ok(())
}

/// Returns whether a directory is there; one of another owner, or a file, is an error.
pub(super) fn belongs_to(path: &Path, expected: u32) -> Result<bool, EmbeddedError> {
    match fs::symlink_metadata(path) {
        Ok(data) if data.is_dir() && data.uid() == expected => Ok(true),
        Ok(data) if data.is_dir() => Err(EmbeddedError::ForeignOwner {
            path: path.to_owned(),
            owner: data.uid(),
            expected,
        }),
        Ok(_) => Err(EmbeddedError::NotOurs {
            path: path.to_owned(),
            marker: MARKER,
        }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(source) => Err(EmbeddedError::Io {
            action: "look at",
            path: path.to_owned(),
            source,
        }),
    }
}

/// Makes the directories above `path` that are missing; those that are there are left as they are.
///
/// Not `create_dir_all`: root's umask may be such that the server's user could not pass through.
pub(super) fn make_parents(path: &Path) -> Result<(), EmbeddedError> {
    let mut missing: Vec<&Path> = path
        .ancestors()
        .skip(1)
        .take_while(|parent| !parent.exists())
        .collect();
    missing.reverse();
    missing.into_iter().try_for_each(make_directory)
}

/// Makes a directory of the caller, or sets the permissions of one that is there.
///
/// Nobody else may enter it, but where root makes it the server's user may pass through.
pub(super) fn make_directory(path: &Path) -> Result<(), EmbeddedError> {
    let mode = if caller() == 0 { 0o711 } else { 0o700 };
    match DirBuilder::new().mode(0o700).create(path) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
            return Err(EmbeddedError::Io {
                action: "create",
                path: path.to_owned(),
                source: error,
            });
        }
        _ => {}
    }
    // Somebody else may have been faster than this call, but not than the check of the owner.
    if belongs_to(path, caller())? {
        fs::set_permissions(path, fs::Permissions::from_mode(mode))
            .map_err(EmbeddedError::io("set the permissions of", path))?;
    }
    Ok(())
}

/// Writes a file that only the caller may read, all of it or nothing.
pub(super) fn write_private(path: &Path, bytes: &[u8]) -> Result<(), EmbeddedError> {
    let part = path.with_extension("part");
    let write = || -> io::Result<()> {
        let mut options = OpenOptions::new();
        let mut file = options
            .create(true)
            .write(true)
            .truncate(true)
            .mode(0o600)
            .open(&part)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&part, path)
    };
    write().map_err(EmbeddedError::io("write", path))
}

/// Returns 32 random bytes of the system in hexadecimal, for a password.
pub(super) fn random_password() -> Result<String, EmbeddedError> {
    let path = Path::new("/dev/urandom");
    let mut bytes = [0; 32];
    File::open(path)
        .and_then(|mut file| file.read_exact(&mut bytes))
        .map_err(EmbeddedError::io("read", path))?;
    Ok(hex(&bytes))
}

/// Returns bytes in lower-case hexadecimal.
pub(super) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes
        .iter()
        .fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
            // Writing to a string cannot fail.
            let _ = write!(text, "{byte:02x}");
            text
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_are_long_and_differ() {
        let (a, b) = (random_password().unwrap(), random_password().unwrap());
        assert_eq!(a.len(), 64);
        assert_ne!(a, b);
    }

    #[test]
    fn a_socket_directory_that_others_may_enter_is_refused() {
        let directory = std::env::temp_dir().join(format!("evmig-open-{}", fastrand::u64(..)));
        let uid = caller();
        let user = ServerUser {
            name: "me".into(),
            uid,
            gid: 0,
            switch: false,
        };
        fs::create_dir(&directory).unwrap();
        fs::set_permissions(&directory, fs::Permissions::from_mode(0o755)).unwrap();
        let refused = make_private(&directory, &user);
        assert!(matches!(
            refused,
            Err(EmbeddedError::OpenSocketDirectory { mode: 0o755, .. })
        ));
        let other = ServerUser {
            uid: uid + 1,
            ..user
        };
        assert!(matches!(
            make_private(&directory, &other),
            Err(EmbeddedError::ForeignOwner { .. })
        ));
        fs::remove_dir(&directory).unwrap();
    }
}
