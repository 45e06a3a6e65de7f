//! A server that follows a script, and the client's side of a session with it: `connect`, the questions about
//! the server, a query, a pipeline, a `COPY`, and whatever these fail with on a terminal and as JSON.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::path::PathBuf;
use std::sync::LazyLock;
use std::time::Duration;

use arbitrary::Arbitrary;
use bytes::Bytes;
use evmig::cli::error::CommandError;
use evmig::pg::connect::{ConnectOptions, Notice, connect};
use evmig::pg::error::DbFailure;
use evmig::pg::params::Parameters;
use evmig::pg::probe::inspect;
use evmig::pg::resolve::{Sources, resolve};
use evmig::pg::session::{Command, CopyFailure, Session, Window};
use evmig::render::terminal;
use evmig::report::event::RunEvent;
use evmig::report::place::Snippet;
use evmig::report::sanitize::is_unsafe;
use evmig::secret::Secret;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{UnixListener, UnixStream};

use crate::shown;

/// What the server says, in turns: the first to the startup message, each other to whatever comes next.
#[derive(Debug, Arbitrary)]
pub struct Script {
    /// Whether the login succeeds before the first turn.
    log_in: bool,
    turns: Vec<Vec<Message>>,
}

/// A message, well-formed in most of its forms.
#[derive(Debug, Arbitrary)]
enum Message {
    Fail(Report),
    Notice(Report),
    Parameter(String, String),
    Key(i32, i32),
    Ready(u8),
    Authentication(u8, Vec<u8>),
    Columns(Vec<String>),
    Row(Vec<Option<String>>),
    Facts(Vec<Option<String>>),
    Complete(String),
    ParseComplete,
    BindComplete,
    NoData,
    ParameterTypes(Vec<u16>),
    EmptyQuery,
    CopyIn(u8, Vec<u16>),
    CopyOut(u8, Vec<u16>),
    CopyBoth(u8),
    CopyData(Vec<u8>),
    CopyDone,
    Notification(i32, String, String),
    /// Any tag and body, and a length that need not be the body's.
    Raw(u8, Option<i32>, Vec<u8>),
    /// No message at all.
    Bytes(Vec<u8>),
}

/// An error or a notice.
#[derive(Debug, Arbitrary)]
struct Report {
    /// Whether the fields that the protocol requires come first.
    complete: bool,
    position: Option<u32>,
    internal: Option<(u32, String)>,
    fields: Vec<(u8, String)>,
}

const FIELDS: &[u8] = b"SVCMDHPpqWstcdnFLR";

impl Report {
    fn body(&self) -> Vec<u8> {
        let mut body = Vec::new();
        let mut field = |tag: u8, text: &str| {
            body.push(tag);
            body.extend(text.bytes().filter(|byte| *byte != 0));
            body.push(0);
        };
        if self.complete {
            field(b'S', "ERROR");
            field(b'V', "ERROR");
            field(b'C', "42P01");
            field(b'M', "relation \"public.t\" does not exist");
        }
        if let Some(position) = self.position {
            field(b'P', &position.to_string());
        }
        if let Some((position, query)) = &self.internal {
            field(b'p', &position.to_string());
            field(b'q', query);
        }
        for (tag, text) in &self.fields {
            field(FIELDS[usize::from(*tag) % FIELDS.len()], text);
        }
        body.push(0);
        body
    }
}

fn text(body: &mut Vec<u8>, text: &str) {
    body.extend(text.bytes().filter(|byte| *byte != 0));
    body.push(0);
}

fn row(values: &[Option<String>]) -> Vec<u8> {
    let mut body = (values.len() as u16).to_be_bytes().to_vec();
    for value in values {
        match value {
            None => body.extend((-1_i32).to_be_bytes()),
            Some(value) => {
                body.extend((value.len() as i32).to_be_bytes());
                body.extend(value.as_bytes());
            }
        }
    }
    body
}

fn formats(format: u8, columns: &[u16]) -> Vec<u8> {
    let mut body = vec![format];
    body.extend((columns.len() as u16).to_be_bytes());
    body.extend(columns.iter().flat_map(|column| column.to_be_bytes()));
    body
}

