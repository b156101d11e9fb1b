use osier_image_codec::{self as codec, Raster, Stop};

use super::*;
use crate::Stopped;
use crate::grammar::Process;
use crate::plan::Limits;

const BUDGET: Budget = Budget {
    memory_bytes: 1 << 28,
    pixels: 1 << 24,
    frames: 100,
    result_bytes: 1 << 24,
};

/// Every pixel tells its place: red the column, green the row.
fn board(width: u32, height: u32) -> Vec<u8> {
    let at = |place: u32| u8::try_from(place % 256).unwrap();
    let pixels = (0..height)
        .flat_map(|y| (0..width).flat_map(move |x| [at(x), at(y), 7, 255]))
        .collect();
    codec::encode_png(
        &Raster::from_pixels(width, height, pixels, true).unwrap(),
        1,
        false,
    )
    .unwrap()
}

fn processed(source: &[u8], text: &str, marks: &[&[u8]]) -> Result<Vec<u8>, ImageError> {
    let Process::Image(pipeline) = Process::parse(text)? else {
        panic!("a style")
    };
    let heads = marks
        .iter()
        .map(|mark| inspect(mark))
        .collect::<Result<Vec<_>, _>>()?;
    let plan = Plan::new(&pipeline, &inspect(source)?, &heads, &Limits::default())?;
    render(&plan, source, marks, &BUDGET, &Cancel::default())
}

fn picture(source: &[u8], text: &str) -> Raster {
    let file = processed(source, text, &[]).unwrap();
    let budget = codec::Budget {
        pixels: 1 << 24,
        frames: 1,
        bytes: 1 << 28,
        stop: Stop::NEVER,
    };
    codec::decode(&file, 8, &budget).unwrap()
}

fn at(picture: &Raster, x: u32, y: u32) -> [u8; 4] {
    picture.pixels().as_chunks::<4>().0[(y * picture.width() + x) as usize]
}

#[test]
fn cuts_copy_pixels() {
    let source = board(100, 60);
    let cut = picture(&source, "image/crop,x_10,y_20,w_30,h_15");
    assert_eq!((cut.width(), cut.height()), (30, 15));
    assert_eq!(at(&cut, 0, 0), [10, 20, 7, 255]);
    assert_eq!(at(&cut, 29, 14), [39, 34, 7, 255]);
    let slice = picture(&source, "image/indexcrop,x_40,i_2");
    assert_eq!((slice.width(), at(&slice, 0, 5)), (20, [80, 5, 7, 255]));
}

#[test]
fn quarter_turns_are_exact() {
    let source = board(50, 30);
    let right = picture(&source, "image/rotate,90");
    assert_eq!((right.width(), right.height()), (30, 50));
    assert_eq!(at(&right, 29, 0), [0, 0, 7, 255]);
    assert_eq!(at(&right, 0, 0), [0, 29, 7, 255]);
    assert_eq!(
        at(&picture(&source, "image/rotate,180"), 0, 0),
        [49, 29, 7, 255]
    );
    assert_eq!(
        at(&picture(&source, "image/rotate,270"), 0, 0),
        [49, 0, 7, 255]
    );
    assert_eq!(
        picture(&source, "image/rotate,90/rotate,270"),
        picture(&source, "image/rotate,0")
    );
}

#[test]
fn shapes_clear_what_is_outside() {
    let source = board(80, 60);
    let circle = picture(&source, "image/circle,r_20");
    assert_eq!((circle.width(), circle.height()), (40, 40));
    assert_eq!(at(&circle, 0, 0)[3], 0);
    assert_eq!(at(&circle, 20, 20), [40, 30, 7, 255]);
    let corners = picture(&source, "image/rounded-corners,r_10");
    assert_eq!(
        (at(&corners, 0, 0)[3], at(&corners, 40, 0)),
        (0, [40, 0, 7, 255])
    );
    let white = picture(&source, "image/circle,r_20/format,jpg");
    assert!(at(&white, 0, 0).iter().all(|sample| *sample > 225));
}

