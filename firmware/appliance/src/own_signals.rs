//! The box speaks for itself: its troubles, its restarts, its periodic test, accounts on test.

use hal::{Now, Wall};

use crate::signals::NewSignal;
use crate::voice::Fault;
use crate::{Appliance, PowerFacts};
use noc_messages::Severity;

/// Restarts without a station: so many are told, so that a box that restarts for ever fills no queue.
const MAX_RESETS: usize = 4;

impl Appliance {
    pub(crate) fn take_power(&mut self, facts: PowerFacts, now: Now) {
        let lost = facts.mains.map(|there| !there);
        self.power(Fault::Mains, "mains-lost", lost, now);
        self.power(Fault::Battery, "battery-low", facts.battery_low, now);
    }

    fn power(&mut self, fault: Fault, type_id: &str, present: Option<bool>, now: Now) {
        let Some(present) = present else { return };
        self.alarm.voice.set(fault, present, now);
        if present {
            self.raise("power", type_id, Severity::Major, "the power supply says so", now);
        } else {
            self.clear("power", type_id, now);
        }
    }

    /// E305, once for each start.
    pub(crate) fn tell_reset(&mut self, now: Now) {
        if self.own_undelivered("1305") < MAX_RESETS {
            self.own_signal(None, ("1305", "000"), now.wall, now);
        }
    }

    /// Everything of the box's own that is due.
    pub(crate) fn speak(&mut self, now: Now) {
        if self.alarm.stations.is_none() {
            return;
        }
        self.alarm.voice.set(Fault::Undelivered, self.alarm.is_overdue(now.tick), now);
        while let Some(due) = self.alarm.voice.due(now.tick) {
            let links = self.setup.stations.as_ref().map_or(&[][..], |s| &s.config.links);
            let event = format!("{}{}", if due.present { '1' } else { '3' }, due.fault.code(links));
            let signal = self.own_signal(None, (&event, &due.fault.zone()), due.occurred, now);
            self.alarm.voice.told(due, signal, now.tick);
        }
        if self.alarm.voice.test_due(now.tick) && self.own_undelivered("1602") == 0 {
            self.own_signal(None, ("1602", "000"), now.wall, now);
        }
    }

    /// Under the box's account at the first station, or another one.
    pub(crate) fn own_signal(
        &mut self,
        account: Option<&str>,
        (event, zone): (&str, &str),
        occurred: Option<Wall>,
        now: Now,
    ) -> Option<station::SignalKey> {
        let own = &self.setup.stations.as_ref()?.config.stations.first()?.address.account;
        let new = NewSignal {
            heard: None,
            account: account.unwrap_or(own).to_owned(),
            event: event.to_owned(),
            partition: "00".to_owned(),
            zone: zone.to_owned(),
            occurred,
        };
        self.submit(new, now)
    }

    fn own_undelivered(&self, event: &str) -> usize {
        let own = self.alarm.kept.undelivered.iter().filter(|s| s.heard.is_none());
        own.filter(|s| s.event == event).count()
    }
}
