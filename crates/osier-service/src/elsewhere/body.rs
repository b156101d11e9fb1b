//! Bodies on their way elsewhere: taken out of their framing and checked as they pass.
//!
//! A store that gets a whole body keeps it. So the last bytes are held back until everything
//! that was promised of a body has turned out true; without them the request breaks off.

use std::sync::{Arc, OnceLock};

use bytes::{Bytes, BytesMut};
use http::HeaderMap;
use osier_auth::Signed;
use osier_auth::chunked::Framing;
use osier_store::{ByteSource, Reckoner};
use osier_types::{Checksum, ChecksumAlgorithm, ChecksumPromise, Fault, FaultKind, Op, Query};
use osier_wire::{Dialect, checksum_sent};

use super::ElsewhereBody;
use crate::body::check_document;
use crate::chunked::Unframed;

/// What a body turned out to be, for whoever waits for the answer.
#[derive(Clone, Debug, Default)]
pub(super) struct Findings {
    fault: Arc<OnceLock<Fault>>,
    checksum: Arc<OnceLock<Checksum>>,
}

impl Findings {
    pub(super) fn fault(&self) -> Option<Fault> {
        self.fault.get().cloned()
    }

    /// That S3 clients were promised to be told.
    pub(super) fn checksum(&self) -> Option<Checksum> {
        self.checksum.get().copied()
    }
}

/// A body is not what its request says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BodyRefused;

/// A body that is checked on its way; never waits for anything.
#[derive(Debug)]
pub struct CheckedBody {
    unframed: Option<Unframed>,
    /// Of a body without framing: what came in and was not looked at.
    plain: Option<Bytes>,
    length: Option<u64>,
    promised: Option<ChecksumPromise>,
    reckoner: Option<Reckoner>,
    payload: Option<([u8; 32], Reckoner)>,
    /// Not sent before all is known to be right.
    held: Option<Bytes>,
    is_right: bool,
    findings: Findings,
}

/// What there is to check of a body.
pub(super) struct Checks {
    pub(super) unframed: Option<Unframed>,
    pub(super) length: Option<u64>,
    pub(super) promised: Option<ChecksumPromise>,
    pub(super) payload: Option<[u8; 32]>,
}

/// Of an object or a part. A store that speaks S3 checks a signed digest itself.
pub(super) fn of_stream(
    op: &Op,
    framing: Option<Framing>,
    signed: Option<&Signed>,
    origin: Dialect,
) -> Result<Checks, Fault> {
    let expected = match op {
        Op::PutObject(put) => Some(&put.expected),
        Op::UploadPart(part) => Some(&part.expected),
        _ => None,
    };
    let unframed = framing.map(|framing| Unframed::new(framing, signed));
    let payload = signed.and_then(|signed| signed.payload_sha256);
    Ok(Checks {
        length: match framing {
            Some(framing) => Some(framing.decoded_length),
            None => expected.and_then(|expected| expected.length),
        },
        // One that was not sent is asked for by nobody, and there is nobody to keep it.
        promised: expected
            .and_then(|expected| expected.checksum)
            .filter(|promised| !matches!(promised, ChecksumPromise::Unsent(_))),
        payload: payload.filter(|_| origin == Dialect::Oss),
        unframed: unframed.transpose()?,
    })
}

/// Of a document, which is checked when it is whole.
pub(super) fn of_document(
    headers: &HeaderMap,
    query: &Query,
    framing: Option<Framing>,
    signed: Option<&Signed>,
) -> Result<Checks, Fault> {
    let unframed = framing.map(|framing| Unframed::new(framing, signed));
    // What completes an upload speaks of the object's checksum, not of its own.
    let sent = if query.has("uploadId") {
        None
    } else {
        checksum_sent(headers)?
    };
    Ok(Checks {
        unframed: unframed.transpose()?,
        length: None,
        promised: sent.map(ChecksumPromise::Sent),
        payload: signed.and_then(|signed| signed.payload_sha256),
    })
}

/// Reads and checks a document of at most `bytes_max`.
pub(super) async fn read_whole(
    source: &mut dyn ByteSource,
    checks: Checks,
    headers: &HeaderMap,
    bytes_max: usize,
) -> Result<Bytes, Fault> {
    let Checks {
        mut unframed,
        promised,
        payload,
        ..
    } = checks;
    let mut document = BytesMut::new();
    let mut trailer = None;
    loop {
        let came = source.next().await?;
        let is_over = came.is_none();
        if let (Some(unframed), Some(bytes)) = (&mut unframed, &came) {
            unframed.push(bytes.clone());
        }
        let mut piece = match &mut unframed {
            Some(unframed) => unframed.take()?,
            None => came,
        };
        while let Some(bytes) = piece {
            if document.len() + bytes.len() > bytes_max {
                let max = u64::try_from(bytes_max).unwrap_or(u64::MAX);
                return Err(FaultKind::EntityTooLarge { max }.into());
            }
            document.extend_from_slice(&bytes);
            piece = match &mut unframed {
                Some(unframed) => unframed.take()?,
                None => None,
            };
        }
        if is_over {
            break;
        }
    }
    if let Some(unframed) = &unframed {
        trailer = unframed.close()?;
    }
    let document = document.freeze();
    let sent = promised.and_then(|promised| match promised {
        ChecksumPromise::Sent(checksum) => Some(checksum),
        ChecksumPromise::Trailing(_) | ChecksumPromise::Unsent(_) => None,
    });
    check_document(headers, &document, payload, sent.into_iter().chain(trailer))?;
    Ok(document)
}

