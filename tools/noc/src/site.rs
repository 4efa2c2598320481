//! What the collector knows of one site: pure, told what came and when, answers with lines for the
//! store and things to tell.
//!
//! Whatever the lines say, read again in order, leads to the same knowledge.

use std::collections::BTreeMap;

use noc_messages::{Class, Position, Presence, PresenceState, SiteId, Watermark};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::chain::{Chain, Taken};
use crate::entry::Entry;
use crate::message::{Envelope, Message, StateHead};
use crate::telling::{Duplicates, Gap, Healed, Placed, RecordTold, Skipped, Telling};

/// One site.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Site {
    id: SiteId,
    era: u32,
    chains: BTreeMap<Class, Chain>,
    metrics: Metrics,
    duplicates: BTreeMap<Class, u64>,
    #[serde(skip)]
    presence: Option<Presence>,
    #[serde(skip)]
    stale_presence: Option<Presence>,
    #[serde(skip)]
    state: Option<StateHead>,
    #[serde(skip)]
    repeats: BTreeMap<Class, u64>,
}

/// Metrics may be lost: they are only kept apart, not chained.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Metrics {
    /// How many are held.
    pub held: u64,
    /// How often one named a predecessor that is not the one held.
    pub gaps: u64,
    /// The newest one held.
    pub newest: Option<Position>,
}

/// What a message leads to.
#[derive(Debug, Default)]
pub struct Outcome {
    /// To be committed, in order.
    pub entries: Vec<Entry>,
    /// To be told once that is done.
    pub tellings: Vec<Telling>,
    /// The state document to be kept.
    pub document: Option<Box<RawValue>>,
    /// The presence to be kept has changed.
    pub presence_changed: bool,
    /// The box should hear the watermark: it moved, or the box repeats itself.
    pub watermark_due: bool,
}

impl Site {
    /// A site of which nothing is known.
    #[must_use]
    pub const fn new(id: SiteId) -> Self {
        Self {
            id,
            era: 0,
            chains: BTreeMap::new(),
            metrics: Metrics { held: 0, gaps: 0, newest: None },
            duplicates: BTreeMap::new(),
            presence: None,
            stale_presence: None,
            state: None,
            repeats: BTreeMap::new(),
        }
    }

    /// What stays known beyond the lines: the retained messages, which come again at every start.
    pub fn remember(&mut self, presence: Option<Presence>, state: Option<StateHead>) {
        self.presence = presence;
        self.state = state;
    }

    /// Its name.
    #[must_use]
    pub const fn id(&self) -> &SiteId {
        &self.id
    }

    /// How often its numbering began anew.
    #[must_use]
    pub const fn era(&self) -> u32 {
        self.era
    }

    /// The durable classes of which anything is known.
    #[must_use]
    pub const fn chains(&self) -> &BTreeMap<Class, Chain> {
        &self.chains
    }

    /// The metrics.
    #[must_use]
    pub const fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    /// Duplicates per class.
    #[must_use]
    pub const fn duplicates(&self) -> &BTreeMap<Class, u64> {
        &self.duplicates
    }

    /// Is it there?
    #[must_use]
    pub const fn presence(&self) -> Option<&Presence> {
        self.presence.as_ref()
    }

    /// Records held, of all classes.
    #[must_use]
    pub fn held(&self) -> u64 {
        self.chains.values().map(Chain::held).sum::<u64>() + self.metrics.held
    }

    /// What the box may release.
    #[must_use]
    pub fn watermark(&self) -> Watermark {
        let upto = self.chains.iter().filter_map(|(class, chain)| Some((*class, chain.upto()?))).collect();
        Watermark { upto }
    }

    /// Something came.
    pub fn hear(&mut self, message: Message, how: How, out: &mut Outcome) {
        match message {
            Message::Record(envelope) => self.hear_record(&envelope, how, out),
            Message::Presence(presence) => self.hear_presence(presence, how, out),
            Message::State(head, document) => self.hear_state(head, document, out),
            Message::Watermark(watermark) => self.hear_watermark(&watermark, how, out),
        }
    }

