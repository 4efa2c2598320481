//! An image as a stream of pieces, each with the digest of what is written of it. The stream ends well
//! only if size, digest and map are as promised: what was checked before may have been changed since.

use std::io::{self, Read};
use std::ops::Range;
use std::sync::Arc;

use ring::digest::{Context, SHA256};
use thiserror::Error;

use crate::bmap::{Bmap, Checker};
use crate::image::{Image, ImageError, sha256};
use crate::plan::{PIECE, Plan};

/// What an image is promised to be.
#[derive(Debug, Clone, Default)]
pub struct Promise {
    /// The digest of the unpacked image.
    pub sha256: Option<[u8; 32]>,
    /// The digests of its ranges.
    pub bmap: Option<Bmap>,
}

/// A part of an image.
#[derive(Debug, PartialEq, Eq)]
pub struct Piece {
    /// Which one; pieces have the same size.
    pub index: u64,
    /// All its bytes; the last one may be short.
    pub bytes: Vec<u8>,
    /// What is written of it.
    pub extents: Vec<Range<usize>>,
    /// Of what is written of it.
    pub sha256: [u8; 32],
}

/// Why an image broke off.
#[derive(Debug, Error)]
pub enum StreamError {
    /// It cannot be read or unpacked.
    #[error(transparent)]
    Image(#[from] ImageError),
    /// Its size is another.
    #[error(
        "the image is not of {expected} bytes: copy or download it again, with its own .bmap and manifest"
    )]
    Size {
        /// As the map, the manifest or the measurement says.
        expected: u64,
    },
    /// Its data is other than the map says.
    #[error("bytes {} to {} of the image are not as its .bmap says: copy or download both again", .0.start, .0.end)]
    Range(Range<u64>),
    /// Its data is other than the manifest says.
    #[error("the unpacked image is not the one that was checked: was it changed meanwhile? start again")]
    Digest,
}

/// An image as a stream of pieces.
pub struct Pieces<'a> {
    image: &'a Image,
    from: Box<dyn Read + Send>,
    plan: &'a Plan,
    promise: &'a Promise,
    checker: Option<Checker<'a>>,
    whole: Context,
    next: u64,
}

impl<'a> Pieces<'a> {
    /// From the beginning of the image.
    pub fn open(image: &'a Image, plan: &'a Plan, promise: &'a Promise) -> Result<Self, StreamError> {
        Ok(Self {
            from: image.open()?,
            image,
            plan,
            promise,
            checker: promise.bmap.as_ref().map(Checker::new),
            whole: Context::new(&SHA256),
            next: 0,
        })
    }

    /// The next piece of which something is written; none after a good end.
    pub fn next_piece(&mut self) -> Result<Option<Arc<Piece>>, StreamError> {
        loop {
            let bytes = read_piece(&mut self.from).map_err(|cause| self.image.error(cause))?;
            let at = self.next * PIECE;
            let end = at + bytes.len() as u64;
            let expected = self.plan.image_bytes();
            if bytes.is_empty() {
                return self.end(at).map(|()| None);
            }
            if end > expected || (bytes.len() as u64) < PIECE && end != expected {
                return Err(StreamError::Size { expected });
            }
            if self.promise.sha256.is_some() {
                self.whole.update(&bytes);
            }
            if let Some(checker) = &mut self.checker {
                checker.feed(at, &bytes).map_err(StreamError::Range)?;
            }
            let index = self.next;
            self.next += 1;
            let extents = self.plan.extents(index);
            if !extents.is_empty() {
                let sha256 = digest_of(&bytes, &extents);
                return Ok(Some(Arc::new(Piece { index, bytes, extents, sha256 })));
            }
        }
    }

    fn end(&mut self, at: u64) -> Result<(), StreamError> {
        let expected = self.plan.image_bytes();
        if at < expected {
            return Err(StreamError::Size { expected });
        }
        let whole = sha256(std::mem::replace(&mut self.whole, Context::new(&SHA256)));
        match self.promise.sha256 {
            Some(promised) if promised != whole => Err(StreamError::Digest),
            Some(_) | None => Ok(()),
        }
    }
}

/// The digest of some parts of a buffer, one after another.
pub fn digest_of(bytes: &[u8], extents: &[Range<usize>]) -> [u8; 32] {
    let mut context = Context::new(&SHA256);
    for extent in extents {
        context.update(&bytes[extent.clone()]);
    }
    sha256(context)
}

/// A whole piece, or what is left.
fn read_piece(from: &mut (impl Read + ?Sized)) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::with_capacity(PIECE as usize);
    from.take(PIECE).read_to_end(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use tempfile::NamedTempFile;

    use super::*;
    use crate::map_of::map_of;

    /// Three pieces and a bit; the second is a hole.
    fn data() -> Vec<u8> {
        let mut data = vec![7; 3 * PIECE as usize + 100];
        data[PIECE as usize..2 * PIECE as usize].fill(0);
        data
    }

    fn file(data: &[u8]) -> NamedTempFile {
        let mut file = NamedTempFile::new().expect("there is room for a file");
        file.write_all(data).expect("there is room for the image");
        file
    }

    fn indices(data: &[u8], plan: &Plan, promise: &Promise) -> Result<Vec<u64>, String> {
        let file = file(data);
        let image = Image::look(file.path()).expect("a file that can be read");
        let mut pieces = Pieces::open(&image, plan, promise).expect("the file is there");
        let mut indices = Vec::new();
        while let Some(piece) = pieces.next_piece().map_err(|error| error.to_string())? {
            indices.push(piece.index);
        }
        Ok(indices)
    }

    fn sha256_of(data: &[u8]) -> [u8; 32] {
        let all = 0..data.len();
        digest_of(data, &[all])
    }

    fn promise() -> Promise {
        let bmap = Bmap::parse(&map_of(&data(), 4096)).expect("the map is good");
        Promise { sha256: Some(sha256_of(&data())), bmap: Some(bmap) }
    }

    #[test]
    fn a_whole_image_is_all_its_pieces_and_a_mapped_one_those_with_data() {
        let whole = Plan::whole(data().len() as u64);
        assert_eq!(indices(&data(), &whole, &Promise::default()), Ok(vec![0, 1, 2, 3]));
        let mapped = Plan::mapped(promise().bmap.as_ref().expect("there is a map"));
        assert_eq!(indices(&data(), &mapped, &promise()), Ok(vec![0, 2, 3]));
    }

    #[test]
    fn an_image_of_another_size_breaks_off() {
        let plan = Plan::whole(data().len() as u64);
        for length in [1, PIECE as usize, 3 * PIECE as usize, data().len() - 1] {
            let error = indices(&data()[..length], &plan, &Promise::default()).expect_err("it is short");
            assert!(error.contains("not of 3145828 bytes"), "{error}");
        }
        let longer = [data(), vec![1]].concat();
        assert!(indices(&longer, &plan, &Promise::default()).is_err());
    }

    #[test]
    fn data_other_than_the_map_or_the_manifest_says_breaks_off() {
        let mapped = Plan::mapped(promise().bmap.as_ref().expect("there is a map"));
        let mut other = data();
        other[2 * PIECE as usize + 9] = 8;
        let error = indices(&other, &mapped, &promise()).expect_err("the map tells");
        assert!(error.contains("as its .bmap says"), "{error}");

        let mut in_a_hole = data();
        in_a_hole[PIECE as usize + 9] = 8;
        let error = indices(&in_a_hole, &mapped, &promise()).expect_err("the digest tells");
        assert!(error.contains("not the one that was checked"), "{error}");
    }
}
