//! Documents of the CDN's answers. Names and nesting are those of the SDK's models.

use osier_cdn::{
    CdnOutcome, CertificateInfo, DomainDetail, DomainPage, Quota, SetFunctions, Source, Task,
    TaskPage,
};
use osier_types::Timestamp;
use osier_types::limits::{
    CDN_DIRECTORY_QUOTA, CDN_DOMAINS_MAX, CDN_PATTERN_QUOTA, CDN_PRELOAD_QUOTA, CDN_URL_QUOTA,
};

use crate::rpc::document::Fields;

pub(super) fn write<'a>(
    document: Fields<'a>,
    outcome: &'a CdnOutcome,
    now: Timestamp,
) -> Fields<'a> {
    match outcome {
        CdnOutcome::Done => document,
        CdnOutcome::Domains(page) => domains(document, page),
        CdnOutcome::Detail(detail) => document.fields("GetDomainDetailModel", of_detail(detail)),
        CdnOutcome::Cnames(cnames) => {
            let entries = cnames.iter().map(|(name, cname)| {
                let status = if cname.is_some() { "0" } else { "1" };
                Fields::default()
                    .text("Domain", name)
                    .text("Cname", cname.as_deref().unwrap_or_default())
                    .text("Status", status)
                    .text("Passed", if cname.is_some() { "1" } else { "2" })
            });
            document.fields(
                "CnameDatas",
                Fields::default().bare_list("Data", "Data", entries),
            )
        }
        CdnOutcome::Exists(exists) => {
            document.text("Status", if *exists { "online" } else { "not_exist" })
        }
        CdnOutcome::ConfigsMade(made) => {
            let entries = made.iter().map(|it| {
                Fields::default()
                    .number("ConfigId", it.config_id)
                    .text("DomainName", &it.domain_name)
                    .text("FunctionName", it.function_name)
            });
            document.list("DomainConfigList", "DomainConfigModel", entries)
        }
        CdnOutcome::Configs(configs) => document.list(
            "DomainConfigs",
            "DomainConfig",
            configs.iter().map(of_config),
        ),
        CdnOutcome::CertificateInfo(infos) => document.list(
            "CertInfos",
            "CertInfo",
            infos.iter().map(|it| certificate(it, now)),
        ),
        CdnOutcome::CertificatePage(infos, total) => document
            .list(
                "CertInfos",
                "CertInfo",
                infos.iter().map(|it| certificate(it, now)),
            )
            .number("TotalCount", *total),
        CdnOutcome::Refreshing(ids) => document.text("RefreshTaskId", joined(ids)),
        CdnOutcome::Pushing(ids) => document.text("PushTaskId", joined(ids)),
        CdnOutcome::Tasks(page) => tasks(document, page),
        CdnOutcome::TasksById(tasks) => document
            .bare_list("Tasks", "Task", tasks.iter().map(of_task))
            .number("TotalCount", tasks.len() as u64),
        CdnOutcome::RefreshQuota(quota) => refresh_quota(document, quota),
        CdnOutcome::UserQuota(quota) => user_quota(document, quota),
        CdnOutcome::Service => document
            .text("InstanceId", "cdn_osier")
            .text("InternetChargeType", "PayByTraffic")
            .text("ChangingChargeType", "PayByTraffic")
            .text("OpeningTime", "2026-01-01T00:00:00Z")
            .text("ChangingAffectTime", "")
            .list("OperationLocks", "LockReason", []),
        CdnOutcome::Tagged(tagged) => {
            let entries = tagged.iter().map(|(name, tags)| {
                let tags = tags
                    .iter()
                    .map(|(key, value)| Fields::default().text("Key", key).text("Value", value));
                Fields::default()
                    .text("ResourceId", name)
                    .bare_list("Tag", "Tag", tags)
            });
            document.bare_list("TagResources", "TagResource", entries)
        }
    }
}

fn domains<'a>(document: Fields<'a>, page: &'a DomainPage) -> Fields<'a> {
    let entries = page.domains.iter().map(|it| {
        let domain = &it.domain;
        Fields::default()
            .number("DomainId", domain.id)
            .text("DomainName", domain.name.as_str())
            .text("DomainStatus", it.status())
            .text("CdnType", domain.kind.as_str())
            .text("Cname", domain.cname())
            .text("Coverage", domain.scope.as_str())
            .text("Description", "")
            .time("GmtCreated", domain.created)
            .time("GmtModified", domain.modified)
            .text("ResourceGroupId", &domain.resource_group)
            .text("Sandbox", "normal")
            .text("SslProtocol", on_off(domain.certificate.is_some()))
            .list("Sources", "Source", domain.sources.iter().map(of_source))
    });
    document
        .list("Domains", "PageData", entries)
        .number("PageNumber", page.page_number)
        .number("PageSize", page.page_size)
        .number("TotalCount", page.total_count)
}

fn of_source(source: &Source) -> Fields<'_> {
    Fields::default()
        .text("Content", &source.content)
        .text("Type", source.kind.as_str())
        .number("Port", source.port)
        .text("Priority", source.priority.to_string())
        .text("Weight", source.weight.to_string())
}

fn of_detail(detail: &DomainDetail) -> Fields<'_> {
    let domain = &detail.domain;
    let has_certificate = domain.certificate.is_some();
    let https_cname = if has_certificate {
        domain.cname()
    } else {
        String::new()
    };
    let sources = domain
        .sources
        .iter()
        .map(|source| of_source(source).text("Enabled", "online"));
    Fields::default()
        .text("DomainName", domain.name.as_str())
        .text("DomainStatus", detail.status())
        .text("CdnType", domain.kind.as_str())
        .text("Cname", domain.cname())
        .text("HttpsCname", https_cname)
        .text("Scope", domain.scope.as_str())
        .text("Description", "")
        .time("GmtCreated", domain.created)
        .time("GmtModified", domain.modified)
        .text("ResourceGroupId", &domain.resource_group)
        .text("ServerCertificateStatus", on_off(has_certificate))
        .list("SourceModels", "SourceModel", sources)
}

