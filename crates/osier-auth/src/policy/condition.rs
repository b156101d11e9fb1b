//! `Condition`: operators, keys, and whether they hold.
//!
//! Several values are alternatives, several keys and operators must all hold. A negated
//! operator holds when the value differs from all that are listed. A missing key fails
//! positive operators and satisfies negated ones and those that end in `IfExists`; `Null` asks
//! for nothing but that.

use std::borrow::Cow;
use std::net::IpAddr;

use osier_types::{Tag, Timestamp};

use super::address::Network;
use super::facts::{Conditions, Signing};
use super::glob::Glob;
use super::{s3, variable};
use crate::{Identity, Principal};

/// One operator on one key.
#[derive(Clone, Debug)]
pub(super) struct Condition {
    /// As written, with its suffix.
    pub(super) operator: Box<str>,
    /// As written.
    pub(super) key_text: Box<str>,
    /// As written.
    pub(super) values: Box<[Box<str>]>,
    pub(super) key: Key,
    negated: bool,
    if_exists: bool,
    test: Test,
    /// Values have variables, so that the test is another for every caller.
    variable: Option<Build>,
}

/// What a value must fit one of.
#[derive(Clone, Debug)]
enum Test {
    Equals(Box<[Box<str>]>),
    /// Lower-cased.
    EqualsIgnoreCase(Box<[Box<str>]>),
    Like(Box<[Glob]>),
    Number(Order, Box<[f64]>),
    Date(Order, Box<[Timestamp]>),
    Bool(Box<[bool]>),
    /// Whether the key is missing.
    Absent(Box<[bool]>),
    Within(Box<[Network]>),
}

#[derive(Clone, Copy, Debug)]
enum Order {
    Equal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// Where a value comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Key {
    SourceIp,
    SourceVpc,
    UserAgent,
    CurrentTime,
    SecureTransport,
    MfaPresent,
    AccessId,
    Referer,
    Prefix,
    Delimiter,
    Acl,
    ObjectAcl,
    CannedAcl,
    MaxKeys,
    Encryption,
    KmsKeyId,
    CustomerAlgorithm,
    BucketTag(Box<str>),
    ExistingObjectTag(Box<str>),
    RequestObjectTag(Box<str>),
    AccessPointArn,
    AccessPointAccount,
    AccessPointNetworkOrigin,
    RemainingRetentionDays,
    TlsVersion,
    ExternalId,
    RoleSessionName,
    SourceIdentity,
    OidcIssuer,
    OidcAudience,
    OidcSubject,
    SignatureVersion,
    AuthType,
    SignatureAge,
    PrincipalAccount,
    PrincipalArn,
    PrincipalType,
    UserName,
    UserId,
    RequestedRegion,
    ResourceAccount,
    StorageClass,
    CopySource,
    VersionId,
    LockMode,
    LockUntil,
    LegalHold,
    /// A header as it was sent.
    Header(&'static str),
}

/// A value that is there.
#[derive(Clone, Debug)]
pub(super) enum Value<'a> {
    Text(Cow<'a, str>),
    Number(u32),
    Time(Timestamp),
    Bool(bool),
    Address(IpAddr),
}

/// What an operator compares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Family {
    Text,
    Number,
    Date,
    Bool,
    Address,
    Presence,
}

/// Which part was refused, and why.
pub(super) enum Refused {
    Operator(String),
    Key(String),
    Value(usize, String),
}

