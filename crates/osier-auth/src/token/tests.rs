//! Tokens that must not open.

use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE};
use osier_types::SeededRng;

use super::*;
use crate::testing::NOW;

fn claims() -> Claims {
    Claims {
        access_key_id: "STS.Nabc".to_owned(),
        secret: Secret::from("canary-secret"),
        account: "1000000000000001".to_owned(),
        role_id: Some("3".to_owned()),
        session: "s1".to_owned(),
        issued: NOW,
        expires: NOW.plus_millis(900_000),
        policy: Some("{}".to_owned()),
        issuer: Issuer::User {
            account: "1000000000000001".to_owned(),
            id: "2".to_owned(),
        },
        issuing_key: Some("LTAI5tx".to_owned()),
    }
}

fn keys(seed: u64) -> TokenKeys {
    let mut keys = TokenKeys::default();
    let key = keys.next_key(NOW, &SeededRng::new(seed)).unwrap();
    keys.put(Arc::new(key));
    keys
}

fn token(keys: &TokenKeys) -> Vec<u8> {
    let token = keys.seal(&claims(), &SeededRng::new(5)).unwrap();
    token.reveal().to_vec()
}

#[test]
fn a_token_says_what_was_sealed() {
    let keys = keys(1);
    let opened = keys.open(&token(&keys)).unwrap();
    let claims = claims();
    assert_eq!(opened.access_key_id, claims.access_key_id);
    assert!(opened.secret.matches(b"canary-secret"));
    assert_eq!(
        (opened.issued, opened.expires),
        (claims.issued, claims.expires)
    );
    assert!(
        TokenKeys::default()
            .seal(&claims, &SeededRng::new(5))
            .is_none()
    );
    assert_eq!(
        (opened.policy, opened.issuer),
        (claims.policy, claims.issuer)
    );
}

#[test]
fn s16_every_mutation_is_refused() {
    let keys = keys(1);
    let good = token(&keys);
    let refused = |token: &[u8]| {
        assert_eq!(
            keys.open(token).map(drop),
            Err(TokenFault::Invalid),
            "{}",
            String::from_utf8_lossy(token)
        );
    };
    let bytes = STANDARD.decode(&good).unwrap();
    for at in 0..bytes.len() {
        for bit in 0..8 {
            let mut changed = bytes.clone();
            changed[at] ^= 1 << bit;
            refused(STANDARD.encode(&changed).as_bytes());
        }
        refused(STANDARD.encode(&bytes[..at]).as_bytes());
        refused(
            STANDARD
                .encode([&bytes[..at], &bytes[at..], b"x"].concat())
                .as_bytes(),
        );
    }
    for at in 0..good.len() {
        refused(&good[..at]);
    }
    for other in [
        STANDARD_NO_PAD.encode([&bytes[..], b"a"].concat()),
        URL_SAFE.encode(&bytes) + "A",
        String::from_utf8(good.clone()).unwrap() + "=",
        String::from_utf8(good.clone()).unwrap() + "\n",
        format!(" {}", String::from_utf8(good.clone()).unwrap()),
        String::new(),
        "CAIS".to_owned(),
        "CAISAAAA".to_owned(),
        "eyJhbGciOiJub25lIn0.e30.".to_owned(),
        "A".repeat(100_000),
    ] {
        refused(other.as_bytes());
    }
    refused(b"\xFF\xFE\x00");
}

#[test]
fn s16_another_servers_token_is_refused() {
    let (ours, theirs) = (keys(1), keys(2));
    assert_eq!(
        ours.open(&token(&theirs)).map(drop),
        Err(TokenFault::Invalid)
    );
    let neither = TokenKeys::default();
    assert_eq!(
        neither.open(&token(&ours)).map(drop),
        Err(TokenFault::Invalid)
    );
}

#[test]
fn s19_nothing_is_shown() {
    let keys = keys(1);
    let good = token(&keys);
    let bytes = STANDARD.decode(&good).unwrap();
    assert!(!bytes.windows(6).any(|part| part == b"canary"));
    let printed = format!(
        "{keys:?} {:?} {:?}",
        claims(),
        keys.next_key(NOW, &SeededRng::new(1))
    );
    assert!(!printed.contains("canary"));
    let key = TokenKeys::default()
        .next_key(NOW, &SeededRng::new(1))
        .unwrap();
    assert!(format!("{key:?}").contains("Secret"));
}

#[test]
fn ids_of_keys_may_go_round() {
    let mut keys = TokenKeys::default();
    keys.put(Arc::new(TokenKey {
        id: u32::MAX,
        secret: Secret::from("a"),
        created: NOW,
    }));
    assert!(
        keys.next_key(NOW.plus_millis(ROTATION_MS - 1), &SeededRng::new(1))
            .is_none()
    );
    let next = keys
        .next_key(NOW.plus_millis(ROTATION_MS), &SeededRng::new(1))
        .unwrap();
    assert_eq!(next.id, 0);
    assert_eq!((keys.len(), keys.is_empty()), (1, false));
}
