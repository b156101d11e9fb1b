//! Requests to the CDN API, once they are understood and permitted.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use osier_cdn::{
    CdnFault, CdnOutcome, CdnRequest, DescribeRefreshTasks, PushObjectCache, Quota, RefreshKind,
    RefreshObjectCacheByCacheTag, RefreshObjectCaches, Task, TaskKind, TaskPage, TaskState,
    prefetched, refreshed,
};
use osier_gateway::{Gateway, Purge, PurgeError};
use osier_service::{Cdn, CdnPending};
use osier_store::Store;
use osier_types::{BucketName, Clock, Timestamp};
use tokio::sync::oneshot;

use super::certificates::with_free;
use super::pushing::{Push, Pushing};
use super::task_log::TaskLog;
use crate::live::Live;

/// Does what is asked of the CDN.
#[derive(Debug)]
pub(crate) struct Desk {
    pub(crate) live: Arc<Live>,
    pub(crate) gateway: Arc<Gateway>,
    pub(crate) store: Arc<Store>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) tasks: Arc<TaskLog>,
    pub(crate) pushing: Pushing,
}

/// How long an answer waits for what is fetched: small objects are there when it comes, and
/// clients give up after ten seconds.
const PUSH_WAIT: Duration = Duration::from_secs(3);

impl Desk {
    /// # Errors
    /// When the system gives no thread.
    pub(crate) fn start(
        data: &std::path::Path,
        live: Arc<Live>,
        gateway: Arc<Gateway>,
        store: Arc<Store>,
        clock: Arc<dyn Clock>,
    ) -> std::io::Result<Self> {
        let tasks = Arc::new(TaskLog::open(data, clock.now()));
        Ok(Self {
            pushing: Pushing::start(Arc::clone(&gateway), Arc::clone(&tasks))?,
            live,
            gateway,
            store,
            clock,
            tasks,
        })
    }

    async fn done(&self, account: &str, request: CdnRequest) -> Result<CdnOutcome, CdnFault> {
        match request {
            CdnRequest::RefreshObjectCaches(it) => self.refresh(account, it).await,
            CdnRequest::RefreshObjectCacheByCacheTag(it) => self.refresh_tags(account, it).await,
            CdnRequest::PushObjectCache(it) => self.push(account, it).await,
            CdnRequest::DescribeRefreshTasks(it) => self.tasks(account, &it),
            CdnRequest::DescribeRefreshTaskById(it) => {
                let ids: Vec<u64> = ids(&it.task_id)?;
                let found = self.tasks_of(account, |task| ids.contains(&task.id));
                Ok(CdnOutcome::TasksById(found))
            }
            CdnRequest::DescribeRefreshQuota(_) => {
                Ok(CdnOutcome::RefreshQuota(self.quota(account)))
            }
            CdnRequest::DescribeCdnUserQuota(_) => Ok(CdnOutcome::UserQuota(self.quota(account))),
            request => self.of_domains(account, request).await,
        }
    }

    /// What is about the domains themselves.
    async fn of_domains(
        &self,
        account: &str,
        mut request: CdnRequest,
    ) -> Result<CdnOutcome, CdnFault> {
        let has_one = |host: &str| self.live.has_certificate(host);
        with_free(&mut request, has_one, self.clock.now())?;
        let own_buckets = request.buckets().into_iter().filter(|bucket| {
            let bucket = BucketName::parse(bucket);
            let record = bucket
                .ok()
                .and_then(|bucket| self.store.bucket(&bucket).ok());
            record.is_some_and(|record| record.owner.id == account)
        });
        let own_buckets: BTreeSet<String> = own_buckets.collect();
        let (live, account) = (Arc::clone(&self.live), account.to_owned());
        let now = self.clock.now();
        // Waits for the disk.
        let done =
            tokio::task::spawn_blocking(move || live.cdn(&request, &account, &own_buckets, now));
        done.await.unwrap_or(Err(CdnFault::Internal))
    }

