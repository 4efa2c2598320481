//! Consistent overhead byte stuffing (Cheshire and Baker, 1997): no zero octet inside a frame.
//!
//! It refuses nothing that is long: limits are the caller's.

/// Stuffs `raw` into `out` and returns how many octets it took, without a delimiter.
///
/// # Panics
/// When `out` is shorter than `raw` plus one octet for each started 254.
pub fn encode(raw: &[u8], out: &mut [u8]) -> usize {
    let (mut code_at, mut at, mut code) = (0, 1, 1_u8);
    for (index, &octet) in raw.iter().enumerate() {
        if octet != 0 {
            out[at] = octet;
            at += 1;
            code += 1;
        }
        let block_full = code == 0xff && index + 1 < raw.len();
        if octet == 0 || block_full {
            out[code_at] = code;
            (code_at, at, code) = (at, at + 1, 1);
        }
    }
    out[code_at] = code;
    at
}

/// Unstuffs a frame (without delimiters) where it lies and returns the raw length, or `None` if a
/// count points beyond the end or a zero lies inside.
pub fn decode_in_place(frame: &mut [u8]) -> Option<usize> {
    let (mut from, mut to) = (0, 0);
    while from < frame.len() {
        let code = usize::from(frame[from]);
        let block = from + 1..from + code;
        if code == 0 || block.end > frame.len() || frame[block.clone()].contains(&0) {
            return None;
        }
        frame.copy_within(block.clone(), to);
        to += code - 1;
        from = block.end;
        if code < 0xff && from < frame.len() {
            frame[to] = 0;
            to += 1;
        }
    }
    Some(to)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use std::vec;
    use std::vec::Vec;

    fn check(raw: &[u8], stuffed: &[u8]) {
        let mut out = [0xaa; 600];
        let len = super::encode(raw, &mut out);
        assert_eq!(&out[..len], stuffed, "encoding {raw:02x?}");
        let back = super::decode_in_place(&mut out[..len]);
        assert_eq!(back.map(|len| &out[..len]), Some(raw), "decoding {stuffed:02x?}");
    }

    #[test]
    fn known_pairs_hold_both_ways() {
        check(&[], &[1]);
        check(&[0], &[1, 1]);
        check(&[0, 0], &[1, 1, 1]);
        check(&[0x11, 0x22, 0, 0x33], &[3, 0x11, 0x22, 2, 0x33]);
        check(&[0x11, 0, 0, 0], &[2, 0x11, 1, 1, 1]);
    }

    #[test]
    fn a_full_block_of_254_costs_one_octet() {
        let raw: Vec<u8> = (1..=254).collect();
        let mut stuffed = vec![0xff];
        stuffed.extend(&raw);
        check(&raw, &stuffed);
    }

    #[test]
    fn a_longer_run_starts_a_second_block() {
        let raw: Vec<u8> = (1..=255).collect();
        let mut stuffed = vec![0xff];
        stuffed.extend(&raw[..254]);
        stuffed.extend([2, 255]);
        check(&raw, &stuffed);
    }

    #[test]
    fn a_count_beyond_the_end_is_refused() {
        assert_eq!(super::decode_in_place(&mut [5, 1, 2]), None);
        assert_eq!(super::decode_in_place(&mut [0]), None);
        assert_eq!(super::decode_in_place(&mut [3, 1, 0]), None);
    }

    proptest! {
        #[test]
        fn whatever_is_stuffed_comes_back_and_holds_no_zero(raw in proptest::collection::vec(0..4_u8, 0..520)) {
            let mut out = [0; 600];
            let len = super::encode(&raw, &mut out);
            prop_assert!(!out[..len].contains(&0));
            let back = super::decode_in_place(&mut out[..len]);
            prop_assert_eq!(back.map(|len| &out[..len]), Some(&raw[..]));
        }

        #[test]
        fn dense_runs_come_back_too(raw in proptest::collection::vec(1..=255_u8, 240..520)) {
            let mut out = [0; 600];
            let len = super::encode(&raw, &mut out);
            prop_assert!(!out[..len].contains(&0));
            let back = super::decode_in_place(&mut out[..len]);
            prop_assert_eq!(back.map(|len| &out[..len]), Some(&raw[..]));
        }

        #[test]
        fn no_input_makes_the_decoder_fall(mut noise in proptest::collection::vec(any::<u8>(), 0..300)) {
            let len = noise.len();
            prop_assert!(super::decode_in_place(&mut noise).is_none_or(|out| out <= len));
        }
    }
}
