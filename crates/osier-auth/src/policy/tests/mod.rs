//! What the language means: by table, by example, and against the oracle.

mod aws;
mod conditions;
mod explain;
mod grammar;
mod random;
mod semantics;

use super::*;

const OWNER: &str = "1000000000000001";
const OTHER: &str = "1000000000000002";

#[track_caller]
fn bucket_policy(statement: &str) -> Policy {
    let text = format!(r#"{{"Version":"1","Statement":{statement}}}"#);
    Policy::parse(&text, PolicyKind::Bucket).unwrap()
}

#[track_caller]
fn ram_policy(statement: &str) -> Policy {
    let text = format!(r#"{{"Version":"1","Statement":{statement}}}"#);
    Policy::parse(&text, PolicyKind::Ram).unwrap()
}

fn resource(path: &str) -> RequestResource<'_> {
    RequestResource {
        service: "oss",
        region: "cn-test",
        owner: OWNER,
        path: path.into(),
    }
}

#[expect(
    clippy::unnecessary_wraps,
    reason = "callers are asked about as options"
)]
fn root(account: &str) -> Option<Caller<'_>> {
    Some(Caller {
        account,
        who: Who::Root,
    })
}

#[expect(
    clippy::unnecessary_wraps,
    reason = "callers are asked about as options"
)]
fn user<'a>(name: &'a str, id: &'a str) -> Option<Caller<'a>> {
    Some(Caller {
        account: OWNER,
        who: Who::User { name, id },
    })
}

#[expect(
    clippy::unnecessary_wraps,
    reason = "callers are asked about as options"
)]
fn role<'a>(role: &'a str, session: &'a str) -> Option<Caller<'a>> {
    Some(Caller {
        account: OWNER,
        who: Who::AssumedRole { role, session },
    })
}

/// `A`, `D` or `I`.
fn verdict(policy: &Policy, facts: &RequestFacts<'_>) -> char {
    match policy.evaluate(facts) {
        Verdict::Allow(_) => 'A',
        Verdict::Deny(_) => 'D',
        Verdict::Ignore => 'I',
    }
}

fn ask(policy: &Policy, action: &str, path: &str, caller: Option<Caller<'_>>) -> char {
    let conditions = Conditions::default();
    verdict(
        policy,
        &RequestFacts::new(action, resource(path), caller, &conditions),
    )
}

fn ask_with(policy: &Policy, conditions: &Conditions<'_>) -> char {
    let facts = RequestFacts::new(
        "oss:GetObject",
        resource("media/a"),
        root(OTHER),
        conditions,
    );
    verdict(policy, &facts)
}
