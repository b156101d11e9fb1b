use proptest::prelude::*;

use super::*;
use crate::geometry::Gravity;
use crate::{ErrorKind, Format};

fn parsed(text: &str) -> Pipeline {
    match Process::parse(text) {
        Ok(Process::Image(pipeline)) => pipeline,
        other => panic!("{text}: {other:?}"),
    }
}

/// The kind and finer code with which `text` is refused.
fn refused(text: &str) -> (ErrorKind, Option<&'static str>) {
    match Process::parse(text) {
        Err(error) => (error.kind, error.ec),
        Ok(process) => panic!("{text}: {process:?}"),
    }
}

/// Forms printed in OSS's documentation and in its tutorial.
const SAMPLES: &[&str] = &[
    "image/resize,w_800",
    "image/resize,m_fill,w_200,h_200",
    "image/format,webp",
    "image/quality,q_80",
    "image/resize,w_800/format,webp/quality,q_80",
    "image/watermark,text_Q2hlbmsgQmxvZw==,type_d3F5LXplbmhlaQ,size_30,color_FFFFFF,t_80,g_se,x_10,y_10",
    "image/info",
    "image/average-hue",
    "image/resize,w_800/format,webp",
    "image/resize,w_400/format,webp/quality,q_80",
    "image/resize,h_100,m_lfit",
    "image/resize,m_fixed,h_100,w_100",
    "image/resize,m_pad,h_100,w_100,color_FF0000",
    "image/resize,p_50",
    "image/resize,l_100",
    "image/resize,s_100,l_200,m_mfit",
    "image/resize,w_500,limit_0",
    "image/crop,w_100,h_100,x_100,y_100,g_se",
    "image/crop,x_10,y_10",
    "image/crop,x_0,y_0,w_100,h_100,g_center",
    "image/indexcrop,x_100,i_0",
    "image/indexcrop,y_100,i_10",
    "image/circle,r_100",
    "image/rounded-corners,r_30",
    "image/crop,w_200,h_200/rounded-corners,r_10/format,png",
    "image/rotate,90",
    "image/resize,w_200/rotate,70",
    "image/auto-orient,0",
    "image/resize,w_100/auto-orient,1",
    "image/blur,r_3,s_2",
    "image/resize,w_200/blur,r_3,s_2",
    "image/bright,50",
    "image/bright,-50",
    "image/contrast,-50",
    "image/sharpen,100",
    "image/quality,Q_90",
    "image/resize,w_100/quality,q_30",
    "image/format,jpg/interlace,1",
    "image/resize,w_200/format,png",
    "image/watermark,image_cGFuZGEucG5n",
    "image/watermark,image_cGFuZGEucG5nP3gtb3NzLXByb2Nlc3M9aW1hZ2UvcmVzaXplLFBfMzA,t_90,g_se,x_10,y_10",
    "image/resize,w_300,h_300/watermark,image_cGFuZGEucG5nP3gtb3NzLXByb2Nlc3M9aW1hZ2UvcmVzaXplLFBfMzA=,t_90,g_se,x_10,y_10",
    "image/watermark,type_d3F5LXplbmhlaQ,size_30,text_SGVsbG8gV29ybGQ",
    "image/watermark,text_SGVsbG8gV29ybGQ,type_d3F5LW1pY3JvaGVp,color_FF0000,size_50,g_nw,voffset_-100,rotate_45,shadow_50,fill_1,padx_100,pady_100",
    "image/watermark,image_cGFuZGEucG5n,text_SGVsbG8gV29ybGQ,order_1,align_2,interval_10,t_90,g_se",
    "image/watermark,image_cGFuZGEucG5n,animation_1",
];

#[test]
fn documented_samples_are_read() {
    for sample in SAMPLES {
        parsed(sample);
    }
}

#[test]
fn canonical_samples_read_back_as_the_same() {
    for sample in SAMPLES {
        let pipeline = parsed(sample);
        let canonical = pipeline.to_string();
        assert_eq!(parsed(&canonical), pipeline, "{sample} became {canonical}");
        assert_eq!(parsed(&canonical).to_string(), canonical);
    }
}