fn of_config(config: &SetFunctions) -> Fields<'_> {
    let arguments = config.arguments.iter().map(|(name, value)| {
        Fields::default()
            .text("ArgName", name)
            .text("ArgValue", value)
    });
    Fields::default()
        .text("ConfigId", config.config_id.to_string())
        .text("FunctionName", &config.function_name)
        .text("ParentId", "")
        .text("Status", "success")
        .list("FunctionArgs", "FunctionArg", arguments)
}

fn certificate(info: &CertificateInfo, now: Timestamp) -> Fields<'_> {
    let is_over = info.not_after.is_some_and(|end| end < now);
    let time = |fields: Fields<'static>, name, time: Option<Timestamp>| match time {
        Some(time) => fields.time(name, time),
        None => fields.text(name, ""),
    };
    let times = Fields::default();
    let times = time(times, "CertStartTime", info.not_before);
    let times = time(times, "CertExpireTime", info.not_after);
    let times = time(times, "CertUpdateTime", info.updated);
    let days = match (info.not_before, info.not_after) {
        (Some(start), Some(end)) => {
            let days = (end.as_seconds() - start.as_seconds()) / (24 * 3600);
            format!("{days} days")
        }
        _ => String::new(),
    };
    times
        .text("DomainName", &info.domain_name)
        .text("ServerCertificateStatus", on_off(info.is_on))
        .text("CertName", &info.cert_name)
        .text("CertType", info.cert_type)
        .text("CertDomainName", &info.common_name)
        .text("CertCommonName", &info.common_name)
        .text("CertOrg", &info.organisation)
        .text("CertLife", days)
        .text("ServerCertificate", &info.chain)
        .text("DomainCnameStatus", "ok")
        .text("CertStatus", if is_over { "expired" } else { "ok" })
        .text("Status", if info.is_on { "success" } else { "" })
}

fn tasks<'a>(document: Fields<'a>, page: &'a TaskPage) -> Fields<'a> {
    document
        .list("Tasks", "CDNTask", page.tasks.iter().map(of_task))
        .number("PageNumber", page.page_number)
        .number("PageSize", page.page_size)
        .number("TotalCount", page.total_count)
}

fn of_task(task: &Task) -> Fields<'_> {
    Fields::default()
        .text("TaskId", task.id.to_string())
        .text("ObjectPath", &task.path)
        .text("ObjectType", task.kind.as_str())
        .text("Status", task.state.as_str())
        .text("Process", task.state.process())
        .text("Description", &task.description)
        .time("CreationTime", task.created)
}

fn refresh_quota<'a>(document: Fields<'a>, quota: &Quota) -> Fields<'a> {
    let left = |max: u32, used: u32| max.saturating_sub(used).to_string();
    let usage = &quota.usage;
    document
        .text("UrlQuota", CDN_URL_QUOTA.to_string())
        .text("UrlRemain", left(CDN_URL_QUOTA, usage.urls))
        .text("DirQuota", CDN_DIRECTORY_QUOTA.to_string())
        .text("DirRemain", left(CDN_DIRECTORY_QUOTA, usage.directories))
        .text("RegexQuota", CDN_PATTERN_QUOTA.to_string())
        .text("RegexRemain", left(CDN_PATTERN_QUOTA, usage.patterns))
        .text("IgnoreParamsQuota", CDN_PATTERN_QUOTA.to_string())
        .text(
            "IgnoreParamsRemain",
            left(CDN_PATTERN_QUOTA, usage.ignore_params),
        )
        .text("PreloadQuota", CDN_PRELOAD_QUOTA.to_string())
        .text("PreloadRemain", left(CDN_PRELOAD_QUOTA, usage.preloads))
        .text("PreloadEdgeQuota", "0")
        .text("PreloadEdgeRemain", "0")
        // Nothing can be blocked.
        .text("BlockQuota", "0")
        .text("BlockRemain", "0")
}

fn user_quota<'a>(document: Fields<'a>, quota: &Quota) -> Fields<'a> {
    let left = |max: u32, used: u32| max.saturating_sub(used);
    let usage = &quota.usage;
    document
        .number("DomainQuota", CDN_DOMAINS_MAX as u64)
        .number("RefreshUrlQuota", CDN_URL_QUOTA)
        .number("RefreshUrlRemain", left(CDN_URL_QUOTA, usage.urls))
        .number("RefreshDirQuota", CDN_DIRECTORY_QUOTA)
        .number(
            "RefreshDirRemain",
            left(CDN_DIRECTORY_QUOTA, usage.directories),
        )
        .number("IgnoreParamsQuota", CDN_PATTERN_QUOTA)
        .number(
            "IgnoreParamsRemain",
            left(CDN_PATTERN_QUOTA, usage.ignore_params),
        )
        .number("PreloadQuota", CDN_PRELOAD_QUOTA)
        .number("PreloadRemain", left(CDN_PRELOAD_QUOTA, usage.preloads))
        .number("BlockQuota", 0_u32)
        .number("BlockRemain", 0_u32)
}

fn joined(ids: &[u64]) -> String {
    let ids: Vec<String> = ids.iter().map(u64::to_string).collect();
    ids.join(",")
}

const fn on_off(is_on: bool) -> &'static str {
    if is_on { "on" } else { "off" }
}
