//! Loop devices and the real program. As root.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use holdfast_flash::image::Image;
use holdfast_flash::manifest::{Manifest, SigningKey};
use serde_json::Value;
use tempfile::{NamedTempFile, TempDir};

pub(crate) const MIB: usize = 1024 * 1024;

/// A disk made of a file; it goes away with its test.
pub(crate) struct LoopDisk {
    file: NamedTempFile,
    pub(crate) path: PathBuf,
}

impl LoopDisk {
    /// A used disk: no byte of it is zero.
    pub(crate) fn used(bytes: usize) -> Self {
        Self::holding(&vec![0xee; bytes], &[])
    }

    pub(crate) fn holding(data: &[u8], options: &[&str]) -> Self {
        let mut file = NamedTempFile::new().expect("there is room for a file");
        file.write_all(data).expect("there is room for a disk");
        Self::over(file, options)
    }

    /// A disk of zeros that takes no room.
    pub(crate) fn sparse(bytes: u64) -> Self {
        let file = NamedTempFile::new().expect("there is room for a file");
        file.as_file().set_len(bytes).expect("a file can have holes");
        Self::over(file, &[])
    }

    /// A disk of zeros that has less room than it claims: writing fails in the middle.
    pub(crate) fn on_a_full_filesystem(filesystem: &SmallFilesystem, bytes: u64) -> Self {
        let file = NamedTempFile::new_in(filesystem.0.path()).expect("there is room for an empty file");
        file.as_file().set_len(bytes).expect("a file can have holes");
        Self::over(file, &[])
    }

    fn over(file: NamedTempFile, options: &[&str]) -> Self {
        let mut command = Command::new("losetup");
        let output = command.args(["--find", "--show"]).args(options).arg(file.path()).output();
        let output = output.expect("losetup is installed");
        assert!(output.status.success(), "losetup (as root?): {}", String::from_utf8_lossy(&output.stderr));
        Self { file, path: PathBuf::from(String::from_utf8_lossy(&output.stdout).trim()) }
    }

    pub(crate) fn name(&self) -> String {
        self.path.file_name().expect("a device has a name").to_string_lossy().into_owned()
    }

    /// What is on the disk, by the file behind it.
    pub(crate) fn data(&self) -> Vec<u8> {
        File::open(&self.path).and_then(|disk| disk.sync_all()).expect("the disk is there");
        fs::read(self.file.path()).expect("the file is there")
    }

    /// The first bytes of the disk, by the file behind it.
    pub(crate) fn head(&self, bytes: usize) -> Vec<u8> {
        use std::os::unix::fs::FileExt as _;
        let mut head = vec![0; bytes];
        self.file.as_file().read_exact_at(&mut head, 0).expect("the file is there");
        head
    }

    pub(crate) fn is_untouched(&self) -> bool {
        self.data().iter().all(|byte| *byte == 0xee)
    }
}

impl Drop for LoopDisk {
    fn drop(&mut self) {
        let ended = Command::new("losetup").arg("--detach").arg(&self.path).status();
        assert!(
            ended.is_ok_and(|status| status.success()) || std::thread::panicking(),
            "the disk is still used"
        );
    }
}

/// A filesystem in memory; it goes away with its test.
pub(crate) struct SmallFilesystem(TempDir);

impl SmallFilesystem {
    pub(crate) fn new(bytes: usize) -> Self {
        let point = TempDir::new().expect("there is room for a folder");
        let mut command = Command::new("mount");
        command.args(["-t", "tmpfs", "-o", &format!("size={bytes}"), "tmpfs"]).arg(point.path());
        assert!(command.status().expect("mount is installed").success(), "mount (as root?)");
        Self(point)
    }
}

impl Drop for SmallFilesystem {
    fn drop(&mut self) {
        let ended = Command::new("umount").arg(self.0.path()).status();
        assert!(ended.is_ok_and(|status| status.success()) || std::thread::panicking(), "still mounted");
    }
}

/// A folder with an image and what belongs to it.
pub(crate) struct Shelf(TempDir);

