//! The decoder against everything that a wire can do to it.

use ata_wire::limits::{MAX_STUFFED, MAX_WIRE};
use ata_wire::{
    Ack, Answer, Audio, CardHeartbeat, CardHello, CardState, Control, ControlKind, Damage, Decoder, Event,
    EventKind, Fault, Feed, Greeting, HelloAck, HostHello, LineState, LineTest, Link, Message, Play, Refused,
    Seq, Step, TestOutcome, TonesEnd, Versions, Window, encode,
};
use proptest::prelude::*;

fn wire(message: &Message) -> Vec<u8> {
    let mut out = [0; MAX_WIRE];
    let len = encode(message, &mut out);
    out[..len].to_vec()
}

fn decode(octets: &[u8]) -> Vec<Result<Message, Refused>> {
    let mut decoder = Decoder::new();
    octets.iter().filter_map(|octet| decoder.push(*octet)).collect()
}

fn boot() -> impl Strategy<Value = u32> {
    1..=u32::MAX
}

fn versions() -> impl Strategy<Value = Versions> {
    (any::<u8>(), any::<u8>()).prop_map(|(a, b)| Versions { min: a.min(b), max: a.max(b) })
}

fn link() -> impl Strategy<Value = Link> {
    (boot(), boot()).prop_map(|(host_boot, card_boot)| Link { host_boot, card_boot })
}

fn greeting() -> impl Strategy<Value = Greeting> {
    (versions(), boot(), any::<u32>(), "[ -~]{0,32}", "[ -~]{0,24}").prop_map(
        |(versions, card_boot, host_boot, firmware, serial)| Greeting {
            versions,
            card_boot,
            host_boot,
            firmware: heapless::String::try_from(firmware.as_str()).expect("at most 32"),
            serial: heapless::String::try_from(serial.as_str()).expect("at most 24"),
        },
    )
}

fn line_state() -> impl Strategy<Value = LineState> {
    (any::<[bool; 3]>(), any::<u32>()).prop_map(|([off_hook, feed, reversed], since)| LineState {
        off_hook,
        feed,
        reversed,
        since,
    })
}

fn state() -> impl Strategy<Value = CardState> {
    let octets = any::<[u8; 3]>();
    let words = any::<[u32; 2]>();
    (octets, any::<u16>(), words, proptest::collection::vec(line_state(), 1..=8)).prop_map(
        |([self_test, codecs, queued], first, [events_lost, sample], lines)| CardState {
            self_test,
            codecs,
            queued,
            first_seq: Seq(first),
            events_lost,
            sample,
            lines: lines.into_iter().collect(),
        },
    )
}

fn answer() -> impl Strategy<Value = Answer> {
    prop_oneof![Just(Answer::None), (2..=255_u8).prop_map(Answer::Other), state().prop_map(Answer::Current)]
}

fn event() -> impl Strategy<Value = Event> {
    let kind = prop_oneof![
        any::<bool>().prop_map(|off_hook| EventKind::HookChange { off_hook }),
        (boot(), any::<u16>(), tones_end(), any::<u32>()).prop_map(|(host_boot, play, end, begun)| {
            EventKind::TonesEnded { host_boot, play, end, begun }
        }),
        Just(EventKind::RingTrip),
        (fault(), any::<bool>()).prop_map(|(fault, present)| EventKind::LineFault { fault, present }),
        (line_test(), outcome()).prop_map(|(test, outcome)| EventKind::TestResult { test, outcome }),
        (6..=255_u8).prop_map(EventKind::Other),
    ];
    (any::<u16>(), any::<u8>(), any::<u32>(), kind).prop_map(|(seq, line, sample, kind)| Event {
        seq: Seq(seq),
        line,
        sample,
        kind,
    })
}

fn tones_end() -> impl Strategy<Value = TonesEnd> {
    prop_oneof![Just(TonesEnd::Completed), Just(TonesEnd::Stopped), Just(TonesEnd::TooLate)]
}

fn fault() -> impl Strategy<Value = Fault> {
    prop_oneof![
        Just(Fault::OverTemperature),
        Just(Fault::Power),
        Just(Fault::GroundKey),
        Just(Fault::ForeignVoltage),
        (5..=255_u8).prop_map(Fault::Other),
    ]
}

