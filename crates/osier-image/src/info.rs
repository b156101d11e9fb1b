//! The document of `image/info`.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::SourceInfo;

/// Every value is text in an object of its own.
#[derive(Serialize)]
struct Value {
    value: String,
}

/// What is told of a source of `file_bytes` bytes, names in alphabetical order.
pub fn info_json(info: &SourceInfo, file_bytes: u64) -> String {
    let header = &info.header;
    let mut all: BTreeMap<&str, String> = info
        .exif
        .iter()
        .map(|(name, value)| (name.as_str(), value.clone()))
        .collect();
    all.insert("FileSize", file_bytes.to_string());
    all.insert("Format", header.format.name().to_owned());
    all.insert("FrameCount", header.frames.to_string());
    all.insert("ImageHeight", header.size.height.to_string());
    all.insert("ImageWidth", header.size.width.to_string());
    let all: BTreeMap<&str, Value> = all
        .into_iter()
        .map(|(name, value)| (name, Value { value }))
        .collect();
    // Text in text: there is nothing that could fail.
    serde_json::to_string(&all).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geometry::Size;
    use crate::{Format, Orientation, SourceHeader};

    #[test]
    fn names_are_sorted_and_values_are_text() {
        let header = SourceHeader {
            format: Format::Jpg,
            size: Size::new(3072, 2048),
            frames: 1,
            orientation: Orientation::UPRIGHT,
            alpha: false,
            bits: 8,
            channels: 3,
            quality: Some(92),
            progressive: false,
            cmyk: false,
            icc_bytes: 0,
        };
        let exif = vec![("DateTime".to_owned(), "2015:02:11 15:38:27".to_owned())];
        let json = info_json(&SourceInfo { header, exif }, 2_458_632);
        assert_eq!(
            json,
            r#"{"DateTime":{"value":"2015:02:11 15:38:27"},"FileSize":{"value":"2458632"},"Format":{"value":"jpg"},"FrameCount":{"value":"1"},"ImageHeight":{"value":"2048"},"ImageWidth":{"value":"3072"}}"#
        );
    }
}
