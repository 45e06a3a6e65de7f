//! Finds the migrations of every step and pairs them with their rollback scripts.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use super::content::{Content, RereadFault};
use super::error::ProjectError;
use super::file_fault::FileFault;
use super::file_name::{self, GITKEEP, Version, nearest_file};
use super::include::read_includes;
use super::manifest::{Manifest, StepKind};
use super::migration::{Migration, RollbackScript};
use super::nearest::nearest;
use super::note::{Note, NoteKind};
use super::order;
use super::rel_path::{PathFault, RelPath};
use super::root::{Reader, Root, Wanted};
use super::source::printable;
use super::span::Sited;
use super::text::is_blank_sql;
use super::tree::{self, Folder, Tree};

/// The folder of all migrations.
pub(crate) const MIGRATIONS: &str = "migrations";
/// The folder of all rollback scripts.
pub(crate) const ROLLBACK: &str = "rollback";

/// What is on disk, and what is wrong with it.
#[derive(Default)]
pub(crate) struct Discovered {
    pub(crate) migrations: Vec<Migration>,
    pub(crate) notes: Vec<Note>,
    pub(crate) errors: Vec<ProjectError>,
}

/// A migration whose text is not read yet.
struct Candidate {
    path: RelPath,
    version: Version,
    name: String,
    phase: usize,
    step: usize,
    rollback: Option<RelPath>,
}

/// The folders that steps name.
struct Listed<'m> {
    /// Path to (phase, step).
    steps: HashMap<&'m str, (usize, usize)>,
    /// Every folder above a step's folder.
    above: HashSet<&'m str>,
    /// Folders that were offered for one that does not exist: not reported a second time.
    offered: BTreeSet<String>,
    /// Whether every step could be read; otherwise no folder can be said to be nobody's.
    complete: bool,
}

/// Discovers everything; `complete` says whether every step of the manifest could be read.
pub(crate) fn discover(root: &Root, manifest: &Manifest, complete: bool) -> Discovered {
    let mut found = Discovered::default();
    let migrations = tree::read(root.dir(), MIGRATIONS, &mut found.errors);
    let rollbacks = tree::read(root.dir(), ROLLBACK, &mut found.errors);
    let mut listed = list(manifest, complete);
    check_steps(root, manifest, &migrations, &mut listed, &mut found);
    let mut misnamed = HashSet::new();
    let mut candidates = candidates(&migrations, &listed, &mut misnamed, &mut found);
    check_rollbacks(&migrations, &rollbacks, &listed, &misnamed, &mut found);
    pair(&mut candidates, &rollbacks);
    read_all(root.dir(), candidates, &mut found);
    include_all(root, &mut found);
    order::sort_and_check(&mut found.migrations, &mut found.errors);
    found
}

fn list(manifest: &Manifest, complete: bool) -> Listed<'_> {
    let mut steps = HashMap::new();
    let mut above = HashSet::from([MIGRATIONS]);
    for (phase_index, phase) in manifest.phases.iter().enumerate() {
        for (step_index, step) in phase.steps.iter().enumerate() {
            let Some(folder) = step.folder() else {
                continue;
            };
            let path = folder.value.as_str();
            steps.entry(path).or_insert((phase_index, step_index));
            for (at, _) in path.match_indices('/') {
                above.insert(&path[..at]);
            }
        }
    }
    Listed {
        steps,
        above,
        offered: BTreeSet::new(),
        complete,
    }
}

/// Checks that what the steps name is there.
fn check_steps(
    root: &Root,
    manifest: &Manifest,
    migrations: &Tree,
    listed: &mut Listed<'_>,
    found: &mut Discovered,
) {
    let mut fail = |manifest: &Manifest, path: &Sited<RelPath>, fault: PathFault| {
        let snippet = manifest.snippet(path.span);
        let fault = super::manifest::ManifestFault::Path(fault);
        found.errors.push(ProjectError::at(fault, snippet));
    };
    for step in manifest.phases.iter().flat_map(|phase| &phase.steps) {
        match &step.kind {
            StepKind::Migrations(folder) => {
                if !migrations.contains_key(folder.as_str()) {
                    let fault = absent_folder(root, folder, migrations);
                    if let Some(near) = fault.suggestion() {
                        listed.offered.insert(format!("{MIGRATIONS}/{near}"));
                    }
                    fail(manifest, folder, fault);
                }
            }
            StepKind::Verify(files) => {
                for file in files {
                    if let Err(fault) = root.check_is(file, Wanted::File) {
                        fail(manifest, file, root.with_sibling(fault));
                    }
                }
            }
            StepKind::Functions(folders) => {
                for folder in folders {
                    if let Err(fault) = root.check_is(folder, Wanted::Folder) {
                        fail(manifest, folder, root.with_sibling(fault));
                    }
                }
            }
            StepKind::Analyze(_) => {}
        }
    }
}

