//! Logs for a duty engineer: one line per thing to know, the same values that are recorded.

use std::io::IsTerminal;

use noc_messages::{Body, DeliveryBody};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

/// Starts logging to standard error; journald adds the time, a terminal gets it from us.
pub(crate) fn start(filter: &str) {
    let (targets, odd) = match filter.parse::<Targets>() {
        Ok(targets) => (targets, None),
        Err(error) => (Targets::new().with_default(tracing::Level::INFO), Some(error)),
    };
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .with_target(false);
    let journal = std::env::var_os("JOURNAL_STREAM").is_some();
    let registry = tracing_subscriber::registry().with(targets);
    if journal {
        registry.with(lines.without_time()).init();
    } else {
        registry.with(lines).init();
    }
    if let Some(error) = odd {
        tracing::warn!(%error, filter, "--log was not understood, logging `info`; try `info,wan=debug`");
    }
}

/// One record, as a line; nothing of a signal that must stay silent.
pub(crate) fn record(body: &Body) {
    if is_silent(body) {
        return;
    }
    match body {
        Body::Start(b) => {
            tracing::info!(version = b.version, board = b.board, adopted = ?b.adopted, "serving");
        }
        Body::Stop => tracing::info!("told to stop"),
        Body::Verdict(b) => {
            tracing::info!(
                link = b.link,
                family = b.family,
                from = b.from,
                to = b.to,
                why = b.why,
                "link judged"
            );
        }
        Body::Switch(b) => {
            let from = b.from.as_deref().unwrap_or("none");
            tracing::warn!(family = b.family, from, to = b.to, why = b.why, "traffic moved");
        }
        Body::Condition(b) if b.raised => tracing::warn!(
            resource = b.resource, what = b.type_id, severity = %b.severity, cause = b.cause, "condition raised"
        ),
        Body::Condition(b) => {
            tracing::info!(
                resource = b.resource,
                what = b.type_id,
                stood_ms = b.stood_ms,
                "condition cleared"
            );
        }
        // Lines can change many times a minute; the history of each is a record, not a log line.
        Body::Line(b) => tracing::debug!(line = b.line, to = b.to, sample = b.sample, "line changed"),
        Body::Card(b) => tracing::info!(to = b.to, detail = b.detail, "line card"),
        Body::Loss(b) => {
            tracing::warn!(class = b.class.as_str(), count = b.count, why = b.why, "records lost");
        }
        Body::Signal(b) => {
            let line = b.line.map_or_else(|| "box".to_owned(), |line| line.to_string());
            tracing::info!(
                signal = b.signal,
                line,
                account = b.account,
                event = b.event,
                words = b.words,
                "signal"
            );
        }
        Body::Delivery(b) => {
            let DeliveryBody { signal, station, link, took_ms, panel_gone, .. } = b;
            tracing::info!(signal, station, link, took_ms, panel_gone, "signal delivered");
        }
        Body::OnTest(b) => tracing::info!(account = b.account, on = b.on, by = b.by, "account on test"),
        Body::Metrics(_) => {}
    }
}

/// Duress and its like: whoever forces a person on the premises may also read the journal.
fn is_silent(body: &Body) -> bool {
    match body {
        Body::Signal(signal) => signal.silent,
        Body::Delivery(delivery) => delivery.silent,
        Body::Start(_)
        | Body::Stop
        | Body::Verdict(_)
        | Body::Switch(_)
        | Body::Condition(_)
        | Body::Line(_)
        | Body::Card(_)
        | Body::Loss(_)
        | Body::OnTest(_)
        | Body::Metrics(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use noc_messages::SignalBody;

    use super::*;

    #[test]
    fn nothing_of_a_silent_signal_stands_in_the_log() {
        for silent in [true, false] {
            let signal = SignalBody {
                signal: 7,
                line: Some(0),
                account: "1234".into(),
                event: "1121".into(),
                partition: "01".into(),
                zone: "003".into(),
                words: "duress".into(),
                silent,
                on_test: false,
            };
            let delivery = DeliveryBody {
                signal: 7,
                station: "north".into(),
                link: "fibre".into(),
                sequence: 1,
                took_ms: 90,
                panel_gone: false,
                silent,
            };
            for body in [Body::Signal(signal), Body::Delivery(delivery)] {
                assert_eq!(logged(&body).is_empty(), silent, "{body:?}");
            }
        }
    }

    /// What reaches the log of a body.
    fn logged(body: &Body) -> String {
        let kept = Kept::default();
        let writer = kept.clone();
        let lines = tracing_subscriber::fmt::layer().with_writer(move || writer.clone());
        let subscriber = tracing_subscriber::registry().with(lines);
        tracing::subscriber::with_default(subscriber, || record(body));
        let bytes = kept.0.lock().expect("nobody panics with it").clone();
        String::from_utf8(bytes).expect("lines are text")
    }

    #[derive(Clone, Default)]
    struct Kept(std::sync::Arc<std::sync::Mutex<Vec<u8>>>);

    impl std::io::Write for Kept {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().expect("nobody panics with it").extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
}
