//! The integration tests: one binary, one file per command.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a failing expectation is how a test reports; clippy's own exemption covers only #[test] functions"
)]

mod access;
mod apply;
mod apply_files;
mod architecture;
mod autovacuum;
mod backup;
mod bad_projects;
mod bracket;
mod catalog;
mod catalogue_files;
mod catalogue_process;
mod catalogue_server;
mod changed_files;
mod checkpoints;
mod concurrently;
mod config_command;
mod connect;
mod db_command;
mod diagram;
mod diff;
mod diff_made;
mod documented_commands;
mod documented_errors;
mod documented_faults;
mod dry_run;
mod dry_run_base;
mod dry_run_beside;
mod dry_run_levels;
mod dry_run_locks;
mod dry_run_shadow;
mod dry_run_target;
mod embedded;
mod failing;
mod faults;
mod foretold;
mod generated;
mod harness;
mod harness_self;
mod history_format;
mod hostile;
mod hostile_floods;
mod kept;
mod large_files;
mod locks;
mod many_files;
mod output;
mod pg_server;
mod plan_file;
mod planning;
mod platform;
mod platform_majors;
mod pooler;
mod refinery;
mod refusals;
mod regression;
mod restore;
mod rollback;
mod rollback_faults;
mod rollback_platform;
mod rollback_scripts;
mod rollback_steps;
mod rollback_waits;
mod runners;
mod runners_many;
mod scaffold_commands;
mod scripts_checked;
mod secrets;
mod seed;
mod split_corpus;
mod tamper;
mod tls;
mod triggers;
