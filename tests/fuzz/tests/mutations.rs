//! Every promise, with good input and with thousands of damaged copies of it. The same seed, the same copies.

mod seeds;

use std::time::{Duration, Instant};

use fuzz_targets::{TARGETS, run};

/// All targets together stay below half a minute, also on a slow machine.
const FOR_EACH: Duration = Duration::from_millis(2_500);
const COPIES: u32 = 20_000;

#[test]
fn no_damaged_input_breaks_a_promise() {
    for (name, _) in TARGETS {
        let seeds = seeds::of(name);
        assert!(!seeds.is_empty(), "{name} has nothing to damage");
        for seed in &seeds {
            let begin = String::from_utf8_lossy(&seed[..seed.len().min(200)]);
            assert!(run(name, seed), "{name} refuses what it is for: {begin:?}");
        }
        let mut random = Random(0x9e37_79b9_7f4a_7c15);
        let begun = Instant::now();
        let (mut copies, mut taken) = (0, 0);
        while copies < COPIES && begun.elapsed() < FOR_EACH {
            let mut copy = seeds[random.below(seeds.len())].clone();
            for _ in 0..=random.below(4) {
                damage(&mut copy, &seeds, &mut random);
            }
            taken += u32::from(run(name, &copy));
            copies += 1;
        }
        assert!(copies > 100, "{name}: only {copies} copies in {FOR_EACH:?}");
        println!("{name}: {copies} damaged copies, {taken} of them still taken");
    }
}

fn damage(input: &mut Vec<u8>, others: &[Vec<u8>], random: &mut Random) {
    let place = random.below(input.len() + 1);
    match random.below(6) {
        0 if place < input.len() => input[place] ^= 1 << random.below(8),
        1 if place < input.len() => drop(input.remove(place)),
        2 => input.insert(place, random.next() as u8),
        3 => input.truncate(place),
        4 => {
            let other = &others[random.below(others.len())];
            input.extend_from_slice(&other[random.below(other.len() + 1)..]);
        }
        _ => {
            let piece = input[place..(place + random.below(40)).min(input.len())].to_vec();
            piece.into_iter().for_each(|octet| input.insert(place, octet));
        }
    }
    input.truncate(LONGEST);
}

/// Longer input finds nothing that this does not.
const LONGEST: usize = 16 * 1024;

/// xorshift64*.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 8
    }

    /// 0 up to `end`, exclusive; 0 for an empty range.
    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % end.max(1) as u64).unwrap_or_default()
    }
}
