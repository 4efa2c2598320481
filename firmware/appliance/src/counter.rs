//! Everything that is counted rather than told one by one.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// What is counted. The name in JSON is the name in metrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Counter {
    /// Frames from the card with a bad checksum, length or encoding.
    CardFramesDamaged,
    /// Frames from the card of an unknown type.
    CardFramesUnknown,
    /// Events that the card dropped while nobody listened.
    CardEventsLost,
    /// Card events acknowledged before they were stored, because the store was slow.
    CardAcksBeforeStored,
    /// What ears heard on a card that is gone or was reset since.
    CardStaleEvents,
    /// Signals that nobody took because too many wait.
    SignalsNotTaken,
    /// Orders with an account that is none, or for more accounts than are kept.
    OrdersRefused,
    /// Frames to a station that cannot have arrived.
    StationSendFailures,
    /// Frames or datagrams from a station's address that are no replies.
    StationOddFrames,
    /// Replies that acknowledge nothing we wait for.
    StationDoubtfulReplies,
    /// Signals that a station did not want.
    StationRefusals,
    /// Entries of the evidence that were dropped to keep within bounds.
    EvidenceDropped,
    /// Entries of the evidence that could not be written.
    EvidenceLost,
    /// Messages from the broker that could not be taken: too large or not text.
    MqttOddMessages,
    /// Messages below `noc/` on a topic that nobody reads.
    MqttUnknownTopics,
    /// Watermarks that were no watermarks.
    MqttBadWatermarks,
    /// Connections lost or failed.
    MqttLosses,
    /// Foreign changes of our routes, rules or firewall that were put right.
    NetRepairs,
    /// Requests that the kernel refused.
    NetRefusals,
}

/// The counters of this run of the daemon.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Counters(BTreeMap<Counter, u64>);

impl Counters {
    pub(crate) fn add(&mut self, counter: Counter, count: u64) {
        if count > 0 {
            let value = self.0.entry(counter).or_default();
            *value = value.saturating_add(count);
        }
    }

    /// By their names in JSON.
    pub(crate) fn by_name(&self) -> BTreeMap<String, u64> {
        self.0.iter().map(|(counter, count)| (counter.name(), *count)).collect()
    }
}

impl Counter {
    fn name(self) -> String {
        match serde_json::to_value(self) {
            Ok(serde_json::Value::String(name)) => name,
            Ok(_) | Err(_) => format!("{self:?}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_counter_is_named_as_in_json_and_appears_once_it_counted() {
        let mut counters = Counters::default();
        counters.add(Counter::MqttLosses, 0);
        assert!(counters.by_name().is_empty());
        counters.add(Counter::MqttLosses, 2);
        counters.add(Counter::MqttLosses, 1);
        assert_eq!(counters.by_name(), BTreeMap::from([("mqtt_losses".to_owned(), 3)]));
    }
}
