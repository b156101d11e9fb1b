use super::*;
use crate::Orientation;
use crate::geometry::{Rect, Size};
use crate::grammar::Process;

fn source(format: Format, width: u32, height: u32) -> SourceHeader {
    SourceHeader {
        format,
        size: Size::new(width, height),
        frames: 1,
        orientation: Orientation::UPRIGHT,
        alpha: false,
        bits: 8,
        channels: 3,
        quality: (format == Format::Jpg).then_some(90),
        progressive: false,
        cmyk: false,
        icc_bytes: 0,
    }
}

fn png(width: u32, height: u32) -> SourceHeader {
    source(Format::Png, width, height)
}

fn try_plan(source: &SourceHeader, actions: &str) -> Result<Plan, ImageError> {
    let Ok(Process::Image(pipeline)) = Process::parse(&format!("image/{actions}")) else {
        panic!("{actions} can't be read");
    };
    Plan::new(&pipeline, source, &[], &with_avif())
}

/// The defaults of a build that writes AVIF.
fn with_avif() -> Limits {
    Limits {
        avif_pixels: AVIF_PIXELS_MAX,
        ..Limits::default()
    }
}

fn plan(source: &SourceHeader, actions: &str) -> Plan {
    try_plan(source, actions).unwrap_or_else(|error| panic!("{actions}: {error:?}"))
}

fn size(source: &SourceHeader, actions: &str) -> (u32, u32) {
    let plan = plan(source, actions);
    let size = plan.size();
    if let Product::Picture(encode) = plan.product {
        assert_eq!(encode.size, size, "{actions}");
    }
    (size.width, size.height)
}

fn refused(source: &SourceHeader, actions: &str) -> (ErrorKind, Option<&'static str>) {
    let error = try_plan(source, actions).unwrap_err();
    (error.kind, error.ec)
}

fn encode(source: &SourceHeader, actions: &str) -> Encode {
    let Product::Picture(encode) = plan(source, actions).product else {
        panic!("no picture");
    };
    encode
}

#[test]
fn the_five_modes_of_the_documentation() {
    let own = png(200, 100);
    let in_box = |mode| size(&own, &format!("resize,m_{mode},w_150,h_80"));
    assert_eq!(in_box("lfit"), (150, 75));
    assert_eq!(in_box("mfit"), (160, 80));
    assert_eq!(in_box("fill"), (150, 80));
    assert_eq!(in_box("pad"), (150, 80));
    assert_eq!(in_box("fixed"), (150, 80));
    let padded = plan(&own, "resize,m_pad,w_150,h_80");
    let [Step::Resize { to, .. }, Step::Pad { at, .. }] = padded.steps.as_slice() else {
        panic!("{padded:?}");
    };
    assert_eq!((*to, *at), (Size::new(150, 75), (0, 2)));
    let filled = plan(&own, "resize,m_fill,w_150,h_80");
    let [Step::Resize { from, to }] = filled.steps.as_slice() else {
        panic!("{filled:?}");
    };
    assert_eq!(*to, Size::new(150, 80));
    // 160 columns would be scaled and 5 cut off on either side.
    assert!((from.x - 6.25).abs() < 1e-9 && (from.width - 187.5).abs() < 1e-9);
}

#[test]
fn one_side_or_none() {
    let wide = png(300, 200);
    assert_eq!(size(&wide, "resize,w_150"), (150, 100));
    assert_eq!(size(&wide, "resize,h_150"), (225, 150));
    assert_eq!(size(&wide, "resize,m_fill,w_150"), (150, 150));
    assert_eq!(size(&wide, "resize,m_fixed,h_50"), (50, 50));
    assert_eq!(size(&wide, "resize,l_150"), (150, 100));
    assert_eq!(size(&wide, "resize,s_150"), (225, 150));
    assert_eq!(size(&wide, "resize,l_150,s_150"), (150, 100));
    assert_eq!(size(&wide, "resize,m_mfit,l_150,s_150"), (225, 150));
    assert_eq!(size(&png(200, 300), "resize,l_150"), (100, 150));
    assert_eq!(size(&wide, "resize,p_33"), (99, 66));
    assert_eq!(size(&png(1, 3000), "resize,l_100"), (1, 100));
    // The side that vanishes stays one pixel, and the one that is named what it is.
    assert_eq!(size(&png(2, 7061), "resize,m_mfit,h_2"), (1, 2));
}

