//! A page that is one file: no script, nothing fetched, readable in light and dark, on a phone, and without a mouse.

use std::fmt::Write as _;

use super::timeline::timeline;
use super::words::{
    Tone, amount, before, blocks, earlier, file_name, held, place, reasons, summary, verdict, work,
};
use crate::render::change::{Sign, groups, lines, tally, title};
use crate::render::terminal::number::{counted, duration};
use crate::render::xml::escape;
use crate::report::access::AccessEffect;
use crate::report::change::ObjectChange;
use crate::report::dry_run::{DryMigration, DryRunReport, DryStatement, LockMode};
use crate::report::problem::Problem;

/// Nothing from anywhere else, even if a name got past the escapes.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'";
/// So few groups of objects are shown unfolded.
const FEW: usize = 5;
/// So many rows of a table, and groups of objects, are shown before the rest is folded.
const MANY: usize = 25;

/// Returns the page.
pub fn html(report: &DryRunReport) -> String {
    let mut page = Page(String::with_capacity(1 << 16));
    page.head(report);
    page.summary(report);
    page.error(report);
    page.findings(report);
    page.locks(report);
    page.access(report);
    page.unproved(report);
    page.changes(report);
    page.migrations(report);
    page.saved(report);
    page.say("<footer>Made by evmig. Nothing of the target was changed.</footer>\n</main>\n</body>\n</html>\n");
    page.0
}

struct Page(String);

// Writing to a string cannot fail; the results of `writeln!` are let go.
impl Page {
    fn say(&mut self, text: &str) {
        self.0.push_str(text);
    }

    fn head(&mut self, report: &DryRunReport) {
        let (verdict, tone) = verdict(report);
        let target = &report.target;
        let environment = target
            .environment
            .as_deref()
            .map_or_else(String::new, |name| format!("{} · ", escape(name)));
        let _ = writeln!(
            self.0,
            "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta http-equiv=\"Content-Security-Policy\" content=\"{POLICY}\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <title>Dry run of {database}: {verdict}</title>\n<style>{style}</style>\n</head>\n<body>\n\
             <a class=\"skip\" href=\"#locks\">Skip to the locks</a>\n<main>\n\
             <h1>Dry run of <span class=\"mono\">{database}</span></h1>\n\
             <p><span class=\"badge {class}\">{verdict}</span> {amount}</p>\n\
             <p class=\"quiet\">{environment}{host}:{port} as {user} · PostgreSQL {version}<br>Ran {place}",
            database = escape(&target.database),
            style = include_str!("page.css"),
            class = tone.class(),
            amount = amount(report),
            host = escape(&target.host),
            port = target.port,
            user = escape(&target.user),
            version = escape(&report.server_version),
            place = escape(&place(report)),
        );
        if let Some((said, _)) = before(report) {
            let _ = writeln!(self.0, "<br>Began with {}", escape(&said));
        }
        if let Some(said) = earlier(report) {
            let _ = writeln!(self.0, "<br>Taken from earlier: {}", escape(&said));
        }
        if report.left > 0 {
            let _ = writeln!(self.0, "<br>{} stay pending", report.left);
        }
        for reason in &report.passed_over {
            let _ = writeln!(self.0, "<br>Skipped: {}", escape(reason));
        }
        self.say("</p>\n");
    }

    fn saved(&mut self, report: &DryRunReport) {
        if let Some(saved) = &report.saved {
            let _ = writeln!(
                self.0,
                "<p class=\"quiet\">Saved as plan <span class=\"mono\">{}</span> in {}. \
                 <span class=\"mono\">{}</span> applies exactly this, or says what has changed.</p>",
                saved.checksum.get(..12).unwrap_or_default(),
                escape(&saved.file),
                escape(&saved.apply)
            );
        }
    }

    fn summary(&mut self, report: &DryRunReport) {
        self.say("<ul class=\"facts\">\n");
        for fact in summary(report) {
            let _ = writeln!(
                self.0,
                "<li><a class=\"{}\" href=\"#{}\"><b>{}</b>{}</a></li>",
                fact.tone.class(),
                fact.section,
                fact.about,
                escape(&fact.said)
            );
        }
        self.say("</ul>\n");
    }

    fn heading(&mut self, id: &str, title: &str) {
        let _ = writeln!(self.0, "<h2 id=\"{id}\">{title}</h2>");
    }

    fn error(&mut self, report: &DryRunReport) {
        if let Some(error) = &report.error {
            self.heading("error", "What fails");
            self.problem(error, true);
        }
        if let Some((said, Tone::Caution)) = before(report) {
            let _ = writeln!(self.0, "<div class=\"note\">Began with {}", escape(&said));
            let differences = report.before.iter().flat_map(|before| &before.differences);
            let differences: Vec<&ObjectChange> = differences.collect();
            if !differences.is_empty() {
                self.say("<details><summary>How it differs</summary>");
                self.definitions(&differences);
                self.say("</details>");
            }
            self.say("</div>\n");
        }
        for note in &report.notes {
            self.problem(note, false);
        }
    }

