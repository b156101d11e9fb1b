//! The life of domains, without a server: what requests change, and what they leave alone.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test may panic"
)]

use std::collections::BTreeSet;

use osier_cdn::{
    AddCdnDomain, BatchDeleteCdnDomainConfig, BatchSetCdnDomainConfig, CdnFault, CdnOutcome,
    CdnRequest, Context, DeleteSpecificConfig, DescribeCdnDomainConfigs, DescribeUserDomains,
    Domains, Feature, ModifyCdnDomain, NamedDomain, SetCertificate, TagResources, TaskKind,
    TaskState, Tasks, UnreadableDomains,
};
use osier_types::Timestamp;

const NOW: Timestamp = Timestamp::from_seconds(1_795_316_645);

struct World {
    domains: Domains,
    own_buckets: BTreeSet<String>,
    failed: BTreeSet<String>,
}

impl World {
    fn new() -> Self {
        Self {
            domains: Domains::default(),
            own_buckets: BTreeSet::from(["media".to_owned()]),
            failed: BTreeSet::new(),
        }
    }

    fn ask(&mut self, account: &str, request: &CdnRequest) -> Result<CdnOutcome, CdnFault> {
        let context = Context {
            account,
            now: NOW,
            own_buckets: &self.own_buckets,
            failed: &self.failed,
        };
        if let Some(answer) = self.domains.answer(&context, request) {
            return answer;
        }
        // As a server does: what is refused leaves no trace.
        let mut domains = self.domains.clone();
        let outcome = domains.change(&context, request).unwrap()?;
        self.domains = domains;
        Ok(outcome)
    }

    fn add(&mut self, name: &str) {
        self.ask("a", &add(name)).unwrap();
    }

    fn set(&mut self, names: &str, functions: &str) -> Result<Vec<u64>, CdnFault> {
        let request = CdnRequest::BatchSetCdnDomainConfig(BatchSetCdnDomainConfig {
            domain_names: names.to_owned(),
            functions: functions.to_owned(),
        });
        match self.ask("a", &request)? {
            CdnOutcome::ConfigsMade(made) => Ok(made.iter().map(|it| it.config_id).collect()),
            other => panic!("{other:?}"),
        }
    }

    fn configs(&mut self, name: &str) -> Vec<(String, Vec<(String, String)>)> {
        let request = CdnRequest::DescribeCdnDomainConfigs(DescribeCdnDomainConfigs {
            domain_name: name.to_owned(),
            ..DescribeCdnDomainConfigs::default()
        });
        match self.ask("a", &request).unwrap() {
            CdnOutcome::Configs(configs) => configs
                .into_iter()
                .map(|config| (config.function_name, config.arguments))
                .collect(),
            other => panic!("{other:?}"),
        }
    }
}

fn add(name: &str) -> CdnRequest {
    CdnRequest::AddCdnDomain(AddCdnDomain {
        domain_name: name.to_owned(),
        cdn_type: "web".to_owned(),
        sources: r#"[{"content":"media.oss-cn-beijing.aliyuncs.com","type":"oss","port":443}]"#
            .to_owned(),
        ..AddCdnDomain::default()
    })
}

fn named(name: &str) -> NamedDomain {
    NamedDomain {
        domain_name: name.to_owned(),
    }
}

fn function(name: &str, arguments: &[(&str, &str)]) -> String {
    let arguments: Vec<_> = arguments
        .iter()
        .map(|(name, value)| serde_json::json!({ "argName": name, "argValue": value }))
        .collect();
    serde_json::json!([{ "functionName": name, "functionArgs": arguments }]).to_string()
}

#[test]
fn accounts_do_not_see_each_others_domains() {
    let mut world = World::new();
    world.add("cdn.example.com");
    for request in [
        CdnRequest::DescribeCdnDomainDetail(named("cdn.example.com")),
        CdnRequest::StopCdnDomain(named("cdn.example.com")),
        CdnRequest::DeleteCdnDomain(named("cdn.example.com")),
        CdnRequest::ModifyCdnDomain(ModifyCdnDomain {
            domain_name: "cdn.example.com".to_owned(),
            ..ModifyCdnDomain::default()
        }),
    ] {
        let fault = world.ask("b", &request).unwrap_err();
        assert_eq!(fault.code(), "InvalidDomain.NotFound");
        assert!(world.ask("a", &request).is_ok() || world.domains.is_empty());
    }
    world.add("cdn.example.com");
    // But a name is nobody's twice.
    let fault = world.ask("b", &add("CDN.example.com")).unwrap_err();
    assert_eq!(fault.code(), "DomainAlreadyExist");
    let all = CdnRequest::DescribeUserDomains(DescribeUserDomains::default());
    let CdnOutcome::Domains(page) = world.ask("b", &all).unwrap() else {
        panic!();
    };
    assert_eq!(page.total_count, 0);
    assert!(world.domains.serving("a", "cdn.example.com").is_ok());
    assert!(world.domains.serving("b", "cdn.example.com").is_err());
}

