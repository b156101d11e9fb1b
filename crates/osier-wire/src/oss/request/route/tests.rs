use std::collections::HashSet;

use osier_types::{ConfigKind, ConfigSupport, Fault, FaultKind, Op};

use super::super::tests::{Sent, fault};
use super::*;
use crate::request::route::Decoder;
use crate::{BodyUse, Scope, Support};

/// A request that is nothing but this route.
fn example(spec: &RouteSpec) -> (String, Vec<(&'static str, &'static str)>) {
    let path = match spec.scope {
        Scope::Service => "/",
        Scope::Bucket => "/bkt/",
        Scope::Object => "/bkt/key",
    };
    let query = spec.query();
    let headers = spec.header.map(|name| (name, "/bkt/source"));
    (format!("{path}?{query}"), headers.into_iter().collect())
}

fn send(spec: &RouteSpec, extra_query: &str) -> (Route, Result<Op, Fault>) {
    let (target, headers) = example(spec);
    Sent {
        method: spec.method,
        target: &format!("{target}&{extra_query}"),
        headers: &headers,
        body: b"",
    }
    .read()
}

fn name(method: &str, target: &str, headers: &[(&str, &str)]) -> Option<&'static str> {
    let body = b"";
    let sent = Sent {
        method,
        target,
        headers,
        body,
    };
    sent.read().0.name()
}

#[test]
fn every_route_can_be_reached() {
    for spec in ROUTES {
        let (route, _) = send(spec, "");
        let reached = route.spec().unwrap_or_else(|| panic!("{spec:?}"));
        assert_eq!(format!("{reached:?}"), format!("{spec:?}"), "hidden");
        // All clients send `acl=` for `acl`.
        let (target, headers) = example(spec);
        let target = target.replace('&', "=&").replace("==", "=") + "=";
        let with_equals = name(spec.method, &target, &headers);
        if spec.also.is_empty() {
            assert_eq!(with_equals, Some(spec.name), "{target}");
        }
    }
}

#[test]
fn what_is_not_there_is_refused_by_name() {
    for spec in ROUTES {
        let (route, op) = send(spec, "");
        let refused = op.as_ref().err().map(|fault| fault.kind.clone());
        let expected = FaultKind::NotImplemented {
            what: spec.name.to_owned(),
        };
        if spec.support == Support::NotImplemented {
            assert_eq!(refused, Some(expected), "{spec:?}");
            assert_eq!(route.body(), BodyUse::None, "{spec:?}");
        } else {
            assert_ne!(refused, Some(expected), "{spec:?}");
        }
    }
}

/// `docs/compat.md` is made from the table, logs and metrics from `Op`: they must agree.
#[test]
fn names_agree_with_operations() {
    let mut decoded = 0;
    for spec in ROUTES {
        let arguments = "uploadId=u&partNumber=1&position=0";
        let arguments = if spec.scope == Scope::Object {
            arguments
        } else {
            ""
        };
        // The arguments are sub-resources themselves.
        let arguments = arguments.replace(
            "uploadId=u&",
            match spec.subresource {
                Some("uploadId") => "uploadId=u&",
                _ => "",
            },
        );
        let arguments = match spec.subresource {
            Some("uploadId") => arguments,
            _ => arguments.replace("partNumber=1&", ""),
        };
        if let (_, Ok(op)) = send(spec, &arguments) {
            decoded += 1;
            let listed = ["ListBucketInventory", "ListStyle", "ListObjectsV2"];
            if !listed.contains(&spec.name) {
                assert_eq!(op.name(), spec.name);
            }
        }
    }
    assert!(decoded > 60, "only {decoded} examples decode");
}

#[test]
fn configuration_documents_do_as_they_say() {
    for spec in ROUTES {
        match spec.decoder {
            Decoder::PutConfig(kind, _) => {
                assert_eq!(kind.support(), ConfigSupport::Stored, "{spec:?}");
                assert_eq!(spec.subresource, Some(kind.as_str()));
                assert!(matches!(spec.support, Support::Partial(_)));
            }
            Decoder::GetConfig(kind) | Decoder::DeleteConfig(kind) => {
                assert_ne!(kind.support(), ConfigSupport::Effective, "{spec:?}");
                assert_eq!(spec.subresource, Some(kind.as_str()));
                assert!(matches!(spec.support, Support::Partial(_)));
            }
            _ => {}
        }
    }
    for kind in ConfigKind::ALL.iter().filter(|kind| !kind.is_of_s3()) {
        let read = ROUTES
            .iter()
            .any(|spec| spec.method == "GET" && spec.subresource == Some(kind.as_str()));
        assert!(read, "{kind:?} can't be read");
    }
}

