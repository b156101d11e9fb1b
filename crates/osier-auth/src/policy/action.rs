//! `Action` and `NotAction`: patterns of operation names, without regard to case.

use super::glob::Glob;
use super::{iam, s3};

/// The actions that a statement lists.
#[derive(Clone, Debug)]
pub(super) struct ActionPattern {
    /// As written.
    pub(super) text: Box<str>,
    globs: Box<[Glob]>,
}

impl ActionPattern {
    /// Reads `service:Name` with wildcards, or `*`.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let lower = text.to_ascii_lowercase();
        let well_formed = |part: &str| {
            !part.is_empty()
                && part.bytes().all(|byte| {
                    byte.is_ascii_alphanumeric() || matches!(byte, b'*' | b'?' | b'-' | b'_')
                })
        };
        let globs = match lower.split_once(':') {
            None if lower == "*" => vec![Glob::new("*")],
            Some((service, name)) if well_formed(service) && well_formed(name) => {
                if service == "s3" {
                    s3::actions(name)
                        .ok_or_else(|| format!("`{text}` is no S3 action that is known here"))?
                        .map(|action| Glob::new(&action))
                        .collect()
                } else if service == "iam" {
                    iam::actions(name)
                        .map(|action| Glob::new(&action))
                        .collect()
                } else {
                    vec![Glob::new(&lower)]
                }
            }
            _ => {
                return Err(format!(
                    "`{text}` is no action: expected `*` or `<service>:<name>`"
                ));
            }
        };
        Ok(Self {
            text: text.into(),
            globs: globs.into(),
        })
    }

    /// `action` is in lower case.
    pub(super) fn matches(&self, action: &str) -> bool {
        self.globs.iter().any(|glob| glob.matches(action))
    }

    /// The service before the colon, in lower case; `*` for all.
    pub(super) fn service(&self) -> String {
        match self.text.split_once(':') {
            Some((service, _)) if service.eq_ignore_ascii_case("s3") => "oss".to_owned(),
            Some((service, _)) if service.eq_ignore_ascii_case("iam") => "ram".to_owned(),
            Some((service, _)) => service.to_ascii_lowercase(),
            None => "*".to_owned(),
        }
    }
}
