//! The server of the throw-away databases: its databases made, dropped and swept.
//!
//! A throw-away database carries the id of its run in its name, and a checksum of it, so that no other name
//! looks like one by chance. A session named after the id stays open as long as it is used; without that
//! session, whoever finds the database may drop it.

use std::cell::{Cell, RefCell};
use std::fmt::Write as _;
use std::time::Duration;

use sha2::{Digest as _, Sha256};

use super::base;
use super::begin_with::{self, Begin, escaped};
use super::error::{NotOnTarget, PreviewError};
use super::place::{Owner, PATIENCE, Reached, ShadowPlace};
use super::roles::{self, Surrounding};
use super::turn::Turn;
use crate::pg::error::DbFailure;
use crate::pg::params::Parameters;
use crate::pg::probe::ServerFacts;
use crate::pg::session::{Row, Session};
use crate::runner::error::RunError;
use crate::runner::open::{Opened, Opening, open};
use crate::runner::own_work::Listeners;
use crate::sql::name::QualifiedName;
use crate::sql::quote::literal;

/// How names of throw-away databases begin.
const PREFIX: &str = "evmig_shadow_";

/// Whose a server is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Whose {
    /// Evmig has started it for throw-away databases, and nobody else's are on it.
    Ours,
    /// It was named.
    Named,
    /// The target is on it.
    Targets,
}

/// A server for throw-away databases, with the session that says that they are in use.
pub(super) struct Server {
    parameters: Parameters,
    pub(super) session: Session,
    pub(super) facts: ServerFacts,
    id: String,
    made: RefCell<Vec<String>>,
    count: Cell<usize>,
    /// Roles that were there before.
    roles: RefCell<Vec<String>>,
    whose: Whose,
    /// What `CREATE DATABASE` says of encoding and locale.
    locale: String,
    /// What sessions begin with in which files run, as far as this server takes it.
    begin: Vec<Begin>,
    /// What it does not take, and why.
    not_taken: Vec<String>,
}

impl Server {
    /// Finds or starts the server, and sweeps what crashed runs have left on it.
    pub(super) async fn reach(
        place: &ShadowPlace,
        owner: Owner<'_>,
        major: u32,
        id: &str,
    ) -> Result<Self, PreviewError> {
        let Reached {
            parameters,
            connection,
            facts,
        } = place.reach(owner, major, alive(id)).await?;
        let (session, _notices) = Session::new(connection);
        let whose = match place {
            ShadowPlace::Embedded { .. } => Whose::Ours,
            ShadowPlace::Url(_) => Whose::Named,
            ShadowPlace::Target(_) => Whose::Targets,
        };
        // It may be in a database where others have made functions and operators.
        let own = "set search_path = pg_catalog, pg_temp; set synchronous_commit = off";
        let what = "could not set up the session that makes throw-away databases";
        session.run(own).await.map_err(PreviewError::shadow(what))?;
        let server = Self {
            parameters,
            session,
            facts,
            id: id.to_owned(),
            made: RefCell::default(),
            count: Cell::new(0),
            roles: RefCell::default(),
            whose,
            locale: " encoding 'UTF8'".to_owned(),
            begin: Vec::new(),
            not_taken: Vec::new(),
        };
        if whose != Whose::Ours {
            server.refuse_unable().await?;
        }
        server.sweep().await?;
        Ok(server)
    }

    /// Says what is in the way of making a database, before something is tried.
    async fn refuse_unable(&self) -> Result<(), PreviewError> {
        let facts = &self.facts;
        if facts.standby || facts.read_only {
            return Err(if self.whose == Whose::Named {
                PreviewError::ReadOnly
            } else if facts.standby {
                NotOnTarget::Standby.into()
            } else {
                NotOnTarget::ReadOnly.into()
            });
        }
        let may = "select (r.rolsuper or r.rolcreatedb)::text from pg_catalog.pg_roles r \
                   where r.rolname operator(pg_catalog.=) current_user";
        let rows = self.session.query(may, &[]).await;
        let rows = rows.map_err(PreviewError::shadow("could not look at the role's rights"))?;
        if rows.first().is_some_and(|row| row.truth(0)) {
            return Ok(());
        }
        Err(PreviewError::MayNotCreate {
            role: facts.current_user.clone(),
            on_target: self.whose == Whose::Targets,
        })
    }

