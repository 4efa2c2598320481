//! A strict station and the box that knows it.

use e2e::strict_station::{self, StationOptions, StrictStation};
use ports::station::Transport;
use station_wire::Key;

use crate::desk::Known;

/// The keys of both sides, as text; the first is none.
pub(crate) const KEYS: [Option<&str>; 4] = [
    None,
    Some("0123456789abcdef"),
    Some("0123456789abcdef01234567"),
    Some("0123456789abcdef0123456789abcdef"),
];
pub(crate) const TRANSPORTS: [Transport; 2] = [Transport::Tcp, Transport::Udp];

pub(crate) fn strict(transport: Transport, key: Option<&str>) -> (StrictStation, Known) {
    let theirs = match transport {
        Transport::Tcp => strict_station::Transport::Tcp,
        Transport::Udp => strict_station::Transport::Udp,
    };
    let options = StationOptions { key: key.map(|k| k.as_bytes().to_vec()), ..StationOptions::local(theirs) };
    let station = StrictStation::start(options).expect("a station");
    let known = Known { address: station.address(), transport, key: key.map(own_key) };
    (station, known)
}

pub(crate) fn own_key(text: &str) -> Key {
    Key::from_ascii(text).expect("a key")
}

/// Plays the same for several, at the same time.
pub(crate) fn each<T: Send>(cases: impl IntoIterator<Item = T>, play: impl Fn(T) + Sync) {
    std::thread::scope(|scope| {
        for case in cases {
            scope.spawn(|| play(case));
        }
    });
}

/// Both transports, in clear and with a key.
pub(crate) fn four_ways() -> impl Iterator<Item = (Transport, Option<&'static str>)> {
    TRANSPORTS.into_iter().flat_map(|transport| [(transport, KEYS[0]), (transport, KEYS[2])])
}
