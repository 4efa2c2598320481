//! When to try the device again: 250 ms, doubling to 5 s, each by up to a quarter earlier, so that
//! many boxes do not hammer in step.

/// The distance to the next attempt.
#[derive(Debug)]
pub(super) struct Retry {
    random: u64,
    next: u64,
}

impl Retry {
    pub(super) fn new(seed: u64) -> Self {
        Self { random: seed | 1, next: FIRST_MS }
    }

    /// Another attempt failed: so long to wait, milliseconds.
    pub(super) fn wait_ms(&mut self) -> u64 {
        let whole = self.next;
        self.next = (whole * 2).min(MAX_MS);
        whole - self.step() % (whole / 4)
    }

    /// The card is there.
    pub(super) fn reset(&mut self) {
        self.next = FIRST_MS;
    }

    /// Xorshift (Marsaglia, 2003): jitter needs no more.
    fn step(&mut self) -> u64 {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        self.random
    }
}

const FIRST_MS: u64 = 250;
const MAX_MS: u64 = 5_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_to_five_seconds_and_begin_anew() {
        let mut retry = Retry::new(7);
        for whole in [250, 500, 1_000, 2_000, 4_000, 5_000, 5_000] {
            let wait_ms = retry.wait_ms();
            assert!((whole * 3 / 4..=whole).contains(&wait_ms), "{wait_ms} of {whole}");
        }
        retry.reset();
        assert!(retry.wait_ms() <= 250);
    }
}
