//! The cadence of a ringing line. Nothing has to happen at its edges: whoever asks computes them.

/// A line that rings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ring {
    pub(crate) since_ms: u64,
    pub(crate) on_ms: u16,
    pub(crate) off_ms: u16,
    pub(crate) bursts: u8,
}

impl Ring {
    /// A burst is on the line.
    pub(crate) fn sounds(&self, now_ms: u64) -> bool {
        let (burst, within) = self.place(now_ms);
        burst < u64::from(self.bursts) && within < u64::from(self.on_ms)
    }

    /// Bursts are still to come, or on the line.
    pub(crate) fn lasts(&self, now_ms: u64) -> bool {
        let (burst, within) = self.place(now_ms);
        let (last, on) = (u64::from(self.bursts), u64::from(self.on_ms));
        burst + 1 < last || (burst + 1 == last && within < on)
    }

    /// Which burst, from 0, and how far into it and its silence.
    fn place(&self, now_ms: u64) -> (u64, u64) {
        let elapsed_ms = now_ms.saturating_sub(self.since_ms);
        let period_ms = (u64::from(self.on_ms) + u64::from(self.off_ms)).max(1);
        (elapsed_ms / period_ms, elapsed_ms % period_ms)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_bursts_and_no_third() {
        let ring = Ring { since_ms: 100, on_ms: 2_000, off_ms: 4_000, bursts: 2 };
        for (now_ms, sounds, lasts) in [
            (100, true, true),
            (2_099, true, true),
            (2_100, false, true),
            (6_100, true, true),
            (8_099, true, true),
            (8_100, false, false),
            (12_100, false, false),
        ] {
            assert_eq!((ring.sounds(now_ms), ring.lasts(now_ms)), (sounds, lasts), "at {now_ms}");
        }
    }

    #[test]
    fn a_cadence_of_no_length_is_silent() {
        let ring = Ring { since_ms: 0, on_ms: 0, off_ms: 0, bursts: 255 };
        assert!(!ring.sounds(5));
    }
}
