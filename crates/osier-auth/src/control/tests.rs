//! The vectors of the reference, and what must be refused.

use http::{HeaderMap, HeaderName, HeaderValue, Method};
use osier_types::{Timestamp, percent_encode};

use super::*;
use crate::directory::ControlFault;
use crate::mac::{hex, hmac_sha1, hmac_sha256, sha256};
use crate::testing::{ID, NOW, SECRET, ring};
use crate::{KeyRecord, Secret, StaticKeyRing, TokenFault};

const DATE: &str = "2026-11-22T03:04:05Z";
const NONCE: &str = "0123456789abcdef0123456789abcdef";
const EMPTY: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

#[derive(Clone)]
struct Probe {
    method: Method,
    query: String,
    headers: HeaderMap,
    body: Vec<u8>,
    now: Timestamp,
    ring: StaticKeyRing,
}

impl Probe {
    fn new(method: Method) -> Self {
        Self {
            method,
            query: String::new(),
            headers: HeaderMap::new(),
            body: Vec::new(),
            now: NOW,
            ring: ring(),
        }
    }

    fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.append(
            HeaderName::from_bytes(name.as_bytes()).unwrap(),
            HeaderValue::from_str(value).unwrap(),
        );
        self
    }

    fn set(mut self, name: &'static str, value: &str) -> Self {
        self.headers
            .insert(name, HeaderValue::from_str(value).unwrap());
        self
    }

    fn without(mut self, name: &str) -> Self {
        self.headers.remove(name);
        self
    }

    fn query(mut self, pairs: &[(&str, &str)]) -> Self {
        self.query = encode(pairs);
        self
    }

    fn form(mut self, pairs: &[(&str, &str)]) -> Self {
        self.body = encode(pairs).into_bytes();
        self.header("content-type", "application/x-www-form-urlencoded")
    }

    fn verify_with(&self, nonces: &Nonces) -> Result<ControlAuthentication, ControlFault> {
        let head = ControlHead {
            method: &self.method,
            path: "/",
            raw_query: &self.query,
            headers: &self.headers,
            body: &self.body,
        };
        authenticate_control(&head, &self.ring, nonces, self.now)
    }

    fn verify(&self) -> Result<ControlAuthentication, ControlFault> {
        self.verify_with(&Nonces::default())
    }

    #[track_caller]
    fn refused(&self) -> String {
        self.verify().unwrap_err().code()
    }

    /// Signs all headers but `authorization` with ACS3.
    fn acs3(self, signature: &str) -> Self {
        let mut names: Vec<&str> = self
            .headers
            .keys()
            .map(HeaderName::as_str)
            .filter(|name| *name != "authorization")
            .collect();
        names.sort_unstable();
        let names = names.join(";");
        let value =
            format!("ACS3-HMAC-SHA256 Credential={ID},SignedHeaders={names},Signature={signature}");
        self.set("authorization", &value)
    }

    /// Signs with what the server says it would sign.
    fn acs3_signed(self) -> Self {
        let wrong = self.acs3(&"0".repeat(64));
        let Err(ControlFault::SignatureDoesNotMatch { string_to_sign, .. }) = wrong.verify() else {
            panic!("{:?}", wrong.verify());
        };
        let signature = hmac_sha256(SECRET.as_bytes(), string_to_sign.as_bytes());
        let signature = String::from_utf8(hex(&signature).to_vec()).unwrap();
        wrong.acs3(&signature)
    }
}

fn encode(pairs: &[(&str, &str)]) -> String {
    let pairs: Vec<String> = pairs
        .iter()
        .map(|(name, value)| {
            // Blanks as the clients write them.
            let value = percent_encode(value.as_bytes(), false).replace("%20", "+");
            format!("{name}={value}")
        })
        .collect();
    pairs.join("&")
}

