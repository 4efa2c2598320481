//! Damage on the wire, the same for the same seed.

/// Splitmix64: small, seeded, good enough to choose octets and bits.
#[derive(Clone, Debug)]
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A boot id: any number but 0.
    pub(crate) fn boot_id(&mut self) -> u32 {
        ((self.next() >> 32) as u32).max(1)
    }

    pub(crate) fn octet(&mut self) -> u8 {
        (self.next() >> 56) as u8
    }
}

/// Flips one bit of each octet with a given probability.
#[derive(Clone, Debug)]
pub(crate) struct Noise {
    random: Random,
    /// Of 2^32.
    threshold: u64,
}

impl Noise {
    pub(crate) fn new(seed: u64) -> Self {
        Self { random: Random::new(seed), threshold: 0 }
    }

    /// `rate` is a probability for each octet, 0 to 1.
    pub(crate) fn set_rate(&mut self, rate: f64) {
        self.threshold = (rate * FULL) as u64;
    }

    pub(crate) fn rate(&self) -> f64 {
        self.threshold as f64 / FULL
    }

    pub(crate) fn damage(&mut self, octets: &mut [u8]) {
        if self.threshold == 0 {
            return;
        }
        for octet in octets {
            let random = self.random.next();
            if random >> 32 < self.threshold {
                *octet ^= 1 << (random % 8);
            }
        }
    }
}

const FULL: f64 = 4_294_967_296.0;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn about_as_many_octets_are_damaged_as_asked_for() {
        for (rate, few, many) in [(0.0, 0, 0), (0.01, 900, 1_100), (1.0, 100_000, 100_000)] {
            let mut noise = Noise::new(1);
            noise.set_rate(rate);
            let mut octets = vec![0; 100_000];
            noise.damage(&mut octets);
            let damaged = octets.iter().filter(|octet| **octet != 0).count();
            assert!((few..=many).contains(&damaged), "{rate}: {damaged}");
            assert!(octets.iter().all(|octet| octet.count_ones() <= 1));
        }
    }
}
