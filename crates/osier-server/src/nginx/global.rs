//! What a configuration says of all its servers together, because here it is one setting.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::parse::Directive;
use super::server::{bytes, seconds};
use super::{Import, array};

/// Settings of `[gateway]` and `[http]`.
#[derive(Debug, Default)]
pub(super) struct Global {
    resolver: Vec<String>,
    /// Whose word on clients is believed.
    trusted: Vec<String>,
    /// Whether load balancers speak the PROXY protocol.
    pub(super) proxy_protocol: bool,
    gateway: BTreeMap<&'static str, String>,
    http: BTreeMap<&'static str, u64>,
}

impl Global {
    /// Reads a directive; tells whether it is one of these.
    pub(super) fn read(directive: &Directive, import: &mut Import) -> bool {
        let first = directive.argument(0);
        let connection = match directive.name() {
            "keepalive_timeout" => Some("idle_timeout_s"),
            "client_header_timeout" => Some("head_timeout_s"),
            "client_body_timeout" => Some("body_timeout_s"),
            "send_timeout" => Some("write_timeout_s"),
            _ => None,
        };
        if let Some(key) = connection {
            match seconds(first).filter(|seconds| *seconds > 0) {
                Some(seconds) => {
                    import.global.http.insert(key, seconds);
                }
                None => import.lost(directive),
            }
            return true;
        }
        match directive.name() {
            "resolver" => {
                for argument in directive.arguments() {
                    match argument.split_once('=') {
                        None if argument
                            .starts_with(|first: char| first.is_ascii_digit() || first == '[') =>
                        {
                            if !import.global.resolver.contains(argument) {
                                import.global.resolver.push(argument.clone());
                            }
                        }
                        Some(("valid", time)) if seconds(time).is_some() => {
                            let time = seconds(time).unwrap_or_default().to_string();
                            import.global.gateway.insert("resolver_valid_s", time);
                        }
                        Some(("ipv6", "off")) => {
                            import
                                .global
                                .gateway
                                .insert("resolver_ipv6", "false".to_owned());
                        }
                        Some(("ipv6" | "ipv4", "on")) => {}
                        _ => import.note(directive, &format!("`{argument}` is not carried over")),
                    }
                }
            }
            "resolver_timeout" => match seconds(first) {
                Some(time) => {
                    let time = time.to_string();
                    import.global.gateway.insert("resolver_timeout_s", time);
                }
                None => import.lost(directive),
            },
            "set_real_ip_from" => {
                let is_network = first.starts_with(|first: char| first.is_ascii_hexdigit());
                if !is_network || !first.contains(['.', ':']) {
                    import.lost(directive);
                } else if !import.global.trusted.iter().any(|known| known == first) {
                    import.global.trusted.push(first.to_owned());
                }
            }
            "real_ip_header" if first.eq_ignore_ascii_case("x-forwarded-for") => {}
            "real_ip_header" if first.eq_ignore_ascii_case("proxy_protocol") => {}
            "real_ip_recursive" => {
                if first != "on" {
                    import.note(
                        directive,
                        "all trusted addresses are passed over, not only the last",
                    );
                }
            }
            "proxy_cache_path" => {
                let size = directive.arguments().iter();
                let size = size
                    .filter_map(|option| option.strip_prefix("max_size="))
                    .find_map(bytes);
                match size {
                    Some(size) => {
                        import.global.gateway.insert("disk_bytes_max", size.to_string());
                        import.note(directive, "answers are kept in `edge-cache` of the data directory");
                    }
                    None => import.note(
                        directive,
                        "answers are kept in memory; `disk_bytes_max` of `[gateway]` keeps them on disk too",
                    ),
                }
            }
            "include" => import.note(
                directive,
                "the file is not opened: import it, too, or put it in this place",
            ),
            _ => return false,
        }
        true
    }

    pub(super) fn write(&self, text: &mut String) {
        if !self.resolver.is_empty() {
            let _ = writeln!(text, "resolver = {}", array(&self.resolver));
        }
        if self.proxy_protocol {
            let _ = writeln!(text, "proxy_protocol = {}", array(&self.trusted));
        }
        for (key, value) in &self.gateway {
            // Without servers of DNS the system is asked, and these mean nothing.
            if !key.starts_with("resolver_") || !self.resolver.is_empty() {
                let _ = writeln!(text, "{key} = {value}");
            }
        }
        if !self.trusted.is_empty() || !self.http.is_empty() {
            text.push_str("\n[http]\n");
        }
        if !self.trusted.is_empty() {
            let _ = writeln!(text, "trusted_proxies = {}", array(&self.trusted));
        }
        for (key, value) in &self.http {
            let _ = writeln!(text, "{key} = {value}");
        }
    }
}
