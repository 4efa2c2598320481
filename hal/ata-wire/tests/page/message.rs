//! A vector's fields to the message that they describe.

use ata_wire::limits::AUDIO_OCTETS;
use ata_wire::{
    Ack, Answer, Audio, CardHeartbeat, CardHello, CardState, Control, ControlKind, Event, EventKind, Fault,
    Feed, Greeting, HelloAck, HostHello, LineState, LineTest, Link, Message, Play, Seq, Step, TestOutcome,
    TonesEnd, VERSION, Versions, Window,
};

use super::{Vector, number};

pub(crate) fn message(vector: &Vector) -> Message {
    match vector.name() {
        "HostHello" => Message::HostHello(HostHello {
            versions: versions(vector),
            host_boot: vector.number("host_boot"),
        }),
        "CardHello" => Message::CardHello(CardHello { greeting: greeting(vector), answer: answer(vector) }),
        "HelloAck" => Message::HelloAck(HelloAck {
            link: link(vector),
            first_control: Seq(vector.number("first_control")),
        }),
        "HostHeartbeat" => Message::HostHeartbeat(link(vector)),
        "CardHeartbeat" => Message::CardHeartbeat(CardHeartbeat {
            card_boot: vector.number("card_boot"),
            sample: vector.number("sample"),
            host_age_ms: vector.number("host_age_ms"),
            events_lost: vector.number("events_lost"),
            queued: vector.number("queued"),
        }),
        "Ack" => Message::Ack(Ack { boot: vector.number("boot"), seq: Seq(vector.number("seq")) }),
        "Event" => Message::Event(Event {
            seq: Seq(vector.number("seq")),
            line: vector.number("line"),
            sample: vector.number("sample"),
            kind: kind(vector),
        }),
        "Control" => Message::Control(Control {
            seq: Seq(vector.number("seq")),
            line: vector.number("line"),
            kind: control(vector),
        }),
        "Audio" => Message::Audio(audio(vector)),
        other => panic!("PROTOCOL.md: vector of unknown message `{other}`"),
    }
}

fn versions(vector: &Vector) -> Versions {
    let (min, max) = vector.text("versions").split_once("..").expect("versions as min..max");
    Versions { min: number(min), max: number(max) }
}

fn link(vector: &Vector) -> Link {
    Link { host_boot: vector.number("host_boot"), card_boot: vector.number("card_boot") }
}

fn greeting(vector: &Vector) -> Greeting {
    Greeting {
        versions: versions(vector),
        card_boot: vector.number("card_boot"),
        host_boot: vector.number("host_boot"),
        firmware: heapless::String::try_from(vector.text("firmware")).expect("at most 32 octets"),
        serial: heapless::String::try_from(vector.text("serial")).expect("at most 24 octets"),
    }
}

fn answer(vector: &Vector) -> Answer {
    match vector.number::<u8>("chosen") {
        0 => Answer::None,
        VERSION => Answer::Current(CardState {
            self_test: vector.number("self_test"),
            codecs: vector.number("codecs"),
            queued: vector.number("queued"),
            first_seq: Seq(vector.number("first_seq")),
            events_lost: vector.number("events_lost"),
            sample: vector.number("sample"),
            lines: vector.all("line").iter().map(|line| line_state(line)).collect(),
        }),
        other => Answer::Other(other),
    }
}

/// For example `off-hook fed since=0x12340`.
fn line_state(text: &str) -> LineState {
    let words: Vec<&str> = text.split(' ').collect();
    let since = words.iter().find_map(|word| word.strip_prefix("since=")).expect("a line says since when");
    let has = |word| words.contains(&word);
    assert!(has("off-hook") != has("on-hook"), "`{text}`");
    LineState { off_hook: has("off-hook"), feed: has("fed"), reversed: has("reversed"), since: number(since) }
}

