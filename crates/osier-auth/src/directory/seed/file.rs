//! The shape of a seed file. An unknown field is an error: it would be a typing mistake.

use serde::Deserialize;
use toml::Spanned;

use crate::Secret;
use crate::directory::record::secret_text;

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    #[serde(default)]
    pub(super) account: Vec<Account>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Account {
    pub(super) id: Spanned<String>,
    pub(super) display_name: Option<String>,
    pub(super) email: Option<String>,
    #[serde(default)]
    pub(super) key: Vec<Key>,
    #[serde(default)]
    pub(super) user: Vec<User>,
    #[serde(default)]
    pub(super) group: Vec<Group>,
    #[serde(default)]
    pub(super) policy: Vec<Policy>,
    #[serde(default)]
    pub(super) role: Vec<Role>,
    #[serde(default)]
    pub(super) bucket: Vec<Bucket>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Key {
    pub(super) id: Spanned<String>,
    pub(super) secret: KeySecret,
    #[serde(default = "active")]
    pub(super) active: bool,
}

#[derive(Clone, Debug, Deserialize)]
pub(super) struct KeySecret(#[serde(with = "secret_text")] pub(super) Secret);

fn active() -> bool {
    true
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct User {
    pub(super) name: Spanned<String>,
    pub(super) display_name: Option<String>,
    pub(super) comments: Option<String>,
    pub(super) email: Option<String>,
    #[serde(default)]
    pub(super) groups: Vec<Spanned<String>>,
    #[serde(default)]
    pub(super) policies: Vec<Spanned<String>>,
    #[serde(default)]
    pub(super) key: Vec<Key>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Group {
    pub(super) name: Spanned<String>,
    pub(super) comments: Option<String>,
    #[serde(default)]
    pub(super) policies: Vec<Spanned<String>>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Policy {
    pub(super) name: Spanned<String>,
    pub(super) description: Option<String>,
    pub(super) document: Spanned<String>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Role {
    pub(super) name: Spanned<String>,
    pub(super) description: Option<String>,
    pub(super) trust: Spanned<String>,
    pub(super) max_session_duration: Option<u32>,
    #[serde(default)]
    pub(super) policies: Vec<Spanned<String>>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Bucket {
    pub(super) name: Spanned<String>,
    pub(super) acl: Option<Spanned<String>>,
}
