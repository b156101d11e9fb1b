//! What the CDN API answers.

use crate::{Domain, Task, Usage};

/// What came of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CdnOutcome {
    /// It was done.
    Done,
    /// Domains, page by page.
    Domains(DomainPage),
    /// One domain.
    Detail(Box<DomainDetail>),
    /// Where domains' names should point.
    Cnames(Vec<(String, Option<String>)>),
    /// Whether there is a domain.
    Exists(bool),
    /// Records of functions that were set.
    ConfigsMade(Vec<ConfigMade>),
    /// Records of functions of a domain.
    Configs(Vec<SetFunctions>),
    /// A domain's certificate.
    CertificateInfo(Vec<CertificateInfo>),
    /// Domains with certificates.
    CertificatePage(Vec<CertificateInfo>, u64),
    /// The numbers of refreshes.
    Refreshing(Vec<u64>),
    /// The numbers of prefetches.
    Pushing(Vec<u64>),
    /// Refreshes and prefetches.
    Tasks(TaskPage),
    /// The same, named by their numbers.
    TasksById(Vec<Task>),
    /// How much may be refreshed today.
    RefreshQuota(Quota),
    /// How many domains there may be, and so on.
    UserQuota(Quota),
    /// That there is a CDN.
    Service,
    /// Tags of domains.
    Tagged(Vec<(String, Vec<(String, String)>)>),
}

/// Domains, page by page.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "named as the API's fields")]
pub struct DomainPage {
    pub domains: Vec<DomainDetail>,
    pub page_number: u64,
    pub page_size: u64,
    pub total_count: u64,
}

/// A domain, as it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DomainDetail {
    /// The domain.
    pub domain: Domain,
    /// Whether it should be served and can't be.
    pub failed: bool,
}

impl DomainDetail {
    /// `DomainStatus`.
    pub fn status(&self) -> &'static str {
        if self.failed {
            "configure_failed"
        } else {
            self.domain.status.as_str()
        }
    }
}

/// A record that was set.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "named as the API's fields")]
pub struct ConfigMade {
    pub config_id: u64,
    pub domain_name: String,
    pub function_name: &'static str,
}

/// A record as it may be shown.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "named as the API's fields")]
pub struct SetFunctions {
    pub config_id: u64,
    pub function_name: String,
    pub arguments: Vec<(String, String)>,
}

/// A certificate as it may be shown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "named as the API's fields")]
pub struct CertificateInfo {
    pub domain_name: String,
    pub is_on: bool,
    pub cert_name: String,
    pub cert_type: &'static str,
    pub chain: String,
    pub updated: Option<osier_types::Timestamp>,
    pub common_name: String,
    pub organisation: String,
    pub not_before: Option<osier_types::Timestamp>,
    pub not_after: Option<osier_types::Timestamp>,
}

/// Refreshes and prefetches, page by page.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "named as the API's fields")]
pub struct TaskPage {
    pub tasks: Vec<Task>,
    pub page_number: u64,
    pub page_size: u64,
    pub total_count: u64,
}

/// What an account used up, and what it has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quota {
    /// Today.
    pub usage: Usage,
    /// Domains that it has.
    pub domains: usize,
}
