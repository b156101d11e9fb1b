//! The segments of a JPEG file between its scans (ITU-T T.81, annex B).

use super::huffman::Table;
use crate::CodecError;

/// Order in which coefficients are sent, as places in an 8x8 block; padded so that a run past the
/// end of a block lands on its last place.
pub(super) const ZIGZAG: [u8; 80] = [
    0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5, 12, 19, 26, 33, 40, 48, 41, 34, 27, 20,
    13, 6, 7, 14, 21, 28, 35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51, 58, 59,
    52, 45, 38, 31, 39, 46, 53, 60, 61, 54, 47, 55, 62, 63, 63, 63, 63, 63, 63, 63, 63, 63, 63, 63,
    63, 63, 63, 63, 63, 63,
];

/// What the frame header says.
#[derive(Clone, Debug)]
pub(super) struct Frame {
    pub(super) width: u32,
    pub(super) height: u32,
    pub(super) progressive: bool,
    pub(super) components: Vec<FrameComponent>,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct FrameComponent {
    pub(super) id: u8,
    pub(super) h: usize,
    pub(super) v: usize,
    pub(super) quantiser: usize,
}

/// A scan header: which components, which coefficients, which bits of them.
#[derive(Clone, Debug)]
pub(super) struct Scan {
    pub(super) components: Vec<ScanComponent>,
    pub(super) first: usize,
    pub(super) last: usize,
    pub(super) high: u32,
    pub(super) low: u32,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct ScanComponent {
    /// Place in the frame's list.
    pub(super) place: usize,
    pub(super) dc: usize,
    pub(super) ac: usize,
}

/// Everything that was said before a scan.
#[derive(Debug, Default)]
pub(super) struct Tables {
    pub(super) quantisers: [Option<[u16; 64]>; 4],
    pub(super) dc: [Option<Table>; 4],
    pub(super) ac: [Option<Table>; 4],
    pub(super) restart_interval: usize,
    /// Density units and both densities of the JFIF header.
    pub(super) density: Option<(u8, u16, u16)>,
    /// Transform flag of the Adobe segment.
    pub(super) adobe: Option<u8>,
}

/// Where a segment with foreign content lies.
#[derive(Debug, Default)]
pub(super) struct Metadata {
    /// Exif block without its `Exif\0\0`.
    pub(super) exif: Option<Vec<u8>>,
    /// Chunks of the colour profile with their numbers.
    pub(super) profile: Vec<(u8, Vec<u8>)>,
}

/// One step through the file.
#[derive(Debug)]
pub(super) enum Segment {
    Frame(Frame),
    /// The entropy-coded data begins at the reader's place.
    Scan(Scan),
    End,
    Other,
}

/// Walks over the segments of a file.
#[derive(Debug)]
pub(super) struct Reader<'a> {
    pub(super) data: &'a [u8],
    pub(super) at: usize,
    pub(super) tables: Tables,
    pub(super) metadata: Metadata,
    keep_metadata: bool,
    frame: Option<Frame>,
}

impl<'a> Reader<'a> {
    /// `keep_metadata` copies Exif and profile out of the file.
    pub(super) fn new(data: &'a [u8], keep_metadata: bool) -> Result<Self, CodecError> {
        if !data.starts_with(&[0xff, 0xd8]) {
            return Err(CodecError::Unknown);
        }
        Ok(Self {
            data,
            at: 2,
            tables: Tables::default(),
            metadata: Metadata::default(),
            keep_metadata,
            frame: None,
        })
    }