#[test]
fn spellings_of_one_request_are_one() {
    let canonical = |text: &str| parsed(text).to_string();
    assert_eq!(
        canonical("image/resize,w_100,h_50"),
        canonical("image/resize,m_lfit,limit_1,h_50,w_100,color_ffffff,l_7")
    );
    let mark = |image: &str| canonical(&format!("image/watermark,image_{image}"));
    // `pics/Koala.jpg_x-o`: the documentation's example with an underscore in its base64.
    assert_eq!(
        mark("cGljcy9Lb2FsYS5qcGdfeC1v"),
        mark("cGljcy9Lb2FsYS5qcGdfeC1v=".trim_end_matches('='))
    );
    let text = |text: &str| canonical(&format!("image/watermark,text_{text}"));
    assert_eq!(text("Q2hlbmsgQmxvZw=="), text("Q2hlbmsgQmxvZw"));
    // 你好? in both alphabets; a blank is a plus that a form read.
    assert_eq!(text("fn5-"), text("fn5+"));
    assert_eq!(text("fn5-"), text("fn5 "));
}

#[test]
fn underscores_in_base64_stay() {
    // `a?>b?>` is `YT8-Yj8-`; `~~?` is `fn4_`.
    let Some(Action::Watermark(mark)) = parsed("image/watermark,text_fn4_").actions.pop() else {
        panic!("no watermark");
    };
    let MarkContent::Text(text) = mark.content else {
        panic!("no text");
    };
    assert_eq!(text.text, "~~?");
}

#[test]
fn defaults_of_a_watermark() {
    let Some(Action::Watermark(mark)) = parsed("image/watermark,text_SGk").actions.pop() else {
        panic!("no watermark");
    };
    assert_eq!((mark.opacity, mark.gravity), (100, Gravity::SouthEast));
    assert_eq!((mark.x, mark.y, mark.voffset), (10, 10, 0));
    assert_eq!((mark.tile, mark.animated), (None, false));
    let MarkContent::Text(text) = mark.content else {
        panic!("no text");
    };
    assert_eq!((text.font, text.size), (FontId::WqyZenhei, 40));
    assert_eq!((text.color, text.shadow, text.rotate), (Rgb([0; 3]), 0, 0));
}

#[test]
fn marks_are_prepared_by_five_actions() {
    let mark = |prepare: &str| {
        let source = format!("logo.png?x-oss-process=image/{prepare}");
        format!("image/watermark,image_{}", base64url::encode(&source))
    };
    for good in [
        "resize,P_10",
        "crop,w_5",
        "indexcrop,x_3",
        "rounded-corners,r_3",
        "rotate,45",
    ] {
        parsed(&mark(good));
    }
    for bad in ["circle,r_3", "watermark,text_SGk", "format,png", "info"] {
        assert_eq!(
            refused(&mark(bad)),
            (ErrorKind::InvalidArgument, Some("0040-00000373"))
        );
    }
    assert_eq!(
        refused("image/resize,P_10"),
        (ErrorKind::InvalidArgument, None)
    );
}

