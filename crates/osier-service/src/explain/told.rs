//! Explanations as they are told: to programs as data, to people as text.

use std::collections::BTreeMap;
use std::fmt;

use osier_auth::Decision;
use osier_auth::diagnosis::{Diagnosis, SignedText};
use osier_auth::policy::{RequestResource, Unmet};
use osier_types::Access;
use serde::Serialize;

use super::Refusal;

/// Why a request was refused, or whether one would be.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Explanation {
    /// The request, when there was one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request: Option<RequestTold>,
    /// `allowed` or `denied`.
    pub verdict: &'static str,
    /// The answer in one sentence.
    pub summary: String,
    /// Who asks, as policies name it, or `anonymous`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub caller: Option<String>,
    /// The action.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub action: Option<String>,
    /// The resource, as policies should name it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resource: Option<String>,
    /// What each layer said, in order; the last one decided.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub layers: Vec<LayerTold>,
    /// The grant that came closest.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nearest: Option<String>,
    /// The resource that the nearest grant would have to list as well.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub missing_resource: Option<String>,
    /// What conditions could see.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub circumstances: BTreeMap<String, String>,
    /// What is known of the signature.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signature: Option<SignatureTold>,
}

/// A request that was refused.
#[derive(Clone, Debug, Serialize)]
pub struct RequestTold {
    /// Its id.
    pub id: String,
    /// When it came.
    pub time: String,
    /// Its operation.
    pub operation: &'static str,
    /// Its method.
    pub method: String,
    /// Its host.
    pub host: String,
    /// Its target, without signature and token.
    pub target: String,
    /// Where it came from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// The key that signed it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub access_key_id: Option<String>,
    /// The status answered.
    pub status: u16,
    /// The code answered.
    pub code: &'static str,
    /// The finer code answered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ec: Option<String>,
    /// The message answered.
    pub message: String,
}

/// What one layer said.
#[derive(Clone, Debug, Serialize)]
pub struct LayerTold {
    /// Who speaks.
    pub layer: &'static str,
    /// `allows`, `denies` or `says nothing`.
    pub verdict: &'static str,
    /// Why.
    pub reason: String,
    /// The document of the statement that says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub document: Option<String>,
    /// The statement's place in it, from 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub statement: Option<usize>,
    /// The statement's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sid: Option<String>,
    /// What of it matched, in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub matched: Option<String>,
}

/// What is known of a refused signature.
#[derive(Clone, Debug, Serialize)]
pub struct SignatureTold {
    /// What would have made it right; all of it together. Empty when nothing was found.
    pub findings: Vec<BTreeMap<&'static str, String>>,
    /// What the server signed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub server: Option<TextsTold>,
    /// What the client signed, where that was found out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client: Option<TextsTold>,
}

/// The texts behind a signature.
#[derive(Clone, Debug, Serialize, PartialEq, Eq)]
pub struct TextsTold {
    /// V4 only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub canonical_request: Option<String>,
    /// What the key signs.
    pub string_to_sign: String,
}

/// Who may do what with a resource.
#[derive(Clone, Debug, Serialize)]
pub struct AccessReport {
    /// The resource.
    pub resource: String,
    /// For each action, who may.
    pub actions: Vec<ActionReport>,
}

/// Who may do one thing.
#[derive(Clone, Debug, Serialize)]
pub struct ActionReport {
    /// The action.
    pub action: &'static str,
    /// Those who may.
    pub allowed: Vec<Grantee>,
    /// Those who may under conditions that were not given.
    pub conditional: Vec<Grantee>,
}

/// Somebody who may.
#[derive(Clone, Debug, Serialize)]
pub struct Grantee {
    /// As policies name them, or `anonymous`.
    pub who: String,
    /// Why, or under which conditions.
    pub because: String,
}

impl Explanation {
    pub(super) fn plain(refusal: &Refusal) -> Self {
        Self {
            request: Some(RequestTold::of(refusal)),
            verdict: "denied",
            summary: refusal.message.clone(),
            caller: refusal.caller.clone(),
            circumstances: told(&refusal.circumstances),
            ..Self::default()
        }
    }