    /// Duplicates since the last time are told together.
    pub fn tell_duplicates(&mut self, out: &mut Outcome) {
        for (class, count) in core::mem::take(&mut self.repeats) {
            let total = self.duplicates.entry(class).or_default();
            *total += count;
            out.watermark_due |= class != Class::Metric;
            let told = Duplicates { site: self.id.clone(), class, count, total: *total };
            out.tellings.push(Telling::Duplicates(told));
        }
    }

    /// Reads a committed line again.
    pub fn replay(&mut self, entry: &Entry) -> Option<Telling> {
        match entry {
            Entry::Checkpoint(site) => {
                let own = core::mem::replace(self, (**site).clone());
                self.remember(own.presence, own.state);
            }
            Entry::Era(line) => self.begin_era(line.era),
            Entry::Skip(line) => self.chains.entry(line.class).or_default().repeat(&line.skip),
            Entry::Record(line) => {
                let envelope = crate::message::reread(&self.id, line.record.get()).ok()?;
                self.replay_record(&envelope);
                let skip = self.chains.get_mut(&envelope.class)?.raise(line.upto?)?;
                return Some(Skipped::tell(&self.id, envelope.class, skip));
            }
        }
        None
    }

    fn replay_record(&mut self, envelope: &Envelope) {
        if envelope.class == Class::Metric {
            self.metrics.take(envelope);
            return;
        }
        self.chains.entry(envelope.class).or_default().take(envelope.link());
        self.note_loss(envelope);
    }

    fn hear_record(&mut self, envelope: &Envelope, how: How, out: &mut Outcome) {
        if envelope.class == Class::Metric {
            return self.hear_metric(envelope, how, out);
        }
        let chain = self.chains.entry(envelope.class).or_default();
        let before = chain.clone();
        if !how.redelivered {
            chain.follow(envelope.position);
        }
        match chain.take(envelope.link()) {
            Taken::Fresh { late, gap } => {
                let moved = chain.upto().filter(|_| chain.upto() != before.upto());
                out.entries.push(Entry::record(how.at_ms, moved, &envelope.text));
                out.tellings.push(Telling::Record(Box::new(RecordTold::new(&self.id, envelope, how.at_ms))));
                self.tell_place(envelope, &before, late, gap, out);
                self.note_loss(envelope);
            }
            Taken::Duplicate => *self.repeats.entry(envelope.class).or_default() += 1,
            Taken::Refused => out.tellings.push(Telling::Refused(self.placed(envelope))),
            Taken::Renumbered => {
                self.begin_era(self.era + 1);
                out.entries.push(Entry::era(how.at_ms, self.era));
                out.tellings.push(Telling::Renumbered { site: self.id.clone(), era: self.era });
                out.presence_changed = true;
                out.watermark_due = true;
                return self.hear_record(envelope, how, out);
            }
        }
        self.advance(how, out);
        out.watermark_due |= self.chains.get(&envelope.class).is_some_and(|c| c.upto() != before.upto());
    }

    fn tell_place(&self, envelope: &Envelope, before: &Chain, late: bool, gap: bool, out: &mut Outcome) {
        let (site, class) = (self.id.clone(), envelope.class);
        if late {
            out.tellings.push(Telling::OutOfOrder(self.placed(envelope)));
        }
        let upto = self.chains.get(&class).and_then(Chain::upto);
        if gap {
            let (missing, before) = (envelope.prev, envelope.position);
            out.tellings.push(Telling::Gap(Gap { site, class, upto, missing, before }));
        } else if !before.islands().is_empty() && upto > Some(envelope.position) && upto != before.upto() {
            out.tellings.push(Telling::Healed(Healed { site, class, upto }));
        }
    }

    /// A loss of one class may be told by a record of another: all are looked at.
    fn advance(&mut self, how: How, out: &mut Outcome) {
        for (class, chain) in &mut self.chains {
            while let Some(skip) = chain.advance() {
                out.entries.push(Entry::skip(how.at_ms, *class, skip));
                out.tellings.push(Skipped::tell(&self.id, *class, skip));
                out.watermark_due = true;
            }
        }
    }

