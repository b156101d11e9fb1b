//! A second evaluator, slow and obvious, written from the wording of the reference and sharing
//! no code with the first: it reads the document anew for every question and compares texts.

use std::collections::BTreeMap;

use serde_json::Value;

/// A request in texts.
#[derive(Clone, Debug)]
pub(super) struct Question {
    pub(super) action: String,
    /// `acs:oss:region:owner:path`; two when it came by an access point.
    pub(super) resources: Vec<String>,
    pub(super) caller: Asker,
    pub(super) bucket_owner: String,
    /// By the key's name as the reference writes it.
    pub(super) context: BTreeMap<String, String>,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Asker {
    Anonymous,
    Root(String),
    /// Account, name, id.
    User(String, String, String),
    /// Account, role, session.
    Role(String, String, String),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    Allow,
    Deny,
    Ignore,
}

/// `bucket_policy`: `*` without a condition does not mean the bucket's owner.
pub(super) fn answer(document: &Value, question: &Question, bucket_policy: bool) -> Answer {
    let statements = as_list(&document["Statement"]);
    let applying: Vec<&str> = statements
        .iter()
        .filter(|statement| applies(statement, question, bucket_policy))
        .map(|statement| statement["Effect"].as_str().unwrap())
        .collect();
    if applying.contains(&"Deny") {
        Answer::Deny
    } else if applying.contains(&"Allow") {
        Answer::Allow
    } else {
        Answer::Ignore
    }
}

fn applies(statement: &Value, question: &Question, bucket_policy: bool) -> bool {
    let has = |name: &str| statement.get(name).is_some();
    let unconditional = statement
        .get("Condition")
        .is_none_or(|condition| condition.as_object().unwrap().is_empty());

    if has("Principal") {
        let spare_owner = bucket_policy
            && unconditional
            && question.caller == Asker::Root(question.bucket_owner.clone());
        let listed = principals(&statement["Principal"]);
        if !listed
            .iter()
            .any(|(text, whole)| principal(text, *whole, question) && !(spare_owner && text == "*"))
        {
            return false;
        }
    }
    if has("NotPrincipal")
        && principals(&statement["NotPrincipal"])
            .iter()
            .any(|(text, whole)| principal(text, *whole, question))
    {
        return false;
    }
    let action_in = |name: &str| {
        texts(&statement[name])
            .iter()
            .any(|pattern| action(pattern, &question.action))
    };
    if has("Action") && !action_in("Action") {
        return false;
    }
    if has("NotAction") && action_in("NotAction") {
        return false;
    }
    let resource_in = |name: &str| {
        texts(&statement[name]).iter().any(|pattern| {
            question
                .resources
                .iter()
                .any(|resource_name| resource(pattern, resource_name))
        })
    };
    if has("Resource") && !resource_in("Resource") {
        return false;
    }
    if has("NotResource") && resource_in("NotResource") {
        return false;
    }
    if unconditional {
        return true;
    }
    statement["Condition"]
        .as_object()
        .unwrap()
        .iter()
        .all(|(operator, keys)| {
            keys.as_object()
                .unwrap()
                .iter()
                .all(|(key, values)| condition(operator, key, &texts(values), &question.context))
        })
}

/// Each with whether a bare uid means the whole account.
fn principals(json: &Value) -> Vec<(String, bool)> {
    match json {
        Value::Object(members) => members
            .values()
            .flat_map(|value| texts(value).into_iter().map(|text| (text, true)))
            .collect(),
        Value::Array(list) if list.is_empty() => vec![("*".to_owned(), false)],
        other => texts(other).into_iter().map(|text| (text, false)).collect(),
    }
}

fn principal(text: &str, whole_account: bool, question: &Question) -> bool {
    if text == "*" {
        return true;
    }
    // Every way in which the caller may be named.
    let names = match &question.caller {
        Asker::Anonymous => Vec::new(),
        Asker::Root(uid) => vec![uid.clone(), format!("{uid}:root")],
        Asker::User(uid, name, id) => vec![
            id.clone(),
            format!("{uid}:root"),
            format!("{uid}:user/{name}"),
        ],
        Asker::Role(uid, role, session) => vec![
            format!("{uid}:root"),
            format!("{uid}:role/{role}"),
            format!("{uid}:assumed-role/{role}/{session}"),
        ],
    };
    let bare = text
        .replace("acs:ram::", "")
        .replace("arn:sts::", "")
        .replace("arn:aws:iam::", "");
    let wanted = if whole_account && bare.chars().all(|letter| letter.is_ascii_digit()) {
        format!("{bare}:root")
    } else {
        bare
    };
    names.iter().any(|name| {
        if wanted.contains("role/") {
            // Role names have no case; here sessions are in lower case throughout.
            glob(&wanted.to_lowercase(), &name.to_lowercase())
        } else {
            glob(&wanted, name)
        }
    })
}

fn action(pattern: &str, action: &str) -> bool {
    let pattern = match pattern {
        "s3:*" => "oss:*",
        "s3:GetObject" => "oss:GetObject",
        "s3:ListBucket" => "oss:ListObjects",
        "s3:Put*" => "oss:PutObject",
        "s3:*Object" => {
            return ["oss:GetObject", "oss:PutObject"].contains(&action);
        }
        other => other,
    };
    glob(&pattern.to_lowercase(), &action.to_lowercase())
}

fn resource(pattern: &str, name: &str) -> bool {
    let full = if pattern == "*" {
        "acs:*:*:*:*".to_owned()
    } else if pattern == "acs:oss:*" {
        "acs:oss:*:*:*".to_owned()
    } else if let Some(path) = pattern.strip_prefix("arn:aws:s3:::") {
        format!("acs:oss:*:*:{path}")
    } else if pattern.starts_with("acs:") {
        pattern.to_owned()
    } else {
        format!("acs:oss:*:*:{pattern}")
    };
    let wanted: Vec<&str> = full.splitn(5, ':').collect();
    let found: Vec<&str> = name.splitn(5, ':').collect();
    wanted.iter().zip(&found).all(|(wanted, found)| {
        wanted.is_empty()
            || glob(
                wanted.trim_start_matches("oss-"),
                found.trim_start_matches("oss-"),
            )
    })
}

fn condition(
    operator: &str,
    key: &str,
    values: &[String],
    context: &BTreeMap<String, String>,
) -> bool {
    let (operator, if_exists) = match operator.strip_suffix("IfExists") {
        Some(operator) => (operator, true),
        None => (operator, false),
    };
    let key = key
        .replace("aws:", "acs:")
        .replace("s3:prefix", "oss:Prefix");
    let negated = operator.contains("Not");
    let Some(value) = context.get(&key) else {
        return negated || if_exists;
    };
    let positive = operator.replace("Not", "");
    let equal_to_any = values
        .iter()
        .any(|wanted| compare(&positive, value, wanted));
    equal_to_any != negated
}

fn compare(operator: &str, value: &str, wanted: &str) -> bool {
    let number = |text: &str| text.parse::<i64>().ok();
    match operator {
        "StringEquals" | "DateEquals" => value == wanted,
        "Bool" | "StringEqualsIgnoreCase" => value.to_lowercase() == wanted.to_lowercase(),
        "StringLike" => glob(wanted, value),
        // Dates are all in one form here, so they compare as texts.
        "DateLessThan" => value < wanted,
        "DateLessThanEquals" => value <= wanted,
        "DateGreaterThan" => value > wanted,
        "DateGreaterThanEquals" => value >= wanted,
        "IpAddress" | "IpAddressIncludeBorder" => within(wanted, value),
        _ => {
            let (Some(value), Some(wanted)) = (number(value), number(wanted)) else {
                return false;
            };
            match operator {
                "NumericEquals" => value == wanted,
                "NumericLessThan" => value < wanted,
                "NumericLessThanEquals" => value <= wanted,
                "NumericGreaterThan" => value > wanted,
                "NumericGreaterThanEquals" => value >= wanted,
                other => panic!("no operator {other}"),
            }
        }
    }
}

/// Compares the leading bits as texts of zeros and ones.
fn within(network: &str, address: &str) -> bool {
    if network == "*" {
        return true;
    }
    let (base, length) = network.split_once('/').unwrap_or((network, "200"));
    let (base, address) = (bits(base), bits(address));
    let length = length.parse::<usize>().unwrap().min(base.len());
    base.len() == address.len() && base.chars().take(length).eq(address.chars().take(length))
}

fn bits(address: &str) -> String {
    let octets: Vec<u8> = if address.contains(':') {
        let address: std::net::Ipv6Addr = address.parse().unwrap();
        address.octets().to_vec()
    } else {
        let octets = address.split('.');
        octets.map(|octet| octet.parse().unwrap()).collect()
    };
    let octets: Vec<String> = octets.iter().map(|octet| format!("{octet:08b}")).collect();
    octets.concat()
}

/// `*` any run, `?` one character; by trying everything.
pub(super) fn glob(pattern: &str, text: &str) -> bool {
    let mut rest = pattern.chars();
    match rest.next() {
        None => text.is_empty(),
        Some('*') => {
            let mut letters = text.chars();
            loop {
                if glob(rest.as_str(), letters.as_str()) {
                    return true;
                }
                if letters.next().is_none() {
                    return false;
                }
            }
        }
        Some(wanted) => {
            let mut letters = text.chars();
            letters
                .next()
                .is_some_and(|letter| wanted == '?' || wanted == letter)
                && glob(rest.as_str(), letters.as_str())
        }
    }
}

fn as_list(json: &Value) -> &[Value] {
    match json {
        Value::Array(list) => list,
        single => std::slice::from_ref(single),
    }
}

fn texts(json: &Value) -> Vec<String> {
    as_list(json)
        .iter()
        .map(|value| match value {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        })
        .collect()
}
