//! The host's half against a card made of single messages.

use heapless::{String, Vec};
use std::vec::Vec as List;

use super::*;
use crate::event::EventKind;
use crate::message::{LineState, Versions};

const HOST: u32 = 0x11;
const CARD: u32 = 0x22;

fn session() -> HostSession {
    HostSession::new(HOST, 0)
}

fn hello(card_boot: u32, host_boot: u32, first: u16) -> CardHello {
    let line = LineState { off_hook: false, feed: true, reversed: false, since: 0 };
    let state = CardState {
        self_test: 0,
        codecs: 3,
        queued: 0,
        first_seq: Seq(first),
        events_lost: 0,
        sample: 0,
        lines: Vec::from_slice(&[line; 2]).unwrap(),
    };
    CardHello { greeting: greeting(card_boot, host_boot, VERSIONS), answer: Answer::Current(state) }
}

fn greeting(card_boot: u32, host_boot: u32, versions: Versions) -> Greeting {
    let (firmware, serial) = (String::try_from("fw 1").unwrap(), String::try_from("S1").unwrap());
    Greeting { versions, card_boot, host_boot, firmware, serial }
}

fn beat(host_age_ms: u16, events_lost: u32) -> Message {
    Message::CardHeartbeat(CardHeartbeat { card_boot: CARD, sample: 0, host_age_ms, events_lost, queued: 0 })
}

fn hook(seq: u16) -> Event {
    Event { seq: Seq(seq), line: 0, sample: 0, kind: EventKind::HookChange { off_hook: true } }
}

fn say(session: &mut HostSession, message: &Message, now_ms: u64) {
    let mut out = [0; crate::limits::MAX_WIRE];
    let len = encode(message, &mut out);
    session.receive(&out[..len], now_ms);
}

fn sent(session: &mut HostSession, now_ms: u64) -> List<Message> {
    let (mut decoder, mut out) = (Decoder::new(), [0; crate::limits::MAX_WIRE]);
    let mut messages = List::new();
    while let Some(len) = session.poll_transmit(now_ms, &mut out) {
        messages.extend(out[..len].iter().filter_map(|octet| decoder.push(*octet)).map(Result::unwrap));
    }
    messages
}

fn told(session: &mut HostSession) -> List<HostEvent> {
    core::iter::from_fn(|| session.poll_event()).collect()
}

fn linked() -> HostSession {
    let mut session = session();
    sent(&mut session, 0);
    say(&mut session, &Message::CardHello(hello(CARD, HOST, 0)), 0);
    assert!(matches!(told(&mut session)[..], [HostEvent::Linked(..)]));
    sent(&mut session, 0);
    session
}

#[test]
fn it_greets_at_once_and_then_every_200_ms() {
    let mut session = session();
    let greeting = Message::HostHello(HostHello { versions: VERSIONS, host_boot: HOST });
    assert_eq!(sent(&mut session, 0), core::slice::from_ref(&greeting));
    assert_eq!(sent(&mut session, 199), []);
    assert_eq!(session.poll_timeout(), 200);
    assert_eq!(sent(&mut session, 200), [greeting]);
}

#[test]
fn a_hello_is_acknowledged_and_told_once() {
    let mut session = session();
    say(&mut session, &Message::CardHello(hello(CARD, HOST, 0)), 5);
    let link = Link { host_boot: HOST, card_boot: CARD };
    let ack = Message::HelloAck(HelloAck { link, first_control: Seq(0) });
    assert_eq!(sent(&mut session, 5), [ack.clone(), Message::HostHeartbeat(link)]);
    assert!(matches!(told(&mut session)[..], [HostEvent::Linked(..)]));

    say(&mut session, &Message::CardHello(hello(CARD, HOST, 0)), 205);
    assert_eq!(sent(&mut session, 205), [ack]);
    assert_eq!(told(&mut session), []);
}

#[test]
fn an_answer_to_the_program_before_us_is_no_news() {
    let mut session = session();
    say(&mut session, &Message::CardHello(hello(CARD, HOST + 1, 0)), 5);
    assert!(!session.is_linked());
    assert_eq!(told(&mut session), []);
}

#[test]
fn a_silent_card_is_lost_after_a_second_and_told_once() {
    let mut session = linked();
    session.handle_timeout(999);
    assert!(session.is_linked());
    session.handle_timeout(1_000);
    assert_eq!(told(&mut session), [HostEvent::Lost(LostWhy::Silent)]);
    for now_ms in (1_200..60_000).step_by(200) {
        session.handle_timeout(now_ms);
        assert_eq!(sent(&mut session, now_ms).len(), 1);
    }
    assert_eq!(told(&mut session), []);
}

