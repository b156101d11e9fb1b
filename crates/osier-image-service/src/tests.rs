use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use osier_image::grammar::{Pipeline, Process};
use osier_types::{Fault, FaultKind, ManualClock, PictureFault, Timestamp};
use tokio::sync::Semaphore;

use crate::{Imaging, ImagingSettings, Source, SourceBytes};

/// A grey BMP of 24 bits.
fn bitmap(width: u32, height: u32) -> Bytes {
    let row = (width * 3).next_multiple_of(4);
    let mut bytes = b"BM".to_vec();
    for number in [54 + row * height, 0, 54, 40, width, height] {
        bytes.extend(number.to_le_bytes());
    }
    for number in [1_u16, 24] {
        bytes.extend(number.to_le_bytes());
    }
    bytes.extend([0; 24]);
    bytes.resize(usize::try_from(54 + row * height).unwrap(), 0x80);
    bytes.into()
}

/// Counts how often it is read, and can be held up.
struct Counted {
    bytes: Bytes,
    reads: Arc<AtomicUsize>,
    gate: Arc<Semaphore>,
}

#[async_trait::async_trait]
impl SourceBytes for Counted {
    async fn read(&self) -> Result<Bytes, Fault> {
        self.reads.fetch_add(1, Ordering::Relaxed);
        let _passed = self.gate.acquire().await;
        Ok(self.bytes.clone())
    }
}

struct Kit {
    imaging: Imaging,
    reads: Arc<AtomicUsize>,
    gate: Arc<Semaphore>,
}

impl Kit {
    fn new(settings: ImagingSettings) -> Self {
        let clock = Arc::new(ManualClock::new(Timestamp::from_seconds(1_795_316_645)));
        Self {
            imaging: Imaging::new(settings, clock),
            reads: Arc::default(),
            gate: Arc::new(Semaphore::new(1000)),
        }
    }

    fn source(&self, bytes: Bytes, validator: &str) -> Source {
        Source {
            name: "1/a.bmp".to_owned(),
            validator: validator.to_owned(),
            length: u64::try_from(bytes.len()).unwrap(),
            bytes: Box::new(Counted {
                bytes,
                reads: Arc::clone(&self.reads),
                gate: Arc::clone(&self.gate),
            }),
        }
    }

    fn reads(&self) -> usize {
        self.reads.load(Ordering::Relaxed)
    }
}

fn pipeline(text: &str) -> Pipeline {
    match Process::parse(text) {
        Ok(Process::Image(pipeline)) => pipeline,
        other => panic!("{text}: {other:?}"),
    }
}

fn one_thread() -> ImagingSettings {
    ImagingSettings {
        threads: 1,
        ..ImagingSettings::default()
    }
}

#[tokio::test]
async fn equal_requests_are_one_job_and_then_none() {
    let kit = Kit::new(one_thread());
    let source = kit.source(bitmap(40, 20), "1");
    let half = pipeline("image/resize,w_20");
    let (first, second) = tokio::join!(
        kit.imaging.picture(&half, &source, &[]),
        kit.imaging.picture(&half, &source, &[]),
    );
    let (first, second) = (first.unwrap(), second.unwrap());
    assert_eq!(first, second);
    assert_eq!(first.content_type, "image/bmp");
    assert_eq!(
        kit.imaging.picture(&half, &source, &[]).await.unwrap(),
        first
    );
    assert_eq!(kit.reads(), 1);
    // Another state of the same source is another picture.
    let changed = kit.source(bitmap(40, 20), "2");
    let other = kit.imaging.picture(&half, &changed, &[]).await.unwrap();
    assert_ne!(other.tag, first.tag);
    assert_eq!(kit.reads(), 2);
}

#[tokio::test]
async fn refusals_are_remembered() {
    let kit = Kit::new(one_thread());
    let source = kit.source(Bytes::from_static(b"no picture at all"), "1");
    let half = pipeline("image/resize,w_20");
    for _ in 0..2 {
        let fault = kit.imaging.picture(&half, &source, &[]).await.unwrap_err();
        assert!(matches!(
            fault.kind,
            FaultKind::Picture {
                kind: PictureFault::BadRequest,
                ..
            }
        ));
    }
    assert_eq!(kit.reads(), 1);
}

#[tokio::test]
async fn whoever_comes_after_one_who_left_is_served() {
    let kit = Kit::new(one_thread());
    let source = kit.source(bitmap(40, 20), "1");
    let half = pipeline("image/resize,w_20");
    let held = kit.gate.acquire_many(1000).await.unwrap();
    {
        let leaving = kit.imaging.picture(&half, &source, &[]);
        tokio::pin!(leaving);
        let now = std::future::ready(());
        tokio::select! {
            biased;
            _ = &mut leaving => panic!("the source can't be read yet"),
            () = now => {}
        }
    }
    drop(held);
    assert!(kit.imaging.picture(&half, &source, &[]).await.is_ok());
    assert_eq!(kit.reads(), 2);
}

#[tokio::test]
async fn who_finds_no_place_is_told_at_once() {
    let kit = Kit::new(ImagingSettings {
        queue_max: 0,
        ..one_thread()
    });
    let source = kit.source(bitmap(40, 20), "1");
    let held = kit.gate.acquire_many(1000).await.unwrap();
    let (half, third) = (pipeline("image/resize,w_20"), pipeline("image/resize,w_13"));
    let first = kit.imaging.picture(&half, &source, &[]);
    let second = kit.imaging.picture(&third, &source, &[]);
    let (first, second) = tokio::join!(first, async {
        let second = second.await;
        drop(held);
        second
    });
    assert!(first.is_ok());
    let fault = second.unwrap_err();
    assert!(
        matches!(fault.kind, FaultKind::Unavailable { .. }),
        "{fault}"
    );
}

#[tokio::test]
async fn limits_of_this_server_are_kept() {
    let kit = Kit::new(ImagingSettings {
        pixels_max: 799,
        ..one_thread()
    });
    let source = kit.source(bitmap(40, 20), "1");
    let too_large = |fault: Fault| {
        matches!(
            fault.kind,
            FaultKind::Picture {
                kind: PictureFault::TooLarge,
                ..
            }
        )
    };
    let half = pipeline("image/resize,w_20");
    assert!(too_large(
        kit.imaging.picture(&half, &source, &[]).await.unwrap_err()
    ));
    let mut huge = kit.source(bitmap(4, 2), "2");
    huge.length = (20 << 20) + 1;
    assert!(too_large(
        kit.imaging.picture(&half, &huge, &[]).await.unwrap_err()
    ));
    assert_eq!(kit.reads(), 1, "what is too long is not even read");
}

#[test]
fn strangers_get_so_many_variants_of_an_object() {
    let kit = Kit::new(ImagingSettings {
        variants_max: 2,
        ..one_thread()
    });
    let source = kit.source(bitmap(4, 2), "1");
    let allows = |text| kit.imaging.allows_variant(&pipeline(text), &source, &[]);
    assert!(allows("image/resize,w_1") && allows("image/resize,w_2"));
    assert!(!allows("image/resize,w_3"));
    assert!(allows("image/resize,w_1"), "the same one counts once");
}
