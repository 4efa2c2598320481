//! Questions from the control socket. What can be answered at once is; what has to be read from a disk is
//! answered beside the loop. The one thing that can be asked for goes through the loop as an order.

use std::time::Duration;

use appliance::{Event, Order, Status};
use hal_linux::clock;
use ports::control::{Ask, Question};
use serde_json::{Value, json};
use tokio::sync::oneshot;

use crate::open::Opened;

/// Answers, at once or later.
pub(crate) fn answer(opened: &mut Opened, question: Question) {
    let answer = match question.ask {
        Ask::Calls { last } => {
            // One for each connection of the control socket at most, and it ends with the reader's answer.
            let calls = opened.evidence.handle.last_calls(usize::from(last));
            tokio::spawn(pass_on(calls, question.answer));
            return;
        }
        Ask::OnTest { account, minutes, by } => on_test(opened, &account, minutes, by),
        Ask::Status => serde_json::to_value(status(opened)),
        Ask::Links => serde_json::to_value(status(opened).wan),
        Ask::Explain { what: _ } => {
            let families = status(opened).wan.families;
            Ok(json!({ "lines": opened.appliance.explain(clock::now()), "families": families }))
        }
    };
    let answer = answer.unwrap_or_else(|error| json!({ "error": error.to_string() }));
    // Whoever asked may have gone.
    drop(question.answer.send(answer));
}

async fn pass_on(calls: oneshot::Receiver<Value>, answer: oneshot::Sender<Value>) {
    let busy = |_| json!({ "error": "the evidence is being read for others; ask again in a moment" });
    drop(answer.send(calls.await.unwrap_or_else(busy)));
}

fn on_test(opened: &mut Opened, account: &str, minutes: u16, by: String) -> serde_json::Result<Value> {
    let lasts = Duration::from_secs(u64::from(minutes) * 60);
    opened.turn(Some(Event::Order(Order::OnTest { account: account.to_owned(), lasts, by })));
    let is_on_test = status(opened).alarm.on_test.iter().any(|on| on == account);
    if is_on_test == (minutes > 0) {
        return Ok(json!({ "on_test": account, "minutes": minutes }));
    }
    Ok(json!({ "error": "too many accounts are on test at once; end the test of one that is done" }))
}

fn status(opened: &Opened) -> Status {
    opened.appliance.status(clock::now())
}
