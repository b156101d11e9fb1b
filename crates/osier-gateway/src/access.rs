//! Who may have something of a site, before anything kept is looked at: lists of visitors, URLs
//! that prove a key, pages of other origins (CORS), and plain HTTP.

use http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_HEADERS,
    ACCESS_CONTROL_REQUEST_METHOD, HOST, HeaderMap, HeaderName, HeaderValue, LOCATION, ORIGIN,
    REFERER, STRICT_TRANSPORT_SECURITY, USER_AGENT, VARY,
};
use http::uri::PathAndQuery;
use http::{Method, StatusCode, Uri, request};
use osier_auth::policy::Network;
use osier_auth::{AgentPattern, HostPattern, List, UrlAuth, UrlAuthType, Visitors};
use osier_http::{Outgoing, OutgoingBody};
use osier_types::{CorsConfig, CorsRule, Preflight, Timestamp};

use crate::gateway::Request;
use crate::gzip;
use crate::settings::{CorsSettings, HttpsMode, ListSettings, SiteSettings, UrlAuthKind};
use crate::site::InvalidSite;
use crate::trouble::Trouble;

/// What a site asks of its visitors.
#[derive(Debug)]
pub(crate) struct Access {
    visitors: Visitors,
    url_auth: Option<UrlAuth>,
    cors: Option<CorsConfig>,
    https: HttpsMode,
    /// The port to which plain requests are sent, where it is not 443.
    https_port: u16,
    /// The same without TLS, where it is not 80.
    http_port: u16,
    /// They are sent there with 308.
    keeps_method: bool,
    hsts: Option<HeaderValue>,
}

impl Access {
    pub(crate) fn new(settings: &SiteSettings) -> Result<Self, InvalidSite> {
        let below = if settings.hsts_subdomains {
            "; includeSubDomains"
        } else {
            ""
        };
        let hsts = (settings.hsts_s > 0).then(|| format!("max-age={}{below}", settings.hsts_s));
        Ok(Self {
            visitors: Visitors {
                referers: list(&settings.referer, HostPattern::parse)?,
                addresses: list(&settings.ip, Network::parse)?,
                agents: list(&settings.user_agent, |text| Some(AgentPattern::new(text)))?,
            },
            url_auth: settings.url_auth.as_ref().map(|auth| UrlAuth {
                kind: match auth.kind {
                    UrlAuthKind::A => UrlAuthType::A,
                    UrlAuthKind::B => UrlAuthType::B,
                    UrlAuthKind::C => UrlAuthType::C,
                },
                keys: auth.keys.iter().map(|key| key.expose().into()).collect(),
                ttl_s: i64::from(auth.ttl_s),
            }),
            cors: (!settings.cors.is_empty()).then(|| cors(&settings.cors)),
            https: settings.https,
            https_port: settings.https_port,
            http_port: settings.http_port,
            keeps_method: match settings.https_status {
                301 => false,
                308 => true,
                _ => return Err(InvalidSite::HttpsStatus),
            },
            hsts: hsts.and_then(|value| HeaderValue::from_str(&value).ok()),
        })
    }

    /// Lets a request in, without what it proved that by; or answers it here.
    pub(crate) fn enter(
        &self,
        request: &mut Request,
        now: Timestamp,
    ) -> Result<Option<Outgoing>, Trouble> {
        match self.https {
            HttpsMode::Redirect if !request.secure => {
                return self.to_scheme(&request.head, "https").map(Some);
            }
            HttpsMode::Never if request.secure => {
                return self.to_scheme(&request.head, "http").map(Some);
            }
            HttpsMode::Optional | HttpsMode::Redirect | HttpsMode::Never => {}
        }
        let said = |name| {
            let value: Option<&HeaderValue> = request.head.headers.get(name);
            value.map(|value| String::from_utf8_lossy(value.as_bytes()))
        };
        let (referer, agent) = (said(REFERER), said(USER_AGENT));
        self.visitors
            .check(request.client, referer.as_deref(), agent.as_deref())
            .map_err(Trouble::Visitor)?;
        // A browser asks before it sends anything, and knows no key then.
        if let Some(cors) = &self.cors
            && let Some(answer) = preflight(cors, &request.head)
        {
            return Ok(Some(answer));
        }
        if let Some(auth) = &self.url_auth {
            let uri = &request.head.uri;
            let proven = auth
                .check(uri.path(), uri.query(), now)
                .map_err(Trouble::Url)?;
            let target = match proven.query {
                Some(query) => format!("{}?{query}", proven.path),
                None => proven.path,
            };
            let target: PathAndQuery = target.parse().map_err(|_| Trouble::BadRequest)?;
            request.head.uri = Uri::from(target);
        }
        Ok(None)
    }

    /// What an answer says to browsers because of how the site was reached.
    pub(crate) fn leave(&self, asked: &Asked, headers: &mut HeaderMap) {
        if let Some(hsts) = self.hsts.as_ref().filter(|_| asked.secure) {
            headers.insert(STRICT_TRANSPORT_SECURITY, hsts.clone());
        }
        let Some(cors) = &self.cors else {
            return;
        };
        // The site's rules stand in the place of the origin's.
        for name in [
            ACCESS_CONTROL_ALLOW_ORIGIN,
            ACCESS_CONTROL_ALLOW_METHODS,
            ACCESS_CONTROL_ALLOW_HEADERS,
            ACCESS_CONTROL_EXPOSE_HEADERS,
            ACCESS_CONTROL_MAX_AGE,
        ] {
            headers.remove(name);
        }
        headers.append(VARY, HeaderValue::from_static("Origin"));
        if let Some(origin) = &asked.origin
            && let Some(grant) = cors.grant(origin, asked.method.as_str(), &[])
        {
            apply(&grant, headers);
        }
    }

