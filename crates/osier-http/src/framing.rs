//! Follows the framing of a connection's requests beside hyper's own parser.
//!
//! hyper accepts two things this server must not: a head with both
//! `Content-Length` and `Transfer-Encoding` (it drops the first before anyone can
//! see it) and lines that end in a bare LF. It also answers heads that are too
//! large in its own words. This follower sees the raw bytes first and says which
//! head is to be refused. It decides nothing about bodies: where it and hyper
//! should ever disagree, hyper's reading counts and the connection closes.

use crate::Refusal;

/// What to do with the bytes just inspected.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Hand them on.
    Pass,
    /// Hand on the first `keep` of them and then `suffix`, which completes the
    /// head in a form that parses; and nothing more, ever.
    Cut { keep: usize, suffix: &'static [u8] },
}

/// Follows one connection.
#[derive(Debug)]
pub(crate) struct Framing {
    place: Place,
    head_bytes_max: usize,
    request_line_bytes_max: usize,
    /// Bytes of this head, or of these trailers, so far.
    head_bytes: usize,
    /// Lines of this head so far.
    lines: usize,
    line: Line,
    length: Option<u64>,
    chunked: bool,
    /// Heads that have ended or been cut.
    heads: u64,
    refused: Option<(u64, Refusal)>,
}

/// Ends trailers in a way that hyper refuses.
const BROKEN_TRAILERS: &[u8] = b"\0\r\n\r\n";

/// Headers hyper parses without taking memory for each request.
const HEADER_LINES_MAX: usize = 100;

#[derive(Debug, PartialEq, Eq)]
enum Place {
    Head,
    Body(u64),
    ChunkSize {
        size: u64,
        in_digits: bool,
    },
    ChunkData(u64),
    ChunkEnd,
    Trailers,
    /// Nothing more to follow: hyper will refuse and close.
    Lost,
}

/// The beginning of a line which may come in pieces; framing headers are short.
#[derive(Debug)]
struct Line {
    start: [u8; 48],
    kept: usize,
    bytes: usize,
    last: u8,
    has_colon: bool,
}

impl Framing {
    pub(crate) fn new(head_bytes_max: usize, request_line_bytes_max: usize) -> Self {
        Self {
            place: Place::Head,
            head_bytes_max,
            request_line_bytes_max,
            head_bytes: 0,
            lines: 0,
            line: Line::EMPTY,
            length: None,
            chunked: false,
            heads: 0,
            refused: None,
        }
    }

    /// Whether no byte of the next request has come.
    pub(crate) fn at_boundary(&self) -> bool {
        self.place == Place::Head && self.head_bytes == 0
    }

    /// Whether a head has begun and not ended.
    pub(crate) fn in_head(&self) -> bool {
        self.place == Place::Head && self.head_bytes > 0
    }

    /// How many heads have ended.
    pub(crate) fn heads(&self) -> u64 {
        self.heads
    }

    /// Which head is to be refused, counted from 1, and why.
    pub(crate) fn refused(&self) -> Option<(u64, Refusal)> {
        self.refused
    }