impl Condition {
    pub(super) fn parse(operator: &str, key: &str, values: Vec<String>) -> Result<Self, Refused> {
        let (bare, if_exists) = match operator.strip_suffix("IfExists") {
            Some(bare) => (bare, true),
            None => (operator, false),
        };
        if bare.starts_with("ForAllValues:") || bare.starts_with("ForAnyValue:") {
            return Err(Refused::Operator(
                "set operators are not supported: every key has one value".to_owned(),
            ));
        }
        if bare == "Null" && if_exists {
            return Err(Refused::Operator(
                "`Null` asks whether the key exists: it takes no `IfExists`".to_owned(),
            ));
        }
        let (negated, family, build) = operator_named(bare)
            .ok_or_else(|| Refused::Operator(format!("`{operator}` is no operator")))?;
        let parsed = Key::parse(key)
            .ok_or_else(|| Refused::Key(format!("`{key}` is no condition key known here")))?;
        if !parsed.takes(family) {
            return Err(Refused::Key(format!(
                "`{key}` can't be compared by `{operator}`"
            )));
        }
        let mut variable = None;
        for (nth, value) in values.iter().enumerate() {
            variable::check(value).map_err(|reason| Refused::Value(nth, reason))?;
            if variable::has(value) {
                if family != Family::Text {
                    let reason = format!("`{operator}` takes no variables");
                    return Err(Refused::Value(nth, reason));
                }
                variable = Some(build);
            }
        }
        Ok(Self {
            variable,
            operator: operator.into(),
            key_text: key.into(),
            test: build(&values).map_err(|(nth, reason)| Refused::Value(nth, reason))?,
            values: values.into_iter().map(String::into_boxed_str).collect(),
            key: parsed,
            negated,
            if_exists,
        })
    }

    pub(super) fn holds(&self, conditions: &Conditions<'_>) -> bool {
        let found = self.key.find(conditions);
        if let Test::Absent(wanted) = &self.test {
            return wanted.contains(&found.is_none());
        }
        let Some(value) = found else {
            return self.negated || self.if_exists;
        };
        let fits = match self.variable {
            None => self.test.fits(&value),
            Some(build) => self.fits_expanded(build, &value, conditions),
        };
        fits != self.negated
    }

    /// As [`Test::fits`], with the variables of this caller. A value with one that the caller
    /// lacks fits nothing.
    fn fits_expanded(&self, build: Build, value: &Value<'_>, conditions: &Conditions<'_>) -> bool {
        let values: Vec<String> = self
            .values
            .iter()
            .filter_map(|text| variable::expand(text, conditions))
            .collect();
        build(&values).is_ok_and(|test| test.fits(value))
    }

    /// Whether it holds the caller to values that the author chose: such a grant to everybody
    /// is not one to the public.
    pub(super) fn confines(&self) -> bool {
        let fixed_key = matches!(
            self.key,
            Key::SourceIp
                | Key::SourceVpc
                | Key::AccessId
                | Key::AccessPointArn
                | Key::AccessPointAccount
        );
        let fixed_values = match &self.test {
            Test::Equals(_) | Test::EqualsIgnoreCase(_) => true,
            Test::Like(globs) => globs.iter().all(Glob::is_literal),
            Test::Within(networks) => !networks.iter().any(Network::is_broad),
            Test::Number(..) | Test::Date(..) | Test::Bool(_) | Test::Absent(_) => false,
        };
        fixed_key && fixed_values && !self.negated && !self.if_exists
    }
}

/// As in a document.
impl std::fmt::Display for Condition {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            out,
            "{} {} [{}]",
            self.operator,
            self.key_text,
            self.values.join(", ")
        )
    }
}

impl Test {
    fn fits(&self, value: &Value<'_>) -> bool {
        match (self, value) {
            (Self::Equals(texts), Value::Text(value)) => texts.iter().any(|text| **text == **value),
            (Self::EqualsIgnoreCase(texts), Value::Text(value)) => {
                let value = value.to_lowercase();
                texts.iter().any(|text| **text == *value)
            }
            (Self::Like(globs), Value::Text(value)) => globs.iter().any(|glob| glob.matches(value)),
            (Self::Number(order, numbers), Value::Number(value)) => numbers
                .iter()
                .any(|than| order.holds(&(*value).into(), than)),
            (Self::Number(order, numbers), Value::Text(value)) => number(value)
                .is_some_and(|value| numbers.iter().any(|than| order.holds(&value, than))),
            (Self::Date(order, times), Value::Time(value)) => {
                times.iter().any(|than| order.holds(value, than))
            }
            (Self::Date(order, times), Value::Text(value)) => {
                date(value).is_some_and(|value| times.iter().any(|than| order.holds(&value, than)))
            }
            (Self::Bool(wanted), Value::Bool(value)) => wanted.contains(value),
            (Self::Within(networks), Value::Address(value)) => {
                networks.iter().any(|network| network.contains(*value))
            }
            _ => false,
        }
    }
}

