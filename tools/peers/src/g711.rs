//! G.711 there and back: what is left of a sample after a telephone network has carried it.

/// Which law.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Law {
    /// North America and Japan.
    Mu,
    /// The rest of the world.
    A,
}

impl Law {
    /// The sample as it arrives.
    #[must_use]
    pub fn round_trip(self, sample: i16) -> i16 {
        match self {
            Self::Mu => mu(sample),
            Self::A => a(sample),
        }
    }
}

/// 14 bits with a bias of 33: eight segments of sixteen steps, each segment twice as coarse.
fn mu(sample: i16) -> i16 {
    const BIAS: i32 = 33;
    const LARGEST: i32 = 8_158;
    let magnitude = ((i32::from(sample).abs() >> 2).min(LARGEST)) + BIAS;
    let segment = (31 - magnitude.leading_zeros()) - 5;
    let step = magnitude >> (segment + 1);
    let back = ((((step << 1) | 1) << segment) - BIAS) << 2;
    signed(back, sample)
}

/// 13 bits: the first two segments are equally coarse.
fn a(sample: i16) -> i16 {
    let magnitude = (i32::from(sample).abs() >> 3).min(4_095);
    let segment = (magnitude >> 5).checked_ilog2().map_or(0, |log| log);
    let back = (((magnitude >> (segment + 1)) << 1) | 1) << segment;
    signed(back << 3, sample)
}

fn signed(magnitude: i32, sample: i16) -> i16 {
    let magnitude = i16::try_from(magnitude).unwrap_or(i16::MAX);
    if sample < 0 { -magnitude } else { magnitude }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decision_values_of_the_recommendation_come_back() {
        // Tables 1a and 2a of G.711, scaled to 16 bits: first and last value of the coder.
        for (law, sample, back) in [
            (Law::Mu, 0, 0),
            (Law::Mu, 32_767, 32_124),
            (Law::Mu, -32_768, -32_124),
            (Law::A, 0, 8),
            (Law::A, 32_767, 32_256),
            (Law::A, -32_768, -32_256),
        ] {
            assert_eq!(law.round_trip(sample), back, "{law:?} {sample}");
        }
    }

    #[test]
    fn each_law_has_256_values_and_is_as_fine_as_it_should_be() {
        for law in [Law::Mu, Law::A] {
            let mut values: Vec<i16> = (i16::MIN..=i16::MAX).map(|sample| law.round_trip(sample)).collect();
            values.sort_unstable();
            values.dedup();
            // The mu law has two codes for zero.
            assert!((255..=256).contains(&values.len()), "{law:?}: {}", values.len());
            for sample in (-32_000..32_000_i16).step_by(7) {
                let error = (i32::from(law.round_trip(sample)) - i32::from(sample)).abs();
                assert!(error <= 16 + i32::from(sample).abs() / 31, "{law:?} {sample}: off by {error}");
            }
        }
    }
}
