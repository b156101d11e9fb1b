//! What a domain and its functions mean to the gateway: a site like those of the settings file.

use std::net::{IpAddr, SocketAddr};

use osier_cdn::{
    BucketKey, Domain, Feature, HeaderChange, Listed, OriginScheme, Source, SourceKind, TtlTarget,
    UrlKind,
};
use osier_gateway::{
    AuthMode, CacheMode, CredentialSettings, ErrorPageSettings, HttpsMode, ListSettings,
    OriginQuery, OriginSettings, QueryMode, RewriteSettings, SecretText, SiteSettings, TtlSettings,
    UrlAuthKind, UrlAuthSettings,
};

use crate::RootKey;

/// What of the server sites of domains depend on.
#[derive(Clone, Debug)]
pub(crate) struct Premises {
    /// Where the store is reached from this machine without TLS.
    pub(crate) store: Option<SocketAddr>,
    /// The key that shows private buckets of its account.
    pub(crate) key: RootKey,
    /// Whether sites offer HTTP/2.
    pub(crate) http2: bool,
    /// The ports of sites, for redirects between them.
    pub(crate) http_port: u16,
    /// With TLS.
    pub(crate) https_port: u16,
}

/// The site of a domain.
///
/// # Errors
/// What can't be served so, in words for whoever set it.
pub(crate) fn site(domain: &Domain, premises: &Premises) -> Result<SiteSettings, String> {
    let features = domain.features().map_err(|fault| fault.to_string())?;
    let mut site = SiteSettings::of_hosts(vec![domain.name.host()]);
    let scheme = features.iter().find_map(|feature| match feature {
        Feature::OriginScheme(scheme) => Some(*scheme),
        _ => None,
    });
    site.origins = origins(&domain.sources, scheme, premises);
    match buckets_here(&domain.sources).as_slice() {
        [] => {}
        [Some(bucket)] => site.bucket_here = Some((*bucket).to_owned()),
        // Whose answer is kept can't be told later, so none is.
        _ => site.cache = CacheMode::Off,
    }
    for feature in features {
        apply(&mut site, feature, domain, premises)?;
    }
    Ok(site)
}

/// The buckets of this server among the sources, each once; nothing for sources elsewhere beside
/// them.
fn buckets_here(sources: &[Source]) -> Vec<Option<&str>> {
    if !sources.iter().any(|source| source.own) {
        return Vec::new();
    }
    let buckets = sources.iter();
    let mut buckets: Vec<Option<&str>> = buckets
        .map(|source| source.bucket().filter(|_| source.own))
        .collect();
    buckets.sort_unstable();
    buckets.dedup();
    buckets
}

fn origins(
    sources: &[Source],
    scheme: Option<OriginScheme>,
    premises: &Premises,
) -> Vec<OriginSettings> {
    let origins = sources.iter().map(|source| OriginSettings {
        url: origin(source, scheme, premises),
        weight: source.weight.into(),
        priority: source.priority.into(),
    });
    origins.collect()
}

/// An origin as the settings file writes it.
fn origin(source: &Source, scheme: Option<OriginScheme>, premises: &Premises) -> String {
    if let (true, Some(bucket)) = (source.own, source.bucket()) {
        // By its socket: what comes from there is kept like any other answer, and is refreshed and
        // prefetched by whoever asks for it. The region is any; the store takes all.
        return match premises.store {
            Some(store) if store.ip().is_loopback() => {
                format!(
                    "oss://{bucket}@localhost:{}?region=cn-hangzhou",
                    store.port()
                )
            }
            _ => format!("self://{bucket}"),
        };
    }
    let (tls, port) = match scheme {
        None => (source.port == 443, source.port),
        Some(OriginScheme::Http(port)) => (false, port.unwrap_or(80)),
        Some(OriginScheme::Https(port)) => (true, port.unwrap_or(443)),
    };
    let is_usual = port == if tls { 443 } else { 80 };
    let port = if is_usual {
        String::new()
    } else {
        format!(":{port}")
    };
    if let (SourceKind::Oss, Some((bucket, endpoint))) =
        (source.kind, source.content.split_once('.'))
    {
        let scheme = if tls { "oss+https" } else { "oss" };
        return format!("{scheme}://{bucket}@{endpoint}{port}");
    }
    let scheme = if tls { "https" } else { "http" };
    let host = match source.content.parse::<IpAddr>() {
        Ok(IpAddr::V6(address)) => format!("[{address}]"),
        _ => source.content.clone(),
    };
    format!("{scheme}://{host}{port}")
}

