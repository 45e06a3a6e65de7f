//! Makes a backup: one snapshot for the dump and for everything that the manifest says.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use sha2::{Digest as _, Sha256};

use super::dump::{Dumping, command};
use super::error::BackupError;
use super::figures::{self, BEGIN, Figures, READING};
use super::folder::{PartFolder, settle};
use super::key::{Key, hex};
use super::manifest::{Client, FILE, File, HMAC, MadeBy, Manifest, SCHEMA, Server};
use crate::catalog::fingerprint::fingerprint;
use crate::catalog::read::snapshot_within;
use crate::pg::params::Parameters;
use crate::pg::probe::ServerFacts;
use crate::pg::session::Session;
use crate::report::backup::BackupProgress;
use crate::shadow::{ClientChild, ClientProgram, GivenPassword};

/// How often is looked for a signal, and told how far it is.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// How long the server may take to take a cancel request.
const CANCEL: Duration = Duration::from_secs(2);

/// Everything that a backup is made from.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// A session on the database, for nothing else.
    pub session: &'a Session,
    /// Where and as whom `pg_dump` connects.
    pub parameters: &'a Parameters,
    /// What the server is.
    pub facts: &'a ServerFacts,
    /// The schema of the history.
    pub history_schema: &'a str,
    /// `pg_dump`.
    pub program: &'a ClientProgram,
    /// What authenticates the manifest.
    pub key: &'a Key,
    /// evmig's state directory.
    pub state: &'a Path,
    /// The directory that the backup is made in.
    pub out: &'a Path,
    /// How many sessions `pg_dump` uses.
    pub jobs: u32,
    /// How long it waits for a table that somebody has locked.
    pub lock_wait: Duration,
    /// Whether rows are hashed, and not only counted.
    pub hash: bool,
    /// The backup's id.
    pub id: &'a str,
    /// `application_name` of all sessions.
    pub application_name: &'a str,
    /// The user of the operating system.
    pub os_user: &'a str,
    /// The machine.
    pub host: &'a str,
}

/// Who is told, and who may stop it.
pub struct Audience<'a> {
    /// Whether it shall come to an end.
    pub stop: &'a dyn Fn() -> bool,
    /// Told now and then.
    pub told: &'a mut dyn FnMut(&BackupProgress),
}

/// A backup that is complete.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Made {
    /// Its folder.
    pub path: PathBuf,
    /// Its manifest.
    pub manifest: Manifest,
    /// The manifest's hash, in hex.
    pub manifest_sha256: String,
}

/// Makes a backup. After an error nothing of it is left that looks like one.
pub async fn make(request: Request<'_>, audience: &mut Audience<'_>) -> Result<Made, BackupError> {
    let own = BackupError::own;
    let session = request.session;
    session
        .run(BEGIN)
        .await
        .map_err(own("could not begin the snapshot"))?;
    let snapshot = session
        .query("select pg_catalog.pg_export_snapshot()", &[])
        .await
        .map_err(own("could not export the snapshot"))?;
    let snapshot = snapshot.first().map(|row| row.text(0)).unwrap_or_default();
    let name = folder_name(session, &request.facts.database, request.id).await?;
    let folder = PartFolder::make(request.out, &name)?;
    let (fingerprint, figures) = dump_and_read(&request, &snapshot, &folder, audience).await?;
    session
        .run("rollback")
        .await
        .map_err(own("could not end the snapshot"))?;
    let files = settled(&folder, audience).await?;
    let (manifest, text) = manifest(&request, figures, fingerprint, files);
    folder.write(FILE, text.as_bytes())?;
    folder.write(HMAC, request.key.line(text.as_bytes()).as_bytes())?;
    if (audience.stop)() {
        return Err(BackupError::Interrupted);
    }
    Ok(Made {
        path: folder.complete()?,
        manifest,
        manifest_sha256: hex(&Sha256::digest(text.as_bytes())),
    })
}

/// Names the folder: the database, the snapshot's time, the id. It sorts by time.
async fn folder_name(session: &Session, database: &str, id: &str) -> Result<String, BackupError> {
    let rows = session
        .query(
            "select to_char(transaction_timestamp() at time zone 'UTC', 'YYYYMMDD\"T\"HH24MISS\"Z\"')",
            &[],
        )
        .await
        .map_err(BackupError::own("could not ask for the time"))?;
    let time = rows.first().map(|row| row.text(0)).unwrap_or_default();
    let safe: String = database
        .chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() || "_-".contains(c) {
                c
            } else {
                '_'
            }
        })
        .take(80)
        .collect();
    Ok(format!("{safe}-{time}-{id}"))
}

