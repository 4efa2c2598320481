//! How many replies of one path the daemon's loop is asked to read.

use std::time::Duration;

use tokio::time::Instant;

/// Far above what eight lines can cause, far below what would keep the loop busy.
const REPLIES: u32 = 128;
const PER: Duration = Duration::from_secs(1);

/// See the file's head.
#[derive(Debug)]
pub(super) struct Allowance {
    since: Instant,
    left: u32,
}

impl Allowance {
    pub(super) const fn new(now: Instant) -> Self {
        Self { since: now, left: REPLIES }
    }

    /// Whether one more may pass.
    pub(super) fn one_more(&mut self, now: Instant) -> bool {
        if now.saturating_duration_since(self.since) >= PER {
            *self = Self::new(now);
        }
        let allowed = self.left > 0;
        self.left = self.left.saturating_sub(1);
        allowed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_of_replies_is_cut_and_the_next_second_is_open_again() {
        let start = Instant::now();
        let mut allowance = Allowance::new(start);
        let passed = (0..1_000).filter(|_| allowance.one_more(start)).count();
        assert_eq!(passed, REPLIES as usize);
        assert!(allowance.one_more(start + PER));
    }
}