    /// Follows `bytes`, the next of the connection.
    pub(crate) fn inspect(&mut self, bytes: &[u8]) -> Verdict {
        let mut rest = bytes;
        while let Some(&first) = rest.first() {
            match &mut self.place {
                Place::Head | Place::Trailers => {
                    let in_head = self.place == Place::Head;
                    let end = rest.iter().position(|&byte| byte == b'\n');
                    let piece = end.and_then(|end| rest.get(..end)).unwrap_or(rest);
                    let taken = piece.len() + usize::from(end.is_some());
                    if in_head
                        && let Some((keep, suffix, refusal)) = self.excess(piece, end.is_some())
                    {
                        self.refuse(refusal);
                        let before = bytes.len() - rest.len();
                        return Verdict::Cut {
                            keep: before + keep,
                            suffix,
                        };
                    }
                    if !in_head && end.is_some() && !self.line.ends_in_cr(piece) {
                        // hyper reads on where we would stop; from here on it may read nothing.
                        self.place = Place::Lost;
                        return Verdict::Cut {
                            keep: bytes.len() - rest.len() + piece.len(),
                            suffix: BROKEN_TRAILERS,
                        };
                    }
                    self.head_bytes += taken;
                    self.line.push(piece);
                    if end.is_some() {
                        self.end_line(in_head);
                    }
                    rest = rest.get(taken..).unwrap_or_default();
                }
                Place::Body(left) | Place::ChunkData(left) => {
                    let here = u64::try_from(rest.len()).unwrap_or(u64::MAX).min(*left);
                    *left -= here;
                    let taken = usize::try_from(here).unwrap_or(rest.len());
                    rest = rest.get(taken..).unwrap_or_default();
                    if *left == 0 {
                        self.place = match self.place {
                            Place::ChunkData(_) => Place::ChunkEnd,
                            _ => Place::Head,
                        };
                    }
                }
                Place::ChunkSize { size, in_digits } => {
                    match (char::from(first).to_digit(16), first) {
                        (_, b'\n') if *size == 0 => {
                            self.head_bytes = 0;
                            self.place = Place::Trailers;
                        }
                        (_, b'\n') => self.place = Place::ChunkData(*size),
                        (Some(digit), _) if *in_digits => {
                            match size
                                .checked_mul(16)
                                .and_then(|s| s.checked_add(digit.into()))
                            {
                                Some(larger) => *size = larger,
                                None => self.place = Place::Lost,
                            }
                        }
                        _ => *in_digits = false,
                    }
                    rest = rest.get(1..).unwrap_or_default();
                }
                Place::ChunkEnd => {
                    if first == b'\n' {
                        self.place = Place::chunk();
                    }
                    rest = rest.get(1..).unwrap_or_default();
                }
                Place::Lost => break,
            }
        }
        Verdict::Pass
    }

    /// Whether this piece of a line makes the head too large: then how much of it
    /// still fits, what completes the head, and what to call it.
    fn excess(&self, piece: &[u8], ended: bool) -> Option<(usize, &'static [u8], Refusal)> {
        let line_bytes = self.line.bytes + piece.len();
        if self.lines == 0 {
            let room = self.request_line_bytes_max.saturating_sub(self.line.bytes);
            return (line_bytes > self.request_line_bytes_max).then_some((
                room,
                TARGET_CUT,
                Refusal::TargetTooLong,
            ));
        }
        let is_last = ended && (line_bytes == 0 || self.line.is_lone_cr(piece));
        if self.lines > HEADER_LINES_MAX && self.line.bytes == 0 && !is_last {
            return Some((0, b"\r\n", Refusal::HeadTooLarge));
        }
        let room = self.head_bytes_max.saturating_sub(self.head_bytes);
        if piece.len() < room || is_last {
            return None;
        }
        let kept = piece.get(..room).unwrap_or(piece);
        let last = kept.last().copied().unwrap_or(self.line.last);
        let in_name = !self.line.has_colon && !kept.contains(&b':');
        let suffix: &[u8] = match (self.line.bytes + kept.len(), in_name, last) {
            (0, ..) => b"\r\n",
            (_, _, b'\r') => b"\n\r\n",
            (_, true, _) => b":\r\n\r\n",
            _ => b"\r\n\r\n",
        };
        Some((kept.len(), suffix, Refusal::HeadTooLarge))
    }

    fn end_line(&mut self, in_head: bool) {
        let line = std::mem::replace(&mut self.line, Line::EMPTY);
        if line.bytes > 0 && line.last != b'\r' || line.bytes == 0 {
            // A line feed alone, be it after text or as an empty line.
            if in_head {
                self.refuse_later(Refusal::BareLineFeed);
            }
        }
        let is_empty = line.bytes == 0 || (line.bytes == 1 && line.last == b'\r');
        match (in_head, is_empty) {
            // Empty lines before a request line are nothing.
            (true, true) if self.lines == 0 => self.head_bytes = 0,
            (true, true) => self.end_head(),
            (true, false) => {
                self.lines += 1;
                self.note(line.kept());
            }
            (false, true) => {
                self.head_bytes = 0;
                self.place = Place::Head;
            }
            (false, false) => {}
        }
    }

