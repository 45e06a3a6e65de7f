//! Settings of `apply`, each with where it came from: flag, environment, `.env`, file, default.

use std::time::Duration;

use super::environment::Environment;
use super::error::CommandError;
use crate::project::Manifest;
use crate::project::Setting;
use crate::project::manifest::{OnDrift, duration};
use crate::report::config;
use crate::report::problem::Problem;
use crate::runner::retry::LockPolicy;

/// How long to wait for another run, unless something says otherwise.
const WAIT: Duration = Duration::from_mins(1);

/// Lock settings that were typed.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct LockArgs {
    /// Wait this long for each lock, then roll back and try again [default: 2s]
    #[arg(long, value_name = "DURATION", help_heading = "Locks")]
    pub lock_timeout: Option<String>,
    /// Try this often again after a lock was not obtained [default: 10]
    #[arg(long, value_name = "N", help_heading = "Locks")]
    pub lock_retries: Option<u32>,
    /// Stop a statement that takes longer; 0 is no limit [default: 0]
    #[arg(long, value_name = "DURATION", help_heading = "Locks")]
    pub statement_timeout: Option<String>,
}

impl LockArgs {
    /// Returns the words that set the same again.
    pub fn words(&self) -> Vec<String> {
        let valued = |flag: &str, value: &str| format!("{flag} {value}");
        let timeout = self.lock_timeout.iter();
        let mut words: Vec<String> = timeout.map(|text| valued("--lock-timeout", text)).collect();
        let retries = self.lock_retries;
        words.extend(retries.map(|number| valued("--lock-retries", &number.to_string())));
        let statement = self.statement_timeout.iter();
        words.extend(statement.map(|text| valued("--statement-timeout", text)));
        words
    }
}

/// A value and where it came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Valued<T> {
    /// The value in force.
    pub value: T,
    /// What set it.
    pub source: String,
}

/// All settings of `apply`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApplySettings {
    lock_timeout: Valued<Option<Duration>>,
    lock_retries: Valued<u32>,
    statement_timeout: Valued<Option<Duration>>,
    lock_budget: Valued<Option<Duration>>,
    concurrent_budget: Valued<Option<Duration>>,
    wait: Valued<Option<Duration>>,
    on_drift: Valued<OnDrift>,
}

impl ApplySettings {
    /// Resolves every setting; `wait` is what was typed for `--wait`.
    pub fn resolve(
        args: &LockArgs,
        wait: Option<&String>,
        environment: &Environment,
        manifest: &Manifest,
    ) -> Result<Self, CommandError> {
        let layers = Layers {
            environment,
            manifest,
        };
        let apply = &manifest.apply;
        let typed = |value: Option<&String>, flag: &str| {
            value.map(|value| (value.clone(), format!("flag {flag}")))
        };
        Ok(Self {
            lock_timeout: layers.duration(
                typed(args.lock_timeout.as_ref(), "--lock-timeout"),
                "EVMIG_LOCK_TIMEOUT",
                &apply.lock_timeout,
            )?,
            lock_retries: layers.retries(args.lock_retries, &apply.lock_retries)?,
            statement_timeout: layers.duration(
                typed(args.statement_timeout.as_ref(), "--statement-timeout"),
                "EVMIG_STATEMENT_TIMEOUT",
                &apply.statement_timeout,
            )?,
            lock_budget: layers.duration(None, "EVMIG_LOCK_BUDGET", &apply.lock_budget)?,
            concurrent_budget: layers.duration(
                None,
                "EVMIG_CONCURRENT_BUDGET",
                &apply.concurrent_budget,
            )?,
            wait: self::wait(wait, environment)?,
            on_drift: Valued {
                value: apply.on_drift.value,
                source: layers.place(&apply.on_drift),
            },
        })
    }

    /// Returns how long to wait for another run to end.
    pub fn wait(&self) -> Duration {
        self.wait.value.unwrap_or_default()
    }

    /// Returns the settings as the runner takes them; zero is no limit.
    pub fn policy(&self) -> LockPolicy {
        LockPolicy {
            lock_timeout: self.lock_timeout.value.unwrap_or_default(),
            retries: self.lock_retries.value,
            budget: self.lock_budget.value.unwrap_or_default(),
            concurrent_budget: self.concurrent_budget.value.unwrap_or_default(),
            statement_timeout: self.statement_timeout.value.unwrap_or_default(),
        }
    }

