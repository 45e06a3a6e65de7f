//! A server that says anything: through the socket, the driver, evmig's watch on the start of a session, its
//! errors and notices, to what is printed.
#![no_main]

use evmig_fuzz::server;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|script: server::Script| server::play(&script));
