//! Heads of messages on their way through: what a proxy must take out and put in.

use http::header::{
    CONNECTION, EXPECT, FORWARDED, HOST, HeaderMap, HeaderName, HeaderValue, IF_MATCH,
    IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_RANGE, IF_UNMODIFIED_SINCE, PROXY_AUTHENTICATE,
    PROXY_AUTHORIZATION, RANGE, TE, TRAILER, TRANSFER_ENCODING, UPGRADE, VIA,
};
use http::{Request, Uri, Version};
use osier_http::RequestBody;

use crate::front::is_for_itself;
use crate::site::Site;
use crate::trouble::Trouble;

/// Of how many of us a request may have come through.
const HOPS_MAX: usize = 8;

const CDN_LOOP: HeaderName = HeaderName::from_static("cdn-loop");
const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const X_REAL_IP: HeaderName = HeaderName::from_static("x-real-ip");

/// Headers by which frameworks let a client change what is asked for. They are in no name of
/// a kept answer, so they must not choose one.
const STEERING: [&str; 5] = [
    "x-forwarded-host",
    "x-http-method-override",
    "x-original-url",
    "x-rewrite-url",
    "x-host",
];

/// The head of the request to the origin. `shared` says that its answer may be kept.
pub(crate) fn to_origin(
    site: &Site,
    asked: &crate::Request,
    shared: bool,
) -> Result<Request<()>, Trouble> {
    let head = &asked.head;
    let target = site.origin_target(&head.uri, is_for_itself(site, head));
    let target = target.ok_or(Trouble::NoPath)?;
    let uri: Uri = target.parse().map_err(|_| Trouble::BadRequest)?;
    let mut request = Request::new(());
    *request.method_mut() = head.method.clone();
    *request.uri_mut() = uri;
    *request.version_mut() = Version::HTTP_11;
    let headers = request.headers_mut();
    *headers = head.headers.clone();
    strip_hop_by_hop(headers);
    headers.remove(EXPECT);
    // Each origin of a site has its own.
    headers.remove(HOST);
    let hops = headers.get_all(CDN_LOOP).iter();
    let hops = hops.filter(|value| value.as_bytes().starts_with(b"osier"));
    if hops.count() >= HOPS_MAX {
        return Err(Trouble::Loop);
    }
    headers.append(CDN_LOOP, HeaderValue::from_static("osier"));
    headers.append(VIA, HeaderValue::from_static("1.1 osier"));
    add_client(headers, asked)?;
    if shared {
        for name in STEERING {
            headers.remove(name);
        }
        // What is kept must be whole; conditions and ranges are answered from it.
        ask_for_all(headers);
    }
    site.request_headers.apply(headers);
    Ok(request)
}

/// Takes out by what a client asks for a part only, or for nothing when it has it already.
pub(crate) fn ask_for_all(headers: &mut HeaderMap) {
    for name in [
        IF_MATCH,
        IF_MODIFIED_SINCE,
        IF_NONE_MATCH,
        IF_RANGE,
        IF_UNMODIFIED_SINCE,
        RANGE,
    ] {
        headers.remove(name);
    }
}

/// With a body.
pub(crate) fn with_body(head: Request<()>, body: RequestBody) -> Request<RequestBody> {
    head.map(|()| body)
}

/// Who the client is, for the origin's logs.
fn add_client(headers: &mut HeaderMap, asked: &crate::Request) -> Result<(), Trouble> {
    let peer = asked.peer.ip().to_canonical().to_string();
    let client = asked.client.to_canonical().to_string();
    let value = |text: &str| HeaderValue::from_str(text).map_err(|_| Trouble::BadRequest);
    let mut chain: Vec<String> = headers
        .get_all(X_FORWARDED_FOR)
        .iter()
        .filter_map(|value| value.to_str().ok().map(ToOwned::to_owned))
        .collect();
    chain.push(peer);
    headers.insert(X_FORWARDED_FOR, value(&chain.join(", "))?);
    headers.insert(X_REAL_IP, value(&client)?);
    let scheme = if asked.secure { "https" } else { "http" };
    headers.insert(X_FORWARDED_PROTO, HeaderValue::from_static(scheme));
    headers.remove(FORWARDED);
    Ok(())
}

/// The headers of an answer on its way to the client.
pub(crate) fn to_client(headers: &mut HeaderMap) {
    strip_hop_by_hop(headers);
    headers.append(VIA, HeaderValue::from_static("1.1 osier"));
}

