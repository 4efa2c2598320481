//! What the host asks for on a line, and what the line says and hears.

use ata_wire::{Audio, Control, ControlKind, EventKind, Feed, LineTest, Play, TestOutcome};

use super::{Card, Phase, count};
use crate::BLOCK;
use crate::lines::HookOutcome;
use crate::ring::Ring;
use crate::tones::Ended;

impl Card {
    /// The next 10 ms of a line: takes what its telephone says and gives what the line plays.
    ///
    /// `first_sample` is the sample counter at the first of them. The calls for a line follow each
    /// other without gaps, whether it is in use or not, each before octets of its time are received.
    pub fn exchange(&mut self, line: u8, first_sample: u32, from_line: &[i16; BLOCK]) -> [i16; BLOCK] {
        let mut to_line = [0; BLOCK];
        let Some(state) = self.lines.get_mut(line).filter(|line| line.state.off_hook) else { return to_line };
        let ended = state.tones.block(first_sample, from_line, &mut to_line);
        // Taken also under a tone: one frame goes with each block, and none is heard late.
        let from_host = state.downlink.next();
        if state.tones.is_silent() && ended.is_none() {
            to_line = from_host.unwrap_or(to_line);
        }
        if matches!(self.phase, Phase::Linked { .. }) {
            self.uplink.push(line, first_sample, from_line);
        }
        self.tell_end(line, ended);
        to_line
    }

    /// Controls are done in order and once; a repeat is acknowledged again.
    pub(super) fn take_control(&mut self, control: &Control) {
        let Phase::Linked { host_boot, next_control, ack_due, .. } = &mut self.phase else {
            return count(&mut self.counters.unknown);
        };
        let ahead = control.seq.steps_from(*next_control);
        if ahead != 0 {
            *ack_due |= ahead > u16::MAX / 2;
            return;
        }
        let host_boot = *host_boot;
        (*next_control, *ack_due) = (next_control.next(), true);
        self.heard_ms = self.now_ms;
        if self.lines.get(control.line).is_some() {
            self.obey(control.line, &control.kind, host_boot);
        } else {
            count(&mut self.counters.unknown);
        }
    }

    pub(super) fn take_audio(&mut self, audio: &Audio) {
        let linked = matches!(self.phase, Phase::Linked { .. });
        let line = self.lines.get_mut(audio.line).filter(|_| linked);
        // A frame for a telephone that was just put down is no news.
        let taken =
            line.is_some_and(|line| !line.state.off_hook || line.downlink.push(audio.codec, &audio.octets));
        if !taken {
            count(&mut self.counters.unknown);
        }
    }

    /// The loop of this line closed or opened.
    pub(super) fn hook_changed(&mut self, line: u8) -> HookOutcome {
        let Some(state) = self.lines.get_mut(line) else { return HookOutcome::NoSuchLine };
        let (off_hook, since) = (state.state.off_hook, state.state.since);
        let rang = state.ring.take().is_some_and(|ring| ring.lasts(self.now_ms));
        let ended = state.hang_up_unless(off_hook, since);
        let outcome = self.tell_hook(line, off_hook, since);
        if rang && off_hook {
            self.tell(line, EventKind::RingTrip, since);
        }
        self.tell_end(line, ended);
        outcome
    }

    /// Whatever is played, rung or on its way through the wire ends.
    pub(super) fn silence_all(&mut self) {
        self.uplink.clear();
        for line in 0..self.lines.count() {
            let sample = self.sample;
            let ended = self.lines.get_mut(line).and_then(|line| {
                line.ring = None;
                line.downlink.clear();
                line.tones.stop(sample)
            });
            self.tell_end(line, ended);
        }
    }

    /// Queues an event; what finds no room is lost and counted, so that the host greets anew.
    pub(super) fn tell(&mut self, line: u8, kind: EventKind, sample: u32) {
        if self.events.push(line, kind, sample, self.now_ms).is_none() {
            self.events_lost = self.events_lost.saturating_add(1);
        }
    }

    fn tell_hook(&mut self, line: u8, off_hook: bool, since: u32) -> HookOutcome {
        let kind = EventKind::HookChange { off_hook };
        if let Some(seq) = self.events.push(line, kind, since, self.now_ms) {
            return HookOutcome::Queued(seq);
        }
        let outcome = self.lines.hold(line);
        if outcome == HookOutcome::Lost {
            self.events_lost = self.events_lost.saturating_add(2);
        }
        outcome
    }

    fn tell_end(&mut self, line: u8, ended: Option<Ended>) {
        let Some(Ended { host_boot, play, end, begun, sample }) = ended else { return };
        self.tell(line, EventKind::TonesEnded { host_boot, play, end, begun }, sample);
    }

    fn obey(&mut self, line: u8, kind: &ControlKind, host_boot: u32) {
        match kind {
            ControlKind::Feed { feed, withdraw_when_dead } => self.feed(line, *feed, *withdraw_when_dead),
            ControlKind::Ring { on_ms, off_ms, bursts } => {
                let ring = Ring { since_ms: self.now_ms, on_ms: *on_ms, off_ms: *off_ms, bursts: *bursts };
                if let Some(line) = self.lines.get_mut(line) {
                    line.ring = Some(ring).filter(|ring| ring.bursts > 0 && !line.state.off_hook);
                }
            }
            ControlKind::Play(play) => self.play(line, play.clone(), host_boot),
            ControlKind::Stop => {
                let sample = self.sample;
                let ended = self.lines.get_mut(line).and_then(|line| line.tones.stop(sample));
                self.tell_end(line, ended);
            }
            ControlKind::Test(test) => self.test(line, *test),
            ControlKind::Other(_) => count(&mut self.counters.unknown),
        }
    }

    fn feed(&mut self, line: u8, feed: Feed, withdraw_when_dead: bool) {
        let sample = self.sample;
        let Some(state) = self.lines.get_mut(line) else { return };
        state.withdraw_when_dead = withdraw_when_dead;
        if state.feed(feed, sample) {
            self.hook_changed(line);
        }
    }

    /// On-hook there is nobody to hear it: it is stopped before it begins.
    fn play(&mut self, line: u8, play: Play, host_boot: u32) {
        let sample = self.sample;
        let Some(state) = self.lines.get_mut(line) else { return };
        let replaced = state.tones.start(host_boot, play, sample);
        let unheard = state.hang_up_unless(state.state.off_hook, sample);
        self.tell_end(line, replaced);
        self.tell_end(line, unheard);
    }

    fn test(&mut self, line: u8, test: LineTest) {
        let Some(state) = self.lines.get_mut(line) else { return };
        let outcome = if state.state.off_hook || state.test.is_some() {
            TestOutcome::InUse
        } else if let LineTest::Other(_) = test {
            TestOutcome::Unsupported
        } else {
            state.test = Some(test);
            return;
        };
        self.tell(line, EventKind::TestResult { test, outcome }, self.sample);
    }
}
