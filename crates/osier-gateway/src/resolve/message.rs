//! Questions and answers of DNS, as far as addresses go (RFC 1035, sections 3 and 4). No I/O.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecordKind {
    /// Addresses of version 4.
    A,
    /// Addresses of version 6 (RFC 3596).
    Aaaa,
}

impl RecordKind {
    fn number(self) -> u16 {
        match self {
            Self::A => 1,
            Self::Aaaa => 28,
        }
    }
}

/// What a server says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DnsAnswer {
    /// These, for so many seconds.
    Addresses(Vec<IpAddr>, u32),
    /// The name stands for another, of which it says nothing more.
    Alias(String, u32),
    /// There is no such name, or it has no such address.
    Nothing,
    /// It can't say; another server may.
    Failed,
    /// The answer is too long for a datagram.
    Cut,
}

/// A text is no name, or bytes are no answer to the question.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DnsError {
    /// It can't be asked for.
    #[error("no name of DNS")]
    Name,
    /// It may belong to another question, or is damaged.
    #[error("no answer to the question")]
    Answer,
}

/// Bytes of a name at most, as it is written.
const NAME_CHARS_MAX: usize = 253;
/// Bytes of one part of a name at most.
const LABEL_BYTES_MAX: usize = 63;
/// Names that one stands for in turn, at most.
const ALIASES_MAX: usize = 8;
/// Records that are looked at.
const RECORDS_MAX: usize = 256;
const CLASS_INTERNET: u16 = 1;
const KIND_CNAME: u16 = 5;

/// A question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DnsQuestion {
    /// In lower case, without a dot at its end.
    name: String,
    kind: RecordKind,
    id: u16,
}

impl DnsQuestion {
    /// Asks for addresses of `name`; `id` is not to be guessed.
    ///
    /// # Errors
    /// When it is no name.
    pub fn new(name: &str, kind: RecordKind, id: u16) -> Result<Self, DnsError> {
        let name = name.strip_suffix('.').unwrap_or(name);
        let is_label = |label: &str| (1..=LABEL_BYTES_MAX).contains(&label.len());
        if name.len() > NAME_CHARS_MAX || !name.is_ascii() || !name.split('.').all(is_label) {
            return Err(DnsError::Name);
        }
        Ok(Self {
            name: name.to_ascii_lowercase(),
            kind,
            id,
        })
    }

    /// As it is sent.
    pub fn bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(18 + self.name.len());
        bytes.extend(self.id.to_be_bytes());
        // A question, to be answered by asking others.
        bytes.extend([0x01, 0x00]);
        bytes.extend([0, 1, 0, 0, 0, 0, 0, 0]);
        for label in self.name.split('.') {
            bytes.push(u8::try_from(label.len()).unwrap_or_default());
            bytes.extend(label.as_bytes());
        }
        bytes.push(0);
        bytes.extend(self.kind.number().to_be_bytes());
        bytes.extend(CLASS_INTERNET.to_be_bytes());
        bytes
    }

    /// Reads an answer to this question.
    ///
    /// # Errors
    /// When it is none.
    pub fn answered(&self, bytes: &[u8]) -> Result<DnsAnswer, DnsError> {
        let mut reader = Reader { bytes, at: 0 };
        let (id, flags) = (reader.u16()?, reader.u16()?);
        let (questions, records) = (reader.u16()?, usize::from(reader.u16()?));
        reader.skip(4)?;
        let is_answer = flags & 0x8000 != 0 && flags & 0x7800 == 0;
        if id != self.id || !is_answer || questions != 1 {
            return Err(DnsError::Answer);
        }
        let asked = (reader.name()?, reader.u16()?, reader.u16()?);
        if asked != (self.name.clone(), self.kind.number(), CLASS_INTERNET) {
            return Err(DnsError::Answer);
        }
        if flags & 0x0200 != 0 {
            return Ok(DnsAnswer::Cut);
        }
        match flags & 0x000f {
            0 => {}
            3 => return Ok(DnsAnswer::Nothing),
            _ => return Ok(DnsAnswer::Failed),
        }
        let mut found = Vec::new();
        for _ in 0..records.min(RECORDS_MAX) {
            found.push(reader.record()?);
        }
        Ok(self.gathered(&found))
    }

    /// The addresses of the name, or of those that it stands for.
    fn gathered(&self, records: &[Record]) -> DnsAnswer {
        let mut name = self.name.as_str();
        let mut ttl = u32::MAX;
        for _ in 0..=ALIASES_MAX {
            let of_name = || records.iter().filter(|record| record.owner == name);
            let mut addresses = Vec::new();
            for record in of_name() {
                if let (Data::Address(address), kind) = (&record.data, record.kind)
                    && kind == self.kind.number()
                {
                    addresses.push(*address);
                    ttl = ttl.min(record.ttl);
                }
            }
            if !addresses.is_empty() {
                return DnsAnswer::Addresses(addresses, ttl);
            }
            let alias = of_name().find_map(|record| match &record.data {
                Data::Alias(alias) => Some((alias, record.ttl)),
                Data::Address(_) | Data::Other => None,
            });
            match alias {
                Some((alias, alias_ttl)) => {
                    name = alias;
                    ttl = ttl.min(alias_ttl);
                }
                None if name == self.name => return DnsAnswer::Nothing,
                None => return DnsAnswer::Alias(name.to_owned(), ttl),
            }
        }
        DnsAnswer::Nothing
    }
}