#[test]
fn a_card_that_never_answers_is_told_too() {
    let mut session = session();
    session.handle_timeout(1_000);
    assert_eq!(told(&mut session), [HostEvent::Lost(LostWhy::Silent)]);
}

#[test]
fn octets_that_waited_while_we_slept_keep_the_card() {
    let mut session = linked();
    say(&mut session, &beat(0, 0), 9_000);
    session.handle_timeout(9_000);
    assert!(session.is_linked());
}

#[test]
fn a_card_that_does_not_hear_us_is_lost() {
    let mut session = linked();
    let mut events = List::new();
    for now_ms in (250..4_000_u16).step_by(250) {
        say(&mut session, &beat(now_ms, 0), u64::from(now_ms));
        session.handle_timeout(u64::from(now_ms));
        sent(&mut session, u64::from(now_ms));
        events.extend(told(&mut session));
    }
    assert_eq!(events, [HostEvent::Lost(LostWhy::Deaf)]);
}

#[test]
fn a_card_is_not_deaf_because_we_slept() {
    let mut session = linked();
    for now_ms in [9_000, 9_010] {
        say(&mut session, &beat(8_900, 0), now_ms);
        session.handle_timeout(now_ms);
        sent(&mut session, now_ms);
    }
    assert!(session.is_linked());
}

#[test]
fn a_mismatch_names_both_versions_and_is_told_once() {
    let mut session = session();
    let versions = Versions { min: 7, max: 9 };
    for now_ms in (0..5_000).step_by(100) {
        session.handle_timeout(now_ms);
        if !sent(&mut session, now_ms).is_empty() {
            let greeting = greeting(CARD, HOST, versions);
            say(&mut session, &Message::CardHello(CardHello { greeting, answer: Answer::None }), now_ms);
        }
    }
    let events = told(&mut session);
    let [HostEvent::Lost(why)] = &events[..] else { panic!("{events:?}") };
    let words = std::format!("{why}");
    assert!(words.contains("version 7-9") && words.contains("this program 1"), "{words}");
}

#[test]
fn a_restarted_card_is_greeted_again_at_once() {
    let mut session = linked();
    let greeting = greeting(CARD + 1, 0, VERSIONS);
    say(&mut session, &Message::CardHello(CardHello { greeting, answer: Answer::None }), 300);
    assert!(matches!(sent(&mut session, 300)[..], [Message::HostHello(_)]));
    say(&mut session, &Message::CardHello(hello(CARD + 1, HOST, 0)), 301);
    say(&mut session, &Message::Event(hook(0)), 302);
    let events = told(&mut session);
    assert!(
        matches!(&events[..], [HostEvent::Linked(..), HostEvent::Line { card_boot: 0x23, .. }]),
        "{events:?}"
    );
}

#[test]
fn a_hello_waits_until_the_events_before_it_are_polled() {
    let mut session = linked();
    say(&mut session, &Message::Event(hook(0)), 10);
    let greeting = greeting(CARD + 1, 0, VERSIONS);
    say(&mut session, &Message::CardHello(CardHello { greeting, answer: Answer::None }), 11);
    say(&mut session, &Message::CardHello(hello(CARD + 1, HOST, 0)), 12);
    assert!(!session.is_linked());
    assert_eq!(told(&mut session), [HostEvent::Line { card_boot: CARD, event: hook(0) }]);
    say(&mut session, &Message::CardHello(hello(CARD + 1, HOST, 0)), 212);
    assert!(session.is_linked());
}

#[test]
fn a_card_that_comes_back_with_the_same_boot_repeats_nothing() {
    let mut session = linked();
    say(&mut session, &Message::Event(hook(0)), 10);
    assert_eq!(told(&mut session), [HostEvent::Line { card_boot: CARD, event: hook(0) }]);
    session.reopened(2_000);
    say(&mut session, &Message::CardHello(hello(CARD, HOST, 0)), 2_000);
    say(&mut session, &Message::Event(hook(0)), 2_001);
    say(&mut session, &Message::Event(hook(1)), 2_002);
    let events = told(&mut session);
    assert!(
        matches!(&events[..], [HostEvent::Linked(..), HostEvent::Line { event, .. }] if event.seq == Seq(1)),
        "{events:?}"
    );
}

