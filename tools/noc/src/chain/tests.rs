use proptest::prelude::*;

use super::*;

const fn at(seq: u64) -> Position {
    Position { boot: 1, seq }
}

fn link(seq: u64, prev: Option<u64>) -> Link {
    Link { position: at(seq), prev: prev.map(at), fingerprint: u32::try_from(seq).unwrap() }
}

/// Takes records given as (seq, prev) and answers with the steps that the watermark made.
fn feed(chain: &mut Chain, records: &[(u64, Option<u64>)]) -> Vec<Skip> {
    let mut skips = Vec::new();
    for (seq, prev) in records {
        chain.follow(at(*seq));
        chain.take(link(*seq, *prev));
        skips.extend(core::iter::from_fn(|| chain.advance()));
    }
    skips
}

fn based_at_3() -> Chain {
    let mut chain = Chain::default();
    feed(&mut chain, &[(1, None), (3, Some(1))]);
    assert_eq!(chain.upto(), Some(at(3)));
    chain
}

#[test]
fn a_gap_holds_the_watermark_and_the_missing_record_heals_it() {
    let mut chain = based_at_3();
    assert_eq!(chain.take(link(9, Some(7))), Taken::Fresh { late: false, gap: true });
    assert_eq!(chain.advance(), None);
    assert_eq!(chain.upto(), Some(at(3)));

    assert_eq!(chain.take(link(7, Some(3))), Taken::Fresh { late: true, gap: false });
    assert_eq!(chain.advance(), None);
    assert_eq!(chain.upto(), Some(at(9)));
    assert!(chain.islands().is_empty());
}

#[test]
fn a_record_that_is_held_is_a_duplicate_below_the_watermark_and_in_islands() {
    let mut chain = based_at_3();
    feed(&mut chain, &[(9, Some(7)), (11, Some(9))]);
    for (seq, prev) in [(1, None), (3, Some(1)), (9, Some(7)), (11, Some(9))] {
        assert_eq!(chain.take(link(seq, prev)), Taken::Duplicate, "{seq}");
    }
    assert_eq!(chain.held(), 4);
}

#[test]
fn a_told_loss_moves_the_watermark_before_or_after_the_record_behind_it() {
    let told = Skip { after: Some(at(3)), before: at(9), why: Why::Told };

    let mut behind_first = based_at_3();
    assert!(feed(&mut behind_first, &[(9, Some(7))]).is_empty());
    behind_first.lose(Some(at(5)), Some(at(7)));
    assert_eq!(behind_first.advance(), Some(told));

    let mut loss_first = based_at_3();
    loss_first.lose(Some(at(5)), Some(at(7)));
    assert_eq!(feed(&mut loss_first, &[(9, Some(7))]), [told]);

    for chain in [behind_first, loss_first] {
        assert_eq!(chain.upto(), Some(at(9)));
    }
}

#[test]
fn a_told_loss_that_does_not_reach_the_gap_moves_nothing() {
    let mut chain = based_at_3();
    feed(&mut chain, &[(9, Some(7))]);
    chain.lose(Some(at(4)), Some(at(6)));
    assert_eq!(chain.advance(), None);
    assert_eq!(chain.upto(), Some(at(3)));
}

#[test]
fn a_record_told_lost_that_comes_after_all_is_taken_once() {
    let mut chain = based_at_3();
    chain.lose(Some(at(5)), Some(at(7)));
    feed(&mut chain, &[(9, Some(7))]);
    assert_eq!(chain.take(link(5, Some(3))), Taken::Fresh { late: true, gap: false });
    assert_eq!(chain.take(link(5, Some(3))), Taken::Duplicate);
    assert_eq!(chain.take(link(7, Some(5))), Taken::Fresh { late: true, gap: false });
    assert_eq!(chain.take(link(7, Some(5))), Taken::Duplicate);
    assert_eq!(chain.upto(), Some(at(9)));
}

#[test]
fn at_a_first_contact_the_base_is_the_head_that_two_runs_agree_on() {
    let mut chain = Chain::default();
    assert!(feed(&mut chain, &[(101, Some(100)), (102, Some(101))]).is_empty(), "no run began yet");
    assert!(feed(&mut chain, &[(95, Some(90)), (100, Some(95)), (101, Some(100))]).is_empty());
    assert_eq!(chain.upto(), None);

    let skips = feed(&mut chain, &[(95, Some(90))]);
    assert_eq!(skips, [Skip { after: None, before: at(95), why: Why::Base }]);
    assert_eq!(chain.upto(), Some(at(102)));
}

#[test]
fn a_birth_begins_a_run_and_another_head_begins_the_count_anew() {
    let mut chain = Chain::default();
    chain.expect_head();
    feed(&mut chain, &[(50, Some(49))]);
    chain.expect_head();
    feed(&mut chain, &[(40, Some(39))]);
    assert_eq!(chain.upto(), None, "the heads differ: the broker dropped something");
    chain.expect_head();
    feed(&mut chain, &[(40, Some(39))]);
    assert_eq!(chain.upto(), Some(at(40)), "and 50 still waits for what is between");
}

#[test]
fn a_gap_that_nobody_told_is_given_up_after_three_runs() {
    let mut chain = based_at_3();
    for round in 1..=3 {
        chain.expect_head();
        let skips = feed(&mut chain, &[(9, Some(7)), (11, Some(9))]);
        assert_eq!(skips.len(), usize::from(round == 3), "round {round}");
    }
    assert_eq!(chain.upto(), Some(at(11)));
}

