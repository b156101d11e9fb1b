//! One reader for each function: from arguments to what they say.

use crate::CdnFault;

use super::Arguments;
use super::feature::{
    AddressList, BucketKey, Feature, HeaderChange, Listed, OriginScheme, RefererList, TtlRule,
    TtlTarget, UrlKeys, UrlKind,
};

type Read = Result<Feature, CdnFault>;

pub(super) fn origin_host(arguments: &Arguments<'_>) -> Read {
    host(arguments, "domain_name").map(Feature::OriginHost)
}

/// For all origins only: one for each is not there.
pub(super) fn host_of_origin(arguments: &Arguments<'_>) -> Read {
    if arguments.text("origin")? != "all" {
        return Err(arguments.wrong("`origin` is `all`"));
    }
    match arguments.text("host")? {
        // What is so anyway.
        "ali_follow_origin" => Ok(Feature::Nothing),
        _ => host(arguments, "host").map(Feature::OriginHost),
    }
}

fn host(arguments: &Arguments<'_>, name: &str) -> Result<String, CdnFault> {
    let text = arguments.text(name)?;
    let is_host = text.len() <= 260
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b".-_:".contains(&byte));
    is_host
        .then(|| text.to_owned())
        .ok_or_else(|| arguments.wrong(format!("`{name}` is a host name")))
}

pub(super) fn forward_scheme(arguments: &Arguments<'_>) -> Read {
    if !arguments.switch_said("enable")? {
        return Ok(Feature::Nothing);
    }
    let range = (1, u64::from(u16::MAX));
    let port = |arguments: &Arguments<'_>| -> Result<Option<u16>, CdnFault> {
        let port = arguments.number("scheme_origin_port", range)?;
        Ok(port.and_then(|port| port.try_into().ok()))
    };
    match arguments.get("scheme_origin").unwrap_or("follow") {
        "http" => Ok(Feature::OriginScheme(OriginScheme::Http(port(arguments)?))),
        "https" => Ok(Feature::OriginScheme(OriginScheme::Https(port(arguments)?))),
        "follow" => Err(arguments.wrong("`scheme_origin` is `http` or `https` here")),
        _ => Err(arguments.wrong("`scheme_origin` is `http` or `https`")),
    }
}

pub(super) fn origin_sni(arguments: &Arguments<'_>) -> Read {
    if !arguments.switch_said("enabled")? {
        return Ok(Feature::Nothing);
    }
    host(arguments, "https_origin_sni").map(Feature::OriginSni)
}

pub(super) fn origin_verify(arguments: &Arguments<'_>) -> Read {
    arguments.absent(&["common_name_whitelist"])?;
    // The documentation's own example calls it `enable`.
    let name = if arguments.get("enabled").is_some() {
        "enabled"
    } else {
        "enable"
    };
    arguments.switch_said(name).map(Feature::OriginVerify)
}

pub(super) fn forward_timeout(arguments: &Arguments<'_>) -> Read {
    let seconds = arguments.number_said("forward_timeout", (1, 900))?;
    Ok(Feature::OriginTimeout(seconds))
}

pub(super) fn private_bucket(arguments: &Arguments<'_>) -> Read {
    let key = arguments
        .get("perm_private_oss_tbl")
        .map(|text| bucket_key(arguments, text))
        .transpose()?;
    if !arguments.switch_said("private_oss_auth")? {
        return Ok(Feature::Nothing);
    }
    Ok(Feature::PrivateBucket(key))
}

pub(super) fn key_of_bucket(arguments: &Arguments<'_>) -> Read {
    let host = host(arguments, "host")?.to_ascii_lowercase();
    let key = bucket_key(arguments, arguments.text("key")?)?;
    Ok(Feature::KeyOfBucket(host, key))
}

