//! What the CDN API can be asked for. Fields are named as the API's parameters.

use crate::{CdnFault, DomainName, Source, SourceKind};

/// Tags of a domain, as key and value.
pub type TagPairs = Vec<(String, String)>;

/// A request to the CDN API.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "each is documented at its struct")]
pub enum CdnRequest {
    AddCdnDomain(AddCdnDomain),
    BatchAddCdnDomain(AddCdnDomain),
    ModifyCdnDomain(ModifyCdnDomain),
    BatchUpdateCdnDomain(ModifyCdnDomain),
    DeleteCdnDomain(NamedDomain),
    StartCdnDomain(NamedDomain),
    StopCdnDomain(NamedDomain),
    BatchStartCdnDomain(NamedDomain),
    BatchStopCdnDomain(NamedDomain),
    DescribeUserDomains(DescribeUserDomains),
    DescribeCdnDomainDetail(NamedDomain),
    DescribeDomainCname(NamedDomain),
    CheckCdnDomainExist(NamedDomain),
    DescribeCdnDomainConfigs(DescribeCdnDomainConfigs),
    BatchSetCdnDomainConfig(BatchSetCdnDomainConfig),
    BatchDeleteCdnDomainConfig(BatchDeleteCdnDomainConfig),
    DeleteSpecificConfig(DeleteSpecificConfig),
    SetReqHeaderConfig(SetReqHeaderConfig),
    SetCdnDomainSSLCertificate(SetCertificate),
    SetDomainServerCertificate(SetServerCertificate),
    BatchSetCdnDomainServerCertificate(SetCertificate),
    DescribeDomainCertificateInfo(NamedDomain),
    DescribeCdnHttpsDomainList(DescribeCdnHttpsDomainList),
    RefreshObjectCaches(RefreshObjectCaches),
    RefreshObjectCacheByCacheTag(RefreshObjectCacheByCacheTag),
    PushObjectCache(PushObjectCache),
    DescribeRefreshTasks(DescribeRefreshTasks),
    DescribeRefreshTaskById(DescribeRefreshTaskById),
    DescribeRefreshQuota(DescribeRefreshQuota),
    DescribeCdnService(DescribeCdnService),
    DescribeCdnUserQuota(DescribeCdnUserQuota),
    TagResources(TagResources),
    UntagResources(UntagResources),
    DescribeTagResources(DescribeTagResources),
}

/// A domain that is to be.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "named as the API's parameters")]
pub struct AddCdnDomain {
    pub domain_name: String,
    pub cdn_type: String,
    pub sources: String,
    pub scope: Option<String>,
    pub check_url: Option<String>,
    pub resource_group_id: Option<String>,
    pub top_level_domain: Option<String>,
    pub tags: TagPairs,
}

/// What is to be different of a domain.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "named as the API's parameters")]
pub struct ModifyCdnDomain {
    pub domain_name: String,
    pub sources: Option<String>,
    pub resource_group_id: Option<String>,
    pub top_level_domain: Option<String>,
}

/// A request that needs nothing but a domain, or several with commas between them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "named as the API's parameters")]
pub struct NamedDomain {
    pub domain_name: String,
}

/// Which domains are to be listed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "named as the API's parameters")]
pub struct DescribeUserDomains {
    pub page_number: Option<u32>,
    pub page_size: Option<u32>,
    pub domain_name: Option<String>,
    pub domain_search_type: Option<String>,
    pub domain_status: Option<String>,
    pub cdn_type: Option<String>,
    pub coverage: Option<String>,
    pub source: Option<String>,
    pub resource_group_id: Option<String>,
    pub change_start_time: Option<String>,
    pub change_end_time: Option<String>,
    pub tags: TagPairs,
}

/// Which records of functions are to be told.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "named as the API's parameters")]
pub struct DescribeCdnDomainConfigs {
    pub domain_name: String,
    pub function_names: Option<String>,
    pub config_id: Option<String>,
}

/// Functions to be set on domains.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "named as the API's parameters")]
pub struct BatchSetCdnDomainConfig {
    pub domain_names: String,
    pub functions: String,
}

/// Functions to be taken from domains.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "named as the API's parameters")]
pub struct BatchDeleteCdnDomainConfig {
    pub domain_names: String,
    pub function_names: String,
}

