//! Signatures: nothing but the right one opens the door.

use std::sync::LazyLock;

use osier_auth::{
    Authentication, Identity, KeyRecord, ResourceName, Secret, SignedHead, StaticKeyRing, Verifier,
};
use osier_types::{Owner, Timestamp};

use crate::reply::assert_answerable;
use crate::request::Request;

/// The key that the corpus is signed with.
pub(crate) const ID: &str = "LTAI5tExampleKeyId";
/// Its secret.
const SECRET: &str = "ExampleSecret0123456789abcdefgh";
/// When the corpus was signed.
pub(crate) const NOW: Timestamp = Timestamp::from_seconds(1_795_316_645);

/// The right secret for a few keys that nobody signed anything with.
pub(crate) static UNUSED: LazyLock<StaticKeyRing> = LazyLock::new(|| ring("unguessed"));
pub(crate) static USED: LazyLock<StaticKeyRing> = LazyLock::new(|| ring(SECRET));

/// Signatures of every scheme, in headers and in queries. By a secret that signed none of
/// the inputs, none is right.
pub fn oss_signature(data: &[u8]) {
    let Some(request) = Request::parse(data) else {
        return;
    };
    let Ok(addressed) = request.address() else {
        return;
    };
    let candidates: Vec<_> = addressed
        .candidates
        .iter()
        .map(|address| ResourceName {
            bucket: address.bucket.clone(),
            key: address.key.clone(),
        })
        .collect();
    let head = SignedHead {
        method: &request.method,
        headers: &request.headers,
        query: &addressed.query,
        raw_query: &addressed.raw_query,
        raw_path: &addressed.raw_path,
        candidates: &candidates,
        hosts: &[],
    };
    match Verifier::default().authenticate(&head, &*UNUSED, NOW) {
        Ok(Authentication::Signed(signed)) => panic!("forged: {signed:?}"),
        Ok(Authentication::Anonymous) => {}
        Err(fault) => assert_answerable(&fault, &request.method),
    }
    match Verifier::default().authenticate(&head, &*USED, NOW) {
        Ok(Authentication::Signed(signed)) => {
            assert_eq!(signed.access_key_id, ID);
            assert!(signed.candidate < candidates.len());
        }
        Ok(Authentication::Anonymous) => {}
        Err(fault) => {
            assert_answerable(&fault, &request.method);
            let told = format!("{fault:?}");
            assert!(!told.contains(SECRET), "the secret is told");
        }
    }
}

fn ring(secret: &'static str) -> StaticKeyRing {
    let owner = Owner {
        id: "1000000000000001".to_owned(),
        display_name: "root".to_owned(),
    };
    let record = KeyRecord::permanent(Secret::from(secret), Identity::root(owner));
    let temporary = KeyRecord {
        token: Some(Secret::from("CAIS+Token/Example==")),
        ..record.clone()
    };
    let disabled = KeyRecord {
        enabled: false,
        ..record.clone()
    };
    StaticKeyRing::default()
        .with(ID, record)
        .with("STS.Example", temporary)
        .with("disabled", disabled)
}
