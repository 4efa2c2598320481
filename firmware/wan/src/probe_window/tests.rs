use super::*;

const MS: Duration = Duration::from_millis(1);

#[test]
fn a_round_is_answered_by_its_quorum_and_missed_at_its_deadline() {
    // (quorum, answered targets of 3, missed at the deadline)
    let table = [
        (1, 0, true),
        (1, 1, false),
        (2, 1, true),
        (2, 2, false),
        (3, 2, true),
        (9, 3, false),
        (0, 1, false),
    ];
    for (quorum, answered, missed) in table {
        let mut window = ProbeWindow::new(3, quorum, 200 * MS);
        let number = window.send(200 * MS, Tick(0));
        for target in 0..answered {
            window.note(number, target, answer(10));
        }

        window.expire(Tick(750));

        let evidence = window.evidence();
        assert_eq!(
            (evidence.missed_in_row == 1, evidence.answered_in_row == 1),
            (missed, !missed),
            "{quorum} {answered}"
        );
    }
}

#[test]
fn nothing_is_missed_before_its_deadline() {
    let mut window = one_target();
    window.send(200 * MS, Tick(0));

    window.expire(Tick(749));
    assert_eq!((window.evidence().missed_in_row, window.deadline()), (0, Some(Tick(750))));

    window.expire(Tick(750));
    assert_eq!((window.evidence().missed_in_row, window.deadline()), (1, None));
}

#[test]
fn a_late_reply_repairs_the_round_and_the_statistics() {
    let mut window = one_target();
    let number = window.send(200 * MS, Tick(0));
    window.expire(Tick(750));
    assert_eq!((window.loss_pct(), window.target_loss_pct(0, Tick(750))), (Some(100), Some(100)));

    window.note(number, 0, answer(900));

    assert_eq!(window.evidence(), Evidence { answered_in_row: 1, ..Evidence::default() });
    assert_eq!((window.loss_pct(), window.target_loss_pct(0, Tick(900))), (Some(0), Some(0)));
}

#[test]
fn a_reply_older_than_the_ceiling_repairs_statistics_but_proves_nothing() {
    let mut window = one_target();
    let number = window.send(200 * MS, Tick(0));
    window.expire(Tick(750));

    let noted = window.note(number, 0, answer(2_001));

    assert_eq!(noted, Noted::Undecided);
    assert_eq!(window.evidence().missed_in_row, 1);
    assert_eq!(window.target_loss_pct(0, Tick(3_000)), Some(0));
    assert_eq!(window.srtt_us(), None);
}

#[test]
fn a_round_is_lost_at_once_when_routers_make_its_quorum_impossible() {
    // (quorum, unreachable of 3, decided)
    for (quorum, unreachable, decided) in
        [(1, 2, false), (1, 3, true), (2, 1, false), (2, 2, true), (3, 1, true)]
    {
        let mut window = ProbeWindow::new(3, quorum, 200 * MS);
        let number = window.send(200 * MS, Tick(0));

        for target in 0..unreachable {
            window.note(number, target, ProbeResult::Failed(Failure::Unreachable));
        }

        let expected =
            Evidence { missed_in_row: u8::from(decided), unreachable: decided, answered_in_row: 0 };
        assert_eq!(window.evidence(), expected, "{quorum} {unreachable}");
    }
}

#[test]
fn a_socket_that_cannot_send_is_a_loss_at_the_deadline_not_before() {
    let mut window = one_target();
    let number = window.send(200 * MS, Tick(0));

    window.note(number, 0, ProbeResult::Failed(Failure::Socket));

    assert_eq!(window.evidence().missed_in_row, 0);
    window.expire(Tick(750));
    assert_eq!(window.evidence(), Evidence { missed_in_row: 1, ..Evidence::default() });
}

#[test]
fn an_end_noticed_too_late_discards_the_round() {
    // (interval, noticed after the deadline, missed)
    let table = [
        (200, 100, true),
        (200, 101, false),
        (50, 25, true),
        (50, 26, false),
        (30_000, 500, true),
        (30_000, 501, false),
    ];
    for (interval, late, missed) in table {
        let mut window = one_target();
        window.send(interval * MS, Tick(0));

        let expired = window.expire(Tick(750 + late));

        assert_eq!((expired.in_time == 1, expired.too_late == 1), (missed, !missed), "{interval} {late}");
        assert_eq!(window.evidence().missed_in_row == 1, missed);
        assert_eq!(window.loss_pct().is_some(), missed, "what is discarded is no loss");
        assert_eq!(window.target_loss_pct(0, Tick(2_000)).is_some(), missed);
    }
}

