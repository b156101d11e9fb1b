//! Settings as they may be shown: every secret in them is taken out, wherever it stands.

use std::ops::Range;

use toml::de::{DeTable, DeValue};

/// Keys whose values are secret, also when they are whole tables.
const SECRETS: [&str; 5] = [
    "access_key_secret",
    "secret_headers",
    "security_token",
    "keys",
    "secret",
];

/// `text` with `"***"` in the place of secrets. What is no TOML is not shown at all.
pub(super) fn masked(text: &str) -> String {
    let Ok(table) = DeTable::parse(text) else {
        return String::new();
    };
    let mut secret = Vec::new();
    in_table(table.get_ref(), false, &mut secret);
    secret.sort_unstable_by_key(|span| span.start);
    let mut shown = String::with_capacity(text.len());
    let mut from = 0;
    for span in secret {
        shown.push_str(text.get(from..span.start).unwrap_or_default());
        shown.push_str("\"***\"");
        from = span.end;
    }
    shown.push_str(text.get(from..).unwrap_or_default());
    shown
}

fn in_table(table: &DeTable<'_>, is_secret: bool, secret: &mut Vec<Range<usize>>) {
    for (key, value) in table {
        let is_secret = is_secret || SECRETS.contains(&key.get_ref().as_ref());
        in_value(value.get_ref(), value.span(), is_secret, secret);
    }
}

fn in_value(
    value: &DeValue<'_>,
    span: Range<usize>,
    is_secret: bool,
    secret: &mut Vec<Range<usize>>,
) {
    match value {
        DeValue::Table(table) => in_table(table, is_secret, secret),
        DeValue::Array(values) => {
            for value in values {
                in_value(value.get_ref(), value.span(), is_secret, secret);
            }
        }
        _ if is_secret => secret.push(span),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s18_no_secret_is_shown_however_it_is_written() {
        let text = r#"
# A comment stays.
[[site]]
hosts = ["a"]
credentials = { access_key_id = "id", access_key_secret = "s1" }
secret_headers = { User-Agent = "s2", "x-y" = 's3' }
[[site]]
hosts = ["b"] # and this
[site.credentials]
access_key_secret = """s4"""
security_token = "s5"
[site.secret_headers]
Referer = "s6"
[site.url_auth]
keys = ["s7", "s8"]
"#;
        let shown = masked(text);
        for number in 1..=8 {
            assert!(!shown.contains(&format!("s{number}")), "{shown}");
        }
        for kept in [
            "# A comment stays.",
            "\"id\"",
            "User-Agent",
            "hosts = [\"b\"] # and this",
        ] {
            assert!(shown.contains(kept), "{shown}");
        }
        assert_eq!(masked("= broken"), "");
    }
}
