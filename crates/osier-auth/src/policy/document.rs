//! From the text of a document to compiled statements; what it refuses, it names by its path.

use super::action::ActionPattern;
use super::condition::{Condition, Refused};
use super::json::Json;
use super::principal::PrincipalPattern;
use super::resource::ResourcePattern;
use super::statement::{Listed, Statement};
use super::{Effect, InvalidPolicy, PolicyKind};

/// Checks and compiles.
pub(super) fn parse(text: &str, kind: PolicyKind) -> Result<Box<[Statement]>, InvalidPolicy> {
    let root = Path::root();
    if text.len() > kind.bytes_max() {
        return root.refuse(format!(
            "the document has {} bytes, at most {} are allowed",
            text.len(),
            kind.bytes_max()
        ));
    }
    let json = Json::parse(text)
        .or_else(|error| root.refuse(format!("the document is no JSON: {error}")))?;
    let document = Members::of(&json, &root)?;
    let mut known = vec!["Version", "Statement"];
    if matches!(kind, PolicyKind::Bucket | PolicyKind::AccessPoint) {
        // S3's tools write it; it means nothing.
        known.push("Id");
    }
    document.only(&known)?;
    document.version()?;
    if let Some(id) = document.find("Id") {
        root.then("Id").text(id)?;
    }
    let statements = document.require("Statement")?;
    let path = root.then("Statement");
    match statements {
        Json::List(list) if list.is_empty() => path.refuse("at least one statement is needed"),
        Json::List(list) => list
            .iter()
            .enumerate()
            .map(|(nth, json)| statement(json, &path.nth(nth), kind))
            .collect(),
        single => Ok(Box::new([statement(single, &path, kind)?])),
    }
}

fn statement(json: &Json, path: &Path, kind: PolicyKind) -> Result<Statement, InvalidPolicy> {
    let members = Members::of(json, path)?;
    let mut known = vec!["Sid", "Effect", "Action", "NotAction", "Condition"];
    if kind.has_principals() {
        known.extend(["Principal", "NotPrincipal"]);
    }
    if kind != PolicyKind::Trust {
        known.extend(["Resource", "NotResource"]);
    }
    members.only(&known)?;
    let sid = match members.find("Sid") {
        Some(sid) => Some(path.then("Sid").text(sid)?.into()),
        None => None,
    };
    let effect_path = path.then("Effect");
    let effect = match effect_path.text(members.require("Effect")?)? {
        "Allow" => Effect::Allow,
        "Deny" => Effect::Deny,
        other => return effect_path.refuse(format!("`{other}` is neither `Allow` nor `Deny`")),
    };
    let principals = if kind.has_principals() {
        let (element, json, negated) = members.either("Principal", "NotPrincipal")?;
        Some(principals(json, &path.then(element), kind, negated)?)
    } else {
        None
    };
    let (element, json, negated) = members.either("Action", "NotAction")?;
    let actions = actions(json, &path.then(element), kind, negated)?;
    let resources = if kind == PolicyKind::Trust {
        None
    } else {
        let (element, json, negated) = members.either("Resource", "NotResource")?;
        Some(resources(json, &path.then(element), kind, negated)?)
    };
    let conditions = match members.find("Condition") {
        Some(json) => conditions(json, &path.then("Condition"))?,
        None => Box::default(),
    };
    let public = effect == Effect::Allow
        && matches!(kind, PolicyKind::Bucket | PolicyKind::AccessPoint)
        && principals.as_ref().is_some_and(|listed| {
            listed.negated || listed.patterns.iter().any(PrincipalPattern::is_everyone)
        })
        && !conditions.iter().any(Condition::confines);
    Ok(Statement {
        sid,
        effect,
        principals,
        actions,
        resources,
        spares_owner: kind == PolicyKind::Bucket && conditions.is_empty(),
        conditions,
        public,
    })
}

