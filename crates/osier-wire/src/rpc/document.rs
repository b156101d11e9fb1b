//! Documents of answers: one tree, written as JSON or as XML.

use std::borrow::Cow;
use std::fmt::Write as _;

use osier_types::Timestamp;
use serde::ser::{Serialize, SerializeMap, Serializer};

/// Part of a document.
pub(crate) enum Value<'a> {
    Text(Cow<'a, str>),
    Number(u64),
    Flag(bool),
    Fields(Fields<'a>),
    /// An array; in XML and around the array in JSON each entry is called so.
    List(&'static str, Vec<Value<'a>>),
    /// An array; in XML each entry is called so, in JSON it stands without a name.
    Bare(&'static str, Vec<Value<'a>>),
}

/// Named parts of a document, in order.
#[derive(Default)]
pub(crate) struct Fields<'a>(Vec<(Cow<'static, str>, Value<'a>)>);

impl<'a> Fields<'a> {
    pub(crate) fn text(mut self, name: &'static str, text: impl Into<Cow<'a, str>>) -> Self {
        self.0.push((name.into(), Value::Text(text.into())));
        self
    }

    pub(crate) fn optional(self, name: &'static str, text: Option<&'a str>) -> Self {
        match text {
            Some(text) => self.text(name, text),
            None => self,
        }
    }

    pub(crate) fn number(mut self, name: &'static str, number: impl Into<u64>) -> Self {
        self.0.push((name.into(), Value::Number(number.into())));
        self
    }

    pub(crate) fn flag(mut self, name: &'static str, flag: bool) -> Self {
        self.0.push((name.into(), Value::Flag(flag)));
        self
    }

    /// `2026-11-22T03:04:05Z`.
    pub(crate) fn time(self, name: &'static str, time: Timestamp) -> Self {
        let text = time.iso8601();
        let whole = text.split('.').next().unwrap_or_default();
        self.text(name, format!("{whole}Z"))
    }

    pub(crate) fn fields(mut self, name: &'static str, fields: Fields<'a>) -> Self {
        self.0.push((name.into(), Value::Fields(fields)));
        self
    }

    /// As [`Self::fields`], under a name that is made up.
    pub(crate) fn named(mut self, name: String, fields: Fields<'a>) -> Self {
        self.0.push((name.into(), Value::Fields(fields)));
        self
    }

    pub(crate) fn list(
        mut self,
        name: &'static str,
        item: &'static str,
        entries: impl IntoIterator<Item = Fields<'a>>,
    ) -> Self {
        let entries = entries.into_iter().map(Value::Fields).collect();
        self.0.push((name.into(), Value::List(item, entries)));
        self
    }

    /// A list of plain texts.
    pub(crate) fn texts(
        mut self,
        name: &'static str,
        item: &'static str,
        entries: impl IntoIterator<Item = &'a str>,
    ) -> Self {
        let entries = entries.into_iter().map(|text| Value::Text(text.into()));
        self.0
            .push((name.into(), Value::List(item, entries.collect())));
        self
    }

    /// As [`Self::list`], without a name of the entries in JSON.
    pub(crate) fn bare_list(
        mut self,
        name: &'static str,
        item: &'static str,
        entries: impl IntoIterator<Item = Fields<'a>>,
    ) -> Self {
        let entries = entries.into_iter().map(Value::Fields).collect();
        self.0.push((name.into(), Value::Bare(item, entries)));
        self
    }

    pub(crate) fn json(&self) -> String {
        // Only maps whose keys are no texts could fail.
        serde_json::to_string(self).unwrap_or_default()
    }

    pub(crate) fn xml(&self, root: &str) -> String {
        let mut xml = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n".to_owned();
        element(&mut xml, root, |xml| self.write_xml(xml));
        xml
    }

    /// As [`Self::xml`], the root and all in it in a namespace.
    pub(crate) fn xml_in(&self, root: &str, namespace: &str) -> String {
        let mut xml = format!("<{root} xmlns=\"{namespace}\">");
        self.write_xml(&mut xml);
        xml.extend(["</", root, ">"]);
        xml
    }

    fn write_xml(&self, xml: &mut String) {
        for (name, value) in &self.0 {
            element(xml, name, |xml| value.write_xml(xml));
        }
    }
}

impl Value<'_> {
    fn write_xml(&self, xml: &mut String) {
        match self {
            Self::Text(text) => escape(xml, text),
            // Writing to a String can't fail.
            Self::Number(number) => drop(write!(xml, "{number}")),
            Self::Flag(flag) => drop(write!(xml, "{flag}")),
            Self::Fields(fields) => fields.write_xml(xml),
            Self::List(item, entries) | Self::Bare(item, entries) => {
                for entry in entries {
                    element(xml, item, |xml| entry.write_xml(xml));
                }
            }
        }
    }
}

impl Serialize for Fields<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, value) in &self.0 {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

impl Serialize for Value<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Text(text) => serializer.serialize_str(text),
            Self::Number(number) => serializer.serialize_u64(*number),
            Self::Flag(flag) => serializer.serialize_bool(*flag),
            Self::Fields(fields) => fields.serialize(serializer),
            Self::List(item, entries) => {
                let mut map = serializer.serialize_map(Some(1))?;
                map.serialize_entry(item, entries)?;
                map.end()
            }
            Self::Bare(_, entries) => entries.serialize(serializer),
        }
    }
}

fn element(xml: &mut String, name: &str, children: impl FnOnce(&mut String)) {
    xml.extend(["<", name, ">"]);
    children(xml);
    xml.extend(["</", name, ">"]);
}

fn escape(xml: &mut String, text: &str) {
    for c in text.chars() {
        match c {
            '&' => xml.push_str("&amp;"),
            '<' => xml.push_str("&lt;"),
            '>' => xml.push_str("&gt;"),
            '"' => xml.push_str("&quot;"),
            '\r' => xml.push_str("&#xD;"),
            // XML has no way to write them.
            '\0'..='\u{8}' | '\u{B}'..='\u{1F}' | '\u{FFFE}' | '\u{FFFF}' => xml.push('\u{FFFD}'),
            other => xml.push(other),
        }
    }
}
