//! Items of one action: `KEY_VALUE`, or a single bare value.
//!
//! A key ends at the first underscore: base64 for URLs has underscores too.

use std::ops::RangeInclusive;

use super::{Rgb, base64url};
use crate::{ErrorKind, ImageError};

/// The parameters of one action, each under its key; of equal keys the last one counts.
pub(super) struct Parameters<'a> {
    action: &'a str,
    items: Vec<(&'a str, &'a str)>,
}

impl<'a> Parameters<'a> {
    /// The items after the action's name; every key must be one of `known`.
    pub(super) fn keyed(
        action: &'a str,
        items: &[&'a str],
        known: &[&str],
    ) -> Result<Self, ImageError> {
        let items = items
            .iter()
            .map(|item| item.split_once('_').unwrap_or((item, "")))
            .map(|(key, value)| {
                if known.contains(&key) {
                    Ok((key, value))
                } else {
                    Err(ImageError::plain(
                        ErrorKind::InvalidArgument,
                        format!("{action} has no parameter of this name"),
                    ))
                }
            })
            .collect::<Result<_, _>>()?;
        Ok(Self { action, items })
    }

    /// The value of `key`, where it is given.
    pub(super) fn text(&self, key: &str) -> Option<&'a str> {
        self.items
            .iter()
            .rev()
            .find(|(own, _)| *own == key)
            .map(|(_, value)| *value)
    }

    /// The number of `key`, where it is given; it must lie in `range`.
    pub(super) fn number(
        &self,
        key: &str,
        range: RangeInclusive<i32>,
        ec: Option<&'static str>,
    ) -> Result<Option<i32>, ImageError> {
        let Some(text) = self.text(key) else {
            return Ok(None);
        };
        number(text, range.clone()).map(Some).ok_or_else(|| {
            invalid(
                ec,
                format!(
                    "{} of {} is a number from {} to {}",
                    key,
                    self.action,
                    range.start(),
                    range.end()
                ),
            )
        })
    }

    /// As [`Self::number`] for numbers that can't be negative.
    pub(super) fn count(
        &self,
        key: &str,
        range: RangeInclusive<i32>,
        ec: Option<&'static str>,
    ) -> Result<Option<u32>, ImageError> {
        let number = self.number(key, range, ec)?;
        Ok(number.and_then(|number| u32::try_from(number).ok()))
    }

    /// `0` or `1`.
    pub(super) fn flag(
        &self,
        key: &str,
        ec: Option<&'static str>,
    ) -> Result<Option<bool>, ImageError> {
        Ok(self.number(key, 0..=1, ec)?.map(|number| number == 1))
    }

    /// A colour, where it is given.
    pub(super) fn color(
        &self,
        key: &str,
        ec: Option<&'static str>,
    ) -> Result<Option<Rgb>, ImageError> {
        self.text(key)
            .map(|text| {
                Rgb::parse(text).ok_or_else(|| {
                    invalid(
                        ec,
                        format!("{key} of {} is six hexadecimal digits", self.action),
                    )
                })
            })
            .transpose()
    }

    /// Text in base64, where it is given.
    pub(super) fn encoded(
        &self,
        key: &str,
        ec: &'static str,
    ) -> Result<Option<String>, ImageError> {
        self.text(key)
            .map(|text| {
                base64url::decode_text(text).ok_or_else(|| {
                    ImageError::new(ErrorKind::BadRequest, ec, "Input is not base64 decoding.")
                })
            })
            .transpose()
    }
}

impl Rgb {
    /// `RRGGBB`.
    pub(super) fn parse(text: &str) -> Option<Self> {
        if text.len() != 6 || !text.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return None;
        }
        let [_, red, green, blue] = u32::from_str_radix(text, 16).ok()?.to_be_bytes();
        Some(Self([red, green, blue]))
    }
}

/// The single value of an action that takes exactly one.
pub(super) fn bare<'a>(
    action: &str,
    items: &[&'a str],
    missing: Option<&'static str>,
) -> Result<&'a str, ImageError> {
    match items {
        [] | [""] => Err(ImageError {
            kind: ErrorKind::MissingArgument,
            ec: missing,
            message: format!("{action} needs a value").into(),
        }),
        [value] => Ok(value),
        _ => Err(ImageError::new(
            ErrorKind::InvalidArgument,
            "0040-00000203",
            format!("{action} takes exactly one value"),
        )),
    }
}

/// A bare number in `range`.
pub(super) fn bare_number(
    action: &str,
    items: &[&str],
    range: RangeInclusive<i32>,
    missing: Option<&'static str>,
    ec: Option<&'static str>,
) -> Result<i32, ImageError> {
    number(bare(action, items, missing)?, range.clone()).ok_or_else(|| {
        invalid(
            ec,
            format!(
                "{action} is a number from {} to {}",
                range.start(),
                range.end()
            ),
        )
    })
}

/// Decimal digits, with a minus where `range` has negative numbers.
fn number(text: &str, range: RangeInclusive<i32>) -> Option<i32> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    if digits.is_empty() || digits.len() > 9 || !digits.bytes().all(|digit| digit.is_ascii_digit())
    {
        return None;
    }
    text.parse().ok().filter(|number| range.contains(number))
}

pub(super) fn invalid(ec: Option<&'static str>, message: String) -> ImageError {
    ImageError {
        kind: ErrorKind::InvalidArgument,
        ec,
        message: message.into(),
    }
}
