//! The policy of a `PostObject` form: what its fields must be (reference 2.6).
//!
//! Fields that the policy does not name are free, as on OSS; S3 wants all of them named. A condition on a field that is
//! sent twice must hold for both.

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use osier_types::{AccessDenial, Fault, FaultKind, Timestamp};
use serde_json::{Map, Value};

use crate::FormFields;

/// A policy whose signature was right.
#[derive(Clone, Debug)]
pub struct PostPolicy {
    expiration: Timestamp,
    conditions: Vec<Condition>,
    length: Option<LengthRange>,
    covers_all: bool,
}

/// How long the file may be, both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LengthRange {
    /// At least.
    pub min: u64,
    /// At most.
    pub max: u64,
}

/// Where a form is going.
#[derive(Clone, Copy, Debug)]
pub struct PostTarget<'a> {
    /// The bucket it was sent to.
    pub bucket: &'a str,
    /// The key it will write, `${filename}` replaced.
    pub key: &'a [u8],
}

#[derive(Clone, Debug)]
struct Condition {
    /// Lower case, without `$`.
    field: String,
    test: Test,
    /// As written, to say which one does not hold.
    text: String,
}

#[derive(Clone, Debug)]
enum Test {
    Equal(String),
    StartsWith(String),
    In(Vec<String>),
    NotIn(Vec<String>),
}

impl PostPolicy {
    /// Reads the Base64 text of a form's `policy`.
    ///
    /// # Errors
    /// `InvalidPolicyDocument`.
    pub fn parse(base64: &str) -> Result<Self, Fault> {
        let packed: Vec<u8> = base64
            .bytes()
            .filter(|byte| !byte.is_ascii_whitespace())
            .collect();
        let json = LENIENT
            .decode(packed)
            .map_err(|_| invalid("the policy is not Base64"))?;
        let policy: Map<String, Value> = serde_json::from_slice(&json)
            .map_err(|_| invalid("the policy is not a JSON object"))?;
        let expiration = policy
            .get("expiration")
            .and_then(Value::as_str)
            // A blank in place of the `T` is no ISO 8601, and neither dialect takes it.
            .filter(|text| !text.contains(' '))
            .and_then(|text| Timestamp::parse_iso8601(text).ok())
            .ok_or_else(|| invalid("the policy has no valid `expiration`"))?;
        let Some(Value::Array(written)) = policy.get("conditions") else {
            return Err(invalid("the policy has no list of `conditions`"));
        };
        let mut parsed = Self {
            expiration,
            conditions: Vec::with_capacity(written.len()),
            length: None,
            covers_all: false,
        };
        for condition in written {
            parsed.add(condition)?;
        }
        Ok(parsed)
    }

    /// The same policy, that must speak of every field of the form and of the bucket, as S3
    /// wants it.
    pub(crate) fn covering_all(self) -> Self {
        Self {
            covers_all: true,
            ..self
        }
    }

    /// When it ends.
    pub fn expiration(&self) -> Timestamp {
        self.expiration
    }

    /// Checks every condition; the length of the file is left to the caller.
    ///
    /// # Errors
    /// `AccessDenied` with the condition that does not hold.
    pub fn check(
        &self,
        target: &PostTarget<'_>,
        fields: &FormFields<'_>,
    ) -> Result<Option<LengthRange>, Fault> {
        let broken = self
            .conditions
            .iter()
            .find(|condition| !condition.holds(target, fields));
        if let Some(broken) = broken {
            return Err(denied(&broken.text));
        }
        if let Some(extra) = self.uncovered(fields).filter(|_| self.covers_all) {
            return Err(denied(&format!("the policy has no condition on `{extra}`")));
        }
        Ok(self.length)
    }

