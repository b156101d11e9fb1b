//! A bucket's list of a folder, as OSS and S3 write it (`ListObjectsV2`, with names encoded as in
//! URLs, because XML can't hold every name).

use osier_types::{Timestamp, percent_decode};
use quick_xml::Reader;
use quick_xml::events::{BytesRef, Event};

/// Entries of one list at most, whatever was asked for.
const ENTRIES_MAX: usize = 1000;
/// Elements inside each other at most.
const DEPTH_MAX: usize = 8;

/// What is in a folder.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listed {
    /// In the order of their names, folders first.
    pub entries: Vec<Entry>,
    /// Whether the folder itself is an object.
    pub itself: bool,
    /// Where the next page begins, unless this is the last.
    pub next: Option<String>,
}

/// One name in a folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Entry {
    /// Another folder. Its name has no slash at its end.
    Folder(String),
    /// An object.
    Object {
        /// Without the folder's own.
        name: String,
        /// Bytes.
        size: u64,
        /// When it was written.
        modified: Option<Timestamp>,
    },
}

impl Entry {
    /// Its name in the folder.
    pub fn name(&self) -> &str {
        match self {
            Self::Folder(name) | Self::Object { name, .. } => name,
        }
    }
}

/// What was answered is no list of a bucket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no list of a bucket")]
pub struct NoList;

/// An object while its elements are read.
#[derive(Default)]
struct Found {
    key: String,
    size: u64,
    modified: Option<Timestamp>,
}

impl Listed {
    /// Reads a list of what begins with `prefix`.
    ///
    /// # Errors
    /// When it is none.
    pub fn parse(document: &[u8], prefix: &str) -> Result<Self, NoList> {
        let text = std::str::from_utf8(document).map_err(|_| NoList)?;
        let mut reader = Reader::from_str(text.trim_start_matches('\u{feff}'));
        let mut path: Vec<String> = Vec::new();
        let mut text = String::new();
        let mut found = Found::default();
        let (mut listed, mut is_cut, mut is_encoded) = (Self::default(), false, false);
        let (mut keys, mut folders) = (Vec::new(), Vec::new());
        loop {
            match reader.read_event().map_err(|_| NoList)? {
                Event::Start(start) => {
                    if path.len() == DEPTH_MAX || keys.len() + folders.len() > ENTRIES_MAX {
                        return Err(NoList);
                    }
                    path.push(start.local_name().as_ref().to_owned());
                    text.clear();
                }
                Event::Text(more) => text.push_str(&more.into_inner()),
                Event::CData(more) => text.push_str(&more.into_inner()),
                Event::GeneralRef(reference) => text.push(resolve(&reference)?),
                Event::End(_) => {
                    let names: Vec<&str> = path.iter().map(String::as_str).collect();
                    match names.as_slice() {
                        [ROOT, "IsTruncated"] => is_cut = text.trim() == "true",
                        [ROOT, "EncodingType"] => is_encoded = text.trim() == "url",
                        [ROOT, "NextContinuationToken"] => listed.next = Some(text.clone()),
                        [ROOT, "Contents", "Key"] => found.key = std::mem::take(&mut text),
                        [ROOT, "Contents", "Size"] => {
                            found.size = text.trim().parse().map_err(|_| NoList)?;
                        }
                        [ROOT, "Contents", "LastModified"] => {
                            found.modified = Timestamp::parse_iso8601(&text).ok();
                        }
                        [ROOT, "Contents"] => keys.push(std::mem::take(&mut found)),
                        [ROOT, "CommonPrefixes", "Prefix"] => {
                            folders.push(std::mem::take(&mut text));
                        }
                        [ROOT] => break,
                        _ => {}
                    }
                    path.pop();
                    text.clear();
                }
                Event::DocType(_) | Event::Eof => return Err(NoList),
                Event::Empty(_) | Event::Comment(_) | Event::Decl(_) | Event::PI(_) => {}
            }
        }
        let plain = |name: String| {
            if !is_encoded {
                return Ok(name);
            }
            let decoded = percent_decode(name.replace('+', "%20").as_bytes());
            String::from_utf8(decoded).map_err(|_| NoList)
        };
        for folder in folders {
            let name = plain(folder)?;
            let name = name.strip_prefix(prefix).ok_or(NoList)?;
            let name = name.strip_suffix('/').ok_or(NoList)?;
            listed.entries.push(Entry::Folder(name.to_owned()));
        }
        for Found {
            key,
            size,
            modified,
        } in keys
        {
            let name = plain(key)?;
            let name = name.strip_prefix(prefix).ok_or(NoList)?.to_owned();
            if name.is_empty() {
                listed.itself = true;
                continue;
            }
            listed.entries.push(Entry::Object {
                name,
                size,
                modified,
            });
        }
        listed.next = listed.next.filter(|_| is_cut);
        Ok(listed)
    }
}

