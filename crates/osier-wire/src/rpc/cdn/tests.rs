use osier_cdn::CdnRequest;

use super::{CDN_OPERATIONS, cdn_operation, decode_cdn};
use crate::rpc::ParameterKind;

#[test]
fn names_are_unique_and_what_must_be_there_must() {
    for operation in CDN_OPERATIONS {
        let found = cdn_operation("2018-05-10", operation.action).unwrap();
        assert_eq!(found.parameters, operation.parameters, "names are unique");
        assert!(cdn_operation("2014-11-11", operation.action).is_ok());
        let must = operation.parameters.iter();
        let must: Vec<_> = must
            .filter(|parameter| parameter.kind == ParameterKind::text)
            .map(|parameter| (parameter.name.to_owned(), "x".to_owned()))
            .collect();
        assert!(decode_cdn(operation, &must).is_ok(), "{operation:?}");
        for left_out in 0..must.len() {
            let mut fewer = must.clone();
            let (name, _) = fewer.remove(left_out);
            let fault = decode_cdn(operation, &fewer).unwrap_err();
            assert_eq!(fault.code(), format!("Missing{name}"), "{operation:?}");
        }
    }
    assert!(cdn_operation("2018-05-10", "ListUsers").is_err());
}

#[test]
fn lists_come_in_the_order_of_their_numbers() {
    let parameters: Vec<_> = [
        ("ResourceType", "DOMAIN"),
        ("ResourceId.10", "c.example.com"),
        ("ResourceId.2", "b.example.com"),
        ("ResourceId.1", "a.example.com"),
        ("TagKey.1", "k"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .into();
    let operation = cdn_operation("2018-05-10", "UntagResources").unwrap();
    let CdnRequest::UntagResources(it) = decode_cdn(operation, &parameters).unwrap() else {
        panic!();
    };
    assert_eq!(
        it.resource_ids,
        ["a.example.com", "b.example.com", "c.example.com"]
    );
    assert_eq!(it.tag_keys, ["k"]);
}
