//! Good input for every decoder, made by the other side of it.

use ata_wire::{HostSession, WireBuffer};
use evidence::{At, Chain};
use linecard::Card;

pub(crate) fn of(target: &str) -> Vec<Vec<u8>> {
    match target {
        "card_frames" => vec![dialogue().0, dialogue().1],
        "card_at_the_host" => vec![dialogue().1],
        "host_at_the_card" => vec![dialogue().0],
        "contact_id" => vec![message()],
        "station_replies" => STATION.iter().map(|frame| frame.as_bytes().to_vec()).collect(),
        "evidence_lines" => vec![evidence()],
        "noc_messages" => texts(&NOC),
        "control_lines" => texts(&QUESTIONS),
        "site_files" => texts(&[LAB_SITE, EXAMPLE_SITE]),
        "board_files" => texts(&[LAB_BOARD]),
        other => panic!("no seeds for {other}"),
    }
}

fn texts(texts: &[&str]) -> Vec<Vec<u8>> {
    texts.iter().map(|text| text.as_bytes().to_vec()).collect()
}

/// What host and card say to each other in a call: (to the card, to the host).
fn dialogue() -> (Vec<u8>, Vec<u8>) {
    let (mut host, mut card) = (HostSession::new(7, 0), Card::new(9, 2));
    let (mut to_card, mut to_host) = (vec![], vec![]);
    let mut wire: WireBuffer = [0; ata_wire::limits::MAX_WIRE];
    for turn in 0..60_u32 {
        let (now_ms, sample) = (u64::from(turn) * 10, turn * 80);
        host.handle_timeout(now_ms);
        while let Some(length) = host.poll_transmit(now_ms, &mut wire) {
            to_card.extend_from_slice(&wire[..length]);
            wire[..length].iter().for_each(|octet| card.receive(*octet));
        }
        card.tick(now_ms, sample);
        if turn == 20 {
            card.hook(0, true, sample);
        }
        card.exchange(0, sample, &[1000; 80]);
        while let Some(length) = card.next_tx(&mut wire) {
            to_host.extend_from_slice(&wire[..length]);
            host.receive(&wire[..length], now_ms);
        }
        while host.poll_event().is_some() {}
    }
    (to_card, to_host)
}

/// `1234 18 1131 01 015 8`, a key in each octet: row, column.
fn message() -> Vec<u8> {
    let place = |key: char| {
        let rows = ["123A", "456B", "789C", "*0#D"];
        let row = rows.iter().position(|row| row.contains(key)).expect("a key");
        let column = rows[row].find(key).expect("in this row");
        (row << 2 | column) as u8
    };
    "1234181131010158".chars().map(place).collect()
}

fn evidence() -> Vec<u8> {
    let mut chain = Chain::default();
    let at = At { boot: 1, tick_ms: 5, wall_ms: Some(6) };
    let line = |n: u32| chain.append(at, &serde_json::json!({ "kind": "voltage", "line": n, "on": true }));
    (0..8).map(line).map(|line| line.expect("an entry is JSON")).collect::<String>().into_bytes()
}

/// As real receivers sent them.
const STATION: [&str; 4] = [
    "\n1EB60014\"ACK\"0001R1L0#1234[]\r",
    "\nE4410025\"NAK\"0000R0L0A0[]_16:20:01,09-24-2025\r",
    "\nF4D20029\"SIA-DCS\"0001RF3L77#1234[#1234|NRR|Atest]\r",
    "\nEEA50029\"NULL\"0000R1L1#9413[]_16:56:18,09-07-2023\r",
];

const NOC: [&str; 2] = [
    r#"{"upto": {"signal": {"boot": 41, "seq": 3}, "state": {"boot": 42, "seq": 4}}}"#,
    r#"{"site": "clinic-017", "boot": 42, "seq": 3, "prev": {"boot": 42, "seq": 2}, "class": "state",
        "at": {"tick_ms": 61301}, "kind": "switch",
        "body": {"family": "ipv4", "from": "fibre", "to": "lte", "why": "fibre is down"}}"#,
];

const QUESTIONS: [&str; 4] = [
    r#"{"ask":"status"}"#,
    r#"{"ask":"explain","what":"wan"}"#,
    r#"{"ask":"calls","last":5}"#,
    r#"{"ask":"on_test","account":"1234","minutes":5,"by":"technician"}"#,
];

const LAB_SITE: &str = include_str!("../../../../board-configs/sites/lab.toml");
const EXAMPLE_SITE: &str = include_str!("../../../../board-configs/sites/example-clinic.toml");
const LAB_BOARD: &str = include_str!("../../../../board-configs/boards/lab.toml");
