//! Policies: the shipped ones, and those of the account with up to five versions each.

use std::sync::Arc;

use osier_types::Timestamp;

use super::account::{Account, PolicyEntry};
use super::page::page;
use super::record::{PolicyName, PolicyRecord, Record, VersionRecord};
use super::{
    Context, ControlFault, CreatePolicy, CreatePolicyVersion, DeletePolicy, DeletePolicyVersion,
    Directory, Entity, GetPolicy, GetPolicyVersion, ListPolicies, ListPolicyVersions, Page,
    PolicyDetail, PolicySummary, PolicyType, PolicyVersion, SetDefaultPolicyVersion, TagPairs,
    names,
};
use crate::policy::system::{self, SystemPolicy};
use crate::policy::{Policy, PolicyKind};

impl Directory {
    /// `CreatePolicy`.
    ///
    /// # Errors
    /// When the name is taken, the document breaks the grammar, or there are too many policies.
    pub fn create_policy(
        &mut self,
        context: &Context<'_>,
        request: CreatePolicy,
    ) -> Result<PolicySummary, ControlFault> {
        let name = names::policy_name(request.policy_name)?;
        let account = self.account(context.account)?;
        if account.policies.contains_key(name.as_str()) || system::find(&name).is_some() {
            return Err(ControlFault::already_exists(Entity::Policy, &name));
        }
        if account.policies.len() >= POLICIES_MAX {
            return Err(ControlFault::LimitExceeded {
                entity: Entity::Policy,
                max: POLICIES_MAX,
            });
        }
        check(&request.policy_document)?;
        let now = context.now.whole_seconds();
        let record = Arc::new(PolicyRecord {
            account: context.account.into(),
            name: name.into(),
            description: names::remark("Description", request.description.unwrap_or_default())?,
            create_date: now,
            update_date: now,
            default_version: 1,
            last_version: 1,
            versions: vec![VersionRecord {
                number: 1,
                document: request.policy_document,
                create_date: now,
            }],
            tags: check_tags(request.tags)?,
        });
        let policy = show(&record, 0);
        self.keep(Record::Policy(record))?;
        Ok(policy)
    }

    /// `GetPolicy`.
    ///
    /// # Errors
    /// When there is no such policy or type.
    pub fn get_policy(
        &self,
        context: &Context<'_>,
        request: &GetPolicy,
    ) -> Result<PolicyDetail, ControlFault> {
        let account = self.account(context.account)?;
        match account.find_policy(&request.policy_type, &request.policy_name)? {
            Found::Custom(entry) => {
                let record = &entry.record;
                let default = record.version(record.default_version)?;
                Ok(PolicyDetail {
                    policy: show(record, account.attachment_count(&custom(record))),
                    default_policy_version: show_version(record, default),
                })
            }
            Found::System(shipped) => Ok(PolicyDetail {
                policy: show_system(shipped, account),
                default_policy_version: system_version(shipped),
            }),
        }
    }

    /// `ListPolicies`.
    ///
    /// # Errors
    /// When there is no such type, or `MaxItems` is out of range.
    pub fn list_policies(
        &self,
        context: &Context<'_>,
        request: &ListPolicies,
    ) -> Result<Page<PolicySummary>, ControlFault> {
        let account = self.account(context.account)?;
        let wanted = request
            .policy_type
            .as_deref()
            .filter(|kind| !kind.is_empty());
        let wanted = wanted.map(policy_type).transpose()?;
        let customs = account.policies.values().map(|entry| {
            let record = &entry.record;
            show(record, account.attachment_count(&custom(record)))
        });
        let shipped = system::ALL
            .iter()
            .map(|shipped| show_system(shipped, account));
        let mut policies: Vec<(String, PolicySummary)> = customs
            .chain(shipped)
            .filter(|policy| wanted.is_none_or(|kind| kind == policy.policy_type))
            .filter(|policy| has_tags(&policy.tags, &request.tags))
            .map(|policy| {
                let name = format!("{}/{}", policy.policy_type.as_str(), policy.policy_name);
                (name, policy)
            })
            .collect();
        policies.sort_by(|a, b| a.0.cmp(&b.0));
        page(
            policies
                .iter()
                .map(|(name, policy)| (name.as_str(), policy)),
            request.marker.as_deref(),
            request.max_items,
            PolicySummary::clone,
        )
    }

