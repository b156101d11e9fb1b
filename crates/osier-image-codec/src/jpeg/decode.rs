//! From a JPEG file to pixels, whole or at any number of eighths of its size.
//!
//! Sequential files of one scan go through in bands of one row of MCUs; the others are kept as
//! coefficients first, as few of them as the wanted size needs. Output rows are made when the
//! chroma rows above and below them are there.

use super::{
    colour::{self, Transform},
    huffman::{Bits, Table, transposed},
    idct,
    marker::{Frame, Reader, Scan, Segment, ZIGZAG},
};
use crate::{Budget, CodecError, Raster, cpu, icc::CmykToRgb};

/// Scans of one picture that are followed: more than any encoder writes.
const SCANS_MAX: usize = 64;

const PLACES: [u8; 80] = transposed();

/// Decodes at `eighths / 8` of the size, sides rounded up.
pub(crate) fn decode(data: &[u8], eighths: u8, budget: &Budget<'_>) -> Result<Raster, CodecError> {
    let mut reader = Reader::new(data, false)?;
    let frame = loop {
        match reader.next()? {
            Segment::Frame(frame) => break frame,
            Segment::Scan(_) | Segment::End => {
                return Err(CodecError::Damaged("no frame header"));
            }
            Segment::Other => {}
        }
    };
    budget.admit(frame.width, frame.height)?;
    let mut picture = Picture::new(&frame, eighths, data)?;
    let mut output = None;
    let mut scans = 0;
    loop {
        match reader.next() {
            Ok(Segment::Scan(scan)) => {
                scans += 1;
                if scans > SCANS_MAX {
                    return Err(CodecError::TooLarge("scans"));
                }
                picture.take_quantisers(&scan, &reader)?;
                if output.is_none() {
                    output = Some(Output::new(
                        &picture,
                        &reader,
                        super::component_ids(&frame),
                    )?);
                    if !picture.streams(&scan) {
                        picture.make_room(&reader, &scan, budget)?;
                    }
                }
                let tables = ScanTables::of(&picture, &scan, &reader)?;
                if picture.kept.is_empty() {
                    let Some(output) = &mut output else { continue };
                    run(Work::Stream {
                        picture: &mut picture,
                        scan: &scan,
                        tables: &tables,
                        data,
                        at: reader.at,
                        output,
                        budget,
                    })?;
                    break;
                }
                if picture.needs(&scan) {
                    reader.at = run(Work::Keep {
                        picture: &mut picture,
                        scan: &scan,
                        tables: &tables,
                        data,
                        at: reader.at,
                        budget,
                    })?;
                }
            }
            Ok(Segment::End) => break,
            Ok(_) => {}
            // A missing end marker is forgiven; a segment that is cut off is not.
            Err(_) if scans > 0 && !reader.has_marker() => break,
            Err(error) => return Err(error),
        }
    }
    let mut output = output.ok_or(CodecError::Damaged("no scan"))?;
    if !picture.kept.is_empty() {
        if picture.components.iter().any(|component| !component.seen) {
            return Err(CodecError::Damaged("a component has no scan"));
        }
        run(Work::Finish {
            picture: &mut picture,
            output: &mut output,
            budget,
        })?;
    }
    Raster::from_pixels(output.width, output.height, output.pixels, true)
}

#[derive(Debug)]
struct Component {
    h: usize,
    v: usize,
    quantiser_place: usize,
    quantiser: [f32; 64],
    seen: bool,
    /// Samples a side that a block becomes.
    size: usize,
    /// Blocks in a row and rows of blocks, filled up to whole MCUs.
    wide: usize,
    /// The same without filling, for scans of this component alone.
    own_wide: usize,
    own_high: usize,
    /// Samples of the picture in a row and in a column.
    samples_wide: usize,
    samples_high: usize,
    /// How often a sample is repeated, across and down; 0 where it is no whole number.
    repeat: (usize, usize),
    /// The row before the band and the rows of the band.
    plane: Vec<u8>,
    stride: usize,
}