    /// Reads the next segment.
    pub(super) fn next(&mut self) -> Result<Segment, CodecError> {
        let marker = self.marker()?;
        match marker {
            0xd9 => return Ok(Segment::End),
            // Stand-alone markers.
            0x01 | 0xd0..=0xd8 => return Ok(Segment::Other),
            _ => {}
        }
        let body = self.body()?;
        match marker {
            0xc0..=0xc2 => {
                if self.frame.is_some() {
                    return Err(CodecError::Damaged("a second frame header"));
                }
                let frame = frame(body, marker == 0xc2)?;
                self.frame = Some(frame.clone());
                return Ok(Segment::Frame(frame));
            }
            0xc4 => self.huffman(body)?,
            0xc3 | 0xc5..=0xc7 => {
                return Err(CodecError::Unsupported("lossless or hierarchical JPEG"));
            }
            0xc9..=0xcb | 0xcd..=0xcf => return Err(CodecError::Unsupported("arithmetic JPEG")),
            0xda => return self.scan(body).map(Segment::Scan),
            0xdb => self.quantisers(body)?,
            0xdd => {
                let [high, low] = body else {
                    return Err(CodecError::Damaged(
                        "a restart interval of the wrong length",
                    ));
                };
                self.tables.restart_interval = usize::from(u16::from_be_bytes([*high, *low]));
            }
            0xe0 => self.jfif(body),
            0xe1 if self.keep_metadata => {
                if let Some(exif) = body.strip_prefix(b"Exif\0\0")
                    && self.metadata.exif.is_none()
                {
                    self.metadata.exif = Some(exif.to_vec());
                }
            }
            0xe2 if self.keep_metadata => {
                if let Some([number, _count, chunk @ ..]) = body.strip_prefix(b"ICC_PROFILE\0") {
                    self.metadata.profile.push((*number, chunk.to_vec()));
                }
            }
            0xee => {
                if let Some(rest) = body.strip_prefix(b"Adobe") {
                    self.tables.adobe = rest.get(6).copied();
                }
            }
            _ => {}
        }
        Ok(Segment::Other)
    }

    /// The profile, its chunks in order.
    pub(super) fn profile(&mut self) -> Option<Vec<u8>> {
        let chunks = &mut self.metadata.profile;
        chunks.sort_by_key(|(number, _)| *number);
        let whole: Vec<u8> = chunks.drain(..).flat_map(|(_, chunk)| chunk).collect();
        (!whole.is_empty()).then_some(whole)
    }

    /// Whether a marker was the last thing read, so that its segment is what is missing.
    pub(super) fn has_marker(&self) -> bool {
        let read = self
            .at
            .checked_sub(2)
            .and_then(|at| self.data.get(at..self.at));
        matches!(read, Some([0xff, second]) if !matches!(second, 0 | 0xff))
    }

    fn marker(&mut self) -> Result<u8, CodecError> {
        // Bytes between segments are passed over, as every decoder does.
        let rest = self.data.get(self.at..).unwrap_or_default();
        let start = rest
            .windows(2)
            .position(|pair| matches!(pair, [0xff, second] if !matches!(second, 0 | 0xff)))
            .ok_or(CodecError::Damaged("the file ends before its picture"))?;
        self.at += start + 2;
        self.data
            .get(self.at - 1)
            .copied()
            .ok_or(CodecError::Damaged("a marker is cut off"))
    }

    fn body(&mut self) -> Result<&'a [u8], CodecError> {
        let rest = self.data.get(self.at..).unwrap_or_default();
        let length = match rest {
            [high, low, ..] => usize::from(u16::from_be_bytes([*high, *low])),
            _ => 0,
        };
        let body = rest
            .get(2..length)
            .ok_or(CodecError::Damaged("a segment is cut off"))?;
        self.at += length;
        Ok(body)
    }

    fn jfif(&mut self, body: &[u8]) {
        if let Some([_, _, units, xh, xl, yh, yl, ..]) = body.strip_prefix(b"JFIF\0") {
            self.tables.density = Some((
                *units,
                u16::from_be_bytes([*xh, *xl]),
                u16::from_be_bytes([*yh, *yl]),
            ));
        }
    }

    fn quantisers(&mut self, mut body: &[u8]) -> Result<(), CodecError> {
        const CUT: CodecError = CodecError::Damaged("a quantisation table is cut off");
        while let Some((head, rest)) = body.split_first() {
            let wide = head >> 4 != 0;
            let (values, rest) = rest
                .split_at_checked(if wide { 128 } else { 64 })
                .ok_or(CUT)?;
            let mut table = [0; 64];
            for (place, value) in table.iter_mut().enumerate() {
                *value = if wide {
                    u16::from_be_bytes([values[place * 2], values[place * 2 + 1]])
                } else {
                    u16::from(values[place])
                };
            }
            *self
                .tables
                .quantisers
                .get_mut(usize::from(head & 15))
                .ok_or(CUT)? = Some(table);
            body = rest;
        }
        Ok(())
    }

