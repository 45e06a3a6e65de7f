//! A blocking session for tests: run SQL, read values as text, see the error's SQLSTATE.

use tokio::runtime::{Builder, Runtime};
use tokio_postgres::{Client, Config, Error, NoTls, SimpleQueryMessage};

use super::database::Target;

/// One open connection.
pub(crate) struct Session {
    runtime: Runtime,
    client: Client,
}

impl Session {
    /// Connects, over the Unix socket where the target has one and over TCP otherwise.
    pub(crate) fn connect(target: &Target) -> Self {
        Self::try_connect(target).unwrap_or_else(|error| panic!("connect to {target:?}: {error:?}"))
    }

    /// Connects, or returns the driver's error.
    pub(crate) fn try_connect(target: &Target) -> Result<Self, Error> {
        let runtime = Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime");
        let mut config = Config::new();
        config
            .port(target.port)
            .user(&target.user)
            .password(&target.password)
            .dbname(&target.database)
            .application_name("evmig-test");
        match &target.socket_directory {
            Some(directory) => config.host_path(directory),
            None => config.host(&target.host),
        };
        let client = runtime.block_on(async {
            let (client, connection) = config.connect(NoTls).await?;
            tokio::spawn(connection);
            Ok::<_, Error>(client)
        })?;
        Ok(Self { runtime, client })
    }

    /// Runs any number of statements and panics with the server's words if one fails.
    pub(crate) fn execute(&mut self, sql: &str) {
        self.try_execute(sql)
            .unwrap_or_else(|error| panic!("{error:?}\nin: {sql}"));
    }

    /// Runs any number of statements, or returns the driver's error.
    pub(crate) fn try_execute(&mut self, sql: &str) -> Result<(), Error> {
        self.runtime.block_on(self.client.batch_execute(sql))
    }

    /// Runs statements that must fail and returns the SQLSTATE.
    pub(crate) fn sqlstate(&mut self, sql: &str) -> String {
        let error = self
            .try_execute(sql)
            .expect_err("the statement was to fail");
        error
            .code()
            .unwrap_or_else(|| panic!("no SQLSTATE: {error:?}"))
            .code()
            .to_owned()
    }

    /// Runs a query and returns its rows; NULL is `None`.
    pub(crate) fn rows(&mut self, sql: &str) -> Vec<Vec<Option<String>>> {
        self.runtime
            .block_on(self.client.simple_query(sql))
            .unwrap_or_else(|error| panic!("{error:?}\nin: {sql}"))
            .into_iter()
            .filter_map(|message| match message {
                SimpleQueryMessage::Row(row) => Some(
                    (0..row.len())
                        .map(|column| row.get(column).map(str::to_owned))
                        .collect(),
                ),
                _ => None,
            })
            .collect()
    }

    /// Runs a query and returns its rows, one line each, columns joined by `|`, NULL empty.
    pub(crate) fn lines(&mut self, sql: &str) -> Vec<String> {
        self.rows(sql)
            .into_iter()
            .map(|row| {
                let columns: Vec<String> = row.into_iter().map(Option::unwrap_or_default).collect();
                columns.join("|")
            })
            .collect()
    }

    /// Runs a query and returns its only value as text; NULL is the word `NULL`.
    pub(crate) fn value(&mut self, sql: &str) -> String {
        let mut rows = self.rows(sql);
        assert!(
            rows.len() == 1 && rows[0].len() == 1,
            "one value expected, got {rows:?}\nfrom: {sql}"
        );
        rows.remove(0)
            .remove(0)
            .unwrap_or_else(|| "NULL".to_owned())
    }

    /// The process id of this session's backend.
    pub(crate) fn pid(&mut self) -> i32 {
        self.value("select pg_catalog.pg_backend_pid()")
            .parse()
            .expect("a number")
    }
}