fn acs3(host: &str, version: &str, action: &str) -> Probe {
    Probe::new(Method::POST)
        .header("host", host)
        .header("accept", "application/json")
        .header("x-acs-version", version)
        .header("x-acs-action", action)
        .header("x-acs-date", DATE)
        .header("x-acs-signature-nonce", NONCE)
        .header("x-acs-content-sha256", EMPTY)
}

fn caller_identity() -> Probe {
    acs3(
        "sts.cn-beijing.aliyuncs.com",
        "2015-04-01",
        "GetCallerIdentity",
    )
    .acs3("d8b9c41e923f29782bf86a09774b6d07551291ef9ba459ed97b10a64dfdf3640")
}

fn temporary() -> StaticKeyRing {
    StaticKeyRing::default().with(
        ID,
        KeyRecord {
            token: Some(Secret::from("TOK")),
            ..crate::testing::record()
        },
    )
}

#[test]
fn acs3_1_parameters_in_the_query() {
    let probe = acs3("sts.cn-beijing.aliyuncs.com", "2015-04-01", "AssumeRole")
        .query(&[
            ("DurationSeconds", "900"),
            ("Policy", r#"{"Version":"1"}"#),
            ("RoleArn", "acs:ram::123456789:role/oss-upload-role"),
            ("RoleSessionName", "user 1+2"),
        ])
        .acs3("8ed0231a1caf05c317c745a76de2dc3161be0dc25a1bbb8d465ac9f403d9504d");
    let signed = probe.verify().unwrap();
    assert_eq!(signed.scheme, ControlScheme::Acs3);
    assert_eq!(
        (signed.action.as_str(), signed.version.as_str()),
        ("AssumeRole", "2015-04-01")
    );
    assert_eq!(
        parameters::find(&signed.parameters, "RoleSessionName"),
        Some("user 1+2")
    );
    let Err(ControlFault::SignatureDoesNotMatch {
        canonical_request: Some(canonical),
        ..
    }) = probe.acs3(&"0".repeat(64)).verify()
    else {
        panic!();
    };
    assert_eq!(
        String::from_utf8(hex(&sha256(&[canonical.as_bytes()])).to_vec()).unwrap(),
        "077bfcd4f66ba92dc4e505f751fafdb1f1864785b2ec9fab6936fece01243854"
    );
}

#[test]
fn acs3_2_no_parameters() {
    let signed = caller_identity().verify().unwrap();
    assert_eq!(signed.access_key_id, ID);
    assert_eq!(signed.identity, crate::testing::root());
}

#[test]
fn acs3_3_parameters_in_a_form() {
    let probe = acs3("cdn.aliyuncs.com", "2018-05-10", "RefreshObjectCaches")
        .form(&[
            ("ObjectPath", "https://cdn.example.com/a.png"),
            ("ObjectType", "File"),
        ])
        .set(
            "x-acs-content-sha256",
            "c69fccd4f3a4ae9397632bcee1ce4a83f8bac6d754265ea5ceedff0efd4a33dd",
        )
        .acs3("c481ded022cb5ba5c066623df4ae9b9d5a752c125afd35cc3a554bf994a590cb");
    let signed = probe.verify().unwrap();
    assert_eq!(
        parameters::find(&signed.parameters, "ObjectType"),
        Some("File")
    );
    let mut other = probe;
    other.body.push(b'x');
    assert_eq!(other.refused(), "InvalidParameter.ContentSha256");
    assert_eq!(
        other.without("x-acs-content-sha256").refused(),
        "IncompleteSignature",
        "a signed header that is missing"
    );
}

#[test]
fn acs3_4_with_a_security_token() {
    let mut probe = acs3("ram.aliyuncs.com", "2015-05-01", "CreateUser")
        .query(&[("UserName", "app-oss-user")])
        .header("x-acs-security-token", "TOK")
        .header("x-acs-accesskey-id", ID)
        .acs3("548aa48607472c742cdda46a4f778b4e4f0371cfe7040d4f9f028b1c7987aca3");
    probe.ring = temporary();
    probe.verify().unwrap();
    let other = probe.clone().set("x-acs-security-token", "TOK2");
    assert_eq!(other.refused(), "InvalidSecurityToken.Malformed");
    let named = probe.clone().set("x-acs-accesskey-id", "LTAI5tOther");
    assert_eq!(named.refused(), "IncompleteSignature");
    probe.headers.remove("x-acs-security-token");
    assert_eq!(probe.refused(), "InvalidAccessKeyId.NotFound");
}

#[test]
fn acs3_a_token_that_is_not_signed_is_refused() {
    let mut probe = caller_identity().header("x-acs-security-token", "TOK");
    probe.ring = temporary();
    assert_eq!(probe.refused(), "IncompleteSignature");
}

#[test]
fn s04_acs3_breaks_on_any_change() {
    let good = caller_identity();
    for (name, value) in [
        ("host", "sts.aliyuncs.com"),
        ("accept", "*/*"),
        ("x-acs-version", "2015-05-01"),
        ("x-acs-action", "AssumeRole"),
        ("x-acs-date", "2026-11-22T03:04:06Z"),
        ("x-acs-signature-nonce", "0"),
    ] {
        let changed = good.clone().set(name, value);
        assert_eq!(changed.refused(), "SignatureDoesNotMatch", "{name}");
        let missing = good.clone().without(name);
        assert_eq!(missing.refused(), "IncompleteSignature", "{name}");
        let twice = good.clone().header(name, value);
        assert_eq!(twice.refused(), "IncompleteSignature", "{name}");
    }
    let mut changed = good.clone();
    changed.method = Method::GET;
    assert_eq!(changed.refused(), "SignatureDoesNotMatch");
    let changed = good.clone().query(&[("UserName", "x")]);
    assert_eq!(changed.refused(), "SignatureDoesNotMatch");
    let mut changed = good;
    changed.body = b"x".to_vec();
    assert_eq!(changed.refused(), "InvalidParameter.ContentSha256");
}

#[test]
fn acs3_what_matters_must_be_signed() {
    for name in [
        "host",
        "x-acs-action",
        "x-acs-version",
        "x-acs-date",
        "x-acs-signature-nonce",
    ] {
        let good = caller_identity();
        let header = good.headers.get("authorization").unwrap().to_str().unwrap();
        let header = header
            .replace(&format!("{name};"), "")
            .replace(&format!(";{name},"), ",");
        let probe = good.set("authorization", &header);
        assert_eq!(probe.refused(), "IncompleteSignature", "{name}");
    }
}

#[test]
fn acs3_malformed_headers() {
    for header in [
        "",
        "ACS3-HMAC-SHA256",
        "ACS3-HMAC-SHA256 ",
        "ACS3-HMAC-SHA1 Credential=a,SignedHeaders=host,Signature=b",
        "ACS3-HMAC-SHA256 Credential=a,SignedHeaders=host",
        "ACS3-HMAC-SHA256 Credential=a,Credential=a,SignedHeaders=host,Signature=b",
        "ACS3-HMAC-SHA256 Credential=,SignedHeaders=host,Signature=b",
        "ACS3-HMAC-SHA256 Credential=a,SignedHeaders=host,Signature=b,Other=c",
        "OSS a:b",
    ] {
        let probe = caller_identity().set("authorization", header);
        assert_eq!(probe.refused(), "IncompleteSignature", "{header}");
    }
}

fn rpc(method: Method, version: &str, action: &str, more: &[(&str, &str)]) -> Probe {
    let mut pairs = vec![
        ("Action", action),
        ("Version", version),
        ("Format", "JSON"),
        ("Timestamp", DATE),
        ("SignatureMethod", "HMAC-SHA1"),
        ("SignatureVersion", "1.0"),
        ("SignatureNonce", "0123456789abcdef"),
        ("AccessKeyId", ID),
    ];
    pairs.extend(more);
    Probe::new(method).query(&pairs)
}

fn rpc_1() -> Probe {
    rpc(
        Method::GET,
        "2015-04-01",
        "AssumeRole",
        &[
            ("RoleArn", "acs:ram::123456789:role/oss-upload-role"),
            ("RoleSessionName", "s1"),
            ("DurationSeconds", "900"),
            ("Signature", "3yQE62eu0bKUuHpPV/1LzPFqbu8="),
        ],
    )
}

#[test]
fn rpc_1_get() {
    let signed = rpc_1().verify().unwrap();
    assert_eq!(signed.scheme, ControlScheme::Rpc);
    assert_eq!(signed.action, "AssumeRole");
    assert_eq!(
        parameters::find(&signed.parameters, "RoleSessionName"),
        Some("s1")
    );
}

#[test]
fn rpc_2_awkward_characters_in_query_and_in_form() {
    let more = [
        ("UserName", "a b"),
        ("Comments", "x+y/中*~"),
        ("Signature", "rcxcCn9cnZhzQXLTL8aUIVnJix0="),
    ];
    let in_query = rpc(Method::POST, "2015-05-01", "CreateUser", &more);
    let signed = in_query.verify().unwrap();
    assert_eq!(
        parameters::find(&signed.parameters, "Comments"),
        Some("x+y/中*~")
    );
    let mut in_form = Probe::new(Method::POST).header(
        "content-type",
        "application/x-www-form-urlencoded; charset=UTF-8",
    );
    in_form.body = in_query.query.into_bytes();
    in_form.verify().unwrap();
    in_form.headers.clear();
    assert_eq!(in_form.refused(), "MissingAccessKeyId");
}

#[test]
fn rpc_3_with_a_security_token() {
    let mut probe = rpc(
        Method::POST,
        "2018-05-10",
        "RefreshObjectCaches",
        &[
            ("ObjectPath", "https://cdn.example.com/a.png"),
            ("ObjectType", "File"),
            ("SecurityToken", "TOK"),
            ("Signature", "eayNjQWdZwFutNhn+9815nB/XXY="),
        ],
    );
    assert_eq!(
        probe.refused(),
        "InvalidSecurityToken.Malformed",
        "the key has none"
    );
    probe.ring = temporary();
    probe.verify().unwrap();
    probe.query = probe
        .query
        .replace("ObjectType=File", "ObjectType=Directory");
    let fault = probe.verify().unwrap_err();
    assert_eq!(fault.code(), "SignatureDoesNotMatch");
    assert!(
        !format!("{fault:?} {fault}").contains("TOK"),
        "s19: {fault}"
    );
}

#[test]
fn s04_rpc_breaks_on_any_change() {
    let good = rpc_1();
    let names = [
        "Action",
        "Version",
        "Format",
        "Timestamp",
        "SignatureMethod",
        "SignatureVersion",
        "SignatureNonce",
        "AccessKeyId",
        "RoleArn",
        "Signature",
    ];
    for name in names {
        let mut changed = good.clone();
        changed.query = changed
            .query
            .replacen(&format!("{name}="), &format!("{name}=x"), 1);
        assert!(changed.verify().is_err(), "{name}");
        let mut missing = good.clone();
        missing.query = missing
            .query
            .replacen(&format!("{name}="), &format!("x{name}="), 1);
        assert!(missing.verify().is_err(), "{name}");
        let mut twice = good.clone();
        twice.query = format!("{}&{name}=x", twice.query);
        assert_eq!(twice.refused(), "InvalidParameter", "{name}");
    }
    let mut changed = good.clone();
    changed.method = Method::POST;
    assert_eq!(changed.refused(), "SignatureDoesNotMatch");
    let mut changed = good.clone();
    changed.body = b"RoleArn=x".to_vec();
    assert_eq!(changed.refused(), "IncompleteSignature", "an unsigned body");
    assert_eq!(
        changed
            .header("content-type", "application/x-www-form-urlencoded")
            .refused(),
        "InvalidParameter",
        "the name is in the query too"
    );
    let both = good.header("authorization", "ACS3-HMAC-SHA256 x");
    assert_eq!(both.refused(), "IncompleteSignature");
}

#[test]
fn s45_fifteen_minutes_either_way() {
    for probe in [caller_identity(), rpc_1()] {
        for seconds in [-900, 0, 900] {
            let mut probe = probe.clone();
            probe.now = NOW.plus_millis(seconds * 1000);
            probe.verify().unwrap();
        }
        for millis in [-900_001, 900_001] {
            let mut probe = probe.clone();
            probe.now = NOW.plus_millis(millis);
            assert_eq!(probe.refused(), "InvalidTimeStamp.Expired");
        }
    }
    let no_date = caller_identity().set("x-acs-date", "yesterday");
    assert_eq!(no_date.refused(), "InvalidTimeStamp.Format");
}

#[test]
fn rpc_dates_may_have_milliseconds() {
    let mut probe = rpc_1();
    probe.query = probe.query.replace("03%3A04%3A05Z", "03%3A04%3A05.123Z");
    assert_eq!(
        probe.refused(),
        "SignatureDoesNotMatch",
        "the date is accepted"
    );
}

#[test]
fn s45_a_request_is_accepted_once() {
    let nonces = Nonces::default();
    caller_identity().verify_with(&nonces).unwrap();
    let mut replayed = caller_identity();
    for minutes in [0, 14] {
        replayed.now = NOW.plus_millis(minutes * 60_000);
        let fault = replayed.verify_with(&nonces).unwrap_err();
        assert_eq!(fault, ControlFault::NonceUsed);
    }
    let other = caller_identity()
        .set("x-acs-signature-nonce", "another")
        .acs3_signed();
    other.verify_with(&nonces).unwrap();
}

#[test]
fn s45_a_wrong_signature_uses_up_no_nonce() {
    let nonces = Nonces::new(1);
    let wrong = caller_identity().acs3(&"0".repeat(64));
    assert!(wrong.verify_with(&nonces).is_err());
    caller_identity().verify_with(&nonces).unwrap();
}

#[test]
fn s45_nonces_are_remembered_while_their_request_is_valid_and_no_longer_than_twice_that() {
    let later = |ms: i64| NOW.plus_millis(ms);
    let window = 2 * SKEW_MS_MAX;
    for offset in (0..4 * window).step_by(250_000) {
        let nonces = Nonces::new(10);
        nonces.admit("p", "a", "n", later(offset)).unwrap();
        assert_eq!(
            nonces.admit("p", "a", "n", later(offset + window)),
            Err(ControlFault::NonceUsed)
        );
        nonces.admit("p", "b", "n", later(offset + window)).unwrap();
        nonces
            .admit("p", "a", "n", later(offset + 2 * window + 2000))
            .unwrap();
    }
}

#[test]
fn s17_one_user_does_not_keep_others_out() {
    let nonces = Nonces::new(1000);
    for nth in 0..1000 {
        nonces.admit("busy", "a", &nth.to_string(), NOW).unwrap();
    }
    let refused = nonces.admit("busy", "b", "more", NOW);
    assert_eq!(refused, Err(ControlFault::Throttled), "of any key");
    for nonce in ["1", "2"] {
        nonces.admit("root", "c", nonce, NOW).unwrap();
    }
    let refused = nonces.admit("root", "c", "3", NOW);
    assert_eq!(refused, Err(ControlFault::Throttled), "there is an end");
}

#[test]
fn s45_a_full_memory_puts_requests_off() {
    let nonces = Nonces::new(2);
    nonces.admit("p", "a", "1", NOW).unwrap();
    nonces.admit("p", "a", "2", NOW).unwrap();
    assert_eq!(
        nonces.admit("p", "a", "3", NOW),
        Err(ControlFault::Throttled)
    );
    assert_eq!(
        nonces.admit("p", "a", "1", NOW),
        Err(ControlFault::NonceUsed)
    );
    nonces
        .admit("p", "a", "3", NOW.plus_millis(2 * SKEW_MS_MAX + 1000))
        .unwrap();
}

#[test]
fn disabled_and_unknown_keys() {
    let mut probe = caller_identity();
    probe.ring = StaticKeyRing::default().with(
        ID,
        KeyRecord {
            enabled: false,
            ..crate::testing::record()
        },
    );
    assert_eq!(probe.refused(), "InvalidAccessKeyId.Inactive");
    let wrong = probe.clone().acs3(&"0".repeat(64));
    assert_eq!(
        wrong.refused(),
        "SignatureDoesNotMatch",
        "strangers learn nothing"
    );
    probe.ring = StaticKeyRing::default();
    assert_eq!(probe.refused(), "InvalidAccessKeyId.NotFound");
    let mut rpc = rpc_1();
    rpc.ring = StaticKeyRing::default();
    assert_eq!(rpc.refused(), "InvalidAccessKeyId.NotFound");
}

#[test]
fn unsigned_requests() {
    assert_eq!(Probe::new(Method::POST).refused(), "MissingAccessKeyId");
    let mut probe = rpc_1();
    probe.query = probe.query.split("&Signature=").next().unwrap().to_owned();
    assert_eq!(probe.refused(), "MissingSignature");
}

#[test]
fn faults_have_their_statuses() {
    for (fault, code, status) in [
        (
            ControlFault::UnknownAccessKey,
            "InvalidAccessKeyId.NotFound",
            404,
        ),
        (ControlFault::NonceUsed, "SignatureNonceUsed", 400),
        (
            ControlFault::SecurityToken(TokenFault::Expired),
            "InvalidSecurityToken.Expired",
            400,
        ),
        (
            ControlFault::SecurityToken(TokenFault::OtherKey),
            "InvalidSecurityToken.MismatchWithAccessKey",
            400,
        ),
        (ControlFault::Throttled, "Throttling", 429),
        (ControlFault::Internal, "InternalError", 500),
    ] {
        assert_eq!((fault.code().as_str(), fault.status()), (code, status));
        assert!(!fault.to_string().is_empty());
    }
}

#[test]
fn other_signature_methods_are_refused() {
    let signed = |method: &str, version: &str, kind: &str| {
        let mut probe = rpc_1();
        probe.query = probe.query.replace("HMAC-SHA1", method).replace(
            "SignatureVersion=1.0",
            &format!("SignatureVersion={version}"),
        );
        probe.query = format!("{}&SignatureType={kind}", probe.query);
        probe.refused()
    };
    assert_eq!(
        signed("none", "1.0", ""),
        "InvalidParameter.SignatureMethod"
    );
    assert_eq!(
        signed("HMAC-SHA1", "2.0", ""),
        "InvalidParameter.SignatureVersion"
    );
    assert_eq!(
        signed("HMAC-SHA1", "1.0", "BEARERTOKEN"),
        "InvalidParameter.SignatureType"
    );
    assert_eq!(signed("HMAC-SHA1", "1.0", ""), "SignatureDoesNotMatch");
}

#[test]
fn rpc_is_signed_with_what_the_server_says() {
    let mut probe = rpc_1();
    probe.query = probe.query.replace("900", "3600");
    let Err(ControlFault::SignatureDoesNotMatch { string_to_sign, .. }) = probe.verify() else {
        panic!();
    };
    let digest = hmac_sha1(format!("{SECRET}&").as_bytes(), string_to_sign.as_bytes());
    let signature = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, digest);
    let signature = percent_encode(signature.as_bytes(), false);
    let stem = probe.query.split("&Signature=").next().unwrap().to_owned();
    probe.query = format!("{stem}&Signature={signature}");
    probe.verify().unwrap();
}
