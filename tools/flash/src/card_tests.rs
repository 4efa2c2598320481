//! Cards that keep, forget, lie and break.

use std::io::Write;
use std::sync::mpsc::{Receiver, Sender, channel};

use tempfile::NamedTempFile;

use super::*;
use crate::bmap::Bmap;
use crate::flash::{Job, flash};
use crate::image::Image;
use crate::map_of::map_of;
use crate::pieces::Promise;

const CARD: usize = 8 * PIECE as usize;

/// What is wrong with a card.
#[derive(Debug, Clone, Copy)]
enum Fault {
    None,
    /// Writing there is lost that many times.
    Loses(u64, u32),
    /// It cannot be read there.
    Unreadable(u64),
    /// It cannot be written there.
    Unwritable(u64),
    /// It has only so many bytes and begins again.
    Smaller(u64),
    /// Somebody wishes to stop when that place is written.
    Stops(u64, &'static AtomicBool),
}

/// A card in memory. What is on it when it goes away is sent home.
struct Memory {
    data: Vec<u8>,
    fault: Fault,
    home: Sender<Vec<u8>>,
}

impl Target for Memory {
    fn bytes(&self) -> u64 {
        self.data.len() as u64
    }

    fn write_at(&mut self, at: u64, data: &[u8]) -> io::Result<()> {
        let hit = |place: u64| (at..at + data.len() as u64).contains(&place);
        let mut at = at as usize;
        match &mut self.fault {
            Fault::Loses(place, times) if hit(*place) && *times > 0 && data.iter().any(|b| *b != 0) => {
                *times -= 1;
                return Ok(());
            }
            Fault::Unwritable(place) if hit(*place) => return Err(io::Error::from_raw_os_error(5)),
            Fault::Smaller(bytes) => at %= *bytes as usize,
            Fault::Stops(place, stop) if hit(*place) => stop.store(true, Ordering::Relaxed),
            Fault::None
            | Fault::Loses(..)
            | Fault::Unreadable(_)
            | Fault::Unwritable(_)
            | Fault::Stops(..) => {}
        }
        self.data[at..at + data.len()].copy_from_slice(data);
        Ok(())
    }

    fn read_at(&mut self, at: u64, buffer: &mut [u8]) -> io::Result<()> {
        let mut at = at as usize;
        match self.fault {
            Fault::Unreadable(place) if (at..at + buffer.len()).contains(&(place as usize)) => {
                return Err(io::Error::from_raw_os_error(5));
            }
            Fault::Smaller(bytes) => at %= bytes as usize,
            Fault::None
            | Fault::Loses(..)
            | Fault::Unreadable(_)
            | Fault::Unwritable(_)
            | Fault::Stops(..) => {}
        }
        buffer.copy_from_slice(&self.data[at..at + buffer.len()]);
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }

