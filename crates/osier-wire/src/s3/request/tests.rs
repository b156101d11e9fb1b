use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use osier_types::{
    BucketAcl, Encryption, Fault, FaultKind, ObjectAcl, Op, RangeSpec, StorageClass, VersionId,
};

use super::*;
use crate::{BodyUse, Hosts, address};

const OWNER: &str = "1000000000000001";

fn read(method: &str, target: &str, headers: &[(&str, &str)], body: &str) -> Result<Op, Fault> {
    let method = Method::from_bytes(method.as_bytes()).unwrap();
    let addressed = address(&method, target, Some("127.0.0.1:9000"), &Hosts::default()).unwrap();
    let headers: HeaderMap = headers
        .iter()
        .map(|(name, value)| {
            (
                HeaderName::from_bytes(name.as_bytes()).unwrap(),
                HeaderValue::from_str(value).unwrap(),
            )
        })
        .collect();
    let address = &addressed.candidates[0];
    let route = route(&method, address, &addressed.query, &headers);
    let document = match route.body() {
        BodyUse::Document { .. } => Bytes::copy_from_slice(body.as_bytes()),
        _ => Bytes::new(),
    };
    decode(
        &route,
        address,
        &addressed.query,
        &headers,
        &document,
        OWNER,
    )
}

fn kind(method: &str, target: &str, headers: &[(&str, &str)], body: &str) -> FaultKind {
    read(method, target, headers, body).unwrap_err().kind
}

const SIZED: (&str, &str) = ("content-length", "5");

#[test]
fn pages_are_clipped_and_may_be_empty() {
    for (query, expected) in [("", 1000), ("max-keys=0", 0), ("max-keys=5000", 1000)] {
        let Ok(Op::ListObjects(list)) = read("GET", &format!("/bkt?{query}"), &[], "") else {
            panic!("{query}");
        };
        assert_eq!(list.max_keys, expected, "{query}");
    }
    for wrong in ["-1", "x", "4294967296"] {
        let kind = kind("GET", &format!("/bkt?max-keys={wrong}"), &[], "");
        assert!(matches!(kind, FaultKind::InvalidArgument { .. }), "{wrong}");
    }
}

#[test]
fn new_objects_are_private_unless_said() {
    let put = |headers: &[(&str, &str)]| {
        let mut all = vec![SIZED];
        all.extend_from_slice(headers);
        match read("PUT", "/bkt/k", &all, "") {
            Ok(Op::PutObject(put)) => Ok(put.new),
            Ok(other) => panic!("{other:?}"),
            Err(fault) => Err(fault.kind),
        }
    };
    let new = put(&[]).unwrap();
    assert_eq!((new.acl, new.unsaid_acl), (None, ObjectAcl::Private));
    let new = put(&[("x-amz-acl", "public-read"), ("x-amz-meta-A", "b")]).unwrap();
    assert_eq!(new.acl, Some(ObjectAcl::PublicRead));
    assert_eq!(new.user_meta, [("a".to_owned(), b"b".to_vec())]);
    let everybody = "uri=\"http://acs.amazonaws.com/groups/global/AllUsers\"";
    let new = put(&[
        ("x-amz-grant-read", everybody),
        ("x-amz-grant-full-control", "id=1000000000000001"),
    ])
    .unwrap();
    assert_eq!(new.acl, Some(ObjectAcl::PublicRead));
    for wrong in [
        ("x-amz-acl", "authenticated-read"),
        ("x-amz-acl", "nonsense"),
        ("x-amz-grant-read", "id=\"somebody-else\""),
        ("x-amz-grant-write", everybody),
        ("x-amz-grant-read-acp", everybody),
        ("x-amz-grant-read", "emailAddress=a@b"),
        ("x-amz-grant-read", "nobody"),
        ("x-amz-storage-class", "Standard"),
    ] {
        assert!(put(&[wrong]).is_err(), "{wrong:?}");
    }
    let new = put(&[("x-amz-storage-class", "ONEZONE_IA")]).unwrap();
    assert_eq!(new.storage_class, Some(StorageClass::Ia));
    let new = put(&[("content-encoding", "aws-chunked, gzip")]).unwrap();
    assert_eq!(new.headers.content_encoding, Some(b"gzip".to_vec()));
    let new = put(&[("content-encoding", "aws-chunked")]).unwrap();
    assert_eq!(new.headers.content_encoding, None);
    assert!(put(&[("if-match", "\"a\""), ("if-none-match", "*")]).is_err());
}