struct Record {
    owner: String,
    kind: u16,
    ttl: u32,
    data: Data,
}

enum Data {
    Address(IpAddr),
    Alias(String),
    Other,
}

struct Reader<'b> {
    bytes: &'b [u8],
    at: usize,
}

impl<'b> Reader<'b> {
    fn take(&mut self, length: usize) -> Result<&'b [u8], DnsError> {
        let end = self.at.checked_add(length).ok_or(DnsError::Answer)?;
        let taken = self.bytes.get(self.at..end).ok_or(DnsError::Answer)?;
        self.at = end;
        Ok(taken)
    }

    fn skip(&mut self, length: usize) -> Result<(), DnsError> {
        self.take(length).map(|_| ())
    }

    fn u8(&mut self) -> Result<u8, DnsError> {
        self.take(1)?.first().copied().ok_or(DnsError::Answer)
    }

    fn u16(&mut self) -> Result<u16, DnsError> {
        Ok(u16::from_be_bytes([self.u8()?, self.u8()?]))
    }

    fn u32(&mut self) -> Result<u32, DnsError> {
        Ok((u32::from(self.u16()?) << 16) | u32::from(self.u16()?))
    }

    /// A name, in lower case. Parts may stand elsewhere, but only further to the front each
    /// time, so that none leads in a circle.
    fn name(&mut self) -> Result<String, DnsError> {
        let mut name = String::new();
        let mut back = None;
        let mut begun = self.at;
        loop {
            let length = self.u8()?;
            match length {
                0 => break,
                1..=63 => {
                    let label = self.take(usize::from(length))?;
                    let label = std::str::from_utf8(label).map_err(|_| DnsError::Answer)?;
                    // Inside of a part it would be understood as its end.
                    if label.contains('.') {
                        return Err(DnsError::Answer);
                    }
                    if !name.is_empty() {
                        name.push('.');
                    }
                    name.push_str(&label.to_ascii_lowercase());
                    if name.len() > NAME_CHARS_MAX {
                        return Err(DnsError::Answer);
                    }
                }
                0xc0.. => {
                    let to = (usize::from(length & 0x3f) << 8) | usize::from(self.u8()?);
                    back.get_or_insert(self.at);
                    if to >= begun {
                        return Err(DnsError::Answer);
                    }
                    begun = to;
                    self.at = to;
                }
                _ => return Err(DnsError::Answer),
            }
        }
        if let Some(back) = back {
            self.at = back;
        }
        Ok(name)
    }

    fn record(&mut self) -> Result<Record, DnsError> {
        let owner = self.name()?;
        let (kind, class, ttl) = (self.u16()?, self.u16()?, self.u32()?);
        let length = usize::from(self.u16()?);
        let end = self.at.checked_add(length).ok_or(DnsError::Answer)?;
        let data = if class == CLASS_INTERNET && kind == KIND_CNAME {
            Data::Alias(self.name()?)
        } else {
            let bytes = self.take(length)?;
            match (
                kind,
                <[u8; 4]>::try_from(bytes),
                <[u8; 16]>::try_from(bytes),
            ) {
                _ if class != CLASS_INTERNET => Data::Other,
                (1, Ok(bytes), _) => Data::Address(Ipv4Addr::from(bytes).into()),
                (28, _, Ok(bytes)) => Data::Address(Ipv6Addr::from(bytes).into()),
                _ => Data::Other,
            }
        };
        if self.at != end {
            return Err(DnsError::Answer);
        }
        Ok(Record {
            owner,
            kind,
            // The highest bit means nothing: RFC 2181, section 8.
            ttl: if ttl >> 31 == 0 { ttl } else { 0 },
            data,
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn question() -> DnsQuestion {
        DnsQuestion::new("A.Example.com.", RecordKind::A, 0x1234).unwrap()
    }

    /// An answer to `question`, with `records` as they stand in one.
    fn answer(flags: u16, records: &[&[u8]]) -> Vec<u8> {
        let mut bytes = question().bytes();
        bytes[2..4].copy_from_slice(&flags.to_be_bytes());
        bytes[7] = u8::try_from(records.len()).unwrap();
        for record in records {
            bytes.extend(*record);
        }
        bytes
    }

    /// `\xc0\x0c` is the name in the question.
    const ADDRESS: &[u8] = b"\xc0\x0c\0\x01\0\x01\0\0\0\x3c\0\x04\xc0\0\x02\x01";
    const ALIAS: &[u8] = b"\xc0\x0c\0\x05\0\x01\0\0\0\x05\0\x04\x01b\xc0\x0e";
    const OF_ALIAS: &[u8] = b"\x01B\xc0\x0e\0\x01\0\x01\0\0\0\x3c\0\x04\xc0\0\x02\x02";

    #[test]
    fn a_question_is_what_others_send() {
        let expected = b"\x12\x34\x01\0\0\x01\0\0\0\0\0\0\x01a\x07example\x03com\0\0\x01\0\x01";
        assert_eq!(question().bytes(), expected);
        let long = "a".repeat(64);
        for name in ["", ".", "a..b", "\u{e4}.example", &long, &"a.".repeat(200)] {
            assert!(DnsQuestion::new(name, RecordKind::A, 1).is_err(), "{name}");
        }
    }

    #[test]
    fn addresses_stay_as_long_as_the_shortest_record_says() {
        let address = |last: u8| IpAddr::from([192, 0, 2, last]);
        for (records, expected) in [
            (vec![ADDRESS], DnsAnswer::Addresses(vec![address(1)], 60)),
            (
                vec![OF_ALIAS, ALIAS],
                DnsAnswer::Addresses(vec![address(2)], 5),
            ),
            (vec![ALIAS], DnsAnswer::Alias("b.example.com".to_owned(), 5)),
            (vec![OF_ALIAS], DnsAnswer::Nothing),
            (vec![], DnsAnswer::Nothing),
        ] {
            assert_eq!(question().answered(&answer(0x8180, &records)), Ok(expected));
        }
    }

    #[test]
    fn servers_that_cannot_say_are_not_those_that_say_no() {
        for (flags, expected) in [
            (0x8183, DnsAnswer::Nothing),
            (0x8182, DnsAnswer::Failed),
            (0x8185, DnsAnswer::Failed),
            (0x8380, DnsAnswer::Cut),
        ] {
            assert_eq!(question().answered(&answer(flags, &[])), Ok(expected));
        }
    }

    #[test]
    fn edge_an_answer_to_another_question_is_none() {
        let good = answer(0x8180, &[ADDRESS]);
        let with = |at: usize, byte: u8| {
            let mut bytes = good.clone();
            bytes[at] = byte;
            bytes
        };
        let circle = answer(
            0x8180,
            &[b"\xc0\x1f\0\x01\0\x01\0\0\0\x3c\0\x04\xc0\0\x02\x01"],
        );
        let short = answer(0x8180, &[&ADDRESS[..12]]);
        for bytes in [
            with(0, 0),
            with(2, 0),
            with(5, 2),
            with(13, b'x'),
            with(26, 28),
            circle,
            short,
            b"\x12\x34".to_vec(),
        ] {
            assert_eq!(question().answered(&bytes), Err(DnsError::Answer));
        }
    }

    proptest! {
        #[test]
        fn no_answer_panics(tail in proptest::collection::vec(any::<u8>(), 0..80), records in 0..4u8) {
            let mut bytes = answer(0x8180, &[]);
            bytes[7] = records;
            bytes.extend(tail);
            let _ = question().answered(&bytes);
        }
    }
}