#[test]
fn the_table_names_the_whole_api() {
    let names: HashSet<&str> = ROUTES.iter().map(|spec| spec.name).collect();
    assert!(names.len() > 150, "{}", names.len());
}

#[test]
fn overloads_are_told_apart() {
    let copy = &[("x-oss-copy-source", "/b/k")][..];
    for (method, target, headers, expected) in [
        ("GET", "/", &[][..], "ListBuckets"),
        ("GET", "/?max-keys=3&marker=", &[], "ListBuckets"),
        ("GET", "/?regions", &[], "DescribeRegions"),
        ("GET", "/bkt", &[], "ListObjects"),
        ("GET", "/bkt/?list-type=2&prefix=", &[], "ListObjectsV2"),
        ("GET", "/bkt/?list-type=1", &[], "ListObjects"),
        ("GET", "/bkt/?versions&prefix=a", &[], "ListObjectVersions"),
        ("POST", "/bkt/?delete=", &[], "DeleteMultipleObjects"),
        ("POST", "/bkt/", &[], "PostObject"),
        ("PUT", "/bkt/", &[], "PutBucket"),
        ("PUT", "/bkt/k", &[], "PutObject"),
        ("PUT", "/bkt/k", copy, "CopyObject"),
        ("PUT", "/bkt/k?uploadId=1&partNumber=2", &[], "UploadPart"),
        (
            "PUT",
            "/bkt/k?partNumber=2&uploadId=1",
            copy,
            "UploadPartCopy",
        ),
        ("POST", "/bkt/k?uploadId=1", &[], "CompleteMultipartUpload"),
        ("DELETE", "/bkt/k?uploadId=1", &[], "AbortMultipartUpload"),
        ("GET", "/bkt/k?uploadId=1", &[], "ListParts"),
        (
            "POST",
            "/bkt/k?uploads&sequential",
            &[],
            "InitiateMultipartUpload",
        ),
        ("POST", "/bkt/k?append&position=0", &[], "AppendObject"),
        ("HEAD", "/bkt/k?objectMeta", &[], "GetObjectMeta"),
        ("HEAD", "/bkt/", &[], "HeadBucket"),
        ("GET", "/bkt/k?unknown=1&versionId=null", &[], "GetObject"),
        (
            "GET",
            "/bkt/k?x-oss-process=image/resize,w_1",
            &[],
            "GetObject (x-oss-process)",
        ),
        (
            "POST",
            "/bkt/k?x-oss-process=csv/select",
            &[],
            "SelectObject",
        ),
        ("POST", "/bkt/k?x-oss-process", &[], "ProcessObject"),
        (
            "GET",
            "/bkt/?policy&comp=callback",
            &[],
            "GetBucketCallbackPolicy",
        ),
        ("GET", "/bkt/?policy", &[], "GetBucketPolicy"),
        (
            "POST",
            "/bkt/?replication&comp=delete",
            &[],
            "DeleteBucketReplication",
        ),
        ("OPTIONS", "/bkt/k?acl&uploadId=1", &[], "OptionsObject"),
        // Two sub-resources: the one that stands first.
        ("GET", "/bkt/k?acl&tagging", &[], "GetObjectAcl"),
        ("GET", "/bkt/k?tagging&acl", &[], "GetObjectAcl"),
        (
            "DELETE",
            "/bkt/k?tagging&uploadId=1",
            &[],
            "AbortMultipartUpload",
        ),
        // A parameter named like a bucket's sub-resource means nothing when reading an object.
        ("GET", "/bkt/k?location=here&delete", &[], "GetObject"),
        ("GET", "/bkt/k?partNumber=1", &[], "GetObject"),
    ] {
        assert_eq!(
            name(method, target, headers),
            Some(expected),
            "{method} {target}"
        );
    }
}

