//! Access-control lists: S3 grants to whom it likes, osier knows the owner and everybody.
//!
//! The owner can do everything, always: a list that takes something from the
//! owner grants it all the same. A grant to anyone else, or to everybody who
//! has an account, can't be said and is refused rather than forgotten.

use osier_types::{BucketAcl, Fault, FaultKind, ObjectAcl};

use crate::xml::read::{Element, malformed, parse};

/// Everybody.
pub(crate) const ALL_USERS: &str = "http://acs.amazonaws.com/groups/global/AllUsers";
const AUTHENTICATED_USERS: &str = "http://acs.amazonaws.com/groups/global/AuthenticatedUsers";
const LOG_DELIVERY: &str = "http://acs.amazonaws.com/groups/s3/LogDelivery";

/// What osier can say of a bucket or an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Acl {
    /// Nobody but the owner.
    Private,
    /// Everybody may read.
    PublicRead,
    /// Everybody may read and write.
    PublicReadWrite,
}

/// Every canned list of S3 with what it is kept as; `None` can't be said.
pub(crate) const CANNED: [(&str, Option<Acl>); 8] = [
    ("private", Some(Acl::Private)),
    ("public-read", Some(Acl::PublicRead)),
    ("public-read-write", Some(Acl::PublicReadWrite)),
    ("bucket-owner-read", Some(Acl::Private)),
    ("bucket-owner-full-control", Some(Acl::Private)),
    ("authenticated-read", None),
    ("aws-exec-read", None),
    ("log-delivery-write", None),
];

/// The headers that grant, with the permission of each.
pub(crate) const GRANT_HEADERS: [(&str, &str); 5] = [
    ("x-amz-grant-read", "READ"),
    ("x-amz-grant-write", "WRITE"),
    ("x-amz-grant-read-acp", "READ_ACP"),
    ("x-amz-grant-write-acp", "WRITE_ACP"),
    ("x-amz-grant-full-control", "FULL_CONTROL"),
];

impl From<Acl> for BucketAcl {
    fn from(acl: Acl) -> Self {
        match acl {
            Acl::Private => Self::Private,
            Acl::PublicRead => Self::PublicRead,
            Acl::PublicReadWrite => Self::PublicReadWrite,
        }
    }
}

impl From<Acl> for ObjectAcl {
    fn from(acl: Acl) -> Self {
        match acl {
            Acl::Private => Self::Private,
            Acl::PublicRead => Self::PublicRead,
            Acl::PublicReadWrite => Self::PublicReadWrite,
        }
    }
}

impl From<BucketAcl> for Acl {
    fn from(acl: BucketAcl) -> Self {
        match acl {
            BucketAcl::Private => Self::Private,
            BucketAcl::PublicRead => Self::PublicRead,
            BucketAcl::PublicReadWrite => Self::PublicReadWrite,
        }
    }
}

impl Acl {
    /// Of an object. One that goes by its bucket's list, as OSS writes them, has none of its own.
    pub(crate) fn of_object(acl: ObjectAcl) -> Self {
        match acl {
            ObjectAcl::Default | ObjectAcl::Private => Self::Private,
            ObjectAcl::PublicRead => Self::PublicRead,
            ObjectAcl::PublicReadWrite => Self::PublicReadWrite,
        }
    }

    /// `x-amz-acl`.
    pub(crate) fn canned(word: &str) -> Result<Self, Fault> {
        match CANNED.iter().find(|(known, _)| *known == word) {
            Some((_, Some(acl))) => Ok(*acl),
            Some((_, None)) => Err(cant_say(&format!("the access-control list `{word}`"))),
            None => Err(Fault::argument(
                "x-amz-acl",
                word,
                "not a canned list of S3",
            )),
        }
    }

    /// What everybody is granted, by S3's names.
    pub(crate) fn permissions(self) -> &'static [&'static str] {
        match self {
            Self::Private => &[],
            Self::PublicRead => &["READ"],
            Self::PublicReadWrite => &["READ", "WRITE"],
        }
    }
}

/// Grants, added up.
#[derive(Debug, Default)]
struct Grants {
    read: bool,
    write: bool,
}

