//! The evaluator against the oracle, over documents and requests drawn by chance (S11, S12).

use std::collections::BTreeMap;

use osier_types::{Rng as _, SeededRng, Tag, Timestamp};
use serde_json::{Map, Value, json};

use super::super::glob::Glob;
use super::super::oracle::{Answer, Asker, Question, answer, glob as slow_glob};
use super::*;

/// Of each kind; half a million questions in all.
const DOCUMENTS: usize = 12_000;
const ASKED: usize = 45;
const QUESTIONS: usize = 20_000;

struct Dice(SeededRng);

impl Dice {
    fn below(&self, sides: usize) -> usize {
        let mut bytes = [0; 4];
        self.0.fill(&mut bytes);
        usize::try_from(u32::from_le_bytes(bytes)).unwrap() % sides
    }

    fn one<'a>(&self, of: &[&'a str]) -> &'a str {
        of[self.below(of.len())]
    }

    fn in_ten(&self, chances: usize) -> bool {
        self.below(10) < chances
    }

    /// One value bare, or a list of up to three.
    fn some(&self, of: &[&str]) -> Value {
        if self.in_ten(4) {
            return json!(self.one(of));
        }
        (0..=self.below(3)).map(|_| json!(self.one(of))).collect()
    }
}

const ACTIONS: &[&str] = &[
    "oss:GetObject",
    "oss:PutObject",
    "oss:ListObjects",
    "oss:GetBucketAcl",
];
const ACTION_PATTERNS: &[&str] = &[
    "oss:GetObject",
    "oss:PutObject",
    "oss:ListObjects",
    "oss:Get*",
    "OSS:getobject",
    "oss:*",
    "*",
    "oss:?etObject",
    "oss:*Object",
    "oss:*Bucket*",
    "oss:*t",
    "s3:*",
    "s3:GetObject",
    "s3:ListBucket",
    "s3:*Object",
    "oss:List?bjects",
    "oss:GetBucketAcl",
];
const PATHS: &[&str] = &[
    "media",
    "media/a",
    "media/a/b.png",
    "media/é",
    "media-2",
    "media-2/a",
    "logs/a:b",
    "*",
];
const RESOURCE_PATTERNS: &[&str] = &[
    "*",
    "acs:oss:*",
    "acs:oss:*:*:*",
    "acs:oss:*:*:media",
    "acs:oss:*:*:media/*",
    "acs:oss:*:*:media*",
    "acs:oss:*:1:media/*",
    "acs:oss:*:2:*",
    "acs:oss:cn-a:*:media/a",
    "acs:oss:oss-cn-a:*:media/*",
    "acs:oss:cn-b:*:*",
    "arn:aws:s3:::media",
    "arn:aws:s3:::media/*",
    "media",
    "media/*.png",
    "acs:oss:*:*:*/a",
    "acs:oss:*:*:media/?",
    "acs:oss:*:*:media/*/?.*",
    "acs:oss:*:*:logs/a:*",
    "acs:ram:*:*:*",
    "acs:oss:*:*:accesspoint/ap/object/*",
    "acs:oss:*:*:accesspoint/*",
];
const PRINCIPALS: &[&str] = &[
    "*",
    "1",
    "2",
    "11",
    "12",
    "21",
    "arn:sts::1:assumed-role/reader/s1",
    "arn:sts::1:assumed-role/Reader/*",
    "arn:sts::2:assumed-role/reader/*",
    "acs:ram::1:root",
    "acs:ram::2:root",
    "acs:ram::1:user/alice",
    "acs:ram::1:user/*",
    "acs:ram::1:role/reader",
    "arn:aws:iam::1:user/bob",
];
const KEYS: &[(&str, &[&str], &[&str])] = &[
    (
        "acs:SourceIp",
        &["10.0.0.1", "10.1.2.3", "192.168.0.9", "2001:db8::1"],
        ADDRESS,
    ),
    ("aws:SourceIp", &["10.0.0.1"], ADDRESS),
    ("acs:SourceVpc", &["vpc-1", "vpc-2"], TEXT),
    ("acs:UserAgent", &["curl/8", "Curl/8", ""], TEXT),
    ("acs:SecureTransport", &["true", "false"], BOOL),
    (
        "acs:CurrentTime",
        &["2026-11-22T00:00:00Z", "2027-01-01T12:00:00Z"],
        DATE,
    ),
    ("oss:Prefix", &["", "a/", "a/b", "12"], TEXT),
    ("s3:prefix", &["a/"], TEXT),
    (
        "oss:object-remaining-retention-days",
        &["0", "7", "30"],
        NUMBER,
    ),
    ("oss:ExistingObjectTag/team", &["red", "blue", "7"], TEXT),
    ("oss:RequestObjectTag/team", &["red"], TEXT),
];
const TEXT: &[&str] = &[
    "StringEquals",
    "StringNotEquals",
    "StringEqualsIgnoreCase",
    "StringNotEqualsIgnoreCase",
    "StringLike",
    "StringNotLike",
    "NumericLessThan",
    "NumericNotEquals",
];
const NUMBER: &[&str] = &[
    "NumericEquals",
    "NumericNotEquals",
    "NumericLessThan",
    "NumericLessThanEquals",
    "NumericGreaterThan",
    "NumericGreaterThanEquals",
];
const DATE: &[&str] = &[
    "DateEquals",
    "DateNotEquals",
    "DateLessThan",
    "DateLessThanEquals",
    "DateGreaterThan",
    "DateGreaterThanEquals",
];
const BOOL: &[&str] = &["Bool"];
const ADDRESS: &[&str] = &["IpAddress", "NotIpAddress", "IpAddressIncludeBorder"];
const TEXT_VALUES: &[&str] = &[
    "vpc-1", "vpc-*", "curl/8", "a/", "a/*", "*", "", "red", "?ed", "Blue",
];
const NUMBER_VALUES: &[&str] = &["0", "7", "12", "30", "-1"];
const DATE_VALUES: &[&str] = &[
    "2026-11-22T00:00:00Z",
    "2026-12-31T23:59:59Z",
    "2027-01-01T12:00:00Z",
];
const ADDRESS_VALUES: &[&str] = &[
    "10.0.0.0/8",
    "10.0.0.1",
    "10.1.2.3/31",
    "0.0.0.0/0",
    "192.168.0.8/30",
    "2001:db8::/32",
    "::/0",
    "*",
];