    async fn refresh(
        &self,
        account: &str,
        request: RefreshObjectCaches,
    ) -> Result<CdnOutcome, CdnFault> {
        let kind = RefreshKind::parse(request.object_type.as_deref())?;
        let targets = refreshed(&request.object_path, kind)?;
        let mut purges = Vec::new();
        for target in &targets {
            self.live.serving(account, &target.host)?;
            purges.push(match kind {
                RefreshKind::File | RefreshKind::IgnoreParams => Purge::Url(target.url()),
                RefreshKind::Directory => Purge::Directory(target.url()),
                RefreshKind::Regex => Purge::Pattern {
                    host: target.host.clone(),
                    pattern: format!("^{}", target.target.trim_start_matches('^')),
                },
            });
        }
        let kind = match kind {
            RefreshKind::File => TaskKind::File,
            RefreshKind::Directory => TaskKind::Directory,
            RefreshKind::Regex => TaskKind::Regex,
            RefreshKind::IgnoreParams => TaskKind::IgnoreParams,
        };
        let paths = targets.into_iter().map(|target| (target.path, target.host));
        self.purge(account, kind, paths.collect(), purges).await
    }

    async fn refresh_tags(
        &self,
        account: &str,
        request: RefreshObjectCacheByCacheTag,
    ) -> Result<CdnOutcome, CdnFault> {
        let host = request.domain_name.trim().to_ascii_lowercase();
        let domain = self.live.serving(account, host.trim_start_matches('.'));
        domain.or_else(|_| self.live.serving(account, &format!("x{host}")))?;
        let tags: Vec<String> = request
            .cache_tag
            .split(',')
            .map(str::trim)
            .filter(|tag| !tag.is_empty())
            .map(ToOwned::to_owned)
            .collect();
        if tags.is_empty() || tags.len() > 100 {
            return Err(CdnFault::malformed("CacheTag", "1 to 100 tags"));
        }
        let purges = tags.iter().map(|tag| Purge::Tag(tag.clone())).collect();
        let paths = tags.into_iter().map(|tag| (tag, host.clone())).collect();
        self.purge(account, TaskKind::Tag, paths, purges).await
    }

    async fn purge(
        &self,
        account: &str,
        kind: TaskKind,
        paths: Vec<(String, String)>,
        purges: Vec<Purge>,
    ) -> Result<CdnOutcome, CdnFault> {
        let now = self.clock.now();
        self.tasks
            .look(|tasks| tasks.admit(account, kind, paths.len(), now))?;
        let gateway = Arc::clone(&self.gateway);
        // Waits for the disk.
        let purged = tokio::task::spawn_blocking(move || gateway.purge(&purges));
        match purged.await {
            Ok(Ok(())) => {}
            Ok(Err(PurgeError::NotWritten(error))) => {
                tracing::error!(%error, "a refresh could not be written down");
                return Err(CdnFault::NotKept);
            }
            Ok(Err(error)) => {
                return Err(CdnFault::malformed("ObjectPath", error.to_string()));
            }
            Err(_) => return Err(CdnFault::Internal),
        }
        let tasks = self
            .tasks
            .add(account, kind, paths, TaskState::Complete, now)?;
        Ok(CdnOutcome::Refreshing(
            tasks.iter().map(|task| task.id).collect(),
        ))
    }

    async fn push(&self, account: &str, request: PushObjectCache) -> Result<CdnOutcome, CdnFault> {
        if request
            .with_header
            .is_some_and(|headers| !headers.is_empty())
        {
            return Err(CdnFault::malformed("WithHeader", "it can't be given here"));
        }
        match request.area.unwrap_or_default().as_str() {
            "" | "domestic" | "overseas" => {}
            _ => return Err(CdnFault::malformed("Area", "`domestic` or `overseas`")),
        }
        let targets = prefetched(&request.object_path)?;
        for target in &targets {
            self.live.serving(account, &target.host)?;
        }
        let urls: Vec<String> = targets.iter().map(osier_cdn::RefreshTarget::url).collect();
        let paths = targets.into_iter().map(|target| (target.path, target.host));
        let tasks = self.tasks.add(
            account,
            TaskKind::Preload,
            paths.collect(),
            TaskState::Refreshing,
            self.clock.now(),
        )?;
        let mut waits = Vec::new();
        for (task, url) in tasks.iter().zip(urls) {
            let (done, wait) = oneshot::channel();
            let push = Push {
                task: task.id,
                url,
                done,
            };
            match self.pushing.push(push) {
                Ok(()) => waits.push(wait),
                Err(task) => self
                    .tasks
                    .end(task, Err("too many wait to be fetched".to_owned())),
            }
        }
        let all = async {
            for wait in waits {
                // One that can't be fetched any more has ended too.
                let _ = wait.await;
            }
        };
        // What takes longer goes on, and is told by its task.
        let _ = tokio::time::timeout(PUSH_WAIT, all).await;
        Ok(CdnOutcome::Pushing(
            tasks.iter().map(|task| task.id).collect(),
        ))
    }