impl Grants {
    fn add(&mut self, grantee: &Grantee<'_>, permission: &str, owner: &str) -> Result<(), Fault> {
        match grantee {
            Grantee::User(id) if *id == owner || id.is_empty() => match permission {
                "FULL_CONTROL" | "READ" | "WRITE" | "READ_ACP" | "WRITE_ACP" => Ok(()),
                _ => Err(malformed("no such permission")),
            },
            Grantee::User(id) => Err(Fault::argument(
                "CanonicalUser/ID",
                id,
                "not the owner of this bucket or object; osier grants to the owner and to \
                 everybody, and by policies",
            )),
            Grantee::Email(address) => Err(Fault::argument(
                "EmailAddress",
                address,
                "no account has this address",
            )),
            Grantee::Group(ALL_USERS) => match permission {
                "READ" => {
                    self.read = true;
                    Ok(())
                }
                "WRITE" => {
                    self.write = true;
                    Ok(())
                }
                "FULL_CONTROL" | "READ_ACP" | "WRITE_ACP" => {
                    Err(cant_say(&format!("a grant of {permission} to everybody")))
                }
                _ => Err(malformed("no such permission")),
            },
            Grantee::Group(AUTHENTICATED_USERS) => {
                Err(cant_say("a grant to everybody who has an account"))
            }
            Grantee::Group(LOG_DELIVERY) => Err(cant_say("a grant to the delivery of logs")),
            Grantee::Group(uri) => Err(Fault::argument("Group/URI", uri, "no such group")),
        }
    }

    fn acl(&self) -> Result<Acl, Fault> {
        match (self.read, self.write) {
            (false, false) => Ok(Acl::Private),
            (true, false) => Ok(Acl::PublicRead),
            (true, true) => Ok(Acl::PublicReadWrite),
            (false, true) => Err(cant_say("a grant to everybody to write but not to read")),
        }
    }
}

enum Grantee<'a> {
    User(&'a str),
    Email(&'a str),
    Group(&'a str),
}

/// `x-amz-grant-*`, each with its value; `owner` is the account that asks.
pub(crate) fn of_headers<'a>(
    headers: impl Iterator<Item = (&'static str, &'a str)>,
    owner: &str,
) -> Result<Acl, Fault> {
    let mut grants = Grants::default();
    for (permission, value) in headers {
        for grantee in value
            .split(',')
            .map(str::trim)
            .filter(|one| !one.is_empty())
        {
            let wrong = || {
                let reason = "expected id=\"...\", uri=\"...\" or emailAddress=\"...\"";
                Fault::argument("x-amz-grant-*", grantee, reason)
            };
            let (kind, whom) = grantee.split_once('=').ok_or_else(wrong)?;
            let whom = whom.trim().trim_matches('"');
            let grantee = match kind.trim() {
                "id" => Grantee::User(whom),
                "uri" => Grantee::Group(whom),
                "emailAddress" => Grantee::Email(whom),
                _ => return Err(wrong()),
            };
            grants.add(&grantee, permission, owner)?;
        }
    }
    grants.acl()
}

/// `AccessControlPolicy`. Its own `Owner` is who the owner is.
pub(crate) fn of_document(document: &[u8]) -> Result<Acl, Fault> {
    let root = parse(document, "AccessControlPolicy")?;
    let owner = root
        .one("Owner")?
        .ok_or_else(|| malformed("Owner is missing"))?;
    let owner = owner
        .word("ID")?
        .ok_or_else(|| malformed("Owner has no ID"))?;
    let list = root
        .one("AccessControlList")?
        .ok_or_else(|| malformed("AccessControlList is missing"))?;
    let mut grants = Grants::default();
    for grant in list.all("Grant") {
        let permission = grant
            .word("Permission")?
            .ok_or_else(|| malformed("a Grant has no Permission"))?;
        let grantee = grant
            .one("Grantee")?
            .ok_or_else(|| malformed("a Grant has no Grantee"))?;
        grants.add(&read_grantee(grantee)?, permission, owner)?;
    }
    grants.acl()
}

/// The kind of grantee stands in `xsi:type`, but what is in it tells as much.
fn read_grantee(grantee: &Element) -> Result<Grantee<'_>, Fault> {
    if let Some(uri) = grantee.word("URI")? {
        return Ok(Grantee::Group(uri));
    }
    if let Some(address) = grantee.word("EmailAddress")? {
        return Ok(Grantee::Email(address));
    }
    match grantee.word("ID")? {
        Some(id) => Ok(Grantee::User(id)),
        None => Err(malformed("a Grantee is nobody")),
    }
}

fn cant_say(what: &str) -> Fault {
    FaultKind::NotImplemented {
        what: what.to_owned(),
    }
    .into()
}
