//! Configurations that lost their line breaks, as pages and chats show them: a comment then swallows
//! all that follows it. Where a comment ends is told by the sentence that ends and the directive
//! that begins.

use std::collections::BTreeSet;

/// The text with a line break behind every comment that something follows.
pub(super) fn reflow(text: &str) -> String {
    let known: BTreeSet<&str> = DIRECTIVES.split_whitespace().collect();
    let mut out = String::with_capacity(text.len() + 64);
    let mut quote = None;
    let mut rest = text;
    while let Some(letter) = rest.chars().next() {
        let starts_word =
            out.ends_with(|before: char| before.is_whitespace() || ";{}".contains(before));
        match (quote, letter) {
            (None, '#') if starts_word || out.is_empty() => {
                let length = comment(rest, &known);
                let (comment, after) = rest.split_at_checked(length).unwrap_or((rest, ""));
                out.push_str(comment);
                if !after.starts_with('\n') && !after.is_empty() {
                    out.push('\n');
                }
                rest = after;
                continue;
            }
            (None, '"' | '\'') if starts_word => quote = Some(letter),
            (Some(open), _) if open == letter => quote = None,
            _ => {}
        }
        out.push(letter);
        rest = rest.get(letter.len_utf8()..).unwrap_or_default();
    }
    out
}

/// Bytes of the comment with which a text begins.
fn comment(text: &str, known: &BTreeSet<&str>) -> usize {
    let line = text.split('\n').next().unwrap_or_default();
    let ends = line.char_indices().filter(|(at, letter)| {
        let before = line.get(..*at).unwrap_or_default().trim_end();
        letter.is_whitespace() && (before.ends_with(['.', ':', ')']) || before.ends_with("---"))
    });
    for (at, _) in ends {
        let after = line.get(at..).unwrap_or_default().trim_start();
        let word = after
            .split([' ', '\t', ';', '{'])
            .next()
            .unwrap_or_default();
        let begins = known.contains(word) || after.starts_with(['}', '"']);
        // It is a directive if it ends as one before another sentence does.
        let statement = after.find([';', '{', '}']);
        let sentence = after.find(". ").or_else(|| after.find("# "));
        let is_first = match (statement, sentence) {
            (Some(statement), Some(sentence)) => statement < sentence,
            (statement, None) => statement.is_some(),
            (None, Some(_)) => false,
        };
        if begins && is_first {
            return at;
        }
    }
    line.len()
}

/// Directives with which something may go on behind a comment.
const DIRECTIVES: &str = "
access_log add_header allow autoindex autoindex_format client_body_buffer_size client_body_timeout
client_header_timeout client_max_body_size default deny error_log error_page events gzip gzip_types http if include
index keepalive keepalive_timeout limit_conn limit_except limit_rate limit_req limit_req_zone listen location
log_format map pid proxy_buffer_size proxy_buffering proxy_buffers proxy_busy_buffers_size proxy_cache
proxy_cache_bypass proxy_cache_key proxy_cache_lock proxy_cache_path proxy_cache_use_stale proxy_cache_valid
proxy_connect_timeout proxy_hide_header proxy_http_version proxy_ignore_headers proxy_next_upstream proxy_no_cache
proxy_pass proxy_protocol proxy_read_timeout proxy_redirect proxy_request_buffering proxy_send_timeout
proxy_set_header proxy_ssl_name proxy_ssl_server_name proxy_ssl_verify real_ip_header real_ip_recursive resolver
resolver_timeout return rewrite root send_timeout sendfile server server_name set set_real_ip_from ssl_certificate
ssl_certificate_key ssl_ciphers ssl_prefer_server_ciphers ssl_protocols ssl_session_cache ssl_session_timeout
tcp_nodelay tcp_nopush try_files upstream user valid_referers worker_connections worker_processes";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_end_where_a_directive_begins() {
        let flat = "# The origin. Keep it. upstream a { # [Required] Replace it. server b.c:80; # Number of keepalive \
                    connections. keepalive 64; } # Others (as before). location / { # ... Other settings ... } \
                    # Map it to bucket-a. \"a\" \"b\"; # --- TLS --- ssl_protocols x;";
        let expected = "# The origin. Keep it.\n upstream a { # [Required] Replace it.\n server b.c:80; # Number of \
                        keepalive connections.\n keepalive 64; } # Others (as before).\n location / { # ... Other \
                        settings ...\n } # Map it to bucket-a.\n \"a\" \"b\"; # --- TLS ---\n ssl_protocols x;";
        assert_eq!(reflow(flat), expected);
    }

    #[test]
    fn comments_with_lines_of_their_own_stay() {
        let text = "a b; # c. d\n# see http://x/#y for more\ne f#g;\n";
        assert_eq!(reflow(text), text);
    }
}
