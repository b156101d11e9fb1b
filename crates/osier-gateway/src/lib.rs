//! The gateway: requests for a site's host go to the site's origin, or are answered from the
//! cache when the origin allows it.
//!
//! It changes what a proxy has to change and nothing else: path, query and signed headers
//! reach the origin byte for byte, so that signatures verify, unless the site has requests
//! signed anew. It knows no settings file, and no store but one that it is given.
#![warn(missing_docs)]

mod access;
mod access_log;
mod asking;
mod bucket_here;
mod cached;
mod challenge;
mod credentials;
mod failures;
mod fetch;
mod filling;
mod flight;
mod forward;
mod front;
mod gateway;
mod gzip;
mod header_changes;
mod health;
mod kept;
mod listing;
mod local_store;
mod origin;
mod pages;
mod pictures;
mod proof;
mod purge;
mod resolve;
mod rewrite;
mod settings;
mod site;
mod sliced;
mod spill;
mod store;
mod translated;
mod trouble;
mod upstream;
mod written;

pub use access_log::{AccessLine, CacheUse, RequestId};
pub use challenge::Proof;
pub use credentials::InvalidCredentials;
pub use failures::Failure;
pub use gateway::{Answering, Gateway, Request, Response};
pub use listing::{Entry, Listed, NoList};
pub use local_store::{Admission, LocalStore, Pending, Visit};
pub use origin::{InvalidOrigin, Origin, OriginKind};
pub use osier_cache_disk::OpenError as CacheOpenError;
pub use purge::{Purge, PurgeError};
pub use resolve::{DnsAnswer, DnsError, DnsQuestion, RecordKind, ResolverSettings};
pub use settings::{
    AuthMode, Autoindex, CacheMode, CorsSettings, CredentialSettings, ErrorPageSettings,
    HealthSettings, HttpsMode, ListSettings, OriginQuery, OriginSettings, QueryMode,
    RewriteSettings, SecretText, SignatureVersion, SiteSettings, TtlSettings, UrlAuthKind,
    UrlAuthSettings,
};
pub use site::{InvalidSite, Sites};
pub use spill::{FreeBytes, SpillNumbers, SpillSettings};
pub use store::{StoreNumbers, StoreSettings};
pub use translated::Translation;