/// `access_id=... access_secret=...`.
fn bucket_key(arguments: &Arguments<'_>, text: &str) -> Result<BucketKey, CdnFault> {
    let part = |name: &str| {
        text.split_ascii_whitespace()
            .find_map(|part| part.strip_prefix(name)?.strip_prefix('='))
            .filter(|part| !part.is_empty())
    };
    match (part("access_id"), part("access_secret")) {
        (Some(id), Some(secret)) => Ok(BucketKey {
            id: id.to_owned(),
            secret: secret.to_owned(),
        }),
        _ => Err(arguments.wrong("a key is written `access_id=... access_secret=...`")),
    }
}

/// Set by the service itself for buckets; it says nothing that the origin does not say.
pub(super) fn bucket_named(arguments: &Arguments<'_>) -> Read {
    arguments.text("oss_bucket_id")?;
    Ok(Feature::Nothing)
}

/// The value `null` takes a header out.
pub(super) fn request_header_v1(arguments: &Arguments<'_>) -> Read {
    let name = header_name(arguments, "key")?;
    let change = match arguments.text("value")? {
        "null" => HeaderChange::Remove(name),
        _ => HeaderChange::Set(name, header_value(arguments, "value")?),
    };
    Ok(Feature::RequestHeader(change))
}

pub(super) fn request_header(arguments: &Arguments<'_>) -> Read {
    let operation = arguments.text("header_operation_type")?;
    header(arguments, operation, "header_name", "header_value").map(Feature::RequestHeader)
}

pub(super) fn response_header(arguments: &Arguments<'_>) -> Read {
    arguments.only_off(&["access_origin_control"])?;
    let operation = match (
        arguments.get("header_operation_type"),
        arguments.get("value"),
    ) {
        (Some(operation), _) => operation,
        (None, Some("null")) => "delete",
        (None, _) => "modify",
    };
    header(arguments, operation, "key", "value").map(Feature::ResponseHeader)
}

fn header(
    arguments: &Arguments<'_>,
    operation: &str,
    name: &str,
    value: &str,
) -> Result<HeaderChange, CdnFault> {
    let field = header_name(arguments, name)?;
    match operation {
        "add" if arguments.switch("duplicate")? => {
            Ok(HeaderChange::Add(field, header_value(arguments, value)?))
        }
        "add" | "modify" => Ok(HeaderChange::Set(field, header_value(arguments, value)?)),
        "delete" => Ok(HeaderChange::Remove(field)),
        "rewrite" => Err(arguments.wrong("headers can't be rewritten by a pattern here")),
        _ => Err(arguments.wrong("the operation is `add`, `delete` or `modify`")),
    }
}

fn header_name(arguments: &Arguments<'_>, name: &str) -> Result<String, CdnFault> {
    let text = arguments.text(name)?;
    // RFC 9110, section 5.6.2.
    let is_token = text
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte));
    // What frames messages is not for anybody to change.
    let frames = [
        "connection",
        "content-length",
        "transfer-encoding",
        "host",
        "upgrade",
        "trailer",
        "te",
        "keep-alive",
        "proxy-connection",
    ];
    if !is_token || text.len() > 256 || frames.contains(&text.to_ascii_lowercase().as_str()) {
        return Err(arguments.wrong(format!("`{text}` is no header that can be changed")));
    }
    Ok(text.to_owned())
}

fn header_value(arguments: &Arguments<'_>, name: &str) -> Result<String, CdnFault> {
    let text = arguments.text(name)?;
    if text.len() > 4096 || text.bytes().any(|byte| byte < b' ' || byte == 0x7F) {
        return Err(arguments.wrong(format!("`{name}` can't be sent as a header")));
    }
    Ok(text.to_owned())
}

pub(super) fn ttl_of_files(arguments: &Arguments<'_>) -> Read {
    let extensions = arguments.list_said("file_type")?;
    ttl(arguments, TtlTarget::Extensions(extensions))
}

pub(super) fn ttl_of_path(arguments: &Arguments<'_>) -> Read {
    let path = arguments.text("path")?;
    if !path.starts_with('/') {
        return Err(arguments.wrong("`path` begins with `/`"));
    }
    ttl(arguments, TtlTarget::Directory(path.to_owned()))
}

