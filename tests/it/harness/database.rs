//! Databases for one test each, and the ways to reach them.

use std::path::PathBuf;
use std::sync::Arc;

use super::postgres::{ADMIN, PASSWORD, Server};
use super::scratch::next_number;
use super::sql::Session;

/// What a fresh database holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    /// Nothing: `template1` as initdb made it.
    Plain,
    /// Supabase's roles, schemas and `auth` functions, and no default grants (new projects, and
    /// since 2026-10-30 all of them).
    Supabase,
    /// The same with the default grants of earlier years: all on new tables to all API roles.
    SupabaseLegacyGrants,
}

/// Whom evmig connects as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// The cluster's superuser.
    Superuser,
    /// The database's owner, who may create roles and is no superuser. On a Supabase-shaped
    /// database that is `postgres`.
    Owner,
}

/// All that a client needs to connect.
#[derive(Debug, Clone)]
pub(crate) struct Target {
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) socket_directory: Option<PathBuf>,
    pub(crate) user: String,
    pub(crate) password: String,
    pub(crate) database: String,
}

impl Target {
    /// The URL over TCP, with the password.
    pub(crate) fn url(&self) -> String {
        let Self {
            host,
            port,
            user,
            password,
            database,
            ..
        } = self;
        format!("postgresql://{user}:{password}@{host}:{port}/{database}")
    }

    /// The URL over TCP, without the password.
    pub(crate) fn url_without_password(&self) -> String {
        self.url().replace(&format!(":{}", self.password), "")
    }

    /// The URL over the Unix socket, which asks for no password.
    pub(crate) fn socket_url(&self) -> String {
        let directory = self.socket_directory.as_ref().expect("a server's target");
        format!(
            "postgresql:///{}?host={}&port={}&user={}",
            self.database,
            directory.display(),
            self.port,
            self.user
        )
    }

    /// The same as libpq's variables.
    pub(crate) fn variables(&self) -> Vec<(&'static str, String)> {
        vec![
            ("PGHOST", self.host.clone()),
            ("PGPORT", self.port.to_string()),
            ("PGUSER", self.user.clone()),
            ("PGPASSWORD", self.password.clone()),
            ("PGDATABASE", self.database.clone()),
        ]
    }

    /// The same database as another role, whose password is the harness's.
    pub(crate) fn as_user(&self, user: &str) -> Self {
        Self {
            user: user.to_owned(),
            ..self.clone()
        }
    }
}

/// A fresh database. It goes when its server goes.
#[derive(Debug)]
pub(crate) struct Database {
    target: Target,
    server: Arc<Server>,
}

impl std::ops::Deref for Database {
    type Target = Target;

    fn deref(&self) -> &Target {
        &self.target
    }
}

impl Database {
    pub(super) fn create(server: &Arc<Server>, shape: Shape, role: Role) -> Self {
        let name = format!("db_{}", next_number());
        let mut admin = Session::connect(&server.admin("postgres"));
        let owner = match (shape, role) {
            (Shape::Plain, Role::Superuser) => ADMIN.to_owned(),
            (Shape::Plain, Role::Owner) => {
                let owner = name.replace("db_", "owner_");
                admin.execute(&format!(
                    "create role {owner} login createrole password '{PASSWORD}'"
                ));
                owner
            }
            (Shape::Supabase | Shape::SupabaseLegacyGrants, _) => {
                make_supabase_template(server);
                "postgres".to_owned()
            }
        };
        let template = if shape == Shape::Plain {
            "template1"
        } else {
            SUPABASE_TEMPLATE
        };
        admin.execute(&format!(
            "create database {name} owner {owner} template {template}"
        ));
        let database = Self::of(
            server,
            &name,
            if role == Role::Owner { &owner } else { ADMIN },
        );
        if shape == Shape::SupabaseLegacyGrants {
            database.execute(LEGACY_GRANTS);
        }
        database
    }

    pub(super) fn create_latin1(server: &Arc<Server>) -> Self {
        let name = format!("db_{}", next_number());
        Session::connect(&server.admin("postgres")).execute(&format!(
            "create database {name} template template0 encoding 'LATIN1' lc_collate 'C' lc_ctype 'C'"
        ));
        Self::of(server, &name, ADMIN)
    }

    fn of(server: &Arc<Server>, name: &str, user: &str) -> Self {
        Self {
            target: server.admin(name).as_user(user),
            server: Arc::clone(server),
        }
    }

    /// The server that the database is on.
    pub(crate) fn server(&self) -> &Arc<Server> {
        &self.server
    }

    /// The same database as the superuser.
    pub(crate) fn admin(&self) -> Target {
        self.target.as_user(ADMIN)
    }

    /// Opens a session as the database's own role.
    pub(crate) fn session(&self) -> Session {
        Session::connect(&self.target)
    }

    /// Runs statements as the superuser, in a session of their own.
    pub(crate) fn execute(&self, sql: &str) {
        Session::connect(&self.admin()).execute(sql);
    }

    /// Runs a query as the superuser and returns its single value as text.
    pub(crate) fn value(&self, sql: &str) -> String {
        Session::connect(&self.admin()).value(sql)
    }

    /// Runs a query as the superuser and returns its rows, one line each, columns joined by `|`.
    pub(crate) fn lines(&self, sql: &str) -> Vec<String> {
        Session::connect(&self.admin()).lines(sql)
    }
}

const SUPABASE_TEMPLATE: &str = "supabase_template";

const LEGACY_GRANTS: &str = "
alter default privileges for role postgres in schema public grant all on tables to postgres, anon, authenticated, service_role;
alter default privileges for role postgres in schema public grant all on functions to postgres, anon, authenticated, service_role;
alter default privileges for role postgres in schema public grant all on sequences to postgres, anon, authenticated, service_role;";

/// Makes the roles and the template once per server: two preludes at the same time would race for
/// the cluster-wide roles.
fn make_supabase_template(server: &Server) {
    server.once_for_supabase(|| {
        let mut admin = Session::connect(&server.admin("postgres"));
        admin.execute(&format!("create database {SUPABASE_TEMPLATE}"));
        Session::connect(&server.admin(SUPABASE_TEMPLATE))
            .execute(include_str!("supabase_prelude.sql"));
        admin.execute(&format!("alter role postgres password '{PASSWORD}'"));
    });
}
