//! PROTOCOL.md cannot rot: its vectors, tables and C code are held against this crate.

mod page;

use std::io::Write;
use std::process::{Command, Stdio};

use ata_wire::limits::{CONTROL_WINDOW, EVENT_WINDOW, MAX_FRAME, MAX_LINES, MAX_STEPS, MAX_WIRE};
use ata_wire::{Decoder, encode, timing};
use page::message::message;
use page::{PAGE, fences, octets, vectors};

#[test]
fn every_vector_is_written_as_the_page_says() {
    for vector in vectors() {
        let mut out = [0; MAX_WIRE];
        let len = encode(&message(&vector), &mut out);
        assert_eq!(out[..len], vector.octets("wire"), "{}", vector.name());
    }
}

#[test]
fn every_vector_is_read_as_the_page_says() {
    for vector in vectors() {
        let mut decoder = Decoder::new();
        let wire = vector.octets("wire");
        let heard: Vec<_> = wire.iter().filter_map(|octet| decoder.push(*octet)).collect();
        assert_eq!(heard, [Ok(message(&vector))], "{}", vector.name());
    }
}

#[test]
fn the_frame_of_a_vector_is_its_wire_without_stuffing() {
    for vector in vectors() {
        let mut frame = vector.octets("wire");
        let inside = frame.len() - 1;
        let len = ata_wire::cobs_decode(&mut frame[1..inside]);
        assert_eq!(len.map(|len| &frame[1..=len]), Some(&vector.octets("frame")[..]), "{}", vector.name());
    }
}

#[test]
fn every_message_has_a_vector() {
    let page = vectors();
    for name in [
        "HostHello",
        "CardHello",
        "HelloAck",
        "HostHeartbeat",
        "CardHeartbeat",
        "Ack",
        "Event",
        "Control",
        "Audio",
    ] {
        assert!(page.iter().any(|vector| vector.name() == name), "{name}");
    }
}

#[test]
fn stuffing_examples_hold() {
    let examples = fences("cobs");
    let pairs: Vec<_> = examples.iter().flat_map(|block| block.split("\n\n")).collect();
    assert!(pairs.len() >= 3);
    for pair in pairs {
        let (raw, stuffed) = pair.trim().split_once('\n').expect("two lines");
        let raw = octets(raw.strip_prefix("raw:").expect("raw first"));
        let stuffed = octets(stuffed.strip_prefix("stuffed:").expect("stuffed second"));
        let mut out = vec![0; raw.len() + 2];
        let len = ata_wire::cobs_encode(&raw, &mut out);
        assert_eq!(out[..len], stuffed, "{pair}");
    }
}

#[test]
fn times_and_limits_are_those_of_the_program() {
    let row = |what: &str, value: String| {
        let row = format!("| {what} | {value} |");
        assert!(PAGE.contains(&row), "PROTOCOL.md section 10 has no row `{row}`");
    };
    let (hello, mismatch) = (timing::HELLO_MS, timing::MISMATCH_HELLO_MS);
    row("host: between HostHellos", format!("{hello} ms; after a version mismatch {mismatch} ms"));
    row("card: between CardHellos while greeted", format!("{hello} ms"));
    row("heartbeat, both ways", format!("{} ms", timing::HEARTBEAT_MS));
    row("host calls the card lost", format!("{} ms without a valid frame", timing::CARD_LOST_AFTER_MS));
    assert_eq!(timing::HOST_DEAD_AFTER_MS, 30_000);
    row("card holds the host for dead", "30 000 ms without a valid frame".to_owned());
    row(
        "event and control repeat",
        format!("{} ms, doubling to {} ms", timing::REPEAT_FIRST_MS, timing::REPEAT_MAX_MS),
    );
    row("events kept", EVENT_WINDOW.to_string());
    row("controls kept", CONTROL_WINDOW.to_string());
    row("steps of a play", MAX_STEPS.to_string());
    row("lines", MAX_LINES.to_string());
    row("body and checksum", format!("{MAX_FRAME} octets"));
    row("on the wire, delimiters included", format!("{MAX_WIRE} octets"));
}

/// The page's C code, compiled as it stands, reads and writes every vector of the page.
#[test]
fn the_c_code_of_the_page_agrees_with_every_vector() {
    let program = format!("{}/page_c", env!("CARGO_TARGET_TMPDIR"));
    compile(&program);
    let mut run = Command::new(&program).stdin(Stdio::piped()).spawn().expect("the program was just built");
    let mut input = run.stdin.take().expect("stdin is piped");
    for vector in vectors() {
        let frame = vector.octets("frame");
        let sum = if frame[1] & 0x80 != 0 { 2 } else { 4 };
        let wire = vector.octets("wire");
        writeln!(input, "{} {}", hex(&frame[..frame.len() - sum]), hex(&wire)).expect("the program reads");
    }
    drop(input);
    assert!(run.wait().expect("the program ends").success(), "see its words above");
}

fn compile(program: &str) {
    let arguments = ["-std=c99", "-Wall", "-Wextra", "-Werror", "-O1", "-x", "c", "-o", program, "-"];
    let started = Command::new("cc").args(arguments).stdin(Stdio::piped()).spawn();
    let mut compiler = started.expect("a C compiler `cc`: apt-get install build-essential");
    let source = format!("{}\n{DRIVER}", fences("c").concat());
    compiler.stdin.take().expect("stdin is piped").write_all(source.as_bytes()).expect("cc reads");
    assert!(compiler.wait().expect("cc ends").success(), "the C code of PROTOCOL.md does not compile");
}

fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}

/// Reads `BODY WIRE` lines; encodes, decodes, and decodes with one bit flipped at each place.
const DRIVER: &str = r#"
#include <stdio.h>
#include <string.h>

static size_t unhex(const char *text, uint8_t *out)
{
    size_t n = strlen(text) / 2;
    for (size_t i = 0; i < n; i++) {
        unsigned octet;
        sscanf(text + 2 * i, "%2x", &octet);
        out[i] = (uint8_t)octet;
    }
    return n;
}

static int check(const char *body_hex, const char *wire_hex)
{
    uint8_t body[260], wire[300], out[300], frame[300];
    size_t body_len = unhex(body_hex, body), wire_len = unhex(wire_hex, wire);
    memcpy(frame, wire + 1, wire_len - 2);
    long len = frame_decode(frame, wire_len - 2);
    if (len != (long)body_len || memcmp(frame, body, body_len) != 0)
        return printf("not read: %s\n", wire_hex);
    for (size_t at = 0; at < wire_len - 2; at++) {
        memcpy(frame, wire + 1, wire_len - 2);
        frame[at] ^= 0x10;
        if (frame_decode(frame, wire_len - 2) >= 0)
            return printf("read although damaged at %zu: %s\n", at, wire_hex);
    }
    size_t out_len = frame_encode(body, body_len, out);
    if (out_len != wire_len || memcmp(out, wire, wire_len) != 0)
        return printf("not written: %s\n", wire_hex);
    return 0;
}

int main(void)
{
    char body[600], wire[700];
    int lines = 0;
    if (crc16((const uint8_t *)"123456789", 9) != 0x906e || crc32((const uint8_t *)"123456789", 9) != 0xcbf43926)
        return puts("check values"), 1;
    for (; scanf("%599s %699s", body, wire) == 2; lines++)
        if (check(body, wire))
            return 1;
    return lines >= 10 ? 0 : 1;
}
"#;