const ROOT: &str = "ListBucketResult";

/// The five entities of XML itself, and characters by number.
fn resolve(reference: &BytesRef<'_>) -> Result<char, NoList> {
    if let Some(character) = reference.resolve_char_ref().map_err(|_| NoList)? {
        return Ok(character);
    }
    match &**reference {
        "lt" => Ok('<'),
        "gt" => Ok('>'),
        "amp" => Ok('&'),
        "apos" => Ok('\''),
        "quot" => Ok('"'),
        _ => Err(NoList),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(inside: &str) -> String {
        format!("<?xml version=\"1.0\"?><ListBucketResult xmlns=\"x\">{inside}</ListBucketResult>")
    }

    #[test]
    fn folders_come_before_objects() {
        let text = list(
            "<EncodingType>url</EncodingType><IsTruncated>true</IsTruncated>\
             <NextContinuationToken>a&amp;b</NextContinuationToken>\
             <Contents><Key>f%2F</Key><Size>0</Size></Contents>\
             <Contents><Key>f%2Fa%2Bb+c%3C</Key><LastModified>2026-11-27T08:00:00.000Z</LastModified>\
             <Size>7</Size><Owner><ID>1</ID></Owner></Contents>\
             <CommonPrefixes><Prefix>f%2Fz%2F</Prefix></CommonPrefixes>",
        );
        let listed = Listed::parse(text.as_bytes(), "f/").unwrap();
        assert!(listed.itself);
        assert_eq!(listed.next.as_deref(), Some("a&b"));
        let names: Vec<_> = listed.entries.iter().map(Entry::name).collect();
        assert_eq!(names, ["z", "a+b c<"]);
        let Entry::Object { size, modified, .. } = &listed.entries[1] else {
            panic!("an object");
        };
        assert_eq!((*size, modified.is_some()), (7, true));
    }

    #[test]
    fn what_is_not_encoded_is_taken_as_it_is() {
        let text = list("<Contents><Key>a+b%20</Key><Size>1</Size></Contents>");
        let listed = Listed::parse(text.as_bytes(), "").unwrap();
        assert_eq!(listed.entries[0].name(), "a+b%20");
        assert_eq!(listed.next, None);
    }

    #[test]
    fn what_is_no_list_is_refused() {
        let deep = "<a>".repeat(20);
        let many = list(&"<Contents><Key>a</Key><Size>1</Size></Contents>".repeat(1002));
        for text in [
            "",
            "no",
            "<Error><Code>AccessDenied</Code></Error>",
            "<!DOCTYPE x><ListBucketResult></ListBucketResult>",
            "<ListBucketResult>",
            &deep,
            &many,
            &list("<Contents><Key>b</Key><Size>x</Size></Contents>"),
            &list("<Contents><Key>&evil;</Key></Contents>"),
        ] {
            assert_eq!(Listed::parse(text.as_bytes(), ""), Err(NoList), "{text}");
        }
        let elsewhere = list("<CommonPrefixes><Prefix>b/</Prefix></CommonPrefixes>");
        assert_eq!(Listed::parse(elsewhere.as_bytes(), "a/"), Err(NoList));
    }
}
