use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use osier_types::{AccessDenial, Fault};

use super::*;
use crate::testing::*;
use crate::{Authentication, PostTarget, StaticKeyRing};

const S3_SCOPE: &str = "LTAI5tExampleKeyId/20261122/us-east-1/s3/aws4_request";
const KEY: (&str, &str) = ("key", "uploads/${filename}");

/// The policies that botocore made, and its signatures of them.
const V2_POLICY: &str = r#"{"expiration": "2026-11-22T04:04:05Z", "conditions": [{"bucket": "bkt-test"}, ["starts-with", "$key", "uploads/"], ["content-length-range", 1, 100]]}"#;
const V2_SIGNATURE: &str = "GyM1Ks83MmdUpXIxhjFB0qLWCWQ=";
const V4_POLICY: &str = r#"{"expiration": "2026-11-22T04:04:05Z", "conditions": [{"bucket": "bkt-test"}, ["starts-with", "$key", "uploads/"], ["content-length-range", 1, 100], {"success_action_status": "201"}, {"x-amz-algorithm": "AWS4-HMAC-SHA256"}, {"x-amz-credential": "LTAI5tExampleKeyId/20261122/us-east-1/s3/aws4_request"}, {"x-amz-date": "20261122T030405Z"}]}"#;
const V4_SIGNATURE: &str = "9ed3bea0938fbcbfb722f6e33501b99eb67f0c12cafcd8e3ca93666dce90ea2b";

#[derive(Clone)]
struct Form {
    fields: Vec<(String, String)>,
    ring: StaticKeyRing,
    now: Timestamp,
}

impl Form {
    fn new(fields: &[(&str, &str)]) -> Self {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        Self {
            fields: fields.iter().map(owned).collect(),
            ring: ring(),
            now: NOW,
        }
    }

    fn with(mut self, name: &str, value: &str) -> Self {
        self.fields.retain(|(held, _)| held != name);
        self.fields.push((name.to_owned(), value.to_owned()));
        self
    }

    fn without(mut self, name: &str) -> Self {
        self.fields.retain(|(held, _)| held != name);
        self
    }

    fn check(&self) -> Result<(Scheme, Option<crate::LengthRange>), Fault> {
        let fields: FormFields<'_> = self
            .fields
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_bytes()))
            .collect();
        let form = Verifier::default().authenticate_form(&fields, &self.ring, self.now)?;
        let Authentication::Signed(signed) = form.authentication else {
            panic!("anonymous");
        };
        let target = PostTarget {
            bucket: BUCKET,
            key: b"uploads/x",
        };
        let range = form.policy.unwrap().check(&target, &fields)?;
        Ok((signed.scheme, range))
    }

    #[track_caller]
    fn refused(&self) -> FaultKind {
        self.check().unwrap_err().kind
    }
}

fn v2() -> Form {
    Form::new(&[
        KEY,
        ("AWSAccessKeyId", ID),
        ("policy", &STANDARD.encode(V2_POLICY)),
        ("signature", V2_SIGNATURE),
    ])
}

fn v4() -> Form {
    Form::new(&[
        KEY,
        ("success_action_status", "201"),
        ("x-amz-algorithm", "AWS4-HMAC-SHA256"),
        ("x-amz-credential", S3_SCOPE),
        ("x-amz-date", STAMP),
        ("policy", &STANDARD.encode(V4_POLICY)),
        ("x-amz-signature", V4_SIGNATURE),
    ])
}

#[test]
fn botocore_signs_forms() {
    for (form, scheme) in [(v2(), Scheme::Aws2), (v4(), Scheme::Aws4)] {
        let (signed, range) = form.check().unwrap();
        assert_eq!(signed, scheme);
        let range = range.unwrap();
        assert_eq!((range.min, range.max), (1, 100));
        let ignored = form.with("x-ignore-me", "x").with("file", "x");
        assert!(ignored.check().is_ok());
    }
}

