//! Who is calling, and may they: signatures of every OSS and S3 scheme, identities, decisions.
//!
//! Pure: no I/O, no async, no clock. The caller hands in the request's head, the
//! keys and the time. [`authenticate`] (or a [`Verifier`], which remembers derived
//! keys) tells who signed a request; [`decide`] whether they may do what it asks.
//! What a key stands for is in [`identity`](Identity); secrets never leave [`Secret`].
#![warn(missing_docs)]

mod canonical;
mod claim;
pub mod control;
mod decision;
pub mod diagnosis;
pub mod directory;
mod form;
mod identity;
mod mac;
mod outbound;
pub mod policy;
mod policy_form;
mod proxies;
mod referer;
mod s3;
mod scheme;
mod secret;
mod signing_keys;
#[cfg(test)]
mod testing;
pub mod token;
mod url_auth;
mod v1;
mod v2;
mod v4;
mod visitors;

pub use decision::{
    AccessPointFacts, BucketFacts, Decision, Inquiry, Layer, Layers, PublicAccess, PublicLists,
    ResourceFacts, Step, Verdict, decide,
};
pub use form::{FormAuthentication, FormFields, authenticate_form};
pub use identity::{Identity, KeyRecord, KeyRing, Principal, StaticKeyRing, TokenFault};
pub use outbound::{
    AccessKey, OutboundScheme, Unsigned, UnusableKey, is_signature_parameter, is_sub_resource,
};
pub use policy_form::{LengthRange, PostPolicy, PostTarget};
pub use proxies::TrustedProxies;
pub use referer::Referers;
pub use s3::{ChunkSigner, chunked};
pub use scheme::{
    Authentication, HostReading, Place, Regions, ResourceName, Scheme, Signed, SignedHead,
    Verifier, authenticate, query_with_spaces,
};
pub use secret::Secret;
pub use signing_keys::SigningKeys;
pub use url_auth::{ProvenUrl, UrlAuth, UrlAuthType, UrlRefusal};
pub use visitors::{AgentPattern, HostPattern, List, VisitorRefusal, Visitors};