    fn huffman(&mut self, mut body: &[u8]) -> Result<(), CodecError> {
        const CUT: CodecError = CodecError::Damaged("a Huffman table is cut off");
        while let Some((head, rest)) = body.split_first() {
            let (counts, rest) = rest.split_first_chunk::<16>().ok_or(CUT)?;
            let total = counts.iter().map(|count| usize::from(*count)).sum();
            let (values, rest) = rest.split_at_checked(total).ok_or(CUT)?;
            let set = if head >> 4 == 0 {
                &mut self.tables.dc
            } else {
                &mut self.tables.ac
            };
            *set.get_mut(usize::from(head & 15)).ok_or(CUT)? = Some(Table::new(counts, values)?);
            body = rest;
        }
        Ok(())
    }

    fn scan(&self, body: &[u8]) -> Result<Scan, CodecError> {
        const BAD: CodecError = CodecError::Damaged("a scan header makes no sense");
        let frame = self.frame.as_ref().ok_or(BAD)?;
        let (count, rest) = body.split_first().ok_or(BAD)?;
        let (list, rest) = rest.split_at_checked(usize::from(*count) * 2).ok_or(BAD)?;
        let [first, last, bits, ..] = *rest else {
            return Err(BAD);
        };
        let mut components = Vec::with_capacity(4);
        for pair in list.as_chunks::<2>().0 {
            let place = frame
                .components
                .iter()
                .position(|component| component.id == pair[0])
                .filter(|place| {
                    components
                        .iter()
                        .all(|one: &ScanComponent| one.place != *place)
                })
                .ok_or(BAD)?;
            let (dc, ac) = (usize::from(pair[1] >> 4), usize::from(pair[1] & 15));
            if dc > 3 || ac > 3 {
                return Err(BAD);
            }
            components.push(ScanComponent { place, dc, ac });
        }
        if components.is_empty() || components.len() > 4 {
            return Err(BAD);
        }
        let mut scan = Scan {
            components,
            first: usize::from(first),
            last: usize::from(last),
            high: u32::from(bits >> 4),
            low: u32::from(bits & 15),
        };
        if frame.progressive {
            let dc = scan.first == 0;
            let sound = scan.last < 64
                && scan.low < 14
                && (scan.high == 0 || scan.high == scan.low + 1)
                && if dc {
                    scan.last == 0
                } else {
                    scan.first <= scan.last && scan.components.len() == 1
                };
            if !sound {
                return Err(BAD);
            }
        } else {
            // Sequential scans carry everything; some writers leave these bytes unset.
            (scan.first, scan.last, scan.high, scan.low) = (0, 63, 0, 0);
        }
        Ok(scan)
    }
}

fn frame(body: &[u8], progressive: bool) -> Result<Frame, CodecError> {
    const BAD: CodecError = CodecError::Damaged("a frame header makes no sense");
    let [precision, hh, hl, wh, wl, count, rest @ ..] = body else {
        return Err(BAD);
    };
    if *precision != 8 {
        return Err(CodecError::Unsupported("JPEG of more than eight bits"));
    }
    let (height, width) = (
        u16::from_be_bytes([*hh, *hl]),
        u16::from_be_bytes([*wh, *wl]),
    );
    if height == 0 || width == 0 {
        // A height of zero announces a DNL segment, which nobody writes.
        return Err(BAD);
    }
    if !matches!(count, 1 | 3 | 4) {
        return Err(CodecError::Unsupported(
            "JPEG of other than one, three or four components",
        ));
    }
    let list = rest.get(..usize::from(*count) * 3).ok_or(BAD)?;
    let mut components = Vec::with_capacity(4);
    for [id, sampling, quantiser] in list.as_chunks::<3>().0 {
        let (h, v) = (usize::from(sampling >> 4), usize::from(sampling & 15));
        let repeated = components
            .iter()
            .any(|other: &FrameComponent| other.id == *id);
        if !(1..=4).contains(&h) || !(1..=4).contains(&v) || *quantiser > 3 || repeated {
            return Err(BAD);
        }
        components.push(FrameComponent {
            id: *id,
            h,
            v,
            quantiser: usize::from(*quantiser),
        });
    }
    if let [only] = components.as_mut_slice() {
        // Sampling of a single component says nothing; its blocks simply follow one another.
        (only.h, only.v) = (1, 1);
    }
    let blocks: usize = components
        .iter()
        .map(|component| component.h * component.v)
        .sum();
    if blocks > 10 && components.len() > 1 {
        return Err(BAD);
    }
    Ok(Frame {
        width: u32::from(width),
        height: u32::from(height),
        progressive,
        components,
    })
}
