//! Processing of pictures on their way out, and of results into objects.
//!
//! What is asked for is resolved to sources that are permitted one by one; the
//! bytes come from `osier-image-service`, which knows nothing of buckets.

use std::sync::Arc;

use bytes::Bytes;
use osier_image::grammar::{Action, Pipeline, Process, SavedProcess};
use osier_image_service::{Source, SourceBytes, no_mark, picture_fault};
use osier_store::{ByteSource, BytesSource, Caller, Reply, Store, WithTags, derived_reply};
use osier_types::{
    AccessDenial, BucketName, ContentHeaders, DerivedBytes, Expected, Fault, FaultKind, GetObject,
    NewObject, ObjectInfo, ObjectKey, ObjectRef, Op, Outcome, ProcessObject, ProcessSaved,
    ProcessingConfig, PutObject, PutStyle, ReadConditions, Resource, ResponseOverrides,
    SaveProcessed, StyleCategory, StyleName,
};

use crate::authorise::{Asking, Judged};
use crate::perform::caller_of;
use crate::service::Service;

/// A pipeline, and how it was named.
struct Wanted {
    pipeline: Pipeline,
    styled: bool,
}

/// A source found and permitted.
struct Found {
    source: Source,
    info: ObjectInfo,
}

impl Service {
    /// A read of a key that is not there, as the style of another object, where the bucket's
    /// delimiters allow to read it so.
    pub(crate) async fn styled_by_key(&self, op: &Op) -> Result<Option<Op>, Fault> {
        let (Op::GetObject(read) | Op::HeadObject(read)) = op else {
            return Ok(None);
        };
        let Ok(config) = self.store.processing(&read.object.bucket).await else {
            // Whatever is wrong with the bucket is told further on.
            return Ok(None);
        };
        if config.delimiters.is_empty() || read.object.version.is_some() {
            return Ok(None);
        }
        // In a box: it is rare, and every future of a read would be larger by it.
        Box::pin(self.styled_by(op, &read.object, &config)).await
    }

    async fn styled_by(
        &self,
        op: &Op,
        object: &ObjectRef,
        config: &ProcessingConfig,
    ) -> Result<Option<Op>, Fault> {
        let bucket = &object.bucket;
        if self.exists(bucket, &object.key).await? {
            return Ok(None);
        }
        for (key, name) in config.styled(&object.key) {
            let is_style = match self.store.style(bucket, &name).await {
                Ok(_) => true,
                Err(fault) if matches!(fault.kind, FaultKind::NoSuchConfig(_)) => false,
                Err(fault) => return Err(fault),
            };
            if is_style && self.exists(bucket, &key).await? {
                return Ok(Some(as_style(op.clone(), key, &name)));
            }
        }
        Ok(None)
    }

    /// Refuses originals that strangers get styles of only.
    pub(crate) async fn check_original(&self, asking: &Asking<'_>, op: &Op) -> Result<(), Fault> {
        if let (None, Op::GetObject(read) | Op::HeadObject(read)) = (asking.caller, op) {
            Box::pin(self.check_protection(asking, &read.object)).await?;
        }
        Ok(())
    }

    async fn check_protection(&self, asking: &Asking<'_>, object: &ObjectRef) -> Result<(), Fault> {
        let config = self.store.processing(&object.bucket).await?;
        if asking.caller.is_none() && config.protects(&object.key) {
            let resource = Resource::Object(object.bucket.clone(), object.key.clone());
            return Err(denied(AccessDenial::OriginalProtected).on(resource));
        }
        Ok(())
    }

    /// Refuses styles that could never be applied.
    pub(crate) fn check_style(op: &Op) -> Result<(), Fault> {
        let Op::PutStyle(PutStyle {
            content, category, ..
        }) = op
        else {
            return Ok(());
        };
        if *category != StyleCategory::Image {
            return Err(Fault::new(FaultKind::NotImplemented {
                what: format!("styles of the category {}", category.as_str()),
            }));
        }
        match Process::parse(content).map_err(picture_fault)? {
            Process::Image(_) => Ok(()),
            Process::Style(_) => Err(Fault::argument("Content", content, "begins with image/")),
        }
    }

    /// Carries out what [`is_processing`] names.
    pub(crate) async fn process(
        &self,
        asking: &Asking<'_>,
        op: Op,
        judged: &mut Judged,
    ) -> Result<Reply, Fault> {
        match op {
            Op::GetProcessed(op) => self.processed(asking, op, true).await,
            Op::HeadProcessed(op) => self.processed(asking, op, false).await,
            Op::SaveProcessed(op) => self.save_processed(asking, op, judged).await,
            _ => Err(FaultKind::Internal.into()),
        }
    }

    /// `GetObject` and `HeadObject` with `x-oss-process`; permitted already.
    async fn processed(
        &self,
        asking: &Asking<'_>,
        asked: ProcessObject,
        with_body: bool,
    ) -> Result<Reply, Fault> {
        let process = Process::parse(&asked.process).map_err(picture_fault)?;
        let object = asked.read.object.clone();
        let (derived, info) = self.derive(asking, process, &object).await?;
        derived_reply(info, asked.read, &derived, with_body)
    }