/// Says why a step's folder is not in the tree; the suggestion is relative to `migrations/`.
fn absent_folder(root: &Root, folder: &RelPath, migrations: &Tree) -> PathFault {
    match root.check_is(folder, Wanted::Folder) {
        Err(fault) if !matches!(fault, PathFault::Missing { .. }) => fault,
        // There by another spelling (case): the directory says otherwise, so it is missing.
        _ => PathFault::Missing {
            what: "folder",
            path: folder.to_string(),
            nearest: nearest(
                below(folder.as_str()),
                migrations
                    .keys()
                    .map(|path| below(path))
                    .filter(|path| !path.is_empty()),
            ),
        },
    }
}

/// Returns a path below `migrations/` or `rollback/`; empty for these folders themselves.
fn below(path: &str) -> &str {
    path.split_once('/').map_or("", |(_, rest)| rest)
}

/// Collects the migration files of all steps and reports everything else.
fn candidates(
    migrations: &Tree,
    listed: &Listed<'_>,
    misnamed: &mut HashSet<String>,
    found: &mut Discovered,
) -> Vec<Candidate> {
    let mut candidates = Vec::new();
    for (path, folder) in migrations {
        if let Some(&(phase, step)) = listed.steps.get(path.as_str()) {
            check_sub_folders(path, folder, listed, found);
            let before = candidates.len();
            for file in &folder.files {
                let file_path = RelPath::joined(path, file);
                match read_name(file, &file_path) {
                    Ok(None) => {}
                    Ok(Some((version, name))) => candidates.push(Candidate {
                        path: file_path,
                        version,
                        name,
                        phase,
                        step,
                        rollback: None,
                    }),
                    Err(error) => {
                        if let Some(should_be) = error.suggestion() {
                            misnamed.insert(format!("{path}/{should_be}"));
                        }
                        found.errors.push(error);
                    }
                }
            }
            if candidates.len() == before {
                found.notes.push(Note {
                    kind: NoteKind::EmptyFolder,
                    file: path.clone(),
                });
            }
        } else if listed.above.contains(path.as_str()) {
            for file in folder.files.iter().filter(|file| *file != GITKEEP) {
                let name = printable(file);
                let at = format!("{path}/{name}");
                found
                    .errors
                    .push(ProjectError::in_file(FileFault::StrayFile { name }, at));
            }
        } else if is_topmost_unlisted(path, listed) {
            let folder = printable(below(path));
            found.errors.push(ProjectError::in_file(
                FileFault::UnlistedFolder { folder },
                printable(path),
            ));
        }
    }
    candidates
}

/// Returns whether a folder that no step names is to be reported: not what is inside a reported
/// one, or inside a step's folder, or what was offered as a correction.
fn is_topmost_unlisted(path: &str, listed: &Listed<'_>) -> bool {
    let parent = path.rsplit_once('/').map_or("", |(parent, _)| parent);
    listed.complete
        && listed.above.contains(parent)
        && !listed.steps.contains_key(parent)
        && !leads_to_offered(path, listed)
}

/// Returns whether a folder was offered as a correction, or one inside it was.
fn leads_to_offered(path: &str, listed: &Listed<'_>) -> bool {
    listed
        .offered
        .iter()
        .any(|offered| offered == path || offered.starts_with(&format!("{path}/")))
}

fn check_sub_folders(path: &str, folder: &Folder, listed: &Listed<'_>, found: &mut Discovered) {
    for name in &folder.folders {
        let full = format!("{path}/{name}");
        let is_step =
            listed.steps.contains_key(full.as_str()) || listed.above.contains(full.as_str());
        if !is_step {
            let folder = printable(&full);
            found.errors.push(ProjectError::in_file(
                FileFault::SubFolder {
                    folder: folder.clone(),
                },
                folder,
            ));
        }
    }
}