fn principals(
    json: &Json,
    path: &Path,
    kind: PolicyKind,
    negated: bool,
) -> Result<Listed<PrincipalPattern>, InvalidPolicy> {
    let mut patterns = Vec::new();
    match json {
        Json::Object(_) => {
            let members = Members::of(json, path)?;
            let known: &[&str] = match kind {
                PolicyKind::Trust => &["RAM", "Service", "Federated", "AWS"],
                _ => &["RAM", "AWS"],
            };
            members.only(known)?;
            for (name, json) in members.list {
                let read = match name.as_str() {
                    "Service" => PrincipalPattern::service,
                    "Federated" => PrincipalPattern::federated,
                    _ => PrincipalPattern::parse_account,
                };
                patterns.extend(path.then(name).each(json, read)?);
            }
        }
        Json::List(list) if list.is_empty() && !negated && kind != PolicyKind::Trust => {
            // The documentation: an empty list is everybody.
            let everyone = PrincipalPattern::parse("*");
            patterns.push(everyone.or_else(|reason| path.refuse(reason))?);
        }
        other => patterns.extend(path.each(other, PrincipalPattern::parse)?),
    }
    if patterns.is_empty() {
        return path.refuse("at least one principal is needed");
    }
    Ok(Listed {
        patterns: patterns.into(),
        negated,
    })
}

fn actions(
    json: &Json,
    path: &Path,
    kind: PolicyKind,
    negated: bool,
) -> Result<Listed<ActionPattern>, InvalidPolicy> {
    let patterns = path.each(json, |text| {
        let pattern = ActionPattern::parse(text)?;
        let allowed: &[&str] = match kind {
            PolicyKind::Ram | PolicyKind::Session => return Ok(pattern),
            PolicyKind::Trust => &["sts", "*"],
            PolicyKind::Bucket | PolicyKind::AccessPoint => &["oss", "*"],
        };
        if allowed.contains(&pattern.service().as_str()) {
            Ok(pattern)
        } else {
            Err(format!("`{text}` can't be granted by such a policy"))
        }
    })?;
    if patterns.is_empty() {
        return path.refuse("at least one action is needed");
    }
    Ok(Listed {
        patterns: patterns.into(),
        negated,
    })
}

fn resources(
    json: &Json,
    path: &Path,
    kind: PolicyKind,
    negated: bool,
) -> Result<Listed<ResourcePattern>, InvalidPolicy> {
    let patterns = path.each(json, |text| {
        let pattern = ResourcePattern::parse(text)?;
        match kind {
            PolicyKind::AccessPoint if !pattern.can_mean_access_point() => Err(format!(
                "`{text}` is no access point: expected \
                 `acs:oss:<region>:<owner>:accesspoint/<name>[/object/<pattern>]`"
            )),
            PolicyKind::Bucket if !pattern.is_oss() => {
                Err(format!("`{text}` is no resource of the object store"))
            }
            _ => Ok(pattern),
        }
    })?;
    if patterns.is_empty() {
        return path.refuse("at least one resource is needed");
    }
    Ok(Listed {
        patterns: patterns.into(),
        negated,
    })
}

fn conditions(json: &Json, path: &Path) -> Result<Box<[Condition]>, InvalidPolicy> {
    let mut conditions = Vec::new();
    for (operator, json) in Members::of(json, path)?.list {
        let path = path.then(operator);
        let members = Members::of(json, &path)?;
        if members.list.is_empty() {
            return path.refuse("at least one condition key is needed");
        }
        for (key, json) in members.list {
            let path = path.then(key);
            let values = path.each(json, |text| Ok(text.to_owned()))?;
            if values.is_empty() {
                return path.refuse("at least one value is needed");
            }
            let condition =
                Condition::parse(operator, key, values).or_else(|refused| match refused {
                    Refused::Operator(reason) => path.parent().refuse(reason),
                    Refused::Value(nth, reason) if matches!(json, Json::List(_)) => {
                        path.nth(nth).refuse(reason)
                    }
                    Refused::Key(reason) | Refused::Value(_, reason) => path.refuse(reason),
                })?;
            conditions.push(condition);
        }
    }
    Ok(conditions.into())
}

/// The members of an object, none twice.
struct Members<'j> {
    list: &'j [(String, Json)],
    path: &'j Path,
}