/// One record of a function, to be taken away.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "named as the API's parameters")]
pub struct DeleteSpecificConfig {
    pub domain_name: String,
    pub config_id: String,
}

/// The older form of `set_req_header`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "named as the API's parameters")]
pub struct SetReqHeaderConfig {
    pub domain_name: String,
    pub key: String,
    pub value: String,
    pub config_id: Option<String>,
}

/// A domain's certificate.
#[derive(Clone, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "named as the API's parameters")]
pub struct SetCertificate {
    pub domain_name: String,
    pub ssl_protocol: String,
    pub cert_type: Option<String>,
    pub cert_name: Option<String>,
    pub cert_id: Option<String>,
    pub cert_region: Option<String>,
    pub ssl_pub: Option<String>,
    pub ssl_pri: Option<String>,
}

/// The same as it was called before.
#[derive(Clone, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "named as the API's parameters")]
pub struct SetServerCertificate {
    pub domain_name: String,
    pub server_certificate_status: String,
    pub cert_type: Option<String>,
    pub cert_name: Option<String>,
    pub server_certificate: Option<String>,
    pub private_key: Option<String>,
    pub force_set: Option<String>,
}

impl std::fmt::Debug for SetCertificate {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("SetCertificate")
            .field("domain_name", &self.domain_name)
            .finish_non_exhaustive()
    }
}

impl std::fmt::Debug for SetServerCertificate {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("SetServerCertificate")
            .field("domain_name", &self.domain_name)
            .finish_non_exhaustive()
    }
}

impl From<SetServerCertificate> for SetCertificate {
    fn from(older: SetServerCertificate) -> Self {
        Self {
            domain_name: older.domain_name,
            ssl_protocol: older.server_certificate_status,
            cert_type: older.cert_type,
            cert_name: older.cert_name,
            cert_id: None,
            cert_region: None,
            ssl_pub: older.server_certificate,
            ssl_pri: older.private_key,
        }
    }
}

/// Domains with certificates.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "named as the API's parameters")]
pub struct DescribeCdnHttpsDomainList {
    pub keyword: Option<String>,
    pub page_number: Option<u32>,
    pub page_size: Option<u32>,
}

/// What is to be asked for anew.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "named as the API's parameters")]
pub struct RefreshObjectCaches {
    pub object_path: String,
    pub object_type: Option<String>,
    pub force: bool,
}

/// The same, by tags of answers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "named as the API's parameters")]
pub struct RefreshObjectCacheByCacheTag {
    pub domain_name: String,
    pub cache_tag: String,
    pub force: bool,
}

/// What is to be fetched beforehand.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "named as the API's parameters")]
pub struct PushObjectCache {
    pub object_path: String,
    pub area: Option<String>,
    pub l2_preload: bool,
    pub with_header: Option<String>,
    pub query_hashkey: bool,
}

/// Which refreshes and prefetches are to be told.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "named as the API's parameters")]
pub struct DescribeRefreshTasks {
    pub task_id: Option<String>,
    pub object_path: Option<String>,
    pub object_type: Option<String>,
    pub domain_name: Option<String>,
    pub status: Option<String>,
    pub start_time: Option<String>,
    pub end_time: Option<String>,
    pub page_number: Option<u32>,
    pub page_size: Option<u32>,
}

/// The same, by their ids.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "named as the API's parameters")]
pub struct DescribeRefreshTaskById {
    pub task_id: String,
}

/// How much may be refreshed today.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DescribeRefreshQuota {}

/// Whether there is a CDN.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DescribeCdnService {}

/// How many domains there may be.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DescribeCdnUserQuota {}

/// Tags for domains.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "named as the API's parameters")]
pub struct TagResources {
    pub resource_type: String,
    pub resource_ids: Vec<String>,
    pub tags: TagPairs,
}

/// Tags to be taken from domains.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "named as the API's parameters")]
pub struct UntagResources {
    pub resource_type: String,
    pub resource_ids: Vec<String>,
    pub tag_keys: Vec<String>,
    pub all: bool,
}

/// Domains whose tags are to be told.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "named as the API's parameters")]
pub struct DescribeTagResources {
    pub resource_type: String,
    pub resource_ids: Vec<String>,
    pub tags: TagPairs,
}

