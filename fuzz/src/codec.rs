//! Picture decoders, called as the renderer calls them but without its net for panics.

use osier_image_codec::{self as codec, Animation, Budget, Format, Stop};

const BUDGET: Budget<'static> = Budget {
    pixels: 1 << 16,
    frames: 8,
    bytes: 1 << 22,
    stop: Stop::NEVER,
};

/// Pictures: whatever the bytes are, headers and decoders end, stay within their budget, and tell
/// the same size; Exif blocks give what they hold.
pub fn picture_codec(data: &[u8]) {
    let header = codec::header(data);
    if let Ok(header) = &header {
        if let Some(block) = &header.exif {
            codec::exif::tags(block);
        }
        if header.format == Format::Tiff {
            codec::exif::tags(data);
        }
    }
    for eighths in [8, 1, 3] {
        let Ok(picture) = codec::decode(data, eighths, &BUDGET) else {
            continue;
        };
        assert!(u64::from(picture.width()) * u64::from(picture.height()) <= BUDGET.pixels);
        if let Ok(header) = &header
            && eighths == 8
        {
            assert_eq!((picture.width(), picture.height()), (header.width, header.height));
        }
    }
    if let Ok(mut animation) = Animation::open(data, &BUDGET) {
        while let Ok(Some(_)) = animation.next_frame() {}
    }
}
