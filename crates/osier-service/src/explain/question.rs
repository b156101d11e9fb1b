//! Questions: would somebody be let through, and who would be?

use std::net::IpAddr;

use osier_auth::directory::{CallerPolicies, Directory};
use osier_auth::policy::{Conditions, Unmet};
use osier_auth::{
    BucketFacts, Decision, Identity, Inquiry, KeyRing as _, Layers, Principal, ResourceFacts,
};
use osier_store::WithTags;
use osier_types::{
    ACTIONS, Access, AccessKind, BucketName, Fault, ObjectKey, ObjectRef, Resource, Timestamp,
    action,
};

use super::told::{AccessReport, ActionReport, Explanation, Grantee};
use crate::layers::BucketLayers;
use crate::service::Service;

/// Would `who` be let through?
#[derive(Clone, Debug, Default)]
pub struct Question {
    /// An ARN, an account's id, `account/user`, a user's name, an access key's id, or
    /// `anonymous`. Not needed to ask who may.
    pub who: Option<String>,
    /// With or without `oss:` before it. Not needed to ask who may.
    pub action: Option<String>,
    /// `oss://bucket/key`, `acs:oss:*:*:bucket/key`, or `*` for the service.
    pub resource: String,
    /// Keys of conditions with their values.
    pub context: Vec<(String, String)>,
}

/// A question can't be answered.
#[derive(Debug, thiserror::Error)]
pub enum QuestionError {
    /// Nobody is called so.
    #[error(
        "nobody is called `{0}`: expected an ARN, an account's id, a user's name, an access key's id or `anonymous`"
    )]
    Nobody(String),
    /// Several are.
    #[error("several are called `{0}`: say `<account>/{0}`")]
    Ambiguous(String),
    /// There is no such action.
    #[error("there is no action `{0}`")]
    Action(String),
    /// An action must be named.
    #[error("an action is needed")]
    NoAction,
    /// The resource has no form of a resource.
    #[error("`{0}` is no resource: expected `oss://bucket/key` or `acs:oss:*:*:bucket/key`")]
    Resource(String),
    /// The key or value of a condition can't be.
    #[error("`{0}={1}` can't be a circumstance")]
    Context(String, String),
    /// What is stored can't be read.
    #[error("{0}")]
    Store(Fault),
}

impl Service {
    /// Whether somebody would be let through, and why.
    ///
    /// # Errors
    /// When the question makes no sense, or the store can't be read.
    pub async fn ask(&self, question: &Question) -> Result<Explanation, QuestionError> {
        let directory = self.identities.current();
        let who = question.who.as_deref().unwrap_or("anonymous");
        let caller = self.identity_named(&directory, who)?;
        let name = question.action.as_deref().ok_or(QuestionError::NoAction)?;
        let circumstances = Circumstances::read(&question.context, self.now())?;
        let subject = self.subject(&question.resource).await?;
        let access = subject.access(name)?;
        let decision = self.judge(
            &directory,
            caller.as_ref(),
            &access,
            &subject,
            &circumstances,
        );
        let mut told =
            Explanation::of_decision(caller.as_ref().map(Identity::arn), &access, &decision);
        told.circumstances = question.context.iter().cloned().collect();
        Ok(told)
    }

    /// Who may do what with a resource.
    ///
    /// # Errors
    /// As [`ask`](Self::ask).
    pub async fn who_may(&self, question: &Question) -> Result<AccessReport, QuestionError> {
        let directory = self.identities.current();
        let circumstances = Circumstances::read(&question.context, self.now())?;
        let subject = self.subject(&question.resource).await?;
        let names: Vec<&str> = match &question.action {
            Some(name) => vec![name],
            None => subject.usual_actions(),
        };
        let mut actions = Vec::new();
        for name in names {
            let access = subject.access(name)?;
            let mut report = ActionReport {
                action: access.action,
                allowed: Vec::new(),
                conditional: Vec::new(),
            };
            let everybody = std::iter::once(None).chain(directory.identities().map(Some));
            for caller in everybody.take(CALLERS_MAX) {
                let decision = self.judge(
                    &directory,
                    caller.as_ref(),
                    &access,
                    &subject,
                    &circumstances,
                );
                report.add(caller.as_ref(), &decision);
            }
            actions.push(report);
        }
        Ok(AccessReport {
            resource: question.resource.clone(),
            actions,
        })
    }