#[test]
fn nothing_is_enlarged_unless_asked() {
    let own = png(300, 200);
    assert_eq!(size(&own, "resize,w_600"), (300, 200));
    assert_eq!(size(&own, "resize,w_600,limit_0"), (600, 400));
    assert_eq!(size(&own, "resize,m_fill,w_400,h_100"), (300, 200));
    assert_eq!(size(&own, "resize,m_pad,w_600,h_600"), (300, 200));
    assert_eq!(size(&own, "resize,m_pad,w_100,h_600"), (100, 600));
    assert_eq!(size(&own, "resize,p_200"), (300, 200));
    assert_eq!(size(&own, "resize,p_200,limit_0"), (600, 400));
    assert!(plan(&own, "resize,w_600").steps.is_empty());
}

#[test]
fn cuts() {
    let own = png(300, 200);
    let kept = |actions| plan(&own, actions).decode.window;
    let rect = |x, y, width, height| Rect {
        x,
        y,
        size: Size::new(width, height),
    };
    assert_eq!(kept("crop,w_100,h_50,x_10,y_20"), rect(10, 20, 100, 50));
    assert_eq!(kept("crop,x_10,y_10"), rect(10, 10, 290, 190));
    assert_eq!(kept("crop,w_100,h_50,g_se"), rect(200, 150, 100, 50));
    assert_eq!(kept("crop,w_100,h_50,g_se,x_60"), rect(260, 150, 40, 50));
    assert_eq!(kept("crop,w_101,h_51,g_center"), rect(99, 74, 101, 51));
    assert_eq!(kept("crop,w_9999,h_9999"), rect(0, 0, 300, 200));
    assert_eq!(kept("indexcrop,x_70,i_4"), rect(280, 0, 20, 200));
    assert_eq!(kept("indexcrop,x_70,i_5"), rect(0, 0, 300, 200));
    assert_eq!(kept("indexcrop,y_150,x_9,i_1"), rect(0, 150, 300, 50));
    assert_eq!(kept("circle,r_50"), rect(100, 50, 100, 100));
    assert_eq!(kept("circle,r_4096"), rect(50, 0, 200, 200));
    assert_eq!(size(&png(301, 201), "circle,r_4096"), (201, 201));
    assert_eq!(size(&png(1, 100), "circle,r_4096"), (1, 1));
    assert_eq!(
        refused(&own, "crop,w_10,h_10,x_300"),
        (ErrorKind::BadRequest, None)
    );
    assert_eq!(size(&own, "crop,w_101,h_50,p_50"), (51, 25));
}

#[test]
fn rotation_enlarges_the_canvas() {
    let own = png(300, 200);
    assert_eq!(size(&own, "rotate,90"), (200, 300));
    assert_eq!(size(&own, "rotate,180"), (300, 200));
    assert_eq!(size(&own, "rotate,360"), (300, 200));
    assert_eq!(size(&own, "rotate,45"), (354, 354));
    assert_eq!(size(&own, "rotate,30"), (360, 324));
    assert_eq!(
        refused(&png(4097, 1), "rotate,90"),
        (ErrorKind::ImageTooLarge, None)
    );
    assert_eq!(size(&png(5000, 100), "resize,w_500/rotate,90"), (10, 500));
}

#[test]
fn limits() {
    use ErrorKind::ImageTooLarge;
    let own = png(1000, 1000);
    let too_large = (ImageTooLarge, Some("0040-00000007"));
    assert_eq!(refused(&own, "resize,w_5000,limit_0"), too_large);
    assert_eq!(size(&own, "resize,w_4096,limit_0"), (4096, 4096));
    assert_eq!(
        refused(
            &own,
            "resize,m_pad,w_1,h_16384/resize,m_pad,w_16384,h_16384,limit_0"
        ),
        too_large
    );
    assert_eq!(
        refused(&png(30_001, 1), "resize,w_1"),
        (ImageTooLarge, Some("0040-00000009"))
    );
    assert_eq!(
        refused(&source(Format::Jpg, 1, 30_001), "resize,w_1"),
        (ImageTooLarge, Some("0040-00000019"))
    );
    assert_eq!(
        refused(&png(25_000, 10_001), "resize,w_1"),
        (ImageTooLarge, Some("0040-00000012"))
    );
    assert_eq!(
        refused(&png(20_000, 100), "format,webp"),
        (ImageTooLarge, None)
    );
    assert_eq!(
        refused(&png(4096, 2305), "format,avif"),
        (ImageTooLarge, Some("0040-00000014"))
    );
    let Ok(Process::Image(avif)) = Process::parse("image/format,avif") else {
        panic!("can't be read");
    };
    let small = |avif_pixels| Limits {
        avif_pixels,
        ..with_avif()
    };
    let kind = |limits| Plan::new(&avif, &png(9, 9), &[], &limits).map_err(|error| error.kind);
    assert_eq!(kind(small(80)), Err(ImageTooLarge));
    assert_eq!(kind(small(0)), Err(ErrorKind::NotImplemented));
    assert!(kind(small(81)).is_ok());
    // 30,000 rows of one column each become 16,384 of them.
    assert_eq!(size(&png(1, 30_000), "resize,l_16384"), (1, 16_384));
}