#[derive(Debug)]
struct Picture {
    components: Vec<Component>,
    progressive: bool,
    mcus_wide: usize,
    mcus_high: usize,
    h_max: usize,
    v_max: usize,
    /// Samples a side of a block in the component with most samples.
    size: usize,
    width: usize,
    height: usize,
    /// Coefficients by component in zigzag order, `depth` of each block.
    kept: Vec<Vec<i16>>,
    depth: usize,
}

impl Picture {
    fn new(frame: &Frame, eighths: u8, data: &[u8]) -> Result<Self, CodecError> {
        let size = match eighths {
            1..=8 => usize::from(eighths),
            _ => return Err(CodecError::Unsupported("this scale")),
        };
        let list = &frame.components;
        let h_max = list.iter().map(|component| component.h).max().unwrap_or(1);
        let v_max = list.iter().map(|component| component.v).max().unwrap_or(1);
        let (width, height) = (frame.width as usize, frame.height as usize);
        let (mcus_wide, mcus_high) = (width.div_ceil(8 * h_max), height.div_ceil(8 * v_max));
        // The least that a scan of so many blocks can take: one bit for every two hundred, with
        // runs of ended blocks. Sizes that the file cannot hold are refused before memory is taken.
        if !frame.progressive && mcus_wide * mcus_high / 8 > data.len() {
            return Err(CodecError::Damaged("the file is too short for its size"));
        }
        let components = list
            .iter()
            .map(|component| {
                // Chroma with fewer samples is transformed to more, so that it needs no scaling.
                let mut own = size;
                let (mut across, mut down) = (h_max / component.h, v_max / component.v);
                let whole = h_max % component.h == 0 && v_max % component.v == 0;
                while whole && own * 2 <= 8 && across % 2 == 0 && down % 2 == 0 {
                    (own, across, down) = (own * 2, across / 2, down / 2);
                }
                let wide = mcus_wide * component.h;
                Component {
                    h: component.h,
                    v: component.v,
                    quantiser_place: component.quantiser,
                    quantiser: [0.0; 64],
                    seen: false,
                    size: own,
                    wide,
                    own_wide: (width * component.h).div_ceil(8 * h_max),
                    own_high: (height * component.v).div_ceil(8 * v_max),
                    samples_wide: (width * component.h * own).div_ceil(8 * h_max),
                    samples_high: (height * component.v * own).div_ceil(8 * v_max),
                    repeat: if whole { (across, down) } else { (0, 0) },
                    plane: vec![0; wide * own * (component.v * own + 1)],
                    stride: wide * own,
                }
            })
            .collect();
        Ok(Self {
            components,
            progressive: frame.progressive,
            mcus_wide,
            mcus_high,
            h_max,
            v_max,
            size,
            width: (width * size).div_ceil(8),
            height: (height * size).div_ceil(8),
            kept: Vec::new(),
            depth: 64,
        })
    }

    /// Whether one scan carries all of the picture.
    fn streams(&self, scan: &Scan) -> bool {
        !self.progressive && scan.components.len() == self.components.len()
    }

    fn take_quantisers(&mut self, scan: &Scan, reader: &Reader<'_>) -> Result<(), CodecError> {
        for part in &scan.components {
            let Some(component) = self.components.get_mut(part.place) else {
                continue;
            };
            if !component.seen {
                let table = reader.tables.quantisers.get(component.quantiser_place);
                let table = table.and_then(Option::as_ref);
                let table = table.ok_or(CodecError::Damaged("a quantisation table is missing"))?;
                component.quantiser = idct::prepare(table, &PLACES, component.size);
                component.seen = true;
            }
        }
        Ok(())
    }

    /// The last coefficient in zigzag order that output of this size is made from.
    fn last_needed(&self) -> usize {
        let side = self
            .components
            .iter()
            .map(|component| component.size)
            .max()
            .unwrap_or(8);
        let within = |place: &u8| usize::from(*place) % 8 < side && usize::from(*place) / 8 < side;
        ZIGZAG[..64].iter().rposition(within).unwrap_or(63)
    }

