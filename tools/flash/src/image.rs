//! An image file: raw, gzip, xz or zstd, told by its first bytes and not by its name. All members,
//! streams and frames of a file are read; a file that ends too early is an error.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};

use flate2::bufread::MultiGzDecoder;
use lzma_rust2::XzReader;
use ring::digest::{Context, SHA256};
use serde::Serialize;
use thiserror::Error;

/// Between file and decoder.
const BUFFER: usize = 256 * 1024;

/// What an xz or zstd file may ask for: `xz -9` and `zstd --long=27` decode in it.
const WINDOW_LOG: u32 = 27;

/// How the file is packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// Not at all.
    Raw,
    /// RFC 1952.
    Gzip,
    /// The .xz file format, 1.2.
    Xz,
    /// RFC 8878.
    Zstd,
}

/// An image file.
#[derive(Debug, Clone)]
pub struct Image {
    /// Where it is.
    pub path: PathBuf,
    /// How it is packed.
    pub format: Format,
    /// The file's size, packed as it is.
    pub file_bytes: u64,
}

/// Why an image cannot be used.
#[derive(Debug, Error)]
pub enum ImageError {
    /// The file cannot be read or unpacked.
    #[error("{}: {cause}; is it complete? copy or download it again", path.display())]
    Read {
        /// The image.
        path: PathBuf,
        /// What the system or the decoder says.
        cause: io::Error,
    },
    /// Not a file.
    #[error("{}: not a file; name an image file", .0.display())]
    NoFile(PathBuf),
    /// Nothing in it.
    #[error("{}: empty; copy or download it again", .0.display())]
    Empty(PathBuf),
}

impl Format {
    fn of(start: &[u8]) -> Self {
        let magic: [(&[u8], Self); 4] = [
            (&[0x1f, 0x8b, 0x08], Self::Gzip),
            (&[0xfd, b'7', b'z', b'X', b'Z', 0x00], Self::Xz),
            (&[0x28, 0xb5, 0x2f, 0xfd], Self::Zstd),
            // RFC 8878, 3.1.2: a frame to skip may come first, as pzstd and the seekable format do.
            (&[0x50, 0x2a, 0x4d, 0x18], Self::Zstd),
        ];
        magic.iter().find(|(bytes, _)| start.starts_with(bytes)).map_or(Self::Raw, |(_, format)| *format)
    }
}

impl Image {
    /// Looks at the file's first bytes.
    pub fn look(path: &Path) -> Result<Self, ImageError> {
        let error = |cause| ImageError::Read { path: path.to_owned(), cause };
        let file = File::open(path).map_err(error)?;
        let facts = file.metadata().map_err(error)?;
        if !facts.is_file() {
            return Err(ImageError::NoFile(path.to_owned()));
        }
        let mut start = Vec::new();
        file.take(6).read_to_end(&mut start).map_err(error)?;
        if start.is_empty() {
            return Err(ImageError::Empty(path.to_owned()));
        }
        Ok(Self { path: path.to_owned(), format: Format::of(&start), file_bytes: facts.len() })
    }

    /// The unpacked image from its beginning.
    pub fn open(&self) -> Result<Box<dyn Read + Send>, ImageError> {
        let file = File::open(&self.path).map_err(|cause| self.error(cause))?;
        let file = BufReader::with_capacity(BUFFER, file);
        Ok(match self.format {
            Format::Raw => Box::new(file),
            Format::Gzip => Box::new(MultiGzDecoder::new(file)),
            Format::Xz => Box::new(XzReader::new(file, true)),
            Format::Zstd => {
                let mut decoder = zstd::Decoder::with_buffer(file).map_err(|cause| self.error(cause))?;
                decoder.window_log_max(WINDOW_LOG).map_err(|cause| self.error(cause))?;
                Box::new(decoder)
            }
        })
    }

    /// The digest of the file, packed as it is.
    pub fn file_sha256(&self) -> Result<[u8; 32], ImageError> {
        let file = File::open(&self.path).map_err(|cause| self.error(cause))?;
        Ok(self.drain(file)?.1)
    }

    /// Size and digest of the unpacked image; what it takes is unpacking all of it.
    pub fn measure(&self) -> Result<(u64, [u8; 32]), ImageError> {
        self.drain(self.open()?)
    }

    /// An error that names this file.
    pub fn error(&self, cause: io::Error) -> ImageError {
        ImageError::Read { path: self.path.clone(), cause }
    }

