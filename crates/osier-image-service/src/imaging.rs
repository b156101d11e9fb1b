//! From a request for a picture to its bytes.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use osier_image::grammar::{Action, Pipeline};
use osier_image::plan::{Limits, Plan, Product};
use osier_image::{
    Budget, Cancel, ErrorKind, ImageError, SourceHeader, Stopped, describe, info_json, inspect,
    render,
};
use osier_types::limits::IMAGE_SOURCE_BYTES_MAX;
use osier_types::{Clock, DerivedBytes, Fault, FaultKind, PictureFault};
use tokio::sync::oneshot;
use tokio::time::{Instant, timeout, timeout_at};

use crate::admission::{Admission, busy};
use crate::cache::{Cache, Made};
use crate::flights::Flights;
use crate::key::Key;
use crate::settings::{ImagingSettings, OpenTo};
use crate::variants::VariantLimit;
use crate::workers::Workers;

/// Makes pictures.
pub struct Imaging {
    settings: ImagingSettings,
    workers: Workers,
    admission: Admission,
    cache: Cache,
    flights: Flights,
    variants: VariantLimit,
    clock: Arc<dyn Clock>,
}

/// Where a picture's bytes come from.
#[async_trait::async_trait]
pub trait SourceBytes: Send + Sync {
    /// All bytes, of the state that the validator names.
    async fn read(&self) -> Result<Bytes, Fault>;
}

/// A picture to be processed, or one used as a watermark.
pub struct Source {
    /// Its name, the same for every state it was ever in.
    pub name: String,
    /// What distinguishes this state from all others.
    pub validator: String,
    /// Bytes.
    pub length: u64,
    /// The bytes themselves.
    pub bytes: Box<dyn SourceBytes>,
}

/// A request for a picture, permitted already.
struct Job<'a> {
    pipeline: &'a Pipeline,
    source: &'a Source,
    marks: &'a [Source],
    key: Key,
}

impl std::fmt::Debug for Imaging {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Imaging")
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}

impl std::fmt::Debug for Source {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Source")
            .field("name", &self.name)
            .field("validator", &self.validator)
            .field("length", &self.length)
            .finish_non_exhaustive()
    }
}

impl Imaging {
    /// With these settings; threads start when there is work.
    pub fn new(settings: ImagingSettings, clock: Arc<dyn Clock>) -> Self {
        let cores = || std::thread::available_parallelism().map_or(1, usize::from);
        let threads = match settings.threads {
            0 => cores(),
            threads => threads,
        };
        Self {
            workers: Workers::new(threads),
            admission: Admission::new(
                threads.saturating_add(settings.queue_max),
                settings.source_bytes,
                settings.memory_bytes,
                threads.div_ceil(4),
            ),
            cache: Cache::new(settings.cache_bytes),
            flights: Flights::default(),
            variants: VariantLimit::new(settings.variants_max),
            settings,
            clock,
        }
    }

    /// Whether requests of this sort are answered at all.
    pub fn is_open(&self, styled: bool, signed: bool) -> bool {
        match self.settings.open_to {
            OpenTo::Nobody => false,
            OpenTo::Styles => styled,
            OpenTo::Signed => styled || signed,
            OpenTo::Readers => true,
        }
    }

    /// Whether strangers may have this result of this source, besides those they had today.
    pub fn allows_variant(&self, pipeline: &Pipeline, source: &Source, marks: &[Source]) -> bool {
        let key = key(pipeline, source, marks);
        self.variants.allows(&source.name, &key, self.clock.now())
    }

    /// What distinguishes this result from all others, known before it is made.
    pub fn tag(&self, pipeline: &Pipeline, source: &Source, marks: &[Source]) -> [u8; 16] {
        key(pipeline, source, marks).tag()
    }

    /// Drops what was made of a source that is no more.
    pub fn forget(&self, name: &str) {
        self.cache.forget(name);
    }