    /// Drops the throw-away databases whose runs are over. Only a name with its own checksum is ours.
    async fn sweep(&self) -> Result<(), PreviewError> {
        let rows = self
            .session
            .query(include_str!("sql/left_behind.sql"), &[])
            .await
            .map_err(PreviewError::shadow(
                "could not look for databases that were left behind",
            ))?;
        let names: Vec<String> = rows.iter().map(|row| row.text(0)).collect();
        let alive_now: Vec<String> = rows.iter().map(|row| row.text(1)).collect();
        let is_dead = |name: &str| {
            let id = id_of(name);
            id.is_some_and(|id| !alive_now.contains(&alive(id)))
        };
        for name in names.iter().filter(|name| is_dead(name)) {
            // Another run may be sweeping, too; and what cannot be dropped is nothing to stop for.
            drop(self.drop_database(name).await);
        }
        Ok(())
    }

    /// Notices that the server is the target's own, whatever it was named by. Then a database is to sort and
    /// compare as the target does, and in a protected environment somebody has to have agreed.
    pub(super) async fn recognise(
        &mut self,
        target: &Opened,
        agreed: bool,
    ) -> Result<(), PreviewError> {
        if !self.is_same_as(target).await? {
            return match self.whose {
                // A name with several addresses, or something in between, led somewhere else this time.
                Whose::Targets => Err(NotOnTarget::OtherServer.into()),
                _ => Ok(()),
            };
        }
        if !agreed {
            return Err(NotOnTarget::Protected.into());
        }
        self.whose = Whose::Targets;
        let what = "could not read the target's encoding and locale";
        let locale = include_str!("sql/locale.sql");
        let rows = target.session.query_long(locale, &[]).await;
        let rows = rows.map_err(PreviewError::shadow(what))?;
        if let Some(row) = rows.first() {
            self.locale = locale_clauses(row, self.facts.version_num);
        }
        Ok(())
    }

    /// Takes a server that was named for the other side's own where it is the same cluster, or a copy of it.
    pub(super) fn recognise_cluster(
        &mut self,
        system: Option<&str>,
        agreed: bool,
    ) -> Result<(), PreviewError> {
        let is_same = system.is_some() && self.facts.system_identifier.as_deref() == system;
        if is_same && self.whose == Whose::Named {
            if !agreed {
                return Err(NotOnTarget::Protected.into());
            }
            self.whose = Whose::Targets;
        }
        Ok(())
    }

    /// A copy of a server has the same identity, but was not started in the same microsecond. A standby is a copy
    /// that follows: what is done to its primary is done to it.
    async fn is_same_as(&self, target: &Opened) -> Result<bool, PreviewError> {
        const STARTED: &str = "select pg_catalog.pg_postmaster_start_time()::text";
        let identity = &target.facts.system_identifier;
        if *identity != self.facts.system_identifier {
            return Ok(false);
        }
        if target.facts.standby && identity.is_some() {
            return Ok(true);
        }
        let what = "could not ask when the server was started";
        let (here, there) = tokio::try_join!(
            target.session.query(STARTED, &[]),
            self.session.query(STARTED, &[]),
        )
        .map_err(PreviewError::shadow(what))?;
        Ok(here == there)
    }

    /// Returns whether what belongs to the whole server is the target's, too.
    pub(super) fn is_targets_own(&self) -> bool {
        self.whose == Whose::Targets
    }

    /// Waits until the server's roles may be used: alone where some will be made or dropped.
    pub(super) async fn take_turn(
        &mut self,
        wanted: &Surrounding,
        changes_roles: bool,
        wait: Duration,
        listeners: &mut Listeners<'_>,
    ) -> Result<(), PreviewError> {
        (self.begin, self.not_taken) = begin_with::tried(&self.session, &wanted.begin).await;
        // On the target's own server all of its roles are there, and no file may change them.
        if self.is_targets_own() {
            self.keep_roles(self.role_names().await?);
            return Ok(());
        }
        if self.whose == Whose::Named && !changes_roles {
            Turn::Beside.take(&self.session, wait, listeners).await?;
            self.keep_roles(self.role_names().await?);
            if wanted.is_within(&self.roles.borrow()) {
                return Ok(());
            }
            let given = Turn::Beside.give_back(&self.session).await;
            given.map_err(PreviewError::shadow("could not wait for another dry run"))?;
        }
        Turn::Alone.take(&self.session, wait, listeners).await?;
        if self.is_dedicated() && !base::is_there(self).await? {
            self.drop_left_roles().await;
        }
        self.keep_roles(self.role_names().await?);
        Ok(())
    }