    /// The same address by HTTPS or without it.
    fn to_scheme(&self, head: &request::Parts, scheme: &str) -> Result<Outgoing, Trouble> {
        let host = head.headers.get(HOST).and_then(|host| host.to_str().ok());
        let host = host.ok_or(Trouble::BadRequest)?;
        let name = match host.rsplit_once(':') {
            Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
            _ => host,
        };
        let port = match (scheme, self.https_port, self.http_port) {
            ("https", 443, _) | ("http", _, 80) => String::new(),
            ("https", port, _) | (_, _, port) => format!(":{port}"),
        };
        let target = head.uri.path_and_query().map_or("/", PathAndQuery::as_str);
        let reads = matches!(head.method, Method::GET | Method::HEAD);
        let status = if reads && !self.keeps_method {
            StatusCode::MOVED_PERMANENTLY
        } else {
            // Keeps method and body.
            StatusCode::PERMANENT_REDIRECT
        };
        redirect(status, &format!("{scheme}://{name}{port}{target}"))
    }
}

/// What of a request its answer depends on once it was sent on.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    method: Method,
    origin: Option<String>,
    secure: bool,
    /// Whether the client takes compressed bodies.
    pub(crate) takes_gzip: bool,
}

impl Asked {
    /// `compresses` says that the site would compress its answer.
    pub(crate) fn of(request: &Request, compresses: bool) -> Self {
        let origin = request.head.headers.get(ORIGIN);
        Self {
            method: request.head.method.clone(),
            origin: origin.and_then(|origin| origin.to_str().ok().map(ToOwned::to_owned)),
            secure: request.secure,
            takes_gzip: compresses && gzip::is_taken(&request.head.headers),
        }
    }
}

/// An answer that leads elsewhere.
pub(crate) fn redirect(status: StatusCode, to: &str) -> Result<Outgoing, Trouble> {
    let mut answer = Outgoing::text(status, "elsewhere");
    let to = HeaderValue::from_str(to).map_err(|_| Trouble::BadRequest)?;
    answer.parts.headers.insert(LOCATION, to);
    Ok(answer)
}

/// The answer to a browser that asks whether it may.
fn preflight(cors: &CorsConfig, head: &request::Parts) -> Option<Outgoing> {
    let text = |name: HeaderName| head.headers.get(name)?.to_str().ok();
    if head.method != Method::OPTIONS {
        return None;
    }
    let (origin, method) = (text(ORIGIN)?, text(ACCESS_CONTROL_REQUEST_METHOD)?);
    let asked = text(ACCESS_CONTROL_REQUEST_HEADERS).unwrap_or_default();
    let asked = asked.split(',').map(str::trim);
    let asked: Vec<&str> = asked.filter(|name| !name.is_empty()).collect();
    let (mut parts, ()) = http::Response::new(()).into_parts();
    match cors.grant(origin, method, &asked) {
        Some(grant) => {
            parts.status = StatusCode::NO_CONTENT;
            apply(&grant, &mut parts.headers);
            let lists = [
                (ACCESS_CONTROL_ALLOW_METHODS, grant.allow_methods.join(", ")),
                (ACCESS_CONTROL_ALLOW_HEADERS, grant.allow_headers.join(", ")),
            ];
            for (name, list) in lists {
                if let Some(list) = HeaderValue::from_str(&list)
                    .ok()
                    .filter(|list| !list.is_empty())
                {
                    parts.headers.insert(name, list);
                }
            }
            if let Some(seconds) = grant.max_age_seconds {
                parts
                    .headers
                    .insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from(seconds));
            }
        }
        None => parts.status = StatusCode::FORBIDDEN,
    }
    parts
        .headers
        .append(VARY, HeaderValue::from_static("Origin"));
    Some(Outgoing {
        parts,
        body: OutgoingBody::Empty,
    })
}

fn apply(grant: &Preflight, headers: &mut HeaderMap) {
    if let Ok(origin) = HeaderValue::from_str(&grant.allow_origin) {
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    }
    let exposed = HeaderValue::from_str(&grant.expose_headers.join(", "));
    if let Some(exposed) = exposed.ok().filter(|exposed| !exposed.is_empty()) {
        headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, exposed);
    }
}

fn list<P>(
    settings: &ListSettings,
    parse: impl Fn(&str) -> Option<P>,
) -> Result<List<P>, InvalidSite> {
    let parse = |text: &String| parse(text).ok_or_else(|| InvalidSite::Visitor(text.clone()));
    Ok(List {
        allowed: settings.allow.iter().map(parse).collect::<Result<_, _>>()?,
        denied: settings.deny.iter().map(parse).collect::<Result<_, _>>()?,
        allow_empty: settings.allow_empty,
    })
}

fn cors(rules: &[CorsSettings]) -> CorsConfig {
    let rules = rules.iter().map(|rule| CorsRule {
        allowed_origins: rule.origins.clone(),
        allowed_methods: rule.methods.clone(),
        allowed_headers: rule.headers.clone(),
        expose_headers: rule.expose.clone(),
        max_age_seconds: rule.max_age_s,
    });
    CorsConfig {
        rules: rules.collect(),
        response_vary: false,
    }
}