    fn needs(&self, scan: &Scan) -> bool {
        scan.first <= self.last_needed()
    }

    fn make_room(
        &mut self,
        reader: &Reader<'_>,
        scan: &Scan,
        budget: &Budget<'_>,
    ) -> Result<(), CodecError> {
        self.depth = if self.progressive {
            // The furthest coefficient of any scan that is needed.
            let mut last = scan.last;
            let mut ahead = Reader::new(reader.data, false)?;
            while let Ok(segment) = ahead.next() {
                match segment {
                    Segment::Scan(scan) if self.needs(&scan) => last = last.max(scan.last),
                    Segment::End => break,
                    _ => {}
                }
            }
            last + 1
        } else {
            64
        };
        let blocks = |component: &Component| component.wide * component.v * self.mcus_high;
        let total: usize = self
            .components
            .iter()
            .map(|c| blocks(c) * self.depth * 2)
            .sum();
        budget.admit_bytes(total)?;
        self.kept = self
            .components
            .iter()
            .map(|c| vec![0; blocks(c) * self.depth])
            .collect();
        Ok(())
    }
}

/// The tables of a scan's components, in the scan's order.
#[derive(Debug)]
struct ScanTables<'t> {
    dc: Vec<&'t Table>,
    ac: Vec<&'t Table>,
    restart_interval: usize,
}

impl<'t> ScanTables<'t> {
    fn of(picture: &Picture, scan: &Scan, reader: &'t Reader<'_>) -> Result<Self, CodecError> {
        const MISSING: CodecError = CodecError::Damaged("a Huffman table is missing");
        let mut found = Self {
            dc: Vec::with_capacity(4),
            ac: Vec::with_capacity(4),
            restart_interval: reader.tables.restart_interval,
        };
        let needs_dc = scan.first == 0 && scan.high == 0;
        let needs_ac = !picture.progressive || scan.first > 0;
        for part in &scan.components {
            if needs_dc {
                found
                    .dc
                    .push(reader.tables.dc[part.dc & 3].as_ref().ok_or(MISSING)?);
            }
            if needs_ac {
                found
                    .ac
                    .push(reader.tables.ac[part.ac & 3].as_ref().ok_or(MISSING)?);
            }
        }
        Ok(found)
    }
}

/// The rows that come out.
#[derive(Debug)]
struct Output {
    width: u32,
    height: u32,
    pixels: Vec<u8>,
    /// Rows done.
    row: usize,
    transform: Transform,
    cmyk: Option<CmykToRgb>,
    /// One row of each component, at full width, and what lies between.
    lines: [Vec<u8>; 4],
    sums: Vec<u16>,
}

impl Output {
    fn new(picture: &Picture, reader: &Reader<'_>, ids: [u8; 4]) -> Result<Self, CodecError> {
        let (width, height) = (picture.width, picture.height);
        let transform = Transform::of(
            picture.components.len(),
            reader.tables.adobe,
            reader.tables.density.is_some(),
            ids,
        );
        let cmyk = (picture.components.len() == 4)
            .then(|| CmykToRgb::new(super::profile(reader.data).as_deref()));
        let padded = picture.mcus_wide * picture.h_max * picture.size;
        Ok(Self {
            width: u32::try_from(width).map_err(|_| CodecError::TooLarge("pixels"))?,
            height: u32::try_from(height).map_err(|_| CodecError::TooLarge("pixels"))?,
            pixels: vec![0; width * height * 4],
            row: 0,
            transform,
            cmyk,
            lines: std::array::from_fn(|_| vec![0; padded + 8]),
            sums: vec![0; padded + 8],
        })
    }
}

