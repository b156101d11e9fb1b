//! The CDN API's domains in a running server: kept beside the settings, served by its gateway,
//! refreshed and prefetched there.

mod certificates;
mod desk;
mod pushing;
mod sites;
mod task_log;

pub(crate) use certificates::named_certificate;
pub(crate) use desk::Desk;
pub(crate) use sites::{Premises, site};
