//! All domains of a server, and every operation on them.

use std::collections::{BTreeMap, BTreeSet};

use osier_types::Timestamp;
use osier_types::limits::CDN_DOMAINS_MAX;
use serde::{Deserialize, Serialize};

use crate::domain::{Setting, config_id};
use crate::outcome::{CertificateInfo, ConfigMade, DomainDetail, DomainPage, SetFunctions};
use crate::request::{
    AddCdnDomain, BatchSetCdnDomainConfig, DescribeCdnDomainConfigs, DescribeCdnHttpsDomainList,
    DescribeTagResources, DescribeUserDomains, ModifyCdnDomain, SetCertificate, TagPairs,
    TagResources, UntagResources, listed, names,
};
use crate::{
    Argument, CdnFault, CdnKind, CdnOutcome, CdnRequest, Certificate, CertificateFacts, Domain,
    DomainName, Scope, Source, SourceKind, Status,
};

/// The domains of all accounts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Domains {
    /// Of the form that they are kept in.
    version: u32,
    last_id: u64,
    by_name: BTreeMap<String, Domain>,
}

/// Kept domains can't be used.
#[derive(Debug, thiserror::Error)]
pub enum UnreadableDomains {
    /// The text is not what was written.
    #[error("the kept domains can't be read")]
    Text(#[from] serde_json::Error),
    /// A newer server wrote it.
    #[error("the kept domains are of the form {0}, and this server knows none after {VERSION}")]
    Newer(u32),
}

/// For whom, and when, an operation happens.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    /// The account whose domains are meant.
    pub account: &'a str,
    /// Now.
    pub now: Timestamp,
    /// Buckets of this account on this server.
    pub own_buckets: &'a BTreeSet<String>,
    /// Domains that should be served and can't be.
    pub failed: &'a BTreeSet<String>,
}

const VERSION: u32 = 1;

impl Domains {
    /// Reads what [`to_json`](Self::to_json) wrote.
    ///
    /// # Errors
    /// When it is damaged, or newer than this.
    pub fn from_json(text: &str) -> Result<Self, UnreadableDomains> {
        let domains: Self = serde_json::from_str(text)?;
        if domains.version > VERSION {
            return Err(UnreadableDomains::Newer(domains.version));
        }
        Ok(domains)
    }

    /// All of it, with its secrets.
    pub fn to_json(&self) -> String {
        let kept = Self {
            version: VERSION,
            ..self.clone()
        };
        // Only maps whose keys are no texts could fail.
        serde_json::to_string(&kept).unwrap_or_default()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.by_name.is_empty()
    }

    /// All domains, by name.
    pub fn all(&self) -> impl Iterator<Item = &Domain> {
        self.by_name.values()
    }

    /// The domain of an account that answers a host.
    ///
    /// # Errors
    /// When it has none, or it is stopped.
    pub fn serving(&self, account: &str, host: &str) -> Result<&Domain, CdnFault> {
        let own = self.all().filter(|domain| domain.owner == account);
        let mut own = own.filter(|domain| domain.name.covers(host));
        // A name before those that stand for many.
        let first = own.next().ok_or_else(|| CdnFault::no_domain(host))?;
        let exact = std::iter::once(first).chain(own);
        let domain = exact
            .max_by_key(|domain| (!domain.name.is_wildcard(), domain.name.as_str().len()))
            .unwrap_or(first);
        match domain.status {
            Status::Online => Ok(domain),
            Status::Offline => Err(CdnFault::Offline(domain.name.to_string())),
        }
    }

    /// How many domains an account has.
    pub fn count(&self, account: &str) -> usize {
        self.all().filter(|domain| domain.owner == account).count()
    }

