//! `PostObject` forms (`multipart/form-data`), read as they arrive.
//!
//! The parser keeps what precedes the file, bounded, and passes the file on.
//! How the body was cut into chunks never changes what comes out. Nothing
//! after the file counts.

mod disposition;

use bytes::{Bytes, BytesMut};
use osier_types::limits::{FORM_FIELD_BYTES_MAX, FORM_HEAD_BYTES_MAX};
use osier_types::{Fault, FaultKind};

use disposition::{Disposition, boundary};

/// Bytes of the headers of one part at most.
const PART_HEAD_BYTES_MAX: usize = FORM_FIELD_BYTES_MAX;
/// Fields before the file at most.
pub(crate) const FIELDS_MAX: usize = 512;

/// Everything that precedes the bytes of a form's file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FormHead {
    /// Names in lower case with their values, in the order sent; no name comes twice.
    pub fields: Vec<(String, Vec<u8>)>,
    /// The file's name, as the client says.
    pub file_name: Option<Vec<u8>>,
    /// The file's `Content-Type`, as the client says.
    pub file_content_type: Option<Vec<u8>>,
}

/// What comes out of a form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FormPiece {
    /// All fields; comes first, and once.
    Head(FormHead),
    /// The next bytes of the file.
    Data(Bytes),
    /// The file is complete. What is left of the body does not count.
    End,
}

/// Reads a form: [`push`](Self::push) what arrives, then take [`next`](Self::next) until it has
/// nothing more.
#[derive(Debug)]
pub struct FormParser {
    /// Line end, two dashes, boundary.
    delimiter: Vec<u8>,
    buffer: BytesMut,
    /// Bytes at the start of the buffer that hold no delimiter for sure.
    scanned: usize,
    /// Bytes before the buffer, as long as the file has not begun.
    consumed: usize,
    state: State,
    head: FormHead,
}

#[derive(Debug)]
enum State {
    Preamble,
    /// Right after a delimiter.
    Delimiter,
    PartHead,
    Field(String),
    File,
    Done,
}

impl FormParser {
    /// A parser for a body of this `Content-Type`.
    ///
    /// # Errors
    /// When it is not `multipart/form-data` with a boundary.
    pub fn new(content_type: &[u8]) -> Result<Self, Fault> {
        let boundary =
            boundary(content_type).ok_or_else(|| Fault::new(FaultKind::NotMultipartForm))?;
        let line_end: &[u8] = b"\r\n";
        Ok(Self {
            delimiter: [line_end, b"--", &boundary].concat(),
            // The first delimiter has no line end of its own.
            buffer: BytesMut::from(line_end),
            scanned: 0,
            consumed: 0,
            state: State::Preamble,
            head: FormHead::default(),
        })
    }

    /// Adds what arrived.
    pub fn push(&mut self, chunk: &[u8]) {
        if !matches!(self.state, State::Done) {
            self.buffer.extend_from_slice(chunk);
        }
    }

