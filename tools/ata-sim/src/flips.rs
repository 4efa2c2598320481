//! Many hook changes, as fast as asked and never faster than the card's queue takes them.

/// A `flip` under way.
#[derive(Clone, Debug)]
pub(crate) struct Flips {
    line: Option<u8>,
    lines: u8,
    pub(crate) count: u32,
    made: u32,
    interval_us: u64,
    due_us: u64,
}

impl Flips {
    pub(crate) fn new(line: Option<u8>, lines: u8, count: u32, rate: f64, now_us: u64) -> Self {
        let interval_us = if rate > 0.0 { (1e6 / rate) as u64 } else { 0 };
        Self { line, lines, count, made: 0, interval_us, due_us: now_us }
    }

    pub(crate) fn left(&self) -> u32 {
        self.count - self.made
    }

    /// When the next change is due.
    pub(crate) fn due_us(&self) -> u64 {
        self.due_us
    }

    /// The line to change and when, if one is due.
    pub(crate) fn next(&mut self, now_us: u64) -> Option<(u8, u64)> {
        if self.left() == 0 || now_us < self.due_us {
            return None;
        }
        let round_robin = u8::try_from(self.made % u32::from(self.lines)).expect("less than lines, a u8");
        let at_us = self.due_us.max(now_us.saturating_sub(MAX_LATE_US));
        self.due_us = at_us + self.interval_us;
        self.made += 1;
        Some((self.line.unwrap_or(round_robin), at_us))
    }
}

/// Changes that waited for room are not made up for in one burst.
const MAX_LATE_US: u64 = 20_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_lines_take_turns_at_the_rate() {
        let mut flips = Flips::new(None, 2, 3, 1_000.0, 0);
        assert_eq!(flips.next(0), Some((0, 0)));
        assert_eq!(flips.next(999), None);
        assert_eq!((flips.next(2_500), flips.next(2_500)), (Some((1, 1_000)), Some((0, 2_000))));
        assert_eq!((flips.next(9_000), flips.left()), (None, 0));
    }
}