fn apply(
    site: &mut SiteSettings,
    feature: Feature,
    domain: &Domain,
    premises: &Premises,
) -> Result<(), String> {
    match feature {
        // What was looked at already, or says what is so anyway.
        Feature::Nothing | Feature::OriginScheme(_) | Feature::Ranges(true) => {}
        Feature::OriginHost(host) => site.origin_host = Some(host),
        Feature::OriginVerify(verify) => site.origin_verify = verify,
        Feature::OriginTimeout(seconds) => site.read_timeout_s = seconds,
        Feature::PrivateBucket(key) => {
            site.auth = AuthMode::Resign;
            if let Some(key) = key {
                site.credentials = credentials(key);
            } else if site.credentials == CredentialSettings::default() {
                site.credentials = own_key(domain, premises)?;
            }
        }
        Feature::KeyOfBucket(host, key) => {
            if domain.sources.iter().any(|source| source.content == host) {
                site.auth = AuthMode::Resign;
                site.credentials = credentials(key);
            }
        }
        Feature::Ttl(rule) => {
            let mut ttl = TtlSettings {
                extensions: Vec::new(),
                directory: None,
                path: None,
                seconds: rule.seconds,
                weight: rule.weight,
                origin_first: rule.origin_first,
                over_no_cache: rule.over_no_cache,
            };
            match rule.target {
                TtlTarget::Extensions(extensions) => ttl.extensions = extensions,
                TtlTarget::Directory(directory) => ttl.directory = Some(directory),
            }
            site.ttl.push(ttl);
        }
        Feature::StaleIfError(seconds) => site.stale_if_error_s = seconds,
        Feature::RequestHeader(change) => match change {
            HeaderChange::Set(name, value) => drop(site.request_headers.insert(name, value)),
            HeaderChange::Add(name, value) => {
                site.request_headers_add
                    .entry(name)
                    .or_default()
                    .push(value);
            }
            HeaderChange::Remove(name) => site.request_headers_remove.push(name),
        },
        Feature::ResponseHeader(change) => match change {
            HeaderChange::Set(name, value) => drop(site.response_headers.insert(name, value)),
            HeaderChange::Add(name, value) => {
                site.response_headers_add
                    .entry(name)
                    .or_default()
                    .push(value);
            }
            HeaderChange::Remove(name) => site.response_headers_remove.push(name),
        },
        Feature::ErrorPage(status, page) => {
            let page = if page.starts_with('/') {
                ErrorPageSettings::Page(page)
            } else {
                ErrorPageSettings::Elsewhere { redirect: page }
            };
            site.error_pages.insert(status.to_string(), page);
        }
        Feature::ForceHttps(keeps_method) => {
            site.https = HttpsMode::Redirect;
            site.https_status = status_of(keeps_method);
            site.https_port = premises.https_port;
        }
        Feature::ForceHttp(keeps_method) => {
            site.https = HttpsMode::Never;
            site.https_status = status_of(keeps_method);
            site.http_port = premises.http_port;
        }
        Feature::OriginSni(name) => site.origin_sni = Some(name),
        Feature::Gzip => site.gzip = true,
        Feature::Rewrite {
            pattern,
            target,
            redirect,
            with_query,
            last,
        } => site.rewrite.push(RewriteSettings {
            pattern,
            to: target,
            redirect,
            query: with_query,
            last,
        }),
        Feature::OriginRewrite {
            pattern,
            target,
            with_query,
            last,
        } => site.origin_rewrite.push(RewriteSettings {
            pattern,
            to: target,
            redirect: None,
            query: with_query,
            last,
        }),
        Feature::Http2(is_on) if is_on == premises.http2 => {}
        Feature::Hsts(seconds, below) => {
            site.hsts_s = seconds;
            site.hsts_subdomains = below;
        }
        Feature::Referers(list) => {
            site.referer = listed(list.listed, list.hosts, list.allow_empty);
        }
        Feature::Addresses(list) => site.ip = listed(list.listed, list.networks, true),
        Feature::Agents(of, agents) => site.user_agent = listed(of, agents, true),
        Feature::UrlAuth(keys) => {
            site.url_auth = Some(UrlAuthSettings {
                kind: match keys.kind {
                    UrlKind::A => UrlAuthKind::A,
                    UrlKind::B => UrlAuthKind::B,
                    UrlKind::C => UrlAuthKind::C,
                },
                keys: keys.keys.iter().map(|key| key.as_str().into()).collect(),
                ttl_s: keys.ttl_s,
            });
        }
        Feature::QueryOnly(names, all_to_origin) => {
            if names.is_empty() {
                site.query = QueryMode::None;
            }
            site.query_only = names;
            site.origin_query = origin_query(all_to_origin);
        }
        Feature::QueryWithout(names, all_to_origin) => {
            site.query_without = names;
            site.origin_query = origin_query(all_to_origin);
        }
        Feature::Http2(_) => {
            return Err("HTTP/2 is switched for all sites by `http2` of `[gateway]`".to_owned());
        }
        Feature::Ranges(false) => {
            return Err(
                "origins are asked for the parts of large objects that are missing".to_owned(),
            );
        }
        Feature::StatusTtl(..) => return Err("lifetimes by status are not there".to_owned()),
    }
    Ok(())
}

const fn status_of(keeps_method: bool) -> u16 {
    if keeps_method { 308 } else { 301 }
}

const fn origin_query(all: bool) -> OriginQuery {
    if all {
        OriginQuery::All
    } else {
        OriginQuery::Counted
    }
}

fn credentials(key: BucketKey) -> CredentialSettings {
    CredentialSettings {
        access_key_id: Some(key.id),
        access_key_secret: Some(SecretText::from(key.secret.as_str())),
        ..CredentialSettings::default()
    }
}

/// Buckets of this server are read with its root key, those elsewhere with the key of the
/// environment.
fn own_key(domain: &Domain, premises: &Premises) -> Result<CredentialSettings, String> {
    let mut sources = domain.sources.iter();
    if !sources.any(|source| source.own) {
        return Ok(CredentialSettings::default());
    }
    if domain.owner != premises.key.account_id {
        return Err(
            "private buckets of this account are shown with a key: `perm_private_oss_tbl`"
                .to_owned(),
        );
    }
    Ok(credentials(BucketKey {
        id: premises.key.access_key_id.clone(),
        secret: premises.key.access_key_secret.clone(),
    }))
}

fn listed(of: Listed, entries: Vec<String>, allow_empty: bool) -> ListSettings {
    let mut list = ListSettings {
        allow_empty,
        ..ListSettings::default()
    };
    match of {
        Listed::Allowed => list.allow = entries,
        Listed::Denied => list.deny = entries,
    }
    list
}