/// What runs in the compiled form that suits the processor.
enum Work<'w, 'd> {
    Stream {
        picture: &'w mut Picture,
        scan: &'w Scan,
        tables: &'w ScanTables<'w>,
        data: &'d [u8],
        at: usize,
        output: &'w mut Output,
        budget: &'w Budget<'w>,
    },
    Keep {
        picture: &'w mut Picture,
        scan: &'w Scan,
        tables: &'w ScanTables<'w>,
        data: &'d [u8],
        at: usize,
        budget: &'w Budget<'w>,
    },
    Finish {
        picture: &'w mut Picture,
        output: &'w mut Output,
        budget: &'w Budget<'w>,
    },
}

/// Does the work and returns where the data of the scan ended.
fn run(work: Work<'_, '_>) -> Result<usize, CodecError> {
    #[cfg(target_arch = "x86_64")]
    if cpu::has_avx2() {
        // SAFETY: the processor has every feature that the function is compiled for.
        #[allow(unsafe_code)]
        return unsafe { run_avx2(work) };
    }
    run_any(work)
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,bmi1,bmi2,fma,lzcnt")]
fn run_avx2(work: Work<'_, '_>) -> Result<usize, CodecError> {
    run_any(work)
}

#[inline(always)]
fn run_any(work: Work<'_, '_>) -> Result<usize, CodecError> {
    match work {
        Work::Stream {
            picture,
            scan,
            tables,
            data,
            at,
            output,
            budget,
        } => stream(picture, scan, tables, Bits::new(data, at), output, budget),
        Work::Keep {
            picture,
            scan,
            tables,
            data,
            at,
            budget,
        } => keep(picture, scan, tables, Bits::new(data, at), budget),
        Work::Finish {
            picture,
            output,
            budget,
        } => finish(picture, output, budget).map(|()| 0),
    }
}

/// A whole picture in one scan.
#[inline(always)]
fn stream(
    picture: &mut Picture,
    scan: &Scan,
    tables: &ScanTables<'_>,
    mut bits: Bits<'_>,
    output: &mut Output,
    budget: &Budget<'_>,
) -> Result<usize, CodecError> {
    let mut predictors = [0_i32; 4];
    let mut until_restart = tables.restart_interval;
    let mut block = [0_i16; 64];
    for band in 0..picture.mcus_high {
        budget.check()?;
        for mcu in 0..picture.mcus_wide {
            if tables.restart_interval > 0 {
                if until_restart == 0 {
                    bits.restart()?;
                    predictors = [0; 4];
                    until_restart = tables.restart_interval;
                }
                until_restart -= 1;
            }
            for (index, part) in scan.components.iter().enumerate() {
                let component = &mut picture.components[part.place];
                let (dc, ac) = (tables.dc[index], tables.ac[index]);
                for down in 0..component.v {
                    for across in 0..component.h {
                        let difference = bits.dc(dc)?;
                        predictors[index] = predictors[index].wrapping_add(difference);
                        let last = if component.size == 1 {
                            bits.skip_ac(ac)?;
                            0
                        } else {
                            bits.ac(ac, &PLACES, &mut block)?
                        };
                        block[0] = predictors[index] as i16;
                        let size = component.size;
                        let at = (1 + down * size) * component.stride
                            + (mcu * component.h + across) * size;
                        if let Some(out) = component.plane.get_mut(at..) {
                            idct::transform(
                                size,
                                &block,
                                &component.quantiser,
                                last,
                                out,
                                component.stride,
                            );
                        }
                        if last > 0 {
                            block = [0; 64];
                        }
                    }
                }
            }
        }
        if bits.exhausted() {
            return Err(CodecError::Damaged("the file ends within its picture"));
        }
        emit(picture, output, band)?;
    }
    Ok(bits.at)
}

/// One scan of several, into the kept coefficients.
#[inline(always)]
fn keep(
    picture: &mut Picture,
    scan: &Scan,
    tables: &ScanTables<'_>,
    mut bits: Bits<'_>,
    budget: &Budget<'_>,
) -> Result<usize, CodecError> {
    let mut pass = Pass {
        predictors: [0; 4],
        ended: 0,
        until_restart: tables.restart_interval,
        progressive: picture.progressive,
        depth: picture.depth,
    };
    if let [part] = scan.components.as_slice() {
        let component = &picture.components[part.place];
        let (own_wide, own_high, wide) = (component.own_wide, component.own_high, component.wide);
        for row in 0..own_high {
            if row % 8 == 0 {
                budget.check()?;
            }
            for column in 0..own_wide {
                pass.before_mcu(&mut bits, tables)?;
                let at = (row * wide + column) * pass.depth;
                let block = picture.kept[part.place].get_mut(at..at + pass.depth);
                pass.block(&mut bits, scan, tables, 0, block.unwrap_or_default())?;
            }
            if bits.exhausted() {
                return Err(CodecError::Damaged("the file ends within its picture"));
            }
        }
    } else {
        for mcu_row in 0..picture.mcus_high {
            budget.check()?;
            for mcu in 0..picture.mcus_wide {
                pass.before_mcu(&mut bits, tables)?;
                for (index, part) in scan.components.iter().enumerate() {
                    let component = &picture.components[part.place];
                    let (h, v, wide) = (component.h, component.v, component.wide);
                    for down in 0..v {
                        for across in 0..h {
                            let place = (mcu_row * v + down) * wide + mcu * h + across;
                            let at = place * pass.depth;
                            let block = picture.kept[part.place].get_mut(at..at + pass.depth);
                            pass.block(&mut bits, scan, tables, index, block.unwrap_or_default())?;
                        }
                    }
                }
            }
            if bits.exhausted() {
                return Err(CodecError::Damaged("the file ends within its picture"));
            }
        }
    }
    Ok(bits.at)
}

/// What lasts from block to block of a scan.
struct Pass {
    predictors: [i32; 4],
    /// Blocks to come that have no more coefficients in this band.
    ended: u32,
    until_restart: usize,
    progressive: bool,
    depth: usize,
}

impl Pass {
    #[inline(always)]
    fn before_mcu(
        &mut self,
        bits: &mut Bits<'_>,
        tables: &ScanTables<'_>,
    ) -> Result<(), CodecError> {
        if tables.restart_interval > 0 {
            if self.until_restart == 0 {
                bits.restart()?;
                self.predictors = [0; 4];
                self.ended = 0;
                self.until_restart = tables.restart_interval;
            }
            self.until_restart -= 1;
        }
        Ok(())
    }

    #[inline(always)]
    fn block(
        &mut self,
        bits: &mut Bits<'_>,
        scan: &Scan,
        tables: &ScanTables<'_>,
        index: usize,
        block: &mut [i16],
    ) -> Result<(), CodecError> {
        let low = scan.low;
        if !self.progressive {
            self.predictors[index] =
                self.predictors[index].wrapping_add(bits.dc(tables.dc[index])?);
            let whole: &mut [i16; 64] = block
                .try_into()
                .map_err(|_| CodecError::Damaged("a block has no room"))?;
            whole[0] = self.predictors[index] as i16;
            bits.ac(tables.ac[index], &IN_ORDER, whole)?;
        } else if scan.first == 0 {
            let Some(dc) = block.first_mut() else {
                return Ok(());
            };
            if scan.high == 0 {
                let difference = bits.dc(tables.dc[index])?;
                self.predictors[index] = self.predictors[index].wrapping_add(difference);
                *dc = self.predictors[index].wrapping_shl(low) as i16;
            } else if bits.bit() {
                *dc |= 1 << low;
            }
        } else if self.ended > 0 {
            self.ended -= 1;
            if scan.high > 0 {
                bits.correct(block, scan.first, scan.last, 1 << low);
            }
        } else if scan.high == 0 {
            self.ended = bits.band_first(tables.ac[index], block, scan.first, scan.last, low)?;
        } else {
            self.ended = bits.band_refine(tables.ac[index], block, scan.first, scan.last, low)?;
        }
        Ok(())
    }
}

const IN_ORDER: [u8; 80] = {
    let mut places = [63; 80];
    let mut k = 0;
    while k < 64 {
        places[k] = k as u8;
        k += 1;
    }
    places
};

/// Turns kept coefficients into rows.
#[inline(always)]
fn finish(
    picture: &mut Picture,
    output: &mut Output,
    budget: &Budget<'_>,
) -> Result<(), CodecError> {
    for band in 0..picture.mcus_high {
        budget.check()?;
        for (component, kept) in picture.components.iter_mut().zip(&picture.kept) {
            let (size, stride) = (component.size, component.stride);
            for down in 0..component.v {
                let start = (band * component.v + down) * component.wide * picture.depth;
                let Some(row) = kept.get(start..) else {
                    continue;
                };
                let blocks = row.chunks_exact(picture.depth).take(component.wide);
                for (column, coefficients) in blocks.enumerate() {
                    let mut block = [0_i16; 64];
                    let mut last = 0;
                    for (k, value) in coefficients.iter().enumerate() {
                        block[usize::from(PLACES[k & 63]) & 63] = *value;
                        if *value != 0 {
                            last = k;
                        }
                    }
                    let at = (1 + down * size) * stride + column * size;
                    if let Some(out) = component.plane.get_mut(at..) {
                        idct::transform(size, &block, &component.quantiser, last, out, stride);
                    }
                }
            }
        }
        emit(picture, output, band)?;
    }
    Ok(())
}

/// Makes the rows that the band completes, and keeps its last row for the next one.
#[inline(always)]
fn emit(picture: &mut Picture, output: &mut Output, band: usize) -> Result<(), CodecError> {
    let high = picture.v_max * picture.size;
    // Rows that are mixed from two chroma rows wait for the lower one.
    let mixes = picture
        .components
        .iter()
        .any(|component| component.repeat.1 == 2);
    let last_band = band + 1 == picture.mcus_high;
    let end = if last_band {
        picture.height
    } else {
        (band + 1) * high - usize::from(mixes)
    };
    for row in output.row..end.min(picture.height) {
        for (component, line) in picture.components.iter().zip(&mut output.lines) {
            let rows_in_band = component.v * component.size;
            let source = row * rows_in_band / high;
            // Row 0 of the plane is the last one of the band before.
            let place = |row: usize| (row + 1).saturating_sub(band * rows_in_band);
            let at = |row: usize| {
                let at = place(row) * component.stride;
                component
                    .plane
                    .get(at..at + component.stride)
                    .unwrap_or_default()
            };
            let near = if row % 2 == 0 {
                source.saturating_sub(1)
            } else {
                source + 1
            };
            let near = near.min(component.samples_high - 1);
            let wide = component.samples_wide;
            match component.repeat {
                (1, 1) => copy(at(source), line),
                (2, 1) => colour::widen(at(source), line, wide),
                (1, 2) => colour::mix(at(source), at(near), line, row % 2),
                (2, 2) => {
                    colour::widen_mixed(at(source), at(near), line, &mut output.sums, wide);
                }
                _ => {
                    let of = picture.h_max * picture.size;
                    let own = component.h * component.size;
                    let from = at(source);
                    for (x, sample) in line.iter_mut().enumerate().take(picture.width) {
                        *sample = from.get(x * own / of).copied().unwrap_or_default();
                    }
                }
            }
        }
        let start = row * picture.width * 4;
        let Some(target) = output.pixels.get_mut(start..start + picture.width * 4) else {
            break;
        };
        colour::to_rgba(
            output.transform,
            &output.lines,
            output.cmyk.as_mut(),
            target,
        )?;
    }
    output.row = end.min(picture.height).max(output.row);
    for component in &mut picture.components {
        let last = component.v * component.size * component.stride;
        component
            .plane
            .copy_within(last..last + component.stride, 0);
    }
    Ok(())
}

#[inline(always)]
fn copy(from: &[u8], to: &mut [u8]) {
    let shared = from.len().min(to.len());
    if let (Some(from), Some(to)) = (from.get(..shared), to.get_mut(..shared)) {
        to.copy_from_slice(from);
    }
}
