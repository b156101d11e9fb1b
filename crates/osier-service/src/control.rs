//! Requests to the control APIs (STS, RAM, CDN), from their head to their answer.
//!
//! They come to the same port as those of the store and are told apart by what they carry.
//! Their signatures, their permissions and their words are others, so none of the store's
//! stations sees them.

use std::net::SocketAddr;

use bytes::Bytes;
use http::StatusCode;
use http::header::HOST;
use http::request::Parts;
use osier_auth::Identity;
use osier_auth::control::{ControlAuthentication, ControlHead, authenticate_control};
use osier_auth::directory::{ControlFault, ControlOutcome};
use osier_auth::policy::Conditions;
use osier_cdn::CdnOutcome;
use osier_store::{ByteSource, BytesSource};
use osier_types::limits::CONTROL_FORM_BYTES_MAX;
use osier_types::{Fault, FaultKind};
use osier_wire::Dialect;
use osier_wire::rpc::{self, Api, Format, Recognition, RpcContext};

use crate::arrive::text_of;
use crate::authorise::{Asking, circumstances};
use crate::body::read_document;
use crate::cdn::CdnRefusal;
use crate::reply::log_fault;
use crate::service::{Learnt, Service, upper_hex};
use crate::{ControlAccess, RequestLog, Response, ResponseBody, Verdict};

/// Whose a request turned out to be.
pub(crate) enum Told {
    /// A control API's; this is its body, read whole.
    Control(Result<Bytes, ControlFault>),
    /// STS's or IAM's of AWS; likewise.
    Aws(Result<Bytes, ControlFault>),
    /// The store's; its body, of which nothing is lost.
    Store(Box<dyn ByteSource>),
}

/// What a control API answers.
enum Outcome {
    Directory(ControlOutcome),
    Cdn(CdnOutcome),
}

/// Whether a request is one of a control API, or its body may tell so.
pub(crate) fn may_be(head: &Parts) -> bool {
    recognition(head) != Recognition::Store
}

fn recognition(head: &Parts) -> Recognition {
    let (path, query) = (head.uri.path(), head.uri.query().unwrap_or_default());
    rpc::recognise(&head.method, path, query, &head.headers)
}

/// Tells requests of control APIs from those of the store. Reads the body where only that
/// can tell, which is none that the store would stream.
pub(crate) async fn tell(head: &Parts, mut body: Box<dyn ByteSource>) -> Told {
    let recognition = recognition(head);
    if recognition == Recognition::Store {
        return Told::Store(body);
    }
    let form = read_document(body.as_mut(), CONTROL_FORM_BYTES_MAX).await;
    let recognition = match (recognition, &form) {
        (Recognition::AskForm, Ok(form)) => rpc::form_of_control(form),
        _ => recognition,
    };
    match (recognition, form) {
        (Recognition::Control, form) => Told::Control(form.map_err(|fault| unreadable(&fault))),
        (Recognition::Aws, form) => Told::Aws(form.map_err(|fault| unreadable(&fault))),
        (_, Ok(form)) => Told::Store(Box::new(BytesSource::new(form))),
        // No operation of the store has a form without a query; it will say so.
        (_, Err(_)) => Told::Store(Box::new(BytesSource::empty())),
    }
}

impl Service {
    /// Answers a request to a control API.
    pub(crate) async fn control(
        &self,
        head: &Parts,
        form: Result<Bytes, ControlFault>,
        peer: SocketAddr,
        secure: bool,
    ) -> Response {
        let mut learnt = self.nothing_learnt(peer, secure, &head.headers);
        learnt.log.request_id = self.uuid();
        let query = head.uri.query().unwrap_or_default();
        let known_form = form.as_deref().unwrap_or_default();
        let format = Format::wanted(query, known_form, &head.headers);
        let done = match form {
            Ok(form) => self.control_outcome(head, &form, &mut learnt).await,
            Err(fault) => Err(CdnRefusal::Control(fault)),
        };
        let mut log = learnt.log;
        log.source = Some(learnt.source.address);
        log.secure = learnt.source.secure;
        let caller = learnt.caller;
        let host = text_of(&head.headers, &HOST).unwrap_or_default();
        let request_id = log.request_id.clone();
        let context = RpcContext {
            request_id: &request_id,
            host: &host,
            format,
            now: self.now(),
        };
        let encoded = match done {
            Ok(Outcome::Directory(outcome)) => rpc::encode(&context, log.op, &outcome),
            Ok(Outcome::Cdn(outcome)) => rpc::encode_cdn(&context, log.op, &outcome),
            Err(CdnRefusal::Cdn(fault)) => {
                log.error_code = Some(fault.family());
                log.ec = Some(fault.code());
                rpc::encode_cdn_fault(&context, &fault)
            }
            Err(CdnRefusal::Control(fault)) => {
                if caller.is_none() || matches!(fault, ControlFault::NoPermission { .. }) {
                    log.verdict = Verdict::Refused;
                }
                log.error_code = Some(rpc::family(&fault));
                log.ec = Some(fault.code());
                let status = StatusCode::from_u16(fault.status()).unwrap_or(StatusCode::FORBIDDEN);
                let told = (status, fault.to_string());
                self.note_control_refusal(head, &log, caller.as_ref(), told);
                rpc::encode_fault(&context, &fault, caller.as_ref())
            }
        };
        log.identity = caller;
        Response {
            head: encoded.head,
            body: ResponseBody::Bytes(encoded.body),
            log,
        }
    }