    fn judge(
        &self,
        directory: &Directory,
        caller: Option<&Identity>,
        access: &Access,
        subject: &Subject,
        circumstances: &Circumstances,
    ) -> Decision {
        let policies = caller.and_then(|caller| directory.layers(caller));
        let policies = policies.unwrap_or_else(|| CallerPolicies {
            identity: std::sync::Arc::default(),
            session: None,
        });
        let layers = subject.layers.as_ref().map(BucketLayers::layers);
        let point = subject
            .layers
            .as_ref()
            .and_then(|layers| layers.point.as_ref());
        let point = point.map(crate::layers::PointLayer::told);
        let conditions = Conditions {
            access_point_arn: point.map(|(arn, _, _)| arn),
            access_point_account: point.map(|(_, account, _)| account),
            access_point_network_origin: point.map(|(_, _, origin)| origin),
            ..circumstances.conditions(access)
        };
        let record = subject.record.as_deref();
        let conditions = Conditions {
            bucket_tags: record.map_or(&[], |record| record.tags.as_slice()),
            existing_object_tags: subject
                .object
                .as_ref()
                .map_or(&[], |object| object.tags.as_slice()),
            ..conditions
        };
        Inquiry {
            caller,
            access,
            resource: ResourceFacts {
                bucket: record.map(|record| BucketFacts {
                    owner: &record.owner.id,
                    acl: record.acl,
                }),
                object_acl: subject.object.as_ref().map(|object| object.acl),
            },
            layers: Layers {
                session: policies.session.as_ref(),
                identity: &policies.identity,
                ..layers.unwrap_or_default()
            },
            conditions: &conditions,
            region: &self.settings.region,
        }
        .explain()
    }

    /// What a question is about, as it is now.
    async fn subject(&self, text: &str) -> Result<Subject, QuestionError> {
        let wrong = || QuestionError::Resource(text.to_owned());
        let path = text
            .strip_prefix("oss://")
            .or_else(|| {
                let rest = text.strip_prefix("acs:oss:")?;
                rest.splitn(3, ':').nth(2)
            })
            .unwrap_or(text);
        if path.is_empty() || path == "*" {
            return Ok(Subject {
                resource: Resource::Service,
                record: None,
                layers: None,
                object: None,
            });
        }
        let (bucket, key) = path.split_once('/').unwrap_or((path, ""));
        let mut bucket = BucketName::parse(bucket).map_err(|_| wrong())?;
        let via = self.via(bucket.clone());
        if let Some(via) = &via {
            bucket = via.point.bucket.clone();
        }
        let record = self.store.bucket(&bucket).ok();
        let layers = match &record {
            None => None,
            Some(record) => Some(
                self.bucket_layers(record, via.as_ref())
                    .map_err(QuestionError::Store)?,
            ),
        };
        let resource = if key.is_empty() {
            Resource::Bucket(bucket)
        } else {
            Resource::Object(
                bucket,
                ObjectKey::parse(key.as_bytes()).map_err(|_| wrong())?,
            )
        };
        let object = match &resource {
            Resource::Object(bucket, key) if record.is_some() => {
                let object = ObjectRef {
                    bucket: bucket.clone(),
                    key: key.clone(),
                    version: None,
                };
                self.store
                    .object_facts(&object, WithTags::Yes)
                    .await
                    .map_err(QuestionError::Store)?
            }
            _ => None,
        };
        Ok(Subject {
            resource,
            record,
            layers,
            object,
        })
    }

    /// Who is called `name`; `None` is anonymous.
    fn identity_named(
        &self,
        directory: &Directory,
        name: &str,
    ) -> Result<Option<Identity>, QuestionError> {
        if name == "anonymous" || name == "*" {
            return Ok(None);
        }
        if let Some(record) = self.identities.key(name) {
            return Ok(Some(record.identity));
        }
        let fits = |identity: &Identity| {
            let account = &identity.account.id;
            let own = match &identity.principal {
                Principal::Root => {
                    return name == account
                        || name == identity.account.display_name
                        || name == identity.arn();
                }
                Principal::User { name: user, id } => {
                    if **id == *name {
                        return true;
                    }
                    user
                }
                Principal::AssumedRole { role, .. } => {
                    if name == format!("acs:ram::{account}:role/{role}") {
                        return true;
                    }
                    role
                }
                _ => return false,
            };
            name == &**own || name == format!("{account}/{own}") || name == identity.arn()
        };
        let mut found = directory.identities().filter(fits);
        match (found.next(), found.next()) {
            (Some(one), None) => Ok(Some(one)),
            (None, _) => Err(QuestionError::Nobody(name.to_owned())),
            (Some(_), Some(_)) => Err(QuestionError::Ambiguous(name.to_owned())),
        }
    }
}

/// What a question is about.
struct Subject {
    resource: Resource,
    record: Option<std::sync::Arc<osier_store::BucketRecord>>,
    layers: Option<BucketLayers>,
    object: Option<osier_store::ObjectFacts>,
}