impl Order {
    fn holds<T: PartialOrd>(self, value: &T, than: &T) -> bool {
        match self {
            Self::Equal => value == than,
            Self::Less => value < than,
            Self::LessOrEqual => value <= than,
            Self::Greater => value > than,
            Self::GreaterOrEqual => value >= than,
        }
    }
}

impl Key {
    /// Names are compared without regard to case: a slip must not lose a denial. Keys of tags
    /// are taken as written.
    fn parse(text: &str) -> Option<Self> {
        let lower = text.to_ascii_lowercase();
        let lower = s3::condition_key(&lower).unwrap_or(lower);
        if let Some((kind, _)) = lower.split_once('/') {
            let tag: Box<str> = text.split_once('/').map(|(_, tag)| tag.into())?;
            if tag.is_empty() {
                return None;
            }
            return match kind {
                "oss:buckettag" => Some(Self::BucketTag(tag)),
                "oss:existingobjecttag" => Some(Self::ExistingObjectTag(tag)),
                "oss:requestobjecttag" => Some(Self::RequestObjectTag(tag)),
                _ => None,
            };
        }
        Some(match lower.as_str() {
            "acs:sourceip" => Self::SourceIp,
            "acs:sourcevpc" => Self::SourceVpc,
            "acs:useragent" => Self::UserAgent,
            "acs:currenttime" => Self::CurrentTime,
            "acs:securetransport" => Self::SecureTransport,
            "acs:mfapresent" => Self::MfaPresent,
            "acs:accessid" => Self::AccessId,
            "acs:referer" => Self::Referer,
            "oss:prefix" => Self::Prefix,
            "oss:delimiter" => Self::Delimiter,
            "oss:x-oss-acl" => Self::Acl,
            "oss:x-oss-object-acl" => Self::ObjectAcl,
            "s3:x-amz-acl" => Self::CannedAcl,
            "s3:max-keys" => Self::MaxKeys,
            "s3:x-amz-server-side-encryption" => Self::Encryption,
            "s3:x-amz-server-side-encryption-aws-kms-key-id" => Self::KmsKeyId,
            "s3:x-amz-server-side-encryption-customer-algorithm" => Self::CustomerAlgorithm,
            "oss:dataaccesspointarn" => Self::AccessPointArn,
            "oss:dataaccesspointaccount" => Self::AccessPointAccount,
            "oss:accesspointnetworkorigin" => Self::AccessPointNetworkOrigin,
            "oss:object-remaining-retention-days" => Self::RemainingRetentionDays,
            "oss:tlsversion" => Self::TlsVersion,
            "sts:externalid" => Self::ExternalId,
            "sts:rolesessionname" => Self::RoleSessionName,
            "sts:sourceidentity" => Self::SourceIdentity,
            "oidc:iss" => Self::OidcIssuer,
            "oidc:aud" => Self::OidcAudience,
            "oidc:sub" => Self::OidcSubject,
            "s3:signatureversion" => Self::SignatureVersion,
            "s3:authtype" => Self::AuthType,
            "s3:signatureage" => Self::SignatureAge,
            "aws:principalaccount" => Self::PrincipalAccount,
            "aws:principalarn" => Self::PrincipalArn,
            "aws:principaltype" => Self::PrincipalType,
            "aws:username" => Self::UserName,
            "aws:userid" => Self::UserId,
            "aws:requestedregion" => Self::RequestedRegion,
            "aws:resourceaccount" | "s3:resourceaccount" => Self::ResourceAccount,
            "s3:x-amz-storage-class" => Self::StorageClass,
            "s3:x-amz-copy-source" => Self::CopySource,
            "s3:versionid" => Self::VersionId,
            "s3:object-lock-mode" => Self::LockMode,
            "s3:object-lock-retain-until-date" => Self::LockUntil,
            "s3:object-lock-legal-hold" => Self::LegalHold,
            "s3:x-amz-metadata-directive" => Self::Header("x-amz-metadata-directive"),
            "s3:x-amz-content-sha256" => Self::Header("x-amz-content-sha256"),
            "s3:x-amz-grant-read" => Self::Header("x-amz-grant-read"),
            "s3:x-amz-grant-write" => Self::Header("x-amz-grant-write"),
            "s3:x-amz-grant-read-acp" => Self::Header("x-amz-grant-read-acp"),
            "s3:x-amz-grant-write-acp" => Self::Header("x-amz-grant-write-acp"),
            "s3:x-amz-grant-full-control" => Self::Header("x-amz-grant-full-control"),
            _ => return None,
        })
    }

