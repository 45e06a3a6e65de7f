//! B82: a server that is known, and begins to flood in the middle of a run. The proxy in front of a
//! real one answers in its place, without end: evmig's own questions must end with an error, and a
//! statement of the user's, which may say what it likes, must cost no memory and obey a signal.

use std::time::{Duration, Instant};

use nix::sys::signal::Signal;

use crate::harness::{At, Evmig, Fault, Output, Plan, Project, Proxy, Role, Server, Shape};
use crate::hostile::{LIMIT, MEMORY, columns, in_time, message, report, row, watched};

/// What a flood begins with and goes on with.
struct Flood {
    name: &'static str,
    first: Vec<u8>,
    again: Vec<u8>,
}

fn flood(name: &'static str, first: &[Vec<u8>], again: Vec<u8>) -> Flood {
    Flood {
        name,
        first: first.concat(),
        again,
    }
}

/// What needs no question: notices, settings and notifications.
fn unasked() -> Vec<Flood> {
    let long = "x".repeat(60_000);
    vec![
        flood("notices", &[], report(b'N', "n")),
        flood("long notices", &[], report(b'N', &long)),
        flood("settings", &[], message(b'S', b"a\0b\0")),
        flood("notifications", &[], message(b'A', b"\0\0\0\x01a\0b\0")),
    ]
}

/// The answer to a question in the extended protocol, up to its rows.
fn up_to_rows(names: &[&str]) -> Vec<Vec<u8>> {
    vec![
        message(b'1', b""),
        message(b'2', b""),
        message(b't', b"\0\0"),
        columns(names),
    ]
}

fn answers() -> Vec<Flood> {
    let many = ["c"; 200];
    let nulls = [None; 200];
    let long = "x".repeat(100_000);
    vec![
        flood("rows", &up_to_rows(&["a"]), row(&[Some("1")])),
        flood("long rows", &up_to_rows(&["a"]), row(&[Some(&long)])),
        flood("wide rows", &up_to_rows(&many), row(&nulls)),
        flood("results", &up_to_rows(&["a"]), message(b'C', b"SELECT 0\0")),
        flood("parsed", &[], message(b'1', b"")),
    ]
}

/// Runs evmig behind a proxy that floods once a text with these words comes.
fn flooded(at: &'static str, flood: &Flood) -> (Output, u64) {
    let (evmig, proxy, _project) = behind(at, flood);
    let (output, peak) = watched(evmig.spawn(), LIMIT * 6);
    assert!(proxy.struck().is_some(), "{at:?} never came");
    (output, peak)
}

fn behind(at: &'static str, flood: &Flood) -> (Evmig, Proxy, Project) {
    let database = Server::shared(16, Shape::Plain).database(Shape::Plain, Role::Owner);
    let project = Project::one_phase().migration("V1__t", "create table flooded (id int);\n");
    Evmig::new(&project, "apply").on(&database).run().succeeds();
    let project = project.migration("V2__u", "select 'my statement';\n");
    let fault = Fault::Flood {
        first: flood.first.clone(),
        again: flood.again.clone(),
    };
    let at = At::Text(at);
    let proxy = Proxy::start(&database, Some(Plan { at, fault }));
    let evmig = Evmig::new(&project, "apply").on(&proxy.target());
    (evmig, proxy, project)
}

#[track_caller]
fn ends(at: &'static str, flood: &Flood, limit: Duration, memory: u64) {
    let (output, peak) = in_time(limit, || flooded(at, flood));
    let what = format!("{} at {at:?}", flood.name);
    let said = &output.stderr;
    eprintln!("{what}: {:?}, {peak} KiB", output.took);
    assert!(output.took < limit, "{what}: {:?}\n{said}", output.took);
    assert!(peak > 0 && peak < memory, "{what}: {peak} KiB");
    assert_eq!(output.code(), 1, "{what}: {said}");
    let words = said.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(words.contains("the server sent too much"), "{what}: {said}");
}

/// Evmig's own texts and questions, when the server has told long since what it is.
#[test]
fn b82_a_flood_instead_of_an_answer_to_evmigs_own_questions() {
    let text = "set client_connection_check_interval";
    ends(
        text,
        &flood("results", &[], message(b'C', b"SET\0")),
        LIMIT,
        MEMORY,
    );
    for flood in unasked() {
        ends(text, &flood, LIMIT, MEMORY);
    }
    for question in [
        "current_setting('client_connection_check_interval')",
        "pg_try_advisory_lock",
    ] {
        for flood in answers() {
            ends(question, &flood, LIMIT, MEMORY);
        }
        for flood in unasked() {
            ends(question, &flood, LIMIT, MEMORY);
        }
    }
}

/// The history is the one answer that may be long; its rows end, and nothing else of it is long.
#[test]
fn b82_a_flood_instead_of_the_history() {
    let at = "migration order by seq";
    for flood in unasked() {
        ends(at, &flood, LIMIT, MEMORY);
    }
    for flood in answers() {
        // What may be kept of rows is kept, and a debug build takes its time for it.
        ends(at, &flood, 3 * LIMIT, 4 * MEMORY);
    }
}

/// Whatever a statement of the user's says, nothing of it is kept, and a signal is obeyed.
#[test]
fn b82_a_flood_while_a_statement_of_the_users_runs() {
    let mut floods = unasked();
    floods.push(flood("rows", &[columns(&["a"])], row(&[Some("1")])));
    std::thread::scope(|scope| {
        for flood in &floods {
            scope.spawn(|| obeys_a_signal(flood));
        }
    });
}

#[track_caller]
fn obeys_a_signal(flood: &Flood) {
    let (evmig, proxy, _project) = behind("my statement", flood);
    let running = evmig.spawn();
    let started = Instant::now();
    while proxy.struck().is_none() {
        assert!(started.elapsed() < LIMIT * 6, "the statement never came");
        std::thread::sleep(Duration::from_millis(5));
    }
    std::thread::sleep(Duration::from_secs(2));
    running.signal(Signal::SIGINT);
    // The server is given 10 s to obey; then the session is given up, and the next one asked.
    let (output, peak) = watched(running, LIMIT * 6);
    let (name, said) = (flood.name, &output.stderr);
    eprintln!("{name}: {:?}, {peak} KiB", output.took);
    assert!(peak > 0 && peak < MEMORY, "{name}: {peak} KiB, {said}");
    assert_eq!(output.code(), 1, "{name}: {said}");
    let words = said.split_whitespace().collect::<Vec<_>>().join(" ");
    let why = "the server did not answer a request to cancel";
    assert!(words.contains(why), "{name}: {said}");
}

/// More results than there are commands: the row of the history is not among them, and so it is asked.
#[test]
fn b82_results_that_nothing_was_sent_for_are_not_taken_for_any() {
    let flood = flood("results", &[], message(b'C', b"SELECT 0\0"));
    let (output, peak) = in_time(LIMIT, || flooded("my statement", &flood));
    let said = &output.stderr;
    assert!(output.took < LIMIT, "{:?}: {said}", output.took);
    assert!(peak < MEMORY, "{peak} KiB");
    assert_eq!(output.code(), 1, "{said}");
    let words = said.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(words.contains("out of step"), "{said}");
}
