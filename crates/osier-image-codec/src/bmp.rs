//! BMP, with every header from the first on, all depths, bit fields and run lengths.

use crate::{Budget, CodecError, Format, Header, Raster, raster::area};

const CUT: CodecError = CodecError::Damaged("the file ends within its picture");

pub(crate) fn header(data: &[u8]) -> Result<Header, CodecError> {
    let head = Head::read(data)?;
    Ok(Header {
        alpha: head.masks.is_some_and(|masks| masks[3] != 0),
        channels: if head.depth <= 8 { 1 } else { 3 },
        ..Header::still(Format::Bmp, head.width, head.height)
    })
}

pub(crate) fn decode(data: &[u8], budget: &Budget<'_>) -> Result<Raster, CodecError> {
    let head = Head::read(data)?;
    budget.admit(head.width, head.height)?;
    let body = data.get(head.pixels_at..).ok_or(CUT)?;
    if head.compression == 1 || head.compression == 2 {
        return head.run_lengths(body, budget);
    }
    let width = head.width as usize;
    let line = (width * usize::from(head.depth)).div_ceil(32) * 4;
    if body.len()
        < line * (head.height as usize - 1) + (width * usize::from(head.depth)).div_ceil(8)
    {
        return Err(CUT);
    }
    let mut pixels = vec![0; area(head.width, head.height)? * 4];
    let mut alpha = 255;
    for (number, bytes) in body.chunks(line).take(head.height as usize).enumerate() {
        if number % 16 == 0 {
            budget.check()?;
        }
        let place = if head.top_down {
            number
        } else {
            head.height as usize - 1 - number
        };
        let row = pixels
            .get_mut(place * width * 4..(place + 1) * width * 4)
            .ok_or(CUT)?;
        for (x, pixel) in row.as_chunks_mut::<4>().0.iter_mut().enumerate() {
            *pixel = head.pixel(bytes, x);
            alpha &= pixel[3];
        }
    }
    Raster::from_pixels(head.width, head.height, pixels, alpha == 255)
}

/// Encodes a picture: 24 bits, or 32 where something shows through.
pub fn encode(picture: &Raster) -> Result<Vec<u8>, CodecError> {
    const TOO_LARGE: CodecError = CodecError::TooLarge("bytes for BMP");
    let alpha = picture.shows_through();
    let width = picture.width() as usize;
    let (info, depth) = if alpha { (108_u32, 32_u16) } else { (40, 24) };
    let line = (width * usize::from(depth)).div_ceil(32) * 4;
    let size = u32::try_from(line * picture.height() as usize).map_err(|_| TOO_LARGE)?;
    let offset = 14 + info;
    let mut out = Vec::with_capacity(size as usize + offset as usize);
    out.extend_from_slice(b"BM");
    out.extend_from_slice(&size.checked_add(offset).ok_or(TOO_LARGE)?.to_le_bytes());
    out.extend_from_slice(&[0; 4]);
    out.extend_from_slice(&offset.to_le_bytes());
    out.extend_from_slice(&info.to_le_bytes());
    out.extend_from_slice(&picture.width().to_le_bytes());
    out.extend_from_slice(&picture.height().to_le_bytes());
    out.extend_from_slice(&1_u16.to_le_bytes());
    out.extend_from_slice(&depth.to_le_bytes());
    out.extend_from_slice(&(if alpha { 3_u32 } else { 0 }).to_le_bytes());
    out.extend_from_slice(&size.to_le_bytes());
    // 72 dots per inch, no palette.
    for value in [2835_u32, 2835, 0, 0] {
        out.extend_from_slice(&value.to_le_bytes());
    }
    if alpha {
        for mask in [0x00ff_0000_u32, 0x0000_ff00, 0x0000_00ff, 0xff00_0000] {
            out.extend_from_slice(&mask.to_le_bytes());
        }
        out.extend_from_slice(b"BGRs");
        out.extend_from_slice(&[0; 48]);
    }
    for row in picture.rows().rev() {
        let start = out.len();
        for [r, g, b, a] in row.as_chunks::<4>().0 {
            out.extend_from_slice(&[*b, *g, *r]);
            if alpha {
                out.push(*a);
            }
        }
        out.resize(start + line, 0);
    }
    Ok(out)
}

