use std::path::Path;

use serde_json::json;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::task::JoinHandle;

use super::*;

#[tokio::test]
async fn a_request_line_gets_one_answer_line() {
    let daemon = Daemon::answering().await;
    let mut client = daemon.client().await;

    let cases = [
        (r#"{"ask":"status"}"#, json!({ "you asked": "Status" })),
        (r#"{"ask":"links"}"#, json!({ "you asked": "Links" })),
        (r#"{"ask":"explain"}"#, json!({ "you asked": "Explain { what: None }" })),
        (r#"{"ask":"calls","last":5}"#, json!({ "you asked": "Calls { last: 5 }" })),
        (r#"{"ask":"explain","what":"wan"}"#, json!({ "you asked": "Explain { what: Some(\"wan\") }" })),
    ];
    for (request, answer) in cases {
        assert_eq!(client.ask(request).await, answer, "{request}");
    }
}

#[tokio::test]
async fn a_wrong_request_is_told_what_is_known_and_costs_nothing_more() {
    let daemon = Daemon::answering().await;
    let mut client = daemon.client().await;

    for wrong in [r#"{"ask":"reboot"}"#, "status", "{", "", "[]", r#"{"ask":1}"#, "\u{1F4A3}"] {
        let answer = client.ask(wrong).await;
        assert_eq!(answer["known"], json!(Ask::KNOWN), "{wrong}: {answer}");
        assert!(answer["error"].as_str().is_some_and(|e| !e.is_empty()), "{wrong}: {answer}");
    }
    assert_eq!(client.ask(r#"{"ask":"status"}"#).await, json!({ "you asked": "Status" }));
}

#[tokio::test]
async fn what_cannot_be_carried_out_never_reaches_the_daemon() {
    let (daemon, mut questions) = Daemon::start(1, PATIENCE).await;
    let mut client = daemon.client().await;

    let answer = client.ask(r#"{"ask":"on_test","account":"1234","minutes":2000}"#).await;

    assert!(answer["error"].as_str().unwrap().contains("1440"), "{answer}");
    assert!(questions.try_recv().is_err());
}

#[tokio::test]
async fn an_order_carries_the_user_that_the_kernel_vouches_for() {
    let daemon = Daemon::answering().await;
    let uid = nix::unistd::getuid();

    let answer =
        daemon.client().await.ask(r#"{"ask":"on_test","account":"1234","minutes":60,"by":"anna"}"#).await;

    let ordered = format!("OnTest {{ account: \"1234\", minutes: 60, by: \"anna (uid {uid})\" }}");
    assert_eq!(answer, json!({ "you asked": ordered }));
}

#[tokio::test]
async fn every_known_word_is_understood() {
    for word in Ask::KNOWN {
        let all = json!({ "ask": word, "last": 1, "account": "1234", "minutes": 1 });
        let ask: Ask = serde_json::from_value(all).unwrap();
        assert_eq!(serde_json::to_value(ask).unwrap()["ask"], word);
    }
}

#[tokio::test]
async fn a_line_without_end_is_cut_off() {
    let daemon = Daemon::answering().await;
    let mut client = daemon.client().await;

    client.send(&"x".repeat(MAX_LINE + 1)).await;
    let answer = client.answer().await.unwrap();

    assert!(answer["error"].as_str().unwrap().contains("4096 bytes"), "{answer}");
    assert_eq!(client.answer().await, None);
}

#[tokio::test]
async fn the_longest_line_is_served() {
    let daemon = Daemon::answering().await;
    let mut client = daemon.client().await;

    let request = r#"{"ask":"status"}"#;
    let padded = format!("{}{request}", " ".repeat(MAX_LINE - 1 - request.len()));
    assert_eq!(client.ask(&padded).await, json!({ "you asked": "Status" }));
}

#[tokio::test]
async fn a_request_without_line_feed_counts_when_the_client_closes_its_half() {
    let daemon = Daemon::answering().await;
    let mut client = daemon.client().await;

    client.send(r#"{"ask":"links"}"#).await;
    client.0.get_mut().shutdown().await.unwrap();

    assert_eq!(client.answer().await, Some(json!({ "you asked": "Links" })));
    assert_eq!(client.answer().await, None);
}

#[tokio::test]
async fn the_client_that_is_too_many_is_told_so_and_served_when_another_goes() {
    let daemon = Daemon::answering().await;
    let mut served = Vec::new();
    for _ in 0..MAX_CONNECTIONS {
        let mut client = daemon.client().await;
        client.ask(r#"{"ask":"status"}"#).await;
        served.push(client);
    }

    let answer = daemon.client().await.answer().await.unwrap();
    assert!(answer["error"].as_str().unwrap().contains("8 clients"), "{answer}");

    served.pop();
    loop {
        // The place is free when the server has noticed the end, which it does by itself.
        let mut client = daemon.client().await;
        client.send("{\"ask\":\"status\"}\n").await;
        match client.answer().await {
            Some(answer) if answer.get("error").is_none() => break,
            Some(_) | None => tokio::task::yield_now().await,
        }
    }
}

#[tokio::test]
async fn a_silent_client_loses_its_place() {
    let (daemon, _questions) = Daemon::start(1, SHORT).await;
    let mut client = daemon.client().await;

    let answer = client.answer().await.unwrap();

    assert_eq!(answer["error"], "no request within 30ms");
    assert_eq!(client.answer().await, None);
}

#[tokio::test]
async fn a_daemon_that_hangs_is_told_to_whoever_asks() {
    let (daemon, _unanswered) = Daemon::start(1, SHORT).await;
    let mut client = daemon.client().await;

    assert_eq!(client.ask(r#"{"ask":"status"}"#).await["error"], "the daemon did not answer within 30ms");
}

#[tokio::test]
async fn serving_ends_when_nobody_takes_questions() {
    let (daemon, questions) = Daemon::start(1, PATIENCE).await;
    drop(questions);
    daemon.server.await.unwrap();
}

#[tokio::test]
async fn the_socket_is_for_owner_and_group() {
    let daemon = Daemon::answering().await;
    let mode = std::fs::metadata(daemon.path()).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o660);
}

#[tokio::test]
async fn a_socket_left_behind_is_replaced_but_nothing_else_is() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("control.sock");

    drop(listen(&path).await.unwrap());
    let alive = listen(&path).await.unwrap();
    assert!(matches!(listen(&path).await, Err(ControlError::InUse(_))));
    drop(alive);

    let file = dir.path().join("file");
    std::fs::write(&file, "precious").unwrap();
    assert!(matches!(listen(&file).await, Err(ControlError::NotASocket(_))));
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "precious");

    let nowhere = dir.path().join("missing/control.sock");
    assert!(matches!(listen(&nowhere).await, Err(ControlError::Listen { .. })));
}

/// A patience that a test can wait for.
const SHORT: Duration = Duration::from_millis(30);

struct Daemon {
    dir: TempDir,
    server: JoinHandle<()>,
}

impl Daemon {
    async fn start(channel: usize, patience: Duration) -> (Self, mpsc::Receiver<Question>) {
        let dir = tempfile::tempdir().unwrap();
        let listener = listen(&dir.path().join("control.sock")).await.unwrap();
        let (sender, receiver) = mpsc::channel(channel);
        (Self { dir, server: tokio::spawn(serve_with(listener, sender, patience)) }, receiver)
    }

    async fn answering() -> Self {
        let (daemon, mut questions) = Self::start(4, PATIENCE).await;
        tokio::spawn(async move {
            while let Some(question) = questions.recv().await {
                let answer = json!({ "you asked": format!("{:?}", question.ask) });
                question.answer.send(answer).unwrap();
            }
        });
        daemon
    }

    fn path(&self) -> std::path::PathBuf {
        self.dir.path().join("control.sock")
    }

    async fn client(&self) -> Client {
        Client::connect(&self.path()).await
    }
}

struct Client(BufReader<UnixStream>);

impl Client {
    async fn connect(path: &Path) -> Self {
        Self(BufReader::new(UnixStream::connect(path).await.unwrap()))
    }

    async fn send(&mut self, text: &str) {
        // Whoever is sent away may find the socket closed already.
        self.0.get_mut().write_all(text.as_bytes()).await.ok();
    }

    async fn answer(&mut self) -> Option<Value> {
        let mut line = String::new();
        // A server that closes with unread bytes resets; that is an end as well.
        self.0.read_line(&mut line).await.ok().filter(|read| *read > 0)?;
        Some(serde_json::from_str(&line).unwrap())
    }

    async fn ask(&mut self, request: &str) -> Value {
        self.send(&format!("{request}\n")).await;
        self.answer().await.unwrap()
    }
}