fn kind(vector: &Vector) -> EventKind {
    let has = |key| vector.has(key);
    match () {
        () if has("kind") => EventKind::Other(vector.number("kind")),
        () if has("hook") => {
            EventKind::HookChange { off_hook: choose(vector, "hook", &[("off", true), ("on", false)]) }
        }
        () if has("tones") => tones_ended(vector),
        () if has("ring_trip") => EventKind::RingTrip,
        () if has("fault") => EventKind::LineFault {
            fault: choose(vector, "fault", &[("foreign-voltage", Fault::ForeignVoltage)]),
            present: vector.number::<u8>("present") == 1,
        },
        () => EventKind::TestResult { test: line_test(vector), outcome: outcome(vector) },
    }
}

fn tones_ended(vector: &Vector) -> EventKind {
    let ends =
        [("completed", TonesEnd::Completed), ("stopped", TonesEnd::Stopped), ("too-late", TonesEnd::TooLate)];
    EventKind::TonesEnded {
        host_boot: vector.number("host_boot"),
        play: vector.number("play"),
        end: choose(vector, "tones", &ends),
        begun: vector.number("begun"),
    }
}

fn line_test(vector: &Vector) -> LineTest {
    let tests = [
        ("foreign-voltage", LineTest::ForeignVoltage),
        ("resistance", LineTest::Resistance),
        ("ringer", LineTest::Ringer),
    ];
    choose(vector, "test", &tests)
}

fn outcome(vector: &Vector) -> TestOutcome {
    if vector.has("measured") {
        return TestOutcome::Measured(vector.text("measured").parse().expect("a whole number"));
    }
    choose(vector, "refused", &[("in-use", TestOutcome::InUse), ("unsupported", TestOutcome::Unsupported)])
}

fn control(vector: &Vector) -> ControlKind {
    let flag = |key: &str| vector.number::<u8>(key) == 1;
    match vector.text("kind") {
        "feed" => ControlKind::Feed {
            feed: choose(
                vector,
                "feed",
                &[("off", Feed::Off), ("normal", Feed::Normal), ("reversed", Feed::Reversed)],
            ),
            withdraw_when_dead: flag("withdraw_when_dead"),
        },
        "ring" => ControlKind::Ring {
            on_ms: vector.number("on_ms"),
            off_ms: vector.number("off_ms"),
            bursts: vector.number("bursts"),
        },
        "play" => ControlKind::Play(Play {
            play: vector.number("play"),
            endless: flag("endless"),
            stop_on_digit: flag("stop_on_digit"),
            window: vector
                .has("earliest")
                .then(|| Window { earliest: vector.number("earliest"), latest: vector.number("latest") }),
            steps: vector.all("step").iter().map(|step| tone(step)).collect(),
        }),
        "stop" => ControlKind::Stop,
        "test" => ControlKind::Test(line_test(vector)),
        other => ControlKind::Other(number(other)),
    }
}

/// For example `350 440 -16 8000`: two frequencies, level, samples.
fn tone(text: &str) -> Step {
    let numbers: Vec<i64> = text.split(' ').map(|word| word.parse().expect("a whole number")).collect();
    let [low, high, level, samples] = numbers[..] else { panic!("PROTOCOL.md: step `{text}`") };
    let hertz = |number| u16::try_from(number).expect("a frequency");
    Step {
        frequencies: [hertz(low), hertz(high)],
        level_dbm0: i8::try_from(level).expect("a level"),
        samples: u32::try_from(samples).expect("a length"),
    }
}

fn choose<T: Copy>(vector: &Vector, key: &str, choices: &[(&str, T)]) -> T {
    let word = vector.text(key);
    let choice = choices.iter().find(|(name, _)| *name == word);
    choice.unwrap_or_else(|| panic!("PROTOCOL.md: {key} `{word}`")).1
}

fn audio(vector: &Vector) -> Audio {
    let octets: [u8; AUDIO_OCTETS] = vector.octets("octets").try_into().expect("80 octets");
    let (line, codec) = (vector.number("line"), vector.number("codec"));
    Audio { line, codec, sample_low: vector.number("sample_low"), octets }
}
