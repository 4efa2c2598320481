//! What the NOC reads and asks: topics and JSON messages, version 1.
//!
//! `README.md` beside this crate shows every message with an example.
//!
//! A message once shipped keeps its meaning for ever; new meaning is a new field or a new kind.
//! Nothing else in the project formats a topic.

mod body;
mod record;
mod signal;
mod site_id;
mod state;
pub mod topics;
mod watermark;

pub use body::{
    Body, CardBody, ConditionBody, LineBody, LinkMetrics, LossBody, MetricsBody, StartBody, SwitchBody,
    VerdictBody,
};
pub use record::{Class, Position, Record, Stamp};
pub use signal::{DeliveryBody, OnTestBody, SignalBody};
pub use site_id::{SiteId, SiteIdError};
pub use state::{ActiveCondition, Presence, PresenceState, Severity, StateDocument};
pub use watermark::Watermark;

/// The version of every message here; part of every topic.
pub const VERSION: u8 = 1;

/// The largest message the box accepts or sends, bytes. rumqttc and the broker are told the same.
pub const MAX_MESSAGE: usize = 64 * 1024;
