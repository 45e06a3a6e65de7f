//! Decides what to run, without any I/O.