    async fn control_outcome(
        &self,
        head: &Parts,
        form: &[u8],
        learnt: &mut Learnt,
    ) -> Result<Outcome, CdnRefusal> {
        let now = self.now();
        // Until its sender is known.
        learnt.log.verdict = Verdict::Refused;
        let signed = authenticate_control(
            &ControlHead {
                method: &head.method,
                path: head.uri.path(),
                raw_query: head.uri.query().unwrap_or_default(),
                headers: &head.headers,
                body: form,
            },
            self.identities.as_ref(),
            &self.nonces,
            now,
        )
        .map_err(CdnRefusal::Control)?;
        learnt.log.verdict = Verdict::NotAsked;
        self.identities.note_use(&signed.access_key_id, now);
        learnt.log.access_key_id = Some(signed.access_key_id.clone());
        let caller = &*learnt.caller.insert(signed.identity.clone());
        let conditions = circumstances(&Asking {
            caller: Some(caller),
            access_key_id: Some(&signed.access_key_id),
            signing: None,
            dialect: Dialect::default(),
            headers: &head.headers,
            source: &learnt.source,
            ways: &learnt.ways,
            now,
        });
        let log = &mut learnt.log;
        if Api::of_version(&signed.version) == Some(Api::Cdn) {
            let done = self.cdn_outcome(&signed, caller, &conditions, log).await;
            return done.map(Outcome::Cdn);
        }
        let done = self
            .directory_outcome(&signed, caller, &conditions, log)
            .await;
        done.map(Outcome::Directory).map_err(CdnRefusal::Control)
    }

    async fn directory_outcome(
        &self,
        signed: &ControlAuthentication,
        caller: &Identity,
        conditions: &Conditions<'_>,
        log: &mut RequestLog,
    ) -> Result<ControlOutcome, ControlFault> {
        let operation = rpc::operation(&signed.version, &signed.action)?;
        log.op = operation.action;
        let mut request = rpc::decode(operation, &signed.parameters)?;
        request.complete(caller)?;
        log.control = Some(ControlAccess {
            action: request.action(),
            resources: request.resources(&caller.account.id),
        });
        let done = self
            .identities
            .execute(caller, request, conditions, self.now())
            .await;
        let done = done.unwrap_or_else(|fault| {
            log_fault(log, &fault);
            Err(ControlFault::Internal)
        });
        log.verdict = match &done {
            Err(ControlFault::NoPermission { .. }) => Verdict::Refused,
            _ => Verdict::Granted,
        };
        done
    }

    /// As the control APIs name their requests.
    pub(crate) fn uuid(&self) -> String {
        let mut bytes = [0; 16];
        self.rng.fill(&mut bytes);
        // Version 4, variant 1 (RFC 9562).
        bytes[6] = bytes[6] & 0x0F | 0x40;
        bytes[8] = bytes[8] & 0x3F | 0x80;
        let mut uuid = String::with_capacity(36);
        for (nth, byte) in bytes.iter().enumerate() {
            if matches!(nth, 4 | 6 | 8 | 10) {
                uuid.push('-');
            }
            uuid.push_str(&upper_hex(&[*byte]));
        }
        uuid
    }
}

/// Why a body could not be read, in words of the control APIs.
fn unreadable(fault: &Fault) -> ControlFault {
    let reason = match fault.kind {
        FaultKind::EntityTooLarge { max } => format!("at most {max} bytes"),
        _ => "it must come whole and in time".to_owned(),
    };
    ControlFault::invalid("Body", reason)
}
