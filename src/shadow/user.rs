//! Which operating system user runs the server, and whether that user can get to its files.
//!
//! PostgreSQL refuses to run as root. When evmig is root (containers), the server and `initdb` run
//! as `postgres`, else `nobody`; the switch is made by the standard library between fork and exec,
//! which also drops root's supplementary groups.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use nix::unistd::{Gid, Uid, User};

use super::error::EmbeddedError;

/// The user that runs the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ServerUser {
    /// The login name, or the number where it has none.
    pub(super) name: String,
    /// User id.
    pub(super) uid: u32,
    /// Group id.
    pub(super) gid: u32,
    /// Whether this is another user than the one who runs evmig.
    pub(super) switch: bool,
}

impl ServerUser {
    /// Chooses the user: the caller, or for root an unprivileged one (`requested` is
    /// `EVMIG_PG_USER`).
    pub(super) fn choose(requested: Option<&str>) -> Result<Self, EmbeddedError> {
        let uid = Uid::effective();
        if uid.is_root() {
            return Self::unprivileged(requested);
        }
        if let Some(name) = requested
            && look_up(name)?.is_none_or(|user| user.uid != uid)
        {
            return Err(EmbeddedError::CannotSwitchUser {
                requested: name.to_owned(),
                uid: uid.as_raw(),
            });
        }
        let name = User::from_uid(uid).ok().flatten().map(|user| user.name);
        Ok(Self {
            name: name.unwrap_or_else(|| uid.to_string()),
            uid: uid.as_raw(),
            gid: Gid::effective().as_raw(),
            switch: false,
        })
    }

    /// Chooses the user for root.
    fn unprivileged(requested: Option<&str>) -> Result<Self, EmbeddedError> {
        let user = if let Some(name) = requested {
            look_up(name)?.ok_or_else(|| EmbeddedError::NoSuchUser {
                name: name.to_owned(),
            })?
        } else if let Some(user) = look_up("postgres")? {
            user
        } else {
            look_up("nobody")?.ok_or(EmbeddedError::NoUnprivilegedUser)?
        };
        if user.uid.is_root() {
            return Err(EmbeddedError::PrivilegedUser { name: user.name });
        }
        Ok(Self {
            name: user.name,
            uid: user.uid.as_raw(),
            gid: user.gid.as_raw(),
            switch: true,
        })
    }

    /// Returns the user that owns a data directory, who alone can run its server.
    pub(super) fn owner_of(data: &Path) -> Result<Self, EmbeddedError> {
        let metadata = fs::symlink_metadata(data).map_err(EmbeddedError::io("look at", data))?;
        let uid = Uid::from_raw(metadata.uid());
        let name = User::from_uid(uid).ok().flatten().map(|user| user.name);
        let name = name.unwrap_or_else(|| uid.to_string());
        if uid.is_root() {
            return Err(EmbeddedError::PrivilegedUser { name });
        }
        Ok(Self {
            name,
            uid: metadata.uid(),
            gid: metadata.gid(),
            switch: uid != Uid::effective(),
        })
    }

    /// Returns a command that runs `program` as this user, in `directory`, with a clean
    /// environment.
    ///
    /// Nothing of the caller's environment is passed on: `PGDATA` and the like would change what
    /// the server does, and a server outlives the command whose `PGPASSWORD` it would carry.
    /// `LC_ALL=C` keeps messages readable for evmig whatever the caller's language.
    pub(super) fn command(&self, program: &Path, directory: &Path) -> Command {
        let mut command = Command::new(program);
        command
            .env_clear()
            .env("LC_ALL", "C")
            .env("PATH", "/usr/local/bin:/usr/bin:/bin")
            .env("HOME", directory)
            .current_dir(directory)
            .stdin(Stdio::null());
        if self.switch {
            command.uid(self.uid).gid(self.gid);
        }
        command
    }

