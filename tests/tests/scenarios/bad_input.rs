//! Devices and peers that misbehave while the daemon serves: odd input is counted, nothing stops.

use std::fs;
use std::process::Command;
use std::time::Duration;

use anyhow::{Result, ensure};
use e2e::observer::Grace;
use e2e::scene::{Plot, Scene, play};
use lab::plan;
use serde_json::Value;

use crate::no_record_lost::{all_hooks_arrived, flip};

/// For something that is told at most once a second.
const TOLD_WITHIN: Duration = Duration::from_secs(10);

#[test]
fn without_its_line_card_the_box_routes_and_the_card_is_taken_when_it_comes() {
    play(&Plot::without_failback(), |scene| {
        let observer = scene.observe(Grace::default())?;
        scene.card.program.kill()?;
        fs::remove_file(&scene.branch.card).ok();
        scene.daemon.stop(TOLD_WITHIN)?;

        scene.start_daemon_again()?;
        scene.wait_until("condition of the card", TOLD_WITHIN, |s| condition(s, "card", true))?;
        scene.card = scene.branch.start_card(&scene.lab)?;
        scene.wait_until("card", TOLD_WITHIN, |s| condition(s, "card", false))?;

        scene.judge(observer)?;
        Ok(())
    });
}

#[test]
fn garbage_on_the_serial_line_is_counted_and_hook_changes_still_arrive() {
    play(&Plot::without_failback(), |scene| {
        let observer = scene.observe(Grace::default())?;
        flip(scene, 20)?;
        for _ in 0..20 {
            scene.card.command("garbage 2000")?;
        }
        flip(scene, 20)?;

        scene.wait_until("counted garbage", TOLD_WITHIN, |s| counted(s, "card_frames"))?;
        all_hooks_arrived(scene, 40)?;
        scene.judge_all(observer)?;
        Ok(())
    });
}

#[test]
fn odd_messages_from_the_broker_are_counted_and_change_nothing() {
    play(&Plot::without_failback(), |scene| {
        let observer = scene.observe(Grace::default())?;
        let watermark_of_the_future = r#"{"upto":{"state":{"boot":4294967295,"seq":18446744073709551615}}}"#;
        let odd: [(&str, Vec<u8>); 6] = [
            ("noc/unheard-of", b"{}".to_vec()),
            ("noc/unheard-of", vec![b'x'; 100_000]),
            ("noc/watermark", b"{\"upto\": 3}".to_vec()),
            ("noc/watermark", vec![0xff, 0xfe, 0x00]),
            ("noc/watermark", Vec::new()),
            ("noc/watermark", watermark_of_the_future.into()),
        ];
        for (topic, payload) in odd {
            publish(scene, topic, &payload)?;
        }

        scene.wait_until("counted odd messages", TOLD_WITHIN, |s| counted(s, "mqtt_"))?;
        flip(scene, 40)?;
        all_hooks_arrived(scene, 40)?;
        scene.daemon.expect_running()?;
        scene.judge_all(observer)?;
        Ok(())
    });
}

/// As the collector may: below the site's `noc/`.
fn publish(scene: &Scene, topic: &str, payload: &[u8]) -> Result<()> {
    let file = scene.lab.folder().join("odd-message");
    fs::write(&file, payload)?;
    let certificates = &scene.branch.certificates;
    let mut command = Command::new("mosquitto_pub");
    command.args(["-h", &plan::BROKER[0].address.to_string(), "-p", &lab::BROKER_PORT.to_string()]);
    command.args(["-q", "1", "-t", &format!("holdfast/v1/lab-clinic/{topic}")]);
    command.arg("--cafile").arg(&certificates.ca);
    command.arg("--cert").arg(&certificates.collector.certificate);
    command.arg("--key").arg(&certificates.collector.key);
    command.arg("-f").arg(&file);
    let output = scene.lab.internet().run(|| Ok(command.output()?))?;
    ensure!(output.status.success(), "mosquitto_pub: {}", String::from_utf8_lossy(&output.stderr));
    Ok(())
}

fn condition(status: &Value, resource: &str, raised: bool) -> Option<()> {
    let conditions = status["conditions"].as_array()?;
    (conditions.iter().any(|c| c["resource"] == resource) == raised).then_some(())
}

/// Some counter whose name begins so is not zero.
fn counted(status: &Value, start: &str) -> Option<()> {
    let counters = status["counters"].as_object()?;
    let odd = counters.iter().filter(|(name, _)| name.starts_with(start));
    odd.filter_map(|(_, count)| count.as_u64()).any(|count| count > 0).then_some(())
}