    /// Drops all other roles. Nobody's databases are here: each is one that a run has left.
    async fn drop_left_roles(&self) {
        let left = |name: &str| *name != *self.facts.session_user;
        roles::drop_where(&self.session, left).await;
    }

    /// Drops a database that an earlier dry run kept, and the roles that it needed.
    pub(super) async fn forget(&self, base: &str) -> Result<(), PreviewError> {
        let what = "could not drop the database that an earlier dry run kept";
        let dropped = self.drop_database(base).await;
        dropped.map_err(PreviewError::shadow(what))?;
        self.drop_left_roles().await;
        self.keep_roles(self.role_names().await?);
        Ok(())
    }

    /// Says which roles are there before the files run.
    pub(super) fn keep_roles(&self, names: Vec<String>) {
        self.roles.replace(names);
    }

    /// Returns whether nobody else's databases are here.
    pub(super) fn is_dedicated(&self) -> bool {
        self.whose == Whose::Ours
    }

    async fn role_names(&self) -> Result<Vec<String>, PreviewError> {
        let names = roles::names(&self.session).await;
        names.map_err(PreviewError::shadow("could not list the server's roles"))
    }

    /// Makes an empty database that belongs to `owner`, or to evmig's own role.
    pub(super) async fn make(&self, owner: Option<&str>) -> Result<String, PreviewError> {
        let template = format!("template0{}", self.locale);
        self.make_of(&template, owner).await
    }

    /// Makes a copy of a database that nobody is connected to.
    pub(super) async fn make_like(
        &self,
        base: &str,
        owner: Option<&str>,
    ) -> Result<String, PreviewError> {
        self.make_of(&quoted(base), owner).await
    }

    async fn make_of(&self, template: &str, owner: Option<&str>) -> Result<String, PreviewError> {
        let number = self.count.get();
        self.count.set(number + 1);
        let name = database_name(&format!("{}{}", self.id, number));
        self.made.borrow_mut().push(name.clone());
        // Only a superuser may make databases for everybody.
        let owner = owner.filter(|_| self.facts.superuser);
        let owner = owner.map_or(String::new(), |owner| format!(" owner {}", quoted(owner)));
        let quoted_name = quoted(&name);
        let sql = format!("create database {quoted_name} template {template}{owner}");
        let failed = || PreviewError::shadow("could not create a throw-away database");
        self.session.run(&sql).await.map_err(failed())?;
        if self.is_targets_own() {
            let user = quoted(&self.facts.session_user);
            let comment = literal(&format!(
                "throw-away database of evmig's dry run {}; it may be dropped",
                self.id
            ));
            // Nobody else has anything to do there, and whoever finds it shall know what it is.
            let sql = format!(
                "revoke connect on database {quoted_name} from public; \
                 grant connect on database {quoted_name} to {user}; \
                 comment on database {quoted_name} is {comment}"
            );
            self.session.run(&sql).await.map_err(failed())?;
        }
        Ok(name)
    }

    /// Opens a session in one of the databases, which begins as `role` where that is another one's.
    pub(super) async fn open(
        &self,
        database: &str,
        role: Option<&str>,
        history_schema: &str,
    ) -> Result<Opened, PreviewError> {
        let mut parameters = self.parameters.clone().with_dbname(database);
        let other = |role: &&str| **role != *self.facts.current_user;
        let role = role
            .filter(other)
            .map_or(String::new(), |role| format!(" -c role={}", escaped(role)));
        let own = parameters.options.take().unwrap_or_default();
        let options = format!("{own}{}{role}", begin_with::options(&self.begin));
        parameters.options = Some(options.trim_start().to_owned()).filter(|all| !all.is_empty());
        let opening = Opening {
            parameters,
            application_name: format!("evmig-shadow-work {}", self.id),
            timeout: PATIENCE,
            write: false,
            history_schema: history_schema.to_owned(),
            look: None,
        };
        open(&opening).await.map_err(|error| match error {
            // It is not the target that cannot be reached, even where both are on one server.
            RunError::Connect(error) => PreviewError::Unreachable(error),
            other => other.into(),
        })
    }

