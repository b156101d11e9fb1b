//! What reading requests has in common in all dialects: the table of routes
//! and how it is searched, arguments in headers, parameters and forms.

pub(crate) mod bucket;
pub(crate) mod fields;
pub(crate) mod input;
pub(crate) mod list;
pub(crate) mod policy;
pub(crate) mod post;
pub(crate) mod protection;
pub(crate) mod route;
pub(crate) mod source;
pub(crate) mod token;
