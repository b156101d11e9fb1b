//! `WenQuanYi` Micro Hei: one font for Latin, Chinese, Japanese and Korean text.
//!
//! The collection as its authors made it, compressed; its licence and its authors stand in
//! `data/NOTICE`. Inflated at the first use and kept: about 5 MB.

use std::sync::OnceLock;

static PACKED: &[u8] = include_bytes!("../data/wqy-microhei.ttc.zlib");

/// More than the font's size.
const BYTES_MAX: usize = 8 << 20;

/// The TrueType collection; its first face is the proportional one. Empty if the data were broken
/// when the program was built, which a test rules out.
pub fn micro_hei() -> &'static [u8] {
    static FONT: OnceLock<Vec<u8>> = OnceLock::new();
    FONT.get_or_init(|| {
        miniz_oxide::inflate::decompress_to_vec_zlib_with_limit(PACKED, BYTES_MAX)
            .unwrap_or_default()
    })
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_font_is_whole() {
        let font = super::micro_hei();
        assert!(font.starts_with(b"ttcf"));
        assert_eq!(font.len(), 5_177_387);
    }
}
