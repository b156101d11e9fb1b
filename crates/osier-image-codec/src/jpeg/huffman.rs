//! Bits and Huffman codes of entropy-coded data.
//!
//! `Bits` keeps up to 64 bits at the top of a register. Where the data end, at a marker or at the
//! end of the file, it delivers zeros and counts them.

use super::marker::ZIGZAG;
use crate::CodecError;

/// Codes up to this long are found in one step.
const LOOK_BITS: u32 = 10;

/// A Huffman table as the decoder uses it.
#[derive(Clone, Debug)]
pub(super) struct Table {
    /// Length in the high byte and symbol in the low one; 0 for longer codes.
    look: Vec<u16>,
    /// A short code together with its value: value << 16 | run << 8 | bits of both; 0 where they
    /// do not fit.
    whole: Vec<i32>,
    /// For each length the first code above its codes, at the top of 16 bits.
    limit: [u32; 18],
    /// For each length what leads from a code to its symbol.
    offset: [i32; 17],
    symbols: Vec<u8>,
}

impl Table {
    pub(super) fn new(counts: &[u8; 16], symbols: &[u8]) -> Result<Self, CodecError> {
        const BAD: CodecError = CodecError::Damaged("a Huffman table has too many codes");
        if symbols.len() > 256 {
            return Err(BAD);
        }
        let mut table = Self {
            look: vec![0; 1 << LOOK_BITS],
            whole: vec![0; 1 << LOOK_BITS],
            limit: [0; 18],
            offset: [0; 17],
            symbols: symbols.to_vec(),
        };
        let (mut code, mut place) = (0_u32, 0_usize);
        for (length, count) in (1_u32..).zip(counts) {
            let at = length as usize;
            table.offset[at] = i32::try_from(place).map_err(|_| BAD)? - code.cast_signed();
            for _ in 0..*count {
                let symbol = *symbols.get(place).ok_or(BAD)?;
                if length <= LOOK_BITS {
                    let first = (code << (LOOK_BITS - length)) as usize;
                    let many = 1 << (LOOK_BITS - length);
                    let cells = table.look.get_mut(first..first + many).ok_or(BAD)?;
                    cells.fill(u16::try_from(length).map_err(|_| BAD)? << 8 | u16::from(symbol));
                }
                code += 1;
                place += 1;
            }
            if code > 1 << length {
                return Err(BAD);
            }
            table.limit[at] = code << (16 - length);
            code <<= 1;
        }
        table.limit[17] = u32::MAX;
        for (index, cell) in table.whole.iter_mut().enumerate() {
            let (length, symbol) = (u32::from(table.look[index] >> 8), table.look[index] & 255);
            let (run, size) = (i32::from(symbol >> 4), u32::from(symbol & 15));
            if length != 0 && size != 0 && length + size <= LOOK_BITS {
                let bits = index << length & ((1 << LOOK_BITS) - 1);
                let raw = ((bits >> (LOOK_BITS - size)) as u32).cast_signed();
                let value = extend(raw, size);
                *cell = value << 16 | run << 8 | (length + size).cast_signed();
            }
        }
        Ok(table)
    }
}

/// A value of `size` bits as T.81 F.2.2.1 maps it.
#[inline(always)]
fn extend(raw: i32, size: u32) -> i32 {
    // Without a branch: values whose first bit is 0 stand for negative ones.
    let negative = (raw >> (size - 1)) - 1;
    raw + (negative & (1 - (1 << size)))
}

/// The bits of a scan.
#[derive(Debug)]
pub(super) struct Bits<'a> {
    data: &'a [u8],
    /// The next byte to load.
    pub(super) at: usize,
    buffer: u64,
    count: u32,
    /// Zeros delivered beyond the data.
    invented: u32,
}

impl<'a> Bits<'a> {
    pub(super) fn new(data: &'a [u8], at: usize) -> Self {
        Self {
            data,
            at,
            buffer: 0,
            count: 0,
            invented: 0,
        }
    }

    /// Whether more bits were taken than there were.
    pub(super) fn exhausted(&self) -> bool {
        self.invented > self.count
    }

    /// Drops what is left and passes a restart marker.
    pub(super) fn restart(&mut self) -> Result<(), CodecError> {
        if self.exhausted() {
            return Err(CodecError::Damaged("the file ends within its picture"));
        }
        (self.buffer, self.count, self.invented) = (0, 0, 0);
        // The register may stand some bytes past padding, never past a marker.
        let rest = self.data.get(self.at..).unwrap_or_default();
        let place = rest
            .windows(2)
            .position(|pair| pair[0] == 0xff && !matches!(pair[1], 0 | 0xff))
            .filter(|place| matches!(rest[place + 1], 0xd0..=0xd7))
            .ok_or(CodecError::Damaged("a restart marker is missing"))?;
        self.at += place + 2;
        Ok(())
    }