impl Message {
    fn put(&self, out: &mut Vec<u8>) {
        let mut body = Vec::new();
        let mut declared = None;
        let tag = match self {
            Self::Fail(report) => (b'E', body = report.body()).0,
            Self::Notice(report) => (b'N', body = report.body()).0,
            Self::Parameter(name, value) => {
                text(&mut body, name);
                text(&mut body, value);
                b'S'
            }
            Self::Key(process, secret) => {
                body.extend(process.to_be_bytes());
                body.extend(secret.to_be_bytes());
                b'K'
            }
            Self::Ready(status) => (b'Z', body.push(*status)).0,
            Self::Authentication(kind, rest) => {
                body.extend(u32::from(*kind % 14).to_be_bytes());
                body.extend(rest);
                b'R'
            }
            Self::Columns(names) => {
                body.extend((names.len() as u16).to_be_bytes());
                for name in names {
                    text(&mut body, name);
                    // Table, column, type (text), its length and modifier, text format.
                    body.extend([
                        0, 0, 0, 0, 0, 0, 0, 0, 0, 25, 255, 255, 255, 255, 255, 255, 0, 0,
                    ]);
                }
                b'T'
            }
            Self::Row(values) | Self::Facts(values) => (b'D', body = row(values)).0,
            Self::Complete(tag) => (b'C', text(&mut body, tag)).0,
            Self::ParseComplete => b'1',
            Self::BindComplete => b'2',
            Self::NoData => b'n',
            Self::ParameterTypes(types) => {
                body.extend((types.len() as u16).to_be_bytes());
                body.extend(types.iter().flat_map(|oid| u32::from(*oid).to_be_bytes()));
                b't'
            }
            Self::EmptyQuery => b'I',
            Self::CopyIn(format, columns) => (b'G', body = formats(*format, columns)).0,
            Self::CopyOut(format, columns) => (b'H', body = formats(*format, columns)).0,
            Self::CopyBoth(format) => (b'W', body = formats(*format, &[])).0,
            Self::CopyData(data) => (b'd', body.extend(data)).0,
            Self::CopyDone => b'c',
            Self::Notification(process, channel, payload) => {
                body.extend(process.to_be_bytes());
                text(&mut body, channel);
                text(&mut body, payload);
                b'A'
            }
            Self::Raw(tag, length, bytes) => {
                declared = *length;
                body.extend(bytes);
                *tag
            }
            Self::Bytes(bytes) => return out.extend(bytes),
        };
        out.push(tag);
        let length = declared.unwrap_or(body.len() as i32 + 4);
        out.extend(length.to_be_bytes());
        out.extend(body);
    }
}

/// The folder of the socket; `scripts/fuzz` names a temporary one in memory and removes it.
static FOLDER: LazyLock<PathBuf> = LazyLock::new(|| {
    let folder = std::env::temp_dir().join(format!("evmig-fuzz-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder for the socket");
    folder
});

static PARAMETERS: LazyLock<Parameters> = LazyLock::new(|| {
    let folder = FOLDER.display();
    let line = format!("host={folder} port=5432 user=u dbname=d password=canary sslmode=disable");
    let none = BTreeMap::new();
    resolve(&Sources {
        connection_string: Some(&Secret::new(line)),
        project: &none,
        variables: &none,
        os_user: None,
        home: None,
    })
    .expect("sound parameters")
});

/// Plays the script against a client. Panics where the client breaks a promise.
pub fn play(script: &Script) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        let socket = FOLDER.join(".s.PGSQL.5432");
        // The socket of the script before; there is none for the first.
        drop(std::fs::remove_file(&socket));
        let listener = UnixListener::bind(&socket).expect("a socket");
        tokio::select! {
            () = serve(&listener, script) => {}
            () = client() => {}
        }
    });
}

/// Serves one session after the other until the client is done.
async fn serve(listener: &UnixListener, script: &Script) {
    loop {
        if let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(session(stream, bytes(script)));
        }
    }
}

fn bytes(script: &Script) -> Vec<Vec<u8>> {
    let mut turns: Vec<Vec<u8>> = script
        .turns
        .iter()
        .take(16)
        .map(|messages| {
            let mut bytes = Vec::new();
            messages.iter().for_each(|message| message.put(&mut bytes));
            bytes
        })
        .collect();
    if script.log_in {
        let mut bytes = Vec::new();
        Message::Authentication(0, Vec::new()).put(&mut bytes);
        Message::Parameter("server_version".to_owned(), "15.1".to_owned()).put(&mut bytes);
        Message::Key(1, 2).put(&mut bytes);
        Message::Ready(b'I').put(&mut bytes);
        turns.insert(0, bytes);
    }
    turns
}

