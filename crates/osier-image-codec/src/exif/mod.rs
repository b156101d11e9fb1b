//! Exif blocks: orientation, and every tag with the name and the words that exiv2 has for it.

mod directory;
mod names;
mod words;

use directory::{Directory, Group};

/// The orientation tag, 1 to 8.
pub fn orientation(block: &[u8]) -> Option<u8> {
    let directory = Directory::read(block)?;
    let entry = directory
        .entries
        .iter()
        .find(|entry| entry.group == Group::Image && entry.tag == 0x0112)?;
    let value = u8::try_from(entry.unsigned(0)?).ok()?;
    (1..=8).contains(&value).then_some(value)
}

/// Tags by name, each name once, in the order of the names.
pub fn tags(block: &[u8]) -> Vec<(String, String)> {
    let Some(directory) = Directory::read(block) else {
        return Vec::new();
    };
    let mut tags: Vec<(String, String)> = Vec::new();
    for entry in &directory.entries {
        let Some(name) = names::name(entry.group, entry.tag) else {
            continue;
        };
        let value = words::value(entry);
        if !tags.iter().any(|(known, _)| known == name) {
            tags.push((name.to_owned(), value));
        }
    }
    tags.sort();
    tags
}

/// The shortest block that holds an orientation.
pub(crate) fn orientation_only(orientation: u8) -> Vec<u8> {
    let mut block = b"II\x2a\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0".to_vec();
    block.extend_from_slice(&[orientation, 0, 0, 0]);
    block.extend_from_slice(&[0; 4]);
    block
}

#[cfg(test)]
mod tests;
