//! The documents that both dialects understand in the same form.

use http::HeaderName;
use osier_types::limits::{
    CORS_RULES_MAX, DELETE_KEYS_MAX, PART_NUMBER_MAX, PROCESS_BYTES_MAX, PROTECTED_SUFFIXES_MAX,
};
use osier_types::{
    BucketVersioning, CorsConfig, CorsRule, DeleteConditions, Fault, FaultKind, ObjectKey,
    ObjectToDelete, ProcessingConfig, RefererConfig, StyleDelimiter, Tag, Tags,
};

use super::read::{Element, malformed, parse};
use crate::request::fields::{invalid_tags, version_id};

/// `VersioningConfiguration`.
pub(crate) fn versioning(document: &[u8]) -> Result<BucketVersioning, Fault> {
    let root = parse(document, "VersioningConfiguration")?;
    // Nobody who asks for it may believe it there.
    if root
        .word("MfaDelete")?
        .is_some_and(|word| word != "Disabled")
    {
        return Err(FaultKind::NotImplemented {
            what: "MfaDelete".to_owned(),
        }
        .into());
    }
    let word = root
        .word("Status")?
        .ok_or_else(|| malformed("Status is missing"))?;
    BucketVersioning::parse(word)
        .map_err(|_| Fault::argument("Status", word, "Enabled or Suspended"))
}

/// `Tagging`, with at most `max` tags.
pub(crate) fn tagging(document: &[u8], max: usize) -> Result<Tags, Fault> {
    let root = parse(document, "Tagging")?;
    let set = root
        .one("TagSet")?
        .ok_or_else(|| malformed("TagSet is missing"))?;
    tags_in(set, max)
}

/// The `Tag` elements in another, at most `max`.
pub(crate) fn tags_in(set: &Element, max: usize) -> Result<Tags, Fault> {
    let tags: Vec<Tag> = set
        .all("Tag")
        .map(|tag| {
            let key = tag
                .exact("Key")?
                .ok_or_else(|| malformed("a Tag has no Key"))?;
            Ok(Tag {
                key: key.to_owned(),
                value: tag.exact("Value")?.unwrap_or_default().to_owned(),
            })
        })
        .collect::<Result<_, Fault>>()?;
    Tags::new(tags, max).map_err(|error| invalid_tags(&error))
}

/// `CORSConfiguration`.
pub(crate) fn cors(document: &[u8]) -> Result<CorsConfig, Fault> {
    let root = parse(document, "CORSConfiguration")?;
    let rules: Vec<CorsRule> = root
        .all("CORSRule")
        .map(cors_rule)
        .collect::<Result<_, _>>()?;
    if rules.is_empty() {
        return Err(malformed("CORSRule is missing"));
    }
    if rules.len() > CORS_RULES_MAX {
        let count = rules.len().to_string();
        let reason = format!("at most {CORS_RULES_MAX} rules");
        return Err(Fault::argument("CORSRule", count, reason));
    }
    Ok(CorsConfig {
        rules,
        response_vary: root.flag("ResponseVary")?,
    })
}

fn cors_rule(rule: &Element) -> Result<CorsRule, Fault> {
    const METHODS: [&str; 5] = ["GET", "PUT", "DELETE", "POST", "HEAD"];
    let words = |name, fits: &dyn Fn(&str) -> bool| -> Result<Vec<String>, Fault> {
        rule.all(name)
            .map(|child| {
                let word = child.text.trim();
                if fits(word) {
                    Ok(word.to_owned())
                } else {
                    Err(Fault::argument(name, word, "not allowed in a CORS rule"))
                }
            })
            .collect()
    };
    let printable =
        |word: &str| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_graphic());
    let one_star = |word: &str| printable(word) && word.matches('*').count() <= 1;
    let header_name = |word: &str| HeaderName::from_bytes(word.as_bytes()).is_ok();
    let allowed_origins = words("AllowedOrigin", &one_star)?;
    let allowed_methods = words("AllowedMethod", &|word| METHODS.contains(&word))?;
    if allowed_origins.is_empty() || allowed_methods.is_empty() {
        return Err(malformed(
            "a CORSRule needs AllowedOrigin and AllowedMethod",
        ));
    }
    let max_age_seconds = rule
        .word("MaxAgeSeconds")?
        .map(|word| {
            word.parse()
                .map_err(|_| Fault::argument("MaxAgeSeconds", word, "a number of seconds"))
        })
        .transpose()?;
    Ok(CorsRule {
        allowed_origins,
        allowed_methods,
        allowed_headers: words("AllowedHeader", &one_star)?,
        // `*` is no header name, but a valid character of one.
        expose_headers: words("ExposeHeader", &|word| {
            header_name(word) && !word.contains('*')
        })?,
        max_age_seconds,
    })
}

