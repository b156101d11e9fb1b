//! Dictionaries of RFC 9651, as far as `CDN-Cache-Control` (RFC 9213) needs them:
//! names with integers, tokens, strings or booleans. Parameters are read and dropped.

/// A value of a member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Item {
    /// `max-age=60`.
    Integer(i64),
    /// `no-store`, `no-store=?0`.
    Boolean(bool),
    /// Anything else that is well formed.
    Other,
}

/// The members of a dictionary, the last of each name; nothing when `text` is no dictionary,
/// which means that the whole field counts as absent.
pub(crate) fn dictionary(text: &str) -> Option<Vec<(String, Item)>> {
    let mut rest = Cursor(text.trim_matches(' '));
    let mut members: Vec<(String, Item)> = Vec::new();
    if rest.0.is_empty() {
        return Some(members);
    }
    loop {
        let name = rest.key()?;
        let item = if rest.eat('=') {
            rest.bare_item()?
        } else {
            Item::Boolean(true)
        };
        rest.parameters()?;
        members.retain(|(known, _)| *known != name);
        members.push((name, item));
        rest.skip_blanks();
        if rest.0.is_empty() {
            return Some(members);
        }
        if !rest.eat(',') {
            return None;
        }
        rest.skip_blanks();
        if rest.0.is_empty() {
            return None;
        }
    }
}

struct Cursor<'a>(&'a str);

impl Cursor<'_> {
    fn eat(&mut self, expected: char) -> bool {
        match self.0.strip_prefix(expected) {
            Some(rest) => {
                self.0 = rest;
                true
            }
            None => false,
        }
    }

    fn skip_blanks(&mut self) {
        self.0 = self.0.trim_start_matches([' ', '\t']);
    }

    fn take_while(&mut self, allowed: impl Fn(char) -> bool) -> String {
        let rest = self.0.trim_start_matches(&allowed);
        let taken = self.0.strip_suffix(rest).unwrap_or_default().to_owned();
        self.0 = rest;
        taken
    }

    fn key(&mut self) -> Option<String> {
        let begins_well = self
            .0
            .starts_with(|first: char| first.is_ascii_lowercase() || first == '*');
        begins_well.then(|| {
            self.take_while(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || "_-.*".contains(c))
        })
    }

    fn bare_item(&mut self) -> Option<Item> {
        let first = self.0.chars().next()?;
        match first {
            '?' => {
                self.eat('?');
                let yes = self.eat('1');
                (yes || self.eat('0')).then_some(Item::Boolean(yes))
            }
            '-' | '0'..='9' => self.number(),
            '"' => self.string(),
            _ if first.is_ascii_alphabetic() || first == '*' => {
                self.take_while(|c| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~:/".contains(c));
                Some(Item::Other)
            }
            _ => None,
        }
    }

    /// At most 15 digits; a number with a fraction is well formed, but no integer.
    fn number(&mut self) -> Option<Item> {
        let negative = self.eat('-');
        let digits = self.take_while(|c| c.is_ascii_digit());
        if digits.is_empty() || digits.len() > 15 {
            return None;
        }
        if self.eat('.') {
            let fraction = self.take_while(|c| c.is_ascii_digit());
            return (1..=3).contains(&fraction.len()).then_some(Item::Other);
        }
        let value: i64 = digits.parse().ok()?;
        Some(Item::Integer(if negative { -value } else { value }))
    }

    fn string(&mut self) -> Option<Item> {
        self.eat('"');
        loop {
            self.take_while(|c| (' '..='~').contains(&c) && c != '"' && c != '\\');
            if self.eat('"') {
                return Some(Item::Other);
            }
            if !(self.eat('\\') && (self.eat('"') || self.eat('\\'))) {
                return None;
            }
        }
    }

    fn parameters(&mut self) -> Option<()> {
        while self.eat(';') {
            self.skip_blanks();
            self.key()?;
            if self.eat('=') {
                self.bare_item()?;
            }
        }
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_are_read() {
        let members = dictionary("max-age=60;x=1,  no-store, a=?0, b=\"q,\\\"\", c=1.5").unwrap();
        assert_eq!(
            members,
            [
                ("max-age".to_owned(), Item::Integer(60)),
                ("no-store".to_owned(), Item::Boolean(true)),
                ("a".to_owned(), Item::Boolean(false)),
                ("b".to_owned(), Item::Other),
                ("c".to_owned(), Item::Other),
            ]
        );
    }

    #[test]
    fn the_last_of_a_name_counts() {
        assert_eq!(
            dictionary("max-age=1, max-age=2").unwrap(),
            [("max-age".to_owned(), Item::Integer(2))]
        );
    }

    #[test]
    fn what_is_no_dictionary_is_nothing() {
        for text in [
            "max-age=60,",
            "Max-Age=60",
            "max-age=",
            "a=\"x",
            "a b",
            "=1",
            "a=1.",
            "a=é",
        ] {
            assert_eq!(dictionary(text), None, "{text}");
        }
    }
}
