//! What a power cut and a decaying flash leave.

use appliance::EvidenceReport;

use super::super::segments;
use super::stand::{Stand, acknowledged, at, signal, undelivered};

#[test]
fn a_cut_at_every_byte_of_the_last_line_costs_that_line_only() {
    let stand = Stand::new();
    let kept = stand.open();
    (0..3).for_each(|number| kept.handle.append(at(number), signal(number)));
    let (stored, _) = kept.close();
    let path = segments::path(&stand.dir(), 1);
    let before = std::fs::metadata(&path).unwrap().len();
    let kept = stand.open();
    kept.handle.append(at(3), signal(3));
    kept.close();
    let whole = std::fs::read(&path).unwrap();
    assert!(whole.len() as u64 > before);

    for end in usize::try_from(before).unwrap()..=whole.len() {
        std::fs::write(&path, &whole[..end]).unwrap();
        let kept = stand.open();
        let expected: &[u64] = if end == whole.len() { &[0, 1, 2, 3] } else { &[0, 1, 2] };
        assert_eq!(undelivered(&kept.recovery), expected, "cut at {end} of {}", whole.len());

        kept.handle.append(at(9), acknowledged(0));
        let (newest, reports) = kept.close();

        assert!(newest.newest > stored.newest, "cut at {end}");
        assert!(!reports.iter().any(|r| matches!(r, EvidenceReport::Failed { .. })), "{reports:?}");
        let audit = stand.audit();
        assert_eq!((audit.faults(), audit.chain()), (0, newest), "cut at {end}");
    }
}

#[test]
fn a_cut_at_any_offset_behind_the_last_fdatasync_loses_nothing_stored() {
    let stand = Stand::of(2_000, 64);
    let mut number = 0;
    for cut in (0..400).step_by(23) {
        let kept = stand.open();
        assert_eq!(kept.recovery.next_signal, number, "what was stored before is there");
        for _ in 0..3 {
            kept.handle.append(at(number), signal(number));
            kept.handle.append(at(number), acknowledged(number));
            number += 1;
        }
        let (stored, _) = kept.close();

        // Not yet synced: any part of it, also none, also with a hole, may have reached the flash.
        let newest = *segments::list(&stand.dir()).unwrap().last().unwrap();
        let path = segments::path(&stand.dir(), newest);
        let mut bytes = std::fs::read(&path).unwrap();
        bytes.extend(&[b'x'; 400][..cut]);
        bytes.extend(vec![0; cut % 5]);
        std::fs::write(&path, bytes).unwrap();
        assert_eq!(stand.audit().chain(), stored);
    }
    assert_eq!(stand.audit().faults(), 0);
}

#[test]
fn a_segment_that_was_begun_but_not_written_is_no_loss() {
    for begun in ["", "9f3c01aa {\"n\":", "\0\0\0\0"] {
        let stand = Stand::new();
        let kept = stand.open();
        kept.handle.append(at(1), signal(1));
        kept.close();
        std::fs::write(segments::path(&stand.dir(), 2), begun).unwrap();

        let kept = stand.open();
        assert_eq!(undelivered(&kept.recovery), [1], "{begun:?}");
        kept.handle.append(at(2), acknowledged(1));
        kept.close();

        assert_eq!(stand.audit().faults(), 0, "{begun:?}");
        assert_eq!(undelivered(&stand.open().recovery), [0; 0], "{begun:?}");
    }
}

#[test]
fn damage_in_the_middle_is_told_in_the_log_and_the_rest_is_believed() {
    let stand = Stand::new();
    let kept = stand.open();
    (0..5).for_each(|number| kept.handle.append(at(number), signal(number)));
    kept.close();
    let path = segments::path(&stand.dir(), 1);
    let mut bytes = std::fs::read(&path).unwrap();
    let third = bytes.split_inclusive(|b| *b == b'\n').take(3).map(<[u8]>::len).sum::<usize>();
    bytes[third + 50] ^= 4;
    std::fs::write(&path, &bytes).unwrap();

    let kept = stand.open();
    assert_eq!(undelivered(&kept.recovery), [0, 1, 3, 4]);
    kept.handle.append(at(9), signal(9));
    let (_, reports) = kept.close();

    assert!(matches!(reports[0], EvidenceReport::Failed { lost: 1, .. }), "{reports:?}");
    assert_eq!(std::fs::read(&path).unwrap(), bytes, "what cannot be read is left as it is");
    let told: Vec<_> = stand.entries().into_iter().filter(|e| e["kind"] == "unreadable").collect();
    assert_eq!(told, [serde_json::json!({ "kind": "unreadable", "after": 3, "lines": 1 })]);
    assert_eq!(stand.audit().faults(), 1);

    let again = stand.open();
    assert_eq!(undelivered(&again.recovery), [0, 1, 3, 4, 9]);
    again.handle.append(at(10), acknowledged(9));
    let (_, reports) = again.close();
    assert!(!reports.iter().any(|r| matches!(r, EvidenceReport::Failed { .. })), "told once: {reports:?}");
}

#[test]
fn a_checkpoint_that_cannot_be_read_is_replaced_by_the_segments_before_it() {
    let stand = Stand::of(600, 64);
    let kept = stand.open();
    (0..20).for_each(|number| kept.handle.append(at(number), signal(number)));
    kept.close();
    // One at a time, so that segments change between them.
    (20..24).for_each(|number| {
        let kept = stand.open();
        kept.handle.append(at(number), signal(number));
        kept.close();
    });
    let newest = *segments::list(&stand.dir()).unwrap().last().unwrap();
    assert!(newest > 2, "several segments");
    let path = segments::path(&stand.dir(), newest);
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[12] ^= 1;
    std::fs::write(&path, bytes).unwrap();

    let kept = stand.open();

    assert_eq!(undelivered(&kept.recovery), (0..24).collect::<Vec<_>>());
}
