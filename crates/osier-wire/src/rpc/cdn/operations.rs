//! Every operation of the CDN API that is here, with its parameters.

use osier_auth::directory::ControlFault;
use osier_cdn::{
    AddCdnDomain, BatchDeleteCdnDomainConfig, BatchSetCdnDomainConfig, CdnRequest,
    DeleteSpecificConfig, DescribeCdnDomainConfigs, DescribeCdnHttpsDomainList, DescribeCdnService,
    DescribeCdnUserQuota, DescribeRefreshQuota, DescribeRefreshTaskById, DescribeRefreshTasks,
    DescribeTagResources, DescribeUserDomains, ModifyCdnDomain, NamedDomain, PushObjectCache,
    RefreshObjectCacheByCacheTag, RefreshObjectCaches, SetCertificate, SetReqHeaderConfig,
    SetServerCertificate, TagResources, UntagResources,
};

use crate::rpc::Operation;
use crate::rpc::operations::{find, operations};
use crate::rpc::parameters::Parameters;

/// The operation of this name in the API of this version.
///
/// # Errors
/// When it has no such operation.
pub fn cdn_operation(
    version: &str,
    action: &str,
) -> Result<&'static Operation<CdnRequest>, ControlFault> {
    find(CDN_OPERATIONS, version, action)
}

/// What `operation` is asked for. Parameters that it does not know are ignored, as the real API
/// does.
///
/// # Errors
/// When a parameter is missing, or is not of its kind.
pub fn decode_cdn(
    operation: &Operation<CdnRequest>,
    parameters: &[(String, String)],
) -> Result<CdnRequest, ControlFault> {
    (operation.decode)(&Parameters(parameters))
}