/// Reads a file's name; `None` for `.gitkeep`.
fn read_name(file: &str, path: &RelPath) -> Result<Option<(Version, String)>, ProjectError> {
    if file == GITKEEP {
        return Ok(None);
    }
    file_name::parse(file)
        .map(|parsed| Some((parsed.version, parsed.name)))
        .map_err(|(problem, should_be)| {
            let name = printable(file);
            ProjectError::in_file(
                FileFault::BadName {
                    name,
                    problem,
                    should_be,
                },
                printable(path.as_str()),
            )
        })
}

/// Reports rollback scripts and folders without a migration or step.
fn check_rollbacks(
    migrations: &Tree,
    rollbacks: &Tree,
    listed: &Listed<'_>,
    misnamed: &HashSet<String>,
    found: &mut Discovered,
) {
    let none = Folder::default();
    let twin = |path: &str| match below(path) {
        "" => MIGRATIONS.to_owned(),
        rest => format!("{MIGRATIONS}/{rest}"),
    };
    for (path, folder) in rollbacks {
        let twin_path = twin(path);
        let is_step = listed.steps.contains_key(twin_path.as_str());
        if !is_step && !listed.above.contains(twin_path.as_str()) {
            let parent = twin_path.rsplit_once('/').map_or("", |(parent, _)| parent);
            let parent_known = listed.steps.contains_key(parent) || listed.above.contains(parent);
            if listed.complete && parent_known && !leads_to_offered(&twin_path, listed) {
                found.errors.push(orphan_folder(path, listed));
            }
            continue;
        }
        let partners = if is_step {
            migrations.get(&twin_path).unwrap_or(&none)
        } else {
            &none
        };
        for file in folder.files.iter().filter(|file| *file != GITKEEP) {
            let expected = format!("{twin_path}/{file}");
            let known =
                partners.files.binary_search(file).is_ok() && file_name::parse(file).is_ok();
            if known || misnamed.contains(&expected) {
                continue;
            }
            found.errors.push(orphan(path, file, &expected, partners));
        }
    }
}

fn orphan_folder(path: &str, listed: &Listed<'_>) -> ProjectError {
    let migrations = below(path);
    let mut known: Vec<&str> = listed.steps.keys().map(|path| below(path)).collect();
    known.sort_unstable();
    ProjectError::in_file(
        FileFault::OrphanRollbackFolder {
            folder: printable(path),
            migrations: printable(migrations),
            nearest: nearest(migrations, known),
        },
        printable(path),
    )
}

fn orphan(path: &str, file: &str, expected: &str, partners: &Folder) -> ProjectError {
    let files = partners
        .files
        .iter()
        .map(String::as_str)
        // A file that is misnamed itself is no answer.
        .filter(|file| file_name::parse(file).is_ok())
        .take(1000);
    let name = printable(file);
    let at = format!("{path}/{name}");
    ProjectError::in_file(
        FileFault::OrphanRollback {
            name,
            expected: printable(expected),
            nearest: nearest_file(file, files),
        },
        at,
    )
}

/// Gives each migration its rollback script.
fn pair(candidates: &mut [Candidate], rollbacks: &Tree) {
    // The candidates of a folder follow each other.
    for same in candidates.chunk_by_mut(|a, b| a.path.folder() == b.path.folder()) {
        let Some(first) = same.first() else { continue };
        let path = format!("{ROLLBACK}/{}", below(first.path.folder()));
        let Some(folder) = rollbacks.get(&path) else {
            continue;
        };
        for candidate in same {
            let file = candidate.path.file_name();
            let found = folder
                .files
                .binary_search_by(|name| name.as_str().cmp(file));
            candidate.rollback = found.is_ok().then(|| RelPath::joined(&path, file));
        }
    }
}