#[test]
fn quality_is_relative_to_a_jpeg_source() {
    let own = source(Format::Jpg, 100, 100);
    let quality = |actions| encode(&own, actions).quality;
    assert_eq!(quality("quality,q_90"), 81);
    assert_eq!(quality("quality,Q_95"), 90);
    assert_eq!(quality("quality,Q_50"), 50);
    assert_eq!(quality("format,webp/quality,q_80"), 72);
    assert_eq!(quality("quality,q_10/quality,q_100"), 90);
    assert_eq!(quality("rotate,90"), 80);
    let webp = source(Format::Webp, 100, 100);
    assert_eq!(encode(&webp, "quality,q_90").quality, 90);
}

#[test]
fn formats() {
    let own = png(100, 100);
    assert_eq!(encode(&own, "format,gif").format, Format::Png);
    assert_eq!(encode(&own, "rotate,90").format, Format::Png);
    assert_eq!(encode(&own, "format,jpg/format,webp").format, Format::Webp);
    assert!(!encode(&own, "interlace,1").progressive);
    assert!(encode(&own, "interlace,1/format,jpg").progressive);
    assert_eq!(
        refused(&source(Format::Heic, 9, 9), "format,jpg"),
        (ErrorKind::NotImplemented, None)
    );
    let mut clear = png(10, 10);
    clear.alpha = true;
    assert!(plan(&clear, "format,jpg").decode.flatten);
    assert!(!plan(&clear, "format,webp").decode.flatten);
}

#[test]
fn orientation_is_applied_or_carried_over() {
    let mut own = source(Format::Jpg, 400, 300);
    own.orientation = Orientation::new(6);
    assert_eq!(size(&own, "auto-orient,1"), (300, 400));
    assert_eq!(encode(&own, "auto-orient,1").orientation.number(), 1);
    assert_eq!(encode(&own, "auto-orient,0").orientation.number(), 6);
    assert_eq!(encode(&own, "resize,w_100").orientation.number(), 6);
    assert_eq!(encode(&own, "format,bmp").orientation.number(), 1);
    assert_eq!(size(&own, "resize,w_100/auto-orient,1"), (75, 100));
    assert_eq!(size(&own, "auto-orient,1/resize,w_100"), (100, 133));
    assert_eq!(size(&own, "auto-orient,1/auto-orient,1"), (300, 400));
}

#[test]
fn reductions_come_before_turning() {
    let mut own = source(Format::Jpg, 4000, 3000);
    own.orientation = Orientation::new(6);
    let turned = plan(&own, "auto-orient,1/resize,m_fill,w_100,h_100");
    let [Step::Resize { from, to }, Step::Orient(_)] = turned.steps.as_slice() else {
        panic!("{turned:?}");
    };
    assert_eq!(*to, Size::new(100, 100));
    // 30 columns to a pixel: an eighth leaves 3.75.
    assert_eq!(turned.decode.eighths, 1);
    assert_eq!(turned.decode.window.size, Size::new(500, 375));
    // Upright 3000 x 4000, scaled to 100 x 133, rows 16 to 116 are kept; row 0 is column 0.
    let per_row = 4000.0 / 133.0 / 8.0;
    assert!((from.x - 16.0 * per_row).abs() < 1e-9, "{from:?}");
    assert!((from.width - 100.0 * per_row).abs() < 1e-9, "{from:?}");
    assert!((from.y, from.height) == (0.0, 375.0), "{from:?}");
}

