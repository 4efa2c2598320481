//! The keys of a board file.

use crate::key::{Form, Key, Kind, Need};

/// The most printed ports of a board.
pub(crate) const MAX_PORTS: usize = 64;

/// A board file.
pub const BOARD: &[Key] = &[
    Key {
        name: "about",
        kind: Kind::Text(Form::Label),
        need: Need::Required,
        about: "Why this board exists and how it differs, one sentence. It is not inherited.",
    },
    Key {
        name: "inherit",
        kind: Kind::Text(Form::BoardName),
        need: Need::Without("the board stands for itself"),
        about: "The board that this one differs from: every key that is not written here is taken from there.",
    },
    Key {
        name: "proven",
        kind: Kind::Flag,
        need: Need::Default("false"),
        about: "Somebody has run Holdfast on this hardware. It is not inherited: a variant proves itself.",
    },
    Key {
        name: "ports",
        kind: Kind::Names { values: Form::Interface, max: MAX_PORTS },
        need: Need::Without("those of the inherited board"),
        about: "What is printed beside each connector, and the kernel's name of that interface. Inherited one by one.",
    },
    Key {
        name: "card",
        kind: Kind::Section(CARD),
        need: Need::Without("that of the inherited board, or none"),
        about: "The line card. Inherited key by key.",
    },
    Key {
        name: "watchdog",
        kind: Kind::Text(Form::Device),
        need: Need::Without("that of the inherited board, or none: systemd's is all there is"),
        about: "The device of a hardware watchdog.",
    },
    Key {
        name: "power",
        kind: Kind::Section(POWER),
        need: Need::Without("that of the inherited board, or the box does not know how it is powered"),
        about: "How the box learns that the mains or its battery fail; the station is told (E301, E302). Inherited \
                key by key.",
    },
];

const POWER: &[Key] = &[
    Key {
        name: "mains",
        kind: Kind::Text(Form::Folder),
        need: Need::Without("that of the inherited board, or not known"),
        about: "The mains supply as the kernel shows it, the folder with the file online.",
    },
    Key {
        name: "battery",
        kind: Kind::Text(Form::Folder),
        need: Need::Without("that of the inherited board, or not known"),
        about: "The battery as the kernel shows it, the folder with the files capacity_level or capacity.",
    },
];

const CARD: &[Key] = &[
    Key {
        name: "device",
        kind: Kind::Text(Form::Device),
        need: Need::Without("that of the inherited board"),
        about: "The serial device of the line card.",
    },
    Key {
        name: "baud",
        kind: Kind::Whole { min: 9_600, max: 4_000_000 },
        need: Need::Without("that of the inherited board, or 921600"),
        about: "Bits per second on the serial line, 8N1.",
    },
    Key {
        name: "lines",
        kind: Kind::Whole { min: 1, max: 8 },
        need: Need::Without("that of the inherited board"),
        about: "How many lines the card's connector strip has.",
    },
];
