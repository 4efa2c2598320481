//! The box's half of one line: ear, line machine and a player of tones, on one clock of samples.

use std::collections::{BTreeSet, VecDeque};
use std::f64::consts::TAU;
use std::time::Duration;

use dsp::tones::{Sequence, Tone};
use dsp::{Heard, LineEar};
use hal::{LineId, Now, Sample, Tick};
use line::{Action, Event, Line, LineConfig, PlayId, Profile, SignalId, Step, TonesEnd, Window};
use panel_wire::Message;
use peers::copper::BLOCK;

/// A line of the box whose station takes every signal over after a while.
pub(crate) struct Exchange {
    ear: LineEar,
    line: Line,
    player: Option<Player>,
    sample: u32,
    station_takes: Duration,
    on_the_way: VecDeque<(Sample, SignalId)>,
    delivered: BTreeSet<SignalId>,
    /// Messages in the order in which the station took them.
    pub(crate) messages: Vec<Message>,
    /// What the evidence would say.
    pub(crate) steps: Vec<Step>,
}

impl Exchange {
    pub(crate) fn new() -> Self {
        Self {
            ear: LineEar::default(),
            line: Line::new(LineConfig::new(LineId(0), Profile::Alarm), 1, Now::default()),
            player: None,
            sample: 0,
            station_takes: Duration::ZERO,
            on_the_way: VecDeque::new(),
            delivered: BTreeSet::new(),
            messages: Vec::new(),
            steps: Vec::new(),
        }
    }

    /// The station's next acknowledgements come so late.
    pub(crate) fn station_takes(&mut self, late: Duration) {
        self.station_takes = late;
    }

    pub(crate) fn hook(&mut self, off_hook: bool) {
        let sample = Sample(self.sample);
        self.tell(Event::Hook { off_hook, sample });
    }

    /// 10 ms: what the telephone says, against what it hears.
    pub(crate) fn turn(&mut self, said: &[i16; BLOCK]) -> [i16; BLOCK] {
        let mut heard = Vec::new();
        self.ear.feed(said, Sample(self.sample), |event| heard.push(event));
        self.sample += BLOCK as u32;
        for event in heard {
            self.tell(match event {
                Heard::Begun { sample } => Event::DigitBegun { sample },
                Heard::Digit { digit, begin, end } => Event::Digit { digit, begin, end },
                Heard::Tone { tone, begin } => panic!("the panel's digits passed for {tone:?} at {begin}"),
            });
        }
        self.serve_station();
        while self.line.poll_timeout().is_some_and(|at| at <= self.now().tick) {
            self.line.handle_timeout(self.now());
            self.drain();
        }
        self.play()
    }

    fn now(&self) -> Now {
        Now::at(Tick(u64::from(self.sample / 8)))
    }

    fn tell(&mut self, event: Event) {
        self.line.handle(event, self.now());
        self.drain();
    }

    fn serve_station(&mut self) {
        while let Some((at, signal)) = self.on_the_way.front().copied() {
            if at.is_after(Sample(self.sample)) {
                break;
            }
            self.on_the_way.pop_front();
            self.delivered.insert(signal);
            self.tell(Event::Delivered { signal });
        }
    }

    fn drain(&mut self) {
        while let Some(action) = self.line.poll_action() {
            match action {
                Action::Play { play, sequence, window } => self.start(play, sequence, window),
                Action::Silence => self.stop(),
                Action::Signal { signal, message, .. } => {
                    self.messages.push(message);
                    self.on_the_way.push_back((Sample(self.sample).after(self.station_takes), signal));
                }
                Action::Step { step, .. } => self.steps.push(step),
                Action::Feed { .. } => {}
            }
        }
    }

    fn start(&mut self, play: PlayId, sequence: Sequence, window: Option<Window>) {
        if sequence == Sequence::KissOff {
            let newest = SignalId { line: LineId(0), number: self.messages.len() as u64 };
            assert!(self.delivered.contains(&newest), "a kiss-off for {newest} that no station has");
        }
        self.stop();
        self.player = Some(Player::new(play, sequence, window));
    }

    fn stop(&mut self) {
        if let Some(player) = self.player.take() {
            let sample = Sample(self.sample);
            self.tell(Event::TonesEnded { play: player.play, sample, end: TonesEnd::Stopped });
        }
    }

    fn play(&mut self) -> [i16; BLOCK] {
        let mut block = [0; BLOCK];
        let mut ended = None;
        if let Some(player) = &mut self.player {
            for (n, sample) in (self.sample..).zip(&mut block) {
                match player.next(Sample(n)) {
                    Ok(played) => *sample = played,
                    Err(end) => {
                        ended = Some((player.play, Sample(n), end));
                        break;
                    }
                }
            }
        }
        if let Some((play, sample, end)) = ended {
            self.player = None;
            self.tell(Event::TonesEnded { play, sample, end });
        }
        block
    }
}

/// Plays a sequence to the sample.
struct Player {
    play: PlayId,
    tones: &'static [Tone],
    endless: bool,
    window: Option<Window>,
    begun: Option<Sample>,
}

impl Player {
    fn new(play: PlayId, sequence: Sequence, window: Option<Window>) -> Self {
        let steps = sequence.steps();
        Self { play, tones: steps.tones, endless: steps.endless, window, begun: None }
    }

    fn next(&mut self, at: Sample) -> Result<i16, TonesEnd> {
        let begun = match (self.begun, self.window) {
            (Some(begun), _) => begun,
            (None, Some(window)) if window.earliest.is_after(at) => return Ok(0),
            (None, Some(window)) if at.is_after(window.latest) => return Err(TonesEnd::TooLate),
            (None, _) => *self.begun.insert(at),
        };
        let whole: Duration = self.tones.iter().map(|tone| tone.lasts).sum();
        let mut into = at.since(begun);
        if self.endless {
            into = Duration::from_micros((into.as_micros() % whole.as_micros()) as u64);
        }
        for tone in self.tones {
            if into < tone.lasts {
                return Ok(sound(tone, at));
            }
            into -= tone.lasts;
        }
        Err(TonesEnd::Completed)
    }
}

fn sound(tone: &Tone, at: Sample) -> i16 {
    let amplitude = 32_768.0 * 10_f64.powf((f64::from(tone.level_dbm0) - 3.17) / 20.0);
    let sine = |hz: u16| (TAU * f64::from(hz) * f64::from(at.0) / 8_000.0).sin();
    let sounding = tone.frequencies.into_iter().filter(|hz| *hz != 0);
    (amplitude * sounding.map(sine).sum::<f64>()).round() as i16
}