    fn tasks(&self, account: &str, request: &DescribeRefreshTasks) -> Result<CdnOutcome, CdnFault> {
        let said = |text: &Option<String>| {
            let text = text.as_deref().map(str::trim);
            text.filter(|text| !text.is_empty()).map(ToOwned::to_owned)
        };
        let wanted = said(&request.task_id).map(|text| ids(&text)).transpose()?;
        let (path, kind, status, domain) = (
            said(&request.object_path),
            said(&request.object_type).map(|kind| kind.to_ascii_lowercase()),
            said(&request.status),
            said(&request.domain_name).map(|name| name.to_ascii_lowercase()),
        );
        let time = |name: &'static str, text: &Option<String>| {
            said(text)
                .map(|text| Timestamp::parse_iso8601(&text))
                .transpose()
                .map_err(|_| CdnFault::malformed(name, "a time such as `2026-11-22T03:04:05Z`"))
        };
        let since = time("StartTime", &request.start_time)?;
        let until = time("EndTime", &request.end_time)?;
        let number = request.page_number.unwrap_or(1);
        let size = request.page_size.unwrap_or(20);
        if !(1..=100_000).contains(&number) {
            return Err(CdnFault::malformed("PageNumber", "1 to 100000"));
        }
        if !(1..=100).contains(&size) {
            return Err(CdnFault::malformed("PageSize", "1 to 100"));
        }
        let found = self.tasks_of(account, |task| {
            wanted.as_ref().is_none_or(|ids| ids.contains(&task.id))
                && path
                    .as_ref()
                    .is_none_or(|path| task.path.contains(path.as_str()))
                && kind.as_ref().is_none_or(|kind| task.kind.as_str() == kind)
                && status
                    .as_ref()
                    .is_none_or(|status| task.state.as_str().eq_ignore_ascii_case(status))
                && domain.as_ref().is_none_or(|domain| task.host == *domain)
                && since.is_none_or(|since| task.created >= since)
                && until.is_none_or(|until| task.created <= until)
        });
        let total_count = found.len() as u64;
        let skipped = usize::try_from(u64::from(number - 1) * u64::from(size));
        let page = found.into_iter().skip(skipped.unwrap_or(usize::MAX));
        Ok(CdnOutcome::Tasks(TaskPage {
            tasks: page.take(usize::try_from(size).unwrap_or(20)).collect(),
            page_number: number.into(),
            page_size: size.into(),
            total_count,
        }))
    }

    /// Tasks of an account, the newest first.
    fn tasks_of(&self, account: &str, is_wanted: impl Fn(&Task) -> bool) -> Vec<Task> {
        self.tasks.look(|tasks| {
            let own = tasks.all().rev().filter(|task| task.owner == account);
            own.filter(|task| is_wanted(task)).cloned().collect()
        })
    }

    fn quota(&self, account: &str) -> Quota {
        let now = self.clock.now();
        Quota {
            usage: self.tasks.look(|tasks| tasks.usage(account, now)),
            domains: self.live.count(account),
        }
    }
}

impl Cdn for Desk {
    fn execute<'a>(&'a self, account: &'a str, request: CdnRequest) -> CdnPending<'a> {
        Box::pin(self.done(account, request))
    }
}

/// Numbers of tasks, with commas between them.
fn ids(text: &str) -> Result<Vec<u64>, CdnFault> {
    let ids = text.split(',').map(|id| id.trim().parse());
    let ids: Result<Vec<u64>, _> = ids.collect();
    ids.map_err(|_| CdnFault::malformed("TaskId", "numbers with commas between them"))
}