    /// Returns the settings for `evmig config`.
    pub fn shown(&self) -> Vec<config::Setting> {
        let show = |name: &str, value: String, source: &str| config::Setting {
            name: format!("apply.{name}"),
            value,
            source: source.to_owned(),
        };
        let time = |name: &str, setting: &Valued<Option<Duration>>| {
            show(
                name,
                setting.value.map_or("0 (no limit)".to_owned(), shown),
                &setting.source,
            )
        };
        vec![
            time("lock_timeout", &self.lock_timeout),
            show(
                "lock_retries",
                self.lock_retries.value.to_string(),
                &self.lock_retries.source,
            ),
            time("statement_timeout", &self.statement_timeout),
            time("lock_budget", &self.lock_budget),
            time("concurrent_budget", &self.concurrent_budget),
            time("wait", &self.wait),
            show(
                "on_drift",
                self.on_drift.value.as_str().to_owned(),
                &self.on_drift.source,
            ),
        ]
    }
}

/// Resolves how long to wait for others to end: no file says it, so that it needs no project.
pub fn wait(
    typed: Option<&String>,
    environment: &Environment,
) -> Result<Valued<Option<Duration>>, CommandError> {
    let typed = typed.map(|text| (text.clone(), "flag --wait".to_owned()));
    let set = set(typed, "EVMIG_WAIT", environment)?;
    Ok(set.unwrap_or_else(|| Valued {
        value: Some(WAIT),
        source: "default".to_owned(),
    }))
}

/// Reads a duration that a flag or a variable sets.
fn set(
    flag: Option<(String, String)>,
    variable: &str,
    environment: &Environment,
) -> Result<Option<Valued<Option<Duration>>>, CommandError> {
    let found = || environment.find(variable);
    let found = flag.or_else(|| found().map(|found| (found.value, found.source)));
    let set = found.map(|(text, source)| {
        Ok(Valued {
            value: parse_duration(&text, &source)?,
            source,
        })
    });
    set.transpose()
}

/// Writes a duration as it would be typed.
fn shown(duration: Duration) -> String {
    let milliseconds = duration.as_millis();
    if milliseconds.is_multiple_of(60_000) {
        format!("{}min", milliseconds / 60_000)
    } else if milliseconds.is_multiple_of(1000) {
        format!("{}s", milliseconds / 1000)
    } else {
        format!("{milliseconds}ms")
    }
}

/// Reads a duration that was typed; without one, or for no limit at all, it is `otherwise`.
pub fn typed_duration(
    text: Option<&String>,
    source: &str,
    otherwise: Duration,
) -> Result<Duration, CommandError> {
    let Some(text) = text else {
        return Ok(otherwise);
    };
    Ok(parse_duration(text, source)?.unwrap_or(otherwise))
}

/// Reads a duration that was typed or set, naming its source in the error.
fn parse_duration(text: &str, source: &str) -> Result<Option<Duration>, CommandError> {
    duration::parse(text).map_err(|fault| {
        CommandError::usage(Problem::new("bad-duration", format!("{source}: {fault}")))
    })
}

struct Layers<'a> {
    environment: &'a Environment,
    manifest: &'a Manifest,
}

impl Layers<'_> {
    fn duration(
        &self,
        flag: Option<(String, String)>,
        variable: &str,
        file: &Setting<Option<Duration>>,
    ) -> Result<Valued<Option<Duration>>, CommandError> {
        let set = set(flag, variable, self.environment)?;
        Ok(set.unwrap_or_else(|| Valued {
            value: file.value,
            source: self.place(file),
        }))
    }

    fn retries(&self, flag: Option<u32>, file: &Setting<u32>) -> Result<Valued<u32>, CommandError> {
        if let Some(value) = flag {
            return Ok(Valued {
                value,
                source: "flag --lock-retries".into(),
            });
        }
        match self.environment.find("EVMIG_LOCK_RETRIES") {
            Some(found) => {
                let value = found.value.parse().map_err(|_| {
                    CommandError::usage(Problem::new(
                        "bad-number",
                        format!("{}: `{}` is not a whole number", found.source, found.value),
                    ))
                })?;
                Ok(Valued {
                    value,
                    source: found.source,
                })
            }
            None => Ok(Valued {
                value: file.value,
                source: self.place(file),
            }),
        }
    }

    fn place<T>(&self, setting: &Setting<T>) -> String {
        match setting.span {
            Some(span) => format!("phases.toml:{}", self.manifest.place(span).line),
            None => "default".to_owned(),
        }
    }
}
