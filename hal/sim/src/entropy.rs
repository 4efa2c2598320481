//! Seeded chance.

/// `SplitMix64` (Steele, Lea, Flood 2014): the same seed gives the same luck.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entropy(u64);

impl Entropy {
    /// Chance that repeats with the seed.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Any number.
    pub const fn draw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `limit`; 0 for a limit of 0.
    pub const fn below(&mut self, limit: u64) -> u64 {
        let drawn = self.draw();
        if limit == 0 { 0 } else { drawn % limit }
    }

    /// `true` in so many of a thousand cases.
    pub const fn permille(&mut self, chance: u16) -> bool {
        self.below(1000) < chance as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chance_is_as_often_as_it_says() {
        let mut entropy = Entropy::new(1);

        let hits = (0..100_000).filter(|_| entropy.permille(50)).count();

        assert!((4_800..5_200).contains(&hits), "{hits}");
    }
}
