//! What the daemon is told when the card is missing, silent, odd or of another version.

mod common;

use appliance::CardEvent;
use ata_sim::Report;
use common::{Desk, PATIENCE};
use ports::card::CardConfig;

fn lost(event: CardEvent) -> String {
    let CardEvent::Lost { why } = event else { panic!("Lost expected, not {event:?}") };
    why
}

fn ready(event: &CardEvent) {
    assert!(matches!(event, CardEvent::Ready(_)), "Ready expected, not {event:?}");
}

#[test]
fn the_hello_says_who_the_card_is_and_how_its_lines_are() {
    let mut desk = Desk::ready(0.0);
    desk.command("off 1");
    desk.restart();
    let CardEvent::Ready(hello) = desk.next_but_garbage() else { panic!("the card is ready again") };
    assert_eq!(hello.serial, "DESK");
    assert!(hello.firmware.starts_with("holdfast-linecard "), "{}", hello.firmware);
    assert_eq!(hello.off_hook, [false, true]);
}

#[test]
fn a_missing_device_is_told_once_with_a_remedy_and_found_when_it_comes() {
    let mut desk = Desk::ready(0.0);
    desk.command("unplug 3");
    let gone = lost(desk.next_but_garbage());
    assert!(gone.contains("gone") && gone.contains("plug the card in"), "{gone}");
    let missing = lost(desk.next_but_garbage());
    assert!(missing.contains("No such file") && missing.contains("plug the card in"), "{missing}");
    ready(&desk.next_but_garbage());
    desk.command("off 0");
    assert_eq!(desk.keep_changes(1).0, desk.truth());
}

#[test]
fn changes_during_an_unplugged_time_come_afterwards() {
    let mut desk = Desk::ready(0.0);
    desk.command("unplug 1");
    desk.command("flip all 10 0");
    let (told, _) = desk.keep_changes(10);
    assert_eq!(told, desk.truth());
}

#[test]
fn a_silent_card_is_lost_once_and_ready_when_it_speaks() {
    let mut desk = Desk::ready(0.0);
    desk.command("silent 3");
    let why = lost(desk.next_but_garbage());
    assert!(why.contains("silent for more than 1000 ms"), "{why}");
    ready(&desk.next_but_garbage());
}

#[test]
fn a_card_that_hears_nothing_is_lost_although_it_speaks() {
    let mut desk = Desk::ready(0.0);
    // A card is judged deaf only by a host that has spoken steadily for two seconds.
    std::thread::sleep(std::time::Duration::from_millis(2_100));
    desk.command("deaf 4");
    let why = lost(desk.next_but_garbage());
    assert!(why.contains("has not heard us"), "{why}");
    ready(&desk.next_but_garbage());
}

#[test]
fn a_reset_card_is_ready_again_under_another_boot() {
    let mut desk = Desk::ready(0.0);
    desk.command("off 0");
    let (before, _) = desk.keep_changes(1);
    desk.command("reset");
    let CardEvent::Ready(hello) = desk.next_but_garbage() else { panic!("the card is ready again") };
    assert_ne!(hello.card_boot, before[0].3);
    assert_eq!(hello.off_hook, [false, false]);
    desk.command("off 0");
    let (after, _) = desk.keep_changes(1);
    assert_eq!((after[0].3, after[0].4), (hello.card_boot, 0));
}

#[test]
fn a_card_of_another_version_is_lost_with_both_versions_named() {
    let mut desk = Desk::ready(0.0);
    desk.command("version 7");
    let why = lost(desk.next_but_garbage());
    assert!(why.contains("protocol version 7, this program 1"), "{why}");
    desk.command("version 1");
    ready(&desk.next_but_garbage());
}

#[test]
fn garbage_is_counted_at_most_once_a_second_and_harms_no_event() {
    let mut desk = Desk::ready(0.0);
    desk.command("garbage 200000");
    desk.command("flip all 50 0");
    let began = std::time::Instant::now();
    let (told, mut others) = desk.keep_changes(50);
    assert_eq!(told, desk.truth());
    while !others.iter().any(|event| matches!(event, CardEvent::Garbage { damaged: 1.., .. })) {
        others.push(desk.next());
    }
    let told = others.iter().filter(|event| matches!(event, CardEvent::Garbage { .. })).count() as u64;
    assert!(told <= began.elapsed().as_secs() + 1, "{told} in {:?}", began.elapsed());
}

#[test]
fn a_device_that_another_program_holds_is_told_as_such() {
    let desk = Desk::ready(0.0);
    let device = desk.sim.reports().try_iter().find_map(device_of).expect("the pty was plugged");
    let (sender, mut events) = tokio::sync::mpsc::channel(8);
    let config = CardConfig { device: device.into(), baud: 921_600, lines: 2, seed: 9 };
    let second = ports::card::spawn(config, sender).expect("a thread");
    let until = std::time::Instant::now() + PATIENCE;
    let event = loop {
        assert!(std::time::Instant::now() < until, "told nothing");
        if let Ok(event) = events.try_recv() {
            break event;
        }
    };
    let why = lost(event);
    assert!(why.contains("another program holds it"), "{why}");
    second.stop();
}

fn device_of(report: Report) -> Option<String> {
    if let Report::Plugged { device, .. } = report { Some(device) } else { None }
}

#[test]
fn a_wire_that_takes_nothing_holds_nobody() {
    use nix::sys::termios::{FlowArg, tcflow};
    let pty = nix::pty::openpty(None, None).expect("a pty");
    tcflow(&pty.slave, FlowArg::TCOOFF).expect("a pty can be stopped");
    let device = nix::unistd::ttyname(&pty.slave).expect("a pty has a name");
    let (sender, mut events) = tokio::sync::mpsc::channel(8);
    let card = ports::card::spawn(CardConfig { device, baud: 921_600, lines: 2, seed: 9 }, sender);
    let card = card.expect("a thread");
    let why = lost(events.blocking_recv().expect("the thread lives"));
    assert!(why.contains("silent"), "{why}");
    let began = std::time::Instant::now();
    card.stop();
    assert!(began.elapsed() < std::time::Duration::from_secs(1), "{:?}", began.elapsed());
}

#[test]
fn a_thread_to_which_nobody_listens_ends() {
    let desk = Desk::ready(0.0);
    let Desk { card, events, .. } = desk;
    drop(events);
    let until = std::time::Instant::now() + PATIENCE;
    while card.is_alive() {
        assert!(std::time::Instant::now() < until, "still alive");
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
}