    fn drain(&self, mut from: impl Read) -> Result<(u64, [u8; 32]), ImageError> {
        let mut context = Context::new(&SHA256);
        let (mut buffer, mut bytes) = (vec![0; BUFFER], 0);
        loop {
            let length = from.read(&mut buffer).map_err(|cause| self.error(cause))?;
            if length == 0 {
                return Ok((bytes, sha256(context)));
            }
            context.update(&buffer[..length]);
            bytes += length as u64;
        }
    }
}

/// What a finished context says.
pub(crate) fn sha256(context: Context) -> [u8; 32] {
    let mut sum = [0; 32];
    sum.copy_from_slice(context.finish().as_ref());
    sum
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::GzEncoder;
    use lzma_rust2::{XzOptions, XzWriter};
    use tempfile::NamedTempFile;

    use super::*;

    fn gzip(data: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(data).expect("memory takes it");
        encoder.finish().expect("memory takes it")
    }

    fn xz(data: &[u8]) -> Vec<u8> {
        let mut encoder = XzWriter::new(Vec::new(), XzOptions::with_preset(1)).expect("the preset exists");
        encoder.write_all(data).expect("memory takes it");
        encoder.finish().expect("memory takes it")
    }

    fn zst(data: &[u8]) -> Vec<u8> {
        zstd::encode_all(data, 1).expect("memory takes it")
    }

    fn data() -> Vec<u8> {
        (0..300_000_u32).flat_map(|i| i.wrapping_mul(2_654_435_761).to_le_bytes()).collect()
    }

    fn unpacked(file: &[u8]) -> (Format, Result<Vec<u8>, String>) {
        let mut on_disk = NamedTempFile::new().expect("there is room for a file");
        on_disk.write_all(file).expect("there is room for the image");
        let image = Image::look(on_disk.path()).expect("a file that can be read");
        let mut data = Vec::new();
        let read = image.open().expect("the file is there").read_to_end(&mut data);
        (image.format, read.map(|_| data).map_err(|error| error.to_string()))
    }

    type Pack = fn(&[u8]) -> Vec<u8>;
    const PACKED: [(Format, Pack); 3] = [(Format::Gzip, gzip), (Format::Xz, xz), (Format::Zstd, zst)];

    #[test]
    fn every_format_is_told_by_its_bytes_and_unpacked() {
        for (format, pack) in PACKED {
            assert_eq!(unpacked(&pack(&data())), (format, Ok(data())));
        }
        assert_eq!(unpacked(b"raw"), (Format::Raw, Ok(b"raw".to_vec())));
    }

    #[test]
    fn all_members_streams_and_frames_are_read() {
        for (format, pack) in PACKED {
            let data = data();
            let (first, second) = data.split_at(500_001);
            let file = [pack(first), pack(second)].concat();
            assert_eq!(unpacked(&file), (format, Ok(data)), "{format:?}");
        }
    }

    #[test]
    fn a_frame_to_skip_may_come_first() {
        let file = [&[0x50, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3], zst(&data()).as_slice()].concat();
        assert_eq!(unpacked(&file), (Format::Zstd, Ok(data())));
    }

    #[test]
    fn a_file_that_ends_too_early_is_an_error() {
        for (format, pack) in PACKED {
            let whole = pack(&data());
            for cut in [whole.len() / 2, whole.len() - 1] {
                assert!(unpacked(&whole[..cut]).1.is_err(), "{format:?} {cut}");
            }
        }
    }

    #[test]
    fn a_file_with_a_changed_byte_is_an_error() {
        for (format, pack) in PACKED {
            let mut file = pack(&data());
            let last = file.len() - 6;
            file[last] ^= 1;
            let good = unpacked(&file).1 == Ok(data());
            assert!(!good || format == Format::Zstd, "{format:?}");
        }
    }

    #[test]
    fn measuring_tells_size_and_digest_of_the_unpacked_image() {
        let mut file = NamedTempFile::new().expect("there is room for a file");
        file.write_all(&gzip(b"abc")).expect("there is room for the image");
        let image = Image::look(file.path()).expect("a file that can be read");

        let (bytes, sum) = image.measure().expect("it can be unpacked");

        assert_eq!(bytes, 3);
        // FIPS 180-2, appendix B.1.
        assert_eq!(
            crate::words::hex(&sum),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
        assert_ne!(image.file_sha256().expect("it can be read"), sum);
    }

    #[test]
    fn a_folder_and_an_empty_file_are_no_images() {
        assert!(matches!(Image::look(Path::new("/")), Err(ImageError::NoFile(_))));
        let empty = NamedTempFile::new().expect("there is room for a file");
        assert!(matches!(Image::look(empty.path()), Err(ImageError::Empty(_))));
    }
}