/// `RefererConfiguration`. Patterns are kept as they are.
pub(crate) fn referer(document: &[u8]) -> Result<RefererConfig, Fault> {
    let root = parse(document, "RefererConfiguration")?;
    if root.word("AllowEmptyReferer")?.is_none() {
        return Err(malformed("AllowEmptyReferer is missing"));
    }
    let list = |name: &str| -> Result<Vec<String>, Fault> {
        let Some(list) = root.one(name)? else {
            return Ok(Vec::new());
        };
        Ok(list
            .all("Referer")
            .map(|child| child.text.trim())
            // SDKs write an empty element for an empty list.
            .filter(|text| !text.is_empty())
            .map(str::to_owned)
            .collect())
    };
    let truncates = root.word("AllowTruncateQueryString")?.is_none()
        || root.flag("AllowTruncateQueryString")?;
    Ok(RefererConfig {
        allow_empty: root.flag("AllowEmptyReferer")?,
        allow_truncate_query: truncates,
        truncate_path: root.flag("TruncatePath")?,
        allowed: list("RefererList")?,
        denied: list("RefererBlacklist")?,
    })
}

/// `PublicAccessBlockConfiguration`.
pub(crate) fn public_access_block(document: &[u8]) -> Result<bool, Fault> {
    parse(document, "PublicAccessBlockConfiguration")?.flag("BlockPublicAccess")
}

/// `CreateAccessPointConfiguration`: the name, and the network it is bound to.
pub(crate) fn create_access_point(document: &[u8]) -> Result<(String, Option<String>), Fault> {
    let root = parse(document, "CreateAccessPointConfiguration")?;
    let name = root
        .word("AccessPointName")?
        .ok_or_else(|| malformed("AccessPointName is missing"))?;
    let vpc = match root.one("VpcConfiguration")? {
        Some(vpc) => vpc.word("VpcId")?,
        None => None,
    };
    let network = match (root.word("NetworkOrigin")?, vpc) {
        (Some("internet"), None) => None,
        (Some("vpc"), Some(id)) if is_vpc(id) => Some(id.to_owned()),
        (Some("vpc"), id) => {
            let reason = "an id like vpc-t4nlw426y44rd3iq4 is needed";
            return Err(Fault::argument("VpcId", id.unwrap_or_default(), reason));
        }
        (Some("internet"), Some(id)) => {
            return Err(Fault::argument("VpcId", id, "only with NetworkOrigin vpc"));
        }
        (other, _) => {
            let word = other.unwrap_or_default();
            return Err(Fault::argument("NetworkOrigin", word, "internet or vpc"));
        }
    };
    Ok((name.to_owned(), network))
}

fn is_vpc(id: &str) -> bool {
    id.len() <= 64
        && id
            .strip_prefix("vpc-")
            .is_some_and(|rest| rest.bytes().all(|byte| byte.is_ascii_alphanumeric()))
}

/// `Style`: its content, to the byte but for white space around it.
pub(crate) fn style(document: &[u8]) -> Result<String, Fault> {
    let root = parse(document, "Style")?;
    let content = root
        .word("Content")?
        .ok_or_else(|| malformed("Content is missing"))?;
    if content.len() > PROCESS_BYTES_MAX {
        let reason = format!("at most {PROCESS_BYTES_MAX} bytes");
        return Err(Fault::argument("Content", content, reason));
    }
    Ok(content.to_owned())
}

