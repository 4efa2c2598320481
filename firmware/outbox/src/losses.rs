//! What was lost, gathered until it may be told: a flood of evictions must not be a flood of records.

use std::collections::{BTreeMap, VecDeque};

use core::time::Duration;

use hal::Tick;
use noc_messages::{Class, LossBody, Position};
use serde::{Deserialize, Serialize};

/// At most one loss record per class in this time.
const TOLD_AT_MOST_EVERY: Duration = Duration::from_secs(10);
/// Loss records that the collector may not have yet; with one per class in ten seconds, minutes of
/// losses. Beyond that the oldest is not remembered.
const MAX_TOLD: usize = 64;

/// Records that are gone, of one class.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Loss {
    count: u64,
    first: Option<Position>,
    last: Option<Position>,
    why: String,
}

impl Loss {
    fn of(body: &LossBody) -> Self {
        Self { count: body.count, first: body.first, last: body.last, why: body.why.clone() }
    }

    /// Both, as one. An unknown first stays unknown.
    fn and(&self, other: Self) -> Self {
        Self {
            count: self.count.saturating_add(other.count),
            first: self.first.min(other.first),
            last: self.last.max(other.last),
            why: if self.why == other.why { other.why } else { "full and damaged".to_owned() },
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Told {
    at: Position,
    class: Class,
    loss: Loss,
}

/// Untold losses, and told ones that could themselves be lost.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Losses {
    untold: BTreeMap<Class, Loss>,
    told: VecDeque<Told>,
    not_before: Tick,
}

impl Losses {
    pub(crate) fn add(&mut self, loss: &LossBody) {
        self.merge(loss.class, Loss::of(loss));
    }

    fn merge(&mut self, class: Class, loss: Loss) {
        let sum = match self.untold.remove(&class) {
            Some(untold) => untold.and(loss),
            None => loss,
        };
        self.untold.insert(class, sum);
    }

    pub(crate) fn due(&self) -> Option<Tick> {
        (!self.untold.is_empty()).then_some(self.not_before)
    }

    /// Records whose loss is untold.
    pub(crate) fn untold(&self) -> u64 {
        self.untold.values().map(|loss| loss.count).sum()
    }

    /// The losses to be told, one per class.
    pub(crate) fn take(&mut self, now: Tick) -> Vec<LossBody> {
        if self.due().is_none_or(|at| at > now) {
            return Vec::new();
        }
        self.not_before = now + TOLD_AT_MOST_EVERY;
        let untold = core::mem::take(&mut self.untold).into_iter();
        untold
            .map(|(class, loss)| LossBody {
                class,
                count: loss.count,
                first: loss.first,
                last: loss.last,
                why: loss.why,
            })
            .collect()
    }

    /// The word of a loss is a record like others, at this place.
    pub(crate) fn told(&mut self, at: Position, body: &LossBody) {
        if self.told.len() == MAX_TOLD {
            self.told.pop_front();
        }
        self.told.push_back(Told { at, class: body.class, loss: Loss::of(body) });
    }

    /// State records up to here are with the collector, loss records among them.
    pub(crate) fn released(&mut self, upto: Position) {
        self.told.retain(|t| t.at > upto);
    }

    /// State records were lost: losses told among them are untold again.
    pub(crate) fn untell(&mut self, first: Option<Position>, last: Position) {
        let told = core::mem::take(&mut self.told).into_iter();
        let (lost, kept): (Vec<Told>, _) = told.partition(|t| Some(t.at) >= first && t.at <= last);
        self.told = kept.into();
        for told in lost {
            self.merge(told.class, told.loss);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seq: u64) -> Position {
        Position { boot: 1, seq }
    }

    fn loss(class: Class, count: u64, range: Option<(u64, u64)>) -> LossBody {
        let (first, last) = (range.map(|r| at(r.0)), range.map(|r| at(r.1)));
        LossBody { class, count, first, last, why: "full".to_owned() }
    }

    #[test]
    fn many_evictions_are_one_loss_record_in_ten_seconds() {
        let mut losses = Losses::default();
        losses.add(&loss(Class::State, 2, Some((1, 2))));
        assert_eq!(losses.take(Tick(0)).len(), 1);

        losses.add(&loss(Class::State, 1, Some((5, 5))));
        losses.add(&loss(Class::State, 3, Some((7, 9))));

        assert!(losses.take(Tick(9_999)).is_empty());
        let told = losses.take(Tick(10_000));
        assert_eq!(
            (told.len(), told[0].count, told[0].first, told[0].last),
            (1, 4, Some(at(5)), Some(at(9)))
        );
        assert_eq!(losses.due(), None);
    }

    #[test]
    fn two_equal_losses_count_twice() {
        let mut losses = Losses::default();
        losses.add(&loss(Class::State, 2, None));
        losses.add(&loss(Class::State, 2, None));
        assert_eq!(losses.take(Tick(0))[0].count, 4);
    }

    #[test]
    fn a_loss_record_that_is_lost_itself_is_told_again() {
        let mut losses = Losses::default();
        losses.add(&loss(Class::Signal, 2, Some((1, 2))));
        let body = losses.take(Tick(0)).remove(0);
        losses.told(at(10), &body);

        losses.untell(Some(at(9)), at(11));

        assert_eq!(losses.take(Tick(20_000)), [body]);
    }
}
