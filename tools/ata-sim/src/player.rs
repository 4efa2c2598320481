//! A sound file as a telephone: off-hook while it plays.

use linecard::BLOCK;

use crate::telephone::{Telephone, Turn};

/// Says what a file says, once.
#[derive(Clone, Debug)]
pub(crate) struct Player {
    samples: Vec<i16>,
    at: usize,
}

impl Player {
    pub(crate) fn new(samples: Vec<i16>) -> Self {
        Self { samples, at: 0 }
    }

    pub(crate) fn is_over(&self) -> bool {
        self.at >= self.samples.len()
    }
}

impl Telephone for Player {
    fn turn(&mut self, _heard: &[i16; BLOCK], _feed: bool, _sample: u32) -> Turn {
        let mut turn = Turn { off_hook: !self.is_over(), said: [0; BLOCK] };
        let left = self.samples.get(self.at..).unwrap_or_default();
        for (said, sample) in turn.said.iter_mut().zip(left) {
            *said = *sample;
        }
        self.at = self.at.saturating_add(BLOCK);
        turn
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_off_hook_while_it_plays_and_plays_all() {
        let mut player = Player::new((1..=100).collect());
        let turns: Vec<Turn> = (0..3).map(|n| player.turn(&[0; BLOCK], true, n)).collect();
        assert_eq!(turns.iter().map(|t| t.off_hook).collect::<Vec<_>>(), [true, true, false]);
        assert_eq!((turns[0].said[79], turns[1].said[19], turns[1].said[20]), (80, 100, 0));
        assert!(player.is_over());
    }
}