/// The operations of the CDN.
pub const CDN_OPERATIONS: &[Operation<CdnRequest>] = operations! {
    CdnRequest;
    Cdn AddCdnDomain {
        domain_name: text "DomainName",
        cdn_type: text "CdnType",
        sources: text "Sources",
        scope: optional "Scope",
        check_url: optional "CheckUrl",
        resource_group_id: optional "ResourceGroupId",
        top_level_domain: optional "TopLevelDomain",
        tags: tags "Tag",
    }
    Cdn BatchAddCdnDomain as AddCdnDomain {
        domain_name: text "DomainName",
        cdn_type: text "CdnType",
        sources: text "Sources",
        scope: optional "Scope",
        check_url: optional "CheckUrl",
        resource_group_id: optional "ResourceGroupId",
        top_level_domain: optional "TopLevelDomain",
        tags: tags "Tag",
    }
    Cdn ModifyCdnDomain {
        domain_name: text "DomainName",
        sources: optional "Sources",
        resource_group_id: optional "ResourceGroupId",
        top_level_domain: optional "TopLevelDomain",
    }
    Cdn BatchUpdateCdnDomain as ModifyCdnDomain {
        domain_name: text "DomainName",
        sources: optional "Sources",
        resource_group_id: optional "ResourceGroupId",
        top_level_domain: optional "TopLevelDomain",
    }
    Cdn DeleteCdnDomain as NamedDomain { domain_name: text "DomainName" }
    Cdn StartCdnDomain as NamedDomain { domain_name: text "DomainName" }
    Cdn StopCdnDomain as NamedDomain { domain_name: text "DomainName" }
    Cdn BatchStartCdnDomain as NamedDomain { domain_name: text "DomainNames" }
    Cdn BatchStopCdnDomain as NamedDomain { domain_name: text "DomainNames" }
    Cdn DescribeUserDomains {
        page_number: number "PageNumber",
        page_size: number "PageSize",
        domain_name: optional "DomainName",
        domain_search_type: optional "DomainSearchType",
        domain_status: optional "DomainStatus",
        cdn_type: optional "CdnType",
        coverage: optional "Coverage",
        source: optional "Source",
        resource_group_id: optional "ResourceGroupId",
        change_start_time: optional "ChangeStartTime",
        change_end_time: optional "ChangeEndTime",
        tags: tags "Tag",
    }
    Cdn DescribeCdnDomainDetail as NamedDomain { domain_name: text "DomainName" }
    Cdn DescribeDomainCname as NamedDomain { domain_name: text "DomainName" }
    Cdn CheckCdnDomainExist as NamedDomain { domain_name: text "DomainName" }
    Cdn DescribeCdnDomainConfigs {
        domain_name: text "DomainName",
        function_names: optional "FunctionNames",
        config_id: optional "ConfigId",
    }
    Cdn BatchSetCdnDomainConfig { domain_names: text "DomainNames", functions: text "Functions" }
    Cdn BatchDeleteCdnDomainConfig {
        domain_names: text "DomainNames",
        function_names: text "FunctionNames",
    }
    Cdn DeleteSpecificConfig { domain_name: text "DomainName", config_id: text "ConfigId" }
    Cdn SetReqHeaderConfig {
        domain_name: text "DomainName",
        key: text "Key",
        value: text "Value",
        config_id: optional "ConfigId",
    }
    Cdn SetCdnDomainSSLCertificate as SetCertificate {
        domain_name: text "DomainName",
        ssl_protocol: text "SSLProtocol",
        cert_type: optional "CertType",
        cert_name: optional "CertName",
        cert_id: optional "CertId",
        cert_region: optional "CertRegion",
        ssl_pub: optional "SSLPub",
        ssl_pri: optional "SSLPri",
    }
    Cdn BatchSetCdnDomainServerCertificate as SetCertificate {
        domain_name: text "DomainName",
        ssl_protocol: text "SSLProtocol",
        cert_type: optional "CertType",
        cert_name: optional "CertName",
        cert_id: optional "CertId",
        cert_region: optional "Region",
        ssl_pub: optional "SSLPub",
        ssl_pri: optional "SSLPri",
    }
    Cdn SetDomainServerCertificate as SetServerCertificate {
        domain_name: text "DomainName",
        server_certificate_status: text "ServerCertificateStatus",
        cert_type: optional "CertType",
        cert_name: optional "CertName",
        server_certificate: optional "ServerCertificate",
        private_key: optional "PrivateKey",
        force_set: optional "ForceSet",
    }
    Cdn DescribeDomainCertificateInfo as NamedDomain { domain_name: text "DomainName" }
    Cdn DescribeCdnHttpsDomainList {
        keyword: optional "Keyword",
        page_number: number "PageNumber",
        page_size: number "PageSize",
    }
    Cdn RefreshObjectCaches {
        object_path: text "ObjectPath",
        object_type: optional "ObjectType",
        force: flag "Force",
    }
    Cdn RefreshObjectCacheByCacheTag {
        domain_name: text "DomainName",
        cache_tag: text "CacheTag",
        force: flag "Force",
    }
    Cdn PushObjectCache {
        object_path: text "ObjectPath",
        area: optional "Area",
        l2_preload: flag "L2Preload",
        with_header: optional "WithHeader",
        query_hashkey: flag "QueryHashkey",
    }
    Cdn DescribeRefreshTasks {
        task_id: optional "TaskId",
        object_path: optional "ObjectPath",
        object_type: optional "ObjectType",
        domain_name: optional "DomainName",
        status: optional "Status",
        start_time: optional "StartTime",
        end_time: optional "EndTime",
        page_number: number "PageNumber",
        page_size: number "PageSize",
    }
    Cdn DescribeRefreshTaskById { task_id: text "TaskId" }
    Cdn DescribeRefreshQuota {}
    Cdn DescribeCdnService {}
    Cdn DescribeCdnUserQuota {}
    Cdn TagResources {
        resource_type: text "ResourceType",
        resource_ids: list "ResourceId",
        tags: tags "Tag",
    }
    Cdn UntagResources {
        resource_type: text "ResourceType",
        resource_ids: list "ResourceId",
        tag_keys: list "TagKey",
        all: flag "All",
    }
    Cdn DescribeTagResources {
        resource_type: text "ResourceType",
        resource_ids: list "ResourceId",
        tags: tags "Tag",
    }
};