    fn takes(&self, family: Family) -> bool {
        match self {
            _ if family == Family::Presence => true,
            Self::SourceIp => family == Family::Address,
            Self::CurrentTime | Self::LockUntil => family == Family::Date,
            Self::SecureTransport | Self::MfaPresent => family == Family::Bool,
            Self::RemainingRetentionDays | Self::MaxKeys | Self::SignatureAge => {
                family == Family::Number
            }
            _ => matches!(family, Family::Text | Family::Number | Family::Date),
        }
    }

    pub(super) fn find<'a>(&self, conditions: &Conditions<'a>) -> Option<Value<'a>> {
        let text = |value: Option<&'a str>| value.map(|text| Value::Text(text.into()));
        let owned = |value: Option<String>| value.map(|text| Value::Text(text.into()));
        match self {
            Self::SourceIp => conditions.source_ip.map(Value::Address),
            Self::SourceVpc => text(conditions.source_vpc),
            Self::UserAgent => text(conditions.user_agent),
            Self::CurrentTime => conditions.current_time.map(Value::Time),
            Self::SecureTransport => conditions.secure_transport.map(Value::Bool),
            Self::MfaPresent => conditions.mfa_present.map(Value::Bool),
            Self::AccessId => text(conditions.access_id),
            Self::Referer => text(conditions.referer),
            Self::Prefix => text(conditions.prefix),
            Self::Delimiter => text(conditions.delimiter),
            Self::Acl => text(conditions.acl),
            Self::ObjectAcl => text(conditions.object_acl),
            Self::CannedAcl => text(conditions.canned_acl),
            Self::MaxKeys => conditions.max_keys.map(Value::Number),
            Self::Encryption => text(conditions.encryption),
            Self::KmsKeyId => text(conditions.encryption_key),
            Self::CustomerAlgorithm => text(conditions.customer_algorithm),
            Self::BucketTag(key) => tag(conditions.bucket_tags, key),
            Self::ExistingObjectTag(key) => tag(conditions.existing_object_tags, key),
            Self::RequestObjectTag(key) => tag(conditions.request_object_tags, key),
            Self::AccessPointArn => text(conditions.access_point_arn),
            Self::AccessPointAccount => text(conditions.access_point_account),
            Self::AccessPointNetworkOrigin => text(conditions.access_point_network_origin),
            Self::RemainingRetentionDays => conditions.remaining_retention_days.map(Value::Number),
            Self::TlsVersion => text(conditions.tls_version),
            Self::ExternalId => text(conditions.external_id),
            Self::RoleSessionName => text(conditions.role_session_name),
            Self::SourceIdentity => text(conditions.source_identity),
            Self::OidcIssuer => text(conditions.oidc_issuer),
            Self::OidcAudience => text(conditions.oidc_audience),
            Self::OidcSubject => text(conditions.oidc_subject),
            Self::SignatureVersion => text(conditions.signing.and_then(Signing::version)),
            Self::AuthType => text(conditions.signing.map(Signing::place)),
            Self::SignatureAge => {
                let signed = conditions.signing.and_then(|signing| signing.at)?;
                let age = conditions.current_time?.as_millis() - signed.as_millis();
                Some(Value::Number(u32::try_from(age.max(0)).unwrap_or(u32::MAX)))
            }
            Self::PrincipalAccount => text(conditions.caller.map(|it| it.account.id.as_str())),
            Self::PrincipalArn => owned(conditions.caller.map(Identity::aws_principal_arn)),
            Self::PrincipalType => text(Some(match conditions.caller.map(|it| &it.principal) {
                None => "Anonymous",
                Some(Principal::Root) => "Account",
                Some(Principal::User { .. }) => "User",
                Some(Principal::AssumedRole { .. }) => "AssumedRole",
            })),
            Self::UserName => match conditions.caller.map(|it| &it.principal) {
                Some(Principal::User { name, .. }) => text(Some(name)),
                _ => None,
            },
            Self::UserId => owned(Some(match conditions.caller {
                None => "anonymous".to_owned(),
                Some(caller) => match &caller.principal {
                    Principal::Root => caller.account.id.clone(),
                    Principal::User { id, .. } => id.to_string(),
                    Principal::AssumedRole {
                        role_id, session, ..
                    } => format!("{role_id}:{session}"),
                },
            })),
            Self::RequestedRegion => text(conditions.region),
            Self::ResourceAccount => text(conditions.resource_account),
            Self::StorageClass => text(conditions.storage_class),
            Self::CopySource => owned(
                conditions
                    .copy_source
                    .map(|source| [source.bucket.as_str(), "/", source.key.as_str()].concat()),
            ),
            Self::VersionId => owned(conditions.version.map(|version| version.to_string())),
            Self::LockMode => text(
                conditions
                    .lock
                    .and_then(|lock| lock.retention)
                    .map(|it| it.mode.as_str()),
            ),
            Self::LockUntil => {
                let retention = conditions.lock.and_then(|lock| lock.retention);
                retention.map(|retention| Value::Time(retention.until))
            }
            Self::LegalHold => {
                let hold = conditions.lock.and_then(|lock| lock.legal_hold);
                text(hold.map(osier_types::LegalHold::as_str))
            }
            Self::Header(name) => {
                let sent = conditions.headers.and_then(|headers| headers.get(*name));
                owned(sent.map(|sent| String::from_utf8_lossy(sent.as_bytes()).into_owned()))
            }
        }
    }
}

