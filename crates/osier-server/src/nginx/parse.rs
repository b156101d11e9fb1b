//! The grammar of nginx's configuration: directives that end in `;` or have a block.

use std::iter::Peekable;
use std::str::CharIndices;

/// Blocks within blocks at most: no configuration has more, and none may cost the stack.
const DEPTH_MAX: usize = 16;

/// One directive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Directive {
    pub(super) line: usize,
    /// Name first, then arguments, without quotes.
    pub(super) words: Vec<String>,
    pub(super) block: Option<Vec<Self>>,
}

/// The text is no configuration of nginx.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {what}")]
pub struct NginxError {
    /// Where.
    pub line: usize,
    /// What is wrong.
    pub what: &'static str,
}

impl Directive {
    pub(super) fn name(&self) -> &str {
        self.words.first().map_or("", String::as_str)
    }

    pub(super) fn arguments(&self) -> &[String] {
        self.words.get(1..).unwrap_or_default()
    }

    pub(super) fn argument(&self, index: usize) -> &str {
        self.arguments().get(index).map_or("", String::as_str)
    }

    pub(super) fn block(&self) -> &[Self] {
        self.block.as_deref().unwrap_or_default()
    }
}

/// Reads a whole configuration.
pub(super) fn parse(text: &str) -> Result<Vec<Directive>, NginxError> {
    let mut reader = Reader {
        text: text.char_indices().peekable(),
        line: 1,
    };
    let directives = reader.block(0)?;
    Ok(directives)
}

struct Reader<'t> {
    text: Peekable<CharIndices<'t>>,
    line: usize,
}

enum Token {
    Word(String),
    Semicolon,
    Open,
    Close,
    End,
}

impl Reader<'_> {
    fn block(&mut self, depth: usize) -> Result<Vec<Directive>, NginxError> {
        if depth > DEPTH_MAX {
            return Err(self.error("blocks are nested too deeply"));
        }
        let mut directives = Vec::new();
        let mut words: Vec<String> = Vec::new();
        let mut line = self.line;
        loop {
            match self.token()? {
                Token::Word(word) => {
                    if words.is_empty() {
                        line = self.line;
                    }
                    words.push(word);
                }
                Token::Semicolon | Token::Open if words.is_empty() => {
                    return Err(self.error("a directive has no name"));
                }
                Token::Semicolon => directives.push(Directive {
                    line,
                    words: std::mem::take(&mut words),
                    block: None,
                }),
                Token::Open => {
                    let words = std::mem::take(&mut words);
                    let block = Some(self.block(depth + 1)?);
                    directives.push(Directive { line, words, block });
                }
                Token::Close if depth == 0 => return Err(self.error("a `}` closes nothing")),
                Token::End if depth > 0 => return Err(self.error("a `}` is missing")),
                Token::Close | Token::End if words.is_empty() => return Ok(directives),
                Token::Close | Token::End => return Err(self.error("a `;` is missing")),
            }
        }
    }

    fn token(&mut self) -> Result<Token, NginxError> {
        while let Some((_, letter)) = self.text.peek().copied() {
            match letter {
                '#' => while self.next().is_some_and(|letter| letter != '\n') {},
                letter if letter.is_whitespace() => {
                    self.next();
                }
                _ => break,
            }
        }
        match self.text.peek().map(|(_, letter)| *letter) {
            None => Ok(Token::End),
            Some(';') => self.single(Token::Semicolon),
            Some('{') => self.single(Token::Open),
            Some('}') => self.single(Token::Close),
            Some(quote @ ('"' | '\'')) => {
                self.next();
                self.quoted(quote).map(Token::Word)
            }
            Some(_) => Ok(Token::Word(self.bare())),
        }
    }

    #[expect(clippy::unnecessary_wraps, reason = "as its siblings")]
    fn single(&mut self, token: Token) -> Result<Token, NginxError> {
        self.next();
        Ok(token)
    }

    fn quoted(&mut self, quote: char) -> Result<String, NginxError> {
        let mut word = String::new();
        while let Some(letter) = self.next() {
            match letter {
                '\\' => match self.next() {
                    Some(letter) if letter == quote || letter == '\\' => word.push(letter),
                    Some(letter) => word.extend(['\\', letter]),
                    None => break,
                },
                letter if letter == quote => return Ok(word),
                letter => word.push(letter),
            }
        }
        Err(self.error("a quote is not closed"))
    }

    fn bare(&mut self) -> String {
        let mut word = String::new();
        while let Some((_, letter)) = self.text.peek().copied() {
            let variable = word.ends_with('$') && letter == '{';
            if (letter.is_whitespace() || matches!(letter, ';' | '{')) && !variable {
                break;
            }
            // Ends a block, unless it ends a `${name}`.
            if letter == '}' && !word.contains("${") {
                break;
            }
            word.push(letter);
            self.next();
        }
        word
    }

    fn next(&mut self) -> Option<char> {
        let (_, letter) = self.text.next()?;
        if letter == '\n' {
            self.line += 1;
        }
        Some(letter)
    }

    fn error(&self, what: &'static str) -> NginxError {
        NginxError {
            line: self.line,
            what,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn directives_blocks_comments_and_quotes() {
        let text = "a b 'c d'; # e;\nf \"g\\\"h\" {\n  i ${j}k;\n}\n";
        let parsed = parse(text).unwrap();
        let words = |directive: &Directive| directive.words.join("|");
        assert_eq!(words(&parsed[0]), "a|b|c d");
        assert_eq!((words(&parsed[1]).as_str(), parsed[1].line), ("f|g\"h", 2));
        assert_eq!(words(&parsed[1].block()[0]), "i|${j}k");
        assert_eq!(parsed[1].block()[0].line, 3);
    }

    #[test]
    fn what_is_wrong_has_a_line() {
        for (text, line, what) in [
            ("a b", 1, "a `;` is missing"),
            ("a {\nb;", 2, "a `}` is missing"),
            ("a;\n}", 2, "a `}` closes nothing"),
            ("\n;", 2, "a directive has no name"),
            ("a 'b", 1, "a quote is not closed"),
        ] {
            let error = parse(text).unwrap_err();
            assert_eq!((error.line, error.what), (line, what), "{text}");
        }
        assert!(parse(&"a {".repeat(100)).is_err());
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "[a ;{}'\"\\\\#$\n]{0,60}") {
            let _ = parse(&text);
        }
    }
}
