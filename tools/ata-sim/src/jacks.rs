//! The lines' jacks: 10 ms by 10 ms, what telephones say goes to the card, and what lines play to them.

use linecard::{BLOCK, Card};

use crate::panel::{Panel, PanelEvent, PanelStatus};
use crate::player::Player;
use crate::telephone::{Telephone, Turn};
use crate::wav::Tap;

/// The lines of a card, all at the same sample.
#[derive(Debug)]
pub(crate) struct Jacks {
    jacks: Vec<Jack>,
    /// Samples exchanged since the card's boot.
    samples: u64,
}

/// What is plugged in.
pub(crate) enum Plugged {
    Panel(Box<Panel>),
    /// Pulls itself out when its sound is over.
    Player(Player),
    Other(Box<dyn Telephone>),
}

struct Jack {
    plugged: Option<Plugged>,
    tap: Option<Box<dyn Tap>>,
    /// Why the recording ended.
    tap_ended: Option<String>,
    /// Something was pulled out, maybe off-hook.
    pulled: bool,
    /// What the line played last.
    heard: [i16; BLOCK],
}

impl Jacks {
    pub(crate) fn new(lines: u8) -> Self {
        Self { jacks: (0..lines).map(|_| Jack::default()).collect(), samples: 0 }
    }

    /// The card started: its counter is at 0, what stood on its lines is gone, what is plugged stays.
    pub(crate) fn boot(&mut self) {
        self.samples = 0;
        self.jacks.iter_mut().for_each(|jack| jack.heard = [0; BLOCK]);
    }

    /// Plugs something in; what was there before is pulled out.
    pub(crate) fn plug(&mut self, line: u8, plugged: Plugged) {
        if let Some(jack) = self.jacks.get_mut(usize::from(line)) {
            jack.plugged = Some(plugged);
        }
    }

    /// `false`: there was nothing.
    pub(crate) fn pull(&mut self, line: u8) -> bool {
        let Some(jack) = self.jacks.get_mut(usize::from(line)) else { return false };
        let was = jack.plugged.take().is_some();
        jack.pulled |= was;
        was
    }

    pub(crate) fn is_taken(&self, line: u8) -> bool {
        self.jacks.get(usize::from(line)).is_some_and(|jack| jack.plugged.is_some())
    }

    /// Both directions of a line go there; `None`: nowhere.
    pub(crate) fn tap(&mut self, line: u8, tap: Option<Box<dyn Tap>>) {
        if let Some(jack) = self.jacks.get_mut(usize::from(line)) {
            jack.tap = tap;
        }
    }

    pub(crate) fn panel(&mut self, line: u8) -> Option<&mut Panel> {
        self.jacks.get_mut(usize::from(line)).and_then(Jack::panel)
    }

    /// How every panel is.
    pub(crate) fn panels(&mut self) -> Vec<PanelStatus> {
        let jacks = self.jacks.iter_mut().zip(0_u8..);
        jacks.filter_map(|(jack, line)| jack.panel().map(|panel| panel.status(line))).collect()
    }

    /// What happened at a panel next: its line and the card's counter.
    pub(crate) fn poll_happened(&mut self) -> Option<(u8, u32, PanelEvent)> {
        let mut jacks = self.jacks.iter_mut().zip(0_u8..);
        jacks
            .find_map(|(jack, line)| jack.panel()?.poll_happened().map(|(sample, what)| (line, sample, what)))
    }

    /// Why a line's recording ended.
    pub(crate) fn poll_tap_ended(&mut self) -> Option<(u8, String)> {
        self.jacks.iter_mut().zip(0_u8..).find_map(|(jack, line)| Some((line, jack.tap_ended.take()?)))
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
    fn panel(&mut self) -> Option<&mut Panel> {
        match &mut self.plugged {
            Some(Plugged::Panel(panel)) => Some(panel),
            Some(Plugged::Player(_) | Plugged::Other(_)) | None => None,
        }
    }

    fn exchange(&mut self, card: &mut Card, line: u8, first_sample: u32) {
        let feed = card.line(line).is_some_and(|state| state.feed);
        let turn = self.turn(feed, first_sample);
        if let Some(turn) = turn {
            card.hook(line, turn.off_hook, first_sample);
        }
        let said = turn.map_or([0; BLOCK], |turn| turn.said);
        let heard = card.exchange(line, first_sample, &said);
        self.heard = heard;
        let taken = self.tap.as_mut().map_or(Ok(()), |tap| tap.take(&said, &heard));
        if let Err(error) = taken {
            self.tap = None;
            self.tap_ended = Some(error.to_string());
        }
    }

    /// `None`: the hook is as somebody commanded.
    fn turn(&mut self, feed: bool, first_sample: u32) -> Option<Turn> {
        if matches!(&self.plugged, Some(Plugged::Player(player)) if player.is_over()) {
            (self.plugged, self.pulled) = (None, true);
        }
        let telephone: &mut dyn Telephone = match &mut self.plugged {
            Some(Plugged::Panel(panel)) => panel.as_mut(),
            Some(Plugged::Player(player)) => player,
            Some(Plugged::Other(other)) => other.as_mut(),
            None => return std::mem::take(&mut self.pulled).then_some(Turn::ON_HOOK),
        };
        Some(telephone.turn(&self.heard, feed, first_sample))
    }
}

impl Default for Jack {
    fn default() -> Self {
        Self { plugged: None, tap: None, tap_ended: None, pulled: false, heard: [0; BLOCK] }
    }
}

impl std::fmt::Debug for Jack {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Jack").field("plugged", &self.plugged.is_some()).finish_non_exhaustive()
    }
}
