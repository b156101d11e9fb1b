//! Configurations of nginx in front of a bucket, as settings: what the usual templates say is
//! carried over, and all that is not is told, with its line.
//!
//! It reads; nothing of it is ever executed, and no file that it names is opened.

mod global;
mod parse;
mod reflow;
mod server;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fmt::Write as _;

pub use parse::NginxError;

use self::global::Global;
use self::parse::Directive;
use self::server::{Server, SiteLines};

/// What became of a configuration of nginx.
#[derive(Clone, Debug, Default)]
pub struct Imported {
    /// A settings file.
    pub settings: String,
    /// What is not in it, or not needed, in words.
    pub notes: Vec<String>,
}

/// Makes settings of a configuration of nginx.
///
/// # Errors
/// When the text is none.
pub fn import_nginx(text: &str) -> Result<Imported, NginxError> {
    let mut import = Import::default();
    let mut directives = parse::parse(text);
    // In one line, a comment would hide all that follows it.
    let hides = directives
        .as_ref()
        .map_or(true, |read| !read.iter().any(serves));
    if hides && text.contains('#') {
        let again = parse::parse(&reflow::reflow(text));
        if again.as_ref().is_ok_and(|read| read.iter().any(serves)) {
            import.notes.push(
                "where comments end was guessed, because directives stand behind them in one line; lines are counted with a break behind each comment"
                    .to_owned(),
            );
            directives = again;
        }
    }
    import.context(&directives?);
    Ok(import.finish())
}

/// Whether a directive is a server or has one.
fn serves(directive: &Directive) -> bool {
    match directive.name() {
        "http" => directive.block().iter().any(serves),
        name => matches!(name, "server" | "location"),
    }
}

/// What was found so far.
#[derive(Debug, Default)]
struct Import {
    upstreams: BTreeMap<String, Upstream>,
    /// By variable: what the host of a request stands for.
    maps: BTreeMap<String, Vec<(String, String)>>,
    servers: Vec<Server>,
    /// What holds for all of them.
    global: Global,
    /// What `http` says of its servers.
    http: Vec<Directive>,
    notes: Vec<String>,
}

/// `upstream`.
#[derive(Debug, Default)]
struct Upstream {
    servers: Vec<UpstreamServer>,
}

#[derive(Debug)]
struct UpstreamServer {
    place: String,
    weight: u32,
    backup: bool,
}

impl Import {
    fn context(&mut self, directives: &[Directive]) {
        // Names are known before they are used.
        for directive in directives {
            match directive.name() {
                "upstream" => self.upstream(directive),
                "map" => self.map(directive),
                _ => {}
            }
        }
        let of_servers = directives
            .iter()
            .filter(|directive| Server::inherits(directive));
        self.http.extend(of_servers.cloned());
        // A piece that is to be put into a server.
        if directives
            .iter()
            .any(|directive| directive.name() == "location")
        {
            let whole = Directive {
                line: 1,
                words: vec!["server".to_owned()],
                block: Some(directives.to_vec()),
            };
            self.notes
                .push("there is no `server` around a `location`: it answers all hosts".to_owned());
            let server = Server::read(&whole, self);
            return self.servers.push(server);
        }
        for directive in directives {
            match directive.name() {
                "http" => self.context(directive.block()),
                "server" => {
                    let server = Server::read(directive, self);
                    self.servers.push(server);
                }
                "upstream" | "map" | "events" | "worker_processes" | "user" | "pid"
                | "sendfile" | "tcp_nopush" | "tcp_nodelay" => {}
                _ if Server::inherits(directive) => {}
                "log_format" | "access_log" | "error_log" => self.note(
                    directive,
                    "each request is one line of the log, upstream times included; see `[log]`",
                ),
                _ => {
                    if !Global::read(directive, self) {
                        self.lost(directive);
                    }
                }
            }
        }
    }

    fn upstream(&mut self, directive: &Directive) {
        let mut upstream = Upstream::default();
        for inner in directive.block() {
            match inner.name() {
                "server" => {
                    let option = |name: &str| {
                        let mut options = inner.arguments().iter().skip(1);
                        options.find_map(|option| option.strip_prefix(name))
                    };
                    upstream.servers.push(UpstreamServer {
                        place: inner.argument(0).to_owned(),
                        weight: option("weight=").and_then(|w| w.parse().ok()).unwrap_or(1),
                        backup: inner.arguments().iter().any(|option| option == "backup"),
                    });
                    for option in inner.arguments().iter().skip(1) {
                        if !option.starts_with("weight=") && option != "backup" {
                            self.note(inner, &format!("`{option}` is not carried over"));
                        }
                    }
                }
                "keepalive" | "keepalive_timeout" | "keepalive_requests" => {}
                _ => self.lost(inner),
            }
        }
        let name = directive.argument(0).to_owned();
        self.upstreams.insert(name, upstream);
    }

