//! The parameters of a control request: of its query and its form, in which `+` is a blank.
//!
//! A name that is there twice is refused: what one reader signs another might not see.

use osier_types::limits::CONTROL_PARAMETERS_MAX;
use osier_types::percent_decode;

use super::{ControlHead, single};
use crate::directory::ControlFault;

/// All parameters, query first.
pub(super) fn read(head: &ControlHead<'_>) -> Result<Vec<(String, String)>, ControlFault> {
    let mut parameters = Vec::new();
    add(&mut parameters, head.raw_query)?;
    if has_form(head)? {
        let form = std::str::from_utf8(head.body)
            .map_err(|_| ControlFault::invalid("Body", "a form is ASCII"))?;
        add(&mut parameters, form.trim_end())?;
    }
    Ok(parameters)
}

/// Whether the body holds parameters.
pub(super) fn has_form(head: &ControlHead<'_>) -> Result<bool, ControlFault> {
    let kind = single(head.headers, "content-type")?.unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    Ok(kind.eq_ignore_ascii_case("application/x-www-form-urlencoded"))
}

/// The value of a parameter.
pub(super) fn find<'a>(parameters: &'a [(String, String)], name: &str) -> Option<&'a str> {
    parameters
        .iter()
        .find(|(its, _)| its == name)
        .map(|(_, value)| value.as_str())
}

fn add(parameters: &mut Vec<(String, String)>, raw: &str) -> Result<(), ControlFault> {
    for part in raw.split('&').filter(|part| !part.is_empty()) {
        let (name, value) = part.split_once('=').unwrap_or((part, ""));
        let (name, value) = (decode(name)?, decode(value)?);
        if find(parameters, &name).is_some() {
            return Err(ControlFault::RepeatedParameter {
                name: name.chars().take(100).collect(),
            });
        }
        // Looking for repetitions takes the square of it.
        if parameters.len() >= CONTROL_PARAMETERS_MAX {
            return Err(ControlFault::invalid(
                "Parameters",
                format!("at most {CONTROL_PARAMETERS_MAX}"),
            ));
        }
        parameters.push((name, value));
    }
    Ok(())
}

fn decode(text: &str) -> Result<String, ControlFault> {
    String::from_utf8(percent_decode(text.replace('+', " ").as_bytes()))
        .map_err(|_| ControlFault::invalid("Parameters", "names and values are UTF-8"))
}
