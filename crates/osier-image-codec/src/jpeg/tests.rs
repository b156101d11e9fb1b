use super::*;
use crate::{Budget, Raster, Stop};

fn budget() -> Budget<'static> {
    Budget {
        pixels: 1 << 20,
        frames: 1,
        bytes: 1 << 24,
        stop: Stop::NEVER,
    }
}

/// Soft colours, so that coding loses little.
fn gradient(width: u32, height: u32) -> Raster {
    let pixels = (0..height)
        .flat_map(|y| (0..width).flat_map(move |x| [(x * 2) as u8, (y * 2) as u8, 90, 255]))
        .collect();
    Raster::from_pixels(width, height, pixels, true).unwrap()
}

fn written(progressive: bool) -> Vec<u8> {
    let settings = JpegSettings {
        quality: 90,
        progressive,
        grey: true,
        orientation: 6,
    };
    encode(&gradient(101, 67), settings, Stop::NEVER).unwrap()
}

#[test]
fn what_was_written_is_read() {
    for progressive in [false, true] {
        let file = written(progressive);
        let head = header(&file).unwrap();
        assert_eq!(
            (head.width, head.height, head.progressive),
            (101, 67, progressive)
        );
        assert_eq!(head.quality, Some(90));
        assert_eq!(crate::exif::orientation(&head.exif.unwrap()), Some(6));
        for eighths in 1..=8_u8 {
            let picture = decode(&file, eighths, &budget()).unwrap();
            let side = |length: u32| (length * u32::from(eighths)).div_ceil(8);
            assert_eq!((picture.width(), picture.height()), (side(101), side(67)));
            let middle =
                (picture.height() / 2 * picture.width() + picture.width() / 2) as usize * 4;
            let [r, g, b] = picture.pixels()[middle..middle + 3] else {
                unreachable!()
            };
            assert!(
                r.abs_diff(101) < 20 && g.abs_diff(67) < 20 && b.abs_diff(90) < 8,
                "{r} {g} {b}"
            );
        }
    }
}

#[test]
fn cut_files_end_in_an_error() {
    for progressive in [false, true] {
        let file = written(progressive);
        for length in (0..file.len() - 2).step_by(7) {
            assert!(
                decode(&file[..length], 8, &budget()).is_err(),
                "{length} of {}",
                file.len()
            );
        }
    }
}

#[test]
fn sizes_are_checked_before_memory_is_taken() {
    let file = written(false);
    let small = Budget {
        pixels: 100,
        ..budget()
    };
    assert_eq!(
        decode(&file, 8, &small),
        Err(CodecError::TooLarge("pixels"))
    );
    let poor = Budget {
        bytes: 100,
        ..budget()
    };
    assert_eq!(
        decode(&written(true), 8, &poor),
        Err(CodecError::TooLarge("memory"))
    );
}

#[test]
fn a_stopped_job_ends() {
    let stopped = || true;
    let budget = Budget {
        stop: Stop::new(&stopped),
        ..budget()
    };
    assert_eq!(
        decode(&written(false), 8, &budget),
        Err(CodecError::Stopped)
    );
}