#[test]
fn buckets_of_the_account_are_this_servers() {
    let mut world = World::new();
    assert_eq!(add("x.example.com").buckets(), ["media"]);
    world.add("cdn.example.com");
    assert!(world.domains.all().all(|domain| domain.sources[0].own));
    world.own_buckets.clear();
    world.add("other.example.com");
    assert!(world.domains.all().any(|domain| !domain.sources[0].own));
}

#[test]
fn records_are_set_changed_and_taken_away() {
    let mut world = World::new();
    world.add("a.example.com");
    world.add("b.example.com");
    let ttl = |ttl| {
        function(
            "filetype_based_ttl_set",
            &[("ttl", ttl), ("file_type", "jpg")],
        )
    };
    let both = world.set("a.example.com,b.example.com", &ttl("1")).unwrap();
    assert_eq!(both.len(), 2);
    let again = world.set("a.example.com", &ttl("2")).unwrap();
    assert!(!both.contains(&again[0]), "numbers are given once");
    let with_id = ttl("3").replacen('{', &format!("{{\"configId\":\"{}\",", both[0]), 1);
    assert_eq!(world.set("a.example.com", &with_id).unwrap(), [both[0]]);
    let values: Vec<_> = world
        .configs("a.example.com")
        .into_iter()
        .map(|(_, arguments)| arguments[0].1.clone())
        .collect();
    assert_eq!(values, ["3", "2"]);
    // A record of another domain, or of another function, is none.
    let fault = world.set("b.example.com", &with_id).unwrap_err();
    assert_eq!(fault.code(), "InvalidConfigId.NotFound");
    let gzip = function("gzip", &[("enable", "on")]);
    let wrong = gzip.replacen('{', &format!("{{\"configId\":{},", both[0]), 1);
    let fault = world.set("a.example.com", &wrong).unwrap_err();
    assert_eq!(fault.code(), "InvalidFunctions.Malformed");
    let delete = CdnRequest::DeleteSpecificConfig(DeleteSpecificConfig {
        domain_name: "a.example.com".to_owned(),
        config_id: both[0].to_string(),
    });
    world.ask("a", &delete).unwrap();
    assert_eq!(world.configs("a.example.com").len(), 1);
    let clear = CdnRequest::BatchDeleteCdnDomainConfig(BatchDeleteCdnDomainConfig {
        domain_names: "a.example.com,b.example.com".to_owned(),
        function_names: "filetype_based_ttl_set,gzip".to_owned(),
    });
    world.ask("a", &clear).unwrap();
    assert!(world.configs("a.example.com").is_empty());
    assert!(world.configs("b.example.com").is_empty());
}

#[test]
fn all_of_a_request_or_nothing() {
    let mut world = World::new();
    world.add("a.example.com");
    let gzip = function("gzip", &[("enable", "on")]);
    assert!(world.set("a.example.com,none.example.com", &gzip).is_err());
    let half = format!(
        "[{},{}]",
        gzip.trim_matches(['[', ']']),
        r#"{"functionName":"x"}"#
    );
    assert!(world.set("a.example.com", &half).is_err());
    assert!(world.configs("a.example.com").is_empty());
}

#[test]
fn functions_that_exclude_each_other() {
    let mut world = World::new();
    world.add("a.example.com");
    let white = function(
        "referer_white_list_set",
        &[("refer_domain_allow_list", "x.com")],
    );
    let black = function(
        "referer_black_list_set",
        &[("refer_domain_deny_list", "y.com")],
    );
    world.set("a.example.com", &white).unwrap();
    let fault = world.set("a.example.com", &black).unwrap_err();
    assert_eq!(fault.code(), "ConfigurationConflicts");
    // The same once more is a change.
    world.set("a.example.com", &white).unwrap();
    assert_eq!(world.configs("a.example.com").len(), 1);
    let domain = world.domains.all().next().unwrap();
    let [Feature::Referers(list)] = &domain.features().unwrap()[..] else {
        panic!();
    };
    assert_eq!(list.hosts, ["*.x.com", "x.com"]);
    assert!(!list.allow_empty);
}

