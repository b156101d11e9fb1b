//! From when to when a certificate is good (RFC 5280, section 4.1.2.5): all that has to be known
//! of it to replace it in time.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use osier_types::Timestamp;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Validity {
    pub(super) begin: Timestamp,
    pub(super) end: Timestamp,
}

/// Of the first certificate in a text of PEM.
pub(super) fn of_chain(pem: &str) -> Option<Validity> {
    let (_, after) = pem.split_once("-----BEGIN CERTIFICATE-----")?;
    let (text, _) = after.split_once("-----END CERTIFICATE-----")?;
    let text: String = text.split_whitespace().collect();
    of_certificate(&STANDARD.decode(text).ok()?)
}

const INTEGER: u8 = 0x02;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;
const SEQUENCE: u8 = 0x30;
const VERSION: u8 = 0xa0;

fn of_certificate(der: &[u8]) -> Option<Validity> {
    let (certificate, _) = element(der, SEQUENCE)?;
    let (mut fields, _) = element(certificate, SEQUENCE)?;
    // The version may be missing; then come serial number, algorithm and issuer.
    if let Some((_, rest)) = element(fields, VERSION) {
        fields = rest;
    }
    for kind in [INTEGER, SEQUENCE, SEQUENCE] {
        (_, fields) = element(fields, kind)?;
    }
    let (times, _) = element(fields, SEQUENCE)?;
    let (begin, times) = time(times)?;
    let (end, _) = time(times)?;
    Some(Validity { begin, end })
}

/// The content of an element of this kind, and what follows it.
fn element(bytes: &[u8], kind: u8) -> Option<(&[u8], &[u8])> {
    let (found, rest) = bytes.split_first()?;
    let (length, rest) = rest.split_first()?;
    let (length, rest) = match length {
        0..=0x7f => (usize::from(*length), rest),
        0x81..=0x83 => {
            let (digits, rest) = rest.split_at_checked(usize::from(length & 0x7f))?;
            let length = digits
                .iter()
                .fold(0, |length, digit| length << 8 | usize::from(*digit));
            (length, rest)
        }
        _ => return None,
    };
    let (content, rest) = rest.split_at_checked(length)?;
    (*found == kind).then_some((content, rest))
}

fn time(bytes: &[u8]) -> Option<(Timestamp, &[u8])> {
    let (text, rest, century) = if let Some((text, rest)) = element(bytes, UTC_TIME) {
        let is_of_last = text.first()? >= &b'5';
        (text, rest, if is_of_last { "19" } else { "20" })
    } else {
        let (text, rest) = element(bytes, GENERALIZED_TIME)?;
        (text, rest, "")
    };
    let text = format!("{century}{}", std::str::from_utf8(text).ok()?);
    let (day, time) = text.split_at_checked(8)?;
    Some((
        Timestamp::parse_compact(&format!("{day}T{time}")).ok()?,
        rest,
    ))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A certificate as far as its times, the rest left out.
    fn certificate(begin: &[u8], end: &[u8]) -> Vec<u8> {
        let wrap = |kind: u8, parts: &[&[u8]]| {
            let content = parts.concat();
            let mut element = vec![kind, u8::try_from(content.len()).unwrap()];
            element.extend(content);
            element
        };
        let times = wrap(SEQUENCE, &[begin, end]);
        let fields = [
            wrap(VERSION, &[&wrap(INTEGER, &[&[2]])]),
            wrap(INTEGER, &[&[9; 20]]),
            wrap(SEQUENCE, &[]),
            wrap(SEQUENCE, &[&[0x31, 0]]),
            times,
        ];
        let fields: Vec<&[u8]> = fields.iter().map(Vec::as_slice).collect();
        wrap(SEQUENCE, &[&wrap(SEQUENCE, &fields)])
    }

    #[test]
    fn times_of_either_kind_are_read() {
        let found = of_certificate(&certificate(
            b"\x17\x0d261127080000Z",
            b"\x18\x0f20510227080000Z",
        ));
        let at = |text: &str| Timestamp::parse_iso8601(text).unwrap();
        let expected = Validity {
            begin: at("2026-11-27T08:00:00Z"),
            end: at("2051-02-27T08:00:00Z"),
        };
        assert_eq!(found, Some(expected));
        let pem = format!(
            "-----BEGIN PRIVATE KEY-----\nx\n-----END PRIVATE KEY-----\n\
             -----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n",
            STANDARD.encode(certificate(
                b"\x17\x0d261127080000Z",
                b"\x18\x0f20510227080000Z"
            ))
        );
        assert_eq!(of_chain(&pem), Some(expected));
        assert_eq!(of_chain("none"), None);
    }

    proptest! {
        #[test]
        fn no_bytes_panic(place in 0..60usize, byte: u8) {
            let mut der = certificate(b"\x17\x0d261127080000Z", b"\x17\x0d361127080000Z");
            if let Some(changed) = der.get_mut(place) {
                *changed = byte;
            }
            let _ = of_certificate(&der);
        }
    }
}