    /// `DeletePolicy`.
    ///
    /// # Errors
    /// When there is no such policy of the account's own, it is attached to something, or has
    /// versions beside the default one and they are not to go with it.
    pub fn delete_policy(
        &mut self,
        context: &Context<'_>,
        request: &DeletePolicy,
    ) -> Result<(), ControlFault> {
        let account = self.account(context.account)?;
        let record = account.own_policy(&request.policy_name)?;
        let conflict = |holds| {
            Err(ControlFault::DeleteConflict {
                entity: Entity::Policy,
                holds,
            })
        };
        if let Some(holder) = account.first_holder(&custom(&record)) {
            return conflict(holder);
        }
        if record.versions.len() > 1 && !request.cascading_delete {
            return conflict(Entity::PolicyVersion);
        }
        let account = self.account_mut(context.account)?;
        account.layers.clear();
        account.policies.remove(&record.name);
        self.forget(&Record::Policy(record));
        Ok(())
    }

    /// `CreatePolicyVersion`.
    ///
    /// # Errors
    /// When there is no such policy of the account's own, the document breaks the grammar, or
    /// there are five versions and none may be deleted.
    pub fn create_policy_version(
        &mut self,
        context: &Context<'_>,
        request: CreatePolicyVersion,
    ) -> Result<PolicyVersion, ControlFault> {
        let account = self.account(context.account)?;
        let mut record = (*account.own_policy(&request.policy_name)?).clone();
        let rotate = match request.rotate_strategy.as_deref() {
            None | Some("" | "None") => false,
            Some("DeleteOldestNonDefaultVersionWhenLimitExceeded") => true,
            Some(_) => {
                return Err(ControlFault::invalid(
                    "RotateStrategy",
                    "`None` or `DeleteOldestNonDefaultVersionWhenLimitExceeded`",
                ));
            }
        };
        check(&request.policy_document)?;
        if record.versions.len() >= VERSIONS_MAX {
            if !rotate {
                return Err(ControlFault::LimitExceeded {
                    entity: Entity::PolicyVersion,
                    max: VERSIONS_MAX,
                });
            }
            let default = record.default_version;
            // Versions are kept in the order they were made.
            let oldest = record.versions.iter().position(|it| it.number != default);
            if let Some(oldest) = oldest {
                record.versions.remove(oldest);
            }
        }
        let now = context.now.whole_seconds();
        record.last_version += 1;
        record.update_date = now;
        if request.set_as_default {
            record.default_version = record.last_version;
        }
        let version = VersionRecord {
            number: record.last_version,
            document: request.policy_document,
            create_date: now,
        };
        let shown = show_version(&record, &version);
        record.versions.push(version);
        self.keep(Record::Policy(Arc::new(record)))?;
        Ok(shown)
    }

    /// `GetPolicyVersion`.
    ///
    /// # Errors
    /// When there is no such policy, type or version.
    pub fn get_policy_version(
        &self,
        context: &Context<'_>,
        request: &GetPolicyVersion,
    ) -> Result<PolicyVersion, ControlFault> {
        let account = self.account(context.account)?;
        let unknown = || ControlFault::not_exist(Entity::PolicyVersion, &request.version_id);
        let number = version_number(&request.version_id).ok_or_else(unknown)?;
        match account.find_policy(&request.policy_type, &request.policy_name)? {
            Found::Custom(entry) => Ok(show_version(&entry.record, entry.record.version(number)?)),
            Found::System(shipped) if number == 1 => Ok(system_version(shipped)),
            Found::System(_) => Err(unknown()),
        }
    }

