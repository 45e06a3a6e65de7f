//! Time and chance, in one place: monotonic time for time-outs and jitter for waits.
//!
//! History is stamped by the server's clock and ordered by a sequence (faults.md B39), so nothing
//! here is ever stored.

use std::time::{Duration, Instant};

/// A point in time after which an operation gives up.
#[derive(Debug, Clone, Copy)]
pub struct Deadline {
    started: Instant,
    budget: Duration,
}

impl Deadline {
    /// Starts a budget now.
    pub fn after(budget: Duration) -> Self {
        Self {
            started: Instant::now(),
            budget,
        }
    }

    /// Returns the time since the budget began.
    pub fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    /// Returns what is left of the budget; zero once it is used up.
    pub fn left(&self) -> Duration {
        self.budget.saturating_sub(self.started.elapsed())
    }

    /// Returns whether the budget is used up.
    pub fn is_over(&self) -> bool {
        self.left().is_zero()
    }
}

/// Returns a random duration between zero and `most` ("full jitter").
pub fn jitter(most: Duration) -> Duration {
    most.mul_f64(fastrand::f64())
}

/// Returns a new run id: a digit and nine characters of lower-case Crockford base 32.
///
/// It begins with a digit so that no id is ever a word, and holds 48 random bits.
/// It is made by the client since it is part of `application_name` before the first query runs.
pub fn run_id() -> String {
    const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
    (0..10)
        .map(|at| if at == 0 { 10 } else { 32 })
        .map(|most| char::from(ALPHABET[fastrand::usize(..most)]))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jitter_stays_below_its_bound() {
        for _ in 0..1000 {
            assert!(jitter(Duration::from_millis(10)) <= Duration::from_millis(10));
        }
    }

    #[test]
    fn run_ids_differ_and_are_ten_characters() {
        let (a, b) = (run_id(), run_id());
        assert_ne!(a, b);
        assert_eq!(a.len(), 10);
        assert!(a.starts_with(|first: char| first.is_ascii_digit()));
    }
}
