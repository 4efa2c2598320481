//! The retained truth of the site, made from the machines.

use std::collections::BTreeMap;

use hal::Now;
use noc_messages::StateDocument;

use crate::{Appliance, words};

impl Appliance {
    /// Hands a fresh document to the outbox, which publishes the latest one at most once a second.
    pub(crate) fn refresh_state_document(&mut self, now: Now) {
        if !self.state_changed {
            return;
        }
        self.state_changed = false;
        self.generation += 1;
        let document = self.state_document(now);
        self.outbox.set_state(document, now);
    }

    fn state_document(&self, now: Now) -> StateDocument {
        let wan = self.wan.status(now);
        let active = wan.families.iter().filter_map(|f| {
            let name = self.link_name(f.active?)?;
            Some((words::family(f.family).to_owned(), name.to_owned()))
        });
        let links = wan
            .links
            .iter()
            .map(|l| (format!("{}/{}", l.name, words::family(l.family)), words::word(&l.verdict)));
        let lines =
            self.setup.lines.iter().map(|l| (l.line.0.to_string(), self.hook_word(l.line.0).to_owned()));
        StateDocument {
            site: self.setup.site.clone(),
            boot: self.boot,
            generation: self.generation,
            at: now.into(),
            board: self.setup.board.clone(),
            version: self.setup.version.clone(),
            latest: self.latest,
            release: if self.setup.outbox.release_on_puback { "puback" } else { "watermark" }.to_owned(),
            insecure: self.setup.insecure.clone(),
            active: active.collect::<BTreeMap<_, _>>(),
            links: links.collect(),
            lines: lines.collect(),
            conditions: self.health.active(),
        }
    }
}
