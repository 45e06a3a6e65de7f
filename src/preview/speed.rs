//! How fast rows are read, written anew and indexed: measured on the server of the throw-away database, on a
//! table that fits into its memory.

use std::time::{Duration, Instant};

use super::server::Server;
use crate::pg::error::DbFailure;
use crate::pg::session::Session;
use crate::report::dry_run::WorkKind;

/// Bytes in a millisecond.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Speeds {
    scan: f64,
    rewrite: f64,
    index: f64,
}

impl Speeds {
    /// Returns the speed of a kind of work; what makes a table empty has none.
    pub(super) fn of(self, work: WorkKind) -> Option<f64> {
        match work {
            WorkKind::Scan => Some(self.scan),
            WorkKind::Rewrite => Some(self.rewrite),
            WorkKind::IndexBuild => Some(self.index),
            WorkKind::Truncate => None,
        }
    }
}

/// Rows of about 100 bytes.
const FILL: &str = "create temp table evmig_speed as select n as id, \
                    repeat(md5(n::text), 2) as text from generate_series(1, 60000) n";

/// Where speeds can be measured.
#[derive(Clone, Copy)]
pub(super) enum Bench<'a> {
    /// In this session.
    Session(&'a Session),
    /// In a database that is made for it.
    Server(&'a Server),
}

impl Bench<'_> {
    /// Measures; where it cannot, estimates say that no speed is known.
    pub(super) async fn speeds(self, history_schema: &str) -> Option<Speeds> {
        match self {
            Self::Session(session) => measure(session).await.ok(),
            Self::Server(server) => {
                let name = server.make(None).await.ok()?;
                let opened = server.open(&name, None, history_schema).await.ok()?;
                let speeds = measure(&opened.session).await.ok();
                opened.session.close(Duration::from_secs(1)).await;
                speeds
            }
        }
    }
}

async fn measure(session: &Session) -> Result<Speeds, DbFailure> {
    session.run(FILL).await?;
    let rows = session
        .query(
            "select pg_catalog.pg_table_size('pg_temp.evmig_speed')::text",
            &[],
        )
        .await?;
    let bytes = rows.first().and_then(|row| row.number(0)).unwrap_or(0) as f64;
    let timed = async |sql: &str| -> Result<f64, DbFailure> {
        let started = Instant::now();
        session.run(sql).await?;
        let ms = started.elapsed().as_secs_f64() * 1000.0;
        Ok(bytes / ms.max(0.01))
    };
    let table = "alter table pg_temp.evmig_speed";
    let speeds = Speeds {
        scan: timed(&format!("{table} add check (id > 0)")).await?,
        index: timed("create index on pg_temp.evmig_speed (id)").await?,
        rewrite: timed(&format!("{table} alter id type bigint")).await?,
    };
    session.run("drop table pg_temp.evmig_speed").await?;
    Ok(speeds)
}