/// `BucketProcessConfiguration`.
pub(crate) fn processing(document: &[u8]) -> Result<ProcessingConfig, Fault> {
    let root = parse(document, "BucketProcessConfiguration")?;
    let switch = |name: &'static str| match root.word(name)? {
        None | Some("Disabled") => Ok(false),
        Some("Enabled") => Ok(true),
        Some(word) => Err(Fault::argument(name, word, "Enabled or Disabled")),
    };
    let suffixes: Vec<String> = listed(root.word("SourceFileProtectSuffix")?)
        .map(|suffix| suffix.trim_start_matches('.').to_ascii_lowercase())
        .collect();
    if suffixes.len() > PROTECTED_SUFFIXES_MAX {
        let reason = format!("at most {PROTECTED_SUFFIXES_MAX}");
        let count = suffixes.len().to_string();
        return Err(Fault::argument("SourceFileProtectSuffix", count, reason));
    }
    let delimiters = listed(root.word("StyleDelimiters")?)
        .map(|word| {
            StyleDelimiter::parse(word)
                .map_err(|_| Fault::argument("StyleDelimiters", word, "of `-`, `_`, `/` and `!`"))
        })
        .collect::<Result<_, _>>()?;
    let complied_host = match root.word("CompliedHost")? {
        None => "Both",
        Some(word @ ("Both" | "Img")) => word,
        Some(word) => return Err(Fault::argument("CompliedHost", word, "Both or Img")),
    };
    let at_process = switch("OssDomainSupportAtProcess")?;
    Ok(ProcessingConfig {
        protected: switch("SourceFileProtect")?,
        suffixes,
        delimiters,
        complied_host: complied_host.to_owned(),
        at_process,
    })
}

/// Words between commas, without blanks and empty ones.
fn listed(text: Option<&str>) -> impl Iterator<Item = &str> {
    text.unwrap_or_default()
        .split(',')
        .map(str::trim)
        .filter(|word| !word.is_empty())
}

/// What to delete, and whether to keep quiet about it.
pub(crate) type Deletion = (Vec<ObjectToDelete>, bool);

/// `Delete`; `object_key` says which keys the dialect allows, `conditions` what must hold of each.
pub(crate) fn delete(
    document: &[u8],
    object_key: fn(&[u8]) -> Result<ObjectKey, Fault>,
    conditions: fn(&Element) -> Result<DeleteConditions, Fault>,
) -> Result<Deletion, Fault> {
    let root = parse(document, "Delete")?;
    if root.all("Object").count() > DELETE_KEYS_MAX {
        return Err(malformed(&format!("more than {DELETE_KEYS_MAX} objects")));
    }
    let objects: Vec<_> = root
        .all("Object")
        .map(|object| {
            let key = object
                .exact("Key")?
                .ok_or_else(|| malformed("an Object has no Key"))?;
            let version = object.word("VersionId")?.map(version_id).transpose()?;
            Ok(ObjectToDelete {
                key: object_key(key.as_bytes())?,
                version,
                conditions: conditions(object)?,
            })
        })
        .collect::<Result<_, Fault>>()?;
    if objects.is_empty() {
        return Err(malformed("Object is missing"));
    }
    Ok((objects, root.flag("Quiet")?))
}

/// `CompleteMultipartUpload`: part numbers with the tags the client was given.
pub(crate) fn complete(document: &[u8]) -> Result<Vec<(u16, String)>, Fault> {
    let root = parse(document, "CompleteMultipartUpload")?;
    parts(&root, part)
}

/// What `read` makes of each part of a completion.
pub(crate) fn parts<T>(
    root: &Element,
    read: fn(&Element) -> Result<T, Fault>,
) -> Result<Vec<T>, Fault> {
    if root.all("Part").count() > usize::from(PART_NUMBER_MAX) {
        return Err(malformed(&format!("more than {PART_NUMBER_MAX} parts")));
    }
    let parts: Vec<T> = root.all("Part").map(read).collect::<Result<_, Fault>>()?;
    if parts.is_empty() {
        return Err(malformed("Part is missing"));
    }
    Ok(parts)
}

/// A part's number and tag.
pub(crate) fn part(part: &Element) -> Result<(u16, String), Fault> {
    let number = part
        .word("PartNumber")?
        .ok_or_else(|| malformed("a Part has no PartNumber"))?;
    let etag = part
        .word("ETag")?
        .ok_or_else(|| malformed("a Part has no ETag"))?;
    let number = number
        .parse()
        .ok()
        .filter(|number| (1..=PART_NUMBER_MAX).contains(number))
        .ok_or_else(|| Fault::argument("PartNumber", number, "1 to 10000"))?;
    Ok((number, etag.to_owned()))
}

/// A document that is kept as it is; it must only be one.
pub(crate) fn well_formed(document: &[u8], root: &str) -> Result<(), Fault> {
    parse(document, root).map(|_| ())
}
