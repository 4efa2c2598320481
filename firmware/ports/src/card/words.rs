//! The card's language to the appliance's words.

use appliance::{CardEvent, CardHello};
use ata_wire::{CardState, Event, EventKind, Greeting};
use hal::LineId;

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

/// Something that happened on a line; `None`: a kind that nobody here knows.
pub(super) fn line(card_boot: u32, event: &Event) -> Option<CardEvent> {
    match event.kind {
        EventKind::HookChange { off_hook } => Some(CardEvent::Hook {
            line: LineId(event.line),
            off_hook,
            sample: event.sample,
            card_boot,
            card_seq: event.seq.0,
        }),
        EventKind::Other(_) => None,
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