/// Reads every file, on as many threads as help, in the order of the candidates.
fn read_all(root: &Path, candidates: Vec<Candidate>, found: &mut Discovered) {
    /// Fewer files than this are read faster than a thread starts.
    const PER_THREAD: usize = 64;
    let threads = std::thread::available_parallelism()
        .map_or(1, usize::from)
        .min(8)
        .min(candidates.len() / PER_THREAD + 1);
    if threads == 1 {
        return read_some(&mut Reader::new(root), candidates, found);
    }
    // Small parts, taken when a thread is free: one that the system holds up keeps none waiting.
    let mut parts = Vec::with_capacity(candidates.len() / PER_THREAD + 1);
    let mut candidates = candidates.into_iter().peekable();
    while candidates.peek().is_some() {
        parts.push(candidates.by_ref().take(PER_THREAD).collect::<Vec<_>>());
    }
    let queue = Mutex::new(parts.into_iter().enumerate());
    let work = || {
        let mut reader = Reader::new(root);
        let mut done = Vec::new();
        loop {
            let part = queue.lock().unwrap_or_else(PoisonError::into_inner).next();
            let Some((index, part)) = part else {
                return done;
            };
            let mut found = Discovered::default();
            read_some(&mut reader, part, &mut found);
            done.push((index, found));
        }
    };
    let mut done = std::thread::scope(|scope| {
        let running: Vec<_> = (1..threads).map(|_| scope.spawn(work)).collect();
        let mut done = work();
        for thread in running {
            match thread.join() {
                Ok(more) => done.extend(more),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        done
    });
    done.sort_unstable_by_key(|(index, _)| *index);
    found.migrations.reserve(done.len() * PER_THREAD);
    for (_, part) in done {
        found.absorb(part);
    }
}

impl Discovered {
    fn absorb(&mut self, mut part: Self) {
        self.migrations.append(&mut part.migrations);
        self.notes.append(&mut part.notes);
        self.errors.append(&mut part.errors);
    }
}

fn read_some(reader: &mut Reader<'_>, candidates: Vec<Candidate>, found: &mut Discovered) {
    found.migrations.reserve(candidates.len());
    for candidate in candidates {
        let names = candidate.version.number();
        let names = names.map(|version| (candidate.name.as_str(), version));
        let content = keep(reader.read(&candidate.path, names), found);
        let rollback = candidate.rollback.and_then(|path| {
            let content = keep(reader.read(&path, None), found)?;
            note_text(&path, &content, NoteKind::EmptyRollback, found);
            let sha256 = keep(hash(&path, &content, &[]), found)?;
            Some(RollbackScript {
                sha256,
                path,
                content,
                included: Vec::new(),
            })
        });
        let Some(content) = content else {
            continue;
        };
        note_text(&candidate.path, &content, NoteKind::EmptyMigration, found);
        let Some(sha256) = keep(hash(&candidate.path, &content, &[]), found) else {
            continue;
        };
        let file = candidate.path.file_name();
        found.migrations.push(Migration {
            version: candidate.version,
            name: candidate.name,
            stem: file.strip_suffix(".sql").unwrap_or(file).to_owned(),
            phase: candidate.phase,
            step: candidate.step,
            sha256,
            path: candidate.path,
            content,
            included: Vec::new(),
            rollback,
        });
    }
}

/// Hashes a text and what it includes; large ones may have changed since they were read.
fn hash(path: &RelPath, content: &Content, included: &[&Content]) -> Result<String, ProjectError> {
    content.sha256(included).map_err(|fault| {
        let file = path.as_str();
        match fault {
            RereadFault::Changed { path } => {
                ProjectError::in_file(FileFault::ChangedWhileRead { path }, file)
            }
            RereadFault::Path(fault) => ProjectError::in_file(fault, file),
        }
    })
}

/// Reads what migrations and rollback scripts include: it is part of what is hashed.
fn include_all(root: &Root, found: &mut Discovered) {
    let Discovered {
        migrations, errors, ..
    } = found;
    let mut read = |path: &RelPath, content: &Content| match read_includes(root, path, content) {
        Ok(files) if files.is_empty() => None,
        Ok(files) => {
            let contents: Vec<&Content> = files.iter().map(|file| &file.content).collect();
            match hash(path, content, &contents) {
                Ok(sha256) => Some((files, sha256)),
                Err(error) => {
                    errors.push(error);
                    None
                }
            }
        }
        Err(found) => {
            errors.extend(found);
            None
        }
    };
    for migration in migrations {
        if let Some((files, sha256)) = read(&migration.path, &migration.content) {
            (migration.included, migration.sha256) = (files, sha256);
        }
        if let Some(rollback) = &mut migration.rollback
            && let Some((files, sha256)) = read(&rollback.path, &rollback.content)
        {
            (rollback.included, rollback.sha256) = (files, sha256);
        }
    }
}

fn keep<T>(result: Result<T, ProjectError>, found: &mut Discovered) -> Option<T> {
    result.map_err(|error| found.errors.push(error)).ok()
}

fn note_text(path: &RelPath, content: &Content, if_empty: NoteKind, found: &mut Discovered) {
    let mut note = |kind| {
        found.notes.push(Note {
            kind,
            file: path.to_string(),
        });
    };
    if content.has_bom() {
        note(NoteKind::ByteOrderMark);
    }
    if is_blank_sql(content.sql()) {
        note(if_empty);
    }
}
