//! What a policy is asked about: one access by one caller in its circumstances.
//!
//! Everything is borrowed; nothing is looked up before a condition asks for it.

use std::borrow::Cow;
use std::net::IpAddr;

use http::HeaderMap;
use osier_types::{ObjectLock, ObjectRef, Resource, Tag, Timestamp, VersionId};

use crate::{Identity, Place, Principal, Scheme};

/// One access, as policies see it.
#[derive(Clone, Debug)]
pub struct RequestFacts<'a> {
    /// As known by documents, e.g. `oss:GetObject`.
    pub(super) action: &'a str,
    /// The same in lower case.
    pub(super) action_lower: Cow<'a, str>,
    pub(super) resource: RequestResource<'a>,
    pub(super) by_access_point: Option<RequestResource<'a>>,
    pub(super) caller: Option<Caller<'a>>,
    pub(super) conditions: &'a Conditions<'a>,
    pub(super) public_ignored: bool,
}

/// The name of what is touched: `acs:<service>:<region>:<owner>:<path>`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestResource<'a> {
    /// `oss`, `ram`, `sts`, `cdn`.
    pub service: &'a str,
    /// With or without `oss-` before it; empty where there is none.
    pub region: &'a str,
    /// The id of the account that owns it; empty where nobody does.
    pub owner: &'a str,
    /// `bucket`, `bucket/key`, `accesspoint/name/object/key`, `user/name`; `*` is the service.
    pub path: Cow<'a, str>,
}

/// Who is calling, as principals see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Caller<'a> {
    /// The id of the account; empty for services.
    pub account: &'a str,
    /// What acts for it.
    pub who: Who<'a>,
}

/// What acts for an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who<'a> {
    /// The account itself.
    Root,
    /// A RAM user.
    User {
        /// Its name.
        name: &'a str,
        /// Its id.
        id: &'a str,
    },
    /// The holder of a temporary key.
    AssumedRole {
        /// The role's name.
        role: &'a str,
        /// The session's name.
        session: &'a str,
    },
    /// A service, e.g. `oss.aliyuncs.com`; in trust policies.
    Service(&'a str),
    /// Someone known by an identity provider of this name; in trust policies.
    Federated(&'a str),
}

/// The circumstances that conditions ask for. What is `None` is missing: positive operators
/// fail on it, negated ones hold.
#[derive(Clone, Copy, Debug, Default)]
pub struct Conditions<'a> {
    /// `acs:SourceIp`: the peer, or who is behind a trusted proxy.
    pub source_ip: Option<IpAddr>,
    /// `acs:SourceVpc`.
    pub source_vpc: Option<&'a str>,
    /// `acs:UserAgent`.
    pub user_agent: Option<&'a str>,
    /// `acs:CurrentTime`.
    pub current_time: Option<Timestamp>,
    /// `acs:SecureTransport`.
    pub secure_transport: Option<bool>,
    /// `acs:MFAPresent`.
    pub mfa_present: Option<bool>,
    /// `acs:AccessId`: the access key's id.
    pub access_id: Option<&'a str>,
    /// `acs:Referer`.
    pub referer: Option<&'a str>,
    /// `oss:Prefix`: listings give the empty text when they name none.
    pub prefix: Option<&'a str>,
    /// `oss:Delimiter`: as the prefix.
    pub delimiter: Option<&'a str>,
    /// `oss:x-oss-acl`: what the request would set.
    pub acl: Option<&'a str>,
    /// `oss:x-oss-object-acl`: what the request would set.
    pub object_acl: Option<&'a str>,
    /// `s3:x-amz-acl`: what the request would set, be it of a bucket or of an object.
    pub canned_acl: Option<&'a str>,
    /// `s3:max-keys`: of a listing.
    pub max_keys: Option<u32>,
    /// `s3:x-amz-server-side-encryption`: `AES256` or `aws:kms`, where the request asks for it.
    pub encryption: Option<&'a str>,
    /// `s3:x-amz-server-side-encryption-aws-kms-key-id`.
    pub encryption_key: Option<&'a str>,
    /// `s3:x-amz-server-side-encryption-customer-algorithm`.
    pub customer_algorithm: Option<&'a str>,
    /// `oss:BucketTag/<key>`.
    pub bucket_tags: &'a [Tag],
    /// `oss:ExistingObjectTag/<key>`; see [`Needs`](super::Needs).
    pub existing_object_tags: &'a [Tag],
    /// `oss:RequestObjectTag/<key>`.
    pub request_object_tags: &'a [Tag],
    /// `oss:DataAccessPointArn`.
    pub access_point_arn: Option<&'a str>,
    /// `oss:DataAccessPointAccount`.
    pub access_point_account: Option<&'a str>,
    /// `oss:AccessPointNetworkOrigin`: `internet` or `vpc`.
    pub access_point_network_origin: Option<&'a str>,
    /// `oss:object-remaining-retention-days`.
    pub remaining_retention_days: Option<u32>,
    /// `oss:TLSVersion`, e.g. `TLSv1.3`.
    pub tls_version: Option<&'a str>,
    /// `sts:ExternalId`.
    pub external_id: Option<&'a str>,
    /// `sts:RoleSessionName`.
    pub role_session_name: Option<&'a str>,
    /// `sts:SourceIdentity`.
    pub source_identity: Option<&'a str>,
    /// `oidc:iss`.
    pub oidc_issuer: Option<&'a str>,
    /// `oidc:aud`.
    pub oidc_audience: Option<&'a str>,
    /// `oidc:sub`.
    pub oidc_subject: Option<&'a str>,
    /// Who is asking, for `aws:Principal*`, `aws:username` and `aws:userid`; anonymous is `None`.
    pub caller: Option<&'a Identity>,
    /// How the request was signed, for `s3:authType`, `s3:signatureversion` and
    /// `s3:signatureAge`.
    pub signing: Option<Signing>,
    /// `aws:RequestedRegion`.
    pub region: Option<&'a str>,
    /// `s3:ResourceAccount`: whose the bucket is.
    pub resource_account: Option<&'a str>,
    /// `s3:x-amz-storage-class`, where the request asks for one.
    pub storage_class: Option<&'a str>,
    /// `s3:x-amz-copy-source`, as `bucket/key`.
    pub copy_source: Option<&'a ObjectRef>,
    /// `s3:versionid`: the version that is asked for by its id.
    pub version: Option<VersionId>,
    /// `s3:object-lock-mode` and its like: what the request would set.
    pub lock: Option<ObjectLock>,
    /// All headers, for keys that are named after one.
    pub headers: Option<&'a HeaderMap>,
}

