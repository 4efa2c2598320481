//! The card's language to the appliance's words.

use appliance::{CardEvent, CardHello};
use ata_wire::{CardState, Event, EventKind, Fault, Greeting};
use hal::{LineId, Sample};
use line::{PlayId, TonesEnd};

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
