//! Shows what an apply would do before it does: the pending files run in a throw-away database that is
//! made to look like the target.
//!
//! `dry_run` conducts. `pending` decides what would run, as an apply does; `likeness` reads what the target
//! looks like. `place` says where throw-away databases are made and reaches the server, `server` makes, drops and
//! sweeps them, `turn` waits for other dry runs there, `server_wide` knows what must not be tried beside the target,
//! `callable` which of the target's functions do that; `roles` gives it the target's roles and extensions, `begin_with`
//! what sessions begin with there; `state` makes the state before the first pending statement, from the history or a
//! dump, and proves it. `trial` tries the pending files, and compares a `moment` before with one after them; `base` keeps
//! for the next dry run what would have to run again. `rehearsal` runs files through the runner's own sending function
//! and asks after each statement what it did; `measure` reads the answers,
//! `documented` knows the locks of what cannot be asked. `size` looks at the target's sizes, `speed`
//! measures how fast rows are read and written, `past` knows how fast they were on the target, `estimate` makes times
//! of all that, and `assemble` the report. `saved` makes the plan that an apply can be bound to.
//! `beyond` knows what must not be tried, `unproved` lists what cannot be known.
//! `made` makes other schemas to compare with: of a dump, which `dump` reads, or of the project's files.

mod assemble;
mod base;
mod begin_with;
mod beyond;
mod callable;
mod documented;
pub mod dry_run;
pub mod dump;
pub mod error;
mod estimate;
mod likeness;
pub mod made;
mod measure;
mod moment;
mod on_target;
mod past;
mod pending;
mod place;
mod rehearsal;
mod roles;
mod saved;
mod server;
mod server_wide;
mod size;
mod speed;
mod state;
mod trial;
mod turn;
mod unproved;

pub use dry_run::{DryRun, Request, dry_run};
pub use error::{NotOnTarget, PreviewError};
pub use place::ShadowPlace;