/// How long a turn waits for the client, which may itself wait for more of the turn before.
const PATIENCE: Duration = Duration::from_millis(1);

/// Answers each thing the client sends with the next turn, and hangs up after the last.
async fn session(mut stream: UnixStream, turns: Vec<Vec<u8>>) {
    let mut received = [0; 4096];
    for turn in turns {
        match tokio::time::timeout(PATIENCE, stream.read(&mut received)).await {
            Err(_) => {}
            Ok(Ok(0) | Err(_)) => return,
            Ok(Ok(length)) => assert_no_password(&received[..length]),
        }
        if stream.write_all(&turn).await.is_err() {
            return;
        }
    }
    drop(stream.shutdown().await);
}

/// A password may go to a server that asks for it in clear on a socket; nothing else of the client's may.
fn assert_no_password(bytes: &[u8]) {
    let found = bytes.windows(6).any(|window| window == b"canary");
    assert!(!found || bytes.first() == Some(&b'p'), "{bytes:?}");
}

async fn client() {
    let options = ConnectOptions {
        timeout: Duration::from_secs(2),
        retry_refused: Duration::ZERO,
        application_name: None,
        settings: None,
    };
    let connection = match connect(&PARAMETERS, &options).await {
        Ok(connection) => connection,
        Err(error) => return shown::assert_error(&CommandError::connect(&error)),
    };
    if let Err(failure) = inspect(&connection, Duration::from_secs(2)).await {
        told(&failure);
    }
    let (session, mut notices) = Session::new(connection);
    let limit = Duration::from_secs(2);
    let all = tokio::time::timeout(limit, talk(&session)).await;
    assert!(
        all.is_ok(),
        "the client waits for a server that has hung up"
    );
    while let Ok(Notice { said: notice, .. }) = notices.try_recv() {
        told(&notice);
        let event = RunEvent::Notice {
            migration: None,
            severity: notice.severity.clone(),
            message: notice.message.clone(),
            hint: notice.hint.clone(),
        };
        for look in shown::LOOKS {
            if let Some(text) = terminal::event(&event, look) {
                shown::assert_harmless(&text);
            }
        }
    }
}

async fn talk(session: &Session) {
    if let Err(failure) = session.query("select $1", &[Some("a")]).await {
        told(&failure);
    }
    if let Err(failure) = session.run("select 1; select 2").await {
        told(&failure);
    }
    let commands = [
        Command::Text("begin"),
        Command::Text("create table t ()"),
        Command::Own("insert into h values ($1)", &[None]),
        Command::Text("commit"),
    ];
    let mut answered = Vec::new();
    let result = session
        .pipeline(commands, Window::default(), |index| answered.push(index))
        .await;
    assert_eq!(answered, (0..answered.len()).collect::<Vec<_>>());
    match result {
        Ok(count) => assert_eq!(count, 4),
        Err((index, failure)) => {
            assert!(index < 4 && answered.len() == index);
            told(&failure);
        }
    }
    let data = [Ok::<_, Infallible>(Bytes::from_static(b"1\n"))];
    if let Err(CopyFailure::Server(failure)) = session.copy_in("copy t from stdin", data).await {
        told(&failure);
    }
}

/// Checks a failure's own promises, and what is printed of it.
fn told(failure: &DbFailure) {
    let texts = [
        failure.sqlstate.as_deref(),
        Some(failure.severity.as_str()),
        Some(failure.message.as_str()),
        failure.detail.as_deref(),
        failure.hint.as_deref(),
        failure.context.as_deref(),
        failure.schema.as_deref(),
        failure.table.as_deref(),
        failure.column.as_deref(),
        failure.constraint.as_deref(),
        failure.datatype.as_deref(),
    ];
    for text in texts.into_iter().flatten() {
        assert!(!text.contains(is_unsafe), "{text:?}");
    }
    for statement in [
        "",
        "create table é.t (a int) -- public.t",
        "select 'x'\nfrom \"public.t\"\r\n;",
    ] {
        if let Some(at) = failure.caret_in(statement) {
            assert!(statement.is_char_boundary(at), "{at} in {statement:?}");
            let snippet = Snippet::cut("a.sql", statement, at, 1);
            assert!(snippet.place.line >= 1 && snippet.place.column >= 1);
        }
    }
    shown::assert_error(&CommandError::own("could not", failure));
}
