//! SIA DC-09 (2021): how a signal travels to an alarm receiving centre.
//!
//! Requests to bytes, bytes to replies; no sockets, no clock, no retries. `station` decides when what
//! is sent and whether a reply counts.
//!
//! Lenient where receivers in the field are wrong in harmless ways, strict where a lie could make a
//! panel hang up: [`Reply::acknowledges`] is the one place that says "delivered".

mod crypto;
mod envelope;
mod reply;
mod request;
mod stream;
mod timestamp;

pub use crypto::{Key, KeyError};
pub use reply::{Doubt, Reply, ReplyFault, ReplyKind};
pub use request::{Address, AddressError, Content, Request, Sequence, SupervisionFormat};
pub use stream::{MAX_FRAME, Splitter};
pub use timestamp::Timestamp;