    /// `ProcessObject`; reading the source is permitted already, writing is not.
    async fn save_processed(
        &self,
        asking: &Asking<'_>,
        asked: SaveProcessed,
        judged: &mut Judged,
    ) -> Result<Reply, Fault> {
        let saved = SavedProcess::parse(&asked.process).map_err(picture_fault)?;
        let bucket = match &saved.target.bucket {
            None => asked.source.bucket.clone(),
            Some(name) => BucketName::parse(name)
                .map_err(|_| Fault::new(FaultKind::InvalidBucketName(name.clone())))?,
        };
        let key = ObjectKey::parse(saved.target.key.as_bytes())
            .map_err(|_| Fault::new(FaultKind::InvalidObjectName))?;
        let target = self.store.bucket(&bucket)?;
        if target.owner.id != self.store.bucket(&asked.source.bucket)?.owner.id {
            return Err(denied(AccessDenial::NotOwner));
        }
        let put = |content_type: &str, length: Option<u64>| PutObject {
            bucket: bucket.clone(),
            key: key.clone(),
            new: NewObject {
                headers: ContentHeaders {
                    content_type: Some(content_type.into()),
                    ..ContentHeaders::default()
                },
                ..NewObject::default()
            },
            expected: Expected {
                length,
                ..Expected::default()
            },
        };
        // Before anything is made of the source: nobody works for those who can't take it away.
        let writing = Op::PutObject(put("", None));
        self.authorise(asking, &writing, judged).await?;
        let (derived, _) = self.derive(asking, saved.process, &asked.source).await?;
        let size = u64::try_from(derived.bytes.len()).unwrap_or(u64::MAX);
        let op = Op::PutObject(put(derived.content_type, Some(size)));
        let caller = caller_of(asking.caller);
        let mut body = BytesSource::new(derived.bytes);
        self.store.execute(&caller, op, &mut body).await?;
        Ok(Outcome::ProcessSaved(ProcessSaved { bucket, key, size }).into())
    }

    /// Drops the results that were made of objects that are deleted now.
    pub(crate) fn forget_deleted(&self, names: Vec<String>) {
        for name in names {
            self.imaging.forget(&name);
        }
    }

    /// The names of the sources that `op` deletes.
    pub(crate) fn deletes(&self, op: &Op) -> Vec<String> {
        let named = |bucket: &BucketName, keys: &mut dyn Iterator<Item = &ObjectKey>| {
            let Ok(record) = self.store.bucket(bucket) else {
                return Vec::new();
            };
            keys.map(|key| source_name(record.table, key)).collect()
        };
        match op {
            Op::DeleteObject(op) => named(&op.object.bucket, &mut std::iter::once(&op.object.key)),
            Op::DeleteObjects(op) => {
                named(&op.bucket, &mut op.objects.iter().map(|object| &object.key))
            }
            _ => Vec::new(),
        }
    }

    async fn derive(
        &self,
        asking: &Asking<'_>,
        process: Process,
        object: &ObjectRef,
    ) -> Result<(DerivedBytes, ObjectInfo), Fault> {
        let wanted = self.resolve(process, &object.bucket).await?;
        let signed = asking.caller.is_some();
        if !self.imaging.is_open(wanted.styled, signed) {
            return Err(denied(AccessDenial::OriginalProtected));
        }
        if !wanted.styled {
            self.check_protection(asking, object).await?;
        }
        let found = self.source(asking, object).await?;
        let mut marks = Vec::new();
        for key in wanted.pipeline.mark_keys() {
            marks.push(self.mark(asking, &object.bucket, key).await?);
        }
        if !signed
            && !wanted.styled
            && !(self.imaging).allows_variant(&wanted.pipeline, &found.source, &marks)
        {
            return Err(denied(AccessDenial::TooManyVariants));
        }
        let derived = (self.imaging)
            .picture(&wanted.pipeline, &found.source, &marks)
            .await?;
        Ok((derived, found.info))
    }

    /// The actions, where they are named by a style.
    async fn resolve(&self, process: Process, bucket: &BucketName) -> Result<Wanted, Fault> {
        let name = match process {
            Process::Image(pipeline) => {
                return Ok(Wanted {
                    pipeline,
                    styled: false,
                });
            }
            Process::Style(name) => name,
        };
        let style = self.store.style(bucket, &name).await?;
        let Process::Image(mut pipeline) = Process::parse(&style.content).map_err(picture_fault)?
        else {
            return Err(Fault::argument(
                "Content",
                style.content,
                "begins with image/",
            ));
        };
        // A style keeps an animation only if it says `format,gif`; this leaves all others alone,
        // and an animation with its first frame.
        let says_format = |action: &Action| matches!(action, Action::Format(_));
        if !pipeline.actions.iter().any(says_format) && !stands_alone(&pipeline) {
            pipeline.actions.push(Action::AutoOrient(false));
        }
        Ok(Wanted {
            pipeline,
            styled: true,
        })
    }

