//! Requests as clients get them wrong, and what is found out.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::*;
use crate::StaticKeyRing;
use crate::mac::{finish, hex, hmac_sha1};
use crate::signing_keys::derive;
use crate::testing::{BUCKET, DATE, ID, NOW, Probe, SCOPE, SECRET, STAMP, TOKEN, bucket, object};
use crate::v4::parse_credential;

/// `probe` signed by V1 with a secret.
fn v1(probe: Probe, secret: &str) -> Probe {
    let probe = if probe.headers.contains_key("date") {
        probe
    } else {
        probe.header("date", DATE)
    };
    let text = probe
        .clone()
        .set("authorization", &format!("OSS {ID}:x"))
        .later_s(seconds_of(&probe))
        .string_to_sign();
    let signature = STANDARD.encode(hmac_sha1(secret.as_bytes(), text.as_bytes()));
    probe.header("authorization", &format!("OSS {ID}:{signature}"))
}

/// How far the date of `probe` is from the server's.
fn seconds_of(probe: &Probe) -> i64 {
    let date = probe.headers["date"].to_str().unwrap();
    let date = Timestamp::parse_http_date(date).unwrap();
    (date.as_millis() - NOW.as_millis()) / 1000
}

/// `probe` signed by V4.
fn v4(probe: Probe) -> Probe {
    let probe = probe.header("x-oss-date", STAMP);
    let header =
        |signature: &str| format!("OSS4-HMAC-SHA256 Credential={SCOPE},Signature={signature}");
    let wrong = "0".repeat(64);
    let text = probe
        .clone()
        .set("authorization", &header(&wrong))
        .string_to_sign();
    let scope = parse_credential(SCOPE, &Regions::Any).unwrap();
    let key = derive(&scope, &Secret::from(SECRET));
    let mac = hex(&finish(hmac::Mac::chain_update(key, text)));
    probe.header("authorization", &header(std::str::from_utf8(&mac).unwrap()))
}

fn get(target: ResourceName) -> Probe {
    Probe::new(Method::GET, target, "")
}

fn diagnosis_with(probe: &Probe, regions: &Regions, ids: &[&str]) -> Diagnosis {
    let refused = RefusedHead {
        method: &probe.method,
        headers: &probe.headers,
        raw_query: &probe.raw_query,
        candidates: &probe.candidates,
        readings: &[(
            object("other-host", "k"),
            "the client signed for the host `other-host`".to_owned(),
        )],
        received: probe.now,
    };
    diagnose(&refused, regions, &probe.ring, ids.iter().copied())
}

fn diagnosis(probe: &Probe) -> Diagnosis {
    diagnosis_with(probe, &Regions::Any, &[ID])
}

fn clues(diagnosis: &Diagnosis) -> Vec<Clue> {
    diagnosis
        .findings
        .iter()
        .map(|finding| finding.clue)
        .collect()
}

#[test]
fn headers_changed_on_the_way() {
    let signed = v1(
        get(object(BUCKET, "k")).header("content-type", "text/plain"),
        SECRET,
    );
    for (sent, clue) in [
        (
            signed.clone().set("content-type", "image/png"),
            Clue::Header,
        ),
        (
            signed.clone().header("x-oss-request-payer", "requester"),
            Clue::Header,
        ),
    ] {
        let found = diagnosis(&sent);
        assert_eq!(clues(&found), [clue], "{found:#?}");
        let (server, client) = (found.server.unwrap(), found.client.unwrap());
        assert_ne!(server, client);
        assert!(client.string_to_sign.starts_with("GET\n\ntext/plain\n"));
    }
    let both = signed
        .set("content-type", "image/png")
        .header("x-oss-request-payer", "requester");
    assert_eq!(clues(&diagnosis(&both)), [Clue::Header, Clue::Header]);
}

#[test]
fn hosts_paths_methods_and_parameters() {
    let mut sent = v1(get(object("other-host", "k")), SECRET);
    sent.candidates = vec![object(BUCKET, "k")];
    let found = diagnosis(&sent);
    assert_eq!(clues(&found), [Clue::Resource]);
    assert!(found.findings[0].says.contains("other-host"));

    let mut sent = v1(get(object(BUCKET, "a%20b")), SECRET);
    sent.candidates = vec![object(BUCKET, "a b")];
    assert_eq!(
        diagnosis(&sent).findings[0].says,
        "the client signed the key percent-encoded"
    );

    let mut sent = v1(get(object(BUCKET, "k")), SECRET);
    sent.method = Method::PUT;
    assert_eq!(clues(&diagnosis(&sent)), [Clue::Method]);

    let mut sent = v1(get(bucket(BUCKET)), SECRET);
    sent.raw_query = "acl".to_owned();
    let found = diagnosis(&sent);
    assert_eq!(
        found.findings[0].says,
        "the client signed without the parameter `acl`"
    );
}

