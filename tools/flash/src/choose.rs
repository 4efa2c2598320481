//! Which disks are written: those that were named, that nothing speaks against, and whose names were
//! typed once more.

use std::io::{self, BufRead, IsTerminal, Write as _};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use holdfast_flash::disks::{Disk, Number};
use holdfast_flash::guard::{Refusal, Wish, refusals, whole_disk};
use holdfast_flash::machine::Machine;
use holdfast_flash::target::number_of;
use holdfast_flash::words::size;

use crate::args::Write;
use crate::voice::Voice;

/// A disk that may be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Chosen {
    /// As below `/dev`.
    pub(crate) name: String,
    /// Its node.
    pub(crate) path: PathBuf,
    /// What the name has to mean when it is opened.
    pub(crate) number: Number,
    /// Another card in the same reader has another one.
    sequence: Option<u64>,
    /// What the technician sees.
    words: String,
}

/// All disks that were named, or none if something speaks against one of them.
pub(crate) fn choose(write: &Write, image_bytes: Option<u64>, voice: Voice) -> Result<Option<Vec<Chosen>>> {
    let machine = Machine::read(Path::new("/"))?;
    let image = write
        .image
        .canonicalize()
        .with_context(|| format!("{}: is the path right?", write.image.display()))?;
    let mut chosen: Vec<Chosen> = Vec::new();
    let mut refused = false;
    for (i, path) in write.to.iter().enumerate() {
        let path = if path.components().count() == 1 { Path::new("/dev").join(path) } else { path.clone() };
        let serial = write.serial.get(i).map(String::as_str);
        let wish = Wish { non_removable: write.non_removable, image_bytes, image: Some(&image), serial };
        let number = number_of(&path)?;
        match judge(&machine, number, &wish) {
            Ok(disk) if chosen.iter().any(|other| other.number == number) => {
                bail!("{}: {} is named twice; name each disk once", path.display(), disk.name)
            }
            Ok(disk) => chosen.push(Chosen::new(disk, path)),
            Err(reasons) => {
                refused = true;
                voice.refused(&path.display().to_string(), &reasons);
            }
        }
    }
    Ok((!refused).then_some(chosen))
}

fn judge<'a>(machine: &'a Machine, number: Number, wish: &Wish<'_>) -> Result<&'a Disk, Vec<Refusal>> {
    let disk = whole_disk(machine, number).map_err(|refusal| vec![refusal])?;
    let reasons = refusals(machine, disk, wish);
    if reasons.is_empty() { Ok(disk) } else { Err(reasons) }
}

/// The disks have to be those that were shown when the names were typed.
pub(crate) fn check_same(shown: &[Chosen], found: &[Chosen]) -> Result<()> {
    match shown.iter().zip(found).find(|(shown, found)| shown != found) {
        Some((shown, found)) => {
            bail!(
                "{} was exchanged while you were asked and is {}: nothing was written",
                shown.words,
                found.words
            )
        }
        None => Ok(()),
    }
}

/// Asks for each name that was not given by flag.
pub(crate) fn confirm(write: &Write, chosen: &[Chosen]) -> Result<()> {
    for disk in chosen {
        if write.yes_i_mean.contains(&disk.name) {
            continue;
        }
        let (name, words) = (&disk.name, &disk.words);
        if !io::stdin().is_terminal() {
            bail!("{words}: nobody can be asked here; add --yes-i-mean {name} if it is the one");
        }
        eprint!("\nEverything on {words} will be lost.\nType {name} to write it: ");
        io::stderr().flush()?;
        let mut answer = String::new();
        io::stdin().lock().read_line(&mut answer)?;
        if answer.trim() != name {
            bail!("`{}` is not {name}: nothing was written", answer.trim());
        }
    }
    Ok(())
}

impl Chosen {
    fn new(disk: &Disk, path: PathBuf) -> Self {
        let model = disk.model.as_deref().unwrap_or("unknown model");
        let serial = disk.serial.as_deref().unwrap_or("unknown");
        let words = format!("{} ({model}, serial {serial}, {})", path.display(), size(disk.bytes));
        Self { name: disk.name.clone(), path, number: disk.number, sequence: disk.sequence, words }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(sequence: u64) -> Chosen {
        let number = Number { major: 8, minor: 16 };
        let (name, path) = ("sdb".to_owned(), PathBuf::from("/dev/sdb"));
        Chosen { name, path, number, sequence: Some(sequence), words: "a card".to_owned() }
    }

    #[test]
    fn a_card_that_was_exchanged_in_its_reader_is_found() {
        let shown = [chosen(3), chosen(4)];
        assert!(check_same(&shown, &shown).is_ok());
        assert!(check_same(&shown, &[chosen(3), chosen(5)]).is_err());
    }
}