fn ttl(arguments: &Arguments<'_>, target: TtlTarget) -> Read {
    arguments.only_off(&["swift_follow_cachetime", "force_revalidate"])?;
    let weight = arguments.number("weight", (1, 99))?.unwrap_or(1);
    Ok(Feature::Ttl(TtlRule {
        target,
        seconds: arguments.number_said("ttl", (0, TTL_MAX))?,
        weight: u8::try_from(weight).unwrap_or(1),
        origin_first: arguments.switch("swift_origin_cache_high")?,
        over_no_cache: arguments.switch("swift_no_cache_low")?,
    }))
}

/// "3 years and a little more" (documentation of the function).
const TTL_MAX: u64 = 99_999_999;

pub(super) fn stale(arguments: &Arguments<'_>) -> Read {
    arguments.absent(&["origin_error_status_code"])?;
    arguments.switched("origin_first")?;
    let seconds = arguments.number("extend_expiration_time", (1, TTL_MAX))?;
    Ok(Feature::StaleIfError(seconds.unwrap_or(3600)))
}

pub(super) fn https_force(arguments: &Arguments<'_>) -> Read {
    let is_308 = redirect(arguments, "https_rewrite")?;
    Ok(if arguments.switch_said("enable")? {
        Feature::ForceHttps(is_308)
    } else {
        Feature::Nothing
    })
}

pub(super) fn http_force(arguments: &Arguments<'_>) -> Read {
    let is_308 = redirect(arguments, "http_rewrite")?;
    Ok(if arguments.switch_said("enable")? {
        Feature::ForceHttp(is_308)
    } else {
        Feature::Nothing
    })
}

fn redirect(arguments: &Arguments<'_>, name: &str) -> Result<bool, CdnFault> {
    match arguments.get(name) {
        None | Some("301") => Ok(false),
        Some("308") => Ok(true),
        Some(_) => Err(arguments.wrong(format!("`{name}` is 301 or 308"))),
    }
}

pub(super) fn hsts(arguments: &Arguments<'_>) -> Read {
    if !arguments.switch_said("enabled")? {
        return Ok(Feature::Nothing);
    }
    let seconds = arguments.number_said("https_hsts_max_age", (0, 10 * 365 * 24 * 3600))?;
    let below = arguments.switch("https_hsts_include_subdomains")?;
    Ok(Feature::Hsts(seconds, below))
}

pub(super) fn referers_allowed(arguments: &Arguments<'_>) -> Read {
    referers(arguments, Listed::Allowed, "refer_domain_allow_list")
}

pub(super) fn referers_denied(arguments: &Arguments<'_>) -> Read {
    referers(arguments, Listed::Denied, "refer_domain_deny_list")
}

fn referers(arguments: &Arguments<'_>, listed: Listed, name: &str) -> Read {
    arguments.absent(&["redirect_url"])?;
    arguments.only_off(&["ignore_scheme"])?;
    let is_exact = arguments.switch("disable_ast")?;
    let mut hosts = Vec::new();
    for entry in arguments.list_said(name)? {
        let entry = entry.to_ascii_lowercase();
        let host = entry
            .strip_prefix("https://")
            .or_else(|| entry.strip_prefix("http://"))
            .unwrap_or(&entry)
            .trim_end_matches('/');
        // `example.com` stands for what is below it too, unless the match is exact.
        if !is_exact && !host.starts_with("*.") {
            hosts.push(format!("*.{host}"));
        }
        hosts.push(host.to_owned());
    }
    Ok(Feature::Referers(RefererList {
        listed,
        hosts,
        // Who keeps some pages out does not mean those who name none.
        allow_empty: arguments
            .switched("allow_empty")?
            .unwrap_or(listed == Listed::Denied),
    }))
}

pub(super) fn addresses_allowed(arguments: &Arguments<'_>) -> Read {
    addresses(arguments, Listed::Allowed)
}

pub(super) fn addresses_denied(arguments: &Arguments<'_>) -> Read {
    addresses(arguments, Listed::Denied)
}