impl CdnRequest {
    /// The domains that it is about, as they were written; none when it is about all.
    pub fn domains(&self) -> Vec<String> {
        let listed = |text: &str| listed(text).map(ToOwned::to_owned).collect();
        let of_paths = |paths: &str| {
            let hosts = paths.lines().filter_map(crate::paths::host);
            let mut hosts: Vec<String> = hosts.collect();
            hosts.sort_unstable();
            hosts.dedup();
            hosts
        };
        match self {
            Self::AddCdnDomain(it) | Self::BatchAddCdnDomain(it) => listed(&it.domain_name),
            Self::ModifyCdnDomain(it) | Self::BatchUpdateCdnDomain(it) => listed(&it.domain_name),
            Self::DeleteCdnDomain(it)
            | Self::StartCdnDomain(it)
            | Self::StopCdnDomain(it)
            | Self::BatchStartCdnDomain(it)
            | Self::BatchStopCdnDomain(it)
            | Self::DescribeCdnDomainDetail(it)
            | Self::DescribeDomainCname(it)
            | Self::CheckCdnDomainExist(it)
            | Self::DescribeDomainCertificateInfo(it) => listed(&it.domain_name),
            Self::DescribeCdnDomainConfigs(it) => listed(&it.domain_name),
            Self::BatchSetCdnDomainConfig(it) => listed(&it.domain_names),
            Self::BatchDeleteCdnDomainConfig(it) => listed(&it.domain_names),
            Self::DeleteSpecificConfig(it) => listed(&it.domain_name),
            Self::SetReqHeaderConfig(it) => listed(&it.domain_name),
            Self::SetCdnDomainSSLCertificate(it) | Self::BatchSetCdnDomainServerCertificate(it) => {
                listed(&it.domain_name)
            }
            Self::SetDomainServerCertificate(it) => listed(&it.domain_name),
            Self::RefreshObjectCaches(it) => of_paths(&it.object_path),
            Self::PushObjectCache(it) => of_paths(&it.object_path),
            Self::RefreshObjectCacheByCacheTag(it) => listed(&it.domain_name),
            Self::TagResources(it) => it.resource_ids.clone(),
            Self::UntagResources(it) => it.resource_ids.clone(),
            Self::DescribeTagResources(it) => it.resource_ids.clone(),
            Self::DescribeUserDomains(_)
            | Self::DescribeCdnHttpsDomainList(_)
            | Self::DescribeRefreshTasks(_)
            | Self::DescribeRefreshTaskById(_)
            | Self::DescribeRefreshQuota(_)
            | Self::DescribeCdnService(_)
            | Self::DescribeCdnUserQuota(_) => Vec::new(),
        }
    }

    /// The buckets that would be origins, for somebody to tell which are here.
    pub fn buckets(&self) -> Vec<String> {
        let sources = match self {
            Self::AddCdnDomain(it) | Self::BatchAddCdnDomain(it) => Some(it.sources.as_str()),
            Self::ModifyCdnDomain(it) | Self::BatchUpdateCdnDomain(it) => it.sources.as_deref(),
            _ => None,
        };
        let sources = sources.and_then(|json| Source::parse_all(json).ok());
        let sources = sources.unwrap_or_default();
        sources
            .iter()
            .filter(|source| source.kind == SourceKind::Oss)
            .filter_map(|source| source.bucket().map(ToOwned::to_owned))
            .collect()
    }
}

/// The entries of a list with commas.
pub(crate) fn listed(text: &str) -> impl Iterator<Item = &str> {
    text.split(',').map(str::trim).filter(|it| !it.is_empty())
}

/// The names of a list of domains with commas.
pub(crate) fn names(text: &str) -> Result<Vec<DomainName>, CdnFault> {
    let names: Vec<DomainName> = listed(text)
        .map(DomainName::parse)
        .collect::<Result<_, _>>()?;
    if names.is_empty() {
        return Err(CdnFault::malformed("DomainName", "the name of a domain"));
    }
    if names.len() > osier_types::limits::CDN_BATCH_MAX {
        return Err(CdnFault::OverLimit {
            what: "domains",
            max: osier_types::limits::CDN_BATCH_MAX,
        });
    }
    Ok(names)
}