/// The headers of a file.
struct Head {
    width: u32,
    height: u32,
    top_down: bool,
    depth: u16,
    /// 0 none, 1 and 2 run lengths of eight and four bits, 3 bit fields.
    compression: u32,
    /// Red, green, blue, alpha.
    masks: Option<[u32; 4]>,
    palette: Vec<[u8; 4]>,
    pixels_at: usize,
}

impl Head {
    fn read(data: &[u8]) -> Result<Self, CodecError> {
        const BAD: CodecError = CodecError::Damaged("a header makes no sense");
        let u16_at = |at: usize| -> Result<u16, CodecError> {
            let bytes = data.get(at..).and_then(<[u8]>::first_chunk).ok_or(CUT)?;
            Ok(u16::from_le_bytes(*bytes))
        };
        let u32_at = |at: usize| -> Result<u32, CodecError> {
            let bytes = data.get(at..).and_then(<[u8]>::first_chunk).ok_or(CUT)?;
            Ok(u32::from_le_bytes(*bytes))
        };
        let pixels_at = u32_at(10)? as usize;
        let info = u32_at(14)?;
        let old = info == 12;
        if !old && !(40..=1024).contains(&info) && info != 16 {
            return Err(BAD);
        }
        let (width, raw_height) = if old {
            (u32::from(u16_at(18)?), i32::from(u16_at(20)?))
        } else {
            (u32_at(18)?, u32_at(22)?.cast_signed())
        };
        let (planes_at, depth_at) = if old { (22, 24) } else { (26, 28) };
        let (planes, depth) = (u16_at(planes_at)?, u16_at(depth_at)?);
        let compression = if old || info < 40 { 0 } else { u32_at(30)? };
        let height = raw_height.unsigned_abs();
        let sides = 1..=1_u32 << 20;
        if !sides.contains(&width) || !sides.contains(&height) || planes != 1 {
            return Err(BAD);
        }
        let sound = matches!(
            (compression, depth),
            (0, 1 | 2 | 4 | 8 | 16 | 24 | 32) | (1, 8) | (2, 4) | (3 | 6, 16 | 32)
        );
        if !sound {
            return Err(CodecError::Unsupported("this kind of BMP"));
        }
        let mut table_at = 14 + info as usize;
        let masks = match (compression, depth) {
            (3 | 6, _) => {
                let alpha = if info >= 56 || compression == 6 {
                    u32_at(66)?
                } else {
                    0
                };
                if info == 40 {
                    table_at += if compression == 6 { 16 } else { 12 };
                }
                Some([u32_at(54)?, u32_at(58)?, u32_at(62)?, alpha])
            }
            (_, 16) => Some([0x7c00, 0x03e0, 0x001f, 0]),
            (_, 32) => Some([0x00ff_0000, 0xff00, 0xff, 0]),
            _ => None,
        };
        let mut palette = Vec::new();
        if depth <= 8 {
            let used = if old || info < 40 {
                0
            } else {
                u32_at(46)? as usize
            };
            let most = 1_usize << depth;
            let count = if used == 0 { most } else { used.min(most) };
            let entry = if old { 3 } else { 4 };
            // Some writers leave the palette short of what they declare.
            let end = pixels_at.min(data.len()).min(table_at + count * entry);
            for colour in data
                .get(table_at..end)
                .unwrap_or_default()
                .chunks_exact(entry)
            {
                palette.push([colour[2], colour[1], colour[0], 255]);
            }
        }
        Ok(Self {
            width,
            height,
            top_down: raw_height < 0,
            depth,
            compression: if compression == 6 { 3 } else { compression },
            masks,
            palette,
            pixels_at,
        })
    }

    fn colour(&self, index: usize) -> [u8; 4] {
        self.palette.get(index).copied().unwrap_or([0, 0, 0, 255])
    }