    pub(super) fn of_permission(refusal: &Refusal, access: &Access, decision: &Decision) -> Self {
        Self {
            request: Some(RequestTold::of(refusal)),
            circumstances: told(&refusal.circumstances),
            ..Self::of_decision(refusal.caller.clone(), access, decision)
        }
    }

    pub(super) fn of_decision(
        caller: Option<String>,
        access: &Access,
        decision: &Decision,
    ) -> Self {
        let layers: Vec<LayerTold> = decision.trace.iter().map(LayerTold::of).collect();
        let resource = RequestResource::oss(&access.resource, "", "").to_string();
        let missing = decision.nearest.as_ref().and_then(|miss| {
            let mut resources = miss.unmet.iter().filter_map(|unmet| match unmet {
                Unmet::Resource {
                    needed,
                    negated: false,
                    ..
                } => Some(needed.clone()),
                _ => None,
            });
            resources.next_back().filter(|_| miss.unmet.len() == 1)
        });
        let decided = layers.last().map_or_else(String::new, |layer| {
            let matched = layer.matched.as_ref().unwrap_or(&layer.reason);
            format!("{}: {matched}", layer.layer)
        });
        Self {
            verdict: if decision.allowed {
                "allowed"
            } else {
                "denied"
            },
            summary: match (&missing, &decision.nearest) {
                (Some(missing), Some(miss)) => {
                    format!("`{missing}` is missing in the Resource of {}", place(miss))
                }
                _ => decided,
            },
            caller: Some(caller.unwrap_or_else(|| "anonymous".to_owned())),
            action: Some(access.action.to_owned()),
            resource: Some(resource),
            layers,
            nearest: decision.nearest.as_ref().map(ToString::to_string),
            missing_resource: missing,
            ..Self::default()
        }
    }

    pub(super) fn of_signature(refusal: &Refusal, diagnosis: &Diagnosis) -> Self {
        let summary = if diagnosis.findings.is_empty() {
            refusal.message.clone()
        } else {
            let says = diagnosis
                .findings
                .iter()
                .map(|finding| finding.says.as_str());
            says.collect::<Vec<_>>().join(", and ")
        };
        let findings = diagnosis.findings.iter().map(|finding| {
            BTreeMap::from([
                ("clue", finding.clue.as_str().to_owned()),
                ("says", finding.says.clone()),
            ])
        });
        Self {
            summary,
            signature: Some(SignatureTold {
                findings: findings.collect(),
                server: diagnosis.server.as_ref().map(TextsTold::of),
                client: diagnosis.client.as_ref().map(TextsTold::of),
            }),
            ..Self::plain(refusal)
        }
    }
}

/// `statement 0 ("App") of ..`.
fn place(miss: &osier_auth::policy::NearMiss) -> String {
    let sid = miss.sid.as_ref();
    let sid = sid.map_or_else(String::new, |sid| format!(" (\"{sid}\")"));
    format!("statement {}{sid} of {}", miss.statement, miss.document)
}

