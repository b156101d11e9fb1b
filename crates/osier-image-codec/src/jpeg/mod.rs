//! JPEG: a decoder of our own that scales while it decodes, the header, and the encoder.

mod colour;
mod decode;
mod encode;
mod huffman;
mod idct;
mod marker;
mod quality;

pub(crate) use decode::decode;
pub use encode::{JpegSettings, encode};

use marker::{Reader, Segment};

use crate::{CodecError, Format, Header};

/// Everything before the first scan.
pub(crate) fn header(data: &[u8]) -> Result<Header, CodecError> {
    let mut reader = Reader::new(data, true)?;
    let mut frame = None;
    loop {
        match reader.next()? {
            Segment::Frame(found) => frame = Some(found),
            Segment::Scan(_) => break,
            Segment::End => return Err(CodecError::Damaged("no scan")),
            Segment::Other => {}
        }
    }
    let frame = frame.ok_or(CodecError::Damaged("no frame header"))?;
    let luma = frame
        .components
        .first()
        .map_or(0, |component| component.quantiser);
    let quantiser = reader.tables.quantisers.get(luma).and_then(Option::as_ref);
    Ok(Header {
        quality: quantiser.map(quality::estimate),
        progressive: frame.progressive,
        cmyk: frame.components.len() == 4,
        channels: u8::try_from(frame.components.len()).unwrap_or(3),
        profile: reader.profile(),
        exif: reader.metadata.exif.take(),
        ..Header::still(Format::Jpeg, frame.width, frame.height)
    })
}

/// The embedded profile, for pictures whose samples mean nothing without it.
fn profile(data: &[u8]) -> Option<Vec<u8>> {
    header(data).ok()?.profile
}

/// The ids of the components, which in some files spell `RGB`.
fn component_ids(frame: &marker::Frame) -> [u8; 4] {
    let mut ids = [0; 4];
    for (id, component) in ids.iter_mut().zip(&frame.components) {
        *id = component.id;
    }
    ids
}

#[cfg(test)]
mod tests;
