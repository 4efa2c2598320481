//! What the machine tells, as values: logs, records and the demo's narration are made from these.

use core::time::Duration;

use hal::{Family, LinkId};
use serde::{Deserialize, Serialize};

/// Something worth a record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Notice {
    /// The judgement of a link changed from one that stands to another: up, down, no carrier, no
    /// address. Those on the way (probing, suspect, hold-down) are in the status only.
    Judged {
        /// Which link.
        link: LinkId,
        /// In which family.
        family: Family,
        /// Before.
        from: Verdict,
        /// Since now.
        to: Verdict,
        /// The evidence.
        why: VerdictWhy,
    },
    /// Traffic moved; the kernel has acknowledged it.
    Switched {
        /// In which family.
        family: Family,
        /// `None` at the first choice after start.
        from: Option<LinkId>,
        /// Where traffic goes.
        to: LinkId,
        /// The reason for the choice.
        why: Why,
        /// From the decision to the kernel's acknowledgement as the loop saw it.
        took: Duration,
    },
    /// No link of this family works; the last route was kept.
    AllDown {
        /// In which family.
        family: Family,
    },
    /// At least one link of this family works again.
    AnyUp {
        /// In which family.
        family: Family,
    },
}

/// The state of a link in one family.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// The interface is missing or has no carrier.
    NoCarrier,
    /// No usable address or gateway.
    NoAddress,
    /// Never judged since its facts last changed.
    Probing,
    /// Carries traffic.
    Up,
    /// A round was missed; the burst is deciding.
    Suspect,
    /// Does not carry traffic.
    Down,
    /// Answers again, must prove itself for the hold time.
    HoldDown,
}

/// The evidence behind a verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VerdictWhy {
    /// The kernel reported the interface's state.
    Carrier,
    /// Address or gateway appeared, changed or went.
    Addressing,
    /// A quorum of targets answered.
    Answered,
    /// One round found no quorum.
    RoundMissed,
    /// This many rounds in a row found no quorum.
    RoundsMissed(u8),
    /// Routers or the kernel said that nothing can arrive.
    Unreachable,
    /// Every round was answered for the hold time.
    HoldTimePassed,
}

/// Why a link was chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Why {
    /// The first choice after start; nothing carried traffic before.
    First,
    /// At start the kernel already routed this way.
    Adopted,
    /// The link in use still works and nothing is clearly better.
    KeepCurrent,
    /// The link in use has no carrier.
    CurrentLostCarrier,
    /// The link in use has no address.
    CurrentLostAddress,
    /// The link in use is down.
    CurrentDown,
    /// A preferred link has been up for the failback time.
    Failback,
    /// A preferred link is up, but not for long enough.
    WaitForFailback,
    /// Nothing works: stay where we are.
    AllDown,
}
