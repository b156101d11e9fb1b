//! The texts that RAM accepts as names, comments and addresses.

use super::ControlFault;

/// Checks one text parameter, and hands it on.
pub(super) fn user_name(name: &'static str, text: String) -> Result<String, ControlFault> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || ".-_".contains(c);
    matching(
        name,
        text,
        64,
        allowed,
        "1 to 64 of letters, digits, `.`, `-` and `_`",
    )
}

pub(super) fn group_name(text: String) -> Result<String, ControlFault> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || ".-_".contains(c);
    matching(
        "GroupName",
        text,
        64,
        allowed,
        "1 to 64 of letters, digits, `.`, `-` and `_`",
    )
}

pub(super) fn role_name(text: String) -> Result<String, ControlFault> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || ".-_".contains(c);
    matching(
        "RoleName",
        text,
        64,
        allowed,
        "1 to 64 of letters, digits, `.`, `-` and `_`",
    )
}

pub(super) fn policy_name(text: String) -> Result<String, ControlFault> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || c == '-';
    matching(
        "PolicyName",
        text,
        128,
        allowed,
        "1 to 128 of letters, digits and `-`",
    )
}

/// A name for people: any script, no control characters.
pub(super) fn display_name(name: &'static str, text: String) -> Result<String, ControlFault> {
    at_most(name, text, 128)
}

/// Comments and descriptions.
pub(super) fn remark(name: &'static str, text: String) -> Result<String, ControlFault> {
    at_most(name, text, 1024)
}

pub(super) fn email(name: &'static str, text: String) -> Result<String, ControlFault> {
    let well_formed = text.is_empty()
        || text.split_once('@').is_some_and(|(local, domain)| {
            let plain = |part: &str| !part.is_empty() && !part.contains(['@', ' ', '<', '>']);
            plain(local) && plain(domain)
        });
    if !well_formed {
        return Err(ControlFault::invalid(
            name,
            "an address has one `@` and no blanks",
        ));
    }
    at_most(name, text, 128)
}

pub(super) fn mobile_phone(name: &'static str, text: String) -> Result<String, ControlFault> {
    let allowed = |c: char| c.is_ascii_digit() || "+- ".contains(c);
    if text.is_empty() {
        return Ok(text);
    }
    matching(name, text, 32, allowed, "digits, `+`, `-` and blanks")
}

/// 2 to 64 of `[A-Za-z0-9.@_-]`.
pub(super) fn session_name(text: String) -> Result<String, ControlFault> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || ".@_-".contains(c);
    if text.len() < 2 || text.len() > 64 || !text.chars().all(allowed) {
        return Err(ControlFault::invalid(
            "RoleSessionName",
            "2 to 64 of letters, digits, `.`, `@`, `-` and `_`",
        ));
    }
    Ok(text)
}

fn matching(
    name: &'static str,
    text: String,
    max: usize,
    allowed: impl Fn(char) -> bool,
    rule: &str,
) -> Result<String, ControlFault> {
    if text.is_empty() {
        return Err(ControlFault::MissingParameter { name });
    }
    if text.len() > max || !text.chars().all(allowed) {
        return Err(ControlFault::invalid(name, rule));
    }
    Ok(text)
}

fn at_most(name: &'static str, text: String, max: usize) -> Result<String, ControlFault> {
    if text.chars().count() > max {
        return Err(ControlFault::invalid(
            name,
            format!("at most {max} characters"),
        ));
    }
    if text
        .chars()
        .any(|c| c.is_control() && c != '\n' && c != '\t')
    {
        return Err(ControlFault::invalid(name, "no control characters"));
    }
    Ok(text)
}
