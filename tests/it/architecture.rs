//! Holds the structure.