#[test]
fn mistakes_have_their_codes() {
    use ErrorKind::{BadRequest, InvalidArgument, MissingArgument, NotImplemented};
    let long_text = format!(
        "image/watermark,text_{}",
        base64url::encode(&"a".repeat(65))
    );
    let many = format!("image/{}", ["rotate,90"; 21].join("/"));
    let huge = format!("image/{}", "a".repeat(5000));
    let logos = format!("image/{}", ["watermark,image_cGFuZGEucG5n"; 4].join("/"));
    let cases: &[(&str, ErrorKind, Option<&str>)] = &[
        ("", InvalidArgument, None),
        ("image", InvalidArgument, Some("0040-00000212")),
        ("image/", InvalidArgument, Some("0040-00000212")),
        ("image/slim,1", InvalidArgument, Some("0040-00000213")),
        ("image/Resize,w_1", InvalidArgument, Some("0040-00000213")),
        (
            "image/resize,w_1//rotate,90",
            InvalidArgument,
            Some("0040-00000213"),
        ),
        (
            "image/rotate,90,200,300",
            InvalidArgument,
            Some("0040-00000203"),
        ),
        (
            "image/format,jpg,png",
            InvalidArgument,
            Some("0040-00000203"),
        ),
        ("image/resize", MissingArgument, Some("0040-00000322")),
        (
            "image/resize,m_fill",
            MissingArgument,
            Some("0040-00000322"),
        ),
        (
            "image/resize,m_crop,w_1",
            InvalidArgument,
            Some("0040-00000311"),
        ),
        (
            "image/resize,w_16385",
            InvalidArgument,
            Some("0040-00000312"),
        ),
        ("image/resize,w_1.5", InvalidArgument, Some("0040-00000312")),
        ("image/resize,w_+5", InvalidArgument, Some("0040-00000312")),
        ("image/resize,w_", InvalidArgument, Some("0040-00000312")),
        ("image/resize,h_-1", InvalidArgument, Some("0040-00000313")),
        ("image/resize,l_0", InvalidArgument, Some("0040-00000314")),
        (
            "image/resize,s_99999999999999999999",
            InvalidArgument,
            Some("0040-00000315"),
        ),
        (
            "image/resize,p_1001",
            InvalidArgument,
            Some("0040-00000317"),
        ),
        (
            "image/resize,w_0,h_0",
            InvalidArgument,
            Some("0040-00000321"),
        ),
        ("image/resize,w_1,z_1", InvalidArgument, None),
        (
            "image/resize,w_1,color_red",
            InvalidArgument,
            Some("0040-00000318"),
        ),
        ("image/resize,w_0", InvalidArgument, Some("0040-00000312")),
        ("image/resize,h_0", InvalidArgument, Some("0040-00000313")),
        (
            "image/resize,w_1,limit_3",
            InvalidArgument,
            Some("0040-00000319"),
        ),
        ("image/crop,w_abc", InvalidArgument, Some("0040-00000225")),
        ("image/crop,w_-1", InvalidArgument, Some("0040-00000225")),
        ("image/crop,h_abc", InvalidArgument, Some("0040-00000226")),
        (
            "image/crop,w_500,h_500,g_fac",
            InvalidArgument,
            Some("0040-00000209"),
        ),
        ("image/crop,w_500,h_500,g_face", NotImplemented, None),
        ("image/indexcrop", MissingArgument, None),
        (
            "image/indexcrop,x_0,i_0",
            InvalidArgument,
            Some("0040-00000230"),
        ),
        (
            "image/indexcrop,x_abc,i_0",
            InvalidArgument,
            Some("0040-00000223"),
        ),
        (
            "image/indexcrop,y_abc,i_0",
            InvalidArgument,
            Some("0040-00000224"),
        ),
        (
            "image/indexcrop,x_100,i_abc",
            InvalidArgument,
            Some("0040-00000229"),
        ),
        ("image/circle,r_0", InvalidArgument, Some("0040-00000233")),
        ("image/circle", MissingArgument, None),
        (
            "image/rounded-corners,r_5000",
            InvalidArgument,
            Some("0040-00000237"),
        ),
        ("image/rotate", MissingArgument, Some("0040-00000216")),
        ("image/rotate,abc", InvalidArgument, Some("0040-00000217")),
        ("image/rotate,400", InvalidArgument, Some("0040-00000217")),
        ("image/auto-orient", MissingArgument, Some("0040-00000214")),
        (
            "image/auto-orient,2",
            InvalidArgument,
            Some("0040-00000215"),
        ),
        ("image/blur,r_3", MissingArgument, None),
        (
            "image/blur,r_51,s_1",
            InvalidArgument,
            Some("0040-00000241"),
        ),
        (
            "image/blur,r_3,s_abc",
            InvalidArgument,
            Some("0040-00000242"),
        ),
        ("image/blur,g_face,r_3,s_3", NotImplemented, None),
        ("image/bright,101", InvalidArgument, Some("0040-00000246")),
        ("image/bright", MissingArgument, Some("0040-00000245")),
        (
            "image/contrast,-101",
            InvalidArgument,
            Some("0040-00000248"),
        ),
        ("image/sharpen,49", InvalidArgument, Some("0040-00000280")),
        ("image/sharpen", MissingArgument, Some("0040-00000279")),
        ("image/quality", MissingArgument, Some("0040-00000307")),
        ("image/quality,q_0", InvalidArgument, Some("0040-00000309")),
        (
            "image/quality,Q_200",
            InvalidArgument,
            Some("0040-00000308"),
        ),
        ("image/quality,200", InvalidArgument, Some("0040-00000310")),
        ("image/format", MissingArgument, Some("0040-00000207")),
        ("image/format,", MissingArgument, Some("0040-00000207")),
        ("image/format,dng", InvalidArgument, Some("0040-00000206")),
        ("image/format,jpg|", InvalidArgument, None),
        ("image/format,heic", NotImplemented, None),
        ("image/interlace,2", InvalidArgument, Some("0040-00000282")),
        ("image/interlace", MissingArgument, Some("0040-00000281")),
        ("image/info,1", InvalidArgument, None),
        ("image/resize,w_1/info", InvalidArgument, None),
        ("image/average-hue/format,png", InvalidArgument, None),
        ("image/blindwatermark,text_YQ", NotImplemented, None),
        ("image/watermark", MissingArgument, Some("0040-00000278")),
        (
            "image/watermark,text_",
            InvalidArgument,
            Some("0040-00000258"),
        ),
        ("image/watermark,text_!", BadRequest, Some("0040-00000257")),
        ("image/watermark,text__w", BadRequest, Some("0040-00000257")),
        (
            "image/watermark,text_YQ,type_!",
            BadRequest,
            Some("0040-00000250"),
        ),
        (
            "image/watermark,text_YQ,type_YQ",
            InvalidArgument,
            Some("0040-00000251"),
        ),
        (
            "image/watermark,text_YQ,color_12345",
            InvalidArgument,
            Some("0040-00000254"),
        ),
        (
            "image/watermark,text_YQ,size_0",
            InvalidArgument,
            Some("0040-00000256"),
        ),
        (
            "image/watermark,text",
            InvalidArgument,
            Some("0040-00000258"),
        ),
        (
            "image/watermark,text_notbase64",
            BadRequest,
            Some("0040-00000257"),
        ),
        (
            "image/watermark,image_notbase64",
            BadRequest,
            Some("0040-00000265"),
        ),
        (
            "image/watermark,text_YQ,g_middle",
            InvalidArgument,
            Some("0040-00000260"),
        ),
        (
            "image/watermark,text_YQ,x_8000",
            InvalidArgument,
            Some("0040-00000262"),
        ),
        (
            "image/watermark,text_YQ,y_8000",
            InvalidArgument,
            Some("0040-00000264"),
        ),
        (
            "image/watermark,text_YQ,voffset_2000",
            InvalidArgument,
            Some("0040-00000268"),
        ),
        (
            "image/watermark,text_YQ,shadow_200",
            InvalidArgument,
            Some("0040-00000255"),
        ),
        (
            "image/watermark,text_YQ,rotate_400",
            InvalidArgument,
            Some("0040-00000272"),
        ),
        (
            "image/watermark,text_YQ,fill_2",
            InvalidArgument,
            Some("0040-00000274"),
        ),
        (
            "image/watermark,text_YQ,padx_5000",
            InvalidArgument,
            Some("0040-00000276"),
        ),
        (
            "image/watermark,text_YQ,pady_5000",
            InvalidArgument,
            Some("0040-00000277"),
        ),
        (
            "image/watermark,text_YQ,image_YQ,order_2",
            InvalidArgument,
            Some("0040-00000269"),
        ),
        (
            "image/watermark,text_YQ,image_YQ,align_3",
            InvalidArgument,
            Some("0040-00000271"),
        ),
        (
            "image/watermark,text_YQ,image_YQ,interval_2000",
            InvalidArgument,
            Some("0040-00000270"),
        ),
        (
            "image/watermark,text_YQ,t_101",
            InvalidArgument,
            Some("0040-00000263"),
        ),
        ("image/watermark,image_!", BadRequest, Some("0040-00000265")),
        (&long_text, InvalidArgument, Some("0040-00000259")),
        (&many, InvalidArgument, None),
        (&huge, InvalidArgument, None),
        (&logos, InvalidArgument, Some("0040-00000026")),
        ("style/", InvalidArgument, None),
        ("style/../x", InvalidArgument, None),
        (
            "video/snapshot,t_7000,f_jpg,w_800,h_600,m_fast",
            NotImplemented,
            None,
        ),
        ("doc/preview", NotImplemented, None),
        ("picture/resize,w_1", InvalidArgument, None),
        ("image/resize,w_1|sys/saveas,o_YQ", InvalidArgument, None),
    ];
    for (text, kind, ec) in cases {
        assert_eq!(refused(text), (*kind, *ec), "{text}");
    }
}

