//! The control APIs: parameters, dispatch, signatures, answers.

use std::sync::LazyLock;

use http::Method;
use osier_auth::control::{ControlHead, Nonces, authenticate_aws, authenticate_control};
use osier_auth::directory::{Context, ControlFault, ControlOutcome, Directory, NewAccount};
use osier_auth::policy::Conditions;
use osier_auth::{Identity, Verifier};
use osier_types::{Owner, Query, SeededRng};
use osier_wire::Encoded;
use osier_wire::aws::{self, AwsContext};
use osier_wire::rpc::{
    self, Format, OPERATIONS, Recognition, RpcContext, encode, encode_fault, form_of_control,
    recognise,
};

use crate::reply::assert_well_formed;
use crate::request::Request;
use crate::signature::{NOW, UNUSED};

const ACCOUNT: &str = "1000000000000001";

/// One account, in which every operation is tried.
static DIRECTORY: LazyLock<Directory> = LazyLock::new(|| {
    let mut directory = Directory::default();
    let rng = SeededRng::new(1);
    let context = Context {
        account: ACCOUNT,
        now: NOW,
        rng: &rng,
    };
    let account = NewAccount {
        id: Some(ACCOUNT.to_owned()),
        display_name: "root".to_owned(),
        email: String::new(),
    };
    directory.create_account(account, &context).expect("first");
    directory.rotate_token_keys(NOW, &rng).expect("a key");
    directory.take_changes();
    directory
});

/// Requests of the store stay the store's; no signature is forged; and whatever parameters
/// say, every operation is refused or done with an answer that can be read.
pub fn control(data: &[u8]) {
    let Some(request) = Request::parse(data) else {
        return;
    };
    let (path, raw_query) = request
        .target
        .split_once('?')
        .unwrap_or((request.target, ""));
    let recognition = recognise(&request.method, path, raw_query, &request.headers);
    if !matches!(path, "" | "/") || ![Method::GET, Method::POST].contains(&request.method) {
        assert_eq!(recognition, Recognition::Store);
    }
    if recognition == Recognition::AskForm {
        let _ = form_of_control(&request.document);
    }
    let format = Format::wanted(raw_query, &request.document, &request.headers);
    let head = ControlHead {
        method: &request.method,
        path,
        raw_query,
        headers: &request.headers,
        body: &request.document,
    };
    match authenticate_control(&head, &*UNUSED, &Nonces::new(4), NOW) {
        Ok(signed) => panic!("forged: {signed:?}"),
        Err(fault) => assert_answerable(format, &fault),
    }
    match authenticate_aws(&Verifier::default(), &head, &[], &*UNUSED, NOW) {
        Ok(signed) => panic!("forged: {signed:?}"),
        Err(fault) => assert_answerable_to_aws(None, &fault),
    }
    let mut parameters = pairs(raw_query);
    parameters.extend(pairs(&String::from_utf8_lossy(&request.document)));
    ask_as_aws(&parameters);
    for operation in OPERATIONS {
        match rpc::decode(operation, &parameters) {
            Err(fault) => assert_answerable(format, &fault),
            Ok(asked) => {
                let named = asked.action().split(':').nth(1);
                assert_eq!(named, Some(operation.action));
                let mut directory = DIRECTORY.clone();
                let (rng, conditions) = (SeededRng::new(2), Conditions::default());
                match directory.execute(&root(), asked, &conditions, NOW, &rng) {
                    Ok(outcome) => assert_readable(&answer(format, operation.action, &outcome)),
                    Err(fault) => {
                        assert!(directory.take_changes().is_empty(), "{fault:?}");
                        assert_answerable(format, &fault);
                    }
                }
            }
        }
    }
}

/// As [`control`] does, in the query protocol of AWS.
fn ask_as_aws(parameters: &[(String, String)]) {
    for operation in aws::OPERATIONS {
        let mut directory = DIRECTORY.clone();
        let asked = match aws::decode(operation, parameters, &root(), &directory) {
            Ok(asked) => asked,
            Err(fault) => {
                assert_answerable_to_aws(Some(operation), &fault);
                continue;
            }
        };
        let (rng, conditions) = (SeededRng::new(2), Conditions::default());
        let mut execute = |request| directory.execute(&root(), request, &conditions, NOW, &rng);
        let done: Result<Vec<_>, _> = asked.requests.iter().cloned().map(&mut execute).collect();
        match done {
            Ok(outcomes) => {
                let answer = aws::encode(&AWS, operation, &asked, &outcomes, &root());
                assert_readable(&answer);
            }
            Err(fault) => assert_answerable_to_aws(Some(operation), &fault),
        }
    }
}

const AWS: AwsContext<'_> = AwsContext {
    request_id: "4e5c0a3b-67b8-4b5a-9da4-2229d0123456",
    now: NOW,
};

fn assert_answerable_to_aws(operation: Option<&aws::Operation>, fault: &ControlFault) {
    let answer = aws::encode_fault(&AWS, fault, operation, Some(&root()));
    let status = answer.head.status;
    assert!(
        status.is_client_error() || status.is_server_error(),
        "{status}: {fault:?}"
    );
    assert_readable(&answer);
}

fn root() -> Identity {
    Identity::root(Owner {
        id: ACCOUNT.to_owned(),
        display_name: "root".to_owned(),
    })
}

fn pairs(raw: &str) -> Vec<(String, String)> {
    Query::parse(&raw.replace('+', " "))
        .pairs()
        .iter()
        .map(|pair| {
            let value = String::from_utf8_lossy(&pair.value).into_owned();
            (pair.name.clone(), value)
        })
        .collect()
}

fn context(format: Format) -> RpcContext<'static> {
    RpcContext {
        request_id: "4E5C0A3B-67B8-4B5A-9DA4-2229D0123456",
        host: "127.0.0.1:9000",
        format,
        now: NOW,
    }
}

fn answer(format: Format, action: &str, outcome: &ControlOutcome) -> Encoded {
    encode(&context(format), action, outcome)
}

fn assert_answerable(format: Format, fault: &ControlFault) {
    let answer = encode_fault(&context(format), fault, Some(&root()));
    let status = answer.head.status;
    assert!(
        status.is_client_error() || status.is_server_error(),
        "{status}: {fault:?}"
    );
    assert!(fault.code().starts_with(rpc::family(fault)) || fault.code().starts_with("Missing"));
    assert_readable(&answer);
}

fn assert_readable(answer: &Encoded) {
    let is_xml = answer.body.starts_with(b"<");
    if is_xml {
        assert_well_formed(&answer.body);
    } else {
        let read: serde_json::Value = serde_json::from_slice(&answer.body).expect("JSON");
        assert!(read["RequestId"].is_string());
    }
}
