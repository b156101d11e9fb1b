//! Documents of S3 that are kept as they were sent: what S3 itself refuses of them is refused
//! here too, so that nothing is found wrong only when somebody relies on it.

use osier_types::{ConfigKind, Fault, FaultKind, Timestamp};

use super::documents::well_formed;
use super::read::{Element, malformed, parse};
use crate::s3::class;

/// Refuses a document that is not one of its kind.
pub(crate) fn check(kind: ConfigKind, document: &[u8], root: &str) -> Result<(), Fault> {
    match kind {
        ConfigKind::S3Lifecycle => lifecycle(&parse(document, root)?),
        ConfigKind::S3Website => website(&parse(document, root)?),
        _ => well_formed(document, root),
    }
}

fn lifecycle(root: &Element) -> Result<(), Fault> {
    let rules: Vec<&Element> = root.all("Rule").collect();
    if rules.is_empty() || rules.len() > RULES_MAX {
        return Err(malformed("there are 1 to 1000 rules"));
    }
    let mut ids: Vec<&str> = Vec::new();
    for rule in rules {
        if let Some(id) = rule.word("ID")? {
            if id.len() > ID_LEN_MAX {
                return Err(Fault::argument("ID", id, "at most 255 characters"));
            }
            if ids.contains(&id) {
                return Err(Fault::argument("ID", id, "each rule has an id of its own"));
            }
            ids.push(id);
        }
        one_of(rule, "Status", &["Enabled", "Disabled"])?;
        let has_tags = lifecycle_filter(rule)?;
        lifecycle_actions(rule, has_tags)?;
    }
    Ok(())
}

/// Whether the rule chooses by tags.
fn lifecycle_filter(rule: &Element) -> Result<bool, Fault> {
    let filter = match (rule.one("Filter")?, rule.one("Prefix")?) {
        (Some(filter), None) => filter,
        (None, Some(_)) => return Ok(false),
        _ => return Err(malformed("a rule has either a Filter or a Prefix")),
    };
    let kinds = [
        "Prefix",
        "Tag",
        "ObjectSizeGreaterThan",
        "ObjectSizeLessThan",
        "And",
    ];
    let mut given = 0;
    for kind in kinds {
        given += usize::from(filter.one(kind)?.is_some());
    }
    if given > 1 {
        return Err(malformed("several conditions of a Filter stand in an And"));
    }
    let conditions = filter.one("And")?.unwrap_or(filter);
    for size in ["ObjectSizeGreaterThan", "ObjectSizeLessThan"] {
        if let Some(word) = conditions.word(size)? {
            word.parse::<u64>()
                .map_err(|_| malformed("a size is a number"))?;
        }
    }
    Ok(conditions.all("Tag").next().is_some())
}

fn lifecycle_actions(rule: &Element, has_tags: bool) -> Result<(), Fault> {
    let mut actions = 0;
    if let Some(expiration) = rule.one("Expiration")? {
        actions += 1;
        let marker = expiration.word("ExpiredObjectDeleteMarker")?.is_some();
        expiration.flag("ExpiredObjectDeleteMarker")?;
        if usize::from(marker) + moment(expiration, 1)? != 1 {
            return Err(malformed(
                "an Expiration has Days, a Date or ExpiredObjectDeleteMarker",
            ));
        }
        if marker && has_tags {
            return Err(unfit("ExpiredObjectDeleteMarker"));
        }
    }
    if let Some(expiration) = rule.one("NoncurrentVersionExpiration")? {
        actions += 1;
        days(expiration, "NoncurrentDays", 1)?
            .ok_or_else(|| malformed("NoncurrentDays is missing"))?;
    }
    if let Some(abort) = rule.one("AbortIncompleteMultipartUpload")? {
        actions += 1;
        days(abort, "DaysAfterInitiation", 1)?
            .ok_or_else(|| malformed("DaysAfterInitiation is missing"))?;
        if has_tags {
            return Err(unfit("AbortIncompleteMultipartUpload"));
        }
    }
    for transition in rule.all("Transition") {
        actions += 1;
        if moment(transition, 0)? != 1 {
            return Err(malformed("a Transition has Days or a Date"));
        }
        storage_class(transition)?;
    }
    for transition in rule.all("NoncurrentVersionTransition") {
        actions += 1;
        days(transition, "NoncurrentDays", 0)?;
        storage_class(transition)?;
    }
    if actions == 0 {
        return Err(FaultKind::InvalidRequest {
            reason: "at least one action needs to be specified in a rule".to_owned(),
        }
        .into());
    }
    Ok(())
}

/// How many of `Days` and `Date` there are.
fn moment(element: &Element, least: i64) -> Result<usize, Fault> {
    let days = days(element, "Days", least)?;
    let date = element.word("Date")?;
    if let Some(text) = date {
        let time = Timestamp::parse_iso8601(text).map_err(|_| malformed("Date is no date"))?;
        if time.as_millis() % DAY_MS != 0 {
            return Err(Fault::argument("Date", text, "a date is at midnight GMT"));
        }
    }
    Ok(usize::from(days.is_some()) + usize::from(date.is_some()))
}

fn days(element: &Element, name: &'static str, least: i64) -> Result<Option<i64>, Fault> {
    let Some(word) = element.word(name)? else {
        return Ok(None);
    };
    let days: i64 = word
        .parse()
        .map_err(|_| malformed(&format!("{name} is a number")))?;
    if days < least || days > i64::from(i32::MAX) {
        return Err(Fault::argument(name, word, "a positive number of days"));
    }
    Ok(Some(days))
}