#[test]
fn only_the_latest_run_of_rounds_counts_and_open_ones_do_not() {
    // Newest last: a answered, m missed, o open.
    let table = [
        ("", 0, 0),
        ("o", 0, 0),
        ("aa", 0, 2),
        ("am", 1, 0),
        ("mma", 0, 1),
        ("amm", 2, 0),
        ("ammo", 2, 0),
        ("moa", 0, 1),
    ];
    for (story, missed, answered) in table {
        let mut window = one_target();
        let sent: Vec<(u32, char)> = story
            .chars()
            .map(|what| {
                let number = window.send(20_000 * MS, Tick(if what == 'o' { 1_000 } else { 0 }));
                (number, what)
            })
            .collect();
        for (number, _) in sent.iter().filter(|(_, what)| *what == 'a') {
            window.note(*number, 0, answer(10));
        }

        window.expire(Tick(1_000));

        let evidence = window.evidence();
        assert_eq!((evidence.missed_in_row, evidence.answered_in_row), (missed, answered), "{story}");
    }
}

#[test]
fn the_timeout_follows_the_round_trip_between_floor_and_ceiling() {
    // (round trip of every answer in ms, timeout in ms)
    for (rtt, timeout) in [(1, 200), (50, 200), (51, 204), (100, 400), (500, 2_000), (1_900, 2_000)] {
        let mut window = one_target();
        assert_eq!(window.timeout(), TIMEOUT_UNKNOWN);
        let number = window.send(200 * MS, Tick(0));

        window.note(number, 0, answer(rtt));

        assert_eq!(window.timeout(), timeout * MS, "{rtt}");
    }
}

#[test]
fn the_round_trip_rises_by_half_and_falls_by_an_eighth() {
    let mut window = one_target();
    for (rtt, srtt_us) in [(100, 100_000), (300, 200_000), (200, 200_000), (120, 190_000)] {
        let number = window.send(200 * MS, Tick(0));
        window.note(number, 0, answer(rtt));
        assert_eq!(window.srtt_us(), Some(srtt_us), "{rtt}");
    }
}

#[test]
fn the_round_trip_is_that_of_the_quorum_not_of_the_slowest_target() {
    let mut window = ProbeWindow::new(3, 2, 200 * MS);
    let number = window.send(200 * MS, Tick(0));

    for (target, rtt) in [(0, 10), (1, 30), (2, 700)] {
        window.note(number, target, answer(rtt));
    }

    assert_eq!(window.srtt_us(), Some(30_000));
    assert_eq!(window.target_rtt_us(2), Some(700_000));
}

#[test]
fn strangers_and_duplicates_are_odd() {
    let mut window = one_target();
    let number = window.send(200 * MS, Tick(0));

    assert_eq!(window.note(number + 1, 0, answer(10)), Noted::Odd);
    assert_eq!(window.note(number, 1, answer(10)), Noted::Odd);
    assert_eq!(window.note(number, 0, answer(10)), Noted::Decided);
    assert_eq!(window.note(number, 0, answer(11)), Noted::Odd);
    assert_eq!(window.note(number, 0, ProbeResult::Failed(Failure::Unreachable)), Noted::Odd);
    assert_eq!(window.target_rtt_us(0), Some(10_000));
}

#[test]
fn what_was_sent_over_another_path_is_no_evidence() {
    let mut window = one_target();
    let number = window.send(200 * MS, Tick(0));

    window.clear();

    assert_eq!(window.note(number, 0, answer(10)), Noted::Odd);
    assert_eq!((window.evidence(), window.deadline()), (Evidence::default(), None));
    assert_ne!(window.send(200 * MS, Tick(0)), number);
}

#[test]
fn the_window_forgets_the_oldest_round_and_survives_the_wrap_of_numbers() {
    let mut window = one_target();
    window.next_number = u32::MAX - 2;
    window.open_from = window.next_number;
    for n in 0..300_u64 {
        let number = window.send(200 * MS, Tick(n * 1_000));
        if n % 2 == 0 {
            assert_eq!(window.note(number, 0, answer(10)), Noted::Decided, "{n}");
        } else {
            assert_eq!(window.expire(Tick(n * 1_000 + 200)).in_time, 1, "{n}");
        }
    }

    assert_eq!((window.rounds.len(), window.loss_pct(), window.deadline()), (WINDOW_ROUNDS, Some(50), None));
}

fn one_target() -> ProbeWindow {
    ProbeWindow::new(1, 1, 200 * MS)
}

const fn answer(rtt_ms: u32) -> ProbeResult {
    ProbeResult::Answered { rtt_us: rtt_ms * 1_000 }
}
