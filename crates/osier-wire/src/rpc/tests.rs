use http::{HeaderMap, HeaderName, Method};
use osier_auth::directory::{ControlFault, ControlRequest};

use super::recognise::{Recognition, form_of_control, recognise};
use super::{Api, OPERATIONS, ParameterKind, decode, operation};

const FORM: (&str, &str) = (
    "content-type",
    "application/x-www-form-urlencoded; charset=UTF-8",
);
const ACTION: (&str, &str) = ("x-acs-action", "ListUsers");
const VERSION: (&str, &str) = ("x-acs-version", "2015-05-01");
const ACS3: (&str, &str) = ("authorization", "ACS3-HMAC-SHA256 Credential=a");
const OSS: (&str, &str) = ("authorization", "OSS a:b");

fn look(method: &Method, path: &str, query: &str, headers: &[(&str, &str)]) -> Recognition {
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        map.append(name.parse::<HeaderName>().unwrap(), value.parse().unwrap());
    }
    recognise(method, path, query, &map)
}

#[test]
fn control_requests_are_recognised() {
    let rpc = "Action=ListUsers&Version=2015-05-01&Signature=x";
    for (method, query, headers, expected) in [
        (
            Method::POST,
            "",
            &[ACS3, ACTION, VERSION][..],
            Recognition::Control,
        ),
        (Method::GET, "UserName=a", &[ACS3][..], Recognition::Control),
        // Without credentials it is still one, and refused as one.
        (
            Method::POST,
            "",
            &[ACTION, VERSION][..],
            Recognition::Control,
        ),
        (Method::GET, rpc, &[][..], Recognition::Control),
        (Method::POST, rpc, &[FORM][..], Recognition::Control),
        (Method::POST, "", &[FORM][..], Recognition::AskForm),
    ] {
        for path in ["/", ""] {
            assert_eq!(look(&method, path, query, headers), expected, "{query}");
        }
    }
}

#[test]
fn requests_of_the_store_are_left_to_it() {
    let rpc = "Action=ListUsers&Version=2015-05-01&Signature=x";
    let of_url = format!("{rpc}&OSSAccessKeyId=a&Expires=1");
    let of_v4 = format!("{rpc}&x-oss-signature-version=OSS4-HMAC-SHA256");
    let of_s3 = format!("{rpc}&X-Amz-Signature=0");
    let s3 = ("authorization", "AWS4-HMAC-SHA256 Credential=a");
    let multipart = ("content-type", "multipart/form-data; boundary=x");
    for (method, path, query, headers) in [
        (Method::PUT, "/", "", &[ACS3, ACTION, VERSION][..]),
        (Method::DELETE, "/", rpc, &[][..]),
        (Method::HEAD, "/", rpc, &[][..]),
        (Method::OPTIONS, "/", rpc, &[][..]),
        (Method::GET, "/bucket", rpc, &[][..]),
        (Method::GET, "//", rpc, &[][..]),
        (
            Method::POST,
            "/bucket/Action",
            "",
            &[FORM, ACTION, VERSION][..],
        ),
        (
            Method::GET,
            "/Action=ListUsers&Version=2015-05-01",
            "",
            &[][..],
        ),
        (Method::GET, "/", "", &[][..]),
        (Method::GET, "/", rpc, &[OSS][..]),
        (Method::POST, "/", "", &[OSS, ACTION, VERSION][..]),
        (Method::POST, "/", "", &[s3, FORM][..]),
        (Method::GET, "/", &of_url, &[ACTION, VERSION][..]),
        (Method::GET, "/", &of_v4, &[][..]),
        (Method::GET, "/", &of_s3, &[][..]),
        (Method::GET, "/", "Action=ListUsers", &[ACTION][..]),
        (Method::GET, "/", "Action=list&Version=2015-05-01", &[][..]),
        (Method::GET, "/", "Action=ListUsers&Version=1", &[][..]),
        (Method::POST, "/", "delete", &[FORM][..]),
        (Method::POST, "/", "", &[multipart][..]),
        (Method::POST, "/", "", &[][..]),
    ] {
        let told = look(&method, path, query, headers);
        assert_eq!(told, Recognition::Store, "{method} {path}?{query}");
    }
    assert_eq!(form_of_control(b"<Delete></Delete>"), Recognition::Store);
    assert_eq!(
        form_of_control(b"Action=\xff&Version=2015-05-01"),
        Recognition::Store
    );
    let form = b"Version=2015-05-01&Action=ListUsers";
    assert_eq!(form_of_control(form), Recognition::Control);
    let form = b"Version=2010-05-08&Action=ListUsers";
    assert_eq!(form_of_control(form), Recognition::Aws);
}