impl Subject {
    fn access(&self, name: &str) -> Result<Access, QuestionError> {
        let (action, kind) = action(name).ok_or_else(|| QuestionError::Action(name.to_owned()))?;
        Ok(Access {
            action,
            resource: self.resource.clone(),
            kind,
            version: None,
        })
    }

    /// Reading, writing and deleting, as far as the resource can be.
    fn usual_actions(&self) -> Vec<&'static str> {
        let of_objects = matches!(self.resource, Resource::Object(..));
        let listing = |action: &str| action.starts_with("oss:List");
        match self.resource {
            Resource::Service => vec!["oss:ListBuckets"],
            Resource::Bucket(_) | Resource::Object(..) => ACTIONS
                .iter()
                .filter(|(_, kind)| *kind != AccessKind::Manage)
                .map(|(action, _)| *action)
                .filter(|action| USUAL.contains(action) && of_objects != listing(action))
                .collect(),
        }
    }
}

impl ActionReport {
    fn add(&mut self, caller: Option<&Identity>, decision: &Decision) {
        let who = caller.map_or_else(|| "anonymous".to_owned(), Identity::arn);
        let last = decision.trace.last();
        if decision.allowed {
            let because = last.map_or_else(String::new, |step| match &step.cited {
                Some(cited) => cited.to_string(),
                None => format!("{}: {}", step.layer.as_str(), step.reason),
            });
            self.allowed.push(Grantee { who, because });
            return;
        }
        let Some(miss) = &decision.nearest else {
            return;
        };
        let by_conditions = |unmet: &Unmet| matches!(unmet, Unmet::Condition { .. });
        if miss.unmet.iter().all(by_conditions) {
            self.conditional.push(Grantee {
                who,
                because: miss.to_string(),
            });
        }
    }
}

/// The circumstances of a question.
#[derive(Debug, Default)]
struct Circumstances {
    source_ip: Option<IpAddr>,
    source_vpc: Option<String>,
    user_agent: Option<String>,
    current_time: Option<Timestamp>,
    secure_transport: Option<bool>,
    referer: Option<String>,
    access_id: Option<String>,
    prefix: Option<String>,
    delimiter: Option<String>,
    acl: Option<String>,
    object_acl: Option<String>,
}

impl Circumstances {
    fn read(context: &[(String, String)], now: Timestamp) -> Result<Self, QuestionError> {
        let mut read = Self {
            current_time: Some(now),
            ..Self::default()
        };
        for (key, value) in context {
            let wrong = || QuestionError::Context(key.clone(), value.clone());
            let text = Some(value.clone());
            match key.to_ascii_lowercase().as_str() {
                "acs:sourceip" => read.source_ip = Some(value.parse().map_err(|_| wrong())?),
                "acs:sourcevpc" => read.source_vpc = text,
                "acs:useragent" => read.user_agent = text,
                "acs:currenttime" => {
                    let time = Timestamp::parse_iso8601(value).map_err(|_| wrong())?;
                    read.current_time = Some(time);
                }
                "acs:securetransport" => {
                    read.secure_transport = Some(value.parse().map_err(|_| wrong())?);
                }
                "acs:referer" => read.referer = text,
                "acs:accessid" => read.access_id = text,
                "oss:prefix" => read.prefix = text,
                "oss:delimiter" => read.delimiter = text,
                "oss:x-oss-acl" => read.acl = text,
                "oss:x-oss-object-acl" => read.object_acl = text,
                _ => return Err(wrong()),
            }
        }
        Ok(read)
    }

    fn conditions<'a>(&'a self, access: &Access) -> Conditions<'a> {
        // Lists always have a prefix, if an empty one.
        let lists = access.action.starts_with("oss:List") && access.resource != Resource::Service;
        let or_empty = |text: &'a Option<String>| {
            let text = text.as_deref();
            if lists {
                Some(text.unwrap_or(""))
            } else {
                text
            }
        };
        Conditions {
            source_ip: self.source_ip,
            source_vpc: self.source_vpc.as_deref(),
            user_agent: self.user_agent.as_deref(),
            current_time: self.current_time,
            secure_transport: self.secure_transport,
            referer: self.referer.as_deref(),
            access_id: self.access_id.as_deref(),
            prefix: or_empty(&self.prefix),
            delimiter: or_empty(&self.delimiter),
            acl: self.acl.as_deref(),
            object_acl: self.object_acl.as_deref(),
            ..Conditions::default()
        }
    }
}

const USUAL: [&str; 5] = [
    "oss:GetObject",
    "oss:PutObject",
    "oss:DeleteObject",
    "oss:ListObjects",
    "oss:ListObjectVersions",
];

/// Identities that are asked about.
const CALLERS_MAX: usize = 10_000;