/// Clients behind proxies are told by the server's own list of proxies that it trusts: what anybody
/// writes into `X-Forwarded-For` lets nobody in.
fn addresses(arguments: &Arguments<'_>, listed: Listed) -> Read {
    match arguments.get("customize_response_status_code") {
        None | Some("403") => {}
        Some(_) => return Err(arguments.wrong("the status is 403 here")),
    }
    match arguments.get("ip_acl_xfwd") {
        None | Some("on" | "off" | "all") => {}
        Some(_) => return Err(arguments.wrong("`ip_acl_xfwd` is `on`, `off` or `all`")),
    }
    Ok(Feature::Addresses(AddressList {
        listed,
        networks: arguments.list_said("ip_list")?,
    }))
}

pub(super) fn agents(arguments: &Arguments<'_>) -> Read {
    let listed = match arguments.text("type")? {
        "black" => Listed::Denied,
        "white" => Listed::Allowed,
        _ => return Err(arguments.wrong("`type` is `black` or `white`")),
    };
    let agents = arguments.text("ua")?.split('|').map(str::trim);
    let agents: Vec<String> = agents
        .filter(|agent| !agent.is_empty())
        .map(ToOwned::to_owned)
        .collect();
    if agents.is_empty() {
        return Err(arguments.wrong("`ua` is empty"));
    }
    Ok(Feature::Agents(listed, agents))
}

pub(super) fn url_auth(arguments: &Arguments<'_>) -> Read {
    arguments.absent(&[
        "req_auth_ip_white",
        "sign_param",
        "time_param",
        "time_format",
        "path_encoding",
    ])?;
    let kind = match arguments.text("auth_type")? {
        "no_auth" => return Ok(Feature::Nothing),
        "type_a" => UrlKind::A,
        "type_b" => UrlKind::B,
        "type_c" => UrlKind::C,
        _ => {
            return Err(arguments.wrong("`auth_type` is `no_auth`, `type_a`, `type_b` or `type_c`"));
        }
    };
    arguments.text("auth_key1")?;
    let mut keys = Vec::new();
    for name in ["auth_key1", "auth_key2"] {
        let Some(key) = arguments.get(name) else {
            continue;
        };
        let fits =
            (6..=128).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_alphanumeric());
        if !fits {
            return Err(arguments.wrong(format!("`{name}` has 6 to 128 letters and digits")));
        }
        keys.push(key.to_owned());
    }
    let ttl_s = arguments.number("ali_auth_delta", (1, u64::from(u32::MAX)))?;
    Ok(Feature::UrlAuth(UrlKeys {
        kind,
        keys,
        ttl_s: ttl_s.and_then(|ttl| ttl.try_into().ok()).unwrap_or(1800),
    }))
}

pub(super) fn query_only(arguments: &Arguments<'_>) -> Read {
    let kept = arguments.list("hashkey_args");
    let ignores_all = arguments.switch("disable")?;
    let all_to_origin = arguments.switch("keep_oss_args")?;
    if kept.is_empty() && !ignores_all {
        return Ok(Feature::Nothing);
    }
    // A list comes before "all are ignored".
    Ok(Feature::QueryOnly(kept, all_to_origin))
}

pub(super) fn query_without(arguments: &Arguments<'_>) -> Read {
    let removed = arguments.text("ali_remove_args")?;
    let removed = removed
        .split([' ', ','])
        .filter(|name| !name.is_empty())
        .map(ToOwned::to_owned)
        .collect();
    let all_to_origin = arguments.switch("keep_oss_args")?;
    Ok(Feature::QueryWithout(removed, all_to_origin))
}

pub(super) fn error_page(arguments: &Arguments<'_>) -> Read {
    let status = arguments.number_said("error_code", (400, 599))?;
    let page = arguments.text("rewrite_page")?;
    let is_page =
        page.starts_with('/') || page.starts_with("http://") || page.starts_with("https://");
    if !is_page || page.bytes().any(|byte| !byte.is_ascii_graphic()) {
        return Err(arguments.wrong("`rewrite_page` is an address or a path"));
    }
    let status = u16::try_from(status).unwrap_or(404);
    Ok(Feature::ErrorPage(status, page.to_owned()))
}

