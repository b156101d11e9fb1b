//! URLs that prove a key to a CDN: nothing but the right proof ever passes.

use osier_auth::{UrlAuth, UrlAuthType};
use osier_types::Timestamp;

/// A line with a target; nobody who writes it knows the key.
pub fn url_auth(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let target = text.lines().next().unwrap_or_default();
    let (path, query) = match target.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (target, None),
    };
    for kind in [UrlAuthType::A, UrlAuthType::B, UrlAuthType::C] {
        let auth = UrlAuth {
            kind,
            keys: vec!["a key that no input holds".into()],
            ttl_s: i64::from(u32::MAX),
        };
        let checked = auth.check(path, query, Timestamp::from_seconds(0));
        assert!(checked.is_err(), "{target} passed as {kind:?}");
    }
}