/// As documents write it.
impl std::fmt::Display for Value<'_> {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Text(text) => out.write_str(text),
            Self::Number(number) => number.fmt(out),
            Self::Time(time) => out.write_str(&time.iso8601()),
            Self::Bool(value) => value.fmt(out),
            Self::Address(address) => address.fmt(out),
        }
    }
}

fn tag<'a>(tags: &'a [Tag], key: &str) -> Option<Value<'a>> {
    tags.iter()
        .find(|tag| tag.key == key)
        .map(|tag| Value::Text(tag.value.as_str().into()))
}

/// Builds a test, or tells which value it can't take.
type Build = fn(&[String]) -> Result<Test, (usize, String)>;

/// Whether it is negated, what it compares, and its test. Exact names, as in documents.
fn operator_named(name: &str) -> Option<(bool, Family, Build)> {
    use Family::{Address, Bool, Date, Number, Presence, Text};
    let equals: Build = |values| Ok(Test::Equals(texts(values, |text| text.into())));
    let ignore_case: Build = |values| {
        Ok(Test::EqualsIgnoreCase(texts(values, |text| {
            text.to_lowercase().into()
        })))
    };
    let like: Build = |values| Ok(Test::Like(texts(values, Glob::new)));
    let within: Build = |values| {
        let what = "an address, a network like `10.0.0.0/8`, or `*`";
        each(values, what, Network::parse).map(Test::Within)
    };
    let truth: Build = |values| each(values, "`true` or `false`", boolean).map(Test::Bool);
    let absence: Build = |values| each(values, "`true` or `false`", boolean).map(Test::Absent);
    Some(match name {
        "StringEquals" => (false, Text, equals),
        "StringNotEquals" => (true, Text, equals),
        "StringEqualsIgnoreCase" => (false, Text, ignore_case),
        "StringNotEqualsIgnoreCase" => (true, Text, ignore_case),
        "StringLike" | "ArnLike" | "ArnEquals" => (false, Text, like),
        "StringNotLike" | "ArnNotLike" | "ArnNotEquals" => (true, Text, like),
        "NumericEquals" => (false, Number, |values| numbers(values, Order::Equal)),
        "NumericNotEquals" => (true, Number, |values| numbers(values, Order::Equal)),
        "NumericLessThan" => (false, Number, |values| numbers(values, Order::Less)),
        "NumericLessThanEquals" => (false, Number, |values| numbers(values, Order::LessOrEqual)),
        "NumericGreaterThan" => (false, Number, |values| numbers(values, Order::Greater)),
        "NumericGreaterThanEquals" => (false, Number, |values| {
            numbers(values, Order::GreaterOrEqual)
        }),
        "DateEquals" => (false, Date, |values| dates(values, Order::Equal)),
        "DateNotEquals" => (true, Date, |values| dates(values, Order::Equal)),
        "DateLessThan" => (false, Date, |values| dates(values, Order::Less)),
        "DateLessThanEquals" => (false, Date, |values| dates(values, Order::LessOrEqual)),
        "DateGreaterThan" => (false, Date, |values| dates(values, Order::Greater)),
        "DateGreaterThanEquals" => (false, Date, |values| dates(values, Order::GreaterOrEqual)),
        "Bool" => (false, Bool, truth),
        "Null" => (false, Presence, absence),
        "IpAddress" | "IpAddressIncludeBorder" => (false, Address, within),
        "NotIpAddress" => (true, Address, within),
        _ => return None,
    })
}