    /// Changes the domains; nothing when the request does not change any.
    ///
    /// # Errors
    /// Why it is refused; then nothing counts that was changed.
    pub fn change(
        &mut self,
        context: &Context<'_>,
        request: &CdnRequest,
    ) -> Option<Result<CdnOutcome, CdnFault>> {
        let done = |done: Result<(), CdnFault>| Some(done.map(|()| CdnOutcome::Done));
        match request {
            CdnRequest::AddCdnDomain(it) | CdnRequest::BatchAddCdnDomain(it) => {
                done(self.add(context, it))
            }
            CdnRequest::ModifyCdnDomain(it) | CdnRequest::BatchUpdateCdnDomain(it) => {
                done(self.modify(context, it))
            }
            CdnRequest::DeleteCdnDomain(it) => done(self.delete(context, &it.domain_name)),
            CdnRequest::StartCdnDomain(it) | CdnRequest::BatchStartCdnDomain(it) => {
                done(self.switch(context, &it.domain_name, Status::Online))
            }
            CdnRequest::StopCdnDomain(it) | CdnRequest::BatchStopCdnDomain(it) => {
                done(self.switch(context, &it.domain_name, Status::Offline))
            }
            CdnRequest::BatchSetCdnDomainConfig(it) => {
                Some(self.set(context, it).map(CdnOutcome::ConfigsMade))
            }
            CdnRequest::BatchDeleteCdnDomainConfig(it) => {
                done(self.unset(context, &it.domain_names, &it.function_names))
            }
            CdnRequest::DeleteSpecificConfig(it) => {
                done(self.unset_one(context, &it.domain_name, &it.config_id))
            }
            CdnRequest::SetReqHeaderConfig(it) => {
                let argument = |name: &str, value: &str| serde_json::json!({ "argName": name, "argValue": value });
                let functions = serde_json::json!([{
                    "functionName": "set_req_header",
                    "functionArgs": [argument("key", &it.key), argument("value", &it.value)],
                    "configId": it.config_id,
                }]);
                let request = BatchSetCdnDomainConfig {
                    domain_names: it.domain_name.clone(),
                    functions: functions.to_string(),
                };
                done(self.set(context, &request).map(drop))
            }
            CdnRequest::SetCdnDomainSSLCertificate(it)
            | CdnRequest::BatchSetCdnDomainServerCertificate(it) => done(self.certify(context, it)),
            CdnRequest::SetDomainServerCertificate(it) => {
                done(self.certify(context, &it.clone().into()))
            }
            CdnRequest::TagResources(it) => done(self.tag(context, it)),
            CdnRequest::UntagResources(it) => done(self.untag(context, it)),
            _ => None,
        }
    }

    /// Answers what needs nothing but the domains; nothing when more is needed.
    ///
    /// # Errors
    /// Why it is refused.
    pub fn answer(
        &self,
        context: &Context<'_>,
        request: &CdnRequest,
    ) -> Option<Result<CdnOutcome, CdnFault>> {
        Some(match request {
            CdnRequest::DescribeUserDomains(it) => self.list(context, it).map(CdnOutcome::Domains),
            CdnRequest::DescribeCdnDomainDetail(it) => {
                let domain = self.one(context, &it.domain_name);
                domain.map(|domain| CdnOutcome::Detail(Box::new(detail(context, domain))))
            }
            CdnRequest::DescribeDomainCname(it) => names(&it.domain_name).map(|names| {
                let cnames = names.into_iter().map(|name| {
                    let domain = self.own(context, &name).ok();
                    (name.to_string(), domain.map(Domain::cname))
                });
                CdnOutcome::Cnames(cnames.collect())
            }),
            CdnRequest::CheckCdnDomainExist(it) => DomainName::parse(&it.domain_name)
                .map(|name| CdnOutcome::Exists(self.by_name.contains_key(name.as_str()))),
            CdnRequest::DescribeCdnDomainConfigs(it) => {
                self.configs(context, it).map(CdnOutcome::Configs)
            }
            CdnRequest::DescribeDomainCertificateInfo(it) => self
                .one(context, &it.domain_name)
                .map(|domain| CdnOutcome::CertificateInfo(vec![certificate_info(domain)])),
            CdnRequest::DescribeCdnHttpsDomainList(it) => self.certified(context, it),
            CdnRequest::DescribeTagResources(it) => {
                self.tagged(context, it).map(CdnOutcome::Tagged)
            }
            CdnRequest::DescribeCdnService(_) => Ok(CdnOutcome::Service),
            _ => return None,
        })
    }

    fn own(&self, context: &Context<'_>, name: &DomainName) -> Result<&Domain, CdnFault> {
        let domain = self.by_name.get(name.as_str());
        domain
            .filter(|domain| domain.owner == context.account)
            .ok_or_else(|| CdnFault::no_domain(name.as_str()))
    }

    fn own_mut(
        &mut self,
        context: &Context<'_>,
        name: &DomainName,
    ) -> Result<&mut Domain, CdnFault> {
        let domain = self.by_name.get_mut(name.as_str());
        let domain = domain
            .filter(|domain| domain.owner == context.account)
            .ok_or_else(|| CdnFault::no_domain(name.as_str()))?;
        domain.modified = context.now.whole_seconds();
        Ok(domain)
    }

    fn one(&self, context: &Context<'_>, name: &str) -> Result<&Domain, CdnFault> {
        self.own(context, &DomainName::parse(name)?)
    }

