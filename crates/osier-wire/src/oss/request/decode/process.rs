//! Processing of objects, styles, and what a bucket allows of both.
//!
//! What the text of `x-oss-process` means is not known here.

use osier_types::{
    Fault, Op, ProcessObject, PutStyle, SaveProcessed, StyleCategory, StyleName, percent_decode,
};

use super::object;
use crate::request::fields::missing;
use crate::request::input::Input;
use crate::xml::documents;

const PROCESS: &str = "x-oss-process";

type Decoded = Result<Op, Fault>;

pub(crate) fn fetch(input: &Input<'_>) -> Decoded {
    Ok(Op::GetProcessed(ProcessObject {
        read: object::ranged(input)?,
        process: input.required(PROCESS)?.to_owned(),
    }))
}

pub(crate) fn head(input: &Input<'_>) -> Decoded {
    Ok(Op::HeadProcessed(ProcessObject {
        read: object::reading(input)?,
        process: input.required(PROCESS)?.to_owned(),
    }))
}

/// The body is `x-oss-process=...`, which SDKs send as it is and careful programs encoded.
pub(crate) fn save(input: &Input<'_>) -> Decoded {
    let body = input
        .document
        .strip_prefix(PROCESS.as_bytes())
        .and_then(|rest| rest.strip_prefix(b"="))
        .ok_or_else(|| missing(PROCESS))?;
    let process = String::from_utf8(percent_decode(body.trim_ascii()))
        .map_err(|_| Fault::argument(PROCESS, "", "not UTF-8"))?;
    Ok(Op::SaveProcessed(SaveProcessed {
        source: input.object_ref()?,
        process,
    }))
}

pub(crate) fn style(input: &Input<'_>) -> Decoded {
    Ok(Op::GetStyle {
        bucket: input.bucket()?,
        name: style_name(input)?,
    })
}

pub(crate) fn styles(input: &Input<'_>) -> Decoded {
    input.bucket().map(|bucket| Op::ListStyles { bucket })
}

pub(crate) fn put_style(input: &Input<'_>) -> Decoded {
    let category = match input.text("category")? {
        None => StyleCategory::Image,
        Some(word) => StyleCategory::parse(word)
            .map_err(|_| Fault::argument("category", word, "image, document or video"))?,
    };
    Ok(Op::PutStyle(PutStyle {
        bucket: input.bucket()?,
        name: style_name(input)?,
        content: documents::style(input.document)?,
        category,
    }))
}

pub(crate) fn delete_style(input: &Input<'_>) -> Decoded {
    Ok(Op::DeleteStyle {
        bucket: input.bucket()?,
        name: style_name(input)?,
    })
}

pub(crate) fn configuration(input: &Input<'_>) -> Decoded {
    input
        .bucket()
        .map(|bucket| Op::GetBucketProcessing { bucket })
}

pub(crate) fn put_configuration(input: &Input<'_>) -> Decoded {
    Ok(Op::PutBucketProcessing {
        bucket: input.bucket()?,
        config: documents::processing(input.document)?,
    })
}

fn style_name(input: &Input<'_>) -> Result<StyleName, Fault> {
    let name = input.required("styleName")?;
    StyleName::parse(name)
        .map_err(|invalid| Fault::argument("styleName", name, invalid.to_string()))
}