    /// The next piece; `None` when more of the body is needed, and after the end.
    ///
    /// # Errors
    /// When the form breaks a rule; then nothing more comes.
    #[expect(
        clippy::should_implement_trait,
        reason = "`None` is not the end here, so that it is no iterator"
    )]
    pub fn next(&mut self) -> Result<Option<FormPiece>, Fault> {
        let piece = self.advance();
        if piece.is_err() {
            self.finish();
        }
        piece
    }

    /// To be called when the body is over.
    ///
    /// # Errors
    /// When the form is not.
    pub fn close(&self) -> Result<(), Fault> {
        match self.state {
            State::Done => Ok(()),
            State::File => Err(Fault::new(FaultKind::IncompleteBody)),
            _ => Err(malformed("the form ends before its file")),
        }
    }

    fn advance(&mut self) -> Result<Option<FormPiece>, Fault> {
        loop {
            let state = std::mem::replace(&mut self.state, State::Done);
            self.state = match state {
                State::Preamble => {
                    let Some(at) = self.find_delimiter() else {
                        self.skip(self.scanned);
                        return self.wait(State::Preamble);
                    };
                    self.skip_delimiter(at);
                    State::Delimiter
                }
                State::Delimiter => match self.after_delimiter()? {
                    Some(()) => State::PartHead,
                    None => return self.wait(State::Delimiter),
                },
                State::PartHead => match self.part_head()? {
                    Some(part) if part.name == "file" => {
                        if self.consumed > FORM_HEAD_BYTES_MAX {
                            return Err(Fault::new(FaultKind::PostPreDataTooLong));
                        }
                        self.state = State::File;
                        self.head.file_name = part.file_name;
                        return Ok(Some(FormPiece::Head(std::mem::take(&mut self.head))));
                    }
                    Some(part) => State::Field(part.name),
                    None => return self.wait(State::PartHead),
                },
                State::Field(name) => match self.find_delimiter() {
                    Some(at) => {
                        let value = self.skip(at);
                        self.add_field(name, &value)?;
                        self.skip_delimiter(0);
                        State::Delimiter
                    }
                    None if self.scanned > FORM_FIELD_BYTES_MAX => {
                        return Err(Fault::new(FaultKind::FieldItemTooLong));
                    }
                    None => return self.wait(State::Field(name)),
                },
                State::File => return Ok(self.file_data()),
                State::Done => return Ok(None),
            };
        }
    }

    fn file_data(&mut self) -> Option<FormPiece> {
        let end = self.find_delimiter();
        let length = end.unwrap_or(self.scanned);
        if length > 0 {
            self.state = State::File;
            return Some(FormPiece::Data(self.skip(length).freeze()));
        }
        if end.is_some() {
            self.finish();
            return Some(FormPiece::End);
        }
        self.state = State::File;
        None
    }

    fn finish(&mut self) {
        self.state = State::Done;
        self.buffer = BytesMut::new();
    }

    /// Stays in a state of the head until more arrives.
    fn wait(&mut self, state: State) -> Result<Option<FormPiece>, Fault> {
        if self.consumed + self.buffer.len() > FORM_HEAD_BYTES_MAX {
            return Err(Fault::new(FaultKind::PostPreDataTooLong));
        }
        self.state = state;
        Ok(None)
    }

    /// Where the next delimiter begins. Without one, `scanned` says how much can be passed on.
    fn find_delimiter(&mut self) -> Option<usize> {
        let mut from = self.scanned;
        while let Some(rest) = self.buffer.get(from..).filter(|rest| !rest.is_empty()) {
            let Some(at) = rest.iter().position(|&byte| byte == b'\r') else {
                from = self.buffer.len();
                break;
            };
            from += at;
            let candidate = rest.get(at..).unwrap_or_default();
            match self.delimits(candidate) {
                Some(true) => {
                    self.scanned = from;
                    return Some(from);
                }
                Some(false) => from += 1,
                None => break,
            }
        }
        self.scanned = from;
        None
    }

    /// Whether `candidate` begins with a delimiter; `None` when it is too short to tell.
    fn delimits(&self, candidate: &[u8]) -> Option<bool> {
        let Some(after) = candidate.strip_prefix(self.delimiter.as_slice()) else {
            let possible = self.delimiter.starts_with(candidate);
            return (!possible).then_some(false);
        };
        // A longer word that begins like the boundary is data.
        match after {
            [] | [b'-' | b'\r'] => None,
            [b' ' | b'\t', ..] => Some(true),
            _ => Some(after.starts_with(b"--") || after.starts_with(b"\r\n")),
        }
    }

    /// Reads on after a delimiter, to the start of the part's headers.
    fn after_delimiter(&mut self) -> Result<Option<()>, Fault> {
        let padding = self
            .buffer
            .iter()
            .take_while(|byte| matches!(byte, b' ' | b'\t'))
            .count();
        let rest = self.buffer.get(padding..).unwrap_or_default();
        if rest.len() < 2 {
            return Ok(None);
        }
        if rest.starts_with(b"--") {
            return Err(Fault::new(FaultKind::IncorrectNumberOfFiles));
        }
        if !rest.starts_with(b"\r\n") {
            return Err(malformed("a delimiter line does not end"));
        }
        // The line end stays: together with the one that ends the last header it makes the
        // empty line, even where there are no headers.
        self.skip(padding);
        Ok(Some(()))
    }

    /// Reads the headers of a part.
    fn part_head(&mut self) -> Result<Option<Disposition>, Fault> {
        const END: &[u8] = b"\r\n\r\n";
        let found = self
            .buffer
            .windows(END.len())
            .take(PART_HEAD_BYTES_MAX)
            .position(|window| window == END);
        let Some(length) = found else {
            if self.buffer.len() > PART_HEAD_BYTES_MAX + END.len() {
                return Err(malformed("the headers of a part are too long"));
            }
            return Ok(None);
        };
        let lines = self.skip(length + END.len());
        let mut disposition = None;
        let mut content_type = None;
        for line in lines.as_ref().split(|&byte| byte == b'\n') {
            let mut halves = line.trim_ascii().splitn(2, |&byte| byte == b':');
            let name = halves.next().unwrap_or_default().trim_ascii();
            let value = halves.next().unwrap_or_default().trim_ascii();
            if name.eq_ignore_ascii_case(b"content-disposition") {
                disposition = Disposition::parse(value);
            } else if name.eq_ignore_ascii_case(b"content-type") {
                content_type = Some(value.to_vec());
            }
        }
        let disposition = disposition
            .ok_or_else(|| malformed("a part has no Content-Disposition with a name"))?;
        if disposition.name == "file" {
            self.head.file_content_type = content_type;
        }
        Ok(Some(disposition))
    }

    fn add_field(&mut self, name: String, value: &[u8]) -> Result<(), Fault> {
        if value.len() > FORM_FIELD_BYTES_MAX {
            return Err(Fault::new(FaultKind::FieldItemTooLong));
        }
        if self.head.fields.len() >= FIELDS_MAX {
            return Err(Fault::new(FaultKind::PostPreDataTooLong));
        }
        // A policy checks one value of a name: there must not be another.
        if self.head.fields.iter().any(|(other, _)| *other == name) {
            return Err(malformed("a field appears twice"));
        }
        self.head.fields.push((name, value.to_vec()));
        Ok(())
    }

    fn skip_delimiter(&mut self, at: usize) {
        self.skip(at + self.delimiter.len());
    }

    /// Takes so many bytes from the buffer's start.
    fn skip(&mut self, length: usize) -> BytesMut {
        let length = length.min(self.buffer.len());
        self.scanned = self.scanned.saturating_sub(length);
        if !matches!(self.state, State::File) {
            self.consumed = self.consumed.saturating_add(length);
        }
        self.buffer.split_to(length)
    }
}

fn malformed(reason: &str) -> Fault {
    Fault::new(FaultKind::MalformedPost {
        reason: reason.to_owned(),
    })
}