impl Shelf {
    pub(crate) fn new(name: &str, data: &[u8]) -> Self {
        let shelf = Self(TempDir::new().expect("there is room for a folder"));
        shelf.put(name, data);
        shelf
    }

    pub(crate) fn put(&self, name: &str, data: &[u8]) {
        fs::write(self.at(name), data).expect("there is room for a file");
    }

    pub(crate) fn at(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Manifest and signature beside the image; the key that believes them is returned.
    pub(crate) fn sign(&self, name: &str) -> PathBuf {
        let data = |name: &str| {
            fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(name))
                .expect("it is in the tree")
        };
        let key = SigningKey::of_pem(&data("key.pem"), Path::new("key.pem")).expect("the key is good");
        let image = Image::look(&self.at(name)).expect("it is there");
        let text = Manifest::of(&image, None, "qemu-x86_64", "1").expect("it can be read");
        let text = serde_json::to_vec(&text).expect("it is JSON");
        self.put(&format!("{name}.manifest.json"), &text);
        self.put(&format!("{name}.manifest.json.sig"), &key.sign(&text));
        self.put("key.pub.pem", &data("key.pub.pem"));
        self.at("key.pub.pem")
    }
}

/// How the program ended.
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    /// Its JSON lines.
    pub(crate) lines: Vec<Value>,
}

impl Ended {
    pub(crate) fn of(output: &Output) -> Self {
        let text = String::from_utf8_lossy(&output.stdout);
        let lines = text.lines().map(|line| serde_json::from_str(line).expect("every line is JSON"));
        Self { code: output.status.code(), lines: lines.collect() }
    }

    /// The values of a field in all lines of an event.
    pub(crate) fn told(&self, event: &str, field: &str) -> Vec<Value> {
        let lines = self.lines.iter().filter(|line| line["event"] == event);
        lines.map(|line| line[field].clone()).collect()
    }
}

/// `write IMAGE --to DISK ...`, with all questions answered, as JSON.
pub(crate) fn command(image: &Path, disks: &[&LoopDisk], more: &[&str]) -> Command {
    let mut command = bare(image, &disks.iter().map(|disk| disk.path.as_path()).collect::<Vec<_>>(), more);
    for disk in disks {
        command.args(["--yes-i-mean", &disk.name()]);
    }
    command.arg("--non-removable");
    command
}

/// `write IMAGE --to PATH ...`, as JSON, and nobody there to be asked.
pub(crate) fn bare(image: &Path, paths: &[&Path], more: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_holdfast-flash"));
    command.env("HOLDFAST_FLASH_KEY", "").arg("write").arg(image);
    for path in paths {
        command.arg("--to").arg(path);
    }
    command.args(more).arg("--json").stdin(Stdio::null());
    command
}

pub(crate) fn run(command: &mut Command) -> Ended {
    Ended::of(&command.output().expect("the program starts"))
}

pub(crate) fn write(image: &Path, disks: &[&LoopDisk], more: &[&str]) -> Ended {
    run(&mut command(image, disks, more))
}

/// The program, when it is in the middle of writing.
pub(crate) fn in_the_middle(mut command: Command) -> Child {
    use std::io::BufRead as _;
    let mut child = command.stdout(Stdio::piped()).spawn().expect("the program starts");
    let out = child.stdout.as_mut().expect("it is piped");
    let lines = std::io::BufReader::with_capacity(1, out).lines().map_while(Result::ok);
    let writing = |line: &String| line.contains("\"progress\"") && line.contains("\"writing\"");
    assert!(lines.into_iter().any(|line| writing(&line)), "it ended before it wrote");
    child
}

/// Not a multiple of 4 KiB; half of it is holes; its table ends as tables do.
pub(crate) fn image() -> Vec<u8> {
    let mut data: Vec<u8> = (0..6 * MIB + 1234).map(|i| (i / 333 % 255) as u8 + 1).collect();
    data[2 * MIB..5 * MIB].fill(0);
    data[510..512].copy_from_slice(&[0x55, 0xaa]);
    data
}