    /// A field that no condition speaks of, or the bucket.
    fn uncovered<'a>(&self, fields: &FormFields<'a>) -> Option<&'a str> {
        fields
            .names()
            .filter(|name| {
                let is_exempt = EXEMPT
                    .iter()
                    .any(|exempt| name.eq_ignore_ascii_case(exempt));
                let ignored = name.get(..EXEMPT_PREFIX.len());
                !is_exempt && !ignored.is_some_and(|head| head.eq_ignore_ascii_case(EXEMPT_PREFIX))
            })
            .chain(std::iter::once("bucket"))
            .find(|name| {
                let mut conditions = self.conditions.iter();
                !conditions.any(|held| held.field.eq_ignore_ascii_case(name))
            })
    }

    /// Refuses a policy without a condition on `field`.
    pub(crate) fn require(&self, field: &str) -> Result<(), Fault> {
        if self.conditions.iter().any(|held| held.field == field) {
            return Ok(());
        }
        Err(invalid(&format!(
            "the policy has no condition on `{field}`"
        )))
    }

    fn add(&mut self, written: &Value) -> Result<(), Fault> {
        let refuse = || invalid(&format!("the condition {} is malformed", shown(written)));
        match written {
            Value::Object(exact) if !exact.is_empty() => {
                for (field, value) in exact {
                    let value = scalar(value).ok_or_else(refuse)?;
                    self.push(field, Test::Equal(value), written);
                }
            }
            Value::Array(parts) => {
                let [Value::String(operator), rest @ ..] = parts.as_slice() else {
                    return Err(refuse());
                };
                let operator = operator.to_ascii_lowercase();
                if operator == "content-length-range" {
                    let range = length_range(rest).ok_or_else(refuse)?;
                    let held = self.length.unwrap_or(range);
                    self.length = Some(LengthRange {
                        min: held.min.max(range.min),
                        max: held.max.min(range.max),
                    });
                    return Ok(());
                }
                let [Value::String(field), operand] = rest else {
                    return Err(refuse());
                };
                let field = field.strip_prefix('$').ok_or_else(refuse)?;
                let test = match operator.as_str() {
                    "eq" => Test::Equal(scalar(operand).ok_or_else(refuse)?),
                    "starts-with" => Test::StartsWith(scalar(operand).ok_or_else(refuse)?),
                    "in" => Test::In(scalars(operand).ok_or_else(refuse)?),
                    "not-in" => Test::NotIn(scalars(operand).ok_or_else(refuse)?),
                    _ => return Err(refuse()),
                };
                self.push(field, test, written);
            }
            _ => return Err(refuse()),
        }
        Ok(())
    }

    fn push(&mut self, field: &str, test: Test, written: &Value) {
        self.conditions.push(Condition {
            field: field.to_ascii_lowercase(),
            test,
            text: shown(written),
        });
    }
}

impl Condition {
    fn holds(&self, target: &PostTarget<'_>, fields: &FormFields<'_>) -> bool {
        match self.field.as_str() {
            "bucket" => self.test.holds(target.bucket.as_bytes()),
            // What is written counts. Only a condition that itself speaks of `${filename}`
            // is about the field before that is replaced.
            "key" => {
                self.test.holds(target.key)
                    || (self.test.names_filename()
                        && fields.first("key").is_some()
                        && fields.all("key").all(|value| self.test.holds(value)))
            }
            field => match fields.first(field) {
                None => self.test.holds_for_nothing(),
                Some(_) => fields.all(field).all(|value| self.test.holds(value)),
            },
        }
    }
}

impl Test {
    fn holds(&self, value: &[u8]) -> bool {
        match self {
            Self::Equal(wanted) => value == wanted.as_bytes(),
            Self::StartsWith(prefix) => value.starts_with(prefix.as_bytes()),
            Self::In(list) => list.iter().any(|wanted| wanted.as_bytes() == value),
            Self::NotIn(list) => list.iter().all(|wanted| wanted.as_bytes() != value),
        }
    }

    fn holds_for_nothing(&self) -> bool {
        match self {
            Self::Equal(_) | Self::In(_) => false,
            Self::StartsWith(prefix) => prefix.is_empty(),
            Self::NotIn(_) => true,
        }
    }

    fn names_filename(&self) -> bool {
        match self {
            Self::Equal(text) | Self::StartsWith(text) => text.contains("${filename}"),
            Self::In(list) => list.iter().any(|text| text.contains("${filename}")),
            Self::NotIn(_) => false,
        }
    }
}

fn length_range(operands: &[Value]) -> Option<LengthRange> {
    let number = |value: &Value| match value {
        Value::Number(number) => number.as_u64(),
        Value::String(text) => text.parse().ok(),
        _ => None,
    };
    let [min, max] = operands else { return None };
    let range = LengthRange {
        min: number(min)?,
        max: number(max)?,
    };
    (range.min <= range.max).then_some(range)
}

/// A value as form fields carry it: some clients write numbers bare.
fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(bool) => Some(bool.to_string()),
        _ => None,
    }
}

fn scalars(value: &Value) -> Option<Vec<String>> {
    match value {
        Value::Array(values) => values.iter().map(scalar).collect(),
        one => scalar(one).map(|text| vec![text]),
    }
}

fn shown(condition: &Value) -> String {
    condition.to_string().chars().take(200).collect()
}

fn invalid(reason: &str) -> Fault {
    FaultKind::InvalidPolicyDocument {
        reason: reason.to_owned(),
    }
    .into()
}

fn denied(condition: &str) -> Fault {
    FaultKind::AccessDenied(AccessDenial::PostPolicy {
        condition: condition.to_owned(),
    })
    .into()
}

/// Fields that the policy can't speak of.
const EXEMPT: [&str; 5] = [
    "AWSAccessKeyId",
    "file",
    "policy",
    "signature",
    "x-amz-signature",
];

/// Fields that mean nothing.
const EXEMPT_PREFIX: &str = "x-ignore-";

/// Clients leave the padding out; what is signed is the text, so any spelling will do.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

#[cfg(test)]
mod tests;