fn texts<T>(values: &[String], read: impl Fn(&str) -> T) -> Box<[T]> {
    values.iter().map(|value| read(value)).collect()
}

fn each<T>(
    values: &[String],
    what: &str,
    read: impl Fn(&str) -> Option<T>,
) -> Result<Box<[T]>, (usize, String)> {
    values
        .iter()
        .enumerate()
        .map(|(nth, value)| read(value).ok_or_else(|| (nth, format!("`{value}` is not {what}"))))
        .collect()
}

fn numbers(values: &[String], order: Order) -> Result<Test, (usize, String)> {
    each(values, "a number", number).map(|numbers| Test::Number(order, numbers))
}

fn dates(values: &[String], order: Order) -> Result<Test, (usize, String)> {
    each(values, "a time like `2026-11-22T03:04:05Z`", date).map(|times| Test::Date(order, times))
}

fn number(text: &str) -> Option<f64> {
    let digits = |byte: u8| byte.is_ascii_digit() || matches!(byte, b'.' | b'-');
    if !text.bytes().all(digits) {
        return None;
    }
    text.parse().ok().filter(|number: &f64| number.is_finite())
}

fn date(text: &str) -> Option<Timestamp> {
    Timestamp::parse_iso8601(text).ok()
}

fn boolean(text: &str) -> Option<bool> {
    if text.eq_ignore_ascii_case("true") {
        Some(true)
    } else if text.eq_ignore_ascii_case("false") {
        Some(false)
    } else {
        None
    }
}
