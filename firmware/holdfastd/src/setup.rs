//! From board and site to what the appliance is told.

use std::time::Duration;

use appliance::{LineSetup, Setup};
use board_configs::{Board, Release, Site};
use outbox::OutboxConfig;

/// Without a broker nobody reads samples; they still show in `holdfast status`.
const METRICS_WITHOUT_BROKER: Duration = Duration::from_secs(60);

/// The appliance's own view of board and site.
pub(crate) fn setup(board: &Board, site: &Site) -> Setup {
    let mqtt = site.mqtt.as_ref();
    Setup {
        site: site.site.clone(),
        board: board.name.clone(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        lines: site
            .lines
            .iter()
            .map(|l| LineSetup {
                line: l.line,
                profile: l.profile.word().to_owned(),
                name: l.name.clone(),
                behaviour: None,
            })
            .collect(),
        stations: None,
        card_expected: board.card.is_some() && !site.lines.is_empty(),
        broker_expected: mqtt.is_some(),
        metrics_every: mqtt.map_or(METRICS_WITHOUT_BROKER, |m| m.metrics_every),
        insecure: site.insecure.iter().map(|w| w.word().to_owned()).collect(),
        wan: site.wan_config(),
        outbox: OutboxConfig {
            site: site.site.clone(),
            records: site.spool.records,
            bytes: site.spool.bytes,
            metrics: site.spool.metrics,
            release_on_puback: mqtt.is_some_and(|m| m.release == Release::Puback),
        },
    }
}
