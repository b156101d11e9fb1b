//! One `server` of nginx, and what its locations become.

use std::collections::BTreeMap;

use super::global::Global;
use super::parse::Directive;
use super::{Import, array, quoted};

/// Keys and values of a site, in the order in which they are written.
pub(super) type SiteLines = Vec<(&'static str, String)>;

/// A `server`.
#[derive(Debug, Default)]
pub(super) struct Server {
    pub(super) hosts: Vec<String>,
    pub(super) listen: Vec<String>,
    pub(super) listen_tls: Vec<String>,
    pub(super) certificate: Option<(String, String)>,
    /// It only sends clients to HTTPS.
    pub(super) redirects: bool,
    pub(super) sites: Vec<SiteLines>,
}

/// What holds for a location: its own settings on top of the server's.
#[derive(Clone, Debug, Default)]
struct Scope {
    variables: BTreeMap<String, String>,
    headers: Vec<(String, String)>,
    /// Seconds, bytes and the like, by the key of a site.
    numbers: BTreeMap<&'static str, u64>,
    methods: Vec<String>,
    /// Values as they are written, by the key of a site.
    texts: BTreeMap<&'static str, String>,
    error_pages: BTreeMap<String, String>,
    response_headers: BTreeMap<String, String>,
    allow: Vec<String>,
    deny: Vec<String>,
    /// Pages that may refer, once something depends on it.
    referers: Vec<String>,
    strip: Option<String>,
    add: Option<String>,
}

/// `return 301 https://...`.
fn is_to_https(directive: &Directive) -> bool {
    directive.name() == "return" && directive.argument(1).starts_with("https://")
}

impl Server {
    /// Whether a directive beside servers holds for all of them.
    pub(super) fn inherits(directive: &Directive) -> bool {
        let name = directive.name();
        let others = [
            "add_header",
            "allow",
            "client_max_body_size",
            "deny",
            "error_page",
            "ssl_ciphers",
            "ssl_protocols",
            "ssl_prefer_server_ciphers",
            "ssl_session_cache",
            "ssl_session_timeout",
        ];
        let is_of_cache = name.starts_with("proxy_cache") && name != "proxy_cache_path";
        let is_of_proxy =
            name.starts_with("proxy_") && !name.starts_with("proxy_cache") && name != "proxy_pass";
        is_of_cache || is_of_proxy || others.contains(&name)
    }

    pub(super) fn read(directive: &Directive, import: &mut Import) -> Self {
        let mut server = Self::default();
        let mut scope = Scope::default();
        let (mut chain, mut key) = (None, None);
        for inner in import.http.clone() {
            scope.read(&inner, import);
        }
        for inner in directive.block() {
            match inner.name() {
                "listen" => server.listens(inner, import),
                "server_name" => server.hosts = hosts(inner.arguments()),
                "ssl_certificate" => chain = Some(inner.argument(0).to_owned()),
                "ssl_certificate_key" => key = Some(inner.argument(0).to_owned()),
                "return" if is_to_https(inner) => server.redirects = true,
                "return" => import.lost(inner),
                "location" => {}
                _ => scope.read(inner, import),
            }
        }
        if server.listen.is_empty() && server.listen_tls.is_empty() {
            server.listen.push("0.0.0.0:80".to_owned());
        }
        if server.hosts.is_empty() {
            server.hosts.push("*".to_owned());
        }
        server.certificate = chain.zip(key);
        for inner in directive.block() {
            if inner.name() == "location" {
                server.location(inner, scope.clone(), import);
            }
        }
        server
    }

    fn listens(&mut self, directive: &Directive, import: &mut Import) {
        let place = directive.argument(0);
        let address = if place.bytes().all(|byte| byte.is_ascii_digit()) {
            format!("0.0.0.0:{place}")
        } else {
            place.replacen("*:", "0.0.0.0:", 1)
        };
        let mut secure = false;
        for option in directive.arguments().iter().skip(1) {
            match option.as_str() {
                "ssl" => secure = true,
                "default_server" | "reuseport" | "http2" => {}
                "proxy_protocol" => {
                    import.global.proxy_protocol = true;
                    import.note(
                        directive,
                        "only those of `set_real_ip_from` are expected to speak it, and are on every listener of sites",
                    );
                }
                _ => import.note(directive, &format!("`{option}` is not carried over")),
            }
        }
        if address.starts_with("unix:") {
            import.lost(directive);
        } else if secure {
            self.listen_tls.push(address);
        } else {
            self.listen.push(address);
        }
    }

    fn location(&mut self, directive: &Directive, mut scope: Scope, import: &mut Import) {
        let path = match directive.arguments() {
            [path] => path.as_str(),
            [modifier, path] if modifier == "^~" => path.as_str(),
            [modifier, path] if modifier == "=" && path == "/health" => path.as_str(),
            _ => return import.lost(directive),
        };
        let mut pass = None;
        for inner in directive.block() {
            match inner.name() {
                "proxy_pass" => pass = Some(inner),
                "return" if path == "/" && is_to_https(inner) => {
                    self.redirects = true;
                    return;
                }
                "return" if path == "/health" && inner.argument(0) == "200" => {
                    return import.note(
                        inner,
                        "`/health` is built in, under hosts that belong to no site",
                    );
                }
                _ => scope.read(inner, import),
            }
        }
        let Some(pass) = pass else {
            return import.lost(directive);
        };
        let to = scope.resolved(pass.argument(0));
        let by_map = import.maps.iter().find_map(|(variable, entries)| {
            to.contains(variable.as_str())
                .then(|| (variable.clone(), entries.clone()))
        });
        let Some((variable, entries)) = by_map else {
            let hosts = self.hosts.clone();
            return self.site(&hosts, path, &to, &scope, pass, import);
        };
        for (host, value) in entries {
            let mut scope = scope.clone();
            scope.variables.insert(variable.clone(), value.clone());
            let to = scope.resolved(&to);
            self.site(&[host], path, &to, &scope, pass, import);
        }
    }

    fn site(
        &mut self,
        hosts: &[String],
        path: &str,
        to: &str,
        scope: &Scope,
        pass: &Directive,
        import: &mut Import,
    ) {
        let mut lines: SiteLines = vec![("hosts", array(hosts))];
        let (scheme, rest) = to.split_once("://").unwrap_or(("http", to));
        let (place, tail) = match rest.find('/') {
            Some(slash) => rest.split_at(slash),
            None => (rest, ""),
        };
        if place.is_empty() || place.contains('$') {
            return import.lost(pass);
        }
        let host = scope.header("Host").map(|host| scope.resolved(&host));
        let host =
            host.filter(|host| !matches!(host.as_str(), "$proxy_host" | "$http_host" | "$host"));
        if path != "/" {
            lines.push(("path", quoted(path)));
        }
        origin(&mut lines, scheme, place, host.as_deref(), import);
        // With a path behind the host, nginx puts it in the place of the location's.
        let strip = match (&scope.strip, tail) {
            (Some(strip), _) => Some(strip.clone()),
            (None, "") => None,
            (None, _) => Some(path.to_owned()),
        };
        if let Some(strip) = strip.filter(|strip| strip != "/") {
            lines.push(("strip_prefix", quoted(strip.trim_end_matches('/'))));
        }
        let add = match &scope.add {
            Some(add) => scope.resolved(add),
            None => tail.to_owned(),
        };
        if !add.trim_end_matches('/').is_empty() {
            lines.push(("add_prefix", quoted(add.trim_end_matches('/'))));
        }
        if !scope.methods.is_empty() {
            lines.push(("methods", array(&scope.methods)));
        }
        for (key, value) in &scope.numbers {
            lines.push((key, value.to_string()));
        }
        for (key, value) in &scope.texts {
            let is_bucket = lines
                .iter()
                .any(|(key, value)| *key == "origin" && value.starts_with("\"oss"));
            if *key == "autoindex" && !is_bucket {
                import.note(pass, "`autoindex` shows folders of buckets only: write the origin as `oss://` or `s3://`");
            } else {
                lines.push((key, value.clone()));
            }
        }
        for (key, table) in [
            ("error_pages", &scope.error_pages),
            ("response_headers", &scope.response_headers),
        ] {
            if !table.is_empty() {
                let entries: Vec<String> = table
                    .iter()
                    .map(|(name, value)| format!("{name} = {value}"))
                    .collect();
                lines.push((key, format!("{{ {} }}", entries.join(", "))));
            }
        }
        let lists = [("allow", &scope.allow), ("deny", &scope.deny)];
        let lists = lists.into_iter().filter(|(_, list)| !list.is_empty());
        let lists: Vec<String> = lists
            .map(|(name, list)| format!("{name} = {}", array(list)))
            .collect();
        if !lists.is_empty() {
            lines.push(("ip", format!("{{ {} }}", lists.join(", "))));
        }
        scope.request_headers(&mut lines, pass, import);
        self.sites.push(lines);
    }
}

/// The origin's lines. A bucket of OSS is known by its `Host`.
fn origin(lines: &mut SiteLines, scheme: &str, place: &str, host: Option<&str>, import: &Import) {
    let oss = host.unwrap_or(place);
    let bucket = oss.split_once('.').filter(|(_, endpoint)| {
        endpoint.starts_with("oss-") && endpoint.ends_with(".aliyuncs.com")
    });
    if let Some((bucket, endpoint)) = bucket {
        let endpoint = endpoint.trim_end_matches(".aliyuncs.com");
        let tls = if scheme == "https" { "+https" } else { "" };
        lines.push(("origin", quoted(&format!("oss{tls}://{bucket}@{endpoint}"))));
        lines.push(("auth", quoted("passthrough")));
        return;
    }
    let url = |place: &str| quoted(&format!("{scheme}://{}", place.trim_end_matches(":80")));
    match import.upstreams.get(place) {
        Some(upstream) => match upstream.servers.as_slice() {
            [only] => lines.push(("origin", url(&only.place))),
            several => {
                let several: Vec<String> = several
                    .iter()
                    .map(|server| {
                        let priority = if server.backup { ", priority = 1" } else { "" };
                        let place = url(&server.place);
                        format!("{{ url = {place}, weight = {}{priority} }}", server.weight)
                    })
                    .collect();
                lines.push(("origins", format!("[{}]", several.join(", "))));
            }
        },
        None => lines.push(("origin", url(place))),
    }
    if let Some(host) = host.filter(|host| *host != place) {
        lines.push(("origin_host", quoted(host)));
    }
}

impl Scope {
    fn read(&mut self, directive: &Directive, import: &mut Import) {
        let first = directive.argument(0);
        match directive.name() {
            "proxy_set_header" => {
                let header = (first.to_owned(), directive.argument(1).to_owned());
                self.headers
                    .retain(|(name, _)| !name.eq_ignore_ascii_case(first));
                self.headers.push(header);
            }
            "proxy_connect_timeout" => {
                self.number("connect_timeout_s", seconds(first), directive, import);
            }
            "proxy_send_timeout" => {
                self.number("send_timeout_s", seconds(first), directive, import);
            }
            "proxy_read_timeout" => {
                self.number("read_timeout_s", seconds(first), directive, import);
            }
            "client_max_body_size" => {
                self.number("body_bytes_max", bytes(first), directive, import);
            }
            "set" => {
                let value = self.resolved(directive.argument(1));
                self.variables.insert(first.to_owned(), value);
            }
            "rewrite" => self.rewrite(directive, import),
            "limit_except" => {
                let mut methods: Vec<String> = directive.arguments().to_vec();
                if methods.iter().any(|method| method == "GET") {
                    methods.push("HEAD".to_owned());
                }
                self.methods = methods;
            }
            "allow" | "deny" if directive.arguments().len() == 1 => {
                self.visitors(directive, import);
            }
            "valid_referers" => self.referers = directive.arguments().to_vec(),
            "if" if directive.argument(0) == "($invalid_referer)" && !self.referers.is_empty() => {
                self.hotlinks(directive, import);
            }
            "error_page" => self.error_page(directive, import),
            "add_header" => self.add_header(directive, import),
            "autoindex" if first == "on" => {
                let format = self.texts.get("autoindex").cloned();
                self.texts
                    .insert("autoindex", format.unwrap_or_else(|| quoted("html")));
            }
            "autoindex_format" if matches!(first, "html" | "json") => {
                self.texts.insert("autoindex", quoted(first));
            }
            "proxy_cache" if first == "off" => {
                self.texts.insert("cache", quoted("off"));
            }
            "proxy_cache_valid" => self.lifetime(directive, import),
            "proxy_cache_use_stale" => {
                let has = |word: &str| {
                    directive
                        .arguments()
                        .iter()
                        .any(|argument| argument == word)
                };
                if has("error") || has("timeout") {
                    self.numbers.insert("stale_if_error_s", 86_400);
                    import.note(directive, "old answers stand in for a day");
                }
                if has("updating") {
                    self.numbers.insert("stale_while_revalidate_s", 60);
                    import.note(
                        directive,
                        "old answers are given for a minute while the origin is asked",
                    );
                }
            }
            "proxy_ssl_verify" if first == "off" => {
                self.texts.insert("origin_verify", "false".to_owned());
            }
            "proxy_ssl_trusted_certificate" => {
                self.texts.insert("origin_ca", quoted(first));
            }
            // A host that no map knows belongs to no site.
            "if" if directive.words.get(1).is_some_and(|word| {
                import
                    .maps
                    .keys()
                    .any(|variable| word.trim_start_matches('(') == variable)
            }) => {}
            // What always is so here.
            "proxy_http_version"
            | "proxy_request_buffering"
            | "proxy_cache"
            | "proxy_cache_background_update"
            | "proxy_cache_lock"
            | "proxy_cache_lock_timeout"
            | "proxy_cache_revalidate"
            | "proxy_ssl_name"
            | "proxy_ssl_server_name"
            | "proxy_ssl_session_reuse"
            | "proxy_ssl_verify"
            | "ssl_session_cache"
            | "ssl_session_timeout"
            | "ssl_prefer_server_ciphers"
            | "http2" => {}
            "ssl_protocols" => import.note(directive, "TLS 1.2 and 1.3 are spoken"),
            "ssl_ciphers" => import.note(
                directive,
                "the suites of TLS 1.3 and those of 1.2 with forward secrecy are spoken",
            ),
            "proxy_buffering" if first == "on" => {}
            "proxy_buffering" => {
                self.numbers.insert("spill_bytes_max", 0);
            }
            "proxy_max_temp_file_size" => {
                if self.numbers.get("spill_bytes_max") != Some(&0) {
                    self.number("spill_bytes_max", bytes(first), directive, import);
                }
            }
            "proxy_buffers"
            | "proxy_buffer_size"
            | "proxy_busy_buffers_size"
            | "client_body_buffer_size" => {
                import.note(directive, "bodies are streamed in buffers of a fixed size");
            }
            "access_log" if first == "off" => {}
            "access_log" | "error_log" => import.note(
                directive,
                "each request is one line of the log, upstream times included; see `[log]`",
            ),
            _ => {
                if !Global::read(directive, import) {
                    import.lost(directive);
                }
            }
        }
    }

    /// nginx takes the first rule that fits; lists are as good where one kind comes first.
    fn visitors(&mut self, directive: &Directive, import: &mut Import) {
        let of = directive.argument(0).to_owned();
        match (directive.name(), of.as_str()) {
            ("deny", "all") if !self.allow.is_empty() => {}
            ("allow", "all") if self.allow.is_empty() => {}
            (_, "all" | "unix:") => import.lost(directive),
            // What was allowed before would be denied here.
            ("deny", _) if !self.allow.is_empty() => import.lost(directive),
            ("deny", _) => self.deny.push(of),
            _ => self.allow.push(of),
        }
    }

    /// `valid_referers` with the usual refusal.
    fn hotlinks(&mut self, directive: &Directive, import: &mut Import) {
        let refuses = directive.block().iter().any(|inner| {
            inner.name() == "return" && matches!(inner.argument(0), "403" | "404" | "444")
        });
        let is_host =
            |text: &&String| !matches!(text.as_str(), "none" | "blocked" | "server_names");
        let hosts: Vec<String> = self.referers.iter().filter(is_host).cloned().collect();
        let is_plain =
            |host: &String| !host.starts_with('~') && !host.ends_with(".*") && !host.contains('/');
        if !refuses || !hosts.iter().all(is_plain) {
            return import.lost(directive);
        }
        if self.referers.iter().any(|word| word == "server_names") {
            import.note(
                directive,
                "`server_names` are to be added to `allow` of `referer`",
            );
        }
        let hosts: Vec<String> = hosts
            .into_iter()
            .map(|host| {
                host.strip_prefix('.')
                    .map_or(host.clone(), |rest| format!("*.{rest}"))
            })
            .collect();
        let allow_empty = self.referers.iter().any(|word| word == "none");
        let lists = format!(
            "{{ allow = {}, allow_empty = {allow_empty} }}",
            array(&hosts)
        );
        self.texts.insert("referer", lists);
    }

    /// `error_page 404 500 =200 /page`.
    fn error_page(&mut self, directive: &Directive, import: &mut Import) {
        let Some((page, codes)) = directive.arguments().split_last() else {
            return import.lost(directive);
        };
        let (answers, codes): (Vec<&String>, Vec<&String>) =
            codes.iter().partition(|code| code.starts_with('='));
        let value = match answers.as_slice() {
            [] => Some(quoted(page)),
            [answer] => {
                let status: Option<u16> = answer.trim_start_matches('=').parse().ok();
                status.map(|status| format!("{{ page = {}, status = {status} }}", quoted(page)))
            }
            _ => None,
        };
        let is_plain = page.starts_with('/') && !page.contains(['$', '?']);
        match value.filter(|_| is_plain) {
            Some(value) => {
                let codes = codes.into_iter().filter(|code| code.parse::<u16>().is_ok());
                self.error_pages
                    .extend(codes.map(|code| (code.clone(), value.clone())));
            }
            None => import.lost(directive),
        }
    }

    fn add_header(&mut self, directive: &Directive, import: &mut Import) {
        let (name, value) = (directive.argument(0), self.resolved(directive.argument(1)));
        let hsts = name.eq_ignore_ascii_case("strict-transport-security");
        let seconds = value
            .split(';')
            .find_map(|part| part.trim().strip_prefix("max-age="));
        let seconds = seconds.and_then(|seconds| seconds.parse().ok());
        match seconds.filter(|_| hsts) {
            Some(seconds) => {
                self.numbers.insert("hsts_s", seconds);
                if value.contains(';') {
                    import.note(directive, "only `max-age` is carried over");
                }
            }
            None if value.contains('$') || name.is_empty() => import.lost(directive),
            None => {
                self.response_headers.insert(quoted(name), quoted(&value));
            }
        }
    }

    /// `proxy_cache_valid 200 302 10m`: how long answers are kept of which the origin says nothing.
    fn lifetime(&mut self, directive: &Directive, import: &mut Import) {
        let Some((time, codes)) = directive.arguments().split_last() else {
            return import.lost(directive);
        };
        let is_of_success =
            codes.is_empty() || codes.iter().any(|code| code == "200" || code == "any");
        match seconds(time).filter(|_| is_of_success) {
            Some(seconds) => {
                let rule =
                    format!("[{{ directory = \"/\", seconds = {seconds}, origin_first = true }}]");
                self.texts.insert("ttl", rule);
            }
            None => import.lost(directive),
        }
    }

    fn number(
        &mut self,
        key: &'static str,
        value: Option<u64>,
        directive: &Directive,
        import: &mut Import,
    ) {
        match value {
            Some(value) => {
                self.numbers.insert(key, value);
            }
            None => import.lost(directive),
        }
    }

    /// `^/prefix/(.*)$ /other/$1 break` takes one prefix off and puts another before.
    fn rewrite(&mut self, directive: &Directive, import: &mut Import) {
        let from = directive.argument(0).strip_prefix('^');
        let from = from.and_then(|from| {
            from.strip_suffix("(.*)$")
                .or_else(|| from.strip_suffix("(.*)"))
        });
        let to = directive.argument(1).strip_suffix("$1");
        let is_plain = |text: &str| {
            let special = ['(', ')', '[', ']', '*', '+', '?', '\\', '|', '^'];
            text.starts_with('/') && text.ends_with('/') && !text.contains(special)
        };
        match (from, to) {
            (Some(from), Some(to)) if is_plain(from) && is_plain(to) => {
                self.strip = Some(from.to_owned());
                self.add = Some(to.to_owned());
            }
            _ => import.lost(directive),
        }
    }

    fn header(&self, name: &str) -> Option<String> {
        let mut headers = self.headers.iter();
        headers
            .find(|(held, _)| held.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.clone())
    }

    fn request_headers(&self, lines: &mut SiteLines, pass: &Directive, import: &mut Import) {
        let (mut plain, mut secret) = (Vec::new(), Vec::new());
        for (name, value) in &self.headers {
            let lower = name.to_ascii_lowercase();
            let built_in = [
                "host",
                "connection",
                "x-forwarded-for",
                "x-real-ip",
                "x-forwarded-proto",
            ];
            if built_in.contains(&lower.as_str()) {
                continue;
            }
            let value = self.resolved(value);
            if value.contains('$') || value.is_empty() {
                import.note(pass, &format!("the header `{name}` is not carried over"));
                continue;
            }
            let entry = format!("{} = {}", quoted(name), quoted(&value));
            // By these buckets know whom they may trust.
            if ["user-agent", "referer"].contains(&lower.as_str()) {
                secret.push(entry);
            } else {
                plain.push(entry);
            }
        }
        for (key, entries) in [("request_headers", plain), ("secret_headers", secret)] {
            if !entries.is_empty() {
                lines.push((key, format!("{{ {} }}", entries.join(", "))));
            }
        }
    }

    /// With the variables that are known in their places; longest names first.
    fn resolved(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for (variable, value) in self.variables.iter().rev() {
            text = text.replace(variable.as_str(), value);
            let braced = format!("${{{}}}", variable.trim_start_matches('$'));
            text = text.replace(&braced, value);
        }
        text
    }
}

/// Names of a server; an address, or what no name is, stands for all hosts.
fn hosts(names: &[String]) -> Vec<String> {
    let is_name = |name: &&String| {
        !name.starts_with('~')
            && *name != "_"
            && name.contains(|letter: char| letter.is_ascii_alphabetic())
    };
    let named: Vec<String> = names.iter().filter(is_name).cloned().collect();
    let mut hosts: Vec<String> = named
        .into_iter()
        .map(|name| match name.strip_prefix('.') {
            Some(rest) => format!("*.{rest}"),
            None => name,
        })
        .collect();
    if names
        .iter()
        .any(|name| name == "_" || name.parse::<std::net::IpAddr>().is_ok())
        || hosts.is_empty()
    {
        hosts.push("*".to_owned());
    }
    hosts
}

pub(super) fn seconds(text: &str) -> Option<u64> {
    let number = |suffix: &str| text.strip_suffix(suffix)?.parse::<u64>().ok();
    number("ms")
        .map(|millis| millis.div_ceil(1000))
        .or_else(|| number("s"))
        .or_else(|| number("m")?.checked_mul(60))
        .or_else(|| number("h")?.checked_mul(3600))
        .or_else(|| number("d")?.checked_mul(86_400))
        .or_else(|| text.parse().ok())
}

pub(super) fn bytes(text: &str) -> Option<u64> {
    let number = |suffixes: [char; 2], shift: u32| {
        let number: u64 = text.strip_suffix(suffixes)?.parse().ok()?;
        number.checked_mul(1 << shift)
    };
    number(['k', 'K'], 10)
        .or_else(|| number(['m', 'M'], 20))
        .or_else(|| number(['g', 'G'], 30))
        .or_else(|| text.parse().ok())
}
