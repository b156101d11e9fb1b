//! Explanations by a running server: of requests it refused, and of who may do what.
//!
//! Refusals are in the server's memory alone, and so are the questions: its policies are the
//! ones that count. Whoever may use the control socket is the operator and sees all of it.

use std::io;

use osier_gateway::Gateway;
use osier_service::{Question, QuestionError, Service};
use serde::{Deserialize, Serialize};

use crate::Settings;
use crate::control::{self, Task};

/// What is to be explained.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExplainTask {
    /// About what.
    pub about: Explained,
    /// As JSON, not as text.
    pub json: bool,
}

/// What an explanation is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Explained {
    /// A request that was refused, by its id.
    Request(String),
    /// Whether somebody would be let through.
    Question {
        /// Who.
        who: String,
        /// What they would do.
        action: String,
        /// To what.
        resource: String,
        /// In what circumstances.
        context: Vec<(String, String)>,
    },
    /// Who may do what with something.
    WhoMay {
        /// With what.
        resource: String,
        /// One action; reading, writing and deleting without it.
        action: Option<String>,
        /// In what circumstances.
        context: Vec<(String, String)>,
    },
}

/// Nothing can be explained.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExplainError {
    /// No server works on the data.
    #[error("no server works on `{0}`; only a running one can explain")]
    NoServer(String),
    /// The server can't be asked.
    #[error("the server can't be asked")]
    Server(#[from] io::Error),
    /// It did not refuse a request of this id, or forgot it.
    #[error("no refused request `{0}` is remembered")]
    NoRequest(String),
    /// The question makes no sense.
    #[error(transparent)]
    Question(#[from] QuestionError),
    /// What it answered can't be read.
    #[error("the answer can't be read")]
    Answer(#[from] serde_json::Error),
}

/// Asks the server that works on the data.
///
/// # Errors
/// When there is none, or it has no explanation.
pub fn explain(settings: &Settings, task: ExplainTask) -> Result<String, ExplainError> {
    let answer = control::ask(&settings.data, &Task::Explain(task))?
        .ok_or_else(|| ExplainError::NoServer(settings.data.display().to_string()))?;
    Ok(serde_json::from_str(&answer.summary)?)
}

/// Explains; as text of one or several lines, or as one line of JSON.
pub(crate) async fn run(
    service: &Service,
    gateway: &Gateway,
    task: ExplainTask,
) -> Result<String, ExplainError> {
    let json = task.json;
    match task.about {
        Explained::Request(id) => match service.explain(&id) {
            Some(explanation) => told(&explanation, json),
            None => match gateway.failure(&id) {
                Some(failure) => told(&failure, json),
                None => Err(ExplainError::NoRequest(id)),
            },
        },
        Explained::Question {
            who,
            action,
            resource,
            context,
        } => {
            let question = Question {
                who: Some(who),
                action: Some(action),
                resource,
                context,
            };
            told(&service.ask(&question).await?, json)
        }
        Explained::WhoMay {
            resource,
            action,
            context,
        } => {
            let question = Question {
                who: None,
                action,
                resource,
                context,
            };
            told(&service.who_may(&question).await?, json)
        }
    }
}

fn told<T: Serialize + ToString>(explanation: &T, json: bool) -> Result<String, ExplainError> {
    if json {
        return Ok(serde_json::to_string(explanation)? + "\n");
    }
    Ok(explanation.to_string())
}
