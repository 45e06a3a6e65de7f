//! The key that authenticates manifests: 32 random bytes in a file that only its user can read,
//! outside of every backup.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::{Digest as _, Sha256};

use super::error::BackupError;

/// The file's name in evmig's state directory.
pub const NAME: &str = "backup.key";

/// Number of random bytes.
const BYTES: usize = 32;

/// A key.
#[derive(Clone)]
pub struct Key {
    bytes: [u8; BYTES],
    /// Where it is.
    pub path: PathBuf,
}

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Key")
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

impl Key {
    /// Reads the key; `None` where there is none.
    ///
    /// One that others may read is refused: whoever has read it can write manifests.
    pub fn read(path: &Path) -> Result<Option<Self>, BackupError> {
        let bad = |reason: String| BackupError::BadKey {
            path: path.to_owned(),
            reason,
        };
        let file = match File::open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(bad(error.to_string())),
        };
        let metadata = file.metadata().map_err(|error| bad(error.to_string()))?;
        if !metadata.is_file() {
            return Err(bad("it is no plain file".to_owned()));
        }
        if metadata.mode() & 0o077 != 0 {
            let mode = metadata.mode() & 0o777;
            return Err(bad(format!(
                "group or others have access (mode {mode:04o}); chmod 0600 it, and make new backups \
                 with a new key if somebody may have read it"
            )));
        }
        let mut text = String::new();
        let read = file.take(1024).read_to_string(&mut text);
        read.map_err(|error| bad(error.to_string()))?;
        let bytes = unhex(text.trim_end())
            .ok_or_else(|| bad(format!("it does not have {} hexadecimal digits", 2 * BYTES)))?;
        Ok(Some(Self {
            bytes,
            path: path.to_owned(),
        }))
    }

    /// Reads the key, or makes one. Two evmigs that do so at once end with the same one.
    pub fn read_or_make(path: &Path) -> Result<Self, BackupError> {
        if let Some(key) = Self::read(path)? {
            return Ok(key);
        }
        let io = |source| BackupError::io("write", path)(source);
        let mut bytes = [0; BYTES];
        File::open("/dev/urandom")
            .and_then(|mut file| file.read_exact(&mut bytes))
            .map_err(BackupError::io("read", Path::new("/dev/urandom")))?;
        let part = path.with_extension(format!("key.{}", crate::clock::run_id()));
        let mut options = OpenOptions::new();
        let mut file = options
            .create_new(true)
            .write(true)
            .mode(0o600)
            .open(&part)
            .map_err(io)?;
        let written = file
            .write_all(format!("{}\n", hex(&bytes)).as_bytes())
            .and_then(|()| file.sync_all())
            // Unlike a rename, a link does not replace what somebody else has put there.
            .and_then(|()| fs::hard_link(&part, path));
        let removed = fs::remove_file(&part);
        match written {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(io(error)),
            _ => removed.map_err(io)?,
        }
        Self::read(path)?.ok_or_else(|| BackupError::BadKey {
            path: path.to_owned(),
            reason: "it was removed again".to_owned(),
        })
    }

    /// Returns what names the key and does not tell it.
    pub fn id(&self) -> String {
        let mut hash = Sha256::new();
        hash.update(b"evmig backup key ");
        hash.update(self.bytes);
        hex(&hash.finalize())[..16].to_owned()
    }

    /// Returns the line that authenticates a text.
    pub fn line(&self, text: &[u8]) -> String {
        // A key of any length is taken.
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&self.bytes) else {
            return String::new();
        };
        mac.update(text);
        format!("{}\n", hex(&mac.finalize().into_bytes()))
    }

    /// Returns whether a line authenticates a text, exactly as it was written.
    pub fn accepts(&self, text: &[u8], line: &[u8]) -> bool {
        let expected = self.line(text);
        // Every byte is looked at, wherever the first difference is.
        expected.len() == line.len()
            && !expected.is_empty()
            && expected
                .bytes()
                .zip(line)
                .fold(0, |different, (a, b)| different | (a ^ b))
                == 0
    }
}

/// Returns bytes in lower-case hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes
        .iter()
        .fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
            // Writing to a string cannot fail.
            let _ = write!(text, "{byte:02x}");
            text
        })
}

fn unhex(text: &str) -> Option<[u8; BYTES]> {
    let digits = text.as_bytes();
    if digits.len() != 2 * BYTES || !digits.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    let mut bytes = [0; BYTES];
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks(2)) {
        let pair = std::str::from_utf8(pair).ok()?;
        *byte = u8::from_str_radix(pair, 16).ok()?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn the_code_is_that_of_rfc_4231() {
        // Test case 2 has a key of 4 bytes; padding it with zeros to 32 changes nothing (RFC 2104).
        let mut bytes = [0; BYTES];
        bytes[..4].copy_from_slice(b"Jefe");
        let key = Key {
            bytes,
            path: PathBuf::new(),
        };
        assert_eq!(
            key.line(b"what do ya want for nothing?"),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843\n"
        );
    }

    #[test]
    fn a_key_is_made_once_and_refused_where_others_can_read_it() {
        let directory = std::env::temp_dir().join(format!("evmig-key-{}", fastrand::u64(..)));
        fs::create_dir(&directory).unwrap();
        let path = directory.join(NAME);
        assert!(Key::read(&path).unwrap().is_none());
        let made = Key::read_or_make(&path).unwrap();
        let again = Key::read_or_make(&path).unwrap();
        assert_eq!(made.id(), again.id());
        assert_eq!(fs::read_dir(&directory).unwrap().count(), 1);
        assert!(again.accepts(b"x", made.line(b"x").as_bytes()));
        assert!(!again.accepts(b"x", made.line(b"y").as_bytes()));
        // A flipped bit may make a digit upper case: the same number, and not the same line.
        let upper = made.line(b"x").to_ascii_uppercase();
        assert!(!again.accepts(b"x", upper.as_bytes()));
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        assert!(matches!(Key::read(&path), Err(BackupError::BadKey { .. })));
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        fs::write(&path, "short\n").unwrap();
        assert!(matches!(Key::read(&path), Err(BackupError::BadKey { .. })));
        fs::remove_dir_all(directory).unwrap();
    }
}
