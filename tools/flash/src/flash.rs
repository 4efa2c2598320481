//! One image to several cards: one reader, one thread for each card, and between them a few pieces. A
//! slow card delays the others when its pieces are full; a failing one delays nobody.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{self, ScopedJoinHandle};

use crate::card::{Card, Outcome};
use crate::image::Image;
use crate::pieces::{Piece, Pieces, Promise, StreamError};
use crate::plan::Plan;

/// Pieces that wait for one card.
const WAITING_PIECES: usize = 16;

/// What is written.
#[derive(Debug, Clone, Copy)]
pub struct Job<'a> {
    /// The file.
    pub image: &'a Image,
    /// What of it.
    pub plan: &'a Plan,
    /// What it has to be.
    pub promise: &'a Promise,
}

/// What the reader tells the cards.
enum Message {
    Piece(Arc<Piece>),
    /// The image was as promised to its end.
    End,
    /// It was not.
    Broken(String),
    /// Somebody wished to stop before its end.
    Stopped,
}

/// Where a card stands after a round.
enum Stand<'a> {
    Again(Card<'a>),
    Ended(Outcome),
}

/// Writes the image to all cards and proves it. The outcomes are in the order of the cards.
pub fn flash(job: Job<'_>, cards: Vec<Card<'_>>, stop: &AtomicBool) -> Vec<Outcome> {
    let mut stands: Vec<Stand<'_>> = cards.into_iter().map(unsealed).collect();
    while stands.iter().any(|stand| matches!(stand, Stand::Again(_))) {
        stands = round(job, stands, stop);
    }
    stands.into_iter().filter_map(Stand::outcome).collect()
}

fn unsealed(mut card: Card<'_>) -> Stand<'_> {
    match card.unseal() {
        Ok(()) => Stand::Again(card),
        Err(outcome) => Stand::Ended(outcome),
    }
}

/// Once through the image with those cards that need it.
fn round<'a>(job: Job<'_>, stands: Vec<Stand<'a>>, stop: &AtomicBool) -> Vec<Stand<'a>> {
    thread::scope(|scope| {
        let mut senders = Vec::new();
        let mut spawn = |card: Card<'a>| {
            let (sender, receiver) = sync_channel(WAITING_PIECES);
            senders.push(sender);
            scope.spawn(move || write_and_prove(card, &receiver))
        };
        let running: Vec<Running<'_, 'a>> = stands
            .into_iter()
            .map(|stand| match stand {
                Stand::Again(card) => Running::Thread(spawn(card)),
                Stand::Ended(outcome) => Running::Ended(outcome),
            })
            .collect();
        read(job, senders, stop);
        running.into_iter().map(Running::join).collect()
    })
}

/// Ends early when no card listens any more, or when somebody wishes to stop.
fn read(job: Job<'_>, mut senders: Vec<SyncSender<Message>>, stop: &AtomicBool) {
    let ended = stream(job, &mut senders, stop);
    for sender in senders {
        let message = match &ended {
            Ok(true) => Message::End,
            Ok(false) => Message::Stopped,
            Err(error) => Message::Broken(error.to_string()),
        };
        // A card that listens no more has told its own outcome.
        sender.send(message).unwrap_or_default();
    }
}

/// True when the image went by to its end.
fn stream(
    job: Job<'_>,
    senders: &mut Vec<SyncSender<Message>>,
    stop: &AtomicBool,
) -> Result<bool, StreamError> {
    let mut pieces = Pieces::open(job.image, job.plan, job.promise)?;
    while let Some(piece) = pieces.next_piece()? {
        senders.retain(|sender| sender.send(Message::Piece(Arc::clone(&piece))).is_ok());
        if senders.is_empty() || stop.load(Ordering::Relaxed) {
            return Ok(false);
        }
    }
    Ok(true)
}

fn write_and_prove<'a>(mut card: Card<'a>, pieces: &Receiver<Message>) -> Stand<'a> {
    let proven = write_all(&mut card, pieces).and_then(|()| card.verify());
    match proven {
        Ok(true) => Stand::Ended(card.seal()),
        Ok(false) => Stand::Again(card),
        Err(outcome) => Stand::Ended(outcome),
    }
}

fn write_all(card: &mut Card<'_>, pieces: &Receiver<Message>) -> Result<(), Outcome> {
    loop {
        match pieces.recv() {
            Ok(Message::Piece(piece)) => card.write(&piece)?,
            Ok(Message::End) => return Ok(()),
            Ok(Message::Stopped) => return Err(Outcome::Interrupted),
            Ok(Message::Broken(why)) => return Err(Outcome::Failed(why)),
            Err(_) => return Err(Outcome::Failed("the reader of the image ended without a word".to_owned())),
        }
    }
}

enum Running<'scope, 'a> {
    Thread(ScopedJoinHandle<'scope, Stand<'a>>),
    Ended(Outcome),
}

impl<'a> Running<'_, 'a> {
    fn join(self) -> Stand<'a> {
        match self {
            Self::Thread(thread) => thread.join().unwrap_or_else(|_| {
                Stand::Ended(Outcome::Failed("this program has a fault; please report it".to_owned()))
            }),
            Self::Ended(outcome) => Stand::Ended(outcome),
        }
    }
}

impl Stand<'_> {
    fn outcome(self) -> Option<Outcome> {
        match self {
            Self::Ended(outcome) => Some(outcome),
            Self::Again(_) => None,
        }
    }
}