#[test]
fn the_table_agrees_with_the_requests() {
    for operation in OPERATIONS {
        let parameters = sample(operation.parameters.iter().map(|it| (it.name, it.kind)));
        let request = decode(operation, &parameters).unwrap();
        let action = format!("{}:{}", operation.api.name(), operation.action);
        assert_eq!(request.action().to_lowercase(), action.to_lowercase());
        assert_eq!(
            operation.action,
            super::operation(operation.api.version(), operation.action)
                .unwrap()
                .action,
            "names are unique"
        );
        for it in operation.parameters {
            let others = operation.parameters.iter().filter(|other| *other != it);
            let parameters = sample(others.map(|it| (it.name, it.kind)));
            let refused = decode(operation, &parameters).err();
            let expected = (it.kind == ParameterKind::text)
                .then_some(ControlFault::MissingParameter { name: it.name });
            assert_eq!(refused, expected, "{operation:?} without {}", it.name);
        }
    }
}

fn sample<'a>(parameters: impl Iterator<Item = (&'a str, ParameterKind)>) -> Vec<(String, String)> {
    parameters
        .flat_map(|(name, kind)| match kind {
            ParameterKind::number => vec![(name.to_owned(), "1".to_owned())],
            ParameterKind::flag | ParameterKind::optional_flag => {
                vec![(name.to_owned(), "true".to_owned())]
            }
            ParameterKind::tags => vec![(format!("{name}.1.Key"), "k".to_owned())],
            ParameterKind::list => vec![(format!("{name}.1"), "x".to_owned())],
            ParameterKind::text | ParameterKind::optional => {
                vec![(name.to_owned(), "x".to_owned())]
            }
        })
        .collect()
}

#[test]
fn apis_do_not_share_actions() {
    assert!(operation("2015-05-01", "ListUsers").is_ok());
    for (version, action, code) in [
        ("2015-04-01", "ListUsers", "InvalidAction.NotFound"),
        (
            "2018-05-10",
            "RefreshObjectCaches",
            "InvalidAction.NotFound",
        ),
        ("2015-05-01", "listusers", "InvalidAction.NotFound"),
        ("2015-05-01", "", "InvalidAction.NotFound"),
        ("2010-05-08", "ListUsers", "InvalidVersion"),
        ("", "ListUsers", "InvalidVersion"),
    ] {
        assert_eq!(operation(version, action).unwrap_err().code(), code);
    }
    assert_eq!(Api::of_version("2015-04-01"), Some(Api::Sts));
}

fn ask(action: &str, parameters: &[(&str, &str)]) -> Result<ControlRequest, ControlFault> {
    let parameters: Vec<_> = parameters
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect();
    decode(operation("2015-05-01", action)?, &parameters)
}

