//! One client: its lines, one after the other.

use std::io;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::UnixStream;
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

use super::{Ask, MAX_CONNECTIONS, MAX_LINE, Question};

/// What came of waiting for a line.
enum Line {
    Whole(Vec<u8>),
    TooLong,
    End,
}

/// Answers line by line until the client goes, falls silent or oversteps.
pub(super) async fn serve(
    stream: UnixStream,
    questions: mpsc::Sender<Question>,
    patience: Duration,
) -> io::Result<()> {
    let uid = stream.peer_cred().ok().map(|peer| peer.uid());
    let mut stream = BufReader::new(stream);
    loop {
        let Ok(line) = timeout(patience, next_line(&mut stream)).await else {
            let silent = format!("no request within {patience:?}");
            return write(&mut stream, &refusal(&silent), patience).await;
        };
        match line? {
            Line::Whole(line) => {
                let answer = answer(&line, uid, &questions, patience).await;
                write(&mut stream, &answer, patience).await?;
            }
            Line::TooLong => {
                let long = format!("a request is one line of at most {MAX_LINE} bytes");
                return write(&mut stream, &refusal(&long), patience).await;
            }
            Line::End => return Ok(()),
        }
    }
}

/// All places are taken. The words fit any socket buffer, so nobody waits for them to be read.
pub(super) fn send_away(stream: &UnixStream) {
    let busy = refusal(&format!("{MAX_CONNECTIONS} clients are being served; try again in a moment"));
    if let Err(error) = stream.try_write(&encoded(&busy)) {
        tracing::debug!(%error, "a client that is too many was not told so");
    }
}

async fn next_line(stream: &mut BufReader<UnixStream>) -> io::Result<Line> {
    let mut line = Vec::new();
    let read = stream.take(MAX_LINE as u64).read_until(b'\n', &mut line).await?;
    let whole = line.last() == Some(&b'\n');
    Ok(match (read, whole) {
        (0, _) => Line::End,
        (_, true) => Line::Whole(line),
        (MAX_LINE, false) => Line::TooLong,
        // The client closed its half without a line feed: what it said still counts.
        (_, false) => Line::Whole(line),
    })
}

async fn answer(
    line: &[u8],
    uid: Option<u32>,
    questions: &mpsc::Sender<Question>,
    patience: Duration,
) -> Value {
    let ask = match serde_json::from_slice::<Ask>(line).map(|ask| ask.admitted(uid)) {
        Ok(Ok(ask)) => ask,
        Ok(Err(why)) => return refusal(&why),
        Err(error) => return refusal(&format!("not a request that is known here: {error}")),
    };
    let (sender, receiver) = oneshot::channel();
    let asked = async {
        questions.send(Question { ask, answer: sender }).await.ok()?;
        receiver.await.ok()
    };
    match timeout(patience, asked).await {
        Ok(Some(answer)) => answer,
        Ok(None) => refusal("the daemon is stopping"),
        Err(_) => refusal(&format!("the daemon did not answer within {patience:?}")),
    }
}

async fn write(stream: &mut BufReader<UnixStream>, answer: &Value, patience: Duration) -> io::Result<()> {
    let written = timeout(patience, stream.write_all(&encoded(answer))).await;
    written.map_err(|_| io::Error::new(io::ErrorKind::TimedOut, "the answer was not taken"))?
}

fn refusal(why: &str) -> Value {
    json!({ "error": why, "known": Ask::KNOWN })
}

fn encoded(answer: &Value) -> Vec<u8> {
    let mut line = answer.to_string().into_bytes();
    line.push(b'\n');
    line
}
