//! The domains of the CDN API (2018-05-10): what they are, what may be set on them, and every
//! operation on them.
//!
//! Pure: [`Domains`] is a value that is changed by requests and kept by whoever holds it. It knows
//! no gateway and no wire; what a domain's functions mean to a site is written down where sites
//! are made.
#![warn(missing_docs)]

mod certificate;
mod domain;
mod domains;
mod fault;
mod function;
mod name;
mod outcome;
mod paths;
mod request;
mod source;
mod tasks;

pub use certificate::{Certificate, CertificateFacts, CertificateKind, SecretPem};
pub use domain::{CdnKind, Config, Domain, Scope, Status};
pub use domains::{Context, Domains, UnreadableDomains};
pub use fault::CdnFault;
pub use function::{
    AddressList, Argument, BucketKey, Feature, Function, HeaderChange, Listed, OriginScheme,
    RefererList, TtlRule, TtlTarget, UrlKeys, UrlKind,
};
pub use name::DomainName;
pub use outcome::CdnOutcome;
pub use outcome::{
    CertificateInfo, ConfigMade, DomainDetail, DomainPage, Quota, SetFunctions, TaskPage,
};
pub use paths::{RefreshKind, RefreshTarget, prefetched, refreshed};
pub use request::*;
pub use source::{Source, SourceKind};
pub use tasks::{Task, TaskKind, TaskState, Tasks, Usage};
