//! A wire that can be cut, and that remembers from where it was dialled.

use std::io::{Read, Write};
use std::net::{IpAddr, Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

#[derive(Default)]
struct Wires {
    open: Vec<(TcpStream, TcpStream)>,
    since: Option<Instant>,
    deaf: Arc<AtomicBool>,
    refusing: bool,
}

pub struct Proxy {
    pub port: u16,
    wires: Arc<Mutex<Wires>>,
    dialled: Receiver<IpAddr>,
}

impl Proxy {
    pub fn to(port: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let own_port = listener.local_addr().unwrap().port();
        let wires = Arc::new(Mutex::new(Wires::default()));
        let (sender, dialled) = channel();
        let shared = wires.clone();
        std::thread::spawn(move || accept(&listener, port, &shared, &sender));
        Self { port: own_port, wires, dialled }
    }

    /// Cuts every wire without a word, and tells how many carried something; `refuse`: and lets none
    /// in until [`Self::mend`].
    pub fn cut(&self, refuse: bool) -> usize {
        let mut wires = self.wires.lock().unwrap();
        wires.refusing = refuse;
        wires.deaf = Arc::default();
        let mut cut = 0;
        for (near, far) in wires.open.drain(..) {
            cut += usize::from(near.shutdown(Shutdown::Both).is_ok());
            far.shutdown(Shutdown::Both).ok();
        }
        cut
    }

    pub fn is_older_than(&self, age: Duration) -> bool {
        self.wires.lock().unwrap().since.is_some_and(|since| since.elapsed() > age)
    }

    /// Whatever the broker says on the open wires gets lost until they are cut.
    pub fn deafen(&self) {
        self.wires.lock().unwrap().deaf.store(true, Ordering::SeqCst);
    }

    pub fn mend(&self) {
        self.wires.lock().unwrap().refusing = false;
    }

    /// From where the wire was dialled, in order.
    pub fn next_dial(&self) -> IpAddr {
        self.dialled.recv_timeout(super::SOON).expect("nobody dials")
    }
}

fn accept(listener: &TcpListener, port: u16, wires: &Mutex<Wires>, dialled: &Sender<IpAddr>) {
    for near in listener.incoming() {
        let Ok(near) = near else { return };
        let Ok(far) = TcpStream::connect(("127.0.0.1", port)) else { continue };
        let mut wires = wires.lock().unwrap();
        if wires.refusing {
            continue;
        }
        let from = near.peer_addr().unwrap().ip();
        copy(near.try_clone().unwrap(), far.try_clone().unwrap(), Arc::default());
        copy(far.try_clone().unwrap(), near.try_clone().unwrap(), wires.deaf.clone());
        wires.open.push((near, far));
        wires.since = Some(Instant::now());
        if dialled.send(from).is_err() {
            return;
        }
    }
}

fn copy(mut from: TcpStream, mut to: TcpStream, deaf: Arc<AtomicBool>) {
    std::thread::spawn(move || {
        let mut chunk = vec![0; 16 * 1024];
        while let Ok(count @ 1..) = from.read(&mut chunk) {
            if !deaf.load(Ordering::SeqCst) && to.write_all(&chunk[..count]).is_err() {
                break;
            }
        }
        to.shutdown(Shutdown::Write).ok();
    });
}
