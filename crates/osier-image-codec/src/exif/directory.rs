//! The directories of a TIFF block, as far as they can be followed.

/// Entries that are read: more than any camera writes.
const ENTRIES_MAX: usize = 2_000;

/// Bytes of one value that are kept.
const VALUE_BYTES_MAX: usize = 16 << 10;

/// In which directory an entry stands.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Group {
    Image,
    Photo,
    Gps,
    Interoperability,
    Thumbnail,
}

/// One entry, its value as bytes.
#[derive(Clone, Debug)]
pub(super) struct Entry<'a> {
    pub(super) group: Group,
    pub(super) tag: u16,
    pub(super) kind: u16,
    pub(super) count: usize,
    pub(super) value: &'a [u8],
    little: bool,
}

#[derive(Debug)]
pub(super) struct Directory<'a> {
    pub(super) entries: Vec<Entry<'a>>,
}

impl<'a> Directory<'a> {
    /// `None` where the block does not even begin like one.
    pub(super) fn read(block: &'a [u8]) -> Option<Self> {
        let little = match block {
            [b'I', b'I', 42, 0, ..] => true,
            [b'M', b'M', 0, 42, ..] => false,
            _ => return None,
        };
        let mut reader = Reader {
            block,
            little,
            entries: Vec::new(),
        };
        let first = reader.u32_at(4)?;
        let next = reader.follow(first, Group::Image);
        for (tag, group) in [(0x8769, Group::Photo), (0x8825, Group::Gps)] {
            reader.follow_tag(Group::Image, tag, group);
        }
        reader.follow_tag(Group::Photo, 0xa005, Group::Interoperability);
        if let Some(next) = next.filter(|next| *next != 0) {
            reader.follow(next, Group::Thumbnail);
        }
        Some(Self {
            entries: reader.entries,
        })
    }
}

struct Reader<'a> {
    block: &'a [u8],
    little: bool,
    entries: Vec<Entry<'a>>,
}

impl Reader<'_> {
    fn u16_at(&self, at: usize) -> Option<u16> {
        let bytes = *self.block.get(at..)?.first_chunk()?;
        Some(if self.little {
            u16::from_le_bytes(bytes)
        } else {
            u16::from_be_bytes(bytes)
        })
    }

    fn u32_at(&self, at: usize) -> Option<u32> {
        let bytes = *self.block.get(at..)?.first_chunk()?;
        Some(if self.little {
            u32::from_le_bytes(bytes)
        } else {
            u32::from_be_bytes(bytes)
        })
    }

    fn follow_tag(&mut self, from: Group, tag: u16, to: Group) {
        let pointer = self
            .entries
            .iter()
            .find(|entry| entry.group == from && entry.tag == tag);
        if let Some(at) = pointer.and_then(|entry| entry.unsigned(0)) {
            self.follow(at, to);
        }
    }

    /// Reads one directory and returns where the next one is said to be.
    fn follow(&mut self, at: u32, group: Group) -> Option<u32> {
        let at = usize::try_from(at).ok()?;
        let count = usize::from(self.u16_at(at)?);
        for number in 0..count {
            if self.entries.len() >= ENTRIES_MAX {
                return None;
            }
            let entry = at.checked_add(2 + number * 12)?;
            let (tag, kind) = (self.u16_at(entry)?, self.u16_at(entry + 2)?);
            let count = usize::try_from(self.u32_at(entry + 4)?).ok()?;
            let Some(size) = size_of_kind(kind) else {
                continue;
            };
            let Some(length) = count.checked_mul(size) else {
                continue;
            };
            let start = if length <= 4 {
                entry + 8
            } else {
                usize::try_from(self.u32_at(entry + 8)?).ok()?
            };
            let value = start
                .checked_add(length)
                .and_then(|end| self.block.get(start..end));
            let Some(value) = value else { continue };
            if value.len() <= VALUE_BYTES_MAX {
                self.entries.push(Entry {
                    group,
                    tag,
                    kind,
                    count,
                    value,
                    little: self.little,
                });
            }
        }
        self.u32_at(at + 2 + count * 12)
    }
}

impl Entry<'_> {
    /// A whole number of the list.
    pub(super) fn unsigned(&self, index: usize) -> Option<u32> {
        let size = size_of_kind(self.kind)?;
        let bytes = self.value.get(index * size..(index + 1) * size)?;
        match (self.kind, bytes) {
            (1 | 6 | 7, [byte]) => Some(u32::from(*byte)),
            (3 | 8, [a, b]) => {
                let bytes = [*a, *b];
                Some(u32::from(if self.little {
                    u16::from_le_bytes(bytes)
                } else {
                    u16::from_be_bytes(bytes)
                }))
            }
            (4 | 9 | 13, [a, b, c, d]) => Some(self.word([*a, *b, *c, *d])),
            _ => None,
        }
    }

    /// A fraction of the list, signs apart.
    pub(super) fn fraction(&self, index: usize) -> Option<(i64, i64)> {
        let bytes: &[u8; 8] = self.value.get(index * 8..)?.first_chunk()?;
        let [a, b, c, d, e, f, g, h] = *bytes;
        let (above, below) = (self.word([a, b, c, d]), self.word([e, f, g, h]));
        match self.kind {
            5 => Some((i64::from(above), i64::from(below))),
            10 => Some((
                i64::from(above.cast_signed()),
                i64::from(below.cast_signed()),
            )),
            _ => None,
        }
    }

    /// A signed whole number of the list.
    pub(super) fn signed(&self, index: usize) -> Option<i64> {
        let raw = self.unsigned(index)?;
        Some(match self.kind {
            6 => i64::from((raw as u8).cast_signed()),
            8 => i64::from((raw as u16).cast_signed()),
            9 => i64::from(raw.cast_signed()),
            _ => i64::from(raw),
        })
    }

    /// Four bytes of the list, whatever they mean.
    pub(super) fn unsigned_bits(&self, index: usize) -> Option<u32> {
        self.value
            .get(index * 4..)?
            .first_chunk()
            .map(|bytes| self.word(*bytes))
    }

    fn word(&self, bytes: [u8; 4]) -> u32 {
        if self.little {
            u32::from_le_bytes(bytes)
        } else {
            u32::from_be_bytes(bytes)
        }
    }
}

/// Bytes of one value of a kind.
fn size_of_kind(kind: u16) -> Option<usize> {
    match kind {
        1 | 2 | 6 | 7 => Some(1),
        3 | 8 => Some(2),
        4 | 9 | 11 | 13 => Some(4),
        5 | 10 | 12 => Some(8),
        _ => None,
    }
}