#[test]
fn a_bare_quality_is_relative() {
    assert_eq!(parsed("image/quality,80"), parsed("image/quality,q_80"));
}

#[test]
fn zero_is_a_side_that_is_not_given() {
    assert_eq!(
        parsed("image/resize,w_0,h_100"),
        parsed("image/resize,h_100")
    );
}

#[test]
fn actions_keep_their_order() {
    let actions = parsed("image/rotate,90/resize,w_5/rotate,90/format,png").actions;
    assert!(matches!(
        actions.as_slice(),
        [
            Action::Rotate { degrees: 90 },
            Action::Resize(_),
            Action::Rotate { degrees: 90 },
            Action::Format(Format::Png)
        ]
    ));
}

#[test]
fn results_are_saved_where_the_bar_says() {
    let saved = SavedProcess::parse("image/resize,w_100|sys/saveas,o_dGVzdC5qcGc,b_dGVzdA==");
    let saved = saved.unwrap();
    assert_eq!(saved.target.key, "test.jpg");
    assert_eq!(saved.target.bucket.as_deref(), Some("test"));
    assert!(matches!(saved.process, Process::Image(_)));
    let styled = SavedProcess::parse("style/small|sys/saveas,o_dGVzdC5qcGc").unwrap();
    assert!(matches!(styled.process, Process::Style(name) if name.as_str() == "small"));
    let kind = |text| SavedProcess::parse(text).unwrap_err().kind;
    assert_eq!(kind("image/resize,w_100"), ErrorKind::MissingArgument);
    assert_eq!(
        kind("image/resize,w_1|sys/saveas"),
        ErrorKind::MissingArgument
    );
    assert_eq!(
        kind("image/resize,w_1|sys/saveas,o_!"),
        ErrorKind::BadRequest
    );
    assert_eq!(
        kind("image/resize,w_1|sys/saveas,z_YQ"),
        ErrorKind::InvalidArgument
    );
    assert_eq!(
        kind("image/resize,w_1|sys/notify,topic_YQ"),
        ErrorKind::NotImplemented
    );
    assert_eq!(
        kind("video/convert|sys/saveas,o_YQ"),
        ErrorKind::NotImplemented
    );
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused(text in "(image/)?[a-z]{0,9}[,/_=a-zA-Z0-9|-]{0,60}") {
        if let Ok(Process::Image(pipeline)) = Process::parse(&text) {
            prop_assert_eq!(parsed(&pipeline.to_string()), pipeline);
        }
        let _ = SavedProcess::parse(&text);
    }
}
