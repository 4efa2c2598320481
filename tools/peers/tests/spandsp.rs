//! spandsp against itself: the wrapping is right before anything of ours is judged by it.

use peers::spandsp::{DigitDetector, DigitSender, Judgement, Panel, Receiver, Report, Voice};

const REPORT: Report =
    Report { account: 0x1234, message_type: 0x18, qualifier: 1, event: 0x131, partition: 0x01, zone: 0x015 };

/// Both on one line for so many blocks of 10 ms; what was heard, and the audio of the panel.
fn talk(panel: &mut Panel, receiver: &mut Receiver, blocks: usize) -> (Vec<Report>, Vec<i16>) {
    let (mut heard, mut audio) = (Vec::new(), Vec::new());
    let mut block = [0; 80];
    for _ in 0..blocks {
        receiver.say(&mut block);
        panel.hear(&block);
        panel.say(&mut block);
        audio.extend(block);
        heard.extend(receiver.hear(&block));
    }
    (heard, audio)
}

#[test]
fn a_panel_reaches_a_receiver_and_is_kissed_off() {
    let (mut panel, mut receiver) = (Panel::new().unwrap(), Receiver::new().unwrap());
    assert!(panel.put(REPORT));
    let (heard, _) = talk(&mut panel, &mut receiver, 400);
    assert_eq!(heard, [REPORT]);
    assert_eq!(panel.judgement(), Judgement { handshakes: 1, kiss_offs: 1, failures: 0 });
}

#[test]
fn a_panel_speaks_as_it_is_told() {
    for (on_ms, off_ms, low_dbm0, high_above_low_db) in [(50, 60, -10, 0), (60, 50, -30, -6)] {
        let (mut panel, mut receiver) = (Panel::new().unwrap(), Receiver::new().unwrap());
        panel.speak(Voice { on_ms, off_ms, low_dbm0, high_above_low_db });
        assert!(panel.put(REPORT));
        let (heard, audio) = talk(&mut panel, &mut receiver, 400);
        assert_eq!(heard, [REPORT], "{on_ms}/{off_ms}");
        let sounding = audio.iter().filter(|sample| **sample != 0).count();
        let expected = 16 * 8 * usize::from(on_ms);
        assert!(sounding.abs_diff(expected) < expected / 50, "{sounding} of {expected} samples sound");
        let peak = audio.iter().map(|sample| sample.unsigned_abs()).max().unwrap();
        assert_eq!(peak > 4_000, low_dbm0 == -10, "{peak}");
    }
}

#[test]
fn a_panel_that_is_busy_or_is_given_an_a_takes_nothing() {
    let mut panel = Panel::new().unwrap();
    assert!(!panel.put(Report { account: 0x12A4, ..REPORT }));
    assert!(panel.put(REPORT));
    assert!(!panel.put(REPORT));
}

#[test]
fn a_panel_that_hears_nothing_says_nothing() {
    let mut panel = Panel::new().unwrap();
    assert!(panel.put(REPORT));
    let mut block = [0; 80];
    for _ in 0..1_000 {
        panel.hear(&block);
        panel.say(&mut block);
        assert_eq!(block, [0; 80]);
    }
    assert_eq!(panel.judgement(), Judgement::default());
}

#[test]
fn all_sixteen_digits_are_sent_and_heard() {
    let (mut sender, mut detector) =
        (DigitSender::new(50, 50, -10, 0).unwrap(), DigitDetector::new(true).unwrap());
    sender.put("1234567890*#ABCD");
    let (mut heard, mut block, mut length) = (String::new(), [0; 80], 0);
    loop {
        let said = sender.say(&mut block);
        heard += &detector.hear(&block);
        length += said;
        if said == 0 {
            break;
        }
    }
    assert_eq!(heard, "1234567890*#ABCD");
    assert!(length.abs_diff(16 * 800) < 16, "{length} samples");
}
