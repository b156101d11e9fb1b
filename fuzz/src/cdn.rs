//! The CDN API's own texts: lists of functions, origins and addresses, and certificates.

use std::collections::BTreeSet;

use osier_cdn::{
    AddCdnDomain, BatchSetCdnDomainConfig, CdnRequest, CertificateFacts, Context, Domains,
    RefreshKind, Source, prefetched, refreshed,
};

use crate::signature::NOW;

/// A line with functions, a line with origins, and addresses: each is refused, or becomes a
/// domain that can be kept, read again and served, and hosts that are nothing but hosts. All of
/// it might be a certificate.
pub fn cdn(data: &[u8]) {
    let _ = CertificateFacts::of_der(data);
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let _ = CertificateFacts::read(text);
    let mut lines = text.splitn(3, '\n');
    let functions = lines.next().unwrap_or_default();
    let sources = lines.next().unwrap_or_default();
    let paths = lines.next().unwrap_or_default();
    let mut domains = Domains::default();
    let own_buckets = BTreeSet::from(["media".to_owned()]);
    let context = Context {
        account: "1000000000000001",
        now: NOW,
        own_buckets: &own_buckets,
        failed: &BTreeSet::new(),
    };
    let usual = r#"[{"content":"a.example.com","type":"domain"}]"#;
    let sources = match Source::parse_all(sources) {
        Ok(_) => sources,
        Err(_) => usual,
    };
    let add = CdnRequest::AddCdnDomain(AddCdnDomain {
        domain_name: "cdn.example.com".to_owned(),
        cdn_type: "web".to_owned(),
        sources: sources.to_owned(),
        ..AddCdnDomain::default()
    });
    domains
        .change(&context, &add)
        .expect("a change")
        .expect("added");
    let set = CdnRequest::BatchSetCdnDomainConfig(BatchSetCdnDomainConfig {
        domain_names: "cdn.example.com".to_owned(),
        functions: functions.to_owned(),
    });
    if domains.change(&context, &set).expect("a change").is_ok() {
        for domain in domains.all() {
            domain.features().expect("what was taken can be read");
        }
        let again = Domains::from_json(&domains.to_json()).expect("what was kept can be read");
        assert!(again.all().eq(domains.all()));
    }
    let kinds = ["File", "Directory", "Regex", "IgnoreParams"];
    let kinds = kinds.map(|kind| RefreshKind::parse(Some(kind)).expect("a kind"));
    let refreshes = kinds.map(|kind| refreshed(paths, kind));
    for target in refreshes
        .into_iter()
        .chain([prefetched(paths)])
        .flatten()
        .flatten()
    {
        let is_host = |byte: u8| byte.is_ascii_alphanumeric() || b".-_".contains(&byte);
        assert!(!target.host.is_empty() && target.host.bytes().all(is_host));
        assert!(target.target.starts_with('/'));
        assert!(target.target.bytes().all(|byte| byte.is_ascii_graphic()));
    }
}
