//! What a certificate says of itself, for whoever asks which one a domain has: RFC 5280, as far as
//! that. Whether it can be believed is not looked at.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use osier_types::Timestamp;

/// Told facts of a certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateFacts {
    /// Whom it is for.
    pub common_name: String,
    /// Who issued it.
    pub organisation: String,
    /// From when it counts.
    pub not_before: Timestamp,
    /// Until when.
    pub not_after: Timestamp,
}

impl CertificateFacts {
    /// Reads the first certificate of a chain in PEM.
    pub fn read(pem: &str) -> Option<Self> {
        let (_, rest) = pem.split_once("-----BEGIN CERTIFICATE-----")?;
        let (text, _) = rest.split_once("-----END CERTIFICATE-----")?;
        let text: String = text.split_ascii_whitespace().collect();
        Self::of_der(&STANDARD.decode(text).ok()?)
    }

    /// Reads a certificate in DER.
    pub fn of_der(der: &[u8]) -> Option<Self> {
        let mut certificate = Der(Der(der).inside(SEQUENCE)?);
        let mut fields = Der(certificate.inside(SEQUENCE)?);
        // The version is left out of those of the first.
        if fields.0.first() == Some(&VERSION) {
            fields.next()?;
        }
        let _serial = fields.next()?;
        let _signature = fields.next()?;
        let issuer = fields.inside(SEQUENCE)?;
        let mut validity = Der(fields.inside(SEQUENCE)?);
        let not_before = time(validity.next()?)?;
        let not_after = time(validity.next()?)?;
        let subject = fields.inside(SEQUENCE)?;
        let common_name = named(subject, COMMON_NAME).unwrap_or_default();
        let organisation = named(issuer, ORGANISATION).or_else(|| named(issuer, COMMON_NAME));
        Some(Self {
            common_name,
            organisation: organisation.unwrap_or_default(),
            not_before,
            not_after,
        })
    }
}

/// Values one after the other: a tag, a length and so many bytes each.
struct Der<'a>(&'a [u8]);

impl<'a> Der<'a> {
    fn next(&mut self) -> Option<(u8, &'a [u8])> {
        let (&[tag, first], mut rest) = self.0.split_first_chunk()?;
        let length = if first < 0x80 {
            usize::from(first)
        } else {
            // Longer ones than this are no certificates.
            let count = usize::from(first & 0x7F);
            let (digits, after) = rest
                .split_at_checked(count)
                .filter(|_| (1..=3).contains(&count))?;
            rest = after;
            digits
                .iter()
                .fold(0, |length, digit| length << 8 | usize::from(*digit))
        };
        let (value, rest) = rest.split_at_checked(length)?;
        self.0 = rest;
        Some((tag, value))
    }

    fn inside(&mut self, expected: u8) -> Option<&'a [u8]> {
        let (tag, value) = self.next()?;
        (tag == expected).then_some(value)
    }
}

/// One attribute of a name.
fn named(name: &[u8], attribute: [u8; 3]) -> Option<String> {
    let mut sets = Der(name);
    while let Some((_, set)) = sets.next() {
        let mut pair = Der(Der(set).inside(SEQUENCE)?);
        let (_, kind) = pair.next()?;
        let (_, value) = pair.next()?;
        if kind == attribute {
            let text = String::from_utf8_lossy(value);
            return Some(text.chars().filter(|c| !c.is_control()).collect());
        }
    }
    None
}

/// `YYMMDDHHMMSSZ` until 2049, `YYYYMMDDHHMMSSZ` from then on.
fn time((tag, value): (u8, &[u8])) -> Option<Timestamp> {
    let text = std::str::from_utf8(value).ok()?;
    let text = match tag {
        UTC_TIME => {
            let year: u8 = text.get(..2)?.parse().ok()?;
            format!("{}{text}", if year < 50 { "20" } else { "19" })
        }
        GENERALIZED_TIME => text.to_owned(),
        _ => return None,
    };
    let part = |range| text.get(range);
    let iso = format!(
        "{}-{}-{}T{}:{}:{}Z",
        part(0..4)?,
        part(4..6)?,
        part(6..8)?,
        part(8..10)?,
        part(10..12)?,
        part(12..14)?
    );
    Timestamp::parse_iso8601(&iso).ok()
}

const SEQUENCE: u8 = 0x30;
const VERSION: u8 = 0xA0;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;
/// 2.5.4.3.
const COMMON_NAME: [u8; 3] = [0x55, 4, 3];
/// 2.5.4.10.
const ORGANISATION: [u8; 3] = [0x55, 4, 10];

#[cfg(test)]
mod tests {
    use super::*;

    /// The beginning of a certificate, as far as it is read.
    fn certificate() -> Vec<u8> {
        fn value(tag: u8, inside: &[&[u8]]) -> Vec<u8> {
            let bytes = inside.concat();
            let mut value = vec![tag, 0x81, u8::try_from(bytes.len()).unwrap()];
            value.extend_from_slice(&bytes);
            value
        }
        let name = |attribute: [u8; 3], text: &str| {
            let pair = value(
                SEQUENCE,
                &[&value(6, &[&attribute]), &value(12, &[text.as_bytes()])],
            );
            value(SEQUENCE, &[&value(0x31, &[&pair])])
        };
        let validity = value(
            SEQUENCE,
            &[
                &value(UTC_TIME, &[b"261122030405Z"]),
                &value(GENERALIZED_TIME, &[b"20561122030405Z"]),
            ],
        );
        let fields = value(
            SEQUENCE,
            &[
                &value(VERSION, &[&[2, 1, 2]]),
                &[2, 1, 7],
                &value(SEQUENCE, &[]),
                &name(ORGANISATION, "An Authority"),
                &validity,
                &name(COMMON_NAME, "cdn.example.com"),
            ],
        );
        value(SEQUENCE, &[&fields])
    }

    #[test]
    fn what_it_says() {
        let facts = CertificateFacts::of_der(&certificate()).unwrap();
        assert_eq!(facts.common_name, "cdn.example.com");
        assert_eq!(facts.organisation, "An Authority");
        assert!(
            facts
                .not_before
                .iso8601()
                .starts_with("2026-11-22T03:04:05")
        );
        assert!(facts.not_after.iso8601().starts_with("2056-11-22T03:04:05"));
        let pem = format!(
            "x\n-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n",
            STANDARD.encode(certificate())
        );
        assert_eq!(CertificateFacts::read(&pem), Some(facts));
    }

    #[test]
    fn s46_what_is_cut_or_changed_is_none_and_no_panic() {
        let whole = certificate();
        for end in 0..whole.len() {
            let _ = CertificateFacts::of_der(&whole[..end]);
        }
        for place in 0..whole.len() {
            for byte in [0, 0x7F, 0x80, 0x84, 0xFF] {
                let mut changed = whole.clone();
                changed[place] = byte;
                let _ = CertificateFacts::of_der(&changed);
            }
        }
        assert_eq!(CertificateFacts::read("-----BEGIN CERTIFICATE-----"), None);
    }
}
