//! spandsp's panel on one line of the box: it calls, reports all it has, and hangs up.

use std::time::Duration;

use peers::copper::{BLOCK, Conditions, Copper};
use peers::spandsp::{DigitSender, Judgement, Panel, Report, Voice};

use crate::exchange::Exchange;

/// Blocks of 10 ms after which a message that was not kissed off is a failure: four attempts.
const PATIENCE: usize = 1_500;
/// Blocks from lifting the receiver to the first digit.
const LISTENS_TO_DIAL_TONE: usize = 50;
/// Blocks after which the timer of the message before has run out; see [`peers::spandsp`].
const OLD_TIMER: usize = 20;
/// The box's own tones come back by so much weaker.
const ECHO: i16 = 8;

/// One message, and how it is said.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Saying {
    pub(crate) report: Report,
    pub(crate) voice: Voice,
    /// The station acknowledges so late.
    pub(crate) station_takes: Duration,
}

/// A panel and its line.
pub(crate) struct Telephone {
    panel: Panel,
    copper: Copper,
    pub(crate) exchange: Exchange,
    /// What the box played in the block before.
    heard: [i16; BLOCK],
}

impl Telephone {
    pub(crate) fn new(conditions: Conditions) -> Self {
        Self {
            panel: Panel::new().expect("libspandsp2 is installed"),
            copper: Copper::new(conditions),
            exchange: Exchange::new(),
            heard: [0; BLOCK],
        }
    }

    /// Calls, says everything, hangs up; what the panel thinks of it.
    pub(crate) fn call(&mut self, sayings: &[Saying]) -> Judgement {
        self.exchange.hook(true);
        self.dial(sayings.first().map_or(-10, |saying| saying.voice.low_dbm0));
        for saying in sayings {
            self.panel.speak(saying.voice);
            self.exchange.station_takes(saying.station_takes);
            assert!(self.panel.put(saying.report), "the panel takes {:04X?}", saying.report);
            let before = self.panel.judgement();
            for _ in 0..PATIENCE {
                self.turn(|panel, block| panel.say(block));
                if self.panel.judgement().kiss_offs != before.kiss_offs {
                    break;
                }
            }
            if self.panel.judgement().kiss_offs == before.kiss_offs {
                break;
            }
            self.silence(OLD_TIMER);
        }
        self.exchange.hook(false);
        self.silence(50);
        self.panel.judgement()
    }

    fn dial(&mut self, level_dbm0: i8) {
        self.silence(LISTENS_TO_DIAL_TONE);
        let mut digits = DigitSender::new(60, 60, level_dbm0, 0).expect("libspandsp2 is installed");
        digits.put("5550123");
        let mut said = BLOCK;
        while said > 0 {
            self.turn(|_, block| said = digits.say(block));
        }
    }

    fn silence(&mut self, blocks: usize) {
        for _ in 0..blocks {
            self.turn(|_, block| block.fill(0));
        }
    }

    fn turn(&mut self, mut say: impl FnMut(&mut Panel, &mut [i16; BLOCK])) {
        let Self { panel, copper, exchange, heard } = self;
        panel.hear(heard);
        let mut said = copper.carry(&mut |block| say(panel, block));
        for (said, echo) in said.iter_mut().zip(heard.iter()) {
            *said = said.saturating_add(echo / ECHO);
        }
        *heard = exchange.turn(&said);
    }
}