    /// Checks that this user can enter `target` (a directory) and every directory above it.
    pub(super) fn can_reach(&self, target: &Path) -> Result<(), EmbeddedError> {
        match self
            .obstacle(target)
            .map_err(EmbeddedError::io("look at", target))?
        {
            None => Ok(()),
            Some(obstacle) => Err(EmbeddedError::Unreachable {
                user: self.name.clone(),
                obstacle,
                target: target.to_owned(),
            }),
        }
    }

    /// Returns the first directory on the way to `target` that this user may not enter.
    ///
    /// Symbolic links are resolved first. What does not exist yet is left out: evmig will make it.
    /// Only the caller's own processes are judged by mode bits when `switch` is set; a caller who
    /// runs the server itself learns of trouble from the system.
    fn obstacle(&self, target: &Path) -> io::Result<Option<PathBuf>> {
        if !self.switch {
            return Ok(None);
        }
        let Some(existing) = target.ancestors().find(|path| path.exists()) else {
            return Ok(None);
        };
        let existing = existing.canonicalize()?;
        let mut from_the_root: Vec<&Path> = existing.ancestors().collect();
        from_the_root.reverse();
        for directory in from_the_root {
            let metadata = fs::metadata(directory)?;
            if !self.may_enter(metadata.mode(), metadata.uid(), metadata.gid()) {
                return Ok(Some(directory.to_owned()));
            }
        }
        Ok(None)
    }

    /// Returns whether the permission bits let this user search a directory.
    fn may_enter(&self, mode: u32, owner: u32, group: u32) -> bool {
        let bit = if owner == self.uid {
            0o100
        } else if group == self.gid {
            0o010
        } else {
            0o001
        };
        mode & bit != 0
    }
}

/// Returns the caller's user id, whose files evmig trusts.
pub(super) fn caller() -> u32 {
    Uid::effective().as_raw()
}

fn look_up(name: &str) -> Result<Option<User>, EmbeddedError> {
    User::from_name(name).map_err(|source| EmbeddedError::UserLookup {
        name: name.to_owned(),
        source,
    })
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn somebody() -> ServerUser {
        ServerUser {
            name: "somebody".into(),
            uid: 54_321,
            gid: 54_322,
            switch: true,
        }
    }

    #[test]
    fn the_first_class_that_fits_decides() {
        let user = somebody();
        assert!(user.may_enter(0o700, 54_321, 0));
        assert!(!user.may_enter(0o077, 54_321, 54_322));
        assert!(user.may_enter(0o010, 0, 54_322));
        assert!(!user.may_enter(0o701, 0, 54_322));
        assert!(user.may_enter(0o701, 0, 0));
        assert!(!user.may_enter(0o770, 0, 0));
    }

    #[test]
    fn the_walk_names_the_closed_directory_and_not_one_below_it() {
        let top = std::env::temp_dir().join(format!("evmig-walk-{}", fastrand::u64(..)));
        let inner = top.join("closed/open");
        fs::create_dir_all(&inner).unwrap();
        for (directory, mode) in [(&top, 0o755), (&top.join("closed"), 0o700), (&inner, 0o755)] {
            fs::set_permissions(directory, fs::Permissions::from_mode(mode)).unwrap();
        }
        let obstacle = somebody().obstacle(&inner.join("not/made/yet")).unwrap();
        assert_eq!(obstacle, Some(top.join("closed").canonicalize().unwrap()));
        let error = somebody().can_reach(&inner).unwrap_err();
        assert!(error.hint().contains("chmod o+x"), "{}", error.hint());

        fs::set_permissions(top.join("closed"), fs::Permissions::from_mode(0o711)).unwrap();
        assert_eq!(somebody().obstacle(&inner).unwrap(), None);
        fs::remove_dir_all(&top).unwrap();
    }

    #[test]
    fn unknown_and_privileged_users_are_refused() {
        assert!(matches!(
            ServerUser::unprivileged(Some("no-such-user-here")),
            Err(EmbeddedError::NoSuchUser { .. })
        ));
        assert!(matches!(
            ServerUser::unprivileged(Some("root")),
            Err(EmbeddedError::PrivilegedUser { .. })
        ));
    }
}
