//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use holdfast_flash::prepare::Order;

/// Where a key may stand that is believed on this machine.
const CONFIGURED_KEY: &str = "/etc/holdfast/flash.pub.pem";

/// Names such a key, before the file above.
const KEY_VARIABLE: &str = "HOLDFAST_FLASH_KEY";

/// Cards at one machine; more than hubs carry.
const MAX_TARGETS: usize = 64;

/// Writes a Holdfast image to cards, sticks and disks, and proves it by reading all of it back.
///
/// It writes to nothing that you did not name, and never to a disk that this machine is using.
#[derive(Debug, Parser)]
#[command(name = "holdfast-flash", version, after_help = AFTER)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) what: What,
}

const AFTER: &str = "\
How it goes: put the card in; `holdfast-flash list` shows it; then, with its name,
`holdfast-flash write box.img.zst --to /dev/NAME`. It asks for the name once more before it writes.

Exit codes:
  0  done: written, read back, bootable
  1  refused: nothing was written
  2  broken off: the card was begun and does not boot; write it again
  3  bad card: it does not keep what is written to it; use another one
With several cards it is the highest of theirs.";

#[derive(Debug, Subcommand)]
pub(crate) enum What {
    /// Show the cards and disks of this machine, and which of them could be written.
    List(List),
    /// Write an image to one card or to several at once.
    Write(Box<Write>),
    /// Make and sign the manifest of an image (for those who build images).
    Sign(Sign),
}

#[derive(Debug, Args)]
pub(crate) struct List {
    /// Built-in and virtual disks too.
    #[arg(long)]
    pub(crate) all: bool,
    /// One JSON document.
    #[arg(long)]
    pub(crate) json: bool,
    /// Look at the machine whose /sys, /proc and /dev are below this folder.
    #[arg(long, value_name = "FOLDER", default_value = "/", hide = true)]
    pub(crate) root: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct Write {
    /// The image: raw, or packed as .gz, .xz or .zst.
    pub(crate) image: PathBuf,
    /// The whole disk to write, as /dev/sdb; repeat it for several.
    #[arg(long, value_name = "DEVICE", required = true)]
    pub(crate) to: Vec<PathBuf>,
    /// The serial that the disk must have (see `list`); once for each --to, in their order.
    #[arg(long, value_name = "SERIAL")]
    pub(crate) serial: Vec<String>,
    /// Do not ask for this name: it is the one I mean. Repeat it for several.
    #[arg(long, value_name = "NAME")]
    pub(crate) yes_i_mean: Vec<String>,
    /// Allow disks that are built into this machine (never the one it runs from).
    #[arg(long)]
    pub(crate) non_removable: bool,
    /// The image's block map; found beside the image if it is there.
    #[arg(long, value_name = "FILE")]
    bmap: Option<PathBuf>,
    /// Write every byte of the image, even if there is a block map.
    #[arg(long, conflicts_with = "bmap")]
    no_bmap: bool,
    /// The signed manifest [default: IMAGE.manifest.json]; its signature is FILE.sig.
    #[arg(long, value_name = "FILE")]
    manifest: Option<PathBuf>,
    /// The public key (PEM) of those who make the images [default: $HOLDFAST_FLASH_KEY, or
    /// /etc/holdfast/flash.pub.pem]. With a key, unsigned images are refused.
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
    /// Refuse images without a good signature; so by default if there is a key.
    #[arg(long)]
    require_signature: bool,
    /// Write an unsigned image although there is a key.
    #[arg(long, conflicts_with_all = ["require_signature", "manifest"])]
    unsigned: bool,
    /// Refuse images that are signed for another board.
    #[arg(long, value_name = "BOARD")]
    board: Option<String>,
    /// Check everything, write nothing.
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// One JSON object a line on standard output: what happens and how it ends.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Sign {
    /// The image, packed as it is given away.
    pub(crate) image: PathBuf,
    /// The private key: Ed25519, PKCS#8 in PEM.
    #[arg(long, value_name = "FILE")]
    pub(crate) key: PathBuf,
    /// The board it is for.
    #[arg(long)]
    pub(crate) board: String,
    /// Its version.
    #[arg(long = "image-version", value_name = "VERSION")]
    pub(crate) version: String,
    /// Its block map; found beside the image if it is there.
    #[arg(long, value_name = "FILE")]
    pub(crate) bmap: Option<PathBuf>,
}

impl Write {
    /// What contradicts itself, with the remedy.
    pub(crate) fn contradiction(&self) -> Option<String> {
        if self.to.len() > MAX_TARGETS {
            return Some(format!("{} targets at once; at most {MAX_TARGETS}", self.to.len()));
        }
        let serials = self.serial.len();
        let (few, targets) = (serials != 0 && serials != self.to.len(), self.to.len());
        few.then(|| {
            format!("{serials} --serial for {targets} --to: give one for each, in their order, or none")
        })
    }

    /// What is asked of the image.
    pub(crate) fn order(&self) -> Order {
        Order {
            image: self.image.clone(),
            bmap: self.bmap.clone(),
            no_bmap: self.no_bmap,
            manifest: self.manifest.clone(),
            key: self.key.clone().or_else(configured_key),
            require_signature: self.require_signature,
            unsigned: self.unsigned,
            board: self.board.clone(),
        }
    }
}

fn configured_key() -> Option<PathBuf> {
    let named = std::env::var_os(KEY_VARIABLE).filter(|path| !path.is_empty()).map(PathBuf::from);
    named.or_else(|| Some(PathBuf::from(CONFIGURED_KEY)).filter(|path| path.exists()))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn no_disk_is_ever_preselected() {
        assert!(Arguments::try_parse_from(["holdfast-flash", "write", "box.img"]).is_err());
    }
}
