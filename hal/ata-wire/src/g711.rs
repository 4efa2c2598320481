//! G.711: the octets of audio frames to linear samples of 16 bits and back.
//!
//! The companded values of ITU-T G.711 have 14 bits (PCMU) and 13 bits (PCMA); they stand at the top
//! of a sample here.

/// A sample as PCMU (ITU-T G.711 table 2a and 2b).
#[must_use]
pub const fn encode_pcmu(linear: i16) -> u8 {
    let sign = if linear < 0 { 0x00 } else { 0x80 };
    let magnitude = if linear < 0 { !linear } else { linear } >> 2;
    let biased = if magnitude > PCMU_TOP { PCMU_TOP } else { magnitude } + PCMU_BIAS;
    let segment = segment_of(biased >> 6);
    let step = (biased >> (segment + 1)) as u8 & 0x0f;
    sign | (!(segment << 4 | step) & 0x7f)
}

/// A PCMU octet as a sample.
#[must_use]
pub const fn decode_pcmu(octet: u8) -> i16 {
    let bits = !octet;
    let (segment, step) = (bits >> 4 & 0x07, (bits & 0x0f) as i16);
    let magnitude = (((step << 1) + PCMU_BIAS) << segment) - PCMU_BIAS;
    if octet & 0x80 == 0 { -(magnitude << 2) } else { magnitude << 2 }
}

/// A sample as PCMA (ITU-T G.711 table 1a and 1b).
#[must_use]
pub const fn encode_pcma(linear: i16) -> u8 {
    let sign = if linear < 0 { 0x00 } else { 0x80 };
    let magnitude = if linear < 0 { !linear } else { linear } >> 4;
    let segment = segment_of(magnitude >> 4);
    let shift = if segment == 0 { 0 } else { segment - 1 };
    let step = (magnitude >> shift) as u8 & 0x0f;
    (sign | segment << 4 | step) ^ EVEN_BITS
}

/// A PCMA octet as a sample.
#[must_use]
pub const fn decode_pcma(octet: u8) -> i16 {
    let bits = octet ^ EVEN_BITS;
    let (segment, step) = (bits >> 4 & 0x07, (bits & 0x0f) as i16);
    let magnitude = match segment {
        0 => (step << 1) + 1,
        _ => ((step << 1) + 33) << (segment - 1),
    };
    if octet & 0x80 == 0 { -(magnitude << 3) } else { magnitude << 3 }
}

/// How many bits a number has, at most 7.
const fn segment_of(number: i16) -> u8 {
    let bits = i16::BITS - number.leading_zeros();
    if bits > 7 { 7 } else { bits as u8 }
}

/// The last value of PCMU's last segment that does not overflow with the bias.
const PCMU_TOP: i16 = 8_158;
const PCMU_BIAS: i16 = 33;
/// PCMA inverts every second bit.
const EVEN_BITS: u8 = 0x55;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_values_of_the_tables_come_out() {
        // Table 2b, 14 bits: 8031, 4191, 33 x 2 ... 0; and their negatives.
        for (octet, value) in [
            (0x80, 8_031),
            (0x8f, 4_191),
            (0x90, 3_999),
            (0x9f, 2_079),
            (0xaf, 1_023),
            (0xbf, 495),
            (0xcf, 231),
            (0xdf, 99),
            (0xef, 33),
            (0xfe, 2),
            (0xff, 0),
        ] {
            assert_eq!(decode_pcmu(octet), value * 4, "{octet:#x}");
            assert_eq!(decode_pcmu(octet ^ 0x80), -value * 4, "{octet:#x} negative");
        }
        // Table 1b, 13 bits (decoder output values are twice the odd ones of the table's 12 bits).
        for (octet, value) in [(0xaa, 4_032), (0xba, 2_016), (0x8a, 1_008), (0xd5, 1), (0xd4, 3), (0xc5, 33)]
        {
            assert_eq!(decode_pcma(octet), value * 8, "{octet:#x}");
            assert_eq!(decode_pcma(octet ^ 0x80), -value * 8, "{octet:#x} negative");
        }
    }

    #[test]
    fn every_octet_comes_back() {
        for octet in 0..=u8::MAX {
            // PCMU has two zeros; the positive one is sent.
            let same = if octet == 0x7f { 0xff } else { octet };
            assert_eq!(encode_pcmu(decode_pcmu(octet)), same);
            assert_eq!(encode_pcma(decode_pcma(octet)), octet);
        }
    }

    #[test]
    fn segments_change_at_the_decision_values_of_the_tables() {
        for (decision, above, below) in
            [(4_063, 0x8f, 0x90), (2_015, 0x9f, 0xa0), (479, 0xbf, 0xc0), (31, 0xef, 0xf0), (3, 0xfd, 0xfe)]
        {
            assert_eq!(
                [encode_pcmu(decision * 4), encode_pcmu(decision * 4 - 1)],
                [above, below],
                "{decision}"
            );
        }
        for (decision, above, below) in [(2_048, 0xa5, 0xba), (1_024, 0xb5, 0x8a), (64, 0xf5, 0xca)] {
            let linear = decision * 8;
            assert_eq!([encode_pcma(linear), encode_pcma(linear - 1)], [above, below], "{decision}");
        }
    }

    #[test]
    fn a_sample_comes_back_as_near_as_the_tables_let_it() {
        for (encode, decode, grain) in
            [(encode_pcmu as fn(i16) -> u8, decode_pcmu as fn(u8) -> i16, 4), (encode_pcma, decode_pcma, 16)]
        {
            for linear in (i16::MIN..=i16::MAX).step_by(7) {
                let distance = |octet| (i32::from(decode(octet)) - i32::from(linear)).abs();
                let nearest = (0..=u8::MAX).map(distance).min().unwrap();
                // Where two segments meet, the tables decide in the narrower grain of the lower one.
                assert!(distance(encode(linear)) <= 2 * nearest + grain, "{linear}");
            }
        }
    }
}