    fn add(&mut self, context: &Context<'_>, request: &AddCdnDomain) -> Result<(), CdnFault> {
        let kind = CdnKind::parse(&request.cdn_type)?;
        let scope = Scope::parse(request.scope.as_deref())?;
        let sources = sources(context, &request.sources)?;
        let tags = tags(&request.tags)?;
        for name in names(&request.domain_name)? {
            if self.by_name.contains_key(name.as_str()) {
                return Err(CdnFault::DomainExists(name.to_string()));
            }
            if self.count(context.account) >= CDN_DOMAINS_MAX {
                return Err(CdnFault::TooManyDomains(CDN_DOMAINS_MAX));
            }
            self.last_id += 1;
            let now = context.now.whole_seconds();
            let group = request.resource_group_id.as_deref().unwrap_or_default();
            let domain = Domain {
                id: self.last_id,
                owner: context.account.to_owned(),
                kind,
                scope,
                resource_group: group.chars().take(64).collect(),
                sources: sources.clone(),
                status: Status::Online,
                created: now,
                modified: now,
                tags: tags.clone(),
                configs: Vec::new(),
                certificate: None,
                name,
            };
            self.by_name.insert(domain.name.to_string(), domain);
        }
        Ok(())
    }

    fn modify(&mut self, context: &Context<'_>, request: &ModifyCdnDomain) -> Result<(), CdnFault> {
        let json = request.sources.as_deref().filter(|json| !json.is_empty());
        let sources = json.map(|json| sources(context, json)).transpose()?;
        for name in names(&request.domain_name)? {
            let domain = self.own_mut(context, &name)?;
            if let Some(sources) = &sources {
                domain.sources.clone_from(sources);
            }
            if let Some(group) = &request.resource_group_id {
                domain.resource_group = group.chars().take(64).collect();
            }
        }
        Ok(())
    }

    fn delete(&mut self, context: &Context<'_>, name: &str) -> Result<(), CdnFault> {
        let name = DomainName::parse(name)?;
        self.own(context, &name)?;
        self.by_name.remove(name.as_str());
        Ok(())
    }

    fn switch(
        &mut self,
        context: &Context<'_>,
        list: &str,
        status: Status,
    ) -> Result<(), CdnFault> {
        for name in names(list)? {
            self.own_mut(context, &name)?.status = status;
        }
        Ok(())
    }

    fn set(
        &mut self,
        context: &Context<'_>,
        request: &BatchSetCdnDomainConfig,
    ) -> Result<Vec<ConfigMade>, CdnFault> {
        let settings = Setting::parse_all(&request.functions)?;
        let mut last_id = self.last_id;
        let mut made = Vec::new();
        for name in names(&request.domain_names)? {
            let domain = self.own_mut(context, &name)?;
            for setting in &settings {
                made.push(ConfigMade {
                    config_id: domain.set(setting, &mut last_id)?,
                    domain_name: name.to_string(),
                    function_name: setting.function.name,
                });
            }
        }
        self.last_id = last_id;
        Ok(made)
    }

    fn unset(
        &mut self,
        context: &Context<'_>,
        list: &str,
        functions: &str,
    ) -> Result<(), CdnFault> {
        let functions: Vec<&str> = listed(functions).collect();
        if functions.is_empty() {
            return Err(CdnFault::malformed("FunctionNames", "names of functions"));
        }
        for name in names(list)? {
            let domain = self.own_mut(context, &name)?;
            domain
                .configs
                .retain(|config| !functions.contains(&config.function.as_str()));
        }
        Ok(())
    }

    fn unset_one(&mut self, context: &Context<'_>, name: &str, id: &str) -> Result<(), CdnFault> {
        let domain = self.own_mut(context, &DomainName::parse(name)?)?;
        let number = config_id(id)?;
        let place = domain.configs.iter().position(|config| config.id == number);
        let place = place.ok_or_else(|| CdnFault::NoConfig(number.to_string()))?;
        domain.configs.remove(place);
        Ok(())
    }

    fn certify(&mut self, context: &Context<'_>, request: &SetCertificate) -> Result<(), CdnFault> {
        for name in names(&request.domain_name)? {
            let domain = self.own_mut(context, &name)?;
            domain.certificate =
                Certificate::read(request, domain.certificate.as_ref(), context.now)?;
        }
        Ok(())
    }

    fn tag(&mut self, context: &Context<'_>, request: &TagResources) -> Result<(), CdnFault> {
        is_domain(&request.resource_type)?;
        let new = tags(&request.tags)?;
        for name in names(&request.resource_ids.join(","))? {
            let domain = self.own_mut(context, &name)?;
            domain
                .tags
                .retain(|(key, _)| !new.iter().any(|(other, _)| other == key));
            domain.tags.extend(new.iter().cloned());
            tags(&domain.tags)?;
        }
        Ok(())
    }