/// A body that is to be sent. An empty one is looked at here and now: there would be nothing to
/// hold back.
pub(super) async fn begin(
    source: &mut dyn ByteSource,
    checks: Checks,
) -> Result<ElsewhereBody, Fault> {
    let nothing_to_check =
        checks.unframed.is_none() && checks.promised.is_none() && checks.payload.is_none();
    let length = checks.length;
    let mut body = CheckedBody::new(checks);
    if length != Some(0) {
        return Ok(if nothing_to_check {
            ElsewhereBody::AsItComes
        } else {
            ElsewhereBody::Checked(Box::new(body))
        });
    }
    while let Some(bytes) = source.next().await? {
        body.push(bytes);
        // An empty body has no piece to give: it only finds out whether it is one.
        body.advance()?;
    }
    body.finish()?;
    let findings = body.findings.clone();
    Ok(ElsewhereBody::Empty(findings.checksum()))
}

impl CheckedBody {
    pub(super) fn new(checks: Checks) -> Self {
        let Checks {
            unframed,
            length,
            promised,
            payload,
        } = checks;
        Self {
            unframed,
            plain: None,
            length,
            promised,
            reckoner: promised.map(|promised| Reckoner::new(promised.algorithm())),
            payload: payload.map(|digest| (digest, Reckoner::new(ChecksumAlgorithm::Sha256))),
            held: None,
            is_right: false,
            findings: Findings::default(),
        }
    }

    pub(super) fn findings(&self) -> Findings {
        self.findings.clone()
    }

    /// How many bytes will be sent, where the client said so.
    pub fn length(&self) -> Option<u64> {
        self.length
    }

    /// Takes bytes that came in, once [`Self::take`] has nothing to give.
    pub fn push(&mut self, bytes: Bytes) {
        match &mut self.unframed {
            Some(unframed) => unframed.push(bytes),
            None => self.plain = Some(bytes),
        }
    }

    /// The next bytes that may be sent.
    ///
    /// # Errors
    /// When the body is not what it should be.
    pub fn take(&mut self) -> Result<Option<Bytes>, BodyRefused> {
        loop {
            let held = self.held.is_some();
            match self.advance() {
                Err(fault) => return self.refused(fault),
                Ok(Some(bytes)) => return Ok(Some(bytes)),
                // The first piece is held, and gives way to the next.
                Ok(None) if !held && self.held.is_some() => {}
                Ok(None) if self.is_right => return Ok(self.held.take()),
                Ok(None) => return Ok(None),
            }
        }
    }

    /// Says that all has come in.
    ///
    /// # Errors
    /// When something is missing, or is not what it should be.
    pub fn close(&mut self) -> Result<(), BodyRefused> {
        match self.finish() {
            Ok(()) => Ok(()),
            Err(fault) => self.refused(fault),
        }
    }

    fn refused<T>(&self, fault: Fault) -> Result<T, BodyRefused> {
        let _ = self.findings.fault.set(fault);
        Err(BodyRefused)
    }

    /// Looks at the next piece, and gives the one that was held before it.
    fn advance(&mut self) -> Result<Option<Bytes>, Fault> {
        let piece = match &mut self.unframed {
            Some(unframed) => unframed.take()?,
            None => self.plain.take(),
        };
        let Some(piece) = piece.filter(|piece| !piece.is_empty()) else {
            return Ok(None);
        };
        if let Some(reckoner) = &mut self.reckoner {
            reckoner.update(&piece);
        }
        if let Some((_, reckoner)) = &mut self.payload {
            reckoner.update(&piece);
        }
        Ok(self.held.replace(piece))
    }

    fn finish(&mut self) -> Result<(), Fault> {
        let trailer = match &self.unframed {
            Some(unframed) => unframed.close()?,
            None => None,
        };
        if let (Some(promised), Some(reckoner)) = (self.promised, self.reckoner.take()) {
            let found = reckoner.finish();
            let sent = match promised {
                ChecksumPromise::Sent(checksum) => Some(checksum),
                ChecksumPromise::Trailing(_) => trailer,
                ChecksumPromise::Unsent(_) => Some(found),
            };
            if sent != Some(found) {
                let name = promised.algorithm().header();
                return Err(FaultKind::ChecksumMismatch { name }.into());
            }
            let _ = self.findings.checksum.set(found);
        }
        if let Some((signed, reckoner)) = self.payload.take()
            && reckoner.finish() != Checksum::Sha256(signed)
        {
            return Err(FaultKind::PayloadDigestMismatch.into());
        }
        self.is_right = true;
        Ok(())
    }
}