    /// `ListPolicyVersions`.
    ///
    /// # Errors
    /// When there is no such policy or type.
    pub fn list_policy_versions(
        &self,
        context: &Context<'_>,
        request: &ListPolicyVersions,
    ) -> Result<Vec<PolicyVersion>, ControlFault> {
        let account = self.account(context.account)?;
        Ok(
            match account.find_policy(&request.policy_type, &request.policy_name)? {
                Found::Custom(entry) => {
                    let record = &entry.record;
                    let versions = record.versions.iter();
                    versions
                        .map(|version| show_version(record, version))
                        .collect()
                }
                Found::System(shipped) => vec![system_version(shipped)],
            },
        )
    }

    /// `SetDefaultPolicyVersion`.
    ///
    /// # Errors
    /// When there is no such policy of the account's own, or no such version.
    pub fn set_default_policy_version(
        &mut self,
        context: &Context<'_>,
        request: &SetDefaultPolicyVersion,
    ) -> Result<(), ControlFault> {
        let account = self.account(context.account)?;
        let mut record = (*account.own_policy(&request.policy_name)?).clone();
        record.default_version = record.named_version(&request.version_id)?;
        record.update_date = context.now.whole_seconds();
        self.keep(Record::Policy(Arc::new(record)))
    }

    /// `DeletePolicyVersion`.
    ///
    /// # Errors
    /// When there is no such policy of the account's own, no such version, or it is the default.
    pub fn delete_policy_version(
        &mut self,
        context: &Context<'_>,
        request: &DeletePolicyVersion,
    ) -> Result<(), ControlFault> {
        let account = self.account(context.account)?;
        let mut record = (*account.own_policy(&request.policy_name)?).clone();
        let number = record.named_version(&request.version_id)?;
        if number == record.default_version {
            return Err(ControlFault::DefaultVersion);
        }
        record.versions.retain(|version| version.number != number);
        record.update_date = context.now.whole_seconds();
        self.keep(Record::Policy(Arc::new(record)))
    }
}

/// A policy of either type.
pub(super) enum Found<'a> {
    Custom(&'a PolicyEntry),
    System(&'static SystemPolicy),
}

impl Account {
    /// The policy of this type and name.
    pub(super) fn find_policy(&self, kind: &str, name: &str) -> Result<Found<'_>, ControlFault> {
        match policy_type(kind)? {
            PolicyType::Custom => self.policy(name).map(Found::Custom),
            PolicyType::System => system::find(name)
                .map(Found::System)
                .ok_or_else(|| ControlFault::not_exist(Entity::Policy, name)),
        }
    }

    /// A policy that can be changed.
    fn own_policy(&self, name: &str) -> Result<Arc<PolicyRecord>, ControlFault> {
        self.policy(name).map(|entry| Arc::clone(&entry.record))
    }

    fn attachment_count(&self, name: &PolicyName) -> u32 {
        u32::try_from(self.attachments(name).count()).unwrap_or(u32::MAX)
    }

    fn first_holder(&self, name: &PolicyName) -> Option<Entity> {
        self.attachments(name).next()
    }

    /// What a policy is attached to.
    fn attachments<'a>(&'a self, name: &'a PolicyName) -> impl Iterator<Item = Entity> + 'a {
        let holds = move |it: &super::Attachment| it.policy == *name;
        let users = self
            .users
            .values()
            .filter(move |it| it.policies.iter().any(holds));
        let groups = self
            .groups
            .values()
            .filter(move |it| it.policies.iter().any(holds));
        let roles = self
            .roles
            .values()
            .filter(move |it| it.record.policies.iter().any(holds));
        users
            .map(|_| Entity::User)
            .chain(groups.map(|_| Entity::Group))
            .chain(roles.map(|_| Entity::Role))
    }
}

impl PolicyRecord {
    pub(super) fn version(&self, number: u32) -> Result<&VersionRecord, ControlFault> {
        self.versions
            .iter()
            .find(|version| version.number == number)
            .ok_or_else(|| ControlFault::not_exist(Entity::PolicyVersion, &format!("v{number}")))
    }

    fn named_version(&self, id: &str) -> Result<u32, ControlFault> {
        version_number(id)
            .filter(|&number| self.version(number).is_ok())
            .ok_or_else(|| ControlFault::not_exist(Entity::PolicyVersion, id))
    }
}

