//! Shows a run while it goes on: lines for what happened, a bar for what is happening, and a file
//! of JSON lines. None of it can change the outcome.

use std::fs::File;
use std::io::{LineWriter, Write};
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::error::CommandError;
use super::ui::Ui;
use crate::render::{json, terminal};
use crate::report::backup::{BackupProgress, RestoreProgress};
use crate::report::event::{EventSink, RunEvent};
use crate::report::seed::SeedProgress;

/// A bar before this time would only flicker.
const BAR_AFTER: Duration = Duration::from_millis(250);
/// Without a terminal, the same kind of wait is told this often.
const REPEAT_EVERY: Duration = Duration::from_secs(10);

/// Listens to a run.
pub struct Live<'a> {
    ui: &'a mut Ui,
    bar: Option<ProgressBar>,
    file: Option<LineWriter<File>>,
    begun: Instant,
    told_progress: Option<Instant>,
}

impl<'a> Live<'a> {
    /// Makes the listener; `file` gets every event as a line of JSON.
    pub fn new(ui: &'a mut Ui, file: Option<File>) -> Self {
        Self {
            ui,
            bar: None,
            file: file.map(LineWriter::new),
            begun: Instant::now(),
            told_progress: None,
        }
    }

    fn write_line(&mut self, event: &RunEvent) {
        let Some(file) = &mut self.file else { return };
        let at = jiff::Timestamp::now().to_string();
        // A full disk must not stop a migration (faults.md B11).
        if writeln!(file, "{}", json::event(event, &at).trim_end()).is_err() {
            self.file = None;
            self.ui
                .say("warning: the events file cannot be written any more\n");
        }
    }

    fn move_bar(&mut self, event: &RunEvent) {
        match event {
            RunEvent::MigrationStarted { statements, .. } => {
                self.begun = Instant::now();
                self.told_progress = None;
                if self.ui.lively {
                    self.bar = Some(new_bar(*statements as u64, self.ui.look().unicode));
                }
            }
            RunEvent::MigrationApplied { .. } => self.end_bar(),
            _ => {}
        }
        let Some(bar) = &self.bar else { return };
        if let RunEvent::StatementDone { index, .. } = event {
            bar.set_position(*index as u64 + 1);
        }
        if let Some(message) = terminal::progress(event, self.ui.look()) {
            bar.set_message(message);
        }
        if self.begun.elapsed() >= BAR_AFTER && bar.is_hidden() {
            bar.set_draw_target(ProgressDrawTarget::stderr());
            bar.enable_steady_tick(Duration::from_millis(120));
        }
    }

    fn end_bar(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
    }

    /// Whether an event is worth a line of its own here and now.
    fn is_due(&mut self, event: &RunEvent) -> bool {
        match event {
            RunEvent::IndexProgress { .. } | RunEvent::StatementRunning { .. }
                if self.bar.is_some() =>
            {
                false
            }
            RunEvent::StatementRunning { running_ms, .. }
                if Duration::from_millis(*running_ms) < REPEAT_EVERY =>
            {
                false
            }
            RunEvent::IndexProgress { .. } | RunEvent::StatementRunning { .. } => {
                let due = self
                    .told_progress
                    .is_none_or(|told| told.elapsed() >= REPEAT_EVERY);
                if due {
                    self.told_progress = Some(Instant::now());
                }
                due
            }
            _ => true,
        }
    }
}

impl EventSink for Live<'_> {
    fn event(&mut self, event: &RunEvent) {
        self.write_line(event);
        self.move_bar(event);
        if !self.is_due(event) {
            return;
        }
        let Some(text) = terminal::event(event, self.ui.look()) else {
            return;
        };
        match &self.bar {
            Some(bar) => bar.suspend(|| self.ui.say(&text)),
            None => self.ui.say(&text),
        }
    }
}

impl Drop for Live<'_> {
    fn drop(&mut self) {
        self.end_bar();
    }
}