/// How and when a request was signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Signing {
    /// By which scheme.
    pub scheme: Scheme,
    /// Where its signature was.
    pub place: Place,
    /// When, where S3's V4 says so.
    pub at: Option<Timestamp>,
}

impl Signing {
    /// S3's name of its schemes; OSS's are none of them.
    pub(super) const fn version(self) -> Option<&'static str> {
        match self.scheme {
            Scheme::Aws4 => Some("AWS4-HMAC-SHA256"),
            Scheme::Aws2 => Some("AWS"),
            Scheme::V1 | Scheme::V2 | Scheme::V4 => None,
        }
    }

    /// S3's name of the place.
    pub(super) const fn place(self) -> &'static str {
        match self.place {
            Place::Header => "REST-HEADER",
            Place::Url => "REST-QUERY-STRING",
            Place::Form => "POST",
        }
    }
}

impl<'a> RequestFacts<'a> {
    /// `caller` does `action` to `resource`; `None` is anonymous.
    pub fn new(
        action: &'a str,
        resource: RequestResource<'a>,
        caller: Option<Caller<'a>>,
        conditions: &'a Conditions<'a>,
    ) -> Self {
        let action_lower = if action.bytes().any(|byte| byte.is_ascii_uppercase()) {
            Cow::Owned(action.to_ascii_lowercase())
        } else {
            Cow::Borrowed(action)
        };
        Self {
            action,
            action_lower,
            resource,
            by_access_point: None,
            caller,
            conditions,
            public_ignored: false,
        }
    }

    /// The request names the resource by an access point: documents may use either name.
    #[must_use]
    pub fn by_access_point(mut self, name: RequestResource<'a>) -> Self {
        self.by_access_point = Some(name);
        self
    }

    /// Statements that grant to the public are passed over, as Block Public Access wants;
    /// what they deny stays denied.
    #[must_use]
    pub fn without_public_grants(mut self) -> Self {
        self.public_ignored = true;
        self
    }

    /// The resource by the name that documents should use.
    pub fn resource(&self) -> &RequestResource<'a> {
        &self.resource
    }

    /// Whether the caller is the account that owns the resource.
    pub(super) fn caller_owns_resource(&self) -> bool {
        self.caller
            .is_some_and(|caller| caller.who == Who::Root && caller.account == self.resource.owner)
    }
}

impl<'a> RequestResource<'a> {
    /// A resource of the object store that belongs to `owner`.
    pub fn oss(resource: &'a Resource, region: &'a str, owner: &'a str) -> Self {
        let path = match resource {
            Resource::Service => Cow::Borrowed("*"),
            Resource::Bucket(bucket) => Cow::Borrowed(bucket.as_str()),
            Resource::Object(bucket, key) => {
                Cow::Owned([bucket.as_str(), "/", key.as_str()].concat())
            }
        };
        Self {
            service: "oss",
            region,
            owner,
            path,
        }
    }

    /// The same thing as seen through the access point `name` of the account `owner`.
    pub fn access_point(resource: &Resource, name: &str, region: &'a str, owner: &'a str) -> Self {
        let path = match resource.key() {
            Some(key) => ["accesspoint/", name, "/object/", key.as_str()].concat(),
            None => ["accesspoint/", name].concat(),
        };
        Self {
            service: "oss",
            region,
            owner,
            path: Cow::Owned(path),
        }
    }

    /// A resource of a control API, e.g. `ram` and `user/alice`.
    pub fn control(service: &'a str, owner: &'a str, path: &'a str) -> Self {
        Self {
            service,
            region: "",
            owner,
            path: Cow::Borrowed(path),
        }
    }
}

/// As a document should name it: any region, any owner.
impl std::fmt::Display for RequestResource<'_> {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.service == "oss" {
            write!(out, "acs:oss:*:*:{}", self.path)
        } else {
            write!(out, "acs:{}:*:{}:{}", self.service, self.owner, self.path)
        }
    }
}

impl<'a> From<&'a Identity> for Caller<'a> {
    fn from(identity: &'a Identity) -> Self {
        Self {
            account: &identity.account.id,
            who: match &identity.principal {
                Principal::Root => Who::Root,
                Principal::User { name, id } => Who::User { name, id },
                Principal::AssumedRole { role, session, .. } => Who::AssumedRole { role, session },
            },
        }
    }
}

/// As principals are written.
impl std::fmt::Display for Caller<'_> {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let account = self.account;
        match self.who {
            Who::Root => write!(out, "acs:ram::{account}:root"),
            Who::User { name, .. } => write!(out, "acs:ram::{account}:user/{name}"),
            Who::AssumedRole { role, session } => {
                write!(out, "arn:sts::{account}:assumed-role/{role}/{session}")
            }
            Who::Service(name) | Who::Federated(name) => out.write_str(name),
        }
    }
}
