//! Octets for the padding of encrypted frames: splitmix64 from the daemon's one seed, so that a run can
//! be repeated. They make equal messages look different; no secret is made of them.

/// See the file's head.
#[derive(Debug)]
pub(super) struct Pad(u64);

impl Pad {
    pub(super) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(super) const fn draw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(super) const fn octet(&mut self) -> u8 {
        self.draw().to_le_bytes()[7]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_pads_alike_and_another_does_not() {
        let pads = |seed| {
            let mut pad = Pad::new(seed);
            (0..16).map(|_| pad.octet()).collect::<Vec<_>>()
        };
        assert_eq!(pads(7), pads(7));
        assert_ne!(pads(7), pads(8));
    }
}
