//! One domain.

use osier_types::Timestamp;
use osier_types::limits::{CDN_ARGUMENT_BYTES_MAX, CDN_CONFIGS_MAX};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::request::TagPairs;
use crate::{Argument, CdnFault, Certificate, DomainName, Feature, Function, Source};

/// A domain and all that is set on it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Domain {
    /// Its number.
    pub id: u64,
    /// Its name.
    pub name: DomainName,
    /// The account it belongs to.
    pub owner: String,
    /// What it is for.
    pub kind: CdnKind,
    /// Where its visitors are.
    pub scope: Scope,
    /// Its resource group.
    pub resource_group: String,
    /// Where its answers come from.
    pub sources: Vec<Source>,
    /// Whether it is served.
    pub status: Status,
    /// When it was added.
    pub created: Timestamp,
    /// When it was changed last.
    pub modified: Timestamp,
    /// Its tags.
    pub tags: TagPairs,
    /// Records of functions, in the order in which they were set.
    pub configs: Vec<Config>,
    /// Its certificate, when it is reached by HTTPS.
    pub certificate: Option<Certificate>,
}

/// One record of a function.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Config {
    /// Its number.
    pub id: u64,
    /// The function's name.
    pub function: String,
    /// What was set.
    pub arguments: Vec<Argument>,
}

/// `CdnType`. What is kept, and for how long, depends on functions alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CdnKind {
    /// Pages and pictures.
    Web,
    /// Large files.
    Download,
    /// Films.
    Video,
}

/// `Scope`: told again, and nothing else; a server is where it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scope {
    /// Mainland China.
    Domestic,
    /// Everywhere else.
    Overseas,
    /// Everywhere.
    Global,
}

/// Whether a domain is served.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// It is.
    Online,
    /// It was stopped.
    Offline,
}

impl CdnKind {
    /// Reads `CdnType`.
    ///
    /// # Errors
    /// When there is no such kind.
    pub fn parse(text: &str) -> Result<Self, CdnFault> {
        match text.to_ascii_lowercase().as_str() {
            "web" => Ok(Self::Web),
            "download" => Ok(Self::Download),
            "video" => Ok(Self::Video),
            _ => Err(CdnFault::malformed(
                "CdnType",
                "`web`, `download` or `video`",
            )),
        }
    }

    /// As the API has it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Web => "web",
            Self::Download => "download",
            Self::Video => "video",
        }
    }
}

impl Scope {
    /// Reads `Scope`; absent means mainland China.
    ///
    /// # Errors
    /// When there is no such place.
    pub fn parse(text: Option<&str>) -> Result<Self, CdnFault> {
        match text.unwrap_or_default().to_ascii_lowercase().as_str() {
            "" | "domestic" => Ok(Self::Domestic),
            "overseas" => Ok(Self::Overseas),
            "global" => Ok(Self::Global),
            _ => Err(CdnFault::malformed(
                "Scope",
                "`domestic`, `overseas` or `global`",
            )),
        }
    }

    /// As the API has it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Domestic => "domestic",
            Self::Overseas => "overseas",
            Self::Global => "global",
        }
    }
}

impl Status {
    /// As the API has it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Online => "online",
            Self::Offline => "offline",
        }
    }
}

impl Domain {
    /// The name to which a domain's own is made to point.
    pub fn cname(&self) -> String {
        let name = self.name.as_str();
        let all = if self.name.is_wildcard() { "all" } else { "" };
        format!("{all}{name}.w.kunlunsl.com")
    }

    /// What its functions say, in the order of their records.
    ///
    /// # Errors
    /// When a record can't be read, which was readable when it was set.
    pub fn features(&self) -> Result<Vec<Feature>, CdnFault> {
        let features = self.configs.iter().map(Config::feature);
        features.collect()
    }

    /// Sets one function; the number of its record.
    pub(crate) fn set(&mut self, setting: &Setting, next_id: &mut u64) -> Result<u64, CdnFault> {
        let function = setting.function;
        let other = function.excludes.and_then(|other| {
            let mut configs = self.configs.iter();
            configs
                .any(|config| config.function == other)
                .then_some(other)
        });
        if let Some(other) = other {
            return Err(CdnFault::Conflict {
                function: function.name,
                other,
            });
        }
        let place = match setting.config_id {
            Some(id) => {
                let place = self.configs.iter().position(|config| config.id == id);
                Some(place.ok_or_else(|| CdnFault::NoConfig(id.to_string()))?)
            }
            None if function.many => None,
            None => self
                .configs
                .iter()
                .position(|config| config.function == function.name),
        };
        if let Some(config) = place.and_then(|place| self.configs.get_mut(place)) {
            if config.function != function.name {
                return Err(CdnFault::function(
                    function.name,
                    format!("the record {} is one of `{}`", config.id, config.function),
                ));
            }
            config.arguments.clone_from(&setting.arguments);
            return Ok(config.id);
        }
        if self.configs.len() >= CDN_CONFIGS_MAX {
            return Err(CdnFault::OverLimit {
                what: "records of functions",
                max: CDN_CONFIGS_MAX,
            });
        }
        *next_id += 1;
        self.configs.push(Config {
            id: *next_id,
            function: function.name.to_owned(),
            arguments: setting.arguments.clone(),
        });
        Ok(*next_id)
    }
}

