//! Reads parameters by name and kind.

use osier_auth::directory::{ControlFault, TagPairs};
use serde::Deserialize;

/// The decoded parameters of a request, each name once.
pub(crate) struct Parameters<'a>(pub(crate) &'a [(String, String)]);

/// One reader for each kind of parameter; the names are those of the table.
impl<'a> Parameters<'a> {
    /// A text that must be there. That it is empty is for the operation to judge.
    pub(crate) fn text(&self, name: &'static str) -> Result<String, ControlFault> {
        self.find(name)
            .map(ToOwned::to_owned)
            .ok_or(ControlFault::MissingParameter { name })
    }

    /// A text that may be absent.
    #[expect(
        clippy::unnecessary_wraps,
        reason = "all readers look alike to the table"
    )]
    pub(crate) fn optional(&self, name: &'static str) -> Result<Option<String>, ControlFault> {
        Ok(self.find(name).map(ToOwned::to_owned))
    }

    /// A number that may be absent.
    pub(crate) fn number(&self, name: &'static str) -> Result<Option<u32>, ControlFault> {
        self.find(name)
            .filter(|text| !text.is_empty())
            .map(|text| {
                let digits = text.bytes().all(|byte| byte.is_ascii_digit());
                digits
                    .then(|| text.parse().ok())
                    .flatten()
                    .ok_or_else(|| ControlFault::invalid(name, "a whole number"))
            })
            .transpose()
    }

    /// `true` or `false`, which is what an absent one means.
    pub(crate) fn flag(&self, name: &'static str) -> Result<bool, ControlFault> {
        Ok(self.optional_flag(name)?.unwrap_or(false))
    }

    /// `true` or `false`; Python SDKs write `True`.
    pub(crate) fn optional_flag(&self, name: &'static str) -> Result<Option<bool>, ControlFault> {
        self.find(name)
            .filter(|text| !text.is_empty())
            .map(|text| match text.to_ascii_lowercase().as_str() {
                "true" => Ok(true),
                "false" => Ok(false),
                _ => Err(ControlFault::invalid(name, "`true` or `false`")),
            })
            .transpose()
    }

    /// `Tag.1.Key` and `Tag.1.Value`, and so on in order of their numbers; or all in one
    /// `Tag`, as JSON, which is what SDKs send. A tag may lack its value, and there may be gaps.
    pub(crate) fn tags(&self, name: &'static str) -> Result<TagPairs, ControlFault> {
        let mut found: Vec<(u32, &str, &str)> = Vec::new();
        for (parameter, key) in self.0 {
            let number = parameter
                .strip_prefix(name)
                .and_then(|rest| rest.strip_prefix('.'))
                .and_then(|rest| rest.strip_suffix(".Key"));
            let Some(number) = number else {
                continue;
            };
            let position = number
                .parse()
                .map_err(|_| ControlFault::invalid(name, "`Tag.<number>.Key`"))?;
            let value = self.find(&format!("{name}.{number}.Value"));
            found.push((position, key, value.unwrap_or_default()));
        }
        found.sort_by_key(|(number, ..)| *number);
        let mut tags: TagPairs = found
            .into_iter()
            .map(|(_, key, value)| (key.to_owned(), value.to_owned()))
            .collect();
        if let Some(json) = self.find(name).filter(|json| !json.is_empty()) {
            let listed: Vec<JsonTag> = serde_json::from_str(json)
                .map_err(|_| ControlFault::invalid(name, r#"`[{"Key":"k","Value":"v"}]`"#))?;
            tags.extend(listed.into_iter().map(|tag| (tag.key, tag.value)));
        }
        Ok(tags)
    }

    /// `ResourceId.1`, `ResourceId.2` and so on in order of their numbers.
    pub(super) fn list(&self, name: &'static str) -> Result<Vec<String>, ControlFault> {
        let mut found: Vec<(u32, &str)> = Vec::new();
        for (parameter, value) in self.0 {
            let number = parameter.strip_prefix(name);
            let Some(number) = number.and_then(|rest| rest.strip_prefix('.')) else {
                continue;
            };
            let position = number
                .parse()
                .map_err(|_| ControlFault::invalid(name, "its entries are numbered"))?;
            found.push((position, value));
        }
        found.sort_by_key(|(number, _)| *number);
        Ok(found
            .into_iter()
            .map(|(_, value)| value.to_owned())
            .collect())
    }

    /// Refuses what would narrow an operation if it were there: ignoring it would grant more
    /// than was asked for.
    pub(crate) fn refuse(&self, name: &'static str) -> Result<(), ControlFault> {
        match self.find(name) {
            None | Some("") => Ok(()),
            Some(_) => Err(ControlFault::invalid(name, "it can't be given here")),
        }
    }

    fn find(&self, name: &str) -> Option<&'a str> {
        self.0
            .iter()
            .find(|(its, _)| its == name)
            .map(|(_, value)| value.as_str())
    }
}

/// One tag of a list in JSON.
#[derive(Deserialize)]
struct JsonTag {
    #[serde(rename = "Key")]
    key: String,
    #[serde(rename = "Value", default)]
    value: String,
}