    /// Takes note of a header that frames the body.
    fn note(&mut self, line: &[u8]) {
        let Some(colon) = line.iter().position(|&byte| byte == b':') else {
            return;
        };
        let (name, value) = line.split_at(colon);
        if name.eq_ignore_ascii_case(b"transfer-encoding") {
            if self.chunked || self.length.is_some() {
                self.refuse_later(Refusal::AmbiguousLength);
            }
            self.chunked = true;
        } else if name.eq_ignore_ascii_case(b"content-length") {
            let digits = value.get(1..).unwrap_or_default().trim_ascii();
            let length = parse_length(digits);
            if self.chunked || length.is_none() || self.length.is_some_and(|l| Some(l) != length) {
                self.refuse_later(Refusal::AmbiguousLength);
            }
            self.length = length.or(Some(0));
        }
    }

    fn end_head(&mut self) {
        self.heads += 1;
        self.place = match (self.refused, self.chunked, self.length) {
            (Some(_), ..) => Place::Lost,
            (None, true, _) => Place::chunk(),
            (None, false, Some(length)) if length > 0 => Place::Body(length),
            (None, false, _) => Place::Head,
        };
        self.head_bytes = 0;
        self.lines = 0;
        self.length = None;
        self.chunked = false;
    }

    /// Refuses the head that is being read, once it has ended.
    fn refuse_later(&mut self, refusal: Refusal) {
        self.refused.get_or_insert((self.heads + 1, refusal));
    }

    /// Refuses the head that is being read, which ends here.
    fn refuse(&mut self, refusal: Refusal) {
        self.refuse_later(refusal);
        self.heads += 1;
        self.place = Place::Lost;
    }
}

impl Place {
    fn chunk() -> Self {
        Self::ChunkSize {
            size: 0,
            in_digits: true,
        }
    }
}

impl Line {
    const EMPTY: Self = Self {
        start: [0; 48],
        kept: 0,
        bytes: 0,
        last: 0,
        has_colon: false,
    };

    fn push(&mut self, piece: &[u8]) {
        for (slot, byte) in self.start.iter_mut().skip(self.kept).zip(piece) {
            *slot = *byte;
            self.kept += 1;
        }
        self.bytes += piece.len();
        self.has_colon |= piece.contains(&b':');
        if let Some(&last) = piece.last() {
            self.last = last;
        }
    }

    fn kept(&self) -> &[u8] {
        self.start.get(..self.kept).unwrap_or_default()
    }

    /// Whether this line with `piece` is nothing but CR.
    /// Whether it ends in a carriage return once `piece` is added.
    fn ends_in_cr(&self, piece: &[u8]) -> bool {
        match piece.last() {
            Some(&last) => last == b'\r',
            None => self.bytes > 0 && self.last == b'\r',
        }
    }

    fn is_lone_cr(&self, piece: &[u8]) -> bool {
        match self.bytes {
            0 => piece == b"\r",
            1 => self.last == b'\r' && piece.is_empty(),
            _ => false,
        }
    }
}

/// Digits only: no sign, no list, no blanks between.
fn parse_length(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    str::from_utf8(digits).ok()?.parse().ok()
}

/// Completes a request line that was cut within its target.
const TARGET_CUT: &[u8] = b" HTTP/1.1\r\nhost: x\r\n\r\n";

#[cfg(test)]
mod tests {
    use super::*;

    fn framing() -> Framing {
        Framing::new(1024, 256)
    }

    /// Whole and byte by byte must mean the same.
    fn refused(bytes: &[u8]) -> Option<(u64, Refusal)> {
        let mut whole = framing();
        whole.inspect(bytes);
        let mut slow = framing();
        for byte in bytes {
            slow.inspect(std::slice::from_ref(byte));
        }
        assert_eq!(whole.refused(), slow.refused());
        assert_eq!(whole.heads(), slow.heads());
        whole.refused()
    }