fn storage_class(element: &Element) -> Result<(), Fault> {
    let word = element.word("StorageClass")?;
    word.and_then(class::parse)
        .map(drop)
        .ok_or_else(|| malformed("StorageClass is missing or unknown"))
}

fn unfit(action: &'static str) -> Fault {
    Fault::new(FaultKind::InvalidRequest {
        reason: format!("{action} can't be combined with tags"),
    })
}

fn website(root: &Element) -> Result<(), Fault> {
    if let Some(redirect) = root.one("RedirectAllRequestsTo")? {
        redirect
            .word("HostName")?
            .ok_or_else(|| malformed("HostName is missing"))?;
        return match root.one("IndexDocument")? {
            None => Ok(()),
            Some(_) => Err(malformed("RedirectAllRequestsTo stands alone")),
        };
    }
    let index = root
        .one("IndexDocument")?
        .ok_or_else(|| malformed("IndexDocument is missing"))?;
    match index.word("Suffix")? {
        Some(suffix) if !suffix.contains('/') => Ok(()),
        suffix => Err(Fault::argument(
            "IndexDocument>Suffix",
            suffix.unwrap_or_default(),
            "a name without a slash",
        )),
    }
}

fn one_of(element: &Element, name: &str, words: &[&str]) -> Result<(), Fault> {
    let word = element.word(name)?;
    if word.is_some_and(|word| words.contains(&word)) {
        Ok(())
    } else {
        Err(malformed(&format!("{name} is one of {}", words.join(", "))))
    }
}

const RULES_MAX: usize = 1000;
const ID_LEN_MAX: usize = 255;
const DAY_MS: i64 = 24 * 60 * 60 * 1000;

#[cfg(test)]
mod tests {
    use super::*;

    fn code(rule: &str) -> &'static str {
        let text = format!("<L>{rule}</L>");
        match check(ConfigKind::S3Lifecycle, text.as_bytes(), "L").map_err(|fault| fault.kind) {
            Ok(()) => "kept",
            Err(FaultKind::MalformedXml { .. }) => "MalformedXML",
            Err(FaultKind::InvalidArgument { .. }) => "InvalidArgument",
            Err(FaultKind::InvalidRequest { .. }) => "InvalidRequest",
            Err(other) => panic!("{other:?}"),
        }
    }

    #[test]
    fn lifecycle_rules_are_checked() {
        let rule = |inner: &str| {
            format!(
                "<Rule><Status>Enabled</Status><Filter><Prefix>a</Prefix></Filter>{inner}</Rule>"
            )
        };
        let days = |days: &str| rule(&format!("<Expiration><Days>{days}</Days></Expiration>"));
        let date = |date: &str| rule(&format!("<Expiration><Date>{date}</Date></Expiration>"));
        for (text, expected) in [
            (days("1"), "kept"),
            (days("0"), "InvalidArgument"),
            (days("-1"), "InvalidArgument"),
            (days("x"), "MalformedXML"),
            (date("2030-01-01T00:00:00Z"), "kept"),
            (date("2030-01-01T01:00:00Z"), "InvalidArgument"),
            (date("soon"), "MalformedXML"),
            (rule(""), "InvalidRequest"),
            (rule("<Expiration/>"), "MalformedXML"),
            (
                rule(
                    "<Expiration><ExpiredObjectDeleteMarker>true</ExpiredObjectDeleteMarker></Expiration>",
                ),
                "kept",
            ),
            (
                rule("<Transition><Days>0</Days><StorageClass>GLACIER</StorageClass></Transition>"),
                "kept",
            ),
            (
                rule("<Transition><Days>0</Days><StorageClass>TAPE</StorageClass></Transition>"),
                "MalformedXML",
            ),
            (
                rule(
                    "<NoncurrentVersionExpiration><NoncurrentDays>1</NoncurrentDays></NoncurrentVersionExpiration>",
                ),
                "kept",
            ),
            (rule("<AbortIncompleteMultipartUpload/>"), "MalformedXML"),
            (days("1").replace("Enabled", "enabled"), "MalformedXML"),
            (
                days("1").replace("<Filter>", "<Prefix/><Filter>"),
                "MalformedXML",
            ),
            (
                days("1")
                    .replace("<Status>", "<ID>i</ID><Status>")
                    .repeat(2),
                "InvalidArgument",
            ),
            (String::new(), "MalformedXML"),
        ] {
            assert_eq!(code(&text), expected, "{text}");
        }
    }

    #[test]
    fn websites_are_checked() {
        for (kind, text, kept) in [
            (
                ConfigKind::S3Website,
                "<D><IndexDocument><Suffix>i</Suffix></IndexDocument></D>",
                true,
            ),
            (
                ConfigKind::S3Website,
                "<D><IndexDocument><Suffix>a/i</Suffix></IndexDocument></D>",
                false,
            ),
            (ConfigKind::S3Website, "<D/>", false),
            (
                ConfigKind::S3Website,
                "<D><RedirectAllRequestsTo><HostName>h</HostName></RedirectAllRequestsTo></D>",
                true,
            ),
        ] {
            assert_eq!(check(kind, text.as_bytes(), "D").is_ok(), kept, "{text}");
        }
    }
}
