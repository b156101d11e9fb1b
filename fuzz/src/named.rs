//! What servers of DNS and buckets answer: they are somebody else's, and may be anybody's.

use osier_gateway::{DnsAnswer, DnsQuestion, Entry, Listed, RecordKind};

/// An answer of DNS, whole, to a question that is always the same.
pub fn dns_answer(data: &[u8]) {
    for kind in [RecordKind::A, RecordKind::Aaaa] {
        let Ok(question) = DnsQuestion::new("origin.example.com", kind, 0x6f73) else {
            panic!("a name was refused");
        };
        let Ok(answer) = question.answered(data) else {
            continue;
        };
        assert!(
            data.starts_with(b"os"),
            "an answer to another question was taken"
        );
        if let DnsAnswer::Addresses(addresses, _) = answer {
            let is_kind = |address: &std::net::IpAddr| address.is_ipv4() == (kind == RecordKind::A);
            assert!(!addresses.is_empty() && addresses.iter().all(is_kind));
        }
    }
}

/// A bucket's list of the folder `f/`.
pub fn folder_list(data: &[u8]) {
    let Ok(listed) = Listed::parse(data, "f/") else {
        return;
    };
    assert!(listed.entries.len() <= 1001);
    for entry in &listed.entries {
        let is_inside = match entry {
            Entry::Folder(name) => !name.ends_with('/') || name.contains('/'),
            Entry::Object { name, .. } => !name.is_empty(),
        };
        assert!(is_inside, "{entry:?} is not in the folder");
    }
}