    fn note_loss(&mut self, envelope: &Envelope) {
        let Some(loss) = envelope.loss.as_ref().filter(|loss| loss.class != Class::Metric) else { return };
        self.chains.entry(loss.class).or_default().lose(loss.first, loss.last);
    }

    fn hear_metric(&mut self, envelope: &Envelope, how: How, out: &mut Outcome) {
        if self.metrics.take(envelope) {
            out.entries.push(Entry::record(how.at_ms, None, &envelope.text));
            out.tellings.push(Telling::Record(Box::new(RecordTold::new(&self.id, envelope, how.at_ms))));
        } else {
            *self.repeats.entry(Class::Metric).or_default() += 1;
        }
    }

    fn hear_presence(&mut self, presence: Presence, how: How, out: &mut Outcome) {
        let connected = presence.state == PresenceState::Online && !how.retained && !how.redelivered;
        if connected {
            for class in Class::DURABLE {
                self.chains.entry(class).or_default().expect_head();
            }
        }
        let known = self.presence.as_ref();
        if known == Some(&presence) {
            return;
        }
        if known.is_some_and(|known| order(known) >= order(&presence)) {
            out.tellings.push(Telling::StalePresence(presence.clone()));
            self.stale_presence = Some(presence);
            return;
        }
        out.tellings.push(Telling::Presence(presence.clone()));
        out.presence_changed = true;
        self.presence = Some(presence);
    }

    fn hear_state(&mut self, head: StateHead, document: Box<RawValue>, out: &mut Outcome) {
        match self.state {
            Some(known) if known == head => {}
            Some(known) if known > head => out.tellings.push(Telling::StaleState { site: self.id.clone() }),
            Some(_) | None => {
                self.state = Some(head);
                out.tellings.push(Telling::State { site: self.id.clone(), document: document.clone() });
                out.document = Some(document);
            }
        }
    }

    /// Our own word, kept by the broker. It says more than we know only if an earlier store is gone;
    /// after the numbering began anew it may speak of the numbering before.
    fn hear_watermark(&mut self, watermark: &Watermark, how: How, out: &mut Outcome) {
        if !how.retained || self.era > 0 {
            return;
        }
        for (class, upto) in &watermark.upto {
            let chain = self.chains.entry(*class).or_default();
            if let Some(skip) = chain.adopt(*upto) {
                out.entries.push(Entry::skip(how.at_ms, *class, skip));
                out.tellings.push(Skipped::tell(&self.id, *class, skip));
                out.watermark_due = true;
            }
        }
    }

    fn begin_era(&mut self, era: u32) {
        self.era = era;
        self.chains.clear();
        self.metrics.newest = None;
        self.state = None;
        self.presence = self.stale_presence.take();
    }

    fn placed(&self, envelope: &Envelope) -> Placed {
        Placed { site: self.id.clone(), class: envelope.class, position: envelope.position }
    }
}

impl Metrics {
    fn take(&mut self, envelope: &Envelope) -> bool {
        if self.newest >= Some(envelope.position) {
            return false;
        }
        self.gaps += u64::from(self.newest.is_some() && envelope.prev != self.newest);
        self.newest = Some(envelope.position);
        self.held += 1;
        true
    }
}

/// How and when something came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct How {
    /// Milliseconds since 1970 UTC.
    pub at_ms: u64,
    /// The broker had kept it.
    pub retained: bool,
    /// The broker delivered it before.
    pub redelivered: bool,
}

/// Within a session a site comes, says goodbye, and is gone.
const fn order(presence: &Presence) -> (u32, u32, u8) {
    let rank = match presence.state {
        PresenceState::Online => 0,
        PresenceState::Going => 1,
        PresenceState::Offline => 2,
    };
    (presence.boot, presence.session, rank)
}

#[cfg(test)]
mod tests;
