use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use osier_types::{AccessDenial, FaultKind};

use super::*;
use crate::mac::hex;
use crate::testing::*;
use crate::{PostTarget, Secret};

const P1_1: &str = r#"{"expiration":"2026-11-22T04:04:05.000Z","conditions":[{"bucket":"bkt-test"},["starts-with","$key","uploads/"],["content-length-range",1,10485760],{"success_action_status":"201"}]}"#;
const P1_1_SIGNATURE: &str = "2o/BvTzGHkdxVjICbL4g+m5FNrc=";
const P1_2: &str =
    r#"{"expiration":"2027-01-01T00:00:00.000Z","conditions":[["content-length-range",0,1024]]}"#;
const P4_1: &str = r#"{"expiration":"2026-11-22T04:04:05.000Z","conditions":[{"bucket":"bkt-test"},{"x-oss-signature-version":"OSS4-HMAC-SHA256"},{"x-oss-credential":"LTAI5tExampleKeyId/20261122/cn-beijing/oss/aliyun_v4_request"},{"x-oss-date":"20261122T030405Z"},["starts-with","$key","uploads/"]]}"#;
const P4_1_SIGNATURE: &str = "cbdca51d8745355d3d46ee596f4df4ed113f33822851b50ae8730b45839caf58";

#[derive(Clone)]
struct Form {
    fields: Vec<(String, Vec<u8>)>,
    ring: crate::StaticKeyRing,
    now: Timestamp,
}

impl Form {
    fn new(fields: &[(&str, &str)]) -> Self {
        Self {
            fields: fields
                .iter()
                .map(|(name, value)| ((*name).to_owned(), value.as_bytes().to_vec()))
                .collect(),
            ring: ring(),
            now: NOW,
        }
    }

    fn v1(policy: &str, signature: &str) -> Self {
        Self::new(&[
            ("key", "uploads/x"),
            ("policy", &STANDARD.encode(policy)),
            ("OSSAccessKeyId", ID),
            ("Signature", signature),
        ])
    }

    fn v4(policy: &str, signature: &str) -> Self {
        Self::new(&[
            ("key", "uploads/x"),
            ("policy", &STANDARD.encode(policy)),
            ("x-oss-signature-version", "OSS4-HMAC-SHA256"),
            ("x-oss-credential", SCOPE),
            ("x-oss-date", STAMP),
            ("x-oss-signature", signature),
        ])
    }

    fn set(mut self, name: &str, value: &str) -> Self {
        self.fields.retain(|(held, _)| held != name);
        self.fields
            .push((name.to_owned(), value.as_bytes().to_vec()));
        self
    }

    fn without(mut self, name: &str) -> Self {
        self.fields.retain(|(held, _)| held != name);
        self
    }

    fn fields(&self) -> FormFields<'_> {
        self.fields
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_slice()))
            .collect()
    }

    fn authenticate(&self) -> Result<FormAuthentication, Fault> {
        authenticate_form(&self.fields(), &self.ring, self.now)
    }

    #[track_caller]
    fn signed(&self) -> (Signed, PostPolicy) {
        match self.authenticate() {
            Ok(FormAuthentication {
                authentication: Authentication::Signed(signed),
                policy: Some(policy),
            }) => (signed, policy),
            other => panic!("not signed: {other:?}"),
        }
    }

    #[track_caller]
    fn refused(&self) -> FaultKind {
        match self.authenticate() {
            Err(fault) => fault.kind,
            other => panic!("not refused: {other:?}"),
        }
    }
}

fn sign_v1(policy: &str) -> String {
    STANDARD.encode(hmac_sha1(
        SECRET.as_bytes(),
        STANDARD.encode(policy).as_bytes(),
    ))
}

fn sign_v4(policy: &str) -> String {
    let scope = parse_credential(SCOPE, &crate::Regions::Any).unwrap();
    let key = derive(&scope, &Secret::from(SECRET));
    let digest = finish(hmac::Mac::chain_update(key, STANDARD.encode(policy)));
    String::from_utf8(hex(&digest).to_vec()).unwrap()
}

#[test]
fn p1_1_and_p1_2() {
    assert!(
        STANDARD
            .encode(P1_1)
            .starts_with("eyJleHBpcmF0aW9uIjoiMjAyNi0xMS0y")
    );
    let form = Form::v1(P1_1, P1_1_SIGNATURE);
    let (signed, policy) = form.signed();
    assert_eq!((signed.scheme, signed.place), (Scheme::V1, Place::Form));
    assert_eq!(signed.identity, root());
    let target = PostTarget {
        bucket: BUCKET,
        key: b"uploads/x",
    };
    assert!(policy.check(&target, &form.fields()).is_err(), "status");
    let form = form.set("success_action_status", "201");
    let range = policy.check(&target, &form.fields()).unwrap().unwrap();
    assert_eq!((range.min, range.max), (1, 10_485_760));
    Form::v1(P1_2, "4tvHwmEl99hJbVZNitKbf0jjOIU=").signed();
}

#[test]
fn p4_1() {
    let (signed, _) = Form::v4(P4_1, P4_1_SIGNATURE).signed();
    assert_eq!((signed.scheme, signed.place), (Scheme::V4, Place::Form));
    assert_eq!(sign_v4(P4_1), P4_1_SIGNATURE);
}

#[test]
fn names_without_case() {
    let form = Form::v1(P1_1, "x")
        .without("Signature")
        .set("signature", P1_1_SIGNATURE);
    form.signed();
    let form = form
        .without("OSSAccessKeyId")
        .set("ossaccesskeyid", ID)
        .without("policy")
        .set("POLICY", &STANDARD.encode(P1_1));
    form.signed();
}

