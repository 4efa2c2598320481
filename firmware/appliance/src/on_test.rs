//! Accounts on test: their signals are delivered like any other, but marked as a technician's.

use core::time::Duration;
use std::collections::BTreeMap;

use hal::{Now, Tick, Wall};
use noc_messages::{Body, Class, OnTestBody};
use serde::{Deserialize, Serialize};
use station_wire::Address;

use crate::counter::Counter;
use crate::{Appliance, Entry, Order};

/// A test ends by itself after a day at the latest: nobody may forget it.
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);
/// More accounts than a site has panels.
const MAX_ACCOUNTS: usize = 64;

/// See the file's head.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Accounts(BTreeMap<String, Until>);

/// Whichever comes first. Without a believed clock at the order there is only the tick.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Until {
    wall: Option<Wall>,
    tick: Tick,
}

impl Accounts {
    /// An order that came without a believed clock is kept as if it came in 1970; it counts anew.
    pub(crate) fn recovered(kept: &BTreeMap<String, u64>, now: Now) -> Self {
        let longest = millis(LONGEST);
        let until = |until_ms: u64| {
            let wall = (until_ms > longest).then_some(Wall(until_ms));
            let left = match (wall, now.wall) {
                (Some(until), Some(now)) => until.0.saturating_sub(now.0),
                (Some(_), None) => longest,
                (None, _) => until_ms,
            };
            Until { wall, tick: now.tick + Duration::from_millis(left.min(longest)) }
        };
        let accounts = kept.iter().take(MAX_ACCOUNTS);
        Self(accounts.map(|(account, until_ms)| (account.clone(), until(*until_ms))).collect())
    }

    pub(crate) fn on_test(&self, account: &str) -> bool {
        self.0.contains_key(account)
    }

    pub(crate) fn names(&self) -> Vec<String> {
        self.0.keys().cloned().collect()
    }

    pub(crate) fn deadline(&self) -> Option<Tick> {
        self.0.values().map(|until| until.tick).min()
    }

    fn expired(&self, now: Now) -> Vec<String> {
        let over = |until: &Until| {
            until.tick <= now.tick || until.wall.zip(now.wall).is_some_and(|(until, now)| until <= now)
        };
        self.0.iter().filter(|(_, until)| over(until)).map(|(account, _)| account.clone()).collect()
    }
}

impl Appliance {
    pub(crate) fn take_order(&mut self, order: Order, now: Now) {
        let Order::OnTest { account, lasts, by } = order;
        match Address::new(0, 0, &account) {
            Ok(address) if lasts.is_zero() => self.end_test(&address.account, &by, now),
            Ok(address) => self.begin_test(&address.account, lasts.min(LONGEST), &by, now),
            Err(_) => self.counters.add(Counter::OrdersRefused, 1),
        }
    }

    pub(crate) fn expire_tests(&mut self, now: Now) {
        for account in self.alarm.accounts.expired(now) {
            self.end_test(&account, "expired", now);
        }
    }

    fn begin_test(&mut self, account: &str, lasts: Duration, by: &str, now: Now) {
        let accounts = &mut self.alarm.accounts.0;
        if accounts.len() >= MAX_ACCOUNTS && !accounts.contains_key(account) {
            return self.counters.add(Counter::OrdersRefused, 1);
        }
        let wall = now.wall.map(|wall| Wall(wall.0.saturating_add(millis(lasts))));
        let until = Until { wall, tick: now.tick + lasts };
        let prolonged = accounts.insert(account.to_owned(), until).is_some();
        let until_ms = Some(wall.map_or(millis(lasts), |wall| wall.0));
        self.keep(Entry::OnTest { account: account.to_owned(), until_ms, by: by.to_owned() }, now);
        self.record_test(account, Some(lasts.as_secs()), by, now);
        if !prolonged {
            self.own_signal(Some(account), ("1607", "000"), now.wall, now);
        }
    }

    fn end_test(&mut self, account: &str, by: &str, now: Now) {
        if !self.alarm.accounts.on_test(account) {
            return;
        }
        self.keep(Entry::OnTest { account: account.to_owned(), until_ms: None, by: by.to_owned() }, now);
        self.record_test(account, None, by, now);
        self.own_signal(Some(account), ("3607", "000"), now.wall, now);
        self.alarm.accounts.0.remove(account);
    }

    fn record_test(&mut self, account: &str, lasts_s: Option<u64>, by: &str, now: Now) {
        let (account, by) = (account.to_owned(), by.to_owned());
        let body = OnTestBody { account, on: lasts_s.is_some(), lasts_s, by };
        self.record(Class::Audit, Body::OnTest(body), now);
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