    #[test]
    fn ordinary_requests_pass() {
        let mut framing = framing();
        let requests = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n\
            PUT /x HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n\n\n\n\n\n\
            PUT /y HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n\
            a;x=1\r\n0123456789\r\n0\r\nTrailer: 1\r\n\r\n\r\n\
            GET /z HTTP/1.1\r\nHost: a\r\n\r\n";
        assert_eq!(framing.inspect(requests), Verdict::Pass);
        assert_eq!((framing.refused(), framing.heads()), (None, 4));
        assert!(framing.at_boundary());
        assert_eq!(refused(requests), None);
    }

    #[test]
    fn two_lengths_are_refused_wherever_they_stand() {
        let cases: [&[u8]; 8] = [
            b"PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
            b"PUT / HTTP/1.1\r\nHost: a\r\ntransfer-encoding: chunked\r\ncontent-length: 1\r\n\r\n",
            b"PUT / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
            b"PUT / HTTP/1.1\r\nContent-Length: 1, 1\r\n\r\n",
            b"PUT / HTTP/1.1\r\nContent-Length: +1\r\n\r\n",
            b"PUT / HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
            b"PUT / HTTP/1.1\r\nContent-Length: 99999999999999999999999\r\n\r\n",
            b"PUT / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
        ];
        for case in cases {
            let text = String::from_utf8_lossy(case);
            assert_eq!(refused(case), Some((1, Refusal::AmbiguousLength)), "{text}");
        }
        assert_eq!(
            refused(b"PUT / HTTP/1.1\r\nContent-Length: 0\r\nContent-Length: 0\r\n\r\n"),
            None
        );
    }

    #[test]
    fn the_refused_head_is_counted_behind_those_before() {
        let requests = b"PUT /x HTTP/1.1\r\nContent-Length: 30\r\n\r\n\
            Content-Length: 1\r\nTransfer-E\
            GET / HTTP/1.1\r\nHost: a\n\r\n";
        assert_eq!(refused(requests), Some((2, Refusal::BareLineFeed)));
        assert_eq!(
            refused(b"GET / HTTP/1.1\nHost: a\n\n"),
            Some((1, Refusal::BareLineFeed))
        );
    }

    /// hyper takes only CR LF for the end of a trailer: what follows a bare LF would be a request
    /// here and a trailer there.
    #[test]
    fn s30_a_bare_line_feed_in_trailers_ends_everything() {
        let head = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec();
        for (body, kept) in [(&b"0\r\nX: a\n\nGET /"[..], 7), (b"0\r\n\nGET /", 3)] {
            let mut framing = framing();
            let verdict = framing.inspect(&[&head, body].concat());
            let Verdict::Cut { keep, suffix } = verdict else {
                panic!("{body:?}")
            };
            assert_eq!((keep, suffix), (head.len() + kept, BROKEN_TRAILERS));
        }
        let mut whole = framing();
        let good = whole.inspect(&[&head, &b"0\r\nX: a\r\n\r\n"[..]].concat());
        assert!(matches!(good, Verdict::Pass) && whole.at_boundary());
    }

    #[test]
    fn heads_are_cut_at_their_limits() {
        let mut long_target = framing();
        let target = format!("GET /{}", "a".repeat(400));
        assert_eq!(
            long_target.inspect(target.as_bytes()),
            Verdict::Cut {
                keep: 256,
                suffix: TARGET_CUT
            }
        );
        assert_eq!(long_target.refused(), Some((1, Refusal::TargetTooLong)));

        let start = "GET / HTTP/1.1\r\n";
        for (tail, suffix) in [
            (format!("a: {}", "b".repeat(2000)), &b"\r\n\r\n"[..]),
            ("a".repeat(2000), b":\r\n\r\n"),
            (format!("a: b\r\n{}", "c: d\r\n".repeat(300)), b"\r\n"),
        ] {
            let mut framing = framing();
            let head = format!("{start}{tail}");
            let Verdict::Cut { keep, suffix: cut } = framing.inspect(head.as_bytes()) else {
                panic!("{tail} passed");
            };
            assert!(keep <= 1024);
            assert_eq!(framing.refused(), Some((1, Refusal::HeadTooLarge)));
            assert_eq!(cut, suffix, "{tail}");
        }
    }
}
