//! How fast links are judged.

use std::time::Duration;

use wan::Timing;

use crate::section::Section;
use crate::units::spell_time;

/// Rounds that a link must answer within the hold time to have proven anything.
const PROVING_ROUNDS: u32 = 5;

pub(super) fn timing(section: &Section<'_>) -> Option<Timing> {
    let time = |name| section.time(name).map(|at| at.value);
    let (active, standby) = (time("probe_active"), time("probe_standby"));
    let (metered, burst) = (time("probe_metered"), time("probe_burst"));
    let (floor, rounds) = (time("timeout_floor"), section.whole_number("rounds_down"));
    let (hold_down, failback) = (time("hold_down"), time("failback_after"));
    let timing = Timing {
        probe_active: active?,
        probe_standby: standby?,
        probe_metered: metered?,
        probe_burst: burst?,
        timeout_floor: floor?,
        rounds_down: u8::try_from(rounds?.value).expect("bounded by its key"),
        hold_down: hold_down?,
        failback_after: failback?,
    };
    refuse_contradictions(section, &timing);
    Some(timing)
}

fn refuse_contradictions(section: &Section<'_>, timing: &Timing) {
    let in_order = [
        ("probe_burst", timing.probe_burst, "probe_active", timing.probe_active),
        ("probe_active", timing.probe_active, "probe_standby", timing.probe_standby),
        ("probe_standby", timing.probe_standby, "probe_metered", timing.probe_metered),
    ];
    for (shorter, short, longer, long) in in_order.into_iter().filter(|(_, short, _, long)| short > long) {
        let (short, long) = (spell_time(short), spell_time(long));
        let what = format!("{short} contradicts {longer} = {long}: {shorter} must not be longer");
        // The one that was written is the one to blame.
        let key = if section.has(shorter) { shorter } else { longer };
        section.problem(key, what, format!("Shorten {shorter} or lengthen {longer}."));
    }
    let proving: Duration = timing.probe_burst * PROVING_ROUNDS;
    if timing.hold_down < proving {
        let what = format!(
            "{} holds fewer than {PROVING_ROUNDS} probes of probe_burst: a bad link may pass for a good one",
            spell_time(timing.hold_down)
        );
        section.warning("hold_down", what, format!("Make it {} or more.", spell_time(proving)));
    }
}