#[test]
fn an_acknowledgement_for_another_boot_is_dropped() {
    let mut session = linked();
    say(&mut session, &Message::Event(hook(0)), 10);
    told(&mut session);
    session.acknowledge(CARD + 1, Seq(0));
    assert_eq!(sent(&mut session, 10), []);
    session.acknowledge(CARD, Seq(0));
    assert_eq!(sent(&mut session, 10), [Message::Ack(crate::Ack { boot: CARD, seq: Seq(0) })]);
}

#[test]
fn a_card_that_lost_events_is_greeted_again_but_not_more_than_once_a_second() {
    let mut session = linked();
    say(&mut session, &beat(0, 3), 500);
    assert!(session.is_linked());
    say(&mut session, &beat(0, 3), 1_000);
    assert!(matches!(sent(&mut session, 1_000)[..], [Message::HostHello(_)]));
}

#[test]
fn nobody_who_polls_costs_no_more_than_a_few_notices() {
    let mut session = session();
    for round in 0..1_000_u64 {
        let now_ms = round * 1_500;
        let versions = Versions { min: 2, max: u8::try_from(round % 200).unwrap().max(2) };
        let greeting = greeting(CARD, HOST, versions);
        say(&mut session, &Message::CardHello(CardHello { greeting, answer: Answer::None }), now_ms);
        session.handle_timeout(now_ms + 1_400);
    }
    assert!(told(&mut session).len() <= MAX_NOTICES);
}

#[test]
fn what_a_card_never_says_is_counted() {
    let mut session = session();
    say(&mut session, &Message::HostHeartbeat(Link { host_boot: HOST, card_boot: CARD }), 0);
    session.receive(&[1, 2, 3, 0], 0);
    assert_eq!(session.counters(), Counters { damaged: 1, unknown: 1 });
}

fn control(seq: u16, line: u8) -> Message {
    Message::Control(crate::Control { seq: Seq(seq), line, kind: ControlKind::Stop })
}

#[test]
fn a_control_needs_a_card_and_is_forgotten_with_its_link() {
    let mut session = session();
    assert_eq!(session.control(0, ControlKind::Stop, 0), Err(ControlRefused::NotLinked));

    session = linked();
    assert_eq!(session.control(1, ControlKind::Stop, 0), Ok(Seq(0)));
    assert_eq!(sent(&mut session, 0), [control(0, 1)]);
    assert_eq!(session.poll_timeout(), 20);

    session.reopened(30);
    sent(&mut session, 30);
    say(&mut session, &Message::CardHello(hello(CARD, HOST, 0)), 31);
    told(&mut session);
    let link = Link { host_boot: HOST, card_boot: CARD };
    let ack = Message::HelloAck(HelloAck { link, first_control: Seq(1) });
    assert_eq!(sent(&mut session, 31), [ack, Message::HostHeartbeat(link)]);
}

#[test]
fn only_an_acknowledgement_of_this_boot_ends_the_repeats() {
    let mut session = linked();
    assert_eq!(session.control(1, ControlKind::Stop, 0), Ok(Seq(0)));
    sent(&mut session, 0);
    say(&mut session, &Message::Ack(Ack { boot: HOST + 1, seq: Seq(0) }), 1);
    assert_eq!(sent(&mut session, 20), [control(0, 1)]);
    say(&mut session, &Message::Ack(Ack { boot: HOST, seq: Seq(0) }), 21);
    assert_eq!(sent(&mut session, 200), []);
}

#[test]
fn a_flood_of_audio_holds_no_event_back_and_is_no_sign_of_life() {
    let mut session = linked();
    for count in 0..200_u16 {
        let octets = [0xff; crate::limits::AUDIO_OCTETS];
        say(&mut session, &Message::Audio(Audio { line: 1, codec: 0, sample_low: count * 80, octets }), 900);
    }
    say(&mut session, &Message::Event(hook(0)), 900);
    assert!(matches!(told(&mut session)[..], [HostEvent::Line { .. }]));
    let kept = core::iter::from_fn(|| session.poll_audio()).count();
    assert_eq!(kept, crate::limits::AUDIO_BACKLOG);

    session = linked();
    say(&mut session, &Message::Audio(Audio { line: 1, codec: 0, sample_low: 0, octets: [0; 80] }), 999);
    session.handle_timeout(CARD_LOST_AFTER_MS);
    assert_eq!(told(&mut session), [HostEvent::Lost(LostWhy::Silent)]);
}
