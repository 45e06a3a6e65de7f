//! The only place that names the driver.
//!
//! `resolve` (with `keyword`, `conninfo`, `service`, `passfile`) says where and as whom to connect,
//! as libpq does, in the words of `params`; `connect` (with `opening`, `dial`, `tls`, `stream`)
//! opens the session; `incoming` (with `body`) holds what the server says to bounds and to the protocol; `silence`
//! notices that it is gone; `probe`, `pooling` and `refusal` say what was reached; `lock`
//! is the history's lock, `named` finds relations; `error` and `connect_error` say what went wrong.

mod body;
pub mod cancel;
pub mod connect;
pub mod connect_error;
pub mod conninfo;
mod dial;
pub mod error;
pub mod flight;
mod incoming;
pub mod keyword;
pub mod lock;
pub mod named;
mod opening;
pub mod own_role;
pub mod params;
pub mod passfile;
pub mod pooling;
pub mod probe;
pub mod refusal;
pub mod resolve;
mod resolve_tls;
pub mod service;
pub mod session;
pub mod settings;
mod shown;
pub mod silence;
mod stream;
pub mod tls;
