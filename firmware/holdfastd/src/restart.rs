//! How often a port's thread may end before the process does: systemd then starts it clean.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

/// So many restarts...
const AT_MOST: usize = 5;
/// ...in so long.
const WITHIN: Duration = Duration::from_secs(600);

/// Restarts of one port.
#[derive(Debug, Default)]
pub(crate) struct Restarts {
    times: VecDeque<Instant>,
}

impl Restarts {
    /// The thread has ended at `now`: may it be started again?
    pub(crate) fn allow(&mut self, now: Instant) -> bool {
        self.times.retain(|at| now.duration_since(*at) < WITHIN);
        if self.times.len() == AT_MOST {
            return false;
        }
        self.times.push_back(now);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn five_restarts_in_ten_minutes_are_allowed_and_the_sixth_is_not() {
        let mut restarts = Restarts::default();
        let start = Instant::now();
        for n in 0..5 {
            assert!(restarts.allow(start + Duration::from_secs(n)));
        }
        assert!(!restarts.allow(start + Duration::from_secs(599)));
        assert!(restarts.allow(start + Duration::from_secs(601)));
    }
}
