//! Storage classes: S3 has more of them than there are ways to keep an object.

use osier_types::StorageClass;

/// Every class of S3 with what it is kept as. The first one of each is told of objects.
pub(crate) const CLASSES: [(&str, StorageClass); 8] = [
    ("STANDARD", StorageClass::Standard),
    ("STANDARD_IA", StorageClass::Ia),
    ("GLACIER_IR", StorageClass::Archive),
    ("GLACIER", StorageClass::ColdArchive),
    ("DEEP_ARCHIVE", StorageClass::DeepColdArchive),
    ("REDUCED_REDUNDANCY", StorageClass::Standard),
    ("INTELLIGENT_TIERING", StorageClass::Standard),
    ("ONEZONE_IA", StorageClass::Ia),
];

/// How S3 calls a class.
pub fn name(class: StorageClass) -> &'static str {
    match class {
        StorageClass::Standard => "STANDARD",
        StorageClass::Ia => "STANDARD_IA",
        StorageClass::Archive => "GLACIER_IR",
        StorageClass::ColdArchive => "GLACIER",
        StorageClass::DeepColdArchive => "DEEP_ARCHIVE",
    }
}

/// The class that S3 calls so.
pub(crate) fn parse(name: &str) -> Option<StorageClass> {
    CLASSES
        .iter()
        .find(|(known, _)| *known == name)
        .map(|(_, class)| *class)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_class_is_told_as_it_was_asked_for() {
        for class in StorageClass::ALL {
            assert_eq!(parse(name(*class)), Some(*class));
        }
        assert_eq!(parse("ONEZONE_IA"), Some(StorageClass::Ia));
        assert_eq!(parse("Standard"), None);
    }
}