fn condition(dice: &Dice, conditions: &mut Map<String, Value>) {
    let (key, _, operators) = KEYS[dice.below(KEYS.len())];
    let operator = dice.one(operators);
    let values = match operator {
        _ if operator.starts_with("Numeric") => dice.some(NUMBER_VALUES),
        _ if operator.starts_with("Date") => dice.some(DATE_VALUES),
        _ if operator.contains("Ip") => dice.some(ADDRESS_VALUES),
        "Bool" if dice.in_ten(5) => json!(dice.in_ten(5)),
        "Bool" => dice.some(&["true", "false", "TRUE"]),
        _ => dice.some(TEXT_VALUES),
    };
    let operator = if dice.in_ten(2) {
        format!("{operator}IfExists")
    } else {
        operator.to_owned()
    };
    conditions
        .entry(operator)
        .or_insert_with(|| json!({}))
        .as_object_mut()
        .unwrap()
        .insert(key.to_owned(), values);
}

fn statement(dice: &Dice, kind: PolicyKind) -> Value {
    let mut statement = Map::new();
    let effect = if dice.in_ten(7) { "Allow" } else { "Deny" };
    statement.insert("Effect".into(), json!(effect));
    let mut element = |name: &str, chances: usize, values: Value| {
        let name = if dice.in_ten(chances) {
            format!("Not{name}")
        } else {
            name.to_owned()
        };
        statement.insert(name, values);
    };
    if kind.has_principals() {
        match dice.below(10) {
            0 => element("Principal", 2, json!({"AWS": dice.some(PRINCIPALS)})),
            1 => element("Principal", 0, json!([])),
            _ => element("Principal", 2, dice.some(PRINCIPALS)),
        }
    }
    element("Action", 2, dice.some(ACTION_PATTERNS));
    let resources = if kind == PolicyKind::Bucket {
        // Others are refused.
        let of_oss: Vec<&str> = RESOURCE_PATTERNS
            .iter()
            .copied()
            .filter(|text| !text.starts_with("acs:ram"))
            .collect();
        dice.some(&of_oss)
    } else {
        dice.some(RESOURCE_PATTERNS)
    };
    element("Resource", 2, resources);
    let mut conditions = Map::new();
    for _ in 0..[0, 0, 0, 1, 1, 2, 3][dice.below(7)] {
        condition(dice, &mut conditions);
    }
    if !conditions.is_empty() || dice.in_ten(1) {
        statement.insert("Condition".into(), Value::Object(conditions));
    }
    Value::Object(statement)
}

fn question(dice: &Dice) -> Question {
    let path = dice.one(PATHS);
    let region = dice.one(&["cn-a", "oss-cn-a", "cn-b"]);
    let mut resources = vec![format!("acs:oss:{region}:1:{path}")];
    if dice.in_ten(2) {
        let key = path
            .split_once('/')
            .map(|(_, key)| format!("/object/{key}"));
        resources.push(format!(
            "acs:oss:{region}:1:accesspoint/ap{}",
            key.unwrap_or_default()
        ));
    }
    let text = |texts: &[&str]| dice.one(texts).to_owned();
    let caller = match dice.below(5) {
        0 => Asker::Anonymous,
        1 => Asker::Root(text(&["1", "2"])),
        2 => Asker::User("1".into(), "alice".into(), "11".into()),
        3 => Asker::User("2".into(), "bob".into(), "21".into()),
        _ => Asker::Role(
            text(&["1", "2"]),
            text(&["reader", "READER", "x"]),
            text(&["s1", "s2"]),
        ),
    };
    let mut context = BTreeMap::new();
    for (key, values, _) in KEYS {
        if dice.in_ten(6) && !key.starts_with("aws:") && !key.starts_with("s3:") {
            context.insert((*key).to_owned(), text(values));
        }
    }
    Question {
        action: text(ACTIONS),
        resources,
        caller,
        bucket_owner: "1".to_owned(),
        context,
    }
}

