//! The lines' jacks: 10 ms by 10 ms, what telephones say goes to the card, and what lines play to them.

use linecard::{BLOCK, Card};

use crate::telephone::{Telephone, Turn};

/// The lines of a card, all at the same sample.
#[derive(Debug)]
pub(crate) struct Jacks {
    jacks: Vec<Jack>,
    /// Samples exchanged since the card's boot.
    samples: u64,
}

#[derive(Default)]
struct Jack {
    telephone: Option<Box<dyn Telephone>>,
    /// Whose receiver was still lifted when it was pulled out.
    pulled: bool,
    heard: Option<[i16; BLOCK]>,
}

impl Jacks {
    pub(crate) fn new(lines: u8) -> Self {
        Self { jacks: (0..lines).map(|_| Jack::default()).collect(), samples: 0 }
    }

    /// The card started: its counter is at 0, what stood on its lines is gone, what is plugged stays.
    pub(crate) fn boot(&mut self) {
        self.samples = 0;
        self.jacks.iter_mut().for_each(|jack| jack.heard = None);
    }

    /// Plugs a telephone in; the one before is pulled out.
    pub(crate) fn plug(&mut self, line: u8, telephone: Box<dyn Telephone>) {
        if let Some(jack) = self.jacks.get_mut(usize::from(line)) {
            jack.telephone = Some(telephone);
        }
    }

    /// Pulls a telephone out. `None`: there was none.
    pub(crate) fn pull(&mut self, line: u8) -> Option<Box<dyn Telephone>> {
        let jack = self.jacks.get_mut(usize::from(line))?;
        let telephone = jack.telephone.take();
        jack.pulled |= telephone.is_some();
        telephone
    }

    pub(crate) fn has_telephone(&self, line: u8) -> bool {
        self.jacks.get(usize::from(line)).is_some_and(|jack| jack.telephone.is_some())
    }

    /// The first sample after the exchanged ones.
    pub(crate) fn samples(&self) -> u64 {
        self.samples
    }

    /// The next 10 ms of every line. They have passed: the card's counter is at their end.
    pub(crate) fn exchange(&mut self, card: &mut Card) {
        // The card's counter wraps after six days, as on a card.
        let first_sample = self.samples as u32;
        for (line, jack) in (0_u8..).zip(&mut self.jacks) {
            jack.exchange(card, line, first_sample);
        }
        self.samples += BLOCK as u64;
    }
}

impl Jack {
    fn exchange(&mut self, card: &mut Card, line: u8, first_sample: u32) {
        let said = match self.turn(card, line, first_sample) {
            Some(turn) => {
                card.hook(line, turn.off_hook, first_sample);
                turn.said
            }
            None => [0; BLOCK],
        };
        self.heard = Some(card.exchange(line, first_sample, &said));
    }

    /// `None`: the hook is as somebody commanded.
    fn turn(&mut self, card: &Card, line: u8, first_sample: u32) -> Option<Turn> {
        let feed = card.line(line).is_some_and(|state| state.feed);
        let heard = self.heard.unwrap_or([0; BLOCK]);
        let turn = self.telephone.as_mut().map(|telephone| telephone.turn(&heard, feed, first_sample));
        turn.or_else(|| std::mem::take(&mut self.pulled).then_some(Turn::ON_HOOK))
    }
}

impl std::fmt::Debug for Jack {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Jack").field("telephone", &self.telephone.is_some()).finish_non_exhaustive()
    }
}