    /// What `pipeline` makes of `source`; `marks` are its watermark pictures in their order.
    ///
    /// # Errors
    /// When it can't be made, when there is too much to do, or when the bytes can't be read.
    pub async fn picture(
        &self,
        pipeline: &Pipeline,
        source: &Source,
        marks: &[Source],
    ) -> Result<DerivedBytes, Fault> {
        for one in std::iter::once(source).chain(marks) {
            if one.length > IMAGE_SOURCE_BYTES_MAX {
                return Err(source_too_large());
            }
        }
        let job = Job {
            key: key(pipeline, source, marks),
            pipeline,
            source,
            marks,
        };
        if let Some(made) = self.cache.get(&job.key) {
            return made.map_err(picture_fault);
        }
        self.flights.share(job.key, self.make(&job)).await
    }

    async fn make(&self, job: &Job<'_>) -> Result<DerivedBytes, Fault> {
        // Someone may have landed since the cache was asked.
        if let Some(made) = self.cache.get(&job.key) {
            return made.map_err(picture_fault);
        }
        let made = self.work(job).await?;
        let kept = !matches!(&made, Err(error) if error.kind == ErrorKind::Stopped
            || error.kind == ErrorKind::Internal);
        if kept {
            let source = job.source;
            self.cache
                .put(job.key, &source.name, &source.validator, made.clone());
        }
        made.map_err(picture_fault)
    }

    /// The outer error is of the moment, the inner one of the request.
    async fn work(&self, job: &Job<'_>) -> Result<Made, Fault> {
        let until = Instant::now() + Duration::from_millis(self.settings.queue_wait_ms);
        let _place = self.admission.place()?;
        let length = job.source.length + job.marks.iter().map(|mark| mark.length).sum::<u64>();
        let held = self.admission.sources(length, until).await?;
        let source = job.source.bytes.read().await?;
        let mut marks = Vec::with_capacity(job.marks.len());
        for mark in job.marks {
            marks.push(mark.bytes.read().await?);
        }
        let tag = job.key.tag();
        if job.pipeline.actions.contains(&Action::Info) {
            let told = self
                .run(
                    until,
                    Duration::from_millis(self.settings.job_ms),
                    move |_| {
                        let _held = held;
                        let info = describe(&source)?;
                        let size = u64::try_from(source.len()).unwrap_or(u64::MAX);
                        Ok(info_json(&info, size))
                    },
                )
                .await?;
            return Ok(told.map(|json| DerivedBytes {
                bytes: json.into(),
                content_type: "application/json",
                tag,
            }));
        }
        let limits = Limits {
            pixels: self.settings.pixels_max,
            frames: self.settings.frames_max,
            bytes: self.settings.memory_bytes,
            avif_pixels: (self.settings.avif_pixels_max).min(Limits::default().avif_pixels),
        };
        let pipeline = job.pipeline.clone();
        let planned = self
            .run(until, Duration::from_millis(self.settings.job_ms), {
                let (source, marks) = (source.clone(), marks.clone());
                move |_| {
                    let header = inspect(&source)?;
                    let marks: Vec<SourceHeader> = marks
                        .iter()
                        .map(|mark| inspect(mark).map_err(in_mark))
                        .collect::<Result<_, _>>()?;
                    Plan::new(&pipeline, &header, &marks, &limits)
                }
            })
            .await?;
        let plan = match planned {
            Ok(plan) => plan,
            Err(error) => return Ok(Err(error)),
        };
        // Estimates are upper ones; what little they miss is in the margin.
        let memory_bytes = plan.price.bytes + plan.price.bytes / 4 + (1 << 20);
        let permits = self
            .admission
            .pixels(memory_bytes, plan.price.slow, until)
            .await?;
        let (content_type, time) = match &plan.product {
            Product::AverageHue => ("text/plain", self.settings.job_ms),
            Product::Picture(encode) if encode.frames > 1 => {
                (encode.format.content_type(), self.settings.animation_ms)
            }
            Product::Picture(encode) => (encode.format.content_type(), self.settings.job_ms),
        };
        let budget = Budget {
            memory_bytes,
            pixels: self.settings.pixels_max,
            frames: self.settings.frames_max,
            result_bytes: self.settings.memory_bytes,
        };
        let drawn = self
            .run(until, Duration::from_millis(time), move |cancel| {
                let _permits = (permits, held);
                let marks: Vec<&[u8]> = marks.iter().map(|mark| &mark[..]).collect();
                render(&plan, &source, &marks, &budget, cancel)
            })
            .await?;
        Ok(drawn.map(|bytes| DerivedBytes {
            bytes: bytes.into(),
            content_type,
            tag,
        }))
    }

