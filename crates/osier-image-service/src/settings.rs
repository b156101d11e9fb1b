//! How much the processing of pictures may take.

use serde::Deserialize;

/// Section `[image]`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ImagingSettings {
    /// Threads that work on pixels; 0 means one per core.
    pub threads: usize,
    /// Bytes that all jobs together may take while they work.
    pub memory_bytes: u64,
    /// Bytes of sources that are held for jobs at a time.
    pub source_bytes: u64,
    /// Requests that wait for a thread; more are answered with 503.
    pub queue_max: usize,
    /// Milliseconds that a request waits for its turn.
    pub queue_wait_ms: u64,
    /// Milliseconds that a picture may take.
    pub job_ms: u64,
    /// Milliseconds that an animation may take.
    pub animation_ms: u64,
    /// Pixels of one source, of all frames that are kept.
    pub pixels_max: u64,
    /// Pixels of a result in AVIF, which takes many times longer to write than other formats and
    /// can't be stopped. Only of builds with the feature `avif`.
    pub avif_pixels_max: u64,
    /// Frames of an animation.
    pub frames_max: u32,
    /// Bytes of results kept in memory.
    pub cache_bytes: u64,
    /// Different results of one object that anonymous requests get in a day, styles not counted;
    /// 0 is no limit.
    pub variants_max: usize,
    /// Who may ask for pictures.
    pub open_to: OpenTo,
}

/// Who may have pictures processed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OpenTo {
    /// Nobody.
    Nobody,
    /// Everybody, but styles only.
    Styles,
    /// Everybody styles, and signed requests everything.
    Signed,
    /// Everybody who may read the object.
    #[default]
    Readers,
}

impl Default for ImagingSettings {
    fn default() -> Self {
        Self {
            threads: 0,
            memory_bytes: 512 << 20,
            source_bytes: 128 << 20,
            queue_max: 64,
            queue_wait_ms: 5000,
            job_ms: 10_000,
            animation_ms: 30_000,
            pixels_max: 100_000_000,
            avif_pixels_max: 2_500_000,
            frames_max: 1000,
            cache_bytes: 64 << 20,
            variants_max: 200,
            open_to: OpenTo::default(),
        }
    }
}
