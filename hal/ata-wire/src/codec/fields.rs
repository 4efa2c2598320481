//! Single fields at their offsets. A field beyond the end is a damaged length.

use heapless::String;

use super::{Damage, Refused};
use crate::Seq;
use crate::limits::MAX_FRAME;
use crate::message::Versions;

pub(super) fn put<const N: usize>(out: &mut [u8; MAX_FRAME], at: usize, octets: [u8; N]) {
    out[at..at + N].copy_from_slice(&octets);
}

pub(super) fn put_text(field: &mut [u8], text: &str) {
    field[..text.len()].copy_from_slice(text.as_bytes());
}

pub(super) fn array_at<const N: usize>(body: &[u8], at: usize) -> Result<[u8; N], Refused> {
    let field = body.get(at..at + N).ok_or(Refused::Damaged(Damage::Length))?;
    Ok(field.try_into().expect("the slice was cut to N octets"))
}

pub(super) fn u8_at(body: &[u8], at: usize) -> Result<u8, Refused> {
    array_at::<1>(body, at).map(|[octet]| octet)
}

pub(super) fn u16_at(body: &[u8], at: usize) -> Result<u16, Refused> {
    array_at(body, at).map(u16::from_le_bytes)
}

pub(super) fn u32_at(body: &[u8], at: usize) -> Result<u32, Refused> {
    array_at(body, at).map(u32::from_le_bytes)
}

pub(super) fn seq_at(body: &[u8], at: usize) -> Result<Seq, Refused> {
    u16_at(body, at).map(Seq)
}

pub(super) fn boot_at(body: &[u8], at: usize) -> Result<u32, Refused> {
    u32_at(body, at).and_then(|boot| if boot == 0 { Err(Refused::Damaged(Damage::Field)) } else { Ok(boot) })
}

pub(super) fn versions(min: u8, max: u8) -> Result<Versions, Refused> {
    if min <= max { Ok(Versions { min, max }) } else { Err(Refused::Damaged(Damage::Field)) }
}

/// Text up to its first NUL; what is not printable ASCII reads as a question mark.
pub(super) fn text_at<const N: usize>(body: &[u8], at: usize) -> Result<String<N>, Refused> {
    let field: [u8; N] = array_at(body, at)?;
    let mut text = String::new();
    for octet in field.into_iter().take_while(|octet| *octet != 0) {
        let shown = if matches!(octet, 0x20..=0x7e) { char::from(octet) } else { '?' };
        text.push(shown).expect("one octet for each of N");
    }
    Ok(text)
}