    /// Runs `work` on a thread of its own: it must begin by `until` and then has `time`. Whoever
    /// stops waiting for it stops it.
    async fn run<T: Send + 'static>(
        &self,
        until: Instant,
        time: Duration,
        work: impl FnOnce(&Cancel) -> Result<T, ImageError> + Send + 'static,
    ) -> Result<Result<T, ImageError>, Fault> {
        let (begin, begun) = oneshot::channel();
        let (finish, finished) = oneshot::channel();
        let cancel = Cancel::default();
        let leaving = Leaving(cancel.clone());
        self.workers.submit(move || {
            // Nobody is left to be told: then nothing is done.
            if cancel.stopped().is_some() || begin.send(()).is_err() {
                return;
            }
            let _ = finish.send(work(&cancel));
        });
        match timeout_at(until, begun).await {
            Ok(Ok(())) => {}
            Ok(Err(_)) => return Err(FaultKind::Internal.into()),
            Err(_) => return Err(busy()),
        }
        match timeout(time, finished).await {
            Ok(Ok(done)) => Ok(done),
            // It panicked.
            Ok(Err(_)) => Ok(Err(ImageError::undecodable("the picture can't be decoded"))),
            Err(_) => {
                leaving.0.stop(Stopped::TimedOut);
                Ok(Err(Stopped::TimedOut.into()))
            }
        }
    }
}

/// Stops a job when whoever waits for it goes.
struct Leaving(Cancel);

impl Drop for Leaving {
    fn drop(&mut self) {
        self.0.stop(Stopped::Abandoned);
    }
}

fn key(pipeline: &Pipeline, source: &Source, marks: &[Source]) -> Key {
    let marks: Vec<&str> = marks.iter().map(|mark| mark.validator.as_str()).collect();
    Key::new(pipeline, &source.validator, &marks)
}

/// What is wrong with a watermark picture, as a fault of the request.
fn in_mark(error: ImageError) -> ImageError {
    match error.kind {
        ErrorKind::BadRequest | ErrorKind::NotImplemented => ImageError::new(
            ErrorKind::WatermarkError,
            "0040-00000027",
            format!("the watermark picture can't be used: {}", error.message),
        ),
        _ => error,
    }
}

/// A source has more bytes than any source may have.
pub fn source_too_large() -> Fault {
    let megabytes = IMAGE_SOURCE_BYTES_MAX >> 20;
    picture_fault(ImageError::plain(
        ErrorKind::ImageTooLarge,
        format!("the picture has more than {megabytes} MB"),
    ))
}

/// A watermark picture that does not exist.
pub fn no_mark() -> Fault {
    picture_fault(ImageError::new(
        ErrorKind::WatermarkError,
        "0040-00000025",
        "the watermark picture is not there",
    ))
}

/// An error of pictures in the words of all faults.
pub fn picture_fault(error: ImageError) -> Fault {
    let kind = match error.kind {
        ErrorKind::InvalidArgument => PictureFault::InvalidArgument,
        ErrorKind::MissingArgument => PictureFault::MissingArgument,
        ErrorKind::BadRequest => PictureFault::BadRequest,
        // What takes too long is too large for this server.
        ErrorKind::ImageTooLarge | ErrorKind::Stopped => PictureFault::TooLarge,
        ErrorKind::WatermarkError => PictureFault::Watermark,
        ErrorKind::NotImplemented => {
            return Fault::new(FaultKind::NotImplemented {
                what: error.message.into_owned(),
            });
        }
        ErrorKind::Internal => return Fault::new(FaultKind::Internal).because(error),
    };
    Fault::new(FaultKind::Picture {
        kind,
        ec: error.ec,
        message: error.message.into_owned(),
    })
}