/// Takes out what is about one connection only, and what `Connection` names. A client can't
/// use that to take out headers on which a decision rests.
pub(crate) fn strip_hop_by_hop(headers: &mut HeaderMap) {
    const ALWAYS: [HeaderName; 7] = [
        CONNECTION,
        PROXY_AUTHENTICATE,
        PROXY_AUTHORIZATION,
        TE,
        TRAILER,
        TRANSFER_ENCODING,
        UPGRADE,
    ];
    const NEVER: [&str; 8] = [
        "authorization",
        "content-length",
        "content-md5",
        "content-type",
        "date",
        "host",
        "range",
        "cookie",
    ];
    let named: Vec<HeaderName> = headers
        .get_all(CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|name| HeaderName::from_bytes(name.trim().as_bytes()).ok())
        .collect();
    for name in named {
        let text = name.as_str();
        let decides = NEVER.contains(&text)
            || ["x-forwarded-", "x-oss-", "x-amz-", "x-real-", "cdn-"]
                .iter()
                .any(|beginning| text.starts_with(beginning));
        if !decides {
            headers.remove(&name);
        }
    }
    for name in ALWAYS {
        headers.remove(name);
    }
    headers.remove("keep-alive");
    headers.remove("proxy-connection");
}

#[cfg(test)]
mod tests {
    use http::request;

    use super::*;

    fn site(more: &str) -> std::sync::Arc<Site> {
        let text = format!("hosts = ['a']\norigin = 'oss://b@e:81'\n{more}");
        let sites = crate::Sites::new(&[toml::from_str(&text).unwrap()]).unwrap();
        std::sync::Arc::clone(&sites.of_host("a").unwrap()[0])
    }

    fn head(target: &str, fields: &[(&str, &str)]) -> request::Parts {
        let mut builder = Request::builder().uri(target);
        for (name, value) in fields {
            builder = builder.header(*name, *value);
        }
        builder.body(()).unwrap().into_parts().0
    }

    fn forwarded(more: &str, target: &str, fields: &[(&str, &str)], shared: bool) -> Request<()> {
        let peer: std::net::SocketAddr = "[::ffff:10.0.0.9]:5".parse().unwrap();
        to_origin(&site(more), &asked(target, fields, peer), shared).unwrap()
    }

    fn asked(target: &str, fields: &[(&str, &str)], peer: std::net::SocketAddr) -> crate::Request {
        crate::Request {
            head: head(target, fields),
            peer,
            local: peer,
            client: peer.ip(),
            secure: false,
            server_name: None,
            body: osier_http::IncomingBody::EMPTY,
        }
    }

    #[test]
    fn the_target_stays_as_it_is_and_the_host_is_the_origins_own() {
        let target = "/a//b%2Fc/../%E4%BD%A0?x-oss-process=image/resize,w_1&Signature=a%2Bb%3D";
        let request = forwarded("", target, &[("host", "a")], false);
        assert_eq!(request.uri().to_string(), target);
        assert!(!request.headers().contains_key(HOST));
    }

    #[test]
    fn one_connections_headers_stay_on_it() {
        let fields = [
            ("connection", "close, X-Drop, Authorization, x-oss-date"),
            ("x-drop", "1"),
            ("authorization", "OSS k:s"),
            ("x-oss-date", "d"),
            ("te", "trailers"),
            ("keep-alive", "1"),
            ("expect", "100-continue"),
        ];
        let request = forwarded("", "/", &fields, false);
        let headers = request.headers();
        for gone in ["connection", "x-drop", "te", "keep-alive", "expect"] {
            assert!(!headers.contains_key(gone), "{gone}");
        }
        assert!(headers.contains_key("authorization") && headers.contains_key("x-oss-date"));
    }

    #[test]
    fn the_client_is_told_and_cannot_tell_for_itself_alone() {
        let fields = [("x-forwarded-for", "1.1.1.1"), ("x-real-ip", "2.2.2.2")];
        let request = forwarded("", "/", &fields, false);
        assert_eq!(request.headers()["x-forwarded-for"], "1.1.1.1, 10.0.0.9");
        assert_eq!(request.headers()["x-real-ip"], "10.0.0.9");
        assert_eq!(request.headers()["x-forwarded-proto"], "http");
    }

    #[test]
    fn what_may_be_kept_is_asked_for_whole_and_by_nothing_else() {
        let fields = [
            ("range", "bytes=0-1"),
            ("if-none-match", "\"a\""),
            ("x-original-url", "/x"),
        ];
        let shared = forwarded("", "/", &fields, true);
        let own = forwarded("", "/", &fields, false);
        for name in ["range", "if-none-match", "x-original-url"] {
            assert!(!shared.headers().contains_key(name), "{name}");
            assert!(own.headers().contains_key(name), "{name}");
        }
    }

    #[test]
    fn circles_end() {
        let fields = vec![("cdn-loop", "osier"); HOPS_MAX];
        let peer = "10.0.0.9:5".parse().unwrap();
        let looped = to_origin(&site(""), &asked("/", &fields, peer), false);
        assert!(matches!(looped, Err(Trouble::Loop)));
    }

    #[test]
    fn a_sites_own_headers_win() {
        let more = "request_headers = { User-Agent = 'secret' }\nstrip_prefix = '/m'";
        let request = forwarded(more, "/m/x", &[("user-agent", "curl")], false);
        assert_eq!(request.headers()["user-agent"], "secret");
        assert_eq!(request.uri(), "/x");
    }
}
