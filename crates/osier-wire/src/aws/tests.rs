use std::sync::Arc;

use osier_auth::directory::{
    Context, ControlFault, ControlOutcome, ControlRequest, CreateUser, Directory, NewAccount,
};
use osier_auth::policy::Conditions;
use osier_auth::{Identity, Principal};
use osier_types::{Owner, SeededRng, Timestamp};

use super::{Asked, AwsContext, OPERATIONS, arn, decode, encode, encode_fault, operation, words};

const ACCOUNT: &str = "123456789012";
const NOW: Timestamp = Timestamp::from_seconds(1_767_225_600);
const CONTEXT: AwsContext<'_> = AwsContext {
    request_id: "00000000-0000-4000-8000-000000000000",
    now: NOW,
};

fn root() -> Identity {
    Identity::root(Owner {
        id: ACCOUNT.to_owned(),
        display_name: "shop".to_owned(),
    })
}

/// An account with the user `alice`.
fn directory() -> Directory {
    let rng = SeededRng::new(1);
    let context = Context {
        account: ACCOUNT,
        now: NOW,
        rng: &rng,
    };
    let mut directory = Directory::default();
    directory
        .create_account(
            NewAccount {
                id: Some(ACCOUNT.to_owned()),
                ..NewAccount::default()
            },
            &context,
        )
        .unwrap();
    directory
        .create_user(
            &context,
            CreateUser {
                user_name: "alice".to_owned(),
                ..CreateUser::default()
            },
        )
        .unwrap();
    directory
}

fn ask(action: &str, parameters: &[(&str, &str)]) -> Result<Asked, ControlFault> {
    let of_sts = ["AssumeRole", "GetSessionToken", "GetCallerIdentity"];
    let version = if of_sts.contains(&action) {
        "2011-06-15"
    } else {
        "2010-05-08"
    };
    let parameters: Vec<(String, String)> = parameters
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect();
    decode(
        operation(version, action).unwrap(),
        &parameters,
        &root(),
        &directory(),
    )
}

/// What is answered to the account itself, or the code of the refusal.
fn answer(action: &str, parameters: &[(&str, &str)]) -> String {
    let asked = match ask(action, parameters) {
        Ok(asked) => asked,
        Err(fault) => return words(&fault, None, None).code.to_owned(),
    };
    let operation = OPERATIONS.iter().find(|it| it.action == action).unwrap();
    let (mut directory, rng) = (directory(), SeededRng::new(2));
    let mut outcomes: Vec<ControlOutcome> = Vec::new();
    for request in asked.requests.clone() {
        match directory.execute(&root(), request, &Conditions::default(), NOW, &rng) {
            Ok(outcome) => outcomes.push(outcome),
            Err(fault) => {
                return words(&fault, Some(operation), Some(&root()))
                    .code
                    .to_owned();
            }
        }
    }
    let encoded = encode(&CONTEXT, operation, &asked, &outcomes, &root());
    String::from_utf8(encoded.body.to_vec()).unwrap()
}

#[test]
fn every_operation_takes_what_its_row_says() {
    let value = |name: &str| match name {
        "PolicyArn" => "arn:aws:iam::123456789012:policy/p",
        "PolicyDocument" | "AssumeRolePolicyDocument" => "{}",
        "RoleArn" => "arn:aws:iam::123456789012:role/r",
        "AccessKeyId" => "nobody's",
        _ => "name",
    };
    for operation in OPERATIONS {
        let full: Vec<(&str, &str)> = operation
            .required
            .iter()
            .map(|name| (*name, value(name)))
            .collect();
        match ask(operation.action, &full) {
            Ok(asked) => assert!(!asked.requests.is_empty()),
            // It looks for the holder of the key.
            Err(fault) => assert!(
                operation.action == "GetAccessKeyLastUsed",
                "{operation:?}: {fault}"
            ),
        }
        for missing in operation.required {
            let rest: Vec<(&str, &str)> = full
                .iter()
                .copied()
                .filter(|(name, _)| name != missing)
                .collect();
            assert!(
                matches!(
                    ask(operation.action, &rest),
                    Err(ControlFault::MissingParameter { name }) if name == *missing
                ),
                "{operation:?} without {missing}"
            );
        }
        let more = [&full[..], &[("PermissionsBoundary", "x")]].concat();
        assert!(
            matches!(
                ask(operation.action, &more),
                Err(ControlFault::UnexpectedParameter { .. })
            ),
            "{operation:?}"
        );
    }
}

#[test]
fn unknown_operations_are_not_implemented() {
    let fault = operation("2010-05-08", "CreateLoginProfile").unwrap_err();
    assert_eq!(words(&fault, None, None).code, "NotImplemented");
    // Each API has its own.
    assert!(operation("2011-06-15", "CreateUser").is_err());
    assert!(operation("2015-05-01", "CreateUser").is_err());
}