    async fn source(&self, asking: &Asking<'_>, object: &ObjectRef) -> Result<Found, Fault> {
        let read = plain_read(object);
        let caller = caller_of(asking.caller);
        let op = Op::HeadObject(read.clone());
        let reply = self.store.execute(&caller, op, &mut Nothing).await?;
        let Outcome::Object(head) = reply.outcome else {
            return Err(FaultKind::Internal.into());
        };
        let info = head.info;
        let table = self.store.bucket(&object.bucket)?.table;
        let validator = format!(
            "{table}/{}/{}/{}/{}/{}",
            info.etag.as_str(),
            info.size,
            info.last_modified.as_millis(),
            info.version
                .map(|version| version.to_string())
                .unwrap_or_default(),
            object.key.as_str(),
        );
        let source = Source {
            name: source_name(table, &object.key),
            validator,
            length: info.size,
            bytes: Box::new(Stored {
                store: Arc::clone(&self.store),
                caller,
                read: GetObject {
                    conditions: ReadConditions {
                        if_match: Some(info.etag.quoted()),
                        ..ReadConditions::default()
                    },
                    ..read
                },
            }),
        };
        Ok(Found { source, info })
    }

    /// A watermark picture: a read like any other, by whoever asks.
    async fn mark(
        &self,
        asking: &Asking<'_>,
        bucket: &BucketName,
        key: &str,
    ) -> Result<Source, Fault> {
        let key = ObjectKey::parse(key.as_bytes())
            .map_err(|_| Fault::new(FaultKind::InvalidObjectName))?;
        let object = ObjectRef {
            bucket: bucket.clone(),
            key,
            version: None,
        };
        let reading = Op::GetObject(plain_read(&object));
        self.authorise(asking, &reading, &mut Judged::default())
            .await?;
        match self.source(asking, &object).await {
            Ok(found) => Ok(found.source),
            Err(fault) if matches!(fault.kind, FaultKind::NoSuchKey { .. }) => Err(no_mark()),
            Err(fault) => Err(fault),
        }
    }

    async fn exists(&self, bucket: &BucketName, key: &ObjectKey) -> Result<bool, Fault> {
        let object = ObjectRef {
            bucket: bucket.clone(),
            key: key.clone(),
            version: None,
        };
        let facts = self.store.object_facts(&object, WithTags::No).await?;
        Ok(facts.is_some())
    }
}

/// The bytes of an object, as long as it is the one whose head was read.
struct Stored {
    store: Arc<Store>,
    caller: Caller,
    read: GetObject,
}

#[async_trait::async_trait]
impl SourceBytes for Stored {
    async fn read(&self) -> Result<Bytes, Fault> {
        let op = Op::GetObject(self.read.clone());
        let reply = self.store.execute(&self.caller, op, &mut Nothing).await;
        let reply = reply.map_err(|fault| match fault.kind {
            FaultKind::PreconditionFailed { .. } => Fault::new(FaultKind::Unavailable {
                reason: "the picture was overwritten meanwhile".to_owned(),
            }),
            _ => fault,
        })?;
        let mut body = reply.body.ok_or_else(|| Fault::new(FaultKind::Internal))?;
        // The length was checked against the limit of sources.
        let length = usize::try_from(body.remaining()).unwrap_or(0);
        let mut all = Vec::with_capacity(length);
        while let Some(bytes) = body.next().await? {
            if all.is_empty() && bytes.len() == length {
                return Ok(bytes);
            }
            all.extend_from_slice(&bytes);
        }
        Ok(all.into())
    }
}

/// The body of requests that have none.
struct Nothing;

#[async_trait::async_trait]
impl ByteSource for Nothing {
    async fn next(&mut self) -> Result<Option<Bytes>, Fault> {
        Ok(None)
    }
}

/// Whether an operation makes something of an object instead of giving it.
pub(crate) fn is_processing(op: &Op) -> bool {
    matches!(
        op,
        Op::GetProcessed(_) | Op::HeadProcessed(_) | Op::SaveProcessed(_)
    )
}

/// A read of a key as that of a style of another one.
fn as_style(op: Op, key: ObjectKey, name: &StyleName) -> Op {
    let styled = |mut read: GetObject| {
        read.object.key = key;
        ProcessObject {
            read,
            process: format!("style/{}", name.as_str()),
        }
    };
    match op {
        Op::GetObject(read) => Op::GetProcessed(styled(read)),
        Op::HeadObject(read) => Op::HeadProcessed(styled(read)),
        other => other,
    }
}

fn stands_alone(pipeline: &Pipeline) -> bool {
    let alone = |action: &Action| matches!(action, Action::Info | Action::AverageHue);
    pipeline.actions.iter().any(alone)
}

fn plain_read(object: &ObjectRef) -> GetObject {
    GetObject {
        object: object.clone(),
        range: None,
        part: None,
        customer_key: None,
        conditions: ReadConditions::default(),
        overrides: ResponseOverrides::default(),
    }
}

/// The same for every state of an object. A bucket that was deleted and made again has another
/// table.
fn source_name(table: u64, key: &ObjectKey) -> String {
    format!("{table}/{}", key.as_str())
}

/// OSS's page has a finer code for it, but does not name the code.
fn denied(denial: AccessDenial) -> Fault {
    FaultKind::AccessDenied(denial).into()
}