#[test]
fn tones_keep_their_promises() {
    let source = board(64, 64);
    for nothing in ["image/bright,0", "image/contrast,0"] {
        assert_eq!(
            picture(&source, nothing),
            picture(&source, "image/rotate,0")
        );
    }
    let mean = |text: &str| {
        let picture = picture(&source, text);
        picture
            .pixels()
            .iter()
            .map(|sample| u64::from(*sample))
            .sum::<u64>()
    };
    assert!(mean("image/bright,-50") < mean("image/bright,0"));
    assert!(mean("image/bright,0") < mean("image/bright,50"));
    let grey = picture(&source, "image/contrast,-100");
    assert_eq!(at(&grey, 0, 0), at(&grey, 63, 63));
}

#[test]
fn blur_keeps_flat_areas_and_means() {
    let flat = Raster::filled(40, 40, [10, 200, 30, 255]).unwrap();
    let source = codec::encode_png(&flat, 1, true).unwrap();
    assert_eq!(picture(&source, "image/blur,r_5,s_3"), flat);
    assert_eq!(picture(&source, "image/sharpen,100"), flat);
}

#[test]
fn the_average_is_the_mean() {
    let source = board(3, 1);
    assert_eq!(
        processed(&source, "image/average-hue", &[]).unwrap(),
        b"0x010007"
    );
}

#[test]
fn marks_go_where_they_are_told() {
    let source = board(100, 80);
    let mark = Raster::filled(10, 5, [250, 240, 230, 255]).unwrap();
    let mark = codec::encode_png(&mark, 1, true).unwrap();
    // `mark.png` in base64.
    let file = processed(
        &source,
        "image/watermark,image_bWFyay5wbmc,g_se,x_3,y_4",
        &[&mark],
    )
    .unwrap();
    let budget = codec::Budget {
        pixels: 1 << 20,
        frames: 1,
        bytes: 1 << 24,
        stop: Stop::NEVER,
    };
    let picture = codec::decode(&file, 8, &budget).unwrap();
    let (left, top) = (100 - 10 - 3, 80 - 5 - 4);
    assert_eq!(at(&picture, left, top), [250, 240, 230, 255]);
    assert_eq!(at(&picture, left + 9, top + 4), [250, 240, 230, 255]);
    assert_eq!(at(&picture, left - 1, top)[2], 7);
    assert_eq!(at(&picture, left + 10, top)[2], 7);
}

#[test]
fn text_leaves_ink_at_its_corner() {
    let white = Raster::filled(300, 100, [255; 4]).unwrap();
    let source = codec::encode_png(&white, 1, true).unwrap();
    // A Latin word and four Chinese characters.
    for text in ["Q2hlbmsgQmxvZw", "5Zu-54mH5rC05Y2w"] {
        let picture = picture(
            &source,
            &format!("image/watermark,text_{text},size_30,g_se"),
        );
        let dark = |x: u32, y: u32| at(&picture, x, y)[0] < 100;
        let ink = (0..100)
            .flat_map(|y| (0..300).map(move |x| (x, y)))
            .filter(|(x, y)| dark(*x, *y));
        let (mut count, mut left, mut top) = (0, 300, 100);
        for (x, y) in ink {
            (count, left, top) = (count + 1, left.min(x), top.min(y));
        }
        assert!(
            count > 200 && left > 100 && top > 50,
            "{count} {left} {top}"
        );
    }
}

#[test]
fn a_cancelled_job_says_why() {
    let source = board(50, 50);
    let Process::Image(pipeline) = Process::parse("image/blur,r_5,s_2").unwrap() else {
        panic!()
    };
    let plan = Plan::new(
        &pipeline,
        &inspect(&source).unwrap(),
        &[],
        &Limits::default(),
    )
    .unwrap();
    let cancel = Cancel::default();
    cancel.stop(Stopped::Abandoned);
    let error = render(&plan, &source, &[], &BUDGET, &cancel).unwrap_err();
    assert_eq!(error, Stopped::Abandoned.into());
}

#[test]
fn what_is_no_picture_is_refused() {
    for bytes in [&b""[..], b"%PDF-1.7", b"\0\0\0\x18ftypmp42"] {
        assert_eq!(inspect(bytes).unwrap_err().kind, ErrorKind::BadRequest);
    }
    let heic = inspect(b"\0\0\0\x18ftypheic").unwrap_err();
    assert_eq!(heic.kind, ErrorKind::NotImplemented);
}
