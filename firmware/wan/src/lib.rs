//! Which link carries the site.
//!
//! Facts come in ([`LinkFacts`], [`ProbeOutcome`], [`RoutesApplied`]), actions go out ([`Action`]).
//! The machine never asks the clock, never opens a socket and never believes that a route was
//! changed until it is told so.
//!
//! ```text
//!  facts, outcomes ──> probe_window ──> link_health ──> election ──> failover ──> actions
//!                      sent/answered    verdict + why   Choice{why}   RoutePlan
//! ```

mod action;
mod config;
mod election;
mod explain;
mod facts;
mod failover;
mod jitter;
mod lane;
mod link_health;
mod notice;
mod per_family;
mod probe_window;
mod reach;
mod schedule;
mod settle;
mod status;
mod wan;

pub use action::{Action, FamilyPlan, Hop, Probe, RoutePlan};
pub use config::{LinkConfig, Timing, WanConfig};
pub use facts::{Addressing, Failure, LinkFacts, ProbeOutcome, ProbeResult, RoutesApplied};
pub use notice::{Notice, Verdict, VerdictWhy, Why};
pub use reach::Reach;
pub use status::{FamilyStatus, LinkStatus, TargetStatus, WanCounters, WanStatus};
pub use wan::Wan;
