use std::collections::HashSet;

use http::{HeaderMap, HeaderValue, Method};
use osier_types::Query;

use super::*;
use crate::{AddressStyle, Scope, Support};

fn example(spec: &RouteSpec) -> Route {
    let address = Address {
        style: AddressStyle::Path,
        bucket: (spec.scope != Scope::Service).then(|| "bkt".to_owned()),
        key: (spec.scope == Scope::Object).then(|| b"key".to_vec()),
        endpoint: None,
    };
    let mut headers = HeaderMap::new();
    if let Some(name) = spec.header {
        headers.insert(name, HeaderValue::from_static("/bkt/source"));
    }
    let method = Method::from_bytes(spec.method.as_bytes()).unwrap();
    route(&method, &address, &Query::parse(&spec.query()), &headers)
}

#[test]
fn every_route_can_be_reached() {
    for spec in ROUTES {
        let found = example(spec);
        let reached = found.spec().unwrap_or_else(|| panic!("{spec:?}"));
        assert_eq!(format!("{reached:?}"), format!("{spec:?}"), "hidden");
        let refused = matches!(
            found.fault().map(|fault| fault.kind),
            Some(FaultKind::NotImplemented { .. })
        );
        assert_eq!(refused, spec.support == Support::NotImplemented, "{spec:?}");
    }
}

#[test]
fn the_table_names_the_whole_api() {
    let names: HashSet<&str> = ROUTES.iter().map(|spec| spec.name).collect();
    // The operations of botocore's model of S3, but for ListDirectoryBuckets, whose request is
    // that of ListBuckets; and forms and preflights.
    assert!(names.len() >= 108, "{}", names.len());
}

#[test]
fn writes_with_options_that_are_not_there_are_refused() {
    let address = Address {
        style: AddressStyle::Path,
        bucket: Some("bkt".to_owned()),
        key: Some(b"key".to_vec()),
        endpoint: None,
    };
    let mut headers = HeaderMap::new();
    headers.insert("x-amz-write-offset-bytes", HeaderValue::from_static("3"));
    let found = route(&Method::PUT, &address, &Query::default(), &headers);
    assert!(found.fault().is_some());
    // A part without its upload is no object.
    let query = Query::parse("partNumber=1");
    let found = route(&Method::PUT, &address, &query, &HeaderMap::new());
    assert_eq!(found.name(), Some("UploadPart"));
}