    fn untag(&mut self, context: &Context<'_>, request: &UntagResources) -> Result<(), CdnFault> {
        is_domain(&request.resource_type)?;
        for name in names(&request.resource_ids.join(","))? {
            let domain = self.own_mut(context, &name)?;
            domain
                .tags
                .retain(|(key, _)| !request.all && !request.tag_keys.contains(key));
        }
        Ok(())
    }

    fn tagged(
        &self,
        context: &Context<'_>,
        request: &DescribeTagResources,
    ) -> Result<Vec<(String, TagPairs)>, CdnFault> {
        is_domain(&request.resource_type)?;
        let names = names(&request.resource_ids.join(","))?;
        let domains = names.iter().map(|name| self.own(context, name));
        let domains: Vec<&Domain> = domains.collect::<Result<_, _>>()?;
        Ok(domains
            .into_iter()
            .filter(|domain| has_tags(domain, &request.tags))
            .map(|domain| (domain.name.to_string(), domain.tags.clone()))
            .collect())
    }

    fn list(
        &self,
        context: &Context<'_>,
        request: &DescribeUserDomains,
    ) -> Result<DomainPage, CdnFault> {
        let (page_number, page_size) = page(request.page_number, request.page_size)?;
        let said = |text: &Option<String>| {
            let text = text.as_deref().filter(|text| !text.is_empty());
            text.map(str::to_ascii_lowercase)
        };
        let wanted = said(&request.domain_name);
        let search = said(&request.domain_search_type);
        let is_named = |name: &str| match (&wanted, search.as_deref()) {
            (None, _) => true,
            (Some(wanted), Some("pre_match")) => name.starts_with(wanted.as_str()),
            (Some(wanted), Some("suf_match")) => name.ends_with(wanted.as_str()),
            (Some(wanted), Some("full_match")) => name == wanted,
            (Some(wanted), _) => name.contains(wanted.as_str()),
        };
        let is = |wanted: &Option<String>, it: &str| said(wanted).is_none_or(|wanted| wanted == it);
        let time = |name: &'static str, text: &Option<String>| {
            let text = said(text).map(|text| text.to_ascii_uppercase());
            text.map(|text| Timestamp::parse_iso8601(&text))
                .transpose()
                .map_err(|_| CdnFault::malformed(name, "a time such as `2026-11-22T03:04:05Z`"))
        };
        let since = time("ChangeStartTime", &request.change_start_time)?;
        let until = time("ChangeEndTime", &request.change_end_time)?;
        let source = said(&request.source);
        let mut found: Vec<DomainDetail> = self
            .all()
            .filter(|domain| domain.owner == context.account)
            .filter(|domain| is_named(domain.name.as_str()))
            .map(|domain| detail(context, domain))
            .filter(|it| is(&request.domain_status, it.status()))
            .filter(|it| is(&request.cdn_type, it.domain.kind.as_str()))
            .filter(|it| is(&request.coverage, it.domain.scope.as_str()))
            .filter(|it| is(&request.resource_group_id, &it.domain.resource_group))
            .filter(|it| {
                source.as_ref().is_none_or(|source| {
                    let mut sources = it.domain.sources.iter();
                    sources.any(|known| known.content.contains(source.as_str()))
                })
            })
            .filter(|it| since.is_none_or(|since| it.domain.modified >= since))
            .filter(|it| until.is_none_or(|until| it.domain.modified <= until))
            .filter(|it| has_tags(&it.domain, &request.tags))
            .collect();
        found.sort_by_key(|it| std::cmp::Reverse(it.domain.id));
        let total_count = found.len() as u64;
        Ok(DomainPage {
            domains: paged(found, page_number, page_size),
            page_number,
            page_size,
            total_count,
        })
    }

    fn configs(
        &self,
        context: &Context<'_>,
        request: &DescribeCdnDomainConfigs,
    ) -> Result<Vec<SetFunctions>, CdnFault> {
        let domain = self.one(context, &request.domain_name)?;
        let functions: Vec<&str> =
            listed(request.function_names.as_deref().unwrap_or_default()).collect();
        let id = request.config_id.as_deref().filter(|id| !id.is_empty());
        let id = id.map(config_id).transpose()?;
        let configs = domain
            .configs
            .iter()
            .filter(|config| functions.is_empty() || functions.contains(&config.function.as_str()))
            .filter(|config| id.is_none_or(|id| id == config.id));
        Ok(configs
            .map(|config| SetFunctions {
                config_id: config.id,
                function_name: config.function.clone(),
                arguments: config.arguments.iter().map(shown).collect(),
            })
            .collect())
    }

    fn certified(
        &self,
        context: &Context<'_>,
        request: &DescribeCdnHttpsDomainList,
    ) -> Result<CdnOutcome, CdnFault> {
        let (page_number, page_size) = page(request.page_number, request.page_size)?;
        let keyword = request.keyword.as_deref().unwrap_or_default();
        let found: Vec<CertificateInfo> = self
            .all()
            .filter(|domain| domain.owner == context.account && domain.certificate.is_some())
            .filter(|domain| domain.name.as_str().contains(keyword))
            .map(certificate_info)
            .collect();
        let total = found.len() as u64;
        let found = paged(found, page_number, page_size);
        Ok(CdnOutcome::CertificatePage(found, total))
    }
}

