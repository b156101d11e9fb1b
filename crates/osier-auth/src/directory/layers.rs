//! The policies in effect for a caller: those of its user and groups, or of its role, and
//! that of its session. Put together once, and anew after every change of the account.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, PoisonError, RwLock};

use super::account::Account;
use super::record::{Attachment, InlineRecord, PolicyName};
use super::{Directory, PolicyType};
use crate::policy::{Document, Policy, PolicyKind, system};
use crate::{Identity, Principal};

/// What a caller's own policies say. An account itself has none, and needs none.
#[derive(Clone, Debug)]
pub struct CallerPolicies {
    /// Of the user and its groups, or of the role; together they are one layer.
    pub identity: Arc<[Document]>,
    /// What narrows a temporary key: nothing is allowed that it does not allow.
    pub session: Option<Document>,
}

impl Directory {
    /// The policies in effect for `identity`. `None` when it is gone: then it may do nothing,
    /// not even what resources grant.
    pub fn layers(&self, identity: &Identity) -> Option<CallerPolicies> {
        let account = self.accounts.get(identity.account.id.as_str())?;
        let documents = match &identity.principal {
            Principal::Root => Arc::default(),
            Principal::User { id, .. } => account.documents_of(id)?,
            Principal::AssumedRole { role_id, .. } => account.documents_of(role_id)?,
        };
        let session = match &identity.session_policy {
            None => None,
            Some(text) => Some(Document::new(
                "session policy",
                self.sessions.compiled(text)?,
            )),
        };
        Some(CallerPolicies {
            identity: documents,
            session,
        })
    }
}

impl Account {
    /// The documents of the user or role of this id.
    fn documents_of<'a>(&'a self, id: &Arc<str>) -> Option<Arc<[Document]>> {
        if let Some(known) = self.layers.find(id) {
            return Some(known);
        }
        let mut names: Vec<&PolicyName> = Vec::new();
        let mut documents = Vec::new();
        let mut add = |attachments: &'a [Attachment], inline: &'a [InlineRecord], of: String| {
            documents.extend(inline.iter().map(|it| self.inline_document(it, &of)));
            for attachment in attachments {
                if !names.contains(&&attachment.policy) {
                    names.push(&attachment.policy);
                }
            }
        };
        if let Some(user) = self.user_by_id(id) {
            add(&user.policies, &user.inline, format!("user/{}", user.name));
            for membership in &user.groups {
                if let Some(group) = self.group_by_id(&membership.group_id) {
                    let of = format!("group/{}", group.name);
                    add(&group.policies, &group.inline, of);
                }
            }
        } else {
            let role = &self.role_by_id(id)?.record;
            add(&role.policies, &role.inline, format!("role/{}", role.name));
        }
        documents.extend(names.into_iter().map(|name| self.document(name)));
        // A policy that can't be found might deny: then nothing may be done.
        let documents = documents.into_iter().collect::<Option<Vec<_>>>()?;
        let documents: Arc<[Document]> = documents.into();
        self.layers.keep(id, &documents);
        Some(documents)
    }

    /// Compiled here, once per change of the account: records keep the text.
    fn inline_document(&self, inline: &InlineRecord, of: &str) -> Option<Document> {
        let policy = Policy::parse(&inline.document, PolicyKind::Ram).ok()?;
        let arn = format!("acs:ram::{}:{of}/policy/{}", self.owner.id, inline.name);
        Some(Document::new(arn, Arc::new(policy)))
    }

    fn document(&self, name: &PolicyName) -> Option<Document> {
        match name.kind {
            PolicyType::Custom => {
                let entry = self.policies.get(&name.name)?;
                let arn = format!("acs:ram::{}:policy/{}", self.owner.id, name.name);
                Some(Document::new(arn, Arc::clone(&entry.policy)))
            }
            PolicyType::System => SYSTEM
                .iter()
                .find(|(shipped, _)| **shipped == *name.name)
                .map(|(_, document)| document.clone()),
        }
    }
}

/// Documents by the id of their user or role. A copy begins empty.
#[derive(Debug, Default)]
pub(super) struct LayerCache(RwLock<HashMap<Arc<str>, Arc<[Document]>>>);

impl LayerCache {
    pub(super) fn clear(&mut self) {
        self.0
            .get_mut()
            .unwrap_or_else(PoisonError::into_inner)
            .clear();
    }

    fn find(&self, id: &str) -> Option<Arc<[Document]>> {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        known.get(id).map(Arc::clone)
    }

    fn keep(&self, id: &Arc<str>, documents: &Arc<[Document]>) {
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        known.insert(Arc::clone(id), Arc::clone(documents));
    }
}

impl Clone for LayerCache {
    fn clone(&self) -> Self {
        Self::default()
    }
}

/// Compiled session policies by their text, which is all they depend on. Shared by all
/// copies of a directory.
#[derive(Clone, Debug, Default)]
pub(super) struct SessionPolicies(Arc<RwLock<HashMap<Arc<str>, Arc<Policy>>>>);

impl SessionPolicies {
    /// The policy of a text that was checked when the session began.
    fn compiled(&self, text: &Arc<str>) -> Option<Arc<Policy>> {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(policy) = known.get(text) {
            return Some(Arc::clone(policy));
        }
        drop(known);
        let policy = Arc::new(Policy::parse(text, PolicyKind::Session).ok()?);
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        // Compiling anew once in a while is cheaper than keeping an order.
        if known.len() >= SESSIONS_MAX {
            known.clear();
        }
        known.insert(Arc::clone(text), Arc::clone(&policy));
        Some(policy)
    }
}

/// The shipped policies, compiled.
static SYSTEM: LazyLock<Vec<(&'static str, Document)>> = LazyLock::new(|| {
    let compiled = |shipped: &system::SystemPolicy| {
        let policy = Policy::parse(shipped.text, PolicyKind::Ram).ok()?;
        let arn = format!("acs:ram::system:policy/{}", shipped.name);
        Some((shipped.name, Document::new(arn, Arc::new(policy))))
    };
    system::ALL.iter().filter_map(compiled).collect()
});

/// At most some megabytes.
const SESSIONS_MAX: usize = 4096;