/// Checks a document that is to be attached to users, groups and roles.
pub(super) fn check(document: &str) -> Result<(), ControlFault> {
    if document.is_empty() {
        return Err(ControlFault::MissingParameter {
            name: "PolicyDocument",
        });
    }
    Policy::parse(document, PolicyKind::Ram)
        .map(drop)
        .map_err(|invalid| ControlFault::MalformedPolicyDocument {
            path: invalid.path,
            reason: invalid.reason,
        })
}

pub(super) fn policy_type(text: &str) -> Result<PolicyType, ControlFault> {
    if text.is_empty() {
        return Err(ControlFault::MissingParameter { name: "PolicyType" });
    }
    PolicyType::parse(text)
        .ok_or_else(|| ControlFault::invalid("PolicyType", "`Custom` or `System`"))
}

pub(super) fn check_tags(tags: TagPairs) -> Result<TagPairs, ControlFault> {
    if tags.len() > TAGS_MAX {
        return Err(ControlFault::LimitExceeded {
            entity: Entity::Tag,
            max: TAGS_MAX,
        });
    }
    for (nth, (key, value)) in tags.iter().enumerate() {
        let repeated = tags.iter().take(nth).any(|(other, _)| other == key);
        let fits = (1..=128).contains(&key.chars().count()) && value.chars().count() <= 128;
        if repeated || !fits {
            return Err(ControlFault::invalid(
                "Tag",
                "keys of 1 to 128 characters, each once, and values of at most 128",
            ));
        }
    }
    Ok(tags)
}

/// Whether `tags` has all that is `wanted`; an empty value wanted means any.
pub(super) fn has_tags(tags: &TagPairs, wanted: &TagPairs) -> bool {
    wanted.iter().all(|(key, value)| {
        tags.iter()
            .any(|(has, its)| has == key && (value.is_empty() || its == value))
    })
}

fn custom(record: &PolicyRecord) -> PolicyName {
    PolicyName {
        kind: PolicyType::Custom,
        name: Arc::clone(&record.name),
    }
}

/// `v12`, without leading zeros.
fn version_number(id: &str) -> Option<u32> {
    let digits = id.strip_prefix('v')?;
    let number: u32 = digits.parse().ok()?;
    (number.to_string() == digits).then_some(number)
}

fn show(record: &PolicyRecord, attachment_count: u32) -> PolicySummary {
    PolicySummary {
        policy_name: record.name.to_string(),
        policy_type: PolicyType::Custom,
        description: record.description.clone(),
        default_version: format!("v{}", record.default_version),
        attachment_count,
        create_date: record.create_date,
        update_date: record.update_date,
        tags: record.tags.clone(),
    }
}

fn show_version(record: &PolicyRecord, version: &VersionRecord) -> PolicyVersion {
    PolicyVersion {
        version_id: format!("v{}", version.number),
        is_default_version: version.number == record.default_version,
        policy_document: version.document.clone(),
        create_date: version.create_date,
    }
}

fn show_system(shipped: &SystemPolicy, account: &Account) -> PolicySummary {
    PolicySummary {
        policy_name: shipped.name.to_owned(),
        policy_type: PolicyType::System,
        description: shipped.description.to_owned(),
        default_version: "v1".to_owned(),
        attachment_count: account.attachment_count(&PolicyName::system(shipped.name)),
        create_date: SHIPPED,
        update_date: SHIPPED,
        tags: Vec::new(),
    }
}

fn system_version(shipped: &SystemPolicy) -> PolicyVersion {
    PolicyVersion {
        version_id: "v1".to_owned(),
        is_default_version: true,
        policy_document: shipped.text.to_owned(),
        create_date: SHIPPED,
    }
}

/// 2026-01-01T00:00:00Z; shipped policies have no date of their own.
const SHIPPED: Timestamp = Timestamp::from_seconds(1_767_225_600);

/// The quotas of RAM.
const POLICIES_MAX: usize = 1500;
pub(super) const VERSIONS_MAX: usize = 5;
const TAGS_MAX: usize = 20;
