//! What a site does to headers on their way through: some are set, some put beside those that are
//! there, some taken out.

use std::collections::BTreeMap;

use http::{HeaderMap, HeaderName, HeaderValue};

use crate::site::InvalidSite;

/// Changes of headers, in the order in which they are made: out, in, beside.
#[derive(Debug, Default)]
pub(crate) struct HeaderChanges {
    removed: Vec<HeaderName>,
    set: Vec<(HeaderName, HeaderValue)>,
    added: Vec<(HeaderName, HeaderValue)>,
}

impl HeaderChanges {
    pub(crate) fn new(
        set: &BTreeMap<String, String>,
        added: &BTreeMap<String, Vec<String>>,
        removed: &[String],
    ) -> Result<Self, InvalidSite> {
        let set = set
            .iter()
            .map(|(field, text)| Ok((name(field)?, value(field, text)?)));
        let added = added.iter().flat_map(|(field, texts)| {
            texts
                .iter()
                .map(move |text| Ok((name(field)?, value(field, text)?)))
        });
        Ok(Self {
            removed: removed
                .iter()
                .map(|field| name(field))
                .collect::<Result<_, _>>()?,
            set: set.collect::<Result<_, InvalidSite>>()?,
            added: added.collect::<Result<_, InvalidSite>>()?,
        })
    }

    /// Sets one more, whose value nobody may see.
    pub(crate) fn set_secret(&mut self, field: &str, text: &str) -> Result<(), InvalidSite> {
        let mut value = value(field, text)?;
        value.set_sensitive(true);
        self.set.push((name(field)?, value));
        Ok(())
    }

    pub(crate) fn apply(&self, headers: &mut HeaderMap) {
        for name in &self.removed {
            headers.remove(name);
        }
        for (name, value) in &self.set {
            headers.insert(name.clone(), value.clone());
        }
        for (name, value) in &self.added {
            headers.append(name.clone(), value.clone());
        }
    }
}

fn name(field: &str) -> Result<HeaderName, InvalidSite> {
    HeaderName::from_bytes(field.as_bytes()).map_err(|_| InvalidSite::Header(field.to_owned()))
}

fn value(field: &str, text: &str) -> Result<HeaderValue, InvalidSite> {
    HeaderValue::from_str(text).map_err(|_| InvalidSite::Header(field.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_go_out_come_in_and_stand_beside() {
        let set = BTreeMap::from([("X-Set".to_owned(), "new".to_owned())]);
        let added = BTreeMap::from([("X-Added".to_owned(), vec!["b".to_owned(), "c".to_owned()])]);
        let changes = HeaderChanges::new(&set, &added, &["Server".to_owned()]).unwrap();
        let mut headers = HeaderMap::new();
        for (name, value) in [("x-set", "old"), ("x-added", "a"), ("server", "nginx")] {
            headers.append(name, HeaderValue::from_static(value));
        }
        changes.apply(&mut headers);
        assert_eq!(headers["x-set"], "new");
        let beside: Vec<_> = headers.get_all("x-added").iter().collect();
        assert_eq!(beside, ["a", "b", "c"]);
        assert!(!headers.contains_key("server"));
        let none = BTreeMap::new();
        assert!(HeaderChanges::new(&none, &BTreeMap::new(), &["a b".to_owned()]).is_err());
    }
}