fn sources(context: &Context<'_>, json: &str) -> Result<Vec<Source>, CdnFault> {
    let mut sources = Source::parse_all(json)?;
    for source in &mut sources {
        source.own = source.kind == SourceKind::Oss
            && source
                .bucket()
                .is_some_and(|bucket| context.own_buckets.contains(bucket));
    }
    Ok(sources)
}

fn detail(context: &Context<'_>, domain: &Domain) -> DomainDetail {
    DomainDetail {
        domain: domain.clone(),
        failed: domain.status == Status::Online && context.failed.contains(domain.name.as_str()),
    }
}

fn certificate_info(domain: &Domain) -> CertificateInfo {
    let Some(certificate) = &domain.certificate else {
        return CertificateInfo {
            domain_name: domain.name.to_string(),
            ..CertificateInfo::default()
        };
    };
    let facts = certificate
        .chain
        .as_deref()
        .and_then(CertificateFacts::read);
    let info = CertificateInfo {
        domain_name: domain.name.to_string(),
        is_on: true,
        cert_name: certificate.name.clone(),
        cert_type: certificate.kind.as_str(),
        chain: certificate.chain.clone().unwrap_or_default(),
        updated: Some(certificate.updated),
        ..CertificateInfo::default()
    };
    match facts {
        None => info,
        Some(facts) => CertificateInfo {
            common_name: facts.common_name,
            organisation: facts.organisation,
            not_before: Some(facts.not_before),
            not_after: Some(facts.not_after),
            ..info
        },
    }
}

/// An argument without what nobody needs to read again: keys of buckets.
fn shown(argument: &Argument) -> (String, String) {
    let is_key = argument.name == "perm_private_oss_tbl" || argument.name == "key";
    let value = match argument.value.split_once("access_secret=") {
        Some((before, _)) if is_key => format!("{before}access_secret=***"),
        _ => argument.value.clone(),
    };
    (argument.name.clone(), value)
}

fn has_tags(domain: &Domain, wanted: &TagPairs) -> bool {
    wanted.iter().all(|(key, value)| {
        let mut tags = domain.tags.iter();
        tags.any(|(its, of)| its == key && (value.is_empty() || value == of))
    })
}

fn tags(tags: &TagPairs) -> Result<TagPairs, CdnFault> {
    let fits = |text: &str, min: usize| (min..=128).contains(&text.chars().count());
    let all_fit = tags
        .iter()
        .all(|(key, value)| fits(key, 1) && fits(value, 0));
    if tags.len() > 20 || !all_fit {
        return Err(CdnFault::malformed(
            "Tag",
            "at most 20 tags, whose keys and values have at most 128 characters",
        ));
    }
    Ok(tags.clone())
}

fn is_domain(resource_type: &str) -> Result<(), CdnFault> {
    if resource_type.eq_ignore_ascii_case("domain") {
        return Ok(());
    }
    Err(CdnFault::malformed("ResourceType", "`DOMAIN`"))
}

/// Which page is wanted, and how long pages are.
pub(crate) fn page(number: Option<u32>, size: Option<u32>) -> Result<(u64, u64), CdnFault> {
    let number = number.unwrap_or(1);
    let size = size.unwrap_or(20);
    if !(1..=100_000).contains(&number) {
        return Err(CdnFault::malformed("PageNumber", "1 to 100000"));
    }
    if !(1..=500).contains(&size) {
        return Err(CdnFault::malformed("PageSize", "1 to 500"));
    }
    Ok((number.into(), size.into()))
}

/// One page of all that was found.
pub(crate) fn paged<T>(found: Vec<T>, number: u64, size: u64) -> Vec<T> {
    let skipped = usize::try_from((number - 1).saturating_mul(size)).unwrap_or(usize::MAX);
    let size = usize::try_from(size).unwrap_or(usize::MAX);
    found.into_iter().skip(skipped).take(size).collect()
}