#[test]
fn lists_of_grants() {
    let document = |grants: &str| {
        format!(
            "<AccessControlPolicy><Owner><ID>{OWNER}</ID></Owner><AccessControlList>{grants}\
             </AccessControlList></AccessControlPolicy>"
        )
    };
    let grant = |who: &str, what: &str| {
        format!("<Grant><Grantee>{who}</Grantee><Permission>{what}</Permission></Grant>")
    };
    let all = "<URI>http://acs.amazonaws.com/groups/global/AllUsers</URI>";
    let own = grant(&format!("<ID>{OWNER}</ID>"), "FULL_CONTROL");
    let acl = |grants: &str| match read("PUT", "/bkt?acl", &[], &document(grants)) {
        Ok(Op::PutBucketAcl { acl, .. }) => Ok(acl),
        Ok(other) => panic!("{other:?}"),
        Err(fault) => Err(fault.kind),
    };
    assert_eq!(acl(&own).unwrap(), BucketAcl::Private);
    assert_eq!(
        acl(&(own.clone() + &grant(all, "READ"))).unwrap(),
        BucketAcl::PublicRead
    );
    let both = grant(all, "READ") + &grant(all, "WRITE");
    assert_eq!(acl(&both).unwrap(), BucketAcl::PublicReadWrite);
    for wrong in [
        grant(all, "WRITE"),
        grant(all, "FULL_CONTROL"),
        grant("<ID>other</ID>", "READ"),
        grant("<EmailAddress>a@b</EmailAddress>", "READ"),
        grant("", "READ"),
        grant(all, "NONSENSE"),
    ] {
        assert!(acl(&wrong).is_err(), "{wrong}");
    }
}

#[test]
fn copies() {
    let copy = |headers: &[(&str, &str)]| read("PUT", "/bkt/k", headers, "");
    let Ok(Op::CopyObject(op)) = copy(&[("x-amz-copy-source", "src/a%20b%2Fc?versionId=null")])
    else {
        panic!()
    };
    assert_eq!(op.source.object.key.as_str(), "a b/c");
    assert_eq!(op.source.object.version, Some(VersionId::Null));
    // Onto itself only with a change.
    let itself = ("x-amz-copy-source", "bkt/k");
    assert!(matches!(
        copy(&[itself]).unwrap_err().kind,
        FaultKind::InvalidRequest { .. }
    ));
    assert!(copy(&[itself, ("x-amz-metadata-directive", "REPLACE")]).is_ok());
    let part = "/bkt/k?partNumber=1&uploadId=u";
    let source = ("x-amz-copy-source", "src/k");
    let range = ("x-amz-copy-source-range", "bytes=0-9");
    let Ok(Op::UploadPartCopy(op)) = read("PUT", part, &[source, range], "") else {
        panic!()
    };
    assert_eq!(op.range, Some(RangeSpec::FromTo(0, 9)));
    for wrong in ["bytes=0-", "0-9", "bytes=9-0", "bytes=a-b", "bytes=-5"] {
        let kind = kind(
            "PUT",
            part,
            &[source, ("x-amz-copy-source-range", wrong)],
            "",
        );
        assert!(matches!(kind, FaultKind::InvalidArgument { .. }), "{wrong}");
    }
}

#[test]
fn keys_of_customers() {
    let key = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
    let md5 = "cLw8D3LTGpjfVnqN5WTklw==";
    let md5_right = {
        use base64::Engine as _;
        use md5::{Digest as _, Md5};
        base64::engine::general_purpose::STANDARD.encode(Md5::digest([0; 32]))
    };
    let with = |md5: &str| {
        read(
            "PUT",
            "/bkt/k",
            &[
                SIZED,
                ("x-amz-server-side-encryption-customer-algorithm", "AES256"),
                ("x-amz-server-side-encryption-customer-key", key),
                ("x-amz-server-side-encryption-customer-key-MD5", md5),
            ],
            "",
        )
    };
    let Ok(Op::PutObject(put)) = with(&md5_right) else {
        panic!()
    };
    assert!(matches!(put.new.encryption, Some(Encryption::Customer(_))));
    let fault = with(md5).unwrap_err();
    assert!(!format!("{fault:?}").contains(key));
    assert!(
        read(
            "GET",
            "/bkt/k",
            &[("x-amz-server-side-encryption-customer-key", key)],
            ""
        )
        .is_err()
    );
}