fn line_test() -> impl Strategy<Value = LineTest> {
    prop_oneof![
        Just(LineTest::ForeignVoltage),
        Just(LineTest::Resistance),
        Just(LineTest::Ringer),
        (4..=255_u8).prop_map(LineTest::Other),
    ]
}

fn outcome() -> impl Strategy<Value = TestOutcome> {
    prop_oneof![
        any::<i32>().prop_map(TestOutcome::Measured),
        Just(TestOutcome::InUse),
        Just(TestOutcome::Unsupported),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    (0..4_000_u16, 0..4_000_u16, any::<i8>(), 1..=u32::MAX)
        .prop_map(|(low, high, level_dbm0, samples)| Step { frequencies: [low, high], level_dbm0, samples })
}

fn play() -> impl Strategy<Value = Play> {
    let window = proptest::option::of(any::<[u32; 2]>());
    let steps = proptest::collection::vec(step(), 1..=8);
    (any::<u16>(), any::<[bool; 2]>(), window, steps).prop_map(
        |(play, [endless, stop_on_digit], window, steps)| Play {
            play,
            endless,
            stop_on_digit,
            window: window.map(|[earliest, latest]| Window { earliest, latest }),
            steps: steps.into_iter().collect(),
        },
    )
}

fn control() -> impl Strategy<Value = Control> {
    let feed = prop_oneof![Just(Feed::Off), Just(Feed::Normal), Just(Feed::Reversed)];
    let kind = prop_oneof![
        (feed, any::<bool>())
            .prop_map(|(feed, withdraw_when_dead)| ControlKind::Feed { feed, withdraw_when_dead }),
        (any::<[u16; 2]>(), any::<u8>()).prop_map(|([on_ms, off_ms], bursts)| ControlKind::Ring {
            on_ms,
            off_ms,
            bursts
        }),
        play().prop_map(ControlKind::Play),
        Just(ControlKind::Stop),
        line_test().prop_map(ControlKind::Test),
        (6..=255_u8).prop_map(ControlKind::Other),
    ];
    (any::<u16>(), any::<u8>(), kind).prop_map(|(seq, line, kind)| Control { seq: Seq(seq), line, kind })
}

fn heartbeat() -> impl Strategy<Value = CardHeartbeat> {
    (boot(), any::<u32>(), any::<u16>(), any::<u32>(), any::<u8>()).prop_map(
        |(card_boot, sample, host_age_ms, events_lost, queued)| CardHeartbeat {
            card_boot,
            sample,
            host_age_ms,
            events_lost,
            queued,
        },
    )
}

fn audio() -> impl Strategy<Value = Audio> {
    (0..16_u8, 0..16_u8, any::<u16>(), proptest::collection::vec(any::<u8>(), 80)).prop_map(
        |(line, codec, sample_low, octets)| Audio {
            line,
            codec,
            sample_low,
            octets: octets.try_into().expect("80 octets"),
        },
    )
}

fn message() -> impl Strategy<Value = Message> {
    prop_oneof![
        (versions(), boot())
            .prop_map(|(versions, host_boot)| Message::HostHello(HostHello { versions, host_boot })),
        (greeting(), answer())
            .prop_map(|(greeting, answer)| Message::CardHello(CardHello { greeting, answer })),
        (link(), any::<u16>())
            .prop_map(|(link, first)| Message::HelloAck(HelloAck { link, first_control: Seq(first) })),
        link().prop_map(Message::HostHeartbeat),
        heartbeat().prop_map(Message::CardHeartbeat),
        (boot(), any::<u16>()).prop_map(|(boot, seq)| Message::Ack(Ack { boot, seq: Seq(seq) })),
        event().prop_map(Message::Event),
        control().prop_map(Message::Control),
        audio().prop_map(Message::Audio),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_said_is_heard(message in message()) {
        let octets = wire(&message);
        prop_assert!(!octets[1..octets.len() - 1].contains(&0));
        prop_assert_eq!(decode(&octets), [Ok(message)]);
    }

    #[test]
    fn noise_before_a_frame_does_not_harm_it(
        noise in proptest::collection::vec(any::<u8>(), 0..700),
        message in message(),
    ) {
        let mut octets = noise;
        octets.extend(wire(&message));
        prop_assert_eq!(decode(&octets).pop(), Some(Ok(message)));
    }

    #[test]
    fn noise_is_never_a_message(noise in proptest::collection::vec(any::<u8>(), 0..2_000)) {
        prop_assert!(decode(&noise).iter().all(Result::is_err));
    }

    #[test]
    fn a_frame_that_is_cut_harms_only_itself(
        message in message(),
        next in message(),
        from in any::<prop::sample::Index>(),
        to in any::<prop::sample::Index>(),
    ) {
        let whole = wire(&message);
        let (from, to) = (from.index(whole.len()), to.index(whole.len()));
        let mut octets = whole[from.min(to)..from.max(to)].to_vec();
        octets.extend(wire(&next));
        let heard: Vec<_> = decode(&octets).into_iter().filter_map(Result::ok).collect();
        let stuffed_whole = from.min(to) <= 1 && from.max(to) >= whole.len() - 1;
        let expected = if stuffed_whole { vec![message, next] } else { vec![next] };
        prop_assert_eq!(heard, expected);
    }

    #[test]
    fn a_frame_with_flipped_bits_is_not_heard_and_the_next_one_is(
        message in message().prop_filter("16 bits let one of 65536 pass", |m| !matches!(m, Message::Audio(_))),
        next in message(),
        flips in proptest::collection::vec((any::<prop::sample::Index>(), 0..8_u8), 1..6),
    ) {
        let mut octets = wire(&message);
        let len = octets.len();
        for (at, bit) in flips {
            octets[at.index(len)] ^= 1 << bit;
        }
        let untouched = octets == wire(&message);
        octets.extend(wire(&next));
        let heard: Vec<_> = decode(&octets).into_iter().filter_map(Result::ok).collect();
        let (last, before) = heard.split_last().expect("the good frame is always found");
        prop_assert_eq!(last, &next);
        prop_assert!(before.is_empty() || untouched || before == [message]);
    }
}

#[test]
fn a_frame_longer_than_any_is_damaged_and_costs_only_itself() {
    let mut octets = vec![1; MAX_STUFFED + 1];
    octets.push(0);
    let beat = Message::HostHeartbeat(Link { host_boot: 1, card_boot: 2 });
    octets.extend(wire(&beat));
    assert_eq!(decode(&octets), [Err(Refused::Damaged(Damage::Length)), Ok(beat)]);
}

#[test]
fn each_way_of_being_wrong_has_its_name() {
    let sealed = |body: &[u8]| {
        let mut frame = body.to_vec();
        frame.extend(ata_wire::crc32(body).to_le_bytes());
        let mut out = vec![0; 300];
        let len = ata_wire::cobs_encode(&frame, &mut out);
        out.truncate(len);
        out.push(0);
        out
    };
    let check = |octets: Vec<u8>, refused: Refused| assert_eq!(decode(&octets), [Err(refused)], "{refused}");
    check(vec![9, 1, 0], Refused::Damaged(Damage::Stuffing));
    check(vec![2, 1, 0], Refused::Damaged(Damage::Length));
    check(vec![8, 1, 4, 1, 1, 1, 1, 1, 0], Refused::Damaged(Damage::Checksum));
    check(sealed(&[1, 6, 1, 0]), Refused::Damaged(Damage::Length));
    check(sealed(&[1, 6, 0, 0, 0, 0, 1, 0]), Refused::Damaged(Damage::Field));
    check(sealed(&[0, 1, 3, 2, 1, 0, 0, 0]), Refused::Damaged(Damage::Field));
    check(sealed(&[1, 0x20, 0, 0, 1, 0, 3, 0]), Refused::Damaged(Damage::Field));
    check(sealed(&[1, 0x30, 0, 0]), Refused::Unknown { version: 1, kind: 0x30 });
    check(sealed(&[2, 6, 1, 0, 0, 0, 1, 0]), Refused::Unknown { version: 2, kind: 6 });
}

#[test]
fn a_longer_message_than_known_is_read_as_far_as_known() {
    let mut body = vec![1, 6, 7, 0, 0, 0, 9, 0, 0xaa, 0xbb];
    body.extend(ata_wire::crc32(&body).to_le_bytes());
    let mut octets = vec![0; 64];
    let len = ata_wire::cobs_encode(&body, &mut octets);
    octets.truncate(len);
    octets.push(0);
    assert_eq!(decode(&octets), [Ok(Message::Ack(Ack { boot: 7, seq: Seq(9) }))]);
}
