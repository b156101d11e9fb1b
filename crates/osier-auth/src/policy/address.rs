//! Addresses and networks, of `IpAddress` conditions and of settings.

use std::net::IpAddr;

/// A network, or every address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network(Range);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Range {
    Any,
    V4 { bits: u32, mask: u32, length: u8 },
    V6 { bits: u128, mask: u128, length: u8 },
}

impl Network {
    /// Reads `*`, an address or `address/length`. Bits of the host are dropped.
    pub fn parse(text: &str) -> Option<Self> {
        if text == "*" {
            return Some(Self(Range::Any));
        }
        let (address, length) = match text.split_once('/') {
            Some((address, length)) => (address, Some(prefix_length(length)?)),
            None => (text, None),
        };
        match address.parse::<IpAddr>().ok()? {
            IpAddr::V4(address) => Self::v4(address.to_bits(), length.unwrap_or(32)),
            IpAddr::V6(address) => match (address.to_ipv4_mapped(), length.unwrap_or(128)) {
                // Callers appear under their IPv4 address, so such networks must too.
                (Some(mapped), length) if length >= 96 => Self::v4(mapped.to_bits(), length - 96),
                (_, length) => {
                    let mask = u128::MAX
                        .checked_shl(128_u32.checked_sub(length.into())?)
                        .unwrap_or(0);
                    Some(Self(Range::V6 {
                        bits: address.to_bits() & mask,
                        mask,
                        length,
                    }))
                }
            },
        }
    }

    fn v4(bits: u32, length: u8) -> Option<Self> {
        let mask = u32::MAX
            .checked_shl(32_u32.checked_sub(length.into())?)
            .unwrap_or(0);
        Some(Self(Range::V4 {
            bits: bits & mask,
            mask,
            length,
        }))
    }

    /// Whether `address` is in it; IPv4 written as IPv6 is IPv4.
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.0, address.to_canonical()) {
            (Range::Any, _) => true,
            (Range::V4 { bits, mask, .. }, IpAddr::V4(address)) => address.to_bits() & mask == bits,
            (Range::V6 { bits, mask, .. }, IpAddr::V6(address)) => address.to_bits() & mask == bits,
            (Range::V4 { .. }, IpAddr::V6(_)) | (Range::V6 { .. }, IpAddr::V4(_)) => false,
        }
    }

    /// Whether it holds so much of the world that naming it restricts nobody.
    pub(super) fn is_broad(&self) -> bool {
        match self.0 {
            Range::Any => true,
            Range::V4 { length, .. } => length < 8,
            Range::V6 { length, .. } => length < 32,
        }
    }
}

fn prefix_length(text: &str) -> Option<u8> {
    text.bytes()
        .all(|byte| byte.is_ascii_digit())
        .then(|| text.parse().ok())?
}
