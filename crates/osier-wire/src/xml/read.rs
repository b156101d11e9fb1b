//! XML bodies, read into small trees.
//!
//! Bounded in depth and number of elements; the caller bounds the bytes.
//! Document types, and with them entities of a client's own, are refused.
//! Namespaces and attributes are dropped; text is kept to the byte, because
//! object keys are in it.

use osier_types::{Fault, FaultKind};
use quick_xml::Reader;
use quick_xml::events::{BytesRef, BytesStart, Event};

/// Elements of one document at most: 10,000 parts of five elements fit.
const ELEMENTS_MAX: usize = 65_536;
/// Elements inside each other at most.
const DEPTH_MAX: usize = 16;

/// One element with what is in it.
#[derive(Debug)]
pub(crate) struct Element {
    pub(crate) name: Box<str>,
    pub(crate) text: String,
    pub(crate) children: Vec<Element>,
}

/// Reads a document whose root element is `root`.
pub(crate) fn parse(document: &[u8], root: &str) -> Result<Element, Fault> {
    let text = std::str::from_utf8(document).map_err(|_| malformed("not UTF-8"))?;
    let mut reader = Reader::from_str(text.strip_prefix('\u{feff}').unwrap_or(text));
    let mut open: Vec<Element> = Vec::new();
    let mut found: Option<Element> = None;
    let mut elements = 0;
    loop {
        let event = reader
            .read_event()
            .map_err(|error| malformed(&error.to_string()))?;
        match event {
            Event::Start(_) | Event::Empty(_) if found.is_some() => {
                return Err(malformed("more than one root element"));
            }
            Event::Start(start) => {
                count(&mut elements, open.len())?;
                open.push(Element::new(&start));
            }
            Event::Empty(start) => {
                count(&mut elements, open.len())?;
                close(Element::new(&start), &mut open, &mut found);
            }
            Event::End(_) => {
                let element = open.pop().ok_or_else(|| malformed("unexpected end tag"))?;
                close(element, &mut open, &mut found);
            }
            Event::Text(text) => add_text(&text.into_inner(), &mut open)?,
            Event::CData(text) => add_text(&text.into_inner(), &mut open)?,
            Event::GeneralRef(reference) => {
                let mut buffer = [0; 4];
                add_text(resolve(&reference)?.encode_utf8(&mut buffer), &mut open)?;
            }
            Event::DocType(_) => return Err(malformed("document types are not allowed")),
            Event::Comment(_) | Event::Decl(_) | Event::PI(_) => {}
            Event::Eof => break,
        }
    }
    if !open.is_empty() {
        return Err(malformed("ends inside an element"));
    }
    found
        .filter(|element| *element.name == *root)
        .ok_or_else(|| malformed(&format!("the root element must be {root}")))
}

fn count(elements: &mut usize, depth: usize) -> Result<(), Fault> {
    *elements += 1;
    if *elements > ELEMENTS_MAX || depth >= DEPTH_MAX {
        return Err(malformed("too many elements, or too deep"));
    }
    Ok(())
}

fn close(element: Element, open: &mut [Element], found: &mut Option<Element>) {
    match open.last_mut() {
        Some(parent) => parent.children.push(element),
        None => *found = Some(element),
    }
}

fn add_text(text: &str, open: &mut [Element]) -> Result<(), Fault> {
    match open.last_mut() {
        Some(element) => element.text.push_str(text),
        None if text.trim().is_empty() => {}
        None => return Err(malformed("text outside of the root element")),
    }
    Ok(())
}

/// The five entities of XML itself, and characters by number.
fn resolve(reference: &BytesRef<'_>) -> Result<char, Fault> {
    let by_number = reference
        .resolve_char_ref()
        .map_err(|error| malformed(&error.to_string()))?;
    if let Some(character) = by_number {
        return Ok(character);
    }
    match &**reference {
        "lt" => Ok('<'),
        "gt" => Ok('>'),
        "amp" => Ok('&'),
        "apos" => Ok('\''),
        "quot" => Ok('"'),
        _ => Err(malformed("unknown entity")),
    }
}

impl Element {
    fn new(start: &BytesStart<'_>) -> Self {
        Self {
            name: start.local_name().as_ref().into(),
            text: String::new(),
            children: Vec::new(),
        }
    }

    /// Every child of this name.
    pub(crate) fn all<'e>(&'e self, name: &'e str) -> impl Iterator<Item = &'e Self> {
        self.children
            .iter()
            .filter(move |child| *child.name == *name)
    }

    /// The only child of this name. Which of two a client means is not for us to guess.
    pub(crate) fn one(&self, name: &str) -> Result<Option<&Self>, Fault> {
        let mut found = None;
        for child in &self.children {
            if *child.name == *name && found.replace(child).is_some() {
                return Err(malformed(&format!("{name} appears twice")));
            }
        }
        Ok(found)
    }

    /// The text of the only child of this name, to the byte.
    pub(crate) fn exact(&self, name: &str) -> Result<Option<&str>, Fault> {
        Ok(self.one(name)?.map(|child| child.text.as_str()))
    }

    /// The text of the only child of this name without the white space around it; empty counts
    /// as absent.
    pub(crate) fn word(&self, name: &str) -> Result<Option<&str>, Fault> {
        let text = self.exact(name)?.map(str::trim);
        Ok(text.filter(|text| !text.is_empty()))
    }

    /// `true` or `false`, false when absent.
    pub(crate) fn flag(&self, name: &str) -> Result<bool, Fault> {
        match self.word(name)? {
            None => Ok(false),
            Some(word) if word.eq_ignore_ascii_case("true") => Ok(true),
            Some(word) if word.eq_ignore_ascii_case("false") => Ok(false),
            Some(_) => Err(malformed(&format!("{name} is neither true nor false"))),
        }
    }
}

pub(crate) fn malformed(reason: &str) -> Fault {
    Fault::new(FaultKind::MalformedXml {
        reason: reason.chars().take(200).collect(),
    })
}
