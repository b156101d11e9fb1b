//! Requests to STS and IAM in AWS's query protocol, from their head to their answer.
//!
//! As those to the control APIs of Alibaba, with which they share port and identities; what
//! differs is how they are signed and in what words they are answered.

use std::net::SocketAddr;

use bytes::Bytes;
use http::header::HOST;
use http::request::Parts;
use osier_auth::control::{ControlHead, authenticate_aws};
use osier_auth::directory::{ControlFault, ControlOutcome};
use osier_wire::Dialect;
use osier_wire::aws::{self, Asked, AwsContext, Operation};

use crate::arrive::text_of;
use crate::authorise::{Asking, circumstances};
use crate::reply::log_fault;
use crate::service::{Learnt, Service};
use crate::{ControlAccess, Response, ResponseBody, Verdict};

/// An operation that went well.
struct Done {
    operation: &'static Operation,
    asked: Asked,
    outcomes: Vec<ControlOutcome>,
}

/// One that did not, and which it was, if that was told.
struct Refused {
    operation: Option<&'static Operation>,
    fault: ControlFault,
}

impl From<ControlFault> for Refused {
    fn from(fault: ControlFault) -> Self {
        Self {
            operation: None,
            fault,
        }
    }
}

impl Service {
    /// Answers a request to STS or IAM of AWS.
    pub(crate) async fn aws_control(
        &self,
        head: &Parts,
        form: Result<Bytes, ControlFault>,
        peer: SocketAddr,
        secure: bool,
    ) -> Response {
        let mut learnt = self.nothing_learnt(peer, secure, &head.headers);
        learnt.log.request_id = self.uuid().to_ascii_lowercase();
        let done = match form {
            Ok(form) => self.aws_outcome(head, &form, &mut learnt).await,
            Err(fault) => Err(fault.into()),
        };
        let mut log = learnt.log;
        log.source = Some(learnt.source.address);
        log.secure = learnt.source.secure;
        let caller = learnt.caller;
        let request_id = log.request_id.clone();
        let context = AwsContext {
            request_id: &request_id,
            now: self.now(),
        };
        let encoded = match (done, &caller) {
            (Ok(done), Some(caller)) => {
                let Done {
                    operation,
                    asked,
                    outcomes,
                } = done;
                aws::encode(&context, operation, &asked, &outcomes, caller)
            }
            (done, _) => {
                let refused = done.err();
                let operation = refused.as_ref().and_then(|refused| refused.operation);
                let fault = refused.map_or(ControlFault::Internal, |refused| refused.fault);
                if caller.is_none() || matches!(fault, ControlFault::NoPermission { .. }) {
                    log.verdict = Verdict::Refused;
                }
                let words = aws::words(&fault, operation, caller.as_ref());
                log.error_code = Some(words.code);
                let told = (words.status, words.message);
                self.note_control_refusal(head, &log, caller.as_ref(), told);
                aws::encode_fault(&context, &fault, operation, caller.as_ref())
            }
        };
        log.identity = caller;
        Response {
            head: encoded.head,
            body: ResponseBody::Bytes(encoded.body),
            log,
        }
    }

    async fn aws_outcome(
        &self,
        head: &Parts,
        form: &[u8],
        learnt: &mut Learnt,
    ) -> Result<Done, Refused> {
        let now = self.now();
        // Until its sender is known.
        learnt.log.verdict = Verdict::Refused;
        let host = text_of(&head.headers, &HOST).unwrap_or_default();
        let signed = authenticate_aws(
            &self.verifier,
            &ControlHead {
                method: &head.method,
                path: head.uri.path(),
                raw_query: head.uri.query().unwrap_or_default(),
                headers: &head.headers,
                body: form,
            },
            &self.other_hosts(&host),
            self.identities.as_ref(),
            now,
        )?;
        learnt.log.verdict = Verdict::NotAsked;
        self.identities.note_use(&signed.access_key_id, now);
        learnt.log.access_key_id = Some(signed.access_key_id.clone());
        let caller = &*learnt.caller.insert(signed.identity);
        let operation = aws::operation(&signed.version, &signed.action)?;
        learnt.log.op = operation.action;
        let refuse = |fault| Refused {
            operation: Some(operation),
            fault,
        };
        let directory = self.identities.current();
        let mut asked =
            aws::decode(operation, &signed.parameters, caller, &directory).map_err(refuse)?;
        for request in &mut asked.requests {
            request.complete(caller).map_err(refuse)?;
            learnt.log.control = Some(ControlAccess {
                action: request.action(),
                resources: request.resources(&caller.account.id),
            });
        }
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
        let mut outcomes = Vec::with_capacity(asked.requests.len());
        for request in &asked.requests {
            let done = self
                .identities
                .execute(caller, request.clone(), &conditions, now)
                .await;
            let done = done.unwrap_or_else(|fault| {
                log_fault(&learnt.log, &fault);
                Err(ControlFault::Internal)
            });
            learnt.log.verdict = match &done {
                Err(ControlFault::NoPermission { .. }) => Verdict::Refused,
                _ => Verdict::Granted,
            };
            outcomes.push(match done {
                Err(ControlFault::AlreadyExists { .. }) if asked.already_is_done => {
                    ControlOutcome::Done
                }
                done => done.map_err(refuse)?,
            });
        }
        Ok(Done {
            operation,
            asked,
            outcomes,
        })
    }
}
