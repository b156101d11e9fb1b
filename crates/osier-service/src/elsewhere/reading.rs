//! Which bucket and key a request for a bucket elsewhere means, and in which dialect.

use http::header::HOST;
use http::request::Parts;
use osier_types::{Fault, Query};
use osier_wire::{Addressed, Dialect, DialectChoice, Hosts};

use super::ElsewhereRequest;
use crate::arrive::text_of;

/// Reads host and path. To OSS any host of the site is the bucket's own domain. S3 puts the bucket
/// into the host or the path, and signs both readings alike, so that one of them must be the only
/// one: the bucket is in the host where the site's hosts say so, and otherwise where it is found
/// first, in the path and then in the host.
pub(super) fn read(
    request: &ElsewhereRequest<'_>,
    choice: DialectChoice,
) -> Result<(Addressed, Dialect), Fault> {
    let head = request.head;
    let host = host(head);
    let name = host
        .rsplit_once(':')
        .map_or(host.as_str(), |(name, _)| name)
        .trim_end_matches('.')
        .to_ascii_lowercase();
    let nothing: [&str; 0] = [];
    let own_domain = Hosts::new(nothing, [(name.as_str(), request.bucket)]);
    let target = head.uri.to_string();
    let addressed = osier_wire::address(&head.method, &target, Some(&host), &own_domain)?;
    let dialect = choice.of(&head.method, &addressed.query, &head.headers);
    if dialect == Dialect::Oss || request.host_names_bucket {
        return Ok((addressed, dialect));
    }
    let nothing: [(&str, &str); 0] = [];
    let endpoint = Hosts::new([name.as_str()], nothing);
    let by_path = osier_wire::address(&head.method, &target, Some(&host), &endpoint)?;
    let named = by_path.candidates.first();
    let named = named.and_then(|address| address.bucket.as_deref());
    let in_host = name.strip_prefix(request.bucket);
    let in_host = in_host.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'));
    if named != Some(request.bucket) && in_host {
        return Ok((addressed, dialect));
    }
    Ok((by_path, dialect))
}

/// As the client named it.
pub(super) fn host(head: &Parts) -> String {
    text_of(&head.headers, &HOST)
        .or_else(|| head.uri.authority().map(ToString::to_string))
        .unwrap_or_default()
}

/// The query without what only the origin understands: a token of its own is none of ours, and
/// says nothing about what may be listed.
pub(super) fn for_decoding(query: &Query) -> Query {
    query.without("continuation-token")
}