/// Opens the file of `--events`, before the run: a path that cannot be written must not be found out after it.
pub fn events_file(path: Option<&Path>) -> Result<Option<File>, CommandError> {
    let Some(path) = path else {
        return Ok(None);
    };
    let file = File::create(path).with_context(|| format!("cannot write {}", path.display()))?;
    Ok(Some(file))
}

fn new_bar(statements: u64, unicode: bool) -> ProgressBar {
    let template = "  {spinner} {wide_msg} {pos}/{len}";
    let style = ProgressStyle::with_template(template)
        .unwrap_or_else(|_| ProgressStyle::default_bar())
        .tick_chars(if unicode {
            "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏ "
        } else {
            "|/-\\ "
        });
    let bar = ProgressBar::with_draw_target(Some(statements), ProgressDrawTarget::hidden());
    bar.set_style(style);
    bar
}

/// Shows what is being done: a spinner on a terminal, a line now and then elsewhere.
pub struct Spinner<'a> {
    ui: &'a mut Ui,
    bar: Option<ProgressBar>,
    begun: Instant,
    told: Instant,
}

impl<'a> Spinner<'a> {
    /// Makes the spinner.
    pub fn new(ui: &'a mut Ui) -> Self {
        let bar = ui.lively.then(|| {
            let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden());
            let style = ProgressStyle::with_template("  {spinner} {wide_msg}");
            bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()));
            bar
        });
        let now = Instant::now();
        Self {
            ui,
            bar,
            begun: now,
            told: now,
        }
    }

    /// Takes the news of a backup.
    pub fn backup(&mut self, progress: &BackupProgress) {
        let text = terminal::backup_progress(progress, self.ui.look());
        self.show(text);
    }

    /// Takes the news of a restore.
    pub fn restore(&mut self, progress: &RestoreProgress) {
        let text = terminal::restore_progress(progress, self.ui.look());
        self.show(text);
    }

    fn show(&mut self, text: String) {
        if let Some(bar) = &self.bar {
            bar.set_message(text);
            if self.begun.elapsed() >= BAR_AFTER && bar.is_hidden() {
                bar.set_draw_target(ProgressDrawTarget::stderr());
                bar.enable_steady_tick(Duration::from_millis(120));
            }
        } else if self.told.elapsed() >= REPEAT_EVERY {
            self.told = Instant::now();
            self.ui.say(&format!("  {text}\n"));
        }
    }
}

impl Drop for Spinner<'_> {
    fn drop(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
    }
}

/// Shows how many cells of a world are there: a bar on a terminal, a line now and then elsewhere.
pub struct CellBar<'a> {
    ui: &'a mut Ui,
    bar: Option<ProgressBar>,
    begun: Instant,
    told: Instant,
}

impl<'a> CellBar<'a> {
    /// Makes the bar.
    pub fn new(ui: &'a mut Ui, cells: u64) -> Self {
        let bar = ui.lively.then(|| new_bar(cells, ui.look().unicode));
        let now = Instant::now();
        Self {
            ui,
            bar,
            begun: now,
            told: now,
        }
    }

    /// Takes the news.
    pub fn show(&mut self, progress: &SeedProgress) {
        let text = terminal::seed_progress(progress, self.ui.look());
        if let Some(bar) = &self.bar {
            bar.set_position(u64::from(progress.done));
            bar.set_message(text);
            if self.begun.elapsed() >= BAR_AFTER && bar.is_hidden() {
                bar.set_draw_target(ProgressDrawTarget::stderr());
                bar.enable_steady_tick(Duration::from_millis(120));
            }
        } else if self.told.elapsed() >= REPEAT_EVERY {
            self.told = Instant::now();
            let line = format!("  {} of {}  {text}\n", progress.done, progress.of);
            self.ui.say(&line);
        }
    }
}

impl Drop for CellBar<'_> {
    fn drop(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
    }
}