    fn pixel(&self, line: &[u8], x: usize) -> [u8; 4] {
        let byte = |at: usize| line.get(at).copied().unwrap_or_default();
        match self.depth {
            depth @ (1 | 2 | 4 | 8) => {
                let depth = usize::from(depth);
                let at = x * depth;
                let shift = 8 - depth - at % 8;
                self.colour(usize::from(byte(at / 8) >> shift) & ((1 << depth) - 1))
            }
            24 => [byte(x * 3 + 2), byte(x * 3 + 1), byte(x * 3), 255],
            depth => {
                let wide = depth == 32;
                let at = x * if wide { 4 } else { 2 };
                let high = if wide {
                    [byte(at + 2), byte(at + 3)]
                } else {
                    [0, 0]
                };
                let word = u32::from_le_bytes([byte(at), byte(at + 1), high[0], high[1]]);
                let masks = self.masks.unwrap_or_default();
                let channel = |mask: u32| scale(word & mask, mask);
                let alpha = if masks[3] == 0 {
                    255
                } else {
                    channel(masks[3])
                };
                [
                    channel(masks[0]),
                    channel(masks[1]),
                    channel(masks[2]),
                    alpha,
                ]
            }
        }
    }

    fn run_lengths(&self, body: &[u8], budget: &Budget<'_>) -> Result<Raster, CodecError> {
        let (width, height) = (self.width as usize, self.height as usize);
        // What the runs leave out shows the first colour, as most readers have it.
        let mut pixels = self.colour(0).repeat(area(self.width, self.height)?);
        let (mut x, mut y) = (0, 0);
        let mut put = |x: usize, y: usize, colour: [u8; 4]| {
            if x < width && y < height {
                let place = if self.top_down { y } else { height - 1 - y };
                let at = (place * width + x) * 4;
                if let Some(pixel) = pixels.get_mut(at..at + 4) {
                    pixel.copy_from_slice(&colour);
                }
            }
        };
        let mut rest = body;
        let mut steps = 0_u32;
        while let [count, value, after @ ..] = rest {
            rest = after;
            steps += 1;
            if steps.is_multiple_of(4096) {
                budget.check()?;
            }
            let (count, value) = (usize::from(*count), *value);
            let nibble = |number: usize, byte: u8| {
                usize::from(if number.is_multiple_of(2) {
                    byte >> 4
                } else {
                    byte & 15
                })
            };
            if count > 0 {
                for number in 0..count {
                    let index = if self.depth == 8 {
                        usize::from(value)
                    } else {
                        nibble(number, value)
                    };
                    put(x + number, y, self.colour(index));
                }
                x += count;
                continue;
            }
            match value {
                0 => (x, y) = (0, y + 1),
                1 => break,
                2 => {
                    let [right, down, after @ ..] = rest else {
                        return Err(CUT);
                    };
                    rest = after;
                    x += usize::from(*right);
                    y += usize::from(*down);
                }
                literal => {
                    let count = usize::from(literal);
                    let bytes = if self.depth == 8 {
                        count
                    } else {
                        count.div_ceil(2)
                    };
                    let (data, after) = rest.split_at_checked(bytes).ok_or(CUT)?;
                    for number in 0..count {
                        let index = if self.depth == 8 {
                            usize::from(data[number])
                        } else {
                            nibble(number, data[number / 2])
                        };
                        put(x + number, y, self.colour(index));
                    }
                    x += count;
                    rest = after.get(bytes % 2..).unwrap_or_default();
                }
            }
            if y >= height {
                break;
            }
        }
        Raster::from_pixels(self.width, self.height, pixels, true)
    }
}

/// Bits of a mask to eight bits.
fn scale(value: u32, mask: u32) -> u8 {
    if mask == 0 {
        return 0;
    }
    let shift = mask.trailing_zeros();
    let (value, most) = (u64::from(value >> shift), u64::from(mask >> shift));
    ((value * 255 + most / 2) / most).min(255) as u8
}