#[test]
fn answers_have_the_shapes_of_aws() {
    assert_eq!(
        answer("GetUser", &[("UserName", "alice")]).replace(|c: char| c.is_ascii_digit(), "0"),
        "<GetUserResponse xmlns=\"https://iam.amazonaws.com/doc/0000-00-00/\"><GetUserResult><User>\
         <Path>/</Path><UserName>alice</UserName><UserId>000000000000000000</UserId>\
         <Arn>arn:aws:iam::000000000000:user/alice</Arn><CreateDate>0000-00-00T00:00:00Z</CreateDate>\
         </User></GetUserResult><ResponseMetadata>\
         <RequestId>00000000-0000-0000-0000-000000000000</RequestId></ResponseMetadata></GetUserResponse>"
    );
    assert!(answer("DeleteUser", &[("UserName", "alice")]).starts_with(
        "<DeleteUserResponse xmlns=\"https://iam.amazonaws.com/doc/2010-05-08/\"><ResponseMetadata>"
    ));
    assert_eq!(answer("GetUser", &[("UserName", "bob")]), "NoSuchEntity");
    assert_eq!(
        answer("CreateUser", &[("UserName", "alice")]),
        "EntityAlreadyExists"
    );
    assert_eq!(
        answer("CreateUser", &[("UserName", "a"), ("Path", "/x/")]),
        "ValidationError"
    );
    let document = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*"}]}"#;
    let made = answer(
        "CreatePolicy",
        &[("PolicyName", "p_1"), ("PolicyDocument", document)],
    );
    assert!(
        made.contains("<Arn>arn:aws:iam::123456789012:policy/p_1</Arn>"),
        "{made}"
    );
    assert_eq!(
        answer(
            "CreatePolicy",
            &[("PolicyName", "p"), ("PolicyDocument", "{")]
        ),
        "MalformedPolicyDocument"
    );
}

#[test]
fn a_refusal_says_who_what_and_why() {
    let caller = Identity::new(
        Arc::new(Owner {
            id: ACCOUNT.to_owned(),
            display_name: String::new(),
        }),
        Principal::User {
            name: "alice".into(),
            id: "2000".into(),
        },
    );
    let fault = ControlFault::NoPermission {
        action: "ram:AttachPolicyToUser".to_owned(),
        resource: "acs:ram:*:123456789012:user/bob".to_owned(),
        denial: osier_auth::directory::Denial::PoliciesSilent,
    };
    let attach = operation("2010-05-08", "AttachUserPolicy").unwrap();
    let encoded = encode_fault(&CONTEXT, &fault, Some(attach), Some(&caller));
    assert_eq!(encoded.head.status, 403);
    assert_eq!(
        &encoded.body[..],
        b"<ErrorResponse xmlns=\"https://iam.amazonaws.com/doc/2010-05-08/\"><Error><Type>Sender</Type>\
          <Code>AccessDenied</Code><Message>User: arn:aws:iam::123456789012:user/alice is not authorized \
          to perform: iam:AttachUserPolicy on resource: arn:aws:iam::123456789012:user/bob because no \
          identity-based policy allows the iam:AttachUserPolicy action</Message></Error>\
          <RequestId>00000000-0000-4000-8000-000000000000</RequestId></ErrorResponse>"
    );
}

#[test]
fn names_of_resources_are_translated_both_ways() {
    for (ours, aws) in [
        ("acs:ram:*:1234567:user/*", "arn:aws:iam::1234567:user/*"),
        ("acs:ram::1234567:role/r", "arn:aws:iam::1234567:role/r"),
        ("acs:ram:*:system:policy/p", "arn:aws:iam::aws:policy/p"),
        ("arn:aws:iam::1:x", "arn:aws:iam::1:x"),
    ] {
        assert_eq!(arn::resource(ours), aws);
    }
    assert_eq!(
        arn::role_of("arn:aws:iam::1234567:role/r"),
        "acs:ram::1234567:role/r"
    );
    assert_eq!(
        arn::role_of("acs:ram::1234567:role/r"),
        "acs:ram::1234567:role/r"
    );
    for (arn, outcome) in [
        ("arn:aws:iam::123456789012:policy/p", Some("Custom p")),
        (
            "arn:aws:iam::aws:policy/AmazonS3FullAccess",
            Some("System AliyunOSSFullAccess"),
        ),
        ("arn:aws:iam::999999999999:policy/p", None),
        ("arn:aws:iam::123456789012:user/p", None),
        ("", None),
    ] {
        let parsed = arn::parse_policy(arn, ACCOUNT).ok();
        let parsed = parsed.map(|(kind, name)| format!("{} {name}", kind.as_str()));
        assert_eq!(parsed.as_deref(), outcome, "{arn}");
    }
}

#[test]
fn the_members_of_a_group_come_with_it() {
    let asked = ask("GetGroup", &[("GroupName", "g"), ("MaxItems", "5")]).unwrap();
    let [
        ControlRequest::GetGroup(group),
        ControlRequest::ListUsersForGroup(users),
    ] = &asked.requests[..]
    else {
        panic!("{asked:?}");
    };
    assert_eq!(
        (&*group.group_name, &*users.group_name, users.max_items),
        ("g", "g", Some(5))
    );
}