impl Config {
    /// Whether it says where answers come from, or how they are asked for.
    pub fn is_about_origins(&self) -> bool {
        const FUNCTIONS: [&str; 11] = [
            "set_req_host_header",
            "origin_host",
            "forward_scheme",
            "l2_oss_key",
            "oss_key_list",
            "set_req_header",
            "origin_request_header",
            "back_to_origin_url_rewrite",
            "host_redirect",
            "set_hashkey_args",
            "ali_remove_args",
        ];
        FUNCTIONS.contains(&self.function.as_str())
    }

    /// What it says.
    ///
    /// # Errors
    /// When it can't be read.
    pub fn feature(&self) -> Result<Feature, CdnFault> {
        Function::find(&self.function)?.read(&self.arguments)
    }
}

/// One function that is to be set.
#[derive(Clone, Debug)]
pub(crate) struct Setting {
    pub(crate) function: &'static Function,
    pub(crate) arguments: Vec<Argument>,
    pub(crate) config_id: Option<u64>,
}

impl Setting {
    /// Reads the value of `Functions`.
    pub(crate) fn parse_all(json: &str) -> Result<Vec<Self>, CdnFault> {
        let listed: Vec<Listed> = serde_json::from_str(json).map_err(|_| {
            CdnFault::malformed(
                "Functions",
                r#"`[{"functionName":"...","functionArgs":[{"argName":"...","argValue":"..."}]}]`"#,
            )
        })?;
        if listed.is_empty() {
            return Err(CdnFault::malformed("Functions", "at least one function"));
        }
        if listed.len() > CDN_CONFIGS_MAX {
            return Err(CdnFault::OverLimit {
                what: "functions",
                max: CDN_CONFIGS_MAX,
            });
        }
        listed.into_iter().map(Self::read).collect()
    }

    fn read(listed: Listed) -> Result<Self, CdnFault> {
        let function = Function::find(&listed.name)?;
        if listed.parent_id.is_some_and(|id| !is_nothing(&id)) {
            return Err(CdnFault::function(
                function.name,
                "there are no conditions (`parentId`) here",
            ));
        }
        let arguments = listed.arguments.into_iter().map(|argument| {
            let value = match argument.value {
                Value::String(text) => text,
                Value::Null => String::new(),
                value @ (Value::Number(_) | Value::Bool(_)) => value.to_string(),
                Value::Array(_) | Value::Object(_) => {
                    return Err(CdnFault::function(function.name, "values are texts"));
                }
            };
            if value.len() > CDN_ARGUMENT_BYTES_MAX {
                return Err(CdnFault::function(function.name, "a value is too long"));
            }
            Ok(Argument {
                name: argument.name,
                value,
            })
        });
        let arguments: Vec<Argument> = arguments.collect::<Result<_, _>>()?;
        for (nth, argument) in arguments.iter().enumerate() {
            let mut earlier = arguments.iter().take(nth);
            if earlier.any(|other| other.name == argument.name) {
                return Err(CdnFault::function(
                    function.name,
                    "an argument is there twice",
                ));
            }
        }
        // What can't be understood is never kept.
        function.read(&arguments)?;
        let config_id = match listed.config_id {
            None => None,
            Some(id) if is_nothing(&id) => None,
            Some(Value::Number(id)) => id.as_u64(),
            Some(Value::String(id)) => Some(config_id(&id)?),
            Some(_) => return Err(CdnFault::malformed("ConfigId", "a number")),
        };
        Ok(Self {
            function,
            arguments,
            config_id,
        })
    }
}

/// A number of a record.
pub(crate) fn config_id(text: &str) -> Result<u64, CdnFault> {
    text.trim()
        .parse()
        .map_err(|_| CdnFault::NoConfig(crate::fault::short(text)))
}

fn is_nothing(value: &Value) -> bool {
    value.is_null() || value.as_str() == Some("") || value.as_i64() == Some(-1)
}

#[derive(Deserialize)]
struct Listed {
    #[serde(rename = "functionName", alias = "FunctionName")]
    name: String,
    #[serde(rename = "functionArgs", alias = "FunctionArgs", default)]
    arguments: Vec<ListedArgument>,
    #[serde(rename = "configId", alias = "ConfigId", default)]
    config_id: Option<Value>,
    #[serde(rename = "parentId", alias = "ParentId", default)]
    parent_id: Option<Value>,
}

#[derive(Deserialize)]
struct ListedArgument {
    #[serde(rename = "argName", alias = "ArgName")]
    name: String,
    #[serde(rename = "argValue", alias = "ArgValue")]
    value: Value,
}