    fn findings(&mut self, report: &DryRunReport) {
        if report.findings.is_empty() {
            return;
        }
        self.heading("findings", "What the phases do not allow");
        for finding in &report.findings {
            self.problem(finding, true);
        }
    }

    fn problem(&mut self, problem: &Problem, bad: bool) {
        let class = if bad { "note bad" } else { "note" };
        let _ = write!(
            self.0,
            "<div class=\"{class}\"><b>{}</b>",
            escape(&problem.message)
        );
        if let Some(state) = &problem.sqlstate {
            let _ = write!(self.0, " <code>{}</code>", escape(state));
        }
        if let Some(snippet) = &problem.snippet {
            let place = format!("{}:{}", snippet.place.file, snippet.place.line);
            let _ = write!(
                self.0,
                "<br><code>{}</code><pre>{}</pre>",
                escape(&place),
                escape(&snippet.text)
            );
        }
        for (label, text) in [
            ("", &problem.detail),
            ("", &problem.context),
            ("Hint: ", &problem.hint),
        ] {
            if let Some(text) = text {
                let _ = write!(self.0, "<br>{label}{}", escape(text));
            }
        }
        for command in &problem.next {
            let _ = write!(self.0, "<br><code>{}</code>", escape(command));
        }
        self.say("</div>\n");
    }

    fn locks(&mut self, report: &DryRunReport) {
        self.heading("locks", "Who has to wait");
        let Some((drawing, basis)) = timeline(report) else {
            let nobody = summary(report)
                .into_iter()
                .find(|fact| fact.section == "locks");
            let said = nobody.map(|fact| fact.said).unwrap_or_default();
            let _ = writeln!(self.0, "<p>{}</p>", escape(&said));
            return;
        };
        self.say(
            "<ul class=\"key\"><li><i class=\"bad\"></i>blocks reads and writes</li>\
             <li><i class=\"caution\"></i>blocks writes</li><li><i class=\"plain\"></i>blocks neither</li></ul>\n",
        );
        self.wide("Timeline of locks", &drawing);
        let _ = writeln!(self.0, "<p class=\"quiet\">{}</p>", escape(&basis));
        let rows = report.locks.iter().map(|lock| {
            let (what, tone) = blocks(lock.blocks);
            let place = format!("{}:{}", file_name(&lock.place.file), lock.place.line);
            vec![
                breakable(&lock.relation),
                mode(lock.mode).to_owned(),
                badge(tone, what),
                held(lock),
                lock.rows.map_or_else(String::new, |rows| rows.to_string()),
                work(&lock.work),
                breakable(&place),
            ]
        });
        let columns = [
            ("relation", "mono"),
            ("lock", "fixed"),
            ("blocks", "fixed"),
            ("held", "number"),
            ("rows", "number"),
            ("meanwhile", ""),
            ("by", "mono"),
        ];
        self.table("Locks on what others use, strongest first", &columns, rows);
        for reason in reasons(report) {
            let _ = writeln!(self.0, "<p class=\"quiet\">Held: {}</p>", escape(reason));
        }
    }

    /// A table of cells that are safe already. Where the window is narrow, each cell has its column's name beside it.
    fn table(
        &mut self,
        caption: &str,
        columns: &[(&str, &str)],
        rows: impl Iterator<Item = Vec<String>>,
    ) {
        let rows: Vec<Vec<String>> = rows.collect();
        let (first, rest) = rows.split_at(rows.len().min(MANY));
        self.wide(caption, &written(caption, columns, first));
        if rest.is_empty() {
            return;
        }
        let more = format!("{} more", rest.len());
        let _ = writeln!(self.0, "<details><summary>{more}</summary>");
        self.wide(caption, &written(&more, columns, rest));
        self.say("</details>\n");
    }

    /// What may be wider than the window can be scrolled, with the keys, too.
    fn wide(&mut self, label: &str, inner: &str) {
        let _ = writeln!(
            self.0,
            "<div class=\"wide\" tabindex=\"0\" role=\"region\" aria-label=\"{label}\">\n{inner}</div>"
        );
    }

    fn access(&mut self, report: &DryRunReport) {
        self.heading("access", "Who gets access, and who loses it");
        if report.access.is_empty() {
            self.say("<p>No role may do more or less than before.</p>\n");
            return;
        }
        let rows = report.access.iter().map(|one| {
            let tone = match one.effect {
                AccessEffect::Widened => Tone::Caution,
                AccessEffect::Changed => Tone::Plain,
                AccessEffect::Narrowed => Tone::Good,
            };
            vec![
                badge(tone, one.effect.word()),
                escape(&one.role),
                escape(&one.command),
                breakable(&one.relation),
                escape(&one.before),
                escape(&one.after),
            ]
        });
        let columns = [
            ("access", "fixed"),
            ("role", "mono"),
            ("may", ""),
            ("on", "mono"),
            ("before", ""),
            ("after", ""),
        ];
        self.table(
            "Access by role and relation, what widens first",
            &columns,
            rows,
        );
    }

