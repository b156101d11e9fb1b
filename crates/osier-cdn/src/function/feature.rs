//! What a function says, once it is understood.

use std::fmt;

/// One record of a function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Feature {
    /// It is switched off, or says nothing that is not so anyway.
    Nothing,
    /// `Host` of requests to origins.
    OriginHost(String),
    /// How origins are spoken to.
    OriginScheme(OriginScheme),
    /// Name for TLS to origins.
    OriginSni(String),
    /// Whether certificates of origins are checked.
    OriginVerify(bool),
    /// Seconds that an origin may take.
    OriginTimeout(u64),
    /// Requests are signed, so that private buckets can be shown.
    PrivateBucket(Option<BucketKey>),
    /// A key for one bucket.
    KeyOfBucket(String, BucketKey),
    /// How long answers are kept.
    Ttl(TtlRule),
    /// How long answers of some statuses are kept.
    StatusTtl(TtlTarget, Vec<(String, u64)>, bool),
    /// Seconds for which an old answer stands in for an origin that fails.
    StaleIfError(u64),
    /// A header of requests to origins.
    RequestHeader(HeaderChange),
    /// A header of answers.
    ResponseHeader(HeaderChange),
    /// Where clients are sent, or what they are shown, in the place of an error.
    ErrorPage(u16, String),
    /// Plain HTTP is sent to HTTPS; whether with 308.
    ForceHttps(bool),
    /// HTTPS is sent to plain HTTP; whether with 308.
    ForceHttp(bool),
    /// Whether HTTP/2 is offered.
    Http2(bool),
    /// Seconds for which browsers come by HTTPS only, and whether below the name too.
    Hsts(u64, bool),
    /// Pages that may refer to it, or may not.
    Referers(RefererList),
    /// Addresses that may come, or may not.
    Addresses(AddressList),
    /// Programs that may come, or may not.
    Agents(Listed, Vec<String>),
    /// URLs prove a key.
    UrlAuth(UrlKeys),
    /// These parameters name kept answers, or none; whether origins get all of them.
    QueryOnly(Vec<String>, bool),
    /// All parameters but these do.
    QueryWithout(Vec<String>, bool),
    /// Whether origins are asked for parts of large objects.
    Ranges(bool),
    /// Answers are compressed.
    Gzip,
    /// A path is another, or leads to another.
    Rewrite {
        /// What it looks like.
        pattern: String,
        /// What it becomes, with `$1`.
        target: String,
        /// Whether the client is sent there, and with which status.
        redirect: Option<u16>,
        /// Whether the parameters are part of it.
        with_query: bool,
        /// Whether later rules are not looked at any more.
        last: bool,
    },
    /// A path is another at the origin.
    OriginRewrite {
        /// What it looks like.
        pattern: String,
        /// What it becomes, with `$1`.
        target: String,
        /// Whether the parameters are part of it.
        with_query: bool,
        /// Whether later rules are not looked at any more.
        last: bool,
    },
}

/// How origins are spoken to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OriginScheme {
    /// By plain HTTP.
    Http(Option<u16>),
    /// Over TLS.
    Https(Option<u16>),
}

/// A key to read a bucket with.
#[derive(Clone, PartialEq, Eq)]
pub struct BucketKey {
    /// Its id.
    pub id: String,
    /// Its secret.
    pub secret: String,
}

impl fmt::Debug for BucketKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_tuple("BucketKey").field(&self.id).finish()
    }
}

/// One rule of lifetimes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TtlRule {
    /// What it is for.
    pub target: TtlTarget,
    /// How long.
    pub seconds: u64,
    /// 1 to 99.
    pub weight: u8,
    /// Whether the origin's numbers come first.
    pub origin_first: bool,
    /// Whether it counts although the origin says `no-cache`.
    pub over_no_cache: bool,
}

/// What a rule of lifetimes is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TtlTarget {
    /// Endings of paths.
    Extensions(Vec<String>),
    /// What begins with this.
    Directory(String),
}

/// What becomes of a header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HeaderChange {
    /// It is put beside those that are there.
    Add(String, String),
    /// It takes the place of those that are there.
    Set(String, String),
    /// It is taken out.
    Remove(String),
}

/// Whether a list lets in or keeps out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Listed {
    /// Those that may.
    Allowed,
    /// Those that may not.
    Denied,
}

/// A list of pages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefererList {
    /// What it does.
    pub listed: Listed,
    /// Hosts, each also for all below it unless it is exact.
    pub hosts: Vec<String>,
    /// Whether requests that name no page may come.
    pub allow_empty: bool,
}

/// A list of addresses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AddressList {
    /// What it does.
    pub listed: Listed,
    /// Addresses and networks.
    pub networks: Vec<String>,
}

/// How URLs prove a key.
#[derive(Clone, PartialEq, Eq)]
pub struct UrlKeys {
    /// Where the proof stands.
    pub kind: UrlKind,
    /// The main key and the backup key.
    pub keys: Vec<String>,
    /// Seconds for which a URL is good.
    pub ttl_s: u32,
}

impl fmt::Debug for UrlKeys {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_tuple("UrlKeys").field(&self.kind).finish()
    }
}

/// `auth_type`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UrlKind {
    /// In a parameter.
    A,
    /// In the path, with a date.
    B,
    /// In the path, with hexadecimal seconds.
    C,
}