    /// Makes sure of 32 bits.
    #[inline(always)]
    pub(super) fn fill(&mut self) {
        if self.count < 32 {
            self.load();
        }
    }

    #[inline(always)]
    fn load(&mut self) {
        if let Some(chunk) = self.data.get(self.at..).and_then(<[u8]>::first_chunk::<8>) {
            let word = u64::from_be_bytes(*chunk);
            let inverse = !word;
            // A byte of 255 is a zero byte of the inverse.
            let special =
                inverse.wrapping_sub(0x0101_0101_0101_0101) & word & 0x8080_8080_8080_8080;
            if special == 0 {
                self.buffer |= word >> self.count;
                self.at += ((63 - self.count) >> 3) as usize;
                self.count |= 0x38;
                return;
            }
        }
        self.load_slowly();
    }

    #[cold]
    #[inline(never)]
    fn load_slowly(&mut self) {
        while self.count <= 56 {
            let byte = match self.data.get(self.at) {
                Some(0xff) => {
                    if self.data.get(self.at + 1) == Some(&0) {
                        self.at += 2;
                        0xff
                    } else if self.data.get(self.at + 1) == Some(&0xff) {
                        // Fill bytes before a marker.
                        self.at += 1;
                        continue;
                    } else {
                        self.invented += 8;
                        0
                    }
                }
                Some(byte) => {
                    self.at += 1;
                    *byte
                }
                None => {
                    self.invented += 8;
                    0
                }
            };
            self.buffer |= u64::from(byte) << (56 - self.count);
            self.count += 8;
        }
        // Zeros of the distant past do not count twice.
        self.invented = self.invented.min(1 << 20);
    }

    #[inline(always)]
    fn take(&mut self, bits: u32) {
        self.buffer <<= bits;
        self.count -= bits;
    }

    /// The symbol of the next code; 32 bits must be there.
    #[inline(always)]
    fn symbol(&mut self, table: &Table) -> Result<u32, CodecError> {
        let entry = table.look[(self.buffer >> (64 - LOOK_BITS)) as usize & ((1 << LOOK_BITS) - 1)];
        if entry != 0 {
            self.take(u32::from(entry >> 8));
            return Ok(u32::from(entry & 255));
        }
        self.long_symbol(table)
    }

    #[cold]
    #[inline(never)]
    fn long_symbol(&mut self, table: &Table) -> Result<u32, CodecError> {
        const BAD: CodecError = CodecError::Damaged("an unknown code in the picture's data");
        let next = (self.buffer >> 48) as u32;
        for length in LOOK_BITS + 1..=16 {
            if next < table.limit[length as usize] {
                let code = (next >> (16 - length)).cast_signed();
                let place = usize::try_from(code + table.offset[length as usize]);
                let symbol = place
                    .ok()
                    .and_then(|place| table.symbols.get(place))
                    .ok_or(BAD)?;
                self.take(length);
                return Ok(u32::from(*symbol));
            }
        }
        Err(BAD)
    }

    /// `size` bits as a signed value; 0 for none.
    #[inline(always)]
    fn value(&mut self, size: u32) -> i32 {
        if size == 0 {
            return 0;
        }
        let raw = (self.buffer >> (64 - size)) as i32;
        self.take(size);
        extend(raw, size)
    }

    #[inline(always)]
    pub(super) fn bit(&mut self) -> bool {
        self.fill();
        let bit = self.buffer >> 63 != 0;
        self.take(1);
        bit
    }

    #[inline(always)]
    fn raw(&mut self, size: u32) -> u32 {
        if size == 0 {
            return 0;
        }
        self.fill();
        let raw = (self.buffer >> (64 - size)) as u32;
        self.take(size);
        raw
    }

    /// The difference of a DC coefficient.
    #[inline(always)]
    pub(super) fn dc(&mut self, table: &Table) -> Result<i32, CodecError> {
        self.fill();
        let size = self.symbol(table)?;
        if size > 11 {
            return Err(CodecError::Damaged("a DC difference is too large"));
        }
        self.fill();
        Ok(self.value(size))
    }