#[test]
fn a_told_loss_of_unknown_place_needs_one_run() {
    let mut chain = based_at_3();
    feed(&mut chain, &[(9, Some(7))]);
    chain.lose(None, None);
    assert_eq!(chain.advance(), None);
    chain.expect_head();
    assert_eq!(feed(&mut chain, &[(9, Some(7))]).len(), 1);
    assert_eq!(chain.upto(), Some(at(9)));
}

#[test]
fn another_first_record_below_what_is_held_is_another_box() {
    let mut chain = based_at_3();
    let other = Link { fingerprint: 77, ..link(1, None) };
    assert_eq!(chain.take(other), Taken::Renumbered);

    let mut based_in_mid_chain = Chain::default();
    based_in_mid_chain.adopt(at(500));
    assert_eq!(based_in_mid_chain.take(link(1, None)), Taken::Renumbered);
}

#[test]
fn a_first_record_beyond_what_is_held_is_a_spool_that_began_anew() {
    let mut chain = based_at_3();
    feed(&mut chain, &[(9, Some(7))]);
    let skips = feed(&mut chain, &[(20, None), (21, Some(20))]);
    assert_eq!(skips.iter().map(|s| s.why).collect::<Vec<_>>(), [Why::Restarted, Why::Restarted]);
    assert_eq!(chain.upto(), Some(at(21)));
    assert_eq!(chain.take(link(20, None)), Taken::Duplicate);
}

#[test]
fn what_cannot_be_remembered_is_refused_and_taken_when_there_is_room() {
    let mut chain = based_at_3();
    let every_other: Vec<_> = (0..=32).map(|i| (10 + 2 * i, Some(9 + 2 * i))).collect();
    for (seq, prev) in &every_other[..32] {
        assert!(matches!(chain.take(link(*seq, *prev)), Taken::Fresh { .. }));
    }
    let (seq, prev) = every_other[32];
    assert_eq!(chain.take(link(seq, prev)), Taken::Refused);
    chain.take(link(11, Some(10)));
    assert!(matches!(chain.take(link(seq, prev)), Taken::Fresh { .. }));
}

#[test]
fn a_watermark_of_an_earlier_store_is_the_base() {
    let mut chain = Chain::default();
    feed(&mut chain, &[(501, Some(500))]);
    let skip = chain.adopt(at(500));
    assert_eq!(skip, Some(Skip { after: None, before: at(500), why: Why::EarlierStore }));
    assert_eq!(chain.upto(), Some(at(501)));
    assert_eq!(chain.adopt(at(500)), None);
}

/// Positions of a class: first seqs, then boots, with gaps as other classes leave them.
fn chain_of(steps: &[u64]) -> Vec<Link> {
    let mut links = Vec::new();
    let (mut seq, mut prev) = (0, None);
    for (i, step) in steps.iter().enumerate() {
        seq += step;
        let position = Position { boot: 1 + u32::try_from(i / 7).unwrap(), seq };
        links.push(Link { position, prev, fingerprint: 5 });
        prev = Some(position);
    }
    links
}

proptest! {
    /// In whatever order and how often records arrive, the watermark never passes one that is
    /// missing, nothing is taken twice, and when all have come nothing is left behind a gap.
    #[test]
    fn the_watermark_is_the_longest_unbroken_beginning(
        steps in prop::collection::vec(1_u64..4, 1..60),
        order in prop::collection::vec(any::<prop::sample::Index>(), 0..200),
    ) {
        let links = chain_of(&steps);
        let mut chain = Chain::default();
        let mut came = vec![false; links.len()];
        let all = order.iter().map(|i| i.index(links.len())).chain(0..links.len());
        for i in all {
            match chain.take(links[i]) {
                Taken::Fresh { .. } => {
                    prop_assert!(!came[i]);
                    came[i] = true;
                }
                Taken::Duplicate => prop_assert!(came[i]),
                Taken::Refused => prop_assert!(!came[i] && chain.islands().len() == MAX_ISLANDS),
                Taken::Renumbered => prop_assert!(false, "one box only"),
            }
            prop_assert_eq!(chain.advance(), None);
            let unbroken = came.iter().take_while(|c| **c).count();
            prop_assert_eq!(chain.upto(), unbroken.checked_sub(1).map(|i| links[i].position));
        }
        prop_assert!(chain.islands().is_empty());
        prop_assert_eq!(chain.held(), u64::try_from(links.len()).unwrap());
    }

    /// No sequence of records and losses, however contradictory, breaks the bounds or moves the
    /// watermark back.
    #[test]
    fn nothing_a_site_says_breaks_the_bounds(
        said in prop::collection::vec((0_u8..4, 1_u64..30, prop::option::of(0_u64..30)), 0..300),
    ) {
        let mut chain = Chain::default();
        for (what, seq, other) in said {
            let before = chain.upto();
            match what {
                0 => chain.lose(other.map(at), Some(at(seq))),
                1 => chain.expect_head(),
                _ => { feed(&mut chain, &[(seq, other.filter(|o| *o < seq))]); }
            }
            prop_assert!(chain.upto() >= before);
            prop_assert!(chain.islands.len() <= MAX_ISLANDS);
            prop_assert!(chain.told.len() <= MAX_TOLD && chain.holes.len() <= MAX_HOLES);
            prop_assert!(chain.islands.iter().all(|i| i.first <= i.last && Some(i.last) > chain.upto));
        }
    }
}