    fn unproved(&mut self, report: &DryRunReport) {
        self.heading("unproved", "What could not be known");
        if report.unproved.is_empty() {
            self.say("<p>Every statement was understood.</p>\n");
            return;
        }
        let rows = report.unproved.iter().map(|one| {
            let place = format!("{}:{}", file_name(&one.place.file), one.place.line);
            let sql = format!("<code>{}</code>", escape(&one.sql));
            vec![breakable(&place), sql, escape(&one.reason)]
        });
        let columns = [("at", "mono"), ("statement", ""), ("why", "")];
        self.table("Statements of which not all can be known", &columns, rows);
    }

    fn changes(&mut self, report: &DryRunReport) {
        self.heading("changes", "What changes");
        if report.changes.is_empty() {
            self.say("<p>No object comes, goes or changes.</p>\n");
            return;
        }
        let groups = groups(&report.changes);
        let open = if groups.len() <= FEW { " open" } else { "" };
        let folded = groups.len().saturating_sub(MANY);
        for (at, (group, changes)) in groups.into_iter().enumerate() {
            if at == MANY {
                let _ = writeln!(
                    self.0,
                    "<details><summary>{folded} more</summary><div class=\"folded\">"
                );
            }
            let _ = writeln!(
                self.0,
                "<details{open}><summary><code>{}</code> <span class=\"quiet\">{}</span></summary>",
                escape(group),
                tally(changes.iter().copied())
            );
            self.definitions(&changes);
            self.say("</details>\n");
        }
        if folded > 0 {
            self.say("</div></details>\n");
        }
    }

    /// Each object's definition, or the lines of it that differ.
    fn definitions(&mut self, changes: &[&ObjectChange]) {
        self.say("<pre class=\"diff\" tabindex=\"0\">");
        for change in changes {
            let title = escape(&title(change));
            let _ = write!(self.0, "<span class=\"head\">{title}</span>");
            for (sign, line) in lines(change) {
                let class = match sign {
                    Sign::New => "new",
                    Sign::Gone => "gone",
                    Sign::Around => "around",
                };
                let (mark, line) = (sign.mark(), escape(line));
                let _ = write!(self.0, "<span class=\"{class}\">{mark} {line}</span>");
            }
        }
        self.say("</pre>");
    }

    fn migrations(&mut self, report: &DryRunReport) {
        self.heading("migrations", "What would run");
        for one in &report.migrations {
            self.migration(one);
        }
        if report.migrations.is_empty() {
            self.say("<p>Nothing.</p>\n");
        }
    }

    fn migration(&mut self, one: &DryMigration) {
        let how = match (&one.not_tried, one.transactional) {
            (Some(reason), _) => escape(reason),
            (None, true) => "one transaction".to_owned(),
            (None, false) => "statement by statement".to_owned(),
        };
        let took = one
            .duration_ms
            .map_or_else(String::new, |ms| format!(" · {}", duration(ms)));
        let _ = writeln!(
            self.0,
            "<details><summary><code>{}</code> <span class=\"quiet\">{} · {how}{took}</span></summary>\n\
             <ol class=\"statements\">",
            escape(&one.migration.label()),
            counted(one.statements.len(), "statement"),
        );
        for statement in &one.statements {
            self.statement(statement);
        }
        self.say("</ol></details>\n");
    }

    fn statement(&mut self, one: &DryStatement) {
        let _ = write!(
            self.0,
            "<li><pre>{}</pre><span class=\"quiet\">",
            escape(one.sql.trim())
        );
        let mut said = vec![format!("line {}", one.place.line)];
        said.extend(one.duration_ms.map(duration));
        let locks = one.locks.iter().filter(|lock| !lock.new);
        said.extend(locks.map(|lock| format!("{} on {}", mode(lock.mode), escape(&lock.relation))));
        if !one.tried {
            said.push("did not run".to_owned());
        }
        said.extend(one.unproved.iter().map(|why| escape(why)));
        let _ = writeln!(self.0, "{}</span></li>", said.join(" · "));
    }
}

/// Writes a table; what has no room breaks where its words end.
fn written(caption: &str, columns: &[(&str, &str)], rows: &[Vec<String>]) -> String {
    let mut table = format!("<table><caption>{caption}</caption><thead><tr>");
    for (label, class) in columns {
        let class = if *class == "number" {
            " class=\"number\""
        } else {
            ""
        };
        let _ = write!(table, "<th scope=\"col\"{class}>{label}</th>");
    }
    table.push_str("</tr></thead>\n<tbody>\n");
    for cells in rows {
        table.push_str("<tr>");
        for ((label, class), cell) in columns.iter().zip(cells) {
            let _ = write!(
                table,
                "<td class=\"{class}\" data-label=\"{label}\">{cell}</td>"
            );
        }
        table.push_str("</tr>\n");
    }
    table.push_str("</tbody></table>\n");
    table
}

/// A name that may break at its dots and underscores.
fn breakable(name: &str) -> String {
    let safe = escape(name);
    safe.replace('.', ".<wbr>").replace('_', "_<wbr>")
}

fn badge(tone: Tone, text: &str) -> String {
    format!("<span class=\"badge {}\">{text}</span>", tone.class())
}

fn mode(mode: LockMode) -> &'static str {
    mode.word()
}
