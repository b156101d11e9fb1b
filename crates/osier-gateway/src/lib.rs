//! The gateway: requests for a site's host go to the site's origin, or are answered from the
//! cache when the origin allows it.
//!
//! It changes what a proxy has to change and nothing else: path, query and signed headers
//! reach the origin byte for byte, so that signatures verify. It knows no bucket, no
//! signature and no settings file.
#![warn(missing_docs)]

mod access_log;
mod cached;
mod fetch;
mod filling;
mod flight;
mod forward;
mod front;
mod gateway;
mod kept;
mod origin;
mod purge;
mod resolve;
mod settings;
mod site;
mod sliced;
mod store;
mod trouble;
mod written;

pub use access_log::{AccessLine, CacheUse, RequestId};
pub use gateway::{Answering, Gateway, Request, Response};
pub use origin::{InvalidOrigin, Origin};
pub use osier_cache_disk::OpenError as CacheOpenError;
pub use purge::{Purge, PurgeError};
pub use settings::{CacheMode, SiteSettings};
pub use site::{InvalidSite, Sites};
pub use store::{StoreNumbers, StoreSettings};
