//! What decides the state that files make, as one hash for the state before them and one for that after each: where
//! two dry runs have the same hash, the same was made.

use std::time::UNIX_EPOCH;

use sha2::{Digest as _, Sha256};

use crate::preview::pending::Pending;
use crate::preview::server::Server;
use crate::preview::state::{Gathered, Past, Wanted, described};
use crate::project::checksum::hex;

/// The hashes of one dry run: of what files begin with, then of that and the first file, and so on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::preview) struct Chain {
    keys: Vec<String>,
    applied: usize,
}

impl Chain {
    /// Makes the hashes of the applied files and of those that are pending; `None` where no database is kept.
    pub(in crate::preview) fn of(
        server: &Server,
        wanted: &Wanted<'_>,
        gathered: &Gathered,
        pending: &Pending<'_>,
    ) -> Option<Self> {
        if !server.is_dedicated() || gathered.is_incomplete() {
            return None;
        }
        let past = gathered.past.iter().map(Past::described);
        let coming = pending.scripts.iter().map(|(index, script)| {
            let range = pending.first(*index, script)..script.body().end;
            described(&pending.named(*index), script, range)
        });
        let mut key = hashed(&surroundings(server, wanted));
        let mut keys = vec![key.clone()];
        for text in past.chain(coming) {
            key = hashed(&format!("{key}\n{text}"));
            keys.push(key.clone());
        }
        Some(Self {
            keys,
            applied: gathered.past.len(),
        })
    }

    /// Returns after how many files the pending ones begin.
    pub(in crate::preview) fn applied(&self) -> usize {
        self.applied
    }

    /// Returns how many files there are.
    pub(in crate::preview) fn end(&self) -> usize {
        self.keys.len() - 1
    }

    /// Returns the hash after so many files.
    pub(super) fn key(&self, files: usize) -> &str {
        &self.keys[files]
    }

    /// Returns after how many files a hash is.
    pub(super) fn position(&self, key: &str) -> Option<usize> {
        self.keys.iter().position(|own| own == key)
    }

    /// Returns with how many files a dry run began as this one does, from the same state.
    pub(super) fn common(&self, text: &str) -> usize {
        let pairs = self.keys.iter().zip(text.lines());
        let same = pairs.take_while(|(own, other)| own == other).count();
        same.saturating_sub(1)
    }

    /// Writes the hashes, one to a line.
    pub(super) fn text(&self) -> String {
        self.keys.join("\n")
    }
}

fn hashed(text: &str) -> String {
    hex(&Sha256::digest(text))
}

/// What files begin with, and what runs them.
fn surroundings(server: &Server, wanted: &Wanted<'_>) -> String {
    format!(
        "{} {:?} {}\n{:?} {:?} {:?}\n{:?}\n",
        env!("CARGO_PKG_VERSION"),
        own_program(),
        server.facts.version,
        wanted.role,
        wanted.project.manifest.project.history_schema.value,
        wanted.refinery_schema,
        wanted.surrounding,
    )
}

/// Length and time of the running program: another build of the same version may measure otherwise.
fn own_program() -> Option<(u64, u128)> {
    let metadata = std::env::current_exe().ok()?.metadata().ok()?;
    let modified = metadata.modified().ok()?.duration_since(UNIX_EPOCH).ok()?;
    Some((metadata.len(), modified.as_nanos()))
}