    fn map(&mut self, directive: &Directive) {
        if !matches!(directive.argument(0), "$http_host" | "$host") {
            return self.lost(directive);
        }
        let entries = directive.block().iter().filter_map(|entry| {
            let (name, value) = (entry.name(), entry.argument(0));
            (name != "default" && !name.starts_with('~') && !value.is_empty())
                .then(|| (name.to_owned(), value.to_owned()))
        });
        let entries = entries.collect();
        for entry in directive.block() {
            if entry.name().starts_with('~') {
                self.lost(entry);
            }
        }
        self.maps.insert(directive.argument(1).to_owned(), entries);
    }

    fn note(&mut self, directive: &Directive, what: &str) {
        let name = directive.name();
        self.notes
            .push(format!("line {}: `{name}`: {what}", directive.line));
    }

    fn lost(&mut self, directive: &Directive) {
        let line = directive.line;
        let words = directive.words.join(" ");
        self.notes
            .push(format!("line {line}: `{words}` is not carried over"));
    }

    fn finish(self) -> Imported {
        let Self {
            servers,
            global,
            mut notes,
            ..
        } = self;
        let mut text = String::new();
        let (mut plain, mut secure) = (Vec::new(), Vec::new());
        for server in &servers {
            plain.extend(server.listen.iter().cloned());
            secure.extend(server.listen_tls.iter().cloned());
        }
        for list in [&mut plain, &mut secure] {
            list.sort();
            list.dedup();
        }
        let _ = writeln!(text, "[gateway]\nlisten = {}", array(&plain));
        if !secure.is_empty() {
            let _ = writeln!(text, "listen_tls = {}", array(&secure));
        }
        global.write(&mut text);
        let mut certificates: Vec<_> = servers
            .iter()
            .filter_map(|server| server.certificate.clone())
            .collect();
        certificates.dedup();
        for (chain, key) in certificates {
            let (chain, key) = (quoted(&chain), quoted(&key));
            let _ = write!(text, "\n[[certificate]]\nchain = {chain}\nkey = {key}\n");
        }
        // A server that only redirects says how the one of the same name is reached.
        let redirected: Vec<&String> = servers
            .iter()
            .filter(|server| server.redirects)
            .flat_map(|server| &server.hosts)
            .collect();
        let mut written: Vec<&SiteLines> = Vec::new();
        for server in servers.iter().filter(|server| !server.redirects) {
            for site in &server.sites {
                // One for plain HTTP and one for TLS are one site here.
                let names = |lines: &SiteLines| {
                    let named = lines
                        .iter()
                        .filter(|(key, _)| matches!(*key, "hosts" | "path"));
                    named.cloned().collect::<Vec<_>>()
                };
                if let Some(first) = written.iter().find(|first| names(first) == names(site)) {
                    if *first != site {
                        let named: Vec<String> =
                            names(site).into_iter().map(|(_, value)| value).collect();
                        notes.push(format!(
                            "a second server for {} says something else and is not carried over",
                            named.join(" ")
                        ));
                    }
                    continue;
                }
                written.push(site);
                text.push_str("\n[[site]]\n");
                for (key, value) in site {
                    let _ = writeln!(text, "{key} = {value}");
                }
                if server.hosts.iter().any(|host| redirected.contains(&host)) {
                    text.push_str("https = \"redirect\"\n");
                }
            }
        }
        if servers.iter().all(|server| server.sites.is_empty()) {
            notes.push("no server passes requests on: there is no site".to_owned());
        }
        Imported {
            settings: text,
            notes,
        }
    }
}

/// A string of TOML.
fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for letter in text.chars() {
        match letter {
            '"' | '\\' => out.extend(['\\', letter]),
            letter if letter.is_control() => {
                let _ = write!(out, "\\u{:04X}", u32::from(letter));
            }
            letter => out.push(letter),
        }
    }
    out.push('"');
    out
}

fn array(texts: &[String]) -> String {
    let texts: Vec<String> = texts.iter().map(|text| quoted(text)).collect();
    format!("[{}]", texts.join(", "))
}
