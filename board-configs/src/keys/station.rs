//! The keys of a station, an alarm receiving centre that is spoken to in SIA DC-09.

use crate::key::{Form, Key, Kind, Need};
use crate::{KeyEncoding, StationTransport};

/// A signal that the fourth does not take would not be taken by a fifth.
pub(super) const MAX_STATIONS: usize = 4;

const TRANSPORTS: &[&str] = &[StationTransport::Tcp.word(), StationTransport::Udp.word()];

const ENCODINGS: &[&str] = &[KeyEncoding::Hex.word(), KeyEncoding::Ascii.word()];

/// How the sign of life is spelled: with the account, as most receivers want it, or without.
pub(crate) const SUPERVISION_FORMATS: [&str; 2] = ["account", "bare"];

/// A station.
pub(super) const STATION: &[Key] = &[
    Key {
        name: "name",
        kind: Kind::Text(Form::Name),
        need: Need::Required,
        about: "What people call the station; it stands in evidence and conditions.",
    },
    Key {
        name: "address",
        kind: Kind::Text(Form::AddressPort),
        need: Need::Required,
        about: "Where its receiver listens. An address, not a name: a signal must not wait for a resolver.",
    },
    Key {
        name: "transport",
        kind: Kind::Word(TRANSPORTS),
        need: Need::Default(StationTransport::Tcp.word()),
        about: "What the receiver speaks: one connection for each link (tcp), or one socket for each link (udp).",
    },
    Key {
        name: "account",
        kind: Kind::Text(Form::Account),
        need: Need::Required,
        about: "The box's own account there, for signs of life and the box's own signals. A panel's signals carry \
                the panel's account.",
    },
    Key {
        name: "receiver",
        kind: Kind::Text(Form::HexNumber),
        need: Need::Default("0"),
        about: "Receiver number (R), hexadecimal as the station writes it.",
    },
    Key {
        name: "prefix",
        kind: Kind::Text(Form::HexNumber),
        need: Need::Default("0"),
        about: "Account prefix (L), hexadecimal as the station writes it; 0 for none.",
    },
    Key {
        name: "key",
        kind: Kind::Text(Form::Secret),
        need: Need::Without("refused, unless insecure says dc09-clear"),
        about: "The key (AES) that the station gave, one line of text; nobody but the daemon may read the file \
                (mode 0600).",
    },
    Key {
        name: "key_encoding",
        kind: Kind::Word(ENCODINGS),
        need: Need::Default(KeyEncoding::Hex.word()),
        about: "How the key is written: 32, 48 or 64 hexadecimal digits (hex), or 16, 24 or 32 characters that are \
                the key themselves (ascii). A receiver that answers nothing but NAK often means the other one.",
    },
    Key {
        name: "supervision",
        kind: Kind::Time { min: "10s", max: "25h" },
        need: Need::Default("180s"),
        about: "A sign of life on every link at least so often. 180s is 2.2 MB a month on each link for UDP in \
                clear, 5 MB for TCP encrypted.",
    },
    Key {
        name: "supervision_format",
        kind: Kind::Word(&SUPERVISION_FORMATS),
        need: Need::Default(SUPERVISION_FORMATS[0]),
        about: "Whether the sign of life carries the box's account; some receivers want it bare.",
    },
];
