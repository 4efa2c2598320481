//! Sound files: 16-bit PCM at 8 kHz, one or two channels. Nothing else is read, nothing else written.

use std::fs::File;
use std::io::{self, Seek, SeekFrom, Write};
use std::path::Path;

use linecard::BLOCK;

/// Who gets both directions of a line.
pub trait Tap: Send {
    /// 10 ms: what the telephone said, and what it heard at the same time.
    fn take(&mut self, said: &[i16; BLOCK], heard: &[i16; BLOCK]) -> io::Result<()>;
}

/// A recording: left what the telephone says, right what it hears. The file is complete at every second.
#[derive(Debug)]
pub(crate) struct Recording {
    file: File,
    blocks: u32,
}

impl Recording {
    pub(crate) fn create(path: &Path) -> Result<Self, String> {
        let begun = File::create(path).and_then(|mut file| file.write_all(&header(0)).map(|()| file));
        let file =
            begun.map_err(|error| format!("record to {}: {error}: choose another file", path.display()))?;
        Ok(Self { file, blocks: 0 })
    }

    fn complete(&mut self) -> io::Result<()> {
        self.file.seek(SeekFrom::Start(0))?;
        self.file.write_all(&header(self.blocks * STEREO_BLOCK as u32))?;
        self.file.seek(SeekFrom::End(0)).map(drop)
    }
}

impl Tap for Recording {
    fn take(&mut self, said: &[i16; BLOCK], heard: &[i16; BLOCK]) -> io::Result<()> {
        if self.blocks >= LONGEST_BLOCKS {
            return Err(io::Error::other("twelve hours are recorded, the longest recording there is"));
        }
        let both = said.iter().zip(heard).flat_map(|(left, right)| [left.to_le_bytes(), right.to_le_bytes()]);
        let octets: Vec<u8> = both.flatten().collect();
        self.file.write_all(&octets)?;
        self.blocks += 1;
        if self.blocks % BLOCKS_PER_SECOND == 0 { self.complete() } else { Ok(()) }
    }
}

impl Drop for Recording {
    fn drop(&mut self) {
        let _disk_full = self.complete();
    }
}

/// What a file says: its left channel.
pub(crate) fn read(path: &Path) -> Result<Vec<i16>, String> {
    let told = |why: String| format!("play {}: {why}", path.display());
    let len = std::fs::metadata(path).map_err(|error| told(error.to_string()))?.len();
    if len > MAX_OCTETS {
        return Err(told(format!("{len} octets: at most {MAX_OCTETS}")));
    }
    let octets = std::fs::read(path).map_err(|error| told(error.to_string()))?;
    decode(&octets).map_err(|why| told(format!("{why}: a WAV of 16-bit PCM at 8000 Hz is needed")))
}

fn decode(octets: &[u8]) -> Result<Vec<i16>, &'static str> {
    let (riff, mut rest) = octets.split_at_checked(12).ok_or("too short")?;
    if !riff.starts_with(b"RIFF") || !riff.ends_with(b"WAVE") {
        return Err("not a WAV");
    }
    let mut channels = None;
    while let Some((head, body)) = rest.split_at_checked(8) {
        let len = u32::from_le_bytes([head[4], head[5], head[6], head[7]]) as usize;
        let chunk = &body[..len.min(body.len())];
        match &head[..4] {
            b"fmt " => channels = Some(format(chunk)?),
            b"data" => return samples(chunk, channels.ok_or("no format before the sound")?),
            _ => {}
        }
        // Chunks begin at even places.
        rest = body.get(len.saturating_add(len % 2)..).unwrap_or_default();
    }
    Err("no sound in it")
}

fn format(chunk: &[u8]) -> Result<usize, &'static str> {
    let chunk = chunk.get(..16).ok_or("a broken format")?;
    let word = |at: usize| u16::from_le_bytes([chunk[at], chunk[at + 1]]);
    match (word(0), word(2), word(4), word(6), word(14)) {
        (PCM, channels @ 1..=2, RATE, 0, 16) => Ok(usize::from(channels)),
        _ => Err("another format"),
    }
}

fn samples(chunk: &[u8], channels: usize) -> Result<Vec<i16>, &'static str> {
    let frames = chunk.chunks_exact(2 * channels);
    Ok(frames.map(|frame| i16::from_le_bytes([frame[0], frame[1]])).collect())
}

/// 44 octets before the sound.
fn header(sound_octets: u32) -> Vec<u8> {
    let rate = u32::from(RATE);
    let mut header = b"RIFF".to_vec();
    header.extend((36 + sound_octets).to_le_bytes());
    header.extend(b"WAVEfmt ");
    header.extend(16_u32.to_le_bytes());
    header.extend([PCM, 2].map(u16::to_le_bytes).as_flattened());
    header.extend([rate, rate * 4].map(u32::to_le_bytes).as_flattened());
    header.extend([4_u16, 16].map(u16::to_le_bytes).as_flattened());
    header.extend(b"data");
    header.extend(sound_octets.to_le_bytes());
    header
}

const PCM: u16 = 1;
const RATE: u16 = 8_000;
const STEREO_BLOCK: usize = 4 * BLOCK;
const BLOCKS_PER_SECOND: u32 = 100;

/// Twelve hours: 1.4 GB, which the 32 bits of a WAV's lengths can still say.
const LONGEST_BLOCKS: u32 = 12 * 3_600 * BLOCKS_PER_SECOND;

/// A file that is played lies in memory: 16 minutes of two channels.
const MAX_OCTETS: u64 = 32 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_recording_is_a_wav_whose_left_channel_is_what_was_said() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("line.wav");
        let mut recording = Recording::create(&path).unwrap();
        let said = |n: i16| [n * 100 - 7; BLOCK];
        for n in 0..103 {
            recording.take(&said(n), &[9; BLOCK]).unwrap();
        }
        drop(recording);
        let played = read(&path).unwrap();
        assert_eq!(played.len(), 103 * BLOCK);
        assert!(played.chunks(BLOCK).zip(0..).all(|(block, n)| block == said(n)));
        assert_eq!(std::fs::metadata(&path).unwrap().len(), 44 + 103 * 320);
    }

    #[test]
    fn chunks_that_are_not_sound_are_passed_over() {
        let mut octets = header(4)[..36].to_vec();
        octets.extend(b"LIST\x03\0\0\0abc\0data\x04\0\0\0\x01\x02\x03\x04");
        assert_eq!(decode(&octets), Ok(vec![0x0201]));
    }

    #[test]
    fn what_is_no_such_sound_says_why() {
        let mut faster = header(0);
        faster[24..28].copy_from_slice(&16_000_u32.to_le_bytes());
        for (octets, why) in [
            (&b"RIFF"[..], "too short"),
            (&[7; 60], "not a WAV"),
            (&faster, "another format"),
            (&header(0)[..36], "no sound"),
            (b"RIFF\0\0\0\0WAVEdata\0\0\0\0", "no format"),
            (b"RIFF\0\0\0\0WAVEfmt \xff\xff\xff\xff\x01", "broken format"),
        ] {
            assert!(decode(octets).unwrap_err().contains(why), "{why}");
        }
        let missing = read(Path::new("/nonexistent/x.wav")).unwrap_err();
        assert!(missing.contains("/nonexistent/x.wav"), "{missing}");
    }
}
