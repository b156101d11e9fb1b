//! The part of `docs/compat.md` that tells which operations of the control APIs are here.

use std::fmt::Write as _;

use super::{Api, OPERATIONS, Operation, ParameterKind};

const INTRODUCTION: &str = "
## Control APIs

STS and RAM answer on the same port as the store, whatever the host: a request is dispatched by its
`Version` and `Action` (RPC signature) or `x-acs-version` and `x-acs-action` (ACS3-HMAC-SHA256).
Answers are JSON or XML. An action without a row here is answered with 404
`InvalidAction.NotFound`, an API without a section with 400 `InvalidVersion`. Parameters in bold
must be there.
";

const DIFFERENCES: &str = "
What else differs:

- There are no login profiles, MFA devices, account aliases, password policies and service-linked
  roles: nothing here has a console to log in to.
- `ResourceGroupId` is refused: a policy attached within a group would count everywhere.
- `AssumeRoleWithOIDC` and `AssumeRoleWithSAML` are not there.
- `GetAccessKeyLastUsed` knows uses since the server was started.
- A nonce is remembered for as long as its request is valid; a restart forgets them.
";

/// The section, whole.
pub fn compat_section() -> String {
    let mut page = INTRODUCTION.to_owned();
    for api in [Api::Sts, Api::Ram] {
        // Writing to a String can't fail.
        let _ = write!(
            page,
            "\n### {} {}\n\n| Operation | Parameters |\n|---|---|\n",
            api.name(),
            api.version()
        );
        for operation in OPERATIONS.iter().filter(|operation| operation.api == api) {
            let _ = writeln!(page, "| {} | {} |", operation.action, parameters(operation));
        }
    }
    page.push_str(DIFFERENCES);
    page
}

fn parameters<R>(operation: &Operation<R>) -> String {
    let names: Vec<String> = operation
        .parameters
        .iter()
        .map(|parameter| match parameter.kind {
            ParameterKind::text => format!("**{}**", parameter.name),
            ParameterKind::list => format!("{}.N", parameter.name),
            ParameterKind::tags => format!("{}.N.Key, {0}.N.Value or {0} as JSON", parameter.name),
            _ => parameter.name.to_owned(),
        })
        .collect();
    names.join(", ")
}
