//! tshark on what goes over TCP. It has no dissector for DC-09, so it judges segments only: each frame
//! is exactly one, from the source it was given, and none had to be sent twice.

use std::io::{BufRead, BufReader};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::{Duration, Instant};

use ports::station::Transport;

use crate::desk::{Desk, SOON};
use crate::peer::{KEYS, strict};

#[test]
fn each_frame_is_one_segment_from_its_source_and_none_is_sent_twice() {
    for key in [KEYS[0], KEYS[3]] {
        let (mut station, known) = strict(Transport::Tcp, key);
        let capture = Capture::start(known.address);
        let mut desk = Desk::new(&[known], 0);
        let signals: Vec<_> = (1..=20).map(|zone| desk.submit(zone)).collect();
        desk.until("all delivered", |desk| signals.iter().all(|signal| desk.is_delivered(*signal)));
        desk.until("both supervised", |desk| desk.troubles.len() >= 2);

        let frames: Vec<String> = station.received().iter().map(|received| hex(&received.octets)).collect();
        let segments = capture.segments(frames.len());
        assert_eq!(segments.iter().filter(|segment| segment.again).count(), 0, "retransmissions");
        let mut seen: Vec<_> = segments.iter().map(|segment| segment.payload.clone()).collect();
        let mut expected = frames;
        seen.sort();
        expected.sort();
        assert_eq!(seen, expected, "a segment that is not exactly a frame");
        let sources: Vec<_> = segments.iter().map(|segment| segment.source.as_str()).collect();
        assert!(sources.iter().all(|source| ["127.0.0.1", "127.0.0.2"].contains(source)), "{sources:?}");
        assert!(sources.contains(&"127.0.0.2"), "the second link sent nothing: nothing is proved of it");
    }
}

struct Segment {
    source: String,
    payload: String,
    again: bool,
}

struct Capture {
    tshark: Child,
    lines: Receiver<String>,
}

impl Capture {
    fn start(station: SocketAddr) -> Self {
        let filter = format!("tcp dst port {}", station.port());
        let fields = ["ip.src", "tcp.payload", "tcp.analysis.retransmission"];
        let mut tshark = Command::new("tshark")
            .args(["-n", "-l", "-i", "lo", "-f", &filter, "-T", "fields", "-E", "separator=;"])
            .args(fields.iter().flat_map(|field| ["-e", field]))
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("tshark runs");
        let out = BufReader::new(tshark.stdout.take().expect("a pipe"));
        let (tell, lines) = sync_channel(4_096);
        std::thread::spawn(move || {
            out.lines().map_while(Result::ok).map(|line| tell.send(line)).take_while(Result::is_ok).count()
        });
        // It does not say when it has begun: knock until it hears that.
        let deadline = Instant::now() + SOON;
        while lines.recv_timeout(Duration::from_millis(100)).is_err() {
            assert!(Instant::now() < deadline, "tshark hears nothing on the loopback");
            TcpStream::connect(station).expect("the station listens");
        }
        Self { tshark, lines }
    }

    /// As many segments with octets in them as there were frames, and any that come right behind.
    fn segments(mut self, frames: usize) -> Vec<Segment> {
        let deadline = Instant::now() + SOON;
        let mut segments = Vec::new();
        loop {
            let patience = if segments.len() < frames {
                deadline.saturating_duration_since(Instant::now())
            } else {
                Duration::from_millis(500)
            };
            let Ok(line) = self.lines.recv_timeout(patience) else { break };
            let fields: Vec<&str> = line.split(';').collect();
            let [source, payload, again] = fields[..] else { panic!("tshark said {line:?}") };
            if !payload.is_empty() {
                let (source, payload) = (source.to_owned(), payload.replace(':', ""));
                segments.push(Segment { source, payload, again: !again.is_empty() });
            }
        }
        self.tshark.kill().expect("it runs");
        self.tshark.wait().expect("its end");
        segments
    }
}

fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}