    /// The AC coefficients of a sequential block, placed by `places`; returns the number of the
    /// last one, 0 if there is none.
    #[inline(always)]
    pub(super) fn ac(
        &mut self,
        table: &Table,
        places: &[u8; 80],
        block: &mut [i16; 64],
    ) -> Result<usize, CodecError> {
        let (mut k, mut last) = (1, 0);
        while k < 64 {
            self.fill();
            let index = (self.buffer >> (64 - LOOK_BITS)) as usize & ((1 << LOOK_BITS) - 1);
            let whole = table.whole[index];
            if whole != 0 {
                k += (whole >> 8 & 15) as usize;
                block[usize::from(places[k]) & 63] = (whole >> 16) as i16;
                last = k;
                k += 1;
                self.take((whole & 255) as u32);
                continue;
            }
            let symbol = self.symbol(table)?;
            let (run, size) = ((symbol >> 4) as usize, symbol & 15);
            if size == 0 {
                if run < 15 {
                    break;
                }
                k += 16;
                continue;
            }
            k += run;
            // The run is 15 at most, so `places` covers every k here.
            block[usize::from(places[k]) & 63] = self.value(size) as i16;
            last = k;
            k += 1;
        }
        Ok(last.min(63))
    }

    /// Passes over the AC coefficients of a sequential block.
    #[inline(always)]
    pub(super) fn skip_ac(&mut self, table: &Table) -> Result<(), CodecError> {
        let mut k = 1;
        while k < 64 {
            self.fill();
            let index = (self.buffer >> (64 - LOOK_BITS)) as usize & ((1 << LOOK_BITS) - 1);
            let whole = table.whole[index];
            if whole != 0 {
                k += (whole >> 8 & 15) + 1;
                self.take((whole & 255) as u32);
                continue;
            }
            let symbol = self.symbol(table)?;
            let (run, size) = ((symbol >> 4).cast_signed(), symbol & 15);
            if size == 0 {
                if run < 15 {
                    break;
                }
                k += 16;
                continue;
            }
            k += run + 1;
            self.take(size);
        }
        Ok(())
    }

    /// The first pass over a band of a progressive block. `band` begins at coefficient 0.
    #[inline(always)]
    pub(super) fn band_first(
        &mut self,
        table: &Table,
        band: &mut [i16],
        first: usize,
        last: usize,
        low: u32,
    ) -> Result<u32, CodecError> {
        let mut k = first;
        while k <= last {
            self.fill();
            let symbol = self.symbol(table)?;
            let (run, size) = (symbol >> 4, symbol & 15);
            if size == 0 {
                if run < 15 {
                    // This block and so many more end here.
                    return Ok((1 << run) - 1 + self.raw(run));
                }
                k += 16;
                continue;
            }
            k += run as usize;
            self.fill();
            let value = self.value(size);
            if let Some(coefficient) = band.get_mut(k)
                && k <= last
            {
                *coefficient = (value << low) as i16;
            }
            k += 1;
        }
        Ok(0)
    }

    /// A later pass over a band: one more bit for what is not zero, and new values.
    #[inline(always)]
    pub(super) fn band_refine(
        &mut self,
        table: &Table,
        band: &mut [i16],
        first: usize,
        last: usize,
        low: u32,
    ) -> Result<u32, CodecError> {
        let one = 1_i16 << low;
        let mut k = first;
        while k <= last {
            self.fill();
            let symbol = self.symbol(table)?;
            let (mut run, size) = (symbol >> 4, symbol & 15);
            let mut value = 0;
            if size == 0 {
                if run < 15 {
                    let more = (1 << run) - 1 + self.raw(run);
                    self.correct(band, k, last, one);
                    return Ok(more);
                }
            } else {
                value = if self.bit() { one } else { -one };
            }
            while k <= last {
                let Some(coefficient) = band.get_mut(k) else {
                    break;
                };
                if *coefficient == 0 {
                    if run == 0 {
                        *coefficient = value;
                        k += 1;
                        break;
                    }
                    run -= 1;
                } else if self.bit() {
                    correct_one(coefficient, one);
                }
                k += 1;
            }
        }
        Ok(0)
    }

    /// Correction bits alone, for blocks within a run of ended ones.
    #[inline(always)]
    pub(super) fn correct(&mut self, band: &mut [i16], first: usize, last: usize, one: i16) {
        for coefficient in band.get_mut(first..=last).unwrap_or_default() {
            if *coefficient != 0 && self.bit() {
                correct_one(coefficient, one);
            }
        }
    }
}

#[inline(always)]
fn correct_one(coefficient: &mut i16, one: i16) {
    if *coefficient & one == 0 {
        *coefficient = coefficient.wrapping_add(if *coefficient > 0 { one } else { -one });
    }
}

/// Places for blocks that are kept transposed.
pub(super) const fn transposed() -> [u8; 80] {
    let mut places = ZIGZAG;
    let mut k = 0;
    while k < 80 {
        places[k] = places[k] % 8 * 8 + places[k] / 8;
        k += 1;
    }
    places
}
