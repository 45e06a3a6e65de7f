//! How often and how long a migration waits for locks.

use std::time::Duration;

use crate::clock::{Deadline, jitter};
use crate::report::event::Blocker;

/// The first wait is below this; each further bound is twice the one before.
const FIRST_WAIT: Duration = Duration::from_millis(500);
/// No wait is longer: whoever was in the way may be gone long before a longer one ends.
const LONGEST_WAIT: Duration = Duration::from_secs(30);
/// From this bound on, at least half of it is waited. Full jitter spreads those who compete, and
/// a run of short waits would use up all tries while one reader of 30 s is still there; so the ten
/// default retries wait for 68 s at least (8 + 4 × 15), and 110 s on average.
const AT_LEAST_HALF_FROM: Duration = Duration::from_secs(16);

/// What `[apply]` in `phases.toml` says about locks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LockPolicy {
    /// Time that one lock may be waited for; zero waits for ever.
    pub lock_timeout: Duration,
    /// Tries after the first.
    pub retries: u32,
    /// Time that all tries of one migration may take together; zero is no limit.
    pub budget: Duration,
    /// Time that one `CONCURRENTLY` statement may take; zero is no limit.
    pub concurrent_budget: Duration,
    /// Time that one statement may take; zero is no limit.
    pub statement_timeout: Duration,
}

/// What to do after a lock was not obtained.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// Wait, then try with this lock timeout.
    Try {
        /// How long to wait first.
        wait: Duration,
        /// The next try's lock timeout.
        lock_timeout: Duration,
    },
    /// All tries or all time is used up.
    GiveUp,
}

/// The tries of one migration.
#[derive(Debug)]
pub struct Tries {
    policy: LockPolicy,
    deadlock_timeout: Duration,
    deadline: Option<Deadline>,
    failed: u32,
    was_long: bool,
}

impl Tries {
    /// Starts counting.
    pub fn new(policy: LockPolicy, deadlock_timeout: Duration) -> Self {
        Self {
            policy,
            deadlock_timeout,
            deadline: (!policy.budget.is_zero()).then(|| Deadline::after(policy.budget)),
            failed: 0,
            was_long: false,
        }
    }

    /// Returns how many tries have failed.
    pub fn failed(&self) -> u32 {
        self.failed
    }

    /// Decides after a failed try, given who was in the way.
    ///
    /// A plain autovacuum steps aside only when the waiter's deadlock check runs, after
    /// `deadlock_timeout` (PostgreSQL manual, 20.12): one try that waits a second longer than that, at once.
    /// One that has not stepped aside by then is not a plain one, and is waited for like anybody:
    /// a row of long tries would shut the readers out. There is never a last try without a timeout.
    pub fn next(&mut self, blockers: &[Blocker]) -> Next {
        self.failed += 1;
        if self.failed > self.policy.retries
            || self.deadline.is_some_and(|deadline| deadline.is_over())
        {
            return Next::GiveUp;
        }
        let autovacuum = !blockers.is_empty() && blockers.iter().all(Blocker::is_plain_autovacuum);
        self.was_long = autovacuum && !self.was_long;
        if self.was_long {
            let enough = self.deadlock_timeout + Duration::from_secs(1);
            return Next::Try {
                wait: Duration::ZERO,
                lock_timeout: self.policy.lock_timeout.max(enough),
            };
        }
        let wait = wait_before(self.failed);
        Next::Try {
            wait: self
                .deadline
                .map_or(wait, |deadline| wait.min(deadline.left())),
            lock_timeout: self.policy.lock_timeout,
        }
    }
}

/// Returns how long to wait after this many failed tries.
fn wait_before(failed: u32) -> Duration {
    let most = FIRST_WAIT
        .saturating_mul(2_u32.saturating_pow(failed.saturating_sub(1)))
        .min(LONGEST_WAIT);
    if most < AT_LEAST_HALF_FROM {
        jitter(most)
    } else {
        most / 2 + jitter(most / 2)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy() -> LockPolicy {
        LockPolicy {
            lock_timeout: Duration::from_millis(500),
            retries: 3,
            budget: Duration::from_mins(5),
            concurrent_budget: Duration::ZERO,
            statement_timeout: Duration::ZERO,
        }
    }

    fn autovacuum(query: &str) -> Blocker {
        Blocker {
            pid: 1,
            user: String::new(),
            application: String::new(),
            backend_type: "autovacuum worker".into(),
            state: "active".into(),
            transaction_seconds: None,
            query: query.into(),
            relation: None,
        }
    }

    #[test]
    fn every_try_has_a_timeout_and_the_last_one_is_the_last() {
        let mut tries = Tries::new(policy(), Duration::from_secs(1));
        for _ in 0..3 {
            let Next::Try { lock_timeout, wait } = tries.next(&[]) else {
                panic!("gave up early")
            };
            assert_eq!(lock_timeout, Duration::from_millis(500));
            assert!(wait <= Duration::from_secs(2));
        }
        assert_eq!(tries.next(&[]), Next::GiveUp);
    }

    #[test]
    fn a_plain_autovacuum_gets_one_long_try_at_once() {
        let mut tries = Tries::new(policy(), Duration::from_secs(1));
        let expected = Next::Try {
            wait: Duration::ZERO,
            lock_timeout: Duration::from_secs(2),
        };
        assert_eq!(
            tries.next(&[autovacuum("autovacuum: VACUUM public.t")]),
            expected
        );
    }

    #[test]
    fn an_autovacuum_that_does_not_step_aside_gets_no_second_long_try_in_a_row() {
        let mut tries = Tries::new(policy(), Duration::from_secs(1));
        let blockers = [autovacuum("<insufficient privilege>")];
        let timeouts: Vec<u128> = (0..3)
            .map(|_| match tries.next(&blockers) {
                Next::Try { lock_timeout, .. } => lock_timeout.as_millis(),
                Next::GiveUp => panic!("gave up"),
            })
            .collect();
        assert_eq!(timeouts, [2000, 500, 2000]);
    }

    #[test]
    fn ten_retries_outlast_a_reader_of_half_a_minute_and_no_wait_overshoots_it_by_more() {
        for _ in 0..1000 {
            let waits: Vec<Duration> = (1..=10).map(wait_before).collect();
            let total: Duration = waits.iter().sum();
            assert!(total >= Duration::from_secs(68), "{waits:?}");
            assert!(waits.iter().all(|wait| *wait <= LONGEST_WAIT), "{waits:?}");
        }
    }

    #[test]
    fn an_autovacuum_against_wraparound_is_waited_for_like_anybody() {
        let mut tries = Tries::new(policy(), Duration::from_secs(1));
        let blocker = autovacuum("autovacuum: VACUUM public.t (to prevent wraparound)");
        let Next::Try { lock_timeout, .. } = tries.next(&[blocker]) else {
            panic!("gave up")
        };
        assert_eq!(lock_timeout, Duration::from_millis(500));
    }

    #[test]
    fn the_budget_ends_the_tries() {
        let mut tries = Tries::new(
            LockPolicy {
                budget: Duration::from_nanos(1),
                ..policy()
            },
            Duration::from_secs(1),
        );
        assert_eq!(tries.next(&[]), Next::GiveUp);
    }
}