#[test]
fn anonymous_forms() {
    let form = Form::new(&[("key", "k"), ("x-oss-meta-a", "b")]);
    assert!(matches!(
        form.authenticate(),
        Ok(FormAuthentication {
            authentication: Authentication::Anonymous,
            policy: None
        })
    ));
    // A policy without a signature is not anonymous.
    let form = form.set("policy", &STANDARD.encode(P1_1));
    assert!(matches!(form.refused(), FaultKind::AccessDenied(_)));
}

#[test]
fn s03_parts_missing_or_wrong() {
    let mismatch = |form: Form| {
        let kind = form.refused();
        assert!(
            matches!(kind, FaultKind::SignatureDoesNotMatch(_)),
            "{kind:?}"
        );
    };
    let v1 = Form::v1(P1_1, P1_1_SIGNATURE);
    mismatch(v1.clone().set("Signature", "2o/BvTzGHkdxVjICbL4g+m5FNrd="));
    mismatch(v1.clone().set("policy", &STANDARD.encode(P1_2)));
    // Other spelling of the same policy.
    let spaced = format!("{}\n", STANDARD.encode(P1_1));
    mismatch(v1.clone().set("policy", &spaced));
    for name in ["Signature", "OSSAccessKeyId"] {
        assert!(
            matches!(
                v1.clone().without(name).refused(),
                FaultKind::AccessDenied(AccessDenial::MalformedSignature { .. })
            ),
            "{name}"
        );
    }
    assert!(matches!(
        v1.clone().without("policy").refused(),
        FaultKind::InvalidArgument { name, .. } if name == "policy"
    ));
    assert!(matches!(
        v1.clone().set("OSSAccessKeyId", "nobody").refused(),
        FaultKind::InvalidAccessKeyId { .. }
    ));
    assert_eq!(
        v1.clone().set("x-oss-security-token", "t").refused(),
        FaultKind::InvalidSecurityToken
    );
    let v4 = Form::v4(P4_1, P4_1_SIGNATURE);
    mismatch(
        v4.clone()
            .set("x-oss-signature", &P4_1_SIGNATURE.to_uppercase()),
    );
    mismatch(v4.clone().set("policy", &STANDARD.encode(P1_1)));
    for name in ["x-oss-signature", "x-oss-credential", "x-oss-date"] {
        assert!(
            matches!(
                v4.clone().without(name).refused(),
                FaultKind::AccessDenied(AccessDenial::MalformedSignature { .. })
            ),
            "{name}"
        );
    }
    for form in [
        v4.clone().without("x-oss-signature-version"),
        v4.clone().set("x-oss-signature-version", "OSS2"),
        v4.set("Signature", "x"),
    ] {
        assert!(matches!(
            form.refused(),
            FaultKind::InvalidArgument { name, .. } if name == "x-oss-signature-version"
        ));
    }
}

#[test]
fn s06_forms_end() {
    for (form, end) in [
        (Form::v1(P1_1, P1_1_SIGNATURE), 3600),
        (Form::v4(P4_1, P4_1_SIGNATURE), 3600),
    ] {
        let mut form = form;
        form.now = NOW.plus_millis(end * 1000);
        form.signed();
        form.now = NOW.plus_millis(end * 1000 + 1000);
        assert!(matches!(
            form.refused(),
            FaultKind::AccessDenied(AccessDenial::Expired { .. })
        ));
    }
    let mut early = Form::v4(P4_1, P4_1_SIGNATURE);
    early.now = NOW.plus_millis(-901_000);
    assert_eq!(
        early.refused(),
        FaultKind::AccessDenied(AccessDenial::NotYetValid)
    );
}

#[test]
fn s06_v4_policies_must_speak_of_their_signature() {
    for left_out in ["x-oss-signature-version", "x-oss-credential", "x-oss-date"] {
        let policy = P4_1.replace(left_out, "x-oss-meta-a");
        let form = Form::v4(&policy, &sign_v4(&policy));
        assert!(
            matches!(form.refused(), FaultKind::InvalidPolicyDocument { reason }
                if reason.contains(left_out)),
            "{left_out}"
        );
    }
}

#[test]
fn s06_v4_policy_with_a_token() {
    let form = Form {
        ring: temporary_ring(),
        ..Form::v4(P4_1, P4_1_SIGNATURE)
    };
    assert!(matches!(
        form.refused(),
        FaultKind::InvalidAccessKeyId { .. }
    ));
    let form = form.set("x-oss-security-token", TOKEN);
    assert!(matches!(
        form.refused(),
        FaultKind::InvalidPolicyDocument { .. }
    ));
    let policy = P4_1.replace(
        r#"{"bucket""#,
        &format!(r#"{{"x-oss-security-token":"{TOKEN}"}},{{"bucket""#),
    );
    let form = Form {
        ring: temporary_ring(),
        ..Form::v4(&policy, &sign_v4(&policy)).set("x-oss-security-token", TOKEN)
    };
    form.signed();
}

#[test]
fn s06_a_signed_policy_may_still_be_nonsense() {
    for policy in ["", "[]", "null", "{", r#"{"conditions":[]}"#] {
        let form = Form::v1(policy, &sign_v1(policy));
        match form.refused() {
            FaultKind::InvalidPolicyDocument { .. } => {}
            FaultKind::InvalidArgument { .. } if policy.is_empty() => {}
            other => panic!("{policy}: {other:?}"),
        }
    }
}
