//! Arguments of a function, read by name.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::CdnFault;

/// One argument, as it was set.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Argument {
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: String,
}

/// Values may be keys.
impl fmt::Debug for Argument {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_tuple("Argument").field(&self.name).finish()
    }
}

/// The arguments of one record.
pub(crate) struct Arguments<'a> {
    pub(crate) function: &'static str,
    pub(crate) all: &'a [Argument],
}

impl<'a> Arguments<'a> {
    /// A fault that tells what is wrong with the function.
    pub(crate) fn wrong(&self, reason: impl Into<String>) -> CdnFault {
        CdnFault::function(self.function, reason)
    }

    /// The value of an argument; an empty one is as good as none.
    pub(crate) fn get(&self, name: &str) -> Option<&'a str> {
        let mut all = self.all.iter();
        let found = all.find(|argument| argument.name == name)?;
        Some(found.value.trim()).filter(|value| !value.is_empty())
    }

    pub(crate) fn text(&self, name: &str) -> Result<&'a str, CdnFault> {
        self.get(name)
            .ok_or_else(|| self.wrong(format!("`{name}` is missing")))
    }

    /// `on` or `off`, which is what an absent one means.
    pub(crate) fn switch(&self, name: &str) -> Result<bool, CdnFault> {
        Ok(self.switched(name)?.unwrap_or(false))
    }

    /// `on` or `off`, if it is said.
    pub(crate) fn switched(&self, name: &str) -> Result<Option<bool>, CdnFault> {
        match self.get(name).map(str::to_ascii_lowercase).as_deref() {
            None => Ok(None),
            Some("on") => Ok(Some(true)),
            Some("off") => Ok(Some(false)),
            Some(_) => Err(self.wrong(format!("`{name}` is `on` or `off`"))),
        }
    }

    /// `on` or `off`, and it must be said.
    pub(crate) fn switch_said(&self, name: &str) -> Result<bool, CdnFault> {
        self.text(name)?;
        self.switch(name)
    }

    /// What does nothing here can be off, and must not be on.
    pub(crate) fn only_off(&self, names: &[&str]) -> Result<(), CdnFault> {
        for name in names {
            if self.switch(name)? {
                return Err(self.wrong(format!("`{name}` can't be on here")));
            }
        }
        Ok(())
    }

    /// What does nothing here must not be given.
    pub(crate) fn absent(&self, names: &[&str]) -> Result<(), CdnFault> {
        match names.iter().find(|name| self.get(name).is_some()) {
            Some(name) => Err(self.wrong(format!("`{name}` can't be given here"))),
            None => Ok(()),
        }
    }

    pub(crate) fn number(&self, name: &str, range: (u64, u64)) -> Result<Option<u64>, CdnFault> {
        let Some(text) = self.get(name) else {
            return Ok(None);
        };
        let number = text.bytes().all(|byte| byte.is_ascii_digit());
        number
            .then(|| text.parse().ok())
            .flatten()
            .filter(|number| (range.0..=range.1).contains(number))
            .map(Some)
            .ok_or_else(|| {
                self.wrong(format!(
                    "`{name}` is a number of {} to {}",
                    range.0, range.1
                ))
            })
    }

    pub(crate) fn number_said(&self, name: &str, range: (u64, u64)) -> Result<u64, CdnFault> {
        self.text(name)?;
        Ok(self.number(name, range)?.unwrap_or(range.0))
    }

    /// The entries of a list with commas or line ends.
    pub(crate) fn list(&self, name: &str) -> Vec<String> {
        let text = self.get(name).unwrap_or_default();
        text.split([',', '\n', '\r'])
            .map(str::trim)
            .filter(|entry| !entry.is_empty())
            .map(ToOwned::to_owned)
            .collect()
    }

    pub(crate) fn list_said(&self, name: &str) -> Result<Vec<String>, CdnFault> {
        self.text(name)?;
        let list = self.list(name);
        if list.is_empty() {
            return Err(self.wrong(format!("`{name}` is empty")));
        }
        Ok(list)
    }
}
