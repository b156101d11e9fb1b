//! The encoder of libwebp behind a safe function.
#![allow(unsafe_code)]

use std::{
    ffi::{c_int, c_void},
    slice,
};

use libwebp_sys::{
    WebPConfig, WebPEncode, WebPPicture, WebPPictureFree, WebPPictureImportRGBA,
    WebPPictureImportRGBX, WebPValidateConfig,
};

use crate::{CodecError, Raster, Stop};

const REFUSED: CodecError = CodecError::Encode("WebP");

/// Effort, 0 to 6; 4 is libwebp's own choice.
const METHOD: c_int = 4;

/// Encodes with losses; the flag is looked at as the encoder makes progress.
pub(super) fn encode(
    picture: &Raster,
    quality: f32,
    stop: Stop<'_>,
) -> Result<Vec<u8>, CodecError> {
    let mut config = WebPConfig::new().map_err(|()| REFUSED)?;
    config.quality = quality;
    config.method = METHOD;
    // SAFETY: `config` is initialised and only read.
    if unsafe { WebPValidateConfig(&raw const config) } == 0 {
        return Err(REFUSED);
    }
    let mut job = Job {
        out: Vec::with_capacity(picture.pixels().len() / 32 + 1024),
        stop,
    };
    let mut handle = Handle(WebPPicture::new().map_err(|()| REFUSED)?);
    let target = &mut handle.0;
    target.width = c_int::try_from(picture.width()).map_err(|_| REFUSED)?;
    target.height = c_int::try_from(picture.height()).map_err(|_| REFUSED)?;
    let stride = c_int::try_from(picture.stride()).map_err(|_| REFUSED)?;
    let pixels = picture.pixels().as_ptr();
    // SAFETY: `Raster` holds `height` rows of `stride` bytes, four for each pixel, and the
    // library copies them. `target` is initialised, and freed by `Handle` whatever happens.
    let imported = unsafe {
        if picture.shows_through() {
            WebPPictureImportRGBA(target, pixels, stride)
        } else {
            WebPPictureImportRGBX(target, pixels, stride)
        }
    };
    if imported == 0 {
        return Err(REFUSED);
    }
    let job_address = (&raw mut job).cast::<c_void>();
    target.writer = Some(write);
    target.custom_ptr = job_address;
    target.progress_hook = Some(progress);
    target.user_data = job_address;
    // SAFETY: both structures are initialised; `job` outlives the call, which is the only time in
    // which the callbacks run, and nothing else touches it meanwhile.
    let done = unsafe { WebPEncode(&raw const config, target) } != 0;
    drop(handle);
    if stop.is_set() {
        return Err(CodecError::Stopped);
    }
    if done { Ok(job.out) } else { Err(REFUSED) }
}

/// What the callbacks work on.
struct Job<'a> {
    out: Vec<u8>,
    stop: Stop<'a>,
}

/// Frees the planes of a picture.
struct Handle(WebPPicture);

impl Drop for Handle {
    fn drop(&mut self) {
        // SAFETY: the structure was initialised by `WebPPicture::new`; freeing twice is allowed.
        unsafe { WebPPictureFree(&raw mut self.0) }
    }
}

/// Takes encoded bytes. Does not panic: running out of memory aborts the process.
extern "C" fn write(data: *const u8, size: usize, picture: *const WebPPicture) -> c_int {
    // SAFETY: libwebp passes `size` readable bytes and the picture it was given, whose
    // `custom_ptr` is the `Job` of the call that is running; no other reference to it is in use.
    unsafe {
        let job = &mut *(*picture).custom_ptr.cast::<Job<'_>>();
        job.out.extend_from_slice(slice::from_raw_parts(data, size));
    }
    1
}

/// Answers whether to go on.
extern "C" fn progress(_percent: c_int, picture: *const WebPPicture) -> c_int {
    // SAFETY: as in `write`.
    let stop = unsafe { (*(*picture).user_data.cast::<Job<'_>>()).stop };
    c_int::from(!stop.is_set())
}
