//! `PostObject`: a form from a web page, checked against its own policy before
//! its file is read.

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use osier_auth::{Authentication, FormFields, PostTarget};
use osier_store::ByteSource;
use osier_types::{Fault, FaultKind, Op};
use osier_wire::{Address, FormHead, FormParser, FormPiece};

use crate::Verdict;
use crate::authorise::{self, Asking};
use crate::perform::caller_of;
use crate::service::{Done, Learnt, Service};

/// Carries out a form.
pub(crate) async fn post(
    service: &Service,
    request: &http::request::Parts,
    address: &Address,
    source: Box<dyn ByteSource>,
    learnt: &mut Learnt,
) -> Result<Done, Fault> {
    let content_type = request.headers.get(CONTENT_TYPE);
    let content_type = content_type.map_or(&[][..], http::HeaderValue::as_bytes);
    let mut file = FormFile {
        parser: FormParser::new(content_type)?,
        source,
        over: false,
    };
    let head = file.head().await?;
    learnt.dialect = learnt.choice.of_form(&head);
    let dialect = learnt.dialect;
    let fields: FormFields<'_> = head
        .fields
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_slice()))
        .collect();
    let form =
        service
            .verifier
            .authenticate_form(&fields, service.identities.as_ref(), service.now());
    if form.is_err() {
        learnt.judged.verdict = Verdict::Refused;
    }
    let form = form?;
    let mut signing = None;
    let identity = match form.authentication {
        Authentication::Anonymous => None,
        Authentication::Signed(signed) => {
            signing = Some(authorise::signing(&signed));
            (service.identities).note_use(&signed.access_key_id, service.now());
            learnt.log.access_key_id = Some(signed.access_key_id);
            learnt.caller = Some(signed.identity.clone());
            Some(signed.identity)
        }
    };
    let account = identity
        .as_ref()
        .map(|identity| identity.account.id.as_str());
    let mut post = dialect.decode_post(address, &head, account.unwrap_or_default())?;
    if let Some(policy) = &form.policy {
        let target = PostTarget {
            bucket: post.put.bucket.as_str(),
            key: post.put.key.as_bytes(),
        };
        let range = policy.check(&target, &fields)?;
        post.length_range = range.map(|range| (range.min, range.max));
    }
    // Only now: the form's policy means the name that the form was sent to.
    learnt.ways.target = service.via(post.put.bucket.clone());
    if let Some(via) = &learnt.ways.target {
        post.put.bucket = via.point.bucket.clone();
    }
    let op = Op::PostObject(post);
    learnt.log.bucket = op.bucket().cloned();
    learnt.facts = dialect.facts(&op, &request.headers);
    let asking = Asking {
        caller: identity.as_ref(),
        access_key_id: learnt.log.access_key_id.as_deref(),
        signing,
        dialect,
        headers: &request.headers,
        source: &learnt.source,
        ways: &learnt.ways,
        now: service.now(),
    };
    if identity.is_none() {
        service.check_referer(&op, &request.headers)?;
    }
    service.authorise(&asking, &op, &mut learnt.judged).await?;
    let account = identity.as_ref().map(|caller| &*caller.account.id);
    service.check_change(&op, &learnt.ways, account)?;
    let caller = caller_of(identity.as_ref());
    let reply = service.store.execute(&caller, op, &mut file).await?;
    Ok(Done {
        reply,
        bits_per_second: None,
    })
}

/// The file of a form, unwrapped from the form.
struct FormFile {
    parser: FormParser,
    source: Box<dyn ByteSource>,
    over: bool,
}

impl FormFile {
    async fn head(&mut self) -> Result<FormHead, Fault> {
        match self.piece().await? {
            FormPiece::Head(head) => Ok(head),
            FormPiece::Data(_) | FormPiece::End => Err(FaultKind::IncorrectNumberOfFiles.into()),
        }
    }

    async fn piece(&mut self) -> Result<FormPiece, Fault> {
        loop {
            if let Some(piece) = self.parser.next()? {
                return Ok(piece);
            }
            let Some(chunk) = self.source.next().await? else {
                self.parser.close()?;
                return Ok(FormPiece::End);
            };
            self.parser.push(&chunk);
        }
    }

    /// What follows the file does not count, but a client that still sends it would not
    /// read the answer.
    async fn drain(&mut self) -> Result<(), Fault> {
        while self.source.next().await?.is_some() {}
        Ok(())
    }
}

#[async_trait::async_trait]
impl ByteSource for FormFile {
    async fn next(&mut self) -> Result<Option<Bytes>, Fault> {
        if self.over {
            return Ok(None);
        }
        match self.piece().await? {
            FormPiece::Data(bytes) => Ok(Some(bytes)),
            FormPiece::Head(_) => Err(FaultKind::Internal.into()),
            FormPiece::End => {
                self.over = true;
                self.drain().await?;
                Ok(None)
            }
        }
    }
}