#[test]
fn s18_keys_are_kept_and_not_told() {
    let mut world = World::new();
    world.add("a.example.com");
    let key = "access_id=theid access_secret=thesecret";
    let private = function(
        "l2_oss_key",
        &[("private_oss_auth", "on"), ("perm_private_oss_tbl", key)],
    );
    world.set("a.example.com", &private).unwrap();
    let shown = format!("{:?}", world.configs("a.example.com"));
    assert!(
        shown.contains("theid") && !shown.contains("thesecret"),
        "{shown}"
    );
    let certificate = CdnRequest::SetCdnDomainSSLCertificate(SetCertificate {
        domain_name: "a.example.com".to_owned(),
        ssl_protocol: "on".to_owned(),
        cert_type: Some("upload".to_owned()),
        ssl_pub: Some("a certificate".to_owned()),
        ssl_pri: Some("a private key".to_owned()),
        ..SetCertificate::default()
    });
    assert!(!format!("{certificate:?}").contains("private key"));
    world.ask("a", &certificate).unwrap();
    let printed = format!("{:?}", world.domains);
    assert!(
        !printed.contains("thesecret") && !printed.contains("private key"),
        "{printed}"
    );
    let kept = world.domains.to_json();
    assert!(kept.contains("thesecret") && kept.contains("a private key"));
    let again = Domains::from_json(&kept).unwrap();
    assert!(again.all().eq(world.domains.all()));
}

#[test]
fn what_is_newer_is_not_guessed_at() {
    let mut world = World::new();
    world.add("a.example.com");
    let newer = world
        .domains
        .to_json()
        .replace("\"version\":1", "\"version\":2");
    assert!(matches!(
        Domains::from_json(&newer),
        Err(UnreadableDomains::Newer(2))
    ));
    assert!(matches!(
        Domains::from_json("{"),
        Err(UnreadableDomains::Text(_))
    ));
}

#[test]
fn tags_find_domains() {
    let mut world = World::new();
    world.add("a.example.com");
    world.add("b.example.com");
    let tag = CdnRequest::TagResources(TagResources {
        resource_type: "DOMAIN".to_owned(),
        resource_ids: vec!["b.example.com".to_owned()],
        tags: vec![("team".to_owned(), "media".to_owned())],
    });
    world.ask("a", &tag).unwrap();
    let list = CdnRequest::DescribeUserDomains(DescribeUserDomains {
        tags: vec![("team".to_owned(), "media".to_owned())],
        ..DescribeUserDomains::default()
    });
    let CdnOutcome::Domains(page) = world.ask("a", &list).unwrap() else {
        panic!();
    };
    assert_eq!(page.total_count, 1);
    assert_eq!(page.domains[0].domain.name.as_str(), "b.example.com");
}

#[test]
fn tasks_count_for_a_day_and_are_told_for_three() {
    let mut tasks = Tasks::default();
    let paths = |count: usize| (0..count).map(|n| (format!("http://a/{n}"), "a".to_owned()));
    tasks.admit("a", TaskKind::Directory, 100, NOW).unwrap();
    tasks.add(
        "a",
        TaskKind::Directory,
        paths(99),
        TaskState::Complete,
        NOW,
    );
    assert!(tasks.admit("a", TaskKind::Directory, 1, NOW).is_ok());
    let full = tasks.admit("a", TaskKind::Directory, 2, NOW).unwrap_err();
    assert_eq!(full.code(), "QuotaExceeded.Refresh");
    // Others have their own share, and tomorrow is another day.
    assert!(tasks.admit("b", TaskKind::Directory, 2, NOW).is_ok());
    let day = 24 * 3600 * 1000;
    assert!(
        tasks
            .admit("a", TaskKind::Directory, 100, NOW.plus_millis(day))
            .is_ok()
    );
    let pushed = tasks.add("a", TaskKind::Preload, paths(1), TaskState::Refreshing, NOW);
    let kept: Vec<_> = tasks.all().cloned().collect();
    // Later lines tell how earlier tasks ended; what was running at a crash has failed.
    let ended = tasks.end(pushed[0].id, Ok(())).unwrap();
    let after = Tasks::load(kept.iter().cloned().chain([ended]), NOW);
    assert_eq!(after.all().last().unwrap().state, TaskState::Complete);
    let crashed = Tasks::load(kept.clone(), NOW);
    assert_eq!(crashed.all().last().unwrap().state, TaskState::Failed);
    assert_eq!(Tasks::load(kept, NOW.plus_millis(4 * day)).all().count(), 0);
}