#[test]
fn numbers_and_flags() {
    for (text, expected) in [("0", Some(0)), ("4294967295", Some(u32::MAX)), ("", None)] {
        let ControlRequest::ListUsers(it) = ask("ListUsers", &[("MaxItems", text)]).unwrap() else {
            panic!();
        };
        assert_eq!(it.max_items, expected);
    }
    for text in [
        "4294967296",
        "-1",
        "+1",
        "1.0",
        "1e3",
        " 1",
        "ten",
        "99999999999999999999",
    ] {
        let refused = ask("ListUsers", &[("MaxItems", text)]).unwrap_err();
        assert_eq!(refused.code(), "InvalidParameter.MaxItems", "s46: {text}");
    }
    for (text, expected) in [
        ("true", true),
        ("True", true),
        ("FALSE", false),
        ("", false),
    ] {
        let named = [("PolicyName", "P"), ("CascadingDelete", text)];
        let ControlRequest::DeletePolicy(it) = ask("DeletePolicy", &named).unwrap() else {
            panic!();
        };
        assert_eq!(it.cascading_delete, expected, "{text}");
    }
    let named = [("PolicyName", "P"), ("CascadingDelete", "yes")];
    let refused = ask("DeletePolicy", &named).unwrap_err();
    assert_eq!(refused.code(), "InvalidParameter.CascadingDelete");
}

#[test]
fn tags_come_in_the_order_of_their_numbers() {
    let ControlRequest::ListRoles(it) = ask(
        "ListRoles",
        &[
            ("Tag.10.Key", "last"),
            ("Tag.2.Value", "two"),
            ("Tag.2.Key", "second"),
            ("Tag.1.Key", "first"),
            ("Tag.7.Value", "of no key"),
            ("Tags.1.Key", "another parameter"),
        ],
    )
    .unwrap() else {
        panic!();
    };
    let tags: Vec<_> = it
        .tags
        .iter()
        .map(|(k, v)| (k.as_str(), v.as_str()))
        .collect();
    assert_eq!(tags, [("first", ""), ("second", "two"), ("last", "")]);
    let json = r#"[{"Key":"k","Value":"v","Other":1},{"Key":"中"}]"#;
    let ControlRequest::ListRoles(it) = ask("ListRoles", &[("Tag", json)]).unwrap() else {
        panic!();
    };
    let tags: Vec<_> = it
        .tags
        .iter()
        .map(|(k, v)| (k.as_str(), v.as_str()))
        .collect();
    assert_eq!(tags, [("k", "v"), ("中", "")]);
    for json in [
        "k",
        "{}",
        r#"["k"]"#,
        r#"[{"Value":"v"}]"#,
        r#"[{"Key":"a","Key":"b"}]"#,
        r#"[{"Key":1}]"#,
    ] {
        let refused = ask("ListRoles", &[("Tag", json)]).unwrap_err();
        assert_eq!(refused.code(), "InvalidParameter.Tag", "{json}");
    }
    for name in ["Tag.x.Key", "Tag..Key", "Tag.4294967296.Key"] {
        let refused = ask("ListRoles", &[(name, "k")]).unwrap_err();
        assert_eq!(refused.code(), "InvalidParameter.Tag", "{name}");
    }
}

#[test]
fn what_would_narrow_is_not_ignored() {
    let attach = |group| {
        ask(
            "AttachPolicyToUser",
            &[
                ("PolicyName", "P"),
                ("PolicyType", "Custom"),
                ("UserName", "u"),
                ("ResourceGroupId", group),
                ("RegionId", "cn-hangzhou"),
            ],
        )
    };
    assert!(attach("").is_ok());
    let refused = attach("rg-1").unwrap_err();
    assert_eq!(refused.code(), "InvalidParameter.ResourceGroupId");
}

#[test]
fn documents_escape_what_they_must() {
    let text = "a<b>&\"'\r\n\t\u{1}\u{FFFE}中";
    let fields = super::document::Fields::default().text("T", text);
    assert_eq!(
        fields.xml("R"),
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <R><T>a&lt;b&gt;&amp;&quot;'&#xD;\n\t\u{FFFD}\u{FFFD}中</T></R>"
    );
    let read: serde_json::Value = serde_json::from_str(&fields.json()).unwrap();
    assert_eq!(read["T"], text);
}
