//! The texts that RAM accepts as names, comments and addresses.

use super::ControlFault;

/// Checks one text parameter, and hands it on.
pub(super) fn user_name(name: &'static str, text: String) -> Result<String, ControlFault> {
    matching(name, text, 64, is_name, NAMES_64)
}

pub(super) fn group_name(text: String) -> Result<String, ControlFault> {
    matching("GroupName", text, 64, is_name, NAMES_64)
}

pub(super) fn role_name(text: String) -> Result<String, ControlFault> {
    matching("RoleName", text, 64, is_name, NAMES_64)
}

pub(super) fn policy_name(text: String) -> Result<String, ControlFault> {
    let rule = "1 to 128 of letters, digits and `.`, `-`, `_`, `+`, `=`, `,`, `@`";
    matching("PolicyName", text, 128, is_name, rule)
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

/// 2 to 64 characters of names.
pub(super) fn session_name(text: String) -> Result<String, ControlFault> {
    if text.len() < 2 || text.len() > 64 || !text.chars().all(is_name) {
        return Err(ControlFault::invalid(
            "RoleSessionName",
            "2 to 64 of letters, digits and `.`, `-`, `_`, `+`, `=`, `,`, `@`",
        ));
    }
    Ok(text)
}

/// What IAM allows in names, of which RAM allows less: both see the same names.
pub(super) fn is_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || ".-_+=,@".contains(c)
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

const NAMES_64: &str = "1 to 64 of letters, digits and `.`, `-`, `_`, `+`, `=`, `,`, `@`";