    fn forget(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        self.home.send(std::mem::take(&mut self.data)).expect("the test waits for the card");
    }
}

/// A used card: no byte of it is zero.
fn memory(fault: Fault) -> (Box<dyn Target>, Receiver<Vec<u8>>) {
    let (home, arrived) = channel();
    (Box::new(Memory { data: vec![0xee; CARD], fault, home }), arrived)
}

/// Not a multiple of anything; its third piece is a hole.
fn image_bytes(length: usize) -> Vec<u8> {
    let mut data: Vec<u8> = (0..length).map(|i| (i / 511 % 251) as u8 + 1).collect();
    let piece = PIECE as usize;
    data[2 * piece..3 * piece].fill(0);
    data
}

/// Writes the data to cards with these faults: how each ended, and what is on it.
fn played(data: &[u8], promise: &Promise, faults: &[Fault]) -> Vec<(Outcome, Vec<u8>)> {
    static NEVER: AtomicBool = AtomicBool::new(false);
    let stops = |fault: &Fault| match fault {
        Fault::Stops(_, stop) => Some(*stop),
        Fault::None | Fault::Loses(..) | Fault::Unreadable(_) | Fault::Unwritable(_) | Fault::Smaller(_) => {
            None
        }
    };
    let stop = faults.iter().find_map(stops).unwrap_or(&NEVER);
    let mut file = NamedTempFile::new().expect("there is room for a file");
    file.write_all(data).expect("there is room for the image");
    let image = Image::look(file.path()).expect("a file that can be read");
    let plan = promise.bmap.as_ref().map_or_else(|| Plan::whole(data.len() as u64), Plan::mapped);
    let (targets, homes): (Vec<_>, Vec<_>) = faults.iter().map(|fault| memory(*fault)).unzip();
    let cards = targets.into_iter().map(|target| Card::new(target, &plan, stop, Box::new(|_, _| {})));
    let outcomes = flash(Job { image: &image, plan: &plan, promise }, cards.collect(), stop);
    outcomes.into_iter().zip(homes.iter().map(|home| home.recv().expect("the card goes away"))).collect()
}

fn one(fault: Fault) -> (Outcome, Vec<u8>) {
    played(&image_bytes(LENGTH), &Promise::default(), &[fault]).remove(0)
}

fn bad_at(index: u64) -> Outcome {
    let place = index * PIECE..(index + 1) * PIECE;
    Outcome::Bad(vec![place])
}

fn does_not_boot(card: &[u8]) -> bool {
    let table = |part: &[u8]| part.iter().all(|byte| *byte == 0);
    table(&card[..PIECE as usize]) && table(&card[CARD - PIECE as usize..])
}

const LENGTH: usize = 5 * PIECE as usize + 1234;
const MIDDLE: u64 = 3 * PIECE + 77;

#[test]
fn a_good_card_is_the_image_and_behind_it_what_it_was() {
    let (outcome, card) = one(Fault::None);
    assert_eq!(outcome, Outcome::Done);
    assert!(card[..LENGTH] == image_bytes(LENGTH));
    assert!(card[LENGTH..CARD - PIECE as usize].iter().all(|byte| *byte == 0xee));
    assert!(card[CARD - PIECE as usize..].iter().all(|byte| *byte == 0), "the old copy of the table is gone");
}

#[test]
fn an_image_of_the_cards_size_is_written_with_its_copy_of_the_table() {
    let (outcome, card) = played(&image_bytes(CARD), &Promise::default(), &[Fault::None]).remove(0);
    assert_eq!(outcome, Outcome::Done);
    assert!(card == image_bytes(CARD));
}

#[test]
fn with_a_map_holes_are_left_as_they_were() {
    let data = image_bytes(LENGTH);
    let promise =
        Promise { bmap: Some(Bmap::parse(&map_of(&data, 4096)).expect("it is good")), sha256: None };
    let (outcome, card) = played(&data, &promise, &[Fault::None]).remove(0);
    let hole = 2 * PIECE as usize..3 * PIECE as usize;
    assert_eq!(outcome, Outcome::Done);
    assert!(card[hole.clone()].iter().all(|byte| *byte == 0xee));
    assert!(card[..hole.start] == data[..hole.start] && card[hole.end..LENGTH] == data[hole.end..]);
}

#[test]
fn a_place_that_keeps_at_the_third_rewriting_is_good_and_one_more_is_bad() {
    for (place, times, good) in
        [(MIDDLE, 1, true), (MIDDLE, 3, true), (MIDDLE, 4, false), (5, 3, true), (5, 4, false)]
    {
        let (outcome, card) = one(Fault::Loses(place, times));
        let expected = if good { Outcome::Done } else { bad_at(place / PIECE) };
        assert_eq!(outcome, expected, "lost {times} times at {place}");
        assert_eq!(card[..LENGTH] == image_bytes(LENGTH), good);
        assert_eq!(does_not_boot(&card), !good);
    }
}

#[test]
fn a_place_that_cannot_be_read_is_bad_and_the_card_does_not_boot() {
    let (outcome, card) = one(Fault::Unreadable(MIDDLE));
    assert_eq!(outcome, bad_at(3));
    assert!(does_not_boot(&card));
}

#[test]
fn a_place_that_cannot_be_written_breaks_off_with_its_name() {
    let (outcome, card) = one(Fault::Unwritable(MIDDLE));
    let Outcome::Failed(why) = outcome else { panic!("{outcome:?}") };
    assert!(why.contains(&format!("byte {}", 3 * PIECE)), "{why}");
    assert!(does_not_boot(&card));
}

#[test]
fn a_card_of_half_the_size_it_claims_is_found_out() {
    let (outcome, _) = one(Fault::Smaller(4 * PIECE));
    assert!(matches!(outcome, Outcome::Bad(_)), "{outcome:?}");
}

#[test]
fn a_wish_to_stop_leaves_a_card_that_does_not_boot() {
    static AT_ONCE: AtomicBool = AtomicBool::new(false);
    static IN_THE_MIDDLE: AtomicBool = AtomicBool::new(false);
    for (place, stop) in [(0, &AT_ONCE), (MIDDLE, &IN_THE_MIDDLE)] {
        let (outcome, card) = one(Fault::Stops(place, stop));
        assert_eq!(outcome, Outcome::Interrupted, "{place}");
        assert!(does_not_boot(&card), "{place}");
    }
}

#[test]
fn an_image_other_than_promised_leaves_a_card_that_does_not_boot() {
    let promise = Promise { sha256: Some([0; 32]), bmap: None };
    let (outcome, card) = played(&image_bytes(LENGTH), &promise, &[Fault::None]).remove(0);
    assert!(matches!(outcome, Outcome::Failed(_)), "{outcome:?}");
    assert!(does_not_boot(&card));
}

#[test]
fn bad_cards_among_good_ones_end_alone() {
    let faults = [
        Fault::Unwritable(MIDDLE),
        Fault::None,
        Fault::Loses(MIDDLE, 9),
        Fault::None,
        Fault::Loses(MIDDLE, 2),
    ];
    let played = played(&image_bytes(LENGTH), &Promise::default(), &faults);
    let codes: Vec<u8> = played.iter().map(|(outcome, _)| outcome.exit_code()).collect();
    assert_eq!(codes, [2, 0, 3, 0, 0]);
    for (outcome, card) in &played {
        assert_eq!(*outcome == Outcome::Done, card[..LENGTH] == image_bytes(LENGTH));
    }
}