impl<'j> Members<'j> {
    fn of(json: &'j Json, path: &'j Path) -> Result<Self, InvalidPolicy> {
        let Json::Object(list) = json else {
            return path.refuse(format!("expected an object, not {}", json.describe()));
        };
        let mut seen: Vec<&str> = Vec::with_capacity(list.len());
        for (name, _) in list {
            if seen.contains(&name.as_str()) {
                return path.then(name).refuse("appears twice");
            }
            seen.push(name);
        }
        Ok(Self { list, path })
    }

    fn only(&self, known: &[&str]) -> Result<(), InvalidPolicy> {
        match self
            .list
            .iter()
            .find(|(name, _)| !known.contains(&name.as_str()))
        {
            Some((name, _)) => self
                .path
                .then(name)
                .refuse("is not an element of this kind of policy"),
            None => Ok(()),
        }
    }

    fn find(&self, name: &str) -> Option<&'j Json> {
        self.list
            .iter()
            .find(|(found, _)| found == name)
            .map(|(_, json)| json)
    }

    fn require(&self, name: &str) -> Result<&'j Json, InvalidPolicy> {
        self.find(name)
            .map_or_else(|| self.path.then(name).refuse("is missing"), Ok)
    }

    /// One of an element and its negation, and which.
    fn either(
        &self,
        plain: &'static str,
        negation: &'static str,
    ) -> Result<(&'static str, &'j Json, bool), InvalidPolicy> {
        match (self.find(plain), self.find(negation)) {
            (Some(json), None) => Ok((plain, json, false)),
            (None, Some(json)) => Ok((negation, json, true)),
            (Some(_), Some(_)) => self
                .path
                .then(negation)
                .refuse(format!("can't stand beside `{plain}`")),
            (None, None) => self.path.then(plain).refuse("is missing"),
        }
    }

    fn version(&self) -> Result<(), InvalidPolicy> {
        let path = self.path.then("Version");
        let version = scalar(self.require("Version")?);
        // The last two are S3's.
        match version.as_deref() {
            Some("1" | "2012-10-17" | "2008-10-17") => Ok(()),
            _ => path.refuse("only version `1` is known"),
        }
    }
}

/// Where in the document.
struct Path(Vec<String>);

impl Path {
    fn root() -> Self {
        Self(Vec::new())
    }

    fn then(&self, name: &str) -> Self {
        let mut steps = self.0.clone();
        // Names come from the document: a long one would swamp the message.
        let shown: String = name.chars().take(NAME_SHOWN_MAX).collect();
        steps.push(if steps.is_empty() {
            shown
        } else {
            format!(".{shown}")
        });
        Self(steps)
    }

    fn nth(&self, index: usize) -> Self {
        let mut steps = self.0.clone();
        steps.push(format!("[{index}]"));
        Self(steps)
    }

    fn parent(&self) -> Self {
        let mut steps = self.0.clone();
        steps.pop();
        Self(steps)
    }

    fn refuse<T>(&self, reason: impl Into<String>) -> Result<T, InvalidPolicy> {
        Err(InvalidPolicy {
            path: self.0.concat(),
            reason: reason.into(),
        })
    }

    fn text<'j>(&self, json: &'j Json) -> Result<&'j str, InvalidPolicy> {
        match json {
            Json::Text(text) => Ok(text),
            other => self.refuse(format!("expected a string, not {}", other.describe())),
        }
    }

    /// One value or a list of them, each read from its text.
    fn each<T>(
        &self,
        json: &Json,
        read: impl Fn(&str) -> Result<T, String>,
    ) -> Result<Vec<T>, InvalidPolicy> {
        let one = |json: &Json, path: &Self| match scalar(json) {
            Some(text) => read(&text).or_else(|reason| path.refuse(reason)),
            None => path.refuse(format!("expected a string, not {}", json.describe())),
        };
        match json {
            Json::List(list) => list
                .iter()
                .enumerate()
                .map(|(nth, json)| one(json, &self.nth(nth)))
                .collect(),
            single => Ok(vec![one(single, self)?]),
        }
    }
}

/// The text of a value; tools write numbers and booleans bare.
fn scalar(json: &Json) -> Option<String> {
    match json {
        Json::Text(text) | Json::Number(text) => Some(text.clone()),
        Json::Bool(value) => Some(value.to_string()),
        Json::Null | Json::List(_) | Json::Object(_) => None,
    }
}

const NAME_SHOWN_MAX: usize = 80;