#[test]
fn clocks() {
    // Two hours ahead, and right otherwise.
    let ahead = Timestamp::from_seconds(NOW.as_millis() / 1000 + 7200).http_date();
    let sent = v1(get(object(BUCKET, "k")).header("date", &ahead), SECRET);
    let found = diagnosis(&sent);
    assert_eq!(clues(&found), [Clue::Clock]);
    assert_eq!(
        found.findings[0].says,
        "the client's clock is 2 h 0 min ahead of the server's"
    );
    assert_eq!(found.client, found.server);
    // The clock is not the only thing.
    let both = sent.header("x-oss-request-payer", "requester");
    assert_eq!(clues(&diagnosis(&both)), [Clue::Clock, Clue::Header]);
}

#[test]
fn regions_are_named() {
    let sent = v4(get(object(BUCKET, "k")));
    let only = Regions::Only("cn-hangzhou".to_owned());
    let found = diagnosis_with(&sent, &only, &[ID]);
    assert_eq!(clues(&found), [Clue::Region]);
    assert!(found.findings[0].says.contains("`cn-beijing`"));
}

#[test]
fn payloads() {
    let sent = v4(get(object(BUCKET, "k")).header("x-oss-content-sha256", "UNSIGNED-PAYLOAD"))
        .set("x-oss-content-sha256", &"ab".repeat(32));
    let found = diagnosis(&sent);
    assert_eq!(clues(&found), [Clue::Payload]);
    let canonical = found.client.unwrap().canonical_request.unwrap();
    assert!(canonical.ends_with("UNSIGNED-PAYLOAD"));
}

#[test]
fn s19_secrets_are_tried_and_never_told() {
    let sent = v1(get(object(BUCKET, "k")), &format!("{SECRET}\n"));
    let found = diagnosis(&sent);
    assert_eq!(
        found.findings[0].says,
        "the client's secret has a line feed at its end"
    );
    let mut sent = v1(get(object(BUCKET, "k")), "other-secret");
    let other = KeyRecord {
        secret: Secret::from("other-secret"),
        ..crate::testing::record()
    };
    sent.ring = StaticKeyRing::default()
        .with(ID, crate::testing::record())
        .with("LTAI5tOther", other);
    let found = diagnosis_with(&sent, &Regions::Any, &[ID, "LTAI5tOther"]);
    assert_eq!(
        found.findings[0].says,
        "it is signed with the secret of the key `LTAI5tOther`"
    );
    let told = format!("{found:#?}");
    assert!(!told.contains(SECRET) && !told.contains("other-secret"));
    // Nobody's secret: nothing is found, and what the server signs is told all the same.
    let sent = v1(get(object(BUCKET, "k")), "nobody's");
    let found = diagnosis(&sent);
    assert!(found.findings.is_empty() && found.client.is_none());
    assert!(
        found
            .server
            .unwrap()
            .string_to_sign
            .ends_with("/bkt-test/k")
    );
}

#[test]
fn unknown_and_disabled_keys() {
    let mut sent = v1(get(object(BUCKET, "k")), SECRET);
    let disabled = KeyRecord {
        enabled: false,
        ..crate::testing::record()
    };
    sent.ring = StaticKeyRing::default().with(ID, disabled);
    assert!(diagnosis(&sent).findings[0].says.contains("is disabled"));
    sent.ring = StaticKeyRing::default().with("LTAI5tOther", crate::testing::record());
    let found = diagnosis_with(&sent, &Regions::Any, &["LTAI5tOther"]);
    assert_eq!(clues(&found), [Clue::Key]);
}

#[test]
fn s19_security_tokens_are_hidden() {
    let sent = v1(
        get(object(BUCKET, "k"))
            .header("x-oss-security-token", TOKEN)
            .temporary(),
        "wrong",
    );
    let found = diagnosis(&sent);
    let told = format!("{found:#?}");
    assert!(!told.contains(TOKEN), "{told}");
    assert!(told.contains("(security token)"));
}
