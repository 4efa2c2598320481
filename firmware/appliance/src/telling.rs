//! From what a machine noticed to what is recorded, raised and logged.

use core::time::Duration;

use hal::{Family, LinkId, Now};
use noc_messages::{
    Body, CardBody, Class, LineBody, LinkMetrics, LossBody, MetricsBody, Position, Severity, SwitchBody,
    VerdictBody,
};
use wan::{Notice, Verdict};

use crate::{Appliance, Command, words};

/// Without a broker for so long, the box says so (in its own log and in the history).
pub(crate) const BROKER_HOLD_OFF: Duration = Duration::from_secs(10);

impl Appliance {
    /// Numbers, stores and logs one record.
    pub(crate) fn record(&mut self, class: Class, body: Body, now: Now) -> Position {
        if class != Class::Metric {
            self.commands.push_back(Command::Log(body.clone()));
        }
        self.record_unlogged(class, body, now)
    }

    /// What the duty engineer's log shall not show.
    pub(crate) fn record_unlogged(&mut self, class: Class, body: Body, now: Now) -> Position {
        self.state_changed |= class != Class::Metric;
        let position = self.outbox.record(class, body, now);
        if class != Class::Metric {
            self.latest = Some(position);
        }
        position
    }

    pub(crate) fn raise(&mut self, resource: &str, type_id: &str, severity: Severity, cause: &str, now: Now) {
        if let Some(change) = self.health.raise(resource, type_id, severity, cause, now) {
            self.record(Class::State, Body::Condition(change), now);
        }
    }

    pub(crate) fn clear(&mut self, resource: &str, type_id: &str, now: Now) {
        if let Some(change) = self.health.clear(resource, type_id, now) {
            self.record(Class::State, Body::Condition(change), now);
        }
    }

    pub(crate) fn tell_wan(&mut self, notice: &Notice, now: Now) {
        match *notice {
            // One missed round is a question, not an answer: nobody is told of it.
            Notice::Judged { to: Verdict::Suspect, .. }
            | Notice::Judged { from: Verdict::Suspect, to: Verdict::Up, .. } => {}
            Notice::Judged { link, family, from, to, why } => {
                let why = words::word(&why);
                let body = VerdictBody {
                    link: self.name_of(link),
                    family: words::family(family).to_owned(),
                    from: words::word(&from),
                    to: words::word(&to),
                    why: why.clone(),
                };
                self.record(Class::State, Body::Verdict(body), now);
                self.judge_condition(link, family, to, &why, now);
            }
            Notice::Switched { family, from, to, why, took: _ } => {
                let body = SwitchBody {
                    family: words::family(family).to_owned(),
                    from: from.map(|link| self.name_of(link)),
                    to: self.name_of(to),
                    why: words::word(&why),
                };
                self.record(Class::State, Body::Switch(body), now);
            }
            Notice::AllDown { family } => {
                let resource = format!("wan/{}", words::family(family));
                self.raise(&resource, "no-working-link", Severity::Critical, "no link answers", now);
            }
            Notice::AnyUp { family } => {
                self.clear(&format!("wan/{}", words::family(family)), "no-working-link", now);
            }
        }
    }

    fn judge_condition(&mut self, link: LinkId, family: Family, verdict: Verdict, why: &str, now: Now) {
        let resource = format!("link/{}/{}", self.name_of(link), words::family(family));
        match verdict {
            Verdict::NoCarrier | Verdict::NoAddress | Verdict::Down => {
                self.raise(&resource, "link-down", Severity::Major, why, now);
            }
            Verdict::Up => self.clear(&resource, "link-down", now),
            // A verdict on its way: what stands, stands until it is reached.
            Verdict::Probing | Verdict::Suspect | Verdict::HoldDown => {}
        }
    }

    pub(crate) fn tell_outbox(&mut self, notice: &outbox::Notice, now: Now) {
        match notice {
            outbox::Notice::NearlyFull(true) => {
                self.raise(
                    "spool",
                    "nearly-full",
                    Severity::Warning,
                    "more waits than the NOC has taken",
                    now,
                );
            }
            outbox::Notice::NearlyFull(false) => self.clear("spool", "nearly-full", now),
            // The loss record itself is the outbox's; the log must hear of it too.
            outbox::Notice::Evicted { class, count } => {
                let why = "full".to_owned();
                let loss = LossBody { class: *class, count: *count, first: None, last: None, why };
                self.commands.push_back(Command::Log(Body::Loss(loss)));
            }
            outbox::Notice::StoreFailing(true) => {
                self.raise("spool", "store-failing", Severity::Major, "the spool takes no records", now);
            }
            outbox::Notice::StoreFailing(false) => self.clear("spool", "store-failing", now),
        }
    }

    pub(crate) fn record_card(&mut self, to: &str, detail: &str, now: Now) {
        let body = CardBody { to: to.to_owned(), detail: detail.to_owned() };
        self.record(Class::State, Body::Card(body), now);
    }

    /// A hook change that the card reported, or that its hello shows to have been missed.
    pub(crate) fn record_hook(&mut self, change: LineBody, now: Now) -> Position {
        self.card.hook(change.line, change.to == "off_hook");
        self.record(Class::State, Body::Line(change), now)
    }

    pub(crate) fn record_metrics(&mut self, now: Now) {
        let links = self.wan.status(now).links.into_iter().map(|l| LinkMetrics {
            family: words::family(l.family).to_owned(),
            verdict: words::word(&l.verdict),
            link: l.name,
            loss_pct: l.loss_pct,
            srtt_us: l.srtt_us,
            source: l.source,
        });
        let spool = self.outbox.status();
        let body = MetricsBody {
            uptime_s: now.tick.since(self.started).as_secs(),
            links: links.collect(),
            metrics_dropped: spool.metrics_dropped,
            spooled: spool.records,
            spooled_bytes: spool.bytes,
            counters: self.counters.by_name(),
        };
        self.record(Class::Metric, Body::Metrics(body), now);
    }

    pub(crate) fn link_name(&self, link: LinkId) -> Option<&str> {
        self.setup.wan.links.iter().find(|l| l.id == link).map(|l| l.name.as_str())
    }

    pub(crate) fn name_of(&self, link: LinkId) -> String {
        self.link_name(link).map_or_else(|| link.to_string(), str::to_owned)
    }
}