    /// Gives the server the target's roles; returns what could not be made, or set.
    pub(super) async fn make_roles(&self, wanted: &Surrounding) -> Vec<String> {
        let mut failed = self.not_taken.clone();
        if !self.is_targets_own() {
            let there = self.roles.borrow().clone();
            failed.extend(roles::make(&self.session, &there, wanted).await);
        }
        failed
    }

    /// Drops everything that was made. What cannot be dropped is swept by the next run.
    ///
    /// Roles that came meanwhile are dropped where evmig made them or where a file that ran names them:
    /// others use a server that was named, too. On the target's own server none came with the files.
    pub(super) async fn close(self, is_ours: impl Fn(&str) -> bool) {
        let made = std::mem::take(&mut *self.made.borrow_mut());
        for name in &made {
            drop(self.drop_database(name).await);
        }
        if !self.is_targets_own() {
            let there = self.roles.take();
            let was_there = |name: &str| there.iter().any(|known| known == name);
            roles::drop_where(&self.session, |name| !was_there(name) && is_ours(name)).await;
        }
        self.session.close(Duration::from_secs(1)).await;
    }

    async fn drop_database(&self, name: &str) -> Result<(), DbFailure> {
        let sql = format!("drop database if exists {} with (force)", quoted(name));
        self.session.run(&sql).await
    }
}

/// Writes what `CREATE DATABASE` is told, of the columns of `sql/locale.sql`.
fn locale_clauses(row: &Row, version_num: u32) -> String {
    let (collate, ctype) = (literal(&row.text(1)), literal(&row.text(2)));
    let mut clauses = format!(
        " encoding {} lc_collate {collate} lc_ctype {ctype}",
        literal(&row.text(0))
    );
    let mut add = |word: &str, value: Option<&str>| {
        if let Some(value) = value {
            // Writing to a string cannot fail.
            let _ = write!(clauses, " {word} {}", literal(value));
        }
    };
    match row.get(3) {
        Some("i") => {
            add("locale_provider", Some("icu"));
            add("icu_locale", row.get(4));
            add("icu_rules", row.get(5));
        }
        Some("b") => {
            add("locale_provider", Some("builtin"));
            add("builtin_locale", row.get(4));
        }
        Some("c") => add("locale_provider", Some("libc")),
        _ => {}
    }
    if version_num >= 150_000 {
        // The other way, and the only one before 15, has two checkpoints in it.
        clauses.push_str(" strategy wal_log");
    }
    clauses
}

/// What the session is called that keeps a run's databases.
fn alive(id: &str) -> String {
    format!("evmig-shadow {id}")
}

/// Returns the name of a throw-away database: the id, and what proves that evmig made the name.
fn database_name(id: &str) -> String {
    format!("{PREFIX}{id}_{}", check(id))
}

fn check(id: &str) -> String {
    let digest = Sha256::digest(format!("evmig throw-away database {id}"));
    let mut hex = String::with_capacity(12);
    for byte in &digest[..6] {
        // Writing to a string cannot fail.
        let _ = write!(hex, "{byte:02x}");
    }
    hex
}

/// Returns the id of the run that made a database; `None` for a name that evmig did not make.
fn id_of(name: &str) -> Option<&str> {
    let (id, found) = name.strip_prefix(PREFIX)?.rsplit_once('_')?;
    // Behind the run's id stands the database's number.
    (check(id) == found).then(|| id.get(..RUN_ID)).flatten()
}

/// Characters of a run's id.
const RUN_ID: usize = 10;

/// Quotes a name.
pub(super) fn quoted(name: &str) -> String {
    QualifiedName {
        schema: None,
        name: name.to_owned(),
    }
    .quoted()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_name_with_its_own_checksum_is_ours() {
        let name = database_name("1234567890");
        assert_eq!(id_of(&database_name("12345678900")), Some("1234567890"));
        assert!(name.len() < 64);
        assert_eq!(id_of("evmig_shadow_12345678900_000000000000"), None);
        assert_eq!(id_of("evmig_shadow_production"), None);
        assert_eq!(id_of("production"), None);
    }
}