pub(super) fn https_option(arguments: &Arguments<'_>) -> Read {
    arguments.only_off(&["ocsp_stapling"])?;
    Ok(match arguments.switched("http2")? {
        Some(is_on) => Feature::Http2(is_on),
        None => Feature::Nothing,
    })
}

/// Versions are the server's: 1.2 and 1.3, whatever a domain says.
pub(super) fn tls_version(arguments: &Arguments<'_>) -> Read {
    arguments.absent(&["ciphersuite"])?;
    let is_strict = matches!(
        arguments.get("ciphersuitegroup"),
        None | Some("all" | "strict")
    );
    let old = ["tls10", "tls11"].map(|name| arguments.switched(name));
    let new = ["tls12", "tls13"].map(|name| arguments.switched(name));
    let old_off = old.into_iter().all(|said| said == Ok(Some(false)));
    let new_on = new
        .into_iter()
        .all(|said| matches!(said, Ok(None | Some(true))));
    if !is_strict || !old_off || !new_on {
        return Err(arguments.wrong("TLS is 1.2 and 1.3 here, with strong suites"));
    }
    Ok(Feature::Nothing)
}

pub(super) fn ranges(arguments: &Arguments<'_>) -> Read {
    match arguments.text("enable")? {
        "on" | "force" => Ok(Feature::Ranges(true)),
        "off" => Ok(Feature::Ranges(false)),
        _ => Err(arguments.wrong("`enable` is `on`, `off` or `force`")),
    }
}

pub(super) fn gzip(arguments: &Arguments<'_>) -> Read {
    Ok(if arguments.switch_said("enable")? {
        Feature::Gzip
    } else {
        Feature::Nothing
    })
}

pub(super) fn rewrite(arguments: &Arguments<'_>) -> Read {
    let pattern = arguments.text("regex")?;
    let target = arguments.text("replacement")?;
    let status = match arguments.get("rewrite_method") {
        None | Some("302") => 302,
        Some("303") => 303,
        Some("307") => 307,
        Some(_) => return Err(arguments.wrong("`rewrite_method` is 302, 303 or 307")),
    };
    let (redirect, with_query, last) = match arguments.get("flag") {
        None => (None, false, false),
        Some("break") => (None, false, true),
        Some("enhance_break") => (None, true, true),
        Some("redirect") => (Some(status), false, true),
        Some("enhance_redirect") => (Some(status), true, true),
        Some(_) => return Err(arguments.wrong("there is no such `flag`")),
    };
    if redirect.is_none() && !target.starts_with(['/', '$']) {
        return Err(arguments.wrong("`replacement` begins with `/` unless it redirects"));
    }
    Ok(Feature::Rewrite {
        pattern: pattern.to_owned(),
        target: target.to_owned(),
        redirect,
        with_query,
        last,
    })
}

pub(super) fn origin_rewrite(arguments: &Arguments<'_>) -> Read {
    let pattern = arguments.text("source_url")?;
    let target = arguments.text("target_url")?;
    let (with_query, last) = match arguments.get("flag") {
        None => (false, false),
        Some("break") => (false, true),
        Some("enhance_break") => (true, true),
        Some(_) => return Err(arguments.wrong("`flag` is `break` or `enhance_break`")),
    };
    if !target.starts_with(['/', '$']) {
        return Err(arguments.wrong("`target_url` begins with `/`"));
    }
    Ok(Feature::OriginRewrite {
        pattern: pattern.to_owned(),
        target: target.to_owned(),
        with_query,
        last,
    })
}

/// What is not there can be switched off, as consoles do.
pub(super) fn only_off(arguments: &Arguments<'_>) -> Read {
    if arguments.switch_said("enable")? {
        return Err(CdnFault::NoFunction(arguments.function.to_owned()));
    }
    Ok(Feature::Nothing)
}

pub(super) fn ipv6(arguments: &Arguments<'_>) -> Read {
    if arguments.switch_said("switch")? {
        return Err(arguments.wrong("the server's `listen` says by which addresses it is reached"));
    }
    Ok(Feature::Nothing)
}