fn told(circumstances: &[(&'static str, String)]) -> BTreeMap<String, String> {
    circumstances
        .iter()
        .map(|(key, value)| ((*key).to_owned(), value.clone()))
        .collect()
}

impl RequestTold {
    fn of(refusal: &Refusal) -> Self {
        Self {
            id: refusal.request_id.clone(),
            time: refusal.at.iso8601(),
            operation: refusal.op,
            method: refusal.method.to_string(),
            host: refusal.host.clone(),
            target: refusal.target.clone(),
            source: refusal.source.map(|source| source.to_string()),
            access_key_id: refusal.access_key_id.clone(),
            status: refusal.status.as_u16(),
            code: refusal.code,
            ec: refusal.ec.clone(),
            message: refusal.message.clone(),
        }
    }
}

impl LayerTold {
    fn of(step: &osier_auth::Step) -> Self {
        let cited = step.cited.as_deref();
        Self {
            layer: step.layer.as_str(),
            verdict: step.verdict.as_str(),
            reason: step.reason.to_owned(),
            document: cited.map(|cited| cited.document.clone()),
            statement: cited.map(|cited| cited.statement),
            sid: cited.and_then(|cited| cited.sid.clone()),
            matched: cited.map(ToString::to_string),
        }
    }
}

impl TextsTold {
    fn of(text: &SignedText) -> Self {
        Self {
            canonical_request: text.canonical_request.clone(),
            string_to_sign: text.string_to_sign.clone(),
        }
    }
}

impl fmt::Display for Explanation {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(out, "{}: {}", self.verdict, visible(&self.summary))?;
        if let Some(request) = &self.request {
            request.fmt(out)?;
        }
        let caller = self.caller.as_deref();
        for (name, value) in [
            ("caller", caller),
            ("action", self.action.as_deref()),
            ("resource", self.resource.as_deref()),
        ] {
            if let Some(value) = value {
                writeln!(out, "  {name:<10}{}", visible(value))?;
            }
        }
        for (key, value) in &self.circumstances {
            writeln!(out, "  {key} = {}", visible(value))?;
        }
        if !self.layers.is_empty() {
            writeln!(out, "layers, in order; the last one decided:")?;
        }
        for layer in &self.layers {
            let matched = layer.matched.as_ref().unwrap_or(&layer.reason);
            writeln!(
                out,
                "  {} {}: {}",
                layer.layer,
                layer.verdict,
                visible(matched)
            )?;
        }
        if let Some(nearest) = &self.nearest {
            writeln!(out, "nearest grant:\n  {}", visible(nearest))?;
        }
        match &self.signature {
            Some(signature) => signature.fmt(out),
            None => Ok(()),
        }
    }
}

impl fmt::Display for RequestTold {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(out, "request {} at {}", self.id, self.time)?;
        writeln!(
            out,
            "  {} {} at {} ({})",
            self.method,
            visible(&self.target),
            visible(&self.host),
            self.operation
        )?;
        writeln!(
            out,
            "  answered {} {} {}",
            self.status,
            self.code,
            self.ec.as_deref().unwrap_or_default()
        )?;
        match &self.access_key_id {
            Some(id) => writeln!(out, "  key       {}", visible(id)),
            None => Ok(()),
        }
    }
}

impl fmt::Display for SignatureTold {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.findings.is_empty() {
            writeln!(
                out,
                "nothing that clients are known to do wrong explains the signature; compare the \
                 text below with what the client signs, and its secret with the key's"
            )?;
        }
        let both = [("server", &self.server), ("client", &self.client)];
        let same = self.server == self.client;
        for (who, texts) in both.into_iter().take(if same { 1 } else { 2 }) {
            let Some(texts) = texts else {
                continue;
            };
            if let Some(canonical) = &texts.canonical_request {
                writeln!(out, "canonical request of the {who}:")?;
                indented(out, canonical)?;
            }
            writeln!(out, "string to sign of the {who}:")?;
            indented(out, &texts.string_to_sign)?;
        }
        Ok(())
    }
}

impl fmt::Display for AccessReport {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(out, "{}", visible(&self.resource))?;
        for report in &self.actions {
            writeln!(out, "{}", report.action)?;
            if report.allowed.is_empty() && report.conditional.is_empty() {
                writeln!(out, "  nobody")?;
            }
            for grantee in &report.allowed {
                writeln!(
                    out,
                    "  {} ({})",
                    visible(&grantee.who),
                    visible(&grantee.because)
                )?;
            }
            for grantee in &report.conditional {
                writeln!(
                    out,
                    "  {} under conditions ({})",
                    visible(&grantee.who),
                    visible(&grantee.because)
                )?;
            }
        }
        Ok(())
    }
}

fn indented(out: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    for line in text.split('\n') {
        writeln!(out, "  | {}", visible(line))?;
    }
    Ok(())
}

/// A text that a client may have chosen, without what would steer a terminal (S23).
fn visible(text: &str) -> String {
    text.chars()
        .flat_map(|c| {
            let shown = c.is_control().then(|| c.escape_default());
            let plain = (!c.is_control()).then_some(c);
            shown.into_iter().flatten().chain(plain)
        })
        .collect()
}