/// The same question in the evaluator's terms.
fn evaluate(policy: &Policy, question: &Question) -> Answer {
    let find = |key: &str| question.context.get(key).map(String::as_str);
    let tags = |key: &str| -> Vec<Tag> {
        find(key)
            .map(|value| Tag {
                key: "team".to_owned(),
                value: value.to_owned(),
            })
            .into_iter()
            .collect()
    };
    let existing = tags("oss:ExistingObjectTag/team");
    let requested = tags("oss:RequestObjectTag/team");
    let conditions = Conditions {
        source_ip: find("acs:SourceIp").map(|text| text.parse().unwrap()),
        source_vpc: find("acs:SourceVpc"),
        user_agent: find("acs:UserAgent"),
        current_time: find("acs:CurrentTime").map(|text| Timestamp::parse_iso8601(text).unwrap()),
        secure_transport: find("acs:SecureTransport").map(|text| text == "true"),
        prefix: find("oss:Prefix"),
        existing_object_tags: &existing,
        request_object_tags: &requested,
        remaining_retention_days: find("oss:object-remaining-retention-days")
            .map(|text| text.parse().unwrap()),
        ..Conditions::default()
    };
    let named = |text: &str| -> (String, String) {
        let parts: Vec<&str> = text.splitn(5, ':').collect();
        (parts[2].to_owned(), parts[4].to_owned())
    };
    let names: Vec<(String, String)> = question.resources.iter().map(|text| named(text)).collect();
    let resource_of = |at: usize| {
        names.get(at).map(|(region, path)| RequestResource {
            service: "oss",
            region,
            owner: "1",
            path: path.as_str().into(),
        })
    };
    let caller = match &question.caller {
        Asker::Anonymous => None,
        Asker::Root(account) => Some((account, Who::Root)),
        Asker::User(account, name, id) => Some((account, Who::User { name, id })),
        Asker::Role(account, role, session) => Some((account, Who::AssumedRole { role, session })),
    }
    .map(|(account, who)| Caller { account, who });
    let mut facts = RequestFacts::new(
        &question.action,
        resource_of(0).unwrap(),
        caller,
        &conditions,
    );
    if let Some(second) = resource_of(1) {
        facts = facts.by_access_point(second);
    }
    match policy.evaluate(&facts) {
        Verdict::Allow(found) => {
            assert_eq!(found.effect, Effect::Allow);
            Answer::Allow
        }
        Verdict::Deny(found) => {
            assert_eq!(found.effect, Effect::Deny);
            Answer::Deny
        }
        Verdict::Ignore => {
            let nearest = policy.nearest(&facts);
            assert!(nearest.is_none_or(|miss| !miss.unmet.is_empty()));
            Answer::Ignore
        }
    }
}

fn compare(kind: PolicyKind, seed: u64) {
    let dice = Dice(SeededRng::new(seed));
    let questions: Vec<Question> = (0..QUESTIONS).map(|_| question(&dice)).collect();
    let mut seen = [0_usize; 3];
    for _ in 0..DOCUMENTS {
        let statements: Vec<Value> = (0..=dice.below(4))
            .map(|_| statement(&dice, kind))
            .collect();
        let document = json!({"Version": "1", "Statement": statements});
        let text = document.to_string();
        let policy = Policy::parse(&text, kind).unwrap_or_else(|error| panic!("{text}: {error}"));
        let start = dice.below(QUESTIONS - ASKED);
        for question in &questions[start..start + ASKED] {
            let expected = answer(&document, question, kind == PolicyKind::Bucket);
            let actual = evaluate(&policy, question);
            assert_eq!(actual, expected, "{text}\n{question:#?}");
            seen[expected as usize] += 1;
        }
    }
    // The draw is worth something only if all answers are frequent.
    let all = DOCUMENTS * ASKED;
    assert!(
        all >= 500_000 && seen.iter().all(|count| *count > all / 40),
        "{seen:?}"
    );
}

#[test]
fn s11_s12_the_oracle_agrees_on_policies_of_callers() {
    compare(PolicyKind::Ram, 0x0551_E003);
}

#[test]
fn s11_s12_the_oracle_agrees_on_policies_of_buckets() {
    compare(PolicyKind::Bucket, 0x0551_E004);
}

#[test]
fn s39_globs_agree_with_trying_everything() {
    let dice = Dice(SeededRng::new(39));
    let mut seen = [0_usize; 2];
    for _ in 0..200_000 {
        let text = |letters: &str, length: usize| -> String {
            let letters: Vec<char> = letters.chars().collect();
            (0..dice.below(length))
                .map(|_| letters[dice.below(letters.len())])
                .collect()
        };
        let (pattern, text) = (text("ab?*é", 9), text("abé", 12));
        let actual = Glob::new(&pattern).matches(&text);
        assert_eq!(
            actual,
            slow_glob(&pattern, &text),
            "`{pattern}` on `{text}`"
        );
        seen[usize::from(actual)] += 1;
    }
    assert!(seen.iter().all(|count| *count > 10_000), "{seen:?}");
}
