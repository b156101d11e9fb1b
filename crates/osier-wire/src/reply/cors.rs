//! What a matching CORS rule puts on an answer.

use http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, HeaderName,
    VARY,
};
use http::{HeaderMap, HeaderValue};
use osier_types::Preflight;

/// Adds what `grant` says: all of it on the answer to a preflight, else only what a browser
/// reads from the answer to the request itself. Twice is as once.
pub fn apply_cors(headers: &mut HeaderMap, grant: &Preflight, preflight: bool) {
    let mut put = |name: HeaderName, value: &str| {
        if !value.is_empty()
            && let Ok(value) = HeaderValue::from_str(value)
        {
            headers.insert(name, value);
        }
    };
    put(ACCESS_CONTROL_ALLOW_ORIGIN, &grant.allow_origin);
    if grant.allow_origin != "*" {
        // Browsers refuse credentials together with `*`.
        put(ACCESS_CONTROL_ALLOW_CREDENTIALS, "true");
    }
    put(
        ACCESS_CONTROL_ALLOW_METHODS,
        &grant.allow_methods.join(", "),
    );
    put(
        ACCESS_CONTROL_EXPOSE_HEADERS,
        &grant.expose_headers.join(", "),
    );
    if preflight {
        put(
            ACCESS_CONTROL_ALLOW_HEADERS,
            &grant.allow_headers.join(", "),
        );
    }
    if let Some(seconds) = grant.max_age_seconds {
        headers.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from(seconds));
    }
    let told = headers.get_all(VARY).iter().any(|value| value == "Origin");
    if grant.vary_origin && !told {
        headers.append(VARY, HeaderValue::from_static("Origin"));
    }
}