#[test]
fn s06_every_field_is_covered() {
    for form in [v2(), v4()] {
        for (name, value) in [
            ("acl", "public-read"),
            ("x-amz-meta-a", "b"),
            ("Content-Type", "text/html"),
            ("success_action_redirect", "http://example.com"),
            ("tagging", "<Tagging/>"),
            ("x-amz-checksum-crc32", "AAAAAA=="),
        ] {
            assert!(
                matches!(
                    form.clone().with(name, value).refused(),
                    FaultKind::AccessDenied(AccessDenial::PostPolicy { .. })
                ),
                "{name}"
            );
        }
    }
    // A condition that does not hold, on a field that is there or not.
    for form in [
        v4().with("success_action_status", "200"),
        v4().without("success_action_status"),
    ] {
        assert!(matches!(
            form.refused(),
            FaultKind::AccessDenied(AccessDenial::PostPolicy { .. })
        ));
    }
}

/// `policy` signed by the older scheme.
fn signed(policy: &str) -> Form {
    let text = STANDARD.encode(policy);
    let signature = STANDARD.encode(hmac_sha1(SECRET.as_bytes(), text.as_bytes()));
    v2().with("policy", &text).with("signature", &signature)
}

#[test]
fn s06_the_bucket_is_covered_too() {
    let key = r#"["starts-with", "$KEY", "uploads/"]"#;
    let policy = |conditions: &str| {
        format!(r#"{{"expiration": "2026-11-22T04:04:05Z", "conditions": [{conditions}]}}"#)
    };
    assert!(
        signed(&policy(&format!(r#"{{"bUcKeT": "bkt-test"}}, {key}"#)))
            .check()
            .is_ok()
    );
    for conditions in [
        key.to_owned(),
        format!(r#"{{"bucket": "other"}}, {key}"#),
        r#"{"bucket": "bkt-test"}"#.to_owned(),
    ] {
        assert!(matches!(
            signed(&policy(&conditions)).refused(),
            FaultKind::AccessDenied(AccessDenial::PostPolicy { .. })
        ));
    }
    for broken in [
        policy("{}"),
        policy(r#"["content-length-range", 0]"#),
        policy(r#"["content-length-range", -1, 0]"#),
        r#"{"expiration": "2026-11-22T04:04:05Z", "CONDITIONS": []}"#.to_owned(),
        r#"{"expiration": "soon", "conditions": []}"#.to_owned(),
    ] {
        assert!(
            matches!(
                signed(&broken).refused(),
                FaultKind::InvalidPolicyDocument { .. }
            ),
            "{broken}"
        );
    }
}

#[test]
fn s04_a_form_is_signed_once_and_rightly() {
    let unpadded = v2().with("signature", V2_SIGNATURE.trim_end_matches('='));
    assert!(matches!(
        unpadded.refused(),
        FaultKind::SignatureDoesNotMatch(_)
    ));
    let spoiled = v4().with("x-amz-signature", &V4_SIGNATURE.replace('9', "8"));
    assert!(matches!(
        spoiled.refused(),
        FaultKind::SignatureDoesNotMatch(_)
    ));
    let other = v4().with("policy", &STANDARD.encode(V2_POLICY));
    assert!(matches!(
        other.refused(),
        FaultKind::SignatureDoesNotMatch(_)
    ));
    for (name, value) in [
        ("AWSAccessKeyId", ID),
        ("OSSAccessKeyId", ID),
        ("x-oss-signature-version", "OSS4-HMAC-SHA256"),
    ] {
        assert!(matches!(
            v4().with(name, value).refused(),
            FaultKind::InvalidArgument { .. }
        ));
    }
    for name in [
        "x-amz-algorithm",
        "x-amz-credential",
        "x-amz-date",
        "x-amz-signature",
    ] {
        assert!(
            matches!(
                v4().without(name).refused(),
                FaultKind::MissingArgument { .. }
            ),
            "{name}"
        );
    }
    assert!(matches!(
        v2().without("signature").refused(),
        FaultKind::MissingArgument { .. }
    ));
}

#[test]
fn s45_forms_end() {
    let mut form = v4();
    form.now = NOW.plus_millis(3_600_000);
    assert!(form.check().is_ok());
    form.now = NOW.plus_millis(3_601_000);
    assert!(matches!(
        form.refused(),
        FaultKind::AccessDenied(AccessDenial::Expired { .. })
    ));
    // The older one says nothing of its beginning; this one does.
    form.now = NOW.plus_millis(-901_000);
    assert!(matches!(
        form.refused(),
        FaultKind::AccessDenied(AccessDenial::NotYetValid)
    ));
}