/// A write that is not understood must not become another write.
#[test]
fn misplaced_subresources_are_refused() {
    for (method, target) in [
        ("PUT", "/bkt/k?uploads"),
        ("PUT", "/bkt/k?append&position=0"),
        ("PUT", "/bkt/k?lifecycle"),
        ("PUT", "/bkt/?location"),
        ("PUT", "/bkt/?stat"),
        ("PUT", "/bkt/?uploadId=1&partNumber=1"),
        ("DELETE", "/bkt/?acl"),
        ("DELETE", "/bkt/?uploadId=1"),
        ("DELETE", "/bkt/k?acl"),
        ("DELETE", "/bkt/k?cors"),
        ("POST", "/bkt/k"),
        ("POST", "/"),
        ("PUT", "/"),
        ("DELETE", "/"),
        ("OPTIONS", "/"),
        ("HEAD", "/bkt/k?acl"),
        ("GET", "/bkt/k?append"),
        ("PATCH", "/bkt/k"),
        ("PROPFIND", "/bkt/"),
    ] {
        let kind = fault(method, target, &[]);
        assert_eq!(kind, FaultKind::MethodNotAllowed, "{method} {target}");
    }
    let missing = FaultKind::MissingArgument {
        name: "uploadId".to_owned(),
    };
    assert_eq!(fault("PUT", "/bkt/k?partNumber=1", &[]), missing);
}

#[test]
fn options_that_are_not_there_are_refused() {
    let sized = ("content-length", "1");
    for header in [
        ("x-oss-server-side-encryption-customer-key", "1"),
        ("x-amz-server-side-encryption", "AES256"),
        ("x-oss-callback", "e30="),
        ("x-oss-callback-var", "e30="),
        ("if-none-match", "*"),
        ("if-match", "\"A\""),
        ("if-modified-since", "Sun, 22 Nov 2026 03:04:05 GMT"),
        ("if-unmodified-since", "Sun, 22 Nov 2026 03:04:05 GMT"),
        ("content-encoding", "gzip, AWS-chunked"),
    ] {
        let kind = fault("PUT", "/bkt/k", &[sized, header]);
        assert!(
            matches!(&kind, FaultKind::NotImplemented { what } if what.starts_with("PutObject with ")),
            "{header:?} {kind:?}"
        );
    }
    // Where an upload is begun they are understood, for its parts they are not.
    let encrypted = ("x-oss-server-side-encryption", "AES256");
    let kind = fault("PUT", "/bkt/k?partNumber=1&uploadId=U", &[sized, encrypted]);
    assert!(matches!(kind, FaultKind::NotImplemented { .. }));
    assert!(super::super::tests::op("PUT", "/bkt/k", &[sized, encrypted]).is_ok());
    let kind = fault("PUT", "/bkt/k?callback=e30%3D", &[sized]);
    assert!(matches!(kind, FaultKind::NotImplemented { .. }));
    let kind = fault("DELETE", "/bkt/k", &[("if-match", "\"A\"")]);
    assert!(matches!(kind, FaultKind::NotImplemented { .. }));
    // Reading, they mean something else or nothing.
    let reading = [
        ("if-none-match", "*"),
        ("x-oss-server-side-encryption", "x"),
    ];
    assert_eq!(
        name("GET", "/bkt/k?callback=jsonp", &reading),
        Some("GetObject")
    );
    assert!(super::super::tests::op("GET", "/bkt/k?callback=jsonp", &reading).is_ok());
    let kept = [sized, ("content-encoding", "gzip")];
    assert!(super::super::tests::op("PUT", "/bkt/k", &kept).is_ok());
}

#[test]
fn bodies() {
    let body = |method: &str, target: &str| {
        let sent = Sent {
            method,
            target,
            headers: &[],
            body: b"",
        };
        sent.read().0.body()
    };
    assert_eq!(body("PUT", "/bkt/k"), BodyUse::Stream);
    assert_eq!(
        body("PUT", "/bkt/k?uploadId=1&partNumber=1"),
        BodyUse::Stream
    );
    assert_eq!(body("POST", "/bkt/k?append&position=0"), BodyUse::Stream);
    assert_eq!(body("POST", "/bkt/"), BodyUse::Form);
    assert!(matches!(
        body("POST", "/bkt/?delete"),
        BodyUse::Document { .. }
    ));
    assert_eq!(body("GET", "/bkt/k"), BodyUse::None);
    assert_eq!(body("PUT", "/bkt/k?symlink"), BodyUse::None);
}