/// Runs `pg_dump`, and counts meanwhile. Where one fails the other is stopped.
async fn dump_and_read(
    request: &Request<'_>,
    snapshot: &str,
    folder: &PartFolder,
    audience: &mut Audience<'_>,
) -> Result<(String, Figures), BackupError> {
    let connection = &request.session.connection().info;
    let servers = &request.parameters.servers;
    let Some(server) = servers.get(connection.server_index).or(servers.first()) else {
        return Err(BackupError::Interrupted);
    };
    let password = server
        .password
        .as_ref()
        .map(|password| GivenPassword::new(password, request.state))
        .transpose()
        .map_err(BackupError::io("make a password file in", request.state))?;
    let dump = folder.dump();
    let dumping = Dumping {
        into: &dump,
        snapshot,
        jobs: request.jobs,
        lock_wait: request.lock_wait,
        application_name: request.application_name,
    };
    let command = command(
        request.program,
        request.parameters,
        server,
        password.as_ref(),
        dumping,
    );
    let path = &request.program.path;
    let mut child = ClientChild::start(command).map_err(BackupError::io("run", path))?;
    let result = watch(request, &mut child, folder, audience).await;
    if result.is_err() {
        // A count that is going on would keep the session, and the server, busy for nobody.
        drop(request.session.canceller().cancel(CANCEL).await);
        request.session.abandon();
        child.stop().await;
    }
    result
}

/// Reads the catalog, and then the rows. As long as `pg_dump` it waits for a lock, and no longer.
async fn read(
    request: &Request<'_>,
    counted: &mut dyn FnMut(usize, usize),
) -> Result<(String, Figures), BackupError> {
    let own = BackupError::own;
    let (session, schema) = (request.session, request.history_schema);
    let limit = format!("set local lock_timeout = {}", request.lock_wait.as_millis());
    session
        .run(&limit)
        .await
        .map_err(own("could not set up the snapshot"))?;
    let catalog = snapshot_within(session, request.facts.version_num, schema)
        .await
        .map_err(BackupError::Catalog)?;
    session
        .run(READING)
        .await
        .map_err(own("could not set up the snapshot"))?;
    let figures = figures::read(session, schema, request.hash, counted).await?;
    Ok((fingerprint(&catalog), figures))
}

async fn watch(
    request: &Request<'_>,
    child: &mut ClientChild,
    folder: &PartFolder,
    audience: &mut Audience<'_>,
) -> Result<(String, Figures), BackupError> {
    let counted = std::cell::Cell::new((0, 0));
    let mut note = |done, of| counted.set((done, of));
    let reading = read(request, &mut note);
    let path = request.program.path.clone();
    let dumping = async {
        let status = child
            .ended()
            .await
            .map_err(BackupError::io("wait for", &path))?;
        if status.success() {
            return Ok(());
        }
        Err(BackupError::Dump {
            status: status.to_string(),
            words: child.last_words(),
        })
    };
    let both = async { tokio::try_join!(dumping, reading) };
    let mut both = std::pin::pin!(both);
    loop {
        tokio::select! {
            biased;
            result = &mut both => return result.map(|((), read)| read),
            () = tokio::time::sleep(LOOK_EVERY) => {}
        }
        if (audience.stop)() {
            return Err(BackupError::Interrupted);
        }
        let (tables, of) = counted.get();
        (audience.told)(&BackupProgress {
            bytes: folder.bytes(),
            tables,
            of,
        });
    }
}

/// Hashes the files in a thread of its own, so that a signal is heard meanwhile.
async fn settled(
    folder: &PartFolder,
    audience: &mut Audience<'_>,
) -> Result<Vec<File>, BackupError> {
    let dump = folder.dump();
    let read = dump.clone();
    let mut settling = tokio::task::spawn_blocking(move || settle(&read));
    loop {
        tokio::select! {
            biased;
            settled = &mut settling => {
                let gone = |_| BackupError::io_of("read", &dump, io::ErrorKind::Interrupted.into());
                return settled.map_err(gone)?;
            }
            () = tokio::time::sleep(LOOK_EVERY) => {}
        }
        if (audience.stop)() {
            return Err(BackupError::Interrupted);
        }
    }
}

fn manifest(
    request: &Request<'_>,
    figures: Figures,
    fingerprint: String,
    files: Vec<File>,
) -> (Manifest, String) {
    let facts = request.facts;
    let manifest = Manifest {
        schema: SCHEMA.to_owned(),
        id: request.id.to_owned(),
        taken_at: figures.taken_at,
        made_by: MadeBy {
            evmig: env!("CARGO_PKG_VERSION").to_owned(),
            role: facts.session_user.clone(),
            os_user: request.os_user.to_owned(),
            host: request.host.to_owned(),
        },
        server: Server {
            version: facts.version.clone(),
            version_num: facts.version_num,
            system_identifier: facts.system_identifier.clone(),
            database: facts.database.clone(),
        },
        client: Client {
            pg_dump: request.program.version.text.clone(),
            jobs: request.jobs,
        },
        key_id: request.key.id(),
        history: figures.history,
        catalog_fingerprint: fingerprint,
        tables: figures.tables,
        sequences: figures.sequences,
        not_included: figures.not_included,
        files,
    };
    let text = manifest.to_text();
    (manifest, text)
}
