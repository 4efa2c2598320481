//! `list`: the disks of this machine and what speaks against each. It never preselects one.

use std::io::{self, Write as _};

use anyhow::Result;
use holdfast_flash::disks::Disk;
use holdfast_flash::guard::{Refusal, Wish, refusals};
use holdfast_flash::machine::{Machine, Use};
use holdfast_flash::words::size;
use serde_json::{Value, json};

use crate::args::List;
use crate::voice::refusal_json;

/// Prints the disks.
pub(crate) fn run(list: &List) -> Result<()> {
    let machine = Machine::read(&list.root)?;
    let shown = |disk: &&Disk| list.all || disk.is_removable();
    let rows: Vec<(&Disk, Vec<Refusal>)> = machine
        .disks
        .iter()
        .filter(shown)
        .map(|disk| (disk, refusals(&machine, disk, &Wish::default())))
        .collect();
    let text = if list.json { document(&machine, &rows)? } else { table(&rows) };
    io::stdout().write_all(text.as_bytes())?;
    Ok(())
}

fn document(machine: &Machine, rows: &[(&Disk, Vec<Refusal>)]) -> Result<String> {
    let disks: Vec<Value> = rows.iter().map(|(disk, refusals)| disk_json(machine, disk, refusals)).collect();
    Ok(serde_json::to_string_pretty(&json!({ "disks": disks }))? + "\n")
}

fn disk_json(machine: &Machine, disk: &Disk, refusals: &[Refusal]) -> Value {
    let uses = machine.uses_of(disk);
    let mounted: Vec<_> = uses
        .iter()
        .filter_map(|used| match used {
            Use::Mount(point) => Some(point.display().to_string()),
            Use::Swap(_) => None,
        })
        .collect();
    json!({
        "name": disk.name,
        "path": format!("/dev/{}", disk.name),
        "bytes": disk.bytes,
        "transport": disk.transport,
        "removable": disk.is_removable(),
        "read_only": disk.read_only,
        "model": disk.model,
        "serial": disk.serial,
        "partitions": disk.partitions.iter().map(|part| &part.name).collect::<Vec<_>>(),
        "mounted": mounted,
        "holders": disk.holders,
        "refused": refusals.iter().map(refusal_json).collect::<Vec<_>>(),
    })
}

const HEAD: [&str; 6] = ["DEVICE", "SIZE", "AT", "MODEL", "SERIAL", "CAN BE WRITTEN"];

fn table(rows: &[(&Disk, Vec<Refusal>)]) -> String {
    if rows.is_empty() {
        return "No card and no stick. Plug one in, or look at all disks with `holdfast-flash list --all`.\n"
            .to_owned();
    }
    let cells = rows.iter().map(|(disk, refusals)| {
        let text = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".to_owned());
        let device = format!("/dev/{}", disk.name);
        let verdict = verdict(refusals);
        [device, size(disk.bytes), disk.transport.to_string(), text(&disk.model), text(&disk.serial), verdict]
    });
    let lines: Vec<[String; 6]> = std::iter::once(HEAD.map(str::to_owned)).chain(cells).collect();
    let width =
        |column: usize| lines.iter().map(|line| line[column].chars().count()).max().unwrap_or_default();
    let widths: [usize; 6] = std::array::from_fn(width);
    let padded = |line: &[String; 6]| {
        let cells = line.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}"));
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned() + "\n"
    };
    lines.iter().map(padded).collect()
}

fn verdict(refusals: &[Refusal]) -> String {
    if refusals.is_empty() {
        return "yes".to_owned();
    }
    format!("no: {}", refusals.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))
}
