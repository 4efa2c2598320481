//! The card's language to the appliance's words.

use appliance::{CardEvent, CardHello};
use ata_wire::{CardState, ControlKind, Event, EventKind, Fault, Greeting, Play, Step};
use dsp::tones::{Sequence, Tone};
use hal::{LineId, Sample};
use line::{PlayId, TonesEnd, Window};

use super::CardConfig;

/// What a card says of itself.
pub(super) fn hello(greeting: &Greeting, state: &CardState) -> CardHello {
    CardHello {
        card_boot: greeting.card_boot,
        firmware: greeting.firmware.as_str().to_owned(),
        serial: greeting.serial.as_str().to_owned(),
        sample: state.sample,
        off_hook: state.lines.iter().map(|line| line.off_hook).collect(),
        fed: state.lines.iter().map(|line| line.feed).collect(),
        events_lost: state.events_lost,
    }
}

/// Something that happened on a line; `None`: nobody here has a use for it.
pub(super) fn line(card_boot: u32, event: &Event) -> Option<CardEvent> {
    let (line, card_seq) = (LineId(event.line), event.seq.0);
    match event.kind {
        EventKind::HookChange { off_hook } => {
            Some(CardEvent::Hook { line, off_hook, sample: event.sample, card_boot, card_seq })
        }
        EventKind::TonesEnded { play, end, .. } => Some(CardEvent::TonesEnded {
            line,
            play: PlayId(play),
            sample: Sample(event.sample),
            end: tones_end(end),
            card_boot,
            card_seq,
        }),
        EventKind::LineFault { fault, present } => {
            let fault = fault_word(fault).to_owned();
            Some(CardEvent::LineFault { line, fault, present, card_boot, card_seq })
        }
        EventKind::RingTrip | EventKind::TestResult { .. } | EventKind::Other(_) => None,
    }
}

/// A sequence as the card plays it. A dial tone falls silent by itself when somebody dials.
pub(super) fn play(play: PlayId, sequence: Sequence, window: Option<Window>) -> ControlKind {
    let steps = sequence.steps();
    ControlKind::Play(Play {
        play: play.0,
        endless: steps.endless,
        stop_on_digit: sequence == Sequence::DialTone,
        window: window
            .map(|Window { earliest, latest }| ata_wire::Window { earliest: earliest.0, latest: latest.0 }),
        steps: steps.tones.iter().map(step).collect(),
    })
}

fn step(tone: &Tone) -> Step {
    let Tone { frequencies, level_dbm0, lasts } = *tone;
    let samples = Sample(0).after(lasts).0;
    Step { frequencies, level_dbm0, samples }
}

fn tones_end(end: ata_wire::TonesEnd) -> TonesEnd {
    match end {
        ata_wire::TonesEnd::Completed => TonesEnd::Completed,
        ata_wire::TonesEnd::Stopped => TonesEnd::Stopped,
        ata_wire::TonesEnd::TooLate => TonesEnd::TooLate,
    }
}

fn fault_word(fault: Fault) -> &'static str {
    match fault {
        Fault::OverTemperature => "over_temperature",
        Fault::Power => "power",
        Fault::GroundKey => "ground_key",
        Fault::ForeignVoltage => "foreign_voltage",
        Fault::Other(_) => "other",
    }
}

/// What a duty engineer has to look at although the card works.
pub(super) fn warn_of_oddities(config: &CardConfig, greeting: &Greeting, state: &CardState) {
    let (card, board) = (state.lines.len(), usize::from(config.lines));
    if card != board {
        tracing::warn!(
            card,
            board,
            "the card has another number of lines than `lines` of [card] in the board file"
        );
    }
    if state.self_test != 0 {
        let failed = format_args!("{:#010b}", state.self_test);
        tracing::warn!(%failed, serial = greeting.serial.as_str(), "the card's self-test failed: replace the card");
    }
}

#[cfg(test)]
mod tests {
    use ata_wire::limits::{FREQUENCY_BELOW, MAX_STEPS};

    use super::*;

    #[test]
    fn every_sequence_fits_the_wire() {
        for sequence in Sequence::ALL {
            let tones = sequence.steps().tones;
            assert!((1..=MAX_STEPS).contains(&tones.len()), "{sequence:?}");
            let frequencies = tones.iter().flat_map(|tone| tone.frequencies);
            assert!(frequencies.max() < Some(FREQUENCY_BELOW), "{sequence:?}");
            assert!(tones.iter().all(|tone| step(tone).samples > 0), "{sequence:?}");
        }
    }

    #[test]
    fn a_kiss_off_is_6800_samples_of_1400_hz_in_its_window() {
        let window = Window { earliest: Sample(1_600), latest: Sample(8_800) };
        let ControlKind::Play(play) = play(PlayId(3), Sequence::KissOff, Some(window)) else {
            panic!("a play");
        };
        assert_eq!(play.window, Some(ata_wire::Window { earliest: 1_600, latest: 8_800 }));
        assert_eq!((play.play, play.endless, play.stop_on_digit), (3, false, false));
        assert_eq!(play.steps[..], [Step { frequencies: [1_400, 0], level_dbm0: -11, samples: 6_800 }]);
    }
}
