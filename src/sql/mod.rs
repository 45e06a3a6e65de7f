//! SQL text to statements, without a database: split, classify, quote, place.