#[test]
fn jpegs_are_decoded_at_the_scale_they_need() {
    let own = source(Format::Jpg, 3072, 2048);
    let decode = |actions| plan(&own, actions).decode;
    let eighths = |actions| decode(actions).eighths;
    assert_eq!(eighths("resize,w_800"), 4);
    assert_eq!(eighths("resize,w_200"), 2);
    assert_eq!(eighths("resize,w_100"), 1);
    assert_eq!(eighths("resize,w_2000"), 8);
    assert_eq!(eighths("rotate,90/resize,w_100"), 8);
    assert_eq!(eighths("format,webp"), 8);
    assert_eq!(decode("resize,w_800").window, Size::new(1536, 1024).rect());
    let window = decode("crop,x_1001,y_1001,w_999,h_999/resize,w_100").window;
    assert_eq!(
        window,
        Rect {
            x: 250,
            y: 250,
            size: Size::new(250, 250)
        }
    );
    assert_eq!(plan(&png(3072, 2048), "resize,w_100").decode.eighths, 8);
}

#[test]
fn animations_stay_by_the_documented_rules() {
    let mut gif = source(Format::Gif, 100, 100);
    gif.frames = 5;
    let frames = |actions: &str| encode(&gif, actions).frames;
    assert_eq!(frames("resize,w_50"), 5);
    assert_eq!(frames("resize,w_50/format,gif"), 5);
    assert_eq!(frames("format,gif/resize,w_50"), 1);
    assert_eq!(frames("resize,p_50"), 1);
    assert_eq!(frames("resize,w_50/quality,q_80"), 1);
    assert_eq!(frames("auto-orient,0/resize,w_50"), 1);
    assert_eq!(frames("resize,w_50/format,webp"), 1);
    assert_eq!(frames("watermark,text_YQ"), 1);
    assert_eq!(frames("watermark,text_YQ,animation_1"), 1);
    assert_eq!(frames("crop,w_10"), 5);
    assert_eq!(size(&gif, "resize,w_500,limit_0"), (100, 100));
    let mut webp = source(Format::Webp, 100, 100);
    webp.frames = 5;
    assert_eq!(encode(&webp, "resize,w_50").frames, 1);
    gif.frames = 1001;
    assert_eq!(
        refused(&gif, "resize,w_50"),
        (ErrorKind::ImageTooLarge, None)
    );
    assert_eq!(frames_of_many(), 1);
}

/// The first of too many frames may still be taken alone.
fn frames_of_many() -> u32 {
    let mut gif = source(Format::Gif, 100, 100);
    gif.frames = 1001;
    encode(&gif, "format,png").frames
}

#[test]
fn marks_have_plans_of_their_own() {
    let own = png(200, 200);
    let logo = "bG9nby5wbmc_eC1vc3MtcHJvY2Vzcz1pbWFnZS9yZXNpemUsUF8xMA";
    let Ok(Process::Image(pipeline)) =
        Process::parse(&format!("image/watermark,image_{logo},g_nw"))
    else {
        panic!("can't be read");
    };
    assert_eq!(pipeline.mark_keys(), ["logo.png"]);
    let plan = |header| Plan::new(&pipeline, &own, &[header], &Limits::default());
    let Ok(made) = plan(png(400, 100)) else {
        panic!("no plan");
    };
    let [Step::Watermark(mark)] = made.steps.as_slice() else {
        panic!("{made:?}");
    };
    let MarkSteps::Image(image) = &mark.content else {
        panic!("{mark:?}");
    };
    // A tenth of 200 x 200, in the mark's own shape.
    assert_eq!(image.size, Size::new(20, 5));
    let error = plan(source(Format::Gif, 5, 5)).unwrap_err();
    assert_eq!(error.ec, Some("0040-00000027"));
}

#[test]
fn prices_grow_with_the_work() {
    let price = |source: &SourceHeader, actions| plan(source, actions).price;
    let photo = source(Format::Jpg, 4000, 3000);
    let thumbnail = price(&photo, "resize,w_200");
    assert!(thumbnail.bytes < 5_000_000, "{thumbnail:?}");
    assert!(price(&photo, "rotate,90").bytes > 90_000_000);
    let mut progressive = photo;
    progressive.progressive = true;
    assert!(price(&progressive, "resize,w_200").bytes > 70_000_000);
    assert!(price(&png(100, 100), "format,avif").slow);
    let small = Limits {
        bytes: 1_000_000,
        ..Limits::default()
    };
    let Ok(Process::Image(pipeline)) = Process::parse("image/rotate,90") else {
        panic!("can't be read");
    };
    let error = Plan::new(&pipeline, &png(4000, 3000), &[], &small).unwrap_err();
    assert_eq!(error.kind, ErrorKind::ImageTooLarge);
}
