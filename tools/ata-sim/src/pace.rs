//! A wire of so many bits per second: 10 bits an octet, none before its time.

/// One direction of a wire.
#[derive(Clone, Debug)]
pub(crate) struct Pace {
    octet_ns: u64,
    /// When the octets handed over so far had passed; `None`: the wire is idle.
    passed_ns: Option<u64>,
}

impl Pace {
    pub(crate) fn new(baud: u32) -> Self {
        Self { octet_ns: 10 * 1_000_000_000 / u64::from(baud.max(1)), passed_ns: None }
    }

    /// Octets wait; on an idle wire the first one begins to pass at this moment.
    pub(crate) fn start(&mut self, now_ns: u64) {
        self.passed_ns.get_or_insert(now_ns);
    }

    /// How many octets have passed and can be taken.
    pub(crate) fn ready(&mut self, now_ns: u64) -> usize {
        let Some(passed_ns) = &mut self.passed_ns else { return 0 };
        *passed_ns = (*passed_ns).max(now_ns.saturating_sub(MAX_LATE_NS));
        usize::try_from((now_ns.saturating_sub(*passed_ns)) / self.octet_ns).unwrap_or(usize::MAX)
    }

    /// So many were taken.
    pub(crate) fn took(&mut self, octets: usize) {
        if let Some(passed_ns) = &mut self.passed_ns {
            *passed_ns += octets as u64 * self.octet_ns;
        }
    }

    /// Nothing is waiting.
    pub(crate) fn idle(&mut self) {
        self.passed_ns = None;
    }

    pub(crate) fn is_busy(&self) -> bool {
        self.passed_ns.is_some()
    }
}

/// A simulator that was not scheduled for longer does not make up for it in one burst.
const MAX_LATE_NS: u64 = 50_000_000;

#[cfg(test)]
mod tests {
    use super::*;

    const MS: u64 = 1_000_000;

    #[test]
    fn no_octet_comes_before_its_ten_bits() {
        let mut pace = Pace::new(10_000);
        assert_eq!(pace.ready(5 * MS), 0);
        pace.start(5 * MS);
        assert_eq!(pace.ready(6 * MS - 1), 0);
        assert_eq!(pace.ready(8 * MS), 3);
        pace.took(2);
        assert_eq!(pace.ready(8 * MS), 1);
    }

    #[test]
    fn idle_time_is_not_saved_up() {
        let mut pace = Pace::new(10_000);
        pace.start(0);
        pace.idle();
        assert!(!pace.is_busy());
        pace.start(900 * MS);
        assert_eq!(pace.ready(900 * MS), 0);
    }

    #[test]
    fn a_late_turn_catches_up_only_so_far() {
        let mut pace = Pace::new(10_000);
        pace.start(0);
        assert_eq!(pace.ready(3_000 * MS), 50);
    }
}
